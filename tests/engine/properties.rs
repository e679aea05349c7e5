//! What holds for every visitor, over random lives with fixed seeds.

use crate::shapes;
use crate::sim::{DAY, HOUR, MINUTE, SECOND, Sim, config};
use footfall::engine::{Config, Input, To};
use footfall_protocol::event::Authority;
use footfall_protocol::limits::{DEDUPE_WINDOW, HOT_BYTES_MAX, OUTBOX_HOT_BYTES_MAX};
use footfall_protocol::message::{Cursor, ServerMessage};
use footfall_protocol::record::RecordKind;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) const LIVES: u64 = 80;

/// A site whose rules have patterns of all kinds, others for each seed.
pub(crate) fn site(seed: u64) -> Config {
    config(
        Value::Array([documents(seed), together()].concat()),
        json!([
            {"id": "big-cart", "when": {"cart.value": {"$gte": 50}}},
            {"id": "moody", "when": {"profile.traits.mood": {"$exists": true}}},
            {"id": "explorer", "when": {"session.product_views": {"$gte": 3}, "profile.orders": 0}}
        ]),
        json!([]),
    )
}

fn documents(seed: u64) -> Vec<Value> {
    let push = |slot: &str| json!([{"push": {"slot": slot, "content": {"text": "{{page.product.name}} {{cart.value | money}}"}, "expires": "5m"}}]);
    let mut random = StdRng::seed_from_u64(seed + 1_000);
    let patterned = (0..8).map(|n| {
        let limits = if random.random() { json!({}) } else { json!({"cooldown": "10m"}) };
        let mut rule = json!({"id": format!("random-{n}"), "priority": random.random_range(-1..2), "pattern": shapes::pattern(&mut random, 1), "limits": limits, "actions": push("bottom")});
        if random.random_range(0..3) == 0 {
            rule["until"] = shapes::point(&mut random);
        }
        rule
    });
    let mut rules: Vec<Value> = patterned.collect();
    let Value::Array(steady) = json!([
        {"id": "dwell", "pattern": {"dwell": {"for": "20s", "where": {"page.kind": "product"}}}, "limits": {"cooldown": "1m"}, "actions": push("side")},
        {"id": "gap", "pattern": {"event": {"name": "product_added"}}, "condition": {"cart.value": {"$lt": 60}}, "limits": {"cap": {"count": 2, "per": "10m"}}, "actions": push("cart")},
        {"id": "idle-cart", "pattern": {"dwell": {"for": "45s", "where": {"cart.count": {"$gt": 0}, "stage": {"$ne": "checkout"}}}}, "limits": {"per_session": 1}, "actions": push("top")}
    ]) else {
        unreachable!("it is an array")
    };
    rules.extend(steady);
    rules
}

/// Rules that work together: they start, put off and stop each other, set traits, and take pushes back.
pub(crate) fn together() -> Vec<Value> {
    let Value::Array(rules) = json!([
        {"id": "work-1", "priority": 3, "pattern": {"event": {"name": ["product_added", "checkout_started"]}}, "limits": {"group": {"name": "work", "per": "moment"}},
            "actions": [{"set_trait": {"name": "mood", "value": "{{cart.count}}"}}, {"start": {"rule": "work-2", "after": "90s"}}, {"start": {"rule": "work-3"}}, {"record": {"name": "worked", "data": {"sku": "{{event.properties.sku}}"}}}]},
        {"id": "work-2", "pattern": {"started": {}}, "until": {"event": {"name": "order_completed"}}, "limits": {"group": {"name": "work", "per": "10m"}},
            "actions": [{"push": {"slot": "w", "content": {"text": "{{profile.traits.mood}}"}, "retract": true}}, {"start": {"rule": "work-1", "after": "1h"}}]},
        {"id": "work-3", "priority": 9, "pattern": {"any": [{"started": {}}, {"segment": {"entered": "moody"}}]}, "condition": {"cart.count": {"$gt": 0}}, "limits": {"cooldown": "30s"},
            "schedule": {"hours": ["10:00-16:00", "22:00-03:00"], "time_zone": "America/New_York"},
            "actions": [{"push": {"slot": "w", "content": {"text": "3"}, "expires": "2h", "retract": true}}, {"set_trait": {"name": "mood", "value": null}}, {"start": {"rule": "work-2"}}]},
        {"id": "work-4", "pattern": {"event": {"name": "page_viewed"}}, "actions": [{"delay": {"rule": "work-2", "by": "2m"}}]},
        {"id": "work-5", "priority": 5, "pattern": {"event": {"name": "product_removed"}}, "limits": {"per_session": 2}, "actions": [{"stop": {"rule": "work-2"}}, {"stop": {"rule": "dwell"}}]},
        {"id": "work-6", "pattern": {"event": {"name": "Product Viewed"}}, "limits": {"cooldown": "1m", "holdout": {"percent": 100}}, "actions": [{"start": {"rule": "work-2"}}]},
        {"id": "held", "pattern": {"dwell": {"for": "15s", "where": {"cart.value": {"$gt": 20}}}}, "actions": [{"push": {"slot": "side", "content": {"text": "x"}, "expires": "1h", "retract": true}}]}
    ]) else {
        unreachable!("it is an array")
    };
    rules
}

