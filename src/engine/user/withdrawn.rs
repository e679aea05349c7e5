//! Visitors that are no longer a user's, or found no room with it, remembered for a while so that what comes late of them
//! changes nothing.

use super::letter::Member;
use super::{User, of};
use footfall_protocol::limits::USER_WITHDRAWN_MAX;
use uuid::Uuid;

impl User {
    pub(super) fn leave(&mut self, member: Member, now_ms: u64) {
        let before = self.linked.len();
        self.linked.retain(|linked| linked.member != member);
        self.claims.retain(|(who, _)| *who != member);
        if self.linked.len() < before {
            self.audit.note(now_ms, "withdrawn", of(member), "");
        }
    }

    /// Whether a later letter has withdrawn that life. Of letters written together the withdrawal comes first, and may be
    /// forwarded to where the others go.
    pub(super) fn is_withdrawn(&self, member: Member, version: u64) -> bool {
        self.withdrawn.iter().any(|(who, until)| who.incarnation == member.incarnation && version < *until)
    }

    /// What that life wrote before this version counts no more.
    pub(super) fn note_withdrawn(&mut self, member: Member, version: u64) {
        let same_life = |who: &Member| who.incarnation == member.incarnation;
        if self.withdrawn.iter().any(|(who, until)| same_life(who) && version <= *until) {
            return;
        }
        self.withdrawn.retain(|(who, _)| !same_life(who));
        // The visitor itself is not noted: who has left may be erased without this user's hearing of it.
        self.withdrawn.push((Member { visitor: Uuid::nil(), ..member }, version));
        if self.withdrawn.len() > USER_WITHDRAWN_MAX {
            self.withdrawn.remove(0);
        }
    }
}
