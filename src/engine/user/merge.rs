//! Users that become one: one of them hands on what it holds, forwards what still comes, and stays as a signpost.
//!
//! A way may have several signposts. Each user knows how long the longest is that ends at it, so that a merge which would
//! make one too long for letters is refused, as a circle is. While what a user holds was not taken, the user goes on as
//! itself: nothing is lost when it is refused.

use super::letter::{Absorb, Answer, Handed, Linked, Member, Refusal};
use super::{FLIGHT_MS, TELL_AFTER_MS, User, UserEffect, retry_ms};
use crate::engine::history::Stamp;
use footfall_protocol::limits::{
    USER_CLAIMS_MAX, USER_CONTRIBUTION_BYTES_MAX, USER_FORWARDS_MAX, USER_LATE_VISITORS_MAX, USER_MERGES_MAX,
    USER_REFUSED_MAX, USER_VISITORS_MAX,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Whom a user has become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Merge {
    pub(super) into: Uuid,
    pub(super) into_id: String,
    pub(super) stamp: Stamp,
    /// The other one has taken what was handed on: from then on letters are forwarded.
    pub(super) done: bool,
    not_before_ms: u64,
    failures: u32,
}

/// The sums that a user has settled, as a report names them beside visitors.
const fn settled_by(owner: Uuid) -> Member {
    Member { visitor: owner, incarnation: Uuid::nil() }
}

impl User {
    /// Whether that one has become this user.
    pub(super) fn has_absorbed(&self, other: Uuid) -> bool {
        self.absorbed.iter().any(|(user, _)| *user == other)
    }

    /// Whether it has become another one.
    pub(super) fn is_merged(&self) -> bool {
        self.forwards().is_some()
    }

    /// Where its letters go on to.
    pub(super) fn forwards(&self) -> Option<Uuid> {
        self.merge.as_ref().filter(|merge| merge.done).map(|merge| merge.into)
    }

    /// The store says that this user is another one. The first word counts: a user becomes one other user, for good.
    pub(super) fn become_another(
        &mut self,
        id: String,
        into: Uuid,
        into_id: String,
        stamp: Stamp,
        now_ms: u64,
    ) -> Answer {
        match &self.merge {
            Some(merge) if merge.into == into => return Answer::Taken(None),
            Some(_) => return self.refuse(&into_id, Refusal::MergedAlready, now_ms),
            None if into == self.user => return self.refuse(&into_id, Refusal::Itself, now_ms),
            None if self.has_absorbed(into) => return self.refuse(&into_id, Refusal::Circle, now_ms),
            None => {}
        }
        if !id.is_empty() {
            self.id = id;
        }
        self.audit.note(now_ms, "merges", into_id.clone(), "");
        self.merge = Some(Merge { into, into_id, stamp, done: false, not_before_ms: now_ms, failures: 0 });
        self.touch(now_ms);
        Answer::Taken(None)
    }

    fn refuse(&mut self, subject: &str, refusal: Refusal, now_ms: u64) -> Answer {
        // Of somebody of whom nothing was known that is all there is, and it goes with the retention time.
        self.touch(now_ms);
        self.audit.note(now_ms, "refused", subject.to_owned(), refusal.as_str());
        Answer::Refused(refusal)
    }

    /// When what it holds is to be handed on.
    pub(super) fn hand_on_ms(&self) -> Option<u64> {
        let members = !self.linked.is_empty() || !self.claims.is_empty() || !self.withdrawn.is_empty();
        let holds = members || !self.settled.is_empty();
        self.merge.as_ref().filter(|_| holds).map(|merge| merge.not_before_ms)
    }

    /// Begins to hand on all that it holds.
    pub(super) fn hand_on(&mut self, now_ms: u64) -> Option<UserEffect> {
        self.hand_on_ms().filter(|at_ms| *at_ms <= now_ms)?;
        let merge = self.merge.as_mut()?;
        merge.not_before_ms = now_ms + FLIGHT_MS;
        self.clock_ms = now_ms;
        let depth = *self.depth_told.get_or_insert(self.depth);
        let absorb = Absorb {
            from: self.user,
            from_id: self.id.clone(),
            into: merge.into,
            into_id: merge.into_id.clone(),
            stamp: merge.stamp,
            path: vec![self.user],
            version: self.version,
            linked: self.linked.clone(),
            claims: self.claims.clone(),
            withdrawn: self.withdrawn.clone(),
            settled: self.settled.clone(),
            depth,
            again: false,
        };
        Some(UserEffect::HandOn { to: merge.into, absorb })
    }

    /// What a message hands on: for the report.
    pub fn handed(absorb: &Absorb) -> Handed {
        let linked = absorb.linked.iter().map(|one| (one.member, one.version));
        let settled = absorb.settled.iter().map(|(owner, version, _)| (settled_by(*owner), *version));
        let members = linked.chain(settled).chain(absorb.claims.iter().chain(&absorb.withdrawn).copied()).collect();
        Handed { merge: (absorb.into, absorb.stamp), members }
    }

    /// How handing on went. What came in between is handed on next.
    pub(super) fn handed_on(&mut self, handed: &Handed, refused: Option<Refusal>, now_ms: u64) {
        let sent = &handed.members;
        let Some(merge) = self.merge.as_mut().filter(|merge| (merge.into, merge.stamp) == handed.merge) else { return };
        match refused {
            None => {
                (merge.done, merge.failures, merge.not_before_ms) = (true, 0, now_ms + TELL_AFTER_MS);
                self.linked.retain(|one| !sent.contains(&(one.member, one.version)));
                self.claims.retain(|said| !sent.contains(said));
                self.withdrawn.retain(|said| !sent.contains(said));
                self.settled.retain(|(owner, version, _)| !sent.contains(&(settled_by(*owner), *version)));
                self.fold(now_ms);
            }
            // What was taken once is not taken back: the rest waits until there is room.
            Some(_) if merge.done => self.hand_on_later(now_ms),
            Some(refusal) => {
                let into_id = std::mem::take(&mut merge.into_id);
                (self.merge, self.depth_told) = (None, None);
                self.audit.note(now_ms, "refused", into_id, refusal.as_str());
            }
        }
    }

    /// Nothing of it was taken: what is told next may be another depth.
    pub(super) fn hand_on_anew(&mut self, now_ms: u64) {
        if self.merge.as_ref().is_some_and(|merge| !merge.done) {
            self.depth_told = None;
        }
        self.hand_on_later(now_ms);
    }

    pub(super) fn hand_on_later(&mut self, now_ms: u64) {
        if let Some(merge) = &mut self.merge {
            merge.not_before_ms = now_ms + retry_ms(merge.failures);
            merge.failures = merge.failures.saturating_add(1);
        }
    }

    /// Takes what a user that becomes this one hands on, or says where it belongs. A refusal of the first hand-over is final:
    /// whoever hands on goes on as itself then, so that a copy that comes late, when there would be room, must not be taken.
    pub(super) fn absorb(&mut self, absorb: Absorb, now_ms: u64) -> Answer {
        let (from, stamp) = (absorb.from, absorb.stamp);
        if let Some((.., why)) = self.refused.iter().find(|(user, of, _)| (*user, *of) == (from, stamp)) {
            return Answer::Refused(*why);
        }
        let is_new = !absorb.again && !self.has_absorbed(from);
        let answer = self.take_over(absorb, is_new, now_ms);
        if let Answer::Refused(why) = answer
            && is_new
        {
            self.refused.push((from, stamp, why));
            let over = self.refused.len().saturating_sub(USER_REFUSED_MAX);
            self.refused.drain(..over);
        }
        answer
    }

    /// A user that has become this one before is not refused what it hands on again for want of room: part of it counts here
    /// already, and who goes on as itself would count it once more. It finds some room beyond the bounds, and waits where it
    /// is when there is none.
    fn take_over(&mut self, absorb: Absorb, is_new: bool, now_ms: u64) -> Answer {
        let depth = usize::from(absorb.depth) + absorb.path.len();
        let gives_way = match self.takes_itself(&absorb, depth, is_new) {
            Ok(gives_way) => gives_way,
            Err(Answer::Refused(why)) => return self.refuse(&absorb.from_id, why, now_ms),
            Err(elsewhere) => return elsewhere,
        };
        if let Some(why) = self.too_much(&absorb, depth, is_new) {
            return if is_new { self.refuse(&absorb.from_id, why, now_ms) } else { Answer::Later };
        }
        let depth = u16::try_from(depth).unwrap_or(u16::MAX);
        if gives_way {
            let into_id = self.merge.take().map(|merge| merge.into_id).unwrap_or_default();
            self.depth_told = None;
            self.audit.note(now_ms, "refused", into_id, Refusal::Circle.as_str());
        } else if self.depth_told.is_some_and(|told| depth > told) {
            return Answer::Later;
        }
        self.depth = self.depth.max(depth);
        if self.id.is_empty() && absorb.path.len() == 1 {
            self.id.clone_from(&absorb.into_id);
        }
        if is_new {
            self.audit.note(now_ms, "absorbed", absorb.from_id.clone(), "");
            self.absorbed.push((absorb.from, absorb.from_id));
        }
        if self.version <= absorb.version {
            // Whoever knows a profile of the user that goes is told the one that they make together.
            self.version = absorb.version.saturating_add(1);
        }
        for (member, version) in absorb.withdrawn {
            if self.newest(member).is_none_or(|known| known < version) {
                self.linked.retain(|one| one.member.incarnation != member.incarnation);
                self.claims.retain(|(who, _)| who.incarnation != member.incarnation);
                self.note_withdrawn(member, version);
            }
        }
        for (member, version) in absorb.claims {
            if !self.is_withdrawn(member, version) && self.newest(member).is_none_or(|known| known < version) {
                self.claims.retain(|(who, _)| *who != member);
                self.linked.retain(|one| one.member != member);
                self.claims.push((member, version));
            }
        }
        let over = self.claims.len().saturating_sub(USER_CLAIMS_MAX);
        self.claims.drain(..over);
        for linked in absorb.linked {
            self.take_linked(linked);
        }
        for (owner, version, mut sum) in absorb.settled {
            sum.0.fit(USER_CONTRIBUTION_BYTES_MAX);
            match self.settled.binary_search_by_key(&owner, |(kept, ..)| *kept) {
                Ok(at) if self.settled[at].1 >= version => {}
                Ok(at) => self.settled[at] = (owner, version, sum),
                Err(at) => self.settled.insert(at, (owner, version, sum)),
            }
        }
        self.touch(now_ms);
        self.fold(now_ms);
        Answer::Taken(None)
    }

    /// Whether its own word, to become another user, gives way to what is handed on. An error when that is not for this user
    /// but for whom it has become, or when it is a circle.
    fn takes_itself(&self, absorb: &Absorb, depth: usize, is_new: bool) -> Result<bool, Answer> {
        let Some(merge) = &self.merge else { return Ok(false) };
        let circle = absorb.path.contains(&merge.into);
        if merge.done {
            return Err(match (circle, is_new) {
                (true, _) => Answer::Refused(Refusal::Circle),
                (false, true) if depth >= USER_FORWARDS_MAX => Answer::Refused(Refusal::TooFar),
                (false, true) => Answer::Forward(merge.into),
                (false, false) => Answer::ForwardAgain(merge.into),
            });
        }
        // Each of two is on its way into the other: the store's earlier word goes. Who has forwarded it, or handed on before,
        // has become this one already.
        let forwarded = absorb.path.iter().skip(1).any(|passed| *passed == merge.into);
        let gives_way = !is_new || forwarded || merge.stamp < absorb.stamp;
        if circle && !gives_way { Err(Answer::Refused(Refusal::Circle)) } else { Ok(circle) }
    }

    /// Why there is no room for what is handed on.
    fn too_much(&self, absorb: &Absorb, depth: usize, is_new: bool) -> Option<Refusal> {
        let sums = self.settled.iter().chain(&absorb.settled).map(|(owner, ..)| *owner);
        let sums: BTreeSet<Uuid> = sums.filter(|owner| *owner != self.user).collect();
        let comes = |one: &&Linked| !self.outdates(one) && !self.linked.iter().any(|here| here.member == one.member);
        let visitors = self.linked.len() + absorb.linked.iter().filter(comes).count();
        let late = if is_new { 0 } else { USER_LATE_VISITORS_MAX };
        if depth > USER_FORWARDS_MAX {
            Some(Refusal::TooFar)
        } else if sums.len() > USER_MERGES_MAX || (is_new && self.absorbed.len() >= USER_MERGES_MAX) {
            Some(Refusal::TooManyMerges)
        } else if visitors > USER_VISITORS_MAX + late {
            Some(Refusal::TooManyVisitors)
        } else {
            None
        }
    }

    /// Whether something newer is known of a visitor than what is handed on.
    fn outdates(&self, linked: &Linked) -> bool {
        self.is_withdrawn(linked.member, linked.version)
            || self.newest(linked.member).is_some_and(|known| known >= linked.version)
    }

    fn take_linked(&mut self, linked: Linked) {
        if self.outdates(&linked) {
            // Told in answer to the same letter by the user that hands on, it may not have heard what was answered here: that
            // may have been a copy, which nobody waited for.
            let same = |one: &&mut Linked| one.member == linked.member && one.version == linked.version;
            if let Some(one) = self.linked.iter_mut().find(same).filter(|_| linked.told > 0) {
                one.told = 0;
            }
            return;
        }
        self.claims.retain(|(who, _)| *who != linked.member);
        let mut linked = Linked { told: 0, failures: 0, ..linked };
        linked.contribution.0.fit(USER_CONTRIBUTION_BYTES_MAX);
        match self.linked.binary_search_by_key(&linked.member, |one| one.member) {
            Ok(at) => self.linked[at] = linked,
            Err(at) => self.linked.insert(at, linked),
        }
    }

    /// The version of the newest letter of a visitor that counts here.
    fn newest(&self, member: Member) -> Option<u64> {
        let linked =
            self.linked.iter().filter(|one| one.member.incarnation == member.incarnation).map(|one| one.version);
        let said = self.claims.iter().filter(|(who, _)| who.incarnation == member.incarnation);
        linked.chain(said.map(|(_, version)| *version)).max()
    }
}
