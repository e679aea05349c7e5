//! A site's compiled configuration: rules, segments and stages.
//!
//! Everything here is typed and checked: nothing that is left can fail while a visitor is handled. It is plain data,
//! published as one immutable piece under the hash of its bytes; what is only for speed is rebuilt when it is loaded.

mod actions;
mod compile;
mod limits;
mod pattern;
mod places;
mod reader;
mod rule;
mod schedule;
mod stages;
mod waiting;
mod warnings;

pub use actions::{Action, TRAIT_VALUE};
pub use compile::{DocumentFault, Kind, compile, compile_read, compile_rule, compile_segment, compile_stage};
pub use limits::{Cap, Group, Holdout, Limits, Per};
pub use pattern::{
    Absence, Aggregate, All, Count, Dwell, Function, Part, Pattern, Point, Points, Sequence, Skip, Step, What, Window,
    node_key,
};
pub use places::{Happening, Place};
pub use rule::Rule;
pub use schedule::{Hours, LocalTime, Schedule, Zone};
pub use stages::{DEFAULT_STAGES, default_stages};
pub use warnings::{warnings, warnings_among};

use super::condition::Condition;
use super::index::{Index, Matches, Scratch, Spare};
use super::tree::{Root, Scope};
use places::Places;
use serde::{Deserialize, Serialize};

/// Version of a piece's bytes: its first byte, and so part of its hash.
const PIECE_VERSION: u8 = 3;

/// A site's compiled configuration at one version.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleSet {
    /// Rules, by falling priority, then id.
    pub rules: Vec<Rule>,
    /// Segments, by id.
    pub segments: Vec<Segment>,
    /// Stages, by falling rank, then id. Never empty: a site without stages of its own has the defaults.
    pub stages: Vec<Stage>,
    /// Places of the rules, by id.
    by_id: Vec<usize>,
    /// Which rules a happening concerns.
    places: Places,
    /// Over the segments.
    segment_index: Index,
    /// For the indexes.
    spare: Spare,
    /// Whether anything reads what is known of the user.
    reads_user: bool,
}

/// Visitors for whom a condition holds now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// The author's id.
    pub id: String,
    /// Holds for those who are in it.
    pub when: Condition,
}

/// A place on the way to a purchase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// The author's id.
    pub id: String,
    /// Of the stages that may be entered the highest is; the lowest of all is where a visitor begins.
    pub rank: i32,
    /// The ways into it.
    pub enter: Vec<Enter>,
}

/// One way into a stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Enter {
    /// From these stages; from any when empty.
    pub from: Vec<String>,
    /// At these events (`session_started` among them); at any when empty.
    pub on: Vec<String>,
    /// When this holds.
    pub when: Condition,
    /// Only by time: after this long without activity, in milliseconds.
    pub after_idle_ms: Option<u64>,
}

/// Whether any of them reads a part of the tree.
fn reads(root: Root, rules: &[Rule], segments: &[Segment], stages: &[Stage]) -> bool {
    let condition = |condition: &Condition| condition.reads().has(root);
    let action = |action: &Action| match action {
        Action::Push { content: template, .. }
        | Action::SetTrait { value: template, .. }
        | Action::Record { data: template, .. } => template.reads(root),
        Action::Start { .. } | Action::Delay { .. } | Action::Stop { .. } => false,
    };
    let rule = |rule: &Rule| {
        let points = rule.points.iter().any(|point| condition(&point.holds));
        points || condition(&rule.condition) || rule.pattern.reads(root) || rule.actions.iter().any(action)
    };
    let ways = || stages.iter().flat_map(|stage| &stage.enter);
    rules.iter().any(rule) || segments.iter().any(|one| condition(&one.when)) || ways().any(|way| condition(&way.when))
}

