//! What was wrong: anything in here fails the run.

use serde::Serialize;

/// Kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A push that had to come and did not.
    Lost,
    /// A push that a tab was told twice.
    Repeated,
    /// A push before its time.
    Early,
    /// A push that nothing the tester did leads to.
    Unexpected,
    /// A change of the state whose base is not what the page has.
    StateGap,
    /// Events that were not accepted, or were never acknowledged.
    Refused,
    /// A socket that was closed for a reason that it should not have been closed for.
    Closed,
    /// Too few of those that were meant to sleep did so, or the counts of instances contradict what was seen.
    Awake,
}

/// One fault, with whom it happened to.
#[derive(Clone, Debug, Serialize)]
pub struct Fault {
    pub kind: Kind,
    pub seed: u64,
    /// The visitor's number in the plan; the same seed gives it the same plan.
    pub number: usize,
    /// The visitor's id in the engine.
    pub visitor: String,
    pub what: String,
}

impl Fault {
    /// One line for people.
    pub fn line(&self) -> String {
        let kind = serde_json::to_string(&self.kind).unwrap_or_default();
        let kind = kind.trim_matches('"').replace('_', " ");
        let whom = if self.visitor.is_empty() {
            "the whole run".into()
        } else {
            format!("visitor {} ({})", self.number, self.visitor)
        };
        format!("{kind}: seed {}, {whom}: {}", self.seed, self.what)
    }
}
