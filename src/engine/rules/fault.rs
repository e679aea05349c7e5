//! What is wrong in authored documents, as their authors are told.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What is wrong in an authored document, or may not be meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFault {
    /// Stable code: `missing`, `invalid`, `too_long`, `too_many`, `too_deep`, `too_large`, `out_of_range`, `duplicate`,
    /// `unknown_member`, `unknown_field`, `unknown_operator`, `unknown_value`, `template`; of warnings `unknown_event`
    /// and `unknown_stage`.
    pub code: Cow<'static, str>,
    /// JSON pointer (RFC 6901) to the fault.
    pub pointer: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl RuleFault {
    /// A fault at a JSON pointer.
    pub fn new(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { code: Cow::Borrowed(code), pointer: pointer.into(), message: message.into() }
    }
}

/// Kinds of authored documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A rule.
    Rule,
    /// A segment.
    Segment,
    /// A stage.
    Stage,
}

/// A document that does not run, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DocumentFault {
    /// What it is.
    pub kind: Kind,
    /// Its place among those of its kind.
    pub index: usize,
    /// What is wrong.
    pub faults: Vec<RuleFault>,
}
