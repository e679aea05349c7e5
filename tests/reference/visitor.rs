//! A visitor modelled a second time: which happenings an input produces, for a site that is simple to model.
//!
//! The happenings are not taken from the engine's records: this model makes them itself, so that a mistake of the engine in
//! sessions, stages, segments or pages shows as well. The site's stages and segments are chosen so that it can.

use super::history::{Moment, Session, State, Tab, View, What};
use serde_json::{Value, json};
use std::rc::Rc;

pub(crate) const SECOND: u64 = 1_000;
pub(crate) const MINUTE: u64 = 60 * SECOND;
/// "A session ends after this long without activity."
pub(crate) const SESSION_IDLE_MS: u64 = 30 * MINUTE;

/// One thing that happens to a visitor, and when.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) at_ms: u64,
    pub(crate) act: Act,
}

#[derive(Clone, Debug)]
pub(crate) enum Act {
    Event {
        name: String,
        tab: String,
        properties: Value,
    },
    Connect {
        tab: String,
        visible: bool,
    },
    Disconnect {
        tab: String,
    },
    Wake,
    /// The last event is sent once more, under its own id.
    Repeat,
}

/// The site's segments, as authored.
pub(crate) fn segments() -> Value {
    json!([
        {"id": "deep", "when": {"session.events": {"$gte": 4}}},
        {"id": "full", "when": {"cart.count": {"$gte": 2}}},
        {"id": "upper", "when": {"stage": "high"}},
        {"id": "vip", "when": {"profile.traits.vip": true}}
    ])
}

/// The site's stages, as authored: event `b` leads down, event `c` leads up, and idling leads aside, in two steps and back.
pub(crate) fn stages(lapse: &str) -> Value {
    json!([
        {"id": "new", "rank": 0},
        {"id": "idle", "rank": 1, "enter": [{"from": ["low", "high"], "after_idle": lapse}, {"from": ["gone"], "after_idle": "70m"}]},
        {"id": "gone", "rank": 1, "enter": [{"from": ["idle"], "after_idle": "50m"}]},
        {"id": "low", "rank": 2, "enter": [{"from": ["new", "idle", "gone", "high"], "on": ["b"]}]},
        {"id": "high", "rank": 3, "enter": [{"from": ["new", "idle", "gone", "low"], "on": ["c"]}]}
    ])
}

/// All that happens, in order. `exact`: the visitor is woken at each deadline; otherwise by the steps alone, which then
/// find what is over.
pub(crate) fn timeline(steps: &[Step], lapse_ms: u64, exact: bool) -> Vec<Moment> {
    let mut life = Life { lapse_ms, ..Life::default() };
    for step in steps {
        life.catch_up(step.at_ms, exact);
        life.act(step);
    }
    life.moments
}

#[derive(Default)]
struct Life {
    state: State,
    views: u32,
    lapse_ms: u64,
    last_activity_ms: u64,
    stage_since_ms: u64,
    /// Since the last activity.
    entered_by_lapse: Vec<String>,
    moments: Vec<Moment>,
}

impl Life {
    fn push(&mut self, at_ms: u64, found_ms: u64, what: What) {
        self.moments.push(Moment { at_ms, found_ms, what, state: Rc::new(self.state.clone()) });
    }

    /// "Deadlines that are over come first, by their times: … the session ends, the stage lapses."
    fn catch_up(&mut self, now_ms: u64, exact: bool) {
        loop {
            let ends_ms = self.state.session.as_ref().map(|_| self.last_activity_ms + SESSION_IDLE_MS);
            let way = match self.state.stage.as_str() {
                "low" | "high" => Some((self.lapse_ms, "idle")),
                "idle" => Some((50 * MINUTE, "gone")),
                "gone" => Some((70 * MINUTE, "idle")),
                _ => None,
            };
            // "While the visitor does nothing each stage is entered by a lapse at most once."
            let way = way.filter(|(_, next)| !self.entered_by_lapse.iter().any(|entered| entered == next));
            let quiet_since_ms = self.last_activity_ms.max(self.stage_since_ms);
            let lapse_ms = way.map(|(idle_ms, _)| quiet_since_ms + idle_ms);
            let deadlines = [(ends_ms, true), (lapse_ms, false)];
            let over = deadlines.iter().filter_map(|(due_ms, ends)| Some(((*due_ms)?, *ends)));
            let Some((due_ms, ends)) = over.filter(|(due_ms, _)| *due_ms <= now_ms).min_by_key(|(due_ms, _)| *due_ms)
            else {
                return;
            };
            let found_ms = if exact { due_ms } else { now_ms };
            match way {
                Some((_, next)) if !ends => self.lapse(next, due_ms, found_ms),
                _ => self.end_session(due_ms, found_ms),
            }
        }
    }