impl RuleSet {
    /// A rule set with its index.
    pub fn new(mut rules: Vec<Rule>, mut segments: Vec<Segment>, mut stages: Vec<Stage>) -> Self {
        rules.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.id.cmp(&b.id)));
        segments.sort_by(|a, b| a.id.cmp(&b.id));
        if stages.is_empty() {
            stages = default_stages();
        }
        stages.sort_by(|a, b| b.rank.cmp(&a.rank).then_with(|| a.id.cmp(&b.id)));
        let mut by_id: Vec<usize> = (0..rules.len()).collect();
        by_id.sort_by(|a, b| rules[*a].id.cmp(&rules[*b].id));
        let places = Places::new(&rules);
        let segment_index = Index::new(segments.iter().map(|segment| &segment.when));
        let reads_user = reads(Root::User, &rules, &segments, &stages);
        Self { rules, segments, stages, by_id, places, segment_index, spare: Spare::default(), reads_user }
    }

    /// The piece that isolates fetch: first byte [`PIECE_VERSION`], then postcard.
    pub fn encode(&self) -> Vec<u8> {
        let parts = (&self.rules, &self.segments, &self.stages);
        postcard::to_extend(&parts, vec![PIECE_VERSION]).expect("rules are plain data")
    }

    /// Reads a piece; `None` when it is damaged or of a version that this release does not know.
    ///
    /// Pieces are the rulebook's own and are asked for by their hash: nesting is not bounded again here.
    pub fn decode(piece: &[u8]) -> Option<Self> {
        let (&version, rest) = piece.split_first()?;
        let (rules, segments, stages) = postcard::from_bytes(rest).ok().filter(|_| version == PIECE_VERSION)?;
        Some(Self::new(rules, segments, stages))
    }

    /// Whether any rule, segment or stage reads `user`: what is known of the visitor's user over all its devices.
    pub const fn reads_user(&self) -> bool {
        self.reads_user
    }

    /// The rule with this id.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        let found = self.by_id.binary_search_by(|at| self.rules[*at].id.as_str().cmp(id));
        found.ok().map(|at| &self.rules[self.by_id[at]])
    }

    /// The places of the segments whose condition holds, rising.
    pub fn segments_held<'s, S: Scope + ?Sized>(&self, scope: &S, scratch: &'s mut Scratch) -> Matches<'s> {
        debug_assert!(self.answers_as_each_segment(scope, scratch));
        self.segment_index.matches(scope, scratch)
    }

    /// Whether the index over segments says of each what its condition does: asked in debug builds, so that all tests and
    /// the fuzzers compare the two on live visitors.
    fn answers_as_each_segment<S: Scope + ?Sized>(&self, scope: &S, scratch: &mut Scratch) -> bool {
        let holds = |at: &usize| self.segments[*at].when.holds(scope);
        self.segment_index.matches(scope, scratch).eq((0..self.segments.len()).filter(holds))
    }

    /// A scratch for the indexes: one that has grown to their size already, once one was given back.
    pub fn scratch(&self) -> Scratch {
        self.spare.take()
    }

    /// Gives a scratch back.
    pub fn give_back(&self, scratch: Scratch) {
        self.spare.put(scratch);
    }

    /// Whether there is such a stage.
    pub fn has_stage(&self, id: &str) -> bool {
        self.stages.iter().any(|stage| stage.id == id)
    }

    /// Whether there is such a segment.
    pub fn has_segment(&self, id: &str) -> bool {
        self.segments.binary_search_by(|segment| segment.id.as_str().cmp(id)).is_ok()
    }

    /// Where a visitor begins: the stage of the lowest rank.
    pub fn initial_stage(&self) -> &str {
        self.stages.last().map_or("", |stage| &stage.id)
    }

    /// The stops of a visitor's way, the lowest rank first. A stage that is only ever entered by idling is no stop:
    /// it is there when it is the present one.
    pub fn way<'a>(&'a self, present: &'a str) -> impl Iterator<Item = &'a str> {
        let aside =
            |stage: &Stage| !stage.enter.is_empty() && stage.enter.iter().all(|way| way.after_idle_ms.is_some());
        let stops = self.stages.iter().rev().filter(move |stage| stage.id == present || !aside(stage));
        stops.map(|stage| stage.id.as_str())
    }

    /// The stage to enter now, if any: the highest one with a way in from `current` at what `happened`.
    pub fn next_stage<S: Scope + ?Sized>(&self, current: &str, happened: &[&str], scope: &S) -> Option<&str> {
        let open = |way: &Enter| {
            way.after_idle_ms.is_none()
                && (way.from.is_empty() || way.from.iter().any(|from| from == current))
                && (way.on.is_empty() || way.on.iter().any(|name| happened.contains(&name.as_str())))
                && way.when.holds(scope)
        };
        let next = self.stages.iter().find(|stage| stage.id != current && stage.enter.iter().any(open))?;
        Some(&next.id)
    }

    /// The shortest idle time after which `current` lapses, and into which stage; into none of those `but`.
    pub fn lapse(&self, current: &str, but: &[String]) -> Option<(u64, &str)> {
        let others = self.stages.iter().filter(|stage| stage.id != current && !but.contains(&stage.id));
        let ways = others.flat_map(|stage| {
            let from = move |way: &&Enter| way.from.is_empty() || way.from.iter().any(|from| from == current);
            stage.enter.iter().filter(from).filter_map(|way| Some((way.after_idle_ms?, stage.id.as_str())))
        });
        ways.min_by_key(|(after_ms, _)| *after_ms)
    }
}
