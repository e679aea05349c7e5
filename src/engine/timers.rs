//! Deadlines. Each is derived from the state, so none can be lost or left over; one wake stands for all of them.

use super::{Config, Effect, Turn, Visitor};

/// Deadlines handled for one input at most; far more than a visitor can have.
const PASSES_MAX: usize = 100_000;

/// The earliest deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wake {
    /// When, in milliseconds since the epoch.
    pub at_ms: u64,
    /// Why.
    pub reason: Reason,
}

/// Why a visitor wants to be woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A condition has held for a rule's duration on a tab's page.
    Dwell {
        /// Its place among the dwell clocks.
        at: usize,
    },
    /// What an absence waits for has not come for a rule's duration.
    Absence {
        /// The key of the pattern.
        key: u64,
        /// The wait's place among those of the pattern.
        wait: usize,
    },
    /// A rule was started for a time that is over.
    Start {
        /// Its place among the pending starts.
        at: usize,
    },
    /// The session has been without activity for the site's idle time.
    SessionEnd,
    /// The stage has an idle time and it is over.
    Lapse,
    /// Records have waited long enough.
    Flush,
    /// The visitor's user is to be told what has changed.
    Feed,
    /// Consent was withdrawn, and the sinks are to forget.
    Erasure,
    /// Nothing has happened for the site's retention time.
    Retention,
}

impl Reason {
    /// The reason's name, as views show it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Dwell { .. } => "dwell",
            Self::Absence { .. } => "absence",
            Self::Start { .. } => "start",
            Self::SessionEnd => "session_end",
            Self::Lapse => "lapse",
            Self::Flush => "flush",
            Self::Feed => "feed",
            Self::Erasure => "erasure",
            Self::Retention => "retention",
        }
    }
}

impl Reason {
    /// Whether it is about how the visitor is kept: such a deadline is handled at its own place, not among what happens.
    const fn is_of_keeping(&self) -> bool {
        matches!(self, Self::Flush | Self::Feed | Self::Erasure | Self::Retention)
    }
}

impl Visitor {
    /// The earliest deadline, if there is any. Nothing happens before it unless something is sent.
    pub fn next_wake(&self, config: &Config) -> Option<Wake> {
        self.deadlines(config).min_by_key(|wake| wake.at_ms)
    }

    /// All deadlines; of two at the same time the first one here is handled first.
    pub(super) fn deadlines(&self, config: &Config) -> impl Iterator<Item = Wake> {
        let settings = &config.settings;
        let last_ms = self.core.last_activity_ms;
        let wake = |at_ms: Option<u64>, reason| at_ms.map(|at_ms| Wake { at_ms, reason });
        let session_end = self.core.session.is_some().then_some(last_ms + settings.session_idle_ms);
        let quiet_since_ms = last_ms.max(self.core.stage_since_ms);
        let lapse = self.lapse(&config.rules).filter(|_| self.is_seen()).map(|(after_ms, _)| quiet_since_ms + after_ms);
        let flush = self.outbox.due_ms(settings.flush_after_ms);
        let feed = self.identity.feed_due_ms().filter(|_| !self.is_refused());
        let erasure = self.withdrawn.due_ms();
        // Records are delivered before their visitor is forgotten, and its user knows all of it; or all have forgotten it.
        let quiet = flush.is_none() && feed.is_none() && erasure.is_none();
        let retention = (last_ms > 0 && quiet).then_some(last_ms + settings.retention_ms);
        let dwells = self.dwells.due(&self.tabs).map(|(at, at_ms)| Wake { at_ms, reason: Reason::Dwell { at } });
        // Of several absences at the same time that of the first rule comes first.
        let mut absences: Vec<_> = self
            .partials
            .due()
            .filter_map(|(key, wait, at_ms)| {
                let (place, _, pattern) = config.rules.node(key)?;
                Some(((place, pattern.node(), wait), Wake { at_ms, reason: Reason::Absence { key, wait } }))
            })
            .collect();
        absences.sort_unstable_by_key(|(order, _)| *order);
        let starts = self.starts.due().map(|(at, at_ms)| Wake { at_ms, reason: Reason::Start { at } });
        dwells
            .chain(absences.into_iter().map(|(_, wake)| wake))
            .chain(starts)
            .chain(wake(session_end, Reason::SessionEnd))
            .chain(wake(lapse, Reason::Lapse))
            .filter(|_| !self.is_refused())
            .chain(wake(flush, Reason::Flush))
            .chain(wake(feed, Reason::Feed))
            .chain(wake(erasure, Reason::Erasure))
            .chain(wake(retention, Reason::Retention))
    }

    /// Handles every deadline that is over, in the order of their times; flush, feed and retention have their own places.
    pub(super) fn catch_up(&mut self, turn: &mut Turn<'_>) {
        self.follow_rules(turn);
        turn.at_ms = self.core.clock_ms;
        self.come_due(turn);
        turn.at_ms = turn.now_ms;
    }

    fn come_due(&mut self, turn: &mut Turn<'_>) {
        // Every pass does away with the deadline that it handles. The bound is there for a bug, not for a case.
        for _ in 0..PASSES_MAX {
            let over = |wake: &Wake| wake.at_ms <= turn.now_ms && !wake.reason.is_of_keeping();
            let Some(wake) = self.deadlines(turn.config).filter(over).min_by_key(|wake| wake.at_ms) else { return };
            self.core.clock_ms = turn.now_ms;
            // For windows it happens when it was due, however late the wake is.
            turn.at_ms = turn.at_ms.max(wake.at_ms);
            match wake.reason {
                Reason::Dwell { at } => self.dwelt(at, turn),
                Reason::Absence { key, wait } => {
                    let records = self.partials.end_wait(key, wait);
                    let left = self.starts.left_unattended();
                    turn.waits_left = left;
                    self.come_true(key, "", &records, turn);
                    self.starts.count_unattended(left - std::mem::replace(&mut turn.waits_left, usize::MAX));
                }
                Reason::Start { at } => self.start_is_due(at, turn),
                Reason::SessionEnd => self.end_session(turn),
                Reason::Lapse => self.lapsed(turn),
                Reason::Flush | Reason::Feed | Reason::Erasure | Reason::Retention => {}
            }
            self.retract_what_no_longer_holds(turn);
        }
    }

    /// Forgets the visitor whole when the retention time is over and nothing waits for delivery.
    pub(super) fn retire(&mut self, turn: &mut Turn<'_>) {
        let over = |wake: &Wake| wake.reason == Reason::Retention && wake.at_ms <= turn.now_ms;
        if self.deadlines(turn.config).any(|wake| over(&wake)) {
            turn.effects.push(Effect::Delete);
        }
    }
}
