//! What waits for happenings of one kind: points of rules, in an index by name over what has to hold for each.

use super::{Pattern, Place, Points, Rule};
use crate::engine::condition::Condition;
use crate::engine::index::{ByName, Scratch, Waits};
use crate::engine::tree::Scope;

/// The points that wait for happenings of one kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Waiting {
    /// In the order of evaluation.
    places: Vec<Place>,
    by_name: ByName,
}

/// The same while it is put together.
#[derive(Default)]
pub(super) struct Draft<'a> {
    places: Vec<Place>,
    waits: Vec<Waits<'a>>,
}

impl<'a> Draft<'a> {
    pub(super) fn add(&mut self, place: Place, names: Vec<&'a str>, conditions: Vec<&'a Condition>) {
        self.places.push(place);
        self.waits.push(Waits { names, conditions });
    }

    pub(super) fn finish(self) -> Waiting {
        Waiting { places: self.places, by_name: ByName::new(&self.waits) }
    }
}

impl Waiting {
    /// Adds the points that wait for this name and for which everything holds, in the order of evaluation.
    pub(super) fn find<S: Scope + ?Sized>(&self, name: &str, scope: &S, scratch: &mut Scratch, found: &mut Vec<Place>) {
        found.extend(self.by_name.matches(name, scope, scratch).map(|at| self.places[at]));
    }
}

/// What has to hold at a point for the rule to be looked at: the point's own `where`, and what can be told already of
/// the rule's condition.
///
/// Where nothing but the rule's firing comes of a point (the pattern is that point, or any of several), and part of the
/// condition does not hold, the rule does nothing. That part can be told before the first rule acts if nothing changes
/// its answer before the rule's turn comes. All of the condition is asked again when the rule fires.
pub(super) fn needs(rule: &Rule, point: u16) -> Vec<&Condition> {
    let mut needs: Vec<&Condition> =
        rule.points.get(usize::from(point)).map(|point| &point.holds).into_iter().collect();
    if only_fires(&rule.pattern, point) {
        steady(&rule.condition, &mut needs);
    }
    needs
}

/// Whether nothing of what is told early of the rule's condition stands against its firing at this point.
pub(super) fn may_fire<S: Scope + ?Sized>(rule: &Rule, point: u16, scope: &S) -> bool {
    !only_fires(&rule.pattern, point) || may_hold(&rule.condition, scope)
}

fn may_hold<S: Scope + ?Sized>(condition: &Condition, scope: &S) -> bool {
    match condition {
        Condition::All(parts) => parts.iter().all(|part| may_hold(part, scope)),
        Condition::Any(_) | Condition::Not(_) | Condition::Field(..) => {
            condition.reads_what_actions_change() || condition.holds(scope)
        }
    }
}

fn only_fires(pattern: &Pattern, point: u16) -> bool {
    match pattern {
        Pattern::Point(points) => Points::has(*points, point),
        Pattern::Any(parts) => parts.iter().any(|part| only_fires(part, point)),
        Pattern::Dwell(_)
        | Pattern::Sequence(_)
        | Pattern::Count(_)
        | Pattern::Absence(_)
        | Pattern::Aggregate(_)
        | Pattern::All(_)
        | Pattern::Started => false,
    }
}

fn steady<'a>(condition: &'a Condition, found: &mut Vec<&'a Condition>) {
    match condition {
        Condition::All(parts) => parts.iter().for_each(|part| steady(part, found)),
        Condition::Any(_) | Condition::Not(_) | Condition::Field(..) => {
            if !condition.reads_what_actions_change() {
                found.push(condition);
            }
        }
    }
}
