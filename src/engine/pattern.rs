//! How patterns advance: at each happening a rule's pattern takes what concerns it, and occurs or not.
//!
//! Pure: what a pattern has collected is kept in [`Partials`], and each kind has a state of its own in the files below.

pub(super) mod absence;
pub(super) mod aggregate;
pub(super) mod all;
pub(super) mod count;
pub(super) mod sequence;
mod values;

use super::partials::Partials;
use super::rules::{Pattern, Place, Points, Window, node_key};
use super::tree::Scope;
use footfall_protocol::limits::FIRING_EVENTS_MAX;
use std::cell::Cell;

/// Numbers of records, rising: those that made a pattern occur, at most [`FIRING_EVENTS_MAX`] of them, the newest.
pub(super) type Records = Vec<u64>;

/// A happening as one rule's pattern sees it.
pub(super) struct Now<'a> {
    /// When: arrival, or the time of the deadline that was over.
    pub(super) at_ms: u64,
    /// The number of the happening's record; 0 for a deadline.
    pub(super) record: u64,
    /// It is an event and not a quiet one.
    pub(super) loud: bool,
    /// Whether a session is open.
    pub(super) in_session: bool,
    /// The rule's points that it is.
    pub(super) hits: &'a [Place],
    /// The dwell or absence that comes true by it, with the records that made it.
    pub(super) due: Option<(u16, &'a [u64])>,
    /// Another rule starts this one.
    pub(super) started: bool,
    /// How many waits may begin.
    pub(super) waits_left: Cell<usize>,
    /// The visitor.
    pub(super) scope: &'a dyn Scope,
}

impl Now<'_> {
    /// Whether it is one of these points.
    fn is(&self, points: Points) -> bool {
        self.hits.iter().any(|place| points.has(place.point))
    }

    /// Whether a pattern with this window looks at it.
    fn is_in(&self, window: Window) -> bool {
        window != Window::Session || self.in_session
    }

    fn due(&self, node: u16) -> Option<Records> {
        self.due.filter(|(due, _)| *due == node).map(|(_, records)| records.to_vec())
    }
}

/// Advances a pattern; when it occurs, the records that made it.
pub(super) fn advance(pattern: &Pattern, rule_key: u64, now: &Now<'_>, partials: &mut Partials) -> Option<Records> {
    let key = |node: u16| node_key(rule_key, node);
    match pattern {
        Pattern::Point(points) => now.is(*points).then(|| vec![now.record]),
        Pattern::Started => now.started.then(Records::new),
        Pattern::Dwell(dwell) => now.due(dwell.node),
        Pattern::Sequence(sequence) => {
            let key = key(sequence.node);
            let concerned = now.is(sequence.steps.first()?.point) || partials.has(key);
            if !concerned || !now.is_in(sequence.within) {
                return None;
            }
            partials.with(key, sequence.within == Window::Session, sequence.strict, |matches, tally| {
                sequence::Matches::advance(matches, sequence, now, tally)
            })
        }
        Pattern::Count(count) => {
            if !now.is(count.of) || !now.is_in(count.within) {
                return None;
            }
            partials.with(key(count.node), count.within == Window::Session, false, |counted, tally| {
                count::Counted::advance(counted, count, now, tally)
            })
        }
        Pattern::Absence(absence) => {
            let key = key(absence.node);
            if now.is(absence.after) || partials.has(key) {
                partials.with(key, false, absence.of.is_none(), |waits, tally| {
                    absence::Waits::advance(waits, absence, now, tally);
                });
            }
            now.due(absence.node)
        }
        Pattern::Aggregate(aggregate) => {
            if !now.is(aggregate.of) || !now.is_in(aggregate.within) {
                return None;
            }
            partials.with(key(aggregate.node), aggregate.within == Window::Session, false, |taken, tally| {
                aggregate::Taken::advance(taken, aggregate, now, tally)
            })
        }
        Pattern::Any(parts) => {
            let mut made: Option<Records> = None;
            for part in parts {
                if let Some(records) = advance(part, rule_key, now, partials) {
                    made = Some(union(made.unwrap_or_default(), &records));
                }
            }
            made
        }
        Pattern::All(all) => {
            // Each part advances, whether or not the others have occurred.
            let occurred: Vec<Option<Records>> =
                all.of.iter().map(|part| advance(&part.pattern, rule_key, now, partials)).collect();
            if occurred.iter().all(Option::is_none) || !now.is_in(all.within) {
                return None;
            }
            partials.with(key(all.node), all.within == Window::Session, false, |parts, tally| {
                all::Parts::advance(parts, all, &occurred, now, tally)
            })
        }
    }
}

