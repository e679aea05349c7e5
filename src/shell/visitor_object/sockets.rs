//! The visitor's sockets. They sleep and wake with the object, so that what is known of each is kept at the socket.

use super::Object;
use crate::engine::{To, Visitor};
use crate::shell::reply::Problem;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use footfall_protocol::event::Surroundings;
use footfall_protocol::limits::{SOCKET_UNSEEN_MAX, SOCKETS_MAX};
use footfall_protocol::message::{Seen, ServerMessage};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use worker::{Request, Response, Result, State, WebSocket, WebSocketPair, console_error};

/// The header in which the router brings what it knows of the browser: base64url of postcard.
pub(in crate::shell) const SURROUNDINGS_HEADER: &str = "footfall-surroundings";
/// Closes a socket whose tab has opened a newer one.
pub(super) const REPLACED: u16 = 4001;
/// Closes the sockets of a visitor that is erased: its pages are to forget it as well.
pub(super) const ERASED: u16 = 4003;
/// Closes a socket whose page has not taken what it was sent.
const BEHIND: u16 = 4004;
/// When a visitor with too many sockets may ask again, in seconds: about as long as the platform needs to notice one that
/// is gone.
const RETRY_AFTER_S: u32 = 30;

/// How far a socket has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// It has not said hello: it is sent nothing and may send no events.
    Waiting,
    /// It is this tab's, and sees the whole view or the visitor's own.
    Greeted {
        tab: String,
        inspect: bool,
        /// What its page has said that it has; what was sent since then may still be on its way.
        #[serde(default)]
        seen: Seen,
    },
    /// It is over, or a newer socket of its tab has taken its place: its end says nothing about the tab.
    Replaced,
}

/// What is kept at a socket (at most 16 KB; JSON).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attachment {
    pub(super) stage: Stage,
    pub(super) surroundings: Surroundings,
    /// Frames that were refused, with no good event in between.
    #[serde(default)]
    pub(super) refused: u32,
    /// What all queues have taken and the disk does not tell yet: the life, and the last record's number.
    #[serde(default)]
    pub(super) flushed: Option<(Uuid, u64)>,
}

impl Attachment {
    /// That of a socket whose end says nothing any more.
    pub(super) fn ended() -> Self {
        Self { stage: Stage::Replaced, surroundings: Surroundings::default(), refused: 0, flushed: None }
    }

    /// What is kept at this socket.
    pub(super) fn of(socket: &WebSocket) -> Option<Self> {
        let text: String = socket.deserialize_attachment().ok().flatten()?;
        serde_json::from_str(&text).ok()
    }

    /// Keeps it at the socket.
    pub(super) fn keep(&self, socket: &WebSocket) -> Result<()> {
        socket.serialize_attachment(serde_json::to_string(self)?)
    }
}

/// The platform answers heartbeats itself, without waking the object.
pub(super) fn answer_pings(state: &State) {
    if let Ok(pair) = worker::worker_sys::WebSocketRequestResponsePair::new("ping", "pong") {
        state.set_websocket_auto_response(&pair);
    }
}

/// What the router sends along in a header.
pub(in crate::shell) fn pack<T: Serialize>(value: &T) -> String {
    URL_SAFE_NO_PAD.encode(postcard::to_allocvec(value).unwrap_or_default())
}

