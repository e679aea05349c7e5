// What the benchmarks on the host and in wasm both do with the engine.

use footfall::engine::condition::{Compiler, Condition};
use footfall::engine::index::{Index, Scratch};
use footfall::engine::rules::{RuleSet, compile};
use footfall::engine::tree::{Field, Read, Scope, TREE, resolve};
use footfall::engine::{Config, Input, Settings, Stored, Visitor};
use footfall_protocol::Value;
use footfall_protocol::decode::decode_batch;
use footfall_protocol::event::{Authority, Delivery, Surroundings};
use footfall_protocol::ids::SiteId;
use std::hint::black_box;
use uuid::Uuid;

/// What is known at an event, close together, as what has just been decoded and applied is: which values there are does
/// not depend on how many events a benchmark holds.
struct Attributes {
    /// Field → its value, if it has one.
    places: [u8; TREE.len()],
    values: Vec<Attribute>,
    texts: String,
}

enum Attribute {
    Number(f64),
    Text(u16, u16),
}

const MISSING: u8 = u8::MAX;

impl Attributes {
    fn new(event: &Value) -> Self {
        let (mut places, mut values, mut texts) = ([MISSING; TREE.len()], Vec::new(), String::new());
        let read = |path: &str| path.split('.').try_fold(event, |value, key| value.get(key)).cloned();
        for (place, entry) in places.iter_mut().zip(TREE) {
            let value = match read(entry.path) {
                None => continue,
                Some(Value::Number(number)) => Attribute::Number(number),
                Some(Value::String(text)) => {
                    let start = texts.len();
                    texts.push_str(&text);
                    let short = |at: usize| u16::try_from(at).expect("the workload's texts are short");
                    Attribute::Text(short(start), short(texts.len()))
                }
                Some(other) => panic!("the workload has numbers and texts, and no {other:?}"),
            };
            *place = u8::try_from(values.len()).expect("the tree has few fields");
            values.push(value);
        }
        Self { places, values, texts }
    }
}

impl Scope for Attributes {
    fn read<'a>(&'a self, field: &Field) -> Read<'a> {
        let Field::Known(known, _) = field else { return Read::Missing };
        match self.values.get(usize::from(self.places[*known as usize])) {
            None => Read::Missing,
            Some(Attribute::Number(number)) => Read::Number(*number),
            Some(Attribute::Text(from, to)) => Read::Str(&self.texts[usize::from(*from)..usize::from(*to)]),
        }
    }
}

/// Events, and the rules to evaluate for them.
pub struct Bench {
    events: Vec<Attributes>,
    index: Index,
    scratch: Scratch,
}

fn list(json: &str) -> Vec<Value> {
    serde_json::from_str(json).expect("the workload is JSON")
}

/// An index over authored conditions.
pub fn index(conditions: &str) -> Index {
    let compile = |condition: &Value| {
        let mut compiler = Compiler::new(&resolve);
        let compiled = compiler.condition(condition, "");
        assert!(compiler.faults.is_empty(), "{:?}", compiler.faults);
        compiled
    };
    let compiled: Vec<Condition> = list(conditions).iter().map(compile).collect();
    Index::new(compiled.iter())
}

impl Bench {
    pub fn new(events: &str) -> Self {
        let events = list(events).iter().map(Attributes::new).collect();
        Self { events, index: Index::default(), scratch: Scratch::default() }
    }

    /// Compiles conditions, as authored, and makes the index over them.
    pub fn load(&mut self, conditions: &str) {
        self.index = index(conditions);
    }

    /// Evaluates the rules for every event, so many times; returns how many matches there were.
    pub fn evaluate(&mut self, rounds: u32) -> u32 {
        let mut matches = 0;
        for _ in 0..rounds {
            for event in &self.events {
                matches +=
                    self.index.matches(black_box(event), &mut self.scratch).map(|at| black_box(at).min(1)).count();
            }
        }
        u32::try_from(matches).expect("a benchmark has fewer matches")
    }

    /// The places of the rules that match, for each event, as JSON.
    pub fn matches(&mut self) -> String {
        let each = self.events.iter().map(|event| self.index.matches(event, &mut self.scratch).collect());
        serde_json::to_string(&each.collect::<Vec<Vec<usize>>>()).expect("numbers are JSON")
    }
}

/// Decodes a body so many times; returns how many events it held.
pub fn decode(body: &[u8], rounds: u32) -> usize {
    (0..rounds).map(|_| decode_batch(black_box(body), Authority::Source).expect("a good body").events.len()).sum()
}

/// Compiles authored rules to the piece that isolates load.
pub fn publish(documents: &[Value]) -> Vec<u8> {
    let (rules, faults) = compile(documents, &[], &[]);
    assert!(faults.is_empty(), "{faults:?}");
    rules.encode()
}

pub fn documents(json: &str) -> Vec<Value> {
    list(json)
}

/// What an isolate does with a piece: decodes it and makes its indexes.
pub fn open(piece: &[u8]) -> RuleSet {
    RuleSet::decode(piece).expect("a good piece")
}

/// A visitor in the middle of a visit, under a hundred of the rules.
pub struct Visit {
    config: Config,
    visitor: Visitor,
    body: String,
    /// Events that are decoded and wait to be applied.
    waiting: Vec<Input>,
    count: u64,
}

impl Visit {
    /// `body` is a batch with one event, the workload's.
    pub fn new(documents: &[Value], body: &str) -> Self {
        let (rules, faults) = compile(&documents[..100], &[], &[]);
        assert!(faults.is_empty(), "{faults:?}");
        let site = SiteId::parse("bench").expect("a site's id");
        let visitor = Visitor::new(site, Uuid::from_u128(1), Uuid::from_u128(2));
        let config = Config { settings: Settings::default(), rules, version: 1 };
        let mut visit = Self { config, visitor, body: body.to_owned(), waiting: Vec::new(), count: 0 };
        visit.decode(600);
        visit.apply();
        visit
    }

    /// Decodes so many events, each with an id of its own, for `apply`.
    pub fn decode(&mut self, count: u32) {
        const ID: &str = "8a1f0c62-9f1e-4a8d-9d2b-3f6f6f3d2b11";
        for _ in 0..count {
            self.count += 1;
            let body = self.body.replace(ID, &Uuid::from_u128(self.count.into()).to_string());
            let batch = decode_batch(body.as_bytes(), Authority::Source).expect("a good body");
            let events = batch.events.into_iter().map(|decoded| (decoded.index, decoded.event)).collect();
            self.waiting.push(Input::Events(Delivery { events, surroundings: Surroundings::default() }));
        }
    }

    /// Applies what was decoded, a second apart; now and then the queue takes the records.
    pub fn apply(&mut self) -> usize {
        let mut effects = 0;
        for (at, input) in self.waiting.drain(..).enumerate() {
            let now_ms = 1_000_000_000_000 + (self.count + at as u64) * 1_000;
            effects += black_box(self.visitor.handle(input, now_ms, &self.config)).len();
            if at % 8 == 7 {
                self.visitor.handle(Input::flushed(u64::MAX), now_ms, &self.config);
            }
        }
        effects
    }

    /// Makes so many snapshots; returns their bytes.
    pub fn snapshot(&self, rounds: u32) -> usize {
        (0..rounds).map(|_| black_box(self.stored()).hot.len()).sum()
    }

    pub fn stored(&self) -> Stored {
        self.visitor.snapshot()
    }
}

/// Reads a snapshot so many times, as an object does that wakes.
pub fn load(stored: &Stored, rounds: u32) {
    for _ in 0..rounds {
        black_box(Visitor::load(black_box(stored)).expect("a good snapshot"));
    }
}
