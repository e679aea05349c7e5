//! The pattern of a rule: a shape over time, as it is compiled. How it is read is in the files below, how it advances
//! in `engine/pattern.rs`.

mod point;
mod read;
mod shapes;

pub use footfall_protocol::rule::Function;
pub use point::{Point, Points, What};

pub(super) use point::{event_names, points};
pub(super) use read::pattern;

use crate::engine::condition::{Condition, Test};
use crate::engine::dedupe::fnv1a;
use crate::engine::tree::{Field, Root};
use footfall_protocol::{Object, Value};
use serde::{Deserialize, Serialize};

/// A shape over time. What has to remember something has a number of its own (`node`), by which it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pattern {
    /// Each happening of a kind.
    Point(Points),
    /// A condition holds without a break.
    Dwell(Dwell),
    /// One happening after another.
    Sequence(Sequence),
    /// At least so many of a kind.
    Count(Count),
    /// One happening, and then another not.
    Absence(Absence),
    /// An aggregate comes to pass a test.
    Aggregate(Aggregate),
    /// Whenever one of them occurs.
    Any(Vec<Self>),
    /// Once each of them has occurred.
    All(All),
    /// When another rule starts this one.
    Started,
}

/// How far back a pattern looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Window {
    /// Without bound.
    #[default]
    Unbounded,
    /// What is less than this old, in milliseconds.
    Within(u64),
    /// What belongs to the open session.
    Session,
}

impl Window {
    /// Whether something of `at_ms` is still in the window.
    pub const fn holds(self, at_ms: u64, now_ms: u64) -> bool {
        match self {
            Self::Unbounded | Self::Session => true,
            Self::Within(window_ms) => now_ms.saturating_sub(at_ms) < window_ms,
        }
    }
}

/// What becomes of what was collected when the pattern has occurred; the field's own names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Skip {
    /// It is used up.
    #[default]
    PastLastEvent,
    /// It goes on.
    NoSkip,
}

/// The condition holds without a break for this long, counted in attention on one page view of one tab.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dwell {
    /// Its number in the rule.
    pub node: u16,
    /// How long, in milliseconds.
    pub for_ms: u64,
    /// Over the whole tree but `event`.
    pub holds: Condition,
}

/// Steps, one happening after another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequence {
    /// Its number in the rule.
    pub node: u16,
    /// 2 to [`footfall_protocol::limits::SEQUENCE_STEPS_MAX`].
    pub steps: Vec<Step>,
    /// The field that correlates the steps.
    pub by: Option<Field>,
    /// Since the first step.
    pub within: Window,
    /// No other event but quiet ones may lie between.
    pub strict: bool,
    /// What the pattern's occurring does to the other matches in progress.
    pub skip: Skip,
}

/// One step of a sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What must happen.
    pub point: Points,
    /// Less than this since the step before, in milliseconds.
    pub within_ms: Option<u64>,
    /// Another value of `by` than the first step had.
    pub other: bool,
    /// What must not happen between the step before and this one.
    pub not: Vec<Points>,
}

/// At least so many happenings, or different values of a field, in a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// Its number in the rule.
    pub node: u16,
    /// What is counted.
    pub of: Points,
    /// 1 to [`footfall_protocol::limits::COUNT_AT_LEAST_MAX`].
    pub at_least: u32,
    /// How far back.
    pub within: Window,
    /// Each value of this field for itself.
    pub by: Option<Field>,
    /// Count the different values of this field.
    pub distinct: Option<Field>,
    /// Whether what was counted is used up.
    pub skip: Skip,
}

/// After one happening, another does not come for a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Absence {
    /// Its number in the rule.
    pub node: u16,
    /// What begins the wait.
    pub after: Points,
    /// What ends it; `None` for any event but quiet ones.
    pub of: Option<Points>,
    /// How long, in milliseconds.
    pub for_ms: u64,
    /// The time counts from the first of several, not from the last.
    pub from_first: bool,
    /// Each value of this field for itself.
    pub by: Option<Field>,
}

/// An aggregate of happenings that comes to pass a test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// Its number in the rule.
    pub node: u16,
    /// What is aggregated.
    pub of: Points,
    /// How.
    pub function: Function,
    /// The field whose values are; `None` for `count`.
    pub value: Option<Field>,
    /// How far back.
    pub within: Window,
    /// What the aggregate must pass.
    pub is: Test,
}

/// Every part has occurred within a window, and no `not` has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct All {
    /// Its number in the rule.
    pub node: u16,
    /// 1 to [`footfall_protocol::limits::PATTERN_BRANCHES_MAX`], at least one of them without `not`.
    pub of: Vec<Part>,
    /// How far back.
    pub within: Window,
}

/// One part of an [`All`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// It must not have occurred.
    pub not: bool,
    /// What.
    pub pattern: Pattern,
}

