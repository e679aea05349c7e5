//! A visitor folded from its log: what the records of a life say, applied in order to a visitor of whom nothing is known,
//! gives the state at any time of that life.

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

    /// Applies an input; the queue and users' objects take everything at once.
    fn apply(&mut self, input: Input, now: Millis) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            for effect in self.visitor.handle(input, now, self.config) {
                match effect {
                    Effect::Flush { through, .. } => inputs.push(Input::flushed(through)),
                    Effect::Feed(letters) => inputs.push(Input::taken(letters)),
                    Effect::Delete | Effect::Erase { .. } => self.over = true,
                    Effect::Send { .. } | Effect::Reject(_) | Effect::Spill { .. } | Effect::Drop { .. } => {}
                }
            }
        }
    }
}
