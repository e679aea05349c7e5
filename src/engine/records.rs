//! Records: how one comes into the outbox, and those that wait there, as the shell and the tools read them.

use super::{Input, PackedRecord, SnapshotError, Turn, Visitor, outbox};
use footfall_protocol::record::{Record, RecordKind};
use footfall_protocol::value::Members;
use serde::Serialize;
use std::ops::Range;

impl Input {
    /// The report of a flush that all queues have taken.
    pub const fn flushed(through: u64) -> Self {
        Self::Flushed { through, taken: Vec::new() }
    }
}

impl Visitor {
    /// Keeps a record; its number.
    pub(super) fn record<'a, T>(
        &mut self,
        kind: RecordKind,
        name: &'a str,
        mut data: Members<T>,
        turn: &Turn<'_>,
    ) -> u64
    where
        T: AsRef<str> + From<&'a str> + Serialize,
    {
        if self.is_refused() {
            return self.outbox.last_seq();
        }
        if self.core.gpc {
            // Whoever reads it is bound by it: neither sold nor shared.
            data.insert("gpc", true);
        }
        let session = self.core.session.as_ref().map_or(0, |session| session.number);
        self.outbox.push(Record { seq: 0, at_ms: turn.now_ms, kind, name: name.into(), session, data });
        self.outbox.last_seq()
    }

    /// Whether the disk tells of a flush that has not reported.
    pub const fn awaits_flush(&self) -> bool {
        self.outbox.awaits_flush(self.core.clock_ms)
    }

    /// The queues of all sinks are known to have the records up to this number, though that was not written.
    pub fn recall_flush(&mut self, through: u64) {
        self.outbox.recall(through, self.core.clock_ms);
    }

    /// Whoever has begun a flush is gone, and no other is under way: it is due again.
    pub fn lose_flight(&mut self) {
        self.outbox.lose_flight(self.core.clock_ms);
    }

    /// The records that are not in a cold page, oldest first.
    pub fn hot_records(&self) -> Vec<Record> {
        self.hot_records_after(0)
    }

    /// Those of them that come after this number.
    pub fn hot_records_after(&self, seq: u64) -> Vec<Record> {
        self.outbox.hot_after(seq)
    }

    /// The same as they are stored.
    pub fn packed_records_after(&self, seq: u64) -> impl Iterator<Item = PackedRecord<'_>> {
        self.outbox.packed_after(seq)
    }

    /// The numbers of the cold pages with the records before those, oldest first; empty for none.
    pub fn record_pages(&self) -> Range<u64> {
        self.outbox.page_numbers()
    }

    /// The records of a cold page, oldest first.
    ///
    /// # Errors
    /// When the bytes are no page of this or an earlier version.
    pub fn decode_page(bytes: &[u8]) -> Result<Vec<Record>, SnapshotError> {
        outbox::decode_page(bytes)
    }

    /// The same as they are stored.
    ///
    /// # Errors
    /// As `decode_page`.
    pub fn split_page(bytes: &[u8]) -> Result<Vec<PackedRecord<'_>>, SnapshotError> {
        outbox::split_page(bytes)
    }

    /// The number of the last record, 0 for none.
    pub const fn last_record(&self) -> u64 {
        self.outbox.last_seq()
    }
}
