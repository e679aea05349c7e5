//! The pattern of a rule: a shape over time.

use super::reader::Reader;
use crate::engine::condition::Condition;
use crate::engine::dedupe::fnv1a;
use footfall_protocol::limits::DWELL_MS_MAX;
use footfall_protocol::{Object, Value, vocabulary};
use serde::{Deserialize, Serialize};

/// A shape over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pattern {
    /// One of these events, for which the condition holds.
    Event {
        /// Names in the vocabulary, sorted; never empty.
        names: Vec<String>,
        /// Over the whole tree, `event` included.
        holds: Condition,
    },
    /// The condition holds without a break for this long, counted in attention on one page view of one tab.
    Dwell {
        /// How long, in milliseconds.
        for_ms: u64,
        /// Over the whole tree but `event`.
        holds: Condition,
    },
}

pub(super) fn pattern(value: &Value, reader: &mut Reader) -> Option<Pattern> {
    let object = reader.object(value, "/pattern", &["event", "dwell"])?;
    match (object.get("event"), object.get("dwell"), object.len()) {
        (Some(event), None, 1) => {
            let at = "/pattern/event";
            let event = reader.object(event, at, &["name", "where"])?;
            let names = reader.needed(event, "name", at, "an event pattern needs `name`: one event's name or several");
            let names = names.map(|names| event_names(names, "/pattern/event/name", reader));
            let holds = reader.condition(event.get("where"), "/pattern/event/where");
            Some(Pattern::Event { names: names?, holds })
        }
        (None, Some(dwell), 1) => {
            let at = "/pattern/dwell";
            let dwell = reader.object(dwell, at, &["for", "where"])?;
            let duration = reader.needed(dwell, "for", at, "a dwell needs `for`, a duration such as \"60s\"");
            let for_ms = duration.map(|duration| reader.duration(duration, "/pattern/dwell/for", DWELL_MS_MAX));
            let holds = reader.condition(dwell.get("where"), "/pattern/dwell/where");
            Some(Pattern::Dwell { for_ms: for_ms?, holds })
        }
        // A member that is neither was reported already.
        (None, None, 1) => None,
        _ => {
            reader.fault("/pattern", "invalid", "a pattern has exactly one member: `event` or `dwell`");
            None
        }
    }
}

/// Names of events, in the vocabulary where it has them; sorted.
pub(super) fn event_names(value: &Value, pointer: &str, reader: &mut Reader) -> Vec<String> {
    let words = reader.words(value, pointer);
    let mut names: Vec<String> = words.iter().map(|word| vocabulary::normalise(word).to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// FNV-1a of the id and the pattern as JSON with sorted keys: the same pattern, however it is laid out, has one key.
pub(super) fn pattern_key(id: &str, pattern: &Value) -> u64 {
    let canonical = serde_json::to_string(&sorted(pattern)).unwrap_or_default();
    fnv1a(format!("{id}\n{canonical}").as_bytes())
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Object(object) => {
            let mut members: Vec<(&str, &Value)> = object.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            members.into_iter().map(|(key, value)| (key.to_owned(), sorted(value))).collect::<Object>().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, text: &str) -> u64 {
        pattern_key(id, &serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_pattern_keeps_its_key_however_it_is_laid_out() {
        let one = key("r", r#"{"dwell": {"for": "60s", "where": {"page.kind": "product", "cart.count": 0}}}"#);
        assert_eq!(one, key("r", r#"{"dwell":{"where":{"cart.count":0.0,"page.kind":"product"},"for":"60s"}}"#));
        assert_ne!(one, key("s", r#"{"dwell": {"for": "60s", "where": {"page.kind": "product", "cart.count": 0}}}"#));
        assert_ne!(one, key("r", r#"{"dwell": {"for": "61s", "where": {"page.kind": "product", "cart.count": 0}}}"#));
    }

    /// Running clocks are kept under these keys wherever Footfall runs.
    #[test]
    fn keys_are_pinned() {
        assert_eq!(
            key("social-proof", r#"{"dwell":{"for":"60s","where":{"page.kind":"product"}}}"#),
            12_249_050_879_768_028_594
        );
    }
}
