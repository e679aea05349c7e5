//! Typed reads of an authored document: every fault is kept with its pointer, and reading goes on.

use super::pattern::Point;
use crate::engine::condition::{Compiler, Condition, Test};
use crate::engine::fault::RuleFault;
use crate::engine::tree::{Field, Kind, Setting, nearest, resolve_in};
use footfall_protocol::duration::parse_ms;
use footfall_protocol::limits::{
    CONDITION_COST_MAX, DOCUMENT_BYTES_MAX, DOCUMENT_DEPTH_MAX, DOCUMENT_FAULTS_MAX, DOCUMENT_ID_BYTES_MAX,
    DOCUMENT_NAME_BYTES_MAX, DURATION_MS_MIN, EVENT_NAME_BYTES_MAX, EVENT_NAMES_MAX, cut,
};
use footfall_protocol::rejection::push_pointer;
use footfall_protocol::{Object, Value};

/// Collects the faults of one document.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) faults: Vec<RuleFault>,
    /// What conditions and templates can read in this document.
    pub(super) setting: Setting,
    /// Tests of all conditions so far.
    pub(super) tests: usize,
    /// Points of the rule so far.
    pub(super) points: Vec<Point>,
    /// Patterns of the rule so far.
    pub(super) nodes: u16,
    /// What all conditions so far can cost.
    pub(super) cost: u64,
}

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

impl Reader {
    pub(super) fn fault(&mut self, pointer: &str, code: &'static str, message: impl Into<String>) {
        if self.faults.len() < DOCUMENT_FAULTS_MAX {
            self.faults.push(RuleFault::at(pointer, code, message));
        }
    }

    fn wrong(&mut self, pointer: &str, wanted: &str, value: &Value) {
        self.fault(pointer, "invalid", format!("wants {wanted}, not {}", value.type_name()));
    }

