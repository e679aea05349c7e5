//! The outbox as it is stored.

use super::Outbox;
use super::hot::Hot;
use footfall_protocol::record::Record;
use serde::{Deserialize, Serialize};

/// The outbox as serde writes it and reads it.
#[derive(Serialize, Deserialize)]
pub(super) struct Whole {
    last_seq: u64,
    hot: Vec<Record>,
    hot_bytes: u32,
    pages: Vec<(u64, u64)>,
    last_page: u64,
    oldest_ms: Option<u64>,
    not_before_ms: u64,
    failures: u32,
    ahead: Vec<(String, u64)>,
}

impl From<Whole> for Outbox {
    fn from(whole: Whole) -> Self {
        let Whole { last_seq, hot, pages, last_page, oldest_ms, not_before_ms, failures, ahead, .. } = whole;
        Self { last_seq, hot: Hot::of(&hot), pages, last_page, oldest_ms, not_before_ms, failures, ahead }
    }
}

impl From<Outbox> for Whole {
    fn from(outbox: Outbox) -> Self {
        let (hot, hot_bytes) = (outbox.hot_after(0), outbox.hot.bytes());
        let Outbox { last_seq, pages, last_page, oldest_ms, not_before_ms, failures, ahead, .. } = outbox;
        Self { last_seq, hot, hot_bytes, pages, last_page, oldest_ms, not_before_ms, failures, ahead }
    }
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
}
