//! What authors are told about documents that are wrong.

use footfall::engine::rules::{
    Kind, RuleSet, compile, compile_rule, compile_segment, compile_stage, warnings, warnings_among,
};
use footfall_protocol::limits::RULEBOOK_FAULTS_MAX;
use footfall_protocol::{Object, Value};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

/// Each case: kind, document, and the faults that it must give, as [code, pointer, part of the message].
#[test]
fn every_fault_is_reported_at_once_with_its_place_and_advice() {
    let cases: Vec<serde_json::Value> = serde_json::from_str(include_str!("../cases/faults.json")).unwrap();
    for case in cases {
        let document: Value = serde_json::from_value(case["document"].clone()).unwrap();
        let faults = match case["kind"].as_str().unwrap() {
            "rule" => compile_rule(&document).err(),
            "segment" => compile_segment(&document).err(),
            _ => compile_stage(&document).err(),
        };
        let faults = faults.unwrap_or_default();
        let expected = case["faults"].as_array().unwrap();
        assert_eq!(faults.len(), expected.len(), "{}: {faults:#?}", case["name"]);
        for (fault, expected) in faults.iter().zip(expected) {
            assert_eq!(fault.code, expected[0].as_str().unwrap(), "{}: {fault:?}", case["name"]);
            assert_eq!(fault.pointer, expected[1].as_str().unwrap(), "{}: {fault:?}", case["name"]);
            assert!(fault.message.contains(expected[2].as_str().unwrap()), "{}: {fault:?}", case["name"]);
        }
    }
}

#[test]
fn a_bad_document_does_not_stop_the_good_ones() {
    let value = |v: serde_json::Value| serde_json::from_value::<Value>(v).unwrap();
    let good = value(json!({"id": "good", "when": {"cart.count": 1}}));
    let bad = value(json!({"id": "bad", "when": {"cart.cuont": 1}}));
    let (rules, faults) = compile(&[], &[bad, good.clone(), good], &[]);
    assert_eq!(rules.segments.len(), 1);
    let found: Vec<_> = faults.iter().map(|fault| (fault.kind, fault.index, fault.faults[0].code.as_ref())).collect();
    assert_eq!(found, [(Kind::Segment, 0, "unknown_field"), (Kind::Segment, 2, "duplicate")]);
}

#[test]
fn a_name_close_to_the_vocabulary_is_a_warning() {
    let rule =
        json!({"pattern": {"event": {"name": ["product_aded", "my own event", "Product Added", "add_to_cart"]}}});
    let warnings = warnings(&serde_json::from_value(rule).unwrap());
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0].pointer, "/pattern/event/name/0");
    assert!(warnings[0].message.contains("product_added"));
}

#[test]
fn documents_that_are_too_deep_too_large_or_too_many_are_refused() {
    let mut deep = Value::from("x");
    for _ in 0..20_000 {
        deep = Value::Array(vec![deep]);
    }
    let nested = |depth: usize| {
        let condition = (0..depth).fold(json!({"stage": "new"}), |inner, _| json!({"$not": inner}));
        serde_json::from_value::<Value>(json!({"id": "s", "when": condition})).unwrap()
    };
    let many = (0..201).map(|_| json!({"stage": "new"})).collect::<Vec<_>>();
    let large = json!({"id": "s", "when": {"page.path": {"$in": ["x".repeat(16 * 1024)]}}});
    let source = json!({"id": "s", "when": {"page.path": {"$regex": "x".repeat(513)}}});
    for (document, code) in [
        (serde_json::from_value(large).unwrap(), "too_large"),
        (serde_json::from_value(source).unwrap(), "too_long"),
        (serde_json::from_value(json!({"id": "s", "when": {"$or": many}})).unwrap(), "too_many"),
        (nested(13), "too_deep"),
        (nested(200), "too_deep"),
    ] {
        let faults = compile_segment(&document).unwrap_err();
        assert_eq!((faults.len(), faults[0].code.as_ref()), (1, code), "{faults:?}");
    }
    assert!(compile_segment(&nested(12)).is_ok());
    assert_eq!(compile_rule(&deep).unwrap_err()[0].code, "too_deep");
    // Dropping so deep a value recurses, which is the parser's business to prevent.
    std::mem::forget(deep);
    let wrong = Object::from_iter((0..200).map(|at| (format!("wrong{at}"), Value::Null)));
    assert_eq!(compile_rule(&wrong.into()).unwrap_err().len(), 50);
}

fn value(json: serde_json::Value) -> Value {
    serde_json::from_value(json).unwrap()
}

#[test]
fn of_many_faulty_documents_the_first_faults_are_told_and_the_good_ones_run() {
    let mut segments = vec![Value::Null; RULEBOOK_FAULTS_MAX + 1];
    segments.push(value(json!({"id": "good", "when": {}})));
    let (set, faults) = compile(&vec![Value::Null; 3], &segments, &[Value::Null]);
    assert_eq!(set.segments.len(), 1);
    assert_eq!(faults.iter().map(|of| of.faults.len()).sum::<usize>(), RULEBOOK_FAULTS_MAX);
    assert_eq!((faults[2].kind, faults.last().map(|of| of.kind)), (Kind::Rule, Some(Kind::Segment)));
}

