//! `footfall conformance` as it is used: the public cases, our own, and files that are no cases.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// What the tool said and how it ended.
struct Run {
    out: String,
    error: String,
    code: Option<i32>,
}

impl Run {
    fn last_line(&self) -> &str {
        self.out.lines().last().unwrap_or_default()
    }
}

fn conformance(file: &Path) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_footfall")).arg("conformance").arg(file).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { out: text(output.stdout), error: text(output.stderr), code: output.status.code() }
}

/// Runs a file that holds this text.
fn conformance_of(name: &str, text: &str) -> Run {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, text).unwrap();
    conformance(&file)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_public_cases_pass() {
    let suite = root().join("../shared/suites/growthbook-cases.json");
    if !suite.exists() {
        println!("not checked: growthbook-cases.json is not beside the project");
        return;
    }
    let run = conformance(&suite);
    println!("{}", run.out);
    assert_eq!((run.code, run.error.as_str()), (Some(0), ""), "{}", run.out);
    assert!(run.last_line().ends_with(" passed, 0 failed") && !run.last_line().starts_with("0 "), "{}", run.out);
    assert!(run.out.contains("feature: not run and not counted: there are no flags yet"), "{}", run.out);
}

#[test]
fn our_own_cases_pass() {
    let run = conformance(&root().join("tests/cases/conditions.json"));
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.error);
    assert!(run.last_line().ends_with(" passed, 0 failed") && !run.last_line().starts_with("0 "), "{}", run.out);
}

#[test]
fn every_failure_is_named_with_what_was_expected_and_what_came_out() {
    let run = conformance_of(
        "failing.json",
        r#"{"specVersion": "0.8.0", "feature": [["left out"]], "tomorrow": 1,
            "evalCondition": [["right", {"a": 1}, {"a": 1}, true], ["wrong", {"a": 1}, {"a": 2}, true],
                              ["refused", {"a": {"$regex": "(?=a)"}}, {"a": "a"}, true]],
            "hash": [["", "a", 1, 0.22], ["", "a", 1, 0.23], ["", "a", 7, null]],
            "getBucketRange": [["thirds", [3, 1, null], [[0, 0.33333333], [0.33333333, 0.66666667], [0.66666667, 1]]],
                               ["halves", [2, 1], [[0, 0.5], [0.5, 0.9]]]],
            "chooseVariation": [["second", 0.7, [[0, 0.5], [0.5, 1]], 0]],
            "inNamespace": [["in", "1", ["namespace1", 0.4, 1], false]],
            "getEqualWeights": [[-1, []], [2, [0.5]]],
            "versionCompare": {"lt": [["0.9.99", "1.0.0", true]], "gt": [["1.0.0-rc.1", "1.0.0", true]], "eq": []}}"#,
    );
    assert_eq!((run.code, run.error.as_str()), (Some(1), ""));
    for line in [
        "FAILED evalCondition: wrong: expected true, came out false",
        "FAILED hash: \"a\" with seed \"\", version 1: expected 0.23, came out 0.22",
        "FAILED getBucketRange: halves: expected [[0,0.5],[0.5,0.9]], came out [[0,0.5],[0.5,1]]",
        "FAILED chooseVariation: second: expected 0, came out 1",
        "FAILED inNamespace: in: expected false, came out true",
        "FAILED getEqualWeights: 2 variations: expected [0.5], came out [0.5,0.5]",
        "FAILED versionCompare: \"1.0.0-rc.1\" gt \"1.0.0\": expected true, came out false",
        "evalCondition: 1 passed, 2 failed",
        "hash: 2 passed, 1 failed",
        "feature: not run and not counted: there are no flags yet",
        "tomorrow: not run and not counted: there is no such section",
    ] {
        assert!(run.out.lines().any(|said| said == line), "{line}\n{}", run.out);
    }
    let refused = "FAILED evalCondition: refused: expected true, came out false; invalid at /a/$regex: ";
    assert!(run.out.lines().any(|said| said.starts_with(refused) && said.contains("look-ahead")), "{}", run.out);
    assert_eq!(run.last_line(), "6 passed, 8 failed");
}

#[test]
fn a_file_that_is_not_in_the_format_is_refused_with_the_place() {
    for (name, text, said) in [
        ("syntax.json", "{", "JSON object of sections"),
        ("array.json", "[]", "JSON object of sections"),
        ("other.json", r#"{"rules": []}"#, "this has none of them"),
        ("version.json", r#"{"specVersion": 8, "hash": []}"#, "`specVersion` is a string"),
        ("section.json", r#"{"hash": {}}"#, "/hash is not a list of cases"),
        ("case.json", r#"{"hash": [["", "a", 1, 0.22], ["", "a"]]}"#, "/hash/1 is not a case of its section"),
        ("expected.json", r#"{"evalCondition": [["n", {}, {}, 1]]}"#, "/evalCondition/0 is not a case"),
        ("groups.json", r#"{"evalCondition": [["n", {}, {}, true, []]]}"#, "/evalCondition/0 is not a case"),
        ("twice.json", r#"{"evalCondition": [["n", {"a": 1, "a": 2}, {}, true]]}"#, "stands twice"),
        ("weights.json", r#"{"getBucketRange": [["n", [2, 1, ["x"]], []]]}"#, "/getBucketRange/0 is not a case"),
        ("many.json", r#"{"getEqualWeights": [[1e9, []]]}"#, "/getEqualWeights/0 is not a case"),
        ("orders.json", r#"{"versionCompare": {"ge": []}}"#, "/versionCompare/ge is not"),
    ] {
        let run = conformance_of(name, text);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{name}: {}", run.error);
        assert!(run.error.contains(said) && run.error.contains(name), "{name}: {}", run.error);
    }
    let run = conformance(Path::new("there/is/no/such.json"));
    assert_eq!(run.code, Some(2));
    assert!(run.error.contains("there/is/no/such.json cannot be read"), "{}", run.error);
}
