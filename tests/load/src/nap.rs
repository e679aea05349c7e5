//! Whether a visitor's object really slept: after a silence that is long enough, the instance that answers must have been
//! made after the last thing that the instance before it did.

use crate::clock::Micros;
use crate::recorder::{Count, Latency};
use crate::visitor::{Visitor, World};
use std::sync::Arc;

/// The platform evicts after ten seconds of silence; a shorter one proves nothing about it.
const SILENCE: Micros = 10_500_000;
/// The engine's times are whole milliseconds.
const SLACK: Micros = 3_000;

/// Something that was sent to find the object asleep.
#[derive(Clone, Debug)]
pub struct Wake {
    /// When the object was certainly in memory last.
    pub since: Micros,
    pub frame: u64,
    pub sent: Micros,
    pub intended: Micros,
    /// How long its push took, once it is here.
    pub push: Option<Micros>,
}

/// What woke it.
enum By {
    /// Something sent then, which a push answered after so long.
    Event { sent: Micros, push: Option<Micros> },
    /// A timer that was due then, whose push came so late.
    Timer { due: Micros, late: Option<Micros> },
}

impl Visitor {
    /// The silence was broken from outside: nothing is known of this sleep.
    pub(crate) fn disturb(&mut self) {
        if std::mem::take(&mut self.napping) || self.wake.take().is_some() {
            self.world.recorder.count(Count::NapsDisturbed, 1);
        }
    }

    /// What was to wake it is acknowledged.
    pub(crate) fn woken_by_event(&mut self, wake: Wake, acked: Micros) {
        if wake.sent < wake.since + SILENCE {
            self.world.recorder.count(Count::NapsDisturbed, 1);
            if let Some(push) = wake.push {
                self.world.recorder.took(Latency::PushAwake, push);
            }
            return;
        }
        self.prove((wake.since, acked), By::Event { sent: wake.sent, push: wake.push });
    }

    /// A timer's push came; `late` is how late, where that is known.
    pub(crate) fn woken_by_timer(&mut self, due: Micros, received: Micros, late: Option<Micros>) {
        if let Some(late) = late {
            self.world.recorder.took(Latency::Timer, late);
        }
        if self.napping && received >= self.touched + SILENCE {
            self.napping = false;
            self.prove((self.touched, received), By::Timer { due, late });
        } else if received < self.touched + SILENCE
            && let Some(late) = late
        {
            self.world.recorder.took(Latency::TimerAwake, late);
        }
    }

    /// Something that reaches the object: after a silence it had to be made anew.
    pub(crate) fn stir(&mut self, now: Micros) {
        let before = self.touched.max(self.stirred).max(self.ledger.stirred(now.saturating_sub(1_000_000)));
        if now >= before + SILENCE {
            self.silences += 1;
        }
        self.stirred = self.stirred.max(now);
    }

    /// Looks whether the instance that is there was made between these times: after the object was certainly in memory
    /// last, and before it certainly was again.
    fn prove(&mut self, between: (Micros, Micros), by: By) {
        self.naps += 1;
        let (world, id) = (Arc::clone(&self.world), self.id.clone());
        self.probes.push(tokio::spawn(async move { look(&world, &id, between, by).await }));
    }
}

/// Looks at the instance that is there now: `true` when the one before it is proved to be gone.
async fn look(world: &World, visitor: &str, (since, until): (Micros, Micros), by: By) -> bool {
    let recorder = &world.recorder;
    recorder.count(Count::Naps, 1);
    recorder.count(Count::Probes, 1);
    let Ok(look) = world.engine.look(visitor).await else { return false };
    let made = world.clock.of_wall_ms(look.constructed_at_ms);
    let slept = made > since && made <= until;
    if slept {
        recorder.count(Count::NapsProved, 1);
        // Nobody can have evicted it before its ten seconds were over.
        recorder.slept((since + 10_000_000).min(made), made);
    }
    match by {
        By::Event { sent, push: Some(push) } => {
            let woken = slept && made + SLACK >= sent;
            recorder.took(if woken { Latency::PushAsleep } else { Latency::PushAwake }, push);
        }
        By::Timer { due, late: Some(late) } => {
            let woken = slept && made + SLACK >= due;
            recorder.took(if woken { Latency::TimerAsleep } else { Latency::TimerAwake }, late);
        }
        By::Event { push: None, .. } | By::Timer { late: None, .. } => {}
    }
    slept
}
