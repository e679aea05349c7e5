//! One input of a user, start to finish: handle, ask for the alarm, commit. No await lets another input in between.

use super::Object;
use crate::engine::user::{Answer, Content, User, UserEffect, UserInput};
use crate::shell::kv::Kv;
use crate::shell::{clock, deployment, js};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use worker::js_sys::Promise;
use worker::{Error, Result, console_warn};

/// A wake that leaves something due waits so long for the next one, so that no fault can make it spin.
const WAKE_AGAIN_MS: u64 = 1_000;

/// The user in memory, as it is on disk.
pub(super) struct Resident {
    pub(super) user: User,
    committed: Vec<u8>,
    /// Whether there is anything on disk.
    pub(super) exists: bool,
    pub(super) alarm_at_ms: Option<u64>,
    alarm_is_checked: bool,
}

/// What an input leaves to be done.
struct Turned {
    effects: Vec<UserEffect>,
    settling: Vec<Promise>,
}

impl Object {
    /// Applies an input. When this returns, it is on disk and its alarm is set.
    pub(super) async fn apply(self: &Rc<Self>, input: UserInput) -> Result<Option<Answer>> {
        let retention_ms = self.retention_ms()?;
        let Turned { effects, settling } = self.turn(input, retention_ms)?;
        js::settle(settling).await?;
        self.check_alarm(retention_ms).await?;
        let mut answer = None;
        let mut errands = Vec::new();
        for effect in effects {
            match effect {
                UserEffect::Answer(said) => answer = Some(said),
                UserEffect::Tell(..) | UserEffect::HandOn { .. } => errands.push(effect),
                UserEffect::Delete => {}
            }
        }
        if !errands.is_empty() {
            self.state.wait_until(Rc::clone(self).run(errands));
        }
        Ok(answer)
    }

    fn retention_ms(&self) -> Result<u64> {
        let (site, _) = self.whose()?;
        let parsed = deployment::parsed(&self.env);
        let of_site = |deployment: &deployment::Deployment| Some(deployment.sites.get(site)?.engine.retention_ms);
        let found = parsed.as_ref().as_ref().ok().and_then(of_site);
        found.ok_or_else(|| Error::RustError(format!("site `{site}` is not configured")))
    }

    /// The part without an await.
    fn turn(&self, input: UserInput, retention_ms: u64) -> Result<Turned> {
        let now_ms = clock::now();
        let woken = input == UserInput::Wake;
        let forgets = matches!(&input, UserInput::Letter(letter) if letter.content == Content::Forgets);
        self.forgets.set(self.forgets.get() + u64::from(forgets));
        let Resident { mut user, committed, exists, alarm_at_ms, alarm_is_checked } = self.resident()?;
        let handled = catch_unwind(AssertUnwindSafe(|| {
            let effects = user.handle(input, now_ms, retention_ms);
            let wake_ms = user.next_wake(retention_ms);
            let snapshot = user.snapshot();
            (user, effects, wake_ms, snapshot)
        }));
        let (user, effects, wake_ms, snapshot) = handled
            .map_err(|_| Error::RustError("bug: the engine panicked; the user is read from disk again".into()))?;
        let mut settling = Vec::new();
        if effects.contains(&UserEffect::Delete) || (forgets && user.is_nobody()) {
            settling.extend(js::begin_delete_all(&self.state.storage())?);
            return Ok(Turned { effects, settling });
        }
        let changed = snapshot != committed;
        // The platform has used up the alarm that woke us.
        let mut alarm_at_ms = alarm_at_ms.filter(|_| !woken);
        if let Some(wake_ms) = wake_ms.filter(|_| exists || changed)
            && alarm_at_ms.is_none_or(|at_ms| wake_ms < at_ms)
        {
            let earliest_ms = if woken { now_ms + WAKE_AGAIN_MS } else { now_ms };
            let at_ms = if wake_ms <= now_ms { earliest_ms } else { wake_ms };
            // Before the snapshot: an early alarm is a no-op, a missing one would be a lost message.
            settling.push(js::begin_set_alarm(&self.state.storage(), at_ms)?);
            alarm_at_ms = Some(at_ms);
        }
        if changed {
            Kv::new(&self.state).put_snapshot(alarm_at_ms, &snapshot, false)?;
        }
        let committed = if changed { snapshot } else { committed };
        let exists = exists || changed;
        self.resident.replace(Some(Resident { user, committed, exists, alarm_at_ms, alarm_is_checked }));
        Ok(Turned { effects, settling })
    }

    /// The user: out of memory, or from disk, or a new one.
    pub(super) fn resident(&self) -> Result<Resident> {
        if let Some(resident) = self.resident.take() {
            return Ok(resident);
        }
        if let Some((alarm_at_ms, stored)) = Kv::new(&self.state).snapshot()? {
            let unreadable = |error| Error::RustError(format!("the stored user cannot be read: {error}"));
            let user = User::load(&stored).map_err(unreadable)?;
            let committed = user.snapshot();
            return Ok(Resident { user, committed, exists: true, alarm_at_ms, alarm_is_checked: false });
        }
        let (site, id) = self.whose()?;
        let user = User::new(site.clone(), *id);
        let committed = user.snapshot();
        Ok(Resident { user, committed, exists: false, alarm_at_ms: None, alarm_is_checked: true })
    }

    /// Compares the next deadline with the platform's own alarm, once after every load.
    async fn check_alarm(&self, retention_ms: u64) -> Result<()> {
        if self.resident.borrow().as_ref().is_none_or(|resident| resident.alarm_is_checked) {
            return Ok(());
        }
        let real_ms = self.state.storage().get_alarm().await?.and_then(|at_ms| u64::try_from(at_ms).ok());
        let now_ms = clock::now();
        let mut settling = None;
        if let Some(resident) = self.resident.borrow_mut().as_mut() {
            resident.alarm_is_checked = true;
            resident.alarm_at_ms = real_ms;
            let missing = |wake_ms: &u64| clock::lacks_alarm(*wake_ms, real_ms, now_ms);
            if let Some(wake_ms) = resident.user.next_wake(retention_ms).filter(missing) {
                console_warn!("a user's alarm was missing, late or lost, and is set again");
                let at_ms = wake_ms.max(now_ms);
                settling = Some(js::begin_set_alarm(&self.state.storage(), at_ms)?);
                resident.alarm_at_ms = Some(at_ms);
            }
        }
        js::settle(settling).await
    }
}
