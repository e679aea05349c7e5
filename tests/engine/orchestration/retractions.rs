//! Pushes that are taken back, rings of starts, the kill switch, and what a rule emits.

use super::{add, at, bound_push, buy, event, names, pending, publish, push, retractions, started};
use crate::sim::{DAY, HOUR, MINUTE, SECOND, Sim};
use footfall::engine::Input;
use footfall_protocol::limits::UNATTENDED_MAX;
use footfall_protocol::message::{Cursor, ServerMessage};
use footfall_protocol::record::RecordKind;
use serde_json::{Value, json};

#[test]
fn a_push_is_taken_back_when_its_condition_no_longer_holds() {
    let mut sim = Sim::with_rules(json!([at(
        "r",
        "go",
        json!({"condition": {"cart.count": 0}, "actions": [bound_push("a"), push("b")]})
    )]));
    sim.evicts = true;
    sim.connect("t", None);
    event(&mut sim, "go");
    event(&mut sim, "other");
    assert!(retractions(&sim).is_empty());
    add(&mut sim);
    assert_eq!(retractions(&sim), [(String::new(), 1, 3)]);
    assert_eq!(sim.see("/pushes").as_array().unwrap().len(), 1, "the push beside it stays");
    sim.track("t", "Cart Cleared", json!({}));
    add(&mut sim);
    sim.pass(2 * DAY);
    assert_eq!(retractions(&sim).len(), 1, "once");
}

#[test]
fn who_reconnects_learns_of_a_retraction_of_a_push_that_they_may_have() {
    let mut sim = Sim::with_rules(json!([
        at("r", "go", json!({"condition": {"cart.count": 0}, "actions": [bound_push("a")]})),
        at("other", "other", json!({}))
    ]));
    event(&mut sim, "go");
    add(&mut sim);
    event(&mut sim, "other");
    let told = |sim: &mut Sim, tab: &str, seq: u64| {
        sim.sent.clear();
        let cursor = Cursor { incarnation: sim.visitor.incarnation(), seq };
        sim.connect(tab, Some(cursor));
        let words = sim.sent.iter().filter_map(|(_, _, message)| match message {
            ServerMessage::Push(push) => Some(format!("push {}", push.seq)),
            ServerMessage::Retract { seq, push, .. } => Some(format!("retract {push} at {seq}")),
            _ => None,
        });
        words.collect::<Vec<_>>()
    };
    assert_eq!(told(&mut sim, "t", 1), ["retract 1 at 2", "push 3"]);
    assert_eq!(told(&mut sim, "t", 2), ["push 3"]);
    // The push may have come over HTTP since the page said that it had nothing.
    assert_eq!(told(&mut sim, "new", 0), ["retract 1 at 2", "push 3"]);
    // When the push would have expired, every page has taken it away by itself.
    sim.pass(2 * DAY);
    assert_eq!(told(&mut sim, "t", 1), ["push 3"]);
}

#[test]
fn who_connects_is_welcomed_before_anything_that_the_same_moment_brings() {
    let rules = |enabled: bool| {
        json!([
            at(
                "r",
                "go",
                json!({"enabled": enabled, "actions": [bound_push("a"), {"start": {"rule": "later", "after": "1h"}}]})
            ),
            at("other", "other", json!({})),
            started("later", json!({}))
        ])
    };
    let mut sim = Sim::with_rules(rules(true));
    event(&mut sim, "go");
    event(&mut sim, "other");
    // The rule is switched off and the start is due, and nobody has woken the visitor since.
    publish(&mut sim, rules(false));
    sim.now_ms += HOUR;
    sim.sent.clear();
    let cursor = Cursor { incarnation: sim.visitor.incarnation(), seq: 1 };
    sim.connect("t", Some(cursor));
    let mut seq = 1;
    let mut told = Vec::new();
    for (_, _, message) in &sim.sent {
        let (place, word) = match message {
            ServerMessage::Welcome { .. } => (u64::MAX, "welcome".to_owned()),
            ServerMessage::Push(push) => (push.seq, format!("push {}", push.seq)),
            ServerMessage::Retract { seq, push, .. } => (*seq, format!("retract {push}")),
            _ => continue,
        };
        // As a page does it: what it has, or has passed over, it does not take.
        if place == u64::MAX || place > seq {
            seq = if place == u64::MAX { seq } else { place };
            told.push(word);
        }
    }
    assert_eq!(told, ["welcome", "push 2", "retract 1", "push 4"]);
}

#[test]
fn the_rule_that_the_specification_shows_does_what_it_says() {
    let page = include_str!("../../../docs/rules.md");
    let shown = page.split("```json rule\n").nth(1).unwrap().split("```").next().unwrap();
    let rules = json!([serde_json::from_str::<Value>(shown).unwrap()]);
    // 11:00 in Berlin; of the visitors of this test this one is not held out.
    let mut sim = Sim::with_rules(rules);
    sim.connect("t", None).page("t", "product", "/tent");
    sim.track("t", "Product Viewed", json!({"sku": "tent", "name": "Tent", "price": 9}));
    sim.pass(MINUTE);
    assert_eq!(names(&sim), ["social-proof"]);
    buy(&mut sim);
    assert_eq!(retractions(&sim), [("t".to_owned(), 1, 2)]);
}

