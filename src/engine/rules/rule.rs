//! One rule: as it is compiled, and how an authored one is read.

use super::actions::actions;
use super::limits::limits;
use super::pattern::{pattern, pattern_key};
use super::reader::Reader;
use super::{Action, Limits, Pattern};
use crate::engine::condition::Condition;
use crate::engine::tree::{Scope, Setting};
use footfall_protocol::Value;
use footfall_protocol::limits::PRIORITY_MAX;
use serde::{Deserialize, Serialize};

/// One compiled rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// The author's id.
    pub id: String,
    /// Hash of id and pattern: partial matches are kept under it, so that an unchanged pattern keeps them.
    pub pattern_key: u64,
    /// Of two rules that want one slot, the higher wins. Also the order of evaluation.
    pub priority: i32,
    /// The kill switch: a rule that is off is compiled, so that its faults show, and never fires.
    pub enabled: bool,
    /// What must happen.
    pub pattern: Pattern,
    /// What must hold at that moment.
    pub condition: Condition,
    /// How often at most.
    pub limits: Limits,
    /// What then happens.
    pub actions: Vec<Action>,
}

impl Rule {
    /// Whether the pattern's own condition holds for the event at hand.
    pub fn pattern_holds<S: Scope + ?Sized>(&self, scope: &S) -> bool {
        match &self.pattern {
            Pattern::Event { holds, .. } | Pattern::Dwell { holds, .. } => holds.holds(scope),
        }
    }
}

const MEMBERS: [&str; 8] = ["id", "name", "priority", "enabled", "pattern", "condition", "limits", "actions"];

pub(super) fn rule(document: &Value, reader: &mut Reader) -> Option<Rule> {
    let object = reader.document(document, &MEMBERS)?;
    let id = reader.needed(object, "id", "", "a rule needs an `id`").map(|id| reader.id(id, "/id")).unwrap_or_default();
    reader.name(object, "");
    let authored =
        reader.needed(object, "pattern", "", "a rule needs a `pattern`: {\"event\": {…}} or {\"dwell\": {…}}");
    // What the pattern is decides what the rest of the rule can read.
    if authored.is_some_and(|pattern| pattern.get("dwell").is_some()) {
        reader.setting = Setting::Dwell;
    }
    let pattern = authored.and_then(|authored| pattern(authored, reader));
    let priority = object.get("priority").map(|value| reader.whole(value, "/priority", -PRIORITY_MAX, PRIORITY_MAX));
    let rule = Rule {
        pattern_key: pattern_key(&id, authored.unwrap_or(&Value::Null)),
        priority: priority.unwrap_or_default(),
        enabled: object.get("enabled").is_none_or(|value| reader.flag(value, "/enabled")),
        condition: reader.condition(object.get("condition"), "/condition"),
        limits: object.get("limits").map(|value| limits(value, reader)).unwrap_or_default(),
        actions: actions(object, reader),
        pattern: pattern?,
        id,
    };
    Some(rule)
}
