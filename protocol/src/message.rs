//! The socket's messages, both ways: JSON text frames, each an object with a `type`.
//!
//! A page opens `/v1/socket`, says [`ClientMessage::Hello`] once, and is answered with [`ServerMessage::Welcome`].
//! The texts `ping` and `pong` are outside this: the platform answers them without waking the object.

use crate::rejection::{Rejection, wrong_json};
use crate::value::{Object, Value};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// How far a page has come in a visitor's pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The incarnation that numbered them.
    pub incarnation: Uuid,
    /// The last push it has, 0 for none.
    pub seq: u64,
}

/// What a page sends.
#[derive(Debug)]
pub enum ClientMessage {
    /// `hello`: the first message on a socket.
    Hello(Hello),
    /// `events`: events in the shapes of the Segment HTTP Tracking API.
    Events(Frame),
    /// `seen`: what the page has applied of pushes and changes of the state.
    Seen(Seen),
}

/// The first message on a socket.
#[derive(Debug, Deserialize)]
pub struct Hello {
    /// The tab's id: made by the page, kept for the tab's life, at most 40 bytes.
    pub tab: String,
    /// What the tab already has.
    #[serde(default)]
    pub cursor: Option<Cursor>,
    /// Whether the tab is in sight now.
    #[serde(default = "yes")]
    pub visible: bool,
    /// Ask for the whole view (timers, matches, counters) instead of the visitor's own; sites may refuse.
    #[serde(default)]
    pub inspect: bool,
}

/// A frame of events.
#[derive(Debug, Deserialize)]
pub struct Frame {
    /// The page's number of this frame; the acknowledgement carries it.
    pub frame: u64,
    /// The events; decoded as those of a batch.
    pub events: Vec<Box<RawValue>>,
}

/// How far a page has come on its socket. A page says it from time to time: output that nobody takes is bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The last push or retraction it has applied.
    pub seq: u64,
    /// The version of the state that it has.
    pub version: u64,
}

/// Where a tab stands that asks over HTTP: the request's own `context`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The tab's id; empty for a sender without tabs.
    pub tab: String,
    /// What it already has.
    pub cursor: Option<Cursor>,
}

impl ClientMessage {
    /// Decodes a text frame. The `type` is read first: serde's tagged enums cannot carry an event's own text along.
    ///
    /// # Errors
    /// What is wrong with the frame, as a sentence.
    pub fn decode(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Typed<'a> {
            #[serde(rename = "type", borrow)]
            kind: std::borrow::Cow<'a, str>,
        }
        let wrong = |error: serde_json::Error| wrong_json(&error);
        let Typed { kind } = serde_json::from_str(text).map_err(wrong)?;
        match &*kind {
            "hello" => serde_json::from_str(text).map(Self::Hello).map_err(wrong),
            "events" => serde_json::from_str(text).map(Self::Events).map_err(wrong),
            "seen" => serde_json::from_str(text).map(Self::Seen).map_err(wrong),
            other => Err(format!(
                "`type` must be \"hello\", \"events\" or \"seen\", not \"{}\"",
                crate::limits::cut(other, 40)
            )),
        }
    }
}

const fn yes() -> bool {
    true
}

/// What the visitor's object sends.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// Answers `hello`: who the visitor is and the whole state.
    Welcome {
        /// Version of this contract.
        protocol: u32,
        /// The visitor's incarnation; absent while nothing is stored of the visitor.
        incarnation: Option<Uuid>,
        /// The last push's sequence number.
        seq: u64,
        /// Version of the state below.
        version: u64,
        /// The state.
        state: Value,
    },
    /// A frame of events is on disk, but for the rejected ones.
    Ack {
        /// The frame's number.
        frame: u64,
        /// How many events were accepted, repeats among them.
        accepted: usize,
        /// The others.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        rejections: Vec<Rejection>,
    },
    /// A frame could not be taken; send it again later.
    Nack {
        /// The frame's number.
        frame: u64,
        /// Stable code.
        code: String,
        /// What went wrong.
        message: String,
        /// For `rate_limited`: in how many milliseconds the frame may be taken.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
    /// Something for the page to show.
    Push(Push),
    /// What was pushed into a slot no longer holds.
    Retract {
        /// Its own place in the sequence.
        seq: u64,
        /// The push that goes.
        push: u64,
        /// Its slot.
        slot: String,
    },
    /// The state changed: a JSON Merge Patch (RFC 7396) from `base` to `version`.
    State {
        /// The version it applies to.
        base: u64,
        /// The version it gives.
        version: u64,
        /// The patch.
        patch: Value,
    },
    /// The message before could not be understood.
    Error {
        /// Stable code.
        code: String,
        /// What is wrong and what to send instead.
        message: String,
    },
}

/// Personalised content for one slot of the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Push {
    /// Place in the incarnation's pushes, from 1.
    pub seq: u64,
    /// The slot that shows it.
    pub slot: String,
    /// The rule that fired.
    pub rule: String,
    /// The rule's priority: of two pushes for one slot the higher stays, then the newer.
    pub priority: i32,
    /// What to show; templates are filled in.
    pub content: Object,
    /// The tab it is meant for; empty for all.
    pub tab: String,
    /// When it was made, in milliseconds since the epoch.
    pub at_ms: u64,
    /// When it is no longer worth showing, in milliseconds since the epoch.
    pub expires_at_ms: u64,
}

/// What a tab has missed, for one that has no socket.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Missed {
    /// The incarnation that numbers pushes.
    pub incarnation: Uuid,
    /// The last push's sequence number.
    pub seq: u64,
    /// Pushes and retractions after the tab's cursor, in order, as the socket would have brought them.
    pub messages: Vec<ServerMessage>,
}

/// The answer to a request that brought events.
#[derive(Clone, Debug, Serialize)]
pub struct Accepted {
    /// Always true: nothing is answered with this shape before it is on disk.
    pub success: bool,
    /// How many events were accepted, repeats among them.
    pub accepted: usize,
    /// The others, in the order of the batch.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rejections: Vec<Rejection>,
    /// What the visitor's tab has missed, when the request says with the visitor's own token where the tab stands and
    /// there is something: a [`Missed`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushes: Option<Box<RawValue>>,
}
