//! Documents and versions on disk: what is published, what was, and how far back that is known.

use super::{Store, number, or_null, whole};
use crate::rulebook::Kind;
use footfall_protocol::limits::{SUPERSEDED_MAX, VERSIONS_MAX};
use serde::Deserialize;
use worker::Result;

/// A document as it is stored.
#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct Row {
    pub(in super::super) id: String,
    /// As it was written: JSON text.
    pub(in super::super) body: String,
    /// The version that changed it last.
    pub(in super::super) version: f64,
    pub(in super::super) updated_at_ms: f64,
}

/// A version that is about to be published.
pub(in super::super) struct Version<'a> {
    pub(in super::super) version: u64,
    pub(in super::super) hash: &'a str,
    pub(in super::super) at_ms: u64,
    /// What was done: `put rules/welcome`, `publish`, `restore 7`.
    pub(in super::super) change: &'a str,
    pub(in super::super) author: &'a str,
    pub(in super::super) role: &'a str,
    pub(in super::super) comment: Option<&'a str>,
}

/// One entry of the list of versions.
#[derive(Debug, Deserialize)]
pub(in super::super) struct VersionRow {
    pub(in super::super) version: f64,
    pub(in super::super) hash: String,
    pub(in super::super) at_ms: f64,
    pub(in super::super) change: String,
    pub(in super::super) author: String,
    pub(in super::super) role: String,
    pub(in super::super) comment: Option<String>,
}

const VERSION: &str = "SELECT version, hash, at_ms, change, author, role, comment FROM versions";

#[derive(Deserialize)]
struct Number {
    n: Option<f64>,
}

impl Store {
    /// The newest version and the address of its piece.
    pub(in super::super) fn newest(&self) -> Result<Option<(u64, String)>> {
        let newest: Option<VersionRow> = self.row(&format!("{VERSION} ORDER BY version DESC LIMIT 1"), Vec::new())?;
        Ok(newest.map(|newest| (whole(newest.version), newest.hash)))
    }

    /// A version that is kept.
    pub(in super::super) fn version(&self, version: u64) -> Result<Option<VersionRow>> {
        self.row(&format!("{VERSION} WHERE version = ?"), vec![number(version)?])
    }

    /// Versions before one, the newest first.
    pub(in super::super) fn versions(&self, before: u64, limit: u64) -> Result<Vec<VersionRow>> {
        let statement = format!("{VERSION} WHERE version < ? ORDER BY version DESC LIMIT ?");
        self.rows(&statement, vec![number(before)?, number(limit)?])
    }

    /// The oldest version whose documents are known: the first release did not keep what it replaced.
    pub(in super::super) fn known_from(&self) -> Result<u64> {
        let last: Option<Number> = self.row("SELECT MAX(version) AS n FROM versions WHERE keeps = 0", Vec::new())?;
        Ok(last.and_then(|last| last.n).map_or(0, whole))
    }

    /// Whether all documents of a version are known.
    pub(in super::super) fn knows(&self, version: u64) -> Result<bool> {
        Ok(version == 0 || self.version(version)?.is_some() && version >= self.known_from()?)
    }

    /// Whether documents are others than at a version. A version that was only compiled anew changed none.
    pub(in super::super) fn changed_since(&self, version: u64) -> Result<bool> {
        if version > 0 && !self.knows(version)? || version < self.known_from()? {
            return Ok(true);
        }
        let statement = "SELECT 1 AS n FROM superseded WHERE until > ?1 \
             UNION ALL SELECT 1 AS n FROM documents WHERE version > ?1 LIMIT 1";
        let changed: Option<Number> = self.row(statement, vec![number(version)?])?;
        Ok(changed.is_some())
    }

    /// All documents of a kind that are published, by id.
    pub(in super::super) fn documents(&self, kind: Kind) -> Result<Vec<Row>> {
        let statement = "SELECT id, body, version, updated_at_ms FROM documents WHERE kind = ? ORDER BY id";
        self.rows(statement, vec![kind.as_str().into()])
    }

