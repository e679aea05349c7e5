//! Authored documents → [`RuleSet`]. Every fault is reported; what is good runs.

use super::pattern::event_names;
use super::reader::{Reader, below};
use super::rule::rule;
use super::{Enter, Rule, RuleSet, Segment, Stage};
use crate::engine::fault::RuleFault;
use crate::engine::tree::Setting;
use footfall_protocol::Value;
use footfall_protocol::limits::{
    DURATION_MS_MAX, PRIORITY_MAX, RULEBOOK_FAULTS_MAX, RULES_MAX, SEGMENTS_MAX, STAGE_WAYS_MAX, STAGES_MAX,
};
use footfall_protocol::rejection::push_index;
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::collections::BTreeSet;

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

/// Compiles a site's documents. Bad ones are left out, and the first [`RULEBOOK_FAULTS_MAX`] faults reported; the good ones
/// run.
pub fn compile(rules: &[Value], segments: &[Value], stages: &[Value]) -> (RuleSet, Vec<DocumentFault>) {
    let read = |documents| <[Value]>::iter(documents).map(Ok);
    compile_read(read(rules), read(segments), read(stages))
}

/// The same with documents that are read one by one, of which some cannot be.
pub fn compile_read<D: Borrow<Value>, I: Iterator<Item = Result<D, RuleFault>>>(
    rules: I,
    segments: I,
    stages: I,
) -> (RuleSet, Vec<DocumentFault>) {
    let mut faults = Vec::new();
    let rules = each(Kind::Rule, rules, RULES_MAX, compile_rule, |rule| &rule.id, &mut faults);
    let segments = each(Kind::Segment, segments, SEGMENTS_MAX, compile_segment, |segment| &segment.id, &mut faults);
    let stages = each(Kind::Stage, stages, STAGES_MAX, compile_stage, |stage| &stage.id, &mut faults);
    (RuleSet::new(rules, segments, stages), faults)
}

fn each<T, D: Borrow<Value>>(
    kind: Kind,
    documents: impl Iterator<Item = Result<D, RuleFault>>,
    max: usize,
    compile: impl Fn(&Value) -> Result<T, Vec<RuleFault>>,
    id: impl Fn(&T) -> &String,
    faults: &mut Vec<DocumentFault>,
) -> Vec<T> {
    let mut good: Vec<T> = Vec::new();
    let mut ids: BTreeSet<String> = BTreeSet::new();
    let told: usize = faults.iter().map(|of| of.faults.len()).sum();
    let mut room = RULEBOOK_FAULTS_MAX - told;
    for (index, document) in documents.enumerate() {
        let one = |code: &'static str, message: String| vec![RuleFault::at("/id", code, message)];
        let compiled = match document.map_err(|fault| vec![fault]).and_then(|document| compile(document.borrow())) {
            Ok(_) if good.len() >= max => Err(one("too_many", format!("a site has at most {max} of these"))),
            Ok(new) if !ids.insert(id(&new).clone()) => {
                Err(one("duplicate", format!("`{}` is there already", id(&new))))
            }
            other => other,
        };
        match compiled {
            Ok(compiled) => good.push(compiled),
            Err(_) if room == 0 => {}
            Err(mut found) => {
                found.truncate(room);
                room -= found.len();
                faults.push(DocumentFault { kind, index, faults: found });
            }
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
/// Every fault of the document, at most [`footfall_protocol::limits::DOCUMENT_FAULTS_MAX`] of them.
pub fn compile_rule(document: &Value) -> Result<Rule, Vec<RuleFault>> {
    let mut reader = Reader::default();
    let rule = rule(document, &mut reader);
    finish(reader, rule)
}

/// Compiles one segment.
///
/// # Errors
/// Every fault of the document, at most [`footfall_protocol::limits::DOCUMENT_FAULTS_MAX`] of them.
pub fn compile_segment(document: &Value) -> Result<Segment, Vec<RuleFault>> {
    let mut reader = Reader { setting: Setting::Segment, ..Reader::default() };
    let segment = segment(document, &mut reader);
    finish(reader, segment)
}

fn segment(document: &Value, reader: &mut Reader) -> Option<Segment> {
    let object = reader.document(document, &["id", "name", "when"])?;
    let id = reader.needed(object, "id", "", "a segment needs an `id`").map(|id| reader.id(id, "/id"));
    reader.name(object, "");
    reader.needed(object, "when", "", "a segment needs `when`, a condition");
    let when = reader.condition(object.get("when"), "/when");
    Some(Segment { id: id?, when })
}

/// Compiles one stage.
///
/// # Errors
/// Every fault of the document, at most [`footfall_protocol::limits::DOCUMENT_FAULTS_MAX`] of them.
pub fn compile_stage(document: &Value) -> Result<Stage, Vec<RuleFault>> {
    let mut reader = Reader::default();
    let stage = stage(document, &mut reader);
    finish(reader, stage)
}

fn stage(document: &Value, reader: &mut Reader) -> Option<Stage> {
    let object = reader.document(document, &["id", "name", "rank", "enter"])?;
    let id = reader.needed(object, "id", "", "a stage needs an `id`").map(|id| reader.id(id, "/id"));
    reader.name(object, "");
    let rank = reader.needed(object, "rank", "", "a stage needs a `rank`: of those that may be entered the highest is");
    let rank = rank.map(|rank| reader.whole(rank, "/rank", -PRIORITY_MAX, PRIORITY_MAX));
    let empty = Value::Array(Vec::new());
    let ways = object.get("enter").unwrap_or(&empty).as_array();
    let Some(ways) = ways.filter(|ways| ways.len() <= STAGE_WAYS_MAX) else {
        reader.fault("/enter", "invalid", format!("wants an array of at most {STAGE_WAYS_MAX} ways in"));
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
    let after_idle_ms = way.get("after_idle").map(|v| reader.duration(v, &below(at, "after_idle"), DURATION_MS_MAX));
    if after_idle_ms.is_some() && (way.get("on").is_some() || way.get("when").is_some()) {
        reader.fault(at, "invalid", "`after_idle` is about time alone: it takes no `on` and no `when`");
    }
    let from = way.get("from").map(|v| reader.words(v, &below(at, "from"))).unwrap_or_default();
    let on = way.get("on").map(|v| event_names(v, &below(at, "on"), reader)).unwrap_or_default();
    Some(Enter { from, on, when: reader.condition(way.get("when"), &below(at, "when")), after_idle_ms })
}
