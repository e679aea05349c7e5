//! What passes between visitors' objects and users' objects, and between users' objects.

use super::contribution::{Contribution, UserProfile};
use crate::engine::history::Stamp;
use crate::engine::nested::Nested;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A visitor in one of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Member {
    /// The visitor.
    pub visitor: Uuid,
    /// Its life: a random name, like no other's, that says nothing about whose it is.
    pub incarnation: Uuid,
}

/// From a visitor to a user's object. One that comes again, or late, changes nothing: its version says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Letter {
    /// From whom.
    pub member: Member,
    /// Grows with every letter of this life.
    pub version: u64,
    /// The user that it is addressed to, whoever that user has become.
    pub user: Uuid,
    /// The store's own id of that user.
    pub user_id: String,
    /// What it says.
    pub content: Content,
}

/// What a visitor tells a user's object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Content {
    /// All that counts of it; takes the place of what it brought before.
    Brings(Nested<Contribution>),
    /// It says that it is this user, without proof: nothing of it counts, and it is shown nothing.
    Claims,
    /// It is not this user: nothing of it counts any more.
    Withdraws,
    /// As above, and nothing may say that it ever was: it is being erased.
    Forgets,
    /// The store says that this user is that one.
    Merges {
        /// The other user.
        into: Uuid,
        /// The store's own id of it.
        into_id: String,
        /// When it was said.
        stamp: Stamp,
    },
}

/// What a user's object answers to a letter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// It is on disk, or was already. Who counts is told the profile.
    Taken(Option<Box<Told>>),
    /// This user has become another one: the same letter goes to that one's object.
    Forward(Uuid),
    /// It was not taken, and will not be.
    Refused(Refusal),
    /// What is handed on cannot be taken before this user has become another one itself, or the user cannot be erased yet:
    /// it is to come again.
    Later,
    /// As [`Self::Forward`], of what a user hands on that has become this one before it became another.
    ForwardAgain(Uuid),
}

/// What a visitor is told of its user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The user that the visitor belongs to, whoever that user has become.
    pub user: Uuid,
    /// Grows with every change of the profile.
    pub version: u64,
    /// The profile.
    pub profile: Nested<UserProfile>,
}

/// Why a letter or a merge was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// A user is itself already.
    Itself,
    /// The user has become another one before.
    MergedAlready,
    /// The other one has become this one.
    Circle,
    /// Letters would have too long a way to whom the user has become.
    TooFar,
    /// The user has become one with too many.
    TooManyMerges,
    /// The user has too many visitors.
    TooManyVisitors,
}

impl Refusal {
    /// The reason's name in records and audit trails.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Itself => "itself",
            Self::MergedAlready => "merged_already",
            Self::Circle => "circle",
            Self::TooFar => "too_far",
            Self::TooManyMerges => "too_many_merges",
            Self::TooManyVisitors => "too_many_visitors",
        }
    }
}

/// From a user's object to that of the user whom it becomes: all that it holds. A repeat changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Absorb {
    /// The user that goes.
    pub from: Uuid,
    /// The store's own id of it.
    pub from_id: String,
    /// The user whom it becomes.
    pub into: Uuid,
    /// The store's own id of that one.
    pub into_id: String,
    /// When the store said so.
    pub stamp: Stamp,
    /// The users' objects that it has passed, the sender first.
    pub path: Vec<Uuid>,
    /// The version of its profile.
    pub version: u64,
    /// Its visitors.
    pub linked: Vec<Linked>,
    /// Visitors that claim to be it.
    pub claims: Vec<(Member, u64)>,
    /// Visitors that were withdrawn.
    pub withdrawn: Vec<(Member, u64)>,
    /// What was folded together for good, by the user that did it, with a version that grows.
    pub settled: Vec<(Uuid, u64, Nested<Contribution>)>,
    /// The longest way over signposts that ends at the sender, now and ever after.
    pub depth: u16,
    /// The sender had become a user whose object it has passed: what it handed on first has gone this way before.
    pub again: bool,
}

impl Absorb {
    /// The user to whom it goes on when the object of `by` gives this answer; it notes that it has passed that one.
    pub fn goes_on(&mut self, by: Uuid, answer: &Answer) -> Option<Uuid> {
        let (next, again) = match answer {
            Answer::Forward(next) => (*next, self.again),
            Answer::ForwardAgain(next) => (*next, true),
            Answer::Taken(_) | Answer::Refused(_) | Answer::Later => return None,
        };
        self.path.push(by);
        self.again = again;
        Some(next)
    }
}

/// What a user has handed on, by which it knows the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handed {
    /// To whom, and when the store said that it becomes that one: another word may have come since.
    pub(super) merge: (Uuid, Stamp),
    /// Each visitor with the version that was handed on.
    pub(super) members: Vec<(Member, u64)>,
}

/// A visitor of a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Linked {
    /// Who.
    pub member: Member,
    /// That of its last letter.
    pub version: u64,
    /// The user that it belongs to by its own word, who may have become this one.
    pub user: Uuid,
    /// When that letter came, in milliseconds since the epoch.
    pub fed_ms: u64,
    /// The version of the profile that it was told.
    pub told: u64,
    /// It is not told before this.
    pub not_before_ms: u64,
    /// How often in a row it could not be told.
    pub failures: u32,
    /// This life of the visitor is over: it is told nothing any more.
    pub gone: bool,
    /// What it has brought.
    pub contribution: Nested<Contribution>,
}
