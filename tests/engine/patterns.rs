//! Patterns over time, rule by rule of `docs/rules.md`, as small stories.

mod kept;

use crate::sim::{MINUTE, SECOND, START, Sim, config};
use footfall::engine::Input;
use footfall_protocol::record::RecordKind;
use serde_json::{Value, json};

/// A rule with this pattern.
fn rule(id: &str, pattern: Value) -> Value {
    json!({"id": id, "pattern": pattern, "actions": [{"push": {"slot": "s", "content": {"text": id}}}]})
}

fn event(name: &str) -> Value {
    json!({"event": {"name": name}})
}

/// A moment of a story.
fn ms(text: &str) -> u64 {
    footfall_protocol::duration::parse_ms(text).unwrap_or_else(|| text.parse::<u64>().unwrap() * SECOND)
}

/// Lives a story: moments and events, `"0 a; 10 b=1; 10m -"`. `b=1` has the property `v` 1, `b='1` the text "1" and
/// `-` lets time pass.
fn live(sim: &mut Sim, story: &str) {
    for part in story.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (at, what) = part.split_once(' ').unwrap();
        sim.pass(START + ms(at) - sim.now_ms);
        let (name, value) = what.split_once('=').unwrap_or((what, "null"));
        let value: Value = value
            .strip_prefix('\'')
            .map_or_else(|| serde_json::from_str(value).unwrap_or_else(|_| json!(value)), |text| json!(text));
        if name != "-" {
            sim.track("", name, json!({"v": value}));
        }
    }
}

/// When the pushes came, in seconds; and the names of the rules when there are several.
fn times(sim: &Sim) -> Vec<u64> {
    sim.pushes().iter().map(|(at_ms, _)| at_ms / SECOND).collect()
}

/// When a rule with this pattern fires in a story.
fn fires(pattern: &Value, story: &str) -> Vec<u64> {
    let mut sim = Sim::with_rules(json!([rule("r", pattern.clone())]));
    sim.evicts = true;
    live(&mut sim, story);
    times(&sim)
}

#[track_caller]
fn check(pattern: &Value, cases: &[(&str, &[u64])]) {
    for (story, expected) in cases {
        assert_eq!(fires(pattern, story), *expected, "{pattern} in: {story}");
    }
}

fn sequence(steps: Value, more: Value) -> Value {
    let mut inner = json!({"steps": steps});
    inner.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"sequence": inner})
}

const V: &str = "event.properties.v";

#[test]
fn a_point_occurs_at_each_such_happening() {
    check(&event("a"), &[("0 a; 1 b; 2 a; 2 a", &[0, 2, 2])]);
    let point = json!({"any": [event("a"), {"event": {"name": "b", "where": {V: {"$gt": 3}}}}]});
    check(&point, &[("0 b=3; 1 b=4; 2 a; 3 c", &[1, 2])]);
}

#[test]
fn a_session_that_starts_and_ends_can_be_read_while_it_lasts() {
    let of = |is: &str, holds: Value| json!({"session": {"is": is, "where": holds}});
    check(&of("started", json!({"profile.sessions": {"$gte": 2}})), &[("0 a; 60 a; 2h a; 4h a", &[7_200, 14_400])]);
    check(&of("ended", json!({"session.events": 2})), &[("0 a; 60 a; 2h a; 4h -", &[1_860])]);
    // Late news begins no session.
    check(&of("started", json!({})), &[("0 page_left; 1 a", &[1])]);
}

#[test]
fn a_change_of_stage_is_a_happening_after_its_event() {
    let to = |stage: Value| json!({"stage": stage});
    check(&to(json!({"to": "checkout"})), &[("0 a; 5 checkout_started; 6 checkout_started", &[5])]);
    check(
        &to(json!({"from": ["browsing", "considering"], "to": "checkout"})),
        &[("0 page_viewed; 1 checkout_started", &[1]), ("0 checkout_started", &[])],
    );
    check(&to(json!({})), &[("0 page_viewed; 1 checkout_started", &[0, 1])]);
    check(&to(json!({"to": "lapsed"})), &[("0 page_viewed; 14d -", &[14 * 86_400])]);
}

