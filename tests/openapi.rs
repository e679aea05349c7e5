//! The description of the admin surface in `docs/openapi.json` tells the truth: the same paths, methods and roles as the
//! table of routes, every problem that the code can answer with an example, and no reference that leads nowhere.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use footfall::access::admin::Role;
use footfall::access::routes::ROUTES;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn description() -> Value {
    serde_json::from_str(&fs::read_to_string(root().join("docs/openapi.json")).unwrap()).unwrap()
}

/// Every operation as (method, path, role).
fn operations(description: &Value) -> BTreeSet<(String, String, Option<String>)> {
    let mut found = BTreeSet::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters") {
            let role = operation.get("x-role").map(|role| role.as_str().unwrap().to_owned());
            let path = path.strip_prefix("/admin/v1/").unwrap();
            found.insert((method.to_uppercase(), path.to_owned(), role));
        }
    }
    found
}

#[test]
fn the_description_has_the_routes_of_the_code_and_no_others() {
    let role = |role: Option<Role>| role.map(|role| role.as_str().to_owned());
    let routes = ROUTES.iter().map(|route| (route.method.to_owned(), route.path.to_owned(), role(route.role)));
    let routes: BTreeSet<_> = routes.collect();
    let described = operations(&description());
    let lacking: Vec<_> = routes.difference(&described).collect();
    let invented: Vec<_> = described.difference(&routes).collect();
    assert!(lacking.is_empty() && invented.is_empty(), "not described: {lacking:?}; not there: {invented:?}");
}

/// Every (status, code) that a source file answers with.
fn problems_in(path: &Path, found: &mut BTreeSet<(u64, String)>) {
    let text = fs::read_to_string(path).unwrap();
    for call in text.split("Problem::new(").chain(text.split("Self::new(")).skip(1) {
        let mut words = call.splitn(3, ',');
        let status = words.next().unwrap().trim().parse();
        let code = words.next().and_then(|word| word.trim().strip_prefix('"')?.strip_suffix('"'));
        if let (Ok(status), Some(code)) = (status, code) {
            found.insert((status, code.to_owned()));
        }
    }
    for call in text.split("Problem::later(").skip(1) {
        let code = call.trim_start().strip_prefix('"').and_then(|word| word.split('"').next());
        found.extend(code.map(|code| (503, code.to_owned())));
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] }).collect()
}

#[test]
fn every_problem_of_the_admin_surface_has_an_example() {
    let shell = root().join("src/shell");
    let mut files = rust_files(&shell.join("rulebook_object"));
    files.extend(rust_files(&shell.join("log")));
    files.push(shell.join("visitor_object/look.rs"));
    let names = [
        "rulebook_object",
        "admin",
        "erasure",
        "export",
        "validation",
        "log",
        "letters",
        "incoming",
        "router",
        "deployment",
        "visitor_object",
        "reply",
    ];
    files.extend(names.iter().map(|name| shell.join(format!("{name}.rs"))));
    let mut answered = BTreeSet::new();
    files.iter().for_each(|file| problems_in(file, &mut answered));
    // A whole batch of events that is too long: the admin takes none.
    answered.remove(&(413, "batch_too_long".to_owned()));
    assert!(answered.len() > 15 && answered.contains(&(409, "base_changed".to_owned())), "{answered:?}");
    let description = description();
    let examples = description["components"]["examples"].as_object().unwrap();
    let described: BTreeSet<(u64, String)> = examples
        .values()
        .map(|example| {
            (example["value"]["status"].as_u64().unwrap(), example["value"]["code"].as_str().unwrap().to_owned())
        })
        .collect();
    let lacking: Vec<_> = answered.difference(&described).collect();
    let invented: Vec<_> = described.difference(&answered).collect();
    assert!(lacking.is_empty() && invented.is_empty(), "no example: {lacking:?}; never answered: {invented:?}");
}

#[test]
fn every_operation_says_what_can_go_wrong_and_every_reference_leads_somewhere() {
    let description = description();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters") {
            let has = |status: &str| operation["responses"].get(status).is_some();
            let at = format!("{method} {path}");
            assert!(has("500") && has("503"), "{at}");
            let named = operation.get("x-role").is_some();
            assert!(!named || has("401") && has("403") && has("404"), "{at}");
            // What is sent as it is read has no entity tag.
            assert!(method != "get" || has("304") || path.ends_with("/export"), "{at}");
            assert!(operation.get("requestBody").is_none() || has("400") && has("413") && has("415"), "{at}");
        }
    }
    let mut seen = 0;
    references(&description, &mut |reference| {
        seen += 1;
        assert!(description.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
    });
    assert!(seen > 100);
}

fn references(value: &Value, found: &mut impl FnMut(&str)) {
    match value {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                found(reference);
            }
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
