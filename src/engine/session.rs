//! A session and the tabs it happens in: pages, and the attention they get.

use footfall_protocol::event::{Campaign, Line, Page, PageKind};
use footfall_protocol::limits::{RECENT_PAGES_MAX, TABS_MAX, TEXT_BYTES_MAX, cut};
use serde::{Deserialize, Serialize};

/// A visit: it ends after a time without activity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    /// From 1, without gaps.
    pub(super) number: u32,
    pub(super) started_ms: u64,
    pub(super) events: u32,
    pub(super) pages: u32,
    pub(super) product_views: u32,
    pub(super) landing_path: String,
    pub(super) referrer: String,
    pub(super) campaign: Campaign,
    /// Paths, the newest first.
    pub(super) recent_pages: Vec<String>,
    /// Attention that is over; while any tab is in sight, the time since `attentive_since_ms` comes on top.
    pub(super) engaged_ms: u64,
    pub(super) attentive_since_ms: Option<u64>,
}

impl Session {
    /// Milliseconds in which at least one tab was in sight.
    pub(super) fn engaged_at(&self, now_ms: u64) -> u64 {
        self.engaged_ms + self.attentive_since_ms.map_or(0, |since| now_ms.saturating_sub(since))
    }

    /// Starts or stops the session's attention clock.
    pub(super) fn attend(&mut self, attentive: bool, now_ms: u64) {
        if attentive == self.attentive_since_ms.is_some() {
            return;
        }
        self.engaged_ms = self.engaged_at(now_ms);
        self.attentive_since_ms = attentive.then_some(now_ms);
    }

    /// Counts a page view.
    pub(super) fn saw_page(&mut self, page: &Page) {
        self.pages += 1;
        if self.pages == 1 {
            self.landing_path.clone_from(&page.path);
            self.referrer.clone_from(&page.referrer);
        }
        self.recent_pages.insert(0, cut(&page.path, TEXT_BYTES_MAX).to_owned());
        self.recent_pages.truncate(RECENT_PAGES_MAX);
    }
}

/// A browser tab, or a sender that knows no tabs (its id is then empty).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tab {
    pub(super) id: String,
    /// Whether a socket of it is open.
    pub(super) connected: bool,
    /// Whether it asked for the whole view.
    pub(super) inspects: bool,
    pub(super) visible: bool,
    pub(super) last_ms: u64,
    pub(super) view: Option<PageView>,
}

/// One page open in one tab.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct PageView {
    pub(super) page: Page,
    pub(super) product: Option<Line>,
    pub(super) opened_ms: u64,
    engaged_ms: u64,
    visible_since_ms: Option<u64>,
}

impl PageView {
    /// Milliseconds this page was in sight.
    pub(super) fn engaged_at(&self, now_ms: u64) -> u64 {
        self.engaged_ms + self.visible_since_ms.map_or(0, |since| now_ms.saturating_sub(since))
    }

    /// Since when it is in sight without a break; `None` while it is hidden.
    pub(super) const fn visible_since_ms(&self) -> Option<u64> {
        self.visible_since_ms
    }

    fn show(&mut self, visible: bool, now_ms: u64) {
        if visible == self.visible_since_ms.is_some() {
            return;
        }
        self.engaged_ms = self.engaged_at(now_ms);
        self.visible_since_ms = visible.then_some(now_ms);
    }
}

impl Tab {
    /// The tab comes into sight or goes out of it.
    pub(super) fn show(&mut self, visible: bool, now_ms: u64) {
        self.visible = visible;
        if let Some(view) = &mut self.view {
            view.show(visible, now_ms);
        }
    }

    /// A page opens; the one before it is over.
    pub(super) fn open(&mut self, page: Page, now_ms: u64) {
        let mut view = PageView { page, opened_ms: now_ms, ..PageView::default() };
        view.show(self.visible, now_ms);
        self.view = Some(view);
    }

    /// Whether it shows another page than this one, as far as their paths tell.
    pub(super) fn shows_another(&self, page: Option<&Page>) -> bool {
        let (said, shown) = (page.map(|page| &page.path), self.view.as_ref().map(|view| &view.page.path));
        said.zip(shown).is_some_and(|(said, shown)| !said.is_empty() && !shown.is_empty() && said != shown)
    }

    /// A product is shown on the page that is open; without a page, a product page begins.
    pub(super) fn show_product(&mut self, product: &Line, now_ms: u64) {
        if self.view.is_none() {
            self.open(Page::default(), now_ms);
        }
        if let Some(view) = &mut self.view {
            if view.page.kind == PageKind::Other {
                view.page.kind = PageKind::Product;
            }
            view.product = Some(product.clone());
        }
    }
}

/// The tabs, each at the place where its first page came; bounded by [`TABS_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tabs(Vec<Tab>);

impl Tabs {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Tab> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Tab> {
        self.0.iter_mut()
    }

    pub(super) fn get(&self, id: &str) -> Option<&Tab> {
        self.0.iter().find(|tab| tab.id == id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Tab> {
        self.0.iter_mut().find(|tab| tab.id == id)
    }

    /// The tab, made when it is new (and then in sight); when there are too many the least recently active goes. One that
    /// shows no page comes after all others, as if it were new: that its socket has come earlier is not recorded.
    pub(super) fn touch(&mut self, id: &str, now_ms: u64) -> &mut Tab {
        let at = match self.0.iter().position(|tab| tab.id == id) {
            Some(at) if self.0[at].view.is_some() => at,
            Some(at) => {
                self.0[at..].rotate_left(1);
                self.0.len() - 1
            }
            None => {
                if self.0.len() >= TABS_MAX {
                    let oldest =
                        self.0.iter().enumerate().min_by_key(|(_, tab)| (tab.connected, tab.last_ms)).map(|(at, _)| at);
                    self.0.remove(oldest.expect("the list is full, so it is not empty"));
                }
                self.0.push(Tab { id: id.to_owned(), visible: true, ..Tab::default() });
                self.0.len() - 1
            }
        };
        self.0[at].last_ms = now_ms;
        &mut self.0[at]
    }

    /// Tabs that show no page and have no socket are over.
    pub(super) fn sweep(&mut self) {
        self.0.retain(|tab| tab.connected || tab.view.is_some());
    }

    /// Whether any page is in sight.
    pub(super) fn attentive(&self) -> bool {
        self.0.iter().any(|tab| tab.view.as_ref().is_some_and(|view| view.visible_since_ms.is_some()))
    }

    /// The tab that was active last.
    pub(super) fn latest(&self) -> Option<&Tab> {
        self.0.iter().filter(|tab| tab.view.is_some()).max_by_key(|tab| tab.last_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attention_counts_only_while_in_sight() {
        let mut tab = Tab { visible: true, ..Tab::default() };
        tab.open(Page::default(), 1_000);
        tab.show(false, 4_000);
        tab.show(true, 10_000);
        tab.show(true, 11_000);
        assert_eq!(tab.view.as_ref().unwrap().engaged_at(12_000), 5_000);
        tab.open(Page::default(), 20_000);
        assert_eq!(tab.view.as_ref().unwrap().engaged_at(21_000), 1_000);
    }

    #[test]
    fn the_least_recently_active_tab_without_a_socket_makes_room() {
        let mut tabs = Tabs::default();
        tabs.touch("socket", 1).connected = true;
        for n in 0..TABS_MAX as u64 {
            tabs.touch(&n.to_string(), n + 2);
        }
        assert!(tabs.get("socket").is_some() && tabs.get("0").is_none());
        assert_eq!(tabs.iter().count(), TABS_MAX);
    }
}
