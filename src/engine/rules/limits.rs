//! The limits of a rule: how often it may fire, and for whom not.

use super::reader::{Reader, below};
use crate::engine::assignment::bucket;
use footfall_protocol::Value;
use footfall_protocol::limits::{CAP_COUNT_MAX, DOCUMENT_NAME_BYTES_MAX, DURATION_MS_MAX, FIRING_LIMIT_MAX};
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
    /// Of all rules of a group at most one fires at a time.
    pub group: Option<Group>,
    /// For this share of visitors it only counts as fired.
    pub holdout: Option<Holdout>,
}

/// At most `count` firings in any window of `per_ms` milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cap {
    /// 1 to `limits::CAP_COUNT_MAX`.
    pub count: u32,
    /// Window in milliseconds.
    pub per_ms: u64,
}

/// Rules of which at most one fires in a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Rules with the same name are of one group.
    pub name: String,
    /// How long the others wait once one of them has fired.
    pub per: Per,
}

/// A stretch of time in which one rule of a group fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Per {
    /// One instant of the engine's time: a batch of events is one.
    Moment,
    /// A session, with the time after it until the next one begins.
    Session,
    /// So many milliseconds since the last firing of any of them.
    Time(u64),
}

/// A share of visitors, always the same ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holdout {
    /// Hundredths of a percent, 1 to 10,000.
    pub share: u16,
    /// Rules with the same seed and share hold out the same visitors. Never empty.
    pub seed: String,
}

impl Holdout {
    /// Whether the visitor of this id is held out, by GrowthBook's hashing, version 2.
    pub fn has(&self, visitor: &str) -> bool {
        // The hashing has as many buckets as there are hundredths of a percent.
        bucket(&self.seed, visitor, 2).is_some_and(|bucket| (bucket * 10_000.0).round() < f64::from(self.share))
    }
}

/// The limits of the rule with this id.
pub(super) fn limits(value: &Value, id: &str, reader: &mut Reader) -> Limits {
    const KNOWN: [&str; 6] = ["per_session", "per_visitor", "cooldown", "cap", "group", "holdout"];
    let Some(object) = reader.object(value, "/limits", &KNOWN) else { return Limits::default() };
    let mut count =
        |key: &str| object.get(key).map(|value| reader.count(value, &below("/limits", key), FIRING_LIMIT_MAX));
    let (per_session, per_visitor) = (count("per_session"), count("per_visitor"));
    let cooldown_ms = object.get("cooldown").map(|value| reader.duration(value, "/limits/cooldown", DURATION_MS_MAX));
    let cap = object.get("cap").and_then(|value| cap(value, reader));
    let group = object.get("group").and_then(|value| group(value, reader));
    let holdout = object.get("holdout").and_then(|value| holdout(value, id, reader));
    Limits { per_session, per_visitor, cooldown_ms, cap, group, holdout }
}

fn group(value: &Value, reader: &mut Reader) -> Option<Group> {
    const AT: &str = "/limits/group";
    let object = reader.object(value, AT, &["name", "per"])?;
    let name = reader.needed(object, "name", AT, "a group is {\"name\": \"overlay\", \"per\": \"session\"}")?;
    let name = reader.id(name, "/limits/group/name");
    let per = match object.get("per").map(|per| (per, per.as_str())) {
        None | Some((_, Some("moment"))) => Per::Moment,
        Some((_, Some("session"))) => Per::Session,
        Some((per, Some(text))) if text.starts_with(|c: char| c.is_ascii_digit()) => {
            Per::Time(reader.duration(per, "/limits/group/per", DURATION_MS_MAX))
        }
        Some(_) => {
            let message = "wants \"moment\", \"session\" or a duration such as \"24h\"";
            reader.fault("/limits/group/per", "invalid", message);
            Per::Moment
        }
    };
    Some(Group { name, per })
}

fn holdout(value: &Value, id: &str, reader: &mut Reader) -> Option<Holdout> {
    const AT: &str = "/limits/holdout";
    let object = reader.object(value, AT, &["percent", "seed"])?;
    let percent = reader.needed(object, "percent", AT, "a holdout is {\"percent\": 10}");
    let share = percent.map(|percent| share(percent, reader));
    let seed = match object.get("seed").map(Value::as_str) {
        None => id.to_owned(),
        Some(Some(seed)) if (1..=DOCUMENT_NAME_BYTES_MAX).contains(&seed.len()) => seed.to_owned(),
        Some(_) => {
            let message = format!("wants a string of 1 to {DOCUMENT_NAME_BYTES_MAX} bytes");
            reader.fault("/limits/holdout/seed", "invalid", message);
            String::new()
        }
    };
    Some(Holdout { share: share?, seed })
}

/// A percentage above 0 and up to 100 with at most two decimals, in hundredths.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and from 1 to 10,000")]
fn share(percent: &Value, reader: &mut Reader) -> u16 {
    let hundredths = percent.as_f64().map_or(0.0, |percent| percent * 100.0);
    // A decimal such as 0.07 has no exact form in binary: its hundredfold is a whole number but for that.
    let whole = hundredths.round();
    if (1.0..=10_000.0).contains(&whole) && (hundredths - whole).abs() < 1e-6 {
        return whole as u16;
    }
    let message = "wants a number above 0, at most 100, with at most two decimals";
    reader.fault("/limits/holdout/percent", "out_of_range", message);
    1
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

#[cfg(test)]
mod tests {
    use super::*;

    fn holdout_of(text: &str) -> Holdout {
        let mut reader = Reader::default();
        let found = holdout(&serde_json::from_str(text).unwrap(), "the-rule", &mut reader).unwrap();
        assert_eq!(reader.faults, []);
        found
    }

    #[test]
    fn the_share_is_exact_in_hundredths_and_the_seed_is_the_rules_id() {
        let rest = |share| Holdout { share, seed: "the-rule".into() };
        for (text, share) in [("10", 1_000), ("0.07", 7), ("0.01", 1), ("33.33", 3_333), ("100", 10_000), ("0.29", 29)]
        {
            assert_eq!(holdout_of(&format!(r#"{{"percent": {text}}}"#)), rest(share), "{text}");
        }
        assert_eq!(holdout_of(r#"{"percent": 1, "seed": "autumn"}"#).seed, "autumn");
    }

    #[test]
    fn the_same_visitors_are_held_out_and_as_many_as_was_said() {
        let visitor =
            |n: u128| uuid::Uuid::from_u128(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)).to_string();
        for share in [250, 1_000, 5_000] {
            let held_out = |seed: &str| -> Vec<u128> {
                let holdout = Holdout { share, seed: seed.into() };
                (0..10_000).filter(|n| holdout.has(&visitor(*n))).collect()
            };
            let autumn = held_out("autumn");
            assert_eq!(autumn, held_out("autumn"));
            // Four standard deviations: one run of 16,000 with truly random draws would fail.
            let (expected, spread) =
                (f64::from(share), (f64::from(share) * (1.0 - f64::from(share) / 10_000.0)).sqrt());
            let found = f64::from(u32::try_from(autumn.len()).unwrap());
            assert!((found - expected).abs() < 4.0 * spread, "{found} of {expected}");
            // More visitors are a longer range: nobody who is held out comes back in. Other seeds are other visitors.
            let more = Holdout { share: share + 100, seed: "autumn".into() };
            assert!(autumn.iter().all(|n| more.has(&visitor(*n))));
            assert_ne!(autumn, held_out("spring"));
        }
        let everybody = Holdout { share: 10_000, seed: "s".into() };
        assert!((0..1_000).all(|n| everybody.has(&visitor(n))));
    }
}
