//! The visitor on disk: one hot row that every commit rewrites, and cold pages that are written once.
//!
//! The hot row is the time that the alarm was asked for (8 bytes, little endian, 0 for none) and then the engine's
//! snapshot. A table is made by the first commit that needs it and never by a look, so that a deleted object stays empty.

use super::runtime::{Runtime, one_more};
use crate::engine::{self, Stored};
use crate::shell::{bridge, js};
use std::ops::Range;
use std::rc::Rc;
use worker::{Error, Result, SqlCursor, SqlStorage, SqlStorageValue, State, Storage};

/// What is on disk.
pub(super) struct Kept {
    pub(super) alarm_at_ms: Option<u64>,
    pub(super) stored: Stored,
}

/// What one commit changes, in one transaction: the platform writes what one turn does at once or not at all.
pub(super) struct Commit<'a> {
    pub(super) alarm_at_ms: Option<u64>,
    pub(super) hot: &'a [u8],
    /// Pages to write, by number.
    pub(super) pages: Vec<(u64, &'a [u8])>,
    /// Pages to delete.
    pub(super) gone: Vec<Range<u64>>,
    /// Whether the table of the hot row is there.
    pub(super) exists: bool,
}

const HOT: &str = "CREATE TABLE IF NOT EXISTS hot (id INTEGER PRIMARY KEY CHECK (id = 1), b BLOB NOT NULL)";
/// Most visitors never have a page, and a table costs two rows.
const PAGES: &str = "CREATE TABLE IF NOT EXISTS page (n INTEGER PRIMARY KEY, b BLOB NOT NULL)";
const PUT_PAGE: &str = "INSERT OR REPLACE INTO page (n, b) VALUES (?, ?)";
const PUT_HOT: &str = "INSERT OR REPLACE INTO hot (id, b) VALUES (1, ?)";
const DROP_PAGES: &str = "DELETE FROM page WHERE n >= ? AND n < ?";

/// The object's database, with what it costs.
pub(super) struct Store {
    storage: Storage,
    sql: SqlStorage,
    pub(super) runtime: Rc<Runtime>,
}

impl Store {
    pub(super) fn new(state: &State) -> Self {
        let storage = state.storage();
        Self { sql: storage.sql(), storage, runtime: Runtime::begin(state) }
    }

    /// Reads hot row and the snapshot's own cold pages. `None` when nothing was ever committed here.
    pub(super) fn load(&self) -> Result<Option<Kept>> {
        // Asking a table that is not there would be an error like any other, and an error must not look like nothing.
        if !self.is_made()? {
            return Ok(None);
        }
        let rows = self.rows("SELECT b FROM hot WHERE id = 1", Vec::new())?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let bytes = blob(row)?;
        let short = || Error::RustError("the hot row is too short".into());
        let (head, hot) = bytes.split_first_chunk::<8>().ok_or_else(short)?;
        let alarm_at_ms = Some(u64::from_le_bytes(*head)).filter(|at_ms| *at_ms > 0);
        let numbers = engine::Visitor::cold_pages(hot).map_err(unreadable)?;
        let cold = numbers.into_iter().map(|number| Ok((number, self.page(number)?))).collect::<Result<_>>()?;
        Ok(Some(Kept { alarm_at_ms, stored: Stored { hot: hot.to_vec(), cold } }))
    }

    /// Whether anything is there.
    pub(super) fn is_made(&self) -> Result<bool> {
        Ok(!self.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'hot'", Vec::new())?.is_empty())
    }

    /// Reads a cold page.
    fn page(&self, number: u64) -> Result<Vec<u8>> {
        let rows = self.rows("SELECT b FROM page WHERE n = ?", vec![integer(number)?])?;
        rows.into_iter().next().map_or_else(|| Err(Error::RustError(format!("page {number} is missing"))), blob)
    }

    /// Reads the cold pages of a range that are there, oldest first.
    pub(super) fn pages(&self, range: &Range<u64>) -> Result<Vec<Vec<u8>>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let bounds = vec![integer(range.start)?, integer(range.end)?];
        self.rows("SELECT b FROM page WHERE n >= ? AND n < ? ORDER BY n", bounds)?.into_iter().map(blob).collect()
    }

