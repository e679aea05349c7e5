//! The profile: what outlives a session.

use super::dedupe::fnv1a;
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
    /// Merges traits: `null` takes one away; what finds no room is dropped and counted.
    pub(super) fn merge_traits(&mut self, traits: &Object) {
        for (key, value) in traits.iter() {
            if value.is_null() {
                self.traits.remove(key);
                continue;
            }
            let fits = key.len() <= TEXT_BYTES_MAX
                && serde_json::to_string(value).is_ok_and(|text| text.len() <= TRAIT_BYTES_MAX)
                && (self.traits.get(key).is_some() || self.traits.len() < TRAITS_MAX);
            if fits {
                self.traits.insert(key, value.clone());
            } else {
                self.traits_dropped += 1;
            }
        }
    }

    /// Counts an order once, however often it is reported; whether it was new.
    pub(super) fn count_order(&mut self, order: &Order) -> bool {
        let id = fnv1a(order.order_id.as_bytes());
        if !order.order_id.is_empty() {
            if self.recent_orders.contains(&id) {
                return false;
            }
            self.recent_orders.insert(0, id);
            self.recent_orders.truncate(ORDERS_REMEMBERED_MAX);
        }
        self.orders += 1;
        self.revenue = self.revenue.plus(order.value);
        if !order.currency.is_empty() {
            self.currency.clone_from(&order.currency);
        }
        true
    }

    /// Takes a refunded or cancelled value back.
    pub(super) fn reverse_order(&mut self, order: &Order) {
        self.revenue = self.revenue.minus(order.value);
    }

    /// A product was looked at.
    pub(super) fn saw_product(&mut self, sku: &str, category: &str) {
        remember(&mut self.recent_products, sku);
        remember(&mut self.recent_categories, category);
    }

    /// A category was looked at.
    pub(super) fn saw_category(&mut self, category: &str) {
        remember(&mut self.recent_categories, category);
    }
}

/// Puts a word first in a bounded list that holds each word once.
fn remember(list: &mut Vec<String>, word: &str) {
    if word.is_empty() {
        return;
    }
    list.retain(|kept| kept != word);
    list.insert(0, cut(word, TEXT_BYTES_MAX).to_owned());
    list.truncate(RECENT_PRODUCTS_MAX);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_reported_twice_counts_once() {
        let mut profile = Profile::default();
        let order = Order { order_id: "1001".into(), value: Amount::from_units(20.0).unwrap(), ..Order::default() };
        assert!(profile.count_order(&order));
        assert!(!profile.count_order(&order));
        assert_eq!((profile.orders, profile.revenue), (1, order.value));
        profile.reverse_order(&order);
        assert_eq!(profile.revenue, Amount::ZERO);
    }

    #[test]
    fn traits_are_bounded_and_null_takes_one_away() {
        let mut profile = Profile::default();
        profile.merge_traits(&(0..TRAITS_MAX + 2).map(|n| (n.to_string(), n.to_string().into())).collect());
        assert_eq!((profile.traits.len(), profile.traits_dropped), (TRAITS_MAX, 2));
        profile.merge_traits(&[("0".to_owned(), footfall_protocol::Value::Null)].into_iter().collect());
        assert_eq!(profile.traits.get("0"), None);
    }

    #[test]
    fn recent_products_hold_each_once_and_the_newest_first() {
        let mut profile = Profile::default();
        for sku in ["a", "b", "a"] {
            profile.saw_product(sku, "");
        }
        assert_eq!(profile.recent_products, ["a", "b"]);
    }
}
