//! `footfall simulate` as it is used: what it prints, how it compares, and how it ends.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn simulate(arguments: &[&str]) -> (String, String, Option<i32>) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_footfall")).arg("simulate").args(arguments).output().unwrap();
    (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap(), status.code())
}

fn written(name: &str, value: &Value) -> String {
    let file: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, value.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

fn rules() -> Value {
    json!([
        {"id": "proof", "pattern": {"dwell": {"for": "60s", "where": {"page.kind": "product"}}},
         "condition": {"cart.count": 0, "$or": [{"geo.country": "DE"}, {"$not": {"device.kind": "mobile"}}]},
         "limits": {"per_session": 1}, "actions": [{"push": {"slot": "side", "content": {"text": "popular"}}}]},
        {"id": "twice", "pattern": {"count": {"of": {"event": {"name": "product_viewed"}}, "at_least": 2, "within": "1h"}},
         "actions": [{"push": {"slot": "side", "content": {"text": "{{event.properties.sku}} again"}}}]},
    ])
}

fn story(expect: &Value) -> Value {
    json!({"name": "a minute", "expect": expect, "steps": [
        {"at": "0s", "page": {"path": "/p/tent", "kind": "product"}},
        {"at": "5s", "track": "Product Viewed", "properties": {"sku": "tent"}},
        {"at": "7s", "track": "Product Viewed", "properties": {"sku": "tent"}},
        {"at": "30s"}
    ]})
}

#[test]
fn a_story_that_comes_out_as_written_is_told_with_what_made_each_rule_fire() {
    let site = written("simulate-rules.json", &rules());
    let scenario = written("simulate-good.json", &story(&json!([{"at": "7s", "rule": "twice"}])));
    let (out, error, code) = simulate(&["--rules", &site, &scenario]);
    assert_eq!((code, error.as_str()), (Some(0), ""), "{out}");
    for line in [
        "          0s  session 1 starts\n",
        "              proof waits (dwell) in tab 1, due at 1m\n",
        "          7s  event product_viewed (visitor, tab 1)\n              FIRES twice: made by product_viewed at 5s, product_viewed at 7s\n",
        "                in side: {\"text\":\"tent again\"}\n",
    ] {
        assert!(out.contains(line), "{line} in:\n{out}");
    }
    assert!(out.ends_with("as expected: 1 thing, and nothing else\n"), "{out}");
}

#[test]
fn what_is_not_as_expected_is_said_and_ends_with_1() {
    let site = written("simulate-bad-rules.json", &rules());
    let good = written("simulate-bad-good.json", &story(&json!([{"at": "7s", "rule": "twice"}])));
    let bad = written("simulate-bad.json", &story(&json!([{"at": "20s", "rule": "proof"}])));
    let (out, _, code) = simulate(&["--rules", &site, &good, &bad]);
    assert_eq!(code, Some(1));
    assert!(out.contains("as expected: 1 thing"), "{out}");
    assert!(out.contains("NOT AS EXPECTED: 2 differences\n"), "{out}");
    assert!(out.contains(&format!("{bad}: /expect/0: at 20s it is expected that rule `proof` fires")), "{out}");
    assert!(out.contains(&format!("{bad}: at 7s this is not expected: FIRES twice")), "{out}");
    let (out, _, code) = simulate(&["--json", "--rules", &site, &good, &bad]);
    assert_eq!(code, Some(1));
    let told: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&told[0]["passed"], &told[1]["passed"]), (&json!(true), &json!(false)));
    assert_eq!(told[1]["differences"][0]["pointer"], "/expect/0");
    assert_eq!(told[1]["timeline"]["rules"], json!(["proof", "twice"]));
}

#[test]
fn a_rule_is_explained_at_the_end_as_a_tree_in_words() {
    let site = written("simulate-explain-rules.json", &rules());
    let scenario = written("simulate-explain.json", &story(&json!([{"at": "7s", "rule": "twice"}])));
    let (out, _, code) = simulate(&["--rules", &site, "--explain", "proof", &scenario]);
    assert_eq!(code, Some(0));
    let tree = "proof, at 2026-11-21T10:00:30Z
  pattern: dwell
    for: 1m
    where page.kind \"product\": holds, it is \"product\"
    clocks
      tab: 1
      left: 30s
      due at: 2026-11-21T10:01:00Z
  condition: all of: holds
    any of: holds
      geo.country \"DE\": does not hold, it is not there
      not: holds
        device.kind \"mobile\": does not hold, it is not there
    cart.count 0: holds, it is 0
  limits: per_session
    allows: yes
    used: 0
    most: 1
  everything but its pattern lets it fire now
  → fires in 30 s unless its condition {\"page.kind\":\"product\"} stops holding
";
    assert!(out.contains(tree), "{out}");
    let (out, _, _) = simulate(&["--rules", &site, "--explain", "prof", &scenario]);
    assert!(out.contains("prof: there is no such rule\n"), "{out}");
    let (out, _, _) = simulate(&["--rules", &site, "--json", "--explain", "twice", &scenario]);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["explained"]["fired"]["count"], 1);
}

#[test]
fn faults_name_the_file_and_the_place_in_it() {
    let scenario = written(
        "simulate-fault.json",
        &json!({"rules": [{"id": "r"}], "steps": [{"at": "soon", "page": {"path": "/"}}, {"at": "1s", "hop": 1}]}),
    );
    let (out, _, code) = simulate(&[&scenario]);
    assert_eq!(code, Some(1));
    for line in ["/rules/0/pattern: missing: ", "/steps/0/at: invalid: ", "/steps/1/hop: unknown_member: "] {
        assert!(out.contains(&format!("{scenario}: {line}")), "{line} in:\n{out}");
    }
    let site = written("simulate-fault-rules.json", &json!([{"id": "r"}]));
    let (out, _, code) = simulate(&["--rules", &site, &scenario]);
    assert_eq!(code, Some(1));
    assert!(out.contains(&format!("{site}: /0/pattern: missing: ")), "{out}");
    let (out, _, code) = simulate(&["--json", &scenario]);
    assert_eq!(code, Some(1));
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["faults"].as_array().unwrap().len(), 4, "{told:#}");
}

#[test]
fn what_cannot_be_read_ends_with_2() {
    let (_, error, code) = simulate(&["no-such-file.json"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("no-such-file.json cannot be read"), "{error}");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("simulate-no-json.json");
    std::fs::write(&file, "{\"steps\": [").unwrap();
    let (_, error, code) = simulate(&[file.to_str().unwrap()]);
    assert_eq!(code, Some(2));
    assert!(error.contains("this is not JSON"), "{error}");
}
