//! What is told of a rule's condition before its turn comes: nobody but the clock can see that it was.

use crate::properties::{LIVES, apply, assert_same, life, together};
use crate::shapes;
use crate::sim::{HOUR, Sim, config};
use footfall::engine::index::Scratch;
use footfall::engine::rules::Happening;
use footfall::engine::tree::{Field, Known, Read, Scope};
use footfall_protocol::decode::decode_batch;
use footfall_protocol::event::Authority;
use footfall_protocol::record::RecordKind;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

/// A condition that often holds and often does not, over what the event, the visitor and other rules' actions change.
fn condition(random: &mut StdRng) -> Value {
    let mut parts = Vec::new();
    for _ in 0..random.random_range(0..4) {
        parts.push(match random.random_range(0..8) {
            0 => json!({"cart.count": {"$gt": random.random_range(0..4)}}),
            1 => json!({"page.kind": {"$in": ["product", "home"]}}),
            2 => json!({"stage": {"$ne": "browsing"}}),
            3 => json!({"segments": {"$elemMatch": {"$eq": "big-cart"}}}),
            4 => json!({"profile.traits.mood": {"$exists": random.random::<bool>()}}),
            5 => json!({"profile.traits.mood": {"$gt": random.random_range(0..5)}}),
            6 => json!({"$or": [{"session.pages": {"$gt": 2}}, {"profile.traits.mood": "b"}]}),
            _ => json!({"$not": {"session.events": {"$lt": random.random_range(1..9)}}}),
        });
    }
    json!({"$and": parts})
}

fn pattern(random: &mut StdRng) -> Value {
    match random.random_range(0..4) {
        0 => json!({"any": [shapes::point(random), {"count": {"of": shapes::point(random), "at_least": 2}}]}),
        1 => shapes::pattern(random, 1),
        _ => shapes::point(random),
    }
}

/// Rules, and the same ones with conditions of which nothing can be told early: each asks for a trait in every part.
fn rules(seed: u64) -> (Vec<Value>, Vec<Value>) {
    let mut random = StdRng::seed_from_u64(seed + 5_000);
    let mut early = together();
    for n in 0..16 {
        let action = match random.random_range(0..3) {
            0 => json!({"set_trait": {"name": "mood", "value": random.random_range(0..5)}}),
            1 => json!({"set_trait": {"name": "mood", "value": "{{stage}}"}}),
            _ => json!({"push": {"slot": "early", "content": {"text": "{{profile.traits.mood}}"}}}),
        };
        let mut rule = json!({"id": format!("early-{n}"), "priority": random.random_range(-2..8),
            "pattern": pattern(&mut random), "condition": condition(&mut random), "actions": [action]});
        if random.random_range(0..3) == 0 {
            rule["until"] = shapes::point(&mut random);
        }
        early.push(rule);
    }
    let late = early.iter().map(|rule| {
        let mut rule = rule.clone();
        let held = rule["condition"].take();
        if held.is_object() {
            rule["condition"] = json!({"$or": [held, {"profile.traits.never": {"$exists": true}}]});
        } else {
            rule.as_object_mut().unwrap().remove("condition");
        }
        rule
    });
    let late = late.collect();
    (early, late)
}

fn live(rules: Vec<Value>, seed: u64) -> Sim {
    let segments = json!([
        {"id": "big-cart", "when": {"cart.value": {"$gte": 50}}},
        {"id": "explorer", "when": {"session.product_views": {"$gte": 3}, "profile.orders": 0}},
        {"id": "moody", "when": {"profile.traits.mood": {"$exists": true}}}
    ]);
    let mut sim = Sim::new(config(Value::Array(rules), segments, json!([])));
    for (wait_ms, step) in life(seed) {
        sim.pass(wait_ms);
        apply(&mut sim, &step);
    }
    sim.pass(2 * HOUR);
    sim
}

#[test]
fn what_is_told_early_of_a_condition_changes_nothing() {
    let (mut fired, mut held_back) = (0, 0);
    for seed in 0..LIVES {
        let (early, late) = rules(seed);
        let (a, b) = (live(early.clone(), seed), live(late, seed));
        assert_same(&a, &b, &format!("seed {seed}"));
        let ours = |sim: &Sim| {
            sim.records(RecordKind::TriggerFired).iter().filter(|record| record.name.starts_with("early-")).count()
        };
        fired += ours(&a);
        let free = early.into_iter().map(|mut rule| {
            rule.as_object_mut().unwrap().remove("condition");
            rule
        });
        held_back += ours(&live(free.collect(), seed)).saturating_sub(ours(&a));
    }
    assert!(fired > 1_000 && held_back > 1_000, "{fired} fired, {held_back} did not for their condition");
}

struct Cart(f64);

impl Scope for Cart {
    fn read<'a>(&'a self, field: &Field) -> Read<'a> {
        if *field == Field::Known(Known::CartCount, vec![]) { Read::Number(self.0) } else { Read::Missing }
    }
}

#[test]
fn only_rules_that_an_event_can_affect_are_looked_at() {
    let viewed = json!({"event": {"name": "page_viewed"}});
    let full = json!({"cart.count": {"$gt": 2}});
    let document = |id: &str, pattern: &Value, condition: Value| {
        json!({"id": id, "pattern": pattern, "condition": condition, "until": {"event": {"name": "cart_viewed"}},
            "actions": [{"push": {"slot": "s", "content": {"text": "x"}}}]})
    };
    let rules = [
        document("a-point", &viewed, full.clone()),
        document("b-any", &json!({"any": [viewed, {"started": {}}]}), full.clone()),
        document("c-traits", &viewed, json!({"profile.traits.a": 1})),
        document("d-both", &viewed, json!({"profile.traits.a": 1, "cart.count": {"$gt": 2}})),
        document("e-counted", &json!({"count": {"of": viewed, "at_least": 2}}), full.clone()),
        document("f-other", &json!({"event": {"name": "product_viewed"}}), full.clone()),
        document("g-session", &json!({"session": {"is": "started"}}), full.clone()),
        document("h-stage", &json!({"stage": {"from": "browsing"}}), full.clone()),
        document("i-stage", &json!({"stage": {"from": "new", "to": ["carting", "checkout"]}}), json!({})),
        document("j-stage", &json!({"stage": {"to": "carting"}}), full.clone()),
        document("k-left", &json!({"segment": {"left": ["s", "t"]}}), full),
    ];
    let rules = config(json!(rules), json!([]), json!([])).rules;
    let body = br#"{"type": "page", "messageId": "1", "anonymousId": "a"}"#;
    let event = decode_batch(body, Authority::Source).unwrap().events.remove(0).event;
    let stage = |from: &str, to: &str| Happening::Stage { from: from.into(), to: to.into() };
    let mut scratch = Scratch::default();
    for (happening, empty, three) in [
        (Happening::Event(&event), "ce", "abcde"),
        (Happening::SessionStarted, "", "g"),
        (Happening::SessionEnded, "", ""),
        (stage("browsing", "carting"), "", "hj"),
        (stage("new", "carting"), "i", "ij"),
        (stage("new", "purchased"), "", ""),
        (Happening::SegmentLeft("t".into()), "", "k"),
        (Happening::SegmentEntered("t".into()), "", ""),
    ] {
        for (count, wanted) in [(0.0, empty), (3.0, three)] {
            let found = rules.points_at(&happening, &Cart(count), &mut scratch);
            let found: String = found.iter().map(|place| &rules.rules[place.rule].id[..1]).collect();
            assert_eq!(found, wanted, "{happening:?} with {count} in the cart");
        }
    }
}
