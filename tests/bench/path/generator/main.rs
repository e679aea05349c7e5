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
mod socket;

use connection::Connection;
use options::Options;
use requests::Requests;
use serde_json::json;
use socket::Socket;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What one connection saw.
#[derive(Default)]
struct Seen {
    latencies_us: Vec<u32>,
    failures: Vec<String>,
}

/// What requests are sent over.
enum Link {
    Http(Connection),
    Socket(Socket),
}

impl Link {
    fn ask(&mut self, bytes: &[u8], expect: &str) -> Result<(), String> {
        match self {
            Self::Http(connection) => connection.ask(bytes, expect).inspect_err(|_| connection.open()),
            Self::Socket(socket) => socket.ask(bytes, expect),
        }
    }
}

/// Requests that are still to be sent, and when they end.
struct Plan<'a> {
    options: &'a Options,
    requests: &'a Requests,
    links: &'a [Mutex<Link>],
    next: AtomicU64,
    /// How many, if not as many as fit in the time.
    count: Option<u64>,
    began: Instant,
    lasts: Duration,
    /// Before the measurement nothing is paced.
    is_warming: bool,
}

impl Plan<'_> {
    /// The next request's place and the time that it is to be sent at.
    fn take(&self) -> Option<(u64, Instant)> {
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        if self.count.is_some_and(|count| at >= count) {
            return None;
        }
        let due = match self.options.rate {
            Some(rate) if !self.is_warming => self.began + Duration::from_secs_f64(at as f64 / rate),
            _ => Instant::now(),
        };
        (self.count.is_some() || due.duration_since(self.began) < self.lasts).then_some((at, due))
    }

    fn play(&self, from: u64, thread: usize) -> Seen {
        let mut seen = Seen::default();
        let mut bytes = Vec::new();
        while let Some((at, due)) = self.take() {
            let number = self.requests.write((from + at) as usize, &mut bytes);
            let expect = self.options.expect.replace("@@@@@@@@@@@@", &format!("{number:012x}"));
            if let Some(wait) = due.checked_duration_since(Instant::now()) {
                thread::sleep(wait);
            }
            // A socket is one visitor's; over HTTP each thread has a connection of its own.
            let place = if self.options.sockets.is_some() { (from + at) as usize } else { thread };
            let mut link = self.links[place % self.links.len()].lock().expect("no thread panics");
            match link.ask(&bytes, &expect) {
                Ok(()) => seen.latencies_us.push(u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX)),
                Err(failure) => seen.failures.push(failure),
            }
        }
        seen
    }
}

/// Plays requests over all links.
fn play(options: &Options, requests: &Requests, links: &[Mutex<Link>], from: u64, warm: bool) -> Seen {
    let lasts = Duration::from_secs_f64(options.seconds);
    let count = if warm { Some(options.warm) } else { options.count };
    let plan = Plan {
        options,
        requests,
        links,
        next: AtomicU64::new(0),
        count,
        began: Instant::now(),
        lasts,
        is_warming: warm,
    };

    let mut all = Seen::default();
    thread::scope(|scope| {
        let plan = &plan;
        let threads: Vec<_> =
            (0..options.connections).map(|number| scope.spawn(move || plan.play(from, number))).collect();
        for seen in threads.into_iter().map(|thread| thread.join().expect("a connection's thread does not panic")) {
            all.latencies_us.extend(seen.latencies_us);
            all.failures.extend(seen.failures);
        }
    });
    all
}

/// Opens what requests are sent over.
fn open(options: &Options) -> Vec<Mutex<Link>> {
    let Some(sockets) = &options.sockets else {
        let connect = |_| Mutex::new(Link::Http(Connection::new(&options.address)));
        return (0..options.connections).map(connect).collect();
    };
    let upgrades = Requests::load(sockets, options.run);
    let first = options.first.as_ref().map(|first| Requests::load(first, options.run));
    let connect = |at: usize| {
        let (mut upgrade, mut frame) = (Vec::new(), Vec::new());
        upgrades.write(at, &mut upgrade);
        if let Some(first) = &first {
            first.write(at, &mut frame);
        }
        let socket =
            Socket::open(&options.address, &upgrade, first.as_ref().map(|_| frame.as_slice()), &options.welcome);
        Mutex::new(Link::Socket(socket.unwrap_or_else(|failure| options::quit(&failure))))
    };
    (0..upgrades.len()).map(connect).collect()
}

fn main() {
    let options = Options::from_arguments();
    let requests = Requests::load(&options.requests, options.run);
    let links = open(&options);
    let warm = play(&options, &requests, &links, options.from, true);
    thread::sleep(Duration::from_secs_f64(options.sleep));
    let used_ms = processor::used_ms(options.pid);
    let own_ms = processor::used_ms(std::process::id());
    let began = Instant::now();
    let mut seen = play(&options, &requests, &links, options.from + options.warm, false);
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
