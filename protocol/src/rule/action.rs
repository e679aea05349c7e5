//! The actions of a rule: what a firing does.

use super::{Duration, Id};
#[cfg(feature = "schema")]
use crate::limits::{EVENT_NAME_BYTES_MAX, TEXT_BYTES_MAX};
use crate::{Object, Value};
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a firing does: exactly one of these members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(transform = super::schema::one_member))]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Shows content in a slot of the page.
    Push(Push),
    /// Sets a trait of the profile.
    SetTrait(SetTrait),
    /// Emits a record of kind `emitted` for the store's own systems.
    Record(Emit),
    /// Another rule's `started` occurs.
    Start(Start),
    /// A pending start of another rule is put off.
    Delay(Delay),
    /// Ends what is pending for another rule: its start, its partial matches and clocks.
    Stop(Stop),
}

/// Content for a slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// The name of a `<footfall-slot>`.
    pub slot: Id,
    /// What to show. Strings are templates: `{{path}}`, `{{path | money}}`, `{{path | upper}}`,
    /// `{{path | default: "text"}}`; `\{{` writes two braces. In a member named `html`, what is filled in is escaped.
    #[cfg_attr(feature = "schema", schemars(extend("minProperties" = 1, "examples" = [{"text": "{{page.product.name}} is popular now."}])))]
    pub content: Object,
    /// How long it is worth showing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "10m")))]
    pub expires: Option<Duration>,
    /// Taken back when the condition (for a dwell also its `where`, on that page) no longer holds, when `until` happens,
    /// or when the rule is off or gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = false)))]
    pub retract: Option<bool>,
}

/// A trait and its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(extend("examples" = [{"name": "tier", "value": "gold"}])))]
#[serde(deny_unknown_fields)]
pub struct SetTrait {
    /// The trait's name, without dots.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = TEXT_BYTES_MAX), regex(pattern = r"^[^.]*$")))]
    pub name: String,
    /// Its value: a string is a template; `null` takes the trait away.
    pub value: Value,
}

/// A record for the store's own systems.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Emit {
    /// The record's name.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = EVENT_NAME_BYTES_MAX)))]
    pub name: String,
    /// What it carries. Strings are templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Object>,
}

/// The start of another rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(extend("examples" = [{"rule": "abandoned-2", "after": "24h"}])))]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The other rule's id.
    pub rule: Id,
    /// After this time; without it at once, after the rules of this happening. Replaces a start that is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Duration>,
}

/// A pending start of another rule is put off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(extend("examples" = [{"rule": "abandoned-2", "by": "1h"}])))]
#[serde(deny_unknown_fields)]
pub struct Delay {
    /// The other rule's id.
    pub rule: Id,
    /// To this long from now, if it would be earlier.
    pub by: Duration,
}

/// Ends what is pending for another rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(extend("examples" = [{"rule": "abandoned-2"}])))]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// The other rule's id.
    pub rule: Id,
}
