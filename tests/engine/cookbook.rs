//! The rules of the documentation: each compiles without a warning, fires in a scenario, and stays silent in another.

use footfall::engine::rules::{RuleSet, compile, warnings, warnings_among};
use footfall_protocol::{Object, Value};
use footfall_simulator::{Documents, Scenario};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// One fenced block of a page: what it says it is, its text, and the line where it begins.
struct Block {
    kind: String,
    text: String,
    line: usize,
}

/// The `json` blocks below each heading of a page.
fn sections(page: &str) -> Vec<(String, Vec<Block>)> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page)).unwrap();
    let mut sections: Vec<(String, Vec<Block>)> = vec![(String::new(), Vec::new())];
    let mut open: Option<Block> = None;
    for (at, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(kind)) => open = Some(Block { kind: kind.to_owned(), text: String::new(), line: at + 1 }),
            (Some(_), Some(_)) => sections.last_mut().unwrap().1.extend(open.take()),
            (Some(block), None) => block.text.extend([line, "\n"]),
            (None, None) if line.starts_with("##") => {
                sections.push((line.trim_matches(['#', ' ']).to_owned(), Vec::new()));
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{page}: a block is not closed");
    sections
}

fn documents(blocks: &[Block], kind: &str) -> Vec<Value> {
    let read = |block: &Block| {
        let value = serde_json::from_str(&block.text);
        value.unwrap_or_else(|error| panic!("line {}: {error}", block.line))
    };
    blocks.iter().filter(|block| block.kind == format!("json {kind}")).map(read).collect()
}

fn id(document: &Value) -> String {
    document.get("id").and_then(Value::as_str).unwrap().to_owned()
}

/// Neither a fault nor, in any document by itself, a warning.
fn check(rules: &[Value], segments: &[Value]) -> RuleSet {
    let (set, faults) = compile(rules, segments, &[]);
    assert!(faults.is_empty(), "{:?}: {faults:#?}", rules.iter().map(id).collect::<Vec<_>>());
    for document in rules.iter().chain(segments) {
        assert_eq!(warnings(document), [], "{}", id(document));
    }
    set
}

#[test]
fn every_rule_of_the_cookbook_compiles_alone_and_beside_all_others() {
    let (mut rules, mut segments) = (Vec::new(), Vec::new());
    for (_, blocks) in sections("cookbook.md") {
        let own = documents(&blocks, "segment");
        for rule in documents(&blocks, "rule") {
            check(std::slice::from_ref(&rule), &own);
            rules.push(rule);
        }
        segments.extend(own);
    }
    assert!(rules.len() >= 40, "{} rules", rules.len());
    let set = check(&rules, &segments);
    assert_eq!(warnings_among(&set), []);
}

#[test]
fn every_scenario_of_the_cookbook_comes_out_as_written() {
    let mut wrong = Vec::new();
    for (heading, blocks) in sections("cookbook.md") {
        let site =
            Documents { rules: documents(&blocks, "rule"), segments: documents(&blocks, "segment"), stages: vec![] };
        let mut fired = BTreeSet::new();
        let mut silent = BTreeSet::new();
        for block in blocks.iter().filter(|block| block.kind == "json scenario") {
            let at = format!("{heading}, line {}", block.line);
            let scenario = Scenario::parse(&block.text).unwrap_or_else(|faults| panic!("{at}: {faults:#?}"));
            assert!(scenario.expect.is_some(), "{at}: nothing is expected");
            let rules = scenario.rule_set(&site).unwrap_or_else(|faults| panic!("{at}: {faults:#?}"));
            let timeline = scenario.run(rules.clone());
            assert_eq!(timeline, scenario.run_evicting(rules), "{at}: an eviction changes it");
            let differences = scenario.differences(&timeline);
            if !differences.is_empty() {
                wrong.push(format!("{at}\n{differences:#?}\n{timeline}"));
            }
            let names: BTreeSet<String> = timeline.firings().map(|(_, rule)| rule.to_owned()).collect();
            silent.extend(timeline.rules.iter().filter(|rule| !names.contains(*rule)).cloned());
            fired.extend(names);
        }
        for rule in site.rules.iter().map(id) {
            if !fired.contains(&rule) || !silent.contains(&rule) {
                wrong.push(format!(
                    "{heading}: `{rule}` needs a scenario in which it fires and one in which it does not"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} scenarios\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_scenario_that_explains_scenarios_comes_out_as_written() {
    let sections = sections("scenarios.md");
    let blocks: Vec<&Block> =
        sections.iter().flat_map(|(_, blocks)| blocks).filter(|block| block.kind == "json scenario").collect();
    assert_eq!(blocks.len(), 1);
    let scenario = Scenario::parse(&blocks[0].text).unwrap();
    let timeline = scenario.run(scenario.rule_set(&Documents::default()).unwrap());
    assert_eq!(scenario.differences(&timeline), []);
    assert_eq!(timeline.firings().count(), 1);
}

/// A rule around a pattern, with an action that reads nothing.
fn around(pattern: Value) -> Value {
    let action = r#"[{"push": {"slot": "s", "content": {"text": "x"}}}]"#;
    let members = [("id", "shown".into()), ("pattern", pattern), ("actions", serde_json::from_str(action).unwrap())];
    Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Object>())
}

#[test]
fn the_rules_and_patterns_shown_in_the_language_s_page_compile() {
    let (mut rules, mut patterns) = (0, 0);
    for (_, blocks) in sections("rules.md") {
        for rule in documents(&blocks, "rule") {
            check(&[rule], &[]);
            rules += 1;
        }
        for pattern in documents(&blocks, "pattern") {
            // The page's own names of events and segments need not be known to the vocabulary.
            let (_, faults) = compile(&[around(pattern.clone())], &[], &[]);
            assert!(faults.is_empty(), "{}: {faults:#?}", serde_json::to_string(&pattern).unwrap());
            patterns += 1;
        }
    }
    assert!(rules >= 1 && patterns >= 10, "{rules} rules, {patterns} patterns");
}
