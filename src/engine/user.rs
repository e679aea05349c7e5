//! A user as a deterministic state machine: what its visitors bring, folded into one profile, and the users that become
//! one with it.
//!
//! It keeps the newest contribution of each visitor and folds them: any order and any repeat of their letters gives the
//! same profile. A user that has become another one hands on what it holds and forwards what still comes.

mod audit;
mod contribution;
mod erase;
mod letter;
mod merge;
mod room;
mod view;
mod withdrawn;

pub use contribution::{Contribution, UserProfile};
pub use letter::{Absorb, Answer, Content, Handed, Letter, Linked, Member, Refusal, Told};

use super::SnapshotError;
use super::history::Stamp;
pub use super::nested::Nested;
use audit::Audit;
use footfall_protocol::Millis;
use footfall_protocol::ids::SiteId;
use footfall_protocol::limits::{USER_CLAIMS_MAX, USER_CONTRIBUTION_BYTES_MAX};
use merge::Merge;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Visitors are told of a change after this long, so that several changes are one, in milliseconds.
const TELL_AFTER_MS: u64 = 1_000;
/// A message that has not been reported by then died with its object, and is sent again.
const FLIGHT_MS: u64 = 60_000;
/// First and greatest wait before what failed is tried again, in milliseconds.
const RETRY_MS: (u64, u64) = (5_000, 300_000);
/// How much longer than the retention time a visitor must have been silent to be surely deleted.
const SURELY_GONE_MS: u64 = 24 * 60 * 60 * 1_000;
/// First byte of every snapshot.
const FRAME_VERSION: u8 = 1;

/// Anything that happens to a user.
#[derive(Clone, Debug, PartialEq)]
pub enum UserInput {
    /// A visitor writes.
    Letter(Letter),
    /// A user that becomes this one hands on what it holds.
    Absorb(Absorb),
    /// What was handed on was taken, or refused for good.
    Absorbed {
        /// What it was: [`User::handed`].
        handed: Handed,
        /// Why it was refused, if it was.
        refused: Option<Refusal>,
    },
    /// What was to be handed on did not get there, or nobody knows whether it did.
    AbsorbFailed,
    /// What was to be handed on was not taken, and is to come again.
    AbsorbWaits,
    /// How telling visitors went.
    Told(Vec<(Member, Telling)>),
    /// An operator erases it, after its visitors; [`Answer::Later`] while that is not all done.
    Erase,
    /// Time has passed; early and repeated wakes do nothing.
    Wake,
}

/// How telling one visitor went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// It knows this version.
    Knows(u64),
    /// That life of the visitor is over.
    Gone,
    /// It could not be reached.
    Failed,
}

/// What the shell must do, after the commit.
#[derive(Clone, Debug, PartialEq)]
pub enum UserEffect {
    /// Answer the letter or the user that hands on.
    Answer(Answer),
    /// Tell a visitor, and report it with [`UserInput::Told`].
    Tell(Member, Told),
    /// Hand all of it on, and report it with [`UserInput::Absorbed`] or [`UserInput::AbsorbFailed`].
    HandOn {
        /// To whom.
        to: Uuid,
        /// What.
        absorb: Absorb,
    },
    /// Delete the user's whole storage and alarm.
    Delete,
}

/// All state of one user on one site. Fields are only ever appended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    site: SiteId,
    user: Uuid,
    /// The store's own id; empty while it is not known.
    id: String,
    /// Arrival, never running backwards.
    clock_ms: u64,
    /// When it was last written to.
    last_ms: u64,
    /// By visitor and life.
    linked: Vec<Linked>,
    /// Without proof, with the version of the claim; the newest last.
    claims: Vec<(Member, u64)>,
    /// With the version of the withdrawal; the newest last.
    withdrawn: Vec<(Member, u64)>,
    settled: Vec<(Uuid, u64, Nested<Contribution>)>,
    version: u64,
    profile: Nested<UserProfile>,
    /// Whom it has become.
    merge: Option<Merge>,
    /// Users that have become this one, with their ids.
    absorbed: Vec<(Uuid, String)>,
    audit: Audit,
    claims_dropped: u32,
    /// The longest way over signposts that ends here.
    depth: u16,
    /// What the user whom this one becomes was told of it: no longer way may end here from then on.
    depth_told: Option<u16>,
    /// Hand-overs that were refused, by user and time of the store's word; the newest last.
    refused: Vec<(Uuid, Stamp, Refusal)>,
}

/// How audits name a visitor: by its life, which says nothing about whose it was once the visitor is erased.
fn of(member: Member) -> String {
    member.incarnation.to_string()
}

/// Wait after so many failures in a row.
fn retry_ms(failures: u32) -> u64 {
    RETRY_MS.0.saturating_mul(1 << failures.min(16)).min(RETRY_MS.1)
}

impl User {
    /// A user of whom nothing is known yet.
    pub fn new(site: SiteId, user: Uuid) -> Self {
        Self {
            site,
            user,
            id: String::new(),
            clock_ms: 0,
            last_ms: 0,
            linked: Vec::new(),
            claims: Vec::new(),
            withdrawn: Vec::new(),
            settled: Vec::new(),
            version: 0,
            profile: Nested::default(),
            merge: None,
            absorbed: Vec::new(),
            audit: Audit::default(),
            claims_dropped: 0,
            depth: 0,
            depth_told: None,
            refused: Vec::new(),
        }
    }

