//! The reference itself, on examples worked by hand from the specification.

use super::generate::{Life, Wakes, case};
use super::model_firings;
use super::visitor::{Act, MINUTE, SECOND, Step};
use serde_json::{Value, json};

/// Events by name and time in seconds (`a@10`), with an optional value of `k` (`a=x@10`) or of `v` (`a:1.5@10`).
fn life(text: &str) -> Life {
    let step = |word: &str| {
        let (what, at) = word.split_once('@').unwrap();
        let at_ms = 1_000_000 + at.parse::<u64>().unwrap() * SECOND;
        let (name, key) = what.split_once('=').map_or((what, None), |(name, key)| (name, Some(key)));
        let (name, amount) = name.split_once(':').map_or((name, None), |(name, amount)| (name, Some(amount)));
        let mut properties = json!({});
        if let Some(key) = key {
            properties["k"] = key.into();
        }
        if let Some(amount) = amount {
            properties["v"] = serde_json::from_str(amount).unwrap();
        }
        let tab = "t".to_owned();
        let act = if name == "wake" { Act::Wake } else { Act::Event { name: name.to_owned(), tab, properties } };
        Step { at_ms, act }
    };
    Life { steps: text.split_whitespace().map(step).collect(), wakes: Wakes::Exact, reloads: false, batched: false }
}

/// The seconds at which the pattern occurs.
fn check(pattern: Value, happened: &str, expected: &[u64]) {
    let firings = model_firings(std::slice::from_ref(&pattern), &life(happened), "40m").remove(0);
    let seconds: Vec<u64> = firings.iter().map(|at_ms| (at_ms - 1_000_000) / SECOND).collect();
    assert_eq!(seconds, expected, "{pattern} at {happened}");
}

fn event(name: &str) -> Value {
    json!({"event": {"name": name}})
}

#[test]
fn a_point_occurs_at_each_such_happening() {
    check(event("a"), "a@0 b@1 a@2", &[0, 2]);
    check(json!({"stage": {"to": "low"}}), "a@0 b@1 b@2 c@3 b@4", &[1, 4]);
    check(json!({"session": {"is": "ended"}}), "a@0 wake@3600", &[30 * MINUTE / SECOND]);
    check(json!({"segment": {"entered": "deep"}}), "a@0 a@1 a@2 a@3 a@4", &[3]);
    check(json!({"segment": {"left": "deep"}}), "a@0 a@1 a@2 a@3 wake@3600", &[1803]);
    check(json!({"any": [event("a"), {"stage": {"to": "low"}}]}), "a@0 b@1", &[0, 1]);
}

#[test]
fn a_sequence_takes_the_first_that_fits_within_less_than_its_window() {
    let within = |within: &str| json!({"sequence": {"steps": [event("a"), event("b")], "within": within}});
    check(within("10s"), "a@0 c@1 b@9", &[9]);
    check(within("10s"), "a@0 b@10", &[]);
    check(within("10s"), "a@0 a@5 b@12", &[12]);
    check(within("session"), "a@0 b@1799", &[1799]);
    check(within("session"), "a@0 b@1800", &[]);
    let step = json!({"sequence": {"steps": [event("a"), {"event": {"name": "b"}, "within": "10s"}, event("c")]}});
    check(step, "a@0 b@10 c@11 a@20 b@29 c@9000", &[9000]);
}

#[test]
fn skip_says_what_goes_on_when_a_sequence_has_occurred() {
    let twice = |skip: &str| json!({"sequence": {"steps": [event("a"), event("a")], "skip": skip}});
    check(twice("past_last_event"), "a@0 a@1 a@2 a@3 a@4", &[1, 3]);
    check(twice("no_skip"), "a@0 a@1 a@2 a@3 a@4", &[1, 2, 3, 4]);
    let thrice = json!({"sequence": {"steps": [event("a"), event("a"), event("a")], "skip": "no_skip"}});
    check(thrice, "a@0 a@1 a@2 a@3", &[2, 3]);
}

#[test]
fn a_strict_sequence_bears_only_quiet_events_in_between() {
    let strict = json!({"sequence": {"steps": [event("a"), event("b")], "contiguity": "strict"}});
    check(strict.clone(), "a@0 page_hidden@1 b@2", &[2]);
    check(strict.clone(), "a@0 c@1 b@2", &[]);
    check(strict, "a@0 a@1 b@2", &[2]);
    let stages = json!({"sequence": {"steps": [event("b"), event("a")], "contiguity": "strict"}});
    check(stages, "b@0 a@1", &[1]);
}

#[test]
fn a_not_between_two_steps_ends_the_match_unless_it_is_the_step() {
    let not = json!({"sequence": {"steps": [event("a"), {"not": event("c")}, {"any": [event("b"), event("c")]}]}});
    check(not.clone(), "a@0 c@1", &[1]);
    let not = json!({"sequence": {"steps": [event("a"), {"not": event("c")}, event("b")]}});
    check(not.clone(), "a@0 c@1 b@2", &[]);
    check(not, "a@0 c@1 a@2 b@3 c@4", &[3]);
}

#[test]
fn steps_correlate_with_the_first() {
    let by = json!({"sequence": {"steps": [event("a"), event("b")], "by": "event.properties.k"}});
    check(by.clone(), "a=x@0 b=y@1 b@2 b=x@3", &[3]);
    check(by, "a=x@0 a=y@1 b=x@2 b=y@3", &[2]);
    let back = json!({"sequence": {"by": "event.properties.k", "steps":
        [event("a"), {"event": {"name": "a"}, "key": "other"}, event("a")]}});
    check(back.clone(), "a=x@0 a=y@1 a=x@2", &[2]);
    check(back, "a=x@0 a=x@1 a=x@2", &[]);
}

