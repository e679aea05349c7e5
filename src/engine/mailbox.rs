//! Pushes and retractions, numbered; the last ones are kept for a page that reconnects.

use super::Visitor;
use footfall_protocol::Millis;
use footfall_protocol::limits::{MAILBOX_BYTES_MAX, MAILBOX_MAX, PUSH_BYTES_MAX, RETRACTIONS_MAX};
use footfall_protocol::message::{Cursor, Missed, Push, Seen, ServerMessage, Standing};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The pushes that may still be wanted, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Mailbox {
    /// The last number given, to a push or a retraction.
    pub(super) last_seq: u64,
    kept: Vec<(u32, Push)>,
    pub(super) pushes_dropped: u32,
    pub(super) pushes_too_large: u32,
    /// Pushes that a page may show and that are taken back when they no longer hold.
    bound: Vec<Bound>,
    /// What was taken back, until it would have expired anyway.
    retracted: Vec<Retracted>,
    pub(super) retractions_dropped: u32,
}

/// A push that holds only as long as its rule says; kept apart from its content, which may have to make room earlier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bound {
    pub(super) seq: u64,
    pub(super) rule: String,
    pub(super) tab: String,
    slot: String,
    expires_at_ms: u64,
}

/// A push that was taken back. Its retraction has a place of its own in the sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Retracted {
    seq: u64,
    push: Bound,
}

impl Retracted {
    fn message(&self) -> ServerMessage {
        ServerMessage::Retract { seq: self.seq, push: self.push.seq, slot: self.push.slot.clone() }
    }
}

impl Mailbox {
    /// Numbers a push and keeps it; `None` when it is larger than a push may be. With `retract` it is taken back when it
    /// no longer holds. What has expired by then takes no room from what has not.
    pub(super) fn post(&mut self, push: Push, retract: bool) -> Option<&Push> {
        let bytes = serde_json::to_vec(&push.content).map_or(usize::MAX, |content| content.len());
        if bytes > PUSH_BYTES_MAX {
            self.pushes_too_large += 1;
            return None;
        }
        self.expire(push.at_ms);
        self.last_seq += 1;
        let bytes = u32::try_from(bytes).expect("bounded by the check above");
        let push = Push { seq: self.last_seq, ..push };
        if retract {
            let Push { seq, rule, tab, slot, expires_at_ms, .. } = push.clone();
            self.bound.push(Bound { seq, rule, tab, slot, expires_at_ms });
            self.retractions_dropped += drop_oldest(&mut self.bound);
        }
        self.kept.push((bytes, push));
        while self.kept.len() > MAILBOX_MAX || self.bytes() > MAILBOX_BYTES_MAX {
            self.kept.remove(0);
            self.pushes_dropped += 1;
        }
        self.kept.last().map(|(_, push)| push)
    }

    fn bytes(&self) -> usize {
        self.kept.iter().map(|(bytes, _)| *bytes as usize).sum()
    }

    /// What is kept and still worth showing.
    pub(super) fn pending(&self, now_ms: u64) -> impl Iterator<Item = &Push> {
        self.kept.iter().map(|(_, push)| push).filter(move |push| push.expires_at_ms > now_ms)
    }

    /// The pushes that are to be taken back when they no longer hold, and have not expired.
    pub(super) fn bound(&self, now_ms: u64) -> impl Iterator<Item = &Bound> {
        self.bound.iter().filter(move |push| push.expires_at_ms > now_ms)
    }

    /// Takes these pushes back, in their order; gives each one's tab (empty for all) and what it is to be told.
    pub(super) fn retract(&mut self, seqs: &[u64], now_ms: u64) -> Vec<(String, ServerMessage)> {
        if !seqs.is_empty() {
            self.expire(now_ms);
        }
        let mut told = Vec::new();
        for seq in seqs {
            let Some(at) = self.bound.iter().position(|push| push.seq == *seq) else { continue };
            let push = self.bound.remove(at);
            self.kept.retain(|(_, kept)| kept.seq != push.seq);
            self.last_seq += 1;
            let retracted = Retracted { seq: self.last_seq, push };
            told.push((retracted.push.tab.clone(), retracted.message()));
            self.retracted.push(retracted);
            self.retractions_dropped += drop_oldest(&mut self.retracted);
        }
        told
    }

