//! Absences: who waits for silence since when, replayed from the beginning each time.

use super::history::{Moment, Scalar, What, duration_ms};
use super::point::{fits, is_act, scalar_at};
use super::sequence::VALUES_MAX;
use serde_json::Value;

/// One wait, for one value of `by` where the pattern has one.
struct Wait {
    value: Option<Scalar>,
    since_ms: u64,
    last: usize,
}

/// The next deadline, and for which value. `part` is where the absence stands in the rule's pattern.
pub(crate) fn due(authored: &Value, history: &[Moment], part: &str) -> Option<(u64, Option<Scalar>)> {
    let for_ms = duration_ms(authored["for"].as_str().unwrap());
    let waits = waits(authored, history, part);
    waits.into_iter().map(|wait| (wait.since_ms + for_ms, wait.value)).min_by_key(|(due_ms, _)| *due_ms)
}

/// At which moments the absence occurs: "when the time is over".
pub(crate) fn occurrences(history: &[Moment], part: &str) -> Vec<bool> {
    history.iter().map(|moment| is_due(moment, part)).collect()
}

fn is_due(moment: &Moment, part: &str) -> bool {
    matches!(&moment.what, What::Due { part: its, .. } if its == part)
}

fn waits(authored: &Value, history: &[Moment], part: &str) -> Vec<Wait> {
    let by = authored.get("by");
    let from_first = authored.get("from").is_some_and(|from| from == "first");
    let mut waits: Vec<Wait> = Vec::new();
    for (at, moment) in history.iter().enumerate() {
        if let What::Due { key, part: its } = &moment.what
            && its == part
        {
            waits.retain(|wait| wait.value != *key);
        }
        // "for each value of a field (read at `after` and at `of`) on its own"
        let value = by.map(|by| scalar_at(moment, by));
        let readable = !matches!(value, Some(None));
        let value = value.flatten();
        // "After `after`, nothing of `of` for that long; without `of`, no event at all but quiet ones."
        let ends = match authored.get("of") {
            Some(of) => fits(of, moment) && readable,
            None => is_act(moment),
        };
        if ends {
            waits.retain(|wait| wait.value != value);
        }
        // "A happening that is both ends the wait and begins it anew."
        if !fits(&authored["after"], moment) || !readable {
            continue;
        }
        match waits.iter_mut().find(|wait| wait.value == value) {
            // "the time counts from the `last` (default) or the `first` of several `after`": then those after it are not taken.
            Some(_) if from_first => {}
            Some(wait) => (wait.since_ms, wait.last) = (moment.at_ms, at),
            None => waits.push(Wait { value, since_ms: moment.at_ms, last: at }),
        }
        // "16 values … The one whose last happening is oldest goes with what it had."
        if waits.len() > VALUES_MAX {
            let oldest = waits.iter().map(|wait| wait.last).min();
            waits.retain(|wait| Some(wait.last) != oldest);
        }
    }
    waits
}