#[test]
fn segments_that_are_entered_and_left_are_happenings() {
    let segments = json!([
        {"id": "busy", "when": {"session.events": {"$gte": 2}}},
        {"id": "calm", "when": {"session.events": {"$lt": 2}}}
    ]);
    let rules = json!([
        rule("in", json!({"segment": {"entered": "busy"}})),
        rule("out", json!({"segment": {"left": ["busy", "none"]}})),
        rule("calm", json!({"segment": {"left": "calm"}})),
        rule("both", json!({"sequence": {"steps": [{"segment": {"left": "calm"}}, {"segment": {"entered": "busy"}}]}}))
    ]);
    let mut sim = Sim::new(config(rules, segments, json!([])));
    live(&mut sim, "0 a; 1 a; 2 a; 1h -");
    let fired: Vec<_> = sim.pushes().iter().map(|(at_ms, push)| (at_ms / SECOND, push.rule.clone())).collect();
    let at = |at: u64, rule: &str| (at, rule.to_owned());
    // Those left come before those entered; the session's end is what closes it.
    assert_eq!(fired, [at(1, "calm"), at(1, "both"), at(1, "in"), at(1_802, "out")]);
}

#[test]
fn happenings_of_one_event_come_in_their_order() {
    let any = json!([{"session": {"is": "started"}}, event("checkout_started"), {"stage": {"to": "checkout"}}, {"segment": {"entered": "s"}}]);
    let segments = json!([{"id": "s", "when": {"stage": "checkout"}}]);
    for (steps, fits) in
        [(any.clone(), true), (Value::Array(any.as_array().unwrap().iter().rev().cloned().collect()), false)]
    {
        let rules = json!([rule("r", sequence(steps, json!({"contiguity": "strict"})))]);
        let mut sim = Sim::new(config(rules, segments.clone(), json!([])));
        live(&mut sim, "0 checkout_started; 1m -");
        assert_eq!(times(&sim).len(), usize::from(fits));
        if fits {
            let fired = sim.records(RecordKind::TriggerFired)[0];
            let kinds =
                [RecordKind::SessionStarted, RecordKind::Event, RecordKind::StageChanged, RecordKind::SegmentEntered];
            let seqs: Vec<_> =
                kinds.iter().map(|kind| footfall_protocol::Value::from(sim.records(*kind)[0].seq)).collect();
            assert_eq!(fired.data.get("events").unwrap().as_array().unwrap(), seqs, "the records that made it");
        }
    }
}

#[test]
fn a_sequence_takes_its_steps_one_after_another() {
    let plain = sequence(json!([event("a"), event("b"), event("c")]), json!({}));
    check(
        &plain,
        &[
            ("0 a; 1 b; 2 c", &[2]),
            ("0 a; 1 x; 2 b; 3 x; 4 c; 5 c", &[4]),
            ("0 b; 1 a; 2 c; 3 b; 4 c", &[4]),
            ("0 a; 0 b; 0 c", &[0]),
        ],
    );
    let same = sequence(json!([event("a"), event("a")]), json!({}));
    check(&same, &[("0 a; 1 a; 2 a; 3 a", &[1, 3])]);
}

#[test]
fn a_sequence_keeps_to_its_windows_to_the_millisecond() {
    let step = sequence(json!([event("a"), {"event": {"name": "b"}, "within": "10m"}]), json!({}));
    check(&step, &[("0 a; 599999ms b", &[599]), ("0 a; 10m b", &[]), ("0 a; 5m a; 10m b", &[600])]);
    let whole = sequence(json!([event("a"), event("b"), event("c")]), json!({"within": "10m"}));
    check(&whole, &[("0 a; 5m b; 599999ms c", &[599]), ("0 a; 5m b; 10m c", &[])]);
    // The later beginning takes over.
    check(&whole, &[("0 a; 1m a; 5m b; 10m c", &[600]), ("0 a; 5m b; 6m a; 7m b; 11m c", &[660])]);
}

