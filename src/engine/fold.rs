//! A visitor folded from its log: what the records of a life say, applied in order to a visitor of whom nothing is known,
//! gives the state at any time of that life.

use super::user::{Answer, Content};
use super::{Config, Effect, Input, Visitor, replayed};
use footfall_protocol::Millis;
use footfall_protocol::ids::SiteId;
use footfall_protocol::limits::FOLD_RECORDS_MAX;
use footfall_protocol::record::{Record, RecordKind};
use uuid::Uuid;

/// Wakes of one fold at most; far more than so many records can ask for.
const WAKES_MAX: usize = 20 * FOLD_RECORDS_MAX;

/// Why there is no state to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldFault {
    /// Records are missing: this number is the first.
    #[error("record {0} is missing")]
    Missing(u64),
    /// There are more than [`FOLD_RECORDS_MAX`], or the visitor asks for ever to be woken.
    #[error("there are too many records")]
    TooLong,
    /// This record cannot happen again.
    #[error("record {0} cannot be read")]
    Unreadable(u64),
}

/// Folds a life's records, by their numbers from the first, and lets time pass until `until`. `None`: the life was over by
/// then, or had not begun.
///
/// What no record tells is not known: which sockets were open, and that a wake came late which, had it come in time, would
/// have made no record.
/// The rules are those of `config`: under others than those that were live, other things may follow from the same events.
///
/// # Errors
/// When the records are not whole.
pub fn fold(
    of: (SiteId, Uuid, Uuid),
    records: &[Record],
    until: Millis,
    config: &Config,
) -> Result<Option<Visitor>, FoldFault> {
    let (site, visitor, incarnation) = of;
    if records.len() > FOLD_RECORDS_MAX {
        return Err(FoldFault::TooLong);
    }
    if let Some((wanted, _)) = (1..).zip(records).find(|(wanted, record)| record.seq != *wanted) {
        return Err(FoldFault::Missing(wanted));
    }
    let known = records.partition_point(|record| record.at_ms <= until);
    if known == 0 {
        return Ok(None);
    }
    let mut life = Life { visitor: Visitor::new(site, visitor, incarnation), config, wakes: 0, over: false };
    for record in &records[..known] {
        life.wake_before(record.at_ms, true)?;
        let input = match (replayed(record), record.kind) {
            (Some(input), _) => input,
            (None, RecordKind::Event | RecordKind::SightChanged) => return Err(FoldFault::Unreadable(record.seq)),
            (None, _) => Input::Wake,
        };
        life.apply(input, record.at_ms);
        life.answered(record);
    }
    life.wake_before(until.saturating_add(1), known < records.len())?;
    Ok(Some(life.visitor).filter(|_| !life.over))
}

/// A life that is lived again.
struct Life<'a> {
    visitor: Visitor,
    config: &'a Config,
    wakes: usize,
    over: bool,
}

impl Life<'_> {
    /// Every deadline before a time comes when it is due, unless the log shows that it came later: what would have been
    /// recorded then is not there, though there is `more` from later.
    fn wake_before(&mut self, end_ms: u64, more: bool) -> Result<(), FoldFault> {
        while let Some(wake) = self.visitor.next_wake(self.config).filter(|wake| wake.at_ms < end_ms && !self.over) {
            self.wakes += 1;
            if self.wakes > WAKES_MAX {
                return Err(FoldFault::TooLong);
            }
            let before = self.visitor.clone();
            self.apply(Input::Wake, wake.at_ms);
            if more && self.visitor.last_record() > before.last_record() {
                self.visitor = before;
                return Ok(());
            }
        }
        Ok(())
    }

    /// What a user's object answered is known from its record alone.
    fn answered(&mut self, record: &Record) {
        let is_answer = matches!(record.kind, RecordKind::UserMerged | RecordKind::UserRefused);
        if is_answer && self.visitor.last_record() < record.seq {
            self.visitor.outbox.push(record.clone());
        }
    }

    /// Applies an input; the queue takes everything at once, and so do users' objects, which do not answer about merges.
    fn apply(&mut self, input: Input, now: Millis) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            for effect in self.visitor.handle(input, now, self.config) {
                match effect {
                    Effect::Flush { through, .. } => inputs.push(Input::flushed(through)),
                    Effect::Feed(letters) => {
                        let version = letters.first().map_or(0, |letter| letter.version);
                        let told =
                            letters.into_iter().filter(|letter| !matches!(letter.content, Content::Merges { .. }));
                        let answers = told.map(|letter| (letter, Answer::Taken(None))).collect();
                        inputs.push(Input::Fed { version, answers });
                    }
                    Effect::Delete | Effect::Erase { .. } => self.over = true,
                    Effect::Send { .. } | Effect::Reject(_) | Effect::Spill { .. } | Effect::Drop { .. } => {}
                }
            }
        }
    }
}
