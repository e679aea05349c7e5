//! Bytes → [`Batch`]: the only parser of events, for HTTP bodies and socket frames alike.
//!
//! The shapes are those of the Segment HTTP Tracking API. What is wrong with one event is a [`Rejection`] with the
//! event's index; it never touches its neighbours. Only a body that is no JSON at all, or is over a bound, fails whole.

mod commerce;
mod reader;
mod segment;

use crate::event::{Authority, Event};
use crate::limits::{BATCH_EVENTS_MAX, EVENT_BYTES_MAX, EVENT_STORED_BYTES_MAX, NESTING_DEPTH_MAX, TAB_BYTES_MAX};
use crate::message::{Cursor, Standing};
use crate::rejection::{Code, Fault, Rejection, push_index, push_pointer, wrong_json};
use crate::value::{Members, Tree};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use uuid::Uuid;

/// An event as it is read: of its texts only those are copied that the engine is told.
type Json<'a> = Tree<Cow<'a, str>>;
/// The members of an object in it.
type Fields<'a> = Members<Cow<'a, str>>;

/// The kinds of calls of the Tracking API, as paths and `type` members name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `track`
    Track,
    /// `page` and `screen`
    Page,
    /// `identify`
    Identify,
    /// `group`
    Group,
    /// `alias`
    Alias,
}

impl Call {
    /// From a path's last part or a `type`: whole names and the one-letter names that analytics.js uses.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "track" | "t" => Self::Track,
            "page" | "p" | "screen" | "s" => Self::Page,
            "identify" | "i" => Self::Identify,
            "group" | "g" => Self::Group,
            "alias" | "a" => Self::Alias,
            _ => return None,
        })
    }
}

/// Whom an event is about, in the sender's own ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// `anonymousId`
    pub anonymous_id: Option<String>,
    /// `userId`
    pub user_id: Option<String>,
    /// `context.visitor`: the visitor's own UUID, believed only from a source.
    pub visitor: Option<Uuid>,
}

/// One good event and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// Place in the batch, from 0.
    pub index: u32,
    /// Whom it is about.
    pub identity: Identity,
    /// The visitor's own user agent, when a server says it (`context.userAgent`).
    pub user_agent: Option<String>,
    /// What the store's server signed about its user (`context.userSignature`).
    pub user_signature: Option<String>,
    /// The event.
    pub event: Event,
}

/// How a body or frame holds its events: where a rejection's pointer begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Root {
    /// The body is the one event.
    #[default]
    Body,
    /// `{"batch": […]}`
    Batch,
    /// A socket's `{"type": "events", "events": […]}`.
    Frame,
}

impl Root {
    /// The rejection of the event at `index`, seen from the body or frame.
    pub fn reject(self, index: usize, fault: Fault) -> Rejection {
        self.locate(Rejection::new(index, fault))
    }

    /// A rejection with a pointer into its event, seen from the body or frame.
    #[must_use]
    pub fn locate(self, mut rejection: Rejection) -> Rejection {
        let list = match self {
            Self::Body => return rejection,
            Self::Batch => "/batch",
            Self::Frame => "/events",
        };
        rejection.pointer.insert_str(0, &format!("{list}/{}", rejection.index));
        rejection
    }
}

/// What a body or frame held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// How it held them.
    pub root: Root,
    /// The good events, in order.
    pub events: Vec<Decoded>,
    /// The others, in order.
    pub rejections: Vec<Rejection>,
    /// `writeKey` of the body.
    pub write_key: Option<String>,
    /// `token` of the body.
    pub token: Option<String>,
}

/// The members of a body that are not events.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    batch: Option<Vec<&'a RawValue>>,
    #[serde(rename = "writeKey")]
    write_key: Option<String>,
    token: Option<String>,
}

/// Only the credentials of a body, read before it is known who sends: the authority decides how events decode.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Credentials {
    /// `writeKey`
    #[serde(rename = "writeKey")]
    pub write_key: Option<String>,
    /// `token`
    pub token: Option<String>,
}

/// Reads the credentials that a body carries itself.
///
/// # Errors
/// A fault when the body is no JSON object.
pub fn credentials(body: &[u8]) -> Result<Credentials, Fault> {
    serde_json::from_slice(body).map_err(|error| no_json(&error))
}

/// Where the sender's tab stands, by the `context` of the body as a whole (`tab`, `cursor`); `None` when it does not say, or
/// not in a way that can be understood: then nothing is owed to it.
pub fn standing(body: &[u8]) -> Option<Standing> {
    #[derive(Deserialize)]
    struct Context {
        #[serde(default)]
        tab: Option<String>,
        #[serde(default)]
        cursor: Option<Cursor>,
    }
    #[derive(Deserialize)]
    struct Body {
        context: Context,
    }
    let Context { tab, cursor } = serde_json::from_slice::<Body>(body).ok()?.context;
    let said = (tab.is_some() || cursor.is_some()) && tab.as_ref().is_none_or(|tab| tab.len() <= TAB_BYTES_MAX);
    said.then(|| Standing { tab: tab.unwrap_or_default(), cursor })
}

