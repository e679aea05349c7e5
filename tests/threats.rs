//! The threat model names a test for each of its lines, and every endpoint has a line in the security tests.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(whole).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_line_of_the_threat_model_names_a_test_that_exists() {
    let page = read("docs/threats.md");
    let threats = page.split("## Threats").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows: Vec<&str> = threats.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 40, "{}", rows.len());
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [threat, stops, test] = cells.as_slice() else { panic!("three cells: {row}") };
        assert!(!threat.is_empty() && !stops.is_empty(), "{row}");
        let (file, name) = test.split_once("`: ").unwrap_or_else(|| panic!("`file`: name of the test: {row}"));
        let text = read(file.trim_start_matches('`'));
        let is_there = |before: &str, after: &str| text.contains(&format!("{before}{name}{after}"));
        let script = [("test(\"", "\""), ("describe(\"", "\""), ("test('", "'")];
        let found = script.iter().chain(&[("fn ", "(")]).any(|(before, after)| is_there(before, after));
        assert!(found, "{file} has no test `{name}`");
    }
}

/// Endpoints beside those of operators, as the router has them.
fn routed() -> BTreeSet<String> {
    let router = read("src/shell/router.rs");
    let mut found = BTreeSet::new();
    for arm in router.split("(None, \"").skip(1) {
        let (name, rest) = arm.split_once('"').unwrap();
        if let Some(method) = rest.strip_prefix(", Method::") {
            let method: String = method.chars().take_while(char::is_ascii_alphabetic).collect();
            found.insert(format!("{} /v1/{name}", method.to_uppercase()));
        }
    }
    // Those that bring events are told by a table of names.
    let names = router.split("let way = match name {").nth(1).unwrap().split("_ =>").next().unwrap();
    let names = names.split('"').skip(1).step_by(2).map(str::to_owned);
    let decoded = read("protocol/src/decode.rs");
    let kinds = decoded.split("Some(match name {").nth(1).unwrap().split("_ =>").next().unwrap();
    let kinds = kinds.split('"').skip(1).step_by(2).map(str::to_owned);
    found.extend(names.chain(kinds).map(|name| format!("POST /v1/{name}")));
    found
}

#[test]
fn every_endpoint_has_a_line_in_the_security_tests() {
    let listed: BTreeSet<String> = serde_json::from_str(&read("tests/cases/endpoints.json")).unwrap();
    let routed = routed();
    assert!(routed.len() > 20, "{routed:?}");
    let lacking: Vec<_> = routed.difference(&listed).collect();
    let invented: Vec<_> = listed.difference(&routed).collect();
    assert!(lacking.is_empty() && invented.is_empty(), "not in the list: {lacking:?}; not there: {invented:?}");
    let tests = read("tests/e2e/security/endpoints.test.mjs");
    assert!(tests.contains("cases/endpoints.json") && tests.contains("docs/openapi.json"));
}

/// Whatever else a lock file says: packages come from a registry and from no address of their own, and each crate has its
/// checksum.
#[test]
fn dependencies_come_from_the_registry_only() {
    for path in ["Cargo.lock", "tests/bench/Cargo.lock", "tests/fuzz/Cargo.lock"] {
        for package in read(path).split("[[package]]").skip(1) {
            let source = package.lines().find_map(|line| line.strip_prefix("source = "));
            let registry = source.is_some_and(|source| source.starts_with("\"registry+https://"));
            assert!(source.is_none() || (registry && package.contains("\nchecksum = ")), "{path}: {package}");
        }
    }
    let npm: serde_json::Value = serde_json::from_str(&read("package-lock.json")).unwrap();
    for (name, package) in npm["packages"].as_object().unwrap() {
        assert!(package.get("resolved").is_none() || package["link"] == true, "{name}");
    }
}
