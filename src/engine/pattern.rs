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
