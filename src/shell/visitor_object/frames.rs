//! Frames that come in on a socket: hello, events, what the page has seen, the end.

use super::Object;
use super::erase::dismiss;
use super::sockets::{Attachment, REPLACED, Stage, send};
use crate::engine::{Input, Visitor};
use crate::shell::{clock, deployment};
use footfall_protocol::decode::{Root, decode_frame};
use footfall_protocol::event::{Authority, Delivery};
use footfall_protocol::limits::{BATCH_EVENTS_MAX, FRAME_BYTES_MAX, SOCKET_REFUSED_MAX, TAB_BYTES_MAX};
use footfall_protocol::message::{ClientMessage, Frame, Hello, Seen, ServerMessage};
use footfall_protocol::rejection::Code;
use std::rc::Rc;
use worker::{Result, WebSocket, console_error};

/// Closes a socket whose frame is too large (RFC 6455 §7.4.1).
const TOO_LARGE: u16 = 1009;
/// Closes a socket of which nothing good comes (RFC 6455 §7.4.1): it would cost without end, and no window counts it.
const VIOLATION: u16 = 1008;
/// Closes a socket that could not be greeted (RFC 6455 §7.4.1): the page comes back later.
const TRY_AGAIN: u16 = 1011;

impl Object {
    /// A frame, `None` for one that is no text. Whatever is wrong is said on the socket.
    pub(super) async fn receive(self: &Rc<Self>, socket: &WebSocket, text: Option<String>) {
        let Some(attachment) = Attachment::of(socket) else { return close(socket, TRY_AGAIN, "unknown socket") };
        if attachment.refused >= SOCKET_REFUSED_MAX {
            return;
        }
        let Some(text) = text else {
            return refuse(socket, "malformed", "Send text frames with JSON.");
        };
        if text.len() > FRAME_BYTES_MAX {
            refuse(socket, "frame_too_large", &format!("A frame has at most {FRAME_BYTES_MAX} bytes."));
            return close(socket, TOO_LARGE, "frame_too_large");
        }
        match (ClientMessage::decode(&text), &attachment.stage) {
            (Err(error), _) => {
                refuse(socket, "malformed", &format!("The frame is no message of this protocol: {error}"))
            }
            (_, Stage::Replaced) => {}
            (Ok(ClientMessage::Hello(_)), Stage::Greeted { .. }) => {
                refuse(socket, "hello_twice", "Say hello once on each socket.");
            }
            (Ok(ClientMessage::Events(_) | ClientMessage::Seen(_)), Stage::Waiting) => {
                refuse(socket, "hello_first", "Say hello before anything else.");
            }
            (Ok(ClientMessage::Hello(hello)), Stage::Waiting) => {
                self.greet(socket, attachment, hello).await;
            }
            (Ok(ClientMessage::Events(frame)), Stage::Greeted { .. }) => {
                self.take_frame(socket, attachment, frame).await;
            }
            (Ok(ClientMessage::Seen(seen)), Stage::Greeted { .. }) => {
                if let Err(error) = self.take_seen(socket, attachment, seen) {
                    console_error!("fault in what a page has seen: {error}");
                }
            }
        }
    }