#[test]
fn a_sequence_within_a_session_ends_with_it() {
    let session = sequence(json!([event("a"), event("b")]), json!({"within": "session"}));
    check(&session, &[("0 a; 25m b", &[1_500]), ("0 a; 1h b", &[]), ("0 a; 1h b; 61m a; 62m b", &[3_720])]);
    let end = sequence(json!([event("a"), {"session": {"is": "ended"}}]), json!({"within": "session"}));
    check(&end, &[("0 a; 1h b; 3h -", &[1_800])]);
    // Outside a session nothing is looked at: a page that is left late begins none.
    let late = sequence(json!([event("page_left"), event("b")]), json!({"within": "session"}));
    check(&late, &[("0 a; 1 page_left; 2 b", &[2]), ("0 a; 1h page_left; 61m b", &[])]);
}

#[test]
fn a_strict_sequence_breaks_at_any_other_event_but_quiet_ones() {
    let strict = sequence(json!([event("a"), event("b")]), json!({"contiguity": "strict"}));
    check(
        &strict,
        &[
            ("0 a; 1 b", &[1]),
            ("0 a; 1 x; 2 b", &[]),
            ("0 a; 1 page_hidden; 2 page_visible; 3 push_shown; 4 page_left; 5 b", &[5]),
            ("0 a; 1 a; 2 b", &[2]),
            // A session that ends and another that begins lie between.
            ("0 a; 1h b", &[3_600]),
        ],
    );
    let quiet = sequence(json!([event("a"), event("page_hidden"), event("b")]), json!({"contiguity": "strict"}));
    check(&quiet, &[("0 a; 1 page_hidden; 2 b", &[2]), ("0 a; 1 b", &[])]);
    let by = sequence(json!([event("a"), event("b")]), json!({"contiguity": "strict", "by": V}));
    check(&by, &[("0 a=1; 1 b=1", &[1]), ("0 a=1; 1 b=2; 2 b=1", &[])]);
}

#[test]
fn what_must_not_happen_between_two_steps_ends_the_match() {
    let not = sequence(
        json!([event("a"), {"not": event("x")}, {"not": {"any": [event("y"), event("z")]}}, event("b"), event("c")]),
        json!({}),
    );
    check(
        &not,
        &[
            ("0 a; 1 b; 2 x; 3 c", &[3]),
            ("0 a; 1 x; 2 b; 3 c", &[]),
            ("0 a; 1 z; 2 b; 3 c", &[]),
            ("0 x; 0 a; 1 b; 2 c", &[2]),
        ],
    );
    let both = sequence(
        json!([event("a"), {"not": {"any": [event("b"), event("c")]}}, {"event": {"name": "b", "where": {V: 1}}}]),
        json!({}),
    );
    check(&both, &[("0 a; 1 b=1", &[1]), ("0 a; 1 b=2; 2 b=1", &[]), ("0 a; 1 c; 2 b=1", &[])]);
    // Whatever the value of `by`.
    let by = sequence(json!([event("a"), {"not": event("x")}, event("b")]), json!({"by": V}));
    check(&by, &[("0 a=1; 1 x=2; 2 b=1", &[]), ("0 a=1; 1 x; 2 b=1", &[])]);
}

#[test]
fn steps_correlate_on_a_field() {
    let by = sequence(json!([event("a"), event("b")]), json!({"by": V}));
    check(
        &by,
        &[
            ("0 a=1; 1 b=2; 2 b=1", &[2]),
            ("0 a=1; 1 b='1; 2 b=1", &[2]),
            ("0 a; 1 b", &[]),
            ("0 a=[1]; 1 b=[1]", &[]),
            ("0 a=true; 1 b=1; 2 b=true", &[2]),
            ("0 a=x; 1 a=y; 2 b=x", &[2]),
        ],
    );
    // Back and forth between two products.
    let other = sequence(json!([event("a"), {"event": {"name": "a"}, "key": "other"}, event("a")]), json!({"by": V}));
    check(
        &other,
        &[("0 a=1; 1 a=2; 2 a=1", &[2]), ("0 a=1; 1 a=1; 2 a=2; 3 a=3; 4 a=1", &[4]), ("0 a=1; 1 a=1; 2 a=1", &[])],
    );
}

