//! Reading fields: what a scope is asked and what it answers.

use super::Field;
use footfall_protocol::{Object, Value};
use std::borrow::Cow;

/// What reading a field gives. Nothing is copied but lists that are made when they are read.
#[derive(Clone, Debug, PartialEq)]
pub enum Read<'a> {
    /// There is no such value now.
    Missing,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(f64),
    /// Text.
    Str(&'a str),
    /// An array of texts.
    Texts(&'a [String]),
    /// An open object.
    Object(&'a Object),
    /// Anything.
    Value(Cow<'a, Value>),
}

impl<'a> Read<'a> {
    /// Text that may be empty, which then is missing.
    pub fn text(text: &'a str) -> Self {
        if text.is_empty() { Self::Missing } else { Self::Str(text) }
    }

    /// The value at a path below one that is there. As in JavaScript a path goes on into an array by an item's place
    /// (`lines.0.sku`) and to its `length`.
    pub fn below(root: Option<&'a Value>, path: &[String]) -> Self {
        let Some(mut value) = root else { return Self::Missing };
        for (at, key) in path.iter().enumerate() {
            let next = match value {
                Value::Object(object) => object.get(key),
                #[expect(clippy::cast_precision_loss, reason = "arrays are far shorter than 2^53")]
                Value::Array(items) if key == "length" && at + 1 == path.len() => {
                    return Self::Number(items.len() as f64);
                }
                Value::Array(items) => index(key).and_then(|index| items.get(index)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
            };
            let Some(next) = next else { return Self::Missing };
            value = next;
        }
        Self::Value(Cow::Borrowed(value))
    }

    /// As a value of its own; `None` when missing.
    pub fn into_value(self) -> Option<Value> {
        match self {
            Self::Missing => None,
            Self::Bool(flag) => Some(Value::Bool(flag)),
            Self::Number(number) => Some(Value::Number(number)),
            Self::Str(text) => Some(Value::from(text)),
            Self::Texts(texts) => Some(Value::Array(texts.iter().map(|text| text.as_str().into()).collect())),
            Self::Object(object) => Some(Value::Object(object.clone())),
            Self::Value(value) => Some(value.into_owned()),
        }
    }
}

/// An item's place as a path says it: digits without a leading zero.
pub(in crate::engine) fn index(key: &str) -> Option<usize> {
    let canonical = key == "0" || !key.starts_with('0');
    (canonical && key.bytes().all(|b| b.is_ascii_digit())).then(|| key.parse().ok()).flatten()
}

/// Something whose fields can be read: a live visitor, or free attributes.
pub trait Scope {
    /// The field's value now. Total: what is not there is [`Read::Missing`].
    fn read<'a>(&'a self, field: &Field) -> Read<'a>;
}

impl Scope for Value {
    fn read<'a>(&'a self, field: &Field) -> Read<'a> {
        match field {
            Field::Any(path) => Read::below(Some(self), path),
            Field::Known(..) => Read::Missing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_through_objects_and_arrays() {
        let value: Value = serde_json::from_str(r#"{"a":{"b":[1,{"c":true}]},"n":null}"#).unwrap();
        for (path, found) in [
            ("a.b.0", Some(Value::from(1.0))),
            ("a.b.1.c", Some(Value::from(true))),
            ("a.b.length", Some(Value::from(2.0))),
            ("a.b.length.x", None),
            ("a.b.2", None),
            ("a.b.00", None),
            ("n.x", None),
            ("a.b.", None),
            ("", None),
        ] {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            assert_eq!(Read::below(Some(&value), &path).into_value(), found, "{path:?}");
        }
    }
}
