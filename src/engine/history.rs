//! What a visitor's events amount to for its user, told so that the order in which they arrive does not matter.
//!
//! Everything here goes by the event's own time: a set of facts has one history, whichever of them came first.

use super::dedupe::fnv1a;
use footfall_protocol::event::{Event, Order};
use footfall_protocol::limits::{LEDGER_MAX, VISITS_MAX};
use footfall_protocol::{Amount, Object};
use serde::{Deserialize, Serialize};

/// When something was said: by the event's own time, never later than its arrival; of two at the same time by their ids.
/// Events without a time of their own go by their arrival.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// Milliseconds since the epoch.
    pub at_ms: u64,
    /// Tells two of the same time apart.
    pub tie: u64,
}

/// Above the ties of ids: what goes by arrival is later than what goes by a clock of the same time.
const BY_ARRIVAL: u64 = 1 << 63;

impl Stamp {
    /// That of an event, which is its visitor's so many-th.
    pub(super) fn of(event: &Event, number: u32, now_ms: u64) -> Self {
        event.client_time_ms.map_or_else(
            || Self::on_arrival(number, now_ms),
            |time_ms| Self { at_ms: time_ms.min(now_ms), tie: fnv1a(event.id.as_bytes()) >> 1 },
        )
    }

    /// That of what the engine does itself, or of what has no time of its own.
    pub(super) const fn on_arrival(number: u32, now_ms: u64) -> Self {
        Self { at_ms: now_ms, tie: BY_ARRIVAL | number as u64 }
    }
}

/// What was reported of an order: placed, or taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    stamp: Stamp,
    /// A hash of the order's id, or of the event's where it has none. Of what was taken back the half [`OF_ORDER`] is that
    /// of its order.
    key: u64,
    placed: bool,
    /// What it adds; negative when it was taken back, and zero when all of it was.
    value: Amount,
    currency: String,
}

/// The half of a key that tells of which order something was taken back.
const OF_ORDER: u64 = !0 << 32;

impl Entry {
    /// The key of an order with this id.
    fn key_of(order_id: &str) -> u64 {
        fnv1a(format!("order:{order_id}").as_bytes())
    }

    /// Whether it was taken back of this order.
    const fn is_of(&self, order: &Self) -> bool {
        !self.placed && order.placed && self.key & OF_ORDER == order.key & OF_ORDER
    }
}

/// Orders and refunds, each once however often it is reported, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    entries: Vec<Entry>,
    /// Of those that are no longer kept one by one: how many were placed, and what they earned.
    settled: (u32, Amount),
}

impl Ledger {
    /// An order was placed; what that earns.
    pub(super) fn place(&mut self, order: &Order, stamp: Stamp, event: &Event) -> Amount {
        let own = || fnv1a(format!("event:{}", event.id).as_bytes());
        let key = if order.order_id.is_empty() { own() } else { Entry::key_of(&order.order_id) };
        let value = order.value.unwrap_or_default();
        self.take(Entry { stamp, key, placed: true, value, currency: order.currency.clone() })
    }

    /// An order was taken back, in part or, where no amount is said, wholly; what that takes back.
    pub(super) fn reverse(&mut self, order: &Order, stamp: Stamp, event: &Event) -> Amount {
        let own = fnv1a(format!("back:{}", event.id).as_bytes());
        let known = !order.order_id.is_empty();
        let key = if known { Entry::key_of(&order.order_id) & OF_ORDER | own & !OF_ORDER } else { own };
        if order.value == Some(Amount::ZERO) {
            return Amount::ZERO;
        }
        let value = Amount::ZERO.minus(order.value.unwrap_or_default());
        let earned = self.take(Entry { stamp, key, placed: false, value, currency: String::new() });
        Amount::ZERO.minus(earned)
    }

    /// Takes an entry; what it adds to the revenue.
    fn take(&mut self, entry: Entry) -> Amount {
        let before = self.revenue();
        self.add(entry);
        self.settle(LEDGER_MAX);
        self.revenue().minus(before)
    }

    /// Orders from before there was a ledger.
    pub(super) fn adopt(&mut self, orders: u32, revenue: Amount) {
        self.settled = (orders, revenue);
    }

    /// Of two reports of one order the earlier counts.
    fn add(&mut self, entry: Entry) {
        if let Some(at) = self.entries.iter().position(|kept| kept.key == entry.key) {
            if self.entries[at].stamp <= entry.stamp {
                return;
            }
            self.entries.remove(at);
        }
        let at = self.entries.partition_point(|kept| (kept.stamp, kept.key) < (entry.stamp, entry.key));
        self.entries.insert(at, entry);
    }

