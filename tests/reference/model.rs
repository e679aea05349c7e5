//! The reference matcher: it keeps all of history, and for every answer it looks through all of it again.
//!
//! It is written from `docs/rules.md` alone, one function for each kind of pattern, with the sentences that it follows.
//! Nothing here is fast or incremental. The one state that the specification itself has (what `skip` has used up, which
//! values of `by` went for want of room) is found by going through the history from its beginning.

use super::history::{Moment, Scalar, What, in_window};
use super::{absence, aggregate, count, dwell, point, sequence};
use serde_json::Value;
use std::rc::Rc;

/// When the rule with this pattern fires.
pub(crate) fn firings(pattern: &Value, timeline: &[Moment], exact: bool) -> Vec<u64> {
    let history = history(pattern, timeline, exact);
    let occurs = occurrences(pattern, &history, "");
    history.iter().zip(occurs).filter(|(_, occurs)| *occurs).map(|(moment, _)| moment.found_ms).collect()
}

/// The visitor's life with the pattern's own deadlines in it: "Deadlines that are over come first, by their times."
pub(crate) fn history(pattern: &Value, timeline: &[Moment], exact: bool) -> Vec<Moment> {
    let mut history: Vec<Moment> = Vec::new();
    let mut parts = Vec::new();
    clocks(pattern, "", &mut parts);
    for moment in timeline {
        while let Some((due_ms, part, key)) = next_due(&parts, &history).filter(|(due_ms, ..)| *due_ms <= moment.at_ms)
        {
            // What is found over late has its own time; the rule fires when it is found.
            let found_ms = if exact { due_ms } else { moment.found_ms };
            let state = history.last().map(|moment| Rc::clone(&moment.state)).unwrap_or_default();
            history.push(Moment { at_ms: due_ms, found_ms, what: What::Due { part, key }, state });
        }
        history.push(moment.clone());
    }
    history
}

/// The parts that have deadlines: dwells and absences, with their places in the pattern.
fn clocks<'a>(pattern: &'a Value, at: &str, found: &mut Vec<(String, &'a Value)>) {
    let (kind, authored) = pattern.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "dwell" | "absence" => found.push((at.to_owned(), pattern)),
        "any" | "all" => {
            for (index, part) in parts(authored).iter().enumerate() {
                clocks(part, &format!("{at}/{index}"), found);
            }
        }
        "not" => clocks(authored, &format!("{at}/not"), found),
        _ => {}
    }
}

fn next_due(parts: &[(String, &Value)], history: &[Moment]) -> Option<(u64, String, Option<Scalar>)> {
    let due = parts.iter().filter_map(|(at, pattern)| {
        let dwell = pattern.get("dwell").and_then(|authored| dwell::due(authored, history, at));
        let absence = pattern.get("absence").and_then(|authored| absence::due(authored, history, at));
        // Of several at one time dwells come first, then the parts in the order in which they are written.
        let is_dwell = pattern.get("dwell").is_some();
        dwell.or(absence).map(|(due_ms, key)| ((due_ms, !is_dwell), at.clone(), key))
    });
    due.min_by_key(|(order, ..)| *order).map(|((due_ms, _), at, key)| (due_ms, at, key))
}

/// The patterns of an `any` or an `all`.
fn parts(authored: &Value) -> &Vec<Value> {
    authored.as_array().or_else(|| authored["of"].as_array()).unwrap()
}

/// At which moments of the history the pattern occurs. What is said of a moment depends on nothing after it.
pub(crate) fn occurrences(pattern: &Value, history: &[Moment], at: &str) -> Vec<bool> {
    let (kind, authored) = pattern.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "dwell" | "absence" => absence::occurrences(history, at),
        "sequence" => sequence::occurrences(authored, history),
        "count" => count::occurrences(authored, history),
        "aggregate" => aggregate::occurrences(authored, history),
        "any" => any(authored, history, at),
        "all" => all(authored, history, at),
        // "A pattern that is a point occurs at each such happening."
        _ => history.iter().map(|moment| point::fits(pattern, moment)).collect(),
    }
}

/// "`any` occurs whenever one of them does."
fn any(authored: &Value, history: &[Moment], at: &str) -> Vec<bool> {
    let parts = parts(authored).iter().enumerate();
    let parts: Vec<Vec<bool>> =
        parts.map(|(index, part)| occurrences(part, history, &format!("{at}/{index}"))).collect();
    (0..history.len()).map(|now| parts.iter().any(|part| part[now])).collect()
}

/// "`all` occurs at the happening by which each has occurred within the window; then it begins anew."
fn all(authored: &Value, history: &[Moment], at: &str) -> Vec<bool> {
    let within = authored.get("within");
    let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
    for (index, part) in parts(authored).iter().enumerate() {
        match part.get("not") {
            Some(not) => unwanted.push(occurrences(not, history, &format!("{at}/{index}/not"))),
            None => wanted.push(occurrences(part, history, &format!("{at}/{index}"))),
        }
    }
    let mut occurs = vec![false; history.len()];
    let mut begins = 0;
    for now in 0..history.len() {
        let has_occurred = |part: &Vec<bool>, from: usize| {
            (from..=now).any(|earlier| part[earlier] && in_window(history, earlier, now, within))
        };
        // By this happening: one of them occurs now.
        let by_this = wanted.iter().any(|part| part[now]);
        let each = wanted.iter().all(|part| has_occurred(part, begins));
        // "the `all` does not occur while that pattern has occurred within the window (at this happening, too); …
        // The occurrences of a `not` are not forgotten when the `all` has occurred."
        let hindered = unwanted.iter().any(|part| has_occurred(part, 0));
        occurs[now] = by_this && each && !hindered;
        if occurs[now] {
            begins = now + 1;
        }
    }
    occurs
}
