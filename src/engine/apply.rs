//! What an input does to a visitor: events, tabs that come and go, sessions, stage and segments.

use super::happen::Seen;
use super::rate;
use super::rules::Happening;
use super::scene::Scene;
use super::session::Session;
use super::{Effect, To, Turn, Visitor};
use footfall_protocol::event::{Authority, Consent, Delivery, Event, Fact, Surroundings};
use footfall_protocol::limits::RECENT_PAGES_MAX;
use footfall_protocol::message::{Cursor, ServerMessage};
use footfall_protocol::record::RecordKind;
use footfall_protocol::rejection::Rejection;
use footfall_protocol::{Object, PROTOCOL_VERSION};

impl Visitor {
    pub(super) fn apply_delivery(&mut self, delivery: Delivery, turn: &mut Turn<'_>) {
        let too_soon = self.over_rate(&delivery, turn);
        let authority = delivery.events.first().map(|(_, event)| event.authority);
        let mut taken = 0;
        // Asked before any is remembered, which forgets the oldest id: that may be the next one's of a long batch.
        let known: Vec<bool> = delivery.events.iter().map(|(_, event)| self.repeats(event)).collect();
        for ((index, event), known) in delivery.events.into_iter().zip(known) {
            if known || (taken > 0 && self.repeats(&event)) {
                continue;
            }
            if let Err(fault) = self.admit(&event, turn) {
                self.note_refusal(&event, turn);
                turn.effects.push(Effect::Reject(Rejection::new(index as usize, fault)));
                continue;
            }
            if let Some(too_soon) = too_soon {
                turn.effects.push(Effect::Reject(rate::too_soon(index as usize, too_soon)));
                continue;
            }
            let surroundings = self.within_control(&delivery.surroundings);
            self.apply_event(&event, &surroundings, turn);
            taken += 1;
        }
        if let (Some(rate), Some(authority), 1..) = (turn.config.settings.rate, authority, taken) {
            self.rates.take(authority, rate, taken, turn.now_ms);
        }
    }

    fn apply_event(&mut self, event: &Event, surroundings: &Surroundings, turn: &mut Turn<'_>) {
        #[cfg(feature = "test-hooks")]
        assert!(event.name != "footfall_test_panic", "a test asked for this panic");
        if self.is_refused() {
            // Consent is given again: what has come due meanwhile is over first.
            self.core.consent = Consent::Granted;
            self.catch_up(turn);
            self.core.consent = Consent::Denied;
        }
        self.dedupe.keep(&event.id, event.authority);
        self.touch(turn);
        let told = self.chronicle(event, surroundings);
        let opens_out_of_sight = self.opens_out_of_sight(event);
        let shows = |tabs: &super::session::Tabs| tabs.get(&event.tab).is_some_and(|tab| tab.view.is_some());
        let showed = event.fact != Fact::PageViewed && shows(&self.tabs);
        self.note_surroundings(event, surroundings);
        let linking = self.identify(event, turn);
        let began = self.begin_session(event, turn);
        if let Some(session) = &mut self.core.session {
            session.events = session.events.saturating_add(1);
        }
        self.apply_fact(event, turn);
        self.reopen_page(event, turn.now_ms);
        self.attend(turn.now_ms);
        self.core.recent_events.insert(0, (event.name.clone(), turn.now_ms));
        self.core.recent_events.truncate(RECENT_PAGES_MAX);
        if opens_out_of_sight {
            self.record_sight(&event.tab, false, turn);
        }
        let record = self.record(RecordKind::Event, &event.name, told, turn);
        if let Some((kind, user, data)) = linking {
            self.record(kind, &user, data, turn);
        }
        if !showed && shows(&self.tabs) {
            self.dwells.open_page(&event.tab, record);
        }
        let happened: &[&str] = if began.is_some() { &["session_started", &event.name] } else { &[&event.name] };
        let mut seen: Vec<Seen<'_>> = began.into_iter().collect();
        seen.push(Seen { happening: Happening::Event(event), record });
        seen.extend(self.move_stage(Some(event), happened, turn));
        seen.extend(self.refresh_segments(Some(event), turn));
        self.happen(seen, Some(event), turn);
        self.refresh_dwells(turn);
        self.retract_what_no_longer_holds(turn);
    }

    fn note_surroundings(&mut self, event: &Event, surroundings: &Surroundings) {
        self.heed_control(surroundings);
        let core = &mut self.core;
        if event.consent == Consent::Granted {
            core.consent = Consent::Granted;
        }
        core.geo = surroundings.geo.clone().or(core.geo.take());
        core.device = surroundings.device.clone().or(core.device.take());
    }