    /// With everything of another one.
    pub(super) fn add_all(&mut self, other: &Self) {
        for entry in &other.entries {
            self.add(entry.clone());
        }
        self.settled.0 = self.settled.0.saturating_add(other.settled.0);
        self.settled.1 = self.settled.1.plus(other.settled.1);
    }

    /// Keeps so many one by one and the older ones in the sums only.
    pub(super) fn settle(&mut self, entries_max: usize) {
        while self.entries.len() > entries_max {
            let oldest = self.entries[0].clone();
            self.settled.0 = self.settled.0.saturating_add(u32::from(oldest.placed));
            self.settled.1 = self.settled.1.plus(if oldest.placed { self.adds(&oldest) } else { oldest.value });
            // With an order goes what was taken back of it.
            self.entries.retain(|entry| *entry != oldest && !entry.is_of(&oldest));
        }
    }

    /// What an entry adds to the revenue: an order what is left of it, never less than nothing; what was taken back by itself
    /// only where its order is not known.
    fn adds(&self, entry: &Entry) -> Amount {
        if !entry.placed {
            let known = self.entries.iter().any(|order| entry.is_of(order));
            return if known { Amount::ZERO } else { entry.value };
        }
        let back = self.entries.iter().filter(|back| back.is_of(entry));
        let left =
            |left: Amount, back: &Entry| if back.value == Amount::ZERO { Amount::ZERO } else { left.plus(back.value) };
        back.fold(entry.value, left).max(entry.value.min(Amount::ZERO))
    }

    /// How many are kept one by one.
    pub(super) const fn kept(&self) -> usize {
        self.entries.len()
    }

    /// How many orders were placed.
    pub(super) fn orders(&self) -> u32 {
        let placed = self.entries.iter().filter(|entry| entry.placed).count();
        self.settled.0.saturating_add(u32::try_from(placed).unwrap_or(u32::MAX))
    }

    /// What they earned, less refunds.
    pub(super) fn revenue(&self) -> Amount {
        self.entries.iter().fold(self.settled.1, |sum, entry| sum.plus(self.adds(entry)))
    }

    /// The currency of the newest order that says one.
    pub(super) fn currency(&self) -> &str {
        let newest = self.entries.iter().rev().find(|entry| !entry.currency.is_empty());
        newest.map_or("", |entry| entry.currency.as_str())
    }
}

/// Spans of activity with pauses of a session's idle time between them, by the events' own times.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Visits {
    /// Those that can no longer be extended.
    settled: u32,
    /// First and last activity of each, the oldest first.
    spans: Vec<(u64, u64)>,
}

impl Visits {
    /// Somebody was here at this time.
    pub(super) fn add(&mut self, at_ms: u64, idle_ms: u64) {
        let near = |span: &(u64, u64)| at_ms.saturating_add(idle_ms) > span.0 && at_ms < span.1.saturating_add(idle_ms);
        let (from, to) = (self.spans.iter().position(near), self.spans.iter().rposition(near));
        if let (Some(from), Some(to)) = (from, to) {
            let joined = (self.spans[from].0.min(at_ms), self.spans[to].1.max(at_ms));
            self.spans.splice(from..=to, [joined]);
            return;
        }
        let at = self.spans.partition_point(|span| span.0 < at_ms);
        self.spans.insert(at, (at_ms, at_ms));
        if self.spans.len() > VISITS_MAX {
            self.spans.remove(0);
            self.settled = self.settled.saturating_add(1);
        }
    }

    pub(super) fn count(&self) -> u32 {
        self.settled.saturating_add(u32::try_from(self.spans.len()).unwrap_or(u32::MAX))
    }

    pub(super) const fn adopt(&mut self, sessions: u32) {
        self.settled = sessions;
    }
}

/// When each trait was last set or taken away. Of more than there is room for, those said last stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamps(Vec<(String, Stamp)>);

impl Stamps {
    /// Traits that nothing is known of are older than all others.
    pub(super) fn adopt(&mut self, traits: &Object) {
        for (name, _) in traits.iter() {
            if !self.0.iter().any(|(kept, _)| kept == name) {
                self.0.push((name.to_owned(), Stamp::default()));
            }
        }
    }

    /// Whether this is the newest that was said of the trait.
    pub(super) fn take(&mut self, name: &str, stamp: Stamp) -> bool {
        match self.0.iter_mut().find(|(kept, _)| kept == name) {
            Some((_, kept)) if *kept > stamp => false,
            Some((_, kept)) => {
                *kept = stamp;
                true
            }
            None => {
                self.0.push((name.to_owned(), stamp));
                true
            }
        }
    }

