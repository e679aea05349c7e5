//! Documents of the whole rule language, made by choices: nearly all of them are good.

mod condition;
mod pattern;

use super::bytes::Bytes;
pub use condition::{Setting, condition, field_path};
pub use pattern::{pattern, point};
use serde_json::{Map, Value, json};

/// Names of events that documents and visitors use.
pub const EVENTS: [&str; 10] = [
    "product_viewed",
    "product_added",
    "page_viewed",
    "checkout_started",
    "order_completed",
    "page_hidden",
    "my own",
    "Product Removed",
    "cart_viewed",
    "page_visible",
];
/// Segments that documents and visitors use.
pub const SEGMENTS: [&str; 3] = ["s0", "s1", "s2"];
const STAGES: [&str; 5] = ["new", "browsing", "considering", "carting", "checkout"];
const TIMES: [&str; 10] = ["1s", "5s", "20s", "60s", "10m", "30m", "1h", "24h", "7d", "90000ms"];

/// A duration.
pub fn time(bytes: &mut Bytes) -> Value {
    bytes.pick(&TIMES).into()
}

/// A window: a duration, or the session.
pub fn within(bytes: &mut Bytes) -> Value {
    if bytes.once_in(4) { "session".into() } else { time(bytes) }
}

/// One name or several.
pub fn names(bytes: &mut Bytes, of: &[&str]) -> Value {
    if !bytes.once_in(4) {
        return bytes.pick(of).into();
    }
    (0..1 + bytes.below(3)).map(|_| Value::from(bytes.pick(of))).collect()
}

/// Adds a member, once in so many.
pub fn maybe(
    bytes: &mut Bytes,
    once_in: usize,
    object: &mut Value,
    name: &str,
    make: impl FnOnce(&mut Bytes) -> Value,
) {
    if bytes.once_in(once_in) {
        object[name] = make(bytes);
    }
}

/// Whether a pattern occurs at nothing but events: its rule may then read them.
fn at_events_only(pattern: &Value) -> bool {
    let each = |value: &Value| value.as_array().is_some_and(|of| of.iter().all(at_events_only));
    let last = |steps: &Value| steps.as_array().and_then(|steps| steps.last()).is_some_and(at_events_only);
    pattern.get("event").is_some()
        || pattern.get("any").is_some_and(each)
        || pattern.get("sequence").is_some_and(|sequence| last(&sequence["steps"]))
        || ["count", "aggregate"].iter().any(|name| pattern.get(name).is_some_and(|of| at_events_only(&of["of"])))
}

/// A rule, the `at`th of some that refer to each other.
pub fn rule(bytes: &mut Bytes, at: usize) -> Value {
    let pattern = pattern(bytes, true);
    let setting = if at_events_only(&pattern) { Setting::Event } else { Setting::Still };
    let actions: Vec<Value> = (0..1 + bytes.below(3)).map(|_| action(bytes, setting)).collect();
    let mut rule = json!({"id": format!("r{at}"), "pattern": pattern, "actions": actions});
    maybe(bytes, 3, &mut rule, "condition", |bytes| condition(bytes, setting, 2));
    maybe(bytes, 3, &mut rule, "limits", limits);
    maybe(bytes, 6, &mut rule, "priority", |bytes| (i32::from(bytes.byte()) - 128).into());
    maybe(bytes, 8, &mut rule, "until", |bytes| point(bytes, 1));
    maybe(bytes, 8, &mut rule, "schedule", schedule);
    maybe(bytes, 20, &mut rule, "enabled", |bytes| bytes.once_in(2).into());
    maybe(bytes, 20, &mut rule, "name", |_| "A rule".into());
    rule
}

/// A segment, the `at`th of some.
pub fn segment(bytes: &mut Bytes, at: usize) -> Value {
    json!({"id": SEGMENTS[at % SEGMENTS.len()], "when": condition(bytes, Setting::Segment, 2)})
}

/// A stage, the `at`th of some.
pub fn stage(bytes: &mut Bytes, at: usize) -> Value {
    let way = |bytes: &mut Bytes| {
        let mut way = json!({});
        maybe(bytes, 2, &mut way, "from", |bytes| names(bytes, &STAGES));
        if bytes.once_in(5) {
            way["after_idle"] = time(bytes);
        } else {
            maybe(bytes, 2, &mut way, "on", |bytes| names(bytes, &EVENTS));
            maybe(bytes, 2, &mut way, "when", |bytes| condition(bytes, Setting::Event, 1));
        }
        way
    };
    let ways: Vec<Value> = (0..bytes.below(4)).map(|_| way(bytes)).collect();
    let rank = i32::from(bytes.byte());
    json!({"id": STAGES[at % STAGES.len()], "rank": rank, "enter": ways})
}

