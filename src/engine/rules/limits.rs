//! The limits of a rule: how often it may fire.

use super::reader::{Reader, below};
use footfall_protocol::Value;
use footfall_protocol::limits::{CAP_COUNT_MAX, DURATION_MS_MAX, FIRING_LIMIT_MAX};
use serde::{Deserialize, Serialize};

/// How often a rule may fire for one visitor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// At most this often in one session.
    pub per_session: Option<u32>,
    /// At most this often in this visitor's life.
    pub per_visitor: Option<u32>,
    /// Not again before this many milliseconds have gone by.
    pub cooldown_ms: Option<u64>,
    /// At most `count` times in any `per_ms` milliseconds.
    pub cap: Option<Cap>,
}

/// At most `count` firings in any window of `per_ms` milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cap {
    /// 1 to `limits::CAP_COUNT_MAX`.
    pub count: u32,
    /// Window in milliseconds.
    pub per_ms: u64,
}

pub(super) fn limits(value: &Value, reader: &mut Reader) -> Limits {
    const KNOWN: [&str; 4] = ["per_session", "per_visitor", "cooldown", "cap"];
    let Some(object) = reader.object(value, "/limits", &KNOWN) else { return Limits::default() };
    let mut count =
        |key: &str| object.get(key).map(|value| reader.count(value, &below("/limits", key), FIRING_LIMIT_MAX));
    let (per_session, per_visitor) = (count("per_session"), count("per_visitor"));
    let cooldown_ms = object.get("cooldown").map(|value| reader.duration(value, "/limits/cooldown", DURATION_MS_MAX));
    let cap = object.get("cap").and_then(|value| cap(value, reader));
    Limits { per_session, per_visitor, cooldown_ms, cap }
}

fn cap(value: &Value, reader: &mut Reader) -> Option<Cap> {
    const WHY: &str = "a cap is {\"count\": 3, \"per\": \"24h\"}";
    let object = reader.object(value, "/limits/cap", &["count", "per"])?;
    let count = reader.needed(object, "count", "/limits/cap", WHY);
    let count = count.map(|count| reader.count(count, "/limits/cap/count", CAP_COUNT_MAX));
    let per = reader.needed(object, "per", "/limits/cap", WHY);
    let per_ms = per.map(|per| reader.duration(per, "/limits/cap/per", DURATION_MS_MAX));
    Some(Cap { count: count?, per_ms: per_ms? })
}
