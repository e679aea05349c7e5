//! What is allowed in good documents but looks like a mistake.

use super::reader::below;
use super::{Kind, Rule, RuleSet, Stage, What};
use crate::engine::fault::RuleFault;
use crate::engine::tree::{closest, nearest};
use footfall_protocol::limits::{DOCUMENT_DEPTH_MAX, EVENT_NAME_BYTES_MAX, EVENT_NAMES_MAX, RULEBOOK_FAULTS_MAX};
use footfall_protocol::{Object, Value, vocabulary};
use std::cell::Cell;

/// Signals of the engine that ways into a stage may name beside events.
const SIGNALS: [&str; 1] = ["session_started"];

/// Unknown stages, segments and rules for which the nearest id is looked up.
const ADVICE_MAX: usize = 50;

/// Warnings about one document: an event's name close to one of the vocabulary.
pub fn warnings(document: &Value) -> Vec<RuleFault> {
    let empty = Object::new();
    let object = document.as_object().unwrap_or(&empty);
    let mut found = Vec::new();
    for part in ["pattern", "until"] {
        if let Some(value) = object.get(part) {
            events(value, &format!("/{part}"), DOCUMENT_DEPTH_MAX, &mut found);
        }
    }
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

/// What an author may not have meant, with the document's kind and id.
type Warning = (Kind, String, RuleFault);

/// The first [`RULEBOOK_FAULTS_MAX`] warnings about documents beside each other, as (kind, id, warning): a way into a stage
/// from a stage that is not there, an event rule for what the engine itself signals, points at stages and segments that are
/// not there, and rules to start that are not there or never start.
pub fn warnings_among(rules: &RuleSet) -> Vec<Warning> {
    let advice = Advice { left: Cell::new(ADVICE_MAX) };
    let ways = rules.stages.iter().flat_map(|stage| ways_in(stage, rules, &advice));
    let points = rules.rules.iter().flat_map(|rule| points(rule, rules, &advice));
    let targets = rules.rules.iter().flat_map(|rule| targets(rule, rules, &advice));
    ways.chain(points).chain(targets).take(RULEBOOK_FAULTS_MAX).collect()
}

/// Advice is a walk over all there is and may list it: it is for mistakes, and not for thousands of them.
struct Advice {
    left: Cell<usize>,
}

impl Advice {
    /// The sentence, with the advice at its end if there is some.
    fn after(&self, sentence: String, advice: impl FnOnce() -> Option<String>) -> String {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        match if left > 0 { advice() } else { None } {
            Some(advice) => format!("{sentence}; {advice}"),
            None => sentence,
        }
    }

    fn unknown_stage(&self, id: &str, rules: &RuleSet) -> String {
        let known = rules.stages.iter().map(|stage| stage.id.as_str());
        self.after(format!("there is no stage `{id}`"), || Some(nearest(id, known)))
    }

    fn unknown_segment(&self, id: &str, rules: &RuleSet) -> String {
        let known = rules.segments.iter().map(|segment| segment.id.as_str());
        self.after(format!("there is no segment `{id}`"), || Some(nearest(id, known)))
    }

    fn unknown_rule(&self, id: &str, rules: &RuleSet) -> String {
        let meant = || closest(id, rules.rules.iter().map(|rule| rule.id.as_str()));
        self.after(format!("there is no rule `{id}`"), || meant().map(|meant| format!("did you mean `{meant}`?")))
    }
}

/// Ways into a stage from stages that are not there.
fn ways_in<'a>(stage: &'a Stage, rules: &'a RuleSet, advice: &'a Advice) -> impl Iterator<Item = Warning> + 'a {
    stage.enter.iter().enumerate().flat_map(move |(index, way)| {
        way.from.iter().filter(|from| !rules.has_stage(from)).map(move |from| {
            let message = advice.unknown_stage(from, rules);
            let fault = RuleFault::at(&format!("/enter/{index}/from"), "unknown_stage", message);
            (Kind::Stage, stage.id.clone(), fault)
        })
    })
}

