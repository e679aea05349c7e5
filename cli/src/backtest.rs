//! `footfall backtest`: lets recorded visitors live again under a rule set, and says what it would have done.

mod lines;
mod progress;
mod recording;
mod replay;
mod report;
mod row;
mod settings;
mod tally;

use crate::documents::Documents;
use crate::{Refusal, Verdict};
use footfall::engine::Config;
use footfall_simulator::parse_time;
use progress::Progress;
use recording::Recording;
use replay::Set;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use tally::Tally;

/// Replay recorded visitors under a rule set: how often each rule would have fired, for whom and when.
///
/// With --against also under another rule set, such as the published one, and says what differs. It is the engine that
/// runs live: on what was recorded under the same rules it finds the same triggers. A trigger that waited for a time has
/// that time here; live it is recorded when the wake came, some milliseconds later.
///
/// RECORDS are the rows of the table `records`: JSON objects, one a line, with site, visitor, incarnation, seq (or id,
/// which ends with it), at_ms, kind, name, session and data (an object, or the JSON text of one); or a JSON array of
/// them, or what `wrangler d1 execute --json` prints. Any of it may be gzipped; `-` is standard input. The order does
/// not matter and a repeated record counts once. A line that is no record is counted and left out.
///
/// Everything is held in memory: about 100 bytes and the text of its data for each record, a million of usual ones in
/// well under 1 GB. A JSON array is held whole besides; lines are not.
///
/// Exits with 1 when a document has a fault or nothing could be replayed, and with 2 when a file cannot be read.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  footfall backtest --rules draft.json records.ndjson
  footfall backtest --rules draft.json --against published.json --list 50 2026-11-*.ndjson.gz
  footfall backtest --rules draft.json --site-settings '{\"session_idle\":\"10m\"}' --json records.ndjson
  npx wrangler d1 execute DB --remote --json --command \\
    \"SELECT * FROM records WHERE at_ms > 1795255200000\" | footfall backtest --rules draft.json -")]
pub(crate) struct Arguments {
    /// The files of records; `-` is standard input.
    #[arg(required = true)]
    records: Vec<PathBuf>,
    /// Rules, segments and stages to try; may be given several times.
    #[arg(long, value_name = "FILE", required = true)]
    rules: Vec<PathBuf>,
    /// Rules, segments and stages to compare with, such as the published ones; may be given several times.
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
    /// The site whose records count; needed when there are several.
    #[arg(long)]
    site: Option<String>,
    /// How the site keeps its visitors, as in `[vars] SITES`: the site's object, or all of it.
    #[arg(long, value_name = "JSON")]
    site_settings: Option<String>,
    /// Until when time goes on for every visitor, in RFC 3339 [default: the newest record's time].
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<u64>,
    /// How many visitors to name, for each rule that differs.
    #[arg(long, value_name = "N", default_value_t = 10)]
    list: usize,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Print every firing as a line of CSV: set,rule,visitor,incarnation,session,at_ms,outcome.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Say on standard error how far it is, also when that is no terminal.
    #[arg(long)]
    progress: bool,
}

pub(crate) fn run(arguments: &Arguments, out: &mut impl Write) -> Result<Verdict, Refusal> {
    let settings = settings::Chosen::parse(arguments.site_settings.as_deref())?;
    let (rules, mut faults) = Documents::read(&arguments.rules)?.compile();
    let against = if arguments.against.is_empty() {
        None
    } else {
        let (against, more) = Documents::read(&arguments.against)?.compile();
        faults.extend(more);
        Some(against)
    };
    if !faults.is_empty() {
        faults.iter().try_for_each(|fault| writeln!(out, "{fault}"))?;
        return Ok(Verdict::Bad);
    }
    let mut progress = Progress::new(arguments.progress, std::io::stderr().is_terminal());
    let recording = Recording::read(&arguments.records, arguments.site.as_deref(), &mut progress)?;
    let settings = settings.of(&recording.site)?;
    let set = |rules| Set::new(Config { settings: settings.clone(), rules, version: 1 });
    let sets: Vec<Set> = std::iter::once(rules).chain(against).map(set).collect();
    let until_ms = arguments.until.unwrap_or(recording.span_ms.1);
    let outcomes = replay::replay(&recording, &sets, until_ms, &mut progress);
    progress.end();
    if arguments.csv {
        report::csv(&recording, &outcomes, &sets, out)?;
    } else {
        let tally = Tally::of(&recording, &outcomes, &sets, arguments.list);
        if arguments.json { report::json(&tally, out)? } else { report::text(&tally, out)? }
    }
    let replayed: u64 = outcomes.iter().map(|outcome| outcome.replayed).sum();
    Ok(if replayed == 0 { Verdict::Bad } else { Verdict::Good })
}

fn time(text: &str) -> Result<u64, String> {
    parse_time(text).ok_or_else(|| "write it like 2026-11-21T10:00:00Z".to_owned())
}
