//! The ids of the last events, so that a repeat changes nothing.

use footfall_protocol::limits::DEDUPE_WINDOW;
use serde::{Deserialize, Serialize};

/// Bytes kept of each id's hash. At 48 bits a new event is mistaken for a repeat once in 5·10¹¹ events.
const WIDTH: usize = 6;

/// A ring of hashes of the last [`DEDUPE_WINDOW`] event ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dedupe {
    ring: Vec<u8>,
    next: u16,
}

impl Dedupe {
    /// Whether the id was among the last ones. An event without an id is never a repeat.
    pub(super) fn has(&self, id: &str) -> bool {
        let hash = hash(id);
        !id.is_empty() && self.ring.chunks_exact(WIDTH).any(|kept| kept == hash)
    }

    /// Remembers an id; the oldest goes when the ring is full.
    pub(super) fn keep(&mut self, id: &str) {
        if id.is_empty() {
            return;
        }
        let at = usize::from(self.next) * WIDTH;
        let hash = hash(id);
        match self.ring.get_mut(at..at + WIDTH) {
            Some(slot) => slot.copy_from_slice(&hash),
            None => self.ring.extend_from_slice(&hash),
        }
        let next = (usize::from(self.next) + 1) % DEDUPE_WINDOW;
        self.next = u16::try_from(next).expect("the window is far below 2^16");
    }
}

/// FNV-1a (64 bits), folded to 48. Somebody who finds a collision can only suppress an event of their own.
fn hash(id: &str) -> [u8; WIDTH] {
    let hash = fnv1a(id.as_bytes());
    let folded = (hash ^ (hash >> 48)).to_le_bytes();
    [folded[0], folded[1], folded[2], folded[3], folded[4], folded[5]]
}

/// FNV-1a, 64 bits (Fowler, Noll and Vo).
pub(super) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ids_are_known_and_older_ones_forgotten() {
        let mut dedupe = Dedupe::default();
        for n in 0..DEDUPE_WINDOW + 3 {
            let id = format!("event-{n}");
            assert!(!dedupe.has(&id));
            dedupe.keep(&id);
            assert!(dedupe.has(&id));
        }
        assert!(!dedupe.has("event-2"));
        assert!(dedupe.has("event-3"));
        assert_eq!(dedupe.ring.len(), DEDUPE_WINDOW * WIDTH);
    }

    #[test]
    fn an_event_without_an_id_is_never_a_repeat() {
        let mut dedupe = Dedupe::default();
        dedupe.keep("");
        assert!(!dedupe.has(""));
    }
}
