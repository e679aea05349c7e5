//! What this instance of an object has done, by the platform's own counters; only in memory, so that counting costs
//! nothing.

use crate::shell::clock;
use footfall_protocol::Value;
use std::cell::Cell;
use uuid::Uuid;

/// Counters of one instance.
pub(super) struct Runtime {
    /// Another one after every eviction.
    instance: Uuid,
    constructed_at_ms: u64,
    pub(super) commits: Cell<u32>,
    rows_written: Cell<u64>,
    rows_read: Cell<u64>,
    pub(super) alarms_set: Cell<u32>,
}

impl Runtime {
    /// Counters of an instance that begins now.
    pub(super) fn begin() -> Self {
        Self {
            instance: clock::random_id(),
            constructed_at_ms: clock::now(),
            commits: Cell::new(0),
            rows_written: Cell::new(0),
            rows_read: Cell::new(0),
            alarms_set: Cell::new(0),
        }
    }

    /// Adds what a statement cost.
    pub(super) fn add_rows(&self, written: usize, read: usize) {
        let add = |counter: &Cell<u64>, rows: usize| counter.set(counter.get() + rows as u64);
        add(&self.rows_written, written);
        add(&self.rows_read, read);
    }

    /// The counters, for operators and tests.
    pub(super) fn view(&self) -> Value {
        #[expect(clippy::cast_precision_loss, reason = "counters stay far below 2^53")]
        let number = |n: u64| Value::Number(n as f64);
        let members = [
            ("instance", Value::String(self.instance.to_string())),
            ("constructed_at_ms", number(self.constructed_at_ms)),
            ("commits", number(self.commits.get().into())),
            ("rows_written", number(self.rows_written.get())),
            ("rows_read", number(self.rows_read.get())),
            ("alarms_set", number(self.alarms_set.get().into())),
        ];
        Value::Object(members.map(|(name, value)| (name.to_owned(), value)).into_iter().collect())
    }
}

/// Counts one more.
pub(super) fn one_more(counter: &Cell<u32>) {
    counter.set(counter.get().saturating_add(1));
}
