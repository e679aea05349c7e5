//! One authored rule → [`Rule`].

use super::reader::{Reader, below};
use super::{Action, Cap, Limits, Pattern, Rule};
use crate::engine::dedupe::fnv1a;
use crate::engine::template::Template;
use crate::engine::tree::Setting;
use footfall_protocol::limits::{
    ACTIONS_MAX, CAP_COUNT_MAX, DURATION_MS_MAX, DWELL_MS_MAX, FIRING_LIMIT_MAX, PRIORITY_MAX,
};
use footfall_protocol::{Object, Value, vocabulary};

/// How long a push is worth showing when its author does not say, in milliseconds: ten minutes.
const EXPIRES_DEFAULT_MS: u64 = 10 * 60 * 1_000;

const MEMBERS: [&str; 8] = ["id", "name", "priority", "enabled", "pattern", "condition", "limits", "actions"];

pub(super) fn rule(document: &Value, reader: &mut Reader) -> Option<Rule> {
    let object = reader.document(document, &MEMBERS)?;
    let id = reader.needed(object, "id", "", "a rule needs an `id`").map(|id| reader.id(id, "/id")).unwrap_or_default();
    reader.name(object, "");
    let authored =
        reader.needed(object, "pattern", "", "a rule needs a `pattern`: {\"event\": {…}} or {\"dwell\": {…}}");
    // What the pattern is decides what the rest of the rule can read.
    if authored.is_some_and(|pattern| pattern.get("dwell").is_some()) {
        reader.setting = Setting::Dwell;
    }
    let pattern = authored.and_then(|authored| pattern(authored, reader));
    let priority = object.get("priority").map(|value| reader.whole(value, "/priority", -PRIORITY_MAX, PRIORITY_MAX));
    let rule = Rule {
        pattern_key: pattern_key(&id, authored.unwrap_or(&Value::Null)),
        priority: priority.unwrap_or_default(),
        enabled: object.get("enabled").is_none_or(|value| reader.flag(value, "/enabled")),
        condition: reader.condition(object.get("condition"), "/condition"),
        limits: object.get("limits").map(|value| limits(value, reader)).unwrap_or_default(),
        actions: actions(object, reader),
        pattern: pattern?,
        id,
    };
    Some(rule)
}

/// FNV-1a of the id and the pattern as JSON with sorted keys: the same pattern, however it is laid out, has one key.
fn pattern_key(id: &str, pattern: &Value) -> u64 {
    let canonical = serde_json::to_string(&sorted(pattern)).unwrap_or_default();
    fnv1a(format!("{id}\n{canonical}").as_bytes())
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Object(object) => {
            let mut members: Vec<(&str, &Value)> = object.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            members.into_iter().map(|(key, value)| (key.to_owned(), sorted(value))).collect::<Object>().into()
        }
    }
}

fn pattern(value: &Value, reader: &mut Reader) -> Option<Pattern> {
    let object = reader.object(value, "/pattern", &["event", "dwell"])?;
    match (object.get("event"), object.get("dwell"), object.len()) {
        (Some(event), None, 1) => {
            let at = "/pattern/event";
            let event = reader.object(event, at, &["name", "where"])?;
            let names = reader.needed(event, "name", at, "an event pattern needs `name`: one event's name or several");
            let names = names.map(|names| event_names(names, "/pattern/event/name", reader));
            let holds = reader.condition(event.get("where"), "/pattern/event/where");
            Some(Pattern::Event { names: names?, holds })
        }
        (None, Some(dwell), 1) => {
            let at = "/pattern/dwell";
            let dwell = reader.object(dwell, at, &["for", "where"])?;
            let duration = reader.needed(dwell, "for", at, "a dwell needs `for`, a duration such as \"60s\"");
            let for_ms = duration.map(|duration| reader.duration(duration, "/pattern/dwell/for", DWELL_MS_MAX));
            let holds = reader.condition(dwell.get("where"), "/pattern/dwell/where");
            Some(Pattern::Dwell { for_ms: for_ms?, holds })
        }
        // A member that is neither was reported already.
        (None, None, 1) => None,
        _ => {
            reader.fault("/pattern", "invalid", "a pattern has exactly one member: `event` or `dwell`");
            None
        }
    }
}

