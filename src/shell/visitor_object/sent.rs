//! Messages that the queue took a moment ago: while they are on their way, the database does not have their records yet,
//! and readers of the log ask here. In memory only; what is gone from here counts as on its way.

use crate::sinks::message::{Body, Message};
use footfall_protocol::limits::{SENT_BYTES_MAX, SENT_MS_MAX};
use footfall_protocol::record::Record;
use std::collections::VecDeque;
use uuid::Uuid;

/// The messages, oldest first, each with the time when the queue took it.
#[derive(Debug, Default)]
pub(super) struct Sent(VecDeque<(u64, Body)>);

impl Sent {
    /// The queue has taken these; older ones make room.
    pub(super) fn keep(&mut self, messages: Vec<Body>, now_ms: u64) {
        self.0.extend(messages.into_iter().map(|message| (now_ms, message)));
        let mut bytes: usize = self.0.iter().map(|(_, message)| message.len()).sum();
        while let Some((at_ms, message)) = self.0.front()
            && (bytes > SENT_BYTES_MAX || at_ms + SENT_MS_MAX < now_ms)
        {
            bytes -= message.len();
            self.0.pop_front();
        }
    }

    /// Their records, each with its life.
    pub(super) fn records(&self) -> Vec<(Uuid, Record)> {
        let read = self.0.iter().filter_map(|(_, body)| body.read());
        let batches = read.filter_map(|message| match message {
            Message::Records(batch) => Some(batch),
            Message::Erased(_) => None,
        });
        batches.flat_map(|batch| batch.records.into_iter().map(move |record| (batch.incarnation, record))).collect()
    }
}
