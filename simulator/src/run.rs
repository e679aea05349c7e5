//! Running a scenario: the steps are handed to the engine, and what comes of each input is put on the timeline.

use crate::scenario::Scenario;
use crate::sim::Sim;
use crate::steps::{Act, Step};
use crate::timeline::{Cause, Entry, Shown, Timeline, Timer, What};
use footfall::engine::rules::RuleSet;
use footfall::engine::{Config, Input};
use footfall_protocol::event::{Delivery, Event, Surroundings};
use footfall_protocol::message::{Push, ServerMessage};
use footfall_protocol::record::{Record, RecordKind};
use footfall_protocol::{Object, Value};

impl Scenario {
    /// Runs the scenario with these rules, for which see [`Scenario::rule_set`].
    pub fn run(&self, rules: RuleSet) -> Timeline {
        self.run_in(rules, false).0
    }

    /// As [`Scenario::run`], with the simulation as it stands at the end, for questions about the visitor.
    pub fn run_to_the_end(&self, rules: RuleSet) -> (Timeline, Sim) {
        self.run_in(rules, false)
    }

    /// As [`Scenario::run`], storing and loading the visitor after every input. The timeline is the same.
    pub fn run_evicting(&self, rules: RuleSet) -> Timeline {
        self.run_in(rules, true).0
    }

    fn run_in(&self, rules: RuleSet, evicts: bool) -> (Timeline, Sim) {
        let ids = rules.rules.iter().map(|rule| rule.id.clone()).collect();
        let config = Config { settings: self.settings.clone(), rules, version: 1 };
        let mut sim = Sim::at(config, self.start_ms, self.visitor);
        sim.evicts = evicts;
        let mut run = Run {
            seen: Seen::of(&sim),
            sim,
            start_ms: self.start_ms,
            entries: Vec::new(),
            pushes: Vec::new(),
            given_up: false,
        };
        for step in &self.steps {
            if run.pass_to(step.at_ms) {
                run.take(step, &self.surroundings);
            }
        }
        run.pass_to(self.end_ms());
        let (name, start_ms, end_ms) = (self.name.clone(), self.start_ms, self.end_ms());
        (Timeline { name, start_ms, end_ms, rules: ids, entries: run.entries }, run.sim)
    }
}

/// A scenario under way.
struct Run {
    sim: Sim,
    start_ms: u64,
    entries: Vec<Entry>,
    /// Every push so far, so that a retraction can name its rule.
    pushes: Vec<Push>,
    seen: Seen,
    given_up: bool,
}

/// How far the timeline has come.
#[derive(Default)]
struct Seen {
    sent: usize,
    made: usize,
    rejections: usize,
    timers: Vec<Timer>,
    traits: Object,
}

impl Seen {
    fn of(sim: &Sim) -> Self {
        let view = sim.visitor.inspection(sim.now_ms, &sim.config);
        let traits = view.get("profile").and_then(|profile| profile.get("traits")).and_then(Value::as_object);
        Self {
            sent: sim.sent.len(),
            made: sim.made.len(),
            rejections: sim.rejections.len(),
            timers: timers(&view),
            traits: traits.cloned().unwrap_or_default(),
        }
    }
}

/// The timers of rules in a whole view, sorted.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a view's times are whole and positive")]
fn timers(view: &Value) -> Vec<Timer> {
    let text = |timer: &Value, key: &str| timer.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let timer = |timer: &Value| {
        let due_ms = timer.get("due_at_ms").and_then(Value::as_f64)? as u64;
        let (rule, reason, tab) = (text(timer, "rule"), text(timer, "reason"), text(timer, "tab"));
        (!rule.is_empty()).then_some(Timer { rule, reason, tab, due_ms })
    };
    let list = view.get("timers").and_then(Value::as_array).unwrap_or_default();
    let mut timers: Vec<Timer> = list.iter().filter_map(timer).collect();
    timers.sort();
    timers.dedup();
    timers
}

impl Run {
    /// Lets time pass, with every deadline at its time; says whether it went on so far.
    fn pass_to(&mut self, end_ms: u64) -> bool {
        while !self.given_up && self.sim.wake_by(end_ms) {
            self.look();
            if self.sim.is_sleepless() {
                self.given_up = true;
                self.tell(self.sim.now_ms, What::GivenUp);
            }
        }
        self.sim.now_ms = end_ms;
        !self.given_up
    }

    fn take(&mut self, step: &Step, surroundings: &Surroundings) {
        let input = match &step.act {
            Act::Wait => return,
            Act::Connect(tab) => {
                self.tell(step.at_ms, What::Connected { tab: tab.clone() });
                Input::Connect { tab: tab.clone(), cursor: None, visible: true, inspect: false }
            }
            Act::Disconnect(tab) => {
                self.tell(step.at_ms, What::Disconnected { tab: tab.clone() });
                Input::Disconnect { tab: tab.clone() }
            }
            Act::Events { events, browser } => {
                let surroundings = if *browser { surroundings.clone() } else { Surroundings::default() };
                Input::Events(Delivery { events: numbered(events), surroundings })
            }
        };
        self.sim.input(input);
        self.look();
    }

    fn tell(&mut self, at_ms: u64, what: What) {
        self.entries.push(Entry { at_ms, after_ms: at_ms.saturating_sub(self.start_ms), what });
    }