/// Decodes `{"batch": […]}`, or one event with its own `type`.
///
/// # Errors
/// A fault when the body as a whole is no JSON object or holds more than [`BATCH_EVENTS_MAX`] events.
pub fn decode_batch(body: &[u8], authority: Authority) -> Result<Batch, Fault> {
    decode(body, None, authority)
}

/// Decodes one event whose kind the path says; a body with `batch` is taken as a batch all the same.
///
/// # Errors
/// As [`decode_batch`].
pub fn decode_one(call: Call, body: &[u8], authority: Authority) -> Result<Batch, Fault> {
    decode(body, Some(call), authority)
}

/// Decodes the events of a socket frame. The caller has checked their number.
pub fn decode_frame(events: &[Box<RawValue>], authority: Authority) -> Batch {
    let mut batch = Batch { root: Root::Frame, ..Batch::default() };
    for (index, raw) in events.iter().enumerate() {
        batch.take(index, raw.get(), None, authority);
    }
    batch
}

fn decode(body: &[u8], call: Option<Call>, authority: Authority) -> Result<Batch, Fault> {
    let text = std::str::from_utf8(body).map_err(|e| {
        Fault::at("", Code::Malformed, format!("the body is not UTF-8: byte {} is wrong", e.valid_up_to()))
    })?;
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| no_json(&error))?;
    let mut batch = Batch { write_key: envelope.write_key, token: envelope.token, ..Batch::default() };
    match envelope.batch {
        None => batch.take(0, text, call, authority),
        Some(events) if events.len() > BATCH_EVENTS_MAX => {
            let message =
                format!("{} events in one batch; at most {BATCH_EVENTS_MAX}: send several batches", events.len());
            return Err(Fault::at("/batch", Code::TooMany, message));
        }
        Some(events) => {
            batch.root = Root::Batch;
            for (index, raw) in events.into_iter().enumerate() {
                batch.take(index, raw.get(), None, authority);
            }
        }
    }
    Ok(batch)
}

fn no_json(error: &serde_json::Error) -> Fault {
    let message = format!("the body is not the JSON object that is wanted: {}", wrong_json(error));
    Fault::at("", Code::Malformed, message)
}

impl Batch {
    fn take(&mut self, index: usize, text: &str, call: Option<Call>, authority: Authority) {
        match parse(text).and_then(|value| segment::event(&value, call, authority)) {
            Ok((identity, [user_agent, user_signature], event)) => {
                let index = u32::try_from(index).expect("a batch is bounded far below 2^32");
                self.events.push(Decoded { index, identity, user_agent, user_signature, event });
            }
            Err(fault) => self.rejections.push(self.root.reject(index, fault)),
        }
    }
}

/// One event's text as a value within its bounds.
fn parse(text: &str) -> Result<Json<'_>, Fault> {
    if text.len() > EVENT_BYTES_MAX {
        let message = format!("the event has {} bytes; at most {EVENT_BYTES_MAX}", text.len());
        return Err(Fault::at("", Code::EventTooLarge, message));
    }
    let value: Json<'_> = serde_json::from_str(text).map_err(|e| Fault::at("", Code::Malformed, wrong_json(&e)))?;
    // A digit with its comma becomes nine bytes, and nothing grows more.
    let stored = if text.len() > EVENT_STORED_BYTES_MAX * 2 / 9 { stored_bytes(&value) } else { 0 };
    if stored > EVENT_STORED_BYTES_MAX {
        let message = format!(
            "the event takes {stored} bytes where it is stored, 9 for each number; at most {EVENT_STORED_BYTES_MAX}"
        );
        return Err(Fault::at("", Code::EventTooLarge, message));
    }
    match too_deep(&value, NESTING_DEPTH_MAX) {
        Some(pointer) => {
            Err(Fault::at(pointer, Code::TooDeep, format!("nested deeper than {NESTING_DEPTH_MAX} levels")))
        }
        None => Ok(value),
    }
}

fn stored_bytes(value: &Json<'_>) -> usize {
    postcard::experimental::serialized_size(value).expect("plain data has a size")
}

/// The pointer to what is nested deeper than `left` levels. It is put together only where there is such a thing, from its
/// end.
fn too_deep(value: &Json<'_>, left: usize) -> Option<String> {
    let inside = |child: &Json<'_>, token: &dyn Fn(&mut String)| {
        let rest = if left == 0 { String::new() } else { too_deep(child, left - 1)? };
        let mut pointer = String::new();
        token(&mut pointer);
        Some(pointer + &rest)
    };
    match value {
        Json::Array(items) => items.iter().enumerate().find_map(|(i, v)| inside(v, &|p| push_index(p, i))),
        Json::Object(object) => object.iter().find_map(|(k, v)| inside(v, &|p| push_pointer(p, k))),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
    }
}
