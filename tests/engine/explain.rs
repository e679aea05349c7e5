//! Explanations, dry runs and replays: they say what the engine then does.

use crate::sim::{DAY, MINUTE, SECOND, START, Sim, config};
use footfall::engine::{DryRun, Input, Visitor, replayed};
use footfall_protocol::Value;
use footfall_protocol::event::Authority;
use footfall_protocol::ids::SiteId;
use footfall_protocol::record::RecordKind;
use serde_json::json;
use uuid::Uuid;

fn push() -> serde_json::Value {
    json!([{"push": {"slot": "s", "content": {"text": "t"}}}])
}

/// Questions about a visitor, as these tests ask them.
trait Asked {
    fn explain(&self, rule: &str) -> serde_json::Value;
    fn awaits(&self, rule: &str, expected: &[&str]);
    fn dry_run(&self, asked: &serde_json::Value) -> serde_json::Value;
}

impl Asked for Sim {
    fn explain(&self, rule: &str) -> serde_json::Value {
        serde_json::to_value(self.visitor.explain(rule, self.now_ms, &self.config)).unwrap()
    }

    #[track_caller]
    fn awaits(&self, rule: &str, expected: &[&str]) {
        let told = self.explain(rule);
        let said: Vec<&str> = told["awaits"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
        assert_eq!(said, expected, "{told:#}");
    }

    fn dry_run(&self, asked: &serde_json::Value) -> serde_json::Value {
        let asked: Value = serde_json::from_value(asked.clone()).unwrap();
        let run = DryRun::parse(&asked).unwrap();
        serde_json::to_value(run.run(&self.visitor, self.now_ms, &self.config)).unwrap()
    }
}

#[test]
fn a_dwell_says_in_how_many_seconds_it_fires_and_what_would_stop_it() {
    let mut sim = Sim::with_rules(json!([{
        "id": "proof", "pattern": {"dwell": {"for": "60s", "where": {"page.kind": "product"}}},
        "condition": {"cart.count": 0}, "limits": {"per_session": 1, "cooldown": "10m"}, "actions": push(),
    }]));
    sim.awaits("proof", &[r#"waits for its condition {"page.kind":"product"} to begin to hold on a page"#]);
    sim.page("t", "product", "/p/1").pass(37 * SECOND);
    sim.awaits("proof", &[r#"fires in 23 s unless its condition {"page.kind":"product"} stops holding"#]);
    let told = sim.explain("proof");
    assert_eq!(told["pattern"]["clocks"][0]["due_at_ms"], json!(START + MINUTE));
    assert_eq!(told["pattern"]["where"]["value"], "product");
    assert_eq!(told["condition"], json!({"field": "cart.count", "test": 0, "value": 0, "holds": true}));
    assert_eq!(told["would_fire"], true);
    sim.track("t", "page_hidden", json!({})).pass(SECOND);
    sim.awaits("proof", &["is paused with 23 s left: the tab is out of sight"]);
    sim.track("t", "page_visible", json!({}));
    sim.track("t", "Product Added", json!({"sku": "a"})).pass(SECOND);
    let told = sim.explain("proof");
    assert_eq!((told["condition"]["holds"].clone(), told["would_fire"].clone()), (json!(false), json!(false)));
    assert_eq!(told["awaits"][1], "its condition does not hold now");
    sim.track("t", "Cart Cleared", json!({})).pass(MINUTE);
    let told = sim.explain("proof");
    assert_eq!(told["fired"]["count"], 1);
    let limits = told["limits"].as_array().unwrap();
    assert_eq!(limits[0], json!({"limit": "per_session", "allows": false, "used": 1, "most": 1}));
    let fired_at_ms = told["fired"]["last_at_ms"].as_f64().unwrap();
    assert_eq!(limits[1]["again_at_ms"].as_f64().unwrap(), fired_at_ms + 600_000.0);
    assert_eq!(sim.explain("nobody")["unknown"], true);
}

#[test]
fn patterns_in_progress_say_how_far_they_are() {
    let viewed = json!({"event": {"name": "product_viewed"}});
    let mut sim = Sim::with_rules(json!([
        {"id": "seq", "actions": push(), "pattern": {"sequence": {"within": "10m", "steps": [
            viewed, {"event": {"name": "product_added", "where": {"cart.value": {"$gt": 1}}}}]}}},
        {"id": "count", "actions": push(), "pattern": {"count": {"of": viewed, "at_least": 3, "within": "1h"}}},
        {"id": "gone", "actions": push(), "pattern": {"absence": {"after": viewed, "of": {"event": {"name": "order_completed"}}, "for": "30m"}}},
        {"id": "sum", "actions": push(), "pattern": {"aggregate": {"of": viewed, "fn": "sum", "value": "event.properties.price", "is": {"$gte": 50}}}},
        {"id": "all", "actions": push(), "pattern": {"all": {"of": [viewed, {"event": {"name": "search"}}, {"not": {"event": {"name": "refund"}}}]}}},
        {"id": "off", "enabled": false, "actions": push(), "pattern": viewed},
        {"id": "later", "actions": push(), "pattern": {"started": {}}},
    ]));
    sim.track("t", "Product Viewed", json!({"sku": "a", "price": 19.5})).pass(4 * MINUTE);
    sim.awaits("seq", &["has step 1 of 2; waits for product_added (where its condition holds) within 6 min"]);
    sim.awaits("count", &["has 1 of 3 of product_viewed"]);
    sim.awaits("gone", &["fires in 26 min unless order_completed comes"]);
    sim.awaits("sum", &[r#"its aggregate is 19.5; waits for one that passes {"$gte":50}"#]);
    sim.awaits("all", &["waits for products_searched"]);
    sim.awaits("later", &["waits for another rule to start it"]);
    assert_eq!(sim.explain("off")["awaits"][0], "it is off: `enabled` is false");
    assert_eq!(sim.explain("count")["pattern"]["counted"][0]["counted"], 1);
    // What is out of its window is no longer told.
    sim.pass(6 * MINUTE);
    sim.awaits("seq", &["waits for its first step, product_viewed"]);
}

#[test]
fn a_dry_run_changes_nothing_and_says_what_then_happens() {
    let rule = json!({
        "id": "proof", "pattern": {"dwell": {"for": "60s", "where": {"page.kind": "product"}}}, "actions": push(),
    });
    let mut sim = Sim::with_rules(json!([rule]));
    sim.page("t", "product", "/p/1").pass(10 * SECOND);
    let before = sim.stored();
    let told = sim.dry_run(&json!({"pass": "2m"}));
    assert_eq!(told["fired"].as_array().unwrap().len(), 1);
    assert_eq!(told["fired"][0]["name"], "proof");
    assert_eq!(told["fired"][0]["at_ms"], json!(START + MINUTE));
    assert_eq!(told["messages"][0]["slot"], "s");
    assert_eq!((told["complete"].clone(), told["until_ms"].clone()), (json!(true), json!(START + 130_000)));
    assert_eq!(sim.stored(), before);
    // Leaving the page first, it does not fire; another rule that is only tried does.
    let told = sim.dry_run(&json!({
        "rules": [rule, {"id": "tried", "pattern": {"event": {"name": "search"}}, "condition": {"event.properties.query": "tent"}, "actions": push()}],
        "events": [
            {"type": "page", "context": {"tab": "t"}, "properties": {"kind": "list", "path": "/l"}},
            {"type": "track", "event": "search", "after": "5s", "properties": {"query": "tent"}},
        ],
        "pass": "2m",
    }));
    let fired: Vec<&str> = told["fired"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    assert_eq!(fired, ["tried"]);
    assert_eq!(told["explained"].as_array().unwrap().len(), 2);
    assert_eq!(sim.stored(), before);
    sim.pass(2 * MINUTE);
    assert_eq!(sim.pushes().len(), 1, "what was said happened");
}

#[test]
fn a_dry_run_ends_when_it_has_shown_enough_or_the_visitor_is_forgotten() {
    let rules: Vec<_> = (0..10)
        .map(|n| json!({"id": format!("r{n}"), "pattern": {"event": {"name": "search"}}, "actions": push()}))
        .collect();
    let mut sim = Sim::with_rules(json!([]));
    sim.page("t", "home", "/");
    let search = json!({"type": "track", "event": "search", "after": "1s"});
    let told = sim.dry_run(&json!({"rules": rules, "events": vec![search.clone(); 200], "pass": "1h"}));
    let records = told["records"].as_array().unwrap().len();
    assert!((1_001..1_020).contains(&records), "{records}");
    assert_eq!((told["complete"].clone(), told["until_ms"].clone()), (json!(false), json!(sim.now_ms + 91 * SECOND)));
    // What would come after it was forgotten is not applied to what is gone.
    let late = json!({"type": "track", "event": "search", "after": "60d"});
    let told = sim.dry_run(&json!({"rules": rules, "events": [late]}));
    assert_eq!((told["complete"].clone(), told["fired"].clone()), (json!(false), json!([])));
    assert_eq!(told["until_ms"], json!(START + 30 * DAY));
}

#[test]
fn a_dry_run_that_is_asked_wrongly_hears_every_fault() {
    let asked = json!({
        "rules": [{"id": "x", "actions": push()}], "stage": [], "pass": "soon",
        "events": [{"type": "track"}, {"type": "track", "event": "x", "after": 5}],
    });
    let faults = DryRun::parse(&serde_json::from_value(asked).unwrap()).unwrap_err();
    let mut found: Vec<(&str, &str)> = faults.iter().map(|fault| (fault.pointer.as_str(), &*fault.code)).collect();
    found.sort_unstable();
    let expected = [
        ("/events/0/event", "missing"),
        ("/events/1/after", "invalid"),
        ("/pass", "invalid"),
        ("/rules/0/pattern", "missing"),
        ("/stage", "unknown_member"),
    ];
    assert_eq!(found, expected);
    assert!(DryRun::parse(&Value::Null).is_err());
}

#[test]
fn a_dry_run_of_what_runs_is_what_happens_then() {
    let late = json!([{"id": "late", "when": {"session.total_seconds": {"$gte": 20}}}]);
    let dwell = json!([{"id": "r", "pattern": {"dwell": {"for": "40s", "where": {}}}, "actions": push()}]);
    let mut sim = Sim::new(config(dwell.clone(), late, json!([])));
    sim.page("t", "product", "/p/1").pass(30 * SECOND);
    let shown = sim.dry_run(&json!({"pass": "20s"}));
    // Other documents, even if they say the same, are followed from the beginning.
    let other = sim.dry_run(&json!({"rules": dwell, "pass": "20s"}));
    let made = sim.made.len();
    sim.pass(20 * SECOND);
    // Time alone makes nobody enter a segment: that is told with what happens next.
    let kinds = |records: &serde_json::Value| {
        let kinds = records.as_array().unwrap().iter().map(|record| record["kind"].clone());
        kinds.collect::<Vec<_>>()
    };
    assert_eq!(kinds(&shown["records"]), kinds(&serde_json::to_value(&sim.made[made..]).unwrap()));
    assert_eq!(kinds(&shown["records"]), ["trigger_fired"]);
    assert_eq!(kinds(&other["records"]), ["segment_entered", "trigger_fired"]);
}

/// A visitor of whom only the records are known, to whom they happen again, and `rest_ms` after the last of them.
fn live_again(live: &Sim, rules: serde_json::Value, rest_ms: u64) -> Sim {
    let mut again = Sim::new(config(rules, json!([]), json!([])));
    again.visitor = Visitor::new(SiteId::parse("demo").unwrap(), Uuid::from_u128(7), Uuid::from_u128(2));
    for record in &live.queue {
        if let Some(input) = replayed(record) {
            again.pass(record.at_ms - again.now_ms);
            again.input(input);
        }
    }
    again.pass(rest_ms);
    again
}

/// A visit with everything that can be recorded, then the records alone: the same rules fire at the same times.
#[test]
fn records_replayed_fire_the_same_rules_at_the_same_times() {
    let viewed = json!({"event": {"name": "product_viewed"}});
    let rules = json!([
        {"id": "dwell", "pattern": {"dwell": {"for": "60s", "where": {"page.kind": "product"}}}, "actions": push()},
        {"id": "gone", "pattern": {"absence": {"after": {"event": {"name": "page_viewed"}}, "for": "20m"}}, "actions": push()},
        {"id": "bounce", "pattern": {"session": {"is": "ended"}}, "condition": {"session.pages": {"$lte": 3}}, "actions": push()},
        {"id": "campaign", "pattern": {"event": {"name": "page_viewed"}}, "condition": {"session.campaign.source": "mail", "profile.known": true}, "actions": push()},
        {"id": "gold", "pattern": {"event": {"name": "identified"}}, "condition": {"profile.traits.tier": "gold"}, "actions": push()},
        {"id": "twice", "pattern": {"count": {"of": viewed, "at_least": 2, "within": "session", "by": "page.product.sku"}}, "actions": push()},
    ]);
    let mut live = Sim::new(config(rules.clone(), json!([]), json!([])));
    live.send(json!({"type": "page", "userId": "u1", "context": {"tab": "t", "consent": "granted", "campaign": {"source": "mail"}},
        "properties": {"path": "/p/tent", "kind": "product", "title": "Tent"}}));
    live.connect("t", None).pass(30 * SECOND).disconnect("t").pass(50 * SECOND).connect("t", None).pass(31 * SECOND);
    live.track("t", "Product Viewed", json!({"sku": "tent", "price": 199.5})).pass(5 * SECOND);
    live.track("t", "Product Viewed", json!({"sku": "tent"})).pass(MINUTE);
    live.send_as(Authority::Source, vec![json!({"type": "identify", "userId": "u1", "traits": {"tier": "gold"}})]);
    live.input(Input::Connect { tab: "u".into(), cursor: None, visible: false, inspect: false });
    live.page("u", "product", "/p/lamp").pass(2 * MINUTE);
    live.track("u", "page_visible", json!({})).pass(40 * MINUTE);
    live.page("t", "home", "/").pass(60 * MINUTE);

    let again = live_again(&live, rules, 60 * MINUTE);
    let fired = |sim: &Sim| -> Vec<(u64, String)> {
        sim.records(RecordKind::TriggerFired).iter().map(|r| (r.at_ms - START, r.name.clone())).collect()
    };
    assert_eq!(fired(&again), fired(&live));
    let names: std::collections::BTreeSet<String> = fired(&live).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["bounce", "campaign", "dwell", "gold", "gone", "twice"]);
    let all = |sim: &Sim| -> Vec<(u64, RecordKind, String)> {
        sim.queue.iter().map(|record| (record.at_ms, record.kind, record.name.clone())).collect()
    };
    assert_eq!(all(&again), all(&live), "and everything else is the same");
}

#[test]
fn records_tell_of_a_page_that_opened_out_of_sight_before_it_opened() {
    let rules = json!([
        {"id": "seen", "pattern": {"dwell": {"for": "60s", "where": {"page.kind": "product"}}}, "actions": push()},
        {"id": "soon", "pattern": {"dwell": {"for": "1s", "where": {"page.product.sku": "lamp"}}}, "actions": push()},
    ]);
    // A view of the page, its product, and any other event of a page whose tab came without it.
    let opening: [fn(&mut Sim); 3] = [
        |sim| {
            sim.page("t", "product", "/p/lamp");
        },
        |sim| {
            sim.track("t", "Product Viewed", json!({"sku": "lamp"}));
        },
        |sim| {
            let context = json!({"tab": "t", "page": {"path": "/p/lamp", "kind": "product"}});
            sim.send(json!({"type": "track", "event": "search", "context": context, "properties": {"query": "lamp"}}));
        },
    ];
    for open in opening {
        let mut live = Sim::new(config(rules.clone(), json!([]), json!([])));
        live.input(Input::Connect { tab: "t".into(), cursor: None, visible: false, inspect: false });
        open(&mut live);
        live.pass(5 * MINUTE);
        assert!(live.records(RecordKind::TriggerFired).is_empty());
        live.pass(40 * MINUTE);
        let again = live_again(&live, rules.clone(), 45 * MINUTE);
        let all = |sim: &Sim| sim.queue.iter().map(|r| (r.seq, r.at_ms, r.kind, r.name.clone())).collect::<Vec<_>>();
        assert_eq!(all(&again), all(&live));
        assert_eq!(live.records(RecordKind::SightChanged).len(), 1);
    }
}

#[test]
fn what_a_dwell_fires_names_the_event_that_opened_its_page() {
    let dwell = json!({"dwell": {"for": "5s", "where": {"page.kind": "product", "cart.count": {"$gt": 0}}}});
    let mut sim = Sim::with_rules(json!([{"id": "d", "pattern": dwell, "actions": push()}]));
    sim.evicts = true;
    sim.page("a", "product", "/p/1").page("b", "home", "/").page("a", "product", "/p/2");
    sim.track("b", "Product Added", json!({"sku": "x"})).pass(MINUTE);
    let opened = |sim: &Sim, path: &str| -> u64 {
        let of =
            |record: &&footfall_protocol::record::Record| record.data.get("path").and_then(Value::as_str) == Some(path);
        sim.made.iter().filter(|record| record.name == "page_viewed").find(of).unwrap().seq
    };
    let fired: Vec<Vec<u64>> = sim
        .records(RecordKind::TriggerFired)
        .iter()
        .map(|record| serde_json::from_value(serde_json::to_value(record.data.get("events")).unwrap()).unwrap())
        .collect();
    assert_eq!(fired, [[opened(&sim, "/p/2")]]);
}
