//! The body of a queue message: records of a visitor or, for sinks that are not ours to empty, that one was erased.

use crate::access::seal::content_address;
use footfall_protocol::record::{Erasure, RecordBatch};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a message says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Message {
    /// Records of one visitor.
    Records(RecordBatch),
    /// A visitor was erased.
    Erased(Erasure),
}

impl Message {
    /// Reads a message's text. `None`: no release of ours wrote it.
    pub fn parse(text: &str) -> Option<Self> {
        let message: Self = serde_json::from_str(text).ok()?;
        (message.version() == 1).then_some(message)
    }

    const fn version(&self) -> u32 {
        match self {
            Self::Records(batch) => batch.v,
            Self::Erased(erasure) => erasure.v,
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
        for text in ["", "{}", "null", "[]", "\"x\"", &BATCH.replace("\"v\":1", "\"v\":2"), &ERASURE[..40]] {
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