#[test]
fn a_sequence_skips_past_the_last_event_or_does_not() {
    let steps = json!([event("a"), event("b"), event("a")]);
    check(&sequence(steps.clone(), json!({})), &[("0 a; 1 b; 2 a; 3 b; 4 a; 5 b; 6 a", &[2, 6])]);
    check(&sequence(steps, json!({"skip": "no_skip"})), &[("0 a; 1 b; 2 a; 3 b; 4 a; 5 b; 6 a", &[2, 4, 6])]);
    let by = json!([event("a"), event("b")]);
    check(&sequence(by.clone(), json!({"by": V})), &[("0 a=1; 1 a=2; 2 b=1; 3 b=2", &[2])]);
    check(&sequence(by, json!({"by": V, "skip": "no_skip"})), &[("0 a=1; 1 a=2; 2 b=1; 3 b=2; 4 b=2", &[2, 3])]);
}

#[test]
fn a_happening_is_one_step_of_a_match_and_may_be_another_of_the_next() {
    let three = sequence(json!([event("a"), event("a"), event("a")]), json!({"skip": "no_skip"}));
    check(&three, &[("0 a; 1 a; 2 a; 3 a; 4 a", &[2, 3, 4])]);
    let three = sequence(json!([event("a"), event("a"), event("a")]), json!({}));
    check(&three, &[("0 a; 1 a; 2 a; 3 a; 4 a; 5 a", &[2, 5])]);
}

#[test]
fn a_count_is_of_what_is_in_the_window() {
    let count = |more: Value| {
        let mut inner = json!({"of": event("a"), "at_least": 3});
        inner.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"count": inner})
    };
    check(&count(json!({})), &[("0 a; 1h b; 2h a; 3d a; 4d a", &[3 * 86_400])]);
    check(
        &count(json!({"within": "10m"})),
        &[
            ("0 a; 5m a; 599999ms a", &[599]),
            ("0 a; 5m a; 10m a; 11m a", &[660]),
            ("0 a; 0 a; 0 a; 0 a; 0 a; 0 a", &[0, 0]),
        ],
    );
    check(
        &count(json!({"within": "10m", "skip": "no_skip"})),
        &[("0 a; 1m a; 2m a; 3m a; 12m a; 12m a", &[120, 180, 720])],
    );
    check(
        &count(json!({"within": "session"})),
        &[("0 a; 20m a; 40m a", &[2_400]), ("0 a; 20m a; 1h a; 61m a; 62m a", &[3_720])],
    );
    check(
        &count(json!({"by": V})),
        &[("0 a=1; 1 a=1; 2 a=2; 3 a=1; 4 a=2; 5 a=2", &[3, 5]), ("0 a; 1 a; 2 a; 3 a={}", &[])],
    );
    check(
        &count(json!({"distinct": V})),
        &[("0 a=1; 1 a=1; 2 a=2; 3 a='2; 4 a=2", &[3]), ("0 a=1; 1 a=2; 2 a; 3 a=3", &[3])],
    );
    check(
        &count(json!({"distinct": V, "within": "10m"})),
        &[("0 a=1; 1m a=2; 5m a=1; 10m a=3", &[600]), ("0 a=1; 1m a=2; 10m a=3", &[])],
    );
    check(&count(json!({"distinct": V, "skip": "no_skip"})), &[("0 a=1; 1 a=2; 2 a=3; 3 a=1; 4 a", &[2, 3])]);
}

