//! Queue messages: records of a visitor or, for sinks that are not ours to empty, that one was erased.
//!
//! Records go as they are kept, packed: to write them as text is the consumer's work, not that of the object, which has
//! visitors waiting. All else, and what people are to read, is JSON.

use crate::access::seal::{self, content_address};
use crate::engine::PackedRecord;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use footfall_protocol::limits::QUEUE_MESSAGE_BYTES_MAX;
use footfall_protocol::record::{Erasure, Record, RecordBatch};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The version of packed records: first in their message, as `v` of a [`RecordBatch`] is.
const PACKED_VERSION: u32 = 2;
/// What stands around the records in a message, in bytes, at most.
const ENVELOPE_BYTES: usize = 256;
/// How a letter's text begins that stands for bytes which no release of ours can read.
const AS_BYTES: &str = "bytes:";

/// The body of a message, as a queue carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Records: a [`RecordBatch`] in postcard's form (the Postcard Wire Format, version 1).
    Packed(Vec<u8>),
    /// JSON.
    Text(String),
}

impl Body {
    /// How long it is, in bytes.
    pub const fn len(&self) -> usize {
        match self {
            Self::Packed(bytes) => bytes.len(),
            Self::Text(text) => text.len(),
        }
    }

    /// Whether nothing is in it.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The message. `None`: this release cannot read it.
    pub fn read(&self) -> Option<Message> {
        match self {
            Self::Packed(bytes) => unpack(bytes).map(Message::Records),
            Self::Text(text) => Message::parse(text),
        }
    }

    /// As a dead letter keeps it, for people to read: JSON, or what `of_letter` makes the same bytes of.
    pub fn to_letter(&self) -> String {
        match (self, self.read()) {
            (Self::Text(text), _) => text.clone(),
            (Self::Packed(_), Some(message)) => serde_json::to_string(&message).expect("plain data is JSON"),
            (Self::Packed(bytes), None) => format!("{AS_BYTES}{}", URL_SAFE_NO_PAD.encode(bytes)),
        }
    }

    /// The body that a dead letter stands for.
    pub fn of_letter(text: &str) -> Self {
        if let Some(Message::Records(batch)) = Message::parse(text) {
            let bytes = postcard::to_allocvec(&RecordBatch { v: PACKED_VERSION, ..batch });
            return Self::Packed(bytes.expect("plain data is packed"));
        }
        let bytes = text.strip_prefix(AS_BYTES).and_then(seal::decode);
        bytes.map_or_else(|| Self::Text(text.to_owned()), Self::Packed)
    }
}

/// Records of one life of a visitor as messages below the platform's billing step, in order.
pub fn pack<'a>(
    site: &str,
    visitor: Uuid,
    incarnation: Uuid,
    records: impl IntoIterator<Item = PackedRecord<'a>>,
) -> Vec<Body> {
    let message = |count: usize, packed: &[u8]| {
        let head = (PACKED_VERSION, site, visitor, incarnation, count);
        let mut bytes = Vec::with_capacity(ENVELOPE_BYTES + packed.len());
        bytes = postcard::to_extend(&head, bytes).expect("plain data is packed");
        bytes.extend_from_slice(packed);
        Body::Packed(bytes)
    };
    let (mut messages, mut count, mut packed) = (Vec::new(), 0, Vec::new());
    for record in records {
        if count > 0 && ENVELOPE_BYTES + packed.len() + record.bytes.len() > QUEUE_MESSAGE_BYTES_MAX {
            messages.push(message(count, &packed));
            (count, packed) = (0, Vec::new());
        }
        count += 1;
        packed.extend_from_slice(record.bytes);
    }
    if count > 0 {
        messages.push(message(count, &packed));
    }
    messages
}

