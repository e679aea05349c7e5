//! Orders, and what is taken back of them.

use crate::sim::{SECOND, Sim};
use footfall_protocol::limits::LEDGER_MAX;
use serde_json::json;

#[test]
fn what_is_taken_back_of_an_order_is_all_of_it_unless_an_amount_is_said_and_never_more_than_it_earned() {
    let bought = ("Order Completed", json!({"order_id": "1", "revenue": 100}));
    let back = |name: &'static str, of: serde_json::Value| (name, of);
    let all = || back("Order Refunded", json!({"order_id": "1"}));
    let part = |of: u32| back("Order Refunded", json!({"order_id": "1", "total": of}));
    let gone = || back("Order Cancelled", json!({"order_id": "1", "total": 100}));
    let unpriced = back("Order Refunded", json!({"order_id": "1", "products": [{"sku": "tent"}]}));
    for (reversals, left) in [
        (vec![all()], 0),
        (vec![all(), all()], 0),
        (vec![gone(), part(100)], 0),
        (vec![part(30), part(30)], 40),
        (vec![part(30), all()], 0),
        (vec![all(), part(30)], 0),
        (vec![part(0)], 100),
        (vec![unpriced], 100),
        (vec![back("Order Refunded", json!({"order_id": "2"}))], 100),
        (vec![back("Order Refunded", json!({"order_id": "2", "total": 30}))], 70),
        (vec![back("Order Refunded", json!({"total": 30}))], 70),
    ] {
        for last in [false, true] {
            let mut events = reversals.clone();
            events.insert(if last { events.len() } else { 0 }, bought.clone());
            let mut sim = Sim::with_rules(json!([]));
            sim.evicts = true;
            for (name, properties) in events {
                sim.track("t", name, properties).pass(SECOND);
            }
            assert_eq!(sim.see("/profile/revenue"), json!(left), "{reversals:?}, the order last: {last}");
            sim.assert_log_tells_all("with reversals");
        }
    }
}

#[test]
fn what_an_order_was_taken_back_stays_so_when_there_are_many_others() {
    let mut sim = Sim::with_rules(json!([]));
    for name in ["Order Completed", "Order Cancelled", "Order Refunded"] {
        sim.track("t", name, json!({"order_id": "first", "total": 100})).pass(SECOND);
    }
    for n in 0..3 * LEDGER_MAX {
        sim.track("t", "Order Completed", json!({"order_id": n.to_string(), "total": 1})).pass(SECOND);
        assert_eq!(sim.see("/profile/revenue"), json!(n + 1));
    }
}

#[test]
fn an_order_that_is_reported_twice_counts_once_and_leaves_a_new_cart_alone() {
    let mut sim = Sim::with_rules(json!([]));
    sim.track("t1", "Product Added", json!({"sku": "a", "price": 3}));
    sim.track("t1", "Order Completed", json!({"order_id": "o", "total": 3}));
    sim.track("t1", "Product Added", json!({"sku": "b", "price": 5}));
    sim.track("", "Order Completed", json!({"order_id": "o", "total": 3}));
    assert_eq!((sim.see("/profile/orders"), sim.see("/cart/count")), (json!(1), json!(1)));
}
