//! The body of a queue message: records of a visitor or, for sinks that are not ours to empty, that one was erased.

use crate::access::seal::content_address;
use footfall_protocol::record::{Erasure, Record, RecordBatch};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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

/// The id of a dead letter: the same message for the same sink is one letter, however often it ends there.
pub fn letter_id(sink: super::Sink, body: &str) -> String {
    content_address(format!("{}\n{body}", sink.as_str()).as_bytes())[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::Sink;

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

    #[test]
    fn a_letter_has_one_id_for_each_sink_and_body() {
        let id = letter_id(Sink::Origin, BATCH);
        assert_eq!((id.len(), &id), (32, &letter_id(Sink::Origin, BATCH)));
        assert_ne!(id, letter_id(Sink::D1, BATCH));
        assert_ne!(id, letter_id(Sink::Origin, ERASURE));
    }
}
