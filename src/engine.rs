//! Stand-in for the engine, until the engine lands.
#![allow(missing_docs, unused_variables, dead_code)]
pub mod rules;
use footfall_protocol::event::{Delivery, Fact};
use footfall_protocol::ids::SiteId;
use footfall_protocol::message::{Cursor, ServerMessage};
use footfall_protocol::record::{Record, RecordKind};
use footfall_protocol::rejection::Rejection;
use footfall_protocol::{Millis, Object, Value};
use rules::RuleSet;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use uuid::Uuid;

#[derive(Debug)]
pub struct Config {
    pub settings: Settings,
    pub rules: RuleSet,
    pub version: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub session_idle_ms: u64,
    pub flush_after_ms: u64,
    pub retention_ms: u64,
    pub consent_required: bool,
    pub public_orders: bool,
    pub inspect: bool,
}
impl Default for Settings {
    fn default() -> Self {
        const MINUTE: u64 = 60_000;
        Self {
            session_idle_ms: 30 * MINUTE,
            flush_after_ms: MINUTE / 2,
            retention_ms: 30 * 24 * 60 * MINUTE,
            consent_required: false,
            public_orders: false,
            inspect: false,
        }
    }
}
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    Events(Delivery),
    Connect { tab: String, cursor: Option<Cursor>, visible: bool, inspect: bool },
    Disconnect { tab: String },
    Wake,
    Flushed { through: u64 },
    FlushFailed,
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    Tab(String),
    Others,
    Inspectors,
    Everyone,
}
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    Send { to: To, message: ServerMessage },
    Reject(Rejection),
    Spill { page: u64, bytes: Vec<u8> },
    Drop { pages: Range<u64> },
    Flush { pages: Range<u64>, through: u64 },
    Delete,
}
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    pub hot: Vec<u8>,
    pub cold: Vec<(u64, Vec<u8>)>,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bad")]
pub struct SnapshotError;
pub struct Wake {
    pub at_ms: u64,
}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Visitor {
    site: SiteId,
    visitor: Uuid,
    incarnation: Uuid,
    clock_ms: u64,
    seen: Vec<String>,
    names: Vec<String>,
    hot: Vec<Record>,
    seq: u64,
    in_flight_ms: u64,
    tabs: Vec<String>,
}
impl Visitor {
    pub fn new(site: SiteId, visitor: Uuid, incarnation: Uuid) -> Self {
        Self {
            site, visitor, incarnation, clock_ms: 0, seen: vec![], names: vec![], hot: vec![], seq: 0, in_flight_ms: 0,
            tabs: vec![],
        }
    }
    pub fn load(stored: &Stored) -> Result<Self, SnapshotError> {
        postcard::from_bytes(&stored.hot).map_err(|_| SnapshotError)
    }
    pub fn cold_pages(hot: &[u8]) -> Result<Vec<u64>, SnapshotError> {
        Ok(vec![])
    }
    pub fn snapshot(&self) -> Stored {
        Stored { hot: postcard::to_allocvec(self).expect("data"), cold: vec![] }
    }
    pub fn handle(&mut self, input: Input, now: Millis, config: &Config) -> Vec<Effect> {
        let now = now.max(self.clock_ms);
        let mut effects = vec![];
        match input {
            Input::Events(delivery) => {
                for (index, event) in delivery.events {
                    #[cfg(feature = "test-hooks")]
                    assert!(event.name != "footfall_test_panic", "asked for by a test");
                    if self.seen.contains(&event.id) {
                        continue;
                    }
                    self.clock_ms = now;
                    self.seq += 1;
                    self.seen.push(event.id);
                    self.hot.push(Record {
                        seq: self.seq, at_ms: now, kind: RecordKind::Event, name: event.name.clone(), session: 1,
                        data: Object::new(),
                    });
                    self.names.push(event.name);
                }
                effects.push(Effect::Send {
                    to: To::Everyone,
                    message: ServerMessage::State { base: 0, version: self.seq, patch: self.view(now, config) },
                });
            }
            Input::Connect { tab, .. } => {
                effects.push(Effect::Send {
                    to: To::Tab(tab.clone()),
                    message: ServerMessage::Welcome {
                        protocol: 1,
                        incarnation: (self.clock_ms > 0).then_some(self.incarnation),
                        seq: 0,
                        version: self.seq,
                        state: self.view(now, config),
                    },
                });
                if self.clock_ms > 0 {
                    self.tabs.push(tab);
                }
            }
            Input::Disconnect { tab } => self.tabs.retain(|t| *t != tab),
            Input::Wake => {
                if self.clock_ms > 0 && now >= self.clock_ms + config.settings.retention_ms {
                    effects.push(Effect::Delete);
                }
            }
            Input::Flushed { through } => {
                self.hot.retain(|r| r.seq > through);
                self.in_flight_ms = 0;
            }
            Input::FlushFailed => self.in_flight_ms = now + 5000,
        }
        if let Some(first) = self.hot.first()
            && now >= (first.at_ms + config.settings.flush_after_ms).max(self.in_flight_ms)
        {
            self.in_flight_ms = now + 60_000;
            effects.push(Effect::Flush { pages: 0..0, through: self.seq });
        }
        effects
    }
    pub fn next_wake(&self, config: &Config) -> Option<Wake> {
        if self.clock_ms == 0 {
            return None;
        }
        let at_ms = match self.hot.first() {
            Some(r) => (r.at_ms + config.settings.flush_after_ms).max(self.in_flight_ms),
            None => self.clock_ms + config.settings.retention_ms,
        };
        Some(Wake { at_ms })
    }
    pub fn hot_records(&self) -> &[Record] {
        &self.hot
    }
    pub fn decode_page(bytes: &[u8]) -> Result<Vec<Record>, SnapshotError> {
        postcard::from_bytes(bytes).map_err(|_| SnapshotError)
    }
    pub fn view(&self, now: Millis, config: &Config) -> Value {
        let mut o = Object::new();
        o.insert("events", self.names.len() as f64);
        o.insert("names", Value::Array(self.names.iter().map(|n| n.as_str().into()).collect()));
        Value::Object(o)
    }
    pub fn inspection(&self, now: Millis, config: &Config) -> Value {
        self.view(now, config)
    }
    pub const fn incarnation(&self) -> Uuid {
        self.incarnation
    }
}
