//! How far a backtest is, on standard error: a line that renews itself at a terminal, lines now and then elsewhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Between two messages at a terminal, and elsewhere.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(2)];
/// Records that are read between two looks at the clock.
const LOOK_EVERY: u64 = 4_096;

/// Tells how far it is, or nothing at all.
pub(super) struct Progress {
    shown: bool,
    terminal: bool,
    phase: Instant,
    told: Instant,
    /// Bytes to read; none when a file has no size, such as standard input.
    bytes: Option<u64>,
    lives: usize,
    records: usize,
}

#[expect(clippy::disallowed_methods, reason = "how fast it goes is no part of what is found")]
fn now() -> Instant {
    Instant::now()
}

fn size(file: &Path) -> Option<u64> {
    fs::metadata(file).ok().filter(fs::Metadata::is_file).map(|file| file.len())
}

impl Progress {
    /// `wanted` shows it everywhere, `terminal` says that standard error is one.
    pub(super) fn new(wanted: bool, terminal: bool) -> Self {
        let now = now();
        Self { shown: wanted || terminal, terminal, phase: now, told: now, bytes: None, lives: 0, records: 0 }
    }

    pub(super) fn will_read(&mut self, files: &[PathBuf]) {
        self.bytes = files.iter().map(|file| size(file)).sum();
    }

    /// Bytes of the files before this one.
    pub(super) fn bytes_before(&self, files: &[PathBuf], at: usize) -> u64 {
        files[..at].iter().filter_map(|file| size(file)).sum()
    }

    pub(super) fn reading(&mut self, records: u64, bytes: u64) {
        if self.shown && records.is_multiple_of(LOOK_EVERY) && self.is_time() {
            let rest = self.bytes.map(|all| (bytes as f64, all as f64));
            self.tell(&format!("{records} records read, {}", self.speed(records as f64, rest)));
        }
    }

    pub(super) fn will_replay(&mut self, lives: usize, records: usize) {
        self.phase = now();
        (self.lives, self.records) = (lives, records);
    }

    pub(super) fn replaying(&mut self, lives: usize, records: usize) {
        if self.shown && (self.is_time() || lives == self.lives) {
            let rest = Some((records as f64, self.records as f64));
            let speed = self.speed(records as f64, rest);
            self.tell(&format!("{lives} of {} visitors replayed, {records} records, {speed}", self.lives));
        }
    }

    /// The last message stays; what comes after it begins on a line of its own.
    pub(super) fn end(&self) {
        if self.shown && self.terminal {
            eprintln!();
        }
    }

    fn is_time(&self) -> bool {
        now().duration_since(self.told) >= PAUSES[usize::from(!self.terminal)]
    }

    fn speed(&self, records: f64, rest: Option<(f64, f64)>) -> String {
        let seconds = now().duration_since(self.phase).as_secs_f64().max(0.001);
        let left = rest.filter(|(done, _)| *done > 0.0).map(|(done, all)| (all - done).max(0.0) * seconds / done);
        let left = left.map(|left| format!(", {left:.0} s left")).unwrap_or_default();
        format!("{:.0} a second{left}", records / seconds)
    }

    fn tell(&mut self, message: &str) {
        self.told = now();
        if self.terminal { eprint!("\r{message}\x1b[K") } else { eprintln!("{message}") }
    }
}
