//! An explanation as an indented tree in words.

use footfall_protocol::{Object, Value};
use footfall_simulator::{offset_text, time_text};

/// The explanation of a rule, as [`footfall::engine::Visitor::explain`] gives it, for people; lines end with `\n`.
pub(crate) fn told(explanation: &Value) -> String {
    let mut tree = Tree(String::new());
    let Some(told) = explanation.as_object() else { return tree.0 };
    let rule = told.get("rule").and_then(Value::as_str).unwrap_or_default();
    if told.get("unknown").is_some() {
        return format!("{rule}: there is no such rule\n");
    }
    tree.line(0, &format!("{rule}, at {}", told.get("at_ms").map(time).unwrap_or_default()));
    for (key, value) in told.iter() {
        match (key, value) {
            ("rule" | "at_ms", _) | ("enabled", Value::Bool(true)) => {}
            ("condition", condition) => tree.condition(1, "condition: ", condition),
            ("would_fire", Value::Bool(true)) => tree.line(1, "everything but its pattern lets it fire now"),
            ("would_fire", _) => tree.line(1, "not only its pattern keeps it from firing now"),
            ("awaits", Value::Array(sentences)) => {
                for sentence in sentences.iter().filter_map(Value::as_str) {
                    tree.line(1, &format!("→ {sentence}"));
                }
            }
            (key, value) => tree.member(1, key, value),
        }
    }
    tree.0
}

struct Tree(String);

impl Tree {
    fn line(&mut self, depth: usize, text: &str) {
        self.0.extend(std::iter::repeat_n("  ", depth));
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn member(&mut self, depth: usize, key: &str, value: &Value) {
        let name = words(key);
        match value {
            Value::Object(_) if key == "where" => self.condition(depth, "where ", value),
            Value::Object(object) => {
                let kind = object.get("kind").or_else(|| object.get("limit")).and_then(Value::as_str);
                self.line(depth, &kind.map_or_else(|| name.clone(), |kind| format!("{name}: {kind}")));
                self.members(depth + 1, object);
            }
            // Nothing collected is best not said at all.
            Value::Array(items) if items.is_empty() => {}
            Value::Array(items) if items.iter().all(|item| item.as_object().is_some()) => {
                for (place, item) in items.iter().enumerate() {
                    let one = if items.len() == 1 { name.clone() } else { format!("{name} {}", place + 1) };
                    self.member(depth, &one, item);
                }
            }
            // As it was authored: `is` of an aggregate and the like.
            Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.line(depth, &format!("{name}: {}", scalar(key, value)));
            }
        }
    }

    fn members(&mut self, depth: usize, object: &Object) {
        for (key, value) in object.iter().filter(|(key, _)| !matches!(*key, "kind" | "limit")) {
            if key == "is" {
                self.line(depth, &format!("passes {}", json(value)));
            } else {
                self.member(depth, key, value);
            }
        }
    }

    fn condition(&mut self, depth: usize, before: &str, condition: &Value) {
        let held = condition.get("holds").and_then(Value::as_bool).unwrap_or_default();
        let holds = if held { "holds" } else { "does not hold" };
        if let Some(field) = condition.get("field").and_then(Value::as_str) {
            let test = condition.get("test").map(json).unwrap_or_default();
            let is =
                condition.get("value").map_or_else(|| "it is not there".to_owned(), |v| format!("it is {}", json(v)));
            return self.line(depth, &format!("{before}{field} {test}: {holds}, {is}"));
        }
        if let Some(part) = condition.get("not") {
            self.line(depth, &format!("{before}not: {holds}"));
            return self.condition(depth + 1, "", part);
        }
        for (key, says) in [("all", "all of"), ("any", "any of")] {
            let Some(parts) = condition.get(key).and_then(Value::as_array) else { continue };
            if parts.is_empty() {
                return self.line(depth, &format!("{before}none: {holds}"));
            }
            self.line(depth, &format!("{before}{says}: {holds}"));
            parts.iter().for_each(|part| self.condition(depth + 1, "", part));
        }
    }
}

/// A member's name without its unit, as words.
fn words(key: &str) -> String {
    key.trim_end_matches("_ms").replace('_', " ")
}

/// A value on one line; times and spans by the unit that the name ends with.
fn scalar(key: &str, value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(|item| scalar(key, item)).collect::<Vec<_>>().join(", "),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::String(text) => text.clone(),
        _ if key.ends_with("at_ms") || key == "until_ms" => time(value),
        _ if key.ends_with("_ms") || key == "window" => whole(value).map_or_else(|| json(value), offset_text),
        Value::Null | Value::Number(_) | Value::Object(_) => json(value),
    }
}

fn time(value: &Value) -> String {
    whole(value).map_or_else(|| json(value), time_text)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times are whole and positive")]
fn whole(value: &Value) -> Option<u64> {
    value.as_f64().filter(|number| *number >= 0.0).map(|number| number as u64)
}

fn json(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
