//! What a rule's pattern has collected, part by part, and what it waits for.

use super::words::{points, span};
use crate::engine::Visitor;
use crate::engine::partials::State;
use crate::engine::rules::{Absence, Aggregate, All, Count, Dwell, Pattern, Rule, Sequence, Window, node_key};
use crate::engine::scene::Scene;
use footfall_protocol::{Object, Value};

/// One explanation in the making.
struct Teller<'a> {
    visitor: &'a Visitor,
    rule: &'a Rule,
    now_ms: u64,
    awaits: &'a mut Vec<String>,
}

impl Visitor {
    /// The tree of a rule's pattern. What the outermost parts wait for is added to `awaits`.
    pub(super) fn explain_pattern(&self, rule: &Rule, now_ms: u64, awaits: &mut Vec<String>) -> Value {
        Value::Object(Teller { visitor: self, rule, now_ms, awaits }.pattern(&rule.pattern))
    }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Object {
    members.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.to_owned(), value)).collect()
}

fn numbers(records: &[u64]) -> Value {
    Value::Array(records.iter().map(|record| Value::from(*record)).collect())
}

impl Teller<'_> {
    fn state(&self, node: u16) -> Option<&State> {
        self.visitor.partials.state(node_key(self.rule.pattern_key, node))
    }

    fn pattern(&mut self, pattern: &Pattern) -> Object {
        match pattern {
            Pattern::Point(wanted) => {
                let what = points(self.rule, *wanted);
                self.awaits.push(format!("waits for {what}"));
                object([("kind", "point".into()), ("awaits", what.into())])
            }
            Pattern::Started => {
                let start = self.visitor.starts.of(&self.rule.id);
                self.awaits.push(match start {
                    Some(due_ms) => format!("starts in {}", span(due_ms.saturating_sub(self.now_ms))),
                    None => "waits for another rule to start it".to_owned(),
                });
                object([("kind", "started".into()), ("due_at_ms", start.into())])
            }
            Pattern::Dwell(dwell) => self.dwell(dwell),
            Pattern::Sequence(sequence) => self.sequence(sequence),
            Pattern::Count(count) => self.count(count),
            Pattern::Absence(absence) => self.absence(absence),
            Pattern::Aggregate(aggregate) => self.aggregate(aggregate),
            Pattern::Any(parts) => {
                let parts = parts.iter().map(|part| Value::Object(self.pattern(part))).collect();
                object([("kind", "any".into()), ("parts", Value::Array(parts))])
            }
            Pattern::All(all) => self.all(all),
        }
    }

    /// Each tab's clock, and the condition on the page that was active last.
    fn dwell(&mut self, dwell: &Dwell) -> Object {
        let key = node_key(self.rule.pattern_key, dwell.node);
        let clocks = self.visitor.dwells.clocks(key, &self.visitor.tabs, self.now_ms);
        let mut told = Vec::new();
        for clock in &clocks {
            let left = span(clock.left_ms);
            let said = match clock.due_ms {
                _ if clock.done => continue,
                Some(_) => format!("fires in {left} unless {} stops holding", conditions_of(dwell)),
                None => format!("is paused with {left} left: the tab is out of sight"),
            };
            self.awaits.push(said);
        }
        for clock in &clocks {
            told.push(Value::Object(object([
                ("tab", clock.tab.as_str().into()),
                ("left_ms", Some(clock.left_ms).filter(|_| !clock.done).into()),
                ("due_at_ms", clock.due_ms.into()),
                ("done", Some(true).filter(|_| clock.done).into()),
            ])));
        }
        if clocks.iter().all(|clock| clock.done) {
            let again = if clocks.is_empty() { "begin to hold" } else { "stop holding and hold again" };
            self.awaits.push(format!("waits for {} to {again} on a page", conditions_of(dwell)));
        }
        object([
            ("kind", "dwell".into()),
            ("for_ms", dwell.for_ms.into()),
            ("where", dwell.holds.explain(&Scene::new(self.visitor, self.now_ms).on(None))),
            ("clocks", Value::Array(told)),
        ])
    }

    fn sequence(&mut self, sequence: &Sequence) -> Object {
        let steps = sequence.steps.len();
        let mut matches = Vec::new();
        let mut next = Vec::new();
        if let Some(State::Sequence(state)) = self.state(sequence.node) {
            for one in state.matches(sequence, self.now_ms) {
                next.push((one.taken, one.until_ms));
                matches.push(Value::Object(object([
                    ("taken", (one.taken as u64).into()),
                    ("first_at_ms", one.first_ms.into()),
                    ("last_at_ms", one.last_ms.into()),
                    ("until_ms", one.until_ms.into()),
                    ("events", numbers(one.records)),
                ])));
            }
        }
        for (taken, until_ms) in &next {
            let step = points(self.rule, sequence.steps[*taken].point);
            let within = until_ms.map(|until_ms| format!(" within {}", span(until_ms.saturating_sub(self.now_ms))));
            let said = format!("has step {taken} of {steps}; waits for {step}{}", within.unwrap_or_default());
            self.awaits.push(said);
        }
        if next.is_empty() {
            self.awaits.push(format!("waits for its first step, {}", points(self.rule, sequence.steps[0].point)));
        }
        let texts = sequence.steps.iter().map(|step| points(self.rule, step.point).into()).collect();
        object([
            ("kind", "sequence".into()),
            ("steps", Value::Array(texts)),
            ("window", window(sequence.within)),
            ("matches", Value::Array(matches)),
        ])
    }

    fn count(&mut self, count: &Count) -> Object {
        let mut lanes = Vec::new();
        let mut most = 0;
        if let Some(State::Count(state)) = self.state(count.node) {
            for lane in state.lanes(count, self.now_ms) {
                most = most.max(lane.counted);
                lanes.push(Value::Object(object([
                    ("counted", (lane.counted as u64).into()),
                    ("oldest_at_ms", lane.oldest_ms.into()),
                    ("events", numbers(&lane.records)),
                ])));
            }
        }
        let what = points(self.rule, count.of);
        self.awaits.push(format!("has {most} of {} of {what}", count.at_least));
        object([
            ("kind", "count".into()),
            ("at_least", count.at_least.into()),
            ("of", what.into()),
            ("window", window(count.within)),
            ("counted", Value::Array(lanes)),
        ])
    }

    fn absence(&mut self, absence: &Absence) -> Object {
        let (after, of) = (points(self.rule, absence.after), absence.of.map(|of| points(self.rule, of)));
        let waits: Vec<u64> = match self.state(absence.node) {
            Some(State::Absence(state)) => state.due_ms().collect(),
            _ => Vec::new(),
        };
        let ends = of.clone().unwrap_or_else(|| "any event".to_owned());
        for due_ms in &waits {
            self.awaits.push(format!("fires in {} unless {ends} comes", span(due_ms.saturating_sub(self.now_ms))));
        }
        if waits.is_empty() {
            self.awaits.push(format!("waits for {after}"));
        }
        object([
            ("kind", "absence".into()),
            ("after", after.into()),
            ("of", of.into()),
            ("for_ms", absence.for_ms.into()),
            ("due_at_ms", numbers(&waits)),
        ])
    }

    fn aggregate(&mut self, aggregate: &Aggregate) -> Object {
        let value = match self.state(aggregate.node) {
            Some(State::Aggregate(state)) => state.value(aggregate, self.now_ms),
            _ => None,
        };
        let test = aggregate.is.authored();
        let wanted = serde_json::to_string(&test).unwrap_or_default();
        let now =
            value.as_ref().map_or_else(|| "nothing yet".to_owned(), |v| serde_json::to_string(v).unwrap_or_default());
        self.awaits.push(format!("its aggregate is {now}; waits for one that passes {wanted}"));
        object([
            ("kind", "aggregate".into()),
            ("of", points(self.rule, aggregate.of).into()),
            ("window", window(aggregate.within)),
            ("value", value.into()),
            ("is", test),
        ])
    }

    fn all(&mut self, all: &All) -> Object {
        let occurred: Vec<(usize, u64)> = match self.state(all.node) {
            Some(State::All(state)) => state.occurred(all, self.now_ms).collect(),
            _ => Vec::new(),
        };
        let mut parts = Vec::new();
        for (at, part) in all.of.iter().enumerate() {
            let at_ms = occurred.iter().find(|(place, _)| *place == at).map(|(_, at_ms)| *at_ms);
            let heard = self.awaits.len();
            let mut told = self.pattern(&part.pattern);
            // Only what is still missing is awaited.
            if part.not || at_ms.is_some() {
                self.awaits.truncate(heard);
            }
            if part.not && at_ms.is_some() {
                self.awaits.push("is hindered: what must not have happened has".to_owned());
            }
            told.insert(if part.not { "not" } else { "needed" }, true);
            if let Some(at_ms) = at_ms {
                told.insert("occurred_at_ms", at_ms);
            }
            parts.push(Value::Object(told));
        }
        object([("kind", "all".into()), ("window", window(all.within)), ("parts", Value::Array(parts))])
    }
}

/// The condition of a dwell, for a sentence.
fn conditions_of(dwell: &Dwell) -> String {
    if dwell.holds.fields().is_empty() {
        return "being on the page".to_owned();
    }
    format!("its condition {}", serde_json::to_string(&dwell.holds.authored()).unwrap_or_default())
}

fn window(window: Window) -> Value {
    match window {
        Window::Unbounded => Value::Null,
        Window::Within(ms) => ms.into(),
        Window::Session => "session".into(),
    }
}
