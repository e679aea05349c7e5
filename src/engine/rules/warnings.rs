//! What is allowed in good documents but looks like a mistake.

use super::{Kind, Pattern, RuleSet};
use crate::engine::fault::RuleFault;
use crate::engine::tree::closest;
use footfall_protocol::limits::{EVENT_NAME_BYTES_MAX, EVENT_NAMES_MAX};
use footfall_protocol::{Object, Value, vocabulary};

/// Signals of the engine that ways into a stage may name beside events.
const SIGNALS: [&str; 1] = ["session_started"];

/// Warnings about one document: an event's name close to one of the vocabulary.
pub fn warnings(document: &Value) -> Vec<RuleFault> {
    let empty = Object::new();
    let object = document.as_object().unwrap_or(&empty);
    let event = object.get("pattern").and_then(|pattern| pattern.get("event")).and_then(|event| event.get("name"));
    let mut found = words(event, "/pattern/event/name");
    for (index, way) in object.get("enter").and_then(Value::as_array).into_iter().flatten().take(64).enumerate() {
        found.extend(words(way.get("on"), &format!("/enter/{index}/on")));
    }
    let unknown = found
        .into_iter()
        .filter(|(_, name)| !SIGNALS.contains(name) && !vocabulary::is_known(vocabulary::normalise(name)));
    let close = unknown.filter_map(|(pointer, name)| {
        let meant = closest(name, vocabulary::names().chain(SIGNALS))?;
        let message =
            format!("`{name}` is not in the vocabulary and counts as an event of your own; did you mean `{meant}`?");
        Some(RuleFault::at(&pointer, "unknown_event", message))
    });
    close.collect()
}

/// Warnings about documents beside each other, as (kind, id, warning): a way into a stage from a stage that is not
/// there, and an event rule for what the engine itself signals.
pub fn warnings_among(rules: &RuleSet) -> Vec<(Kind, String, RuleFault)> {
    let mut found = Vec::new();
    let known = || rules.stages.iter().map(|stage| stage.id.as_str());
    for stage in &rules.stages {
        for (index, way) in stage.enter.iter().enumerate() {
            for from in way.from.iter().filter(|from| !rules.has_stage(from)) {
                let advice = closest(from, known()).map_or_else(
                    || format!("there are: {}", known().collect::<Vec<_>>().join(", ")),
                    |meant| format!("did you mean `{meant}`?"),
                );
                let message = format!("there is no stage `{from}`; {advice}");
                let fault = RuleFault::at(&format!("/enter/{index}/from"), "unknown_stage", message);
                found.push((Kind::Stage, stage.id.clone(), fault));
            }
        }
    }
    for rule in &rules.rules {
        let Pattern::Event { names, .. } = &rule.pattern else { continue };
        if names.iter().any(|name| SIGNALS.contains(&name.as_str())) {
            let message = "no event has this name: it is a signal, which only ways into a stage can name; \
                           write `page_viewed` with the condition {\"session.events\": 1}";
            let fault = RuleFault::at("/pattern/event/name", "unknown_event", message);
            found.push((Kind::Rule, rule.id.clone(), fault));
        }
    }
    found
}

/// One string or several, each with its pointer; those of a length that is refused anyway are left out.
fn words<'a>(value: Option<&'a Value>, pointer: &str) -> Vec<(String, &'a str)> {
    let one = value.and_then(Value::as_str).map(|word| (pointer.to_owned(), word));
    let many = value.and_then(Value::as_array).into_iter().flatten().take(EVENT_NAMES_MAX).enumerate();
    let many = many.filter_map(|(index, value)| Some((format!("{pointer}/{index}"), value.as_str()?)));
    one.into_iter().chain(many).filter(|(_, word)| word.len() <= EVENT_NAME_BYTES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::super::compile;
    use super::*;

    #[test]
    fn a_stage_that_is_not_there_is_a_warning() {
        let documents = |text: &str| serde_json::from_str::<Vec<Value>>(text).unwrap();
        let stages = documents(
            r#"[{"id": "new", "rank": 0}, {"id": "keen", "rank": 1, "enter": [{"from": ["new", "nwe"], "on": "page_viewed"}]}]"#,
        );
        let rules = documents(
            r#"[{"id": "r", "pattern": {"event": {"name": "session_started"}}, "actions": [{"push": {"slot": "s", "content": {"a": 1}}}]}]"#,
        );
        let (set, faults) = compile(&rules, &[], &stages);
        assert_eq!(faults, []);
        let found: Vec<_> =
            warnings_among(&set).into_iter().map(|(kind, id, fault)| (kind, id, fault.message)).collect();
        assert_eq!(found[0], (Kind::Stage, "keen".into(), "there is no stage `nwe`; did you mean `new`?".into()));
        assert_eq!((found[1].0, found.len()), (Kind::Rule, 2));
        assert_eq!(warnings_among(&compile(&[], &[], &[]).0), [], "the defaults give none");
    }
}
