//! Feeding the users' objects: soon after what matters has changed, and at a session's end. Nothing new, nothing sent.

use super::super::dedupe::fnv1a;
use super::super::history::Stamp;
use super::super::nested::Nested;
use super::super::user::{Answer, Content, Letter, Member};
use super::super::{Effect, Input, Turn, Visitor};
use super::{Identity, refusal};
use footfall_protocol::Object;
use footfall_protocol::ids::{Foreign, visitor_of};
use footfall_protocol::limits::FED_USERS_MAX;
use footfall_protocol::record::RecordKind;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// From what matters (who the visitor is, an order, a trait, a group) to the letter, in milliseconds: what comes in between
/// goes along.
const FEED_AFTER_MS: u64 = 2_000;
/// A letter that has not been reported by then died with its object, and is written again.
const FLIGHT_MS: u64 = 60_000;
/// First and greatest wait before a letter that failed is written again, in milliseconds.
const RETRY_MS: (u64, u64) = (5_000, 300_000);

/// How far the users' objects know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Feed {
    /// That of the last letters.
    version: u64,
    due_ms: Option<u64>,
    /// Letters are on their way.
    flying: bool,
    failures: u32,
    /// Users that may hold something of this visitor.
    fed: Vec<Uuid>,
    /// The user that is fed, and a hash of what it was sent last.
    to: Option<Uuid>,
    sent: u64,
    /// There is more to say when the letters have arrived.
    again: bool,
}

impl Feed {
    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    pub(super) const fn due_ms(&self) -> Option<u64> {
        self.due_ms
    }

    fn soon(&mut self, now_ms: u64, after_ms: u64) {
        if self.flying {
            self.again = true;
        } else if self.failures == 0 {
            let at_ms = now_ms + after_ms;
            self.due_ms = Some(self.due_ms.map_or(at_ms, |due_ms| due_ms.min(at_ms)));
        }
    }
}

impl Input {
    /// The report of letters that have all arrived, where no user's object has more to tell: for replays and rehearsals.
    pub fn taken(letters: Vec<Letter>) -> Self {
        let version = letters.first().map_or(0, |letter| letter.version);
        Self::Fed { version, answers: letters.into_iter().map(|letter| (letter, Answer::Taken(None))).collect() }
    }
}

impl Identity {
    /// When letters are due.
    pub(in crate::engine) const fn feed_due_ms(&self) -> Option<u64> {
        self.feed.due_ms
    }
}

impl Visitor {
    /// Users whose objects may hold something of this visitor, for whoever takes it back from them.
    pub fn fed_users(&self) -> &[Uuid] {
        &self.identity.feed.fed
    }

    /// How users' objects know this life of the visitor.
    pub const fn member(&self) -> Member {
        Member { visitor: self.core.visitor, incarnation: self.core.incarnation }
    }

    pub(super) fn feed_soon(&mut self, now_ms: u64) {
        self.identity.feed.soon(now_ms, FEED_AFTER_MS);
    }

    /// Something has changed that matters to the visitor's user.
    pub(in crate::engine) fn matters(&mut self, turn: &Turn<'_>) {
        if self.identity.is_attested() {
            self.feed_soon(turn.now_ms);
        }
    }

    /// The session is over: what has changed besides goes now.
    pub(in crate::engine) fn feed_at_session_end(&mut self, turn: &Turn<'_>) {
        if self.identity.is_attested() && self.news().is_some() {
            self.identity.feed.soon(turn.now_ms, 0);
        }
    }

    /// A session begins: whoever found no room with its user asks once more.
    pub(in crate::engine) fn feed_at_session_start(&mut self, turn: &Turn<'_>) {
        if self.identity.is_attested() && self.identity.feed.to.is_none() {
            self.feed_soon(turn.now_ms);
        }
    }

    /// What the user is to be told that it does not know: for whom, by which id, and a hash of it.
    fn news(&self) -> Option<(Uuid, String, Content, u64)> {
        let user_id = self.identity.user_id()?;
        let user = visitor_of(&self.core.site, Foreign::User, user_id)?;
        let content = if !self.identity.is_attested() {
            Content::Claims
        } else if self.identity.history.events > 0 {
            Content::Brings(Nested(self.identity.contribution(&self.profile)))
        } else {
            return None;
        };
        let hash = fnv1a(&postcard::to_allocvec(&(user, &content)).expect("a contribution is plain data"));
        let feed = &self.identity.feed;
        let known = feed.to == Some(user) && feed.sent == hash && feed.fed.contains(&user);
        (!known).then(|| (user, user_id.to_owned(), content, hash))
    }

