//! A set of rules and a life, both made by choices: whatever happens, the visitor's invariants hold.

use super::bytes::Bytes;
use super::{events, grammar};
use footfall::engine::rules::{RuleSet, compile};
use footfall::engine::user::Letter;
use footfall::engine::{Config, Effect, Input, Rate, Settings, Visitor};
use footfall_protocol::Value;
use footfall_protocol::event::Delivery;
use footfall_protocol::ids::SiteId;
use footfall_protocol::limits::{HOT_BYTES_MAX, OUTBOX_HOT_BYTES_MAX};
use footfall_protocol::message::Cursor;
use footfall_protocol::rejection::Code;
use std::collections::BTreeMap;
use uuid::Uuid;

/// 2026-11-21T10:00:00Z, a Saturday.
const START_MS: u64 = 1_795_255_200_000;
/// All cold pages of a snapshot, in bytes: what tests/engine asks for, and as much again for partial matches.
const COLD_BYTES_MAX: usize = 256 * 1024;
/// Inputs of one life.
const STEPS_MAX: usize = 64;

/// The first bytes are the choices of the rules, the rest those of the life.
///
/// # Panics
/// When something is wrong with the engine.
pub fn check(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let mut life = Life::new(&mut bytes);
    for _ in 0..STEPS_MAX {
        if bytes.is_empty() {
            break;
        }
        life.step(&mut bytes);
    }
    life.wait(2 * 3_600_000);
}

/// A site's documents, by choices. What does not compile is left out.
pub fn site(bytes: &mut Bytes) -> RuleSet {
    let count = 1 + bytes.below(4);
    let documents = |made: Vec<serde_json::Value>| -> Vec<Value> {
        made.into_iter().map(|document| serde_json::from_value(document).unwrap()).collect()
    };
    let rules = documents((0..count).map(|at| grammar::rule(bytes, at)).collect());
    let segments = documents((0..bytes.below(3)).map(|at| grammar::segment(bytes, at)).collect());
    let stages = if bytes.once_in(8) { (0..3).map(|at| grammar::stage(bytes, at)).collect() } else { Vec::new() };
    compile(&rules, &segments, &documents(stages)).0
}

/// A site's settings, by choices.
pub fn settings(bytes: &mut Bytes) -> Settings {
    Settings {
        inspect: true,
        consent_required: bytes.once_in(16),
        public_orders: bytes.once_in(8),
        rate: bytes.once_in(12).then_some(Rate { count: 5, per_ms: 60_000 }),
        withdrawal_erases: bytes.once_in(4),
        ..Settings::default()
    }
}

struct Life {
    visitor: Visitor,
    config: Config,
    /// The rules that are not published now.
    other: RuleSet,
    now_ms: u64,
    /// The latest time of an input: what is due by then is due, also when the clock has run backwards since.
    latest_ms: u64,
    /// The rules have changed since the last input, which then follows them.
    changed: bool,
    pages: BTreeMap<u64, Vec<u8>>,
    /// The last delivery, to be repeated.
    last: Option<Delivery>,
    /// What is on its way to the queue.
    flights: Vec<u64>,
    letters: Vec<Letter>,
    queue_is_up: bool,
    events: usize,
    lives: u128,
}

fn newborn(incarnation: u128) -> Visitor {
    Visitor::new(SiteId::parse("demo").unwrap(), Uuid::from_u128(7), Uuid::from_u128(incarnation))
}

impl Life {
    fn new(bytes: &mut Bytes) -> Self {
        let rules = site(bytes);
        let other = if bytes.once_in(3) { site(bytes) } else { RuleSet::new(Vec::new(), Vec::new(), Vec::new()) };
        let settings = settings(bytes);
        Self {
            visitor: newborn(1),
            config: Config { settings, rules, version: 1 },
            other,
            now_ms: START_MS,
            latest_ms: START_MS,
            changed: false,
            pages: BTreeMap::new(),
            last: None,
            flights: Vec::new(),
            letters: Vec::new(),
            queue_is_up: true,
            events: 0,
            lives: 1,
        }
    }

    fn step(&mut self, bytes: &mut Bytes) {
        match bytes.below(24) {
            0..10 => self.send(bytes),
            10..13 => self.wait(u64::from(bytes.byte()) * 500),
            13 => self.wait(u64::from(bytes.byte()) * 60_000),
            14 => self.wait(u64::from(bytes.byte()) * 3_600_000),
            15 => {
                let cursor = bytes.once_in(2).then(|| Cursor { incarnation: self.visitor.incarnation(), seq: 1 });
                self.input(Input::Connect {
                    tab: events::tab(bytes),
                    cursor,
                    visible: !bytes.once_in(4),
                    inspect: bytes.once_in(2),
                });
            }
            16 => self.input(Input::Disconnect { tab: events::tab(bytes) }),
            17 => self.input(if bytes.once_in(4) { self.refusal(bytes) } else { Input::Wake }),
            18 => {
                self.queue_is_up = !self.queue_is_up;
                self.land();
            }
            19 => self.repeat(),
            20 => {
                std::mem::swap(&mut self.config.rules, &mut self.other);
                self.config.version += 1;
                self.changed = true;
            }
            21 => {
                // A clock that ran ahead, or runs backwards.
                self.now_ms = self.now_ms.saturating_sub(u64::from(bytes.byte()) * 1_000);
                self.input(Input::Wake);
            }
            22 if bytes.once_in(4) => self.input(Input::Withdraw),
            _ => self.send(bytes),
        }
    }

