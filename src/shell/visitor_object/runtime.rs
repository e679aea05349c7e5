//! What this instance of an object has done, by the platform's own counters; only in memory, so that counting costs
//! nothing.

use crate::shell::clock;
use footfall_protocol::Value;
use std::cell::Cell;
use std::rc::Rc;
use uuid::Uuid;
use worker::State;

/// Counters of one instance.
pub(super) struct Runtime {
    /// Another one after every eviction.
    instance: Uuid,
    constructed_at_ms: u64,
    pub(super) commits: Cell<u32>,
    rows_written: Cell<u64>,
    rows_read: Cell<u64>,
    pub(super) alarms_set: Cell<u32>,
    pub(super) alarms_rung: Cell<u32>,
}

impl Runtime {
    /// Counters of an instance of this object that begins now.
    #[cfg_attr(not(feature = "test-hooks"), expect(unused_variables, reason = "only tests ask what all instances did"))]
    pub(super) fn begin(object: &State) -> Rc<Self> {
        let begun = Rc::new(Self {
            instance: clock::random_id(),
            constructed_at_ms: clock::now(),
            commits: Cell::new(0),
            rows_written: Cell::new(0),
            rows_read: Cell::new(0),
            alarms_set: Cell::new(0),
            alarms_rung: Cell::new(0),
        });
        #[cfg(feature = "test-hooks")]
        all::add(object, &begun);
        begun
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
            ("alarms_rung", number(self.alarms_rung.get().into())),
            #[cfg(feature = "test-hooks")]
            ("instances", number(all::of_object(self.instance))),
            #[cfg(feature = "test-hooks")]
            (
                "isolate",
                Value::Object(all::together().map(|(name, n)| (name.to_owned(), number(n))).into_iter().collect()),
            ),
        ];
        Value::Object(members.map(|(name, value)| (name.to_owned(), value)).into_iter().collect())
    }
}

/// Counts one more.
pub(super) fn one_more(counter: &Cell<u32>) {
    counter.set(counter.get().saturating_add(1));
}

/// All instances that this isolate has had, those included that were evicted: so that tests know who slept, and what all of it
/// cost. Nothing of it is in a release.
#[cfg(feature = "test-hooks")]
mod all {
    use super::{Cell, Rc, Runtime, State, Uuid};
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    thread_local! {
        /// By the object's name.
        static INSTANCES: RefCell<BTreeMap<String, Vec<Rc<Runtime>>>> = const { RefCell::new(BTreeMap::new()) };
    }

    pub(super) fn add(object: &State, begun: &Rc<Runtime>) {
        let name = object.id().name().unwrap_or_default();
        INSTANCES.with_borrow_mut(|instances| instances.entry(name).or_default().push(Rc::clone(begun)));
    }

    /// How many instances the object has had of which this is one.
    pub(super) fn of_object(instance: Uuid) -> u64 {
        let newest = |of: &&Vec<Rc<Runtime>>| of.last().is_some_and(|last| last.instance == instance);
        INSTANCES.with_borrow(|instances| instances.values().find(newest).map_or(0, |of| of.len() as u64))
    }

    /// What all have done.
    pub(super) fn together() -> [(&'static str, u64); 6] {
        INSTANCES.with_borrow(|instances| {
            let each = || instances.values().flatten();
            let small = |of: fn(&Runtime) -> &Cell<u32>| each().map(|one| u64::from(of(one).get())).sum();
            let large = |of: fn(&Runtime) -> &Cell<u64>| each().map(|one| of(one).get()).sum();
            [
                ("constructed", each().count() as u64),
                ("commits", small(|one| &one.commits)),
                ("rows_written", large(|one| &one.rows_written)),
                ("rows_read", large(|one| &one.rows_read)),
                ("alarms_set", small(|one| &one.alarms_set)),
                ("alarms", small(|one| &one.alarms_rung)),
            ]
        })
    }
}
