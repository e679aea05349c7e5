//! Dwell clocks: a condition that has held without a break on one page view of one tab, counted in attention.

use super::rules::Rule;
use super::scene::Scene;
use super::session::{Tab, Tabs};
use super::{Turn, Visitor};
use footfall_protocol::limits::DWELLS_MAX;
use serde::{Deserialize, Serialize};

/// The clocks that run or have fired, in the order in which they began; and for each tab that shows a page the record of
/// the event that opened it, which is what made a dwell on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dwells(pub(super) Vec<Dwell>, Vec<(String, u64)>);

/// One rule's clock on one tab's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dwell {
    /// The key of the pattern in its rule: an unchanged pattern keeps its clocks when other rules change.
    pub(super) pattern_key: u64,
    pub(super) tab: String,
    /// The page's attention when the condition began to hold, in milliseconds.
    from_engaged_ms: u64,
    for_ms: u64,
    /// It has fired, or was ended: not again while the condition goes on holding.
    pub(super) fired: bool,
}

/// A clock as it stands at some time.
pub(super) struct Clock {
    pub(super) tab: String,
    /// Attention that is still missing.
    pub(super) left_ms: u64,
    /// When it is over; `None` while the tab is out of sight.
    pub(super) due_ms: Option<u64>,
    /// It has fired, or was ended.
    pub(super) done: bool,
}

impl Dwells {
    /// When each running clock is over; a hidden page's clock is never over.
    pub(super) fn due<'a>(&'a self, tabs: &'a Tabs) -> impl Iterator<Item = (usize, u64)> + 'a {
        self.0.iter().enumerate().filter(|(_, dwell)| !dwell.fired).filter_map(|(at, dwell)| {
            let view = tabs.get(&dwell.tab)?.view.as_ref()?;
            let since_ms = view.visible_since_ms()?;
            let left_ms = (dwell.from_engaged_ms + dwell.for_ms).saturating_sub(view.engaged_at(since_ms));
            Some((at, since_ms + left_ms))
        })
    }

    /// The clocks of one dwell as they stand.
    pub(super) fn clocks(&self, pattern_key: u64, tabs: &Tabs, now_ms: u64) -> Vec<Clock> {
        let mine = self.0.iter().filter(|dwell| dwell.pattern_key == pattern_key);
        let each = mine.filter_map(|dwell| {
            let view = tabs.get(&dwell.tab)?.view.as_ref()?;
            let left_ms = (dwell.from_engaged_ms + dwell.for_ms).saturating_sub(view.engaged_at(now_ms));
            let runs = !dwell.fired && view.visible_since_ms().is_some();
            let due_ms = runs.then_some(now_ms + left_ms);
            Some(Clock { tab: dwell.tab.clone(), left_ms, due_ms, done: dwell.fired })
        });
        each.collect()
    }

    /// Ends a rule's clocks: none of them fires before its condition begins to hold anew.
    pub(super) fn end(&mut self, rule: &Rule) {
        for key in rule.node_keys() {
            self.0.iter_mut().filter(|dwell| dwell.pattern_key == key).for_each(|dwell| dwell.fired = true);
        }
    }

    /// A page opened in this tab with the event of this record.
    pub(super) fn open_page(&mut self, tab: &str, record: u64) {
        self.1.retain(|(of, _)| of != tab);
        self.1.push((tab.to_owned(), record));
    }

    /// The page of this tab is over, and with it its clocks.
    pub(super) fn leave_page(&mut self, tab: &str) {
        self.0.retain(|dwell| dwell.tab != tab);
        self.1.retain(|(of, _)| of != tab);
    }

    /// Every page is over.
    pub(super) fn close_pages(&mut self) {
        *self = Self::default();
    }
}

impl Visitor {
    /// Begins the clocks of conditions that hold now, and drops those of conditions that do not.
    pub(super) fn refresh_dwells(&mut self, turn: &mut Turn<'_>) {
        let rules = &turn.config.rules;
        let shows = |tab: &Tab| tab.view.is_some();
        let tabs = &self.tabs;
        self.dwells.0.retain(|dwell| tabs.get(&dwell.tab).is_some_and(shows));
        self.dwells.1.retain(|(tab, _)| tabs.get(tab).is_some_and(shows));
        // As (dwell, tab) by their places: what holds, evaluated once for each tab that shows a page, and what runs.
        let mut held: Vec<(usize, usize)> = Vec::new();
        for (place, tab) in tabs.iter().enumerate().filter(|(_, tab)| shows(tab)) {
            let scene = Scene::new(self, turn.now_ms).on(Some(tab));
            held.extend(rules.dwells_held(&scene, &mut turn.scratch).map(|dwell| (dwell, place)));
        }
        let running = self.dwells.0.iter().filter_map(|clock| {
            Some((rules.dwell_of(clock.pattern_key)?, tabs.iter().position(|tab| tab.id == clock.tab)?))
        });
        let mut running: Vec<(usize, usize)> = running.collect();
        held.sort_unstable();
        running.sort_unstable();
        let begins = held.iter().filter(|pair| running.binary_search(pair).is_err()).map(|pair| (*pair, true));
        let ends = running.iter().filter(|pair| held.binary_search(pair).is_err()).map(|pair| (*pair, false));
        let mut changes: Vec<((usize, usize), bool)> = begins.chain(ends).collect();
        // In the rules' order, so that those of the highest priority get the clocks there are.
        changes.sort_unstable();
        for ((dwell, tab), begins) in changes {
            let (Some((key, dwell)), Some(tab)) = (rules.dwell(dwell), self.tabs.iter().nth(tab)) else { continue };
            let Some(view) = &tab.view else { continue };
            if !begins {
                self.dwells.0.retain(|clock| clock.pattern_key != key || clock.tab != tab.id);
            } else if self.dwells.0.len() < DWELLS_MAX {
                self.dwells.0.push(Dwell {
                    pattern_key: key,
                    tab: tab.id.clone(),
                    from_engaged_ms: view.engaged_at(turn.at_ms),
                    for_ms: dwell.for_ms,
                    fired: false,
                });
            } else {
                self.core.dwells_dropped = self.core.dwells_dropped.saturating_add(1);
            }
        }
    }

    /// A clock is over: its rule's pattern sees it on its tab.
    pub(super) fn dwelt(&mut self, at: usize, turn: &mut Turn<'_>) {
        let dwell = &mut self.dwells.0[at];
        dwell.fired = true;
        let (key, tab) = (dwell.pattern_key, dwell.tab.clone());
        let opened: Vec<u64> = self.dwells.1.iter().filter(|(of, _)| *of == tab).map(|(_, record)| *record).collect();
        self.come_true(key, &tab, &opened, turn);
    }
}