    /// Applies one input start to finish; `retention_ms` is the site's. Never fails, and a repeat changes nothing.
    pub fn handle(&mut self, input: UserInput, now: Millis, retention_ms: u64) -> Vec<UserEffect> {
        let now_ms = now.max(self.clock_ms);
        let mut effects = Vec::new();
        match input {
            UserInput::Letter(letter) => effects.push(UserEffect::Answer(self.take(letter, now_ms, retention_ms))),
            UserInput::Absorb(absorb) => effects.push(UserEffect::Answer(self.absorb(absorb, now_ms))),
            UserInput::Absorbed { handed, refused } => self.handed_on(&handed, refused, now_ms),
            UserInput::AbsorbFailed => self.hand_on_later(now_ms),
            UserInput::AbsorbWaits => self.hand_on_anew(now_ms),
            UserInput::Told(outcomes) => outcomes.into_iter().for_each(|(who, how)| self.heard(who, how, now_ms)),
            UserInput::Erase => effects = self.erase(),
            UserInput::Wake => self.wake(now_ms, retention_ms, &mut effects),
        }
        effects
    }

    /// When it wants to be woken next, in milliseconds since the epoch.
    pub fn next_wake(&self, retention_ms: u64) -> Option<u64> {
        let tells = self.linked.iter().filter(|one| self.is_to_hear(one)).map(|one| one.not_before_ms);
        let retention = (self.last_ms > 0).then_some(self.last_ms.saturating_add(retention_ms));
        tells.chain(self.hand_on_ms()).chain(retention).min()
    }

    fn is_to_hear(&self, linked: &Linked) -> bool {
        !linked.gone && linked.told < self.version && !self.is_merged()
    }

    fn take(&mut self, letter: Letter, now_ms: u64, retention_ms: u64) -> Answer {
        let Letter { member, version, user, user_id, content } = letter;
        if let Content::Merges { into, into_id, stamp } = content {
            return self.become_another(user_id, into, into_id, stamp, now_ms);
        }
        if let Some(into) = self.forwards() {
            // A day is exact enough for the retention time, and costs a row only once.
            if now_ms.saturating_sub(self.last_ms) > SURELY_GONE_MS.min(retention_ms / 2) {
                self.touch(now_ms);
            }
            // What it brought may be here still, when the other one has not taken it yet or has no room for it.
            if matches!(content, Content::Withdraws | Content::Forgets) {
                self.linked.retain(|linked| linked.member != member || linked.version >= version);
                self.claims.retain(|(who, claimed)| *who != member || *claimed >= version);
                self.fold(now_ms);
            }
            // So is what was noted of the visitor before the two became one.
            if matches!(content, Content::Forgets) {
                self.audit.forget(member);
            }
            return Answer::Forward(into);
        }
        let withdrawn = self.is_withdrawn(member, version);
        let at = self.linked.binary_search_by_key(&member, |linked| linked.member);
        let known = at.ok().map(|at| self.linked[at].version);
        let claimed = self.claims.iter().find(|(who, _)| *who == member).map(|(_, version)| *version);
        if withdrawn || known.max(claimed).is_some_and(|known| version <= known) {
            return Answer::Taken(at.ok().map(|at| Box::new(self.told(self.linked[at].user))));
        }
        if user == self.user && !user_id.is_empty() {
            self.id = user_id;
        }
        match content {
            Content::Brings(mut contribution) => {
                contribution.0.fit(USER_CONTRIBUTION_BYTES_MAX);
                let at = match at {
                    Ok(at) => at,
                    Err(_) if !self.has_room(now_ms, retention_ms) => {
                        self.audit.note(now_ms, "refused", of(member), Refusal::TooManyVisitors.as_str());
                        // A copy that comes late, when there is room, would count for a visitor that knows of no place here.
                        self.note_withdrawn(member, version.saturating_add(1));
                        return Answer::Refused(Refusal::TooManyVisitors);
                    }
                    Err(_) => {
                        let linked = Linked {
                            member,
                            version,
                            user,
                            fed_ms: now_ms,
                            told: 0,
                            not_before_ms: 0,
                            failures: 0,
                            gone: false,
                            contribution: Nested::default(),
                        };
                        self.audit.note(now_ms, "linked", of(member), "");
                        let at = self.linked.partition_point(|linked| linked.member < member);
                        self.linked.insert(at, linked);
                        at
                    }
                };
                let linked = &mut self.linked[at];
                (linked.version, linked.user, linked.fed_ms, linked.contribution) =
                    (version, user, now_ms, contribution);
                self.claims.retain(|(who, _)| *who != member);
                self.touch(now_ms);
                self.fold(now_ms);
                // The answer tells it.
                let at = self.linked.binary_search_by_key(&member, |linked| linked.member);
                if let Ok(at) = at {
                    (self.linked[at].told, self.linked[at].gone) = (self.version, false);
                }
                Answer::Taken(Some(Box::new(self.told(user))))
            }
            Content::Claims => {
                self.leave(member, now_ms);
                self.claims.push((member, version));
                if self.claims.len() > USER_CLAIMS_MAX {
                    self.claims.remove(0);
                    self.claims_dropped = self.claims_dropped.saturating_add(1);
                }
                self.touch(now_ms);
                self.fold(now_ms);
                Answer::Taken(None)
            }
            Content::Forgets => {
                self.leave(member, now_ms);
                self.audit.forget(member);
                self.note_withdrawn(member, version);
                self.touch(now_ms);
                self.fold(now_ms);
                Answer::Taken(None)
            }
            Content::Withdraws | Content::Merges { .. } => {
                self.leave(member, now_ms);
                self.note_withdrawn(member, version);
                self.touch(now_ms);
                self.fold(now_ms);
                Answer::Taken(None)
            }
        }
    }

