//! Random patterns of every kind, over what the random lives of the properties hold.

use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

const EVENTS: [&str; 9] = [
    "page_viewed",
    "page_hidden",
    "page_left",
    "product_viewed",
    "product_added",
    "product_removed",
    "checkout_started",
    "order_completed",
    "identified",
];

fn one<'a>(random: &mut StdRng, words: &[&'a str]) -> &'a str {
    words[random.random_range(0..words.len())]
}

fn event(random: &mut StdRng) -> Value {
    let mut inner = json!({"name": one(random, &EVENTS)});
    if random.random_range(0..4) == 0 {
        inner["where"] = json!({"cart.count": {"$gt": random.random_range(0..4)}});
    }
    json!({"event": inner})
}

/// A point of any kind.
pub(crate) fn point(random: &mut StdRng) -> Value {
    match random.random_range(0..10) {
        0 => json!({"session": {"is": one(random, &["started", "ended"])}}),
        1 => json!({"stage": {"to": one(random, &["browsing", "considering", "carting", "checkout", "purchased"])}}),
        2 => json!({"segment": {one(random, &["entered", "left"]): one(random, &["big-cart", "explorer"])}}),
        3 => json!({"any": [event(random), event(random)]}),
        _ => event(random),
    }
}

fn duration(random: &mut StdRng) -> &'static str {
    one(random, &["5s", "30s", "2m", "10m", "1h", "1d"])
}

fn within(random: &mut StdRng, inner: &mut Value) {
    match random.random_range(0..4) {
        0 => {}
        1 => inner["within"] = json!("session"),
        _ => inner["within"] = json!(duration(random)),
    }
}

fn by(random: &mut StdRng) -> &'static str {
    one(random, &["page.product.sku", "page.kind", "cart.count", "stage"])
}

fn sequence(random: &mut StdRng) -> Value {
    let correlates = random.random_range(0..2) == 0;
    let mut steps = Vec::new();
    let count = random.random_range(2..6);
    for at in 0..count {
        let mut step = point(random);
        if at > 0 && random.random_range(0..3) == 0 {
            step["within"] = json!(duration(random));
        }
        if at > 0 && correlates && random.random_range(0..3) == 0 {
            step["key"] = json!("other");
        }
        if at > 0 && random.random_range(0..4) == 0 {
            steps.push(json!({"not": point(random)}));
        }
        steps.push(step);
    }
    let mut inner = json!({"steps": steps, "contiguity": one(random, &["strict", "relaxed", "relaxed"]), "skip": one(random, &["past_last_event", "no_skip"])});
    if correlates {
        inner["by"] = json!(by(random));
    }
    within(random, &mut inner);
    json!({"sequence": inner})
}

fn count(random: &mut StdRng) -> Value {
    let mut inner = json!({"of": point(random), "at_least": random.random_range(1..5), "skip": one(random, &["past_last_event", "no_skip"])});
    for key in ["by", "distinct"] {
        if random.random_range(0..3) == 0 {
            inner[key] = json!(by(random));
        }
    }
    within(random, &mut inner);
    json!({"count": inner})
}

fn absence(random: &mut StdRng) -> Value {
    let mut inner = json!({"after": point(random), "for": duration(random), "from": one(random, &["last", "first"])});
    if random.random_range(0..3) > 0 {
        inner["of"] = point(random);
        if random.random() {
            inner["by"] = json!(by(random));
        }
    }
    json!({"absence": inner})
}

fn aggregate(random: &mut StdRng) -> Value {
    let function = one(random, &["count", "sum", "min", "max", "mean", "first", "last", "distinct", "most_frequent"]);
    let is = match function {
        "first" | "last" | "most_frequent" => json!("product"),
        _ => json!({one(random, &["$gte", "$lt"]): random.random_range(1..60)}),
    };
    let mut inner = json!({"of": point(random), "fn": function, "is": is});
    match function {
        "count" => {}
        "first" | "last" | "most_frequent" | "distinct" => inner["value"] = json!("page.kind"),
        _ => inner["value"] = json!("cart.value"),
    }
    within(random, &mut inner);
    json!({"aggregate": inner})
}

/// A pattern of any kind; `depth` 1 is the top.
pub(crate) fn pattern(random: &mut StdRng, depth: usize) -> Value {
    match random.random_range(0..if depth < 4 { 9 } else { 6 }) {
        0 => point(random),
        1 => json!({"dwell": {"for": duration(random), "where": {"page.kind": "product"}}}),
        2 => sequence(random),
        3 => count(random),
        4 => absence(random),
        5 => aggregate(random),
        6 => json!({"any": [pattern(random, depth + 2), pattern(random, depth + 2)]}),
        _ => {
            let mut of = vec![pattern(random, depth + 1)];
            for _ in 0..random.random_range(0..3) {
                let part = pattern(random, depth + 2);
                of.push(if random.random_range(0..3) == 0 { json!({"not": part}) } else { part });
            }
            let mut inner = json!({"of": of});
            within(random, &mut inner);
            json!({"all": inner})
        }
    }
}