#[test]
fn a_count_uses_up_what_it_has_counted() {
    let count = |skip: &str| json!({"count": {"of": event("a"), "at_least": 2, "within": "10s", "skip": skip}});
    check(count("past_last_event"), "a@0 a@1 a@2 a@3 a@20 a@30", &[1, 3]);
    check(count("no_skip"), "a@0 a@1 a@2 a@11 a@12", &[1, 2, 11, 12]);
    let by = json!({"count": {"of": event("a"), "at_least": 2, "by": "event.properties.k"}});
    check(by, "a=x@0 a=y@1 a@2 a=y@3 a=x@4 a=x@5", &[3, 4]);
    let distinct = json!({"count": {"of": event("a"), "at_least": 2, "distinct": "event.properties.k"}});
    check(distinct, "a=x@0 a=x@1 a=y@2 a=y@3 a=x@4", &[2, 4]);
}

#[test]
fn the_seventeenth_value_drives_out_the_one_that_is_oldest() {
    let by = json!({"count": {"of": event("a"), "at_least": 2, "by": "event.properties.k"}});
    let sixteen: String = (0..16).map(|n| format!("a=k{n}@{n} ")).collect();
    check(by.clone(), &format!("{sixteen} a=k0@20 a=k1@21"), &[20, 21]);
    check(by, &format!("{sixteen} a=new@19 a=k1@20 a=k0@21"), &[20]);
}

#[test]
fn an_absence_occurs_when_its_time_is_over_and_before_what_comes_then() {
    let absence = |from: &str| json!({"absence": {"after": event("a"), "of": event("b"), "for": "10s", "from": from}});
    check(absence("last"), "a@0 b@9 wake@100", &[]);
    check(absence("last"), "a@0 b@10 wake@100", &[10]);
    check(absence("last"), "a@0 a@5 wake@100", &[15]);
    check(absence("first"), "a@0 a@5 wake@100", &[10]);
    let silence = json!({"absence": {"after": event("a"), "for": "10s"}});
    check(silence.clone(), "a@0 page_hidden@5 wake@100", &[10]);
    check(silence, "a@0 c@5 a@20 a@25 wake@100", &[35]);
}

#[test]
fn an_aggregate_occurs_when_it_comes_to_pass_its_test() {
    let sum = |is: Value| json!({"aggregate": {"of": event("a"), "fn": "sum", "value": "event.properties.v", "within": "10s", "is": is}});
    check(sum(json!({"$gte": 0.3})), "a:0.1@0 a:0.1@1 a:0.1@2 a:0.1@3", &[2]);
    check(sum(json!(0.3)), "a:0.1@0 a:0.2@1 a:0.1@10 a:0.5@30", &[1, 10]);
    check(sum(json!({"$gte": 5})), "a:5@0 a:1@9 a:5@10", &[0, 10]);
    let mean = json!({"aggregate": {"of": event("a"), "fn": "mean", "value": "event.properties.v", "is": 0.000001}});
    check(mean, "a:0@0 a:0.000001@1", &[1]);
    let often = json!({"aggregate": {"of": event("a"), "fn": "most_frequent", "value": "event.properties.k", "is": {"$eq": "x"}}});
    check(often, "a=x@0 a=y@1 a=x@2 a=y@3", &[0, 2]);
}

#[test]
fn an_all_begins_anew_and_its_nots_are_not_forgotten() {
    let all = json!({"all": {"of": [event("a"), event("b")], "within": "10s"}});
    check(all.clone(), "b@0 a@9 b@10 a@11", &[9, 11]);
    check(all, "b@0 a@10 b@19", &[19]);
    let not = json!({"all": {"of": [event("a"), {"not": event("b")}], "within": "10s"}});
    check(not, "a@0 b@1 a@2 a@10 a@11", &[0, 11]);
    let ever = json!({"all": {"of": [event("a"), {"not": event("b")}]}});
    check(ever, "a@0 b@1 a@9000", &[0]);
}

#[test]
fn a_dwell_counts_attention_on_one_page() {
    let dwell = json!({"dwell": {"for": "10s"}});
    check(dwell.clone(), "page_viewed@0 wake@100", &[10]);
    check(dwell.clone(), "page_viewed@0 page_hidden@4 page_visible@20 wake@100", &[26]);
    check(dwell, "page_viewed@0 page_viewed@9 page_left@18 wake@100", &[]);
    let where_cart = json!({"dwell": {"for": "10s", "where": {"stage": {"$eq": "low"}}}});
    check(where_cart, "page_viewed@0 b@5 c@14 b@20 wake@100", &[30]);
}

/// The reference looks at whole histories; it must not look ahead.
#[test]
fn what_the_reference_says_of_a_moment_depends_on_nothing_after_it() {
    for seed in 0..40 {
        let case = case(seed);
        for life in &case.lives {
            let whole = model_firings(&case.patterns, life, case.lapse);
            let mut short = life.clone();
            short.steps.truncate(life.steps.len() / 2);
            let end_ms = short.steps.last().unwrap().at_ms;
            // At the end's own time more may come after it.
            let until = |firings: &[u64]| firings.iter().filter(|at_ms| **at_ms < end_ms).copied().collect::<Vec<_>>();
            for (whole, short) in whole.iter().zip(model_firings(&case.patterns, &short, case.lapse)) {
                assert_eq!(until(whole), until(&short), "seed {seed}");
            }
        }
    }
}
