//! Room for one more visitor: those that were surely deleted are folded together for good.

use super::letter::Linked;
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
        let (gone, here) = std::mem::take(&mut self.linked)
            .into_iter()
            .partition(|one: &Linked| one.gone || now_ms.saturating_sub(one.fed_ms) > silent_ms);
        self.linked = here;
        if !self.settled.iter().any(|(owner, ..)| *owner == self.user) {
            self.settled.push((self.user, 0, Nested::default()));
            self.settled.sort_by_key(|(owner, ..)| *owner);
        }
        let gone: Vec<Linked> = gone;
        for (_, version, sum) in self.settled.iter_mut().filter(|(owner, ..)| *owner == self.user) {
            *version += gone.len() as u64;
            gone.iter().for_each(|one| sum.0.add(&one.contribution.0));
            sum.0.bound(SETTLED_ORDERS_MAX);
            sum.0.fit(USER_CONTRIBUTION_BYTES_MAX);
        }
        self.linked.len() < USER_VISITORS_MAX
    }
}
