//! Rules that work together: schedules, groups, hold-outs, starts and stops, and pushes that are taken back.

mod retractions;

use crate::sim::{DAY, HOUR, MINUTE, START, Sim, config};
use footfall::engine::{Config, Input, To, Visitor};
use footfall_protocol::decode::decode_batch;
use footfall_protocol::event::{Authority, Delivery, Geo, Surroundings};
use footfall_protocol::ids::SiteId;
use footfall_protocol::limits::{STARTS_AT_ONCE_MAX, UNATTENDED_MAX};
use footfall_protocol::message::ServerMessage;
use footfall_protocol::record::RecordKind;
use serde_json::{Value, json};
use uuid::Uuid;

fn push(slot: &str) -> Value {
    json!({"push": {"slot": slot, "content": {"text": slot}, "expires": "30d"}})
}

fn bound_push(slot: &str) -> Value {
    json!({"push": {"slot": slot, "content": {"text": slot}, "expires": "1d", "retract": true}})
}

/// A rule that fires at one event.
fn at(id: &str, event: &str, rest: Value) -> Value {
    let mut rule = json!({"id": id, "pattern": {"event": {"name": event}}, "actions": [push(id)]});
    for (key, value) in rest.as_object().unwrap() {
        rule[key] = value.clone();
    }
    rule
}

/// A rule that fires when it is started.
fn started(id: &str, rest: Value) -> Value {
    let mut rule = at(id, "x", rest);
    rule["pattern"] = json!({"started": {}});
    rule
}

/// The rules that fired, in order, with their times since the start in minutes.
fn fired(sim: &Sim) -> Vec<(String, u64)> {
    sim.pushes().into_iter().map(|(at_ms, push)| (push.rule, at_ms / MINUTE)).collect()
}

fn names(sim: &Sim) -> Vec<String> {
    fired(sim).into_iter().map(|(rule, _)| rule).collect()
}

/// Retractions with the tab they went to, empty for all.
fn retractions(sim: &Sim) -> Vec<(String, u64, u64)> {
    let told = sim.sent.iter().filter_map(|(_, to, message)| match (to, message) {
        (To::Tab(tab), ServerMessage::Retract { seq, push, .. }) => Some((tab.clone(), *push, *seq)),
        (_, ServerMessage::Retract { seq, push, .. }) => Some((String::new(), *push, *seq)),
        _ => None,
    });
    told.collect()
}

/// Other rules are published.
fn publish(sim: &mut Sim, rules: Value) {
    let version = sim.config.version + 1;
    sim.config = Config { version, ..config(rules, json!([]), json!([])) };
}

/// Starts that are pending: the rule, and in how many minutes from the beginning it is due.
fn pending(sim: &Sim) -> Vec<(String, u64)> {
    let timers = sim.see("/timers");
    let starts = timers.as_array().unwrap().iter().filter(|timer| timer["reason"] == "start");
    let due = |timer: &Value| (timer["due_at_ms"].as_u64().unwrap() - START) / MINUTE;
    starts.map(|timer| (timer["rule"].as_str().unwrap().to_owned(), due(timer))).collect()
}

fn event(sim: &mut Sim, name: &str) {
    sim.track("t", name, json!({}));
}

fn add(sim: &mut Sim) {
    sim.track("t", "Product Added", json!({"sku": "tent", "price": 200, "quantity": 1}));
}

fn buy(sim: &mut Sim) {
    sim.track("t", "Order Completed", json!({"order_id": "1", "revenue": 200}));
}

/// Three steps: a record after an hour, a push after another day, a last one two days later.
fn abandoned_cart() -> Value {
    let until = json!({"event": {"name": "order_completed"}});
    let full = json!({"cart.count": {"$gt": 0}});
    json!([
        {
            "id": "cart-1",
            "pattern": {"absence": {"after": {"event": {"name": "product_added"}}, "of": {"event": {"name": "order_completed"}}, "for": "1h"}},
            "condition": full, "until": until, "limits": {"cooldown": "7d"},
            "actions": [
                {"record": {"name": "cart_abandoned", "data": {"value": "{{cart.value}}", "step": 1}}},
                {"start": {"rule": "cart-2", "after": "24h"}}
            ]
        },
        started("cart-2", json!({"condition": full, "until": until, "actions": [push("top"), {"start": {"rule": "cart-3", "after": "48h"}}]})),
        started("cart-3", json!({"condition": full, "until": until, "actions": [push("last"), {"set_trait": {"name": "abandons", "value": true}}]}))
    ])
}

