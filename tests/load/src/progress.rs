//! How it goes, on stderr: one line that is written anew on a terminal, lines otherwise.

use crate::clock::{Clock, Micros};
use crate::recorder::{Count, Latency, Recorder};
use std::io::{IsTerminal as _, Write as _, stderr};

/// Without a terminal a line so often, in seconds.
const PLAIN_S: u64 = 5;

pub struct Progress {
    ends: Micros,
    terminal: bool,
    ticks: u64,
    events: u64,
    pushes: u64,
}

impl Progress {
    /// For a run after whose end visitors only finish what they have begun.
    pub fn begin(ends: Micros) -> Self {
        Self { ends, terminal: stderr().is_terminal(), ticks: 0, events: 0, pushes: 0 }
    }

    /// Called each second.
    pub fn tell(&mut self, clock: Clock, recorder: &Recorder) {
        self.ticks += 1;
        if !self.terminal && !self.ticks.is_multiple_of(PLAIN_S) {
            return;
        }
        let per = if self.terminal { 1 } else { PLAIN_S };
        let kept = recorder.kept();
        let total = |what| kept.totals.get(&what).copied().unwrap_or_default();
        let (events, pushes) = (total(Count::Events), total(Count::Pushes));
        let ms =
            |what, percent| kept.percentile_ms(what, percent).map_or_else(|| "–".to_owned(), |ms| format!("{ms:.1}"));
        let line = format!(
            "{} of {}  {} came, {} here, {} sockets  {} events/s, {} pushes/s  push {} / {} ms (median / 99 %)  asleep {} of {}  {} faults",
            minutes(clock.now()),
            minutes(self.ends),
            total(Count::Visitors),
            kept.present,
            kept.sockets,
            (events - self.events) / per,
            (pushes - self.pushes) / per,
            ms(Latency::PushAwake, 50.0),
            ms(Latency::PushAwake, 99.0),
            total(Count::NapsProved),
            total(Count::Naps),
            kept.faults.len(),
        );
        drop(kept);
        (self.events, self.pushes) = (events, pushes);
        if self.terminal {
            eprint!("\r\x1b[K{line}");
            drop(stderr().flush());
        } else {
            eprintln!("{line}");
        }
    }

    /// The line stays as it is.
    pub fn end(&self) {
        if self.terminal {
            eprintln!();
        }
    }
}

fn minutes(at: Micros) -> String {
    let seconds = at / 1_000_000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
