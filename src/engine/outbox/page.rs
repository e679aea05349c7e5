//! Records that have left the hot row for a page of their own, one after the other as they are stored.

use super::FIRST_PAGE;
use crate::engine::SnapshotError;
use footfall_protocol::record::Record;

/// First byte of a cold page.
const PAGE_VERSION: u8 = 1;
const BROKEN: SnapshotError = SnapshotError::Section(FIRST_PAGE);

/// A record as it is stored: in postcard's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedRecord<'a> {
    /// Its number.
    pub seq: u64,
    /// The record.
    pub bytes: &'a [u8],
}

/// A page of so many records.
pub(super) fn encode(count: usize, packed: &[u8]) -> Vec<u8> {
    let mut bytes = postcard::to_extend(&count, vec![PAGE_VERSION]).expect("a number");
    bytes.extend_from_slice(packed);
    bytes
}

/// The records of a cold page.
///
/// # Errors
/// When the bytes are no page of this or an earlier version.
pub(in crate::engine) fn decode_page(bytes: &[u8]) -> Result<Vec<Record>, SnapshotError> {
    postcard::from_bytes(records_of(bytes)?).map_err(|_| BROKEN)
}

/// As `decode_page`, each record as it is stored.
///
/// # Errors
/// As there.
pub(in crate::engine) fn split_page(bytes: &[u8]) -> Result<Vec<PackedRecord<'_>>, SnapshotError> {
    let (count, mut rest): (usize, _) = postcard::take_from_bytes(records_of(bytes)?).map_err(|_| BROKEN)?;
    let next = |_| {
        let (record, more) = postcard::take_from_bytes::<Record>(rest).map_err(|_| BROKEN)?;
        let bytes = &rest[..rest.len() - more.len()];
        rest = more;
        Ok(PackedRecord { seq: record.seq, bytes })
    };
    (0..count).map(next).collect()
}

fn records_of(page: &[u8]) -> Result<&[u8], SnapshotError> {
    match page.split_first() {
        Some((&PAGE_VERSION, records)) => Ok(records),
        Some((&version, _)) => Err(SnapshotError::Version(version)),
        None => Err(BROKEN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use footfall_protocol::Object;
    use footfall_protocol::record::RecordKind;

    #[test]
    fn a_page_is_read_whole_or_record_by_record() {
        let record = |seq: u64| {
            let name = format!("search {seq}");
            Record { seq, at_ms: 10, kind: RecordKind::Event, name, session: 1, data: Object::new() }
        };
        let records: Vec<Record> = (3..9).map(record).collect();
        let packed: Vec<Vec<u8>> = records.iter().map(|record| postcard::to_allocvec(record).unwrap()).collect();
        let page = encode(records.len(), &packed.concat());
        assert_eq!(decode_page(&page), Ok(records));
        let split: Vec<_> = split_page(&page).unwrap();
        assert!(split.iter().map(|record| record.bytes).eq(packed.iter().map(Vec::as_slice)));
        assert!(split.iter().map(|record| record.seq).eq(3..9));
        assert_eq!(split_page(&page[..page.len() - 1]), Err(BROKEN));
        assert_eq!(split_page(&[]), Err(BROKEN));
        assert_eq!(split_page(&[9, 0]), Err(SnapshotError::Version(9)));
    }
}
