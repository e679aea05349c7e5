//! `footfall conformance FILE`: runs cases in the format of GrowthBook's and says which fail.

mod answer;
mod format;

use crate::{Refusal, Verdict, input};
use answer::{Answer, answer};
use format::{Case, Suite};
use std::io::Write;
use std::path::PathBuf;

/// Run a file of cases in the format of GrowthBook's SDKs.
///
/// The file is a JSON object: the name of a section, then its cases, and `specVersion`. Each failure is named by section
/// and case; the last line counts them. Exits with 1 when a case failed, and with 2 when the file cannot be read or is
/// not in the format.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The file of cases.
    file: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, out: &mut impl Write) -> Result<Verdict, Refusal> {
    let path = &arguments.file;
    let text = input::text(path)?;
    let suite = Suite::parse(&text).map_err(|why| Refusal(format!("{}: {why}", path.display())))?;
    writeln!(out, "cases of specification {}", suite.version)?;
    let (mut passed, mut failed) = (0, 0);
    for section in &suite.sections {
        let before = failed;
        for case in &section.cases {
            if tell(section.name, case, out)? {
                passed += 1;
            } else {
                failed += 1;
            }
        }
        let wrong = failed - before;
        writeln!(out, "{}: {} passed, {wrong} failed", section.name, section.cases.len() - wrong)?;
    }
    for (name, why) in &suite.left_out {
        writeln!(out, "{name}: not run and not counted: {why}")?;
    }
    writeln!(out, "{passed} passed, {failed} failed")?;
    Ok(if failed == 0 { Verdict::Good } else { Verdict::Bad })
}

/// Runs one case and names it if it fails; whether it passed.
fn tell(section: &str, case: &Case, out: &mut impl Write) -> Result<bool, Refusal> {
    let Answer { value, faults } = answer(&case.question);
    let passed = answer::agree(&case.expected, &value);
    if !passed {
        let json = |value| serde_json::to_string(value).unwrap_or_default();
        write!(out, "FAILED {section}: {}: expected {}, came out {}", case.name, json(&case.expected), json(&value))?;
        for fault in faults {
            write!(out, "; {} at {}: {}", fault.code, fault.pointer, fault.message)?;
        }
        writeln!(out)?;
    }
    Ok(passed)
}