    /// Answers a hello; says whether the page was welcomed.
    async fn greet(self: &Rc<Self>, socket: &WebSocket, attachment: Attachment, hello: Hello) -> bool {
        let Hello { tab, cursor, visible, inspect } = hello;
        if tab.is_empty() || tab.len() > TAB_BYTES_MAX {
            refuse(socket, "malformed", &format!("`tab` must have 1 to {TAB_BYTES_MAX} bytes."));
            return false;
        }
        let greeted: Result<bool> = async {
            // Sites may refuse the whole view: the page then gets the visitor's own.
            let config = self.config().await?;
            let inspect = inspect && config.settings.inspect;
            // It is about to be told everything: what was sent to others before is nothing that this page owes an answer for.
            let told = |visitor: &Visitor| (!visitor.is_refused()).then(|| visitor.told(inspect));
            let Some(seen) = self.seen(&config, told).await? else {
                // The page was away when its visitor withdrew consent, and the other pages were told to forget.
                dismiss(socket);
                return Ok(false);
            };
            for older in self.sockets().of_tab(&tab) {
                Attachment { stage: Stage::Replaced, ..attachment.clone() }.keep(older)?;
                close(older, REPLACED, "replaced");
            }
            Attachment { stage: Stage::Greeted { tab: tab.clone(), inspect, seen }, ..attachment }.keep(socket)?;
            // Nothing comes between: a push that reached the page before its welcome would hide the ones before it.
            self.apply_under(Input::Connect { tab, cursor, visible, inspect }, &config).await?;
            Ok(true)
        }
        .await;
        greeted.unwrap_or_else(|error| {
            console_error!("fault in a hello: {error}");
            refuse(socket, "unavailable", "The visitor cannot be reached at the moment; connect again.");
            close(socket, TRY_AGAIN, "unavailable");
            false
        })
    }

    /// Remembers at the socket how far its page has come.
    fn take_seen(&self, socket: &WebSocket, attachment: Attachment, said: Seen) -> Result<()> {
        let Stage::Greeted { tab, inspect, seen: before } = attachment.stage else { return Ok(()) };
        let resident = self.resident()?;
        let told = resident.visitor.told(inspect);
        if resident.exists {
            self.resident.replace(Some(resident));
        }
        // A socket keeps the order: who has the newest state has every push before it, those for other tabs included.
        let seq = if said.version == told.version { told.seq } else { said.seq.min(told.seq) };
        let seen = Seen { seq: seq.max(before.seq), version: said.version.min(told.version).max(before.version) };
        if seen == before {
            count_refused(socket);
            return Ok(());
        }
        Attachment { stage: Stage::Greeted { tab, inspect, seen }, ..attachment }.keep(socket)
    }

    /// Greets a page anew whose tab had to make room, or whose visitor was forgotten: before its events, so that no push comes
    /// before the welcome that says who numbers it. Says whether the page is there.
    async fn greet_if_forgotten(self: &Rc<Self>, socket: &WebSocket, attachment: &Attachment) -> bool {
        let Stage::Greeted { tab, inspect, .. } = &attachment.stage else { return false };
        // Who cannot be read is for whoever applies the events to say.
        let Ok(resident) = self.resident() else { return true };
        let known = resident.visitor.connected_tabs().any(|known| known == tab);
        let visible = resident.visitor.is_in_sight(tab);
        if resident.exists {
            self.resident.replace(Some(resident));
        }
        if known {
            return true;
        }
        let hello = Hello { tab: tab.clone(), cursor: None, visible, inspect: *inspect };
        // Its own socket is no older one of the tab.
        let waiting = Attachment { stage: Stage::Waiting, ..attachment.clone() };
        waiting.keep(socket).is_ok() && self.greet(socket, waiting, hello).await
    }

