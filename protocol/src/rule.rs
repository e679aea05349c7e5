//! Documents as their authors write them: a rule, a segment, a stage.
//!
//! These types say what the language is made of, with units and bounds; `docs/rules.md` says what it means. What judges
//! a document is the engine's compiler, which reads the JSON itself so that every fault is reported at once. From these
//! types the JSON Schema is made that editors use (`schema`, behind the feature of that name).

mod action;
mod condition;
mod firing;
mod pattern;
#[cfg(feature = "schema")]
pub mod schema;

pub use action::{Action, Delay, Emit, Push, SetTrait, Start, Stop};
pub use condition::{Condition, EventCondition, SegmentCondition, Test};
pub use firing::{Cap, Day, Group, GroupPer, Holdout, Hours, Limits, LocalTime, Moment, Schedule};
pub use pattern::{
    Absence, Aggregate, All, Contiguity, Count, Dwell, EventPoint, From, Function, Key, OpenSession, Part, Pattern,
    Point, Segments, Sequence, SessionIs, SessionPoint, Skip, StagePoint, Started, Step, Within,
};

#[cfg(feature = "schema")]
use crate::limits::{DOCUMENT_NAME_BYTES_MAX, EVENT_NAME_BYTES_MAX, EVENT_NAMES_MAX, PRIORITY_MAX, STAGE_WAYS_MAX};
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When this pattern has happened, and this condition holds, and the limits allow it, do these actions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(title = "Rule", transform = schema::without_event))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Where the schema is, for editors; the engine ignores it.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The rule's id, unique in its site.
    pub id: Id,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// Rules are looked at by falling priority, then by id. Of two pushes for one slot the higher stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = -PRIORITY_MAX, max = PRIORITY_MAX), extend("default" = 0)))]
    pub priority: Option<i32>,
    /// `false` is the kill switch: the rule does not fire, and what it had collected is dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = true)))]
    pub enabled: Option<bool>,
    /// When it may fire. Outside, its pattern goes on being followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// What must happen.
    pub pattern: Pattern,
    /// What must hold at that moment. `event.*` can be read only when the pattern can occur at nothing but an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<EventCondition>,
    /// What ends everything that is pending for the rule: partial matches, clocks, its start, its pushes with `retract`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Point>,
    /// How often it may fire, and for whom not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// What it does.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = crate::limits::ACTIONS_MAX)))]
    pub actions: Vec<Action>,
}

/// Visitors for whom a condition holds now: entering and leaving are recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(title = "Segment"))]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Where the schema is, for editors; the engine ignores it.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The segment's id, unique in its site.
    pub id: Id,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// Holds for those who are in it. It reads neither `event` nor `segments`.
    pub when: SegmentCondition,
}

/// A place on the way to a purchase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(title = "Stage"))]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Where the schema is, for editors; the engine ignores it.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The stage's id, unique in its site.
    pub id: Id,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// Of the stages that may be entered the highest is; the lowest of all is where a visitor begins.
    #[cfg_attr(feature = "schema", schemars(range(min = -PRIORITY_MAX, max = PRIORITY_MAX)))]
    pub rank: i32,
    /// The ways into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = STAGE_WAYS_MAX)))]
    pub enter: Option<Vec<Enter>>,
}

/// One way into a stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = schema::idle_alone))]
#[serde(deny_unknown_fields)]
pub struct Enter {
    /// From these stages; without it from any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Names>,
    /// At these events, or `session_started`; without it at any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Names>,
    /// When this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<EventCondition>,
    /// Only by time: after this long without activity. Then there is no `on` and no `when`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_idle: Option<Duration>,
}

/// Several documents in one file, as the tools take them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(title = "File of documents"))]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// Where the schema is, for editors; the engine ignores it.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<Rule>>,
    /// Segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<Vec<Segment>>,
    /// Stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<Vec<Stage>>,
}

/// 1 to 64 of `a`–`z`, `0`–`9`, `-`, `_` and `.`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(extend("pattern" = r"^[a-z0-9._-]{1,64}$")))]
#[serde(transparent)]
pub struct Id(pub String);

/// A name for people, at most 128 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(extend("maxLength" = DOCUMENT_NAME_BYTES_MAX)))]
#[serde(transparent)]
pub struct Name(pub String);

/// The name of an event or a stage: 1 to 128 bytes. Events in the vocabulary, in any of its spellings, or of your own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(extend("minLength" = 1, "maxLength" = EVENT_NAME_BYTES_MAX)))]
#[serde(transparent)]
pub struct Word(pub String);

/// One name, or 1 to 32 of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = schema::any_of))]
#[serde(untagged)]
pub enum Names {
    /// One.
    One(Word),
    /// Any of several.
    Several(#[cfg_attr(feature = "schema", schemars(length(min = 1, max = EVENT_NAMES_MAX)))] Vec<Word>),
}

/// A whole number with one of the units `ms`, `s`, `m`, `h` and `d`: from one second to 400 days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(JsonSchema),
    schemars(extend("pattern" = r"^[0-9]+(ms|s|m|h|d)$", "examples" = ["60s", "10m", "24h", "7d"]))
)]
#[serde(transparent)]
pub struct Duration(pub String);

/// The dotted path of a field of the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldPath(pub String);
