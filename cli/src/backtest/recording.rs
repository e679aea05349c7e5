//! What was recorded: each life of each visitor, its records in order.

use super::lines::{Place, each_row};
use super::progress::Progress;
use super::row::Row;
use crate::Refusal;
use footfall_protocol::ids::SiteId;
use footfall_protocol::record::{Record, RecordKind};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use uuid::Uuid;

/// Faults that are told, of all that are counted.
pub(super) const FAULTS_TOLD_MAX: usize = 5;

/// Everything that was recorded of one site.
pub(super) struct Recording {
    pub(super) site: SiteId,
    /// In the order of visitors and incarnations.
    pub(super) lives: Vec<Life>,
    /// Names of events.
    names: Vec<String>,
    files: Vec<PathBuf>,
    pub(super) counts: Counts,
    /// The first faults.
    pub(super) faults: Vec<Fault>,
    /// Times of the oldest and the newest record, in milliseconds since the epoch.
    pub(super) span_ms: (u64, u64),
}

/// How many records there were of each sort.
#[derive(Default)]
pub(super) struct Counts {
    /// Rows in all.
    pub(super) read: u64,
    /// Rows that are no records.
    pub(super) faulty: u64,
    /// Records that were there already.
    pub(super) repeated: u64,
    /// Records of other sites than the one that was asked for.
    pub(super) elsewhere: u64,
    /// Records of what the engine found out by itself, which it finds out again.
    pub(super) derived: u64,
    /// Lives whose first record is missing.
    pub(super) headless: u64,
    /// Lives with records missing in between.
    pub(super) gaps: u64,
}

/// One incarnation of a visitor.
pub(super) struct Life {
    pub(super) visitor: Uuid,
    pub(super) incarnation: Uuid,
    pub(super) entries: Vec<Entry>,
}

/// A record, as small as it can be kept.
pub(super) struct Entry {
    seq: u64,
    pub(super) at_ms: u64,
    /// JSON text of an object; empty for what is not replayed.
    data: Box<str>,
    /// Place of the event's name; or one of the three below.
    name: u32,
    line: Place,
    file: u16,
}

/// The entry's name when it is about the sight of a tab.
const SIGHT: u32 = u32::MAX;
/// The entry's name when it is not replayed.
const DERIVED: u32 = u32::MAX - 1;
/// The entry's name when it tells what was known of the visitor's user.
const USER: u32 = u32::MAX - 2;

/// A row or a record that is left out, and why.
#[derive(Clone)]
pub(super) struct Fault {
    pub(super) file: u16,
    pub(super) line: Place,
    pub(super) why: String,
}

impl Recording {
    /// Reads files of records.
    ///
    /// # Errors
    /// When a file cannot be read, or the records are of several sites and none is named, or of none.
    pub(super) fn read(files: &[PathBuf], site: Option<&str>, progress: &mut Progress) -> Result<Self, Refusal> {
        let mut reading = Reading { site, ..Reading::default() };
        progress.will_read(files);
        for (at, file) in files.iter().enumerate() {
            let at = u16::try_from(at).map_err(|_| Refusal("these are too many files".to_owned()))?;
            let before = progress.bytes_before(files, usize::from(at));
            each_row(file, |line, row, bytes| {
                reading.take(row, at, line);
                progress.reading(reading.counts.read, before + bytes);
            })?;
        }
        reading.finish(files)
    }

    /// The record of an entry; `None` when it is not one to be replayed.
    ///
    /// # Errors
    /// When its data cannot be read.
    pub(super) fn record(&self, entry: &Entry) -> Option<Result<Record, String>> {
        if entry.name == DERIVED {
            return None;
        }
        let kind = match entry.name {
            SIGHT => RecordKind::SightChanged,
            USER => RecordKind::UserUpdated,
            _ => RecordKind::Event,
        };
        let data = serde_json::from_str(&entry.data).map_err(|error| format!("`data` cannot be read: {error}"));
        Some(data.map(|data| Record {
            seq: entry.seq,
            at_ms: entry.at_ms,
            kind,
            name: self.names.get(entry.name as usize).cloned().unwrap_or_default(),
            session: 0,
            data,
        }))
    }

    /// A fault of an entry.
    pub(super) const fn fault(entry: &Entry, why: String) -> Fault {
        Fault { file: entry.file, line: entry.line, why }
    }

    /// A fault as a sentence.
    pub(super) fn told(&self, fault: &Fault) -> String {
        format!("{}:{}: {}", self.files[usize::from(fault.file)].display(), fault.line, fault.why)
    }
}

