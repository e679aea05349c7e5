//! What is remembered of firings, for the limits of rules and of groups.

use super::rules::{Group, Limits, Per, Rule};
use footfall_protocol::limits::{FIRINGS_MAX, GROUPS_MAX};
use serde::{Deserialize, Serialize};

/// What is remembered of each rule's and each group's firings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Firings {
    rules: Vec<Firing>,
    groups: Vec<GroupFiring>,
    pub(super) groups_dropped: u32,
    /// Records that rules would have emitted, but for their size.
    pub(super) emitted_too_large: u32,
}

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

/// The last firing of any rule of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct GroupFiring {
    group: String,
    session: u32,
    last_ms: u64,
}

/// One limit of a rule as it stands.
pub(super) struct Used {
    pub(super) limit: &'static str,
    pub(super) allows: bool,
    /// How many firings count, and how many there may be.
    pub(super) count: Option<(u32, u32)>,
    /// When it lets the rule fire again, where time alone does it.
    pub(super) again_ms: Option<u64>,
}

/// When a rule would fire.
#[derive(Clone, Copy)]
pub(super) struct Instant {
    /// The session that is open, else the one before.
    pub(super) session: u32,
    pub(super) now_ms: u64,
}

impl Firings {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Firing> {
        self.rules.iter()
    }

    /// Whether the limits let the rule fire now.
    pub(super) fn allow(&self, rule: &Rule, at: Instant) -> bool {
        self.allow_rule(&rule.id, &rule.limits, at)
            && rule.limits.group.as_ref().is_none_or(|group| self.is_free(group, at))
    }

    fn allow_rule(&self, rule: &str, limits: &Limits, Instant { session, now_ms }: Instant) -> bool {
        let Some(firing) = self.rules.iter().find(|firing| firing.rule == rule) else { return true };
        let in_session = if firing.session == session { firing.in_session } else { 0 };
        let below = |count: u32, limit: Option<u32>| limit.is_none_or(|limit| count < limit);
        let cool = limits.cooldown_ms.is_none_or(|wait_ms| now_ms >= firing.last_ms.saturating_add(wait_ms));
        let capped = limits.cap.as_ref().is_some_and(|cap| {
            let recent = firing.recent_ms.iter().filter(|at_ms| at_ms.saturating_add(cap.per_ms) > now_ms);
            recent.count() >= cap.count as usize
        });
        below(in_session, limits.per_session) && below(firing.total, limits.per_visitor) && cool && !capped
    }