/// Points of a rule at what never happens, or at stages and segments that are not there.
fn points<'a>(rule: &'a Rule, rules: &'a RuleSet, advice: &'a Advice) -> impl Iterator<Item = Warning> + 'a {
    rule.points.iter().filter_map(move |point| {
        let (code, message) = match &point.what {
            What::Event(names) if names.iter().any(|name| SIGNALS.contains(&name.as_str())) => {
                ("unknown_event", "no event has this name; write {\"session\": {\"is\": \"started\"}}".to_owned())
            }
            What::Stage { from, to } => {
                let unknown = from.iter().chain(to).find(|id| !rules.has_stage(id))?;
                ("unknown_stage", advice.unknown_stage(unknown, rules))
            }
            What::SegmentEntered(ids) | What::SegmentLeft(ids) => {
                let unknown = ids.iter().find(|id| !rules.has_segment(id))?;
                ("unknown_segment", advice.unknown_segment(unknown, rules))
            }
            What::Event(_) | What::SessionStarted | What::SessionEnded => return None,
        };
        Some((Kind::Rule, rule.id.clone(), RuleFault::at("/pattern", code, message)))
    })
}

/// Rules that a rule starts, puts off or stops, and that are not there or never start.
fn targets<'a>(rule: &'a Rule, rules: &'a RuleSet, advice: &'a Advice) -> impl Iterator<Item = Warning> + 'a {
    rule.actions.iter().enumerate().filter_map(move |(index, action)| {
        let (target, verb) = action.target()?;
        let (code, message) = match rules.rule(target) {
            None => ("unknown_rule", advice.unknown_rule(target, rules)),
            Some(other) if verb != "stop" && !other.pattern.is_startable() => {
                ("never_starts", format!("`{target}` does not wait for it: its pattern has no {{\"started\": {{}}}}"))
            }
            Some(_) => return None,
        };
        let fault = RuleFault::at(&format!("/actions/{index}/{verb}/rule"), code, message);
        Some((Kind::Rule, rule.id.clone(), fault))
    })
}

/// The names of the events that a pattern waits for, each with its pointer.
fn events<'a>(value: &'a Value, pointer: &str, depth_left: usize, found: &mut Vec<(String, &'a str)>) {
    let Some(deeper) = depth_left.checked_sub(1) else { return };
    match value {
        Value::Object(object) => {
            for (key, inner) in object.iter().filter(|(key, _)| *key != "where") {
                let at = below(pointer, key);
                if key == "event" {
                    found.extend(words(inner.get("name"), &below(&at, "name")));
                } else {
                    events(inner, &at, deeper, found);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                events(item, &below(pointer, &index.to_string()), deeper, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
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
        let rules = documents(
            r#"[{"id": "r", "pattern": {"any": [{"stage": {"to": "kene"}}, {"segment": {"left": "s"}}, {"stage": {"from": "new"}}]}, "actions": [{"push": {"slot": "s", "content": {"a": 1}}}]}]"#,
        );
        let found = warnings_among(&compile(&rules, &[], &stages[..1]).0);
        let codes: Vec<_> = found.iter().map(|(_, _, fault)| fault.code.as_ref()).collect();
        assert_eq!(codes, ["unknown_stage", "unknown_segment"]);
        assert_eq!(warnings_among(&compile(&[], &[], &[]).0), [], "the defaults give none");
    }

    #[test]
    fn a_start_that_leads_nowhere_is_a_warning() {
        let rules: Vec<Value> = serde_json::from_str(
            r#"[
                {"id": "a", "pattern": {"event": {"name": "x"}}, "actions": [
                    {"start": {"rule": "b"}}, {"start": {"rule": "a", "after": "1h"}}, {"delay": {"rule": "bb", "by": "1h"}}, {"stop": {"rule": "a"}}, {"stop": {"rule": "zzzzzz"}}]},
                {"id": "b", "pattern": {"any": [{"started": {}}, {"event": {"name": "y"}}]}, "actions": [{"push": {"slot": "s", "content": {"a": 1}}}]}
            ]"#,
        )
        .unwrap();
        let (set, faults) = compile(&rules, &[], &[]);
        assert_eq!(faults, []);
        let found: Vec<_> = warnings_among(&set)
            .into_iter()
            .map(|(kind, id, fault)| (kind, id, fault.code.to_string(), fault.pointer, fault.message))
            .collect();
        let expected = [
            ("never_starts", "/actions/1/start/rule", "`a` does not wait for it: its pattern has no {\"started\": {}}"),
            ("unknown_rule", "/actions/2/delay/rule", "there is no rule `bb`; did you mean `b`?"),
            ("unknown_rule", "/actions/4/stop/rule", "there is no rule `zzzzzz`"),
        ];
        let expected = expected.map(|(code, at, says)| (Kind::Rule, "a".into(), code.into(), at.into(), says.into()));
        assert_eq!(found, expected);
    }
}
