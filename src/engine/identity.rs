//! Which user a visitor belongs to, by the time at which it was said, and what of the visitor counts for that user.
//!
//! Whoever holds a visitor's token may say which user that is, but knowing an id is no proof: only what a server key or a
//! server's signature attests makes a visitor part of a user and shows it the user's profile. An attestation ends when
//! the visitor is said to be somebody else.

mod feed;

use super::history::{History, Membership, Stamp, Stamps, join};
use super::profile::Profile;
use super::user::{Contribution, Told, UserProfile};
use super::{Turn, Visitor};
use feed::Feed;
use footfall_protocol::event::{Authority, Event, Fact};
use footfall_protocol::ids::{Foreign, SiteId, visitor_of};
use footfall_protocol::limits::{GROUP_TRAITS_BYTES_MAX, LINKS_MAX, MEMBERSHIPS_MAX, USER_CHANGES_MAX};
use footfall_protocol::record::RecordKind;
use footfall_protocol::{Object, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// A user that the visitor was said to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Link {
    user_id: String,
    /// When it was last said.
    said: Stamp,
    /// When it was last said by somebody who knows.
    attested: Option<Stamp>,
}

/// The store says that the user whose own server speaks here is another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Merging {
    into_id: String,
    stamp: Stamp,
    /// The user's object has answered.
    done: bool,
}

/// Who the visitor is, beyond its own name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) history: History,
    pub(super) stamps: Stamps,
    /// Times of the profile's recent products, in their order; likewise of its categories.
    pub(super) product_times: Vec<u64>,
    pub(super) category_times: Vec<u64>,
    groups: Vec<Membership>,
    /// The one said last first.
    links: Vec<Link>,
    /// The last change of user that was refused.
    refused: Stamp,
    /// Changes of user on a day, by its number since the epoch.
    changes: (u64, u32),
    changes_refused: u32,
    merging: Option<Merging>,
    feed: Feed,
    told: Option<Told>,
    /// What was told last is not recorded, since no rule read it.
    unrecorded: bool,
}

/// What a change of user leaves to be recorded.
pub(super) type Linking = (RecordKind, String, Object);

impl Identity {
    /// Whether nothing is known yet.
    pub(super) fn is_new(&self) -> bool {
        *self == Self::default()
    }

    /// The user that the visitor was last said to be.
    pub(super) fn user_id(&self) -> Option<&str> {
        self.links.first().map(|link| link.user_id.as_str())
    }

    /// Whether somebody who knows has said so, and nobody anything else since.
    pub(super) fn is_attested(&self) -> bool {
        let since = self.links.get(1).map_or(self.refused, |rival| rival.said.max(self.refused));
        self.links.first().is_some_and(|link| link.attested.is_some_and(|attested| attested > since))
    }

    /// The user that the visitor is said to be, by name.
    fn user(&self, site: &SiteId) -> Option<Uuid> {
        visitor_of(site, Foreign::User, self.user_id()?)
    }

    /// What is known of the user over all devices; only while the visitor is attested to be that user.
    pub(super) fn profile(&self) -> Option<&UserProfile> {
        self.told.as_ref().map(|told| &told.profile.0)
    }

    /// A visitor that an earlier release knew: what it counted is its history.
    fn adopt(&mut self, profile: &Profile) {
        if self.history.events > 0 || profile.sessions == 0 {
            return;
        }
        self.history.events = profile.sessions;
        self.history.first_ms = profile.first_seen_ms;
        self.history.last_ms = profile.first_seen_ms;
        self.history.visits.adopt(profile.sessions);
        self.history.ledger.adopt(profile.orders, profile.revenue);
        if let Some(user_id) = profile.user_id.clone().filter(|_| self.links.is_empty()) {
            self.links.push(Link { user_id, said: Stamp::default(), attested: None });
        }
    }

    /// The links with one more word on who the visitor is.
    fn said(&self, user_id: &str, stamp: Stamp, attests: bool) -> Vec<Link> {
        let mut links = self.links.clone();
        let attested = Some(stamp).filter(|_| attests);
        match links.iter_mut().find(|link| link.user_id == user_id) {
            Some(link) => (link.said, link.attested) = (link.said.max(stamp), link.attested.max(attested)),
            None => links.push(Link { user_id: user_id.to_owned(), said: stamp, attested }),
        }
        links.sort_by(|a, b| (b.said, &b.user_id).cmp(&(a.said, &a.user_id)));
        links.truncate(LINKS_MAX);
        links
    }

