//! One clock for everything: microseconds since the run began, tied once to the wall clock by which the engine's times go.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Microseconds since the run began.
pub type Micros = u64;

/// The run's clock. The engine runs on the same machine (only loopback is allowed), so that its times can be compared.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
    began_wall_us: u64,
}

impl Clock {
    /// A clock that begins now.
    #[expect(clippy::disallowed_methods, reason = "time is what is measured here")]
    pub fn begin() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: Instant::now(), began_wall_us: u64::try_from(wall.as_micros()).unwrap_or_default() }
    }

    /// Now.
    pub fn now(&self) -> Micros {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or_default()
    }

    /// When a time of the engine, in milliseconds since 1970, was by this clock; 0 for what was before.
    pub const fn of_wall_ms(&self, wall_ms: u64) -> Micros {
        (wall_ms * 1_000).saturating_sub(self.began_wall_us)
    }

    /// The wall clock's time of the beginning, in milliseconds since 1970.
    pub const fn began_wall_ms(&self) -> u64 {
        self.began_wall_us / 1_000
    }

    /// Waits until then; not at all when it is over.
    pub async fn until(&self, at: Micros) {
        tokio::time::sleep_until((self.began + Duration::from_micros(at)).into()).await;
    }
}

/// Whole seconds as this clock counts them.
pub const fn seconds(count: u64) -> Micros {
    count * 1_000_000
}
