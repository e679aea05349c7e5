//! Publication: changes of documents become a version, its piece and an entry of the audit trail in one transaction.

use super::ask::{Answer, Ask, comment, pointed, settings, tagged, too_large};
use super::draft::Working;
use super::store::{Entry, Version};
use super::{addressed, js, published};
use crate::engine::rules::RuleSet;
use crate::rulebook::Kind;
use crate::shell::clock;
use crate::shell::reply::{Pointed, Problem, json};
use footfall_protocol::Value;
use serde::Serialize;
use serde_json::json as object;
use worker::Result;

/// A document as it shall be: JSON text, or `None` for deleted.
pub(super) struct Change {
    pub(super) kind: Kind,
    pub(super) id: String,
    pub(super) body: Option<String>,
}

/// What a change is to who reads of it.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    pub(super) kind: Kind,
    pub(super) id: String,
    /// `added`, `changed` or `removed`.
    pub(super) change: &'static str,
}

/// What is about to be published.
pub(super) struct Publication {
    pub(super) changes: Vec<Change>,
    /// For the list of versions: `put rules/welcome`.
    pub(super) change: String,
    /// For the audit trail, with the document when it is about one.
    pub(super) action: &'static str,
    pub(super) about: Option<(Kind, String)>,
    pub(super) comment: Option<String>,
    /// Whether the draft has become this version, and its previews end.
    pub(super) ends_draft: bool,
}

impl Ask<'_> {
    /// Publishes, and gives the version and the address of its piece.
    pub(super) fn publish(&self, publication: Publication, rules: &RuleSet) -> Result<(u64, String)> {
        let (hash, piece) = addressed(rules);
        let before = self.store.newest()?.map_or(0, |(version, _)| version);
        let (version, at_ms) = (before + 1, clock::now());
        let mut entry = self.entry(publication.action);
        entry.kind = publication.about.as_ref().map(|(kind, _)| kind.as_str());
        entry.id = publication.about.as_ref().map(|(_, id)| id.clone());
        (entry.from_version, entry.to_version) = (Some(before), Some(version));
        entry.comment.clone_from(&publication.comment);
        let mut store = self.store.clone();
        let (author, role, of_piece) = (self.author.clone(), self.role.clone(), hash.clone());
        let end = self.entry("preview.end");
        js::transaction(&self.state.storage(), move || {
            store.create()?;
            for Change { kind, id, body } in &publication.changes {
                store.write(*kind, id, body.as_deref(), version, at_ms)?;
            }
            store.log(&entry)?;
            if publication.ends_draft {
                for preview in store.previews(at_ms)? {
                    store.log(&Entry { kind: Some("previews"), id: Some(preview.visitor), ..end.clone() })?;
                }
                store.drop_draft()?;
            }
            let Publication { change, comment, .. } = &publication;
            let (comment, author, role) = (comment.as_deref(), author.as_str(), role.as_str());
            store.publish(&Version { version, hash: &of_piece, at_ms, change, author, role, comment }, &piece)
        })?;
        Ok((version, hash))
    }

    /// An entry of the audit trail about what this call does.
    pub(super) fn entry(&self, action: &'static str) -> Entry {
        let (subject, role) = (self.author.clone(), self.role.clone());
        Entry { at_ms: clock::now(), subject, role, action, ..Entry::default() }
    }

    /// `POST /draft/publish`: the draft becomes the newest version, or nothing changes.
    pub(super) fn publish_draft(&self, body: &[u8]) -> Answer {
        let settings = settings(body, &["rebase", "comment"])?;
        let comment = comment(&settings)?;
        let rebase = match settings.get("rebase") {
            None => false,
            Some(Value::Bool(rebase)) => *rebase,
            Some(_) => return Err(Problem::unfit(vec![pointed("invalid", "/rebase", "wants true or false")])),
        };
        let mut working = Working::needed(&self.store)?;
        self.check(Some(&working.etag(&self.store)?))?;
        let base = working.draft.base;
        let mut overwritten = Vec::new();
        if self.store.changed_since(base)? {
            if !rebase {
                let now = self.store.newest()?.map_or(0, |(version, _)| version);
                let detail = format!(
                    "The draft was made from version {base}, and version {now} has other documents. Look at \
                     /versions/{base}/diff/{now}; then publish with {{\"rebase\": true}} to have the draft's changes on \
                     top of it, or discard the draft."
                );
                return Err(Problem::new(409, "base_changed", detail));
            }
            overwritten = working.rebase(&self.store)?;
        }
        let documents = working.documents(&self.store)?;
        // A draft that fits alone may not on top of what others have published since.
        if !documents.fit(published::documents(&self.store)?.bytes()) {
            return Err(too_large());
        }
        let checked = documents.check();
        if !checked.faults.is_empty() {
            return Err(Problem::refused(checked.faults.into_iter().map(Pointed::from).collect()));
        }
        let told = working.told(&self.store)?;
        if told.is_empty() {
            let detail = "The draft says what is published already; change it first, or discard it.";
            return Err(Problem::new(409, "nothing_changed", detail));
        }
        let changes = working.changes(&told);
        let publication = Publication {
            changes,
            change: "publish".to_owned(),
            action: "draft.publish",
            about: None,
            comment,
            ends_draft: true,
        };
        let (version, hash) = self.publish(publication, &checked.rules)?;
        let answer = object!({
            "version": version,
            "hash": hash,
            "base": base,
            "changes": told,
            "overwritten": overwritten,
            "warnings": checked.warnings,
        });
        Ok(tagged(json(200, &answer)?, &format!("\"{version}\""))?)
    }
}