/// The newest records of both.
fn union(mut records: Records, more: &[u64]) -> Records {
    records.extend_from_slice(more);
    records.sort_unstable();
    records.dedup();
    newest(&mut records);
    records
}

/// Keeps the newest records that a firing names.
fn newest(records: &mut Records) {
    records.drain(..records.len().saturating_sub(FIRING_EVENTS_MAX));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::rules::{Rule, compile_rule};
    use footfall_protocol::Value;

    /// A rule of one pattern, compiled, with what it collects.
    pub(super) struct Alone {
        rule: Rule,
        pub(super) partials: Partials,
        record: u64,
    }

    impl Alone {
        pub(super) fn new(pattern: &str) -> Self {
            let rule = format!(
                r#"{{"id": "r", "pattern": {pattern}, "actions": [{{"push": {{"slot": "s", "content": {{"a": 1}}}}}}]}}"#
            );
            let rule = compile_rule(&serde_json::from_str(&rule).unwrap()).unwrap();
            Self { rule, partials: Partials::default(), record: 0 }
        }

        /// A happening that is these points of the rule, in the order in which they are written; what it gives.
        pub(super) fn at(&mut self, at_ms: u64, points: &[u16]) -> Option<Records> {
            self.advance(at_ms, points, false)
        }

        fn advance(&mut self, at_ms: u64, points: &[u16], started: bool) -> Option<Records> {
            self.record += 1;
            let hits: Vec<Place> = points.iter().map(|point| Place { rule: 0, point: *point }).collect();
            let now = Now {
                at_ms,
                record: self.record,
                loud: true,
                in_session: false,
                hits: &hits,
                due: None,
                started,
                waits_left: Cell::new(usize::MAX),
                scope: &Value::Null,
            };
            advance(&self.rule.pattern, self.rule.pattern_key, &now, &mut self.partials)
        }
    }

    #[test]
    fn a_pattern_that_nothing_concerns_keeps_nothing() {
        let a = r#"{"event": {"name": "a"}}"#;
        for pattern in [
            format!(r#"{{"sequence": {{"steps": [{a}, {a}], "contiguity": "strict"}}}}"#),
            format!(r#"{{"count": {{"of": {a}, "at_least": 2}}}}"#),
            format!(r#"{{"absence": {{"after": {a}, "for": "1h"}}}}"#),
            format!(r#"{{"aggregate": {{"of": {a}, "fn": "count", "is": 2}}}}"#),
            format!(r#"{{"all": {{"of": [{a}, {a}]}}}}"#),
        ] {
            let mut alone = Alone::new(&pattern);
            assert_eq!((alone.at(0, &[]), alone.partials.is_new()), (None, true), "{pattern}");
            alone.at(0, &[0]);
            assert!(!alone.partials.is_new(), "{pattern}");
        }
    }

    #[test]
    fn a_start_occurs_at_the_top_and_in_an_any() {
        for pattern in [r#"{"started": {}}"#, r#"{"any": [{"event": {"name": "a"}}, {"started": {}}]}"#] {
            let mut alone = Alone::new(pattern);
            assert_eq!((alone.advance(0, &[], true), alone.advance(0, &[], false)), (Some(vec![]), None));
        }
    }

    #[test]
    fn a_pattern_in_a_session_does_not_look_beyond_it() {
        let mut alone =
            Alone::new(r#"{"count": {"of": {"event": {"name": "a"}}, "at_least": 1, "within": "session"}}"#);
        assert_eq!(alone.at(0, &[0]), None);
        assert!(alone.partials.is_new());
    }

    #[test]
    fn records_are_united_and_the_newest_kept() {
        assert_eq!(union(vec![1, 3], &[2, 3]), [1, 2, 3]);
        assert_eq!(union((1..=16).collect(), &[20, 0]), (2..=16).chain([20]).collect::<Vec<_>>());
    }
}
