//! The only place that reads the clock and draws random ids; both become inputs. And whether a deadline has its alarm.

use footfall_protocol::Millis;
use std::cell::Cell;
use uuid::Uuid;

/// Now. The platform moves its clock only between events, so that it stands still within one.
pub(super) fn now() -> Millis {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole milliseconds since 1970")]
    let now_ms = worker::js_sys::Date::now() as u64;
    now_ms
}

/// Now, in Unix seconds.
pub(super) fn now_s() -> u64 {
    now() / 1_000
}

thread_local! {
    static BEGAN: Cell<Option<Millis>> = const { Cell::new(None) };
}

/// When this isolate was first asked for something: no socket that an earlier one has taken with it was open after that.
/// Whoever asks first sets it, so what comes in first asks.
pub(super) fn began() -> Millis {
    let began_ms = BEGAN.get().unwrap_or_else(now);
    BEGAN.set(Some(began_ms));
    began_ms
}

/// A random id (UUIDv4, RFC 9562).
pub(super) fn random_id() -> Uuid {
    Uuid::new_v4()
}

/// An alarm that is this far in the past was lost by the platform, in milliseconds.
const LOST_AFTER_MS: u64 = 60_000;

/// Whether a deadline has no alarm of the platform that would ring for it: none, a later one, or one that was lost.
pub(super) fn lacks_alarm(wake_ms: u64, alarm_at_ms: Option<u64>, now_ms: u64) -> bool {
    alarm_at_ms.is_none_or(|at_ms| at_ms > wake_ms.max(now_ms) || at_ms + LOST_AFTER_MS < now_ms)
}
