//! Authored documents → [`RuleSet`]. Every fault is reported; what is good runs.

use super::reader::{Reader, below};
use super::{Action, Cap, Enter, Limits, Pattern, Rule, RuleSet, Segment, Stage};
use crate::engine::dedupe::fnv1a;
use crate::engine::fault::RuleFault;
use crate::engine::template::Template;
use crate::engine::tree::nearest;
use footfall_protocol::limits::{CAP_COUNT_MAX, RULES_MAX, SEGMENTS_MAX, STAGES_MAX};
use footfall_protocol::rejection::push_index;
use footfall_protocol::{Object, Value, vocabulary};
use serde::{Deserialize, Serialize};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// Greatest of all durations but a dwell's.
const DURATION_MAX_MS: u64 = 400 * DAY_MS;
/// Actions of one rule.
const ACTIONS_MAX: usize = 8;
/// Ways into one stage.
const ENTER_MAX: usize = 16;

/// Kinds of authored documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A rule.
    Rule,
    /// A segment.
    Segment,
    /// A stage.
    Stage,
}

/// A document that does not run, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DocumentFault {
    /// What it is.
    pub kind: Kind,
    /// Its place among those of its kind.
    pub index: usize,
    /// What is wrong.
    pub faults: Vec<RuleFault>,
}

/// Compiles a site's documents. Bad ones are reported and left out; the good ones run.
pub fn compile(rules: &[Value], segments: &[Value], stages: &[Value]) -> (RuleSet, Vec<DocumentFault>) {
    let mut faults = Vec::new();
    let rules = each(Kind::Rule, rules, RULES_MAX, compile_rule, |rule| &rule.id, &mut faults);
    let segments = each(Kind::Segment, segments, SEGMENTS_MAX, compile_segment, |segment| &segment.id, &mut faults);
    let stages = each(Kind::Stage, stages, STAGES_MAX, compile_stage, |stage| &stage.id, &mut faults);
    (RuleSet::new(rules, segments, stages), faults)
}

fn each<T>(
    kind: Kind,
    documents: &[Value],
    max: usize,
    compile: impl Fn(&Value) -> Result<T, Vec<RuleFault>>,
    id: impl Fn(&T) -> &String,
    faults: &mut Vec<DocumentFault>,
) -> Vec<T> {
    let mut good: Vec<T> = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        let one = |code: &'static str, message: String| vec![RuleFault::at("/id", code, message)];
        let compiled = match compile(document) {
            Ok(_) if good.len() >= max => Err(one("too_many", format!("a site has at most {max} of these"))),
            Ok(new) if good.iter().any(|old| id(old) == id(&new)) => {
                Err(one("duplicate", format!("`{}` is there already", id(&new))))
            }
            other => other,
        };
        match compiled {
            Ok(compiled) => good.push(compiled),
            Err(found) => faults.push(DocumentFault { kind, index, faults: found }),
        }
    }
    good
}

fn finish<T>(reader: Reader, value: Option<T>) -> Result<T, Vec<RuleFault>> {
    match value {
        Some(value) if reader.faults.is_empty() => Ok(value),
        _ => Err(reader.faults),
    }
}

/// Compiles one rule.
///
/// # Errors
/// Every fault of the document.
pub fn compile_rule(document: &Value) -> Result<Rule, Vec<RuleFault>> {
    let mut reader = Reader::default();
    let rule = rule(document, &mut reader);
    finish(reader, rule)
}

fn rule(document: &Value, reader: &mut Reader) -> Option<Rule> {
    const KNOWN: [&str; 8] = ["id", "name", "priority", "enabled", "pattern", "condition", "limits", "actions"];
    let object = reader.object(document, "", &KNOWN)?;
    let id = reader.needed(object, "id", "", "a rule needs an `id`").map(|id| reader.id(id, "/id")).unwrap_or_default();
    reader.name(object, "");
    const WANTED: &str = "a rule needs a `pattern`: {\"event\": {…}} or {\"dwell\": {…}}";
    let authored = reader.needed(object, "pattern", "", WANTED);
    let pattern = authored.and_then(|authored| pattern(authored, reader));
    let canonical = format!("{id}\n{}", authored.and_then(|p| serde_json::to_string(p).ok()).unwrap_or_default());
    let actions = reader.needed(object, "actions", "", "a rule needs `actions`: [{\"push\": {…}}]");
    let rule = Rule {
        pattern_key: fnv1a(canonical.as_bytes()),
        priority: object.get("priority").map_or(0, |value| reader.whole(value, "/priority", -1_000, 1_000)),
        enabled: object.get("enabled").is_none_or(|value| reader.flag(value, "/enabled")),
        condition: reader.condition(object.get("condition"), "/condition"),
        limits: object.get("limits").map(|value| limits(value, reader)).unwrap_or_default(),
        actions: actions.map(|value| actions_of(value, reader)).unwrap_or_default(),
        pattern: pattern?,
        id,
    };
    Some(rule)
}

