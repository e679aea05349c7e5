//! The rulebook's pure half: kinds of documents, lists of them, what is wrong in a whole set of them, and how two sets differ. The
//! Durable Object that keeps them is in the shell.

pub mod check;
pub mod diff;
pub mod lists;

use footfall_protocol::limits::{DOCUMENT_ID_BYTES_MAX, RULES_MAX, SEGMENTS_MAX, STAGES_MAX};
use serde::{Deserialize, Serialize};

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Rules.
    Rules,
    /// Segments.
    Segments,
    /// Stages.
    Stages,
}

impl Kind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Rules, Self::Segments, Self::Stages];

    /// The kind of this name, as paths have it.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Its name in paths and on disk.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Segments => "segments",
            Self::Stages => "stages",
        }
    }

    /// How many a site may have.
    pub const fn count_max(self) -> usize {
        match self {
            Self::Rules => RULES_MAX,
            Self::Segments => SEGMENTS_MAX,
            Self::Stages => STAGES_MAX,
        }
    }
}

/// Whether a document can be kept under this id: 1 to [`DOCUMENT_ID_BYTES_MAX`] of `a`–`z`, `0`–`9`, `-`, `_` and `.`, but
/// neither `.` nor `..`, which a path cannot hold.
pub fn is_id(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
    (1..=DOCUMENT_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(good) && ![".", ".."].contains(&text)
}