    /// What of the visitor counts for its user.
    fn contribution(&self, profile: &Profile) -> Contribution {
        let mut traits: Vec<_> = self
            .stamps
            .iter()
            .map(|(name, stamp)| (name.to_owned(), profile.traits.get(name).cloned().unwrap_or_default(), stamp))
            .collect();
        traits.sort_by(|a, b| a.0.cmp(&b.0));
        let timed = |words: &[String], times: &[u64]| {
            let times = times.iter().copied().chain(std::iter::repeat(0));
            words.iter().cloned().zip(times).collect()
        };
        Contribution {
            devices: 1,
            events: self.history.events,
            seen_ms: (self.history.first_ms, self.history.last_ms),
            sessions: self.history.visits.count(),
            ledger: self.history.ledger.clone(),
            traits,
            products: timed(&profile.recent_products, &self.product_times),
            categories: timed(&profile.recent_categories, &self.category_times),
            groups: self.groups.clone(),
            left_out: 0,
        }
    }

    /// For operators; `None` of somebody who was never said to be a user.
    pub(super) fn view(&self) -> Option<Value> {
        let link = self.links.first()?;
        let mut members = vec![
            ("user_id", Value::from(link.user_id.as_str())),
            ("attested", self.is_attested().into()),
            ("said_at_ms", link.said.at_ms.into()),
            ("changes_refused", self.changes_refused.into()),
            ("groups", Value::Array(self.groups.iter().map(|group| group.group_id.as_str().into()).collect())),
            ("fed_version", self.feed.version().into()),
            ("feeding", self.feed.due_ms().is_some().into()),
        ];
        if let Some(told) = &self.told {
            members.push(("told_version", told.version.into()));
        }
        Some(Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()))
    }
}

impl Visitor {
    /// The time that counts for what an event says.
    pub(super) fn stamp(&self, event: &Event, now_ms: u64) -> Stamp {
        Stamp::of(event, self.identity.history.events, now_ms)
    }

    /// Takes of an event what counts for the visitor's user, and who it says that the visitor is.
    pub(super) fn identify(&mut self, event: &Event, turn: &Turn<'_>) -> Option<Linking> {
        self.identity.adopt(&self.profile);
        let stamp = self.stamp(event, turn.now_ms);
        let alias = if let Fact::Aliased { previous_id } = &event.fact { Some(previous_id) } else { None };
        if alias.is_none() {
            self.identity.history.add(stamp.at_ms, turn.config.settings.session_idle_ms);
        }
        let trusted = event.authority != Authority::Public;
        let user_id = event.user_id.as_ref().filter(|_| trusted)?;
        let attests = event.authority == Authority::Source || event.attested;
        let own = alias.and_then(|id| visitor_of(&self.core.site, Foreign::User, id)) == Some(self.core.visitor);
        if own {
            // The previous id is that of a user, and this is what its own server has said: its user is another one.
            if attests && self.identity.merging.as_ref().is_none_or(|merging| merging.stamp < stamp) {
                self.identity.merging = Some(Merging { into_id: user_id.clone(), stamp, done: false });
                self.feed_soon(turn.now_ms);
            }
            return None;
        }
        self.link(user_id, stamp, attests, turn)
    }

    fn link(&mut self, user_id: &str, stamp: Stamp, attests: bool, turn: &Turn<'_>) -> Option<Linking> {
        let identity = &mut self.identity;
        let (from, was_attested) = (identity.user_id().map(str::to_owned), identity.is_attested());
        let links = identity.said(user_id, stamp, attests);
        let to = links.first().map(|link| link.user_id.clone())?;
        let changes = from.as_ref().is_some_and(|from| *from != to);
        if changes {
            let day = turn.now_ms / DAY_MS;
            let so_far = if identity.changes.0 == day { identity.changes.1 } else { 0 };
            if so_far >= USER_CHANGES_MAX {
                identity.refused = identity.refused.max(stamp);
                identity.changes_refused = identity.changes_refused.saturating_add(1);
                self.follow_link(turn);
                return Some((RecordKind::UserRefused, to, refusal("too_many_changes")));
            }
            identity.changes = (day, so_far + 1);
        }
        identity.links = links;
        let attested = identity.is_attested();
        if from.as_ref() == Some(&to) && attested == was_attested {
            return None;
        }
        self.profile.user_id = Some(to.clone());
        self.follow_link(turn);
        let mut data = Object::from_iter([("attested".to_owned(), attested.into())]);
        data.insert("user", self.identity.user(&self.core.site).map(|user| user.to_string()));
        if changes {
            data.insert("from", from);
        }
        Some((if changes { RecordKind::UserChanged } else { RecordKind::UserLinked }, to, data))
    }

