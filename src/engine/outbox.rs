//! Records on their way to the store's own systems: numbered, kept until the queue has them.
//!
//! New records sit in the hot row, and are flushed before they outgrow it. Only when the queue does not take them in time
//! do they move to a cold page, which is written once; a flush sends pages and hot records in order, and what the queue
//! has taken is dropped by its number.

use super::{Effect, SnapshotError};
use footfall_protocol::limits::{OUTBOX_HOT_BYTES_MAX, OUTBOX_WAITING_BYTES_MAX};
use footfall_protocol::record::{Record, RecordKind};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// First and greatest wait before a failed flush is tried again, in milliseconds.
const RETRY_MS: (u64, u64) = (5_000, 300_000);
/// A flush that has not reported by then died with its object, and is begun again.
const FLIGHT_MS: u64 = 60_000;

/// Cold pages that one flush takes along, so that the way out of a long backlog fits into memory.
const FLIGHT_PAGES_MAX: usize = 32;

/// Cold pages below this number belong to the snapshot's sections.
const FIRST_PAGE: u64 = 16;
/// First byte of a cold page.
const PAGE_VERSION: u8 = 1;

/// The durable list that awaits the queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Outbox {
    last_seq: u64,
    hot: Vec<Record>,
    hot_bytes: u32,
    /// Cold pages: number and last record of each.
    pages: Vec<(u64, u64)>,
    last_page: u64,
    /// When the oldest record came; `None` when all were taken.
    oldest_ms: Option<u64>,
    /// No flush before this, after one began or failed.
    not_before_ms: u64,
    failures: u32,
}

impl Outbox {
    /// Numbers a record and keeps it.
    pub(super) fn push(&mut self, mut record: Record) {
        self.last_seq += 1;
        record.seq = self.last_seq;
        self.oldest_ms.get_or_insert(record.at_ms);
        self.hot_bytes += u32::try_from(size(&record)).unwrap_or(u32::MAX);
        self.hot.push(record);
    }

    /// An empty one for another life; the numbers of cold pages go on, since those of this one are deleted meanwhile.
    pub(super) fn of_next_life(&self) -> Self {
        Self { last_page: self.last_page, ..Self::default() }
    }

    pub(super) fn hot(&self) -> &[Record] {
        &self.hot
    }

    pub(super) const fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Records that the queue has not taken: those of the hot row, and the cold pages.
    pub(super) const fn waiting(&self) -> (usize, usize) {
        (self.hot.len(), self.pages.len())
    }

    /// The cold pages that wait, oldest first; empty for none.
    pub(super) fn page_numbers(&self) -> Range<u64> {
        match (self.pages.first(), self.pages.last()) {
            (Some((first, _)), Some((last, _))) => *first..*last + 1,
            _ => 0..0,
        }
    }

    /// When the next flush is due.
    pub(super) fn due_ms(&self, flush_after_ms: u64) -> Option<u64> {
        let oldest_ms = self.oldest_ms?;
        let full = !self.pages.is_empty() || self.hot_bytes as usize > OUTBOX_WAITING_BYTES_MAX;
        // Nothing comes soon that the end of a session could go along with.
        let ended = self.hot.iter().any(|record| record.kind == RecordKind::SessionEnded);
        let wait_ms = if full || ended { 0 } else { flush_after_ms };
        Some((oldest_ms + wait_ms).max(self.not_before_ms))
    }

    /// Moves the hot records to a cold page when they have outgrown the hot row.
    pub(super) fn spill(&mut self) -> Option<Effect> {
        if (self.hot_bytes as usize) <= OUTBOX_HOT_BYTES_MAX {
            return None;
        }
        self.last_page = self.last_page.max(FIRST_PAGE - 1) + 1;
        self.pages.push((self.last_page, self.last_seq));
        let bytes = postcard::to_extend(&self.hot, vec![PAGE_VERSION]).expect("records are plain data");
        self.hot.clear();
        self.hot_bytes = 0;
        Some(Effect::Spill { page: self.last_page, bytes })
    }

    /// Begins a flush of everything there is, or of the oldest [`FLIGHT_PAGES_MAX`] pages.
    pub(super) fn flush(&mut self, now_ms: u64) -> Option<Effect> {
        self.oldest_ms?;
        self.not_before_ms = now_ms + FLIGHT_MS;
        let pages = self.page_numbers();
        Some(match self.pages.get(FLIGHT_PAGES_MAX - 1) {
            Some((page, last)) if self.pages.len() > FLIGHT_PAGES_MAX => {
                Effect::Flush { pages: pages.start..*page + 1, through: *last }
            }
            Some(_) | None => Effect::Flush { pages, through: self.last_seq },
        })
    }

