// What the benchmarks on the host and in wasm both do with the engine.

use footfall::engine::condition::{Compiler, Condition};
use footfall::engine::index::{Index, Scratch};
use footfall::engine::rules::{RuleSet, compile};
use footfall::engine::tree::{Field, Read, Scope, TREE, resolve};
use footfall_protocol::Value;
use footfall_protocol::decode::decode_batch;
use footfall_protocol::event::Authority;
use std::borrow::Cow;
use std::hint::black_box;

/// What is known at an event, by field: as in a live visitor, of whom each field is at a known place.
struct Attributes(Vec<Option<Value>>);

impl Attributes {
    fn new(event: &Value) -> Self {
        let read = |path: &str| path.split('.').try_fold(event, |value, key| value.get(key)).cloned();
        Self(TREE.iter().map(|entry| read(entry.path)).collect())
    }
}

impl Scope for Attributes {
    fn read<'a>(&'a self, field: &Field) -> Read<'a> {
        let Field::Known(known, _) = field else { return Read::Missing };
        match &self.0[*known as usize] {
            None => Read::Missing,
            Some(Value::Number(number)) => Read::Number(*number),
            Some(Value::String(text)) => Read::Str(text),
            Some(other) => Read::Value(Cow::Borrowed(other)),
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
