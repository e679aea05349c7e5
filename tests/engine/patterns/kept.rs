//! What patterns keep: how it ends, what becomes of it when rules change, and its bounds.

use super::{V, event, live, rule, sequence, times};
use crate::sim::{DAY, HOUR, MINUTE, SECOND, Sim, config};
use footfall::engine::Input;
use footfall_protocol::event::Authority;
use footfall_protocol::record::RecordKind;
use serde_json::{Value, json};

#[test]
fn until_ends_what_is_pending_before_the_pattern_looks() {
    let with = |pattern: Value, until: Value| {
        let mut rule = rule("r", pattern);
        rule["until"] = until;
        let mut sim = Sim::with_rules(json!([rule]));
        sim.evicts = true;
        sim
    };
    let mut sim = with(sequence(json!([event("a"), event("b")]), json!({})), json!({"any": [event("x"), event("b")]}));
    live(&mut sim, "0 a; 1 x; 2 b; 3 a; 4 b");
    assert_eq!(times(&sim), [] as [u64; 0], "`b` ends the match before it is a step of it");
    let mut sim = with(
        json!({"absence": {"after": event("a"), "for": "10m"}}),
        json!({"any": [event("push_shown"), event("a")]}),
    );
    live(&mut sim, "0 a; 5m push_shown; 1h a; 2h -");
    assert_eq!(times(&sim), [4_200], "`a` begins the wait after it has ended what was there");
    let mut sim = with(json!({"dwell": {"for": "60s", "where": {"page.kind": "product"}}}), event("x"));
    sim.page("t1", "product", "/tent").pass(30 * SECOND).track("t1", "x", json!({})).pass(10 * MINUTE);
    assert_eq!(times(&sim), [] as [u64; 0], "the condition has not begun to hold anew");
    sim.page("t1", "product", "/chair").pass(10 * MINUTE);
    assert_eq!(times(&sim), [690]);
}

#[test]
fn a_rule_that_changes_begins_with_nothing_and_others_go_on() {
    let rules = |at_least: u32, enabled: bool| {
        let mut first = rule("first", json!({"count": {"of": event("a"), "at_least": at_least}}));
        first["enabled"] = json!(enabled);
        json!([first, rule("second", sequence(json!([event("a"), event("a"), event("a")]), json!({})))])
    };
    let fired =
        |sim: &Sim| sim.pushes().iter().map(|(at_ms, push)| (at_ms / SECOND, push.rule.clone())).collect::<Vec<_>>();
    let change = |sim: &mut Sim, documents: Value| {
        let version = sim.config.version + 1;
        sim.config = config(documents, json!([]), json!([]));
        sim.config.version = version;
    };
    let at = |at: u64, rule: &str| (at, rule.to_owned());
    let mut sim = Sim::with_rules(rules(3, true));
    live(&mut sim, "0 a; 1 a");
    let mut unchanged = rules(3, true);
    unchanged[0]["priority"] = json!(5);
    unchanged[0]["condition"] = json!({"session.events": {"$gte": 1}});
    change(&mut sim, unchanged);
    live(&mut sim, "2 a");
    assert_eq!(fired(&sim), [at(2, "first"), at(2, "second")], "an unchanged pattern goes on");

    let mut sim = Sim::with_rules(rules(3, true));
    live(&mut sim, "0 a; 1 a");
    change(&mut sim, rules(2, true));
    live(&mut sim, "2 a; 3 a");
    assert_eq!(fired(&sim), [at(2, "second"), at(3, "first")], "another pattern begins with nothing");
    change(&mut sim, rules(3, true));
    live(&mut sim, "4 a; 5 a; 6 a");
    assert_eq!(fired(&sim)[2..], [at(5, "second"), at(6, "first")]);

    let mut sim = Sim::with_rules(rules(3, true));
    live(&mut sim, "0 a; 1 a");
    change(&mut sim, rules(3, false));
    sim.input(Input::Wake);
    change(&mut sim, rules(3, true));
    live(&mut sim, "2 a; 3 a; 4 a");
    assert_eq!(fired(&sim), [at(2, "second"), at(4, "first")], "what was collected is dropped when it is off");
}

