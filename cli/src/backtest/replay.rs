//! Lets recorded visitors live again, on all cores; the outcome does not depend on their number.

use super::progress::Progress;
use super::recording::{FAULTS_TOLD_MAX, Fault, Life, Recording};
use footfall::engine::{Config, Effect, Input, Visitor, replayed};
use footfall_protocol::record::{Record, RecordKind};
use footfall_simulator::WAKES_IN_A_ROW_MAX;
use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// A firing, or one that was held out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Firing {
    /// Place of the rule in its set.
    pub(super) rule: u32,
    pub(super) at_ms: u64,
    pub(super) held_out: bool,
    /// The session, by number from 1; 0 for none.
    pub(super) session: u32,
}

/// What came of one life.
#[derive(Default)]
pub(super) struct Outcome {
    /// Firings under each rule set, in the order in which they happened.
    pub(super) firings: Vec<Vec<Firing>>,
    /// Records that were replayed.
    pub(super) replayed: u64,
    /// Records that could not be replayed.
    pub(super) faulty: u64,
    /// The first of these.
    pub(super) faults: Vec<Fault>,
    /// It asked to be woken again and again, under a set.
    pub(super) given_up: bool,
}

/// A rule set as it is replayed.
pub(super) struct Set {
    pub(super) config: Config,
    places: BTreeMap<String, u32>,
}

impl Set {
    pub(super) fn new(config: Config) -> Self {
        let places = (0..).zip(&config.rules.rules).map(|(place, rule)| (rule.id.clone(), place)).collect();
        Self { config, places }
    }

    /// The ids of its rules, in the order in which they are looked at.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.config.rules.rules.iter().map(|rule| rule.id.as_str())
    }

    /// Adds the firings among the records that are new: those after the last one that was looked at.
    fn note(&self, records: &[Record], last_seq: &mut u64, firings: &mut Vec<Firing>) {
        for record in records.iter().filter(|record| record.seq > *last_seq) {
            let held_out = record.kind == RecordKind::TriggerHeldOut;
            if !held_out && record.kind != RecordKind::TriggerFired {
                continue;
            }
            if let Some(rule) = self.places.get(&record.name) {
                firings.push(Firing { rule: *rule, at_ms: record.at_ms, held_out, session: record.session });
            }
        }
        *last_seq = records.last().map_or(*last_seq, |record| record.seq.max(*last_seq));
    }
}

/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Replays every life under every rule set until `until_ms`; the outcomes are in the order of the lives.
pub(super) fn replay(rec: &Recording, sets: &[Set], until_ms: u64, progress: &mut Progress) -> Vec<Outcome> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(rec.lives.len());
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    let mut outcomes: Vec<Outcome> = rec.lives.iter().map(|_| Outcome::default()).collect();
    thread::scope(|scope| {
        for _ in 0..workers {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(life) = rec.lives.get(at) else { return };
                    if sender.send((at, live_again(rec, life, sets, until_ms))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let (mut lives, mut records) = (0, 0);
        progress.will_replay(rec.lives.len(), rec.lives.iter().map(|life| life.entries.len()).sum());
        loop {
            match receiver.recv_timeout(LOOK) {
                Ok((at, outcome)) => {
                    (lives, records) = (lives + 1, records + rec.lives[at].entries.len());
                    outcomes[at] = outcome;
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
            progress.replaying(lives, records);
        }
    });
    outcomes
}

fn live_again(rec: &Recording, life: &Life, sets: &[Set], until_ms: u64) -> Outcome {
    let mut outcome = Outcome::default();
    let mut inputs = Vec::with_capacity(life.entries.len());
    for entry in &life.entries {
        let input = match rec.record(entry) {
            None => continue,
            Some(Err(why)) => Err(why),
            Some(Ok(record)) => replayed(&record).ok_or_else(|| "cannot happen again as an event".to_owned()),
        };
        match input {
            Ok(input) => inputs.push((entry.at_ms, input)),
            Err(why) => {
                outcome.faulty += 1;
                if outcome.faults.len() < FAULTS_TOLD_MAX {
                    outcome.faults.push(Recording::fault(entry, why));
                }
            }
        }
    }
    outcome.replayed = inputs.len() as u64;
    for set in sets {
        let mut again = Again::new(rec, life, set);
        for (at_ms, input) in &inputs {
            again.pass_until(*at_ms);
            again.wakes_in_a_row = 0;
            again.input(input.clone());
        }
        again.pass_until(until_ms);
        outcome.given_up |= again.wakes_in_a_row >= WAKES_IN_A_ROW_MAX;
        outcome.firings.push(again.firings);
    }
    outcome
}

/// A visitor who lives again under one rule set.
struct Again<'a> {
    rec: &'a Recording,
    life: &'a Life,
    set: &'a Set,
    visitor: Visitor,
    now_ms: u64,
    last_seq: u64,
    wakes_in_a_row: usize,
    firings: Vec<Firing>,
}

impl<'a> Again<'a> {
    fn new(rec: &'a Recording, life: &'a Life, set: &'a Set) -> Self {
        let visitor = Visitor::new(rec.site.clone(), life.visitor, life.incarnation);
        Self { rec, life, set, visitor, now_ms: 0, last_seq: 0, wakes_in_a_row: 0, firings: Vec::new() }
    }

    /// Wakes the visitor at each of its deadlines, exactly in time.
    fn pass_until(&mut self, end_ms: u64) {
        while self.wakes_in_a_row < WAKES_IN_A_ROW_MAX {
            let Some(wake) = self.visitor.next_wake(&self.set.config).filter(|wake| wake.at_ms <= end_ms) else {
                break;
            };
            self.wakes_in_a_row += 1;
            self.now_ms = self.now_ms.max(wake.at_ms);
            self.input(Input::Wake);
        }
        self.now_ms = self.now_ms.max(end_ms);
    }

    /// Applies an input now. The queue takes everything at once.
    fn input(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let mut deleted = false;
            for effect in self.visitor.handle(input, self.now_ms, &self.set.config) {
                match effect {
                    Effect::Spill { bytes, .. } => {
                        let page = Visitor::decode_page(&bytes).expect("the page was made in this call");
                        self.set.note(&page, &mut self.last_seq, &mut self.firings);
                    }
                    Effect::Flush { through, .. } => inputs.push(Input::flushed(through)),
                    Effect::Feed(letters) => inputs.push(Input::taken(letters)),
                    Effect::Delete | Effect::Erase { .. } => deleted = true,
                    Effect::Send { .. } | Effect::Reject(_) | Effect::Drop { .. } => {}
                }
            }
            let hot = self.visitor.hot_records_after(self.last_seq);
            self.set.note(&hot, &mut self.last_seq, &mut self.firings);
            if deleted {
                // What is recorded after it was, in the same life, is of somebody of whom nothing is known any more.
                self.visitor = Visitor::new(self.rec.site.clone(), self.life.visitor, self.life.incarnation);
                self.last_seq = 0;
                return;
            }
        }
    }
}