    /// Begins a session when none is open; late news of a page or order is no visit, nor is a word on who somebody is.
    fn begin_session(&mut self, event: &Event, turn: &mut Turn<'_>) -> Option<Seen<'static>> {
        let late =
            matches!(event.fact, Fact::PageHidden | Fact::PageLeft | Fact::OrderReversed(_) | Fact::Aliased { .. });
        if self.core.session.is_some() || late {
            return None;
        }
        self.profile.sessions = self.profile.sessions.saturating_add(1);
        let campaign = event.campaign.clone().unwrap_or_default();
        let data = Object::from_iter([("campaign".to_owned(), campaign.name.as_str().into())]);
        let number = self.profile.sessions;
        self.core.session = Some(Session { number, started_ms: turn.now_ms, campaign, ..Session::default() });
        self.feed_at_session_start(turn);
        let record = self.record(RecordKind::SessionStarted, "", data, turn);
        Some(Seen { happening: Happening::SessionStarted, record })
    }

    fn apply_fact(&mut self, event: &Event, turn: &Turn<'_>) {
        let now_ms = turn.now_ms;
        let trusted = event.authority != Authority::Public;
        let counts_orders = trusted || turn.config.settings.public_orders;
        let stamp = self.stamp(event, now_ms);
        match &event.fact {
            Fact::PageViewed => {
                let page = event.page.clone().unwrap_or_default();
                if let Some(session) = &mut self.core.session {
                    session.saw_page(&page);
                }
                self.leave_page(&event.tab);
                self.tabs.touch(&event.tab, now_ms).open(page, now_ms);
            }
            Fact::PageHidden | Fact::PageVisible => {
                let visible = event.fact == Fact::PageVisible;
                if let Some(tab) = self.tabs.get_mut(&event.tab) {
                    tab.last_ms = now_ms;
                    tab.show(visible, now_ms);
                }
            }
            // A beacon of the document before may come later than the page that has followed in its tab.
            Fact::PageLeft if self.tabs.get(&event.tab).is_some_and(|tab| tab.shows_another(event.page.as_ref())) => {}
            Fact::PageLeft => {
                self.leave_page(&event.tab);
                if let Some(tab) = self.tabs.get_mut(&event.tab) {
                    tab.view = None;
                }
                self.tabs.sweep();
            }
            Fact::ProductViewed(product) => {
                self.profile.saw_product(&product.sku, &mut self.identity.product_times, stamp.at_ms);
                self.profile.saw_category(&product.category, &mut self.identity.category_times, stamp.at_ms);
                if let Some(session) = &mut self.core.session {
                    session.product_views = session.product_views.saturating_add(1);
                }
                self.tabs.touch(&event.tab, now_ms).show_product(product, now_ms);
            }
            Fact::ProductListViewed { category } => {
                self.profile.saw_category(category, &mut self.identity.category_times, stamp.at_ms);
            }
            Fact::CartViewed(Some(lines)) | Fact::CheckoutStarted(Some(lines)) => self.cart.replace(lines, now_ms),
            Fact::CartViewed(None) | Fact::CheckoutStarted(None) | Fact::Other => {}
            Fact::ProductAdded(lines) => self.cart.add(lines, now_ms),
            Fact::ProductRemoved(lines) => self.cart.remove(lines, now_ms),
            Fact::CartCleared => self.cart.clear(now_ms),
            Fact::OrderCompleted(order) if counts_orders => {
                let earned = self.identity.history.ledger.place(order, stamp, event);
                // A page and a server may report one order; by the second report the cart may hold something new.
                if self.profile.count_order(order, earned) {
                    self.cart.clear(now_ms);
                }
                self.matters(turn);
            }
            Fact::OrderReversed(order) if counts_orders => {
                let taken_back = self.identity.history.ledger.reverse(order, stamp, event);
                self.profile.take_back(taken_back);
                self.matters(turn);
            }
            Fact::Identified { .. } | Fact::Grouped { .. } if trusted => self.take_word(&event.fact, stamp, turn),
            Fact::OrderCompleted(_)
            | Fact::OrderReversed(_)
            | Fact::Identified { .. }
            | Fact::Grouped { .. }
            | Fact::Aliased { .. } => {}
            Fact::PushDismissed { seq } => self.mailbox.dismiss(*seq),
        }
    }

    /// A tab that is active again after its session ended still shows its page, though no new view of it is counted.
    fn reopen_page(&mut self, event: &Event, now_ms: u64) {
        let Some(page) = event.page.as_ref().filter(|_| reopens(event)) else { return };
        let tab = self.tabs.touch(&event.tab, now_ms);
        if tab.view.is_none() {
            tab.open(page.clone(), now_ms);
        }
    }

    fn leave_page(&mut self, tab: &str) {
        self.dwells.leave_page(tab);
        self.mailbox.leave_page(tab);
    }

    /// Every page is over, also where its tab stays.
    pub(super) fn close_pages(&mut self, now_ms: u64) {
        for tab in self.tabs.iter_mut() {
            tab.view = None;
        }
        self.tabs.sweep();
        self.dwells.close_pages();
        self.attend(now_ms);
    }

    /// The session's attention clock follows the tabs.
    fn attend(&mut self, now_ms: u64) {
        let attentive = self.tabs.attentive();
        if let Some(session) = &mut self.core.session {
            session.attend(attentive, now_ms);
        }
    }

    /// At most one transition for each event: the highest stage that may be entered.
    pub(super) fn move_stage(
        &mut self,
        event: Option<&Event>,
        happened: &[&str],
        turn: &mut Turn<'_>,
    ) -> Option<Seen<'static>> {
        if !turn.config.rules.has_stage(&self.core.stage) {
            turn.config.rules.initial_stage().clone_into(&mut self.core.stage);
            self.core.stage_since_ms = turn.at_ms;
        }
        let tab = event.and_then(|event| self.tabs.get(&event.tab));
        let scene = Scene::new(self, turn.now_ms).during(event).on(tab);
        let next = turn.config.rules.next_stage(&self.core.stage, happened, &scene).map(str::to_owned)?;
        Some(self.enter_stage(&next, turn))
    }