#[test]
fn an_absence_occurs_when_its_time_is_over_and_nothing_came() {
    let absence = json!({"absence": {"after": event("a"), "of": event("b"), "for": "1h"}});
    check(
        &absence,
        &[
            ("0 a; 2h -", &[3_600]),
            ("0 a; 59m b; 3h -", &[]),
            // The deadline comes before an event of the same time.
            ("0 a; 1h b; 3h -", &[3_600]),
            ("0 a; 30m a; 3h -", &[5_400]),
            ("0 a; 30m x; 3h -", &[3_600]),
            ("0 b; 3h -", &[]),
            ("0 a; 2h a; 4h -", &[3_600, 10_800]),
        ],
    );
    let first = json!({"absence": {"after": event("a"), "of": event("b"), "for": "1h", "from": "first"}});
    check(&first, &[("0 a; 30m a; 3h -", &[3_600]), ("0 a; 30m b; 40m a; 3h -", &[6_000])]);
    let by = json!({"absence": {"after": event("a"), "of": event("b"), "for": "1h", "by": V}});
    check(&by, &[("0 a=1; 1 a=2; 10 b=2; 2h -", &[3_600]), ("0 a=1; 10m a=2; 20m b; 2h -", &[3_600, 4_200])]);
    let both = json!({"absence": {"after": event("a"), "of": {"any": [event("a"), event("b")]}, "for": "1h", "from": "first"}});
    check(&both, &[("0 a; 30m a; 3h -", &[5_400])]);
}

#[test]
fn an_absence_of_everything_ends_at_any_event_but_quiet_ones() {
    let silence = json!({"absence": {"after": event("a"), "for": "10m"}});
    check(
        &silence,
        &[
            ("0 a; 1h -", &[600]),
            ("0 a; 5m b; 1h -", &[]),
            ("0 a; 5m page_hidden; 6m push_shown; 1h -", &[600]),
            ("0 a; 5m a; 1h -", &[900]),
        ],
    );
    let carting = json!({"absence": {"after": {"stage": {"to": "checkout"}}, "for": "45m"}});
    // The event that brings the stage about comes before the stage's change; the session's end is no event.
    check(&carting, &[("0 checkout_started; 2h -", &[2_700]), ("0 checkout_started; 1 x; 2h -", &[])]);
    let quiet = json!({"absence": {"after": event("page_hidden"), "for": "10m", "from": "first"}});
    check(&quiet, &[("0 page_hidden; 5m page_hidden; 1h -", &[600])]);
}

#[test]
fn an_absence_shows_among_the_timers_with_its_rule() {
    let mut sim = Sim::with_rules(json!([rule("gone", json!({"absence": {"after": event("a"), "for": "10m"}}))]));
    live(&mut sim, "0 a");
    let timers = sim.see("/timers");
    let timer = timers.as_array().unwrap().iter().find(|timer| timer["reason"] == "absence").unwrap();
    assert_eq!(*timer, json!({"reason": "absence", "due_at_ms": START + 10 * MINUTE, "rule": "gone"}));
}

#[test]
fn a_late_wake_changes_nothing_but_when_it_acts() {
    let rules = json!([rule(
        "r",
        json!({"all": {"of": [{"absence": {"after": event("a"), "for": "10m"}}, event("b")], "within": "1h"}})
    )]);
    let mut sim = Sim::with_rules(rules);
    live(&mut sim, "0 a");
    sim.now_ms += 20 * MINUTE;
    sim.input(Input::Wake);
    live(&mut sim, "70m b");
    assert_eq!(times(&sim), [] as [u64; 0], "it occurred at its time and not when it was handled");
}

fn aggregate(function: &str, more: Value) -> Value {
    let mut inner = json!({"of": event("a"), "fn": function, "value": V});
    inner.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"aggregate": inner})
}

#[test]
fn an_aggregate_occurs_when_it_comes_to_pass_its_test() {
    check(&aggregate("sum", json!({"is": {"$gte": 0.3}})), &[("0 a=0.1; 1 a=0.2; 2 a=1; 3 a=-2; 4 a='1.5", &[1, 4])]);
    check(
        &aggregate("sum", json!({"is": {"$gte": 10}, "within": "10m"})),
        &[
            ("0 a=6; 599999ms a=4; 10m a=5; 20m a=5", &[599]),
            ("0 a=6; 10m a=4; 11m a=6", &[660]),
            // It passes again with the same happening, having fallen out in between.
            ("0 a=10; 10m a=10; 11m a=1", &[0, 600]),
        ],
    );
    check(&aggregate("min", json!({"is": {"$lt": 3}})), &[("0 a=5; 1 a=2; 2 a=1", &[1])]);
    check(&aggregate("max", json!({"is": 7})), &[("0 a=5; 1 a=7; 2 a=7; 3 a=8", &[1])]);
    check(&aggregate("mean", json!({"is": 0.333333})), &[("0 a=1; 1 a=0; 2 a=0", &[2])]);
    check(
        &aggregate("mean", json!({"is": -0.000001, "within": "1h"})),
        &[("0 a=-0.000001; 1 a=0; 2 x", &[0]), ("0 a=0; 1 a=-0.000001", &[1])],
    );
    check(&aggregate("sum", json!({"is": {"$gte": 3}, "within": "session"})), &[("0 a=2; 1h a=2; 61m a=2", &[3_660])]);
    check(&aggregate("sum", json!({"is": {"$lt": 3}})), &[("0 a=x; 1 a; 2 a=true; 3 a=1; 4 a=1", &[3])]);
    check(&json!({"aggregate": {"of": event("a"), "fn": "count", "is": {"$gte": 2}}}), &[("0 a; 1 a; 2 a", &[1])]);
}