/// One thing that happens after some time.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Events(Authority, Vec<Value>),
    Connect(String),
    Disconnect(String),
}

pub(crate) fn life(seed: u64) -> Vec<(u64, Step)> {
    let mut random = StdRng::seed_from_u64(seed);
    let steps = random.random_range(1..40);
    let mut number = 0;
    let mut step = || {
        let wait_ms = match random.random_range(0..10) {
            0 => 0,
            1..8 => random.random_range(1..40) * SECOND + random.random_range(0..1_000),
            8 => random.random_range(1..50) * MINUTE,
            _ => random.random_range(1..20) * HOUR,
        };
        let tab = format!("t{}", random.random_range(0..3));
        let step = match random.random_range(0..12) {
            0 => Step::Connect(tab),
            1 => Step::Disconnect(tab),
            _ => {
                let count = random.random_range(1..6);
                let authority = [Authority::Visitor, Authority::Source, Authority::Public][random.random_range(0..3)];
                let events = (0..count).map(|_| {
                    number += 1;
                    event(&mut random, &tab, number)
                });
                Step::Events(authority, events.collect())
            }
        };
        (wait_ms, step)
    };
    (0..steps).map(|_| step()).collect()
}

fn event(random: &mut StdRng, tab: &str, number: u64) -> Value {
    let sku = format!("sku-{}", random.random_range(0..6));
    let product = json!({"sku": sku, "name": "Thing", "price": f64::from(random.random_range(1..9_000)) / 100.0, "quantity": random.random_range(1..4), "currency": "EUR", "category": "Things"});
    let (name, properties) = match random.random_range(0..11) {
        0 => ("page_viewed", json!({"path": "/p", "kind": "product"})),
        1 => ("page_viewed", json!({"path": "/", "kind": "home"})),
        2 => ("page_hidden", json!({})),
        3 => ("page_visible", json!({})),
        4 => ("page_left", json!({})),
        5 => ("Product Viewed", product),
        6 => ("Product Added", product),
        7 => ("Product Removed", json!({"sku": sku})),
        8 => ("Checkout Started", json!({})),
        9 => ("Order Completed", json!({"order_id": random.random_range(0..4).to_string(), "revenue": 12.5})),
        _ => ("identified", json!({})),
    };
    let kind = if name == "identified" { "identify" } else { "track" };
    let id = format!("{number}");
    json!({"type": kind, "messageId": id, "event": name, "userId": "u", "traits": {"n": number}, "context": {"tab": tab}, "properties": properties})
}

pub(crate) fn apply(sim: &mut Sim, step: &Step) {
    match step {
        Step::Events(authority, events) => drop(sim.send_as(*authority, events.clone())),
        Step::Connect(tab) => drop(sim.connect(tab, None)),
        Step::Disconnect(tab) => drop(sim.disconnect(tab)),
    }
}

/// Lives a life to its end, `each` being called around every step.
fn live(seed: u64, evicts: bool, mut each: impl FnMut(&mut Sim, &Step)) -> Sim {
    let mut sim = Sim::new(site(seed));
    sim.evicts = evicts;
    for (wait_ms, step) in life(seed) {
        sim.pass(wait_ms);
        each(&mut sim, &step);
    }
    sim.pass(2 * HOUR);
    sim
}

pub(crate) fn assert_same(a: &Sim, b: &Sim, about: &str) {
    assert_eq!(a.stored(), b.stored(), "{about}: stored");
    assert_eq!(a.queue, b.queue, "{about}: records");
    assert_eq!(a.sent, b.sent, "{about}: messages");
}

#[test]
fn the_same_life_gives_the_same_bytes_and_eviction_changes_nothing() {
    for seed in 0..LIVES {
        let once = live(seed, false, apply);
        assert_same(&once, &live(seed, false, apply), &format!("again, seed {seed}"));
        assert_same(&once, &live(seed, true, apply), &format!("evicted, seed {seed}"));
    }
}

