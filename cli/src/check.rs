//! `footfall check FILE…`: compiles authored documents and says what is wrong, where, and what to write instead.

use crate::documents::{Documents, counted};
use crate::{Refusal, Verdict};
use footfall::engine::fault::RuleFault;
use footfall::engine::rules::{Kind, compile, warnings, warnings_among};
use footfall_protocol::Value;
use std::io::Write;
use std::path::PathBuf;

/// Check rules, segments and stages as the rulebook does before it takes them.
///
/// A file holds one document, an array of documents, or an object with the arrays `rules`, `segments` and `stages`;
/// several files together are one site's. Every fault is a line `FILE: /pointer: code: what to write instead`; a
/// warning has `warning` before its code. Exits with 1 when there is a fault, and with 2 when a file cannot be read.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The files of documents.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// What is said of a document: its place among all, whether it runs in spite of it, and the words.
struct Finding {
    at: usize,
    runs: bool,
    line: String,
}

pub(crate) fn run(arguments: &Arguments, out: &mut impl Write) -> Result<Verdict, Refusal> {
    let documents = Documents::read(&arguments.files)?;
    let mut findings = findings(&documents);
    // Stable: what is said of one document stays in its order, faults before warnings.
    findings.sort_by_key(|finding| finding.at);
    for finding in &findings {
        writeln!(out, "{}", finding.line)?;
    }
    let warnings = findings.iter().filter(|finding| finding.runs).count();
    let faults = findings.len() - warnings;
    writeln!(
        out,
        "{}, {}, {}",
        counted(documents.len(), "document"),
        counted(faults, "fault"),
        counted(warnings, "warning")
    )?;
    Ok(if faults == 0 { Verdict::Good } else { Verdict::Bad })
}

fn findings(documents: &Documents) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |kind: Kind, index: usize, fault: &RuleFault, runs: bool| {
        let Some((at, place)) = documents.place(kind, index) else { return };
        let (file, before, warning) = (place.file.display(), &place.pointer, if runs { "warning: " } else { "" });
        let RuleFault { code, pointer, message } = fault;
        findings.push(Finding { at, runs, line: format!("{file}: {before}{pointer}: {warning}{code}: {message}") });
    };
    let (set, faults) = compile(&documents.rules, &documents.segments, &documents.stages);
    for document in &faults {
        document.faults.iter().for_each(|fault| find(document.kind, document.index, fault, false));
    }
    for kind in [Kind::Rule, Kind::Segment, Kind::Stage] {
        for (index, document) in documents.of(kind).iter().enumerate() {
            warnings(document).iter().for_each(|warning| find(kind, index, warning, true));
        }
    }
    for (kind, id, warning) in warnings_among(&set) {
        let has_id = |document: &Value| document.get("id").and_then(Value::as_str) == Some(&id);
        if let Some(index) = documents.of(kind).iter().position(has_id) {
            find(kind, index, &warning, true);
        }
    }
    findings
}
