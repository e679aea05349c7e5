//! Firing: limits, actions, the record of what fired, and taking back what no longer holds.

use super::firings::Instant;
use super::history::Stamp;
use super::mailbox::Bound;
use super::rules::{Action, Pattern, Rule, TRAIT_VALUE};
use super::scene::Scene;
use super::template::Template;
use super::{Effect, To, Turn, Visitor};
use footfall_protocol::event::Event;
use footfall_protocol::limits::EMITTED_BYTES_MAX;
use footfall_protocol::message::{Push, ServerMessage};
use footfall_protocol::record::RecordKind;
use footfall_protocol::{Object, Value};

/// What a firing leaves to be recorded.
#[derive(Default)]
struct Done {
    /// Numbers of the pushes that were made.
    pushes: Vec<Value>,
    /// Name and data of records to emit.
    emitted: Vec<(String, Object)>,
}

impl Visitor {
    /// Fires the rule when its limits let it, its schedule is open and its condition holds; its pattern has occurred.
    /// `event` is at hand, or brought about what happened; `records` are the numbers of the records that made the
    /// pattern occur.
    pub(super) fn fire_if_it_may(
        &mut self,
        rule: &Rule,
        event: Option<&Event>,
        tab: &str,
        records: &[u64],
        turn: &mut Turn<'_>,
    ) {
        // Between two sessions it is still the first one's turn.
        let at = Instant { session: self.profile.sessions, now_ms: turn.now_ms };
        let zone = self.core.geo.as_ref().map(|geo| geo.timezone.as_str());
        let open = |rule: &Rule| rule.schedule.as_ref().is_none_or(|schedule| schedule.holds(turn.now_ms, zone));
        let scene = Scene::new(self, turn.now_ms).during(event).on(self.tabs.get(tab));
        if !self.firings.allow(rule, at) || !rule.condition.holds(&scene) || !open(rule) {
            return;
        }
        self.firings.count(rule, at);
        let events = records.iter().map(|record| Value::from(*record)).collect();
        if rule.limits.holdout.as_ref().is_some_and(|holdout| holdout.has(&self.core.visitor.to_string())) {
            let data = Object::from_iter([("events".to_owned(), Value::Array(events))]);
            self.record(RecordKind::TriggerHeldOut, &rule.id, data, turn);
            return;
        }
        let mut done = Done::default();
        for action in &rule.actions {
            self.act(rule, action, event, tab, &mut done, turn);
        }
        let members = [("pushes", done.pushes), ("events", events)];
        let data: Object = members.map(|(key, list)| (key.to_owned(), Value::Array(list))).into_iter().collect();
        self.record(RecordKind::TriggerFired, &rule.id, data, turn);
        for (name, data) in done.emitted {
            self.record(RecordKind::Emitted, &name, data, turn);
        }
    }

    /// One action, at once: those that come after it see what it did.
    fn act(
        &mut self,
        rule: &Rule,
        action: &Action,
        event: Option<&Event>,
        tab: &str,
        done: &mut Done,
        turn: &mut Turn<'_>,
    ) {
        let render =
            |template: &Template| template.render(&Scene::new(self, turn.now_ms).during(event).on(self.tabs.get(tab)));
        match action {
            Action::Push { slot, content, expires_ms, retract } => {
                let push = Push {
                    seq: 0,
                    slot: slot.clone(),
                    rule: rule.id.clone(),
                    priority: rule.priority,
                    content: render(content),
                    // A dwell is about one page, so its push is for that page's tab alone.
                    tab: if event.is_none() { tab.to_owned() } else { String::new() },
                    at_ms: turn.now_ms,
                    expires_at_ms: turn.now_ms.saturating_add(*expires_ms),
                };
                let to = to(&push.tab);
                if let Some(push) = self.mailbox.post(push, *retract) {
                    done.pushes.push(Value::from(push.seq));
                    turn.effects.push(Effect::Send { to, message: ServerMessage::Push(push.clone()) });
                }
            }
            Action::SetTrait { name, value } => {
                let value = render(value).get(TRAIT_VALUE).cloned().unwrap_or(Value::Null);
                let stamp = Stamp::on_arrival(self.identity.history.events, turn.now_ms);
                self.merge_traits(&Object::from_iter([(name.clone(), value)]), stamp);
                self.matters(turn);
                turn.traits_changed = true;
            }
            Action::Record { name, data } => {
                let data = render(data);
                if serde_json::to_vec(&data).is_ok_and(|json| json.len() <= EMITTED_BYTES_MAX) {
                    done.emitted.push((name.clone(), data));
                } else {
                    self.firings.emitted_too_large = self.firings.emitted_too_large.saturating_add(1);
                }
            }
            Action::Start { rule, after_ms } => self.start_later(rule, *after_ms, turn),
            Action::Delay { rule, by_ms } => self.delay(rule, *by_ms, turn),
            Action::Stop { rule } => self.stop(rule, turn),
        }
    }

    /// Ends what is pending for a rule; where it comes later in the order, it does not see the happening at hand.
    fn stop(&mut self, rule: &str, turn: &mut Turn<'_>) {
        self.end_start(rule);
        if let Some(rule) = turn.config.rules.rule(rule) {
            self.forget_partials(rule);
        }
        turn.stopped.push(rule.to_owned());
    }

    /// Takes the pushes back that no longer hold: their rule is off or gone, or its condition does not hold any more.
    pub(super) fn retract_what_no_longer_holds(&mut self, turn: &mut Turn<'_>) {
        let over = self.mailbox.bound(turn.now_ms).filter(|push| !self.still_holds(push, turn));
        let over: Vec<u64> = over.map(|push| push.seq).collect();
        self.retract(&over, turn);
    }

    fn still_holds(&self, push: &Bound, turn: &Turn<'_>) -> bool {
        let Some(rule) = turn.config.rules.rule(&push.rule).filter(|rule| rule.enabled) else { return false };
        let tab = self.tabs.get(&push.tab);
        let scene = Scene::new(self, turn.now_ms).on(tab);
        let on_its_page = match &rule.pattern {
            Pattern::Dwell(dwell) => tab.is_some_and(|tab| tab.view.is_some()) && dwell.holds.holds(&scene),
            Pattern::Point(_)
            | Pattern::Sequence(_)
            | Pattern::Count(_)
            | Pattern::Absence(_)
            | Pattern::Aggregate(_)
            | Pattern::Any(_)
            | Pattern::All(_)
            | Pattern::Started => true,
        };
        on_its_page && rule.condition.holds(&scene)
    }

    /// Takes back what this rule has pushed with `retract`.
    pub(super) fn retract_pushes_of(&mut self, rule: &str, turn: &mut Turn<'_>) {
        let its = self.mailbox.bound(turn.now_ms).filter(|push| push.rule == rule);
        let its: Vec<u64> = its.map(|push| push.seq).collect();
        self.retract(&its, turn);
    }

    fn retract(&mut self, pushes: &[u64], turn: &mut Turn<'_>) {
        for (tab, message) in self.mailbox.retract(pushes, turn.now_ms) {
            turn.effects.push(Effect::Send { to: to(&tab), message });
        }
    }
}

/// Who gets what is meant for this tab; empty for all.
fn to(tab: &str) -> To {
    if tab.is_empty() { To::Everyone } else { To::Tab(tab.to_owned()) }
}
