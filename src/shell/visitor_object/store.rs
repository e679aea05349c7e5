//! The visitor on disk: one hot row that every commit rewrites, and cold pages that are written once.
//!
//! The hot row is the time that the alarm was asked for (8 bytes, little endian, 0 for none) and then the engine's
//! snapshot. The tables are made by the first commit and never by a look, so that a deleted object stays empty.

use super::runtime::{Runtime, one_more};
use crate::engine::{self, Stored};
use std::ops::Range;
use worker::{Error, Result, SqlStorage, SqlStorageValue, State};

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
    /// Whether the tables are there.
    pub(super) exists: bool,
}

/// The object's database, with what it costs.
pub(super) struct Store<'a> {
    sql: SqlStorage,
    runtime: &'a Runtime,
}

impl<'a> Store<'a> {
    pub(super) fn new(state: &State, runtime: &'a Runtime) -> Self {
        Self { sql: state.storage().sql(), runtime }
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

    /// Whether the tables are there.
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

    /// Writes. Pages come before the hot row that refers to them, and go after the one that no longer does.
    pub(super) fn commit(&self, commit: &Commit<'_>) -> Result<()> {
        if !commit.exists {
            self.rows(
                "CREATE TABLE IF NOT EXISTS hot (id INTEGER PRIMARY KEY CHECK (id = 1), b BLOB NOT NULL)",
                vec![],
            )?;
            self.rows("CREATE TABLE IF NOT EXISTS page (n INTEGER PRIMARY KEY, b BLOB NOT NULL)", vec![])?;
        }
        for (number, bytes) in &commit.pages {
            let values = vec![integer(*number)?, SqlStorageValue::Blob(bytes.to_vec())];
            self.rows("INSERT OR REPLACE INTO page (n, b) VALUES (?, ?)", values)?;
        }
        let mut bytes = Vec::with_capacity(8 + commit.hot.len());
        bytes.extend_from_slice(&commit.alarm_at_ms.unwrap_or(0).to_le_bytes());
        bytes.extend_from_slice(commit.hot);
        self.rows("INSERT OR REPLACE INTO hot (id, b) VALUES (1, ?)", vec![SqlStorageValue::Blob(bytes)])?;
        for range in &commit.gone {
            self.rows("DELETE FROM page WHERE n >= ? AND n < ?", vec![integer(range.start)?, integer(range.end)?])?;
        }
        one_more(&self.runtime.commits);
        Ok(())
    }

    fn rows(&self, statement: &str, values: Vec<SqlStorageValue>) -> Result<Vec<Vec<SqlStorageValue>>> {
        let cursor = self.sql.exec(statement, values)?;
        let rows = cursor.raw().collect::<Result<_>>()?;
        self.runtime.add_rows(&cursor);
        Ok(rows)
    }
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