    /// What a tab that has come as far as `cursor` has missed, in order: pushes, and retractions, also of pushes that it had
    /// not when it said so: they may have come with another answer meanwhile. A cursor of another incarnation counts as none.
    pub(super) fn missed(
        &self,
        tab: &str,
        cursor: Option<Cursor>,
        incarnation: Uuid,
        now_ms: u64,
    ) -> Vec<ServerMessage> {
        let seen = cursor.filter(|c| c.incarnation == incarnation).map_or(0, |c| c.seq);
        let meant = |to: &str| to.is_empty() || to == tab;
        let pushes = self.pending(now_ms).filter(|push| push.seq > seen && meant(&push.tab));
        let pushes = pushes.map(|push| (push.seq, ServerMessage::Push(push.clone())));
        let new = |gone: &&Retracted| gone.seq > seen && meant(&gone.push.tab);
        let worth = |gone: &&Retracted| gone.push.expires_at_ms > now_ms;
        let retractions = self.retracted.iter().filter(new).filter(worth).map(|gone| (gone.seq, gone.message()));
        let mut missed: Vec<(u64, ServerMessage)> = pushes.chain(retractions).collect();
        missed.sort_by_key(|(seq, _)| *seq);
        missed.into_iter().map(|(_, message)| message).collect()
    }

    /// Forgets everything that may still be wanted; numbers go on.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
        self.bound.clear();
        self.retracted.clear();
    }

    /// Forgets what is no longer worth showing.
    pub(super) fn expire(&mut self, now_ms: u64) {
        self.kept.retain(|(_, push)| push.expires_at_ms > now_ms);
        self.bound.retain(|push| push.expires_at_ms > now_ms);
        self.retracted.retain(|gone| gone.push.expires_at_ms > now_ms);
    }

    /// Forgets what was meant for a page of this tab that is over.
    pub(super) fn leave_page(&mut self, tab: &str) {
        self.kept.retain(|(_, push)| push.tab.is_empty() || push.tab != tab);
        self.bound.retain(|push| push.tab.is_empty() || push.tab != tab);
        self.retracted.retain(|gone| gone.push.tab.is_empty() || gone.push.tab != tab);
    }

    /// The visitor closed it: it is not shown again.
    pub(super) fn dismiss(&mut self, seq: u64) {
        self.kept.retain(|(_, push)| push.seq != seq);
        self.bound.retain(|push| push.seq != seq);
    }
}

impl Visitor {
    /// What a tab that stands there has missed; for tabs without a socket. It is the same however often it is asked.
    pub fn missed(&self, Standing { tab, cursor }: &Standing, now: Millis) -> Missed {
        let incarnation = self.core.incarnation;
        let messages = self.mailbox.missed(tab, *cursor, incarnation, now.max(self.core.clock_ms));
        Missed { incarnation, seq: self.mailbox.last_seq, messages }
    }

    /// The last push and the version of the state, as a page that has been told everything knows them.
    pub const fn told(&self, inspects: bool) -> Seen {
        let (own, whole) = self.core.versions;
        Seen { seq: self.mailbox.last_seq, version: if inspects { whole } else { own } }
    }
}

