//! `PUT /draft`: all documents of some kinds at once, as a repository of rules keeps them. One call instead of thousands.

use super::ask::{Answer, Ask, pointed, tagged, too_large};
use super::draft::Working;
use super::store::{Draft, Entry};
use super::{addressed, js};
use crate::rulebook::lists::{Listed, lists};
use crate::rulebook::{Kind, is_id};
use crate::shell::clock;
use crate::shell::reply::{Pointed, Problem, json};
use footfall_protocol::limits::DOCUMENT_BYTES_MAX;
use serde_json::json as object;
use std::collections::BTreeMap;

/// JSON text by id, of each kind that was sent.
type Sent = BTreeMap<Kind, BTreeMap<String, String>>;

impl Ask<'_> {
    /// Replaces all documents of the kinds that the body has; the others stay as the draft has them.
    pub(super) fn replace_draft(&self, body: &[u8]) -> Answer {
        let sent = sent(body)?;
        let existing = Working::open(&self.store)?;
        let etag = existing.as_ref().map(|working| working.etag(&self.store)).transpose()?;
        self.check(etag.as_deref())?;
        let is_new = existing.is_none();
        let mut working = Working::or_new(&self.store)?;
        let before_bytes = working.documents(&self.store)?.bytes();
        for (kind, documents) in sent {
            let base: BTreeMap<String, String> = working.base_documents(&self.store, kind)?;
            working.overlay.retain(|(of, _), _| *of != kind);
            for id in base.keys().filter(|id| !documents.contains_key(*id)) {
                working.overlay.insert((kind, id.clone()), None);
            }
            for (id, body) in documents {
                if base.get(&id) != Some(&body) {
                    working.overlay.insert((kind, id), Some(body));
                }
            }
        }
        let documents = working.documents(&self.store)?;
        if !documents.fit(before_bytes) {
            return Err(too_large());
        }
        let checked = documents.check();
        let at_ms = clock::now();
        let compiled = (!self.store.previews(at_ms)?.is_empty()).then(|| addressed(&checked.rules));
        let mut draft = Draft { at_ms, author: self.author.clone(), ..working.draft.clone() };
        let entry = Entry { from_version: Some(draft.base), ..self.entry("draft.replace") };
        let (mut store, overlay) = (self.store.clone(), working.overlay.clone());
        let revision = js::transaction(&self.state.storage(), move || {
            store.create()?;
            draft.revision = store.log(&entry)?;
            store.write_draft(&draft)?;
            store.clear_draft_documents()?;
            for ((kind, id), body) in &overlay {
                store.write_draft_document(*kind, id, body.as_deref())?;
            }
            if let Some((hash, piece)) = compiled {
                store.keep_draft_piece(draft.revision, &hash, &piece)?;
            }
            Ok(draft.revision)
        })?;
        working.draft.revision = revision;
        let warnings = [documents.warnings(), checked.warnings].concat();
        let answer = object!({
            "base": working.draft.base,
            "revision": revision,
            "changes": working.told(&self.store)?,
            "faults": checked.faults,
            "warnings": warnings,
        });
        Ok(tagged(json(if is_new { 201 } else { 200 }, &answer)?, &working.etag(&self.store)?)?)
    }
}

/// The documents of the body. Each needs an id of its own and a fitting length; else the draft may hold what is wrong.
fn sent(body: &[u8]) -> Result<Sent, Problem> {
    let (mut sent, mut faults) = (Sent::new(), Vec::<Pointed>::new());
    for (kind, list) in lists(body)? {
        let documents = sent.entry(kind).or_default();
        for (index, Listed { id, text }) in list.into_iter().enumerate() {
            let at = format!("/{}/{index}", kind.as_str());
            match id.filter(|id| is_id(id)) {
                _ if text.len() > DOCUMENT_BYTES_MAX => {
                    let message = format!("a document has at most {DOCUMENT_BYTES_MAX} bytes");
                    faults.push(pointed("too_large", &at, &message));
                }
                None => {
                    let message = "a document says its id: 1 to 64 of a–z, 0–9, `-`, `_` and `.`";
                    faults.push(pointed("invalid", &format!("{at}/id"), message));
                }
                Some(id) if documents.contains_key(&id) => {
                    let message = format!("`{id}` is there already");
                    faults.push(pointed("duplicate", &format!("{at}/id"), &message));
                }
                Some(id) => drop(documents.insert(id, text)),
            }
        }
    }
    if faults.is_empty() { Ok(sent) } else { Err(Problem::unfit(faults)) }
}
