//! The records that sit in the hot row.

use footfall_protocol::record::{Record, RecordKind};
use serde::{Deserialize, Serialize};

/// The records of the hot row, the last ones there are, as they are stored: each is written once and not again with every
/// snapshot, and takes no more memory than that until somebody reads it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Whole", into = "Whole")]
pub(super) struct Hot {
    /// One after the other.
    pub(super) packed: Vec<u8>,
    /// Where each of them ends, and its time.
    pub(super) ends: Vec<(usize, u64)>,
    /// Whether one of them waits for nothing: a session's end, after which nothing comes soon that it could go along with, or
    /// what a rule has emitted, for which the store's own systems wait.
    pub(super) is_urgent: bool,
}

/// All of them, and their bytes: as serde writes them and reads them.
type Whole = (Vec<Record>, u32);

impl From<Whole> for Hot {
    fn from((records, _): Whole) -> Self {
        Self::of(&records)
    }
}

impl From<Hot> for Whole {
    fn from(hot: Hot) -> Self {
        (hot.skip(0), hot.bytes())
    }
}

impl Hot {
    pub(super) fn of(records: &[Record]) -> Self {
        let mut hot = Self::default();
        records.iter().for_each(|record| hot.push(record));
        hot
    }

    pub(super) fn push<T: AsRef<str> + Serialize>(&mut self, record: &Record<T>) {
        self.packed = postcard::to_extend(record, std::mem::take(&mut self.packed)).expect("records are plain data");
        self.ends.push((self.packed.len(), record.at_ms));
        self.is_urgent |= matches!(record.kind, RecordKind::SessionEnded | RecordKind::Emitted);
    }

    pub(super) fn bytes(&self) -> u32 {
        u32::try_from(self.packed.len()).unwrap_or(u32::MAX)
    }

    /// Where the record at a place begins.
    fn begin(&self, at: usize) -> usize {
        at.checked_sub(1).and_then(|last| self.ends.get(last)).map_or(0, |(end, _)| *end)
    }

    /// All of them, as they are stored, in parts of at most so many bytes or one record; how many are in each.
    pub(super) fn parts(&self, bytes_max: usize) -> Vec<(usize, &[u8])> {
        let (mut parts, mut first) = (Vec::new(), 0);
        for at in 1..=self.ends.len() {
            let begin = self.begin(first);
            if self.ends.get(at).is_none_or(|(end, _)| end - begin > bytes_max) {
                parts.push((at - first, &self.packed[begin..self.begin(at)]));
                first = at;
            }
        }
        parts
    }

    /// All but the first so many, as they are stored.
    pub(super) fn packed_skip(&self, count: usize) -> impl Iterator<Item = &[u8]> {
        (count..self.ends.len()).map(|at| &self.packed[self.begin(at)..self.ends[at].0])
    }

    /// All but the first so many.
    pub(super) fn skip(&self, count: usize) -> Vec<Record> {
        let mut rest = &self.packed[self.begin(count)..];
        let read = |_| {
            let (record, more) = postcard::take_from_bytes(rest).expect("what was packed is read");
            rest = more;
            record
        };
        (count..self.ends.len()).map(read).collect()
    }
}
