//! Clocks that jump, forwards and backwards, over random lives: nothing early, nothing twice, nothing lost.

use crate::sim::{DAY, MINUTE, Sim};
use footfall::engine::Input;
use footfall_protocol::record::{Record, RecordKind};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::json;

const LIVES: u64 = 25;
const STEPS: usize = 80;
const WAIT: u64 = 10 * MINUTE;

/// Follows the records: an absence fires once for each `begin` that no `finish` or other `begin` follows in its time,
/// and not before that time is over. Gives how often it fired.
fn check(seed: u64, records: &[Record]) -> usize {
    let mut fired = 0;
    let mut waiting: Option<&Record> = None;
    let mut last_ms = 0;
    for record in records {
        assert!(record.at_ms >= last_ms, "seed {seed}: time runs backwards at {record:?}");
        last_ms = record.at_ms;
        let over = waiting.is_some_and(|begin| record.at_ms >= begin.at_ms + WAIT);
        match (record.kind, record.name.as_str()) {
            (RecordKind::TriggerFired, "unfinished") => {
                assert!(over, "seed {seed}: fired for {waiting:?} at {}", record.at_ms);
                waiting = None;
                fired += 1;
            }
            (RecordKind::Event, name) => {
                assert!(!over, "seed {seed}: {waiting:?} was due before {record:?}");
                waiting = match name {
                    "begin" => Some(record),
                    "finish" => None,
                    _ => waiting,
                };
            }
            _ => {}
        }
    }
    assert!(waiting.is_none(), "seed {seed}: {waiting:?} was never due");
    fired
}

#[test]
fn a_clock_that_jumps_fires_nothing_early_or_twice_and_loses_nothing() {
    let mut fired = 0;
    for seed in 0..LIVES {
        let mut random = StdRng::seed_from_u64(seed);
        let mut sim = Sim::with_rules(json!([
            {"id": "unfinished", "pattern": {"absence": {"after": {"event": {"name": "begin"}}, "of": {"event": {"name": "finish"}}, "for": "10m"}}, "actions": [{"record": {"name": "unfinished"}}]},
        ]));
        sim.evicts = true;
        sim.track("t", "look", json!({}));
        for _ in 0..STEPS {
            let jump = random.random_range(0..2 * WAIT);
            sim.now_ms = if random.random_range(0..3) == 0 { sim.now_ms - jump } else { sim.now_ms + jump };
            match random.random_range(0..6) {
                0 => sim.input(Input::Wake),
                1 => sim.connect("t", None),
                2 => sim.disconnect("t"),
                _ => {
                    let event = *["begin", "begin", "finish", "look"].choose(&mut random).unwrap();
                    let id = format!("e-{}", random.random_range(0..STEPS));
                    // Some come again: a repeat changes nothing, whatever the clock says by then.
                    let twice = json!({"event": event, "messageId": id, "context": {"tab": "t"}});
                    sim.send(twice.clone()).send(twice)
                }
            };
        }
        // The clock catches up; whatever was held waits no longer.
        sim.now_ms = sim.now_ms.max(sim.made.last().unwrap().at_ms);
        sim.pass(DAY);
        fired += check(seed, &sim.made);
    }
    assert!(fired > 50, "only {fired} firings: these lives show little");
}
