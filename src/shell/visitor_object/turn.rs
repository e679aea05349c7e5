//! One input, start to finish: handle, ask for the alarm, commit, push, answer. No await lets another input in between.

use super::Object;
use super::flight::{Flight, pack};
use super::runtime::one_more;
use super::store::{Commit, unreadable};
use crate::engine::user::Letter;
use crate::engine::{self, Config, Effect, Gone, Input, Share, Stored};
use crate::shell::{clock, js};
use footfall_protocol::message::Seen;
use footfall_protocol::rejection::Rejection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use uuid::Uuid;
use worker::js_sys::Promise;
use worker::{Error, Result, console_warn};

/// A wake that leaves something due waits so long for the next one, so that no fault can make it spin.
const WAKE_AGAIN_MS: u64 = 1_000;
/// How long pages whose sockets ended with an earlier process may take to come back before they count as gone, in
/// milliseconds: nothing that comes due meanwhile is to be late because the engine was replaced.
const COME_BACK_MS: u64 = 10_000;

/// The visitor in memory, as it is on disk; in a box, because it is large and moves with each input.
pub(super) struct Resident {
    pub(super) visitor: Box<engine::Visitor>,
    committed: Stored,
    /// Whether there is anything on disk.
    pub(super) exists: bool,
    /// When the alarm is set for, as far as is known.
    pub(super) alarm_at_ms: Option<u64>,
    /// Whether that was compared with the platform's alarm since it was read from disk.
    alarm_is_checked: bool,
}

/// What leaves the object after the commit.
#[derive(Default)]
pub(super) struct Departures {
    pub(super) flight: Option<Flight>,
    /// To users' objects.
    pub(super) letters: Vec<Letter>,
}

impl Departures {
    pub(super) fn is_empty(&self) -> bool {
        self.flight.is_none() && self.letters.is_empty()
    }
}

/// What an input leaves to be waited for.
#[derive(Default)]
pub(super) struct Turned {
    pub(super) rejections: Vec<Rejection>,
    pub(super) departures: Departures,
    /// Lives that are to be erased.
    pub(super) erase: Option<Vec<Gone>>,
    settling: Vec<Promise>,
}

impl Object {
    /// Applies an input. When this returns, its effects are on disk and its alarm is set.
    pub(super) async fn apply(self: &Rc<Self>, input: Input) -> Result<Vec<Rejection>> {
        let config = self.config().await?;
        self.apply_under(input, &config).await
    }

    /// As `apply`, under a configuration that the caller has: the input is handled before anything is waited for.
    pub(super) async fn apply_under(self: &Rc<Self>, input: Input, config: &Config) -> Result<Vec<Rejection>> {
        let turned = self.turn(input, config)?;
        self.conclude(turned, config).await
    }

    /// Waits for what a turn has begun, and lets go what leaves the object.
    pub(super) async fn conclude(self: &Rc<Self>, mut turned: Turned, config: &Config) -> Result<Vec<Rejection>> {
        let erase = turned.erase.take();
        let (rejections, departures) = self.settle(turned, config).await?;
        if !departures.is_empty() {
            self.state.wait_until(Rc::clone(self).depart(departures));
        }
        if let Some(lives) = erase {
            self.state.wait_until(Rc::clone(self).erase_withdrawn(lives));
        }
        Ok(rejections)
    }

    /// Sends what leaves the object.
    pub(super) async fn depart(self: Rc<Self>, departures: Departures) {
        let Departures { flight, letters } = departures;
        if let Some(flight) = flight {
            Rc::clone(&self).fly(flight).await;
        }
        if !letters.is_empty() {
            self.post(letters).await;
        }
    }

    /// Waits for what a turn has begun.
    pub(super) async fn settle(&self, turned: Turned, config: &Config) -> Result<(Vec<Rejection>, Departures)> {
        js::settle(turned.settling).await?;
        self.check_alarm(config).await?;
        Ok((turned.rejections, turned.departures))
    }

    /// The part without an await.
    pub(super) fn turn(&self, input: Input, config: &Config) -> Result<Turned> {
        self.turn_within(input, config, false)
    }

