//! How a site keeps its visitors: what the engine needs to know of its configuration.

use super::Rate;

/// How a site's visitors are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A session ends after this long without activity, in milliseconds.
    pub session_idle_ms: u64,
    /// Records wait at most this long for their flush, in milliseconds.
    pub flush_after_ms: u64,
    /// A visitor is deleted whole after this long without activity, in milliseconds.
    pub retention_ms: u64,
    /// Nothing is kept of a visitor before consent.
    pub consent_required: bool,
    /// Events with only the public write key count orders too.
    pub public_orders: bool,
    /// A visitor's own sockets may ask for the whole view.
    pub inspect: bool,
    /// How many events of one visitor are taken in how long, those of pages and those of servers each; `None`: any number.
    pub rate: Option<Rate>,
    /// When consent is withdrawn, what was collected is erased; otherwise it is kept until the retention time is over.
    pub withdrawal_erases: bool,
}

impl Default for Settings {
    fn default() -> Self {
        const MINUTE: u64 = 60_000;
        Self {
            session_idle_ms: 30 * MINUTE,
            flush_after_ms: 60 * MINUTE,
            retention_ms: 30 * 24 * 60 * MINUTE,
            consent_required: false,
            public_orders: false,
            inspect: false,
            rate: None,
            withdrawal_erases: false,
        }
    }
}