    /// All documents of a kind as they were at a version, by id.
    pub(in super::super) fn documents_at(&self, kind: Kind, version: u64) -> Result<Vec<Row>> {
        let statement = "SELECT id, body, version, updated_at_ms FROM documents WHERE kind = ?1 AND version <= ?2 \
             UNION ALL SELECT id, body, version, updated_at_ms FROM superseded \
             WHERE kind = ?1 AND version <= ?2 AND until > ?2 ORDER BY id";
        self.rows(statement, vec![kind.as_str().into(), number(version)?])
    }

    /// One document that is published.
    pub(in super::super) fn document(&self, kind: Kind, id: &str) -> Result<Option<Row>> {
        let statement = "SELECT id, body, version, updated_at_ms FROM documents WHERE kind = ? AND id = ?";
        self.row(statement, vec![kind.as_str().into(), id.into()])
    }

    /// One document as it was at a version.
    pub(in super::super) fn document_at(&self, kind: Kind, id: &str, version: u64) -> Result<Option<Row>> {
        let statement = "SELECT id, body, version, updated_at_ms FROM documents \
             WHERE kind = ?1 AND id = ?2 AND version <= ?3 \
             UNION ALL SELECT id, body, version, updated_at_ms FROM superseded \
             WHERE kind = ?1 AND id = ?2 AND version <= ?3 AND until > ?3";
        self.row(statement, vec![kind.as_str().into(), id.into(), number(version)?])
    }

    /// Stores a document, or with `None` deletes it; what was there is kept for the versions that had it.
    pub(in super::super) fn write(
        &self,
        kind: Kind,
        id: &str,
        body: Option<&str>,
        version: u64,
        at_ms: u64,
    ) -> Result<()> {
        self.exec(
            "INSERT OR REPLACE INTO superseded (kind, id, body, version, updated_at_ms, until) \
             SELECT kind, id, body, version, updated_at_ms, ? FROM documents WHERE kind = ? AND id = ?",
            vec![number(version)?, kind.as_str().into(), id.into()],
        )?;
        match body {
            Some(body) => self.exec(
                "INSERT OR REPLACE INTO documents (kind, id, body, version, updated_at_ms) VALUES (?, ?, ?, ?, ?)",
                vec![kind.as_str().into(), id.into(), body.into(), number(version)?, number(at_ms)?],
            ),
            None => self.exec("DELETE FROM documents WHERE kind = ? AND id = ?", vec![kind.as_str().into(), id.into()]),
        }
    }

    /// Publishes a piece as a version, and forgets the oldest versions beyond the bounds.
    pub(in super::super) fn publish(&self, entry: &Version<'_>, piece: &[u8]) -> Result<()> {
        self.keep_piece(entry.hash, piece)?;
        let Version { version, hash, at_ms, change, author, role, comment } = *entry;
        self.exec(
            "INSERT INTO versions (version, hash, at_ms, change, author, role, comment, keeps) \
             VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
            vec![
                number(version)?,
                hash.into(),
                number(at_ms)?,
                change.into(),
                author.into(),
                role.into(),
                or_null(comment.map(Into::into)),
            ],
        )?;
        self.drop_pieces(version)?;
        let full: Option<Number> = self.row(
            "SELECT until AS n FROM superseded ORDER BY until DESC LIMIT 1 OFFSET ?",
            vec![number(SUPERSEDED_MAX)?],
        )?;
        let complete_from = full.and_then(|full| full.n).map_or(0, whole);
        let oldest = (version + 1).saturating_sub(VERSIONS_MAX).max(complete_from);
        self.exec("DELETE FROM versions WHERE version < ?", vec![number(oldest)?])?;
        self.exec("DELETE FROM superseded WHERE until <= ?", vec![number(oldest)?])
    }
}
