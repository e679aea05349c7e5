//! The load tester: visitors of a shop's day against a running engine, measured from when each thing was meant to happen,
//! and everything that they are told compared with what they must be told.

mod bare;
mod charts;
mod clock;
mod engine;
mod events;
mod faults;
mod http;
mod ledger;
mod nap;
mod options;
mod page;
mod plan;
mod process;
mod progress;
mod recorder;
mod report;
mod rules;
mod run;
mod sleepers;
mod socket;
mod tab;
mod visitor;
mod wire;

use options::{HELP, Options};
use std::process::ExitCode;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1), |name| std::env::var(name).ok()) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => return refuse(&error),
    };
    // Whichever way it ends, what was started is stopped with it.
    tokio::select! {
        ended = run::run(options) => match ended {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => refuse(&error),
        },
        () = told_to_stop() => refuse("stopped before its end"),
    }
}

async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupted), Ok(mut terminated)) => {
            tokio::select! { _ = interrupted.recv() => {}, _ = terminated.recv() => {} }
        }
        _ => std::future::pending().await,
    }
}

fn refuse(error: &str) -> ExitCode {
    eprintln!("load   {error}");
    ExitCode::from(2)
}
