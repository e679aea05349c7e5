//! The value at hand while a condition is tested: a borrowed view of what was read.

use crate::engine::tree::{Field, Read, Scope, index};
use footfall_protocol::{Object, Value};

/// A value, borrowed. What is missing is null, as in the SDK.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) enum Actual<'v> {
    Null,
    Bool(bool),
    Number(f64),
    Text(&'v str),
    Texts(&'v [String]),
    List(&'v [Value]),
    Object(&'v Object),
}

impl<'v> Actual<'v> {
    pub(in crate::engine) fn of(read: &'v Read<'_>) -> Self {
        match read {
            Read::Missing => Self::Null,
            Read::Bool(flag) => Self::Bool(*flag),
            Read::Number(number) => Self::Number(*number),
            Read::Str(text) => Self::Text(text),
            Read::Texts(texts) => Self::Texts(texts),
            Read::Object(object) => Self::Object(object),
            Read::Value(value) => Self::of_value(value),
        }
    }

    pub(super) fn of_value(value: &'v Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Number(number) => Self::Number(*number),
            Value::String(text) => Self::Text(text),
            Value::Array(items) => Self::List(items),
            Value::Object(object) => Self::Object(object),
        }
    }

    /// How many items it has; `None` when it is no array.
    pub(super) const fn len(self) -> Option<usize> {
        match self {
            Self::Texts(texts) => Some(texts.len()),
            Self::List(items) => Some(items.len()),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Object(_) => None,
        }
    }

    /// Whether it is an array and one of its items is such a one.
    pub(super) fn any_item(self, mut test: impl FnMut(Self) -> bool) -> bool {
        match self {
            Self::Texts(texts) => texts.iter().any(|text| test(Actual::Text(text))),
            Self::List(items) => items.iter().any(|item| test(Actual::of_value(item))),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Object(_) => false,
        }
    }
}

/// An item of an array, as the scope of a condition on its members. A scalar has none.
pub(super) struct Item<'v>(pub(super) Actual<'v>);

impl Scope for Item<'_> {
    fn read<'a>(&'a self, field: &Field) -> Read<'a> {
        match (field, self.0) {
            (Field::Any(path), Actual::Object(object)) => match path.split_first() {
                Some((first, rest)) => Read::below(object.get(first), rest),
                None => Read::Missing,
            },
            // As in JavaScript the members of an array are its items and its length.
            #[expect(clippy::cast_precision_loss, reason = "arrays are far shorter than 2^53")]
            (Field::Any(path), Actual::List(items)) => match path.split_first() {
                Some((first, [])) if first == "length" => Read::Number(items.len() as f64),
                Some((first, rest)) => Read::below(index(first).and_then(|at| items.get(at)), rest),
                None => Read::Missing,
            },
            (Field::Any(_) | Field::Known(..), _) => Read::Missing,
        }
    }
}
