//! The rules that the tester publishes, and what it must know of them to foretell every push.
//!
//! They are those of a shop, with waiting times that a short run sees: four seconds on a product page stand for sixty,
//! fourteen for a page that is looked at until its visitor's object sleeps (which takes the platform ten).

use serde_json::{Value, json};

/// Something scarce was looked at: told at once.
pub const SCARCE: &str = "load-scarce";
/// Every third product that a visitor looks at.
pub const THIRD: &str = "load-third";
/// Something was put into a cart that is then worth at least [`FREE_SHIPPING`].
pub const CART: &str = "load-cart";
/// Something was put into the cart, and no checkout came for [`REMINDER_S`].
pub const REMINDER: &str = "load-reminder";

/// At most so many in stock are scarce.
pub const SCARCE_STOCK: u32 = 3;
/// A cart's value from which shipping is free.
pub const FREE_SHIPPING: u32 = 100;
/// The wait of the reminder, in seconds: longer than an object needs to fall asleep.
pub const REMINDER_S: u64 = 14;
/// On how many seconds of attention the rules of a day look.
pub const DWELLS_S: [u64; 2] = [4, 14];
/// On how many the rules of the sleepers look: every five seconds one, so that timers that are set over minutes are due in
/// the same five.
pub const SLEEPERS_DWELLS_S: [u64; 24] =
    [20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100, 105, 110, 115, 120, 125, 130, 135];

/// The rule of a dwell.
pub fn dwell(seconds: u64) -> String {
    format!("load-dwell-{seconds}")
}

/// The path of a product page on which the rule of that dwell looks.
pub fn path(seconds: u64, page: usize) -> String {
    format!("/p{seconds}/{page}")
}

fn push(key: &str) -> Value {
    json!([{ "push": { "slot": "load", "content": { "key": key } } }])
}

/// All rules, for dwells of these lengths.
pub fn documents(dwells_s: &[u64]) -> Vec<Value> {
    // Of one tab only: what several tabs send at once comes in either order, and which is the third would not be known.
    let viewed = json!({ "name": "product_viewed", "where": { "event.properties.counts": true } });
    let of_event = "{{event.properties.key}}";
    let mut rules = vec![
        json!({
            "id": SCARCE, "priority": 40, "actions": push(of_event),
            "pattern": { "event": { "name": "product_viewed", "where": { "event.properties.stock": { "$lte": SCARCE_STOCK } } } },
        }),
        json!({
            "id": THIRD, "priority": 30, "actions": push(of_event),
            "pattern": { "count": { "of": { "event": viewed }, "at_least": 3, "within": "session" } },
        }),
        json!({
            "id": CART, "priority": 20, "actions": push(of_event),
            "pattern": { "event": { "name": "product_added" } },
            "condition": { "cart.value": { "$gte": FREE_SHIPPING } },
        }),
        json!({
            "id": REMINDER, "priority": 10, "actions": push(""),
            "pattern": { "absence": {
                "after": { "event": { "name": "product_added" } }, "of": { "event": { "name": "checkout_started" } },
                "for": format!("{REMINDER_S}s"),
            } },
        }),
    ];
    rules.extend(dwells_s.iter().map(|seconds| {
        json!({
            "id": dwell(*seconds), "actions": push("{{page.path}}"),
            "pattern": { "dwell": {
                "for": format!("{seconds}s"),
                "where": { "page.kind": "product", "page.path": { "$regex": format!("^/p{seconds}/") } },
            } },
        })
    }));
    for rule in &mut rules {
        rule["name"] = rule["id"].clone();
    }
    rules
}
