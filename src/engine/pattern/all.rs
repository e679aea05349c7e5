//! `all`: which of its parts have occurred, and when.

use super::{Now, Records, union};
use crate::engine::partials::Tally;
use crate::engine::rules::All;
use serde::{Deserialize, Serialize};

/// The last occurrence of each part that has occurred.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) struct Parts(Vec<Occurred>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Occurred {
    part: u8,
    at_ms: u64,
    records: Records,
}

impl Parts {
    /// Takes what each part did at this happening; when all have occurred and no `not` has, their records.
    pub(super) fn advance(
        &mut self,
        all: &All,
        occurred: &[Option<Records>],
        now: &Now<'_>,
        tally: &mut Tally,
    ) -> Option<Records> {
        self.forget(all, now.at_ms);
        let mut wanted = false;
        for (at, (part, records)) in all.of.iter().zip(occurred).enumerate() {
            let (Some(records), Ok(number)) = (records, u8::try_from(at)) else { continue };
            wanted |= !part.not;
            tally.took = true;
            let records = if part.not { Records::new() } else { records.clone() };
            self.0.retain(|other| other.part != number);
            self.0.push(Occurred { part: number, at_ms: now.at_ms, records });
        }
        let has = |at: usize| self.0.iter().any(|one| usize::from(one.part) == at);
        if !wanted || all.of.iter().enumerate().any(|(at, part)| has(at) == part.not) {
            return None;
        }
        let records = self.0.iter().fold(Records::new(), |records, one| union(records, &one.records));
        // No `not` is among them, or it would not have occurred.
        self.0.clear();
        Some(records)
    }

    /// Drops what is out of the window.
    pub(in crate::engine) fn forget(&mut self, all: &All, now_ms: u64) {
        self.0.retain(|one| all.within.holds(one.at_ms, now_ms));
    }

    /// The parts that have occurred in the window, by place, and when.
    pub(in crate::engine) fn occurred(&self, all: &All, now_ms: u64) -> impl Iterator<Item = (usize, u64)> {
        let mine = self.0.iter().filter(move |one| all.within.holds(one.at_ms, now_ms));
        mine.map(|one| (usize::from(one.part), one.at_ms))
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
    fn the_last_occurrence_of_each_part_counts() {
        let event = |name: &str| format!(r#"{{"event": {{"name": "{name}"}}}}"#);
        let of = format!(r#"{}, {}, {{"not": {}}}"#, event("a"), event("b"), event("c"));
        let mut alone = Alone::new(&format!(r#"{{"all": {{"of": [{of}], "within": "10s"}}}}"#));
        assert_eq!(alone.at(0, &[0]), None);
        assert_eq!(alone.at(5_000, &[0]), None);
        assert_eq!(alone.at(10_000, &[1]), Some(vec![2, 3]));
        assert_eq!(alone.at(10_001, &[0, 2]), None);
        assert_eq!(alone.at(10_002, &[1]), None);
        assert_eq!(alone.partials.happenings(), 3);
        // The `not` is out of the window, and so is its companion.
        assert_eq!(alone.at(20_001, &[1]), None);
        assert_eq!(alone.at(20_001, &[0]), Some(vec![6, 7]));
    }
}
