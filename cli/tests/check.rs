//! `footfall check` as it is used: the forms of files that it reads, and what it says of them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn check(files: &[&Path]) -> (String, String, Option<i32>) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_footfall")).arg("check").args(files).output().unwrap();
    (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap(), status.code())
}

fn written(name: &str, text: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, text).unwrap();
    file
}

const RULE: &str = r#"{"id": "r", "pattern": {"event": {"name": "page_viewed"}}, "actions": [{"push": {"slot": "s", "content": {"a": 1}}}]}"#;

#[test]
fn the_demo_stores_rules_have_no_fault_and_no_warning() {
    let (out, error, code) = check(&[&Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/store/rules.json")]);
    assert_eq!((code, error.as_str()), (Some(0), ""), "{out}");
    assert!(out.ends_with(" documents, 0 faults, 0 warnings\n") && out.lines().count() == 1, "{out}");
}

#[test]
fn a_document_by_itself_is_known_by_its_members() {
    for (name, text, said) in [
        ("rule.json", RULE.replace("page_viewed", "page_veiwed"), ": /pattern/event/name: warning: unknown_event: "),
        ("segment.json", r#"{"id": "s", "when": {"cart.cuont": 1}}"#.to_owned(), ": /when/cart.cuont: unknown_field: "),
        ("stage.json", r#"{"id": "s", "rank": 1.5}"#.to_owned(), ": /rank: out_of_range: "),
        ("empty.json", "{}".to_owned(), ": /pattern: missing: "),
    ] {
        let file = written(name, &text);
        let (out, _, code) = check(&[&file]);
        assert!(out.contains(&format!("{}{said}", file.display())), "{out}");
        assert_eq!(code, Some(if said.contains("warning") { 0 } else { 1 }), "{out}");
    }
}

#[test]
fn every_fault_has_the_file_the_pointer_and_the_code() {
    let array = written("array.json", &format!(r#"[{RULE}, {{"id": "s", "when": {{"stage": {{"$in": "new"}}}}}}, 7]"#));
    let set = written(
        "set.json",
        &format!(
            r#"{{"rules": [{RULE}], "segments": [], "stages": [{{"id": "a", "rank": 0}}, {{"id": "b", "rank": 1, "enter": [{{"from": "c", "on": "page_viewed"}}]}}]}}"#
        ),
    );
    let (out, error, code) = check(&[&array, &set]);
    assert_eq!((code, error.as_str()), (Some(1), ""), "{out}");
    let (array, set) = (array.display(), set.display());
    let lines: Vec<&str> = out.lines().collect();
    for (line, begins) in lines.iter().zip([
        format!("{array}: /1/when/stage/$in: invalid: wants an array"),
        format!("{array}: /2: invalid: wants an object, not a number"),
        format!("{set}: /rules/0/id: duplicate: `r` is there already"),
        format!("{set}: /stages/1/enter/0/from: warning: unknown_stage: there is no stage `c`"),
        "6 documents, 3 faults, 1 warning".to_owned(),
    ]) {
        assert!(line.starts_with(&begins), "{line}\n{begins}");
    }
    assert_eq!(lines.len(), 5, "{out}");
}

#[test]
fn what_holds_no_documents_is_refused() {
    for (name, text, said) in [
        ("syntax.json", "{\"id\": }", "is not JSON that can be used"),
        ("twice.json", r#"{"id": "a", "id": "b"}"#, "stands twice"),
        ("number.json", "7", "holds a number"),
        ("member.json", r#"{"rules": [], "rulse": []}"#, "/rulse does not belong"),
        ("object.json", r#"{"rules": {}}"#, "/rules does not belong"),
    ] {
        let (out, error, code) = check(&[&written(&format!("refused-{name}"), text)]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{name}");
        assert!(error.contains(said) && error.contains(name), "{error}");
    }
    let (_, error, code) = check(&[Path::new("no/such/file.json")]);
    assert!(code == Some(2) && error.contains("no/such/file.json cannot be read"), "{error}");
}