impl Pattern {
    /// Whether it reads a part of the tree beyond what its points do.
    pub fn reads(&self, root: Root) -> bool {
        let mut found = false;
        self.each(&mut |pattern| {
            let (fields, holds) = match pattern {
                Self::Dwell(dwell) => ([None, None], dwell.holds.reads().has(root)),
                Self::Sequence(sequence) => ([sequence.by.as_ref(), None], false),
                Self::Count(count) => ([count.by.as_ref(), count.distinct.as_ref()], false),
                Self::Absence(absence) => ([absence.by.as_ref(), None], false),
                Self::Aggregate(aggregate) => ([aggregate.value.as_ref(), None], false),
                Self::Point(_) | Self::Any(_) | Self::All(_) | Self::Started => ([None, None], false),
            };
            found |= holds || fields.into_iter().flatten().any(|field| field.root() == Some(root));
        });
        found
    }

    /// Calls `visit` for this pattern and each within it, the outer ones first.
    pub fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        match self {
            Self::Any(parts) => parts.iter().for_each(|part| part.each(visit)),
            Self::All(all) => all.of.iter().for_each(|part| part.pattern.each(visit)),
            Self::Point(_)
            | Self::Dwell(_)
            | Self::Sequence(_)
            | Self::Count(_)
            | Self::Absence(_)
            | Self::Aggregate(_)
            | Self::Started => {}
        }
    }

    /// Whether another rule can start it.
    pub fn is_startable(&self) -> bool {
        let mut found = false;
        self.each(&mut |part| found |= matches!(part, Self::Started));
        found
    }

    /// Its number in the rule, if it has to remember something.
    pub const fn node(&self) -> Option<u16> {
        match self {
            Self::Dwell(dwell) => Some(dwell.node),
            Self::Sequence(sequence) => Some(sequence.node),
            Self::Count(count) => Some(count.node),
            Self::Absence(absence) => Some(absence.node),
            Self::Aggregate(aggregate) => Some(aggregate.node),
            Self::All(all) => Some(all.node),
            Self::Point(_) | Self::Any(_) | Self::Started => None,
        }
    }

    /// Whether it can only ever occur at an event, so that `event` can be read then.
    pub fn occurs_at_events(&self, points: &[Point]) -> bool {
        match self {
            Self::Point(point) => point.are_events(points),
            Self::Sequence(sequence) => sequence.steps.last().is_some_and(|step| step.point.are_events(points)),
            Self::Count(count) => count.of.are_events(points),
            Self::Aggregate(aggregate) => aggregate.of.are_events(points),
            Self::Any(parts) => parts.iter().all(|part| part.occurs_at_events(points)),
            Self::All(all) => all.of.iter().all(|part| part.not || part.pattern.occurs_at_events(points)),
            Self::Dwell(_) | Self::Absence(_) | Self::Started => false,
        }
    }
}

/// The key under which a pattern's state is kept: the rule's own key for the outermost, one derived from it and the
/// number for those within.
pub fn node_key(pattern_key: u64, node: u16) -> u64 {
    if node == 0 {
        return pattern_key;
    }
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&pattern_key.to_le_bytes());
    bytes[8..].copy_from_slice(&node.to_le_bytes());
    fnv1a(&bytes)
}

/// FNV-1a of the id and the pattern as JSON with sorted keys: the same pattern, however it is laid out, has one key.
pub(super) fn pattern_key(id: &str, pattern: &Value) -> u64 {
    let canonical = serde_json::to_string(&sorted(pattern)).unwrap_or_default();
    fnv1a(format!("{id}\n{canonical}").as_bytes())
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Object(object) => {
            let mut members: Vec<(&str, &Value)> = object.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            members.into_iter().map(|(key, value)| (key.to_owned(), sorted(value))).collect::<Object>().into()
        }
    }
}

/// Whether a field is one of the event at hand.
fn reads_event(field: &Field) -> bool {
    field.root() == Some(Root::Event)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, text: &str) -> u64 {
        pattern_key(id, &serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_pattern_keeps_its_key_however_it_is_laid_out() {
        let one = key("r", r#"{"dwell": {"for": "60s", "where": {"page.kind": "product", "cart.count": 0}}}"#);
        assert_eq!(one, key("r", r#"{"dwell":{"where":{"cart.count":0.0,"page.kind":"product"},"for":"60s"}}"#));
        assert_ne!(one, key("s", r#"{"dwell": {"for": "60s", "where": {"page.kind": "product", "cart.count": 0}}}"#));
        assert_ne!(one, key("r", r#"{"dwell": {"for": "61s", "where": {"page.kind": "product", "cart.count": 0}}}"#));
    }

    /// What is pending is kept under these keys wherever Footfall runs.
    #[test]
    fn keys_are_pinned() {
        let key = key("social-proof", r#"{"dwell":{"for":"60s","where":{"page.kind":"product"}}}"#);
        assert_eq!(key, 12_249_050_879_768_028_594);
        assert_eq!(node_key(key, 0), key);
    }
}
