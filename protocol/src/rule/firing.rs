//! When a rule may fire, and how often: its schedule and its limits.

use super::{Duration, Id};
#[cfg(feature = "schema")]
use crate::limits::{CAP_COUNT_MAX, FIRING_LIMIT_MAX};
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a rule may fire. Every member may be left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// From this local time on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<LocalTime>,
    /// Until this local time, which is no longer in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<LocalTime>,
    /// On these days of the week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 7)))]
    pub days: Option<Vec<Day>>,
    /// In these hours. The end is exclusive; hours may go over midnight and then belong to the day they begin on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub hours: Option<Vec<Hours>>,
    /// An IANA time zone, or `visitor` for the visitor's own (UTC where that is not known).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(extend("default" = "UTC", "examples" = ["Europe/Berlin", "America/New_York", "visitor"]))
    )]
    pub time_zone: Option<String>,
}

/// A local time without a zone, from 1970 to 2999, such as `2026-11-27T00:00`. One that the clock skips counts as the moment after the gap;
/// of one that comes twice the first counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(JsonSchema),
    schemars(extend("pattern" = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?$", "examples" = ["2026-11-27T00:00"]))
)]
#[serde(transparent)]
pub struct LocalTime(pub String);

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::plain_enum))]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "their names say it")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// Hours of the day, such as `09:00-12:00` or `22:00-02:00`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(JsonSchema),
    schemars(
        extend("pattern" = r"^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$", "examples" = ["09:00-12:00", "22:00-02:00"])
    )
)]
#[serde(transparent)]
pub struct Hours(pub String);

/// How often a rule may fire for one visitor, and for which visitors it does not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// At most this often in one session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = FIRING_LIMIT_MAX)))]
    pub per_session: Option<u32>,
    /// At most this often in this visitor's life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = FIRING_LIMIT_MAX)))]
    pub per_visitor: Option<u32>,
    /// Not again before this time has gone by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooldown: Option<Duration>,
    /// At most so often in any window of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Cap>,
    /// Of all rules of a group at most one fires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// This share of visitors is held out, so that uplift can be measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdout: Option<Holdout>,
}

/// At most `count` firings in any window of `per`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(extend("examples" = [{"count": 3, "per": "24h"}])))]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// How often.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = CAP_COUNT_MAX)))]
    pub count: u32,
    /// The window.
    pub per: Duration,
}

/// Of all rules with this group's name at most one fires, by priority.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(extend("examples" = [{"name": "overlay", "per": "session"}])))]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The group's name.
    pub name: Id,
    /// One for each input, for each session, or in this time since the last firing of any of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "moment")))]
    pub per: Option<GroupPer>,
}

/// What a group allows one firing for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::any_of))]
#[serde(untagged)]
pub enum GroupPer {
    /// One input, or one session.
    Moment(Moment),
    /// This long.
    Time(Duration),
}

/// A stretch that has no length of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::plain_enum))]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// One input.
    Moment,
    /// The session that is open.
    Session,
}

/// A share of visitors for whom the rule counts as fired and `trigger_held_out` is recorded instead of acting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(extend("examples" = [{"percent": 10, "seed": "autumn"}])))]
#[serde(deny_unknown_fields)]
pub struct Holdout {
    /// The share, in percent: above 0, with at most two decimals.
    #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0), range(max = 100)))]
    pub percent: f64,
    /// The same visitors are held out for the same seed. Default: the rule's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = crate::limits::DOCUMENT_NAME_BYTES_MAX)))]
    pub seed: Option<String>,
}