    /// The whole document, if its size and depth are within bounds: what follows may then walk all of it.
    pub(super) fn document<'a>(&mut self, value: &'a Value, known: &[&str]) -> Option<&'a Object> {
        match measure(value, DOCUMENT_DEPTH_MAX) {
            None => {
                self.fault("", "too_deep", format!("a document nests at most {DOCUMENT_DEPTH_MAX} levels deep"));
                None
            }
            Some(bytes) if bytes > DOCUMENT_BYTES_MAX => {
                self.fault("", "too_large", format!("a document has at most {DOCUMENT_BYTES_MAX} bytes"));
                None
            }
            Some(_) => {
                // Editors find the schema of documents by it.
                if let Some(link) = value.get("$schema").filter(|link| link.as_str().is_none()) {
                    self.wrong("/$schema", "a string, where the schema is", link);
                }
                self.object(value, "", known)
            }
        }
    }

    /// The object at a place, with no members but the known ones.
    pub(super) fn object<'a>(&mut self, value: &'a Value, pointer: &str, known: &[&str]) -> Option<&'a Object> {
        let Some(object) = value.as_object() else {
            self.wrong(pointer, "an object", value);
            return None;
        };
        let link = |key: &str| pointer.is_empty() && key == "$schema";
        for (key, _) in object.iter().filter(|(key, _)| !known.contains(key) && !link(key)) {
            let advice = nearest(key, known.iter().copied());
            let message = format!("`{}` is not known here; {advice}", cut(key, 64));
            self.fault(&below(pointer, key), "unknown_member", message);
        }
        Some(object)
    }

    /// A member that must be there.
    pub(super) fn needed<'a>(&mut self, object: &'a Object, key: &str, pointer: &str, why: &str) -> Option<&'a Value> {
        let value = object.get(key);
        if value.is_none() {
            self.fault(&below(pointer, key), "missing", why);
        }
        value
    }

    /// An id: 1 to 64 of `a`–`z`, `0`–`9`, `-`, `_` and `.`.
    pub(super) fn id(&mut self, value: &Value, pointer: &str) -> String {
        match value.as_str() {
            Some(id) if is_id(id) => return id.to_owned(),
            Some(_) => {
                let message = format!("wants 1 to {DOCUMENT_ID_BYTES_MAX} of a–z, 0–9, `-`, `_` and `.`");
                self.fault(pointer, "invalid", message);
            }
            None => self.wrong(pointer, "a string", value),
        }
        String::new()
    }

    /// A display name; it is not compiled.
    pub(super) fn name(&mut self, object: &Object, pointer: &str) {
        match object.get("name") {
            None => {}
            Some(Value::String(name)) if name.len() <= DOCUMENT_NAME_BYTES_MAX => {}
            Some(Value::String(_)) => {
                self.fault(&below(pointer, "name"), "too_long", format!("at most {DOCUMENT_NAME_BYTES_MAX} bytes"));
            }
            Some(other) => self.wrong(&below(pointer, "name"), "a string", other),
        }
    }

    /// A whole number within bounds.
    #[expect(clippy::cast_possible_truncation, reason = "whole and within the caller's bounds")]
    pub(super) fn whole(&mut self, value: &Value, pointer: &str, min: i32, max: i32) -> i32 {
        match value.as_f64() {
            Some(n) if n.fract() == 0.0 && n >= f64::from(min) && n <= f64::from(max) => n as i32,
            Some(_) => {
                self.fault(pointer, "out_of_range", format!("wants a whole number from {min} to {max}"));
                min
            }
            None => {
                self.wrong(pointer, "a whole number", value);
                min
            }
        }
    }

    /// A whole number from 1.
    #[expect(clippy::cast_sign_loss, reason = "at least 1")]
    pub(super) fn count(&mut self, value: &Value, pointer: &str, max: u32) -> u32 {
        self.whole(value, pointer, 1, i32::try_from(max).unwrap_or(i32::MAX)) as u32
    }

    pub(super) fn flag(&mut self, value: &Value, pointer: &str) -> bool {
        value.as_bool().unwrap_or_else(|| {
            self.wrong(pointer, "true or false", value);
            false
        })
    }

    /// A duration such as "60s", in milliseconds, from one second to `max_ms`.
    pub(super) fn duration(&mut self, value: &Value, pointer: &str, max_ms: u64) -> u64 {
        let Some(text) = value.as_str() else {
            self.wrong(pointer, "a duration such as \"60s\", \"10m\", \"24h\" or \"7d\"", value);
            return DURATION_MS_MIN;
        };
        let ms = parse_ms(text);
        if ms.is_none() {
            let text = cut(text, 32);
            let message = format!("`{text}` is no duration; write for example \"60s\", \"10m\", \"24h\" or \"7d\"");
            self.fault(pointer, "invalid", message);
        } else if !ms.is_some_and(|ms| (DURATION_MS_MIN..=max_ms).contains(&ms)) {
            let days = max_ms / DAY_MS;
            self.fault(pointer, "out_of_range", format!("a duration here is from 1s to {days}d"));
        }
        ms.unwrap_or(DURATION_MS_MIN)
    }

    /// One word or several, sorted.
    pub(super) fn words(&mut self, value: &Value, pointer: &str) -> Vec<String> {
        let one = std::slice::from_ref(value);
        let list = value.as_array().unwrap_or(one);
        if list.is_empty() || list.len() > EVENT_NAMES_MAX {
            self.fault(pointer, "out_of_range", format!("wants 1 to {EVENT_NAMES_MAX} names"));
        }
        let mut words = Vec::new();
        for (index, item) in list.iter().take(EVENT_NAMES_MAX).enumerate() {
            let at = if value.as_array().is_some() { below(pointer, &index.to_string()) } else { pointer.to_owned() };
            match item.as_str() {
                Some(word) if (1..=EVENT_NAME_BYTES_MAX).contains(&word.len()) => words.push(word.to_owned()),
                Some(_) => self.fault(&at, "invalid", format!("a name has 1 to {EVENT_NAME_BYTES_MAX} bytes")),
                None => self.wrong(&at, "a string or an array of strings", item),
            }
        }
        words.sort_unstable();
        words.dedup();
        words
    }

    /// A condition over what the setting has of the tree; without one it holds always.
    pub(super) fn condition(&mut self, value: Option<&Value>, pointer: &str) -> Condition {
        let Some(value) = value else { return Condition::default() };
        let setting = self.setting;
        let resolve = move |path: &str| -> Result<Field, String> { resolve_in(setting, path) };
        let mut compiler = Compiler::new(&resolve);
        compiler.tests = self.tests;
        let condition = compiler.condition(value, pointer);
        self.tests = compiler.tests;
        self.add(compiler.faults);
        let (before, cost) = (self.cost, self.cost.saturating_add(condition.cost()));
        self.cost = cost;
        if before <= CONDITION_COST_MAX && cost > CONDITION_COST_MAX {
            let message = format!(
                "the conditions of a document cost at most {CONDITION_COST_MAX} units and these up to {cost}; write \
                 shorter regular expressions with smaller repetitions, or `$in` with a list, and fewer tests of \
                 arrays' items"
            );
            self.fault(pointer, "too_costly", message);
        }
        condition
    }

    /// One of a few words: its place among them.
    pub(super) fn one_of(&mut self, value: &Value, pointer: &str, words: &[&str]) -> Option<usize> {
        let found = value.as_str().and_then(|text| words.iter().position(|word| *word == text));
        if found.is_none() {
            match value.as_str() {
                Some(text) => {
                    let advice = nearest(text, words.iter().copied());
                    self.fault(pointer, "unknown_value", format!("`{}` is not known here; {advice}", cut(text, 64)));
                }
                None => self.wrong(pointer, &format!("one of: {}", words.join(", ")), value),
            }
        }
        found
    }

    /// An array of so many items.
    pub(super) fn items<'a>(
        &mut self,
        value: &'a Value,
        pointer: &str,
        min: usize,
        max: usize,
        of: &str,
    ) -> Option<&'a [Value]> {
        let items = value.as_array();
        match items {
            None => self.wrong(pointer, &format!("an array of {min} to {max} {of}"), value),
            Some(items) if !(min..=max).contains(&items.len()) => {
                self.fault(pointer, "out_of_range", format!("wants {min} to {max} {of}, not {}", items.len()));
                return None;
            }
            Some(_) => {}
        }
        items
    }

    /// A field of the tree, by its path.
    pub(super) fn field(&mut self, value: &Value, pointer: &str) -> Option<Field> {
        let Some(path) = value.as_str() else {
            self.wrong(pointer, "the path of a field, such as \"page.product.sku\"", value);
            return None;
        };
        let field = resolve_in(self.setting, path);
        field.map_err(|message| self.fault(pointer, "unknown_field", message)).ok()
    }

    /// A test of a value of this kind: another value, or operators as for a field.
    pub(super) fn test(&mut self, value: &Value, kind: Option<Kind>, pointer: &str) -> Option<Test> {
        let plain = value.as_object().is_some_and(|object| object.iter().any(|(key, _)| !key.starts_with('$')));
        if value.is_null() || value.as_array().is_some() || plain || value.as_object().is_some_and(Object::is_empty) {
            self.fault(pointer, "invalid", "wants a value, or operators such as {\"$gte\": 500}");
            return None;
        }
        let setting = self.setting;
        let resolve = move |path: &str| -> Result<Field, String> { resolve_in(setting, path) };
        let mut compiler = Compiler::new(&resolve);
        compiler.tests = self.tests;
        let test = compiler.alone(value, kind, "the aggregate", pointer);
        self.tests = compiler.tests;
        self.add(compiler.faults);
        Some(test)
    }

    /// Faults that were found elsewhere.
    pub(super) fn add(&mut self, faults: Vec<RuleFault>) {
        let room = DOCUMENT_FAULTS_MAX.saturating_sub(self.faults.len());
        self.faults.extend(faults.into_iter().take(room));
    }
}

