//! The draft as a whole: the documents of its base with its own changes on top.

use super::publication::{Change, Told};
use super::store::{Draft, Store, whole};
use crate::access::seal::content_address;
use crate::rulebook::Kind;
use crate::rulebook::check::Documents;
use crate::shell::reply::{Document, Problem};
use std::collections::BTreeMap;
use worker::Result;

/// A draft with what it changes.
pub(super) struct Working {
    pub(super) draft: Draft,
    /// The version on whose documents it stands: its base, or the newest when the base is no longer kept.
    base: u64,
    /// JSON text, or `None` for deleted.
    pub(super) overlay: BTreeMap<(Kind, String), Option<String>>,
}

impl Working {
    /// The draft, when there is one.
    pub(super) fn open(store: &Store) -> Result<Option<Self>> {
        let Some(draft) = store.draft()? else { return Ok(None) };
        let base = if store.knows(draft.base)? { draft.base } else { newest(store)? };
        let overlay = store.draft_documents()?.into_iter().map(|row| ((row.kind, row.id), row.body)).collect();
        Ok(Some(Self { draft, base, overlay }))
    }

    /// The draft, or the problem that there is none.
    pub(super) fn needed(store: &Store) -> std::result::Result<Self, Problem> {
        let none = || Problem::new(404, "no_draft", "There is no draft; the first write to /draft/… makes one.");
        Self::open(store)?.ok_or_else(none)
    }

    /// The draft, or one that still says what is published.
    pub(super) fn or_new(store: &Store) -> Result<Self> {
        if let Some(working) = Self::open(store)? {
            return Ok(working);
        }
        let base = newest(store)?;
        let draft = Draft { base, revision: 0, at_ms: 0, author: String::new() };
        Ok(Self { draft, base, overlay: BTreeMap::new() })
    }

    /// The entity tag of the draft as a whole, beside what is published now: who publishes under it publishes what was
    /// read, and in the place of what was read.
    pub(super) fn etag(&self, store: &Store) -> Result<String> {
        Ok(format!("\"draft-{}-{}\"", self.draft.revision, newest(store)?))
    }

    /// The documents of a kind as JSON text, by id.
    pub(super) fn list(&self, store: &Store, kind: Kind) -> Result<BTreeMap<String, String>> {
        let mut list = self.base_documents(store, kind)?;
        for ((_, id), body) in self.overlay.iter().filter(|((of, _), _)| *of == kind) {
            match body {
                Some(body) => list.insert(id.clone(), body.clone()),
                None => list.remove(id),
            };
        }
        Ok(list)
    }

    /// The documents of a kind in the base, as JSON text by id.
    pub(super) fn base_documents(&self, store: &Store, kind: Kind) -> Result<BTreeMap<String, String>> {
        let rows = store.documents_at(kind, self.base)?;
        Ok(rows.into_iter().map(|row| (row.id, row.body)).collect())
    }

    /// One document as JSON text.
    pub(super) fn document(&self, store: &Store, kind: Kind, id: &str) -> Result<Option<String>> {
        match self.overlay.get(&(kind, id.to_owned())) {
            Some(body) => Ok(body.clone()),
            None => self.in_base(store, kind, id),
        }
    }

    /// One document of the base as JSON text.
    pub(super) fn in_base(&self, store: &Store, kind: Kind, id: &str) -> Result<Option<String>> {
        Ok(store.document_at(kind, id, self.base)?.map(|row| row.body))
    }

    /// All documents, to be compiled.
    pub(super) fn documents(&self, store: &Store) -> Result<Documents> {
        let mut documents = Documents::default();
        for kind in Kind::ALL {
            for (id, body) in self.list(store, kind)? {
                documents.push(kind, id, body);
            }
        }
        Ok(documents)
    }

    /// How it differs from the documents on which it stands.
    pub(super) fn told(&self, store: &Store) -> Result<Vec<Told>> {
        let mut told = Vec::new();
        for ((kind, id), body) in &self.overlay {
            let change = match (self.in_base(store, *kind, id)?, body) {
                (None, Some(_)) => "added",
                (Some(_), None) => "removed",
                (Some(before), Some(body)) if before != *body => "changed",
                (Some(_), Some(_)) | (None, None) => continue,
            };
            told.push(Told { kind: *kind, id: id.clone(), change });
        }
        Ok(told)
    }

    /// The changes that were told of, to be published.
    pub(super) fn changes(&self, told: &[Told]) -> Vec<Change> {
        let body = |told: &Told| self.overlay.get(&(told.kind, told.id.clone())).cloned().flatten();
        told.iter().map(|told| Change { kind: told.kind, id: told.id.clone(), body: body(told) }).collect()
    }

    /// Puts its changes on top of the newest version. Gives the documents that were changed there as well since the
    /// draft was made, and on which the draft now has the last word.
    pub(super) fn rebase(&mut self, store: &Store) -> Result<Vec<Document>> {
        let mut overwritten = Vec::new();
        for ((kind, id), body) in &self.overlay {
            let there = match store.document(*kind, id)? {
                Some(row) => whole(row.version) > self.draft.base && body.as_ref() != Some(&row.body),
                None => body.is_some() && store.document_at(*kind, id, self.draft.base)?.is_some(),
            };
            if there {
                overwritten.push(Document { kind: *kind, id: id.clone() });
            }
        }
        self.base = newest(store)?;
        Ok(overwritten)
    }
}

/// The entity tag of a document in the draft: that of its text.
pub(super) fn tag_of(body: &str) -> String {
    let address = content_address(body.as_bytes());
    format!("\"{}\"", &address[..16])
}

fn newest(store: &Store) -> Result<u64> {
    Ok(store.newest()?.map_or(0, |(version, _)| version))
}
