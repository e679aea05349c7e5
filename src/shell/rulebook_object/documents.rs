//! The admin's operations on published documents: list, read, create, put, delete. A change is checked whole before it is
//! stored, and published at once.

use super::ask::{Answer, Ask, document, tagged, too_large, too_many};
use super::not_found;
use super::publication::{Change, Publication};
use super::published::published;
use super::store::{Row, whole};
use crate::engine::rules;
use crate::rulebook::Kind;
use crate::rulebook::check::{Documents, Found};
use crate::shell::reply::{Pointed, Problem, json};
use footfall_protocol::Value;
use serde_json::json as object;
use serde_json::value::RawValue;

impl Ask<'_> {
    /// `GET /{kind}`
    pub(super) fn list(&self, kind: Kind) -> Answer {
        let version = published(&self.store)?.version;
        let rows = self.store.documents(kind)?;
        let items = rows.iter().map(|row| {
            Ok(object!({
                "id": row.id,
                "version": whole(row.version),
                "updated_at_ms": whole(row.updated_at_ms),
                "document": RawValue::from_string(row.body.clone())?,
            }))
        });
        let items = items.collect::<worker::Result<Vec<_>>>()?;
        Ok(tagged(json(200, &object!({ "version": version, "items": items }))?, &etag(version))?)
    }

    /// `GET /{kind}/{id}`
    pub(super) fn read(&self, kind: Kind, id: &str) -> Answer {
        let row = self.store.document(kind, id)?.ok_or_else(not_found)?;
        let version = whole(row.version);
        Ok(tagged(json(200, &RawValue::from_string(row.body)?)?, &etag(version))?)
    }

    /// `POST /{kind}`: stores a new document, whose id is in it.
    pub(super) fn create(&self, kind: Kind, body: &[u8]) -> Answer {
        let (id, value) = document(body, None)?;
        let before = self.store.document(kind, &id)?;
        self.check(before.as_ref().map(tag).as_deref())?;
        if before.is_some() {
            return Err(exists(&id));
        }
        self.change(kind, &id, Some(&value), before.as_ref())
    }

    /// `PUT /{kind}/{id}`: stores a document, new or in the place of the one with this id.
    pub(super) fn put(&self, kind: Kind, id: &str, body: &[u8]) -> Answer {
        let (id, value) = document(body, Some(id))?;
        let before = self.store.document(kind, &id)?;
        self.check(before.as_ref().map(tag).as_deref())?;
        self.change(kind, &id, Some(&value), before.as_ref())
    }

    /// `DELETE /{kind}/{id}`
    pub(super) fn delete(&self, kind: Kind, id: &str) -> Answer {
        let before = self.store.document(kind, id)?;
        self.check(before.as_ref().map(tag).as_deref())?;
        let before = before.ok_or_else(not_found)?;
        self.change(kind, id, None, Some(&before))
    }

    /// Compiles everything and publishes, or changes nothing.
    fn change(&self, kind: Kind, id: &str, value: Option<&Value>, before: Option<&Row>) -> Answer {
        let (mut documents, mut count) = (Documents::default(), 0);
        for of in Kind::ALL {
            for row in self.store.documents(of)? {
                count += usize::from(of == kind);
                if of != kind || row.id != id {
                    documents.push(of, row.id, row.body);
                }
            }
        }
        if before.is_none() && count >= kind.count_max() {
            return Err(too_many(kind));
        }
        let before_bytes = documents.bytes() + before.map_or(0, |before| before.body.len());
        let body = value.map(serde_json::to_string).transpose()?;
        if let Some(body) = &body {
            documents.push(kind, id, body.clone());
        }
        if !documents.fit(before_bytes) {
            return Err(too_large());
        }
        let checked = documents.check();
        // Documents that were accepted once and do not run in this release warn; they do not stand in the way.
        let (own, others): (Vec<Found>, Vec<Found>) =
            checked.faults.into_iter().partition(|found| found.kind == kind && found.id == id);
        if !own.is_empty() {
            let faults = own.into_iter().map(|found| Pointed { document: None, ..found.into() });
            return Err(Problem::refused(faults.collect()));
        }
        let publication = Publication {
            changes: vec![Change { kind, id: id.to_owned(), body }],
            change: format!("{} {}/{id}", if value.is_some() { "put" } else { "delete" }, kind.as_str()),
            action: if value.is_some() { "document.put" } else { "document.delete" },
            about: Some((kind, id.to_owned())),
            comment: None,
            ends_draft: false,
        };
        let (version, hash) = self.publish(publication, &checked.rules)?;
        let warnings = [others, warnings(kind, id, value), checked.warnings].concat();
        let answer = object!({ "id": id, "version": version, "hash": hash, "warnings": warnings });
        let status = if before.is_none() { 201 } else { 200 };
        Ok(tagged(json(status, &answer)?, &etag(version))?)
    }
}

/// What an author of this document may not have meant.
pub(super) fn warnings(kind: Kind, id: &str, value: Option<&Value>) -> Vec<Found> {
    let found = |fault| Found { kind, id: id.to_owned(), index: None, fault };
    value.map(rules::warnings).unwrap_or_default().into_iter().map(found).collect()
}

pub(super) fn exists(id: &str) -> Problem {
    Problem::new(409, "exists", format!("There is a document `{id}` already; PUT replaces it."))
}

/// The entity tag of a version, and of the documents that it changed.
fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

fn tag(row: &Row) -> String {
    etag(whole(row.version))
}
