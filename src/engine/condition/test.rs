//! One test of a field's value.

use super::actual::{Actual, Item};
use super::version::padded;
use super::{Condition, Members, Pattern, js};
use crate::engine::tree::Read;
use footfall_protocol::Value;
use footfall_protocol::limits::{REGEX_TEXT_BYTES_MAX, cut};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// One test of a field's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Test {
    /// A bare string: the value's text is the same.
    Text {
        /// The string.
        text: String,
        /// The number that JavaScript writes as this string, if there is one.
        number: Option<f64>,
    },
    /// A bare string within `$alli`: the value's text is the same in lower case.
    Folded(String),
    /// A bare number: the value, made a number, is the same.
    Number(f64),
    /// A bare truth value: the value is not null and as true.
    Flag(bool),
    /// A bare null: the value is null or missing.
    Null,
    /// A bare array or object: the same JSON text.
    Json(Value),
    /// `$eq`: the same type and value.
    Is(Scalar),
    /// `$ne`
    IsNot(Scalar),
    /// `$lt`, `$lte`, `$gt`, `$gte`
    Order(Comparison, Primitive),
    /// `$veq` and its kin: versions in their padded form.
    Version(Comparison, String),
    /// `$exists`
    Exists(bool),
    /// `$in`, `$ini` and `$inGroup`: one of these; for an array, any of its items is.
    In(Members),
    /// `$nin`, `$nini` and `$notInGroup`
    NotIn(Members),
    /// Several operators at once.
    Every(Vec<Self>),
    /// `$not`
    Not(Box<Self>),
    /// `$size`: of an array.
    Size(Box<Self>),
    /// `$elemMatch` with operators: some item that is not null passes.
    SomeItem(Box<Self>),
    /// `$elemMatch` with a condition: it holds for some item that is not null.
    SomeObject(Box<Condition>),
    /// `$all` and `$alli`: each of these is passed by some item.
    AllOf(Vec<Self>),
    /// `$regex`, `$regexi`
    Matches(Pattern),
    /// `$notRegex`, `$notRegexi`
    MatchesNot(Pattern),
    /// `$type`
    Type(TypeName),
    /// Written wrong: false, as in the SDK. Only where a caller goes on in spite of faults.
    Never,
}

/// What `$eq` compares with. Arrays and objects are never the same thing in JavaScript.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Scalar {
    /// `null`, or nothing there.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string.
    Text(String),
    /// An array or object: the same as nothing.
    Thing,
}

/// How two things are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// The same.
    Equal,
    /// Not the same.
    NotEqual,
    /// Below.
    Less,
    /// Below or the same.
    LessOrEqual,
    /// Above.
    Greater,
    /// Above or the same.
    GreaterOrEqual,
}

impl Comparison {
    const fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// What `$lt` and its kin compare with: text where both sides are text, else a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Primitive {
    /// Its text, when it is one (or an array or object, which JavaScript makes one).
    pub text: Option<String>,
    /// As a number, when it is one.
    pub number: Option<f64>,
}

impl Primitive {
    /// An authored value, made a primitive as JavaScript does.
    pub fn new(value: &Value) -> Self {
        let actual = Actual::of_value(value);
        let text = match value {
            Value::String(_) | Value::Array(_) | Value::Object(_) => Some(js::text(actual).into_owned()),
            Value::Null | Value::Bool(_) | Value::Number(_) => None,
        };
        Self { text, number: Some(js::number(actual)).filter(|number| !number.is_nan()) }
    }

    /// The order of a value against this; `None` when one of them is no number.
    fn order_of(&self, value: Actual<'_>) -> Option<Ordering> {
        let textual = matches!(value, Actual::Text(_) | Actual::Texts(_) | Actual::List(_) | Actual::Object(_));
        match &self.text {
            Some(text) if textual => Some(js::text_order(&js::text(value), text)),
            Some(_) | None => js::number(value).partial_cmp(&self.number?),
        }
    }
}

/// The SDK's names of types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TypeName {
    /// `null`: also for what is missing.
    Null,
    /// `boolean`
    Boolean,
    /// `number`
    Number,
    /// `string`
    String,
    /// `array`
    Array,
    /// `object`
    Object,
}

impl TypeName {
    /// The type of a name; `None` when there is no such type.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "number" => Self::Number,
            "string" => Self::String,
            "array" => Self::Array,
            "object" => Self::Object,
            _ => return None,
        })
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    const fn of(value: Actual<'_>) -> Self {
        match value {
            Actual::Null => Self::Null,
            Actual::Bool(_) => Self::Boolean,
            Actual::Number(_) => Self::Number,
            Actual::Text(_) => Self::String,
            Actual::Texts(_) | Actual::List(_) => Self::Array,
            Actual::Object(_) => Self::Object,
        }
    }
}

