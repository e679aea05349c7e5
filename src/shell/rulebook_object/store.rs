//! The rulebook on disk: its tables, and how those of the release before become them.
//!
//! `documents` holds what is published, `superseded` what was before it, each document once with the versions between
//! which it was there: a change of one document writes as many rows whether there are ten or ten thousand.

mod draft;
mod history;
mod log;
mod pieces;

use serde::de::DeserializeOwned;
use worker::{Error, Result, SqlStorage, SqlStorageValue, State};

pub(super) use draft::Draft;
pub(super) use history::{Row, Version, VersionRow};
pub(super) use log::{Entry, EntryRow, PreviewRow};

/// The first three are those of the first release, which can still read and write them after a roll-back.
const TABLES: [&str; 9] = [
    "CREATE TABLE IF NOT EXISTS documents (kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, \
     version INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS versions (version INTEGER PRIMARY KEY, hash TEXT NOT NULL, at_ms INTEGER NOT NULL, \
     change TEXT NOT NULL, author TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS pieces (hash TEXT NOT NULL, part INTEGER NOT NULL, b BLOB NOT NULL, \
     PRIMARY KEY (hash, part)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS superseded (kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, \
     version INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL, until INTEGER NOT NULL, \
     PRIMARY KEY (kind, id, version)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS superseded_until ON superseded (until)",
    "CREATE TABLE IF NOT EXISTS draft (one INTEGER PRIMARY KEY CHECK (one = 1), base INTEGER NOT NULL, \
     revision INTEGER NOT NULL, at_ms INTEGER NOT NULL, author TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS draft_documents (kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT, \
     PRIMARY KEY (kind, id)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS previews (visitor TEXT PRIMARY KEY, begun_ms INTEGER NOT NULL, \
     until_ms INTEGER NOT NULL, author TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS previewed (revision INTEGER PRIMARY KEY, hash TEXT NOT NULL)",
];

/// Made last, so that its presence says that the others are there.
const AUDIT: &str = "CREATE TABLE IF NOT EXISTS audit (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, \
     subject TEXT NOT NULL, role TEXT NOT NULL, action TEXT NOT NULL, kind TEXT, id TEXT, from_version INTEGER, \
     to_version INTEGER, comment TEXT)";

/// What a version of the first release lacks. `keeps` says that the version kept what it superseded; what the first
/// release writes, also after a roll-back to it, says nothing and so has 0.
const COLUMNS: [&str; 3] = ["role TEXT NOT NULL DEFAULT ''", "comment TEXT", "keeps INTEGER NOT NULL DEFAULT 0"];

/// The object's database.
#[derive(Clone)]
pub(super) struct Store {
    sql: SqlStorage,
    /// Whether anything was ever written. A look never makes tables.
    exists: bool,
}

impl Store {
    /// Opens the database; tables of the first release get what they lack.
    pub(super) fn open(state: &State) -> Result<Self> {
        let sql = state.storage().sql();
        let found = "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('versions', 'audit')";
        let tables = sql.exec(found, None)?.raw().count();
        let store = Self { sql, exists: tables > 0 };
        if tables == 1 {
            let mut old = store.clone();
            super::js::transaction(&state.storage(), move || old.create())?;
        }
        Ok(store)
    }

    /// Makes the tables, columns and indexes that are not there.
    pub(super) fn create(&mut self) -> Result<()> {
        if self.has("audit")? {
            return Ok(());
        }
        TABLES.iter().try_for_each(|table| self.exec(table, Vec::new()))?;
        let columns = self.sql.exec("SELECT name FROM pragma_table_info('versions') WHERE name = 'keeps'", None)?;
        if columns.raw().next().is_none() {
            for column in COLUMNS {
                self.exec(&format!("ALTER TABLE versions ADD COLUMN {column}"), Vec::new())?;
            }
        }
        self.exec(AUDIT, Vec::new())?;
        self.exists = true;
        Ok(())
    }

    fn has(&self, table: &str) -> Result<bool> {
        let found = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?";
        Ok(self.sql.exec(found, vec![table.into()])?.raw().next().is_some())
    }

    /// Rows of a question; none while there is no table.
    fn rows<T: DeserializeOwned>(&self, statement: &str, values: Vec<SqlStorageValue>) -> Result<Vec<T>> {
        if !self.exists {
            return Ok(Vec::new());
        }
        self.sql.exec(statement, values)?.to_array()
    }

    /// The first row of a question.
    fn row<T: DeserializeOwned>(&self, statement: &str, values: Vec<SqlStorageValue>) -> Result<Option<T>> {
        Ok(self.rows(statement, values)?.into_iter().next())
    }

    fn exec(&self, statement: &str, values: Vec<SqlStorageValue>) -> Result<()> {
        self.sql.exec(statement, values).map(drop)
    }
}

fn number(number: u64) -> Result<SqlStorageValue> {
    let signed = i64::try_from(number).map_err(|_| Error::RustError("a number is too great".into()))?;
    SqlStorageValue::try_from_i64(signed)
}

fn or_null(value: Option<SqlStorageValue>) -> SqlStorageValue {
    value.unwrap_or(SqlStorageValue::Null)
}

/// A whole number as JavaScript carries it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "versions are small and positive")]
pub(super) const fn whole(number: f64) -> u64 {
    number as u64
}
