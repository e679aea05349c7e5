//! The profile: what outlives a session.

use super::dedupe::fnv1a;
use super::history::{Stamp, Stamps};
use footfall_protocol::event::Order;
use footfall_protocol::limits::{
    ORDERS_REMEMBERED_MAX, RECENT_PRODUCTS_MAX, TEXT_BYTES_MAX, TRAIT_BYTES_MAX, TRAITS_MAX, cut,
};
use footfall_protocol::{Amount, Object};
use serde::{Deserialize, Serialize};

/// What is known of the visitor beyond the session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Profile {
    pub(super) user_id: Option<String>,
    pub(super) traits: Object,
    pub(super) first_seen_ms: u64,
    pub(super) sessions: u32,
    pub(super) orders: u32,
    pub(super) revenue: Amount,
    pub(super) currency: String,
    /// Skus, the newest first.
    pub(super) recent_products: Vec<String>,
    /// The newest first.
    pub(super) recent_categories: Vec<String>,
    /// Hashes of the last orders' ids.
    recent_orders: Vec<u64>,
    pub(super) traits_dropped: u32,
}

impl Profile {
    /// Merges traits, each unless something newer was said of it: `null` takes one away; what finds no room is dropped
    /// and counted.
    pub(super) fn merge_traits(&mut self, traits: &Object, stamps: &mut Stamps, stamp: Stamp) {
        stamps.adopt(&self.traits);
        for (key, value) in traits.iter() {
            let fits = key.len() <= TEXT_BYTES_MAX
                && serde_json::to_string(value).is_ok_and(|text| text.len() <= TRAIT_BYTES_MAX);
            if !fits {
                self.traits_dropped = self.traits_dropped.saturating_add(1);
                continue;
            }
            if !stamps.take(key, stamp) {
                continue;
            }
            if value.is_null() {
                self.traits.remove(key);
            } else {
                self.traits.insert(key, value.clone());
            }
            if let Some(oldest) = stamps.make_room(TRAITS_MAX)
                && self.traits.remove(&oldest).is_some()
            {
                self.traits_dropped = self.traits_dropped.saturating_add(1);
            }
        }
    }

    /// Counts an order and what it earned once, however often it is reported; whether it was new.
    pub(super) fn count_order(&mut self, order: &Order, earned: Amount) -> bool {
        let id = fnv1a(order.order_id.as_bytes());
        if !order.order_id.is_empty() {
            if self.recent_orders.contains(&id) {
                return false;
            }
            self.recent_orders.insert(0, id);
            self.recent_orders.truncate(ORDERS_REMEMBERED_MAX);
        }
        self.orders += 1;
        self.revenue = self.revenue.plus(earned);
        if !order.currency.is_empty() {
            self.currency.clone_from(&order.currency);
        }
        true
    }

    /// Takes back what was refunded or cancelled.
    pub(super) fn take_back(&mut self, amount: Amount) {
        self.revenue = self.revenue.minus(amount);
    }

    /// A product was looked at.
    pub(super) fn saw_product(&mut self, sku: &str, times: &mut Vec<u64>, at_ms: u64) {
        remember(&mut self.recent_products, times, sku, at_ms);
    }

    /// A category was looked at, or a product of it.
    pub(super) fn saw_category(&mut self, category: &str, times: &mut Vec<u64>, at_ms: u64) {
        remember(&mut self.recent_categories, times, category, at_ms);
    }
}

/// Puts a word where its time says in a bounded list that holds each word once, the newest first; of several at one time
/// the one that came last.
fn remember(list: &mut Vec<String>, times: &mut Vec<u64>, word: &str, at_ms: u64) {
    if word.is_empty() {
        return;
    }
    let word = cut(word, TEXT_BYTES_MAX);
    times.resize(list.len(), 0);
    if let Some(at) = list.iter().position(|kept| kept == word) {
        if times[at] > at_ms {
            return;
        }
        list.remove(at);
        times.remove(at);
    }
    let at = times.iter().position(|kept_ms| *kept_ms <= at_ms).unwrap_or(times.len());
    list.insert(at, word.to_owned());
    times.insert(at, at_ms);
    list.truncate(RECENT_PRODUCTS_MAX);
    times.truncate(RECENT_PRODUCTS_MAX);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_reported_twice_counts_once() {
        let mut profile = Profile::default();
        let order = Order { order_id: "1001".into(), ..Order::default() };
        let earned = Amount::from_units(20.0).unwrap();
        assert!(profile.count_order(&order, earned));
        assert!(!profile.count_order(&order, earned));
        assert_eq!((profile.orders, profile.revenue), (1, earned));
        profile.take_back(earned);
        assert_eq!(profile.revenue, Amount::ZERO);
    }

    #[test]
    fn traits_are_bounded_and_null_takes_one_away() {
        let (mut profile, mut stamps) = (Profile::default(), Stamps::default());
        let at = |at_ms| Stamp { at_ms, tie: 0 };
        let many = (0..TRAITS_MAX + 2).map(|n| (n.to_string(), n.to_string().into())).collect();
        profile.merge_traits(&many, &mut stamps, at(1));
        assert_eq!((profile.traits.len(), profile.traits_dropped), (TRAITS_MAX, 2));
        let gone = |name: &str| [(name.to_owned(), footfall_protocol::Value::Null)].into_iter().collect();
        profile.merge_traits(&gone("20"), &mut stamps, at(2));
        assert_eq!(profile.traits.get("20"), None);
    }

    #[test]
    fn what_was_said_later_stands_whichever_came_first() {
        let said = [("a", 1.0, 10), ("a", 2.0, 30), ("a", 3.0, 20)];
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            let (mut profile, mut stamps) = (Profile::default(), Stamps::default());
            for (name, value, at_ms) in order.map(|n| said[n]) {
                let traits = [(name.to_owned(), value.into())].into_iter().collect();
                profile.merge_traits(&traits, &mut stamps, Stamp { at_ms, tie: 0 });
            }
            assert_eq!(profile.traits.get("a"), Some(&2.0.into()));
        }
    }

    #[test]
    fn recent_products_hold_each_once_and_the_newest_first() {
        let (mut profile, mut times) = (Profile::default(), Vec::new());
        for (sku, at_ms) in [("a", 1), ("b", 2), ("a", 2), ("late", 1), ("b", 1)] {
            profile.saw_product(sku, &mut times, at_ms);
        }
        assert_eq!((profile.recent_products, times), (["a", "b", "late"].map(str::to_owned).to_vec(), vec![2, 2, 1]));
    }
}
