//! Scenarios: what their authors are told about mistakes, what they become, and how they are compared.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for some acts among all")]

use footfall_simulator::{Act, DAY, Documents, Expected, MINUTE, SECOND, START, Scenario, Timeline, What};
use serde_json::{Value, json};

/// The place of every fault, with a part of its message.
fn faults(scenario: &Value) -> Vec<(String, String)> {
    let faults = Scenario::parse(&scenario.to_string()).unwrap_err();
    faults.into_iter().map(|fault| (fault.pointer, fault.message)).collect()
}

fn run(scenario: &Value) -> (Scenario, Timeline) {
    let scenario = Scenario::parse(&scenario.to_string()).unwrap();
    let rules = scenario.rule_set(&Documents::default()).unwrap();
    let timeline = scenario.run(rules);
    (scenario, timeline)
}

fn messages(scenario: &Value) -> Vec<(Option<String>, String)> {
    let (scenario, timeline) = run(scenario);
    scenario.differences(&timeline).into_iter().map(|found| (found.pointer, found.message)).collect()
}

/// A rule that greets at every event of its own.
fn greeting() -> Value {
    json!([{
        "id": "greet", "pattern": {"event": {"name": "hello"}},
        "actions": [{"push": {"slot": "top", "content": {"text": "Hello {{profile.traits.name}}", "n": 1}}}]
    }])
}

#[test]
fn every_fault_has_its_place_as_the_author_wrote_it() {
    let scenario = json!({
        "nmae": "x",
        "start": "yesterday",
        "visitor": {"id": "me", "geo": {"country": 49}, "gpc": "no"},
        "settings": {"retention": "long", "consent": "perhaps", "idle": "1h"},
        "rules": [{"id": "r", "pattern": {"event": {"name": "hello"}}, "actions": []}],
        "segments": {},
        "steps": [
            {"page": {"path": "/"}},
            {"at": "5 seconds", "track": "x"},
            {"at": "5s", "track": "Product Added", "properties": {"sku": "a", "price": "dear"}},
            {"at": "4s", "track": 7},
            {"at": "6s", "page": {}, "connect": "1"},
            {"at": "7s", "hide": "1", "properties": {}},
            {"at": "8s", "send": [{"type": "track"}]},
            {"at": "9s", "send": {"type": "track"}},
            {"at": "10s", "identify": {}, "user": {}, "as": "god"},
            {"at": "11s", "identify": {}, "user": {}},
            {"at": "12s", "track": "x", "tab": "x".repeat(50)},
            {"at": "2020-01-01T00:00:00Z", "jump": 1}
        ],
        "expect": [{"rule": "r"}, {"at": "1s"}, {"at": "1s", "rule": "r", "data": {}}, {"at": "1s", "record": "r", "data": 3}]
    });
    let found = faults(&scenario);
    let mut places: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
    places.sort_unstable();
    let mut expected = [
        "/nmae",
        "/start",
        "/segments",
        "/rules/0/actions",
        "/steps/0/at",
        "/steps/1/at",
        "/steps/2/properties/price",
        "/steps/3/track",
        "/steps/4/connect",
        "/steps/5/properties",
        "/steps/6/send/0/event",
        "/steps/7/send/event",
        "/steps/8/as",
        "/steps/9/user",
        "/steps/10/tab",
        "/steps/11/jump",
        "/steps/11/at",
        "/expect/0/at",
        "/expect/1",
        "/expect/2/data",
        "/expect/3/data",
        "/visitor/id",
        "/visitor/geo/country",
        "/visitor/gpc",
        "/settings/retention",
        "/settings/consent",
        "/settings/idle",
    ];
    expected.sort_unstable();
    assert_eq!(places, expected);
    let said = |place: &str| &found.iter().find(|(pointer, _)| pointer == place).unwrap().1;
    assert!(said("/nmae").contains("did you mean `name`?"));
    assert!(said("/steps/2/properties/price").contains("must be a number"));
    assert!(said("/expect/1").contains("one of `rule`, `held_out`"));
}