#[test]
fn aggregates_of_values_compare_them() {
    check(&aggregate("first", json!({"is": "x"})), &[("0 a; 1 a=x; 2 a=y; 3 a=x", &[1]), ("0 a=y; 1 a=x", &[])]);
    check(
        &aggregate("first", json!({"is": "x", "within": "10m"})),
        &[("0 a=y; 5m a=x; 10m a=z", &[]), ("0 a=y; 5m a=x; 10m a=x; 15m b", &[])],
    );
    check(&aggregate("last", json!({"is": "x"})), &[("0 a=x; 1 a=x; 2 a=y; 3 a=x", &[0, 3])]);
    check(&aggregate("distinct", json!({"is": 2})), &[("0 a=1; 1 a=1; 2 a='1; 3 a=2; 4 a=1", &[2])]);
    check(
        &aggregate("distinct", json!({"is": 2, "within": "10m"})),
        &[("0 a=1; 1m a=2; 12m a=3; 13m a=4", &[60, 780])],
    );
    check(&aggregate("most_frequent", json!({"is": "x"})), &[("0 a=x; 1 a=y; 2 a=x; 3 a=y", &[0, 2])]);
    check(
        &aggregate("most_frequent", json!({"is": "x", "within": "10m"})),
        &[("0 a=y; 90 a=y; 2m a=x; 9m a=y; 11m a=x", &[660])],
    );
}

#[test]
fn a_window_of_an_aggregate_holds_64_and_the_oldest_goes() {
    let story: String = (0..70).map(|at| format!("{at} a=1;")).collect();
    assert_eq!(fires(&aggregate("sum", json!({"is": {"$gte": 64}, "within": "1h"})), &story), [63]);
    assert_eq!(fires(&aggregate("sum", json!({"is": {"$gte": 65}, "within": "1h"})), &story), [] as [u64; 0]);
    assert_eq!(fires(&aggregate("sum", json!({"is": {"$gte": 65}})), &story), [64]);
    let story: String = (0..70).map(|at| format!("{at} a={at};")).collect();
    assert_eq!(fires(&aggregate("distinct", json!({"is": 65})), &story), [] as [u64; 0]);
    assert_eq!(fires(&aggregate("distinct", json!({"is": 64})), &story), [63]);
    let story: String = (0..33).chain([32, 32]).enumerate().map(|(at, n)| format!("{at} a={n};")).collect();
    assert_eq!(fires(&aggregate("most_frequent", json!({"is": 32})), &story), [] as [u64; 0], "33 different ones");
}

#[test]
fn any_occurs_whenever_one_of_them_does() {
    let any = json!({"any": [sequence(json!([event("a"), event("b")]), json!({})), {"count": {"of": event("b"), "at_least": 2}}]});
    check(&any, &[("0 a; 1 b; 2 b; 3 a; 4 b; 5 b", &[1, 2, 4, 5])]);
    let dwell = json!({"any": [{"dwell": {"for": "60s", "where": {"page.kind": "checkout"}}}, event("coupon_denied")]});
    let mut sim = Sim::with_rules(json!([rule("r", dwell)]));
    sim.evicts = true;
    sim.page("t1", "checkout", "/checkout").pass(30 * SECOND).track("t1", "coupon_denied", json!({}));
    sim.pass(MINUTE);
    assert_eq!(times(&sim), [30, 60]);
    let tabs: Vec<_> = sim.pushes().iter().map(|(_, push)| push.tab.clone()).collect();
    assert_eq!(tabs, ["", "t1"], "what a dwell shows is for its page");
}