impl Test {
    /// Whether what was read passes.
    pub(in crate::engine) fn passed_by(&self, read: &Read<'_>) -> bool {
        self.passes(Actual::of(read))
    }

    /// Whether the value passes.
    pub(in crate::engine) fn passes(&self, value: Actual<'_>) -> bool {
        match self {
            Self::Text { text, number } => match value {
                Actual::Text(actual) => actual == text,
                Actual::Number(actual) => *number == Some(actual),
                Actual::Null | Actual::Bool(_) | Actual::Texts(_) | Actual::List(_) | Actual::Object(_) => {
                    js::text(value) == *text
                }
            },
            Self::Folded(text) => js::text(value).to_lowercase() == *text,
            #[expect(clippy::float_cmp, reason = "JavaScript's === on numbers")]
            Self::Number(number) => js::number(value) == *number,
            Self::Flag(flag) => !matches!(value, Actual::Null) && js::truthy(value) == *flag,
            Self::Null => matches!(value, Actual::Null),
            Self::Json(json) => js::same_json(value, json),
            Self::Is(scalar) => is(value, scalar),
            Self::IsNot(scalar) => !is(value, scalar),
            Self::Order(comparison, operand) => operand.order_of(value).is_some_and(|order| comparison.accepts(order)),
            Self::Version(comparison, version) => {
                let actual = match value {
                    Actual::Text(text) => padded(text),
                    Actual::Number(_) => padded(&js::text(value)),
                    Actual::Null | Actual::Bool(_) | Actual::Texts(_) | Actual::List(_) | Actual::Object(_) => {
                        padded("")
                    }
                };
                comparison.accepts(js::text_order(&actual, version))
            }
            Self::Exists(wanted) => matches!(value, Actual::Null) != *wanted,
            Self::In(members) => members.meet(value),
            Self::NotIn(members) => !members.meet(value),
            Self::Every(tests) => tests.iter().all(|test| test.passes(value)),
            Self::Not(test) => !test.passes(value),
            #[expect(clippy::cast_precision_loss, reason = "arrays are far shorter than 2^53")]
            Self::Size(test) => value.len().is_some_and(|len| test.passes(Actual::Number(len as f64))),
            Self::SomeItem(test) => value.any_item(|item| is_there(item) && test.passes(item)),
            Self::SomeObject(condition) => value.any_item(|item| is_there(item) && condition.holds(&Item(item))),
            Self::AllOf(tests) => {
                value.len().is_some() && tests.iter().all(|test| value.any_item(|item| test.passes(item)))
            }
            Self::Matches(pattern) => pattern.finds(cut(&js::text(value), REGEX_TEXT_BYTES_MAX)),
            Self::MatchesNot(pattern) => !pattern.finds(cut(&js::text(value), REGEX_TEXT_BYTES_MAX)),
            Self::Type(name) => TypeName::of(value) == *name,
            Self::Never => false,
        }
    }

    /// Calls back with every number that the value is compared with.
    pub(super) fn each_number(&self, visit: &mut dyn FnMut(f64)) {
        match self {
            Self::Number(number) | Self::Is(Scalar::Number(number)) | Self::IsNot(Scalar::Number(number)) => {
                visit(*number);
            }
            Self::Text { number, .. } => number.iter().copied().for_each(visit),
            Self::Order(_, operand) => operand.number.iter().copied().for_each(visit),
            Self::In(members) | Self::NotIn(members) => members.numbers().iter().copied().for_each(visit),
            Self::Every(tests) => tests.iter().for_each(|test| test.each_number(visit)),
            Self::Not(test) => test.each_number(visit),
            Self::Folded(_)
            | Self::Flag(_)
            | Self::Null
            | Self::Json(_)
            | Self::Is(_)
            | Self::IsNot(_)
            | Self::Version(..)
            | Self::Exists(_)
            | Self::Size(_)
            | Self::SomeItem(_)
            | Self::SomeObject(_)
            | Self::AllOf(_)
            | Self::Matches(_)
            | Self::MatchesNot(_)
            | Self::Type(_)
            | Self::Never => {}
        }
    }
}

const fn is_there(item: Actual<'_>) -> bool {
    !matches!(item, Actual::Null)
}

/// `===`
#[expect(clippy::float_cmp, reason = "JavaScript's === on numbers")]
fn is(value: Actual<'_>, scalar: &Scalar) -> bool {
    match (value, scalar) {
        (Actual::Null, Scalar::Null) => true,
        (Actual::Bool(a), Scalar::Bool(b)) => a == *b,
        (Actual::Number(a), Scalar::Number(b)) => a == *b,
        (Actual::Text(a), Scalar::Text(b)) => a == b,
        _ => false,
    }
}
