//! Which rules a happening concerns, and which pattern a key belongs to: found without walking over the rules.

use super::pattern::node_key;
use super::{Pattern, Point, Rule, RuleSet, What};
use crate::engine::condition::Condition;
use crate::engine::index::{ByName, Index, Matches, Scratch};
use crate::engine::tree::Scope;
use footfall_protocol::event::Event;
use std::collections::BTreeMap;

/// Something that happens to a visitor, as points see it.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening<'a> {
    /// An event.
    Event(&'a Event),
    /// A session began.
    SessionStarted,
    /// A session ends; it can still be read.
    SessionEnded,
    /// The stage changed.
    Stage {
        /// From which.
        from: String,
        /// Into which.
        to: String,
    },
    /// A segment was left.
    SegmentLeft(String),
    /// A segment was entered.
    SegmentEntered(String),
}

/// One point of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The rule's place in the order of evaluation.
    pub rule: usize,
    /// The point's place among the rule's.
    pub point: u16,
}

/// Where the points and patterns of the rules that are on are found. Derived from them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Places {
    /// The points that are events, in the order of evaluation.
    event_points: Vec<Place>,
    /// Over the names and `where` of those.
    events: ByName,
    session_started: Vec<Place>,
    session_ended: Vec<Place>,
    stages: Vec<Place>,
    entered: BTreeMap<String, Vec<Place>>,
    left: BTreeMap<String, Vec<Place>>,
    /// Key, rule and number of everything that remembers something, by key.
    nodes: Vec<(u64, usize, u16)>,
    /// Rule and number of every dwell, in the order of evaluation.
    dwells: Vec<(usize, u16)>,
    /// Key and place among the dwells, by key.
    dwell_keys: Vec<(u64, usize)>,
    /// Over the conditions of the dwells.
    dwell_index: Index,
}

impl Places {
    pub(super) fn new(rules: &[Rule]) -> Self {
        let mut places = Self::default();
        let (mut waits, mut dwells): (Vec<(&[String], &Condition)>, Vec<&Condition>) = Default::default();
        for (at, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.enabled) {
            for (number, point) in rule.points.iter().enumerate() {
                let number = u16::try_from(number).expect("a rule has few points");
                let place = Place { rule: at, point: number };
                if let What::Event(names) = &point.what {
                    places.event_points.push(place);
                    waits.push((names, &point.holds));
                }
                places.add(point, place);
            }
            rule.pattern.each(&mut |pattern| {
                if let Some(node) = pattern.node() {
                    places.nodes.push((node_key(rule.pattern_key, node), at, node));
                }
                if let Pattern::Dwell(dwell) = pattern {
                    places.dwell_keys.push((node_key(rule.pattern_key, dwell.node), places.dwells.len()));
                    places.dwells.push((at, dwell.node));
                    dwells.push(&dwell.holds);
                }
            });
        }
        places.nodes.sort_unstable();
        places.dwell_keys.sort_unstable();
        places.events = ByName::new(waits.into_iter());
        places.dwell_index = Index::new(dwells.into_iter());
        places
    }

    fn add(&mut self, point: &Point, place: Place) {
        let each = |map: &mut BTreeMap<String, Vec<Place>>, names: &[String]| {
            for name in names {
                map.entry(name.clone()).or_default().push(place);
            }
        };
        match &point.what {
            What::Event(_) => {}
            What::SessionStarted => self.session_started.push(place),
            What::SessionEnded => self.session_ended.push(place),
            What::Stage { .. } => self.stages.push(place),
            What::SegmentEntered(ids) => each(&mut self.entered, ids),
            What::SegmentLeft(ids) => each(&mut self.left, ids),
        }
    }

    /// The points to be asked one by one; those that are events have an index.
    fn about(&self, happening: &Happening<'_>) -> &[Place] {
        match happening {
            Happening::Event(_) => &[],
            Happening::SessionStarted => &self.session_started,
            Happening::SessionEnded => &self.session_ended,
            Happening::Stage { .. } => &self.stages,
            Happening::SegmentLeft(id) => self.left.get(id).map(Vec::as_slice).unwrap_or_default(),
            Happening::SegmentEntered(id) => self.entered.get(id).map(Vec::as_slice).unwrap_or_default(),
        }
    }
}

