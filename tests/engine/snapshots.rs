//! Snapshots of every version there ever was load for ever, and read the same.

use crate::sim::{HOUR, MINUTE, Sim, config};
use footfall::engine::user::{Content, Nested, Told, UserProfile};
use footfall::engine::{Input, SnapshotError, Stored, Visitor};
use footfall_protocol::event::Authority;
use footfall_protocol::ids::{Foreign, SiteId, visitor_of};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// The case of the present form.
const NEWEST: &str = "tests/cases/snapshots/0009.json";

/// A visitor with something in every section: partial matches of every kind, a start, a group, a push that may be taken
/// back and one that was.
fn lived() -> Sim {
    let pattern = |id: &str, pattern: Value| json!({"id": id, "pattern": pattern, "actions": [{"push": {"slot": "s", "content": {"a": 1}}}]});
    let event = |name: &str| json!({"event": {"name": name}});
    let rules = json!([
        {
            "id": "proof", "pattern": {"dwell": {"for": "60s", "where": {"page.kind": "product"}}}, "limits": {"cap": {"count": 2, "per": "24h"}},
            "actions": [{"push": {"slot": "side", "content": {"text": "{{page.product.name}}"}, "expires": "1h"}}]
        },
        pattern("sequence", json!({"sequence": {"steps": [event("product_added"), event("order_refunded")], "by": "event.name"}})),
        pattern("count", json!({"count": {"of": event("page_viewed"), "at_least": 9, "within": "1h", "distinct": "page.path"}})),
        pattern("absence", json!({"absence": {"after": event("order_completed"), "of": event("order_refunded"), "for": "7d"}})),
        pattern("window", json!({"aggregate": {"of": event("product_viewed"), "fn": "first", "value": "page.product.name", "within": "1h", "is": "Chair"}})),
        pattern("sum", json!({"aggregate": {"of": event("order_completed"), "fn": "sum", "value": "event.properties.revenue", "is": {"$gt": 500}}})),
        pattern("distinct", json!({"aggregate": {"of": event("page_viewed"), "fn": "distinct", "value": "page.path", "is": 5}})),
        pattern("most", json!({"aggregate": {"of": event("page_viewed"), "fn": "most_frequent", "value": "page.path", "within": "session", "is": "/"}})),
        pattern("max", json!({"aggregate": {"of": event("order_completed"), "fn": "max", "value": "event.properties.revenue", "is": 500}})),
        pattern("all", json!({"all": {"of": [event("order_completed"), {"any": [event("x"), {"dwell": {"for": "2h"}}]}], "within": "2d"}})),
        {
            "id": "offer", "pattern": event("product_viewed"), "condition": {"cart.count": 0}, "limits": {"group": {"name": "overlay", "per": "session"}},
            "actions": [{"push": {"slot": "top", "content": {"a": 1}, "expires": "1h", "retract": true}}]
        },
        {
            "id": "thanks", "pattern": event("order_completed"),
            "actions": [{"push": {"slot": "top", "content": {"a": 2}, "expires": "1h", "retract": true}}, {"start": {"rule": "review", "after": "7d"}}]
        },
        {"id": "review", "pattern": {"started": {}}, "actions": [{"record": {"name": "review"}}]}
    ]);
    // Stages of its own: a change of the defaults is no change of the stored form.
    let stages = json!([
        {"id": "new", "rank": 0},
        {"id": "lapsed", "rank": 5, "enter": [{"after_idle": "14d"}, {"on": "given up"}]},
        {"id": "browsing", "rank": 10, "enter": [{"from": "new", "on": "page_viewed"}]},
        {"id": "considering", "rank": 20, "enter": [{"from": "browsing", "on": "product_viewed"}]},
        {"id": "carting", "rank": 30, "enter": [{"from": "considering", "when": {"cart.count": {"$gt": 0}}}]},
        {"id": "checkout", "rank": 40, "enter": [{"on": "checkout_started"}]},
        {"id": "purchased", "rank": 50, "enter": [{"on": "order_completed"}]}
    ]);
    let mut sim = Sim::new(config(rules, json!([]), stages));
    sim.connect("t1", None).page("t1", "product", "/tent");
    sim.track(
        "t1",
        "Product Viewed",
        json!({"sku": "tent", "name": "Tent", "price": 199.5, "currency": "EUR", "category": "Outdoor"}),
    );
    sim.track("t1", "Product Added", json!({"sku": "tent", "price": 199.5, "quantity": 2, "currency": "EUR"}));
    sim.send_as(Authority::Source, vec![json!({"type": "identify", "userId": "u1", "traits": {"name": "Ada"}})]);
    sim.send(json!({"type": "group", "groupId": "g1", "traits": {"plan": "team"}}));
    sim.track("t1", "Order Completed", json!({"order_id": "o1", "revenue": 399}));
    sim.pass(2 * MINUTE).page("t2", "list", "/tents");
    let profile = UserProfile { id: "u1".into(), devices: 2, orders: 3, ..UserProfile::default() };
    let user = visitor_of(&SiteId::parse("demo").unwrap(), Foreign::User, "u1").unwrap();
    sim.input(Input::UserTold { incarnation: None, told: Told { user, version: 1, profile: Nested(profile) } });
    sim
}

