//! Saved groups: lists and conditions that have a name, so that many conditions can share them.

use super::actual::Actual;
use super::compile::below;
use super::{Compiler, Condition, Members, Test, js};
use crate::engine::tree::nearest;
use footfall_protocol::Value;
use footfall_protocol::limits::cut;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Saved groups by name, each as GrowthBook has it: an array of values, `{"type": "list", "attributeKey", "values"}`, or
/// `{"type": "condition", "condition"}`.
pub type Groups = BTreeMap<String, Value>;

impl<'a> Compiler<'a> {
    /// The members of the group that `$inGroup` or `$notInGroup` names; `None` with a fault when it is no list. A name
    /// that is no string is a fault as well, and taken for its text as in the SDK.
    pub(super) fn group(&mut self, operator: &str, operand: &Value, at: &str) -> Option<Members> {
        let groups = self.saved(operator, at)?;
        let name = self.text(operand, at).map_or_else(|| js::text(Actual::of_value(operand)), Cow::Borrowed);
        match groups.get(&*name) {
            // A group that is not there is empty, as in the SDK.
            None => self.no_group(groups, &name, at).or_else(|| Some(Members::default())),
            Some(group) => {
                let list = group.as_array().or_else(|| listed(group));
                if list.is_none() {
                    let name = cut(&name, 64);
                    self.fault(at, "invalid", format!("`{name}` is no list; write {{\"$savedGroup\": …}} for it"));
                }
                list.map(|list| Members::new(list, false))
            }
        }
    }

    /// `$savedGroup`: the condition of a group, or that an attribute's value is in its list; `None` with a fault when
    /// there is no such thing, or when the group's condition comes back to the group itself.
    pub(super) fn saved_group(&mut self, reference: &Value, at: &str, depth: usize) -> Option<Condition> {
        let groups = self.saved("$savedGroup", at)?;
        let Some(id) = reference.get("id") else {
            return self.wrong(at, "an object such as {\"id\": \"vip\"}", reference);
        };
        let id = self.text(id, &below(at, "id"))?;
        let attribute = match reference.get("attributeKey") {
            Some(key) => Some(self.text(key, &below(at, "attributeKey"))?),
            None => None,
        };
        let Some(group) = groups.get(id) else { return self.no_group(groups, id, at) };
        if self.within.iter().any(|outer| outer == id) {
            self.fault(at, "invalid", format!("the group `{}` needs itself", cut(id, 64)));
            return None;
        }
        let attribute = attribute.or_else(|| group.get("attributeKey").and_then(Value::as_str));
        match (group.get("type").and_then(Value::as_str), listed(group), group.get("condition"), attribute) {
            (Some("list"), Some(list), _, Some(attribute)) => {
                let field = (self.resolve)(attribute).map_err(|message| self.fault(at, "unknown_field", message));
                Some(Condition::Field(field.ok()?, vec![Test::In(Members::new(list, false))]))
            }
            (Some("condition"), _, Some(condition @ Value::Object(_)), _) => {
                self.within.push(id.to_owned());
                let condition = self.condition_at(condition, at, depth + 1);
                self.within.pop();
                Some(condition)
            }
            _ => {
                let message =
                    format!("the group `{}` has neither a list with an attribute nor a condition", cut(id, 64));
                self.fault(at, "invalid", message);
                None
            }
        }
    }

    fn saved(&mut self, operator: &str, at: &str) -> Option<&'a Groups> {
        if self.groups.is_none() {
            let message =
                format!("`{operator}` needs saved groups, which a site does not have; write `$in` with a list");
            self.fault(at, "unknown_operator", message);
        }
        self.groups
    }

    fn no_group<T>(&mut self, groups: &Groups, name: &str, at: &str) -> Option<T> {
        let advice = nearest(name, groups.keys().map(String::as_str));
        self.fault(at, "unknown_value", format!("there is no group `{}`; {advice}", cut(name, 64)));
        None
    }
}

/// The values of a group of the form that says its type.
fn listed(group: &Value) -> Option<&[Value]> {
    group.get("values").filter(|_| group.get("type").and_then(Value::as_str) == Some("list"))?.as_array()
}
