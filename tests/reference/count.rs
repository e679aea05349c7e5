//! Counts: at every moment all that was counted before it is counted again.

use super::history::{Moment, Scalar, in_window};
use super::point::{fits, scalar_at};
use super::sequence::VALUES_MAX;
use serde_json::Value;

/// What was counted at a moment: the value of `by` and that of `distinct`, where the pattern has them.
type Counted = (Option<Scalar>, Option<Scalar>);

/// At which moments the count occurs.
pub(crate) fn occurrences(authored: &Value, history: &[Moment]) -> Vec<bool> {
    let counted: Vec<Option<Counted>> = history.iter().map(|moment| counted(authored, moment)).collect();
    let within = authored.get("within");
    let at_least = usize::try_from(authored["at_least"].as_u64().unwrap()).unwrap();
    let past_last_event = authored.get("skip").is_none_or(|skip| skip == "past_last_event");
    let mut occurs = vec![false; history.len()];
    // For this value of `by`, what was counted by then is gone: used up, or for want of room.
    let mut gone: Vec<(Option<Scalar>, usize)> = Vec::new();
    for now in 0..history.len() {
        let Some((by, _)) = &counted[now] else { continue };
        let collected = |gone: &[(Option<Scalar>, usize)], by: &Option<Scalar>| -> Vec<usize> {
            let kept = |at: &usize| {
                counted[*at].as_ref().is_some_and(|(its, _)| its == by)
                    && in_window(history, *at, now, within)
                    && !gone.iter().any(|(its, through)| its == by && at <= through)
            };
            (0..=now).filter(kept).collect()
        };
        // "Occurs at a happening that is counted when, with it, there are at least `at_least` in the window."
        let inside = collected(&gone, by);
        let number = if authored.get("distinct").is_some() {
            let mut different: Vec<&Scalar> = Vec::new();
            for value in inside.iter().filter_map(|at| counted[*at].as_ref()?.1.as_ref()) {
                if !different.contains(&value) {
                    different.push(value);
                }
            }
            different.len()
        } else {
            inside.len()
        };
        // A happening outside a session is not looked at when the window is the session.
        occurs[now] = inside.contains(&now) && number >= at_least;
        if occurs[now] && past_last_event {
            // "what was counted (for this value of `by`) is used up"
            gone.push((by.clone(), now));
        }
        // "16 values of `by` with something pending … The one whose last happening is oldest goes with what it had."
        let mut values: Vec<&Option<Scalar>> = Vec::new();
        for (value, _) in counted[..=now].iter().flatten() {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        let last = |value: &&Option<Scalar>| Some(((*value).clone(), *collected(&gone, value).last()?));
        let pending: Vec<(Option<Scalar>, usize)> = values.iter().filter_map(last).collect();
        if pending.len() > VALUES_MAX {
            let oldest = pending.iter().min_by_key(|(_, last)| *last).unwrap();
            gone.push((oldest.0.clone(), now));
        }
    }
    occurs
}

/// "A happening at which such a field has no string, number or boolean is not counted."
fn counted(authored: &Value, moment: &Moment) -> Option<Counted> {
    if !fits(&authored["of"], moment) {
        return None;
    }
    let value = |member: &str| match authored.get(member) {
        None => Some(None),
        Some(field) => scalar_at(moment, field).map(Some),
    };
    Some((value("by")?, value("distinct")?))
}