    /// "When a session ends, its happening comes while the session can still be read; then the session is closed, and
    /// segments that change by that are happenings of their own."
    fn end_session(&mut self, at_ms: u64, found_ms: u64) {
        self.push(at_ms, found_ms, What::SessionEnded);
        self.state.session = None;
        for tab in &mut self.state.tabs {
            tab.view = None;
        }
        self.sweep();
        self.push(at_ms, found_ms, What::Nothing);
        self.refresh_segments(at_ms, found_ms);
    }

    fn lapse(&mut self, next: &str, at_ms: u64, found_ms: u64) {
        self.entered_by_lapse.push(next.to_owned());
        let stage = self.enter_stage(next, at_ms);
        let segments = self.segments_change();
        self.push(at_ms, found_ms, stage);
        segments.into_iter().for_each(|what| self.push(at_ms, found_ms, what));
    }

    fn enter_stage(&mut self, stage: &str, at_ms: u64) -> What {
        self.stage_since_ms = at_ms;
        let from = std::mem::replace(&mut self.state.stage, stage.to_owned());
        What::Stage { from, to: stage.to_owned() }
    }

    fn refresh_segments(&mut self, at_ms: u64, found_ms: u64) {
        let changes = self.segments_change();
        changes.into_iter().for_each(|what| self.push(at_ms, found_ms, what));
    }

    /// "segments left (by id), segments entered (by id)"
    fn segments_change(&mut self) -> Vec<What> {
        let state = &self.state;
        let deep = state.session.as_ref().is_some_and(|session| session.events >= 4);
        let full = state.cart_count() >= 2;
        let vip = state.traits.get("vip") == Some(&Value::Bool(true));
        let held = [("deep", deep), ("full", full), ("upper", state.stage == "high"), ("vip", vip)];
        let before = std::mem::take(&mut self.state.segments);
        self.state.segments = held.iter().filter(|(_, held)| *held).map(|(id, _)| (*id).to_owned()).collect();
        let left = before.difference(&self.state.segments).map(|id| What::Segment { entered: false, id: id.clone() });
        let entered = self.state.segments.difference(&before);
        left.chain(entered.map(|id| What::Segment { entered: true, id: id.clone() })).collect()
    }

    fn act(&mut self, step: &Step) {
        let now_ms = step.at_ms;
        match &step.act {
            Act::Event { name, tab, properties } => return self.event(now_ms, name, tab, properties),
            Act::Connect { tab, visible } => {
                // "A socket that opens or closes is none; only the socket of somebody of whom nothing is known yet is the
                // first activity."
                if self.last_activity_ms == 0 {
                    self.last_activity_ms = now_ms;
                }
                let tab = self.touch(tab);
                (tab.connected, tab.visible) = (true, *visible);
                show(tab, now_ms);
            }
            Act::Disconnect { tab } => {
                if let Some(tab) = self.state.tabs.iter_mut().find(|kept| kept.id == *tab && kept.connected) {
                    (tab.connected, tab.visible) = (false, false);
                    show(tab, now_ms);
                }
                self.sweep();
            }
            Act::Wake | Act::Repeat => {}
        }
        self.push(now_ms, now_ms, What::Nothing);
    }

