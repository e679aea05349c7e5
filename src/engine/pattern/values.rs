//! Values of fields as patterns keep them: strings, numbers and booleans, compared by type and value.

use crate::engine::dedupe::fnv1a;
use crate::engine::tree::Read;
use footfall_protocol::limits::{TEXT_BYTES_MAX, cut};
use footfall_protocol::{Amount, Value};
use serde::{Deserialize, Serialize};

/// A value that can be compared. Of a text its first [`TEXT_BYTES_MAX`] bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) enum Scalar {
    Bool(bool),
    Number(f64),
    Text(String),
}

impl Scalar {
    /// What was read, if it is such a value.
    pub(super) fn of(read: &Read<'_>) -> Option<Self> {
        Some(match borrowed(read)? {
            Borrowed::Bool(flag) => Self::Bool(flag),
            Borrowed::Number(number) => Self::Number(number),
            Borrowed::Text(text) => Self::Text(text.to_owned()),
        })
    }

    /// As a test reads it.
    pub(super) fn read(&self) -> Read<'_> {
        match self {
            Self::Bool(flag) => Read::Bool(*flag),
            Self::Number(number) => Read::Number(*number),
            Self::Text(text) => Read::Str(text),
        }
    }
}

enum Borrowed<'a> {
    Bool(bool),
    Number(f64),
    Text(&'a str),
}

fn borrowed<'a>(read: &'a Read<'_>) -> Option<Borrowed<'a>> {
    let value = match read {
        Read::Bool(flag) => return Some(Borrowed::Bool(*flag)),
        Read::Number(number) => return Some(Borrowed::Number(*number)),
        Read::Str(text) => return Some(Borrowed::Text(cut(text, TEXT_BYTES_MAX))),
        Read::Missing | Read::Texts(_) | Read::Object(_) => return None,
        Read::Value(value) => value.as_ref(),
    };
    match value {
        Value::Bool(flag) => Some(Borrowed::Bool(*flag)),
        Value::Number(number) => Some(Borrowed::Number(*number)),
        Value::String(text) => Some(Borrowed::Text(cut(text, TEXT_BYTES_MAX))),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A hash under which a value is told from others; `None` for what is no string, number or boolean. Somebody who finds
/// a collision can only mislead the store about themselves.
pub(super) fn key(read: &Read<'_>) -> Option<u64> {
    Some(match borrowed(read)? {
        Borrowed::Bool(flag) => fnv1a(&[0, u8::from(flag)]),
        Borrowed::Number(number) => {
            // The two zeros are the same number.
            let number = if number == 0.0 { 0.0 } else { number };
            fnv1a(&[[1].as_slice(), &number.to_le_bytes()].concat())
        }
        Borrowed::Text(text) => fnv1a(&[[2].as_slice(), text.as_bytes()].concat()),
    })
}

/// An amount: a number, or a text with a number in it.
pub(super) fn amount(read: &Read<'_>) -> Option<Amount> {
    match read {
        Read::Number(number) => Amount::from_units(*number),
        Read::Str(text) => Amount::from_units(text.trim().parse().ok()?),
        Read::Value(value) => Amount::from_value(value),
        Read::Missing | Read::Bool(_) | Read::Texts(_) | Read::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    #[test]
    fn values_are_the_same_when_type_and_value_are() {
        let value = |value: Value| key(&Read::Value(Cow::Owned(value)));
        assert_eq!(value("7".into()), key(&Read::Str("7")));
        assert_eq!(value(7.0.into()), key(&Read::Number(7.0)));
        assert_ne!(value("7".into()), value(7.0.into()));
        assert_ne!(value(1.0.into()), value(true.into()));
        assert_eq!(value(0.0.into()), value((-0.0).into()));
        assert_eq!((value(Value::Null), value(Value::Array(vec![])), key(&Read::Missing)), (None, None, None));
        let long = "x".repeat(TEXT_BYTES_MAX);
        assert_eq!(key(&Read::Str(&format!("{long}a"))), key(&Read::Str(&format!("{long}b"))));
        assert_eq!(Scalar::of(&Read::Str(&format!("{long}a"))), Some(Scalar::Text(long)));
    }

    #[test]
    fn an_amount_is_a_number_or_a_text_with_a_number() {
        assert_eq!(amount(&Read::Number(1.5)), Some(Amount(1_500_000)));
        assert_eq!(amount(&Read::Str(" 1.5 ")), Some(Amount(1_500_000)));
        assert_eq!(amount(&Read::Value(Cow::Owned("18.99".into()))), Some(Amount(18_990_000)));
        assert_eq!(
            (amount(&Read::Str("1,5")), amount(&Read::Bool(true)), amount(&Read::Str("NaN"))),
            (None, None, None)
        );
    }
}
