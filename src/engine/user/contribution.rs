//! What one visitor brings to its user, and how what several bring becomes one profile.

use crate::engine::history::{Ledger, Membership, Stamp, join};
use footfall_protocol::limits::{MEMBERSHIPS_MAX, RECENT_PRODUCTS_MAX, TRAITS_MAX};
use footfall_protocol::{Amount, Object, Value};
use serde::{Deserialize, Serialize};

/// Everything that counts of a visitor, or of several together. Fields are only ever appended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// How many visitors it is of.
    pub devices: u32,
    /// How many events.
    pub events: u32,
    /// First and last activity, by the events' own times, in milliseconds since the epoch.
    pub seen_ms: (u64, u64),
    /// How many sessions, by the events' own times.
    pub sessions: u32,
    /// Orders and refunds.
    pub ledger: Ledger,
    /// Traits by name, each as it was last set; `null` for one that was taken away.
    pub traits: Vec<(String, Value, Stamp)>,
    /// Skus with the time of each, the newest first.
    pub products: Vec<(String, u64)>,
    /// Categories with the time of each, the newest first.
    pub categories: Vec<(String, u64)>,
    /// Groups, the one joined last first.
    pub groups: Vec<Membership>,
    /// Traits that a bound has left out, those of groups included.
    pub left_out: u32,
}

/// What is known of a user over all its visitors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UserProfile {
    /// The store's own id.
    pub id: String,
    /// Visitors that are this user.
    pub devices: u32,
    /// Their events.
    pub events: u32,
    /// Their sessions.
    pub sessions: u32,
    /// Their orders, each once.
    pub orders: u32,
    /// What those earned, less refunds.
    pub revenue: Amount,
    /// Currency of the newest order.
    pub currency: String,
    /// The first activity, by the events' own times, in milliseconds since the epoch.
    pub first_seen_ms: u64,
    /// The last activity.
    pub last_seen_ms: u64,
    /// Traits, sorted by name, each as it was last set on any device.
    pub traits: Object,
    /// Skus, the newest first.
    pub recent_products: Vec<String>,
    /// Categories, the newest first.
    pub recent_categories: Vec<String>,
    /// Ids of groups, the one joined last first.
    pub groups: Vec<String>,
    /// Their traits, in the same order.
    pub group_traits: Vec<Object>,
}

impl Contribution {
    /// Adds another one. Nothing is cut off: the caller bounds how many it adds.
    pub(super) fn add(&mut self, other: &Self) {
        self.devices = self.devices.saturating_add(other.devices);
        if other.events > 0 {
            let first_ms = if self.events == 0 { other.seen_ms.0 } else { self.seen_ms.0.min(other.seen_ms.0) };
            self.seen_ms = (first_ms, self.seen_ms.1.max(other.seen_ms.1));
        }
        self.events = self.events.saturating_add(other.events);
        self.sessions = self.sessions.saturating_add(other.sessions);
        self.ledger.add_all(&other.ledger);
        for (name, value, stamp) in &other.traits {
            match self.traits.binary_search_by(|(kept, ..)| kept.cmp(name)) {
                Ok(at) if self.traits[at].2 >= *stamp => {}
                Ok(at) => self.traits[at] = (name.clone(), value.clone(), *stamp),
                Err(at) => self.traits.insert(at, (name.clone(), value.clone(), *stamp)),
            }
        }
        self.left_out = self.left_out.saturating_add(other.left_out);
        add_seen(&mut self.products, &other.products);
        add_seen(&mut self.categories, &other.categories);
        for group in &other.groups {
            join(&mut self.groups, group.clone(), MEMBERSHIPS_MAX);
        }
    }

    /// Keeps of what several brought together no more than a visitor has, but for orders: as many as are said.
    pub(super) fn bound(&mut self, orders_max: usize) {
        self.ledger.settle(orders_max);
        self.traits.sort_by(|a, b| (b.2, &b.0).cmp(&(a.2, &a.0)));
        self.traits.truncate(TRAITS_MAX);
        self.traits.sort_by(|a, b| a.0.cmp(&b.0));
    }

