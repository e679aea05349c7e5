//! What came of a scenario, in order: a value to compare, to write as JSON, and to read as text.

use crate::time::{offset_text, time_text};
use footfall_protocol::{Object, Value};
use serde::{Serialize, Serializer};

/// Everything that happened in a scenario, in order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timeline {
    /// The scenario's name.
    pub name: String,
    /// When it started, in milliseconds since the epoch.
    #[serde(rename = "start", serialize_with = "as_time")]
    pub start_ms: u64,
    /// When it was over, in milliseconds since the epoch.
    #[serde(rename = "end", serialize_with = "as_time")]
    pub end_ms: u64,
    /// Ids of the rules it ran with, in the order in which they are looked at.
    pub rules: Vec<String>,
    /// What happened.
    pub entries: Vec<Entry>,
}

/// One thing that happened, and when.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// In milliseconds since the epoch.
    #[serde(rename = "time", serialize_with = "as_time")]
    pub at_ms: u64,
    /// Since the start, in milliseconds; written as `1m5s`.
    #[serde(rename = "at", serialize_with = "as_offset")]
    pub after_ms: u64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// An event was accepted.
    Event {
        /// Its name in the vocabulary.
        name: String,
        /// On whose word: `public`, `visitor` or `source`.
        authority: String,
        /// Its tab; may be empty.
        #[serde(skip_serializing_if = "String::is_empty")]
        tab: String,
        /// The path that it names; may be empty.
        #[serde(skip_serializing_if = "String::is_empty")]
        path: String,
    },
    /// An event was not accepted.
    Rejected {
        /// Why, and what to send instead.
        message: String,
    },
    /// A tab's socket opened.
    Connected {
        /// The tab.
        tab: String,
    },
    /// A tab's socket closed.
    Disconnected {
        /// The tab.
        tab: String,
    },
    /// A page came into sight or went out of it with its tab's socket, or was opened out of sight.
    SightChanged {
        /// The tab.
        tab: String,
        /// Whether it is in sight now.
        visible: bool,
    },
    /// A session began.
    SessionStarted {
        /// The how-manyth, from 1.
        number: u32,
    },
    /// A session ended.
    SessionEnded {
        /// The how-manyth, from 1.
        number: u32,
        /// Pages viewed in it, how long it was, and the like.
        data: Object,
    },
    /// A stage was entered.
    StageChanged {
        /// The stage before.
        from: String,
        /// The stage now.
        to: String,
    },
    /// A segment was entered.
    SegmentEntered {
        /// Its id.
        segment: String,
    },
    /// A segment was left.
    SegmentLeft {
        /// Its id.
        segment: String,
    },
    /// Which user the visitor belongs to has changed, or what is known of that user, or such a change was refused.
    User {
        /// The record's kind: `user_linked`, `user_changed`, `user_refused`, `user_merged` or `user_updated`.
        kind: &'static str,
        /// The user's id.
        user: String,
    },
    /// A rule fired.
    Fired {
        /// Its id.
        rule: String,
        /// The events that made it fire, oldest first; at most the newest sixteen.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        made_by: Vec<Cause>,
        /// What it showed.
        pushes: Vec<Shown>,
    },
    /// A rule would have fired, but the visitor is held out.
    HeldOut {
        /// Its id.
        rule: String,
    },
    /// A push was taken back.
    Retracted {
        /// The rule that had made it.
        rule: String,
        /// Its slot.
        slot: String,
    },
    /// A rule emitted a record.
    Emitted {
        /// The record's name.
        name: String,
        /// Its data.
        data: Object,
    },
    /// A trait changed, by an `identify` or by a rule.
    TraitSet {
        /// Its name.
        name: String,
        /// Its value now; `null` when it went away.
        value: Value,
    },
    /// A rule began to wait for a time.
    TimerSet(Timer),
    /// A rule no longer waits for a time that has not come.
    TimerStopped(Timer),
    /// The visitor was deleted whole, after the site's retention time.
    Deleted,
    /// The visitor is woken without end, as by stages that lapse into each other: what would come after this was not
    /// looked at.
    GivenUp,
}

/// Something that happened and made a rule fire: an event, a change of stage or segment, a session's start or end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// In milliseconds since the epoch.
    #[serde(rename = "time", serialize_with = "as_time")]
    pub at_ms: u64,
    /// Since the start, in milliseconds; written as `1m5s`.
    #[serde(rename = "at", serialize_with = "as_offset")]
    pub after_ms: u64,
    /// The kind of the record that holds it.
    pub kind: &'static str,
    /// The event's name, or the id of the stage or segment; empty for sessions.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// A push as a page gets it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// The slot that shows it.
    pub slot: String,
    /// What to show, with templates filled in.
    pub content: Object,
    /// The tab it is meant for; empty for all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tab: String,
    /// When it is no longer worth showing, in milliseconds since the epoch.
    #[serde(rename = "expires", serialize_with = "as_time")]
    pub expires_at_ms: u64,
}

/// A time that a rule waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Timer {
    /// The rule.
    pub rule: String,
    /// What kind of waiting it is, as views name it.
    pub reason: String,
    /// The tab whose attention counts; empty where that does not matter.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tab: String,
    /// When it is over if nothing comes in between, in milliseconds since the epoch.
    #[serde(rename = "due", serialize_with = "as_time")]
    pub due_ms: u64,
}

impl What {
    /// Whether it is compared exactly with what a scenario expects.
    pub const fn is_compared(&self) -> bool {
        matches!(self, Self::Fired { .. } | Self::HeldOut { .. } | Self::Retracted { .. } | Self::Emitted { .. })
    }
}

impl Timeline {
    /// The rules that fired, each with its time since the start in milliseconds, in order.
    pub fn firings(&self) -> impl Iterator<Item = (u64, &str)> {
        self.entries.iter().filter_map(|entry| {
            if let What::Fired { rule, .. } = &entry.what { Some((entry.after_ms, rule.as_str())) } else { None }
        })
    }
}

fn as_time<S: Serializer>(ms: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time_text(*ms))
}

fn as_offset<S: Serializer>(ms: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&offset_text(*ms))
}
