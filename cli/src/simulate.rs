//! `footfall simulate FILE…`: plays written scenarios with the engine that runs live, and says what came of them.

use crate::documents::{Documents, counted};
use crate::{Refusal, Verdict, input, told};
use footfall::engine::fault::RuleFault;
use footfall::engine::rules::RuleSet;
use footfall_protocol::Value;
use footfall_simulator::{Scenario, Sim, Timeline};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Play written scenarios: what a visitor does and when, and what is expected to come of it.
///
/// Prints a timeline of each: events, changes of stage and segments, firings with the events that made them and what
/// they push, retractions, records, traits, and the times that rules wait for. Then it compares `expect` with what
/// happened. docs/scenarios.md says how a scenario is written.
///
/// Exits with 1 when something is not as expected or a document has a fault, and with 2 when a file cannot be read. A
/// fault is a line `FILE: /pointer: code: what to write instead`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  footfall simulate minute.json
  footfall simulate --rules examples/store/rules.json stories/*.json
  footfall simulate --rules rules.json --explain social-proof minute.json")]
pub(crate) struct Arguments {
    /// The scenarios, each a file of its own.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The site's rules, segments and stages, for scenarios that bring none; may be given several times.
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// Print one JSON object for each scenario, on a line of its own.
    #[arg(long)]
    json: bool,
    /// Explain this rule at the end of each scenario: what held, what did not, what is still awaited.
    #[arg(long, value_name = "RULE")]
    explain: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, out: &mut impl Write) -> Result<Verdict, Refusal> {
    let documents = Documents::read(&arguments.rules)?;
    let (_, faults) = documents.compile();
    if !faults.is_empty() {
        faults.iter().try_for_each(|fault| writeln!(out, "{fault}"))?;
        return Ok(Verdict::Bad);
    }
    let site = documents.as_site();
    let mut good = true;
    for (at, file) in arguments.files.iter().enumerate() {
        let text = input::text(file)?;
        let played = Scenario::parse(&text).and_then(|scenario| Ok((scenario.rule_set(&site)?, scenario)));
        let fine = match played {
            Err(faults) if faults.iter().any(|fault| fault.code == "malformed") => {
                return Err(Refusal(format!("{}: {}", file.display(), faults[0].message)));
            }
            Err(faults) => tell_faults(arguments, file, &faults, out)?,
            Ok((rules, scenario)) => {
                if at > 0 && !arguments.json {
                    writeln!(out)?;
                }
                tell(arguments, file, &scenario, rules, out)?
            }
        };
        good &= fine;
    }
    Ok(if good { Verdict::Good } else { Verdict::Bad })
}

fn tell_faults(
    arguments: &Arguments,
    file: &Path,
    faults: &[RuleFault],
    out: &mut impl Write,
) -> Result<bool, Refusal> {
    if arguments.json {
        let fault = |fault: &RuleFault| json!({"pointer": fault.pointer, "code": fault.code, "message": fault.message});
        let faults: Vec<_> = faults.iter().map(fault).collect();
        writeln!(out, "{}", json!({"file": file.display().to_string(), "passed": false, "faults": faults}))?;
    } else {
        for RuleFault { pointer, code, message } in faults {
            writeln!(out, "{}: {pointer}: {code}: {message}", file.display())?;
        }
    }
    Ok(false)
}

/// Plays one scenario; whether everything is as expected.
fn tell(
    arguments: &Arguments,
    file: &Path,
    scenario: &Scenario,
    rules: RuleSet,
    out: &mut impl Write,
) -> Result<bool, Refusal> {
    let (timeline, sim) = scenario.run_to_the_end(rules);
    let differences = scenario.differences(&timeline);
    let explained = arguments.explain.as_ref().map(|rule| explain(&sim, rule, &timeline));
    if arguments.json {
        let mut told = json!({
            "file": file.display().to_string(),
            "passed": differences.is_empty(),
            "timeline": timeline,
            "differences": differences,
        });
        if let Some(explained) = explained {
            told["explained"] = serde_json::to_value(explained).unwrap_or_default();
        }
        writeln!(out, "{told}")?;
        return Ok(differences.is_empty());
    }
    write!(out, "{timeline}")?;
    if let Some(explained) = explained {
        write!(out, "{}", told::told(&explained))?;
    }
    let expected = scenario.expect.as_ref().map_or(0, Vec::len);
    match (&scenario.expect, differences.len()) {
        (None, _) => writeln!(out, "nothing is expected in particular")?,
        (Some(_), 0) => writeln!(out, "as expected: {}, and nothing else", counted(expected, "thing"))?,
        (Some(_), wrong) => writeln!(out, "NOT AS EXPECTED: {}", counted(wrong, "difference"))?,
    }
    for difference in &differences {
        let place = difference.pointer.as_ref().map(|pointer| format!("{pointer}: ")).unwrap_or_default();
        writeln!(out, "{}: {place}{}", file.display(), difference.message)?;
    }
    Ok(differences.is_empty())
}

fn explain(sim: &Sim, rule: &str, timeline: &Timeline) -> Value {
    sim.visitor.explain(rule, timeline.end_ms, &sim.config)
}
