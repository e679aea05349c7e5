//! Patterns and points as authors write them: shapes over time, and what they are made of.

use super::{Condition, Duration, EventCondition, FieldPath, Names, Test};
#[cfg(feature = "schema")]
use crate::limits::{COUNT_AT_LEAST_MAX, PATTERN_BRANCHES_MAX, PATTERN_POINTS_MAX};
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What must happen: exactly one of these members. Patterns nest at most 4 deep, with at most 16 parts in one rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::one_member))]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// One of these events.
    Event(EventPoint),
    /// A session starts or ends.
    Session(SessionPoint),
    /// The stage changes.
    Stage(StagePoint),
    /// A segment is entered or left.
    Segment(Segments),
    /// A condition holds without a break for some time.
    Dwell(Dwell),
    /// One happening after another.
    Sequence(Sequence),
    /// So many happenings, or different values, in a window.
    Count(Count),
    /// After something, nothing of something else for some time.
    Absence(Absence),
    /// A sum, mean, last value or the like comes to pass a test.
    Aggregate(Aggregate),
    /// Any of these patterns.
    Any(#[cfg_attr(feature = "schema", schemars(length(min = 2, max = PATTERN_BRANCHES_MAX)))] Vec<Self>),
    /// All of these patterns, in any order, within a window.
    All(All),
    /// Another rule's `start` action says so. Only at the top, or in an `any` at the top.
    Started(Started),
}

/// A happening of one kind: exactly one of these members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::one_member))]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// One of these events.
    Event(EventPoint),
    /// A session starts or ends.
    Session(SessionPoint),
    /// The stage changes.
    Stage(StagePoint),
    /// A segment is entered or left.
    Segment(Segments),
    /// Any of these points.
    Any(#[cfg_attr(feature = "schema", schemars(length(min = 2, max = PATTERN_BRANCHES_MAX)))] Vec<Self>),
}

/// One of these events, for which the condition holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(JsonSchema),
    schemars(extend("examples" = [{"name": "product_added", "where": {"event.properties.price": {"$gte": 50}}}]))
)]
#[serde(deny_unknown_fields)]
pub struct EventPoint {
    /// One event's name, or several.
    pub name: Names,
    /// What must hold then.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<EventCondition>,
}

/// A session starts or ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SessionPoint {
    /// Which of both.
    pub is: SessionIs,
    /// What must hold then. At its end the session can still be read.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Condition>,
}

/// What a session does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::plain_enum))]
#[serde(rename_all = "snake_case")]
pub enum SessionIs {
    /// It started.
    Started,
    /// It ended.
    Ended,
}

/// The stage changes. Without `from` from any, without `to` to any.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StagePoint {
    /// From one of these stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Names>,
    /// To one of these stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Names>,
    /// What must hold then.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Condition>,
}

/// A segment is entered or left: exactly one of both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::entered_or_left))]
#[serde(deny_unknown_fields)]
pub struct Segments {
    /// One of these is entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered: Option<Names>,
    /// One of these is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Names>,
    /// What must hold then.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Condition>,
}

/// The condition has held without a break for that long, counted in attention on one page view of one tab.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(JsonSchema),
    schemars(extend("examples" = [{"for": "60s", "where": {"page.kind": "product"}}]))
)]
#[serde(deny_unknown_fields)]
pub struct Dwell {
    /// How long: at most 24 hours.
    #[serde(rename = "for")]
    pub lasts: Duration,
    /// What must hold. No event is at hand.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Condition>,
}

/// One happening after another. A happening is at most one step of one match.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::first_step))]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// 2 to 8 steps, in order; between two of them `{"not": point}` may stand.
    #[cfg_attr(feature = "schema", schemars(length(min = 2, max = PATTERN_POINTS_MAX)))]
    pub steps: Vec<Step>,
    /// A field whose value must be the same at all steps, or with `"key": "other"` another one than at the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<FieldPath>,
    /// Less than this since the first step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Within>,
    /// Whether other happenings may lie between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "relaxed")))]
    pub contiguity: Option<Contiguity>,
    /// What becomes of the other matches in progress when the pattern has occurred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "past_last_event")))]
    pub skip: Option<Skip>,
}

