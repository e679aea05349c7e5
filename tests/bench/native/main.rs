//! The engine and datalogic-rs on the host: `footfall-bench WORKLOAD SET…` prints one line of JSON.
//!
//! WORKLOAD is a directory with `events.json`, `typed.json`, `documents.json` and for each set `SET.conditions.json`
//! and, where datalogic-rs takes part, `SET.logic.json`. Writes `SET.native.json` and `SET.datalogic.json`: the places
//! of the matching rules for each event.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

#[path = "../shared.rs"]
mod shared;

use cpu_time::ThreadTime;
use datalogic_rs::bumpalo::Bump;
use datalogic_rs::{Engine, Logic, ParsedData};
use serde_json::{Value, json};
use shared::Bench;
use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Counts the bytes that are in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A moment: the clock's time, and the processor's time of this thread.
struct Moment {
    clock: Instant,
    processor: ThreadTime,
}

impl Moment {
    fn now() -> Self {
        Self { clock: Instant::now(), processor: ThreadTime::now() }
    }

    /// Nanoseconds since then: the processor's time is less where the machine did something else in between.
    fn elapsed_ns(&self) -> f64 {
        let elapsed = self.clock.elapsed().min(self.processor.elapsed());
        elapsed.as_secs_f64() * 1e9
    }
}

/// Nanoseconds of the fastest of many calls, within a time. What a call returns is dropped outside of it.
fn fastest<T>(budget: Duration, mut work: impl FnMut() -> T) -> f64 {
    let (began, mut best) = (Instant::now(), f64::INFINITY);
    let mut calls = 0;
    while calls < 3 || began.elapsed() < budget {
        let from = Moment::now();
        let made = black_box(work());
        best = best.min(from.elapsed_ns());
        drop(made);
        calls += 1;
    }
    best
}

const BUDGET: Duration = Duration::from_millis(700);

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn datalogic(folder: &Path, set: &str, events: &[ParsedData]) -> Option<Value> {
    let text = fs::read_to_string(folder.join(format!("{set}.logic.json"))).ok()?;
    let authored: Vec<Value> = serde_json::from_str(&text).expect("the workload is JSON");
    let engine = Engine::new();
    let rules: Vec<Logic> =
        authored.iter().map(|rule| engine.compile(rule.to_string().as_str()).expect("good logic")).collect();
    let mut arena = Bump::new();
    let mut matching = |event: &ParsedData| {
        arena.reset();
        let holds = |rule: &Logic| engine.evaluate(rule, event, &arena).is_ok_and(|answer| engine.truthy(answer));
        rules.iter().enumerate().filter(|(_, rule)| holds(rule)).map(|(at, _)| at).collect::<Vec<usize>>()
    };
    let found: Vec<Vec<usize>> = events.iter().map(&mut matching).collect();
    fs::write(folder.join(format!("{set}.datalogic.json")), json!(found).to_string())
        .expect("the folder can be written");
    // A share of the events that takes about five milliseconds.
    let from = Moment::now();
    matching(&events[0]);
    let share = (5e6 / from.elapsed_ns()).clamp(1.0, events.len() as f64) as usize;
    let ns = fastest(BUDGET, || events[..share].iter().for_each(|event| drop(black_box(matching(event)))));
    Some(json!(ns / share as f64))
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("a directory with a workload");
    let folder = Path::new(&folder);
    let events = read(folder, "events.json");
    let authored: Vec<Value> = serde_json::from_str(&events).expect("the workload is JSON");
    let parsed: Vec<ParsedData> =
        authored.iter().map(|event| ParsedData::from_json(&event.to_string()).expect("JSON")).collect();
    let count = authored.len() as f64;
    let mut bench = Bench::new(&events);
    let mut sets = serde_json::Map::new();
    for set in arguments {
        let conditions = read(folder, &format!("{set}.conditions.json"));
        bench.load(&conditions);
        let found = bench.matches();
        fs::write(folder.join(format!("{set}.native.json")), found).expect("the folder can be written");
        let ns = fastest(BUDGET, || bench.evaluate(1));
        let datalogic = datalogic(folder, &set, &parsed);
        eprintln!("bench  native, {set}: {:.0} ns for an event", ns / count);
        sets.insert(set, json!({"ns": ns / count, "datalogic_ns": datalogic}));
    }
    let typed = read(folder, "typed.json");
    let decode_ns = fastest(BUDGET, || shared::decode(typed.as_bytes(), 100)) / 100.0;
    let documents = shared::documents(&read(folder, "documents.json"));
    let mut visit = shared::Visit::new(&documents, &typed);
    let mut apply_ns = f64::INFINITY;
    for _ in 0..200 {
        visit.decode(100);
        let from = Moment::now();
        black_box(visit.apply());
        apply_ns = apply_ns.min(from.elapsed_ns() / 100.0);
    }
    let snapshot_ns = fastest(BUDGET, || visit.snapshot(100)) / 100.0;
    let stored = visit.stored();
    let load_ns = fastest(BUDGET, || shared::load(&stored, 100)) / 100.0;
    let mut piece = Vec::new();
    let compile_ns = fastest(2 * BUDGET, || piece = shared::publish(&documents));
    let open_ns = fastest(2 * BUDGET, || shared::open(&piece));
    let before = IN_USE.load(Ordering::Relaxed);
    let rules = shared::open(&piece);
    let rules_bytes = IN_USE.load(Ordering::Relaxed) - before;
    drop(rules);
    let before = IN_USE.load(Ordering::Relaxed);
    let index = shared::index(&read(folder, "10000.conditions.json"));
    let index_bytes = IN_USE.load(Ordering::Relaxed) - before;
    drop(index);
    fs::write(folder.join("piece"), &piece).expect("the folder can be written");
    let whole = json!({
        "apply_ns": apply_ns, "snapshot_ns": snapshot_ns, "load_ns": load_ns, "snapshot_bytes": stored.hot.len(),
        "decode_ns": decode_ns, "typed_bytes": typed.len(), "compile_ms": compile_ns / 1e6, "open_ms": open_ns / 1e6,
        "piece_bytes": piece.len(), "rules_bytes": rules_bytes, "index_bytes": index_bytes,
    });
    println!("{}", json!({"sets": sets, "whole": whole}));
}
