//! What is wrong in an authored document: a stable code, where it is, and what to write instead.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One fault of an authored document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFault {
    /// Stable code: `missing`, `invalid`, `too_long`, `too_many`, `too_deep`, `too_large`, `too_costly`, `out_of_range`,
    /// `duplicate`, `unknown_member`, `unknown_field`, `unknown_operator`, `unknown_value`, `template`; of warnings
    /// `unknown_event`, `unknown_stage` and `unknown_segment`.
    pub code: Cow<'static, str>,
    /// JSON pointer (RFC 6901) to the fault.
    pub pointer: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl RuleFault {
    /// A fault at a JSON pointer.
    pub fn at(pointer: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self { code: code.into(), pointer: pointer.to_owned(), message: message.into() }
    }
}
