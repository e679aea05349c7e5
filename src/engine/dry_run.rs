//! A dry run: what would happen to this visitor, under these rules, if this came and this time went by. Nothing is kept.

use super::fault::RuleFault;
use super::rehearsal::Rehearsal;
use super::rules::{Kind, RuleSet, compile, compile_rule, compile_segment, compile_stage};
use super::{Config, Input, Visitor};
use footfall_protocol::decode::decode_batch;
use footfall_protocol::duration::parse_ms;
use footfall_protocol::event::{Authority, Delivery, Event, Surroundings};
use footfall_protocol::limits::{DRY_RUN_EVENTS_MAX, DRY_RUN_RULES_MAX, DURATION_MS_MAX};
use footfall_protocol::record::RecordKind;
use footfall_protocol::{Millis, Object, Value};

/// What is asked of a dry run, checked.
#[derive(Debug)]
pub struct DryRun {
    /// Rules in the place of those that run; `None`: those that run.
    rules: Option<Vec<Value>>,
    segments: Option<Vec<Value>>,
    stages: Option<Vec<Value>>,
    /// Each event with its time since the beginning, in milliseconds.
    events: Vec<(u64, Event)>,
    /// How long it goes on in all, in milliseconds.
    pass_ms: u64,
}

const MEMBERS: [&str; 5] = ["rules", "segments", "stages", "events", "pass"];

impl DryRun {
    /// Reads what is asked:
    /// `{"rules": […], "segments": […], "stages": […], "events": [{"after": "10s", "type": "track", …}], "pass": "5m"}`.
    /// Every member may be left out: documents that are left out are those that run for the visitor. Events are in the
    /// shapes of the Tracking API, each `after` the one before it, taken on the visitor's own word, and need no ids.
    /// `pass` is how long it goes on after the last of them.
    ///
    /// # Errors
    /// Every fault at once, with JSON pointers into what was sent.
    pub fn parse(asked: &Value) -> Result<Self, Vec<RuleFault>> {
        let Some(object) = asked.as_object() else {
            return Err(vec![RuleFault::at("", "invalid", "a dry run is asked with an object; {} is enough")]);
        };
        let mut faults = Vec::new();
        for (key, _) in object.iter().filter(|(key, _)| !MEMBERS.contains(key)) {
            let message = format!("is not known here; there are: {}", MEMBERS.join(", "));
            faults.push(RuleFault::at(&format!("/{key}"), "unknown_member", message));
        }
        let rules = documents(object, "rules", Kind::Rule, &mut faults);
        let segments = documents(object, "segments", Kind::Segment, &mut faults);
        let stages = documents(object, "stages", Kind::Stage, &mut faults);
        let events = events(object, &mut faults);
        let rest_ms = object.get("pass").map_or(0, |value| duration(value, "/pass", &mut faults));
        let pass_ms = events.last().map_or(0, |(at_ms, _)| *at_ms).saturating_add(rest_ms);
        if faults.is_empty() { Ok(Self { rules, segments, stages, events, pass_ms }) } else { Err(faults) }
    }

    /// Runs it for a visitor as it is at `now`. The answer is `{from_ms, until_ms, complete, fired, messages, records,
    /// explained, view}`: `complete` is false when it ended early (too many wakes or records, or the visitor was forgotten);
    /// `explained` has each rule of the request as it stands at the end, or where there are none each of the visitor's
    /// rules that fired.
    pub fn run(&self, visitor: &Visitor, now: Millis, config: &Config) -> Value {
        let tried = self.config(config);
        let now = now.max(visitor.core.clock_ms);
        let mut rehearsal = Rehearsal::new(visitor.clone(), now, &tried);
        let goes_on = self.events.iter().all(|(at_ms, event)| {
            let in_time = rehearsal.pass_until(now.saturating_add(*at_ms));
            if in_time {
                let events = vec![(0, event.clone())];
                rehearsal.input(Input::Events(Delivery { events, surroundings: Surroundings::default() }));
            }
            in_time
        });
        let complete = goes_on && rehearsal.pass_until(now.saturating_add(self.pass_ms));
        self.answer(now, complete, &rehearsal, &tried)
    }

    fn config(&self, config: &Config) -> Config {
        let none: [Value; 0] = [];
        let all = |documents: &Option<Vec<Value>>| documents.clone().unwrap_or_else(|| none.to_vec());
        // Checked when it was read: nothing is left out here.
        let (own, _) = compile(&all(&self.rules), &all(&self.segments), &all(&self.stages));
        let rules = RuleSet::new(
            if self.rules.is_some() { own.rules } else { config.rules.rules.clone() },
            if self.segments.is_some() { own.segments } else { config.rules.segments.clone() },
            if self.stages.is_some() { own.stages } else { config.rules.stages.clone() },
        );
        // Another version where something else is tried, so that the visitor follows it; of what runs nothing is looked at anew.
        let other = [&self.rules, &self.segments, &self.stages].iter().any(|documents| documents.is_some());
        Config { settings: config.settings.clone(), rules, version: config.version.wrapping_add(other.into()) }
    }

