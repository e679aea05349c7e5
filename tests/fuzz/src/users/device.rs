//! A device of a user, as its own object would have it: what it brings, whose it is, and what it was told.

use footfall::engine::user::{Contribution, Member, Nested, Told};
use serde::de::DeserializeOwned;
use serde_json::json;
use uuid::Uuid;

/// What a device brings, as numbers that a model can add up.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) events: u32,
    pub(super) sessions: u32,
    /// Orders: which, and when and for how much this device says.
    pub(super) orders: Vec<(u64, u64, i64)>,
    /// Traits: which, when, and what; `None` for one that was taken away.
    pub(super) traits: Vec<(u8, u64, Option<u64>)>,
    /// So many bytes more in a trait of its own.
    pub(super) bulk: usize,
    /// Tells what was said on two devices at the same time apart.
    pub(super) tie: u64,
}

/// A stamp, which has no public name.
pub(super) fn stamp<T: DeserializeOwned>(at_ms: u64, tie: u64) -> T {
    serde_json::from_value(json!({"at_ms": at_ms, "tie": tie})).unwrap()
}

impl Facts {
    /// Some of everything.
    pub(super) fn made(n: u64) -> Self {
        Self {
            events: 5,
            sessions: 2,
            orders: vec![(n, 100, 500), (9, 50 + n, 700)],
            traits: vec![(0, 20 + n, Some(n)), (1, 30, None)],
            bulk: 40,
            tie: n,
        }
    }

    pub(super) fn contribution(&self) -> Nested<Contribution> {
        let stamp = |at_ms: u64| json!({"at_ms": at_ms, "tie": self.tie});
        let mut entries: Vec<_> = self.orders.iter().collect();
        entries.sort_by_key(|(key, at_ms, _)| (*at_ms, *key));
        let entries: Vec<_> = entries
            .into_iter()
            .map(|(key, at_ms, value)| json!({"stamp": stamp(*at_ms), "key": key, "placed": true, "value": value, "currency": "EUR"}))
            .collect();
        let mut traits: Vec<_> =
            self.traits.iter().map(|(name, at_ms, value)| json!([format!("t{name}"), value, stamp(*at_ms)])).collect();
        if self.bulk > 0 {
            traits.push(json!([format!("x{}", self.tie), "x".repeat(self.bulk), stamp(1)]));
        }
        let word = |n: u64| json!([format!("w{}", n % 7), n]);
        let words: Vec<_> = self.orders.iter().take(1).map(|(key, ..)| word(*key)).collect();
        Nested(
            serde_json::from_value(json!({
                "devices": 1, "events": self.events, "seen_ms": [10, 20 + self.events], "sessions": self.sessions,
                "ledger": {"entries": entries, "settled": [0, 0]}, "traits": traits, "products": words, "categories": [],
                "groups": [{"group_id": format!("g{}", self.tie % 3), "traits": {"of": self.tie}, "stamp": stamp(u64::from(self.events))}],
                "left_out": 0
            }))
            .unwrap(),
        )
    }
}

/// One of the visitors.
pub(super) struct Device {
    pub(super) member: Member,
    pub(super) version: u64,
    /// The user that it is said to be, and whether by somebody who knows.
    pub(super) said: Option<(usize, bool)>,
    pub(super) facts: Facts,
    /// Users that may hold something of it.
    pub(super) fed: Vec<usize>,
    /// There is something to write.
    pub(super) due: bool,
    /// The last that it brought was refused.
    pub(super) refused: bool,
    pub(super) told: Option<Told>,
}

impl Device {
    pub(super) fn new(visitor: u128, life: u128) -> Self {
        Self {
            member: Member { visitor: Uuid::from_u128(visitor), incarnation: Uuid::from_u128(life) },
            version: 0,
            said: None,
            facts: Facts::default(),
            fed: Vec::new(),
            due: false,
            refused: false,
            told: None,
        }
    }

    /// The user that it counts for.
    pub(super) fn counts_for(&self) -> Option<usize> {
        self.said.filter(|(_, attested)| *attested && !self.refused).map(|(user, _)| user)
    }

    /// As the engine of visitors takes what a user's object tells.
    pub(super) fn hear(&mut self, told: Told, users: &[Uuid]) {
        let own = self.said.is_some_and(|(user, attested)| attested && users[user] == told.user);
        if own && self.told.as_ref().is_none_or(|known| known.version < told.version) {
            self.told = Some(told);
        }
    }
}
