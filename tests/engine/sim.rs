//! A simulator that owns time: it jumps from deadline to deadline, so that no test sleeps.

use footfall::engine::rules::compile;
use footfall::engine::{Config, Effect, Input, Settings, Stored, To, Visitor};
use footfall_protocol::decode::decode_batch;
use footfall_protocol::event::{Authority, Delivery, Surroundings};
use footfall_protocol::ids::SiteId;
use footfall_protocol::message::{Cursor, Push, ServerMessage};
use footfall_protocol::record::{Record, RecordKind};
use footfall_protocol::rejection::Rejection;
use footfall_protocol::value::Value;
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

pub(crate) const SECOND: u64 = 1_000;
pub(crate) const MINUTE: u64 = 60 * SECOND;
pub(crate) const HOUR: u64 = 60 * MINUTE;
pub(crate) const DAY: u64 = 24 * HOUR;
/// Where every simulation starts: 2026-11-21T10:00:00Z, a Saturday.
pub(crate) const START: u64 = 1_795_255_200_000;

/// One visitor, its disk, its queue and its clock.
pub(crate) struct Sim {
    pub(crate) visitor: Visitor,
    pub(crate) config: Config,
    pub(crate) now_ms: u64,
    /// Every message with its time.
    pub(crate) sent: Vec<(u64, To, ServerMessage)>,
    /// What the queue took, in order, repeats included.
    pub(crate) queue: Vec<Record>,
    pub(crate) rejections: Vec<Rejection>,
    pub(crate) wakes: usize,
    pub(crate) deleted: bool,
    /// Whether the queue takes records.
    pub(crate) queue_is_up: bool,
    /// Store and load the visitor after every input.
    pub(crate) evicts: bool,
    pages: BTreeMap<u64, Vec<u8>>,
    events_sent: usize,
}

/// A site's configuration from authored documents; every document must be good.
pub(crate) fn config(rules: serde_json::Value, segments: serde_json::Value, stages: serde_json::Value) -> Config {
    let list = |documents: serde_json::Value| -> Vec<Value> { serde_json::from_value(documents).unwrap() };
    let (rules, faults) = compile(&list(rules), &list(segments), &list(stages));
    assert!(faults.is_empty(), "{faults:#?}");
    Config { settings: Settings { inspect: true, ..Settings::default() }, rules, version: 1 }
}

impl Sim {
    pub(crate) fn new(config: Config) -> Self {
        let site = SiteId::parse("demo").unwrap();
        Self {
            visitor: Visitor::new(site, Uuid::from_u128(7), Uuid::from_u128(1)),
            config,
            now_ms: START,
            sent: Vec::new(),
            queue: Vec::new(),
            rejections: Vec::new(),
            wakes: 0,
            deleted: false,
            queue_is_up: true,
            evicts: false,
            pages: BTreeMap::new(),
            events_sent: 0,
        }
    }

    pub(crate) fn with_rules(rules: serde_json::Value) -> Self {
        Self::new(config(rules, json!([]), json!([])))
    }

    /// Lets time pass, waking the visitor exactly when it asked for it.
    pub(crate) fn pass(&mut self, ms: u64) -> &mut Self {
        let end_ms = self.now_ms + ms;
        while let Some(wake) = self.visitor.next_wake(&self.config).filter(|wake| wake.at_ms <= end_ms) {
            if self.deleted {
                break;
            }
            self.now_ms = wake.at_ms.max(self.now_ms);
            self.wakes += 1;
            assert!(self.wakes < 100_000, "the visitor asks for ever to be woken: {wake:?}");
            self.input(Input::Wake);
        }
        self.now_ms = end_ms;
        self
    }

    /// One event now, in Segment's shape, with a visitor's authority and an id of its own.
    pub(crate) fn send(&mut self, event: serde_json::Value) -> &mut Self {
        self.send_as(Authority::Visitor, vec![event])
    }