#[test]
fn an_abandoned_cart_is_followed_in_three_steps() {
    let mut sim = Sim::with_rules(abandoned_cart());
    sim.evicts = true;
    add(&mut sim);
    sim.pass(HOUR + MINUTE);
    let emitted = sim.records(RecordKind::Emitted);
    assert_eq!(emitted.len(), 1);
    assert_eq!((emitted[0].name.as_str(), emitted[0].at_ms), ("cart_abandoned", START + HOUR));
    assert_eq!(serde_json::to_value(&emitted[0].data).unwrap(), json!({"value": "200", "step": 1}));
    assert_eq!(pending(&sim), [("cart-2".into(), 25 * 60)]);
    sim.pass(5 * DAY);
    assert_eq!(fired(&sim), [("cart-2".into(), 25 * 60), ("cart-3".into(), 73 * 60)]);
    assert_eq!(sim.see("/profile/traits/abandons"), true);
    assert!(pending(&sim).is_empty());
}

#[test]
fn a_purchase_ends_the_sequence_at_every_step() {
    // Minutes after which is bought, and what has fired by then.
    for (minutes, expected) in [(30, vec![]), (2 * 60, vec![]), (30 * 60, vec!["cart-2"])] {
        let mut sim = Sim::with_rules(abandoned_cart());
        add(&mut sim);
        sim.pass(minutes * MINUTE);
        buy(&mut sim);
        // A full cart again: only the start that is gone keeps the next step from firing.
        assert!(pending(&sim).is_empty(), "after {minutes} minutes");
        sim.track("t", "Cart Viewed", json!({"products": [{"sku": "tent", "price": 1, "quantity": 1}]}));
        sim.pass(6 * DAY);
        assert_eq!(names(&sim), expected, "after {minutes} minutes");
    }
}

#[test]
fn a_start_is_put_off_and_stopped_by_other_rules() {
    let rules = json!([
        at("begin", "begin", json!({"actions": [{"start": {"rule": "later", "after": "2h"}}]})),
        at("busy", "page_viewed", json!({"actions": [{"delay": {"rule": "later", "by": "1h"}}]})),
        at("enough", "enough", json!({"actions": [{"stop": {"rule": "later"}}]})),
        started("later", json!({}))
    ]);
    let mut sim = Sim::with_rules(rules.clone());
    sim.page("t", "home", "/");
    assert!(pending(&sim).is_empty(), "a delay begins nothing");
    event(&mut sim, "begin");
    sim.page("t", "home", "/");
    assert_eq!(pending(&sim), [("later".into(), 120)], "it is not brought forward");
    sim.pass(90 * MINUTE).page("t", "home", "/");
    assert_eq!(pending(&sim), [("later".into(), 150)]);
    event(&mut sim, "begin");
    assert_eq!(pending(&sim), [("later".into(), 210)], "a later start replaces it");
    sim.pass(DAY);
    assert_eq!(fired(&sim), [("later".into(), 210)]);

    let mut sim = Sim::with_rules(rules);
    event(&mut sim, "begin");
    event(&mut sim, "enough");
    sim.pass(DAY);
    assert!(names(&sim).is_empty());
}

#[test]
fn a_start_at_once_comes_after_the_rules_of_the_happening() {
    let mut sim = Sim::with_rules(json!([
        at("first", "go", json!({"priority": 9, "actions": [{"start": {"rule": "started"}}, push("a")]})),
        at("second", "go", json!({"priority": 1})),
        started("started", json!({"priority": 5, "actions": [push("b"), {"start": {"rule": "then"}}]})),
        started("then", json!({}))
    ]));
    event(&mut sim, "go");
    assert_eq!(fired(&sim), ["first", "second", "started", "then"].map(|rule| (rule.to_owned(), 0)));
    assert!(pending(&sim).is_empty());
}

#[test]
fn rules_that_start_each_other_in_a_ring_come_to_an_end() {
    let mut sim = Sim::with_rules(json!([
        at("go", "go", json!({"actions": [{"start": {"rule": "a"}}]})),
        started("a", json!({"actions": [{"start": {"rule": "b"}}]})),
        started("b", json!({"actions": [{"start": {"rule": "a"}}]})),
        started("self", json!({"actions": [{"start": {"rule": "self"}}]}))
    ]));
    event(&mut sim, "go");
    sim.pass(MINUTE);
    assert_eq!(sim.records(RecordKind::TriggerFired).len(), 1 + STARTS_AT_ONCE_MAX);
    assert_eq!(sim.see("/counters/starts_dropped"), 1);
    assert!(pending(&sim).is_empty());
    event(&mut sim, "go");
    assert_eq!(sim.see("/counters/starts_dropped"), 2, "each happening has its own bound");
}

