//! The command line tool: one subcommand a file, each over the engine that also runs live.

mod archive;
mod backtest;
mod check;
mod conformance;
mod documents;
mod input;
mod simulate;
mod told;

use clap::{Parser, Subcommand};
use std::io::{self, Write};
use std::process::ExitCode;

/// Checks and tries Footfall's rules with the engine that runs them live, and opens what it archived.
#[derive(Parser)]
#[command(name = "footfall", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Archive(archive::Arguments),
    Backtest(backtest::Arguments),
    Check(check::Arguments),
    Conformance(conformance::Arguments),
    Simulate(simulate::Arguments),
}

/// How a subcommand that did its work ended.
enum Verdict {
    /// Exit code 0.
    Good,
    /// What was examined is not right: exit code 1.
    Bad,
}

/// Why a subcommand could not do its work: exit code 2, with this sentence on standard error.
struct Refusal(String);

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self(format!("the output cannot be written: {error}"))
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let verdict = match arguments.command {
        Command::Archive(arguments) => archive::run(&arguments, &mut out),
        Command::Backtest(arguments) => backtest::run(&arguments, &mut out),
        Command::Check(arguments) => check::run(&arguments, &mut out),
        Command::Conformance(arguments) => conformance::run(&arguments, &mut out),
        Command::Simulate(arguments) => simulate::run(&arguments, &mut out),
    };
    // What was said before a refusal is said all the same, and a reader who has gone away needs no second message.
    let flushed = out.flush();
    match verdict.and_then(|verdict| Ok(flushed.map(|()| verdict)?)) {
        Ok(Verdict::Good) => ExitCode::SUCCESS,
        Ok(Verdict::Bad) => ExitCode::from(1),
        Err(Refusal(why)) => {
            eprintln!("footfall: {why}");
            ExitCode::from(2)
        }
    }
}