/// One step: exactly one of `event`, `session`, `stage`, `segment` and `any`, or, between two steps, `not`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::one_point))]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// One of these events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventPoint>,
    /// A session starts or ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionPoint>,
    /// The stage changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<StagePoint>,
    /// A segment is entered or left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<Segments>,
    /// Any of these points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 2, max = PATTERN_BRANCHES_MAX)))]
    pub any: Option<Vec<Point>>,
    /// None of these may happen between the step before and the step after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not: Option<Point>,
    /// Less than this since the step before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Duration>,
    /// Which value of `by` fits: the first step's, or another one than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "same")))]
    pub key: Option<Key>,
}

/// Which value of a field fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::plain_enum))]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// The one that the first step had.
    Same,
    /// Another one than the first step had.
    Other,
}

/// Whether other happenings may lie between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::plain_enum))]
#[serde(rename_all = "snake_case")]
pub enum Contiguity {
    /// They may; the first happening that fits is taken.
    Relaxed,
    /// The next event that is not quiet must be the next step, or the match is over.
    Strict,
}

/// What becomes of what was collected when a pattern has occurred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::plain_enum))]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// It is used up.
    PastLastEvent,
    /// It goes on.
    NoSkip,
}

/// A window: less than this long ago, or in the session that is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::any_of))]
#[serde(untagged)]
pub enum Within {
    /// In the session that is open.
    Session(OpenSession),
    /// Less than this long ago.
    Time(Duration),
}

/// The session that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::plain_enum))]
#[serde(rename_all = "snake_case")]
pub enum OpenSession {
    /// The session that is open.
    Session,
}

/// So many happenings in a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// What is counted.
    pub of: Point,
    /// How many are enough.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = COUNT_AT_LEAST_MAX)))]
    pub at_least: u32,
    /// The window; without it there is no bound in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Within>,
    /// Counts different values of this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<FieldPath>,
    /// Counts each value of this field for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<FieldPath>,
    /// Whether what was counted is used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "past_last_event")))]
    pub skip: Option<Skip>,
}

/// After something, nothing of something else for that long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::by_needs_of))]
#[serde(deny_unknown_fields)]
pub struct Absence {
    /// What begins the wait.
    pub after: Point,
    /// What ends it; without it any event that is not quiet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Point>,
    /// How long.
    #[serde(rename = "for")]
    pub lasts: Duration,
    /// Of several beginnings, the one that the time counts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "last")))]
    pub from: Option<From>,
    /// For each value of this field on its own; not without `of`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<FieldPath>,
}

/// One of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::plain_enum))]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// The one that came last.
    Last,
    /// The one that came first.
    First,
}

/// An aggregate comes to pass a test that it did not pass just before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::value_unless_count))]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    /// What is aggregated.
    pub of: Point,
    /// How.
    #[serde(rename = "fn")]
    pub function: Function,
    /// The field whose values are taken; `count` needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<FieldPath>,
    /// The window; without it the visitor's life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Within>,
    /// The test.
    pub is: Test,
}

/// What an aggregate makes of the values in its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::plain_enum))]
#[serde(rename_all = "snake_case")]
pub enum Function {
    /// How many happenings.
    Count,
    /// The sum, of amounts: exact decimals of millionths.
    Sum,
    /// The least, of amounts.
    Min,
    /// The greatest, of amounts.
    Max,
    /// The mean, of amounts; rounded half away from zero to a millionth.
    Mean,
    /// The first value.
    First,
    /// The last value.
    Last,
    /// How many different values.
    Distinct,
    /// The value that came most often; of several, the one of them that came last.
    MostFrequent,
}

/// All of these have occurred within the window, in any order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::not_all_not))]
#[serde(deny_unknown_fields)]
pub struct All {
    /// The patterns; `{"not": pattern}` for what must not have occurred, beside one that must.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = PATTERN_BRANCHES_MAX)))]
    pub of: Vec<Part>,
    /// The window; without it there is no bound in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Within>,
}

/// A part of an `all`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::not_or_pattern))]
#[serde(untagged)]
pub enum Part {
    /// This must not have occurred.
    Not {
        /// The pattern.
        not: Box<Pattern>,
    },
    /// This must have occurred.
    Pattern(Box<Pattern>),
}

/// Nothing to say: `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Started {}