    /// Writes the letters that are due.
    pub(in crate::engine) fn begin_feed(&mut self, now_ms: u64) -> Option<Effect> {
        self.identity.feed.due_ms.filter(|due_ms| *due_ms <= now_ms)?;
        if std::mem::take(&mut self.identity.feed.flying) {
            // The last letters died on their way, or their report did: what was sent may not have arrived.
            self.identity.feed.to = None;
        }
        let news = self.news();
        let own = self.identity.user(&self.core.site);
        let member = self.member();
        let merging = self.identity.merging.clone().filter(|merging| !merging.done);
        let merges = merging.and_then(|merging| {
            let into = visitor_of(&self.core.site, Foreign::User, &merging.into_id)?;
            Some((self.core.visitor, Content::Merges { into, into_id: merging.into_id, stamp: merging.stamp }))
        });
        let feed = &mut self.identity.feed;
        let version = feed.version + 1;
        let letter = |user, user_id, content| Letter { member, version, user, user_id, content };
        let mut letters: Vec<Letter> = Vec::new();
        // Whoever is no longer meant gives it back first: nothing counts for two users for longer than it must.
        for user in feed.fed.iter().filter(|user| Some(**user) != own) {
            letters.push(letter(*user, String::new(), Content::Withdraws));
        }
        letters.extend(merges.map(|(user, content)| letter(user, String::new(), content)));
        feed.again = false;
        if let Some((user, user_id, content, hash)) = news {
            if feed.fed.contains(&user) || feed.fed.len() < FED_USERS_MAX {
                if !feed.fed.contains(&user) {
                    feed.fed.push(user);
                }
                (feed.to, feed.sent) = (Some(user), hash);
                letters.push(letter(user, user_id, content));
            } else {
                feed.again = true;
            }
        }
        feed.due_ms = None;
        if letters.is_empty() {
            return None;
        }
        feed.version = version;
        (feed.due_ms, feed.flying) = (Some(now_ms + FLIGHT_MS), true);
        Some(Effect::Feed(letters))
    }

    /// All letters have arrived, and these are the answers.
    pub(in crate::engine) fn fed(&mut self, version: u64, answers: Vec<(Letter, Answer)>, turn: &mut Turn<'_>) {
        let feed = &mut self.identity.feed;
        if feed.version != version || !feed.flying {
            return;
        }
        self.core.clock_ms = turn.now_ms;
        (feed.flying, feed.failures, feed.due_ms) = (false, 0, None);
        for (letter, answer) in answers {
            match (letter.content, answer) {
                (Content::Withdraws, _) => self.identity.feed.fed.retain(|user| *user != letter.user),
                (Content::Merges { into_id, stamp, .. }, answer) => self.merged(&into_id, stamp, &answer, turn),
                (Content::Brings(_), Answer::Taken(Some(told))) => self.hear(*told, turn),
                (Content::Brings(_), Answer::Refused(why)) => {
                    // The user does not have it. Room is looked for with the next session, or when there is more to say.
                    self.identity.feed.to = None;
                    self.record(RecordKind::UserRefused, &letter.user_id, refusal(why.as_str()), turn);
                }
                (Content::Brings(_) | Content::Claims | Content::Forgets, _) => {}
            }
        }
        if self.identity.feed.again {
            self.feed_soon(turn.now_ms);
        }
    }

    fn merged(&mut self, into_id: &str, stamp: Stamp, answer: &Answer, turn: &Turn<'_>) {
        if let Some(merging) = self.identity.merging.as_mut().filter(|merging| merging.stamp == stamp) {
            merging.done = true;
        }
        match answer {
            Answer::Refused(why) => self.record(RecordKind::UserRefused, into_id, refusal(why.as_str()), turn),
            Answer::Taken(_) | Answer::Forward(_) | Answer::Later | Answer::ForwardAgain(_) => {
                self.record(RecordKind::UserMerged, into_id, Object::new(), turn)
            }
        };
    }

    /// The letters did not arrive: later again, each time later.
    pub(in crate::engine) fn feed_failed(&mut self, version: u64, turn: &Turn<'_>) {
        let feed = &mut self.identity.feed;
        if feed.version != version || !feed.flying {
            return;
        }
        self.core.clock_ms = turn.now_ms;
        let wait_ms = RETRY_MS.0.saturating_mul(1 << feed.failures.min(16)).min(RETRY_MS.1);
        feed.failures = feed.failures.saturating_add(1);
        (feed.flying, feed.due_ms) = (false, Some(turn.now_ms + wait_ms));
        // What was sent may not have arrived.
        feed.to = None;
    }
}
