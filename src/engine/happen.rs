//! What happens to a visitor, one thing after another: at each happening the rules that it concerns are looked at, in
//! their order, and what they change may be further happenings.

use super::pattern::{Now, advance};
use super::rules::{Happening, Place, Rule};
use super::scene::Scene;
use super::{Turn, Visitor};
use footfall_protocol::event::Event;
use footfall_protocol::limits::ROUNDS_MAX;
use std::cell::Cell;

/// Events that are reports and not acts: they break no strict sequence and end no silence.
pub(super) const QUIET: [&str; 4] = ["page_hidden", "page_visible", "page_left", "push_shown"];

/// A happening with the number of its record.
pub(super) struct Seen<'a> {
    pub(super) happening: Happening<'a>,
    pub(super) record: u64,
}

/// What a rule's pattern looks at.
#[derive(Default)]
struct Look<'a> {
    /// The event that is the happening or brought it about.
    cause: Option<&'a Event>,
    /// The tab whose page is read.
    tab: &'a str,
    record: u64,
    loud: bool,
    hits: &'a [Place],
    due: Option<(u16, &'a [u64])>,
    started: bool,
}

impl Visitor {
    /// Looks at happenings that one event or deadline brought about, and at what follows from them.
    pub(super) fn happen(&mut self, seen: Vec<Seen<'_>>, cause: Option<&Event>, turn: &mut Turn<'_>) {
        for one in seen {
            self.look_at(&one, cause, turn);
        }
        self.settle(cause, turn);
    }

    /// Stage and segments follow the traits that actions have set; what changes there are further happenings.
    pub(super) fn settle(&mut self, cause: Option<&Event>, turn: &mut Turn<'_>) {
        let changed = turn.traits_changed;
        for _ in 1..ROUNDS_MAX {
            if !std::mem::take(&mut turn.traits_changed) {
                break;
            }
            let mut seen: Vec<Seen<'_>> = self.move_stage(cause, &[], turn).into_iter().collect();
            seen.extend(self.refresh_segments(cause, turn));
            for one in seen {
                self.look_at(&one, cause, turn);
            }
        }
        turn.traits_changed = false;
        if changed {
            self.refresh_dwells(turn);
        }
    }

    /// Looks at one happening: the rules with a point that it is, and those that any event concerns.
    pub(super) fn look_at(&mut self, seen: &Seen<'_>, cause: Option<&Event>, turn: &mut Turn<'_>) {
        let config = turn.config;
        let tab = cause.map_or("", |event| event.tab.as_str());
        let hits = {
            let scene = Scene::new(self, turn.now_ms).during(cause).on(self.tabs.get(tab));
            config.rules.points_at(&seen.happening, &scene, &mut turn.scratch)
        };
        let loud = matches!(seen.happening, Happening::Event(event) if !QUIET.contains(&event.name.as_str()));
        let mut places: Vec<usize> = hits.iter().map(|place| place.rule).collect();
        if loud {
            let watchful = self.partials.watchful().filter_map(|key| config.rules.node(key));
            places.extend(watchful.map(|(place, ..)| place));
        }
        places.sort_unstable();
        places.dedup();
        turn.stopped.clear();
        for place in places {
            let from = hits.partition_point(|hit| hit.rule < place);
            let to = hits.partition_point(|hit| hit.rule <= place);
            let (rule, hits) = (&config.rules.rules[place], &hits[from..to]);
            if rule.until.is_some_and(|until| hits.iter().any(|hit| until.has(hit.point))) {
                self.end_pending(rule, turn);
            }
            if turn.stopped.contains(&rule.id) {
                continue;
            }
            self.look(rule, &Look { cause, tab, record: seen.record, loud, hits, ..Look::default() }, turn);
        }
        self.start_those_at_once(turn);
    }

    /// Lets a rule's pattern advance; the rule fires if it occurs.
    fn look(&mut self, rule: &Rule, look: &Look<'_>, turn: &mut Turn<'_>) {
        // A scene shows the whole visitor but this.
        let mut partials = std::mem::take(&mut self.partials);
        let scene = Scene::new(self, turn.now_ms).during(look.cause).on(self.tabs.get(look.tab));
        let now = Now {
            at_ms: turn.at_ms,
            record: look.record,
            loud: look.loud,
            in_session: self.core.session.is_some(),
            hits: look.hits,
            due: look.due,
            started: look.started,
            waits_left: Cell::new(turn.waits_left),
            scope: &scene,
        };
        let occurred = advance(&rule.pattern, rule.pattern_key, &now, &mut partials);
        turn.waits_left = now.waits_left.get();
        partials.make_room(&turn.config.rules, turn.at_ms);
        self.partials = partials;
        if let Some(records) = occurred {
            self.fire_if_it_may(rule, look.cause, look.tab, &records, turn);
        }
    }

    /// A dwell or a wait is over: the rule's pattern sees it. `tab` is that of a dwell.
    pub(super) fn come_true(&mut self, key: u64, tab: &str, records: &[u64], turn: &mut Turn<'_>) {
        let config = turn.config;
        let Some((_, rule, pattern)) = config.rules.node(key) else { return };
        let due = pattern.node().map(|node| (node, records));
        self.look(rule, &Look { tab, due, ..Look::default() }, turn);
        self.start_those_at_once(turn);
        self.settle(None, turn);
    }

    /// The rule's `started` occurs now.
    pub(super) fn start_now(&mut self, rule: &Rule, turn: &mut Turn<'_>) {
        if rule.enabled {
            self.look(rule, &Look { started: true, ..Look::default() }, turn);
        }
    }

    /// Ends what is pending for a rule: its partial matches and clocks, its start, and its pushes that are taken back.
    pub(super) fn end_pending(&mut self, rule: &Rule, turn: &mut Turn<'_>) {
        self.forget_partials(rule);
        self.end_start(&rule.id);
        self.retract_pushes_of(&rule.id, turn);
    }

    /// Drops a rule's partial matches and ends its dwell clocks. A clock that is ended does not begin again before its
    /// condition begins to hold anew.
    pub(super) fn forget_partials(&mut self, rule: &Rule) {
        self.partials.drop_of(rule);
        self.dwells.end(rule);
    }

    /// Other rules than last time: what belongs to patterns that are gone or off is dropped, new dwell clocks begin,
    /// segments are told anew. None of this is a happening: the visitor did nothing.
    pub(super) fn follow_rules(&mut self, turn: &mut Turn<'_>) {
        if self.core.rules_version == turn.config.version || !self.is_seen() {
            return;
        }
        self.core.rules_version = turn.config.version;
        let rules = &turn.config.rules;
        self.partials.follow(rules);
        self.dwells.0.retain(|dwell| rules.node(dwell.pattern_key).is_some());
        drop(self.refresh_segments(None, turn));
        self.refresh_dwells(turn);
        self.retract_what_no_longer_holds(turn);
    }
}