#[test]
fn rules_that_toggle_each_other_through_absences_come_to_an_end() {
    let lit = json!({"name": "lit", "value": true});
    let dark = json!({"name": "lit", "value": null});
    let on = json!({"any": [{"event": {"name": "go"}}, {"segment": {"left": "lit"}}]});
    let rules = json!([
        {"id": "on", "pattern": {"absence": {"after": on, "for": "1s"}}, "actions": [{"set_trait": lit}]},
        {"id": "off", "pattern": {"absence": {"after": {"segment": {"entered": "lit"}}, "for": "1s"}}, "actions": [{"set_trait": dark}]},
        at("bye", "go", json!({"pattern": {"absence": {"after": {"session": {"is": "ended"}}, "for": "1h"}}}))
    ]);
    let segments = json!([{"id": "lit", "when": {"profile.traits.lit": true}}]);
    let mut sim = Sim::new(config(rules, segments, json!([])));
    let dim = json!({"type": "identify", "userId": "u", "traits": {"lit": null}});
    for (times, go) in [(1, json!({"event": "go"})), (2, dim)] {
        sim.send(go);
        let wakes = sim.wakes;
        sim.pass(HOUR);
        assert!(sim.wakes - wakes < 100, "{}", sim.wakes - wakes);
        assert_eq!(sim.see("/counters/partials_dropped"), json!(times));
        sim.pass(HOUR);
        assert_eq!(names(&sim).len(), times, "what a session's end begins has room all the same");
        sim.assert_log_tells_all("a ring of absences");
    }
    let firings = sim.records(RecordKind::TriggerFired).iter().filter(|record| record.name != "bye").count();
    assert_eq!(firings, 2 * (1 + UNATTENDED_MAX), "the first one follows an event");
}

#[test]
fn a_start_whose_rule_is_off_or_gone_by_then_does_nothing() {
    let go = at("go", "go", json!({"actions": [{"start": {"rule": "later", "after": "1h"}}]}));
    for rules in [json!([go, started("later", json!({"enabled": false}))]), json!([go])] {
        let mut sim = Sim::with_rules(json!([go, started("later", json!({}))]));
        event(&mut sim, "go");
        sim.pass(30 * MINUTE);
        publish(&mut sim, rules);
        sim.pass(DAY);
        assert!(names(&sim).is_empty() && pending(&sim).is_empty());
    }
    let mut sim = Sim::with_rules(json!([go, started("later", json!({"enabled": false}))]));
    event(&mut sim, "go");
    publish(&mut sim, json!([go, started("later", json!({}))]));
    sim.pass(DAY);
    assert_eq!(fired(&sim), [("later".into(), 60)], "what counts is the moment at which it is due");
}

#[test]
fn a_rule_that_is_stopped_does_not_see_the_happening_at_hand() {
    let stops = |id: &str, priority: i32, other: &str| {
        at(id, "go", json!({"priority": priority, "actions": [push("s"), {"stop": {"rule": other}}]}))
    };
    let mut sim = Sim::with_rules(json!([stops("a", 2, "b"), stops("b", 1, "a")]));
    event(&mut sim, "go");
    event(&mut sim, "go");
    assert_eq!(names(&sim), ["a", "a"]);
}

#[test]
fn a_stop_drops_what_the_pattern_had_collected() {
    let mut sim = Sim::with_rules(json!([
        {"id": "three", "pattern": {"count": {"of": {"event": {"name": "go"}}, "at_least": 3}}, "actions": [push("s")]},
        at("enough", "enough", json!({"actions": [{"stop": {"rule": "three"}}]}))
    ]));
    for name in ["go", "go", "enough", "go", "go"] {
        event(&mut sim, name);
    }
    assert!(names(&sim).is_empty());
    event(&mut sim, "go");
    assert_eq!(names(&sim), ["three"]);
}

