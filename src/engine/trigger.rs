//! Firing: limits, actions, and the record of what fired.

use super::rules::{Action, Limits, Rule};
use super::scene::Scene;
use super::{Effect, To, Turn, Visitor};
use footfall_protocol::event::Event;
use footfall_protocol::limits::FIRINGS_MAX;
use footfall_protocol::message::{Push, ServerMessage};
use footfall_protocol::record::RecordKind;
use footfall_protocol::{Object, Value};
use serde::{Deserialize, Serialize};

/// What is remembered of each rule's firings, for its limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Firings(Vec<Firing>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Firing {
    pub(super) rule: String,
    pub(super) total: u32,
    session: u32,
    in_session: u32,
    pub(super) last_ms: u64,
    /// Times within the rule's cap window, oldest first; kept only for rules with a cap.
    recent_ms: Vec<u64>,
}

impl Firings {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Firing> {
        self.0.iter()
    }

    /// Whether the limits let the rule fire now.
    fn allow(&self, rule: &str, limits: &Limits, session: u32, now_ms: u64) -> bool {
        let Some(firing) = self.0.iter().find(|firing| firing.rule == rule) else { return true };
        let in_session = if firing.session == session { firing.in_session } else { 0 };
        let below = |count: u32, limit: Option<u32>| limit.is_none_or(|limit| count < limit);
        let cool = limits.cooldown_ms.is_none_or(|wait_ms| now_ms >= firing.last_ms.saturating_add(wait_ms));
        let capped = limits.cap.as_ref().is_some_and(|cap| {
            let recent = firing.recent_ms.iter().filter(|at_ms| at_ms.saturating_add(cap.per_ms) > now_ms);
            recent.count() >= cap.count as usize
        });
        below(in_session, limits.per_session) && below(firing.total, limits.per_visitor) && cool && !capped
    }

    fn count(&mut self, rule: &str, limits: &Limits, session: u32, now_ms: u64) {
        let at = self.0.iter().position(|firing| firing.rule == rule).unwrap_or_else(|| {
            if self.0.len() >= FIRINGS_MAX {
                let oldest = self.0.iter().enumerate().min_by_key(|(_, firing)| firing.last_ms).map(|(at, _)| at);
                self.0.remove(oldest.expect("the list is full, so it is not empty"));
            }
            self.0.push(Firing { rule: rule.to_owned(), ..Firing::default() });
            self.0.len() - 1
        });
        let firing = &mut self.0[at];
        firing.total = firing.total.saturating_add(1);
        firing.in_session = if firing.session == session { firing.in_session.saturating_add(1) } else { 1 };
        firing.session = session;
        firing.last_ms = now_ms;
        firing
            .recent_ms
            .retain(|at_ms| limits.cap.as_ref().is_some_and(|cap| at_ms.saturating_add(cap.per_ms) > now_ms));
        if limits.cap.is_some() {
            firing.recent_ms.push(now_ms);
        }
    }
}

impl Visitor {
    /// Fires the rule when its condition holds and its limits let it; its pattern has been met. `event` is at hand, or
    /// brought about what happened; `records` are the numbers of the records that made the pattern occur.
    pub(super) fn fire_if_it_may(
        &mut self,
        rule: &Rule,
        event: Option<&Event>,
        tab: &str,
        records: &[u64],
        turn: &mut Turn<'_>,
    ) {
        let session = self.core.session.as_ref().map_or(0, |session| session.number);
        let scene = Scene::new(self, turn.now_ms).during(event).on(self.tabs.get(tab));
        if !rule.condition.holds(&scene) || !self.firings.allow(&rule.id, &rule.limits, session, turn.now_ms) {
            return;
        }
        let pushes: Vec<Push> =
            rule.actions.iter().map(|action| self.push_of(rule, action, event, tab, turn)).collect();
        self.firings.count(&rule.id, &rule.limits, session, turn.now_ms);
        let mut numbers = Vec::new();
        for push in pushes {
            let to = if push.tab.is_empty() { To::Everyone } else { To::Tab(push.tab.clone()) };
            if let Some(push) = self.mailbox.post(push) {
                numbers.push(Value::from(push.seq));
                turn.effects.push(Effect::Send { to, message: ServerMessage::Push(push.clone()) });
            }
        }
        let events = records.iter().map(|record| Value::from(*record)).collect();
        let members = [("pushes", numbers), ("events", events)];
        let data: Object = members.map(|(key, list)| (key.to_owned(), Value::Array(list))).into_iter().collect();
        self.record(RecordKind::TriggerFired, &rule.id, data, turn);
    }

    /// The push that an action makes. A dwell is about one page, so its push is for that page's tab alone.
    fn push_of(&self, rule: &Rule, action: &Action, event: Option<&Event>, tab: &str, turn: &Turn<'_>) -> Push {
        let Action::Push { slot, content, expires_ms } = action;
        let scene = Scene::new(self, turn.now_ms).during(event).on(self.tabs.get(tab));
        Push {
            seq: 0,
            slot: slot.clone(),
            rule: rule.id.clone(),
            priority: rule.priority,
            content: content.render(&scene),
            tab: if event.is_none() { tab.to_owned() } else { String::new() },
            at_ms: turn.now_ms,
            expires_at_ms: turn.now_ms.saturating_add(*expires_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::rules::Cap;

    #[test]
    fn limits_hold_in_a_session_over_a_life_and_over_a_window() {
        let mut firings = Firings::default();
        let once = Limits { per_session: Some(1), per_visitor: Some(2), ..Limits::default() };
        assert!(firings.allow("r", &once, 1, 0));
        firings.count("r", &once, 1, 0);
        assert!(!firings.allow("r", &once, 1, 1));
        assert!(firings.allow("r", &once, 2, 2));
        firings.count("r", &once, 2, 2);
        assert!(!firings.allow("r", &once, 3, 3));

        let capped = Limits { cap: Some(Cap { count: 2, per_ms: 100 }), cooldown_ms: Some(10), ..Limits::default() };
        for (at_ms, allowed) in
            [(0, true), (9, false), (10, true), (50, false), (99, false), (100, true), (109, false), (110, true)]
        {
            assert_eq!(firings.allow("c", &capped, 1, at_ms), allowed, "{at_ms}");
            if allowed {
                firings.count("c", &capped, 1, at_ms);
            }
        }
    }

    #[test]
    fn the_rule_that_fired_longest_ago_makes_room() {
        let mut firings = Firings::default();
        for n in 0..=FIRINGS_MAX as u64 {
            firings.count(&n.to_string(), &Limits::default(), 1, n);
        }
        assert_eq!(firings.0.len(), FIRINGS_MAX);
        assert!(!firings.iter().any(|firing| firing.rule == "0"));
    }
}