/// Every case that was ever written: its file's name, what is in it, and its visitor.
fn cases() -> Vec<(String, Value, Visitor)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/snapshots");
    let case = |path: &Path| {
        let case: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let cold = case["cold"].as_object().unwrap().iter();
        let cold = cold.map(|(page, hex)| (page.parse().unwrap(), bytes(hex.as_str().unwrap())));
        let stored = Stored { hot: bytes(case["hot"].as_str().unwrap()), cold: cold.collect() };
        (path.display().to_string(), case, Visitor::load(&stored).unwrap())
    };
    let cases: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| case(&entry.unwrap().path())).collect();
    assert!(!cases.is_empty());
    cases
}

#[test]
fn every_version_that_was_ever_written_still_loads() {
    for (name, case, visitor) in cases() {
        let view = serde_json::to_value(visitor.inspection(0, &lived().config)).unwrap();
        assert_eq!(view, case["view"], "{name}");
    }
}

#[test]
fn what_an_earlier_version_counted_counts_for_the_user() {
    for (name, case, visitor) in cases() {
        let mut sim = lived();
        (sim.visitor, sim.keeps_letters) = (visitor, true);
        sim.pass(HOUR).send_as(Authority::Source, vec![json!({"type": "identify", "userId": "u9"})]).pass(MINUTE);
        let brings = sim.letters.iter().rev().find_map(|letter| match &letter.content {
            Content::Brings(contribution) => Some(serde_json::to_value(&contribution.0).unwrap()),
            _ => None,
        });
        let (brings, before) = (brings.expect("it is attested"), &case["view"]["profile"]);
        let entries = brings["ledger"]["entries"].as_array().unwrap().iter();
        let orders = entries.filter(|entry| entry["placed"] == true).count() as u64;
        let settled = brings["ledger"]["settled"][0].as_u64().unwrap();
        assert_eq!(Some(orders + settled), before["orders"].as_u64(), "{name}");
        assert!(brings["sessions"].as_u64() > before["sessions"].as_u64(), "{name}: {brings}");
    }
}

/// Fails when the stored form changes. Then: give the section a new version with a way to load the old one, keep the
/// old file, and write a new one (`UPDATE_CASES=1`).
#[test]
fn the_present_form_is_the_newest_case() {
    let sim = lived();
    let stored = sim.stored();
    let cold: serde_json::Map<String, Value> =
        stored.cold.iter().map(|(page, bytes)| (page.to_string(), json!(hex(bytes)))).collect();
    let view = serde_json::to_value(sim.visitor.inspection(0, &sim.config)).unwrap();
    let case = json!({"hot": hex(&stored.hot), "cold": cold, "view": view});
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(NEWEST);
    if std::env::var_os("UPDATE_CASES").is_some() {
        std::fs::write(&path, format!("{case:#}\n")).unwrap();
    }
    assert_eq!(sim.see("/timers").as_array().unwrap().iter().filter(|timer| timer["rule"].is_string()).count(), 4);
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(kept, case);
}

/// A disk writes those pages only whose bytes are others.
#[test]
fn records_that_wait_stay_where_they_are_or_move_by_whole_kilobytes() {
    let mut sim = Sim::with_rules(json!([]));
    sim.queue_is_up = false;
    let mut places = Vec::new();
    while sim.stored().hot.len() < 24 * 1_024 {
        sim.track("t1", "Looked", json!({"at": format!("number {}", places.len()), "text": "x".repeat(500)}));
        let stored = sim.stored();
        assert!(sim.see("/outbox/pages") == 0 && stored.cold.is_empty());
        places.push(stored.hot.windows(8).rposition(|bytes| bytes == b"number 0").unwrap());
    }
    assert!(places.iter().all(|at| at % 1_024 == places[0] % 1_024), "{places:?}");
    assert!(places.last().unwrap() - places[0] <= 2_048, "the state alone has grown: {places:?}");
}

/// SQLite keeps a long value's first 489 bytes on the page of its key, and 4,092 on each further page.
#[test]
fn an_ordinary_event_changes_the_first_of_its_rows_pages_seldom_and_few_of_the_others() {
    let mut sim = Sim::with_rules(json!([]));
    sim.page("t1", "home", "/");
    let pages = |bytes: &[u8]| -> Vec<Vec<u8>> {
        let (first, rest) = bytes.split_at(489);
        std::iter::once(first).chain(rest.chunks(4_092)).map(<[u8]>::to_vec).collect()
    };
    let (mut first, mut all) = (0, 0);
    for n in 0..60 {
        let before = pages(&sim.stored().hot);
        sim.pass(1).track("t1", "note", json!({"text": "x".repeat(100), "n": n}));
        let now = pages(&sim.stored().hot);
        let changed: Vec<usize> = (0..now.len()).filter(|at| before.get(*at) != now.get(*at)).collect();
        assert!(changed.len() <= 3, "{n}: {changed:?} of {}", now.len());
        first += usize::from(changed.contains(&0));
        all += changed.len();
    }
    assert!(first <= 2, "{first} events of 60 changed the first page");
    assert!(all <= 130, "60 events changed {all} pages");
}

#[test]
fn damage_is_an_error_and_never_a_panic() {
    let stored = lived().stored();
    assert_eq!(Visitor::load(&Stored::default()), Err(SnapshotError::Section(0)));
    for at in 0..stored.hot.len() {
        let mut broken = stored.clone();
        broken.hot[at] ^= 0xff;
        let _ = Visitor::load(&broken);
        broken.hot.truncate(at);
        assert!(Visitor::load(&broken).is_err(), "cut at {at}");
    }
    let mut later = stored;
    later.hot[0] = 9;
    assert_eq!(Visitor::load(&later), Err(SnapshotError::Version(9)));
}