impl RuleSet {
    /// The points that a happening is, of the rules that are on, in the order of evaluation. This is the one place
    /// where the `where` of points is asked, for all rules at once and before the first of them acts.
    pub fn points_at<S: Scope + ?Sized>(
        &self,
        happening: &Happening<'_>,
        scope: &S,
        scratch: &mut Scratch,
    ) -> Vec<Place> {
        if let Happening::Event(event) = happening {
            debug_assert!(self.answers_as_each_point(&event.name, scope, scratch));
            let found = self.places.events.matches(&event.name, scope, scratch);
            return found.map(|at| self.places.event_points[at]).collect();
        }
        let is_it = |point: &Point| match (&point.what, happening) {
            (What::Stage { from, to }, Happening::Stage { from: before, to: after }) => {
                (from.is_empty() || from.contains(before)) && (to.is_empty() || to.contains(after))
            }
            _ => true,
        };
        let mut found = Vec::new();
        for place in self.places.about(happening) {
            let point = &self.rules[place.rule].points[usize::from(place.point)];
            if is_it(point) && point.holds.holds(scope) {
                found.push(*place);
            }
        }
        found
    }

    /// The rule that is on, its place and the pattern in it that something is kept for under this key.
    pub fn node(&self, key: u64) -> Option<(usize, &Rule, &Pattern)> {
        let at = self.places.nodes.binary_search_by_key(&key, |(key, ..)| *key).ok()?;
        let (_, place, node) = self.places.nodes[at];
        let rule = &self.rules[place];
        Some((place, rule, rule.node(node)?))
    }

    /// The places, among the dwells of the rules that are on, of those whose condition holds, rising: in the order of
    /// evaluation.
    pub fn dwells_held<'s, S: Scope + ?Sized>(&self, scope: &S, scratch: &'s mut Scratch) -> Matches<'s> {
        debug_assert!(self.answers_as_each_dwell(scope, scratch));
        self.places.dwell_index.matches(scope, scratch)
    }

    /// Whether the index over events says of each point what the point itself does: asked in debug builds, so that all
    /// tests and the fuzzers compare the two on live visitors.
    fn answers_as_each_point<S: Scope + ?Sized>(&self, name: &str, scope: &S, scratch: &mut Scratch) -> bool {
        let is_it = |at: &usize| {
            let place = self.places.event_points[*at];
            let point = &self.rules[place.rule].points[usize::from(place.point)];
            matches!(&point.what, What::Event(names) if names.iter().any(|one| one == name)) && point.holds.holds(scope)
        };
        let each = (0..self.places.event_points.len()).filter(is_it);
        self.places.events.matches(name, scope, scratch).eq(each)
    }

    /// Whether the index over dwells says of each what its condition does; asked in debug builds.
    fn answers_as_each_dwell<S: Scope + ?Sized>(&self, scope: &S, scratch: &mut Scratch) -> bool {
        let holds = |at: &usize| self.dwell(*at).is_some_and(|(_, dwell)| dwell.holds.holds(scope));
        self.places.dwell_index.matches(scope, scratch).eq((0..self.places.dwells.len()).filter(holds))
    }

    /// The place among the dwells of the rules that are on of the one with this key.
    pub fn dwell_of(&self, key: u64) -> Option<usize> {
        let keys = &self.places.dwell_keys;
        keys.binary_search_by_key(&key, |(key, _)| *key).ok().map(|found| keys[found].1)
    }

    /// The dwell at a place among those of the rules that are on, with its key.
    pub fn dwell(&self, at: usize) -> Option<(u64, &super::Dwell)> {
        let (place, node) = *self.places.dwells.get(at)?;
        let rule = &self.rules[place];
        let Some(Pattern::Dwell(dwell)) = rule.node(node) else { return None };
        Some((node_key(rule.pattern_key, node), dwell))
    }
}