fn unpack(bytes: &[u8]) -> Option<RecordBatch> {
    let (batch, rest) = postcard::take_from_bytes::<RecordBatch>(bytes).ok()?;
    // As text it is of version 1: what is in it is the same.
    (batch.v == PACKED_VERSION && rest.is_empty()).then_some(RecordBatch { v: 1, ..batch })
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Message {
    /// Records of one visitor.
    Records(RecordBatch),
    /// A visitor was erased.
    Erased(Erasure),
}

/// Both in one, so that a text is read once: nothing of it is kept aside until it is known which of the two it is.
#[derive(Deserialize)]
struct Written {
    v: u32,
    site: String,
    visitor: Uuid,
    incarnation: Option<Uuid>,
    records: Option<Vec<Record>>,
    incarnations: Option<Vec<Uuid>>,
    at_ms: Option<u64>,
}

impl Message {
    /// Reads a message's text. `None`: no release of ours wrote it.
    pub fn parse(text: &str) -> Option<Self> {
        let Written { v, site, visitor, incarnation, records, incarnations, at_ms } =
            serde_json::from_str(text).ok()?;
        match (v, incarnation, records, incarnations, at_ms) {
            (1, Some(incarnation), Some(records), None, None) => {
                Some(Self::Records(RecordBatch { v, site, visitor, incarnation, records }))
            }
            (1, None, None, Some(incarnations), Some(at_ms)) => {
                Some(Self::Erased(Erasure { v, site, visitor, incarnations, at_ms }))
            }
            _ => None,
        }
    }

    /// The site.
    pub fn site(&self) -> &str {
        match self {
            Self::Records(batch) => &batch.site,
            Self::Erased(erasure) => &erasure.site,
        }
    }

    /// The visitor.
    pub const fn visitor(&self) -> Uuid {
        match self {
            Self::Records(batch) => batch.visitor,
            Self::Erased(erasure) => erasure.visitor,
        }
    }

    /// The records, when it has some.
    pub const fn records(&self) -> Option<&RecordBatch> {
        match self {
            Self::Records(batch) => Some(batch),
            Self::Erased(_) => None,
        }
    }
}

/// The id of a dead letter: the same text for the same sink is one letter, however often it ends there.
pub fn letter_id(sink: super::Sink, body: &str) -> String {
    content_address(format!("{}\n{body}", sink.as_str()).as_bytes())[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::Sink;
    use footfall_protocol::Object;
    use footfall_protocol::record::RecordKind;

    const BATCH: &str = r#"{"v":1,"site":"demo","visitor":"00000000-0000-4000-8000-00000000000a","incarnation":"00000000-0000-4000-8000-00000000000b","records":[]}"#;
    const ERASURE: &str = r#"{"v":1,"site":"demo","visitor":"00000000-0000-4000-8000-00000000000a","incarnations":["00000000-0000-4000-8000-00000000000b"],"at_ms":5}"#;

    #[test]
    fn a_message_has_records_or_says_that_a_visitor_was_erased() {
        assert!(Message::parse(BATCH).unwrap().records().is_some());
        let erased = Message::parse(ERASURE).unwrap();
        assert!(erased.records().is_none());
        assert_eq!(serde_json::to_string(&erased).unwrap(), ERASURE);
    }

    #[test]
    fn what_no_release_of_ours_wrote_is_no_message() {
        let both = BATCH.replace("\"records\"", "\"incarnations\":[],\"records\"");
        for text in [&both, "", "{}", "null", "[]", "\"x\"", &BATCH.replace("\"v\":1", "\"v\":2"), &ERASURE[..40]] {
            assert_eq!(Message::parse(text), None, "{text}");
        }
    }

    fn record(seq: u64, bytes: usize) -> Record {
        let data = Object::from_iter([("note".to_owned(), "é".repeat(bytes / 2).as_str().into())]);
        Record { seq, at_ms: 5, kind: RecordKind::Event, name: "search".into(), session: 1, data }
    }

    fn packed(records: &[Record]) -> Vec<Body> {
        let bytes: Vec<Vec<u8>> = records.iter().map(|record| postcard::to_allocvec(record).unwrap()).collect();
        let packed = records.iter().zip(&bytes).map(|(record, bytes)| PackedRecord { seq: record.seq, bytes });
        pack("demo", Uuid::from_u128(10), Uuid::from_u128(11), packed)
    }

    fn records(bodies: &[Body]) -> Vec<Record> {
        let batches = bodies.iter().map(|body| match body.read() {
            Some(Message::Records(batch)) => {
                assert_eq!((batch.v, batch.site.as_str(), batch.visitor), (1, "demo", Uuid::from_u128(10)));
                batch.records
            }
            other => panic!("{other:?}"),
        });
        batches.flatten().collect()
    }

    #[test]
    fn records_go_packed_in_order_in_messages_below_the_bound() {
        let some: Vec<Record> = (1..=100).map(|seq| record(seq, 2_000)).collect();
        let bodies = packed(&some);
        assert!(bodies.len() > 1 && bodies.iter().all(|body| body.len() <= QUEUE_MESSAGE_BYTES_MAX));
        assert_eq!(records(&bodies), some);
        let large = [record(1, 10), record(2, QUEUE_MESSAGE_BYTES_MAX), record(3, 10)];
        assert_eq!((packed(&large).len(), records(&packed(&large))), (3, large.to_vec()));
        assert_eq!(packed(&[]), []);
    }

    #[test]
    fn a_dead_letter_is_text_and_is_replayed_as_the_message_was() {
        let carried = packed(&[record(1, 10), record(2, 10)]).remove(0);
        let letter = carried.to_letter();
        assert!(
            letter.starts_with(r#"{"v":1,"site":"demo","visitor":"#) && letter.contains(r#""note":"ééééé""#),
            "{letter}"
        );
        assert_eq!(Body::of_letter(&letter), carried);
        for text in [ERASURE, "no message", ""] {
            let body = Body::Text(text.to_owned());
            assert_eq!(Body::of_letter(&body.to_letter()), body);
        }
    }

    #[test]
    fn bytes_that_this_release_cannot_read_are_kept_as_they_are() {
        let Body::Packed(bytes) = packed(&[record(1, 10)]).remove(0) else { panic!("they are packed") };
        let later = Body::Packed([&[9], &bytes[1..]].concat());
        for body in [later, Body::Packed(bytes[..20].to_vec()), Body::Packed([bytes.as_slice(), &[0]].concat())] {
            assert_eq!((body.read(), Body::of_letter(&body.to_letter())), (None, body));
        }
    }

    #[test]
    fn a_letter_has_one_id_for_each_sink_and_body() {
        let id = letter_id(Sink::Origin, BATCH);
        assert_eq!((id.len(), &id), (32, &letter_id(Sink::Origin, BATCH)));
        assert_ne!(id, letter_id(Sink::D1, BATCH));
        assert_ne!(id, letter_id(Sink::Origin, ERASURE));
    }
}