    pub(super) fn enter_stage(&mut self, stage: &str, turn: &mut Turn<'_>) -> Seen<'static> {
        let from = std::mem::replace(&mut self.core.stage, stage.to_owned());
        self.core.stage_since_ms = turn.at_ms;
        let data = Object::from_iter([("from".to_owned(), from.as_str().into())]);
        let record = self.record(RecordKind::StageChanged, stage, data, turn);
        Seen { happening: Happening::Stage { from, to: stage.to_owned() }, record }
    }

    /// Tells the segments anew; those left, then those entered, each by id.
    pub(super) fn refresh_segments(&mut self, event: Option<&Event>, turn: &mut Turn<'_>) -> Vec<Seen<'static>> {
        let tab = event.and_then(|event| self.tabs.get(&event.tab));
        let scene = Scene::new(self, turn.now_ms).during(event).on(tab);
        let segments = &turn.config.rules.segments;
        let held = turn.config.rules.segments_held(&scene, &mut turn.scratch);
        let now: Vec<String> = held.map(|at| segments[at].id.clone()).collect();
        let before = std::mem::replace(&mut self.segments.0, now.clone());
        let mut seen = Vec::new();
        for segment in before.iter().filter(|id| !now.contains(id)) {
            let record = self.record(RecordKind::SegmentLeft, segment, Object::new(), turn);
            seen.push(Seen { happening: Happening::SegmentLeft(segment.clone()), record });
        }
        for segment in now.iter().filter(|id| !before.contains(id)) {
            let record = self.record(RecordKind::SegmentEntered, segment, Object::new(), turn);
            seen.push(Seen { happening: Happening::SegmentEntered(segment.clone()), record });
        }
        seen
    }

    pub(super) fn connect(
        &mut self,
        tab: &str,
        cursor: Option<Cursor>,
        visible: bool,
        inspect: bool,
        turn: &mut Turn<'_>,
    ) {
        if self.is_refused() {
            // Whoever comes all the same is told nothing that was not told already, and the tab is not noted.
            let message = self.welcome(false, turn);
            return turn.effects.push(Effect::Send { to: To::Tab(tab.to_owned()), message });
        }
        self.core.clock_ms = turn.now_ms;
        // Browsers connect again by themselves: that is no activity, but the first sign of somebody new is.
        if self.core.last_activity_ms == 0 {
            self.touch(turn);
        }
        let inspects = inspect && turn.config.settings.inspect;
        if self.tabs.get(tab).is_none() {
            self.tabs.touch(tab, turn.now_ms);
        }
        if let Some(kept) = self.tabs.get_mut(tab) {
            (kept.connected, kept.inspects) = (true, inspects);
        }
        self.sight(tab, visible, turn);
        let welcome = self.welcome(inspects, turn);
        let missed = self.mailbox.missed(tab, cursor, self.core.incarnation, turn.now_ms);
        // First of all: what this input has already brought about for every tab is among what was missed, and in its order.
        let told = std::iter::once(welcome).chain(missed);
        let told = told.map(|message| Effect::Send { to: To::Tab(tab.to_owned()), message });
        turn.effects.splice(0..0, told);
    }

    fn welcome(&self, inspects: bool, turn: &Turn<'_>) -> ServerMessage {
        let (own, whole) = self.core.versions;
        ServerMessage::Welcome {
            protocol: PROTOCOL_VERSION,
            incarnation: Some(self.core.incarnation),
            seq: self.mailbox.last_seq,
            version: if inspects { whole } else { own },
            state: if inspects {
                self.inspection(turn.now_ms, turn.config)
            } else {
                self.view(turn.now_ms, turn.config)
            },
        }
    }

    /// A socket that closed: nobody is known to look at that page until the tab is back.
    pub(super) fn disconnect(&mut self, tab: &str, turn: &mut Turn<'_>) {
        let Some(kept) = self.tabs.get_mut(tab).filter(|tab| tab.connected) else { return };
        kept.connected = false;
        kept.inspects = false;
        self.core.clock_ms = turn.now_ms;
        self.sight(tab, false, turn);
        self.tabs.sweep();
    }

    /// A tab comes into sight or goes out of it with its socket. Where it shows a page that is recorded, since clocks of
    /// attention follow it; where not, nothing is looked at anew, because no record would tell when.
    pub(super) fn sight(&mut self, tab: &str, visible: bool, turn: &mut Turn<'_>) {
        let Some(kept) = self.tabs.get_mut(tab).filter(|kept| kept.visible != visible) else { return };
        kept.show(visible, turn.now_ms);
        if kept.view.is_none() {
            return;
        }
        self.attend(turn.now_ms);
        self.refresh_dwells(turn);
        self.retract_what_no_longer_holds(turn);
        self.record_sight(tab, visible, turn);
    }

    /// Whether the event opens a page in a tab that is out of sight. The event alone does not tell, and whoever lets the
    /// records happen again has to know before the page opens.
    fn opens_out_of_sight(&self, event: &Event) -> bool {
        let Some(tab) = self.tabs.get(&event.tab).filter(|tab| !tab.visible) else { return false };
        // With `page_visible` it comes into sight.
        let shows = event.page.is_some() && reopens(event) && event.fact != Fact::PageVisible;
        let first = || tab.view.is_none() && (shows || matches!(event.fact, Fact::ProductViewed(_)));
        event.fact == Fact::PageViewed || first()
    }

    /// A tab is in sight or out of it, as a record tells. A tab that is not known is one whose first page is about to
    /// open out of sight.
    pub(super) fn sight_as_recorded(&mut self, tab: &str, visible: bool, turn: &mut Turn<'_>) {
        if !visible && self.tabs.get(tab).is_none() {
            self.tabs.touch(tab, turn.now_ms);
        }
        self.sight(tab, visible, turn);
    }

    fn record_sight(&mut self, tab: &str, visible: bool, turn: &Turn<'_>) {
        let data = Object::from_iter([("tab".to_owned(), tab.into()), ("visible".to_owned(), visible.into())]);
        self.record(RecordKind::SightChanged, "", data, turn);
    }

    /// The session is over: at its last activity, or when that was due where a connected tab is still in sight.
    pub(super) fn end_session(&mut self, turn: &mut Turn<'_>) {
        let watched = self.tabs.iter().any(|tab| tab.connected && tab.visible && tab.view.is_some());
        let ended_ms = if watched { turn.at_ms } else { self.core.last_activity_ms };
        let Some(session) = &mut self.core.session else { return };
        session.attend(false, ended_ms.max(session.attentive_since_ms.unwrap_or(0)));
        // Whoever looked at a page without doing anything was there as well.
        let ended_ms = ended_ms.max(session.started_ms + session.engaged_ms);
        let numbers: [(&str, u64); 5] = [
            ("total_ms", ended_ms - session.started_ms),
            ("engaged_ms", session.engaged_ms),
            ("pages", session.pages.into()),
            ("events", session.events.into()),
            ("product_views", session.product_views.into()),
        ];
        let mut data: Object = numbers.map(|(key, value)| (key.to_owned(), value.into())).into_iter().collect();
        data.insert("stage", self.core.stage.as_str());
        let record = self.record(RecordKind::SessionEnded, "", data, turn);
        // It can still be read at its own end; what follows from that comes when it is closed.
        self.look_at(&Seen { happening: Happening::SessionEnded, record }, None, turn);
        self.core.session = None;
        self.feed_at_session_end(turn);
        self.close_pages(turn.now_ms);
        self.partials.end_session();
        self.mailbox.expire(turn.now_ms);
        let seen = self.refresh_segments(None, turn);
        self.happen(seen, None, turn);
    }
}

/// Whether an event of a page shows that the page is open.
const fn reopens(event: &Event) -> bool {
    !matches!(event.fact, Fact::PageLeft | Fact::PageHidden)
}