fn pattern(value: &Value, reader: &mut Reader) -> Option<Pattern> {
    let object = reader.object(value, "/pattern", &["event", "dwell"])?;
    match (object.get("event"), object.get("dwell"), object.len()) {
        (Some(event), None, 1) => {
            let event = reader.object(event, "/pattern/event", &["name", "where"])?;
            let names = reader.needed(
                event,
                "name",
                "/pattern/event",
                "an event pattern needs `name`: one event's name or several",
            )?;
            let names = reader.words(names, "/pattern/event/name");
            let names = names.iter().map(|name| vocabulary::normalise(name).to_owned()).collect();
            Some(Pattern::Event { names, holds: reader.condition(event.get("where"), "/pattern/event/where") })
        }
        (None, Some(dwell), 1) => {
            let dwell = reader.object(dwell, "/pattern/dwell", &["for", "where"])?;
            let duration =
                reader.needed(dwell, "for", "/pattern/dwell", "a dwell needs `for`, a duration such as \"60s\"")?;
            let for_ms = reader.duration(duration, "/pattern/dwell/for", DAY_MS);
            Some(Pattern::Dwell { for_ms, holds: reader.condition(dwell.get("where"), "/pattern/dwell/where") })
        }
        _ => {
            reader.fault("/pattern", "invalid", "a pattern has exactly one member: `event` or `dwell`");
            None
        }
    }
}

fn limits(value: &Value, reader: &mut Reader) -> Limits {
    const KNOWN: [&str; 4] = ["per_session", "per_visitor", "cooldown", "cap"];
    let Some(object) = reader.object(value, "/limits", &KNOWN) else { return Limits::default() };
    let mut count = |key: &str| object.get(key).map(|value| reader.count(value, &below("/limits", key), 1_000_000));
    let (per_session, per_visitor) = (count("per_session"), count("per_visitor"));
    let cooldown_ms = object.get("cooldown").map(|value| reader.duration(value, "/limits/cooldown", DURATION_MAX_MS));
    let cap = object.get("cap").and_then(|value| cap(value, reader));
    Limits { per_session, per_visitor, cooldown_ms, cap }
}

fn cap(value: &Value, reader: &mut Reader) -> Option<Cap> {
    const WHY: &str = "a cap is {\"count\": 3, \"per\": \"24h\"}";
    let object = reader.object(value, "/limits/cap", &["count", "per"])?;
    let (count, per) =
        (reader.needed(object, "count", "/limits/cap", WHY), reader.needed(object, "per", "/limits/cap", WHY));
    let count = reader.count(count?, "/limits/cap/count", CAP_COUNT_MAX);
    Some(Cap { count, per_ms: reader.duration(per?, "/limits/cap/per", DURATION_MAX_MS) })
}

fn actions_of(value: &Value, reader: &mut Reader) -> Vec<Action> {
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
        let template = Template::compile(content, &below(&at, "content"));
        template.map_err(|mut faults| reader.faults.append(&mut faults)).ok()
    });
    let expires_ms = push.get("expires").map(|value| reader.duration(value, &below(&at, "expires"), DURATION_MAX_MS));
    Some(Action::Push { slot: slot?, content: content?, expires_ms: expires_ms.unwrap_or(600_000) })
}

/// Compiles one segment.
///
/// # Errors
/// Every fault of the document.
pub fn compile_segment(document: &Value) -> Result<Segment, Vec<RuleFault>> {
    let mut reader = Reader::default();
    let segment = segment(document, &mut reader);
    finish(reader, segment)
}

