//! An evaluation allocates nothing: counted by the global allocator, in a test binary of its own.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![expect(unsafe_code, reason = "an allocator that counts is one that is called")]

use footfall::engine::condition::{Compiler, Condition};
use footfall::engine::index::{ByName, Index, Scratch, Waits};
use footfall::engine::tree::resolve_any;
use footfall_protocol::Value;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

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
