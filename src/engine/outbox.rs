//! Records on their way to the store's own systems: numbered, kept until the queues of all sinks have them.
//!
//! New records sit in the hot row, and are flushed before they outgrow it. Only when the queues do not take them in time
//! do they move to a cold page, which is written once; a flush sends pages and hot records in order, and what all queues
//! have taken is dropped by its number. While one refuses, how far each of the others has come is kept, so that each
//! goes on from there.

mod hot;
mod page;
#[cfg(test)]
mod tests;

pub use page::PackedRecord;
pub(super) use page::{decode_page, split_page};

use super::Effect;
use footfall_protocol::limits::{OUTBOX_HOT_BYTES_MAX, OUTBOX_PAGE_BYTES_MAX, OUTBOX_WAITING_BYTES_MAX};
use footfall_protocol::record::Record;
use hot::Hot;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// First and greatest wait before a failed flush is tried again, in milliseconds.
const RETRY_MS: (u64, u64) = (5_000, 300_000);
/// The greatest wait while other queues do take records: theirs are not to be late because of the one that refuses.
const RETRY_BESIDE_MS: u64 = 60_000;
/// A flush that has not reported by then is begun again; never sooner than records may wait anyway, so that a flight needs no
/// alarm of its own. One that died with its object is begun again sooner ([`Outbox::lose_flight`]).
const FLIGHT_MS: u64 = 60_000;

/// Records are fresh for this part of the time that they may wait; then they go along with the next event.
const FRESH_PART: u64 = 6;

/// Cold pages that one flush takes along, so that the way out of a long backlog fits into memory.
const FLIGHT_PAGES_MAX: usize = 10;

/// Cold pages below this number belong to the snapshot's sections.
const FIRST_PAGE: u64 = 16;

/// The durable list that awaits the queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Outbox {
    last_seq: u64,
    hot: Hot,
    /// Cold pages: number and last record of each.
    pages: Vec<(u64, u64)>,
    last_page: u64,
    /// When the oldest record came; `None` when all were taken.
    oldest_ms: Option<u64>,
    /// No flush before this, after one began or failed.
    not_before_ms: u64,
    failures: u32,
    /// Sinks whose queues have taken records that wait for another one's: the number up to which.
    ahead: Vec<(String, u64)>,
}

/// What a flush brings to a sink that is ahead of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The sink's name.
    pub sink: String,
    /// Its queue has the records up to this number.
    pub after: u64,
    /// Cold pages, oldest first; of the first one some records may be before.
    pub pages: Range<u64>,
    /// The last record's number; that of `after` for none.
    pub through: u64,
}

impl Outbox {
    /// Appended as serde writes it, but that the hot records are only copied.
    pub(in crate::engine) fn write(&self, to: Vec<u8>) -> Vec<u8> {
        let Self { last_seq, hot, pages, last_page, oldest_ms, not_before_ms, failures, ahead } = self;
        #[cfg(debug_assertions)]
        let begin = to.len();
        let mut bytes = postcard::to_extend(&(last_seq, hot.ends.len()), to).expect("numbers");
        bytes.extend_from_slice(&hot.packed);
        let rest = (hot.bytes(), pages, last_page, oldest_ms, not_before_ms, failures, ahead);
        let bytes = postcard::to_extend(&rest, bytes).expect("the outbox is plain data");
        #[cfg(debug_assertions)]
        assert_eq!(Ok(&bytes[begin..]), postcard::to_allocvec(self).as_deref(), "both ways of writing are one");
        bytes
    }

    /// Numbers a record and keeps it.
    pub(super) fn push<T: AsRef<str> + Serialize>(&mut self, mut record: Record<T>) {
        self.last_seq += 1;
        record.seq = self.last_seq;
        self.oldest_ms.get_or_insert(record.at_ms);
        self.hot.push(&record);
    }

    /// An empty one for another life; the numbers of cold pages go on, since those of this one are deleted meanwhile.
    pub(super) fn of_next_life(&self) -> Self {
        Self { last_page: self.last_page, ..Self::default() }
    }

