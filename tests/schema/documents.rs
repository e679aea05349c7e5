//! The schema and the compiler agree on every document that stands anywhere in the repository.

use crate::support::{Document, errors, root, schema, validator};
use footfall::engine::rules::DEFAULT_STAGES;
use footfall_protocol::rule::{Documents, Pattern, Rule, Segment, Stage};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fs;

/// The fenced blocks of a page whose first line is that, as JSON.
fn blocks(page: &str, marks: &[&str]) -> Vec<Value> {
    let Ok(text) = fs::read_to_string(root().join(page)) else { return Vec::new() };
    let mut found = Vec::new();
    for block in text.split("\n```").skip(1).step_by(2) {
        let (mark, json) = block.split_once('\n').unwrap();
        if marks.contains(&mark.trim()) {
            found.push(serde_json::from_str(json).unwrap_or_else(|error| panic!("{page}: {error}: {json}")));
        }
    }
    found
}

/// A pattern as the pattern of a rule.
fn with_pattern(pattern: &Value) -> Value {
    json!({"id": "r", "pattern": pattern, "actions": [{"push": {"slot": "s", "content": {"text": "x"}}}]})
}

/// What kind of document it is, as the schema tells them apart.
fn kind(document: &Value) -> Document {
    let has = |name: &str| document.get(name).is_some();
    if has("when") {
        Document::Segment
    } else if has("rank") {
        Document::Stage
    } else {
        Document::Rule
    }
}

/// Every document that is shown or shipped, with where.
fn shown() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for page in ["docs/rules.md", "docs/cookbook.md"] {
        for document in blocks(page, &["json rule", "json segment", "json stage"]) {
            found.push((page.to_owned(), document));
        }
        for pattern in blocks(page, &["json pattern"]) {
            found.push((format!("{page}, a pattern"), with_pattern(&pattern)));
        }
    }
    for document in blocks("README.md", &["json"]).into_iter().filter(|document| document.get("pattern").is_some()) {
        found.push(("README.md".to_owned(), document));
    }
    let stages: Vec<Value> = serde_json::from_str(DEFAULT_STAGES).unwrap();
    found.extend(stages.into_iter().map(|stage| ("the default stages".to_owned(), stage)));
    let store: Value =
        serde_json::from_str(&fs::read_to_string(root().join("examples/store/rules.json")).unwrap()).unwrap();
    for list in ["rules", "segments", "stages"] {
        let documents = store[list].as_array().unwrap().iter();
        found.extend(documents.map(|document| (format!("examples/store/rules.json, {list}"), document.clone())));
    }
    found
}

#[test]
fn every_document_that_is_shown_compiles_and_is_valid() {
    let validator = validator(&schema());
    let shown = shown();
    assert!(shown.len() > 20, "the pages are there");
    for (place, document) in &shown {
        let faults = kind(document).faults(document);
        assert!(faults.is_empty(), "{place}: {faults:#?} in {document:#}");
        let errors = errors(&validator, document);
        assert!(errors.is_empty(), "{place}: {errors:#?} in {document:#}");
    }
}

#[test]
fn a_file_of_documents_is_valid_as_a_whole() {
    let store: Value =
        serde_json::from_str(&fs::read_to_string(root().join("examples/store/rules.json")).unwrap()).unwrap();
    let validator = validator(&schema());
    assert_eq!(errors(&validator, &store), [""; 0]);
    let wrong = json!({"rules": [{"id": "r"}]});
    assert!(!validator.is_valid(&wrong));
}

/// Reads a document into its type and writes it again.
fn round_trip<T: DeserializeOwned + Serialize>(document: &Value) -> Result<Value, serde_json::Error> {
    serde_json::to_value(serde_json::from_value::<T>(document.clone())?)
}

/// Numbers as the contract has them: 10 and 10.0 are one.
fn plain(value: &Value) -> footfall_protocol::Value {
    let value: footfall_protocol::Value = serde_json::from_value(value.clone()).unwrap();
    let mut text: Value = serde_json::to_value(&value).unwrap();
    text.sort_all_objects();
    serde_json::from_value(text).unwrap()
}

#[test]
fn every_document_that_is_shown_is_one_of_the_types() {
    for (place, document) in shown() {
        let again = match kind(&document) {
            Document::Rule => round_trip::<Rule>(&document),
            Document::Segment => round_trip::<Segment>(&document),
            Document::Stage => round_trip::<Stage>(&document),
        };
        let again = again.unwrap_or_else(|error| panic!("{place}: {error} in {document:#}"));
        assert_eq!(plain(&again), plain(&document), "{place}");
    }
    assert!(serde_json::from_value::<Documents>(json!({"rules": [], "rule": []})).is_err());
    assert!(serde_json::from_value::<Pattern>(json!({"dwell": {"for": "5s", "fro": "5s"}})).is_err());
}

/// Names of cases in tests/cases/faults.json whose faults the compiler alone can know, and why the schema cannot.
const COMPILER_ALONE: [(&str, &str); 6] = [
    ("a dwell of more than a day", "a duration's length is in its text"),
    ("braces that are not closed, and a filter that is not one", "templates are texts"),
    ("conditions that could take too long", "what a regular expression can cost is in its text"),
    ("money of what is no amount", "templates are texts"),
    ("patterns too deep and too many", "how deep patterns nest is counted over the whole rule"),
    ("zones are written as they are", "names of time zones are in a database"),
];

#[test]
fn every_fault_of_form_is_invalid_and_the_others_are_listed() {
    let cases: Vec<Value> =
        serde_json::from_str(&fs::read_to_string(root().join("tests/cases/faults.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    let validators = Document::ALL.map(|kind| (kind, kind.validator()));
    for case in &cases {
        let (name, of) = (case["name"].as_str().unwrap(), Document::of(case["kind"].as_str().unwrap()));
        assert!(!of.faults(&case["document"]).is_empty(), "{name}");
        let (_, validator) = validators.iter().find(|(kind, _)| *kind == of).unwrap();
        let alone = COMPILER_ALONE.iter().any(|(listed, _)| *listed == name);
        if validator.is_valid(&case["document"]) != alone {
            wrong.push(name);
        }
    }
    assert_eq!(wrong, [""; 0], "a fault that the schema does not see is listed, and no other");
    for (listed, why) in COMPILER_ALONE {
        assert!(cases.iter().any(|case| case["name"] == listed) && !why.is_empty(), "{listed}: there is no such case");
    }
}
