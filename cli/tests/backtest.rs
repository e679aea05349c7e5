//! `footfall backtest` as it is used: what it finds in recordings, the forms that it reads, and what it says.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use flate2::Compression;
use flate2::write::GzEncoder;
use footfall::engine::rules::compile;
use footfall::engine::{Config, Settings};
use footfall_protocol::record::{RecordKind, record_id};
use footfall_simulator::{MINUTE, SECOND, START, Sim};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use uuid::Uuid;

fn backtest(arguments: &[&str], input: &str) -> (String, String, Option<i32>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_footfall"))
        .arg("backtest")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // One that does not read its input to the end is no fault of the test.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap(), status.code())
}

fn written(name: &str, bytes: impl AsRef<[u8]>) -> String {
    let file: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, bytes).unwrap();
    file.to_str().unwrap().to_owned()
}

fn push() -> Value {
    json!([{"push": {"slot": "s", "content": {"text": "t"}}}])
}

/// The rules under which the recording is made.
fn published() -> Value {
    json!([
        {"id": "dwell", "pattern": {"dwell": {"for": "60s", "where": {"page.kind": "product"}}}, "actions": push()},
        {"id": "gone", "actions": push(), "pattern": {"absence": {
            "after": {"event": {"name": "product_added"}}, "of": {"event": {"name": "order_completed"}}, "for": "10m"}}},
        {"id": "half", "pattern": {"event": {"name": "page_viewed"}}, "actions": push(),
            "limits": {"holdout": {"percent": 50}, "per_session": 1}},
        {"id": "ended", "pattern": {"session": {"is": "ended"}}, "actions": push()},
    ])
}

/// What is to be tried: `dwell` comes sooner, `gone` is gone, `half` is as before, and `search` is new.
fn draft() -> Value {
    let mut rules = published();
    rules[0]["pattern"]["dwell"]["for"] = json!("30s");
    rules[1] = json!({"id": "search", "pattern": {"event": {"name": "products_searched"}}, "actions": push()});
    rules
}

const VISITORS: u64 = 6;

/// A firing or a hold-out: its rule, visitor, time and outcome, as CSV says them.
type Line = (String, String, u64, String);

/// Six visitors as they lived, as rows; and what fired.
fn recorded() -> (Vec<Value>, Vec<Line>) {
    let documents: Vec<footfall_protocol::Value> = serde_json::from_value(published()).unwrap();
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    for at in 1..=VISITORS {
        let (rules, faults) = compile(&documents, &[], &[]);
        assert!(faults.is_empty(), "{faults:#?}");
        let id = Uuid::from_u128(at.into());
        let mut live = Sim::at(Config { settings: Settings::default(), rules, version: 1 }, START, id);
        live.pass(at * SECOND).connect("t", None).page("t", "product", "/p/tent").pass(40 * SECOND);
        if at % 2 == 0 {
            live.disconnect("t").pass(10 * SECOND).connect("t", None);
        }
        live.pass(25 * SECOND).track("t", "Product Added", json!({"sku": "tent", "price": 199.5}));
        if at % 3 == 0 {
            live.pass(MINUTE).track("t", "Order Completed", json!({"order_id": "1", "revenue": 199.5}));
        }
        live.disconnect("t").pass(60 * MINUTE).page("t", "home", "/").pass(60 * MINUTE);
        let incarnation = live.visitor.incarnation();
        for record in &live.made {
            let mut row = serde_json::to_value(record).unwrap();
            row["site"] = json!("demo");
            row["visitor"] = json!(id);
            row["incarnation"] = json!(incarnation);
            rows.push(row);
            let outcomes = [(RecordKind::TriggerFired, "fired"), (RecordKind::TriggerHeldOut, "held_out")];
            if let Some((_, outcome)) = outcomes.into_iter().find(|(kind, _)| *kind == record.kind) {
                lines.push((record.name.clone(), id.to_string(), record.at_ms, outcome.to_owned()));
            }
        }
    }
    (rows, lines)
}