    /// Leaves out what is too much to be stored: first traits of groups, of the one joined longest ago first, then the
    /// traits set longest ago; then the oldest orders are kept in the sums only. Of one contribution always the same.
    pub(super) fn fit(&mut self, bytes_max: usize) {
        while postcard::to_allocvec(self).map_or(0, |bytes| bytes.len()) > bytes_max {
            let oldest = || self.traits.iter().enumerate().min_by_key(|(_, (_, _, stamp))| *stamp).map(|(at, _)| at);
            if let Some(group) = self.groups.iter_mut().rev().find(|group| !group.traits.is_empty()) {
                let traits = std::mem::take(&mut group.traits);
                self.left_out = self.left_out.saturating_add(u32::try_from(traits.len()).unwrap_or(u32::MAX));
            } else if let Some(at) = oldest() {
                self.traits.remove(at);
                self.left_out = self.left_out.saturating_add(1);
            } else if self.ledger.kept() > 0 {
                self.ledger.settle(self.ledger.kept() / 2);
            } else {
                return;
            }
        }
    }

    /// The profile that it makes.
    pub(super) fn profile(mut self, id: &str) -> UserProfile {
        self.bound(usize::MAX);
        let words = |list: Vec<(String, u64)>| list.into_iter().map(|(word, _)| word).collect();
        UserProfile {
            id: id.to_owned(),
            devices: self.devices,
            events: self.events,
            sessions: self.sessions,
            orders: self.ledger.orders(),
            revenue: self.ledger.revenue(),
            currency: self.ledger.currency().to_owned(),
            first_seen_ms: self.seen_ms.0,
            last_seen_ms: self.seen_ms.1,
            traits: self.traits.into_iter().filter(|(_, value, _)| !value.is_null()).map(|(k, v, _)| (k, v)).collect(),
            recent_products: words(self.products),
            recent_categories: words(self.categories),
            groups: self.groups.iter().map(|group| group.group_id.clone()).collect(),
            group_traits: self.groups.into_iter().map(|group| group.traits).collect(),
        }
    }
}

/// Puts words where their times say, each once, the newest first.
fn add_seen(list: &mut Vec<(String, u64)>, more: &[(String, u64)]) {
    for (word, at_ms) in more {
        if let Some(at) = list.iter().position(|(kept, _)| kept == word) {
            if list[at].1 >= *at_ms {
                continue;
            }
            list.remove(at);
        }
        let at = list.partition_point(|(kept, kept_ms)| (*kept_ms, word) > (*at_ms, kept));
        list.insert(at, (word.clone(), *at_ms));
    }
    list.truncate(RECENT_PRODUCTS_MAX);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_the_same_in_any_order() {
        let one = Contribution {
            devices: 1,
            events: 2,
            seen_ms: (5, 9),
            sessions: 1,
            traits: vec![
                ("a".into(), 1.0.into(), Stamp { at_ms: 5, tie: 0 }),
                ("b".into(), Value::Null, Stamp { at_ms: 9, tie: 0 }),
            ],
            products: vec![("x".into(), 9), ("y".into(), 5)],
            ..Contribution::default()
        };
        let other = Contribution {
            devices: 1,
            events: 1,
            seen_ms: (7, 7),
            sessions: 1,
            traits: vec![
                ("a".into(), 2.0.into(), Stamp { at_ms: 7, tie: 0 }),
                ("b".into(), 3.0.into(), Stamp { at_ms: 7, tie: 0 }),
            ],
            products: vec![("y".into(), 7), ("z".into(), 7)],
            ..Contribution::default()
        };
        let folded = |list: [&Contribution; 2]| {
            let mut sum = Contribution::default();
            list.into_iter().for_each(|one| sum.add(one));
            sum.profile("u")
        };
        let profile = folded([&one, &other]);
        assert_eq!(profile, folded([&other, &one]));
        assert_eq!((profile.devices, profile.events, profile.first_seen_ms, profile.last_seen_ms), (2, 3, 5, 9));
        assert_eq!(profile.traits, [("a".to_owned(), Value::from(2.0))].into_iter().collect());
        assert_eq!(profile.recent_products, ["x", "y", "z"]);
    }
}