#[test]
fn an_absence_of_a_rule_that_is_off_never_comes_true() {
    let documents = |enabled: bool| {
        let mut rule = rule("r", json!({"absence": {"after": event("a"), "for": "10m"}}));
        rule["enabled"] = json!(enabled);
        json!([rule])
    };
    let mut sim = Sim::with_rules(documents(true));
    live(&mut sim, "0 a");
    sim.config = config(documents(false), json!([]), json!([]));
    sim.config.version = 2;
    live(&mut sim, "1h -");
    sim.config = config(documents(true), json!([]), json!([]));
    sim.config.version = 3;
    live(&mut sim, "2h -");
    assert_eq!(times(&sim), [] as [u64; 0]);
}

#[test]
fn sixteen_values_are_kept_and_the_oldest_goes() {
    let steps = sequence(json!([event("a"), event("b")]), json!({"by": V, "skip": "no_skip"}));
    let mut sim = Sim::with_rules(json!([rule("r", steps)]));
    live(&mut sim, &(0..17).map(|at| format!("{at} a={at};")).collect::<String>());
    assert_eq!(sim.see("/counters/partials_dropped"), 1);
    live(&mut sim, "20 b=0; 21 b=1; 22 b=16");
    assert_eq!(times(&sim), [21, 22]);
    // What is out of its window makes room first.
    let count = json!({"count": {"of": event("a"), "at_least": 2, "by": V, "within": "10m"}});
    let mut sim = Sim::with_rules(json!([rule("r", count)]));
    live(&mut sim, &(0..16).map(|at| format!("{at} a={at};")).collect::<String>());
    live(&mut sim, "601 a=20; 602 a=21; 603 a=3");
    assert_eq!((times(&sim), sim.see("/counters/partials_dropped")), (vec![], json!(0)));
    live(&mut sim, "604 a=20");
    assert_eq!(times(&sim), [604]);
}

#[test]
fn the_pattern_that_advanced_longest_ago_makes_room() {
    let rules: Vec<Value> = (0..257)
        .map(|n| rule(&format!("r{n:03}"), sequence(json!([event(&format!("a{n}")), event("b")]), json!({}))))
        .collect();
    let mut sim = Sim::with_rules(Value::Array(rules));
    live(&mut sim, &(0..256).map(|n| format!("{n} a{n};")).collect::<String>());
    // The first advances again, so that the second is the oldest.
    live(&mut sim, "300 a0; 301 a256; 302 b");
    assert_eq!(sim.see("/counters/partials_dropped"), 1);
    sim.pass(HOUR);
    let fired: Vec<_> = sim.records(RecordKind::TriggerFired).iter().map(|record| record.name.clone()).collect();
    assert_eq!(fired.len(), 256);
    assert!(!fired.contains(&"r001".to_owned()) && fired.contains(&"r000".to_owned()));
}

#[test]
fn all_patterns_together_keep_2048_happenings() {
    let rules: Vec<Value> = (0..30)
        .map(|n| {
            rule(
                &format!("r{n:02}"),
                json!({"count": {"of": event(&format!("a{n}")), "at_least": 100, "skip": "no_skip"}}),
            )
        })
        .collect();
    let mut sim = Sim::with_rules(Value::Array(rules));
    for n in 0..21 {
        sim.send_as(Authority::Visitor, (0..100).map(|_| json!({"event": format!("a{n}")})).collect());
    }
    // 20 times 100 and 48 fit; the 49th of the last one lets the first go.
    assert_eq!(sim.see("/counters/partials_dropped"), 1);
    sim.pass(MINUTE);
    live(&mut sim, "70 a0; 71 a1");
    sim.pass(MINUTE);
    let fired: Vec<_> = sim.records(RecordKind::TriggerFired).iter().map(|record| record.name.clone()).collect();
    assert_eq!(fired.iter().filter(|name| *name == "r00").count(), 1, "it begins with nothing");
    assert_eq!(fired.iter().filter(|name| *name == "r01").count(), 2);
    assert_eq!(fired.len(), 22);
}

#[test]
fn a_firing_names_the_newest_records_that_made_it() {
    let mut sim = Sim::with_rules(json!([rule("r", json!({"count": {"of": event("a"), "at_least": 20}}))]));
    live(&mut sim, &(0..20).map(|at| format!("{at} a;")).collect::<String>());
    sim.pass(DAY);
    let fired = sim.records(RecordKind::TriggerFired)[0];
    let events = fired.data.get("events").unwrap().as_array().unwrap();
    let seqs: Vec<_> =
        sim.records(RecordKind::Event)[4..20].iter().map(|record| footfall_protocol::Value::from(record.seq)).collect();
    assert_eq!(events, seqs);
}
