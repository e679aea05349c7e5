//! The state at any time of a life is the fold of its log up to then.

use crate::properties::{LIVES, Step, apply, life, site};
use crate::sim::{MINUTE, SECOND, Sim, config};
use footfall::engine::{FoldFault, Visitor, fold};
use footfall_protocol::ids::SiteId;
use footfall_protocol::record::Record;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;

fn folded(sim: &Sim, records: &[Record], until_ms: u64) -> Result<Option<Visitor>, FoldFault> {
    let of = (SiteId::parse("demo").unwrap(), Uuid::from_u128(7), sim.visitor.incarnation());
    fold(of, records, until_ms, &sim.config)
}

/// What the log tells of a visitor, and what each of its rules stands at: everything but which sockets are open, what
/// hangs on them, and what waits for the queue.
fn told(visitor: &Visitor, now_ms: u64, sim: &Sim) -> Value {
    let mut view = serde_json::to_value(visitor.inspection(now_ms, &sim.config)).unwrap();
    let members = view.as_object_mut().unwrap();
    for name in ["outbox", "tabs", "page"] {
        members.remove(name);
    }
    let timers = members["timers"].as_array_mut().unwrap();
    timers.retain(|timer| timer["reason"] != "flush" && timer["reason"] != "retention");
    // Of two at one time the one whose tab is older comes first, and sockets make tabs as well.
    timers.sort_by_key(|timer| (timer["due_at_ms"].as_u64(), timer.to_string()));
    // What has expired is thrown away with the next input, whether or not that is recorded.
    let pushes = members["pushes"].as_array_mut().unwrap();
    pushes.retain(|push| push["expires_at_ms"].as_u64() > Some(now_ms));
    view
}

/// Compares after steps of a life, and at random times in between.
fn compare(seed: u64, late: bool) -> usize {
    let mut random = StdRng::seed_from_u64(seed + 77);
    let mut sim = Sim::new(site(seed));
    let mut compared = 0;
    let mut chance = StdRng::seed_from_u64(seed + 78);
    let mut check = |sim: &Sim, compared: &mut usize| {
        // Each costs the whole life so far.
        if sim.made.is_empty() || chance.random_range(0..8) > 0 {
            return;
        }
        let again = folded(sim, &sim.made, sim.now_ms).unwrap().expect("the life goes on");
        let (live, again) = (told(&sim.visitor, sim.now_ms, sim), told(&again, sim.now_ms, sim));
        if live != again {
            let differ = |name: &&String| live[name.as_str()] != again[name.as_str()];
            for name in live.as_object().unwrap().keys().filter(differ) {
                eprintln!("{name}\n  live  {}\n  again {}", live[name], again[name]);
            }
            panic!("seed {seed}, {} records", sim.made.len());
        }
        *compared += 1;
    };
    for (wait_ms, step) in life(seed) {
        let part_ms = random.random_range(0..=if late { wait_ms.min(2 * SECOND) } else { wait_ms });
        if late && part_ms < SECOND {
            // The platform rings late: what was due comes with the next wake or step.
            sim.now_ms += part_ms;
        } else {
            sim.pass(part_ms);
            check(&sim, &mut compared);
        }
        sim.pass(wait_ms - part_ms);
        if !matches!(step, Step::Connect(_) | Step::Disconnect(_)) || !sim.made.is_empty() {
            apply(&mut sim, &step);
        }
        check(&sim, &mut compared);
    }
    compared
}

#[test]
fn the_state_at_any_time_is_the_fold_of_the_log_up_to_then() {
    let compared: usize = (0..LIVES).map(|seed| compare(seed, false)).sum();
    assert!(compared > 2 * usize::try_from(LIVES).unwrap(), "{compared}");
}

#[test]
fn the_state_is_the_fold_of_the_log_also_when_wakes_come_late() {
    let compared: usize = (0..LIVES).map(|seed| compare(seed, true)).sum();
    assert!(compared > 2 * usize::try_from(LIVES).unwrap(), "{compared}");
}

#[test]
fn a_state_of_the_past_is_folded_from_a_log_that_goes_on() {
    let mut sim = Sim::with_rules(json!([
        {"id": "wait", "pattern": {"dwell": {"for": "30s", "where": {"page.kind": "product"}}}, "actions": [{"set_trait": {"name": "waited", "value": true}}]}
    ]));
    sim.page("t", "product", "/p/tent").pass(10 * SECOND);
    sim.track("t", "Product Added", json!({"sku": "tent", "price": 10}));
    let before = (sim.now_ms, told(&sim.visitor, sim.now_ms, &sim));
    sim.pass(25 * SECOND);
    let after = (sim.now_ms, told(&sim.visitor, sim.now_ms, &sim));
    sim.pass(SECOND);
    sim.track("t", "Order Completed", json!({"order_id": "1", "revenue": 10})).pass(MINUTE);
    assert_ne!(before.1["profile"]["traits"], after.1["profile"]["traits"]);
    for (at_ms, then) in [before, after] {
        let again = folded(&sim, &sim.made, at_ms).unwrap().unwrap();
        assert_eq!(told(&again, at_ms, &sim), then);
    }
    assert_eq!(folded(&sim, &sim.made, sim.made[0].at_ms - 1), Ok(None), "before it began");
    let retention_ms = sim.config.settings.retention_ms;
    assert_eq!(folded(&sim, &sim.made, sim.now_ms + retention_ms + MINUTE), Ok(None), "after it was deleted");
}

#[test]
fn a_log_that_is_not_whole_gives_no_state() {
    let mut sim = Sim::new(config(json!([]), json!([]), json!([])));
    sim.page("t", "product", "/p/tent").page("t", "home", "/");
    let without = |seq: u64| sim.made.iter().filter(|record| record.seq != seq).cloned().collect::<Vec<_>>();
    assert_eq!(folded(&sim, &without(1), sim.now_ms), Err(FoldFault::Missing(1)));
    assert_eq!(folded(&sim, &without(2), sim.now_ms), Err(FoldFault::Missing(2)));
}