pub(super) fn unpack<T: DeserializeOwned>(header: &str) -> Option<T> {
    postcard::from_bytes(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()
}

/// Sends a message; a socket that is closing no longer takes any.
pub(super) fn send(socket: &WebSocket, message: &ServerMessage) {
    match serde_json::to_string(message) {
        Ok(text) => drop(socket.send_with_str(text)),
        Err(error) => console_error!("fault: a message cannot be written: {error}"),
    }
}

/// A socket that has said hello.
struct Greeted {
    socket: WebSocket,
    tab: String,
    inspect: bool,
    seen: Seen,
}

impl Greeted {
    fn is_meant(&self, to: &To) -> bool {
        match to {
            To::Tab(meant) => self.tab == *meant,
            To::Others => !self.inspect,
            To::Inspectors => self.inspect,
            To::Everyone => true,
        }
    }
}

/// The sockets that have said hello.
pub(super) struct Sockets(Vec<Greeted>);

impl Sockets {
    /// Ends those whose pages are too far behind to be sent more; `told` is what a page knows that has been told
    /// everything, by whether it inspects. The numbers alone say how far, so that nothing is counted for each message,
    /// and nothing is forgotten when the object sleeps.
    pub(super) fn end_those_behind(&mut self, told: impl Fn(bool) -> Seen) {
        self.0.retain(|Greeted { socket, inspect, seen, .. }| {
            let Seen { seq, version } = told(*inspect);
            let unseen = seq.saturating_sub(seen.seq) + version.saturating_sub(seen.version);
            if unseen > SOCKET_UNSEEN_MAX {
                drop(socket.close(Some(BEHIND), Some("behind")));
            }
            unseen <= SOCKET_UNSEEN_MAX
        });
    }

    /// Sends a message to those that it is for.
    pub(super) fn send(&self, to: &To, message: &ServerMessage) {
        let mut text = None;
        for greeted in self.0.iter().filter(|greeted| greeted.is_meant(to)) {
            let socket = &greeted.socket;
            if text.is_none() {
                match serde_json::to_string(message) {
                    Ok(written) => text = Some(written),
                    Err(error) => return console_error!("fault: a message cannot be written: {error}"),
                }
            }
            if let Some(text) = &text {
                drop(socket.send_with_str(text));
            }
        }
    }

    /// The sockets of a tab.
    pub(super) fn of_tab<'a>(&'a self, tab: &'a str) -> impl Iterator<Item = &'a WebSocket> {
        self.0.iter().filter(move |greeted| greeted.tab == tab).map(|greeted| &greeted.socket)
    }
}

impl Object {
    /// Opens a socket. The visitor is not touched before its hello.
    pub(super) fn upgrade(&self, request: &Request) -> Result<Response> {
        if self.state.get_websockets().len() >= SOCKETS_MAX {
            let detail = format!("This visitor has {SOCKETS_MAX} sockets open.");
            return Problem::new(429, "too_many_sockets", detail).retry_after(RETRY_AFTER_S).respond();
        }
        let header = |name: &str| request.headers().get(name).ok().flatten();
        let surroundings = header(SURROUNDINGS_HEADER).and_then(|text| unpack(&text)).unwrap_or_default();
        let WebSocketPair { client, server } = WebSocketPair::new()?;
        self.state.accept_web_socket(&server);
        Attachment { stage: Stage::Waiting, surroundings, refused: 0, flushed: None }.keep(&server)?;
        let response = Response::from_websocket(client)?;
        if let Some(protocol) = header("sec-websocket-protocol") {
            response.headers().set("sec-websocket-protocol", &protocol)?;
        }
        Ok(response)
    }

    /// Tabs that the visitor knows to have a socket, and that have none: its end was not told, because its process ended with
    /// it, or could not be kept.
    pub(super) fn lost_tabs(&self, visitor: &Visitor) -> Vec<String> {
        let mut tabs: Vec<_> = visitor.connected_tabs().map(str::to_owned).collect();
        if !tabs.is_empty() {
            let sockets = self.sockets();
            tabs.retain(|tab| sockets.of_tab(tab).next().is_none());
        }
        tabs
    }

    /// The sockets that have said hello.
    pub(super) fn sockets(&self) -> Sockets {
        let greeted = |socket: WebSocket| match Attachment::of(&socket)?.stage {
            Stage::Greeted { tab, inspect, seen } => Some(Greeted { socket, tab, inspect, seen }),
            Stage::Waiting | Stage::Replaced => None,
        };
        Sockets(self.state.get_websockets().into_iter().filter_map(greeted).collect())
    }
}
