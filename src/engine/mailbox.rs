//! Pushes, numbered; the last ones are kept for a page that reconnects.

use footfall_protocol::limits::{MAILBOX_BYTES_MAX, MAILBOX_MAX, PUSH_BYTES_MAX};
use footfall_protocol::message::{Cursor, Push};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The pushes that may still be wanted, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Mailbox {
    /// The last number given.
    pub(super) last_seq: u64,
    kept: Vec<(u32, Push)>,
    pub(super) pushes_dropped: u32,
    pub(super) pushes_too_large: u32,
}

impl Mailbox {
    /// Numbers a push and keeps it; `None` when it is larger than a push may be.
    pub(super) fn post(&mut self, push: Push) -> Option<&Push> {
        let bytes = serde_json::to_vec(&push.content).map_or(usize::MAX, |content| content.len());
        if bytes > PUSH_BYTES_MAX {
            self.pushes_too_large += 1;
            return None;
        }
        self.last_seq += 1;
        let bytes = u32::try_from(bytes).expect("bounded by the check above");
        self.kept.push((bytes, Push { seq: self.last_seq, ..push }));
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

    /// What a tab that has come as far as `cursor` has missed; a cursor of another incarnation counts as none.
    pub(super) fn missed(&self, tab: &str, cursor: Option<Cursor>, incarnation: Uuid, now_ms: u64) -> Vec<Push> {
        let seen = cursor.filter(|c| c.incarnation == incarnation).map_or(0, |c| c.seq);
        let wanted = |push: &&Push| push.seq > seen && (push.tab.is_empty() || push.tab == tab);
        self.pending(now_ms).filter(wanted).cloned().collect()
    }

    /// Forgets what is no longer worth showing.
    pub(super) fn expire(&mut self, now_ms: u64) {
        self.kept.retain(|(_, push)| push.expires_at_ms > now_ms);
    }

    /// Forgets what was meant for a page of this tab that is over.
    pub(super) fn leave_page(&mut self, tab: &str) {
        self.kept.retain(|(_, push)| push.tab.is_empty() || push.tab != tab);
    }

    /// The visitor closed it: it is not shown again.
    pub(super) fn dismiss(&mut self, seq: u64) {
        self.kept.retain(|(_, push)| push.seq != seq);
    }
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

    #[test]
    fn a_page_gets_what_it_missed_once_and_in_order() {
        let mut mailbox = Mailbox::default();
        let id = Uuid::from_u128(1);
        for tab in ["", "a", "b", ""] {
            mailbox.post(push(tab, 1));
        }
        let seqs = |cursor| mailbox.missed("a", cursor, id, 0).iter().map(|p| p.seq).collect::<Vec<_>>();
        assert_eq!(seqs(None), [1, 2, 4]);
        assert_eq!(seqs(Some(Cursor { incarnation: id, seq: 2 })), [4]);
        assert_eq!(seqs(Some(Cursor { incarnation: Uuid::from_u128(2), seq: 9 })), [1, 2, 4]);
        assert!(mailbox.missed("a", None, id, 100).is_empty());
    }

    #[test]
    fn the_oldest_makes_room_and_is_counted() {
        let mut mailbox = Mailbox::default();
        assert!(mailbox.post(push("", PUSH_BYTES_MAX)).is_none());
        for _ in 0..=MAILBOX_MAX {
            mailbox.post(push("", 1));
        }
        assert_eq!((mailbox.pushes_dropped, mailbox.pushes_too_large, mailbox.kept.len()), (1, 1, MAILBOX_MAX));
        for _ in 0..3 {
            mailbox.post(push("", PUSH_BYTES_MAX - 20));
        }
        assert!(mailbox.bytes() <= MAILBOX_BYTES_MAX);
    }
}
