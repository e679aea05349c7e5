//! The only place that reads the clock and draws random ids; both become inputs.

use footfall_protocol::Millis;
use uuid::Uuid;

/// Now. The platform moves its clock only between events, so that it stands still within one.
pub(super) fn now() -> Millis {
    worker::Date::now().as_millis()
}

/// Now, in Unix seconds.
pub(super) fn now_s() -> u64 {
    now() / 1_000
}

/// A random id (UUIDv4, RFC 9562).
pub(super) fn random_id() -> Uuid {
    Uuid::new_v4()
}