    const fn touch(&mut self, now_ms: u64) {
        (self.clock_ms, self.last_ms) = (now_ms, now_ms);
    }

    fn told(&self, user: Uuid) -> Told {
        Told { user, version: self.version, profile: self.profile.clone() }
    }

    /// Folds anew what all have brought. When that gives another profile, the others are to hear of it.
    fn fold(&mut self, now_ms: u64) {
        let mut sum = Contribution::default();
        self.settled.iter().for_each(|(.., settled)| sum.add(&settled.0));
        self.linked.iter().for_each(|linked| sum.add(&linked.contribution.0));
        let profile = sum.profile(&self.id);
        if profile == self.profile.0 {
            return;
        }
        self.profile = Nested(profile);
        // Also above all versions of a user that was deleted and came back, and of those who become one with it.
        self.version = self.version.saturating_add(1).max(now_ms);
        for linked in &mut self.linked {
            linked.not_before_ms = linked.not_before_ms.max(now_ms + TELL_AFTER_MS);
        }
    }

    fn wake(&mut self, now_ms: u64, retention_ms: u64, effects: &mut Vec<UserEffect>) {
        if self.last_ms > 0 && now_ms >= self.last_ms.saturating_add(retention_ms) {
            effects.push(UserEffect::Delete);
            return;
        }
        for at in 0..self.linked.len() {
            if self.is_to_hear(&self.linked[at]) && self.linked[at].not_before_ms <= now_ms {
                self.clock_ms = now_ms;
                self.linked[at].not_before_ms = now_ms + FLIGHT_MS;
                effects.push(UserEffect::Tell(self.linked[at].member, self.told(self.linked[at].user)));
            }
        }
        effects.extend(self.hand_on(now_ms));
    }

    /// Whether nobody is left who would make this somebody: after the last one was forgotten, all of it goes.
    pub const fn is_nobody(&self) -> bool {
        let visitors = self.linked.is_empty() && self.claims.is_empty() && self.settled.is_empty();
        visitors && self.merge.is_none() && self.absorbed.is_empty()
    }

    /// Whether a letter would make somebody known of whom nothing is known here. Then its writer may have been erased while
    /// it was on its way, and it is to be taken only after a look whether that life is over.
    pub fn makes_known(&self, letter: &Letter) -> bool {
        let known = || self.linked.iter().map(|one| one.member).chain(self.claims.iter().map(|(member, _)| *member));
        match letter.content {
            Content::Brings(_) | Content::Claims => !self.is_merged() && !known().any(|member| member == letter.member),
            Content::Merges { .. } => self.is_nobody(),
            Content::Withdraws | Content::Forgets => false,
        }
    }

    fn heard(&mut self, member: Member, how: Telling, now_ms: u64) {
        let Ok(at) = self.linked.binary_search_by_key(&member, |linked| linked.member) else { return };
        let linked = &mut self.linked[at];
        match how {
            Telling::Knows(version) => {
                linked.told = linked.told.max(version);
                (linked.failures, linked.not_before_ms) = (0, now_ms + TELL_AFTER_MS);
            }
            Telling::Gone => linked.gone = true,
            Telling::Failed => {
                linked.not_before_ms = now_ms + retry_ms(linked.failures);
                linked.failures = linked.failures.saturating_add(1);
            }
        }
    }

    /// The profile as it is.
    pub const fn profile(&self) -> &UserProfile {
        &self.profile.0
    }

    /// The user as it is stored.
    pub fn snapshot(&self) -> Vec<u8> {
        postcard::to_extend(&Nested(self), vec![FRAME_VERSION]).expect("a user is plain data")
    }

    /// Reads a stored user of this or an earlier version.
    ///
    /// # Errors
    /// When it is of a later version, or damaged.
    pub fn load(bytes: &[u8]) -> Result<Self, SnapshotError> {
        match bytes.split_first() {
            Some((&FRAME_VERSION, rest)) => {
                let read: Result<Nested<Self>, _> = postcard::from_bytes(rest);
                read.map(|user| user.0).map_err(|_| SnapshotError::Section(0))
            }
            Some((&version, _)) => Err(SnapshotError::Version(version)),
            None => Err(SnapshotError::Section(0)),
        }
    }
}