    /// "An event is applied whole (session, page, cart, profile, then stage, then segments). Then its happenings are: the
    /// session started (if it did), the event, the stage's change, segments left (by id), segments entered (by id). All of
    /// them see the visitor as it is after the event."
    fn event(&mut self, now_ms: u64, name: &str, tab: &str, properties: &Value) {
        self.last_activity_ms = now_ms;
        self.entered_by_lapse.clear();
        let mut happened = Vec::new();
        // Late news about a page is no visit.
        if self.state.session.is_none() && !["page_hidden", "page_left"].contains(&name) {
            self.state.sessions += 1;
            self.state.session = Some(Session { number: self.state.sessions, ..Session::default() });
            happened.push(What::SessionStarted);
        }
        happened.push(What::Event { name: name.to_owned(), tab: tab.to_owned(), properties: properties.clone() });
        if let Some(session) = &mut self.state.session {
            session.events += 1;
            session.pages += u32::from(name == "page_viewed");
        }
        self.take_fact(now_ms, name, tab, properties);
        if self.state.stage.is_empty() {
            "new".clone_into(&mut self.state.stage);
        }
        match (name, self.state.stage.as_str()) {
            ("b", "new" | "idle" | "gone" | "high") => happened.push(self.enter_stage("low", now_ms)),
            ("c", "new" | "idle" | "gone" | "low") => happened.push(self.enter_stage("high", now_ms)),
            _ => {}
        }
        happened.extend(self.segments_change());
        happened.into_iter().for_each(|what| self.push(now_ms, now_ms, what));
    }

    fn take_fact(&mut self, now_ms: u64, name: &str, tab: &str, properties: &Value) {
        let sku = properties["sku"].as_str().unwrap_or_default().to_owned();
        let quantity = properties["quantity"].as_u64();
        match name {
            "page_viewed" => self.open(now_ms, tab, properties["kind"].as_str().unwrap_or("other")),
            "page_hidden" | "page_visible" => {
                if let Some(tab) = self.state.tabs.iter_mut().find(|kept| kept.id == tab) {
                    tab.visible = name == "page_visible";
                    show(tab, now_ms);
                }
            }
            "page_left" => {
                self.state.tabs.iter_mut().filter(|kept| kept.id == tab).for_each(|tab| tab.view = None);
                self.sweep();
            }
            "product_viewed" => {
                if self.state.view(tab).is_none() {
                    self.open(now_ms, tab, "other");
                }
                let view = self.touch(tab).view.as_mut().unwrap();
                if view.kind == "other" {
                    "product".clone_into(&mut view.kind);
                }
                view.sku = Some(sku);
            }
            "product_added" => *self.state.cart.entry(sku).or_default() += quantity.unwrap_or(1),
            "product_removed" => {
                let left =
                    quantity.map_or(0, |gone| self.state.cart.get(&sku).map_or(0, |count| count.saturating_sub(gone)));
                self.state.cart.entry(sku).and_modify(|count| *count = left);
                self.state.cart.retain(|_, count| *count > 0);
            }
            "cart_cleared" => self.state.cart.clear(),
            "identified" => {
                for (name, value) in properties.as_object().into_iter().flatten() {
                    self.state.traits.insert(name.clone(), value.clone());
                }
            }
            _ => {}
        }
    }

    fn open(&mut self, now_ms: u64, tab: &str, kind: &str) {
        self.views += 1;
        let view = View { number: self.views, kind: kind.to_owned(), ..View::default() };
        let tab = self.touch(tab);
        tab.view = Some(view);
        show(tab, now_ms);
    }

    /// The tab; a new one is in sight.
    fn touch(&mut self, id: &str) -> &mut Tab {
        if !self.state.tabs.iter().any(|tab| tab.id == id) {
            self.state.tabs.push(Tab { id: id.to_owned(), connected: false, visible: true, view: None });
        }
        self.state.tabs.iter_mut().find(|tab| tab.id == id).unwrap()
    }

    /// A tab without a page and without a socket is forgotten.
    fn sweep(&mut self) {
        self.state.tabs.retain(|tab| tab.connected || tab.view.is_some());
    }
}

/// "hiding the tab or losing its socket pauses the clock"
fn show(tab: &mut Tab, now_ms: u64) {
    let visible = tab.visible;
    let Some(view) = &mut tab.view else { return };
    if visible != view.since_ms.is_some() {
        view.engaged_ms = view.engaged_at(now_ms);
        view.since_ms = visible.then_some(now_ms);
    }
}