    /// Lets time pass, waking the visitor when it asked for it; a late wake is one of all that is due.
    fn wait(&mut self, ms: u64) {
        let end_ms = self.now_ms.saturating_add(ms);
        // A queue that is down for days is tried every minute, which tells nothing new.
        self.queue_is_up |= ms > 600_000;
        self.land();
        let mut wakes = 0;
        while let Some(wake) = self.visitor.next_wake(&self.config).filter(|wake| wake.at_ms <= end_ms) {
            self.now_ms = wake.at_ms.max(self.now_ms);
            wakes += 1;
            assert!(wakes < 10_000, "it asks for ever to be woken: {wake:?}");
            self.input(Input::Wake);
        }
        self.now_ms = end_ms;
        if self.changed || self.now_ms < self.latest_ms {
            self.input(Input::Wake);
        }
        let before = self.visitor.snapshot();
        self.input(Input::Wake);
        assert!(self.visitor.snapshot() == before, "a wake that is too early, or repeated, changes nothing");
        for rule in &self.config.rules.rules {
            drop(serde_json::to_string(&self.visitor.explain(&rule.id, self.now_ms, &self.config)).unwrap());
        }
    }

    fn send(&mut self, bytes: &mut Bytes) {
        let delivery = events::delivery(bytes, &mut self.events);
        self.last = Some(delivery.clone());
        self.input(Input::Events(delivery));
        if bytes.once_in(4) {
            self.repeat();
        }
    }

    /// A queue refuses, while that of another sink may have taken some records.
    fn refusal(&self, bytes: &mut Bytes) -> Input {
        let some = bytes.once_in(2).then(|| ("d1".to_owned(), self.visitor.last_record() / 2));
        Input::FlushFailed { taken: some.into_iter().collect() }
    }

    /// The last delivery once more: nothing changes.
    fn repeat(&mut self) {
        if let Some(delivery) = self.last.clone() {
            // What is due by now is no matter of the repeat.
            self.input(Input::Wake);
            let before = self.visitor.snapshot();
            self.input(Input::Events(delivery));
            assert!(self.visitor.snapshot() == before, "a repeat changes nothing");
        }
    }

    /// The queue answers what is on its way to it: it takes the records, or says nothing.
    fn land(&mut self) {
        while self.queue_is_up && !self.flights.is_empty() {
            let through = self.flights.remove(0);
            self.input(Input::flushed(through));
        }
        let letters = std::mem::take(&mut self.letters);
        if self.queue_is_up && !letters.is_empty() {
            self.input(Input::taken(letters));
        }
    }

    /// One input, to the visitor and to another that was loaded from its snapshot: both do the same.
    fn input(&mut self, input: Input) {
        self.latest_ms = self.latest_ms.max(self.now_ms);
        self.changed = false;
        let stored = self.visitor.snapshot();
        let cold: usize = stored.cold.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(stored.hot.len() <= HOT_BYTES_MAX + OUTBOX_HOT_BYTES_MAX, "the hot row has {} bytes", stored.hot.len());
        assert!(cold <= COLD_BYTES_MAX, "the cold pages have {cold} bytes");
        let outline = Visitor::outline(&stored.hot).unwrap();
        assert_eq!(outline.bytes, stored.hot.len());
        assert!(outline.cold.iter().eq(stored.cold.iter().map(|(page, _)| page)), "the hot row knows its cold pages");
        let mut twin = Visitor::load(&stored).unwrap();
        assert!(twin == self.visitor, "what is stored is the whole visitor");
        let effects = self.visitor.handle(input.clone(), self.now_ms, &self.config);
        assert!(twin.handle(input, self.now_ms, &self.config) == effects, "the same input has the same effects");
        assert!(twin == self.visitor, "and leaves the same visitor");
        let wake = self.visitor.next_wake(&self.config);
        assert!(wake == twin.next_wake(&self.config));
        drop((self.visitor.view(self.now_ms, &self.config), self.visitor.inspection(self.now_ms, &self.config)));
        for effect in effects {
            match effect {
                Effect::Spill { page, bytes } => drop(self.pages.insert(page, bytes)),
                Effect::Drop { pages } => self.pages.retain(|page, _| !pages.contains(page)),
                Effect::Flush { pages, through, ahead } => {
                    for page in pages.chain(ahead.into_iter().flat_map(|share| share.pages)) {
                        assert!(!Visitor::decode_page(&self.pages[&page]).unwrap().is_empty());
                    }
                    self.flights.push(through);
                }
                Effect::Feed(letters) => self.letters = letters,
                Effect::Erase { lives } => {
                    self.flights.clear();
                    self.visitor.handle(
                        Input::Erased { lives: lives.iter().map(|gone| gone.incarnation).collect() },
                        self.now_ms,
                        &self.config,
                    );
                }
                Effect::Delete => {
                    self.lives += 1;
                    self.visitor = newborn(self.lives);
                    self.pages.clear();
                    self.flights.clear();
                    self.letters.clear();
                    self.last = None;
                }
                Effect::Send { message, .. } => drop(serde_json::to_string(&message).unwrap()),
                Effect::Reject(rejection) => {
                    drop(serde_json::to_string(&rejection).unwrap());
                    // What came too soon is new when it comes again.
                    if rejection.code == Code::RateLimited {
                        self.last = None;
                    }
                }
            }
        }
        self.land();
    }
}