    /// The queue has all records up to `through`.
    pub(super) fn flushed(&mut self, through: u64, now_ms: u64) -> Option<Effect> {
        self.hot.retain(|record| record.seq > through);
        self.hot_bytes = self.hot.iter().map(|r| u32::try_from(size(r)).unwrap_or(u32::MAX)).sum();
        let gone = self.pages.iter().filter(|(_, last)| *last <= through).map(|(page, _)| *page);
        let dropped = gone.clone().min().zip(gone.max()).map(|(first, last)| Effect::Drop { pages: first..last + 1 });
        self.pages.retain(|(_, last)| *last > through);
        let left = !self.pages.is_empty() || !self.hot.is_empty();
        self.oldest_ms = left.then(|| self.hot.first().map_or(now_ms, |record| record.at_ms));
        (self.not_before_ms, self.failures) = (0, 0);
        dropped
    }

    /// The queue did not take them: later again, each time later.
    pub(super) fn flush_failed(&mut self, now_ms: u64) {
        let wait_ms = RETRY_MS.0.saturating_mul(1 << self.failures.min(16)).min(RETRY_MS.1);
        self.failures = self.failures.saturating_add(1);
        self.not_before_ms = now_ms + wait_ms;
    }
}

fn size(record: &Record) -> usize {
    postcard::experimental::serialized_size(record).unwrap_or(usize::MAX)
}

/// The records of a cold page.
///
/// # Errors
/// When the bytes are no page of this or an earlier version.
pub(super) fn decode_page(bytes: &[u8]) -> Result<Vec<Record>, SnapshotError> {
    match bytes.split_first() {
        Some((&PAGE_VERSION, records)) => postcard::from_bytes(records).map_err(|_| SnapshotError::Section(FIRST_PAGE)),
        Some((&version, _)) => Err(SnapshotError::Version(version)),
        None => Err(SnapshotError::Section(FIRST_PAGE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use footfall_protocol::Object;

    fn record(bytes: usize) -> Record {
        Record { seq: 0, at_ms: 10, kind: RecordKind::Event, name: "x".repeat(bytes), session: 1, data: Object::new() }
    }

    #[test]
    fn records_are_flushed_before_they_outgrow_the_hot_row() {
        let mut outbox = Outbox::default();
        outbox.push(record(OUTBOX_WAITING_BYTES_MAX / 2));
        assert_eq!(outbox.due_ms(1_000), Some(1_010));
        outbox.push(record(OUTBOX_WAITING_BYTES_MAX / 2));
        assert_eq!((outbox.due_ms(1_000), outbox.spill()), (Some(10), None));
        assert_eq!(outbox.flush(20), Some(Effect::Flush { pages: 0..0, through: 2 }));
        outbox.push(record(1));
        assert_eq!(outbox.flushed(2, 30), None);
        assert_eq!((outbox.waiting(), outbox.due_ms(1_000)), ((1, 0), Some(1_010)));
    }

    #[test]
    fn the_end_of_a_session_is_flushed_at_once() {
        let mut outbox = Outbox::default();
        outbox.push(record(1));
        assert_eq!(outbox.due_ms(1_000), Some(1_010));
        outbox.push(Record { kind: RecordKind::SessionEnded, ..record(0) });
        assert_eq!(outbox.due_ms(1_000), Some(10));
    }

    #[test]
    fn a_long_backlog_leaves_in_several_flights() {
        let mut outbox = Outbox::default();
        for _ in 0..=FLIGHT_PAGES_MAX {
            outbox.push(record(OUTBOX_HOT_BYTES_MAX));
            assert!(outbox.spill().is_some());
        }
        outbox.push(record(1));
        let (pages, records) = (FLIGHT_PAGES_MAX as u64, FLIGHT_PAGES_MAX as u64 + 2);
        assert_eq!(outbox.flush(20), Some(Effect::Flush { pages: 16..16 + pages, through: pages }));
        assert_eq!(outbox.flushed(pages, 30), Some(Effect::Drop { pages: 16..16 + pages }));
        assert!(outbox.due_ms(1_000).is_some_and(|due_ms| due_ms <= 30), "the rest is due");
        let rest = Effect::Flush { pages: 16 + pages..17 + pages, through: records };
        assert_eq!(outbox.flush(30), Some(rest));
    }

    #[test]
    fn records_that_the_queue_does_not_take_in_time_move_to_a_page() {
        let mut outbox = Outbox::default();
        outbox.push(record(OUTBOX_HOT_BYTES_MAX));
        assert!(matches!(outbox.spill(), Some(Effect::Spill { page: 16, .. })));
        outbox.push(record(1));
        assert_eq!(outbox.flush(20), Some(Effect::Flush { pages: 16..17, through: 2 }));
        assert_eq!(outbox.flushed(2, 30), Some(Effect::Drop { pages: 16..17 }));
        assert_eq!((outbox.waiting(), outbox.due_ms(1_000)), ((0, 0), None));
    }
}
