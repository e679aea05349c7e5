//! Typed reads of an authored document: every fault is kept with its pointer, and reading goes on.

use crate::engine::condition::{Compiler, Condition};
use crate::engine::fault::RuleFault;
use crate::engine::tree::{self, nearest};
use footfall_protocol::duration::parse_ms;
use footfall_protocol::rejection::push_pointer;
use footfall_protocol::{Object, Value};

/// Collects the faults of one document.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) faults: Vec<RuleFault>,
}

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

impl Reader {
    pub(super) fn fault(&mut self, pointer: &str, code: &'static str, message: impl Into<String>) {
        self.faults.push(RuleFault::at(pointer, code, message));
    }

    fn wrong(&mut self, pointer: &str, wanted: &str, value: &Value) {
        self.fault(pointer, "invalid", format!("wants {wanted}, not {}", value.type_name()));
    }

    /// The object at a place, with no members but the known ones.
    pub(super) fn object<'a>(&mut self, value: &'a Value, pointer: &str, known: &[&str]) -> Option<&'a Object> {
        let Some(object) = value.as_object() else {
            self.wrong(pointer, "an object", value);
            return None;
        };
        for (key, _) in object.iter().filter(|(key, _)| !known.contains(key)) {
            let advice = nearest(key, known.iter().copied());
            self.fault(&below(pointer, key), "unknown_member", format!("`{key}` is not known here; {advice}"));
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
        let form = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
        match value.as_str() {
            Some(id) if (1..=64).contains(&id.len()) && id.bytes().all(form) => return id.to_owned(),
            Some(_) => self.fault(pointer, "invalid", "wants 1 to 64 of a–z, 0–9, `-`, `_` and `.`"),
            None => self.wrong(pointer, "a string", value),
        }
        String::new()
    }

    /// A display name, at most 128 bytes; it is not compiled.
    pub(super) fn name(&mut self, object: &Object, pointer: &str) {
        match object.get("name") {
            None => {}
            Some(Value::String(name)) if name.len() <= 128 => {}
            Some(Value::String(_)) => self.fault(&below(pointer, "name"), "too_long", "at most 128 bytes"),
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
            return 1_000;
        };
        let ms = parse_ms(text);
        if ms.is_none() {
            self.fault(
                pointer,
                "invalid",
                format!("`{text}` is no duration; write for example \"60s\", \"10m\", \"24h\" or \"7d\""),
            );
        } else if !ms.is_some_and(|ms| (1_000..=max_ms).contains(&ms)) {
            let days = max_ms / DAY_MS;
            self.fault(pointer, "out_of_range", format!("a duration here is from 1s to {days}d"));
        }
        ms.unwrap_or(1_000)
    }

    /// One word or several, each at most 128 bytes; at most 32 of them.
    pub(super) fn words(&mut self, value: &Value, pointer: &str) -> Vec<String> {
        let one = std::slice::from_ref(value);
        let list = value.as_array().unwrap_or(one);
        if list.is_empty() || list.len() > 32 {
            self.fault(pointer, "out_of_range", "wants 1 to 32 names");
        }
        let mut words = Vec::new();
        for item in list.iter().take(32) {
            match item.as_str() {
                Some(word) if !word.is_empty() && word.len() <= 128 => words.push(word.to_owned()),
                Some(_) => self.fault(pointer, "invalid", "a name has 1 to 128 bytes"),
                None => self.wrong(pointer, "a string or an array of strings", item),
            }
        }
        words
    }

    /// A condition over the tree.
    pub(super) fn condition(&mut self, value: Option<&Value>, pointer: &str) -> Condition {
        let Some(value) = value else { return Condition::default() };
        let mut compiler = Compiler::new(&tree::resolve);
        let condition = compiler.condition(value, pointer);
        self.faults.append(&mut compiler.faults);
        condition
    }
}

/// A place one level further in.
pub(super) fn below(pointer: &str, key: &str) -> String {
    let mut pointer = pointer.to_owned();
    push_pointer(&mut pointer, key);
    pointer
}
