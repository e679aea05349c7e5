//! Sequences: matches in progress, for each value of `by`.

use super::{Now, Records, values};
use crate::engine::partials::Tally;
use crate::engine::rules::{Sequence, Skip, Window};
use footfall_protocol::limits::PARTIAL_VALUES_MAX;
use serde::{Deserialize, Serialize};

/// The matches in progress of one sequence; the value with the oldest last step first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) struct Matches(Vec<Lane>);

/// Those that began with one value of `by`: at most one waits for each step, the furthest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Lane {
    value: u64,
    matches: Vec<Match>,
}

/// One match in progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Match {
    /// The step that it waits for; as many it has taken.
    step: u8,
    first_ms: u64,
    last_ms: u64,
    records: Records,
}

/// A match in progress as it stands.
pub(in crate::engine) struct MatchNow<'a> {
    /// Steps that it has.
    pub(in crate::engine) taken: usize,
    pub(in crate::engine) first_ms: u64,
    pub(in crate::engine) last_ms: u64,
    /// The next step must come before this.
    pub(in crate::engine) until_ms: Option<u64>,
    pub(in crate::engine) records: &'a [u64],
}

impl Matches {
    /// Takes a happening; when a match is complete, its records, those of the one that began last.
    pub(super) fn advance(&mut self, sequence: &Sequence, now: &Now<'_>, tally: &mut Tally) -> Option<Records> {
        self.forget(sequence, now.at_ms);
        let value = match &sequence.by {
            Some(field) => values::key(&now.scope.read(field)),
            None => Some(0),
        };
        let mut complete: Option<Records> = None;
        let (mut waiting, mut moved) = (Vec::with_capacity(self.0.len()), Vec::new());
        for mut lane in self.0.drain(..) {
            if lane.advance(sequence, now, value, &mut complete) { &mut moved } else { &mut waiting }.push(lane);
        }
        tally.took |= !moved.is_empty();
        waiting.append(&mut moved);
        waiting.retain(|lane| !lane.matches.is_empty());
        self.0 = waiting;
        if complete.is_some() && sequence.skip == Skip::PastLastEvent {
            self.0.clear();
            return complete;
        }
        if let (Some(value), true) = (value, sequence.steps.first().is_some_and(|step| now.is(step.point))) {
            self.begin(value, now);
            tally.took = true;
            if self.0.len() > PARTIAL_VALUES_MAX {
                self.0.remove(0);
                tally.dropped += 1;
            }
        }
        complete
    }

    fn begin(&mut self, value: u64, now: &Now<'_>) {
        let at = self.0.iter().position(|lane| lane.value == value);
        let mut lane = at.map_or_else(|| Lane { value, matches: Vec::new() }, |at| self.0.remove(at));
        // One that waits for the second step already began earlier: the new one fits whenever it would.
        lane.matches.retain(|other| other.step != 1);
        lane.matches.push(Match { step: 1, first_ms: now.at_ms, last_ms: now.at_ms, records: vec![now.record] });
        self.0.push(lane);
    }

    /// Drops what can no longer be completed at this time.
    pub(in crate::engine) fn forget(&mut self, sequence: &Sequence, now_ms: u64) {
        for lane in &mut self.0 {
            lane.matches.retain(|one| {
                let step = sequence.steps.get(usize::from(one.step));
                let soon = |within_ms: u64| now_ms.saturating_sub(one.last_ms) < within_ms;
                step.is_some_and(|step| step.within_ms.is_none_or(soon)) && sequence.within.holds(one.first_ms, now_ms)
            });
        }
        self.0.retain(|lane| !lane.matches.is_empty());
    }

    /// The matches in progress that can still be completed.
    pub(in crate::engine) fn matches(&self, sequence: &Sequence, now_ms: u64) -> Vec<MatchNow<'_>> {
        let mut found = Vec::new();
        for one in self.0.iter().flat_map(|lane| &lane.matches) {
            let Some(step) = sequence.steps.get(usize::from(one.step)) else { continue };
            let whole_ms =
                if let Window::Within(ms) = sequence.within { Some(one.first_ms.saturating_add(ms)) } else { None };
            let step_ms = step.within_ms.map(|ms| one.last_ms.saturating_add(ms));
            let until_ms = whole_ms.into_iter().chain(step_ms).min();
            if until_ms.is_none_or(|until_ms| now_ms < until_ms) {
                let (first_ms, last_ms) = (one.first_ms, one.last_ms);
                found.push(MatchNow {
                    taken: usize::from(one.step),
                    first_ms,
                    last_ms,
                    until_ms,
                    records: &one.records,
                });
            }
        }
        found
    }

    /// Happenings that are kept.
    pub(in crate::engine) fn happenings(&self) -> usize {
        self.0.iter().flat_map(|lane| &lane.matches).map(|one| usize::from(one.step)).sum()
    }
}

impl Lane {
    /// Advances its matches; whether one of them took the happening.
    fn advance(
        &mut self,
        sequence: &Sequence,
        now: &Now<'_>,
        value: Option<u64>,
        complete: &mut Option<Records>,
    ) -> bool {
        let mut took = false;
        let mut kept: Vec<Match> = Vec::with_capacity(self.matches.len());
        for mut one in self.matches.drain(..) {
            let Some(step) = sequence.steps.get(usize::from(one.step)) else { continue };
            if now.is(step.point) && value.is_some_and(|value| (value == self.value) != step.other) {
                took = true;
                one.step += 1;
                one.last_ms = now.at_ms;
                one.records.push(now.record);
                if usize::from(one.step) == sequence.steps.len() {
                    if complete.as_ref().is_none_or(|other| other.first() < one.records.first()) {
                        *complete = Some(one.records);
                    }
                    continue;
                }
                // The one that waited there began earlier: this one fits whenever it would.
                if kept.last().is_some_and(|other| other.step == one.step) {
                    kept.pop();
                }
                kept.push(one);
            } else if !(step.not.iter().any(|not| now.is(*not)) || (sequence.strict && now.loud)) {
                kept.push(one);
            }
        }
        self.matches = kept;
        took
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Alone;

    #[test]
    fn of_matches_that_wait_for_the_same_step_the_last_begun_is_kept() {
        let event = |name: &str| format!(r#"{{"event": {{"name": "{name}"}}}}"#);
        let steps = [event("a"), event("b"), event("c")].join(", ");
        let mut alone = Alone::new(&format!(r#"{{"sequence": {{"steps": [{steps}]}}}}"#));
        for (at_ms, point) in [(0, 0), (1, 0), (2, 1), (3, 0), (4, 1)] {
            assert_eq!(alone.at(at_ms, &[point]), None);
            assert!(alone.partials.happenings() <= 3);
        }
        assert_eq!(alone.at(5, &[2]), Some(vec![4, 5, 6]));
        assert_eq!(alone.partials.happenings(), 0);
    }

    #[test]
    fn each_step_that_was_taken_counts_towards_the_bound() {
        let a = r#"{"event": {"name": "a"}}"#;
        let mut alone = Alone::new(&format!(r#"{{"sequence": {{"steps": [{a}, {a}, {a}, {a}], "within": "10s"}}}}"#));
        for (at_ms, kept) in [(0, 1), (1, 3), (2, 6)] {
            assert_eq!((alone.at(at_ms, &[0, 1, 2, 3]), alone.partials.happenings()), (None, kept));
        }
        assert_eq!((alone.at(10_001, &[0, 1, 2, 3]), alone.partials.happenings()), (None, 3), "two are over");
    }
}
