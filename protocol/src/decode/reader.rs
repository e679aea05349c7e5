//! Typed reads of a JSON object's members, each with a fault that points at the member.

use super::{Fields, Json};
use crate::limits::cut;
use crate::rejection::{Code, Fault, push_pointer};

/// The greatest whole number that a double tells from its neighbours.
const EXACT_MAX: f64 = 9_007_199_254_740_991.0;

/// An object and where it is.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    object: Option<&'a Fields<'a>>,
    pointer: &'a str,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(object: Option<&'a Fields<'a>>, pointer: &'a str) -> Self {
        Self { object, pointer }
    }

    /// The member, unless it is absent or `null`.
    pub(super) fn member(&self, key: &str) -> Option<&'a Json<'a>> {
        self.object?.get(key).filter(|v| !v.is_null())
    }

    pub(super) fn fault(&self, key: &str, code: Code, message: impl Into<String>) -> Fault {
        let mut pointer = self.pointer.to_owned();
        push_pointer(&mut pointer, key);
        Fault::at(pointer, code, message)
    }

    fn wrong(&self, key: &str, wanted: &str, value: &Json<'_>) -> Fault {
        self.fault(key, Code::Invalid, format!("`{key}` must be {wanted}, not {}", value.type_name()))
    }

    /// An object member.
    pub(super) fn object(&self, key: &str) -> Result<Option<&'a Fields<'a>>, Fault> {
        match self.member(key) {
            None => Ok(None),
            Some(Json::Object(object)) => Ok(Some(object)),
            Some(other) => Err(self.wrong(key, "an object", other)),
        }
    }

    /// An id: a string, or a whole number as its digits; at most `bytes_max` long. Empty is absent.
    pub(super) fn id(&self, key: &str, bytes_max: usize) -> Result<Option<String>, Fault> {
        match self.member(key) {
            Some(Json::Number(n)) if n.fract() == 0.0 && n.abs() > EXACT_MAX => {
                let message = format!("`{key}` is a number of too many digits to be exact: send it as a string");
                Err(self.fault(key, Code::Invalid, message))
            }
            Some(Json::Number(n)) if n.fract() == 0.0 => self.bounded(key, format!("{n:.0}"), bytes_max),
            _ => self.string(key, bytes_max),
        }
    }

    /// A string at most `bytes_max` long. Empty is absent.
    pub(super) fn string(&self, key: &str, bytes_max: usize) -> Result<Option<String>, Fault> {
        let text = match self.member(key) {
            None => return Ok(None),
            Some(Json::String(text)) => text.trim().to_owned(),
            Some(other) => return Err(self.wrong(key, "a string", other)),
        };
        self.bounded(key, text, bytes_max)
    }

    fn bounded(&self, key: &str, text: String, bytes_max: usize) -> Result<Option<String>, Fault> {
        if text.len() > bytes_max {
            let message = format!("`{key}` has {} bytes; at most {bytes_max}", text.len());
            return Err(self.fault(key, Code::TooLong, message));
        }
        Ok(Some(text).filter(|t| !t.is_empty()))
    }

    /// Descriptive text: what is not a string or number counts as absent, and so does a number of so many digits that it
    /// would stand for others as well; what is too long is cut.
    pub(super) fn text(&self, key: &str, bytes_max: usize) -> String {
        match self.member(key) {
            Some(Json::String(text)) => cut(text.trim(), bytes_max).to_owned(),
            Some(Json::Number(n)) if n.fract() == 0.0 && n.abs() <= EXACT_MAX => {
                cut(&format!("{n:.0}"), bytes_max).to_owned()
            }
            _ => String::new(),
        }
    }

    /// The first of several members that has text.
    pub(super) fn text_of(&self, keys: &[&str], bytes_max: usize) -> String {
        keys.iter().map(|key| self.text(key, bytes_max)).find(|text| !text.is_empty()).unwrap_or_default()
    }
}
