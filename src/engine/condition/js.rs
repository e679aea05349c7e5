//! JavaScript's comparisons and coercions, as far as the condition language shows them.

use super::{Order, read};
use crate::engine::tree::Read;
use footfall_protocol::Value;
use std::cmp::Ordering;

/// `ToNumber`
fn number(value: &Read<'_>) -> f64 {
    match value {
        Read::Missing => 0.0,
        Read::Bool(flag) => f64::from(u8::from(*flag)),
        Read::Number(number) => *number,
        Read::Str(text) => number_of_text(text),
        Read::Value(_) => number_of_text(&text(value)),
    }
}

fn number_of_text(text: &str) -> f64 {
    let text = text.trim();
    match text {
        "" => 0.0,
        "Infinity" | "+Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        _ => {
            let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
            let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
            #[expect(clippy::cast_precision_loss, reason = "JavaScript's numbers are doubles")]
            let hex = hex.and_then(|digits| u64::from_str_radix(digits, 16).ok()).map(|n| n as f64);
            hex.or_else(|| text.parse().ok().filter(|_| plain)).unwrap_or(f64::NAN)
        }
    }
}

/// `value + ""`
pub(super) fn text(value: &Read<'_>) -> String {
    match value {
        Read::Missing => "null".to_owned(),
        Read::Bool(flag) => flag.to_string(),
        Read::Number(number) => json_of(&Value::Number(*number)),
        Read::Str(text) => (*text).to_owned(),
        Read::Value(value) => match &**value {
            Value::Array(items) => {
                let part = |item: &Value| if item.is_null() { String::new() } else { text(&read(item)) };
                items.iter().map(part).collect::<Vec<_>>().join(",")
            }
            Value::Object(_) => "[object Object]".to_owned(),
            scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => text(&read(scalar)),
        },
    }
}

fn json_of(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// `JSON.stringify`
pub(super) fn json(value: &Read<'_>) -> String {
    match value {
        Read::Value(value) => json_of(value),
        scalar @ (Read::Missing | Read::Bool(_) | Read::Number(_) | Read::Str(_)) => {
            json_of(&scalar.clone().into_value().unwrap_or_default())
        }
    }
}

/// A bare scalar in a condition against a value.
pub(super) fn loosely_is(value: &Read<'_>, wanted: &Value) -> bool {
    match wanted {
        Value::String(wanted) => match value {
            Read::Str(text) => text == wanted,
            Read::Missing | Read::Bool(_) | Read::Number(_) | Read::Value(_) => text(value) == *wanted,
        },
        #[expect(clippy::float_cmp, reason = "JavaScript's === on numbers")]
        Value::Number(wanted) => number(value) == *wanted,
        Value::Bool(wanted) => !matches!(value, Read::Missing) && truthy(value) == *wanted,
        Value::Null => matches!(value, Read::Missing),
        Value::Array(_) | Value::Object(_) => json(value) == json_of(wanted),
    }
}

/// `===` between a read value and an authored one; arrays and objects are never the same thing.
#[expect(clippy::float_cmp, reason = "JavaScript's === on numbers")]
pub(super) fn strictly_equal(value: &Read<'_>, wanted: &Value) -> bool {
    match (value, wanted) {
        (Read::Missing, Value::Null) => true,
        (Read::Bool(a), Value::Bool(b)) => a == b,
        (Read::Number(a), Value::Number(b)) => a == b,
        (Read::Str(a), Value::String(b)) => a == b,
        _ => false,
    }
}

/// `!!value`
pub(super) fn truthy(value: &Read<'_>) -> bool {
    match value {
        Read::Missing => false,
        Read::Bool(flag) => *flag,
        Read::Number(number) => *number != 0.0 && !number.is_nan(),
        Read::Str(text) => !text.is_empty(),
        Read::Value(_) => true,
    }
}

/// `a < b`: two strings by their UTF-16 units, anything else as numbers; `None` when one is no number.
pub(super) fn less(a: &Read<'_>, b: &Read<'_>) -> Option<bool> {
    let primitive = |value: &Read<'_>| match value {
        Read::Str(text) => Some((*text).to_owned()),
        Read::Value(_) => Some(text(value)),
        Read::Missing | Read::Bool(_) | Read::Number(_) => None,
    };
    if let (Some(a), Some(b)) = (primitive(a), primitive(b)) {
        return Some(a.encode_utf16().cmp(b.encode_utf16()) == Ordering::Less);
    }
    number(a).partial_cmp(&number(b)).map(|order| order == Ordering::Less)
}

/// The SDK's name of a value's type.
pub(super) fn type_name(value: &Read<'_>) -> &'static str {
    match value {
        Read::Missing => "null",
        Read::Bool(_) => "boolean",
        Read::Number(_) => "number",
        Read::Str(_) => "string",
        Read::Value(value) => match &**value {
            Value::Array(_) => "array",
            Value::Object(_) => "object",
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
        },
    }
}

pub(super) fn version_is(value: &Read<'_>, order: Order, wanted: &str) -> bool {
    let actual = match value {
        Read::Str(text) => padded_version(text),
        Read::Number(_) => padded_version(&text(value)),
        Read::Missing | Read::Bool(_) | Read::Value(_) => padded_version("0"),
    };
    let compared = actual.cmp(&padded_version(wanted));
    match order {
        Order::Equal => compared == Ordering::Equal,
        Order::NotEqual => compared != Ordering::Equal,
        Order::Less => compared == Ordering::Less,
        Order::LessOrEqual => compared != Ordering::Greater,
        Order::Greater => compared == Ordering::Greater,
        Order::GreaterOrEqual => compared != Ordering::Less,
    }
}

/// The specification's text by which versions are compared: build data and a leading `v` go, numbers are padded to
/// five places, and a release (three parts) sorts after its pre-releases.
fn padded_version(version: &str) -> String {
    let version = version.trim_start_matches('v').split('+').next().unwrap_or_default();
    let mut parts: Vec<String> = version.split(['-', '.']).map(str::to_owned).collect();
    if parts.len() == 3 {
        parts.push("~".to_owned());
    }
    let pad = |part: &String| {
        let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if digits { format!("{part:>5}") } else { part.clone() }
    };
    parts.iter().map(pad).collect::<Vec<_>>().join("-")
}