#[test]
fn of_a_group_the_rule_of_the_highest_priority_fires() {
    let rules = |per: Value| {
        let group = json!({"group": {"name": "overlay", "per": per}});
        let mut rules = vec![
            at("low", "go", json!({"priority": 1, "limits": group})),
            at("high", "go", json!({"priority": 2, "limits": group, "condition": {"cart.count": 0}})),
            at("free", "go", json!({"priority": 0})),
        ];
        if per.is_null() {
            rules.iter_mut().for_each(|rule| {
                if let Some(group) = rule.pointer_mut("/limits/group").and_then(Value::as_object_mut) {
                    group.remove("per");
                }
            });
        }
        json!(rules)
    };
    // The default is a moment: the next one is free, and a whole batch is one.
    let mut sim = Sim::with_rules(rules(Value::Null));
    event(&mut sim, "go");
    sim.pass(1);
    event(&mut sim, "go");
    sim.pass(1).send_as(Authority::Visitor, vec![json!({"event": "go"}), json!({"event": "go"})]);
    assert_eq!(names(&sim), ["high", "free", "high", "free", "high", "free", "free"]);

    // A rule whose condition does not hold leaves the place to the next one.
    let mut sim = Sim::with_rules(rules(json!("session")));
    add(&mut sim);
    event(&mut sim, "go");
    sim.pass(MINUTE);
    buy(&mut sim);
    event(&mut sim, "go");
    assert_eq!(names(&sim), ["low", "free", "free"]);
    sim.pass(DAY);
    event(&mut sim, "go");
    assert_eq!(names(&sim)[3..], ["high", "free"], "another session");

    let mut sim = Sim::with_rules(rules(json!("1h")));
    for minutes in [0, 30, 29, 1, 60] {
        sim.pass(minutes * MINUTE);
        event(&mut sim, "go");
    }
    let high: Vec<_> = fired(&sim).into_iter().filter(|(rule, _)| rule == "high").collect();
    assert_eq!(high, [("high".to_owned(), 0), ("high".to_owned(), 60), ("high".to_owned(), 120)]);
}

#[test]
fn between_two_sessions_the_first_ones_limits_go_on() {
    let absence = json!({"absence": {"after": {"event": {"name": "go"}}, "for": "1h"}});
    let mut sim = Sim::with_rules(json!([
        {"id": "quiet", "pattern": absence, "limits": {"per_session": 1}, "actions": [push("s"), {"start": {"rule": "more", "after": "1h"}}]},
        started("more", json!({"limits": {"group": {"name": "g", "per": "session"}}, "actions": [push("s"), {"start": {"rule": "more", "after": "1h"}}]}))
    ]));
    event(&mut sim, "go");
    sim.pass(DAY);
    assert_eq!(fired(&sim), [("quiet".into(), 60), ("more".into(), 120)], "once, though the session is long over");
    event(&mut sim, "go");
    sim.pass(DAY);
    assert_eq!(names(&sim)[2..], ["quiet", "more"]);
}

