//! Bare alarms: what the platform itself takes for a sleeping object with a socket and for an alarm, without an engine.

use crate::clock::{Clock, Micros, seconds};
use crate::process;
use crate::sleepers::{ASLEEP, WINDOW};
use futures_util::{SinkExt as _, StreamExt as _};
use hdrhistogram::Histogram;
use serde::Deserialize;
use serde_json::Value;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// An alarm that has not rung so long after it was due is lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was found.
#[derive(Clone, Debug)]
pub struct Bare {
    /// How late each alarm's message was, in microseconds.
    pub late: Histogram<u64>,
    pub lost: usize,
    pub early: usize,
    /// Of each sleeping object with its socket, in bytes.
    pub memory_each: Option<u64>,
}

impl Bare {
    /// One line for people.
    #[expect(clippy::cast_precision_loss, reason = "microseconds of minutes")]
    pub fn line(&self) -> String {
        let ms = |percent| self.late.value_at_percentile(percent) as f64 / 1_000.0;
        format!(
            "{} bare alarms: {:.1} ms late in the median, {:.1} ms at 99 %; {} lost, {} early",
            self.late.len(),
            ms(50.0),
            ms(99.0),
            self.lost,
            self.early
        )
    }
}

#[derive(Deserialize)]
struct Ready {
    address: String,
    runtime_pid: u32,
}

/// Sets so many alarms, so many in a second, that are due in the same few seconds.
///
/// # Errors
/// A sentence about why there are none.
pub async fn measure(alarms: usize, rate: f64) -> Result<Bare, String> {
    let mut command = Command::new("node_modules/.bin/node");
    command.arg("tests/load/bare.mjs").stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| format!("the bare alarms cannot be started: {error}"))?;
    let stdout = child.stdout.take().ok_or("the bare alarms have no output")?;
    let line = BufReader::new(stdout).lines().next_line().await.map_err(|error| error.to_string())?;
    let ready: Option<Ready> = line.and_then(|line| serde_json::from_str(&line).ok());
    let Ready { address, runtime_pid } = ready.ok_or("the bare alarms did not start")?;
    let bare = play(alarms, rate, address.trim_start_matches("ws://").trim_end_matches('/'), runtime_pid).await;
    if let Some(id) = child.id() {
        drop(Command::new("kill").args(["-TERM", &id.to_string()]).status().await);
    }
    drop(tokio::time::timeout(Duration::from_secs(20), child.wait()).await);
    bare
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are small"
)]
async fn play(alarms: usize, rate: f64, host: &str, runtime: u32) -> Result<Bare, String> {
    let clock = Clock::begin();
    let before = process::standing(runtime);
    let nth = |number: usize| (number as f64 / rate * 1e6) as Micros;
    let due = nth(alarms) + ASLEEP + seconds(6);
    let mut all = JoinSet::new();
    for number in 0..alarms {
        // Spread over the window in another order than they are set in.
        let mine = due + (number * 7_919 % alarms) as Micros * WINDOW / alarms as Micros;
        all.spawn(one(clock, host.to_owned(), number, nth(number), mine));
    }
    let asleep = tokio::spawn(async move {
        clock.until(due - seconds(3)).await;
        process::standing(runtime)
    });
    let late = Histogram::new_with_bounds(1, 600_000_000, 3).map_err(|error| error.to_string())?;
    let mut bare = Bare { late, lost: 0, early: 0, memory_each: None };
    while let Some(one) = all.join_next().await {
        match one.unwrap_or_else(|error| Err(error.to_string())) {
            Ok((due, heard)) if heard + 1_000 >= due => bare.late.saturating_record(heard.saturating_sub(due).max(1)),
            Ok(_) => bare.early += 1,
            Err(_) => bare.lost += 1,
        }
    }
    let grown =
        before.zip(asleep.await.ok().flatten()).map(|(before, asleep)| asleep.memory.saturating_sub(before.memory));
    bare.memory_each = grown.map(|grown| grown / alarms.max(1) as u64);
    Ok(bare)
}

/// One alarm: when it was due and when its message came.
async fn one(
    clock: Clock,
    host: String,
    number: usize,
    begins: Micros,
    due: Micros,
) -> Result<(Micros, Micros), String> {
    clock.until(begins).await;
    let stream = TcpStream::connect(&host).await.map_err(|error| error.to_string())?;
    let config = WebSocketConfig::default().read_buffer_size(4 * 1_024).write_buffer_size(0);
    let opened = client_async_with_config(format!("ws://{host}/{number}"), stream, Some(config)).await;
    let (mut socket, _) = opened.map_err(|error| error.to_string())?;
    let ahead_ms = due.saturating_sub(clock.now()) / 1_000;
    socket.send(Message::text(ahead_ms.to_string())).await.map_err(|error| error.to_string())?;
    let rang = async {
        while let Some(Ok(message)) = socket.next().await {
            let heard = clock.now();
            let told: Value =
                message.to_text().ok().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
            if told["type"] == "rang" {
                return Ok((clock.of_wall_ms(told["due_ms"].as_u64().unwrap_or_default()), heard));
            }
        }
        Err("the socket ended".to_owned())
    };
    let longest = Duration::from_micros(due.saturating_sub(clock.now())) + PATIENCE;
    tokio::time::timeout(longest, rang).await.unwrap_or_else(|_| Err("it never rang".into()))
}
