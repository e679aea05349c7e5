//! Absences: waits that run, for each value of `by`. The time itself is a deadline (`timers.rs`).

use super::{Now, Records, values};
use crate::engine::partials::Tally;
use crate::engine::rules::Absence;
use footfall_protocol::limits::PARTIAL_VALUES_MAX;
use serde::{Deserialize, Serialize};

/// The waits of one absence, the one that began longest ago first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) struct Waits(Vec<Wait>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wait {
    value: u64,
    due_ms: u64,
    records: Records,
}

impl Waits {
    /// Takes a happening: it ends waits, and begins one.
    pub(super) fn advance(&mut self, absence: &Absence, now: &Now<'_>, tally: &mut Tally) {
        let value = match &absence.by {
            Some(field) => values::key(&now.scope.read(field)),
            None => Some(0),
        };
        match absence.of {
            Some(of) if now.is(of) => self.0.retain(|wait| Some(wait.value) != value),
            None if now.loud => self.0.clear(),
            Some(_) | None => {}
        }
        let Some(value) = value.filter(|_| now.is(absence.after)) else { return };
        if absence.from_first && self.0.iter().any(|wait| wait.value == value) {
            return;
        }
        let Some(left) = now.waits_left.get().checked_sub(1) else {
            tally.dropped += 1;
            return;
        };
        now.waits_left.set(left);
        self.0.retain(|wait| wait.value != value);
        let due_ms = now.at_ms.saturating_add(absence.for_ms);
        self.0.push(Wait { value, due_ms, records: vec![now.record] });
        tally.took = true;
        if self.0.len() > PARTIAL_VALUES_MAX {
            self.0.remove(0);
            tally.dropped += 1;
        }
    }

    /// When each wait is over.
    pub(in crate::engine) fn due_ms(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(|wait| wait.due_ms)
    }

    /// Takes a wait that is over out; its records.
    pub(in crate::engine) fn end(&mut self, at: usize) -> Records {
        if at < self.0.len() { self.0.remove(at).records } else { Records::new() }
    }

    /// Happenings that are kept.
    pub(in crate::engine) fn happenings(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Alone;

    #[test]
    fn a_wait_begins_anew_or_goes_on() {
        for (from, due_ms) in [("last", 15_000), ("first", 10_000)] {
            let points = r#""after": {"event": {"name": "a"}}, "of": {"event": {"name": "b"}}, "for": "10s""#;
            let mut alone = Alone::new(&format!(r#"{{"absence": {{{points}, "from": "{from}"}}}}"#));
            alone.at(0, &[0]);
            alone.at(5_000, &[0]);
            let due: Vec<_> = alone.partials.due().map(|(_, wait, due_ms)| (wait, due_ms)).collect();
            assert_eq!(due, [(0, due_ms)], "{from}");
            alone.at(6_000, &[1]);
            assert_eq!(alone.partials.due().count(), 0);
        }
    }
}
