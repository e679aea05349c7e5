//! Typed reads of a scenario: every fault is kept with its pointer, and reading goes on.

use crate::time::{parse_offset, parse_time};
use footfall::engine::fault::RuleFault;
use footfall::engine::tree::nearest;
use footfall_protocol::limits::cut;
use footfall_protocol::rejection::push_pointer;
use footfall_protocol::{Object, Value};

/// How long a scenario lasts at most, and what it sets for its site, in milliseconds: ten years.
const LASTS_MS_MAX: u64 = 3_660 * 24 * 60 * 60 * 1_000;

/// Collects the faults of one scenario.
#[derive(Default)]
pub(crate) struct Reader {
    pub(crate) faults: Vec<RuleFault>,
    /// Where offsets count from, in milliseconds since the epoch.
    pub(crate) start_ms: u64,
}

impl Reader {
    pub(crate) fn fault(&mut self, pointer: &str, code: &'static str, message: impl Into<String>) {
        self.faults.push(RuleFault::at(pointer, code, message));
    }

    /// The value has another type than is wanted.
    pub(crate) fn wrong(&mut self, pointer: &str, wanted: &str, value: &Value) {
        self.fault(pointer, "invalid", format!("wants {wanted}, not {}", value.type_name()));
    }

    /// The object at a place, with no members but the known ones.
    pub(crate) fn object<'a>(&mut self, value: &'a Value, pointer: &str, known: &[&str]) -> Option<&'a Object> {
        let Some(object) = value.as_object() else {
            self.wrong(pointer, "an object", value);
            return None;
        };
        for (key, _) in object.iter().filter(|(key, _)| !known.contains(key)) {
            let advice = nearest(key, known.iter().copied());
            let message = format!("`{}` is not known here; {advice}", cut(key, 64));
            self.fault(&below(pointer, key), "unknown_member", message);
        }
        Some(object)
    }

    /// The items of a member that is an array; none when it is not there.
    pub(crate) fn list<'a>(&mut self, object: &'a Object, key: &str) -> Option<&'a [Value]> {
        let value = object.get(key)?;
        if value.as_array().is_none() {
            self.wrong(&below("", key), "an array", value);
        }
        value.as_array()
    }

    /// The text of a member; none when it is not there.
    pub(crate) fn text<'a>(&mut self, object: &'a Object, key: &str, pointer: &str) -> Option<&'a str> {
        let value = object.get(key)?;
        if value.as_str().is_none() {
            self.wrong(&below(pointer, key), "a string", value);
        }
        value.as_str()
    }

    /// A duration of a member, in milliseconds.
    pub(crate) fn duration(&mut self, object: &Object, key: &str, pointer: &str) -> Option<u64> {
        let text = self.text(object, key, pointer)?;
        let ms = parse_offset(text).filter(|ms| (1..=LASTS_MS_MAX).contains(ms));
        if ms.is_none() {
            let message =
                format!("`{}` is no duration up to 3660d; write for example \"30m\" or \"1d12h\"", cut(text, 40));
            self.fault(&below(pointer, key), "invalid", message);
        }
        ms
    }

    /// The moment that `at` says, in milliseconds since the epoch.
    pub(crate) fn at(&mut self, object: &Object, pointer: &str) -> Option<u64> {
        let at = below(pointer, "at");
        if object.get("at").is_none() {
            self.fault(&at, "missing", "say when: `at` is the time since the start, such as \"65s\", or RFC 3339");
        }
        let text = self.text(object, "at", pointer)?;
        let after_start = parse_offset(text).and_then(|ms| self.start_ms.checked_add(ms));
        let Some(at_ms) = after_start.or_else(|| parse_time(text)) else {
            let message =
                format!("`{}` is no time; write for example \"65s\", \"1h30m\", \"2d\" or RFC 3339", cut(text, 40));
            self.fault(&at, "invalid", message);
            return None;
        };
        if at_ms < self.start_ms {
            self.fault(&at, "out_of_range", "is before the start");
            return None;
        }
        if at_ms - self.start_ms > LASTS_MS_MAX {
            self.fault(&at, "out_of_range", "a scenario lasts at most 3660d");
            return None;
        }
        Some(at_ms)
    }
}

/// A place one level further in.
pub(crate) fn below(pointer: &str, key: &str) -> String {
    let mut pointer = pointer.to_owned();
    push_pointer(&mut pointer, key);
    pointer
}