fn limits(bytes: &mut Bytes) -> Value {
    let mut limits = json!({});
    maybe(bytes, 3, &mut limits, "per_session", |bytes| (1 + bytes.below(3)).into());
    maybe(bytes, 4, &mut limits, "per_visitor", |bytes| (1 + bytes.below(5)).into());
    maybe(bytes, 3, &mut limits, "cooldown", time);
    maybe(bytes, 4, &mut limits, "cap", |bytes| json!({"count": 1 + bytes.below(50), "per": time(bytes)}));
    maybe(bytes, 4, &mut limits, "group", |bytes| {
        let mut group = json!({"name": bytes.pick(&["a", "b"])});
        maybe(bytes, 2, &mut group, "per", |bytes| {
            if bytes.once_in(2) { time(bytes) } else { bytes.pick(&["moment", "session"]).into() }
        });
        group
    });
    maybe(bytes, 8, &mut limits, "holdout", |bytes| {
        let mut holdout = json!({"percent": 1 + bytes.below(100)});
        maybe(bytes, 2, &mut holdout, "seed", |_| "autumn".into());
        holdout
    });
    limits
}

fn schedule(bytes: &mut Bytes) -> Value {
    let mut schedule = json!({});
    maybe(bytes, 3, &mut schedule, "from", |bytes| bytes.pick(&["2026-11-21T10:05", "2026-03-29T02:30"]).into());
    maybe(bytes, 3, &mut schedule, "until", |bytes| bytes.pick(&["2026-11-22T00:00", "2027-10-31T02:30"]).into());
    maybe(bytes, 3, &mut schedule, "days", |bytes| json!([bytes.pick(&["sat", "sun", "mon"]), "wed"]));
    maybe(bytes, 3, &mut schedule, "hours", |bytes| json!([bytes.pick(&["09:00-12:00", "22:00-02:00"])]));
    let zones = ["Europe/Berlin", "visitor", "UTC", "America/New_York"];
    maybe(bytes, 3, &mut schedule, "time_zone", |bytes| bytes.pick(&zones).into());
    schedule
}

/// What a rule does; other rules are those of the same set.
fn action(bytes: &mut Bytes, setting: Setting) -> Value {
    let other = |bytes: &mut Bytes| format!("r{}", bytes.below(8));
    match bytes.below(8) {
        0..3 => {
            let mut push = json!({"slot": bytes.pick(&["side", "banner"]), "content": content(bytes, setting)});
            maybe(bytes, 3, &mut push, "expires", time);
            maybe(bytes, 3, &mut push, "retract", |bytes| (!bytes.once_in(4)).into());
            json!({"push": push})
        }
        3 => {
            let (name, value) = (bytes.pick(&["tier", "n"]), bytes.below(5));
            let value = match value {
                0 => text(bytes, setting).into(),
                1 => Value::Null,
                2 => true.into(),
                value => value.into(),
            };
            json!({"set_trait": {"name": name, "value": value}})
        }
        4 => json!({"record": {"name": "noted", "data": content(bytes, setting)}}),
        5 => {
            let mut start = json!({"rule": other(bytes)});
            maybe(bytes, 2, &mut start, "after", time);
            json!({"start": start})
        }
        6 => json!({"delay": {"rule": other(bytes), "by": time(bytes)}}),
        _ => json!({"stop": {"rule": other(bytes)}}),
    }
}

fn content(bytes: &mut Bytes, setting: Setting) -> Value {
    let mut content = Map::new();
    for at in 0..1 + bytes.below(3) {
        let name = bytes.pick(&["text", "html", "title"]);
        let value = match bytes.below(4) {
            0 | 1 => Value::from(text(bytes, setting)),
            2 => json!([text(bytes, setting), at, null]),
            _ => json!({"deeper": text(bytes, setting)}),
        };
        content.insert(name.to_owned(), value);
    }
    content.into()
}

fn text(bytes: &mut Bytes, setting: Setting) -> String {
    let still = [
        "plain",
        "{{page.product.name}}",
        "{{cart.value | money}} in the cart",
        "{{profile.traits.n | default: \"nobody\" | upper}}",
        "\\{{ {{segments}}",
        "<b>{{page.title}}</b>",
        "{{session.total_seconds}}",
    ];
    let event = ["{{event.properties.sku}}", "{{event.name | upper}}"];
    let at = bytes.below(still.len() + if matches!(setting, Setting::Event) { event.len() } else { 0 });
    still.iter().chain(&event).nth(at).copied().unwrap_or_default().to_owned()
}
