//! The load tester: visitors of a shop's day against a running engine, measured from when each thing was meant to happen,
//! and everything that they are told compared with what they must be told.

mod clock;
mod engine;
mod events;
mod faults;
mod http;
mod ledger;
mod nap;
mod options;
mod plan;
mod recorder;
mod rules;
mod run;
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
    match run::run(options).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &str) -> ExitCode {
    eprintln!("load   {error}");
    ExitCode::from(2)
}
