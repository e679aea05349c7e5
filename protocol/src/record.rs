//! A fact for the store's own systems, and the queue message that carries records there.

use crate::value::Members;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One fact about a visitor. Its id is stable: a sink that keeps ids delivers exactly once. One that is only written has texts
/// that stay where they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(
    serialize = "T: AsRef<str> + Serialize",
    deserialize = "T: Deserialize<'de>, Members<T>: Deserialize<'de>"
))]
pub struct Record<T = String> {
    /// Place in this incarnation's records, from 1, without gaps.
    pub seq: u64,
    /// The engine's time, in milliseconds since the epoch.
    pub at_ms: u64,
    /// What it is about.
    pub kind: RecordKind,
    /// The event's name, the segment's, stage's or rule's id.
    pub name: T,
    /// The session it belongs to, by number from 1; 0 for none.
    pub session: u32,
    /// Details.
    pub data: Members<T>,
}

/// Kinds of records. Stored by place: new ones are appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// An accepted event.
    Event,
    /// A session began.
    SessionStarted,
    /// A session ended.
    SessionEnded,
    /// The stage changed.
    StageChanged,
    /// A segment was entered.
    SegmentEntered,
    /// A segment was left.
    SegmentLeft,
    /// A rule fired.
    TriggerFired,
    /// A tab came into sight or went out of it without an event of the page: its socket came or went.
    SightChanged,
    /// A rule would have fired, but the visitor is held out from it.
    TriggerHeldOut,
    /// A rule's action emitted it for the store's own systems; its name is what the author said.
    Emitted,
    /// The visitor belongs to a user now, or that was attested; its name is the user's id.
    UserLinked,
    /// The visitor belongs to another user than before; its name is the new one's id.
    UserChanged,
    /// A change of user or a merge of users was refused; its name is the id that was said.
    UserRefused,
    /// The user whose own server speaks here becomes one with another; its name is the other one's id.
    UserMerged,
    /// What is known of the visitor's user has changed. Recorded when anything reads it, and at the latest before what
    /// happens next once something does.
    UserUpdated,
}

impl RecordKind {
    /// The kind's name, as sinks store it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::SessionStarted => "session_started",
            Self::SessionEnded => "session_ended",
            Self::StageChanged => "stage_changed",
            Self::SegmentEntered => "segment_entered",
            Self::SegmentLeft => "segment_left",
            Self::TriggerFired => "trigger_fired",
            Self::SightChanged => "sight_changed",
            Self::TriggerHeldOut => "trigger_held_out",
            Self::Emitted => "emitted",
            Self::UserLinked => "user_linked",
            Self::UserChanged => "user_changed",
            Self::UserRefused => "user_refused",
            Self::UserMerged => "user_merged",
            Self::UserUpdated => "user_updated",
        }
    }

    /// The kind with this name.
    pub fn parse(name: &str) -> Option<Self> {
        serde_json::from_value(name.into()).ok()
    }
}

/// A record's id: unique over all visitors and all their incarnations.
pub fn record_id(incarnation: Uuid, seq: u64) -> String {
    format!("{}-{seq}", incarnation.simple())
}

/// What a queue message and a dead letter bring: records of one visitor, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordBatch {
    /// Version of this shape.
    pub v: u32,
    /// The site.
    pub site: String,
    /// The visitor.
    pub visitor: Uuid,
    /// The visitor's incarnation: a visitor deleted and come back has another.
    pub incarnation: Uuid,
    /// The records.
    pub records: Vec<Record>,
}

/// The body of a queue message that tells a sink which is not ours to empty that a visitor was erased. JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Version of this shape.
    pub v: u32,
    /// The site.
    pub site: String,
    /// The visitor.
    pub visitor: Uuid,
    /// The lives whose records are to go, and are not taken any more.
    pub incarnations: Vec<Uuid>,
    /// When, in milliseconds since the epoch.
    pub at_ms: u64,
}
