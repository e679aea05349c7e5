//! One tab of a visitor: how it stands with its socket, what it has been told, and what waits to be acknowledged.

use crate::clock::Micros;
use crate::ledger::Sent;
use crate::socket::Say;
use serde_json::{Value, json};
use std::collections::VecDeque;
use tokio::sync::mpsc::UnboundedSender;

/// After so many messages a page says what it has seen, as the client library does.
const SEEN_EVERY: u32 = 16;

/// How a tab stands with its socket.
pub enum Link {
    /// It has none and wants none.
    None,
    /// It tries again then.
    Waiting(Micros),
    Opening,
    /// It is open, and has said hello.
    Greeting(UnboundedSender<Say>),
    Ready(UnboundedSender<Say>),
}

/// Events that are on their way, or wait for it.
pub struct Outgoing {
    pub frame: u64,
    pub events: Vec<Value>,
    pub intended: Micros,
    /// When it went out first.
    pub sent: Option<Micros>,
    pub leads: Sent,
    /// The tester broke the connection while it waited.
    pub interrupted: bool,
}

pub struct Tab {
    pub id: String,
    pub link: Link,
    /// Counts its sockets: what comes from an older one is not heard any more.
    pub generation: u64,
    pub failures: u32,
    /// When the opening of this socket was begun.
    pub opening_since: Micros,
    /// When it was welcomed first.
    pub welcomed: Option<Micros>,
    /// Since when it is without a socket that it had.
    pub lost: Option<Micros>,
    cursor: Option<(String, u64)>,
    version: u64,
    unsaid: u32,
    pub out: VecDeque<Outgoing>,
}

impl Tab {
    pub fn new(number: usize) -> Self {
        Self {
            id: format!("tab-{number}"),
            link: Link::None,
            generation: 0,
            failures: 0,
            opening_since: 0,
            welcomed: None,
            lost: None,
            cursor: None,
            version: 0,
            unsaid: 0,
            out: VecDeque::new(),
        }
    }

    pub fn hello(&self) -> String {
        let mut hello = json!({ "type": "hello", "tab": self.id, "visible": true });
        if let Some(cursor) = self.cursor() {
            hello["cursor"] = cursor;
        }
        hello.to_string()
    }

    /// Where it stands.
    pub fn cursor(&self) -> Option<Value> {
        self.cursor.as_ref().map(|(incarnation, seq)| json!({ "incarnation": incarnation, "seq": seq }))
    }

    /// It is welcomed: the whole state. What it has missed follows, so that its cursor stays unless another life began.
    pub fn welcome(&mut self, message: &Value) {
        self.version = message["version"].as_u64().unwrap_or_default();
        self.unsaid = 0;
        if let Some(incarnation) = message["incarnation"].as_str() {
            self.live_in(incarnation);
        }
    }

    fn live_in(&mut self, incarnation: &str) {
        if self.cursor.as_ref().is_none_or(|(known, _)| known != incarnation) {
            self.cursor = Some((incarnation.to_owned(), 0));
        }
    }

    /// It has missed something, says an answer of this incarnation.
    pub fn missed_in(&mut self, incarnation: &Value) {
        self.live_in(incarnation.as_str().unwrap_or_default());
    }

    /// Moves its cursor to this push. `false` when it had it already: it was told again.
    pub fn advance(&mut self, seq: u64) -> bool {
        match &mut self.cursor {
            Some((_, at)) if seq > *at => {
                *at = seq;
                true
            }
            _ => false,
        }
    }

    /// Applies a change of the state.
    ///
    /// # Errors
    /// A sentence when it does not fit on what the page has.
    pub fn patch(&mut self, message: &Value) -> Result<(), String> {
        let number = |member: &str| message[member].as_u64().unwrap_or_default();
        let (base, had) = (number("base"), self.version);
        self.version = number("version");
        if base == had { Ok(()) } else { Err(format!("a change from version {base} came to a page that has {had}")) }
    }

    /// Something came; what is to be said of it now and then.
    pub fn heard(&mut self) -> Option<String> {
        self.unsaid += 1;
        if self.unsaid < SEEN_EVERY {
            return None;
        }
        self.unsaid = 0;
        let seq = self.cursor.as_ref().map_or(0, |(_, seq)| *seq);
        Some(json!({ "type": "seen", "seq": seq, "version": self.version }).to_string())
    }

    /// Says something on the socket, where there is one that is ready.
    pub fn say(&self, text: String) {
        if let Link::Ready(socket) | Link::Greeting(socket) = &self.link {
            drop(socket.send(Say::Text(text)));
        }
    }
}
