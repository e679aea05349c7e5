//! The JSON Schema of authored documents: made from the types, told the truth by the compiler.
//! `UPDATE_CASES=1 cargo test --test schema` writes `docs/rule.schema.json` anew.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod documents;
mod mutations;
mod support;

use serde_json::Value;
use support::{root, schema};

#[test]
fn the_schema_tells_the_truth() {
    let path = root().join("docs/rule.schema.json");
    let text = format!("{:#}\n", schema());
    if std::env::var_os("UPDATE_CASES").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    // Not assert_eq: two whole schemas are no help.
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "write it anew: UPDATE_CASES=1 cargo test --test schema");
}

#[test]
fn the_schema_is_a_schema_and_every_reference_leads_somewhere() {
    let schema = schema();
    jsonschema::meta::validate(&schema).unwrap();
    let definitions = schema["$defs"].as_object().unwrap();
    let mut used = Vec::new();
    references(&schema, &mut used);
    for name in &used {
        assert!(definitions.contains_key(name), "nothing is at {name}");
    }
    for name in definitions.keys() {
        assert!(used.contains(name), "{name} is used by nothing");
    }
}

#[test]
fn everything_an_author_writes_is_described() {
    let schema = schema();
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        assert!(definition["description"].is_string(), "{name} says nothing");
        for (member, says) in definition["properties"].as_object().into_iter().flatten() {
            assert!(says["description"].is_string(), "{name}.{member} says nothing");
            assert!(!says["description"].as_str().unwrap().contains("limits::"), "{name}.{member}");
        }
    }
}

fn references(value: &Value, used: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            if let Some(name) = object.get("$ref").and_then(Value::as_str) {
                used.push(name.strip_prefix("#/$defs/").unwrap().to_owned());
            }
            object.values().for_each(|member| references(member, used));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, used)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
