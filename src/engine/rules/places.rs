//! Which rules a happening concerns, and which pattern a key belongs to: found without walking over the rules.

use super::pattern::node_key;
use super::{Pattern, Point, Rule, RuleSet, What};
use crate::engine::tree::{Roots, Scope};
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
    events: BTreeMap<String, Vec<Place>>,
    session_started: Vec<Place>,
    session_ended: Vec<Place>,
    stages: Vec<Place>,
    entered: BTreeMap<String, Vec<Place>>,
    left: BTreeMap<String, Vec<Place>>,
    /// Key, rule and number of everything that remembers something, by key.
    nodes: Vec<(u64, usize, u16)>,
    /// Rule and number of every dwell, with what its condition reads; in the order of evaluation.
    dwells: Vec<(usize, u16, Roots)>,
}

impl Places {
    pub(super) fn new(rules: &[Rule]) -> Self {
        let mut places = Self::default();
        for (at, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.enabled) {
            for (number, point) in rule.points.iter().enumerate() {
                let number = u16::try_from(number).expect("a rule has few points");
                places.add(point, Place { rule: at, point: number });
            }
            rule.pattern.each(&mut |pattern| {
                if let Some(node) = pattern.node() {
                    places.nodes.push((node_key(rule.pattern_key, node), at, node));
                }
                if let Pattern::Dwell(dwell) = pattern {
                    places.dwells.push((at, dwell.node, dwell.holds.reads()));
                }
            });
        }
        places.nodes.sort_unstable();
        places
    }

    fn add(&mut self, point: &Point, place: Place) {
        let each = |map: &mut BTreeMap<String, Vec<Place>>, names: &[String]| {
            for name in names {
                map.entry(name.clone()).or_default().push(place);
            }
        };
        match &point.what {
            What::Event(names) => each(&mut self.events, names),
            What::SessionStarted => self.session_started.push(place),
            What::SessionEnded => self.session_ended.push(place),
            What::Stage { .. } => self.stages.push(place),
            What::SegmentEntered(ids) => each(&mut self.entered, ids),
            What::SegmentLeft(ids) => each(&mut self.left, ids),
        }
    }

    fn about(&self, happening: &Happening<'_>) -> &[Place] {
        match happening {
            Happening::Event(event) => self.events.get(&event.name).map(Vec::as_slice).unwrap_or_default(),
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
    pub fn points_at<S: Scope + ?Sized>(&self, happening: &Happening<'_>, scope: &S) -> Vec<Place> {
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

    /// The dwells of the rules that are on, with their keys, in the order of evaluation.
    pub fn dwells(&self) -> impl Iterator<Item = (u64, &Rule, &super::Dwell)> {
        self.places.dwells.iter().filter_map(|(place, node, _)| self.dwell(*place, *node))
    }

    /// Those of them whose condition may now hold where it did not, or the other way round: it reads something of
    /// what changed, or something that time alone changes.
    pub fn dwells_touched(&self, changed: Roots) -> impl Iterator<Item = (u64, &Rule, &super::Dwell)> {
        let touched = move |reads: &Roots| reads.by_time() || reads.meets(changed);
        let dwells = self.places.dwells.iter().filter(move |(_, _, reads)| touched(reads));
        dwells.filter_map(|(place, node, _)| self.dwell(*place, *node))
    }

    fn dwell(&self, place: usize, node: u16) -> Option<(u64, &Rule, &super::Dwell)> {
        let rule = &self.rules[place];
        let Some(Pattern::Dwell(dwell)) = rule.node(node) else { return None };
        Some((node_key(rule.pattern_key, node), rule, dwell))
    }
}
