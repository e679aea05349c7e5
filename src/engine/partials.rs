//! What patterns have collected of a visitor: partial matches, kept under keys that other rules do not change.

use super::pattern::{Records, absence, aggregate, all, count, sequence};
use super::rules::{Pattern, Rule, RuleSet};
use footfall_protocol::limits::{PARTIAL_HAPPENINGS_MAX, PARTIAL_PATTERNS_MAX};
use serde::{Deserialize, Serialize};

/// The patterns that have collected something, by key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Partials {
    entries: Vec<Entry>,
    /// How often a pattern has collected something: the order in which patterns advanced.
    advances: u64,
    /// Values and patterns that went because there was no room.
    pub(super) dropped: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    key: u64,
    /// When it advanced last, as counted by `advances`.
    advanced: u64,
    /// It goes when the session ends.
    session: bool,
    /// Any event that is not quiet concerns it, not only its points.
    watchful: bool,
    state: State,
}

/// What one pattern has collected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum State {
    Sequence(sequence::Matches),
    Count(count::Counted),
    Absence(absence::Waits),
    Aggregate(aggregate::Taken),
    All(all::Parts),
}

/// A kind of state.
pub(super) trait Collected: Default {
    fn of(state: &mut State) -> Option<&mut Self>;
    fn into_state(self) -> State;
}

macro_rules! collected {
    ($($variant:ident $type:ty),* $(,)?) => {
        $(impl Collected for $type {
            fn of(state: &mut State) -> Option<&mut Self> {
                if let State::$variant(inner) = state { Some(inner) } else { None }
            }
            fn into_state(self) -> State {
                State::$variant(self)
            }
        })*
    };
}
collected! {
    Sequence sequence::Matches,
    Count count::Counted,
    Absence absence::Waits,
    Aggregate aggregate::Taken,
    All all::Parts,
}

/// What one advance did.
#[derive(Default)]
pub(super) struct Tally {
    /// Something was collected.
    pub(super) took: bool,
    /// Values that had to go.
    pub(super) dropped: u32,
}

impl State {
    /// Happenings that are kept.
    fn happenings(&self) -> usize {
        match self {
            Self::Sequence(matches) => matches.happenings(),
            Self::Count(counted) => counted.happenings(),
            Self::Absence(waits) => waits.happenings(),
            Self::Aggregate(taken) => taken.happenings(),
            Self::All(parts) => parts.happenings(),
        }
    }

    /// Drops what is out of its windows.
    fn forget(&mut self, pattern: &Pattern, now_ms: u64) {
        match (self, pattern) {
            (Self::Sequence(matches), Pattern::Sequence(sequence)) => matches.forget(sequence, now_ms),
            (Self::Count(counted), Pattern::Count(count)) => counted.forget(count, now_ms),
            (Self::Aggregate(taken), Pattern::Aggregate(aggregate)) => taken.forget(aggregate, now_ms),
            (Self::All(parts), Pattern::All(all)) => parts.forget(all, now_ms),
            // A wait has no window: it is over or it runs.
            _ => {}
        }
    }
}

impl Partials {
    /// Whether there is nothing, and never was too much.
    pub(super) fn is_new(&self) -> bool {
        *self == Self::default()
    }

    fn find(&self, key: u64) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&key, |entry| entry.key)
    }

    /// Whether something is kept under this key.
    pub(super) fn has(&self, key: u64) -> bool {
        self.find(key).is_ok()
    }

    /// What a pattern has collected.
    pub(super) fn state(&self, key: u64) -> Option<&State> {
        self.find(key).ok().map(|at| &self.entries[at].state)
    }

    /// Lets a pattern's state advance; it is made when it is not there, and goes when nothing is left in it.
    pub(super) fn with<T: Collected, R>(
        &mut self,
        key: u64,
        session: bool,
        watchful: bool,
        advance: impl FnOnce(&mut T, &mut Tally) -> R,
    ) -> R {
        let at = self.find(key).unwrap_or_else(|at| {
            let state = T::default().into_state();
            self.entries.insert(at, Entry { key, advanced: 0, session, watchful, state });
            at
        });
        let entry = &mut self.entries[at];
        if T::of(&mut entry.state).is_none() {
            entry.state = T::default().into_state();
        }
        let mut tally = Tally::default();
        let state = T::of(&mut entry.state).expect("it was made of this kind above");
        let outcome = advance(state, &mut tally);
        self.dropped = self.dropped.saturating_add(tally.dropped);
        if tally.took {
            self.advances += 1;
            entry.advanced = self.advances;
        }
        if entry.state.happenings() == 0 {
            self.entries.remove(at);
        }
        outcome
    }

    /// Keeps within the bounds: first goes what no window holds, then the pattern that advanced longest ago.
    pub(super) fn make_room(&mut self, rules: &RuleSet, now_ms: u64) {
        if self.fits() {
            return;
        }
        for entry in &mut self.entries {
            if let Some((_, _, pattern)) = rules.node(entry.key) {
                entry.state.forget(pattern, now_ms);
            }
        }
        self.entries.retain(|entry| entry.state.happenings() > 0);
        while !self.fits() {
            let oldest = self.entries.iter().enumerate().min_by_key(|(_, entry)| entry.advanced).map(|(at, _)| at);
            self.entries.remove(oldest.expect("what does not fit is not empty"));
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Happenings that are kept in all.
    pub(super) fn happenings(&self) -> usize {
        self.entries.iter().map(|entry| entry.state.happenings()).sum()
    }

    fn fits(&self) -> bool {
        self.entries.len() <= PARTIAL_PATTERNS_MAX && self.happenings() <= PARTIAL_HAPPENINGS_MAX
    }

    /// The keys that any event concerns which is not quiet.
    pub(super) fn watchful(&self) -> impl Iterator<Item = u64> {
        self.entries.iter().filter(|entry| entry.watchful).map(|entry| entry.key)
    }

    /// When each wait of an absence is over: its key, its place among those under the key, and the time.
    pub(super) fn due(&self) -> impl Iterator<Item = (u64, usize, u64)> {
        self.entries.iter().flat_map(|entry| {
            let waits = if let State::Absence(waits) = &entry.state { Some(waits) } else { None };
            let each = waits.into_iter().flat_map(|waits| waits.due_ms().enumerate());
            each.map(move |(at, due_ms)| (entry.key, at, due_ms))
        })
    }

    /// Takes out a wait that is over; its records.
    pub(super) fn end_wait(&mut self, key: u64, wait: usize) -> Records {
        let Ok(at) = self.find(key) else { return Records::new() };
        let State::Absence(waits) = &mut self.entries[at].state else { return Records::new() };
        let records = waits.end(wait);
        if self.entries[at].state.happenings() == 0 {
            self.entries.remove(at);
        }
        records
    }

    /// Drops what a rule's patterns have collected.
    pub(super) fn drop_of(&mut self, rule: &Rule) {
        for key in rule.node_keys() {
            if let Ok(at) = self.find(key) {
                self.entries.remove(at);
            }
        }
    }

    /// Drops what belongs to a pattern that is gone or off.
    pub(super) fn follow(&mut self, rules: &RuleSet) {
        self.entries.retain(|entry| rules.node(entry.key).is_some());
    }

    /// The session is over, and with it what was collected in it.
    pub(super) fn end_session(&mut self) {
        self.entries.retain(|entry| !entry.session);
    }
}