fn segment(document: &Value, reader: &mut Reader) -> Option<Segment> {
    let object = reader.object(document, "", &["id", "name", "when"])?;
    let id = reader.needed(object, "id", "", "a segment needs an `id`").map(|id| reader.id(id, "/id"));
    reader.name(object, "");
    reader.needed(object, "when", "", "a segment needs `when`, a condition");
    let when = reader.condition(object.get("when"), "/when");
    Some(Segment { id: id?, when })
}

/// Compiles one stage.
///
/// # Errors
/// Every fault of the document.
pub fn compile_stage(document: &Value) -> Result<Stage, Vec<RuleFault>> {
    let mut reader = Reader::default();
    let stage = stage(document, &mut reader);
    finish(reader, stage)
}

fn stage(document: &Value, reader: &mut Reader) -> Option<Stage> {
    let object = reader.object(document, "", &["id", "name", "rank", "enter"])?;
    let id = reader.needed(object, "id", "", "a stage needs an `id`").map(|id| reader.id(id, "/id"));
    reader.name(object, "");
    let rank = reader.needed(object, "rank", "", "a stage needs a `rank`: of those that may be entered the highest is");
    let rank = rank.map(|rank| reader.whole(rank, "/rank", -1_000, 1_000));
    let empty = Value::Array(Vec::new());
    let ways = object.get("enter").unwrap_or(&empty).as_array();
    let Some(ways) = ways.filter(|ways| ways.len() <= ENTER_MAX) else {
        reader.fault("/enter", "invalid", format!("wants an array of at most {ENTER_MAX} ways in"));
        return None;
    };
    let mut enter = Vec::with_capacity(ways.len());
    for (index, way) in ways.iter().enumerate() {
        let mut at = "/enter".to_owned();
        push_index(&mut at, index);
        enter.extend(way_in(way, &at, reader));
    }
    Some(Stage { id: id?, rank: rank?, enter })
}

fn way_in(value: &Value, at: &str, reader: &mut Reader) -> Option<Enter> {
    let way = reader.object(value, at, &["from", "on", "when", "after_idle"])?;
    let after_idle_ms = way.get("after_idle").map(|v| reader.duration(v, &below(at, "after_idle"), DURATION_MAX_MS));
    if after_idle_ms.is_some() && (way.get("on").is_some() || way.get("when").is_some()) {
        reader.fault(at, "invalid", "`after_idle` is about time alone: it takes no `on` and no `when`");
    }
    let mut words = |key: &str| way.get(key).map(|v| reader.words(v, &below(at, key))).unwrap_or_default();
    let (from, on) = (words("from"), words("on"));
    let on = on.iter().map(|name| vocabulary::normalise(name).to_owned()).collect();
    Some(Enter { from, on, when: reader.condition(way.get("when"), &below(at, "when")), after_idle_ms })
}

/// What is allowed in a good document but looks like a mistake: an event's name close to one of the vocabulary.
pub fn warnings(document: &Value) -> Vec<RuleFault> {
    let names = |value: Option<&Value>, pointer: &str| -> Vec<(String, String)> {
        let one = value.and_then(Value::as_str).map(|name| (pointer.to_owned(), name.to_owned()));
        let many = value.and_then(Value::as_array).into_iter().flatten().enumerate();
        one.into_iter()
            .chain(many.filter_map(|(i, v)| Some((format!("{pointer}/{i}"), v.as_str()?.to_owned()))))
            .collect()
    };
    let empty = Object::new();
    let object = document.as_object().unwrap_or(&empty);
    let event = object.get("pattern").and_then(|pattern| pattern.get("event")).and_then(|event| event.get("name"));
    let mut found = names(event, "/pattern/event/name");
    for (index, way) in object.get("enter").and_then(Value::as_array).into_iter().flatten().enumerate() {
        found.extend(names(way.get("on"), &format!("/enter/{index}/on")));
    }
    let unknown = found
        .into_iter()
        .filter(|(_, name)| name != "session_started" && !vocabulary::is_known(vocabulary::normalise(name)));
    let close = unknown.filter_map(|(pointer, name)| {
        let advice = nearest(&name, vocabulary::names().collect::<Vec<_>>().into_iter());
        let message = format!("`{name}` is not in the vocabulary and counts as an event of your own; {advice}");
        advice.starts_with("did you").then(|| RuleFault::at(&pointer, "unknown_event", message))
    });
    close.collect()
}
