//! A visitor that goes on in thought: inputs and time are applied to a copy, nothing is stored and nobody is told.
//!
//! What a dry run shows is so what the same inputs at the same times would do: it is the same engine.

use super::{Config, Effect, Input, Visitor};
use footfall_protocol::Millis;
use footfall_protocol::limits::{REHEARSAL_RECORDS_MAX, REHEARSAL_WAKES_MAX};
use footfall_protocol::message::ServerMessage;
use footfall_protocol::record::Record;

/// A copy of a visitor with its own time, and what has happened to it.
#[derive(Debug)]
pub struct Rehearsal<'a> {
    visitor: Visitor,
    config: &'a Config,
    now_ms: Millis,
    /// Every record, in order, with numbers that go on from the visitor's own.
    pub records: Vec<Record>,
    /// Pushes and retractions, in order, each with its time.
    pub messages: Vec<(Millis, ServerMessage)>,
    last_seq: u64,
    wakes: usize,
    over: bool,
}

impl<'a> Rehearsal<'a> {
    /// Begins with a visitor as it is at `now`, under a configuration that may be another than its own.
    pub fn new(visitor: Visitor, now: Millis, config: &'a Config) -> Self {
        let last_seq = visitor.last_record();
        Self {
            visitor,
            config,
            now_ms: now,
            records: Vec::new(),
            messages: Vec::new(),
            last_seq,
            wakes: 0,
            over: false,
        }
    }

    /// The visitor as it has become.
    pub const fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    /// The time it is.
    pub const fn now(&self) -> Millis {
        self.now_ms
    }

    /// Lets time pass until `end`, waking the visitor when it asks for it; `false` when it would have to be woken more
    /// than [`REHEARSAL_WAKES_MAX`] times in all, when there are more than [`REHEARSAL_RECORDS_MAX`] records, or when it
    /// was deleted on the way. Nothing should be applied after that.
    pub fn pass_until(&mut self, end: Millis) -> bool {
        while let Some(wake) = self.visitor.next_wake(self.config).filter(|wake| wake.at_ms <= end) {
            if self.is_over() || self.wakes >= REHEARSAL_WAKES_MAX {
                return false;
            }
            self.wakes += 1;
            self.now_ms = self.now_ms.max(wake.at_ms);
            self.input(Input::Wake);
        }
        if self.is_over() {
            return false;
        }
        self.now_ms = self.now_ms.max(end);
        true
    }

    const fn is_over(&self) -> bool {
        self.over || self.records.len() > REHEARSAL_RECORDS_MAX
    }

    /// Applies an input now. The queue takes everything at once, and users' objects take letters without telling more.
    pub fn input(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            for effect in self.visitor.handle(input, self.now_ms, self.config) {
                match effect {
                    Effect::Send { message, .. } => self.hear(message),
                    Effect::Spill { bytes, .. } => {
                        let page = Visitor::decode_page(&bytes).expect("the page was made in this call");
                        self.keep(page);
                    }
                    Effect::Flush { through, .. } => inputs.push(Input::flushed(through)),
                    Effect::Feed(letters) => inputs.push(Input::taken(letters)),
                    Effect::Delete | Effect::Erase { .. } => self.over = true,
                    Effect::Reject(_) | Effect::Drop { .. } => {}
                }
            }
            self.keep(self.visitor.hot_records_after(self.last_seq));
        }
    }

    /// A push to several tabs is one push.
    fn hear(&mut self, message: ServerMessage) {
        let new = matches!(message, ServerMessage::Push(_) | ServerMessage::Retract { .. });
        if new && !self.messages.iter().any(|(_, heard)| *heard == message) {
            self.messages.push((self.now_ms, message));
        }
    }

    fn keep(&mut self, records: Vec<Record>) {
        self.records.extend(records.into_iter().filter(|record| record.seq > self.last_seq));
        self.last_seq = self.records.last().map_or(self.last_seq, |record| record.seq);
    }
}