fn ndjson(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

/// The lines of CSV for one rule set.
fn lines(csv: &str, set: &str) -> Vec<Line> {
    let of = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let [of, rule, visitor, _, _, at_ms, outcome] = cells[..] else { panic!("{line}") };
        (of == set).then(|| (rule.to_owned(), visitor.to_owned(), at_ms.parse().unwrap(), outcome.to_owned()))
    };
    csv.lines().skip(1).filter_map(of).collect()
}

#[test]
fn a_recording_replayed_under_its_own_rules_fires_the_same_for_the_same_visitors_at_the_same_times() {
    let (rows, expected) = recorded();
    let rules = written("own-rules.json", published().to_string());
    let records = written("own.ndjson", ndjson(&rows));
    let (out, error, code) = backtest(&["--rules", &rules, "--csv", &records], "");
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert_eq!(lines(&out, "rules"), expected);
    let names: std::collections::BTreeSet<&str> = expected.iter().map(|(rule, ..)| rule.as_str()).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["dwell", "ended", "gone", "half"], "each of them fires");
    assert!(expected.iter().any(|(.., outcome)| outcome == "held_out"), "{expected:?}");
}

#[test]
fn neither_the_form_of_the_file_nor_the_order_nor_repeats_change_what_is_found() {
    let (rows, expected) = recorded();
    let rules = written("form-rules.json", published().to_string());
    let database: Vec<Value> = rows
        .iter()
        .map(|row| {
            let mut row = row.clone();
            let incarnation = Uuid::parse_str(row["incarnation"].as_str().unwrap()).unwrap();
            row["id"] = record_id(incarnation, row["seq"].as_u64().unwrap()).into();
            row["data"] = row["data"].to_string().into();
            row.as_object_mut().unwrap().remove("seq");
            row
        })
        .collect();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(ndjson(&rows).as_bytes()).unwrap();
    let mut shuffled: Vec<Value> = rows.iter().rev().chain(&rows[10..20]).cloned().collect();
    shuffled.rotate_left(17);
    let pretty = serde_json::to_string_pretty(&json!([{"results": database, "success": true, "meta": {}}])).unwrap();
    for (name, bytes) in [
        ("form-shuffled.ndjson", ndjson(&shuffled).into_bytes()),
        ("form.ndjson.gz", packed.finish().unwrap()),
        ("form-rows.ndjson", ndjson(&database).into_bytes()),
        ("form-array.json", Value::Array(rows.clone()).to_string().into_bytes()),
        ("form-wrangler.json", pretty.into_bytes()),
    ] {
        let (out, error, code) = backtest(&["--rules", &rules, "--csv", &written(name, bytes)], "");
        assert_eq!((code, error.as_str()), (Some(0), ""), "{name}");
        assert_eq!(lines(&out, "rules"), expected, "{name}");
    }
    let (out, _, _) = backtest(&["--rules", &rules, "--csv", "-"], &ndjson(&rows));
    assert_eq!(lines(&out, "rules"), expected, "standard input");
    let halves = [written("form-1.ndjson", ndjson(&rows[..50])), written("form-2.ndjson", ndjson(&rows[50..]))];
    let (out, _, _) = backtest(&["--rules", &rules, "--csv", &halves[1], &halves[0]], "");
    assert_eq!(lines(&out, "rules"), expected, "two files");
}