    fn answer(&self, now: Millis, complete: bool, rehearsal: &Rehearsal<'_>, tried: &Config) -> Value {
        let fired = |record: &&footfall_protocol::record::Record| record.kind == RecordKind::TriggerFired;
        let records = &rehearsal.records;
        let explained = tried.rules.rules.iter().filter(|rule| {
            self.rules.is_some() || records.iter().any(|record| fired(&record) && record.name == rule.id)
        });
        let explained = explained.map(|rule| rehearsal.visitor().explain(&rule.id, rehearsal.now(), tried));
        let messages = rehearsal.messages.iter().map(|(at_ms, message)| {
            let mut told = Value::of(message).as_object().cloned().unwrap_or_default();
            told.insert("at_ms", *at_ms);
            Value::Object(told)
        });
        let mut answer = Object::new();
        answer.insert("from_ms", now);
        answer.insert("until_ms", rehearsal.now());
        answer.insert("complete", complete);
        answer.insert("fired", Value::Array(records.iter().filter(fired).map(record).collect()));
        answer.insert("messages", Value::Array(messages.collect()));
        answer.insert("records", Value::Array(records.iter().map(record).collect()));
        answer.insert("explained", Value::Array(explained.collect()));
        answer.insert("view", rehearsal.visitor().inspection(rehearsal.now(), tried));
        Value::Object(answer)
    }
}

fn documents(object: &Object, key: &str, kind: Kind, faults: &mut Vec<RuleFault>) -> Option<Vec<Value>> {
    let at = format!("/{key}");
    let value = object.get(key)?;
    let Some(list) = value.as_array().filter(|list| list.len() <= DRY_RUN_RULES_MAX) else {
        faults.push(RuleFault::at(&at, "invalid", format!("wants an array of at most {DRY_RUN_RULES_MAX} documents")));
        return None;
    };
    for (index, document) in list.iter().enumerate() {
        let found = match kind {
            Kind::Rule => compile_rule(document).err(),
            Kind::Segment => compile_segment(document).err(),
            Kind::Stage => compile_stage(document).err(),
        };
        for mut fault in found.unwrap_or_default() {
            fault.pointer.insert_str(0, &format!("{at}/{index}"));
            faults.push(fault);
        }
    }
    Some(list.to_vec())
}

fn duration(value: &Value, at: &str, faults: &mut Vec<RuleFault>) -> u64 {
    let ms = value.as_str().and_then(parse_ms).filter(|ms| *ms <= DURATION_MS_MAX);
    if ms.is_none() {
        faults.push(RuleFault::at(at, "invalid", "wants a duration of at most 400 days, such as \"90s\" or \"2d\""));
    }
    ms.unwrap_or(0)
}

/// The events, decoded by the one decoder, with the ids that they need.
fn events(object: &Object, faults: &mut Vec<RuleFault>) -> Vec<(u64, Event)> {
    let Some(value) = object.get("events") else { return Vec::new() };
    let Some(list) = value.as_array().filter(|list| list.len() <= DRY_RUN_EVENTS_MAX) else {
        let message = format!("wants an array of at most {DRY_RUN_EVENTS_MAX} events");
        faults.push(RuleFault::at("/events", "invalid", message));
        return Vec::new();
    };
    let (mut at_ms, mut times, mut sent) = (0_u64, Vec::new(), Vec::new());
    for (index, event) in list.iter().enumerate() {
        let mut members = event.as_object().cloned().unwrap_or_default();
        if let Some(after) = members.remove("after") {
            at_ms = at_ms.saturating_add(duration(&after, &format!("/events/{index}/after"), faults));
        }
        members.insert("anonymousId", "dry-run");
        members.insert("messageId", format!("dry-run-{index}"));
        times.push(at_ms);
        sent.push(if event.as_object().is_some() { Value::Object(members) } else { event.clone() });
    }
    let body = Object::from_iter([("batch".to_owned(), Value::Array(sent))]);
    let body = serde_json::to_vec(&Value::Object(body)).unwrap_or_default();
    match decode_batch(&body, Authority::Visitor) {
        Ok(batch) => {
            for rejection in batch.rejections {
                let code = serde_json::to_string(&rejection.code).unwrap_or_default();
                let code = code.trim_matches('"').to_owned().into();
                let pointer = rejection.pointer.replacen("/batch", "/events", 1);
                faults.push(RuleFault { code, pointer, message: rejection.message });
            }
            batch.events.into_iter().map(|decoded| (times[decoded.index as usize], decoded.event)).collect()
        }
        Err(error) => {
            faults.push(RuleFault::at("/events", "invalid", error.message));
            Vec::new()
        }
    }
}

fn record(record: &footfall_protocol::record::Record) -> Value {
    Value::of(record)
}