    /// Puts on the timeline what the last input has brought.
    fn look(&mut self) {
        let now_ms = self.sim.now_ms;
        let rejected = self.sim.rejections[self.seen.rejections..].to_vec();
        for rejection in rejected {
            self.tell(now_ms, What::Rejected { message: rejection.message });
        }
        let mut retracted = Vec::new();
        for (_, _, message) in &self.sim.sent[self.seen.sent..] {
            match message {
                ServerMessage::Push(push) if self.pushes.iter().all(|known| known.seq != push.seq) => {
                    self.pushes.push(push.clone());
                }
                ServerMessage::Retract { push, slot, .. } => retracted.push((*push, slot.clone())),
                ServerMessage::Push(_)
                | ServerMessage::Welcome { .. }
                | ServerMessage::Ack { .. }
                | ServerMessage::Nack { .. }
                | ServerMessage::State { .. }
                | ServerMessage::Error { .. } => {}
            }
        }
        let made = self.sim.made[self.seen.made..].to_vec();
        for record in made {
            let what = self.recorded(&record);
            self.tell(record.at_ms, what);
        }
        for (seq, slot) in retracted {
            let rule = self.pushes.iter().find(|push| push.seq == seq).map(|push| push.rule.clone());
            self.tell(now_ms, What::Retracted { rule: rule.unwrap_or_default(), slot });
        }
        let seen = Seen::of(&self.sim);
        let before = std::mem::take(&mut self.seen);
        for what in changes(&before, &seen, now_ms) {
            self.tell(now_ms, what);
        }
        self.seen = seen;
        if self.sim.deleted {
            self.tell(now_ms, What::Deleted);
            self.sim.renew();
            self.pushes.clear();
            self.seen = Seen::of(&self.sim);
        }
    }

    fn recorded(&self, record: &Record) -> What {
        let (name, data) = (record.name.clone(), record.data.clone());
        let text = |key: &str| data.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        match record.kind {
            RecordKind::Event => {
                What::Event { name, authority: text("authority"), tab: text("tab"), path: text("path") }
            }
            RecordKind::SessionStarted => What::SessionStarted { number: record.session },
            RecordKind::SessionEnded => What::SessionEnded { number: record.session, data },
            RecordKind::StageChanged => What::StageChanged { from: text("from"), to: name },
            RecordKind::SegmentEntered => What::SegmentEntered { segment: name },
            RecordKind::SegmentLeft => What::SegmentLeft { segment: name },
            RecordKind::SightChanged => {
                let visible = data.get("visible").and_then(Value::as_bool).unwrap_or_default();
                What::SightChanged { tab: text("tab"), visible }
            }
            RecordKind::UserLinked
            | RecordKind::UserChanged
            | RecordKind::UserRefused
            | RecordKind::UserMerged
            | RecordKind::UserUpdated => What::User { kind: record.kind.as_str(), user: name },
            RecordKind::TriggerHeldOut => What::HeldOut { rule: name },
            RecordKind::Emitted => What::Emitted { name, data },
            RecordKind::TriggerFired => {
                What::Fired { rule: name, made_by: self.causes(&data), pushes: self.shown(&data) }
            }
        }
    }

    /// What the records were of that a firing's record names, in this life of the visitor.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers of records are whole")]
    fn causes(&self, data: &Object) -> Vec<Cause> {
        let numbers = data.get("events").and_then(Value::as_array).unwrap_or_default();
        let named = numbers.iter().filter_map(Value::as_f64).map(|number| number as u64);
        // The newest first: a visitor who was deleted and came back counts from 1 again.
        let record = |seq: u64| self.sim.made.iter().rev().find(|record| record.seq == seq);
        let cause = |record: &Record| Cause {
            at_ms: record.at_ms,
            after_ms: record.at_ms.saturating_sub(self.start_ms),
            kind: record.kind.as_str(),
            name: record.name.clone(),
        };
        named.filter_map(record).map(cause).collect()
    }

    /// The pushes that a firing's record names.
    fn shown(&self, data: &Object) -> Vec<Shown> {
        let numbers = data.get("pushes").and_then(Value::as_array).unwrap_or_default();
        let push = |number: &Value| self.pushes.iter().find(|push| Value::from(push.seq) == *number);
        let shown = |push: &Push| Shown {
            slot: push.slot.clone(),
            content: push.content.clone(),
            tab: push.tab.clone(),
            expires_at_ms: push.expires_at_ms,
        };
        numbers.iter().filter_map(push).map(shown).collect()
    }
}

fn numbered(events: &[Event]) -> Vec<(u32, Event)> {
    (0..).zip(events.iter().cloned()).collect()
}

/// Traits and timers that are other than before.
fn changes(before: &Seen, after: &Seen, now_ms: u64) -> Vec<What> {
    let mut found = Vec::new();
    for (name, value) in after.traits.iter().filter(|(name, value)| before.traits.get(name) != Some(value)) {
        found.push(What::TraitSet { name: name.to_owned(), value: value.clone() });
    }
    for (name, _) in before.traits.iter().filter(|(name, _)| after.traits.get(name).is_none()) {
        found.push(What::TraitSet { name: name.to_owned(), value: Value::Null });
    }
    let stopped = before.timers.iter().filter(|timer| !after.timers.contains(timer) && timer.due_ms > now_ms);
    found.extend(stopped.cloned().map(What::TimerStopped));
    let set = after.timers.iter().filter(|timer| !before.timers.contains(timer));
    found.extend(set.cloned().map(What::TimerSet));
    found
}
