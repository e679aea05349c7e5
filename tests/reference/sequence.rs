//! Sequences: for every moment, every match that could have begun before it is walked through the whole history.

use super::history::{Moment, Scalar, duration_ms, in_window};
use super::point::{fits, is_act, scalar_at};
use serde_json::Value;

/// "16 values of `by` with something pending, for each pattern"
pub(crate) const VALUES_MAX: usize = 16;

/// What the specification says of one step, at each moment of the history.
struct Step {
    fits: Vec<bool>,
    /// `{"not": point}` between the step before and this one.
    not: Vec<bool>,
    within_ms: Option<u64>,
    other: bool,
}

struct Sequence<'a> {
    history: &'a [Moment],
    steps: Vec<Step>,
    within: Option<&'a Value>,
    strict: bool,
    /// With `by`: the field's value at each moment.
    values: Option<Vec<Option<Scalar>>>,
}

/// How far a match has come.
enum Walk {
    Over,
    Waiting { step: usize, last: usize },
    Complete(usize),
}

/// At which moments the sequence occurs.
pub(crate) fn occurrences(authored: &Value, history: &[Moment]) -> Vec<bool> {
    let sequence = Sequence::read(authored, history);
    let past_last_event = authored.get("skip").is_none_or(|skip| skip == "past_last_event");
    let mut occurs = Vec::new();
    // Matches that began by then are dropped: all of them, or those with one value of `by`.
    let mut dropped_all: Option<usize> = None;
    let mut dropped: Vec<(Scalar, usize)> = Vec::new();
    for now in 0..history.len() {
        let in_progress = |begin: usize| {
            sequence.may_begin(begin)
                && dropped_all.is_none_or(|through| begin > through)
                && !dropped.iter().any(|(value, through)| begin <= *through && sequence.value(begin) == Some(value))
        };
        // "At each happening matches in progress advance first; then it may begin a match, if it fits the first step."
        let completes = |begin: usize| matches!(sequence.walk(begin, now), Walk::Complete(at) if at == now);
        let occurs_now = (0..now).any(|begin| in_progress(begin) && completes(begin));
        occurs.push(occurs_now);
        if occurs_now && past_last_event {
            // "all matches in progress are dropped, of every value of `by`, and this happening begins none."
            dropped_all = Some(now);
            continue;
        }
        if sequence.values.is_none() || !sequence.may_begin(now) {
            continue;
        }
        // Each value with something pending, its last happening, and where the latest of its matches began.
        let mut pending: Vec<(&Scalar, usize, usize)> = Vec::new();
        for begin in (0..=now).filter(|begin| in_progress(*begin)) {
            let Walk::Waiting { step, last } = sequence.walk(begin, now) else { continue };
            if sequence.is_late(begin, step, last, now) {
                continue;
            }
            let Some(value) = sequence.value(begin) else { continue };
            match pending.iter().position(|(kept, ..)| *kept == value) {
                Some(place) => pending[place] = (value, last.max(pending[place].1), begin),
                None => pending.push((value, last, begin)),
            }
        }
        // "The one whose last happening is oldest goes with what it had." One happening can be a step for several values:
        // then the one goes of which the latest match began first.
        if pending.len() > VALUES_MAX {
            let (oldest, ..) = *pending.iter().min_by_key(|(_, last, begin)| (*last, *begin)).unwrap();
            dropped.push((oldest.clone(), now));
        }
    }
    occurs
}

impl<'a> Sequence<'a> {
    fn read(authored: &'a Value, history: &'a [Moment]) -> Self {
        let mut steps = Vec::new();
        let mut not = vec![false; history.len()];
        for step in authored["steps"].as_array().unwrap() {
            if let Some(point) = step.get("not") {
                for (at, moment) in history.iter().enumerate() {
                    not[at] |= fits(point, moment);
                }
                continue;
            }
            let mut point = step.clone();
            let members = point.as_object_mut().unwrap();
            let within_ms = members.remove("within").map(|within| duration_ms(within.as_str().unwrap()));
            let other = members.remove("key").is_some_and(|key| key == "other");
            let fits = history.iter().map(|moment| fits(&point, moment)).collect();
            steps.push(Step { fits, not: std::mem::replace(&mut not, vec![false; history.len()]), within_ms, other });
        }
        let by = authored.get("by");
        Self {
            history,
            steps,
            within: authored.get("within"),
            strict: authored.get("contiguity").is_some_and(|contiguity| contiguity == "strict"),
            values: by.map(|by| history.iter().map(|moment| scalar_at(moment, by)).collect()),
        }
    }

    fn value(&self, at: usize) -> Option<&Scalar> {
        self.values.as_ref()?[at].as_ref()
    }

    fn may_begin(&self, at: usize) -> bool {
        self.steps[0].fits[at]
            && (self.values.is_none() || self.value(at).is_some())
            && in_window(self.history, at, at, self.within)
    }

    /// Whether the time for the next step is over.
    fn is_late(&self, begin: usize, step: usize, last: usize, now: usize) -> bool {
        let since_last_ms = self.history[now].at_ms - self.history[last].at_ms;
        // "`within` of a step: less than that since the step before."
        self.steps[step].within_ms.is_some_and(|within_ms| since_last_ms >= within_ms)
            // "`within` of the sequence: less than that since the first step, or "session"."
            || !in_window(self.history, begin, now, self.within)
    }

    /// "every step must have the value that the first one had, or with "key": "other" another one than the first had"
    fn correlates(&self, begin: usize, step: usize, at: usize) -> bool {
        if self.values.is_none() {
            return true;
        }
        let (first, here) = (self.value(begin), self.value(at));
        here.is_some() && (first == here) != self.steps[step].other
    }

    /// The match that began at `begin`, by the end of `now`: it "takes the first happening that fits its next step".
    fn walk(&self, begin: usize, now: usize) -> Walk {
        let (mut step, mut last) = (1, begin);
        for at in begin + 1..=now {
            if self.is_late(begin, step, last, at) {
                return Walk::Over;
            }
            if self.steps[step].fits[at] && self.correlates(begin, step, at) {
                // "If one happening fits both the next step and the `not`, it is the step."
                (step, last) = (step + 1, at);
                if step == self.steps.len() {
                    return Walk::Complete(at);
                }
            } else if self.steps[step].not[at] {
                // "none of these may happen between them"
                return Walk::Over;
            } else if self.strict && is_act(&self.history[at]) {
                // "the next event that is not quiet must be the next step, or the match is over"
                return Walk::Over;
            }
        }
        Walk::Waiting { step, last }
    }
}
