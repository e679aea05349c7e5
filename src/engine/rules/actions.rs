//! The actions of a rule: what a firing does.

use super::reader::{Reader, below};
use crate::engine::condition::Condition;
use crate::engine::template::Template;
use crate::engine::tree::Root;
use footfall_protocol::limits::{ACTIONS_MAX, DURATION_MS_MAX, EVENT_NAME_BYTES_MAX, TEXT_BYTES_MAX};
use footfall_protocol::{Object, Value};
use serde::{Deserialize, Serialize};

/// How long a push is worth showing when its author does not say, in milliseconds: ten minutes.
const EXPIRES_DEFAULT_MS: u64 = 10 * 60 * 1_000;

/// What a firing does. Stored in compiled rules by place: new ones are appended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// Show content in a slot.
    Push {
        /// The slot's name.
        slot: String,
        /// The content; its strings are templates.
        content: Template,
        /// How long it is worth showing, in milliseconds.
        expires_ms: u64,
        /// Whether it is taken back when it no longer holds.
        retract: bool,
    },
    /// Set a trait of the profile.
    SetTrait {
        /// The trait's name.
        name: String,
        /// An object whose one member, [`TRAIT_VALUE`], is the value; `null` takes the trait away.
        value: Template,
    },
    /// Emit a record for the store's own systems.
    Record {
        /// The record's name.
        name: String,
        /// Its details; strings in them are templates.
        data: Template,
    },
    /// Let another rule's `started` occur.
    Start {
        /// The other rule's id.
        rule: String,
        /// After this many milliseconds; 0 for at once.
        after_ms: u64,
    },
    /// Put a pending start off.
    Delay {
        /// The other rule's id.
        rule: String,
        /// To this many milliseconds from now, if it would be earlier.
        by_ms: u64,
    },
    /// End what is pending for another rule.
    Stop {
        /// The other rule's id.
        rule: String,
    },
}

/// The member under which a trait's value is compiled.
pub const TRAIT_VALUE: &str = "value";

impl Action {
    /// The rule that it is about and the action's name, where it is about one.
    pub fn target(&self) -> Option<(&str, &'static str)> {
        match self {
            Self::Push { .. } | Self::SetTrait { .. } | Self::Record { .. } => None,
            Self::Start { rule, .. } => Some((rule, "start")),
            Self::Delay { rule, .. } => Some((rule, "delay")),
            Self::Stop { rule } => Some((rule, "stop")),
        }
    }
}

/// The actions of a rule; `condition` is the rule's, by which its pushes may have to be judged again.
pub(super) fn actions(rule: &Object, condition: &Condition, reader: &mut Reader) -> Vec<Action> {
    let value = reader.needed(rule, "actions", "", "a rule needs `actions`: [{\"push\": {…}}]");
    let Some(value) = value else { return Vec::new() };
    let list = value.as_array().unwrap_or_default();
    if list.is_empty() || list.len() > ACTIONS_MAX {
        reader.fault("/actions", "invalid", format!("wants an array of 1 to {ACTIONS_MAX} actions"));
    }
    let each = list.iter().take(ACTIONS_MAX).enumerate();
    each.filter_map(|(index, value)| action(value, condition, &format!("/actions/{index}"), reader)).collect()
}

fn action(value: &Value, condition: &Condition, pointer: &str, reader: &mut Reader) -> Option<Action> {
    const KNOWN: [&str; 6] = ["push", "set_trait", "record", "start", "delay", "stop"];
    let object = reader.object(value, pointer, &KNOWN)?;
    let (Some((key, value)), 1) = (object.iter().next(), object.len()) else {
        let message = format!("an action has exactly one member: {}", KNOWN.map(|key| format!("`{key}`")).join(", "));
        reader.fault(pointer, "invalid", message);
        return None;
    };
    let at = below(pointer, key);
    match key {
        "push" => push(value, condition, &at, reader),
        "set_trait" => set_trait(value, &at, reader),
        "record" => record(value, &at, reader),
        "start" => {
            let object = reader.object(value, &at, &["rule", "after"])?;
            let rule = target(object, &at, reader);
            let after = object.get("after").map(|value| reader.duration(value, &below(&at, "after"), DURATION_MS_MAX));
            Some(Action::Start { rule: rule?, after_ms: after.unwrap_or(0) })
        }
        "delay" => {
            let object = reader.object(value, &at, &["rule", "by"])?;
            let rule = target(object, &at, reader);
            let by = reader.needed(object, "by", &at, "a delay needs `by`, a duration such as \"1h\"");
            let by = by.map(|by| reader.duration(by, &below(&at, "by"), DURATION_MS_MAX));
            Some(Action::Delay { rule: rule?, by_ms: by? })
        }
        "stop" => {
            let object = reader.object(value, &at, &["rule"])?;
            Some(Action::Stop { rule: target(object, &at, reader)? })
        }
        // Was reported already.
        _ => None,
    }
}