/// Makes room in a list of [`RETRACTIONS_MAX`]; how many went.
fn drop_oldest<T>(list: &mut Vec<T>) -> u32 {
    let beyond = list.len().saturating_sub(RETRACTIONS_MAX);
    list.drain(..beyond);
    u32::try_from(beyond).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use footfall_protocol::Object;

    fn push(tab: &str, bytes: usize) -> Push {
        let content: Object = [("text".to_owned(), "x".repeat(bytes).into())].into_iter().collect();
        let (slot, rule) = ("s".to_owned(), "r".to_owned());
        Push { seq: 0, slot, rule, priority: 0, content, tab: tab.to_owned(), at_ms: 0, expires_at_ms: 100 }
    }

    const ID: Uuid = Uuid::from_u128(1);

    /// What a tab that has come so far has missed: `+` a push, `-` the retraction of one, with its place.
    fn missed(mailbox: &Mailbox, tab: &str, seen: u64, now_ms: u64) -> String {
        let told = mailbox.missed(tab, Some(Cursor { incarnation: ID, seq: seen }), ID, now_ms);
        let word = |message: &ServerMessage| match serde_json::to_value(message).unwrap() {
            push if push["type"] == "push" => format!("+{}", push["seq"]),
            gone => format!("-{}@{}", gone["push"], gone["seq"]),
        };
        told.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_page_gets_what_it_missed_once_and_in_order() {
        let mut mailbox = Mailbox::default();
        for tab in ["", "a", "b", ""] {
            mailbox.post(push(tab, 1), false);
        }
        assert_eq!(missed(&mailbox, "a", 0, 0), "+1 +2 +4");
        assert_eq!(missed(&mailbox, "a", 2, 0), "+4");
        assert_eq!(mailbox.missed("a", None, ID, 0).len(), 3);
        let other = Cursor { incarnation: Uuid::from_u128(2), seq: 9 };
        assert_eq!(mailbox.missed("a", Some(other), ID, 0).len(), 3);
        assert_eq!(missed(&mailbox, "a", 0, 100), "");
    }

    #[test]
    fn the_oldest_makes_room_and_is_counted() {
        let mut mailbox = Mailbox::default();
        assert!(mailbox.post(push("", PUSH_BYTES_MAX), false).is_none());
        for _ in 0..=MAILBOX_MAX {
            mailbox.post(push("", 1), false);
        }
        assert_eq!((mailbox.pushes_dropped, mailbox.pushes_too_large, mailbox.kept.len()), (1, 1, MAILBOX_MAX));
        for _ in 0..3 {
            mailbox.post(push("", PUSH_BYTES_MAX - 20), false);
        }
        assert!(mailbox.bytes() <= MAILBOX_BYTES_MAX);
    }

    #[test]
    fn what_has_expired_takes_no_room_from_what_has_not() {
        let mut mailbox = Mailbox::default();
        mailbox.post(Push { expires_at_ms: 1_000, ..push("", 1) }, true);
        for at_ms in 1..=2 * MAILBOX_MAX as u64 {
            mailbox.post(Push { at_ms, expires_at_ms: at_ms + 1, ..push("", 1) }, true);
        }
        assert_eq!((mailbox.pushes_dropped, mailbox.retractions_dropped), (0, 0));
        assert_eq!(missed(&mailbox, "a", 0, 40), "+1");
    }

    #[test]
    fn a_retraction_has_its_place_and_reaches_whoever_may_have_the_push() {
        let mut mailbox = Mailbox::default();
        mailbox.post(push("", 1), true);
        mailbox.post(push("a", 1), true);
        mailbox.post(push("", 1), false);
        let told = mailbox.retract(&[1, 2, 3], 0);
        let tabs: Vec<_> = told.iter().map(|(tab, _)| tab.as_str()).collect();
        assert_eq!((tabs, mailbox.last_seq), (vec!["", "a"], 5), "a push that is not bound stays");
        mailbox.post(push("", 1), false);
        // Whoever had nothing when it said so may have got the pushes with another answer since.
        assert_eq!(missed(&mailbox, "a", 0, 0), "+3 -1@4 -2@5 +6");
        assert_eq!(missed(&mailbox, "a", 2, 0), "+3 -1@4 -2@5 +6");
        assert_eq!(missed(&mailbox, "b", 3, 0), "-1@4 +6");
        assert_eq!(missed(&mailbox, "a", 4, 0), "-2@5 +6");
        assert_eq!(missed(&mailbox, "a", 6, 0), "");
        assert_eq!(missed(&mailbox, "a", 3, 100), "", "the page has taken it away by itself");
        assert!(mailbox.retract(&[1, 2], 0).is_empty(), "once");
    }

    #[test]
    fn what_was_closed_left_or_has_expired_is_not_retracted() {
        let mut mailbox = Mailbox::default();
        for tab in ["", "a", ""] {
            mailbox.post(push(tab, 1), true);
        }
        mailbox.dismiss(1);
        mailbox.leave_page("a");
        assert_eq!(mailbox.bound(0).map(|push| push.seq).collect::<Vec<_>>(), [3]);
        assert_eq!(mailbox.bound(100).count(), 0);
        mailbox.expire(100);
        assert!(mailbox.retract(&[1, 2, 3], 0).is_empty());
    }

    #[test]
    fn a_push_whose_content_made_room_is_still_retracted() {
        let mut mailbox = Mailbox::default();
        mailbox.post(push("", 1), true);
        for _ in 0..MAILBOX_MAX {
            mailbox.post(push("", 1), false);
        }
        assert!(!mailbox.pending(0).any(|push| push.seq == 1));
        assert_eq!(mailbox.retract(&[1], 0).len(), 1);
    }

    #[test]
    fn retractions_are_bounded() {
        let mut mailbox = Mailbox::default();
        for _ in 0..RETRACTIONS_MAX + 2 {
            mailbox.post(push("", 1), true);
        }
        assert_eq!((mailbox.bound.len(), mailbox.retractions_dropped), (RETRACTIONS_MAX, 2));
        let all: Vec<u64> = mailbox.bound(0).map(|push| push.seq).collect();
        mailbox.retract(&all, 0);
        mailbox.post(push("", 1), true);
        mailbox.retract(&[mailbox.last_seq], 0);
        assert_eq!((mailbox.retracted.len(), mailbox.retractions_dropped), (RETRACTIONS_MAX, 3));
    }
}
