//! The load generator of the whole-path benchmark: plays a file of HTTP requests over kept connections and prints one line
//! of JSON.
//!
//! The file holds requests as they go over the wire, each behind its length (4 bytes, little endian). Every run of twelve
//! `@` in one is replaced by a number of its own, so that no event is a repeat of another. Closed loop: as fast as so many
//! connections can; with `--rate` open loop: each request has its time, from which its latency counts, so that a server
//! that falls behind cannot hide it.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

mod connection;
mod options;
mod processor;
mod requests;

use connection::Connection;
use options::Options;
use requests::Requests;
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What one connection saw.
#[derive(Default)]
struct Seen {
    latencies_us: Vec<u32>,
    failures: Vec<String>,
}

/// Requests that are still to be sent, and when they end.
struct Plan<'a> {
    options: &'a Options,
    requests: &'a Requests,
    next: AtomicU64,
    /// How many, if not as many as fit in the time.
    count: Option<u64>,
    began: Instant,
    lasts: Duration,
}

impl Plan<'_> {
    /// The next request's place and the time that it is to be sent at.
    fn take(&self) -> Option<(u64, Instant)> {
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        if self.count.is_some_and(|count| at >= count) {
            return None;
        }
        let due = match self.options.rate {
            Some(rate) if self.count.is_none() => self.began + Duration::from_secs_f64(at as f64 / rate),
            _ => Instant::now(),
        };
        (self.count.is_some() || due.duration_since(self.began) < self.lasts).then_some((at, due))
    }

    fn play(&self, from: u64, connection: &mut Connection) -> Seen {
        let mut seen = Seen::default();
        let mut bytes = Vec::new();
        while let Some((at, due)) = self.take() {
            self.requests.write((from + at) as usize, &mut bytes);
            if let Some(wait) = due.checked_duration_since(Instant::now()) {
                thread::sleep(wait);
            }
            match connection.ask(&bytes, &self.options.expect) {
                Ok(()) => seen.latencies_us.push(u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX)),
                Err(failure) => {
                    seen.failures.push(failure);
                    connection.open();
                }
            }
        }
        seen
    }
}

/// Plays requests over all connections.
fn play(options: &Options, requests: &Requests, connections: &mut [Connection], from: u64, count: Option<u64>) -> Seen {
    let lasts = Duration::from_secs_f64(options.seconds);
    let plan = Plan { options, requests, next: AtomicU64::new(0), count, began: Instant::now(), lasts };
    let mut all = Seen::default();
    thread::scope(|scope| {
        let threads: Vec<_> =
            connections.iter_mut().map(|connection| scope.spawn(|| plan.play(from, connection))).collect();
        for seen in threads.into_iter().map(|thread| thread.join().expect("a connection's thread does not panic")) {
            all.latencies_us.extend(seen.latencies_us);
            all.failures.extend(seen.failures);
        }
    });
    all
}

fn main() {
    let options = Options::from_arguments();
    let requests = Requests::load(&options);
    let mut connections: Vec<Connection> =
        (0..options.connections).map(|_| Connection::new(&options.address)).collect();
    let warm = play(&options, &requests, &mut connections, options.from, Some(options.warm));
    let used_ms = processor::used_ms(options.pid);
    let own_ms = processor::used_ms(std::process::id());
    let began = Instant::now();
    let count = options.count;
    let mut seen = play(&options, &requests, &mut connections, options.from + options.warm, count);
    let seconds = began.elapsed().as_secs_f64();
    let used_ms = processor::used_ms(options.pid) - used_ms;
    let own_ms = processor::used_ms(std::process::id()) - own_ms;
    seen.latencies_us.sort_unstable();
    let at = |part: f64| {
        let last = seen.latencies_us.len().saturating_sub(1);
        seen.latencies_us.get((last as f64 * part).round() as usize).copied()
    };
    let failures = warm.failures.len() + seen.failures.len();
    println!(
        "{}",
        json!({
            "requests": seen.latencies_us.len(), "seconds": seconds, "cpu_ms": used_ms, "generator_cpu_ms": own_ms,
            "failures": failures, "failure": warm.failures.first().or(seen.failures.first()),
            "next": options.from + options.warm + (seen.latencies_us.len() + seen.failures.len()) as u64,
            "p50_us": at(0.5), "p90_us": at(0.9), "p99_us": at(0.99), "max_us": at(1.0),
        })
    );
}
