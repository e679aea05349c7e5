//! The rulebook on disk: documents as they were written, the versions, and the compiled pieces.

use serde::Deserialize;
use worker::{Error, Result, SqlStorage, SqlStorageValue, State};

/// A piece is kept in rows of so many bytes, since the platform's rows hold at most 2 MB.
const PART_BYTES: usize = 1_000_000;
/// Versions whose pieces are kept: an isolate may be about to fetch a piece that was just replaced.
const PIECES_KEPT: u64 = 16;

const TABLES: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS documents (kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, \
     version INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS versions (version INTEGER PRIMARY KEY, hash TEXT NOT NULL, at_ms INTEGER NOT NULL, \
     change TEXT NOT NULL, author TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS pieces (hash TEXT NOT NULL, part INTEGER NOT NULL, b BLOB NOT NULL, \
     PRIMARY KEY (hash, part)) WITHOUT ROWID",
];

/// A document as it is stored.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Row {
    pub(super) id: String,
    /// As it was written: JSON text.
    pub(super) body: String,
    /// The version that changed it last.
    pub(super) version: f64,
    pub(super) updated_at_ms: f64,
}

/// One entry of the list of versions.
pub(super) struct Version<'a> {
    pub(super) version: u64,
    pub(super) hash: &'a str,
    pub(super) at_ms: u64,
    /// What was done: `put rules/welcome`.
    pub(super) change: &'a str,
    pub(super) author: &'a str,
}

/// The object's database.
#[derive(Clone)]
pub(super) struct Store {
    sql: SqlStorage,
}

impl Store {
    pub(super) fn new(state: &State) -> Self {
        Self { sql: state.storage().sql() }
    }

    /// Whether anything was ever written. A look never makes tables.
    fn exists(&self) -> Result<bool> {
        let found = self.sql.exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'versions'", None)?;
        Ok(found.raw().next().is_some())
    }

    /// Makes the tables when they are not there.
    pub(super) fn create(&self) -> Result<()> {
        TABLES.iter().try_for_each(|table| self.sql.exec(table, None).map(drop))
    }

    /// The newest version and the address of its piece.
    pub(super) fn newest(&self) -> Result<Option<(u64, String)>> {
        #[derive(Deserialize)]
        struct Newest {
            version: f64,
            hash: String,
        }
        if !self.exists()? {
            return Ok(None);
        }
        let rows: Vec<Newest> =
            self.sql.exec("SELECT version, hash FROM versions ORDER BY version DESC LIMIT 1", None)?.to_array()?;
        Ok(rows.into_iter().next().map(|newest| (whole(newest.version), newest.hash)))
    }

    /// A piece's bytes.
    pub(super) fn piece(&self, hash: &str) -> Result<Option<Vec<u8>>> {
        if !self.exists()? {
            return Ok(None);
        }
        let mut bytes = None;
        for row in self.sql.exec("SELECT b FROM pieces WHERE hash = ? ORDER BY part", vec![hash.into()])?.raw() {
            match row?.into_iter().next() {
                Some(SqlStorageValue::Blob(part)) => bytes.get_or_insert_with(Vec::new).extend(part),
                _ => return Err(Error::RustError("a part of a piece holds no bytes".into())),
            }
        }
        Ok(bytes)
    }

    /// All documents of a kind, by id.
    pub(super) fn documents(&self, kind: &str) -> Result<Vec<Row>> {
        if !self.exists()? {
            return Ok(Vec::new());
        }
        let statement = "SELECT id, body, version, updated_at_ms FROM documents WHERE kind = ? ORDER BY id";
        self.sql.exec(statement, vec![kind.into()])?.to_array()
    }

    /// One document.
    pub(super) fn document(&self, kind: &str, id: &str) -> Result<Option<Row>> {
        if !self.exists()? {
            return Ok(None);
        }
        let statement = "SELECT id, body, version, updated_at_ms FROM documents WHERE kind = ? AND id = ?";
        let rows: Vec<Row> = self.sql.exec(statement, vec![kind.into(), id.into()])?.to_array()?;
        Ok(rows.into_iter().next())
    }

    /// Stores a document, or with `None` deletes it.
    pub(super) fn write(&self, kind: &str, id: &str, body: Option<&str>, version: u64, at_ms: u64) -> Result<()> {
        let done = match body {
            Some(body) => self.sql.exec(
                "INSERT OR REPLACE INTO documents (kind, id, body, version, updated_at_ms) VALUES (?, ?, ?, ?, ?)",
                vec![kind.into(), id.into(), body.into(), number(version)?, number(at_ms)?],
            ),
            None => self.sql.exec("DELETE FROM documents WHERE kind = ? AND id = ?", vec![kind.into(), id.into()]),
        };
        done.map(drop)
    }

    /// Publishes a piece as a version, and drops pieces that no isolate can still ask for.
    pub(super) fn publish(&self, version: &Version<'_>, piece: &[u8]) -> Result<()> {
        for (part, bytes) in piece.chunks(PART_BYTES).enumerate() {
            let part = number(u64::try_from(part).unwrap_or(u64::MAX))?;
            let values = vec![version.hash.into(), part, SqlStorageValue::Blob(bytes.to_vec())];
            self.sql.exec("INSERT OR REPLACE INTO pieces (hash, part, b) VALUES (?, ?, ?)", values)?;
        }
        let Version { version, hash, at_ms, change, author } = *version;
        self.sql.exec(
            "INSERT INTO versions (version, hash, at_ms, change, author) VALUES (?, ?, ?, ?, ?)",
            vec![number(version)?, hash.into(), number(at_ms)?, change.into(), author.into()],
        )?;
        let oldest = number(version.saturating_sub(PIECES_KEPT))?;
        self.sql
            .exec("DELETE FROM pieces WHERE hash NOT IN (SELECT hash FROM versions WHERE version > ?)", vec![oldest])?;
        Ok(())
    }
}

fn number(number: u64) -> Result<SqlStorageValue> {
    let signed = i64::try_from(number).map_err(|_| Error::RustError("a number is too great".into()))?;
    SqlStorageValue::try_from_i64(signed)
}

/// A whole number as JavaScript carries it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "versions are small and positive")]
pub(super) const fn whole(number: f64) -> u64 {
    number as u64
}