    /// The trait said longest ago, when there are more than so many; it is forgotten.
    pub(super) fn make_room(&mut self, traits_max: usize) -> Option<String> {
        if self.0.len() <= traits_max {
            return None;
        }
        let oldest = (0..self.0.len()).min_by_key(|at| (self.0[*at].1, self.0[*at].0.as_str()))?;
        Some(self.0.swap_remove(oldest).0)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Stamp)> {
        self.0.iter().map(|(name, stamp)| (name.as_str(), *stamp))
    }
}

/// A group that somebody belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Membership {
    /// The store's id of the group.
    pub group_id: String,
    /// What the newest call said of it.
    pub traits: Object,
    /// When that was.
    pub stamp: Stamp,
}

/// Takes a group into a list, the one joined last first.
pub(super) fn join(groups: &mut Vec<Membership>, joined: Membership, groups_max: usize) {
    if let Some(at) = groups.iter().position(|kept| kept.group_id == joined.group_id) {
        if groups[at].stamp >= joined.stamp {
            return;
        }
        groups.remove(at);
    }
    let at = groups.partition_point(|kept| (kept.stamp, &kept.group_id) > (joined.stamp, &joined.group_id));
    groups.insert(at, joined);
    groups.truncate(groups_max);
}

/// What a visitor's events amount to, besides traits, groups and lists.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct History {
    /// Events that are the visitor's own acts; an alias is none.
    pub(super) events: u32,
    pub(super) first_ms: u64,
    pub(super) last_ms: u64,
    pub(super) visits: Visits,
    pub(super) ledger: Ledger,
}

impl History {
    /// The visitor did something at this time of its own.
    pub(super) fn add(&mut self, at_ms: u64, idle_ms: u64) {
        self.first_ms = if self.events == 0 { at_ms } else { self.first_ms.min(at_ms) };
        self.last_ms = self.last_ms.max(at_ms);
        self.events = self.events.saturating_add(1);
        self.visits.add(at_ms, idle_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(at_ms: u64) -> Stamp {
        Stamp { at_ms, tie: 0 }
    }

    #[test]
    fn spans_of_activity_join_in_any_order() {
        let mut forwards = Visits::default();
        let mut backwards = Visits::default();
        let times = [10, 15, 30, 24, 60, 19];
        times.iter().for_each(|at_ms| forwards.add(*at_ms, 10));
        times.iter().rev().for_each(|at_ms| backwards.add(*at_ms, 10));
        assert_eq!((forwards.count(), &forwards), (2, &backwards));
        assert_eq!(forwards.spans, [(10, 30), (60, 60)]);
    }

    #[test]
    fn an_order_counts_once_and_by_its_earliest_report() {
        let value = |units: f64| Amount::from_units(units).unwrap();
        let entry =
            |ms, key, units| Entry { stamp: at(ms), key, placed: true, value: value(units), currency: "EUR".into() };
        let mut ledger = Ledger::default();
        ledger.add(entry(20, 1, 9.0));
        ledger.add(entry(10, 1, 8.0));
        ledger.add(entry(30, 1, 7.0));
        ledger.add(entry(5, 2, 1.0));
        assert_eq!((ledger.orders(), ledger.revenue(), ledger.currency()), (2, value(9.0), "EUR"));
        ledger.settle(1);
        assert_eq!((ledger.orders(), ledger.revenue(), ledger.entries.len()), (2, value(9.0), 1));
    }

    #[test]
    fn of_more_traits_than_there_is_room_for_those_said_last_stay() {
        let said = [("a", 3), ("b", 1), ("c", 2), ("a", 1)];
        let mut kept = Vec::new();
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
            let mut stamps = Stamps::default();
            for (name, ms) in order.map(|n| said[n]) {
                stamps.take(name, at(ms));
                stamps.make_room(2);
            }
            let mut names: Vec<_> = stamps.iter().map(|(name, stamp)| (name.to_owned(), stamp.at_ms)).collect();
            names.sort();
            kept.push(names);
        }
        assert!(kept.iter().all(|names| *names == [("a".to_owned(), 3), ("c".to_owned(), 2)]), "{kept:?}");
    }

    #[test]
    fn a_group_is_told_by_its_newest_call() {
        let group = |id: &str, ms| Membership { group_id: id.into(), traits: Object::new(), stamp: at(ms) };
        let mut groups = Vec::new();
        for one in [group("a", 2), group("b", 3), group("a", 1), group("c", 1)] {
            join(&mut groups, one, 2);
        }
        assert_eq!(groups, [group("b", 3), group("a", 2)]);
    }
}
