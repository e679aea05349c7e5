//! What was measured: histograms, counters, what happened in each second, and what was wrong.

use crate::clock::{Clock, Micros};
use crate::faults::Fault;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Latencies, each from the time at which what it answers was meant to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Latency {
    /// Of an answer to a batch over HTTP.
    HttpAck,
    /// Of an answer to a beacon.
    Beacon,
    /// Of an acknowledgement on a socket.
    SocketAck,
    /// The same, where the tester broke the connection in between: what a storm costs its visitors.
    Interrupted,
    /// From the first try to open a socket to its welcome.
    Welcome,
    /// From an event to its push, on an object that was in memory.
    PushAwake,
    /// From an event to its push, on an object that the event woke.
    PushAsleep,
    /// How long after it was due the push of a timer came: of all timers.
    Timer,
    /// The same, on an object that was in memory.
    TimerAwake,
    /// The same, on an object that the timer is proved to have woken.
    TimerAsleep,
    /// How long after it was meant to be sent something was sent that had nothing to wait for: the tester's own lateness.
    Tester,
}

/// Their names in the report, in its order.
pub const LATENCIES: [(Latency, &str); 11] = [
    (Latency::HttpAck, "http_ack"),
    (Latency::Beacon, "beacon_ack"),
    (Latency::SocketAck, "socket_ack"),
    (Latency::Interrupted, "ack_across_storm"),
    (Latency::Welcome, "socket_welcome"),
    (Latency::PushAwake, "push_awake"),
    (Latency::PushAsleep, "push_hibernated"),
    (Latency::Timer, "timer"),
    (Latency::TimerAwake, "timer_awake"),
    (Latency::TimerAsleep, "timer_hibernated"),
    (Latency::Tester, "tester_lateness"),
];

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Count {
    Visitors,
    Requests,
    /// Those of them that reach no object: visitors who ask for a name.
    Names,
    Upgrades,
    /// Messages to the engine, without pings.
    MessagesIn,
    MessagesOut,
    Pings,
    Batches,
    Events,
    Pushes,
    Timers,
    StatePatches,
    Probes,
    Retries,
    UnexpectedCloses,
    Naps,
    NapsProved,
    NapsDisturbed,
    Undecided,
}

/// Their names in the report.
pub const COUNTS: [(Count, &str); 19] = [
    (Count::Visitors, "visitors"),
    (Count::Requests, "http_requests"),
    (Count::Names, "names_given"),
    (Count::Upgrades, "socket_upgrades"),
    (Count::MessagesIn, "socket_messages_in"),
    (Count::MessagesOut, "socket_messages_out"),
    (Count::Pings, "socket_pings"),
    (Count::Batches, "batches_acknowledged"),
    (Count::Events, "events_acknowledged"),
    (Count::Pushes, "pushes"),
    (Count::Timers, "timers"),
    (Count::StatePatches, "state_patches"),
    (Count::Probes, "looks_of_the_tester"),
    (Count::Retries, "retries"),
    (Count::UnexpectedCloses, "unexpected_closes"),
    (Count::Naps, "naps"),
    (Count::NapsProved, "naps_proved"),
    (Count::NapsDisturbed, "naps_disturbed"),
    (Count::Undecided, "undecided"),
];

/// What happened in one second, and how things stood at its end.
#[derive(Clone, Debug, Default)]
pub struct Second {
    pub counts: BTreeMap<Count, u64>,
    pub sockets: u64,
    pub visitors: u64,
}

/// The longest latency that is told apart, in microseconds.
const LONGEST: Micros = 600_000_000;

#[derive(Default)]
pub struct Kept {
    pub latencies: BTreeMap<Latency, Histogram<u64>>,
    pub totals: BTreeMap<Count, u64>,
    pub seconds: Vec<Second>,
    pub sockets: u64,
    pub sockets_most: u64,
    /// Visitors that have arrived and not left.
    pub present: u64,
    pub faults: Vec<Fault>,
    /// When objects are proved to have been out of memory, from and to.
    pub slept: Vec<(Micros, Micros)>,
}

pub struct Recorder {
    clock: Clock,
    kept: Mutex<Kept>,
}

impl Recorder {
    pub fn new(clock: Clock) -> Self {
        Self { clock, kept: Mutex::new(Kept::default()) }
    }

    /// All of it; whoever has it keeps everybody else waiting.
    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts something that happens now.
    pub fn count(&self, what: Count, count: u64) {
        let second = usize::try_from(self.clock.now() / 1_000_000).unwrap_or_default();
        let mut kept = self.kept();
        *kept.totals.entry(what).or_default() += count;
        *kept.second(second).counts.entry(what).or_default() += count;
    }

    pub fn total(&self, what: Count) -> u64 {
        self.kept().totals.get(&what).copied().unwrap_or_default()
    }

    /// Records a latency.
    pub fn took(&self, what: Latency, latency: Micros) {
        let mut kept = self.kept();
        let histogram = kept
            .latencies
            .entry(what)
            .or_insert_with(|| Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are in order"));
        histogram.saturating_record(latency.max(1));
    }

    pub fn socket_opened(&self) {
        let mut kept = self.kept();
        kept.sockets += 1;
        kept.sockets_most = kept.sockets_most.max(kept.sockets);
    }

    pub fn socket_closed(&self) {
        self.kept().sockets -= 1;
    }

    pub fn arrived(&self) {
        self.kept().present += 1;
    }

    pub fn left(&self) {
        self.kept().present -= 1;
    }

    pub fn fault(&self, fault: Fault) {
        self.kept().faults.push(fault);
    }

    /// An object is proved to have been out of memory for this time.
    pub fn slept(&self, from: Micros, to: Micros) {
        self.kept().slept.push((from, to));
    }

    /// Notes how things stand, once a second.
    pub fn sample(&self) {
        let second = usize::try_from(self.clock.now() / 1_000_000).unwrap_or_default();
        let mut kept = self.kept();
        let (sockets, visitors) = (kept.sockets, kept.present);
        let sample = kept.second(second);
        (sample.sockets, sample.visitors) = (sockets, visitors);
    }
}

impl Kept {
    fn second(&mut self, at: usize) -> &mut Second {
        while self.seconds.len() <= at {
            // A second that nobody looked at stands as the one before it.
            let before = self.seconds.last().map_or((0, 0), |last| (last.sockets, last.visitors));
            self.seconds.push(Second { sockets: before.0, visitors: before.1, ..Second::default() });
        }
        &mut self.seconds[at]
    }

    /// A percentile in milliseconds; `None` when nothing was measured.
    #[expect(clippy::cast_precision_loss, reason = "microseconds of minutes")]
    pub fn percentile_ms(&self, what: Latency, percent: f64) -> Option<f64> {
        self.latencies.get(&what).map(|histogram| histogram.value_at_percentile(percent) as f64 / 1_000.0)
    }
}