    /// As `hot_after`, as they are stored.
    pub(super) fn packed_after(&self, seq: u64) -> impl Iterator<Item = PackedRecord<'_>> {
        let skipped = self.hot_through(seq);
        let left = (self.hot.ends.len() - skipped) as u64;
        let numbers = self.last_seq.saturating_sub(left).saturating_add(1)..;
        numbers.zip(self.hot.packed_skip(skipped)).map(|(seq, bytes)| PackedRecord { seq, bytes })
    }

    /// The records of the hot row that come after this number, oldest first.
    pub(super) fn hot_after(&self, seq: u64) -> Vec<Record> {
        self.hot.skip(self.hot_through(seq))
    }

    /// How many records of the hot row have this number or an earlier one: they are the last ones, without a gap.
    fn hot_through(&self, seq: u64) -> usize {
        let left = usize::try_from(self.last_seq.saturating_sub(seq)).unwrap_or(usize::MAX);
        self.hot.ends.len().saturating_sub(left)
    }

    /// What the hot records take of the hot row, in bytes.
    pub(super) const fn hot_bytes(&self) -> usize {
        self.hot.packed.len()
    }

    pub(super) const fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Records that the queue has not taken: those of the hot row, and the cold pages.
    pub(super) const fn waiting(&self) -> (usize, usize) {
        (self.hot.ends.len(), self.pages.len())
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
        let full = !self.pages.is_empty() || self.hot_bytes() > OUTBOX_WAITING_BYTES_MAX;
        let wait_ms = if full || self.hot.is_urgent { 0 } else { flush_after_ms };
        Some((oldest_ms + wait_ms).max(self.not_before_ms))
    }

    /// Moves the hot records to cold pages when they have outgrown the hot row: to several after a large batch.
    pub(super) fn spill(&mut self) -> Vec<Effect> {
        if self.hot_bytes() <= OUTBOX_HOT_BYTES_MAX {
            return Vec::new();
        }
        let hot = std::mem::take(&mut self.hot);
        let mut seq = self.last_seq - hot.ends.len() as u64;
        let spill = |(count, packed): (usize, &[u8])| {
            seq += count as u64;
            self.last_page = self.last_page.max(FIRST_PAGE - 1) + 1;
            self.pages.push((self.last_page, seq));
            Effect::Spill { page: self.last_page, bytes: page::encode(count, packed) }
        };
        hot.parts(OUTBOX_PAGE_BYTES_MAX).into_iter().map(spill).collect()
    }

    /// Begins a flush when one is due; when the visitor is written anyway, also of records that are no longer fresh: that
    /// costs nothing, where an alarm for them would.
    pub(super) fn flush_if_due(&mut self, now_ms: u64, flush_after_ms: u64, writes_anyway: bool) -> Option<Effect> {
        let wait_ms = if writes_anyway { flush_after_ms / FRESH_PART } else { flush_after_ms };
        self.due_ms(wait_ms).filter(|due_ms| *due_ms <= now_ms)?;
        self.flush(now_ms, flush_after_ms)
    }

    /// Begins a flush of everything there is, or of the oldest [`FLIGHT_PAGES_MAX`] pages; for each sink that is ahead,
    /// of what comes after that.
    fn flush(&mut self, now_ms: u64, flush_after_ms: u64) -> Option<Effect> {
        self.oldest_ms?;
        self.not_before_ms = now_ms + flush_after_ms.max(FLIGHT_MS);
        let (pages, through) = self.after(0);
        let share = |(sink, after): &(String, u64)| {
            let (pages, through) = self.after(*after);
            Share { sink: sink.clone(), after: *after, pages, through }
        };
        Some(Effect::Flush { pages, through, ahead: self.ahead.iter().map(share).collect() })
    }

    /// What one flight takes along of the records after a number: cold pages, and the last record's number.
    fn after(&self, seq: u64) -> (Range<u64>, u64) {
        let pages = &self.pages[self.pages.partition_point(|(_, last)| *last <= seq)..];
        let some = &pages[..pages.len().min(FLIGHT_PAGES_MAX)];
        let range = some.first().zip(some.last()).map_or(0..0, |((first, _), (last, _))| *first..*last + 1);
        let through = if some.len() < pages.len() { some.last().map(|(_, last)| *last) } else { None };
        (range, through.unwrap_or(self.last_seq))
    }

    /// The queues of all sinks have all records up to `through`; those of some may have more.
    pub(super) fn flushed(&mut self, through: u64, taken: Vec<(String, u64)>, now_ms: u64) -> Option<Effect> {
        self.note(taken);
        self.ahead.retain(|(_, seq)| *seq > through);
        if self.hot_through(through) > 0 {
            self.hot = Hot::of(&self.hot_after(through));
        }
        let gone = self.pages.iter().filter(|(_, last)| *last <= through).map(|(page, _)| *page);
        let dropped = gone.clone().min().zip(gone.max()).map(|(first, last)| Effect::Drop { pages: first..last + 1 });
        self.pages.retain(|(_, last)| *last > through);
        let left = !self.pages.is_empty() || !self.hot.ends.is_empty();
        self.oldest_ms = left.then(|| self.hot.ends.first().map_or(now_ms, |(_, at_ms)| *at_ms));
        (self.not_before_ms, self.failures) = (0, 0);
        dropped
    }

    /// Whether a flush has begun that has not reported.
    pub(super) const fn awaits_flush(&self, now_ms: u64) -> bool {
        self.failures == 0 && self.not_before_ms > now_ms
    }

    /// Whoever has begun a flush is gone, and no other is under way: what has not reported is due again as if it had not
    /// begun; after failures, at the latest when the longest wait is over.
    pub(super) fn lose_flight(&mut self, now_ms: u64) {
        let at_most_ms = if self.failures == 0 { 0 } else { now_ms + RETRY_MS.1 };
        self.not_before_ms = self.not_before_ms.min(at_most_ms);
    }

    /// As `flushed`, of records that are all in the hot row.
    pub(super) fn recall(&mut self, through: u64, now_ms: u64) {
        if self.pages.is_empty() {
            let dropped = self.flushed(through, Vec::new(), now_ms);
            debug_assert_eq!(dropped, None, "there are no pages");
        }
    }

    /// A queue did not take them: later again, each time later. Those that did take them do not get them again.
    pub(super) fn flush_failed(&mut self, taken: Vec<(String, u64)>, now_ms: u64) {
        let most_ms = if taken.is_empty() { RETRY_MS.1 } else { RETRY_BESIDE_MS };
        let wait_ms = RETRY_MS.0.saturating_mul(1 << self.failures.min(16)).min(most_ms);
        self.failures = self.failures.saturating_add(1);
        self.not_before_ms = now_ms + wait_ms;
        self.note(taken);
    }

    /// Queues have taken records up to these numbers.
    fn note(&mut self, taken: Vec<(String, u64)>) {
        for (sink, through) in taken {
            let through = through.min(self.last_seq);
            match self.ahead.iter_mut().find(|(known, _)| *known == sink) {
                Some((_, seq)) => *seq = through.max(*seq),
                None => self.ahead.push((sink, through)),
            }
        }
    }
}