    /// What was told of a user is forgotten with the right to see it, and the users' objects are to know.
    fn follow_link(&mut self, turn: &Turn<'_>) {
        let user = self.identity.user(&self.core.site).filter(|_| self.identity.is_attested());
        if self.identity.told.as_ref().is_some_and(|told| Some(told.user) != user) {
            (self.identity.told, self.identity.unrecorded) = (None, false);
        }
        self.feed_soon(turn.now_ms);
    }

    /// What is said about who the visitor is: traits, or a group.
    pub(super) fn take_word(&mut self, fact: &Fact, stamp: Stamp, turn: &Turn<'_>) {
        if let Fact::Identified { traits } = fact {
            self.merge_traits(traits, stamp);
        }
        if let Fact::Grouped { group_id, traits } = fact {
            self.join(group_id, traits, stamp);
        }
        self.matters(turn);
    }

    fn join(&mut self, group_id: &str, traits: &Object, stamp: Stamp) {
        let fits = serde_json::to_string(traits).is_ok_and(|text| text.len() <= GROUP_TRAITS_BYTES_MAX);
        if !fits {
            self.profile.traits_dropped = self.profile.traits_dropped.saturating_add(1);
        }
        let traits = if fits { traits.clone() } else { Object::new() };
        join(&mut self.identity.groups, Membership { group_id: group_id.to_owned(), traits, stamp }, MEMBERSHIPS_MAX);
    }

    /// Merges traits, each the newest by its stamp.
    pub(super) fn merge_traits(&mut self, traits: &Object, stamp: Stamp) {
        self.profile.merge_traits(traits, &mut self.identity.stamps, stamp);
    }

    /// The user's object tells what is known of the user; whether that is news.
    fn hear(&mut self, told: Told, turn: &mut Turn<'_>) {
        let identity = &mut self.identity;
        let own = identity.is_attested() && identity.user(&self.core.site) == Some(told.user);
        let known = identity.told.as_ref();
        if !own || known.is_some_and(|known| known.version >= told.version) {
            return;
        }
        self.core.clock_ms = turn.now_ms;
        let news = known.is_none_or(|known| known.profile != told.profile);
        identity.told = Some(told);
        if news {
            identity.unrecorded = true;
            self.heed_user(turn);
        }
    }

    /// What was told of the user acts, and is recorded, when anything reads it: now, or once it does. Whoever lets the
    /// records happen again then knows it when it matters.
    pub(super) fn heed_user(&mut self, turn: &mut Turn<'_>) {
        let Some(told) = self.identity.told.as_ref().filter(|_| self.identity.unrecorded) else { return };
        if !turn.config.rules.reads_user() {
            return;
        }
        let mut data = Object::from_iter([("user".to_owned(), told.user.to_string().into())]);
        data.insert("version", told.version);
        data.insert("profile", Value::of(&told.profile.0));
        let name = told.profile.0.id.clone();
        self.identity.unrecorded = false;
        self.core.clock_ms = turn.now_ms;
        self.record(RecordKind::UserUpdated, &name, data, turn);
        turn.traits_changed = true;
        self.settle(None, turn);
        self.retract_what_no_longer_holds(turn);
    }

    /// A user's object tells this life of the visitor, or a record says that it did.
    pub(super) fn hear_of_user(&mut self, incarnation: Option<Uuid>, told: Told, turn: &mut Turn<'_>) {
        if incarnation.is_none_or(|meant| meant == self.core.incarnation) {
            self.hear(told, turn);
        }
    }
}

fn refusal(reason: &str) -> Object {
    Object::from_iter([("reason".to_owned(), reason.into())])
}
