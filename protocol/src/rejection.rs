//! What is wrong with one event or document: a stable code, where it is, and a sentence that helps.

use crate::limits::cut;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Of a message that quotes what came in, in bytes.
const QUOTED_BYTES_MAX: usize = 300;

/// A client's mistake. Serialised as it is shown to the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Place in the batch, from 0.
    pub index: usize,
    /// Stable code; the documentation lists them all.
    pub code: Code,
    /// JSON pointer (RFC 6901) into the body or frame as it was sent (`/batch/3/event`).
    pub pointer: String,
    /// What is wrong and what to send instead, in plain English.
    pub message: String,
    /// For `rate_limited`: in how many milliseconds the same event may be taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// The stable codes of rejections. New ones may come; these never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Not JSON, or not the JSON that was expected at all.
    Malformed,
    /// A member that must be there is not.
    Missing,
    /// A member has the wrong type or form.
    Invalid,
    /// A string is over its bound.
    TooLong,
    /// A list is over its bound.
    TooMany,
    /// Nested deeper than the bound.
    TooDeep,
    /// The event's text is over its bound.
    EventTooLarge,
    /// A number is outside its range.
    OutOfRange,
    /// Nothing says which visitor the event belongs to.
    NoIdentity,
    /// The sender may not do this with the credential it showed.
    NotAllowed,
    /// The site requires consent and this visitor has not given it.
    ConsentRequired,
    /// The sender is an automated client; nothing is kept for it.
    Bot,
    /// More events than are taken in a while. The same event may be taken later: nothing else is wrong with it.
    RateLimited,
}

impl Rejection {
    /// A rejection at `index`; the pointer is filled in by [`Fault::at`].
    pub fn new(index: usize, fault: Fault) -> Self {
        Self { index, code: fault.code, pointer: fault.pointer, message: fault.message, retry_after_ms: None }
    }
}

/// A rejection that does not yet know its place in the batch; its pointer is one into the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// See [`Rejection::code`].
    pub code: Code,
    /// See [`Rejection::pointer`].
    pub pointer: String,
    /// See [`Rejection::message`].
    pub message: String,
}

impl Fault {
    /// A fault at a JSON pointer.
    pub fn at(pointer: impl Into<String>, code: Code, message: impl Into<String>) -> Self {
        Self { code, pointer: pointer.into(), message: message.into() }
    }
}

/// What is wrong with JSON, in at most a few hundred bytes: what is quoted of the text may be as long as the text itself.
pub(crate) fn wrong_json(error: &serde_json::Error) -> String {
    let told = error.to_string();
    let short = cut(&told, QUOTED_BYTES_MAX);
    if short.len() == told.len() {
        return told;
    }
    format!("{short}… at line {} column {}", error.line(), error.column())
}

/// Appends one reference token to a JSON pointer, escaped as RFC 6901 asks.
pub fn push_pointer(pointer: &mut String, token: &str) {
    pointer.push('/');
    for c in token.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// Appends an array index to a JSON pointer.
pub fn push_index(pointer: &mut String, index: usize) {
    let _ = write!(pointer, "/{index}");
}