    /// Writes all of it or nothing. Pages come before the hot row that refers to them, and go after the one that no longer
    /// does.
    pub(super) fn commit(&self, commit: &Commit<'_>) -> Result<()> {
        let mut hot = Vec::with_capacity(8 + commit.hot.len());
        hot.extend_from_slice(&commit.alarm_at_ms.unwrap_or(0).to_le_bytes());
        hot.extend_from_slice(commit.hot);
        // What nearly every event is.
        if commit.exists && commit.pages.is_empty() && commit.gone.is_empty() {
            #[cfg(feature = "test-hooks")]
            fail_if_asked(&hot)?;
            let written = bridge::write(self.storage.as_raw(), PUT_HOT, &hot)?;
            self.runtime.add_rows(written.rows_written(), written.rows_read());
            one_more(&self.runtime.commits);
            return Ok(());
        }
        let mut writes = Vec::new();
        if !commit.exists {
            writes.push((HOT, Vec::new()));
        }
        if !commit.pages.is_empty() {
            writes.push((PAGES, Vec::new()));
        }
        for (number, bytes) in &commit.pages {
            writes.push((PUT_PAGE, vec![integer(*number)?, SqlStorageValue::Blob(bytes.to_vec())]));
        }
        writes.push((PUT_HOT, vec![SqlStorageValue::Blob(hot)]));
        for range in &commit.gone {
            writes.push((DROP_PAGES, vec![integer(range.start)?, integer(range.end)?]));
        }
        let sql = self.sql.clone();
        // A statement that fails does not by itself undo the ones before it: a page of the new state beside the hot row of
        // the old one would be a visitor that nobody can read.
        let cursors = js::transaction(&self.storage, move || run(&sql, writes))?;
        cursors.iter().for_each(|cursor| self.runtime.add_rows(cursor.rows_written(), cursor.rows_read()));
        one_more(&self.runtime.commits);
        Ok(())
    }

    fn rows(&self, statement: &str, values: Vec<SqlStorageValue>) -> Result<Vec<Vec<SqlStorageValue>>> {
        let cursor = self.sql.exec(statement, values)?;
        let rows = cursor.raw().collect::<Result<_>>()?;
        self.runtime.add_rows(cursor.rows_written(), cursor.rows_read());
        Ok(rows)
    }
}

/// Runs the statements in their order, until one fails.
fn run(sql: &SqlStorage, writes: Vec<(&str, Vec<SqlStorageValue>)>) -> Result<Vec<SqlCursor>> {
    let mut cursors = Vec::with_capacity(writes.len());
    for (statement, values) in writes {
        #[cfg(feature = "test-hooks")]
        if let [SqlStorageValue::Blob(hot)] = values.as_slice() {
            fail_if_asked(hot)?;
        }
        cursors.push(sql.exec(statement, values)?);
    }
    Ok(cursors)
}

/// Tests have no disk that is full at the right moment: a snapshot that remembers an event of this name cannot be written.
#[cfg(feature = "test-hooks")]
fn fail_if_asked(hot: &[u8]) -> Result<()> {
    const ASKS: &[u8] = b"footfall_test_full_disk";
    let full = hot.windows(ASKS.len()).any(|part| part == ASKS);
    if full { Err(Error::RustError("a test asked for a disk that is full".into())) } else { Ok(()) }
}

/// A number as SQLite keeps it; the platform carries whole numbers below 2^53 only.
fn integer(number: u64) -> Result<SqlStorageValue> {
    let signed = i64::try_from(number).map_err(|_| Error::RustError("a page number is too great".into()))?;
    SqlStorageValue::try_from_i64(signed)
}

fn blob(row: Vec<SqlStorageValue>) -> Result<Vec<u8>> {
    match row.into_iter().next() {
        Some(SqlStorageValue::Blob(bytes)) => Ok(bytes),
        _ => Err(Error::RustError("a row holds no bytes".into())),
    }
}

pub(super) fn unreadable(error: engine::SnapshotError) -> Error {
    Error::RustError(format!("the stored visitor cannot be read: {error}"))
}
