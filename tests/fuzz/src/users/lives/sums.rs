//! What the devices of users amount to, added up by other means than the engine's.

use super::super::device::Facts;
use super::{Lives, USERS};
use footfall::engine::user::Nested;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

impl Lives {
    /// The user whom one has become.
    pub(super) fn root(&self, mut id: Uuid) -> Uuid {
        for _ in 0..=USERS {
            let Some(user) = self.users.get(&id) else { return id };
            let view = serde_json::to_value(user.view()).unwrap();
            if view["merged_into"]["done"] != Value::Bool(true) {
                return id;
            }
            id = serde_json::from_value(view["merged_into"]["user"].clone()).unwrap();
        }
        panic!("users have become each other");
    }

    /// What every user knows is what its devices have brought, added up by other means; and they are told.
    pub(super) fn assert_that_each_counts_once(&self) {
        let mut sums: BTreeMap<Uuid, Facts> = self.users.keys().map(|id| (*id, Facts::default())).collect();
        let mut devices: BTreeMap<Uuid, u32> = BTreeMap::new();
        for device in &self.devices {
            let Some(user) = device.counts_for() else { continue };
            let root = self.root(self.ids[user]);
            let (sum, of) = (sums.get_mut(&root).unwrap(), &device.facts);
            *devices.entry(root).or_default() += 1;
            (sum.events, sum.sessions) = (sum.events + of.events, sum.sessions + of.sessions);
            sum.orders.extend(&of.orders);
            sum.traits.extend(&of.traits);
            let told = device.told.as_ref().expect("whoever counts is told");
            assert!(told.profile == Nested(self.users[&root].profile().clone()), "it is told what its user knows");
        }
        if self.crowded > 0 {
            let root = self.root(self.ids[0]);
            let sum = sums.get_mut(&root).unwrap();
            *devices.entry(root).or_default() += self.crowded;
            (sum.events, sum.sessions) = (sum.events + self.crowded, sum.sessions + self.crowded);
        }
        for (id, user) in &self.users {
            let (profile, mut sum) = (user.profile(), sums[id].clone());
            let counted = (profile.devices, profile.events, profile.sessions);
            assert_eq!(counted, (devices.get(id).copied().unwrap_or_default(), sum.events, sum.sessions), "{id}");
            // Of two reports of one order the earlier counts; of a trait the newest.
            sum.orders.sort_by_key(|(key, at_ms, _)| (*key, *at_ms));
            sum.orders.dedup_by_key(|(key, ..)| *key);
            let revenue: i64 = sum.orders.iter().map(|(.., value)| value).sum();
            assert_eq!((profile.orders as usize, profile.revenue.0), (sum.orders.len(), revenue), "{id}");
            let newest: BTreeMap<u8, Option<u64>> = {
                sum.traits.sort_by_key(|(_, at_ms, _)| *at_ms);
                sum.traits.iter().map(|(name, _, value)| (*name, *value)).collect()
            };
            let traits = serde_json::to_value(&profile.traits).unwrap();
            for (name, value) in newest {
                let has = traits.get(format!("t{name}")).and_then(Value::as_f64);
                assert_eq!(has, value.map(|value| value as f64), "{id}: {name}");
            }
        }
        // Nothing is left of who was erased and has not come back.
        for device in self.devices.iter().filter(|device| device.version == 0) {
            for (id, user) in &self.users {
                let stored = user.snapshot();
                let name = device.member.visitor.as_bytes();
                assert!(!stored.windows(name.len()).any(|part| part == name), "{id} still knows an erased visitor");
            }
        }
    }
}
