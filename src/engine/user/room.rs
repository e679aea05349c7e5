//! Room for one more visitor: those that were surely deleted are folded together for good.

use super::letter::{Linked, Member};
use super::{Nested, SURELY_GONE_MS, User};
use footfall_protocol::limits::{USER_CONTRIBUTION_BYTES_MAX, USER_VISITORS_MAX};

/// Orders kept one by one of visitors that were folded together for good.
const SETTLED_ORDERS_MAX: usize = 128;

impl User {
    /// Whether one more visitor finds room; those that were surely deleted make some.
    pub(super) fn has_room(&mut self, now_ms: u64, retention_ms: u64) -> bool {
        // What is on its way to the user whom this one becomes stays as it is.
        if self.linked.len() < USER_VISITORS_MAX || self.merge.is_some() {
            return self.linked.len() < USER_VISITORS_MAX;
        }
        let silent_ms = retention_ms.saturating_add(SURELY_GONE_MS);
        let is_gone = |one: &&Linked| one.gone || now_ms.saturating_sub(one.fed_ms) > silent_ms;
        // More than one where others have come late (`USER_LATE_VISITORS_MAX`).
        while self.linked.len() >= USER_VISITORS_MAX {
            let gone = self.linked.iter().filter(is_gone).min_by_key(|one| one.fed_ms).map(|one| one.member);
            let Some(gone) = gone else { return false };
            self.settle(gone);
        }
        true
    }

    /// Folds a visitor that was deleted into the sum of those.
    fn settle(&mut self, gone: Member) {
        let at = match self.settled.binary_search_by_key(&self.user, |(owner, ..)| *owner) {
            Ok(at) => at,
            Err(at) => {
                self.settled.insert(at, (self.user, 0, Nested::default()));
                at
            }
        };
        let (_, version, sum) = &mut self.settled[at];
        for one in self.linked.extract_if(.., |one| one.member == gone) {
            *version += 1;
            sum.0.add(&one.contribution.0);
        }
        sum.0.bound(SETTLED_ORDERS_MAX);
        sum.0.fit(USER_CONTRIBUTION_BYTES_MAX);
        // A user that has become this one may hand it on once more.
        self.note_withdrawn(gone, u64::MAX);
    }
}