#[test]
fn a_hold_out_holds_the_same_share_out_every_time() {
    let limits = json!({"per_visitor": 1, "holdout": {"percent": 12.5, "seed": "autumn"}});
    let config = config(json!([at("offer", "go", json!({"limits": limits}))]), json!([]), json!([]));
    let site = SiteId::parse("demo").unwrap();
    let run = || -> Vec<u128> {
        let mut held_out = Vec::new();
        for n in 0..10_000_u128 {
            let id = Uuid::from_u128(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
            let mut visitor = Visitor::new(site.clone(), id, Uuid::from_u128(1));
            let body = json!({"batch": [{"type": "track", "event": "go", "messageId": "1", "anonymousId": "a"}, {"type": "track", "event": "go", "messageId": "2", "anonymousId": "a"}]});
            let batch = decode_batch(body.to_string().as_bytes(), Authority::Visitor).unwrap();
            let events = batch.events.into_iter().map(|decoded| (decoded.index, decoded.event)).collect();
            let effects = visitor.handle(
                Input::Events(Delivery { events, surroundings: Surroundings::default() }),
                START,
                &config,
            );
            let of = |kind| visitor.hot_records().iter().filter(|record| record.kind == kind).count();
            let counts = (of(RecordKind::TriggerFired), of(RecordKind::TriggerHeldOut));
            // Either way it counts as fired once, and is recorded once; who is held out sees nothing.
            let pushed = effects.iter().any(|effect| format!("{effect:?}").contains("Push"));
            match counts {
                (1, 0) if pushed => {}
                (0, 1) if !pushed => held_out.push(n),
                _ => panic!("{counts:?} {effects:?}"),
            }
        }
        held_out
    };
    let held_out = run();
    // 12.5 % of 10,000, within four standard deviations (33 each).
    assert!((1_250 - 132..1_250 + 132).contains(&held_out.len()), "{}", held_out.len());
    assert_eq!(held_out, run());
}

#[test]
fn outside_its_schedule_a_rule_does_not_fire_but_its_pattern_goes_on() {
    // It begins on a Saturday at 11:00 in Berlin.
    let mut sim = Sim::with_rules(json!([
        at("morning", "go", json!({"schedule": {"days": ["sat"], "hours": ["08:00-12:00"], "time_zone": "Europe/Berlin"}})),
        {
            "id": "afternoon", "schedule": {"from": "2026-11-21T13:00", "until": "2026-11-21T14:00", "time_zone": "Europe/Berlin"},
            "pattern": {"count": {"of": {"event": {"name": "go"}}, "at_least": 3}}, "actions": [push("s")]
        }
    ]));
    for _ in 0..3 {
        event(&mut sim, "go");
        sim.pass(HOUR);
    }
    assert_eq!(fired(&sim), [("morning".into(), 0), ("afternoon".into(), 120)]);
    sim.pass(7 * DAY - 3 * HOUR);
    event(&mut sim, "go");
    assert_eq!(fired(&sim)[2..], [("morning".into(), 7 * 24 * 60)]);
}

#[test]
fn a_schedule_may_follow_the_visitors_own_clock() {
    let rules = json!([at("evening", "go", json!({"schedule": {"hours": ["18:00-23:00"], "time_zone": "visitor"}}))]);
    for (zone, fires) in [("Asia/Tokyo", true), ("Europe/Berlin", false), ("", false)] {
        let mut sim = Sim::with_rules(rules.clone());
        let body = json!({"batch": [{"type": "track", "event": "go", "messageId": "1", "anonymousId": "a"}]});
        let batch = decode_batch(body.to_string().as_bytes(), Authority::Visitor).unwrap();
        let events = batch.events.into_iter().map(|decoded| (decoded.index, decoded.event)).collect();
        let geo = Some(Geo { timezone: zone.into(), ..Geo::default() });
        sim.input(Input::Events(Delivery { events, surroundings: Surroundings { geo, ..Surroundings::default() } }));
        assert_eq!(!names(&sim).is_empty(), fires, "{zone}");
    }
}

#[test]
fn a_trait_that_is_set_acts_at_once_and_segments_follow() {
    let rules = json!([
        at("grade", "order_completed", json!({"priority": 9, "actions": [
            {"set_trait": {"name": "tier", "value": "gold {{profile.orders}}"}},
            {"push": {"slot": "s", "content": {"text": "{{profile.traits.tier}}"}}}
        ]})),
        at("same", "order_completed", json!({"condition": {"profile.traits.tier": "gold 1"}})),
        at("lose", "lose", json!({"actions": [{"set_trait": {"name": "tier", "value": null}}]})),
        {"id": "welcome", "pattern": {"segment": {"entered": "gold"}}, "actions": [push("s")]},
        {"id": "goodbye", "pattern": {"segment": {"left": "gold"}}, "actions": [push("s")]}
    ]);
    let segments = json!([{"id": "gold", "when": {"profile.traits.tier": {"$regex": "^gold"}}}]);
    let mut sim = Sim::new(config(rules, segments, json!([])));
    buy(&mut sim);
    assert_eq!(names(&sim), ["grade", "same", "welcome"]);
    assert_eq!(sim.pushes()[0].1.content.get("text").unwrap().as_str(), Some("gold 1"));
    assert_eq!(sim.see("/segments"), json!(["gold"]));
    event(&mut sim, "lose");
    assert_eq!(names(&sim)[3..], ["goodbye"]);
    assert_eq!(sim.see("/profile/traits"), json!({}));
}

#[test]
fn traits_that_chase_each_other_come_to_rest() {
    let flips = |id: &str, point: &str, value: Value| json!({"id": id, "pattern": {"segment": {point: "on"}}, "actions": [push("s"), {"set_trait": {"name": "on", "value": value}}]});
    let rules = json!([
        at("go", "go", json!({"actions": [{"set_trait": {"name": "on", "value": true}}]})),
        flips("off", "entered", json!(false)),
        flips("on", "left", json!(true))
    ]);
    let mut sim = Sim::new(config(rules, json!([{"id": "on", "when": {"profile.traits.on": true}}]), json!([])));
    event(&mut sim, "go");
    let rounds = names(&sim).len();
    assert!((2..=4).contains(&rounds), "{rounds}");
}
