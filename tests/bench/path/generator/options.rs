//! What the generator is told on its command line.

use std::str::FromStr;

pub(crate) struct Options {
    /// Host and port.
    pub(crate) address: String,
    /// The file of requests.
    pub(crate) requests: String,
    pub(crate) connections: usize,
    /// How long to measure, in seconds.
    pub(crate) seconds: f64,
    /// Requests a second; absent: as many as are answered.
    pub(crate) rate: Option<f64>,
    /// So many requests instead of a time.
    pub(crate) count: Option<u64>,
    /// Requests before the measurement.
    pub(crate) warm: u64,
    /// The place of the first request, so that a later run goes on where an earlier one ended.
    pub(crate) from: u64,
    /// Makes the numbers of this run others than those of any other run.
    pub(crate) run: u64,
    /// The process whose processor time counts.
    pub(crate) pid: u32,
    /// What an answer must contain; twelve `@` in it stand for the request's own number.
    pub(crate) expect: String,
    /// A file of upgrade requests: then the requests are frames, each for the socket at its place, round and round.
    pub(crate) sockets: Option<String>,
    /// A file of the sockets' first frames.
    pub(crate) first: Option<String>,
    /// What the answer to a first frame must contain.
    pub(crate) welcome: String,
    /// How long the sockets are left alone before the measurement, in seconds.
    pub(crate) sleep: f64,
}

impl Options {
    /// `--name value …`; ends the process with a sentence when something is wrong.
    pub(crate) fn from_arguments() -> Self {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let text = |name: &str| {
            let at = arguments.iter().position(|argument| argument == &format!("--{name}"))?;
            arguments.get(at + 1).cloned()
        };
        fn number<T: FromStr>(name: &str, text: Option<String>) -> Option<T> {
            text.map(|text| text.parse().unwrap_or_else(|_| quit(&format!("--{name} {text} is no number"))))
        }
        let needed = |name: &str| text(name).unwrap_or_else(|| quit(&format!("--{name} is missing")));
        Self {
            address: needed("address"),
            requests: needed("requests"),
            connections: number("connections", text("connections")).unwrap_or(32),
            seconds: number("seconds", text("seconds")).unwrap_or(5.0),
            rate: number("rate", text("rate")),
            count: number("count", text("count")),
            warm: number("warm", text("warm")).unwrap_or(0),
            from: number("from", text("from")).unwrap_or(0),
            run: number("run", text("run")).unwrap_or(0),
            pid: number("pid", text("pid")).unwrap_or_else(std::process::id),
            expect: text("expect").unwrap_or_default(),
            sockets: text("sockets"),
            first: text("first"),
            welcome: text("welcome").unwrap_or_default(),
            sleep: number("sleep", text("sleep")).unwrap_or(0.0),
        }
    }
}

/// Ends the process with a sentence.
pub(crate) fn quit(sentence: &str) -> ! {
    eprintln!("generator: {sentence}");
    std::process::exit(2);
}