    /// As `turn`. With `busy` more is about to come: what nobody but this object knows is written along with that.
    pub(super) fn turn_within(&self, input: Input, config: &Config, busy: bool) -> Result<Turned> {
        let now_ms = clock::now();
        let woken = input == Input::Wake;
        let Resident { mut visitor, committed, exists, alarm_at_ms, alarm_is_checked } = self.resident()?;
        let somebody_is_there = if matches!(input, Input::Flushed { .. }) { busy } else { !woken };
        let last_record = visitor.last_record();
        let parted_ms = clock::began() + COME_BACK_MS;
        let lost = if woken && parted_ms <= now_ms { self.lost_tabs(&visitor) } else { Vec::new() };
        let handled = catch_unwind(AssertUnwindSafe(|| {
            let mut effects = Vec::new();
            for tab in lost {
                // What came due before still fires; from then on nobody is known to have looked at the page.
                effects.extend(visitor.handle(Input::Disconnect { tab }, parted_ms, config));
            }
            effects.extend(visitor.handle(input, now_ms, config));
            let wake_ms = visitor.next_wake(config).map(|wake| wake.at_ms);
            let snapshot = visitor.snapshot();
            (visitor, effects, wake_ms, snapshot)
        }));
        let (visitor, effects, wake_ms, snapshot) = handled
            .map_err(|_| Error::RustError("bug: the engine panicked; the visitor is read from disk again".into()))?;
        // The platform has used up the alarm that woke us: it has those only that are asked for from here on.
        let (alarm_at_ms, alarm_is_checked) = (alarm_at_ms.filter(|_| !woken), alarm_is_checked || woken);
        let mut turned = Turned::default();
        if effects.contains(&Effect::Delete) {
            turned.settling.extend(js::begin_delete_all(&self.state.storage())?);
            self.carry_out(effects, &mut turned);
            return Ok(turned);
        }
        // Whoever read the disk before such a change is written would come to it again: a flight that has begun is begun
        // once more, and what a queue has taken is sent once more. A commit costs as much as an event.
        let flies = effects.iter().any(|effect| matches!(effect, Effect::Flush { .. }));
        let untold = exists
            && visitor.last_record() == last_record
            && effects.iter().all(|effect| matches!(effect, Effect::Flush { .. }));
        let waits = untold && (busy || (woken && flies));
        let changed = !waits && (snapshot != committed || effects.iter().any(writes));
        let mut alarm_at_ms = alarm_at_ms;
        // The platform rings again for a wake that does not end; one with a flight ends with its report (`Object::arm`).
        if let Some(wake_ms) = wake_ms.filter(|_| (exists || changed) && !(woken && flies))
            && alarm_at_ms.is_none_or(|at_ms| wake_ms < at_ms)
        {
            let earliest_ms = if woken { now_ms + WAKE_AGAIN_MS } else { now_ms };
            let at_ms = if wake_ms <= now_ms { earliest_ms } else { wake_ms };
            // Before the snapshot: an early alarm is a no-op, a missing one would be a lost timer.
            turned.settling.push(js::begin_set_alarm(&self.state.storage(), at_ms)?);
            one_more(&self.store.runtime.alarms_set);
            alarm_at_ms = Some(at_ms);
        }
        if changed {
            self.store.commit(&commit(&snapshot, &committed, &effects, alarm_at_ms, somebody_is_there))?;
        }
        // Of two the later one brings what the other would.
        if let Some(share) = effects.iter().rev().find_map(flush) {
            turned.departures.flight = Some(pack(self.whose()?, &visitor, &self.store, share, somebody_is_there)?);
        }
        let committed = if changed { snapshot } else { committed };
        let exists = exists || changed;
        self.resident.replace(Some(Resident { visitor, committed, exists, alarm_at_ms, alarm_is_checked }));
        self.carry_out(effects, &mut turned);
        Ok(turned)
    }

    /// What goes out after the commit; the platform holds it back until the commit is durable.
    fn carry_out(&self, effects: Vec<Effect>, turned: &mut Turned) {
        let mut sockets = None;
        for effect in effects {
            match effect {
                Effect::Send { to, message } => {
                    let sockets = sockets.get_or_insert_with(|| {
                        let mut sockets = self.sockets();
                        sockets.end_those_behind(|inspects| self.told(inspects));
                        sockets
                    });
                    sockets.send(&to, &message);
                }
                Effect::Reject(rejection) => turned.rejections.push(rejection),
                Effect::Feed(letters) => turned.departures.letters = letters,
                Effect::Erase { lives } => turned.erase = Some(lives),
                Effect::Spill { .. } | Effect::Drop { .. } | Effect::Flush { .. } | Effect::Delete => {}
            }
        }
        // An erasure that is begun again, after a failure, must not shut out who has consented anew meanwhile.
        let refused = |resident: &Resident| resident.visitor.is_refused();
        if turned.erase.is_some() && self.resident.borrow().as_ref().is_some_and(refused) {
            self.close_all();
        }
    }

    /// What a page knows that has been told everything.
    fn told(&self, inspects: bool) -> Seen {
        self.resident.borrow().as_ref().map_or_else(Seen::default, |resident| resident.visitor.told(inspects))
    }

    /// The visitor: out of memory, or from disk, or a new one.
    pub(super) fn resident(&self) -> Result<Resident> {
        if let Some(resident) = self.resident.take() {
            return Ok(resident);
        }
        if let Some(kept) = self.store.load()? {
            let mut visitor = Box::new(engine::Visitor::load(&kept.stored).map_err(unreadable)?);
            self.recall_flushed(&mut visitor);
            return Ok(Resident {
                visitor,
                committed: kept.stored,
                exists: true,
                alarm_at_ms: kept.alarm_at_ms,
                alarm_is_checked: false,
            });
        }
        let (site, id) = self.whose()?;
        let visitor = Box::new(engine::Visitor::new(site.clone(), *id, clock::random_id()));
        let committed = visitor.snapshot();
        Ok(Resident { visitor, committed, exists: false, alarm_at_ms: None, alarm_is_checked: true })
    }

