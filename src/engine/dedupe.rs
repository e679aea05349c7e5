//! The ids of the last events, so that a repeat changes nothing.

use super::{Visitor, at_once};
use footfall_protocol::event::{Authority, Event};
use footfall_protocol::limits::DEDUPE_WINDOW;
use serde::{Deserialize, Serialize};

/// Bytes kept of each id's hash. At 48 bits a new event is mistaken for a repeat once in 5·10¹¹ events.
const WIDTH: usize = 6;

/// A ring of hashes of the last [`DEDUPE_WINDOW`] event ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dedupe {
    #[serde(with = "at_once")]
    ring: Vec<u8>,
    next: u16,
}

impl Visitor {
    /// Whether the event was among the last ones.
    pub(super) fn repeats(&self, event: &Event) -> bool {
        self.dedupe.has(&event.id, event.authority)
    }
}

impl Dedupe {
    /// Whether the id was among the last ones. An event without an id is never a repeat. What a page has sent never makes
    /// a repeat of what a server sends: else whoever guesses the id of an order could suppress the store's word on it.
    pub(super) fn has(&self, id: &str, authority: Authority) -> bool {
        let (of_server, of_page) = (hash(id), hash_of_page(id));
        let is_same = |kept: &[u8; WIDTH]| *kept == of_server || (authority != Authority::Source && *kept == of_page);
        !id.is_empty() && self.ring.as_chunks().0.iter().any(is_same)
    }

    /// Remembers an id; the oldest goes when the ring is full.
    pub(super) fn keep(&mut self, id: &str, authority: Authority) {
        if id.is_empty() {
            return;
        }
        let at = usize::from(self.next) * WIDTH;
        let hash = if authority == Authority::Source { hash(id) } else { hash_of_page(id) };
        match self.ring.get_mut(at..at + WIDTH) {
            Some(slot) => slot.copy_from_slice(&hash),
            None => self.ring.extend_from_slice(&hash),
        }
        let next = (usize::from(self.next) + 1) % DEDUPE_WINDOW;
        self.next = u16::try_from(next).expect("the window is far below 2^16");
    }
}

/// The hash of an id that a page has sent.
fn hash_of_page(id: &str) -> [u8; WIDTH] {
    fold(fnv1a_on(fnv1a(b"page\0"), id.as_bytes()))
}

/// FNV-1a (64 bits), folded to 48. Whoever finds a collision can suppress an event of a page, and of a server with some
/// 2^48 tries for each id that they know.
fn hash(id: &str) -> [u8; WIDTH] {
    fold(fnv1a(id.as_bytes()))
}

fn fold(hash: u64) -> [u8; WIDTH] {
    let folded = (hash ^ (hash >> 48)).to_le_bytes();
    [folded[0], folded[1], folded[2], folded[3], folded[4], folded[5]]
}

/// FNV-1a, 64 bits (Fowler, Noll and Vo).
pub(super) fn fnv1a(bytes: &[u8]) -> u64 {
    fnv1a_on(0xcbf2_9ce4_8422_2325, bytes)
}

/// The hash of what has this hash with more behind it.
fn fnv1a_on(hash: u64, more: &[u8]) -> u64 {
    more.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: Authority = Authority::Source;

    #[test]
    fn the_last_ids_are_known_and_older_ones_forgotten() {
        let mut dedupe = Dedupe::default();
        for n in 0..DEDUPE_WINDOW + 3 {
            let id = format!("event-{n}");
            assert!(!dedupe.has(&id, SOURCE));
            dedupe.keep(&id, SOURCE);
            assert!(dedupe.has(&id, SOURCE));
        }
        assert!(!dedupe.has("event-2", SOURCE));
        assert!(dedupe.has("event-3", SOURCE));
        assert_eq!(dedupe.ring.len(), DEDUPE_WINDOW * WIDTH);
    }

    #[test]
    fn an_event_without_an_id_is_never_a_repeat() {
        let mut dedupe = Dedupe::default();
        dedupe.keep("", SOURCE);
        assert!(!dedupe.has("", SOURCE));
    }

    #[test]
    fn what_a_page_has_sent_never_suppresses_what_a_server_sends() {
        let mut dedupe = Dedupe::default();
        dedupe.keep("order-1", Authority::Public);
        dedupe.keep("order-2", Authority::Visitor);
        dedupe.keep("order-3", SOURCE);
        assert!(!dedupe.has("order-1", SOURCE) && !dedupe.has("order-2", SOURCE) && dedupe.has("order-3", SOURCE));
        for id in ["order-1", "order-2", "order-3"] {
            assert!(dedupe.has(id, Authority::Public) && dedupe.has(id, Authority::Visitor), "{id}");
        }
    }
}