#[test]
fn starts_for_later_that_go_round_in_a_ring_end_while_the_visitor_does_nothing() {
    let mut sim = Sim::with_rules(json!([
        at("go", "go", json!({"actions": [{"start": {"rule": "again", "after": "1m"}}]})),
        started("again", json!({"actions": [{"start": {"rule": "again", "after": "1m"}}]}))
    ]));
    for round in 1..=2_usize {
        event(&mut sim, "go");
        sim.pass(DAY);
        assert_eq!(sim.records(RecordKind::TriggerFired).len(), round * (1 + UNATTENDED_MAX));
        assert_eq!(sim.see("/counters/starts_dropped"), round);
        assert!(pending(&sim).is_empty());
    }
}

#[test]
fn a_push_about_a_page_is_taken_back_when_the_page_no_longer_fits() {
    let mut sim = Sim::with_rules(json!([{
        "id": "r", "pattern": {"dwell": {"for": "10s", "where": {"page.kind": "product", "cart.count": 0}}}, "actions": [bound_push("a")]
    }]));
    sim.connect("t", None).connect("u", None);
    sim.page("t", "product", "/a").pass(10 * SECOND);
    sim.page("u", "home", "/");
    assert!(retractions(&sim).is_empty(), "it is about the first tab's page");
    add(&mut sim);
    assert_eq!(retractions(&sim), [("t".to_owned(), 1, 2)]);
    // What is about a page that was left has gone with it.
    sim.track("t", "Cart Cleared", json!({}));
    sim.page("t", "product", "/b").pass(10 * SECOND);
    sim.page("t", "home", "/");
    add(&mut sim);
    assert_eq!((sim.pushes().len(), retractions(&sim).len()), (2, 1));
}

#[test]
fn the_kill_switch_takes_pushes_back_at_the_next_wake() {
    let rule = |rest: Value| at("r", "go", rest);
    for rules in [json!([rule(json!({"enabled": false, "actions": [bound_push("a")]}))]), json!([])] {
        let mut sim = Sim::with_rules(json!([rule(json!({"actions": [bound_push("a"), push("b")]}))]));
        sim.connect("t", None);
        event(&mut sim, "go");
        publish(&mut sim, rules);
        sim.input(Input::Wake);
        assert_eq!(retractions(&sim), [(String::new(), 1, 3)]);
    }
    let mut sim = Sim::with_rules(json!([rule(json!({"actions": [bound_push("a")]}))]));
    event(&mut sim, "go");
    publish(&mut sim, json!([rule(json!({"condition": {"stage": "checkout"}}))]));
    sim.input(Input::Wake);
    assert_eq!(retractions(&sim).len(), 1, "a condition that is new is looked at as well");
}

#[test]
fn until_takes_pushes_back_and_ends_the_start() {
    let until = json!({"event": {"name": "enough"}});
    let mut sim = Sim::with_rules(json!([
        at(
            "r",
            "go",
            json!({"until": until, "actions": [bound_push("a"), push("b"), {"start": {"rule": "later", "after": "1h"}}]})
        ),
        started("later", json!({"until": until}))
    ]));
    event(&mut sim, "go");
    assert_eq!(pending(&sim), [("later".into(), 60)]);
    event(&mut sim, "enough");
    assert_eq!(retractions(&sim), [(String::new(), 1, 3)]);
    assert!(pending(&sim).is_empty());
    sim.pass(DAY);
    assert_eq!(names(&sim), ["r", "r"]);
}

#[test]
fn what_was_closed_is_not_taken_back() {
    let mut sim =
        Sim::with_rules(json!([at("r", "go", json!({"condition": {"cart.count": 0}, "actions": [bound_push("a")]}))]));
    event(&mut sim, "go");
    sim.track("t", "push_dismissed", json!({"push": 1}));
    add(&mut sim);
    assert!(retractions(&sim).is_empty());
}

#[test]
fn what_a_rule_emits_is_bounded() {
    let big = "{{event.properties.text}}".repeat(10);
    let mut sim = Sim::with_rules(json!([at(
        "r",
        "go",
        json!({"actions": [
            {"record": {"name": "big", "data": {"text": big}}}, {"record": {"name": "small"}}
        ]})
    )]));
    sim.track("t", "go", json!({"text": "x".repeat(500)}));
    sim.pass(MINUTE);
    let emitted: Vec<_> = sim.records(RecordKind::Emitted).iter().map(|record| record.name.clone()).collect();
    assert_eq!(emitted, ["small"]);
    assert_eq!(sim.see("/counters/emitted_too_large"), 1);
}
