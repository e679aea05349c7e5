//! The records that wait in the outbox, as the shell and the tools read them.

use super::{SnapshotError, Visitor, outbox};
use footfall_protocol::record::Record;
use std::ops::Range;

impl Visitor {
    /// The records that are not in a cold page, oldest first.
    pub fn hot_records(&self) -> Vec<Record> {
        self.hot_records_after(0)
    }

    /// Those of them that come after this number.
    pub fn hot_records_after(&self, seq: u64) -> Vec<Record> {
        self.outbox.hot_after(seq)
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

    /// The number of the last record, 0 for none.
    pub const fn last_record(&self) -> u64 {
        self.outbox.last_seq()
    }
}