#[test]
fn all_occurs_once_each_has_occurred_and_begins_anew() {
    let all = json!({"all": {"of": [event("a"), event("b")]}});
    check(&all, &[("0 a; 1d b; 2d b; 3d a", &[86_400, 3 * 86_400]), ("0 b; 1 b; 2 a; 3 a", &[2])]);
    let window = json!({"all": {"of": [event("a"), event("b")], "within": "10m"}});
    check(&window, &[("0 a; 599999ms b", &[599]), ("0 a; 10m b; 11m a", &[660]), ("0 a; 5m a; 10m b", &[600])]);
    let session = json!({"all": {"of": [event("a"), event("b")], "within": "session"}});
    check(&session, &[("0 a; 1h b", &[]), ("0 a; 1h b; 61m a", &[3_660])]);
    let one = json!({"all": {"of": [{"any": [event("a"), event("b")]}, event("a")]}});
    check(&one, &[("0 b; 1 a; 2 a", &[1, 2])]);
}

#[test]
fn a_not_keeps_an_all_from_occurring() {
    let never = json!({"all": {"of": [event("a"), event("b"), {"not": event("x")}]}});
    check(&never, &[("0 a; 1 b", &[1]), ("0 a; 1 x; 2 b; 3d a; 3d b", &[])]);
    let window = json!({"all": {"of": [event("a"), {"not": event("x")}], "within": "10m"}});
    check(&window, &[("0 x; 599999ms a; 10m a", &[600]), ("0 a; 1 a", &[0, 1]), ("0 x; 11m b", &[])]);
    // What was kept back occurs with the next happening of a part, if each is still in the window.
    let back = json!({"all": {"of": [event("a"), event("b"), {"not": event("x")}], "within": "10m"}});
    check(&back, &[("0 x; 9m a; 9m b; 10m c; 11m a", &[660])]);
    let same =
        json!({"all": {"of": [event("a"), {"not": {"event": {"name": "a", "where": {V: 1}}}}], "within": "10m"}});
    check(&same, &[("0 a=1; 1 a=2; 10m a=2", &[600])]);
    let session = json!({"all": {"of": [{"session": {"is": "ended"}}, {"not": event("x")}], "within": "session"}});
    check(&session, &[("0 a; 1 x; 1h a; 3h -", &[5_400])]);
}

#[test]
fn patterns_nest() {
    let nested = json!({"all": {"of": [
        {"any": [sequence(json!([event("a"), event("b")]), json!({"within": "10m"})), {"absence": {"after": event("c"), "of": event("d"), "for": "5m"}}]},
        {"all": {"of": [{"count": {"of": event("e"), "at_least": 2}}, {"not": event("f")}], "within": "1h"}}
    ], "within": "1d"}});
    check(
        &nested,
        &[
            ("0 a; 1 b; 2 e; 3 e", &[3]),
            ("0 e; 1 e; 2 c; 10m -", &[302]),
            ("0 f; 1 e; 2 e; 3 a; 4 b; 2h e; 2h e", &[7_200]),
            ("0 e; 1 c; 2 d; 3 e; 1h -", &[]),
        ],
    );
}

#[test]
fn a_dwell_within_an_all_waits_for_the_rest() {
    let all = json!({"all": {"of": [{"dwell": {"for": "60s", "where": {"page.kind": "product"}}}, event("a")], "within": "5m"}});
    let mut sim = Sim::with_rules(json!([rule("r", all)]));
    sim.evicts = true;
    sim.page("t1", "product", "/tent").pass(2 * MINUTE).track("t1", "a", json!({}));
    sim.pass(20 * MINUTE).page("t1", "product", "/chair").track("t1", "a", json!({})).pass(5 * MINUTE);
    assert_eq!(times(&sim), [120, 1_380]);
}