    async fn take_frame(self: &Rc<Self>, socket: &WebSocket, attachment: Attachment, Frame { frame, events }: Frame) {
        if events.len() > BATCH_EVENTS_MAX {
            return refuse(socket, "batch_too_long", &format!("A frame has at most {BATCH_EVENTS_MAX} events."));
        }
        let total = events.len();
        let mut batch = decode_frame(&events, Authority::Visitor);
        if let (Ok(deployment), Some((site, _))) = (deployment::parsed(&self.env).as_ref(), &self.whose) {
            deployment.user_keys.mark(&mut batch, Authority::Visitor, site, clock::now_s());
        }
        let mut rejections = batch.rejections;
        let events = batch.events.into_iter().map(|decoded| {
            let mut event = decoded.event;
            if event.id.is_empty() {
                event.id = clock::random_id().simple().to_string();
            }
            (decoded.index, event)
        });
        let events: Vec<_> = events.collect();
        if !events.is_empty() && !self.greet_if_forgotten(socket, &attachment).await {
            return;
        }
        let delivery = Delivery { events, surroundings: attachment.surroundings };
        // What reaches the visitor is counted by its window; what cannot be read is not.
        if delivery.events.is_empty() {
            count_refused(socket);
        } else if attachment.refused > 0
            && let Some(now) = Attachment::of(socket)
            && let Err(error) = (Attachment { refused: 0, ..now }).keep(socket)
        {
            console_error!("fault at a socket: {error}");
        }
        let applied =
            if delivery.events.is_empty() { Ok(Vec::new()) } else { self.apply(Input::Events(delivery)).await };
        let answer = match applied {
            Ok(more) if more.iter().any(|rejection| rejection.code == Code::RateLimited) => {
                // Nothing of the frame was taken: all of it may come again.
                let soonest = more.iter().filter_map(|rejection| rejection.retry_after_ms).max();
                let message = more.into_iter().map(|rejection| rejection.message).next().unwrap_or_default();
                ServerMessage::Nack { frame, code: "rate_limited".to_owned(), message, retry_after_ms: soonest }
            }
            Ok(more) => {
                rejections.extend(more.into_iter().map(|rejection| Root::Frame.locate(rejection)));
                rejections.sort_by_key(|rejection| rejection.index);
                ServerMessage::Ack { frame, accepted: total - rejections.len(), rejections }
            }
            Err(error) => {
                console_error!("fault in a frame: {error}");
                let message = "The events could not be stored. Send the frame again later.".to_owned();
                ServerMessage::Nack { frame, code: "not_committed".to_owned(), message, retry_after_ms: None }
            }
        };
        send(socket, &answer);
    }

    /// A socket has ended, whichever way. A tab whose place a newer socket has taken is still there.
    pub(super) async fn closed(self: &Rc<Self>, socket: &WebSocket) {
        // The closing handshake (RFC 6455 §7.1.2) is not completed by the platform for sockets that may sleep.
        drop(socket.close::<&str>(None, None));
        if let Err(error) = self.part(socket).await {
            console_error!("fault at the end of a socket: {error}");
        }
    }

    /// The tab has no socket any more. Should that fail, the next wake finds out ([`Object::lost_tabs`]).
    async fn part(self: &Rc<Self>, socket: &WebSocket) -> Result<()> {
        if tab_of(socket).is_none() {
            return Ok(());
        }
        let config = self.config().await?;
        // Asked again: the platform may report the end twice, as an error and as a close.
        let Some(tab) = tab_of(socket) else { return Ok(()) };
        let turned = self.turn(Input::Disconnect { tab }, &config)?;
        Attachment::ended().keep(socket)?;
        self.conclude(turned, &config).await.map(drop)
    }
}

/// The tab that a socket counts for.
fn tab_of(socket: &WebSocket) -> Option<String> {
    match Attachment::of(socket)?.stage {
        Stage::Greeted { tab, .. } => Some(tab),
        Stage::Waiting | Stage::Replaced => None,
    }
}

fn refuse(socket: &WebSocket, code: &str, message: &str) {
    send(socket, &ServerMessage::Error { code: code.to_owned(), message: message.to_owned() });
    count_refused(socket);
}

/// One more frame that was refused; after too many the socket is closed.
fn count_refused(socket: &WebSocket) {
    let Some(attachment) = Attachment::of(socket) else { return };
    let refused = attachment.refused.saturating_add(1);
    if let Err(error) = (Attachment { refused, ..attachment }).keep(socket) {
        console_error!("fault at a socket: {error}");
    }
    if refused >= SOCKET_REFUSED_MAX {
        close(socket, VIOLATION, "refused");
    }
}

fn close(socket: &WebSocket, code: u16, reason: &str) {
    // It may have been closed from the other side just now.
    drop(socket.close(Some(code), Some(reason)));
}
