//! The object's one alarm: a wake for the engine. Whatever goes wrong, it rings again.

use super::Object;
use super::runtime::one_more;
use crate::engine::Input;
use crate::shell::{clock, js};
use std::rc::Rc;
use worker::{Result, console_error};

/// First and greatest wait after a wake that failed, in milliseconds. The platform's own retries end after six.
const RETRY_MS: (u64, u64) = (2_000, 300_000);

impl Object {
    /// The alarm rings. No error gets out: the platform would try six times and then drop the alarm.
    pub(super) async fn ring(self: &Rc<Self>) {
        one_more(&self.store.runtime.alarms_rung);
        let Err(error) = self.wake().await else { return self.failed_wakes.set(0) };
        console_error!("fault in a wake: {error}");
        let failures = self.failed_wakes.get();
        self.failed_wakes.set(failures.saturating_add(1));
        let wait_ms = RETRY_MS.0.saturating_mul(1 << failures.min(16)).min(RETRY_MS.1);
        let again_ms = clock::now() + wait_ms;
        if let Some(resident) = self.resident.borrow_mut().as_mut() {
            resident.alarm_at_ms = Some(again_ms);
        }
        let again = js::begin_set_alarm(&self.state.storage(), again_ms);
        one_more(&self.store.runtime.alarms_set);
        let set = async { js::settle([again?]).await };
        if let Err(error) = set.await {
            console_error!("fault: the alarm cannot be set again: {error}");
        }
    }

    async fn wake(self: &Rc<Self>) -> Result<()> {
        let config = self.config().await?;
        let mut turned = self.turn(Input::Wake, &config)?;
        let erase = turned.erase.take();
        let (_, departures) = self.settle(turned, &config).await?;
        Rc::clone(self).depart(departures).await;
        if let Some(lives) = erase {
            Rc::clone(self).erase_withdrawn(lives).await;
        }
        self.arm(&config).await
    }
}