#[test]
fn against_the_published_rules_it_says_what_differs_and_for_whom() {
    let (rows, expected) = recorded();
    let (draft, published) = (
        written("against-draft.json", draft().to_string()),
        written("against-published.json", published().to_string()),
    );
    let records = written("against.ndjson", ndjson(&rows));
    let (out, _, code) = backtest(&["--rules", &draft, "--against", &published, "--json", &records], "");
    assert_eq!(code, Some(0));
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["visitors"]["count"], 6);
    let rule = |id: &str| {
        told["rules"]
            .as_array()
            .unwrap()
            .iter()
            .find(|rule| rule["rule"] == id)
            .unwrap_or_else(|| panic!("{id}"))
            .clone()
    };
    let times = |id: &str| expected.iter().filter(|(rule, .., outcome)| rule == id && outcome == "fired").count();
    // Those who stay a minute see `dwell` sooner; nobody sees it at the old time.
    let dwell = rule("dwell");
    assert_eq!((&dwell["now"]["fired"], &dwell["before"]["fired"]), (&json!(6), &json!(times("dwell"))));
    assert_eq!((&dwell["only_now"], &dwell["only_before"]), (&json!(6), &json!(times("dwell"))));
    assert_eq!(dwell["now"]["first_ms"], json!(START + 31 * SECOND));
    assert_eq!(dwell["listed"][0]["visitor"], json!(Uuid::from_u128(1)));
    assert_eq!(dwell["listed"][0]["only_now"], json!([{"at_ms": START + 31 * SECOND, "held_out": false}]));
    assert_eq!((&rule("gone")["now"], &rule("gone")["before"]["fired"]), (&Value::Null, &json!(times("gone"))));
    assert_eq!((&rule("search")["before"], &rule("search")["now"]["fired"]), (&Value::Null, &json!(0)));
    assert_eq!(rule("half")["now"], rule("half")["before"]);
    assert_eq!(
        (&rule("half")["now"]["sessions"], &rule("half")["now"]["fired"]),
        (&json!(times("half")), &json!(times("half")))
    );
    assert_eq!(told["different"], json!(["dwell", "gone"]));

    let (out, _, code) = backtest(&["--rules", &draft, "--against", &published, "--list", "1", &records], "");
    assert_eq!(code, Some(0));
    let one = Uuid::from_u128(1);
    for line in [
        "6 visitors of demo, from 2026-11-21T10:00:01Z to ",
        "rule    fired  visitors  sessions  held out  first",
        "dwell       6         6         6         0  2026-11-21T10:00:31Z",
        "search      0         0         0         0  -",
        "compared  before  now  only now  only before  visitors",
        "2 rules the same as before",
        &format!("  {one}  only now: 2026-11-21T10:00:31Z  only before: 2026-11-21T10:01:01Z\n  and 5 more visitors\n"),
    ] {
        assert!(out.contains(line), "{line} in:\n{out}");
    }
}

#[test]
fn bad_lines_are_counted_and_named_and_the_rest_is_not_lost() {
    let (rows, expected) = recorded();
    let rules = written("bad-rules.json", published().to_string());
    let mut broken = rows[0].clone();
    broken["kind"] = json!("evnt");
    let mut unreadable = rows.iter().find(|row| row["kind"] == "event").unwrap().clone();
    unreadable["visitor"] = json!(Uuid::from_u128(99));
    unreadable["data"] = json!("{\"a\":1,\"a\":2}");
    let text = format!("nonsense\n{broken}\n\n{unreadable}\n{}{{\"site\":\"de", ndjson(&rows));
    let (out, _, code) = backtest(&["--rules", &rules, "--csv", "-"], &text);
    assert_eq!(code, Some(0));
    assert_eq!(lines(&out, "rules"), expected);
    let (out, _, _) = backtest(&["--rules", &rules, "-"], &text);
    assert!(out.contains(", 4 faulty\n"), "{out}");
    let last = rows.len() + 5;
    for line in
        ["  -:1: is no record: ", "  -:2: is no record: ", "  -:4: `data` cannot be read: ", &format!("  -:{last}: ")]
    {
        assert!(out.contains(line), "{line} in:\n{out}");
    }
    // Nothing but faults, or nothing at all, is no backtest.
    assert_eq!(backtest(&["--rules", &rules, "-"], "nonsense\n").2, Some(1));
    assert_eq!(backtest(&["--rules", &rules, "-"], "").2, Some(1));
}

#[test]
fn a_recording_that_is_not_whole_says_so() {
    let (rows, _) = recorded();
    let rules = written("part-rules.json", published().to_string());
    let some: Vec<Value> = rows
        .iter()
        .filter(|row| row["visitor"] != json!(Uuid::from_u128(1)) || row["seq"].as_u64().unwrap() > 2)
        .filter(|row| row["visitor"] != json!(Uuid::from_u128(2)) || row["seq"] != 4)
        .cloned()
        .collect();
    let (out, _, _) = backtest(&["--rules", &rules, "-"], &ndjson(&some));
    assert!(out.contains("  1 begin in the middle of what happened"), "{out}");
    assert!(out.contains("  1 have records missing in between"), "{out}");
}