/// A recording while it is read.
#[derive(Default)]
struct Reading<'a> {
    site: Option<&'a str>,
    sites: BTreeSet<String>,
    lives: BTreeMap<(Uuid, Uuid), Vec<Entry>>,
    names: BTreeMap<String, u32>,
    counts: Counts,
    faults: Vec<Fault>,
    span_ms: Option<(u64, u64)>,
}

impl Reading<'_> {
    fn take(&mut self, row: Result<&str, String>, file: u16, line: Place) {
        self.counts.read += 1;
        match row.and_then(Row::parse) {
            Ok(row) if self.site.is_some_and(|site| site != row.site) => self.counts.elsewhere += 1,
            Ok(row) => self.keep(row, file, line),
            Err(why) => {
                self.counts.faulty += 1;
                if self.faults.len() < FAULTS_TOLD_MAX {
                    self.faults.push(Fault { file, line, why });
                }
            }
        }
    }

    fn keep(&mut self, row: Row<'_>, file: u16, line: Place) {
        if !self.sites.contains(&*row.site) {
            self.sites.insert(row.site.into_owned());
        }
        let (first_ms, last_ms) = self.span_ms.unwrap_or((row.at_ms, row.at_ms));
        self.span_ms = Some((first_ms.min(row.at_ms), last_ms.max(row.at_ms)));
        let name = match row.kind {
            RecordKind::Event => self.name(&row.name),
            RecordKind::SightChanged => SIGHT,
            RecordKind::UserUpdated => USER,
            RecordKind::SessionStarted
            | RecordKind::SessionEnded
            | RecordKind::StageChanged
            | RecordKind::SegmentEntered
            | RecordKind::SegmentLeft
            | RecordKind::TriggerFired
            | RecordKind::TriggerHeldOut
            | RecordKind::Emitted
            | RecordKind::UserLinked
            | RecordKind::UserChanged
            | RecordKind::UserRefused
            | RecordKind::UserMerged => DERIVED,
        };
        let data = if name == DERIVED { Box::default() } else { row.data.into() };
        let entry = Entry { seq: row.seq, at_ms: row.at_ms, data, name, line, file };
        self.lives.entry((row.visitor, row.incarnation)).or_default().push(entry);
    }

    fn name(&mut self, name: &str) -> u32 {
        if let Some(known) = self.names.get(name) {
            return *known;
        }
        let new = u32::try_from(self.names.len()).expect("a file has fewer lines than that");
        self.names.insert(name.to_owned(), new);
        new
    }

    fn finish(mut self, files: &[PathBuf]) -> Result<Recording, Refusal> {
        let mut sites = self.sites.iter();
        let site = match (sites.next(), sites.next()) {
            (Some(_), Some(_)) => {
                let sites: Vec<&str> = self.sites.iter().map(String::as_str).collect();
                return Err(Refusal(format!("the records are of several sites: say --site {}", sites.join(" or "))));
            }
            (one, _) => one.map(String::as_str).or(self.site).unwrap_or("none"),
        };
        let site = SiteId::parse(site).ok_or_else(|| Refusal(format!("`{site}` is no site id")))?;
        let mut lives = Vec::with_capacity(self.lives.len());
        for ((visitor, incarnation), mut entries) in std::mem::take(&mut self.lives) {
            self.counts.order(&mut entries);
            lives.push(Life { visitor, incarnation, entries });
        }
        let mut names = vec![String::new(); self.names.len()];
        self.names.into_iter().for_each(|(name, at)| names[at as usize] = name);
        let (counts, faults, span_ms) = (self.counts, self.faults, self.span_ms.unwrap_or_default());
        Ok(Recording { site, lives, names, files: files.to_vec(), counts, faults, span_ms })
    }
}

impl Counts {
    /// Puts a life's records in order, each once.
    fn order(&mut self, entries: &mut Vec<Entry>) {
        // Stable: of repeats the first that was read is kept.
        entries.sort_by_key(|entry| entry.seq);
        let all = entries.len();
        entries.dedup_by_key(|entry| entry.seq);
        entries.shrink_to_fit();
        self.repeated += (all - entries.len()) as u64;
        self.derived += entries.iter().filter(|entry| entry.name == DERIVED).count() as u64;
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return };
        self.headless += u64::from(first.seq > 1);
        self.gaps += u64::from(last.seq - first.seq + 1 != entries.len() as u64);
    }
}
