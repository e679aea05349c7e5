//! An evaluation allocates nothing: counted by the global allocator, in a test binary of its own.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![expect(unsafe_code, reason = "an allocator that counts is one that is called")]

use footfall::engine::condition::{Compiler, Condition};
use footfall::engine::index::{ByName, Index, Scratch, Waits};
use footfall::engine::rules::compile;
use footfall::engine::tree::resolve_any;
use footfall::engine::{Config, Effect, Input, Settings, Visitor};
use footfall_protocol::Value;
use footfall_protocol::decode::decode_batch;
use footfall_protocol::event::{Authority, Delivery, Surroundings};
use footfall_protocol::ids::SiteId;
use footfall_protocol::record::RecordKind;
use serde_json::json;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use uuid::Uuid;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: everything is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}

/// Comparisons of every kind the index sorts values by, choices, lists, and many constants of one field.
fn conditions() -> Vec<Condition> {
    let authored = (0..2_000).map(|n| {
        let price = f64::from(n) / 3.0;
        let text = match n % 5 {
            0 => format!(r#"{{"page.kind": "kind-{}", "cart.value": {{"$gte": {price}}}, "sku": "s{n}"}}"#, n % 7),
            1 => format!(r#"{{"sku": {{"$in": ["s{n}", "t{n}"]}}, "cart.value": {{"$lt": {price}}}}}"#),
            2 => format!(
                r#"{{"$or": [{{"cart.value": {price}}}, {{"page.path": {{"$regex": "^/p{n}$"}}}}], "stage": "s"}}"#
            ),
            3 => format!(r#"{{"tags": {{"$in": ["x{n}"]}}, "page.kind": {{"$ne": "kind-1"}}}}"#),
            _ => format!(r#"{{"$not": {{"cart.value": {{"$lt": {price}}}}}, "cart.count": {{"$gt": {n}}}}}"#),
        };
        let value: Value = serde_json::from_str(&text).unwrap();
        Compiler::new(&resolve_any).condition(&value, "")
    });
    authored.collect()
}

#[test]
fn an_event_that_matches_nothing_allocates_nothing() {
    let conditions = conditions();
    let index = Index::new(conditions.iter());
    let waits = |condition| Waits { names: vec!["viewed"], conditions: vec![condition] };
    let by_name = ByName::new(&conditions.iter().map(waits).collect::<Vec<_>>());
    let scopes: Vec<Value> = (0..50)
        .map(|n| {
            let text = format!(
                r#"{{"page": {{"kind": "kind-9", "path": "/x"}}, "sku": "none-{n}", "cart": {{"value": -{n}, "count": 0}}, "stage": "t", "tags": ["y", "z"]}}"#
            );
            serde_json::from_str(&text).unwrap()
        })
        .collect();
    // The first evaluation makes room, and compiles an expression that a decoded rule has not compiled yet.
    let mut scratch = Scratch::default();
    assert!(allocations(|| assert_eq!(index.matches(&scopes[0], &mut scratch).count(), 0)) > 0, "the count counts");
    by_name.matches("viewed", &scopes[0], &mut scratch).count();
    for scope in &scopes {
        let (mut found, mut named) = (0, 0);
        let count = allocations(|| {
            found = index.matches(scope, &mut scratch).count();
            named = by_name.matches("viewed", scope, &mut scratch).count()
                + by_name.matches("other", scope, &mut scratch).count();
        });
        assert_eq!((found, named, count), (0, 0, 0));
    }
}

#[test]
fn an_event_that_matches_allocates_nothing_either() {
    let conditions = conditions();
    let index = Index::new(conditions.iter());
    let text = r#"{"page": {"kind": "kind-3"}, "sku": "s1201", "cart": {"value": 300, "count": 900}, "stage": "s"}"#;
    let scope: Value = serde_json::from_str(text).unwrap();
    let mut scratch = Scratch::default();
    let first = index.matches(&scope, &mut scratch).count();
    let mut again = 0;
    assert_eq!(allocations(|| again = index.matches(&scope, &mut scratch).count()), 0);
    assert!(again == first && first > 100, "{first}");
}

/// A rule whose `where` and `condition` never hold for the visitor at hand, each of another kind.
fn rule(n: u32) -> serde_json::Value {
    let pattern = match n % 6 {
        0 => json!({"event": {"name": "page_viewed", "where": {"event.properties.sku": format!("sku-{n}")}}}),
        1 => json!({"any": [{"event": {"name": ["page_viewed", "product_viewed"]}}, {"session": {"is": "started"}}]}),
        2 => {
            json!({"count": {"of": {"event": {"name": "page_viewed", "where": {"cart.count": {"$gt": n}}}}, "at_least": 2}})
        }
        3 => json!({"dwell": {"for": "1m", "where": {"page.path": format!("/p/{n}"), "cart.value": {"$gte": n}}}}),
        4 => json!({"stage": {"to": "carting", "where": {"profile.orders": {"$gt": n}}}}),
        _ => {
            json!({"event": {"name": "page_viewed", "where": {"cart.lines": {"$elemMatch": {"sku": format!("s{n}")}}}}})
        }
    };
    let condition = json!({"cart.value": {"$gt": n}, "geo.country": {"$in": ["DE", format!("x{n}")]}});
    json!({"id": format!("rule-{n}"), "pattern": pattern, "condition": condition, "limits": {"per_session": 1},
        "actions": [{"push": {"slot": "s", "content": {"text": "x"}}}]})
}

fn config(rules: u32) -> Config {
    let list = |documents: Vec<serde_json::Value>| -> Vec<Value> {
        documents.into_iter().map(|document| serde_json::from_value(document).unwrap()).collect()
    };
    let segments = (0..rules / 20).map(|n| json!({"id": format!("s{n}"), "when": {"cart.value": {"$gt": n}}}));
    let (rules, faults) = compile(&list((0..rules).map(rule).collect()), &list(segments.collect()), &[]);
    assert!(faults.is_empty(), "{faults:?}");
    Config { settings: Settings::default(), rules, version: 1 }
}

/// What each event of a visit allocates: page views of one tab.
fn visit(config: &Config) -> Vec<u64> {
    let site = SiteId::parse("demo").unwrap();
    let mut visitor = Visitor::new(site, Uuid::from_u128(1), Uuid::from_u128(2));
    let each = (0..20_u64).map(|n| {
        let body = json!({"type": "page", "messageId": n.to_string(), "anonymousId": "a",
            "properties": {"path": "/", "sku": "none"}, "context": {"tab": "t"}});
        let batch = decode_batch(body.to_string().as_bytes(), Authority::Visitor).unwrap();
        let events = batch.events.into_iter().map(|decoded| (decoded.index, decoded.event)).collect();
        let input = Input::Events(Delivery { events, surroundings: Surroundings::default() });
        let mut effects = Vec::new();
        let count = allocations(|| effects = visitor.handle(input, 1_000_000 + n, config));
        let rejected = effects.iter().any(|effect| matches!(effect, Effect::Reject(_)));
        assert!(!rejected && visitor.hot_records().iter().all(|record| record.kind != RecordKind::TriggerFired));
        count
    });
    each.collect()
}

#[test]
fn rules_that_an_event_does_not_match_allocate_nothing_in_a_live_visitor() {
    let (none, many) = (config(0), config(3_000));
    let without = visit(&none);
    // The first visit makes room, which the rule set keeps for all that come.
    let first = visit(&many);
    assert!(first[0] > without[0] && first[1..] == without[1..], "{first:?}, without rules {without:?}");
    assert_eq!(visit(&many), without);
}
