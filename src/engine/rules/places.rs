//! Which rules a happening concerns, and which pattern a key belongs to: found without walking over the rules.

use super::pattern::node_key;
use super::waiting::{Draft, Waiting, may_fire, needs};
use super::{Pattern, Point, Rule, RuleSet, What};
use crate::engine::condition::Condition;
use crate::engine::index::{Index, Matches, Scratch};
use crate::engine::tree::Scope;
use footfall_protocol::event::Event;

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

impl Happening<'_> {
    /// Whether it is of this kind.
    fn is(&self, what: &What) -> bool {
        match (self, what) {
            (Self::Event(event), What::Event(names)) => names.contains(&event.name),
            (Self::SessionStarted, What::SessionStarted) | (Self::SessionEnded, What::SessionEnded) => true,
            (Self::Stage { from: before, to: after }, What::Stage { from, to }) => {
                (from.is_empty() || from.contains(before)) && (to.is_empty() || to.contains(after))
            }
            (Self::SegmentEntered(id), What::SegmentEntered(ids)) | (Self::SegmentLeft(id), What::SegmentLeft(ids)) => {
                ids.contains(id)
            }
            _ => false,
        }
    }
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
    /// By the event's name.
    events: Waiting,
    /// By [`STARTED`] and [`ENDED`].
    sessions: Waiting,
    /// By the stage that is entered; those for which any will do by [`ANY`].
    stages: Waiting,
    /// By the segment's id.
    entered: Waiting,
    left: Waiting,
    /// Key, rule and number of everything that remembers something, by key.
    nodes: Vec<(u64, usize, u16)>,
    /// Rule and number of every dwell, in the order of evaluation.
    dwells: Vec<(usize, u16)>,
    /// Key and place among the dwells, by key.
    dwell_keys: Vec<(u64, usize)>,
    /// Over the conditions of the dwells.
    dwell_index: Index,
}

const STARTED: &str = "started";
const ENDED: &str = "ended";
/// No stage has this id.
const ANY: &str = "";

/// The points while their indexes are put together.
#[derive(Default)]
struct Drafts<'a> {
    events: Draft<'a>,
    sessions: Draft<'a>,
    stages: Draft<'a>,
    entered: Draft<'a>,
    left: Draft<'a>,
}

impl<'a> Drafts<'a> {
    fn add(&mut self, place: Place, rule: &'a Rule, point: &'a Point) {
        fn all(names: &[String]) -> Vec<&str> {
            names.iter().map(String::as_str).collect()
        }
        let (draft, names) = match &point.what {
            What::Event(names) => (&mut self.events, all(names)),
            What::SessionStarted => (&mut self.sessions, vec![STARTED]),
            What::SessionEnded => (&mut self.sessions, vec![ENDED]),
            What::Stage { to, .. } if to.is_empty() => (&mut self.stages, vec![ANY]),
            What::Stage { to, .. } => (&mut self.stages, all(to)),
            What::SegmentEntered(ids) => (&mut self.entered, all(ids)),
            What::SegmentLeft(ids) => (&mut self.left, all(ids)),
        };
        draft.add(place, names, needs(rule, place.point));
    }
}

impl Places {
    pub(super) fn new(rules: &[Rule]) -> Self {
        let mut places = Self::default();
        let mut drafts = Drafts::default();
        let mut dwells: Vec<&Condition> = Vec::new();
        for (at, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.enabled) {
            for (number, point) in (0..).zip(&rule.points) {
                drafts.add(Place { rule: at, point: number }, rule, point);
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
        places.dwell_index = Index::new(dwells.into_iter());
        let Drafts { events, sessions, stages, entered, left } = drafts;
        let [events, sessions, stages, entered, left] = [events, sessions, stages, entered, left].map(Draft::finish);
        Self { events, sessions, stages, entered, left, ..places }
    }
}

impl RuleSet {
    /// The points that a happening is, of the rules that are on, in the order of evaluation. This is the one place
    /// where the `where` of points is asked, for all rules at once and before the first of them acts.
    ///
    /// Left out are points of which nothing comes because the rule's condition does not hold.
    pub fn points_at<S: Scope + ?Sized>(
        &self,
        happening: &Happening<'_>,
        scope: &S,
        scratch: &mut Scratch,
    ) -> Vec<Place> {
        let (places, mut found) = (&self.places, Vec::new());
        match happening {
            Happening::Event(event) => places.events.find(&event.name, scope, scratch, &mut found),
            Happening::SessionStarted => places.sessions.find(STARTED, scope, scratch, &mut found),
            Happening::SessionEnded => places.sessions.find(ENDED, scope, scratch, &mut found),
            Happening::SegmentEntered(id) => places.entered.find(id, scope, scratch, &mut found),
            Happening::SegmentLeft(id) => places.left.find(id, scope, scratch, &mut found),
            Happening::Stage { to, .. } => {
                places.stages.find(to, scope, scratch, &mut found);
                places.stages.find(ANY, scope, scratch, &mut found);
                let what = |place: &Place| &self.rules[place.rule].points[usize::from(place.point)].what;
                found.retain(|place| happening.is(what(place)));
                found.sort_unstable();
            }
        }
        debug_assert!(self.are_as_each_point(happening, scope, &found));
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

    /// Whether these are the points that each point itself says it is: asked in debug builds, so that all tests and the
    /// fuzzers compare the indexes with the conditions on live visitors.
    fn are_as_each_point<S: Scope + ?Sized>(&self, happening: &Happening<'_>, scope: &S, found: &[Place]) -> bool {
        let rules = self.rules.iter().enumerate().filter(|(_, rule)| rule.enabled);
        let each = rules.flat_map(|(at, rule)| {
            let points = (0..).zip(&rule.points);
            points.map(move |(number, point)| (Place { rule: at, point: number }, rule, point))
        });
        let is_it = each.filter(|(place, rule, point)| {
            happening.is(&point.what) && point.holds.holds(scope) && may_fire(rule, place.point, scope)
        });
        is_it.map(|(place, ..)| place).eq(found.iter().copied())
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