fn target(object: &Object, at: &str, reader: &mut Reader) -> Option<String> {
    let rule = reader.needed(object, "rule", at, "wants `rule`, the id of the other rule")?;
    Some(reader.id(rule, &below(at, "rule")))
}

fn push(value: &Value, condition: &Condition, at: &str, reader: &mut Reader) -> Option<Action> {
    let push = reader.object(value, at, &["slot", "content", "expires", "retract"])?;
    let slot = reader.needed(push, "slot", at, "a push needs a `slot`, the name of a <footfall-slot>");
    let slot = slot.map(|slot| reader.id(slot, &below(at, "slot")));
    let content = reader.needed(push, "content", at, "a push needs `content`, an object such as {\"text\": \"…\"}");
    let content = content.and_then(|content| template(content, &below(at, "content"), reader));
    let expires_ms = push.get("expires").map(|value| reader.duration(value, &below(at, "expires"), DURATION_MS_MAX));
    let pointer = below(at, "retract");
    let retract = push.get("retract").is_some_and(|value| reader.flag(value, &pointer));
    if retract && condition.reads().has(Root::Event) {
        let message = "the condition reads `event`, which is gone when it is looked at again; \
                       write that part as the pattern's `where`";
        reader.fault(&pointer, "invalid", message);
    }
    let expires_ms = expires_ms.unwrap_or(EXPIRES_DEFAULT_MS);
    Some(Action::Push { slot: slot?, content: content?, expires_ms, retract })
}

fn set_trait(value: &Value, at: &str, reader: &mut Reader) -> Option<Action> {
    let object = reader.object(value, at, &["name", TRAIT_VALUE])?;
    let name = reader.needed(object, "name", at, "wants `name`, the trait's name");
    let name = name.and_then(|name| text(name, TEXT_BYTES_MAX, &below(at, "name"), reader));
    if name.as_ref().is_some_and(|name| name.contains('.')) {
        let message = "a trait's name has no dots: conditions read dots as members of members";
        reader.fault(&below(at, "name"), "invalid", message);
    }
    let value = reader.needed(object, TRAIT_VALUE, at, "wants `value`, the trait's value, or null to take it away")?;
    let value = Object::from_iter([(TRAIT_VALUE.to_owned(), value.clone())]);
    let value = template(&Value::Object(value), at, reader);
    Some(Action::SetTrait { name: name?, value: value? })
}

fn record(value: &Value, at: &str, reader: &mut Reader) -> Option<Action> {
    let object = reader.object(value, at, &["name", "data"])?;
    let name = reader.needed(object, "name", at, "wants `name`, the record's name");
    let name = name.and_then(|name| text(name, EVENT_NAME_BYTES_MAX, &below(at, "name"), reader));
    let data = object.get("data").filter(|data| !data.as_object().is_some_and(Object::is_empty));
    let data = data.map_or_else(|| Some(Template::default()), |data| template(data, &below(at, "data"), reader));
    Some(Action::Record { name: name?, data: data? })
}

fn text(value: &Value, bytes_max: usize, pointer: &str, reader: &mut Reader) -> Option<String> {
    let text = value.as_str().filter(|text| (1..=bytes_max).contains(&text.len()));
    if text.is_none() {
        reader.fault(pointer, "invalid", format!("wants a string of 1 to {bytes_max} bytes"));
    }
    text.map(str::to_owned)
}

fn template(content: &Value, pointer: &str, reader: &mut Reader) -> Option<Template> {
    Template::compile_in(reader.setting, content, pointer).map_err(|faults| reader.add(faults)).ok()
}
