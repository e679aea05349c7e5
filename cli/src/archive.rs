//! `footfall archive FILE…`: opens the archive's files with exported keys, as plain lines of JSON.

use crate::{Refusal, Verdict, input};
use footfall::sinks::archive::{Key, Opened, open_line};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

/// Faults that are told, of all that are counted.
const FAULTS_TOLD_MAX: u64 = 5;

/// Open files of the archive with exported keys.
///
/// Each record becomes a line of JSON as an HTTPS origin would get it, which `backtest` reads too. Records whose key is not
/// there are left out and counted on standard error: their visitors were erased, or the export is not complete. Records can
/// be there more than once, each time with the same `id`. Exits with 1 when a line is damaged, and with 2 when a file
/// cannot be read.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A file of keys: the answers of /admin/v1/sites/{site}/archive-keys, one after another. Can be given several times.
    #[arg(long, required = true, value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// Files of the archive.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

#[derive(Default)]
struct Counts {
    opened: u64,
    without_key: u64,
    damaged: u64,
}

pub(crate) fn run(arguments: &Arguments, out: &mut impl Write) -> Result<Verdict, Refusal> {
    let mut keys = BTreeMap::new();
    for file in &arguments.keys {
        read_keys(file, &mut keys)?;
    }
    let mut counts = Counts::default();
    for file in &arguments.files {
        open(file, &keys, &mut counts, out)?;
    }
    let Counts { opened, without_key, damaged } = counts;
    eprintln!("{opened} records opened, {without_key} without their key, {damaged} damaged");
    Ok(if damaged == 0 { Verdict::Good } else { Verdict::Bad })
}

fn read_keys(file: &Path, keys: &mut BTreeMap<String, Key>) -> Result<(), Refusal> {
    #[derive(Deserialize)]
    struct Page {
        items: Vec<Exported>,
    }
    #[derive(Deserialize)]
    struct Exported {
        id: String,
        key: String,
    }
    let text = input::text(file)?;
    for page in serde_json::Deserializer::from_str(&text).into_iter::<Page>() {
        let page = page.map_err(|error| Refusal(format!("{} has no exported keys: {error}", file.display())))?;
        for Exported { id, key } in page.items {
            let wrong = || Refusal(format!("{}: the key `{id}` is not 32 bytes in base64url", file.display()));
            let key = Key::parse(&id, &key).ok_or_else(wrong)?;
            keys.insert(id, key);
        }
    }
    Ok(())
}

fn open(file: &Path, keys: &BTreeMap<String, Key>, counts: &mut Counts, out: &mut impl Write) -> Result<(), Refusal> {
    let unreadable = |error: std::io::Error| Refusal(format!("{} cannot be read: {error}", file.display()));
    let lines = BufReader::new(File::open(file).map_err(unreadable)?).lines();
    for (at, line) in lines.enumerate() {
        let line = line.map_err(unreadable)?;
        match open_line(keys, &line) {
            Ok(Opened::Record(record)) => {
                counts.opened += 1;
                writeln!(out, "{record}")?;
            }
            Ok(Opened::NoKey) => counts.without_key += 1,
            Err(why) => {
                counts.damaged += 1;
                if counts.damaged <= FAULTS_TOLD_MAX {
                    eprintln!("{}, line {}: {why}", file.display(), at + 1);
                }
            }
        }
    }
    Ok(())
}
