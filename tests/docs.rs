//! The reference in `docs/reference.md` is made from the code: this fails when it no longer tells the truth.
//! `UPDATE_CASES=1 cargo test --test docs` writes it anew.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use footfall::engine::rules::{DEFAULT_STAGES, compile_rule};
use footfall::engine::tree::{Kind, TREE};
use footfall_protocol::limits::{ADDRESS_RATE_COUNT, ADDRESS_RATE_S};
use footfall_protocol::vocabulary;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

fn reference() -> String {
    let mut text = String::from("# Reference\n\nMade from the code (`tests/docs.rs`).\n\n## The tree\n\n");
    text.push_str("What the conditions of rules, segments and stages read, and what templates fill in. A field without a value is `null`.\n\n| Field | Type | Meaning |\n|---|---|---|\n");
    for entry in TREE {
        let (path, says) = (entry.path, entry.says);
        let (path, kind) = match entry.kind {
            Kind::Text | Kind::OneOf(_) => (path.to_owned(), "string"),
            Kind::Number => (path.to_owned(), "number"),
            Kind::Money(_) => (path.to_owned(), "amount"),
            Kind::Flag => (path.to_owned(), "boolean"),
            Kind::List => (path.to_owned(), "array"),
            Kind::Open => (format!("{path}.*"), "any"),
        };
        let _ = writeln!(text, "| `{path}` | {kind} | {says} |");
    }
    text.push_str("\n## Limits\n\nA limit that can be configured says where; the others are the same everywhere.\n\n| Limit | Value | Meaning |\n|---|---|---|\n");
    let limits = fs::read_to_string(root().join("protocol/src/limits.rs")).unwrap();
    let mut says = String::new();
    for line in limits.lines() {
        if let Some(more) = line.strip_prefix("/// ") {
            says = if says.is_empty() { more.to_owned() } else { format!("{says} {more}") };
        } else if let Some(rest) = line.strip_prefix("pub const ") {
            let (name, rest) = rest.split_once(':').unwrap();
            let value = rest.split_once('=').unwrap().1.trim().trim_end_matches(';').replace('_', "");
            let value = if value.starts_with("BATCH") { "as `BATCH_EVENTS_MAX`".to_owned() } else { value };
            let _ = writeln!(text, "| `{name}` | {value} | {says} |");
            says.clear();
        } else {
            says.clear();
        }
    }
    text.push_str("\n## The vocabulary of events\n\nNames of Segment e-commerce v2, GA4 and Shopify's web pixels become these; any other name is kept as it is sent.\n\n");
    let names: Vec<String> = vocabulary::names().map(|name| format!("`{name}`")).collect();
    let _ = writeln!(text, "{}.", names.join(", "));
    let _ = writeln!(
        text,
        "\n## The default stages\n\nWhat a site has that has published no stages of its own.\n\n```json\n{DEFAULT_STAGES}\n```"
    );
    text
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_reference_tells_the_truth() {
    let path = root().join("docs/reference.md");
    let text = reference();
    if std::env::var_os("UPDATE_CASES").is_some() {
        fs::write(&path, &text).unwrap();
    }
    // Not assert_eq: two whole pages are no help.
    assert!(fs::read_to_string(&path).unwrap() == text, "write it anew: UPDATE_CASES=1 cargo test --test docs");
}

#[test]
fn the_rules_shown_in_the_readme_compile() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let mut shown = 0;
    for block in readme.split("```json\n").skip(1) {
        let json = block.split("```").next().unwrap();
        let document: footfall_protocol::Value = serde_json::from_str(json).unwrap();
        if document.get("pattern").is_some() {
            compile_rule(&document).unwrap();
            shown += 1;
        }
    }
    assert!(shown > 0);
}

/// The platform counts the requests of addresses: its configuration says what the contract says.
#[test]
fn the_rate_of_addresses_is_configured_as_it_is_documented() {
    let configuration = fs::read_to_string(root().join("wrangler.toml")).unwrap();
    let simple = format!("simple = {{ limit = {ADDRESS_RATE_COUNT}, period = {ADDRESS_RATE_S} }}");
    assert!(configuration.contains(&simple), "{simple}");
}

/// The page of the rule language shows patterns; each of them compiles.
#[test]
fn the_patterns_shown_in_the_rules_page_compile() {
    let page = fs::read_to_string(root().join("docs/rules.md")).unwrap();
    let mut shown = 0;
    for block in page.split("```json pattern\n").skip(1) {
        let pattern = block.split("```").next().unwrap();
        let rule = format!(
            r#"{{"id": "r", "pattern": {pattern}, "actions": [{{"push": {{"slot": "s", "content": {{"a": 1}}}}}}]}}"#
        );
        compile_rule(&serde_json::from_str(&rule).unwrap()).unwrap_or_else(|faults| panic!("{pattern}: {faults:#?}"));
        shown += 1;
    }
    assert!(shown > 10, "{shown}");
}
