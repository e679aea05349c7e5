//! The admin's operations on documents: list, read, create, put, delete. A change is checked whole before it is stored.

use super::publish::{compile_with, published};
use super::store::{Row, Store, Version, whole};
use super::{addressed, not_found};
use crate::engine::fault::RuleFault;
use crate::shell::reply::{Pointed, Problem, json};
use crate::shell::{clock, js};
use footfall_protocol::Value;
use footfall_protocol::limits::{DOCUMENT_BYTES_MAX, RULES_MAX, SEGMENTS_MAX, STAGES_MAX};
use serde_json::json as object;
use serde_json::value::RawValue;
use worker::{Response, State};

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Rules,
    Segments,
    Stages,
}

impl Kind {
    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::Rules, Self::Segments, Self::Stages].into_iter().find(|kind| kind.as_str() == name)
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Segments => "segments",
            Self::Stages => "stages",
        }
    }

    /// How many a site may have.
    const fn count_max(self) -> usize {
        match self {
            Self::Rules => RULES_MAX,
            Self::Segments => SEGMENTS_MAX,
            Self::Stages => STAGES_MAX,
        }
    }
}

/// One call of the admin on documents of a kind.
pub(super) struct Change<'a> {
    pub(super) state: &'a State,
    pub(super) kind: Kind,
    /// `If-Match`: the change is only made to this version of the document (RFC 9110 §13.1.1).
    pub(super) precondition: Option<String>,
    /// Who asks.
    pub(super) author: String,
}

type Answer = Result<Response, Problem>;

impl Change<'_> {
    fn store(&self) -> Store {
        Store::new(self.state)
    }

    pub(super) fn list(&self) -> worker::Result<Response> {
        let store = self.store();
        let version = published(&store)?.version;
        let rows = store.documents(self.kind.as_str())?;
        let items = rows.iter().map(|row| {
            Ok(object!({
                "id": row.id,
                "version": whole(row.version),
                "updated_at_ms": whole(row.updated_at_ms),
                "document": RawValue::from_string(row.body.clone())?,
            }))
        });
        json(200, &object!({ "version": version, "items": items.collect::<worker::Result<Vec<_>>>()? }))
    }

    pub(super) fn read(&self, id: &str) -> Answer {
        let row = self.store().document(self.kind.as_str(), id)?.ok_or_else(not_found)?;
        let response = json(200, &RawValue::from_string(row.body)?)?;
        Ok(with_etag(response, whole(row.version))?)
    }

    /// Stores a new document, whose id is in it.
    pub(super) fn create(&self, body: &[u8]) -> Answer {
        let value = self.parse(body)?;
        let Some(id) = value.get("id").and_then(Value::as_str).map(str::to_owned) else {
            return Err(Problem::refused(vec![pointed("missing", "/id", "a new document says its own id")]));
        };
        if self.store().document(self.kind.as_str(), &id)?.is_some() {
            let detail = format!("There is a document `{id}` already; PUT replaces it.");
            return Err(Problem::new(409, "exists", detail));
        }
        self.change(&id, Some(value))
    }

    /// Stores a document, new or in the place of the one with this id.
    pub(super) fn put(&self, id: &str, body: &[u8]) -> Answer {
        let mut value = self.parse(body)?;
        match value.get("id").map(|said| said.as_str() == Some(id)) {
            Some(true) => {}
            Some(false) => {
                return Err(Problem::refused(vec![pointed("invalid", "/id", "is not the id that the path says")]));
            }
            None => {
                if let Value::Object(members) = &mut value {
                    members.insert("id", id);
                }
            }
        }
        self.change(id, Some(value))
    }

    pub(super) fn delete(&self, id: &str) -> Answer {
        self.change(id, None)
    }

    fn parse(&self, body: &[u8]) -> Result<Value, Problem> {
        if body.len() > DOCUMENT_BYTES_MAX {
            return Err(Problem::new(413, "too_large", format!("A document has at most {DOCUMENT_BYTES_MAX} bytes.")));
        }
        serde_json::from_slice(body)
            .map_err(|error| Problem::new(400, "malformed", format!("The document is no JSON: {error}")))
    }

    /// Checks, compiles everything and publishes, or changes nothing.
    fn change(&self, id: &str, value: Option<Value>) -> Answer {
        let (store, kind) = (self.store(), self.kind.as_str());
        let before = store.document(kind, id)?;
        self.check_precondition(before.as_ref())?;
        if before.is_none() {
            if value.is_none() {
                return Err(not_found());
            }
            if store.documents(kind)?.len() >= self.kind.count_max() {
                let message = format!("a site has at most {} {kind}", self.kind.count_max());
                return Err(Problem::refused(vec![pointed("too_many", "", &message)]));
            }
        }
        let compiled = compile_with(&store, self.kind, id, value.as_ref())?;
        if !compiled.refused.is_empty() {
            return Err(Problem::refused(compiled.refused.into_iter().map(Pointed::from).collect()));
        }
        let (hash, piece) = addressed(&compiled.rules);
        let version = published(&store)?.version + 1;
        let text = value.as_ref().map(serde_json::to_string).transpose()?;
        let done = if text.is_some() { "put" } else { "delete" };
        let (change, at_ms) = (format!("{done} {kind}/{id}"), clock::now());
        let (author, owned_id, owned_hash) = (self.author.clone(), id.to_owned(), hash.clone());
        js::transaction(&self.state.storage(), move || {
            store.create()?;
            store.write(kind, &owned_id, text.as_deref(), version, at_ms)?;
            let entry = Version { version, hash: &owned_hash, at_ms, change: &change, author: &author };
            store.publish(&entry, &piece)
        })?;
        let status = if before.is_none() { 201 } else { 200 };
        let answer = object!({ "id": id, "version": version, "hash": hash, "warnings": compiled.warnings });
        let response = json(status, &answer)?;
        Ok(with_etag(response, version)?)
    }

    fn check_precondition(&self, before: Option<&Row>) -> Result<(), Problem> {
        let Some(wanted) = &self.precondition else { return Ok(()) };
        let now = before.map(|row| etag(whole(row.version)));
        let meets = |tag: &str| tag == "*" && now.is_some() || now.as_deref() == Some(tag);
        if wanted.split(',').any(|tag| meets(tag.trim())) {
            return Ok(());
        }
        Err(Problem::new(
            412,
            "changed_meanwhile",
            "The document is no longer the one that If-Match names; read it again.",
        ))
    }
}

fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

fn with_etag(response: Response, version: u64) -> worker::Result<Response> {
    response.headers().set("etag", &etag(version))?;
    Ok(response)
}

fn pointed(code: &str, pointer: &str, message: &str) -> Pointed {
    Pointed { code: code.to_owned(), pointer: pointer.to_owned(), message: message.to_owned() }
}

impl From<RuleFault> for Pointed {
    fn from(fault: RuleFault) -> Self {
        Self { code: fault.code.to_string(), pointer: fault.pointer, message: fault.message }
    }
}