/// Names of events, in the vocabulary where it has them; sorted.
pub(super) fn event_names(value: &Value, pointer: &str, reader: &mut Reader) -> Vec<String> {
    let words = reader.words(value, pointer);
    let mut names: Vec<String> = words.iter().map(|word| vocabulary::normalise(word).to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn limits(value: &Value, reader: &mut Reader) -> Limits {
    const KNOWN: [&str; 4] = ["per_session", "per_visitor", "cooldown", "cap"];
    let Some(object) = reader.object(value, "/limits", &KNOWN) else { return Limits::default() };
    let mut count =
        |key: &str| object.get(key).map(|value| reader.count(value, &below("/limits", key), FIRING_LIMIT_MAX));
    let (per_session, per_visitor) = (count("per_session"), count("per_visitor"));
    let cooldown_ms = object.get("cooldown").map(|value| reader.duration(value, "/limits/cooldown", DURATION_MS_MAX));
    let cap = object.get("cap").and_then(|value| cap(value, reader));
    Limits { per_session, per_visitor, cooldown_ms, cap }
}

fn cap(value: &Value, reader: &mut Reader) -> Option<Cap> {
    const WHY: &str = "a cap is {\"count\": 3, \"per\": \"24h\"}";
    let object = reader.object(value, "/limits/cap", &["count", "per"])?;
    let count = reader.needed(object, "count", "/limits/cap", WHY);
    let count = count.map(|count| reader.count(count, "/limits/cap/count", CAP_COUNT_MAX));
    let per = reader.needed(object, "per", "/limits/cap", WHY);
    let per_ms = per.map(|per| reader.duration(per, "/limits/cap/per", DURATION_MS_MAX));
    Some(Cap { count: count?, per_ms: per_ms? })
}

fn actions(rule: &Object, reader: &mut Reader) -> Vec<Action> {
    let value = reader.needed(rule, "actions", "", "a rule needs `actions`: [{\"push\": {…}}]");
    let Some(value) = value else { return Vec::new() };
    let list = value.as_array().unwrap_or_default();
    if list.is_empty() || list.len() > ACTIONS_MAX {
        reader.fault("/actions", "invalid", format!("wants an array of 1 to {ACTIONS_MAX} actions"));
    }
    let each = list.iter().take(ACTIONS_MAX).enumerate();
    each.filter_map(|(index, value)| action(value, &format!("/actions/{index}"), reader)).collect()
}

fn action(value: &Value, pointer: &str, reader: &mut Reader) -> Option<Action> {
    let object = reader.object(value, pointer, &["push"])?;
    let push = reader.needed(object, "push", pointer, "an action is {\"push\": {…}}")?;
    let at = below(pointer, "push");
    let push = reader.object(push, &at, &["slot", "content", "expires"])?;
    let slot = reader.needed(push, "slot", &at, "a push needs a `slot`, the name of a <footfall-slot>");
    let slot = slot.map(|slot| reader.id(slot, &below(&at, "slot")));
    let content = reader.needed(push, "content", &at, "a push needs `content`, an object such as {\"text\": \"…\"}");
    let content = content.and_then(|content| {
        let template = Template::compile_in(reader.setting, content, &below(&at, "content"));
        template.map_err(|faults| reader.add(faults)).ok()
    });
    let expires_ms = push.get("expires").map(|value| reader.duration(value, &below(&at, "expires"), DURATION_MS_MAX));
    Some(Action::Push { slot: slot?, content: content?, expires_ms: expires_ms.unwrap_or(EXPIRES_DEFAULT_MS) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, text: &str) -> u64 {
        pattern_key(id, &serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_pattern_keeps_its_key_however_it_is_laid_out() {
        let one = key("r", r#"{"dwell": {"for": "60s", "where": {"page.kind": "product", "cart.count": 0}}}"#);
        assert_eq!(one, key("r", r#"{"dwell":{"where":{"cart.count":0.0,"page.kind":"product"},"for":"60s"}}"#));
        assert_ne!(one, key("s", r#"{"dwell": {"for": "60s", "where": {"page.kind": "product", "cart.count": 0}}}"#));
        assert_ne!(one, key("r", r#"{"dwell": {"for": "61s", "where": {"page.kind": "product", "cart.count": 0}}}"#));
    }

    /// Running clocks are kept under these keys wherever Footfall runs.
    #[test]
    fn keys_are_pinned() {
        assert_eq!(
            key("social-proof", r#"{"dwell":{"for":"60s","where":{"page.kind":"product"}}}"#),
            12_249_050_879_768_028_594
        );
    }
}
