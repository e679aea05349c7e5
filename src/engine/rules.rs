//! A site's compiled configuration: rules, segments, stages, and the settings the engine needs.
//!
//! Everything here is typed and checked: nothing that is left can fail while a visitor is handled. It is plain data,
//! stored as postcard under the hash of its bytes; what is only for speed (the index) is rebuilt on loading.

use serde::{Deserialize, Serialize};

/// A site's compiled configuration at one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleSet {
    /// Rules, by falling priority, then id.
    pub rules: Vec<Rule>,
    /// Segments, by id.
    pub segments: Vec<Segment>,
    /// Stages, by falling rank, then id. Never empty: a site without stages of its own has the defaults.
    pub stages: Vec<Stage>,
}

/// One compiled rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// The author's id.
    pub id: String,
    /// Hash of id and pattern: partial matches are kept under it, so that an unchanged pattern keeps them.
    pub pattern_key: u64,
    /// Of two rules that want one slot, the higher wins. Also the order of evaluation.
    pub priority: i32,
    /// The kill switch: a rule that is off is compiled, so that its faults show, and never fires.
    pub enabled: bool,
    /// What must happen.
    pub pattern: Pattern,
    /// What must hold at that moment.
    pub condition: Condition,
    /// How often at most.
    pub limits: Limits,
    /// What then happens.
    pub actions: Vec<Action>,
}

/// A shape over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pattern {
    /// One of these events, for which the condition holds.
    Event {
        /// Names in the vocabulary, sorted; never empty.
        names: Vec<String>,
        /// Over the whole tree, `event` included.
        holds: Condition,
    },
    /// The condition holds without a break for this long, counted in attention on one page view of one tab.
    Dwell {
        /// How long, in milliseconds.
        for_ms: u64,
        /// Over the whole tree but `event`.
        holds: Condition,
    },
}

/// How often a rule may fire for one visitor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// At most this often in one session.
    pub per_session: Option<u32>,
    /// At most this often in this visitor's life.
    pub per_visitor: Option<u32>,
    /// Not again before this many milliseconds have gone by.
    pub cooldown_ms: Option<u64>,
    /// At most `count` times in any `per_ms` milliseconds.
    pub cap: Option<Cap>,
}

/// At most `count` firings in any window of `per_ms` milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cap {
    /// 1 to `limits::CAP_COUNT_MAX`.
    pub count: u32,
    /// Window in milliseconds.
    pub per_ms: u64,
}

/// What a firing does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// Show content in a slot.
    Push {
        /// The slot's name.
        slot: String,
        /// The content; its strings are templates.
        content: Vec<(String, TemplateValue)>,
        /// How long it is worth showing, in milliseconds.
        expires_ms: u64,
    },
}
