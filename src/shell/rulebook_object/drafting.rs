//! The admin's operations on the draft: look at it, write documents that may be wrong, check it, discard it.

use super::ask::{Answer, Ask, document, tagged, too_large, too_many};
use super::documents::{exists, warnings};
use super::draft::{Working, tag_of};
use super::store::{Draft, Entry};
use super::{addressed, js, not_found};
use crate::rulebook::Kind;
use crate::rulebook::check::Found;
use crate::shell::clock;
use crate::shell::reply::{Pointed, Problem, json};
use footfall_protocol::Value;
use serde_json::json as object;
use serde_json::value::RawValue;
use worker::{Response, ResponseBuilder};

impl Ask<'_> {
    /// `GET /draft`
    pub(super) fn draft(&self) -> Answer {
        let working = Working::needed(&self.store)?;
        let Draft { base, revision, at_ms, author } = &working.draft;
        let answer = object!({
            "base": base,
            "version": self.store.newest()?.map_or(0, |(version, _)| version),
            "base_is_current": !self.store.changed_since(*base)?,
            "revision": revision,
            "changed_at_ms": at_ms,
            "changed_by": author,
            "changes": working.told(&self.store)?,
        });
        Ok(tagged(json(200, &answer)?, &working.etag(&self.store)?)?)
    }

    /// `GET /draft/{kind}`
    pub(super) fn list_draft(&self, kind: Kind) -> Answer {
        let working = Working::needed(&self.store)?;
        let told = working.told(&self.store)?;
        let items = working.list(&self.store, kind)?.into_iter().map(|(id, body)| {
            let change = told.iter().find(|told| told.kind == kind && told.id == id).map(|told| told.change);
            Ok(object!({ "id": id, "change": change, "document": RawValue::from_string(body)? }))
        });
        let items = items.collect::<worker::Result<Vec<_>>>()?;
        let Draft { base, revision, .. } = &working.draft;
        let answer = object!({ "base": base, "revision": revision, "items": items });
        Ok(tagged(json(200, &answer)?, &working.etag(&self.store)?)?)
    }

    /// `GET /draft/{kind}/{id}`
    pub(super) fn read_draft(&self, kind: Kind, id: &str) -> Answer {
        let working = Working::needed(&self.store)?;
        let body = working.document(&self.store, kind, id)?.ok_or_else(not_found)?;
        let etag = tag_of(&body);
        Ok(tagged(json(200, &RawValue::from_string(body)?)?, &etag)?)
    }

    /// `POST /draft/{kind}`
    pub(super) fn create_in_draft(&self, kind: Kind, body: &[u8]) -> Answer {
        let (id, value) = document(body, None)?;
        let working = Working::or_new(&self.store)?;
        let before = working.document(&self.store, kind, &id)?;
        self.check(before.as_deref().map(tag_of).as_deref())?;
        if before.is_some() {
            return Err(exists(&id));
        }
        self.edit(working, kind, &id, Some(&value), before.as_deref())
    }

    /// `PUT /draft/{kind}/{id}`
    pub(super) fn put_in_draft(&self, kind: Kind, id: &str, body: &[u8]) -> Answer {
        let (id, value) = document(body, Some(id))?;
        let working = Working::or_new(&self.store)?;
        let before = working.document(&self.store, kind, &id)?;
        self.check(before.as_deref().map(tag_of).as_deref())?;
        self.edit(working, kind, &id, Some(&value), before.as_deref())
    }

    /// `DELETE /draft/{kind}/{id}`
    pub(super) fn delete_in_draft(&self, kind: Kind, id: &str) -> Answer {
        let working = Working::or_new(&self.store)?;
        let before = working.document(&self.store, kind, id)?;
        self.check(before.as_deref().map(tag_of).as_deref())?;
        if before.is_none() {
            return Err(not_found());
        }
        self.edit(working, kind, id, None, before.as_deref())
    }

    /// Stores a change of the draft, whatever is wrong with it, and says that. Those who preview it follow.
    fn edit(&self, mut working: Working, kind: Kind, id: &str, value: Option<&Value>, before: Option<&str>) -> Answer {
        if before.is_none() && working.list(&self.store, kind)?.len() >= kind.count_max() {
            return Err(too_many(kind));
        }
        let body = value.map(serde_json::to_string).transpose()?;
        let in_base = working.in_base(&self.store, kind, id)?;
        let name = (kind, id.to_owned());
        if body == in_base {
            working.overlay.remove(&name);
        } else {
            working.overlay.insert(name, body.clone());
        }
        let documents = working.documents(&self.store)?;
        let others_bytes = documents.bytes() - body.as_ref().map_or(0, String::len);
        if !documents.fit(others_bytes + before.map_or(0, str::len)) {
            return Err(too_large());
        }
        let checked = documents.check();
        let at_ms = clock::now();
        let compiled = (!self.store.previews(at_ms)?.is_empty()).then(|| addressed(&checked.rules));
        let mut draft = Draft { at_ms, author: self.author.clone(), ..working.draft };
        let action = if value.is_some() { "draft.put" } else { "draft.delete" };
        let (kind_name, owned_id) = (Some(kind.as_str()), id.to_owned());
        let from_version = Some(draft.base);
        let entry = Entry { kind: kind_name, id: Some(id.to_owned()), from_version, ..self.entry(action) };
        let (mut store, text) = (self.store.clone(), body.clone());
        let draft = js::transaction(&self.state.storage(), move || {
            store.create()?;
            draft.revision = store.log(&entry)?;
            store.write_draft(&draft)?;
            if text == in_base {
                store.forget_draft_document(kind, &owned_id)?;
            } else {
                store.write_draft_document(kind, &owned_id, text.as_deref())?;
            }
            if let Some((hash, piece)) = compiled {
                store.keep_draft_piece(draft.revision, &hash, &piece)?;
            }
            Ok(draft)
        })?;
        let own = checked.faults.into_iter().filter(|found| found.kind == kind && found.id == id);
        let faults: Vec<Pointed> = own.map(|found| Pointed { document: None, ..found.into() }).collect();
        let warnings = Vec::from_iter(warnings(kind, id, value).into_iter().chain(checked.warnings));
        let answer = object!({
            "id": id,
            "base": draft.base,
            "revision": draft.revision,
            "faults": faults,
            "warnings": warnings,
        });
        let response = json(if before.is_none() { 201 } else { 200 }, &answer)?;
        Ok(match &body {
            Some(body) => tagged(response, &tag_of(body))?,
            None => response,
        })
    }

    /// `POST /draft/validate`: everything that is wrong in it, and nothing is changed.
    pub(super) fn validate_draft(&self) -> Answer {
        let working = Working::needed(&self.store)?;
        let documents = working.documents(&self.store)?;
        let checked = documents.check();
        let warnings: Vec<Found> = [documents.warnings(), checked.warnings].concat();
        let answer = object!({ "valid": checked.faults.is_empty(), "faults": checked.faults, "warnings": warnings });
        Ok(tagged(json(200, &answer)?, &working.etag(&self.store)?)?)
    }

    /// `DELETE /draft`
    pub(super) fn discard_draft(&self) -> Answer {
        let working = Working::needed(&self.store)?;
        self.check(Some(&working.etag(&self.store)?))?;
        let entry = Entry { from_version: Some(working.draft.base), ..self.entry("draft.discard") };
        let (store, end) = (self.store.clone(), self.entry("preview.end"));
        js::transaction(&self.state.storage(), move || {
            for preview in store.previews(end.at_ms)? {
                store.log(&Entry { kind: Some("previews"), id: Some(preview.visitor), ..end.clone() })?;
            }
            store.log(&entry)?;
            store.drop_draft()
        })?;
        done()
    }
}

/// The answer when there is nothing more to say.
pub(super) fn done() -> Result<Response, Problem> {
    Ok(ResponseBuilder::new().with_status(204).with_header("cache-control", "no-store")?.empty())
}
