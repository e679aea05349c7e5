//! Counting what came of a backtest: each rule, and how it differs from the other rule set.

use super::recording::{Counts, FAULTS_TOLD_MAX, Fault, Recording};
use super::replay::{Firing, Outcome, Set};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Everything that a report says.
pub(super) struct Tally<'a> {
    pub(super) site: &'a str,
    pub(super) counts: &'a Counts,
    /// Records that were replayed, and those that could not be.
    pub(super) replayed: (u64, u64),
    /// Faults of files and of replays, the first of them, as sentences.
    pub(super) faults: Vec<String>,
    pub(super) visitors: u64,
    pub(super) lives: u64,
    pub(super) given_up: u64,
    /// Times of the oldest and the newest record, in milliseconds since the epoch; none without records.
    pub(super) span_ms: Option<(u64, u64)>,
    /// In the order of the rule set, then those that only the other set has.
    pub(super) rules: Vec<RuleTally<'a>>,
    /// Whether there is another set.
    pub(super) compared: bool,
}

/// One rule.
pub(super) struct RuleTally<'a> {
    pub(super) id: &'a str,
    /// Under the rule set; none when it is not in it.
    pub(super) now: Option<Fired>,
    /// Under the other one.
    pub(super) before: Option<Fired>,
    pub(super) difference: Difference,
}

/// How often a rule fired under one set.
#[derive(Clone, Default)]
pub(super) struct Fired {
    pub(super) times: u64,
    pub(super) visitors: u64,
    pub(super) sessions: u64,
    pub(super) held_out: u64,
    /// The first and the last time, in milliseconds since the epoch.
    pub(super) span_ms: Option<(u64, u64)>,
    last_visitor: Option<Uuid>,
    last_session: Option<(Uuid, Uuid, u32)>,
}

/// What a rule does now and did not do before, and the other way round.
#[derive(Default)]
pub(super) struct Difference {
    pub(super) only_now: u64,
    pub(super) only_before: u64,
    /// Visitors for whom anything differs.
    pub(super) visitors: u64,
    /// The first of them.
    pub(super) listed: Vec<Listed>,
    last_visitor: Option<Uuid>,
}

/// A visitor for whom a rule does something else than before, with the times in milliseconds since the epoch.
pub(super) struct Listed {
    pub(super) visitor: Uuid,
    pub(super) only_now: Vec<Moment>,
    pub(super) only_before: Vec<Moment>,
}

/// When, and whether it was held out.
pub(super) type Moment = (u64, bool);

impl Fired {
    fn count(&mut self, visitor: Uuid, incarnation: Uuid, firing: &Firing) {
        if firing.held_out {
            self.held_out += 1;
            return;
        }
        self.times += 1;
        // A visitor's lives stand side by side, and a life's sessions one after the other.
        if self.last_visitor.replace(visitor) != Some(visitor) {
            self.visitors += 1;
        }
        let session = (visitor, incarnation, firing.session);
        if firing.session > 0 && self.last_session.replace(session) != Some(session) {
            self.sessions += 1;
        }
        let (first_ms, last_ms) = self.span_ms.unwrap_or((firing.at_ms, firing.at_ms));
        self.span_ms = Some((first_ms.min(firing.at_ms), last_ms.max(firing.at_ms)));
    }
}

impl<'a> Tally<'a> {
    /// Counts; `list` is how many visitors are named for each rule that differs.
    pub(super) fn of(rec: &'a Recording, outcomes: &[Outcome], sets: &'a [Set], list: usize) -> Self {
        let mut rules: Vec<RuleTally<'a>> = Vec::new();
        // The place in the report of each set's rules.
        let mut places: Vec<Vec<usize>> = Vec::new();
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, set) in sets.iter().enumerate() {
            let mut of_set = Vec::new();
            for id in set.ids() {
                let place = *known.entry(id).or_insert(rules.len());
                if place == rules.len() {
                    rules.push(RuleTally { id, now: None, before: None, difference: Difference::default() });
                }
                *(if at == 0 { &mut rules[place].now } else { &mut rules[place].before }) = Some(Fired::default());
                of_set.push(place);
            }
            places.push(of_set);
        }
        for (life, outcome) in rec.lives.iter().zip(outcomes) {
            let mut touched: BTreeMap<usize, [BTreeSet<Moment>; 2]> = BTreeMap::new();
            for (at, firings) in outcome.firings.iter().enumerate() {
                for firing in firings {
                    let place = places[at][firing.rule as usize];
                    let rule = &mut rules[place];
                    let fired = if at == 0 { &mut rule.now } else { &mut rule.before };
                    fired.get_or_insert_default().count(life.visitor, life.incarnation, firing);
                    touched.entry(place).or_default()[at].insert((firing.at_ms, firing.held_out));
                }
            }
            if sets.len() > 1 {
                for (place, [now, before]) in touched {
                    rules[place].difference.count(life.visitor, &now, &before, list);
                }
            }
        }
        let mut faults: Vec<&Fault> = rec.faults.iter().chain(outcomes.iter().flat_map(|one| &one.faults)).collect();
        faults.sort_by_key(|fault| (fault.file, fault.line));
        let sum = |of: fn(&Outcome) -> u64| outcomes.iter().map(of).sum();
        let visitors: BTreeSet<Uuid> = rec.lives.iter().map(|life| life.visitor).collect();
        Self {
            site: rec.site.as_str(),
            counts: &rec.counts,
            replayed: (sum(|one| one.replayed), sum(|one| one.faulty)),
            faults: faults.into_iter().take(FAULTS_TOLD_MAX).map(|fault| rec.told(fault)).collect(),
            visitors: visitors.len() as u64,
            lives: rec.lives.len() as u64,
            given_up: sum(|one| u64::from(one.given_up)),
            span_ms: Some(rec.span_ms).filter(|_| !rec.lives.is_empty()),
            rules,
            compared: sets.len() > 1,
        }
    }

    /// The rules that do something else than before.
    pub(super) fn different(&self) -> impl Iterator<Item = &RuleTally<'a>> {
        self.rules.iter().filter(|rule| rule.difference.visitors > 0)
    }
}

impl Difference {
    fn count(&mut self, visitor: Uuid, now: &BTreeSet<Moment>, before: &BTreeSet<Moment>, list: usize) {
        let only_now: Vec<Moment> = now.difference(before).copied().collect();
        let only_before: Vec<Moment> = before.difference(now).copied().collect();
        if only_now.is_empty() && only_before.is_empty() {
            return;
        }
        self.only_now += only_now.len() as u64;
        self.only_before += only_before.len() as u64;
        if self.last_visitor.replace(visitor) != Some(visitor) {
            self.visitors += 1;
        }
        if self.listed.len() < list {
            self.listed.push(Listed { visitor, only_now, only_before });
        }
    }
}
