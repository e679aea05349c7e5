//! Starts: rules that other rules have started, at once or for later.

use super::{Turn, Visitor};
use footfall_protocol::limits::{STARTS_AT_ONCE_MAX, STARTS_MAX, UNATTENDED_MAX};
use serde::{Deserialize, Serialize};

/// The starts that are pending, in the order in which they were asked for; of each rule at most one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Starts {
    pending: Vec<Start>,
    pub(super) dropped: u32,
    /// Starts that have come due since the visitor last did something, and waits that others which were over have begun.
    unattended: u32,
}

/// One pending start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Start {
    rule: String,
    due_ms: u64,
    /// It is due with the happening at hand, after the rules of it; so none is left when an input is over.
    #[serde(skip)]
    at_once: bool,
}

impl Starts {
    /// Whether nothing is pending, and nothing has been to tell of.
    pub(super) fn is_new(&self) -> bool {
        *self == Self::default()
    }

    /// The visitor does something.
    pub(super) fn attend(&mut self) {
        self.unattended = 0;
    }

    /// How many more there may be before the visitor does something.
    pub(super) const fn left_unattended(&self) -> usize {
        UNATTENDED_MAX.saturating_sub(self.unattended as usize)
    }

    pub(super) fn count_unattended(&mut self, more: usize) {
        self.unattended = self.unattended.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
    }

    /// Starts a rule at this time; a start of it that is pending is replaced.
    fn begin(&mut self, rule: &str, due_ms: u64, at_once: bool) {
        self.end(rule);
        if self.pending.len() >= STARTS_MAX {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.pending.push(Start { rule: rule.to_owned(), due_ms, at_once });
    }

    /// Puts a pending start of the rule off to this time, if it would be earlier.
    fn put_off(&mut self, rule: &str, until_ms: u64) {
        for start in self.pending.iter_mut().filter(|start| start.rule == rule && start.due_ms < until_ms) {
            (start.due_ms, start.at_once) = (until_ms, false);
        }
    }

    fn end(&mut self, rule: &str) {
        self.pending.retain(|start| start.rule != rule);
    }

    /// The rules with a pending start and when it is due, each with its place.
    pub(super) fn due(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.pending.iter().map(|start| start.due_ms).enumerate()
    }

    /// When the pending start of a rule is due.
    pub(super) fn of(&self, rule: &str) -> Option<u64> {
        self.pending.iter().find(|start| start.rule == rule).map(|start| start.due_ms)
    }

    /// The rule whose start stands at this place.
    pub(super) fn rule(&self, at: usize) -> Option<&str> {
        self.pending.get(at).map(|start| start.rule.as_str())
    }
}

impl Visitor {
    /// The action `start`: after some time, or at once after the rules of the happening at hand.
    pub(super) fn start_later(&mut self, rule: &str, after_ms: u64, turn: &Turn<'_>) {
        self.starts.begin(rule, turn.now_ms.saturating_add(after_ms), after_ms == 0);
    }

    /// The action `delay`.
    pub(super) fn delay(&mut self, rule: &str, by_ms: u64, turn: &Turn<'_>) {
        self.starts.put_off(rule, turn.now_ms.saturating_add(by_ms));
    }

    /// A rule's pending start is over, for it is stopped or its `until` has happened.
    pub(super) fn end_start(&mut self, rule: &str) {
        self.starts.end(rule);
    }

    /// The time of a pending start is over.
    pub(super) fn start_is_due(&mut self, at: usize, turn: &mut Turn<'_>) {
        if self.starts.left_unattended() == 0 {
            self.starts.pending.remove(at);
            self.starts.dropped = self.starts.dropped.saturating_add(1);
            return;
        }
        self.starts.count_unattended(1);
        self.start_at(at, turn);
        self.start_those_at_once(turn);
        self.settle(None, turn);
    }

    /// Begins the pending start at this place. When its rule is gone or off by now, nothing happens.
    fn start_at(&mut self, at: usize, turn: &mut Turn<'_>) {
        let start = self.starts.pending.remove(at);
        if let Some(rule) = turn.config.rules.rule(&start.rule) {
            self.start_now(rule, turn);
        }
    }

    /// The starts at once that the rules of a happening have asked for, and those that these ask for in turn.
    ///
    /// Rules that start each other in a ring would go on for ever: after [`STARTS_AT_ONCE_MAX`] the rest is dropped.
    pub(super) fn start_those_at_once(&mut self, turn: &mut Turn<'_>) {
        let mut left = STARTS_AT_ONCE_MAX;
        while let Some(at) = self.starts.pending.iter().position(|start| start.at_once) {
            if left == 0 {
                let before = self.starts.pending.len();
                self.starts.pending.retain(|start| !start.at_once);
                let dropped = u32::try_from(before - self.starts.pending.len()).unwrap_or(u32::MAX);
                self.starts.dropped = self.starts.dropped.saturating_add(dropped);
                return;
            }
            left -= 1;
            self.start_at(at, turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(starts: &Starts) -> Vec<(&str, u64)> {
        starts.pending.iter().map(|start| (start.rule.as_str(), start.due_ms)).collect()
    }

    #[test]
    fn a_rule_has_one_start_the_last_that_was_asked_for() {
        let mut starts = Starts::default();
        starts.begin("a", 10, false);
        starts.begin("b", 20, false);
        starts.begin("a", 30, false);
        assert_eq!(pending(&starts), [("b", 20), ("a", 30)]);
        starts.end("b");
        starts.end("c");
        assert_eq!(pending(&starts), [("a", 30)]);
    }

    #[test]
    fn a_start_is_put_off_and_never_brought_forward() {
        let mut starts = Starts::default();
        starts.begin("a", 10, true);
        starts.put_off("a", 5);
        starts.put_off("b", 50);
        assert_eq!(pending(&starts), [("a", 10)]);
        assert!(starts.pending[0].at_once);
        starts.put_off("a", 11);
        assert_eq!(pending(&starts), [("a", 11)]);
        assert!(!starts.pending[0].at_once);
    }

    #[test]
    fn a_new_start_finds_no_room_when_there_are_too_many() {
        let mut starts = Starts::default();
        for n in 0..=STARTS_MAX {
            starts.begin(&n.to_string(), 1, false);
        }
        assert_eq!((starts.pending.len(), starts.dropped), (STARTS_MAX, 1));
        starts.begin("0", 2, false);
        assert_eq!((starts.pending.len(), starts.dropped, starts.rule(STARTS_MAX - 1)), (STARTS_MAX, 1, Some("0")));
    }
}