#[test]
fn sites_are_kept_apart_and_their_settings_count() {
    let (mut rows, expected) = recorded();
    let rules = written("site-rules.json", published().to_string());
    let mut other = rows[0].clone();
    other["site"] = json!("other");
    rows.push(other);
    let records = ndjson(&rows);
    let (_, error, code) = backtest(&["--rules", &rules, "-"], &records);
    assert_eq!(code, Some(2));
    assert!(error.contains("several sites: say --site demo or other"), "{error}");
    let (out, _, _) = backtest(&["--rules", &rules, "--csv", "--site", "demo", "-"], &records);
    assert_eq!(lines(&out, "rules"), expected);
    // With sessions that end later, they end later.
    for settings in [r#"{"session_idle":"50m"}"#, r#"{"demo":{"session_idle":"50m"}}"#] {
        let arguments = ["--rules", &rules, "--csv", "--site", "demo", "--site-settings", settings, "-"];
        let (out, _, code) = backtest(&arguments, &records);
        assert_eq!(code, Some(0));
        let ended = |lines: &[Line]| lines.iter().find(|(rule, ..)| rule == "ended").unwrap().2;
        assert_eq!(ended(&lines(&out, "rules")), ended(&expected) + 20 * MINUTE);
    }
    for (settings, says) in [
        ("{", "is not JSON"),
        (r#"{"session_idle":"soon"}"#, "session_idle: `soon` is no duration"),
        (r#"{"other":{}}"#, "names no site `demo`"),
    ] {
        let arguments = ["--rules", &rules, "--site", "demo", "--site-settings", settings, "-"];
        let (_, error, code) = backtest(&arguments, &records);
        assert_eq!(code, Some(2));
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn time_goes_on_until_the_newest_record_or_as_long_as_is_said() {
    let (rows, _) = recorded();
    let rules = written("until-rules.json", published().to_string());
    let first: Vec<Value> = rows.into_iter().take(3).collect();
    assert!(first.iter().any(|row| row["name"] == "page_viewed"), "{first:?}");
    let dwells = |out: &str| lines(out, "rules").iter().filter(|(rule, ..)| rule == "dwell").count();
    let (out, _, _) = backtest(&["--rules", &rules, "--csv", "-"], &ndjson(&first));
    assert_eq!(dwells(&out), 0, "{out}");
    let arguments = ["--rules", &rules, "--csv", "--until", "2026-11-21T10:01:01Z", "-"];
    let (out, _, _) = backtest(&arguments, &ndjson(&first));
    assert_eq!(dwells(&out), 1, "{out}");
    assert_eq!(backtest(&["--rules", &rules, "--until", "soon", "-"], "").2, Some(2));
}

#[test]
fn progress_is_told_when_it_is_asked_for() {
    let (rows, _) = recorded();
    let rules = written("progress-rules.json", published().to_string());
    let (_, error, _) = backtest(&["--rules", &rules, "--progress", "-"], &ndjson(&rows));
    assert!(error.contains("6 of 6 visitors replayed, ") && error.contains(" a second, 0 s left"), "{error}");
}

#[test]
fn faults_of_rules_are_told_as_check_tells_them() {
    let good = written("fault-good.json", published().to_string());
    let bad = written("fault-bad.json", json!([{"id": "r"}]).to_string());
    for arguments in [["--rules", &bad, "--against", &good, "-"], ["--rules", &good, "--against", &bad, "-"]] {
        let (out, _, code) = backtest(&arguments, "");
        assert_eq!(code, Some(1));
        assert!(out.contains(&format!("{bad}: /0/pattern: missing: ")), "{out}");
    }
    let (_, error, code) = backtest(&["--rules", &good, "no-such.ndjson"], "");
    assert_eq!(code, Some(2));
    assert!(error.contains("no-such.ndjson cannot be read"), "{error}");
}
