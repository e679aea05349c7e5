//! The audit trail and the previews on disk.

use super::{Store, number, or_null, whole};
use footfall_protocol::limits::AUDIT_MAX;
use serde::Deserialize;
use worker::{Result, SqlStorageValue};

/// What is about to be written into the audit trail.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Entry {
    pub(in super::super) at_ms: u64,
    /// Who, and as what.
    pub(in super::super) subject: String,
    pub(in super::super) role: String,
    /// `document.put`, `draft.publish`, …
    pub(in super::super) action: &'static str,
    /// Of a document its kind; of a preview `previews`.
    pub(in super::super) kind: Option<&'static str>,
    pub(in super::super) id: Option<String>,
    pub(in super::super) from_version: Option<u64>,
    pub(in super::super) to_version: Option<u64>,
    pub(in super::super) comment: Option<String>,
}

/// An entry of the audit trail.
#[derive(Debug, Deserialize)]
pub(in super::super) struct EntryRow {
    pub(in super::super) seq: f64,
    pub(in super::super) at_ms: f64,
    pub(in super::super) subject: String,
    pub(in super::super) role: String,
    pub(in super::super) action: String,
    pub(in super::super) kind: Option<String>,
    pub(in super::super) id: Option<String>,
    pub(in super::super) from_version: Option<f64>,
    pub(in super::super) to_version: Option<f64>,
    pub(in super::super) comment: Option<String>,
}

/// A visitor who previews the draft.
#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct PreviewRow {
    pub(in super::super) visitor: String,
    pub(in super::super) begun_ms: f64,
    pub(in super::super) until_ms: f64,
    pub(in super::super) author: String,
}

#[derive(Deserialize)]
struct Newest {
    seq: f64,
}

#[derive(Deserialize)]
struct Piece {
    revision: f64,
    hash: String,
}

impl Store {
    /// Writes an entry and gives its number: one more than the newest, which is never deleted.
    pub(in super::super) fn log(&self, entry: &Entry) -> Result<u64> {
        let newest: Option<Newest> = self.row("SELECT seq FROM audit ORDER BY seq DESC LIMIT 1", Vec::new())?;
        let seq = newest.map_or(0, |newest| whole(newest.seq)) + 1;
        let count = |version: Option<u64>| version.map(number).transpose().map(or_null);
        let text = |text: Option<&str>| or_null(text.map(SqlStorageValue::from));
        self.exec(
            "INSERT INTO audit (seq, at_ms, subject, role, action, kind, id, from_version, to_version, comment) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            vec![
                number(seq)?,
                number(entry.at_ms)?,
                entry.subject.as_str().into(),
                entry.role.as_str().into(),
                entry.action.into(),
                text(entry.kind),
                text(entry.id.as_deref()),
                count(entry.from_version)?,
                count(entry.to_version)?,
                text(entry.comment.as_deref()),
            ],
        )?;
        self.exec("DELETE FROM audit WHERE seq <= ?", vec![number(seq.saturating_sub(AUDIT_MAX))?])?;
        Ok(seq)
    }

    /// Entries before one, the newest first.
    pub(in super::super) fn entries(&self, before: u64, limit: u64) -> Result<Vec<EntryRow>> {
        let statement = "SELECT seq, at_ms, subject, role, action, kind, id, from_version, to_version, comment \
             FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?";
        self.rows(statement, vec![number(before)?, number(limit)?])
    }

    /// The previews that go on after a time, by visitor.
    pub(in super::super) fn previews(&self, now_ms: u64) -> Result<Vec<PreviewRow>> {
        let statement = "SELECT visitor, begun_ms, until_ms, author FROM previews WHERE until_ms > ? ORDER BY visitor";
        self.rows(statement, vec![number(now_ms)?])
    }

    /// Begins a preview, or gives it another end; those that have ended are forgotten.
    pub(in super::super) fn write_preview(
        &self,
        visitor: &str,
        begun_ms: u64,
        until_ms: u64,
        author: &str,
    ) -> Result<()> {
        self.exec("DELETE FROM previews WHERE until_ms <= ?", vec![number(begun_ms)?])?;
        self.exec(
            "INSERT OR REPLACE INTO previews (visitor, begun_ms, until_ms, author) VALUES (?, ?, ?, ?)",
            vec![visitor.into(), number(begun_ms)?, number(until_ms)?, author.into()],
        )
    }

    /// Ends a preview.
    pub(in super::super) fn end_preview(&self, visitor: &str) -> Result<()> {
        self.exec("DELETE FROM previews WHERE visitor = ?", vec![visitor.into()])
    }

    /// What the draft compiled to last while somebody previewed it: since which revision, and its piece's address.
    pub(in super::super) fn draft_piece(&self) -> Result<Option<(u64, String)>> {
        let statement = "SELECT revision, hash FROM previewed ORDER BY revision DESC LIMIT 1";
        let piece: Option<Piece> = self.row(statement, Vec::new())?;
        Ok(piece.map(|piece| (whole(piece.revision), piece.hash)))
    }
}
