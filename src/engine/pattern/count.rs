//! Counts: the newest happenings, or those of the newest different values, for each value of `by`.

use super::{Now, Records, newest, values};
use crate::engine::partials::Tally;
use crate::engine::rules::{Count, Skip};
use footfall_protocol::limits::PARTIAL_VALUES_MAX;
use serde::{Deserialize, Serialize};

/// What one count has counted; the value whose last happening is oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) struct Counted(Vec<Lane>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Lane {
    value: u64,
    /// The newest, as many as are needed; the oldest first.
    items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Item {
    at_ms: u64,
    record: u64,
    distinct: u64,
}

/// What is counted for one value of `by`.
pub(in crate::engine) struct LaneNow {
    pub(in crate::engine) counted: usize,
    pub(in crate::engine) oldest_ms: Option<u64>,
    pub(in crate::engine) records: Records,
}

impl Counted {
    /// Takes a happening that is the point; when there are enough, the records of those counted.
    pub(super) fn advance(&mut self, count: &Count, now: &Now<'_>, tally: &mut Tally) -> Option<Records> {
        self.forget(count, now.at_ms);
        let key = |field: &Option<_>| field.as_ref().map_or(Some(0), |field| values::key(&now.scope.read(field)));
        let (value, distinct) = (key(&count.by)?, key(&count.distinct)?);
        tally.took = true;
        let at = self.0.iter().position(|lane| lane.value == value);
        let mut lane = at.map_or_else(|| Lane { value, items: Vec::new() }, |at| self.0.remove(at));
        if count.distinct.is_some() {
            lane.items.retain(|item| item.distinct != distinct);
        }
        lane.items.push(Item { at_ms: now.at_ms, record: now.record, distinct });
        // More than are needed are never asked for.
        lane.items.drain(..lane.items.len().saturating_sub(count.at_least as usize));
        let enough = lane.items.len() >= count.at_least as usize;
        let mut records: Records = lane.items.iter().map(|item| item.record).collect();
        if !(enough && count.skip == Skip::PastLastEvent) {
            self.0.push(lane);
        }
        if self.0.len() > PARTIAL_VALUES_MAX {
            self.0.remove(0);
            tally.dropped += 1;
        }
        newest(&mut records);
        enough.then_some(records)
    }

    /// Drops what is out of the window.
    pub(in crate::engine) fn forget(&mut self, count: &Count, now_ms: u64) {
        for lane in &mut self.0 {
            lane.items.retain(|item| count.within.holds(item.at_ms, now_ms));
        }
        self.0.retain(|lane| !lane.items.is_empty());
    }

    /// What is counted now, for each value of `by`.
    pub(in crate::engine) fn lanes(&self, count: &Count, now_ms: u64) -> Vec<LaneNow> {
        let lanes = self.0.iter().map(|lane| {
            let items: Vec<&Item> = lane.items.iter().filter(|item| count.within.holds(item.at_ms, now_ms)).collect();
            let records = items.iter().map(|item| item.record).collect();
            LaneNow { counted: items.len(), oldest_ms: items.first().map(|item| item.at_ms), records }
        });
        lanes.filter(|lane| lane.counted > 0).collect()
    }

    /// Happenings that are kept.
    pub(in crate::engine) fn happenings(&self) -> usize {
        self.0.iter().map(|lane| lane.items.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Alone;

    #[test]
    fn only_as_many_are_kept_as_are_needed() {
        let of = r#""of": {"event": {"name": "a"}}, "at_least": 2, "within": "10s", "skip": "no_skip""#;
        let mut alone = Alone::new(&format!(r#"{{"count": {{{of}}}}}"#));
        assert_eq!(alone.at(0, &[0]), None);
        assert_eq!(alone.at(9_999, &[0]), Some(vec![1, 2]));
        assert_eq!(alone.at(10_000, &[0]), Some(vec![2, 3]));
        assert_eq!(alone.partials.happenings(), 2);
        assert_eq!(alone.at(30_000, &[0]), None);
        assert_eq!(alone.partials.happenings(), 1);
    }
}