#[test]
fn early_and_repeated_wakes_change_nothing() {
    for seed in 0..LIVES {
        let plain = live(seed, false, apply);
        let woken = live(seed, false, |sim, step| {
            for _ in 0..2 {
                let before = sim.stored();
                sim.input(Input::Wake);
                assert_eq!(sim.stored(), before, "a wake that is too early, seed {seed}");
            }
            apply(sim, step);
            sim.input(Input::Wake);
        });
        assert_same(&plain, &woken, &format!("seed {seed}"));
    }
}

#[test]
fn random_patterns_of_every_kind_fire_somewhere() {
    let mut fired = std::collections::BTreeSet::new();
    for seed in 0..LIVES {
        let (sim, rules) = (live(seed, false, apply), documents(seed));
        for record in sim.records(RecordKind::TriggerFired) {
            let Some(rule) = rules.iter().find(|rule| rule["id"] == record.name.as_str()) else { continue };
            fired.extend(rule["pattern"].as_object().unwrap().keys().cloned());
        }
    }
    let kinds =
        ["absence", "aggregate", "all", "any", "count", "dwell", "event", "segment", "sequence", "session", "stage"];
    assert_eq!(fired.into_iter().collect::<Vec<_>>(), kinds);
}

#[test]
fn nothing_is_left_of_rules_that_are_gone() {
    for seed in 0..LIVES {
        let mut sim = live(seed, false, apply);
        sim.config = config(json!([]), json!([]), json!([]));
        sim.config.version = 2;
        sim.input(Input::Wake);
        let timers =
            |sim: &Sim| sim.see("/timers").as_array().unwrap().iter().filter(|timer| timer["rule"].is_string()).count();
        assert_eq!(timers(&sim), 0, "seed {seed}");
    }
}

#[test]
fn duplicates_are_inert() {
    for seed in 0..LIVES {
        let plain = live(seed, false, apply);
        let repeated = live(seed, false, |sim, step| {
            apply(sim, step);
            if let Step::Events(authority, events) = step {
                let before = sim.stored();
                sim.send_as(*authority, events.clone());
                assert_eq!(sim.stored(), before, "a repeat, seed {seed}");
            }
        });
        assert_same(&plain, &repeated, &format!("seed {seed}"));
    }
}

#[test]
fn splitting_a_batch_changes_nothing_that_anybody_sees() {
    for seed in 0..LIVES {
        let whole = live(seed, false, apply);
        let split = live(seed, false, |sim, step| match step {
            Step::Events(authority, events) => {
                for event in events {
                    sim.send_as(*authority, vec![event.clone()]);
                }
            }
            other => apply(sim, other),
        });
        assert_eq!(whole.queue, split.queue, "records, seed {seed}");
        assert_eq!(whole.pushes(), split.pushes(), "pushes, seed {seed}");
        let view = |sim: &Sim| sim.visitor.inspection(sim.now_ms, &sim.config);
        assert_eq!(view(&whole), view(&split), "view, seed {seed}");
    }
}

#[test]
fn records_are_numbered_without_gaps_and_a_push_is_never_early() {
    for seed in 0..LIVES {
        let sim = live(seed, true, apply);
        let numbers: Vec<u64> = sim.queue.iter().map(|record| record.seq).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "seed {seed}");
        let numbered = sim.sent.iter().filter_map(|(_, _, message)| match message {
            ServerMessage::Push(push) => Some(push.seq),
            ServerMessage::Retract { seq, push, .. } => {
                assert!(push < seq, "seed {seed}");
                Some(*seq)
            }
            _ => None,
        });
        let mut made: Vec<u64> = numbered.collect();
        made.sort_unstable();
        made.dedup();
        assert_eq!(made, (1..=made.len() as u64).collect::<Vec<_>>(), "seed {seed}");
    }
}

/// A page as the client library keeps it: each push and retraction is applied once, in order. What is about one tab's
/// page is left out, since that goes with the page.
#[derive(Default)]
struct Page {
    seq: u64,
    held: BTreeMap<u64, u64>,
}

impl Page {
    fn take(&mut self, message: &ServerMessage) {
        match message {
            ServerMessage::Push(push) if push.seq > self.seq => {
                self.seq = push.seq;
                if push.tab.is_empty() {
                    self.held.insert(push.seq, push.expires_at_ms);
                }
            }
            ServerMessage::Retract { seq, push, .. } if *seq > self.seq => {
                self.seq = *seq;
                self.held.remove(push);
            }
            _ => {}
        }
    }

    fn shows(&self, now_ms: u64) -> Vec<u64> {
        self.held.iter().filter(|(_, expires_ms)| **expires_ms > now_ms).map(|(seq, _)| *seq).collect()
    }
}

