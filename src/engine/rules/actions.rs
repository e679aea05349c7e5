//! The actions of a rule: what a firing does.

use super::reader::{Reader, below};
use crate::engine::template::Template;
use footfall_protocol::limits::{ACTIONS_MAX, DURATION_MS_MAX};
use footfall_protocol::{Object, Value};
use serde::{Deserialize, Serialize};

/// How long a push is worth showing when its author does not say, in milliseconds: ten minutes.
const EXPIRES_DEFAULT_MS: u64 = 10 * 60 * 1_000;

/// What a firing does.
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
    },
}

pub(super) fn actions(rule: &Object, reader: &mut Reader) -> Vec<Action> {
    let value = reader.needed(rule, "actions", "", "a rule needs `actions`: [{\"push\": {…}}]");
    let Some(value) = value else { return Vec::new() };
    let list = value.as_array().unwrap_or_default();
    if list.is_empty() || list.len() > ACTIONS_MAX {
        reader.fault("/actions", "invalid", format!("wants an array of 1 to {ACTIONS_MAX} actions"));
    }
    let each = list.iter().take(ACTIONS_MAX).enumerate();
    each.filter_map(|(index, value)| action(value, &format!("/actions/{index}"), reader)).collect()
}

fn action(value: &Value, pointer: &str, reader: &mut Reader) -> Option<Action> {
    let object = reader.object(value, pointer, &["push"])?;
    let push = reader.needed(object, "push", pointer, "an action is {\"push\": {…}}")?;
    let at = below(pointer, "push");
    let push = reader.object(push, &at, &["slot", "content", "expires"])?;
    let slot = reader.needed(push, "slot", &at, "a push needs a `slot`, the name of a <footfall-slot>");
    let slot = slot.map(|slot| reader.id(slot, &below(&at, "slot")));
    let content = reader.needed(push, "content", &at, "a push needs `content`, an object such as {\"text\": \"…\"}");
    let content = content.and_then(|content| {
        let template = Template::compile_in(reader.setting, content, &below(&at, "content"));
        template.map_err(|faults| reader.add(faults)).ok()
    });
    let expires_ms = push.get("expires").map(|value| reader.duration(value, &below(&at, "expires"), DURATION_MS_MAX));
    Some(Action::Push { slot: slot?, content: content?, expires_ms: expires_ms.unwrap_or(EXPIRES_DEFAULT_MS) })
}