#[test]
fn steps_stand_in_the_order_of_time_and_one_does_one_thing() {
    let found =
        faults(&json!({"steps": [{"at": "5s"}, {"at": "4s"}, {"at": "6s", "page": {"path": "/"}, "hide": "1"}]}));
    let places: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(places, ["/steps/2/hide", "/steps/1/at"]);
    assert_eq!(faults(&json!({})), [("/steps".to_owned(), found_steps())]);
    assert_eq!(Scenario::parse("[").unwrap_err()[0].code, "malformed");
    assert_eq!(Scenario::parse(r#"{"steps": [], "steps": []}"#).unwrap_err()[0].code, "malformed");
}

fn found_steps() -> String {
    "a scenario needs `steps`: [{\"at\": \"0s\", \"page\": {\"path\": \"/\"}}]".to_owned()
}

#[test]
fn a_scenario_becomes_events_times_and_expectations() {
    let scenario = json!({
        "start": "2026-01-01T00:00:00+01:00",
        "settings": {"session_idle": "1h", "public_orders": true},
        "steps": [
            {"at": "0s", "page": {"path": "/p", "kind": "product"}, "tab": "a"},
            {"at": "2026-01-01T00:00:05+01:00", "track": "add_to_cart", "properties": {"sku": "x"}, "as": "source"},
            {"at": "1m", "send": [{"type": "track", "event": "x"}, {"type": "track", "event": "y"}]}
        ],
        "expect": [{"at": "2d", "held_out": "r"}]
    });
    let scenario = Scenario::parse(&scenario.to_string()).unwrap();
    assert_eq!((scenario.settings.session_idle_ms, scenario.settings.public_orders), (60 * MINUTE, true));
    assert_eq!(scenario.steps[1].at_ms - scenario.start_ms, 5 * SECOND);
    assert_eq!(scenario.end_ms() - scenario.start_ms, 2 * DAY);
    assert_eq!(scenario.expect.as_ref().unwrap()[0].what, Expected::HeldOut { rule: "r".into() });
    let told = |at: usize| match &scenario.steps[at].act {
        Act::Events { events, browser } => {
            (events.iter().map(|e| (e.name.as_str(), e.tab.as_str())).collect::<Vec<_>>(), *browser)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(told(0), (vec![("page_viewed", "a")], true));
    assert_eq!(told(1), (vec![("product_added", "")], false));
    assert_eq!(told(2), (vec![("x", ""), ("y", "")], true));
}

#[test]
fn the_timeline_tells_everything_in_order_as_text_and_as_json() {
    let (_, timeline) = run(&json!({
        "name": "a greeting",
        "rules": [
            greeting()[0],
            {"id": "minute", "pattern": {"dwell": {"for": "60s", "where": {"page.kind": "home"}}},
             "actions": [{"push": {"slot": "top", "content": {"text": "still here"}}}]}
        ],
        "segments": [{"id": "named", "when": {"profile.known": true}}],
        "steps": [
            {"at": "0s", "connect": "1"},
            {"at": "0s", "page": {"path": "/", "kind": "home"}},
            {"at": "5s", "identify": {"name": "Ada"}, "user": "u1"},
            {"at": "6s", "track": "hello"},
            {"at": "7s", "disconnect": "1"},
            {"at": "8s", "connect": "1"},
            {"at": "9s", "leave": "1"},
            {"at": "1h"}
        ]
    }));
    let text = "a greeting: from 2026-11-21T10:00:00Z to 2026-11-21T11:00:00Z
          0s  tab 1 connects
              session 1 starts
              event page_viewed / (visitor, tab 1)
              stage new → browsing
              minute waits (dwell) in tab 1, due at 1m
          5s  event identified (visitor, tab 1)
              user linked u1
              segment named entered
              trait name = \"Ada\"
          6s  event hello (visitor, tab 1)
              FIRES greet: made by hello at 6s
                in top: {\"n\":1,\"text\":\"Hello Ada\"}
          7s  tab 1 loses its connection
              tab 1 is out of sight
              minute waits (dwell) in tab 1 no longer, due at 1m
          8s  tab 1 connects
              tab 1 is in sight
              minute waits (dwell) in tab 1, due at 1m1s
          9s  event page_left (visitor, tab 1)
              minute waits (dwell) in tab 1 no longer, due at 1m1s
       30m9s  session 1 ends: {\"total_ms\":9000,\"engaged_ms\":8000,\"pages\":1,\"events\":4,\"product_views\":0,\"stage\":\"browsing\"}
          1h  the end
";
    assert_eq!(timeline.to_string(), text);
    assert_eq!(timeline.firings().collect::<Vec<_>>(), [(6 * SECOND, "greet")]);
    let json = serde_json::to_value(&timeline).unwrap();
    assert_eq!(json["rules"], json!(["greet", "minute"]));
    let fired = json["entries"].as_array().unwrap().iter().find(|entry| entry["what"] == "fired").unwrap();
    assert_eq!(
        *fired,
        json!({"time": "2026-11-21T10:00:06Z", "at": "6s", "what": "fired", "rule": "greet",
            "made_by": [{"time": "2026-11-21T10:00:06Z", "at": "6s", "kind": "event", "name": "hello"}], "pushes": [
            {"slot": "top", "content": {"text": "Hello Ada", "n": 1}, "expires": "2026-11-21T10:10:06Z"}
        ]})
    );
}

#[test]
fn what_is_expected_is_compared_exactly() {
    let mut scenario = json!({
        "rules": greeting(),
        "steps": [{"at": "1s", "track": "hello"}, {"at": "9s", "track": "hello"}],
        "expect": [
            {"at": "1s", "rule": "greet", "slot": "top", "content": {"n": 1}},
            {"at": "9s", "rule": "greet"},
            {"at": "1s", "stage": "browsing"}
        ]
    });
    let stage = "at 1s it is expected that stage `browsing` is entered; it does not happen".to_owned();
    assert_eq!(messages(&scenario), [(Some("/expect/2".to_owned()), stage)]);
    scenario["expect"] = json!([]);
    assert_eq!(messages(&scenario).len(), 2);
    assert!(messages(&scenario)[0].1.starts_with("at 1s this is not expected: FIRES greet"));
    scenario["expect"] = json!([
        {"at": "2s", "rule": "greet"},
        {"at": "9s", "rule": "greet", "content": {"n": 2}},
        {"at": "3s", "rule": "great"}
    ]);
    let found = messages(&scenario);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found[0].1.starts_with("at 2s it is expected that rule `greet` fires; it happens at 1s instead"));
    assert!(found[1].1.contains("it does, with other details: FIRES greet"));
    assert!(found[2].1.ends_with("there is no such rule; did you mean `greet`?"));
    scenario.as_object_mut().unwrap().remove("expect");
    assert_eq!(messages(&scenario), []);
}

#[test]
fn a_visitor_who_was_deleted_comes_back_as_somebody_new() {
    let (_, timeline) = run(&json!({
        "settings": {"retention": "10d"},
        "steps": [
            {"at": "0s", "page": {"path": "/"}},
            {"at": "20d", "page": {"path": "/"}}
        ]
    }));
    let deleted = timeline.entries.iter().find(|entry| entry.what == What::Deleted).unwrap();
    assert_eq!((deleted.at_ms - START, deleted.after_ms), (10 * DAY, 10 * DAY));
    let sessions: Vec<_> = timeline.entries.iter().filter(|e| matches!(e.what, What::SessionStarted { .. })).collect();
    assert!(sessions.iter().all(|entry| entry.what == What::SessionStarted { number: 1 }) && sessions.len() == 2);
}

#[test]
fn a_scenario_goes_before_the_site_with_its_own_rules_only() {
    let scenario = Scenario::parse(r#"{"segments": [], "steps": []}"#).unwrap();
    let document = |value: Value| serde_json::from_value(value).unwrap();
    let site = Documents {
        rules: vec![document(greeting()[0].clone())],
        segments: vec![document(json!({"id": "s", "when": {"cart.count": 1}}))],
        stages: vec![],
    };
    let rules = scenario.rule_set(&site).unwrap();
    assert_eq!((rules.rules.len(), rules.segments.len()), (1, 0));
    let bad = Documents { rules: vec![document(json!({"id": "r"}))], ..Documents::default() };
    assert_eq!(scenario.rule_set(&bad).unwrap_err()[0].pointer, "/rules/0/pattern");
}

#[test]
fn what_the_site_does_not_accept_is_told() {
    let (_, timeline) = run(&json!({
        "settings": {"consent": "required"},
        "steps": [{"at": "0s", "page": {"path": "/"}}]
    }));
    assert!(matches!(&timeline.entries[0].what, What::Rejected { message } if message.contains("consent")));
}

#[test]
fn stages_that_lapse_into_each_other_end_by_themselves() {
    let (_, timeline) = run(&json!({
        "stages": [
            {"id": "a", "rank": 0, "enter": [{"from": "b", "after_idle": "1s"}]},
            {"id": "b", "rank": 1, "enter": [{"from": "a", "after_idle": "1s"}]}
        ],
        "steps": [{"at": "0s", "track": "go"}, {"at": "20d"}]
    }));
    let entered = |what: &What| matches!(what, What::StageChanged { .. });
    assert_eq!(timeline.entries.iter().filter(|entry| entered(&entry.what)).count(), 2);
    assert!(!timeline.to_string().contains("GIVEN UP"));
}

#[test]
fn whatever_stands_in_a_scenario_is_read_without_a_panic() {
    let scenario = json!({
        "name": "x", "start": "2026-11-21T10:00:00Z",
        "visitor": {"id": "00000000-0000-4000-8000-000000000001", "geo": {"country": "DE"}, "device": {"kind": "mobile"}, "gpc": true},
        "settings": {"retention": "30d", "consent": "assumed", "public_orders": false},
        "rules": greeting(),
        "steps": [
            {"at": "0s", "connect": "1"},
            {"at": "0s", "page": {"path": "/", "kind": "home"}, "tab": "1", "as": "visitor"},
            {"at": "1s", "track": "Product Added", "properties": {"products": [{"sku": "a", "price": 1, "quantity": 2}]}},
            {"at": "2s", "identify": {"name": "Ada"}, "user": "u"},
            {"at": "3s", "hide": "1"},
            {"at": "4s", "send": [{"type": "track", "event": "hello", "context": {"tab": "1"}}]},
            {"at": "5s", "disconnect": "1"}
        ],
        "expect": [{"at": "4s", "rule": "greet", "content": {"n": 1}}, {"at": "4s", "trait": "x", "value": 1}]
    });
    let odd = [
        json!(null),
        json!(-1),
        json!(1e300),
        json!(""),
        json!("~/0"),
        json!("9999999999999d"),
        json!("9999-12-31T23:59:59Z"),
        json!([]),
        json!([[]]),
        json!({}),
        json!({"at": "1s"}),
        json!("x".repeat(200)),
    ];
    let mut places = vec![String::new()];
    let (mut read, mut refused) = (0, 0);
    while let Some(place) = places.pop() {
        match scenario.pointer(&place).unwrap() {
            Value::Object(members) => places.extend(members.keys().map(|key| format!("{place}/{key}"))),
            Value::Array(items) => places.extend((0..items.len()).map(|at| format!("{place}/{at}"))),
            _ => {}
        }
        for value in &odd {
            let mut changed = scenario.clone();
            *changed.pointer_mut(&place).unwrap() = value.clone();
            match Scenario::parse(&changed.to_string()) {
                Ok(scenario) => {
                    let timeline = scenario.run(scenario.rule_set(&Documents::default()).unwrap());
                    drop((scenario.differences(&timeline), timeline.to_string()));
                    read += 1;
                }
                Err(faults) => {
                    assert!(faults.iter().all(|fault| !fault.message.is_empty()), "{place}: {faults:?}");
                    refused += 1;
                }
            }
        }
    }
    assert!(read > 100 && refused > 300, "{read} read, {refused} refused");
}

#[test]
fn a_site_s_documents_are_read_from_one_file() {
    let store = include_str!("../../examples/store/rules.json");
    let documents = Documents::parse(store).unwrap();
    assert!(documents.rules.len() >= 4 && documents.segments.len() >= 3);
    let found = Documents::parse(r#"{"rules": {}, "flags": []}"#).unwrap_err();
    let places: Vec<&str> = found.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(places, ["/flags", "/rules"]);
    assert_eq!(Documents::parse("{").unwrap_err()[0].code, "malformed");
}