#[test]
fn advice_about_thousands_of_unknown_segments_stays_short() {
    let segments: Vec<Value> = (0..200).map(|at| value(json!({"id": format!("{at:0>64}"), "when": {}}))).collect();
    let points: Vec<_> = (0..8).map(|_| json!({"segment": {"entered": "q"}})).collect();
    let steps: Vec<_> = (0..8).map(|_| json!({"any": points})).collect();
    let rule = |at| {
        value(json!({
            "id": format!("r{at}"),
            "pattern": {"sequence": {"steps": steps}},
            "actions": [{"push": {"slot": "s", "content": {"a": 1}}}]
        }))
    };
    let (set, faults) = compile(&(0..100).map(rule).collect::<Vec<_>>(), &segments, &[]);
    assert_eq!(faults, []);
    let warnings = warnings_among(&set);
    assert_eq!(warnings.len(), RULEBOOK_FAULTS_MAX);
    let bytes: usize =
        warnings.iter().map(|(_, id, fault)| id.len() + serde_json::to_string(fault).unwrap().len()).sum();
    assert!(bytes < 1_000_000, "{bytes} bytes");
    let listed = "there is no segment `q`; there are: 0000";
    assert!(warnings[0].2.message.starts_with(listed), "{:?}", warnings[0]);
    assert!(warnings[0].2.message.ends_with(" and 168 more"), "{:?}", warnings[0]);
}

/// Documents made by breaking good ones anywhere: compiling them ends, and never in a panic.
#[test]
fn compile_never_panics() {
    let good = json!({
        "id": "r", "name": "n", "priority": 1, "enabled": true,
        "pattern": {"event": {"name": ["a"], "where": {"event.properties.a.b": {"$elemMatch": {"$gt": 1}}, "$or": [{"cart.lines": {"$size": {"$gt": 1}}}]}}},
        "condition": {"$not": {"profile.traits.x": {"$regex": "^a(b|c)*$"}}, "page.path": {"$in": ["/"]}, "device.os": {"$vgte": "1.2.3"}},
        "limits": {"per_session": 1, "cap": {"count": 1, "per": "1h"}, "cooldown": "5m"},
        "actions": [{"push": {"slot": "s", "content": {"html": "{{cart.value | money}} \\{{ {{page.title | default: \"x\"}}"}, "expires": "1m"}}]
    });
    let point = json!({"any": [{"event": {"name": "a", "where": {"cart.count": 1}}}, {"segment": {"left": "s"}}, {"stage": {"to": ["b"]}}, {"session": {"is": "ended"}}]});
    let patterns = json!({
        "id": "p", "until": point,
        "pattern": {"any": [
            {"all": {"of": [{"not": {"dwell": {"for": "5s", "where": {"page.kind": "cart"}}}}, {"event": {"name": "b"}}], "within": "session"}},
            {"sequence": {"steps": [point, {"not": point}, {"event": {"name": "c"}, "within": "5m", "key": "other"}], "by": "page.path", "within": "1h", "contiguity": "strict", "skip": "no_skip"}},
            {"count": {"of": point, "at_least": 3, "distinct": "page.path", "by": "stage", "within": "1h"}},
            {"absence": {"after": point, "of": point, "for": "1h", "by": "page.path", "from": "first"}},
            {"aggregate": {"of": point, "fn": "mean", "value": "cart.value", "within": "1h", "is": {"$gte": 3}}},
            {"started": {}}
        ]},
        "actions": [{"push": {"slot": "s", "content": {"text": "x"}}}]
    });
    for document in [&good, &patterns] {
        compile_rule(&serde_json::from_value(document.clone()).unwrap()).unwrap();
    }
    let parts = [
        point.clone(),
        patterns["pattern"].clone(),
        json!({"started": {}}),
        json!({"not": {"event": {"name": "x"}}}),
        json!("session"),
        json!("event.name"),
        json!(null),
        json!(-1),
        json!(1e300),
        json!("{{"),
        json!("\u{1f600}|}}"),
        json!([]),
        json!({}),
        json!([[[[]]]]),
        json!({"$and": [{"$or": {}}]}),
        json!({"$in": 3}),
        json!({"$regex": "(((("}),
        json!({"a": {"$size": {"$size": 1}}}),
        json!("99999999999999999999d"),
        json!(true),
    ];
    let mut random = StdRng::seed_from_u64(3);
    for round in 0..6_000 {
        let mut document = if round % 2 == 0 { good.clone() } else { patterns.clone() };
        for _ in 0..random.random_range(1..4) {
            *somewhere(&mut document, &mut random) = parts[random.random_range(0..parts.len())].clone();
        }
        let document: Value = serde_json::from_value(document).unwrap();
        let _ = (compile_rule(&document), compile_segment(&document), compile_stage(&document), warnings(&document));
        let (set, _) = compile(std::slice::from_ref(&document), &[], &[]);
        let _ = warnings_among(&set);
        assert_eq!(RuleSet::decode(&set.encode()), Some(set));
    }
}

/// A random place in a document.
fn somewhere<'a>(value: &'a mut serde_json::Value, random: &mut StdRng) -> &'a mut serde_json::Value {
    let inside = match value {
        serde_json::Value::Object(map) => map.len(),
        serde_json::Value::Array(list) => list.len(),
        _ => 0,
    };
    if inside == 0 || random.random_range(0..4) == 0 {
        return value;
    }
    let at = random.random_range(0..inside);
    match value {
        serde_json::Value::Object(map) => somewhere(map.values_mut().nth(at).unwrap(), random),
        serde_json::Value::Array(list) => somewhere(&mut list[at], random),
        _ => unreachable!("only these two have something inside"),
    }
}
