//! The requests that are played, each with its own numbers.

use crate::options::quit;
use std::sync::atomic::{AtomicU64, Ordering};

/// Stands for a number that is used once.
const PLACE: &[u8; 12] = b"@@@@@@@@@@@@";

pub(crate) struct Requests {
    entries: Vec<Entry>,
    numbers: AtomicU64,
}

struct Entry {
    bytes: Vec<u8>,
    /// Where numbers go.
    places: Vec<usize>,
}

impl Requests {
    /// Reads a file of them; `run` makes their numbers others than those of any other run.
    pub(crate) fn load(name: &str, run: u64) -> Self {
        let file = std::fs::read(name).unwrap_or_else(|error| quit(&format!("{name} cannot be read: {error}")));
        let mut entries = Vec::new();
        let mut rest = file.as_slice();
        while let Some((head, after)) = rest.split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*head) as usize;
            let Some((bytes, after)) = after.split_at_checked(length) else { quit("the file of requests is cut off") };
            let places = (0..length.saturating_sub(PLACE.len()))
                .filter(|at| bytes[*at] == b'@' && bytes[*at..].starts_with(PLACE))
                .collect();
            entries.push(Entry { bytes: bytes.to_vec(), places });
            rest = after;
        }
        if entries.is_empty() {
            quit("the file of requests is empty");
        }
        Self { entries, numbers: AtomicU64::new(run << 32) }
    }

    pub(crate) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Writes the request of a place; behind the last comes the first again.
    /// Gives the first of its numbers.
    pub(crate) fn write(&self, at: usize, into: &mut Vec<u8>) -> u64 {
        let entry = &self.entries[at % self.entries.len()];
        into.clear();
        into.extend_from_slice(&entry.bytes);
        let first = self.numbers.fetch_add(entry.places.len() as u64, Ordering::Relaxed);
        for (number, place) in (first..).zip(&entry.places) {
            let text = format!("{number:012x}");
            into[*place..place + PLACE.len()].copy_from_slice(text.as_bytes());
        }
        first
    }
}
