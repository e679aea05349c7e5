//! Deadlines. Each is derived from the state, so none can be lost or left over; one wake stands for all of them.

use super::{Config, Effect, Turn, Visitor};

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
    /// The session has been without activity for the site's idle time.
    SessionEnd,
    /// The stage has an idle time and it is over.
    Lapse,
    /// Records have waited long enough.
    Flush,
    /// Nothing has happened for the site's retention time.
    Retention,
}

impl Reason {
    /// The reason's name, as views show it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Dwell { .. } => "dwell",
            Self::SessionEnd => "session_end",
            Self::Lapse => "lapse",
            Self::Flush => "flush",
            Self::Retention => "retention",
        }
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
        let known = last_ms > 0;
        let wake = |at_ms: Option<u64>, reason| at_ms.map(|at_ms| Wake { at_ms, reason });
        let session_end = self.core.session.is_some().then_some(last_ms + settings.session_idle_ms);
        let quiet_since_ms = last_ms.max(self.core.stage_since_ms);
        let lapse = self.lapse(config).filter(|_| known).map(|(after_ms, _)| quiet_since_ms + after_ms);
        let flush = self.outbox.due_ms(settings.flush_after_ms);
        // Records are delivered before their visitor is forgotten.
        let retention = (known && flush.is_none()).then_some(last_ms + settings.retention_ms);
        let dwells = self.dwells.due(&self.tabs).map(|(at, at_ms)| Wake { at_ms, reason: Reason::Dwell { at } });
        dwells
            .chain(wake(session_end, Reason::SessionEnd))
            .chain(wake(lapse, Reason::Lapse))
            .chain(wake(flush, Reason::Flush))
            .chain(wake(retention, Reason::Retention))
    }

    /// Handles every deadline that is over, in the order of their times; flush and retention have their own places.
    pub(super) fn catch_up(&mut self, turn: &mut Turn<'_>) {
        self.follow_rules(turn);
        // Every pass does away with the deadline that it handles. The bound is there for a bug, not for a case.
        for _ in 0..1_000 {
            let over =
                |wake: &Wake| wake.at_ms <= turn.now_ms && !matches!(wake.reason, Reason::Flush | Reason::Retention);
            let Some(wake) = self.deadlines(turn.config).filter(over).min_by_key(|wake| wake.at_ms) else { return };
            self.core.clock_ms = turn.now_ms;
            match wake.reason {
                Reason::Dwell { at } => self.dwelt(at, turn),
                Reason::SessionEnd => self.end_session(turn),
                Reason::Lapse => self.lapsed(turn),
                Reason::Flush | Reason::Retention => {}
            }
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
