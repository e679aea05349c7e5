//! One rule: as it is compiled, and how an authored one is read.

use super::actions::actions;
use super::limits::limits;
use super::pattern::{Point, Points, node_key, pattern, pattern_key, points};
use super::reader::Reader;
use super::schedule::schedule;
use super::{Action, Limits, Pattern, Schedule};
use crate::engine::condition::Condition;
use crate::engine::tree::Setting;
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
    /// When it may fire; always, without one.
    pub schedule: Option<Schedule>,
    /// Every point of the pattern and of `until`, which refer to them by place.
    pub points: Vec<Point>,
    /// What must happen.
    pub pattern: Pattern,
    /// How many patterns it is made of: their numbers are below this.
    pub nodes: u16,
    /// What ends everything that is pending for the rule.
    pub until: Option<Points>,
    /// What must hold at that moment.
    pub condition: Condition,
    /// How often at most.
    pub limits: Limits,
    /// What then happens.
    pub actions: Vec<Action>,
}

impl Rule {
    /// The pattern with this number, if it has to remember something.
    pub fn node(&self, node: u16) -> Option<&Pattern> {
        let mut found = None;
        self.pattern.each(&mut |pattern| {
            if pattern.node() == Some(node) {
                found = Some(pattern);
            }
        });
        found
    }

    /// The keys under which what its pattern has collected is kept.
    pub fn node_keys(&self) -> impl Iterator<Item = u64> {
        (0..self.nodes).map(|node| node_key(self.pattern_key, node))
    }
}

const MEMBERS: [&str; 10] =
    ["id", "name", "priority", "enabled", "schedule", "pattern", "condition", "until", "limits", "actions"];

pub(super) fn rule(document: &Value, reader: &mut Reader) -> Option<Rule> {
    let object = reader.document(document, &MEMBERS)?;
    let id = reader.needed(object, "id", "", "a rule needs an `id`").map(|id| reader.id(id, "/id")).unwrap_or_default();
    reader.name(object, "");
    let why = "a rule needs a `pattern`: {\"event\": {…}}, {\"dwell\": {…}} or another one";
    let authored = reader.needed(object, "pattern", "", why);
    let pattern = authored.and_then(|authored| pattern(authored, reader));
    let nodes = reader.nodes;
    // What the pattern is decides what the rest of the rule can read.
    if pattern.as_ref().is_some_and(|pattern| !pattern.occurs_at_events(&reader.points)) {
        reader.setting = Setting::Eventless;
    }
    let until = object.get("until").and_then(|value| points(value, "/until", reader));
    let priority = object.get("priority").map(|value| reader.whole(value, "/priority", -PRIORITY_MAX, PRIORITY_MAX));
    let condition = reader.condition(object.get("condition"), "/condition");
    let rule = Rule {
        pattern_key: pattern_key(&id, authored.unwrap_or(&Value::Null)),
        priority: priority.unwrap_or_default(),
        enabled: object.get("enabled").is_none_or(|value| reader.flag(value, "/enabled")),
        schedule: object.get("schedule").map(|value| schedule(value, reader)),
        limits: object.get("limits").map(|value| limits(value, &id, reader)).unwrap_or_default(),
        actions: actions(object, &condition, reader),
        condition,
        points: std::mem::take(&mut reader.points),
        pattern: pattern?,
        nodes,
        until,
        id,
    };
    Some(rule)
}
