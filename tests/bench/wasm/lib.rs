//! The engine in wasm for the benchmark script; the script keeps the time.

#[path = "../shared.rs"]
mod shared;

use footfall::engine::Stored;
use footfall::engine::rules::RuleSet;
use footfall_protocol::Value;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

/// The memory of this module, as JavaScript sees it.
#[wasm_bindgen]
pub fn module_memory() -> JsValue {
    wasm_bindgen::memory()
}

/// The workload and what is made of it.
#[wasm_bindgen]
pub struct Bench {
    bench: shared::Bench,
    documents: Vec<Value>,
    piece: Vec<u8>,
    opened: Option<RuleSet>,
    visit: Option<shared::Visit>,
    stored: Option<Stored>,
}

#[wasm_bindgen]
impl Bench {
    #[wasm_bindgen(constructor)]
    pub fn new(events: &str) -> Self {
        Self {
            bench: shared::Bench::new(events),
            documents: Vec::new(),
            piece: Vec::new(),
            opened: None,
            visit: None,
            stored: None,
        }
    }

    pub fn load(&mut self, conditions: &str) {
        self.bench.load(conditions);
    }

    pub fn evaluate(&mut self, rounds: u32) -> u32 {
        self.bench.evaluate(rounds)
    }

    pub fn matches(&mut self) -> String {
        self.bench.matches()
    }

    pub fn decode(&self, body: &str, rounds: u32) -> usize {
        shared::decode(body.as_bytes(), rounds)
    }

    pub fn documents(&mut self, json: &str) {
        self.documents = shared::documents(json);
    }

    /// Compiles the documents; returns the piece's bytes.
    pub fn publish(&mut self) -> usize {
        self.piece = shared::publish(&self.documents);
        self.piece.len()
    }

    /// Lets go of what was opened.
    pub fn close(&mut self) {
        self.opened = None;
    }

    /// Decodes the piece and makes its indexes; returns how many rules there are.
    pub fn open(&mut self) -> usize {
        self.opened.insert(shared::open(&self.piece)).rules.len()
    }

    /// Takes a piece that was made elsewhere.
    pub fn take(&mut self, piece: Vec<u8>) {
        self.piece = piece;
    }

    /// Begins a visit under a hundred of the documents.
    pub fn visit(&mut self, body: &str) {
        let visit = shared::Visit::new(&self.documents, body);
        self.stored = Some(visit.stored());
        self.visit = Some(visit);
    }

    /// Decodes so many events for `apply`.
    pub fn decode_events(&mut self, count: u32) {
        self.visit.as_mut().expect("a visit was begun").decode(count);
    }

    pub fn apply(&mut self) -> usize {
        self.visit.as_mut().expect("a visit was begun").apply()
    }

    pub fn snapshot(&self, rounds: u32) -> usize {
        self.visit.as_ref().expect("a visit was begun").snapshot(rounds)
    }

    /// Reads the visitor as it was when the visit was begun.
    pub fn load_visitor(&self, rounds: u32) {
        shared::load(self.stored.as_ref().expect("a visit was begun"), rounds);
    }
}
