//! The draft on disk: the version that it began with, and only the documents that differ from that.

use super::{Store, number, or_null, whole};
use crate::rulebook::Kind;
use serde::Deserialize;
use worker::Result;

/// The working copy of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Draft {
    /// The version that it was made from.
    pub(in super::super) base: u64,
    /// The audit trail's entry that changed it last: no two states of a draft, or of one after it, have the same.
    pub(in super::super) revision: u64,
    /// When it was changed last.
    pub(in super::super) at_ms: u64,
    /// Who changed it last.
    pub(in super::super) author: String,
}

/// A document that differs from the base.
#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct DraftRow {
    pub(in super::super) kind: Kind,
    pub(in super::super) id: String,
    /// JSON text; `None` when the draft deletes it.
    pub(in super::super) body: Option<String>,
}

#[derive(Deserialize)]
struct Stored {
    base: f64,
    revision: f64,
    at_ms: f64,
    author: String,
}

impl Store {
    /// The draft, when there is one.
    pub(in super::super) fn draft(&self) -> Result<Option<Draft>> {
        let stored: Option<Stored> = self.row("SELECT base, revision, at_ms, author FROM draft", Vec::new())?;
        Ok(stored.map(|stored| Draft {
            base: whole(stored.base),
            revision: whole(stored.revision),
            at_ms: whole(stored.at_ms),
            author: stored.author,
        }))
    }

    /// What the draft changes, by kind and id.
    pub(in super::super) fn draft_documents(&self) -> Result<Vec<DraftRow>> {
        self.rows("SELECT kind, id, body FROM draft_documents ORDER BY kind, id", Vec::new())
    }

    /// Stores what the draft is now.
    pub(in super::super) fn write_draft(&self, draft: &Draft) -> Result<()> {
        self.exec(
            "INSERT OR REPLACE INTO draft (one, base, revision, at_ms, author) VALUES (1, ?, ?, ?, ?)",
            vec![number(draft.base)?, number(draft.revision)?, number(draft.at_ms)?, draft.author.as_str().into()],
        )
    }

    /// Stores a document of the draft; with the body `None` the draft deletes it.
    pub(in super::super) fn write_draft_document(&self, kind: Kind, id: &str, body: Option<&str>) -> Result<()> {
        self.exec(
            "INSERT OR REPLACE INTO draft_documents (kind, id, body) VALUES (?, ?, ?)",
            vec![kind.as_str().into(), id.into(), or_null(body.map(Into::into))],
        )
    }

    /// The draft has this document as its base has it.
    pub(in super::super) fn forget_draft_document(&self, kind: Kind, id: &str) -> Result<()> {
        let values = vec![kind.as_str().into(), id.into()];
        self.exec("DELETE FROM draft_documents WHERE kind = ? AND id = ?", values)
    }

    /// The draft has all documents as its base has them.
    pub(in super::super) fn clear_draft_documents(&self) -> Result<()> {
        self.exec("DELETE FROM draft_documents", Vec::new())
    }

    /// There is no draft any more, and so nothing to preview.
    pub(in super::super) fn drop_draft(&self) -> Result<()> {
        ["draft", "draft_documents", "previews", "previewed"]
            .iter()
            .try_for_each(|table| self.exec(&format!("DELETE FROM {table}"), Vec::new()))
    }
}
