//! Explanations: for a visitor and a rule, what held and what did not, with values and times, and what is still awaited.
//!
//! A look: nothing changes. What it says is read from the same state and the same compiled rule that decide.

mod pattern;
mod words;

use super::firings::Instant;
use super::rules::Rule;
use super::scene::Scene;
use super::{Config, Visitor};
use footfall_protocol::{Millis, Object, Value};
use words::span;

impl Visitor {
    /// Explains a rule for this visitor at `now`: `{rule, at_ms, enabled, pattern, condition, schedule, limits, fired,
    /// would_fire, awaits}`, or `{rule, unknown: true}` when no such rule runs.
    ///
    /// `pattern` is the tree of its parts, each with what it has collected; `condition` the tree of its tests with the
    /// values they saw; `limits` each limit with how much of it is used; `would_fire` whether everything but the pattern
    /// lets it fire now; `awaits` sentences on what is still missing. Times are in milliseconds since the epoch.
    pub fn explain(&self, rule: &str, now: Millis, config: &Config) -> Value {
        let now_ms = now.max(self.core.clock_ms);
        let Some(rule) = config.rules.rules.iter().find(|one| one.id == rule) else {
            return Value::Object(Object::from_iter([("rule".into(), rule.into()), ("unknown".into(), true.into())]));
        };
        let scene = Scene::new(self, now_ms).on(None);
        let mut awaits = Vec::new();
        let mut told = Object::new();
        told.insert("rule", rule.id.as_str());
        told.insert("at_ms", now_ms);
        told.insert("enabled", rule.enabled);
        if !rule.enabled {
            awaits.push("it is off: `enabled` is false".to_owned());
        }
        let refused = self.is_refused();
        if refused {
            awaits.push("the visitor has denied consent: nothing happens until it is granted".to_owned());
        }
        told.insert("pattern", self.explain_pattern(rule, now_ms, &mut awaits));
        told.insert("condition", rule.condition.explain(&scene));
        let holds = rule.condition.holds(&scene);
        if !holds {
            awaits.push("its condition does not hold now".to_owned());
        }
        let open = self.explain_schedule(rule, now_ms, &mut told, &mut awaits);
        let (limits, allowed) = self.explain_limits(rule, now_ms, &mut awaits);
        told.insert("limits", limits);
        if let Some(firing) = self.firings.iter().find(|firing| firing.rule == rule.id) {
            let members = [("count", Value::from(firing.total)), ("last_at_ms", firing.last_ms.into())];
            told.insert(
                "fired",
                Value::Object(members.map(|(key, value)| (key.to_owned(), value)).into_iter().collect()),
            );
        }
        told.insert("would_fire", rule.enabled && !refused && holds && open && allowed);
        told.insert("awaits", Value::Array(awaits.into_iter().map(Value::from).collect()));
        Value::Object(told)
    }

    fn explain_schedule(&self, rule: &Rule, now_ms: u64, told: &mut Object, awaits: &mut Vec<String>) -> bool {
        let Some(schedule) = &rule.schedule else { return true };
        let zone = self.core.geo.as_ref().map(|geo| geo.timezone.as_str());
        let open = schedule.holds(now_ms, zone);
        told.insert("schedule", Value::Object(Object::from_iter([("open".to_owned(), open.into())])));
        if !open {
            awaits.push("its schedule is closed now".to_owned());
        }
        open
    }

    /// Each limit with how much of it is used, and whether they let the rule fire now.
    fn explain_limits(&self, rule: &Rule, now_ms: u64, awaits: &mut Vec<String>) -> (Value, bool) {
        let at = Instant { session: self.profile.sessions, now_ms };
        let mut told = Vec::new();
        for used in self.firings.used(rule, at) {
            let mut one = Object::new();
            one.insert("limit", used.limit);
            one.insert("allows", used.allows);
            if let Some((count, most)) = used.count {
                one.insert("used", count);
                one.insert("most", most);
            }
            if let Some(again_ms) = used.again_ms {
                one.insert("again_at_ms", again_ms);
            }
            if !used.allows {
                let wait =
                    used.again_ms.map(|again_ms| format!(" for another {}", span(again_ms.saturating_sub(now_ms))));
                awaits.push(format!("its limit `{}` does not let it fire{}", used.limit, wait.unwrap_or_default()));
            }
            told.push(Value::Object(one));
        }
        if let Some(holdout) = &rule.limits.holdout {
            let held_out = holdout.has(&self.core.visitor.to_string());
            let members = [("limit", Value::from("holdout")), ("held_out", held_out.into())];
            told.push(Value::Object(members.map(|(key, value)| (key.to_owned(), value)).into_iter().collect()));
            if held_out {
                awaits.push("this visitor is held out: the rule is counted and recorded, and does nothing".to_owned());
            }
        }
        (Value::Array(told), self.firings.allow(rule, at))
    }
}