fn is_id(text: &str) -> bool {
    let form = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
    (1..=DOCUMENT_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(form)
}

/// About how many bytes a value has as JSON text, never less than that without escapes; `None` when it nests deeper.
fn measure(value: &Value, depth_left: usize) -> Option<usize> {
    Some(match value {
        Value::Null | Value::Bool(_) => 4,
        Value::Number(_) => 1,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => {
            let deeper = depth_left.checked_sub(1)?;
            items.iter().try_fold(2, |sum: usize, item| Some(sum + 1 + measure(item, deeper)?))?
        }
        Value::Object(object) => {
            let deeper = depth_left.checked_sub(1)?;
            object.iter().try_fold(2, |sum: usize, (key, item)| Some(sum + key.len() + 4 + measure(item, deeper)?))?
        }
    })
}

/// A place one level further in.
pub(super) fn below(pointer: &str, key: &str) -> String {
    let mut pointer = pointer.to_owned();
    push_pointer(&mut pointer, key);
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_is_too_deep_or_too_large_is_not_walked() {
        let mut deep = Value::Null;
        for _ in 0..DOCUMENT_DEPTH_MAX {
            deep = Value::Array(vec![deep]);
        }
        assert!(measure(&deep, DOCUMENT_DEPTH_MAX).is_some());
        assert_eq!(measure(&Value::Array(vec![deep]), DOCUMENT_DEPTH_MAX), None);
        let mut reader = Reader::default();
        assert!(reader.document(&Value::from("x".repeat(DOCUMENT_BYTES_MAX)), &[]).is_none());
        assert_eq!(reader.faults[0].code, "too_large");
    }
}