    /// Whether anything is on disk.
    pub(super) fn is_stored(&self) -> Result<bool> {
        self.store.is_made()
    }

    /// Whether the visitor is still in this life.
    pub(super) fn is_still(&self, incarnation: Uuid) -> Result<bool> {
        let resident = self.resident()?;
        let is = resident.exists && resident.visitor.incarnation() == incarnation;
        if resident.exists {
            self.resident.replace(Some(resident));
        }
        Ok(is)
    }

    /// Asks for the alarm that the next deadline wants, where none that is known rings by then.
    pub(super) async fn arm(&self, config: &Config) -> Result<()> {
        let mut settling = None;
        if let Some(resident) = self.resident.borrow_mut().as_mut()
            && let Some(wake) = resident.visitor.next_wake(config).filter(|_| resident.exists)
            && resident.alarm_at_ms.is_none_or(|at_ms| wake.at_ms < at_ms)
        {
            let now_ms = clock::now();
            let at_ms = if wake.at_ms <= now_ms { now_ms + WAKE_AGAIN_MS } else { wake.at_ms };
            settling = Some(js::begin_set_alarm(&self.state.storage(), at_ms)?);
            one_more(&self.store.runtime.alarms_set);
            resident.alarm_at_ms = Some(at_ms);
        }
        js::settle(settling).await
    }

    /// Compares the next deadline with the platform's own alarm, once after every load: a deadline without an alarm is
    /// re-armed.
    pub(super) async fn check_alarm(&self, config: &Config) -> Result<()> {
        if self.resident.borrow().as_ref().is_none_or(|resident| resident.alarm_is_checked) {
            return Ok(());
        }
        let real_ms = self.state.storage().get_alarm().await?.and_then(|at_ms| u64::try_from(at_ms).ok());
        let now_ms = clock::now();
        let mut settling = None;
        if let Some(resident) = self.resident.borrow_mut().as_mut() {
            resident.alarm_is_checked = true;
            resident.alarm_at_ms = real_ms;
            let wake_ms = resident.visitor.next_wake(config).map(|wake| wake.at_ms);
            let missing = |wake_ms: &u64| clock::lacks_alarm(*wake_ms, real_ms, now_ms);
            if let Some(wake_ms) = wake_ms.filter(missing) {
                let ahead = |at_ms: u64| i128::from(at_ms) - i128::from(now_ms);
                let (due, alarm) = (ahead(wake_ms), real_ms.map(ahead));
                console_warn!(
                    "an alarm was missing, late or lost, and is set again: due in {due} ms, alarm in {alarm:?} ms"
                );
                let at_ms = wake_ms.max(now_ms);
                settling = Some(js::begin_set_alarm(&self.state.storage(), at_ms)?);
                one_more(&self.store.runtime.alarms_set);
                resident.alarm_at_ms = Some(at_ms);
            }
        }
        js::settle(settling).await
    }
}

/// Whether an effect needs the disk besides the snapshot.
const fn writes(effect: &Effect) -> bool {
    matches!(effect, Effect::Spill { .. } | Effect::Drop { .. })
}

/// What a flush brings to every sink, and to those that are ahead.
fn flush(effect: &Effect) -> Option<(Share, &[Share])> {
    if let Effect::Flush { pages, through, ahead } = effect {
        Some((Share { sink: String::new(), after: 0, pages: pages.clone(), through: *through }, ahead))
    } else {
        None
    }
}

/// What a commit has to write: the hot row always, cold pages only when their bytes are others. A section that needs no
/// page of its own any more, as one that was erased, leaves none behind.
fn commit<'a>(
    snapshot: &'a Stored,
    committed: &Stored,
    effects: &'a [Effect],
    alarm_at_ms: Option<u64>,
    more_follows: bool,
) -> Commit<'a> {
    let cold = snapshot.cold.iter().filter(|page| !committed.cold.contains(page));
    let mut pages: Vec<(u64, &[u8])> = cold.map(|(number, bytes)| (*number, bytes.as_slice())).collect();
    let is_cold = |number: u64| snapshot.cold.iter().any(|(page, _)| *page == number);
    let left = committed.cold.iter().map(|(number, _)| *number).filter(|number| !is_cold(*number));
    let mut gone: Vec<_> = left.map(|number| number..number + 1).collect();
    for effect in effects {
        match effect {
            Effect::Spill { page, bytes } => pages.push((*page, bytes)),
            Effect::Drop { pages } => gone.push(pages.clone()),
            Effect::Send { .. }
            | Effect::Reject(_)
            | Effect::Flush { .. }
            | Effect::Feed(_)
            | Effect::Erase { .. }
            | Effect::Delete => {}
        }
    }
    Commit { alarm_at_ms, hot: &snapshot.hot, pages, gone, more_follows }
}
