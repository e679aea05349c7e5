//! JavaScript's coercions and comparisons (ECMA-262), as far as the condition language shows them.

use super::actual::Actual;
use footfall_protocol::{Object, Value};
use std::borrow::Cow;
use std::cmp::Ordering;

/// `ToBoolean`
pub(super) fn truthy(value: Actual<'_>) -> bool {
    match value {
        Actual::Null => false,
        Actual::Bool(flag) => flag,
        Actual::Number(number) => number != 0.0 && !number.is_nan(),
        Actual::Text(text) => !text.is_empty(),
        Actual::Texts(_) | Actual::List(_) | Actual::Object(_) => true,
    }
}

/// `ToNumber`
pub(in crate::engine) fn number(value: Actual<'_>) -> f64 {
    match value {
        Actual::Null => 0.0,
        Actual::Bool(flag) => f64::from(u8::from(flag)),
        Actual::Number(number) => number,
        Actual::Text(text) => number_of_text(text),
        Actual::Texts(_) | Actual::List(_) | Actual::Object(_) => number_of_text(&text(value)),
    }
}

/// What JavaScript trims off a string: white space and line ends, the byte order mark among them.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}'))
}

/// `StringToNumber`
pub(super) fn number_of_text(text: &str) -> f64 {
    let text = trimmed(text);
    let radix = |prefix: [&str; 2], radix: u32| {
        let digits = text.strip_prefix(prefix[0]).or_else(|| text.strip_prefix(prefix[1]))?;
        let digits: Option<Vec<u32>> = digits.chars().map(|c| c.to_digit(radix)).collect();
        let digits = digits.filter(|digits| !digits.is_empty())?;
        Some(digits.iter().fold(0.0, |sum, digit| sum * f64::from(radix) + f64::from(*digit)))
    };
    match text {
        "" => 0.0,
        "Infinity" | "+Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        _ if text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-')) => {
            text.parse().unwrap_or(f64::NAN)
        }
        _ => radix(["0x", "0X"], 16)
            .or_else(|| radix(["0o", "0O"], 8))
            .or_else(|| radix(["0b", "0B"], 2))
            .unwrap_or(f64::NAN),
    }
}

/// `Number::toString`: the shortest digits that read back the same, and of two that are as near the even ones.
pub(in crate::engine) fn number_text(number: f64) -> String {
    ryu_js::Buffer::new().format(number).to_owned()
}

/// `ToString`
pub(super) fn text(value: Actual<'_>) -> Cow<'_, str> {
    match value {
        Actual::Null => Cow::Borrowed("null"),
        Actual::Bool(true) => Cow::Borrowed("true"),
        Actual::Bool(false) => Cow::Borrowed("false"),
        Actual::Number(number) => Cow::Owned(number_text(number)),
        Actual::Text(text) => Cow::Borrowed(text),
        Actual::Texts(texts) => Cow::Owned(texts.join(",")),
        Actual::List(items) => {
            let item =
                |item| if matches!(item, &Value::Null) { Cow::Borrowed("") } else { text(Actual::of_value(item)) };
            Cow::Owned(items.iter().map(item).collect::<Vec<_>>().join(","))
        }
        Actual::Object(_) => Cow::Borrowed("[object Object]"),
    }
}

/// The order of two strings by their UTF-16 units.
pub(in crate::engine) fn text_order(a: &str, b: &str) -> Ordering {
    if a.is_ascii() || b.is_ascii() {
        // Any unit beyond ASCII is above any within it in both encodings.
        return a.cmp(b);
    }
    a.encode_utf16().cmp(b.encode_utf16())
}

/// Whether `JSON.stringify` of both gives the same text.
pub(super) fn same_json(a: Actual<'_>, b: &Value) -> bool {
    match (a, b) {
        (Actual::Null, Value::Null) => true,
        (Actual::Bool(a), Value::Bool(b)) => a == *b,
        #[expect(clippy::float_cmp, reason = "the same double has the same text")]
        (Actual::Number(a), Value::Number(b)) => a == *b,
        (Actual::Text(a), Value::String(b)) => a == b,
        (Actual::Texts(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| b.as_str() == Some(a.as_str()))
        }
        (Actual::List(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(Actual::of_value(a), b))
        }
        (Actual::Object(a), Value::Object(b)) => {
            let same = |((a_key, a), (b_key, b)): ((&str, &Value), (&str, &Value))| {
                a_key == b_key && same_json(Actual::of_value(a), b)
            };
            a.len() == b.len() && ordered(a).into_iter().zip(ordered(b)).all(same)
        }
        _ => false,
    }
}

/// An object's members in JavaScript's order: keys that are array indices by their number, then the others as written.
fn ordered(object: &Object) -> Vec<(&str, &Value)> {
    let index = |key: &str| key.parse::<u32>().ok().filter(|n| *n != u32::MAX && n.to_string() == key);
    let mut members: Vec<(&str, &Value)> = object.iter().collect();
    // A stable sort: what is no index keeps its place among its like.
    members.sort_by_key(|(key, _)| index(key).map_or((1, 0), |n| (0, n)));
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::unreadable_literal, reason = "as JavaScript prints them")]
    fn numbers_are_written_as_javascript_writes_them() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-12.5, "-12.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e20, "100000000000000000000"),
            (123456789012345680000.0, "123456789012345680000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (0.000001, "0.000001"),
            (0.0000012345, "0.0000012345"),
            (1e-7, "1e-7"),
            (1.25e-9, "1.25e-9"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (9007199254740993.0, "9007199254740992"),
            (777890072088556.0 + 0.25, "777890072088556.2"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(number_text(number), text);
        }
    }

    #[test]
    fn strings_become_numbers_as_in_javascript() {
        for (text, number) in [
            ("", 0.0),
            (" \n\u{feff}\u{a0} 8 ", 8.0),
            ("1e3", 1000.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("-1", -1.0),
            ("0x10", 16.0),
            ("0b11", 3.0),
            ("0o17", 15.0),
            ("Infinity", f64::INFINITY),
        ] {
            assert_eq!(number_of_text(text).to_bits(), f64::to_bits(number), "{text:?}");
        }
        for text in ["1,5", "1_000", "inf", "NaN", "nan", "infinity", "0x", "-0x10", ".", "e5", "1 2", "½", "0xg", "1e"]
        {
            assert!(number_of_text(text).is_nan(), "{text:?}");
        }
    }

    #[test]
    fn strings_are_ordered_by_utf_16_units() {
        assert_eq!(text_order("\u{1f600}", "\u{ff5e}"), Ordering::Less, "a surrogate is below U+FF5E");
        assert_eq!(text_order("a", "\u{1f600}"), Ordering::Less);
        assert_eq!(text_order("ä", "ä"), Ordering::Equal);
    }

    #[test]
    fn objects_are_the_same_when_their_json_is() {
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let same = |a: &str, b: &str| same_json(Actual::of_value(&value(a)), &value(b));
        assert!(same(r#"{"a":1,"b":[null]}"#, r#"{"a":1,"b":[null]}"#));
        assert!(!same(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#), "JSON.stringify keeps the order");
        assert!(same(r#"{"2":0,"1":0,"x":0}"#, r#"{"x":0,"1":0,"2":0}"#), "but for array indices");
        assert!(same_json(Actual::Texts(&["a".to_owned()]), &value(r#"["a"]"#)));
    }
}