    /// How much of each of a rule's limits is used.
    pub(super) fn used(&self, rule: &Rule, at: Instant) -> Vec<Used> {
        let none = Firing::default();
        let firing = self.rules.iter().find(|firing| firing.rule == rule.id).unwrap_or(&none);
        let fired = firing.total > 0;
        let limits = &rule.limits;
        let mut used = Vec::new();
        let mut counted = |limit: &'static str, count: u32, most: Option<u32>| {
            if let Some(most) = most {
                used.push(Used { limit, allows: count < most, count: Some((count, most)), again_ms: None });
            }
        };
        counted("per_session", if firing.session == at.session { firing.in_session } else { 0 }, limits.per_session);
        counted("per_visitor", firing.total, limits.per_visitor);
        if let Some(wait_ms) = limits.cooldown_ms {
            let again_ms = firing.last_ms.saturating_add(wait_ms);
            let allows = !fired || at.now_ms >= again_ms;
            used.push(Used { limit: "cooldown", allows, count: None, again_ms: (!allows).then_some(again_ms) });
        }
        if let Some(cap) = &limits.cap {
            let ends = firing.recent_ms.iter().map(|at_ms| at_ms.saturating_add(cap.per_ms));
            let recent: Vec<u64> = ends.filter(|end_ms| *end_ms > at.now_ms).collect();
            let count = u32::try_from(recent.len()).unwrap_or(u32::MAX);
            let allows = count < cap.count;
            // It allows the next one when all but `count - 1` have left the window.
            let again_ms = recent.get(recent.len().saturating_sub(cap.count as usize)).copied().filter(|_| !allows);
            used.push(Used { limit: "cap", allows, count: Some((count, cap.count)), again_ms });
        }
        if let Some(group) = &limits.group {
            let allows = self.is_free(group, at);
            let last = self.groups.iter().find(|firing| firing.group == group.name);
            let again_ms = match (group.per, last) {
                (Per::Time(wait_ms), Some(last)) if !allows => Some(last.last_ms.saturating_add(wait_ms)),
                _ => None,
            };
            used.push(Used { limit: "group", allows, count: None, again_ms });
        }
        used
    }

    fn is_free(&self, group: &Group, at: Instant) -> bool {
        let last = self.groups.iter().find(|firing| firing.group == group.name);
        last.is_none_or(|last| match group.per {
            Per::Moment => last.last_ms != at.now_ms,
            Per::Session => last.session != at.session,
            Per::Time(wait_ms) => at.now_ms >= last.last_ms.saturating_add(wait_ms),
        })
    }

    /// The rule fires now.
    pub(super) fn count(&mut self, rule: &Rule, at: Instant) {
        self.count_rule(&rule.id, &rule.limits, at);
        if let Some(group) = &rule.limits.group {
            self.count_group(&group.name, at);
        }
    }

    fn count_rule(&mut self, rule: &str, limits: &Limits, Instant { session, now_ms }: Instant) {
        let at = self.rules.iter().position(|firing| firing.rule == rule).unwrap_or_else(|| {
            if self.rules.len() >= FIRINGS_MAX {
                let oldest = self.rules.iter().enumerate().min_by_key(|(_, firing)| firing.last_ms).map(|(at, _)| at);
                self.rules.remove(oldest.expect("the list is full, so it is not empty"));
            }
            self.rules.push(Firing { rule: rule.to_owned(), ..Firing::default() });
            self.rules.len() - 1
        });
        let firing = &mut self.rules[at];
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

    /// The groups stand in the order of their last firings.
    fn count_group(&mut self, group: &str, at: Instant) {
        self.groups.retain(|firing| firing.group != group);
        if self.groups.len() >= GROUPS_MAX {
            self.groups.remove(0);
            self.groups_dropped = self.groups_dropped.saturating_add(1);
        }
        self.groups.push(GroupFiring { group: group.to_owned(), session: at.session, last_ms: at.now_ms });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::rules::Cap;

    const fn at(session: u32, now_ms: u64) -> Instant {
        Instant { session, now_ms }
    }

    #[test]
    fn limits_hold_in_a_session_over_a_life_and_over_a_window() {
        let mut firings = Firings::default();
        let once = Limits { per_session: Some(1), per_visitor: Some(2), ..Limits::default() };
        assert!(firings.allow_rule("r", &once, at(1, 0)));
        firings.count_rule("r", &once, at(1, 0));
        assert!(!firings.allow_rule("r", &once, at(1, 1)));
        assert!(firings.allow_rule("r", &once, at(2, 2)));
        firings.count_rule("r", &once, at(2, 2));
        assert!(!firings.allow_rule("r", &once, at(3, 3)));

        let capped = Limits { cap: Some(Cap { count: 2, per_ms: 100 }), cooldown_ms: Some(10), ..Limits::default() };
        for (at_ms, allowed) in
            [(0, true), (9, false), (10, true), (50, false), (99, false), (100, true), (109, false), (110, true)]
        {
            assert_eq!(firings.allow_rule("c", &capped, at(1, at_ms)), allowed, "{at_ms}");
            if allowed {
                firings.count_rule("c", &capped, at(1, at_ms));
            }
        }
    }

    #[test]
    fn the_rule_that_fired_longest_ago_makes_room() {
        let mut firings = Firings::default();
        for n in 0..=FIRINGS_MAX as u64 {
            firings.count_rule(&n.to_string(), &Limits::default(), at(1, n));
        }
        assert_eq!(firings.rules.len(), FIRINGS_MAX);
        assert!(!firings.iter().any(|firing| firing.rule == "0"));
    }

    #[test]
    fn a_group_waits_for_a_moment_a_session_or_a_time() {
        let group = |per| Group { name: "overlay".into(), per };
        let mut firings = Firings::default();
        assert!(firings.is_free(&group(Per::Session), at(1, 50)));
        firings.count_group("overlay", at(1, 50));
        for (per, session, now_ms, free) in [
            (Per::Moment, 1, 50, false),
            (Per::Moment, 1, 51, true),
            (Per::Session, 1, 5_000, false),
            (Per::Session, 2, 51, true),
            (Per::Time(100), 2, 149, false),
            (Per::Time(100), 1, 150, true),
        ] {
            assert_eq!(firings.is_free(&group(per), at(session, now_ms)), free, "{per:?} {session} {now_ms}");
        }
        assert!(firings.is_free(&Group { name: "other".into(), per: Per::Session }, at(1, 50)));
    }

    #[test]
    fn the_group_that_fired_longest_ago_makes_room_and_is_counted() {
        let mut firings = Firings::default();
        for n in 0..=GROUPS_MAX as u64 {
            firings.count_group(&n.to_string(), at(1, n));
            firings.count_group("0", at(1, n));
        }
        assert_eq!((firings.groups.len(), firings.groups_dropped), (GROUPS_MAX, 1));
        assert!(firings.groups.iter().any(|firing| firing.group == "0"));
    }
}