    /// Several events in one delivery.
    pub(crate) fn send_as(&mut self, authority: Authority, mut events: Vec<serde_json::Value>) -> &mut Self {
        for event in &mut events {
            self.events_sent += 1;
            let event = event.as_object_mut().unwrap();
            event.entry("messageId").or_insert_with(|| json!(format!("e{}", self.events_sent)));
            event.entry("type").or_insert_with(|| json!("track"));
            event.entry("anonymousId").or_insert_with(|| json!("a"));
        }
        let batch = decode_batch(json!({"batch": events}).to_string().as_bytes(), authority).unwrap();
        assert!(batch.rejections.is_empty(), "{:#?}", batch.rejections);
        let events = batch.events.into_iter().map(|decoded| (decoded.index, decoded.event)).collect();
        self.input(Input::Events(Delivery { events, surroundings: Surroundings::default() }))
    }

    pub(crate) fn page(&mut self, tab: &str, kind: &str, path: &str) -> &mut Self {
        self.send(json!({"type": "page", "context": {"tab": tab}, "properties": {"path": path, "kind": kind}}))
    }

    pub(crate) fn track(&mut self, tab: &str, event: &str, properties: serde_json::Value) -> &mut Self {
        self.send(json!({"event": event, "context": {"tab": tab}, "properties": properties}))
    }

    pub(crate) fn connect(&mut self, tab: &str, cursor: Option<Cursor>) -> &mut Self {
        self.input(Input::Connect { tab: tab.to_owned(), cursor, visible: true, inspect: false })
    }

    pub(crate) fn disconnect(&mut self, tab: &str) -> &mut Self {
        self.input(Input::Disconnect { tab: tab.to_owned() })
    }

    /// Hands an input in and does what the effects say.
    pub(crate) fn input(&mut self, input: Input) -> &mut Self {
        let effects = self.visitor.handle(input, self.now_ms, &self.config);
        let mut flushes = Vec::new();
        for effect in effects {
            match effect {
                Effect::Send { to, message } => self.sent.push((self.now_ms, to, message)),
                Effect::Reject(rejection) => self.rejections.push(rejection),
                Effect::Spill { page, bytes } => drop(self.pages.insert(page, bytes)),
                Effect::Drop { pages } => self.pages.retain(|page, _| !pages.contains(page)),
                Effect::Flush { pages, through } => flushes.push((pages, through)),
                Effect::Delete => self.deleted = true,
            }
        }
        if self.evicts {
            self.reload();
        }
        for (pages, through) in flushes {
            if !self.queue_is_up {
                self.input(Input::FlushFailed);
                continue;
            }
            for page in pages {
                self.queue.extend(Visitor::decode_page(&self.pages[&page]).unwrap());
            }
            self.queue.extend(self.visitor.hot_records().iter().filter(|r| r.seq <= through).cloned());
            self.input(Input::Flushed { through });
        }
        self
    }

    /// As after an eviction: only what was stored is left.
    pub(crate) fn reload(&mut self) {
        let stored = self.visitor.snapshot();
        let pages = Visitor::cold_pages(&stored.hot).unwrap();
        assert_eq!(pages, stored.cold.iter().map(|(page, _)| *page).collect::<Vec<_>>());
        let loaded = Visitor::load(&stored).unwrap();
        assert_eq!(loaded, self.visitor, "what is stored is the whole visitor");
        self.visitor = loaded;
    }

    pub(crate) fn stored(&self) -> Stored {
        self.visitor.snapshot()
    }

    pub(crate) fn pushes(&self) -> Vec<(u64, Push)> {
        let pushes = self.sent.iter().filter_map(|(at_ms, _, message)| match message {
            ServerMessage::Push(push) => Some((at_ms - START, push.clone())),
            _ => None,
        });
        pushes.collect()
    }

    pub(crate) fn records(&self, kind: RecordKind) -> Vec<&Record> {
        self.queue.iter().filter(|record| record.kind == kind).collect()
    }

    /// A member of the whole view, by JSON pointer.
    pub(crate) fn see(&self, pointer: &str) -> serde_json::Value {
        let view = serde_json::to_value(self.visitor.inspection(self.now_ms, &self.config)).unwrap();
        view.pointer(pointer).cloned().unwrap_or(serde_json::Value::Null)
    }
}
