//! Conditions against cases: GrowthBook's public ones, where they are present beside the project, and our own.

use footfall::engine::condition::Compiler;
use footfall::engine::tree::resolve_any;
use footfall_protocol::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Whether the condition holds, as the SDK answers: what is written wrong is false and stops nothing.
fn holds(condition: &Value, attributes: &Value, groups: &BTreeMap<String, Vec<Value>>) -> bool {
    let mut compiler = Compiler::new(&resolve_any);
    compiler.groups = Some(groups);
    compiler.condition(condition, "").holds(attributes)
}

/// Runs cases of [name, condition, attributes, expected, saved groups]; says which failed.
fn failures(cases: &[Value]) -> Vec<String> {
    let mut failed = Vec::new();
    for case in cases {
        let [name, condition, attributes, expected, saved @ ..] = case.as_array().unwrap() else { panic!("{case:?}") };
        let saved = saved.first().and_then(Value::as_object).into_iter().flat_map(|saved| saved.iter());
        let groups = saved.map(|(name, ids)| (name.to_owned(), ids.as_array().unwrap().to_vec())).collect();
        if Some(holds(condition, attributes, &groups)) != expected.as_bool() {
            failed.push(format!("{}: {}", name.as_str().unwrap(), serde_json::to_string(case).unwrap()));
        }
    }
    failed
}

#[test]
fn conditions_answer_as_the_public_cases_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/suites/growthbook-cases.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("not checked: growthbook-cases.json is not beside the project");
        return;
    };
    let suite: Value = serde_json::from_str(&text).unwrap();
    let cases = suite.get("evalCondition").unwrap().as_array().unwrap();
    let failed = failures(cases);
    let version = suite.get("specVersion").and_then(Value::as_str).unwrap_or_default();
    println!("{} of {} cases of specification {version} passed", cases.len() - failed.len(), cases.len());
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn conditions_answer_as_our_own_cases_say() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../cases/conditions.json")).unwrap();
    let failed = failures(&cases);
    assert!(failed.is_empty(), "{failed:#?}");
}