#[test]
fn a_page_that_comes_and_goes_shows_what_one_that_stays_shows() {
    let (mut looks, mut retractions) = (0, 0);
    for seed in 0..LIVES {
        let mut random = StdRng::seed_from_u64(seed);
        let (mut stays, mut comes) = (Page::default(), Page::default());
        let mut read = 0;
        live(seed, true, |sim, step| {
            apply(sim, step);
            for (_, to, message) in &sim.sent[read..] {
                if *to == To::Everyone {
                    stays.take(message);
                    retractions += usize::from(matches!(message, ServerMessage::Retract { .. }));
                }
            }
            read = sim.sent.len();
            let full = ["pushes", "retractions"].iter().any(|what| sim.see(&format!("/counters/{what}_dropped")) != 0);
            if full || random.random_range(0..3) > 0 {
                return;
            }
            let cursor = Cursor { incarnation: sim.visitor.incarnation(), seq: comes.seq };
            sim.connect("comes", Some(cursor)).disconnect("comes");
            for (_, to, message) in &sim.sent[read..] {
                if *to == To::Tab("comes".into()) || *to == To::Everyone {
                    comes.take(message);
                }
                if *to == To::Everyone {
                    stays.take(message);
                }
            }
            read = sim.sent.len();
            looks += usize::from(!stays.held.is_empty());
            assert_eq!(comes.shows(sim.now_ms), stays.shows(sim.now_ms), "seed {seed}");
        });
    }
    assert!(looks > 100 && retractions > 20, "{looks} looks, {retractions} retractions");
}

#[test]
fn the_lives_hold_everything_that_rules_do_together() {
    let (mut kinds, mut starts, mut retractions) = (BTreeMap::<&str, usize>::new(), 0, 0);
    for seed in 0..LIVES {
        let sim = live(seed, false, |sim, step| {
            apply(sim, step);
            let timers = sim.see("/timers");
            starts += timers.as_array().unwrap().iter().filter(|timer| timer["reason"] == "start").count();
        });
        for record in &sim.queue {
            *kinds.entry(record.kind.as_str()).or_default() += 1;
        }
        retractions += sim.sent.iter().filter(|(_, _, m)| matches!(m, ServerMessage::Retract { .. })).count();
    }
    assert!(starts > 100 && retractions > 100, "{starts} starts, {retractions} retractions");
    for kind in ["trigger_fired", "trigger_held_out", "emitted", "segment_left"] {
        assert!(kinds.get(kind).is_some_and(|count| *count > 20), "{kind}: {kinds:?}");
    }
}

#[test]
fn state_stays_under_its_bound_whatever_is_sent() {
    let mut random = StdRng::seed_from_u64(1);
    let mut sim = Sim::new(site(1));
    sim.queue_is_up = false;
    for round in 0..400_u64 {
        let long = "x".repeat(random.random_range(1..400));
        let tab = format!("tab-{}", round % 20);
        let events = vec![
            json!({"type": "page", "context": {"tab": tab}, "properties": {"path": format!("/{long}"), "url": format!("https://x/{long}"), "title": long, "referrer": long, "kind": "product"}}),
            json!({"event": "Product Viewed", "context": {"tab": tab}, "properties": {"sku": format!("{round}{long}"), "name": long, "category": format!("c{round}{long}"), "brand": long}}),
            json!({"event": "Product Added", "context": {"tab": tab}, "properties": {"sku": format!("{round}{long}"), "name": long, "price": 3, "category": long, "brand": long}}),
            json!({"type": "identify", "userId": &long[..long.len().min(256)], "traits": {format!("k{round}"): long}}),
            json!({"event": &long[..long.len().min(128)], "context": {"tab": tab}}),
        ];
        sim.send_as(Authority::Source, events);
        sim.connect(&tab, None);
        sim.now_ms += random.random_range(0..DAY / 100);
        let stored = sim.stored();
        let cold: usize = stored.cold.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(
            stored.hot.len() <= HOT_BYTES_MAX + OUTBOX_HOT_BYTES_MAX,
            "hot row: {} bytes in round {round}",
            stored.hot.len()
        );
        assert!(cold <= 64 * 1024, "cold pages: {cold} bytes in round {round}");
    }
    sim.reload();
}

#[test]
fn a_batch_as_long_as_the_window_is_not_counted_anew_when_its_answer_was_lost() {
    let mut sim = Sim::new(site(0));
    let batch: Vec<Value> =
        (0..DEDUPE_WINDOW).map(|n| json!({"event": "thing", "messageId": format!("m-{n}")})).collect();
    sim.send_as(Authority::Source, batch.clone());
    sim.send_as(Authority::Source, vec![json!({"event": "thing", "messageId": "another"})]);
    let before = sim.records(RecordKind::Event).len();
    sim.send_as(Authority::Source, batch);
    assert!(sim.records(RecordKind::Event).len() <= before + 1, "only the one that the window had to forget");
}
