//! The versions of a rulebook: listed, read, compared, and restored as a new one. A version never changes.

use super::ask::{Answer, Ask, comment, settings, tagged};
use super::not_found;
use super::publication::{Change, Publication, Told};
use super::store::{VersionRow, whole};
use crate::rulebook::check::Documents;
use crate::rulebook::{Kind, diff};
use crate::shell::reply::{Problem, json};
use footfall_protocol::Value;
use serde_json::json as object;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// JSON text by kind and id.
type Bodies = BTreeMap<(Kind, String), String>;

impl Ask<'_> {
    /// `GET /versions`
    pub(super) fn versions(&self) -> Answer {
        let (before, limit) = self.page()?;
        let rows = self.store.versions(before, limit)?;
        let more = u64::try_from(rows.len()).is_ok_and(|count| count == limit);
        let next = rows.last().map(|row| whole(row.version)).filter(|last| more && *last > 1);
        let items: Vec<_> = rows.iter().map(shown).collect();
        Ok(json(200, &object!({ "items": items, "next": next }))?)
    }

    /// `GET /versions/{version}`
    pub(super) fn version(&self, text: &str) -> Answer {
        let row = self.kept(text)?;
        let version = whole(row.version);
        let mut answer = shown(&row);
        answer["documents"] = serde_json::Value::Null;
        if !self.store.knows(version)? {
            return Ok(json(200, &answer)?);
        }
        for kind in Kind::ALL {
            let rows = self.store.documents_at(kind, version)?;
            let documents = rows.into_iter().map(|row| RawValue::from_string(row.body));
            answer["documents"][kind.as_str()] = object!(documents.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(json(200, &answer)?)
    }

    /// `GET /versions/{from}/diff/{to}`
    pub(super) fn diff(&self, from: &str, to: &str) -> Answer {
        let (from, to) = (self.known(from)?, self.known(to)?);
        let (before, after) = (self.bodies(from)?, self.bodies(to)?);
        let (mut added, mut removed, mut changed) = (Vec::new(), Vec::new(), Vec::new());
        for ((kind, id), body) in &after {
            let document: Value = serde_json::from_str(body)?;
            match before.get(&(*kind, id.clone())) {
                None => added.push(object!({ "kind": kind, "id": id, "document": document })),
                Some(was) if was == body => {}
                Some(was) => {
                    let patch = diff::patch(&serde_json::from_str(was)?, &document);
                    if !patch.is_empty() {
                        changed.push(object!({ "kind": kind, "id": id, "patch": patch }));
                    }
                }
            }
        }
        for ((kind, id), body) in before.iter().filter(|(name, _)| !after.contains_key(name)) {
            let document = RawValue::from_string(body.clone())?;
            removed.push(object!({ "kind": kind, "id": id, "document": document }));
        }
        let answer = object!({ "from": from, "to": to, "added": added, "removed": removed, "changed": changed });
        Ok(json(200, &answer)?)
    }

    /// `POST /versions/{version}/restore`: a new version with the documents of an old one. What is the same in both is
    /// not touched, and partial matches are kept under the content of their pattern: those of unchanged rules go on.
    pub(super) fn restore(&self, text: &str, body: &[u8]) -> Answer {
        let settings = settings(body, &["comment"])?;
        let comment = comment(&settings)?;
        let version = self.known(text)?;
        let newest = self.store.newest()?.map_or(0, |(version, _)| version);
        self.check(Some(&format!("\"{newest}\"")))?;
        let (wanted, now) = (self.bodies(version)?, self.bodies(newest)?);
        let (mut changes, mut told) = (Vec::new(), Vec::new());
        for ((kind, id), body) in &wanted {
            let change = match now.get(&(*kind, id.clone())) {
                Some(there) if there == body => continue,
                Some(_) => "changed",
                None => "added",
            };
            told.push(Told { kind: *kind, id: id.clone(), change });
            changes.push(Change { kind: *kind, id: id.clone(), body: Some(body.clone()) });
        }
        for (kind, id) in now.keys().filter(|name| !wanted.contains_key(name)) {
            told.push(Told { kind: *kind, id: id.clone(), change: "removed" });
            changes.push(Change { kind: *kind, id: id.clone(), body: None });
        }
        if told.is_empty() {
            let detail = format!("Version {newest}, which is published, has the same documents.");
            return Err(Problem::new(409, "nothing_changed", detail));
        }
        let mut documents = Documents::default();
        for ((kind, id), body) in &wanted {
            documents.push(*kind, id.clone(), body.clone());
        }
        let checked = documents.check();
        let publication = Publication {
            changes,
            change: format!("restore {version}"),
            action: "version.restore",
            about: None,
            comment,
            ends_draft: false,
        };
        let (version, hash) = self.publish(publication, &checked.rules)?;
        // What was once accepted is not refused in an emergency, whatever its length: it warns when it does not run in this
        // release.
        let warnings = [checked.faults, checked.warnings].concat();
        let answer = object!({ "version": version, "hash": hash, "changes": told, "warnings": warnings });
        Ok(tagged(json(200, &answer)?, &format!("\"{version}\""))?)
    }

    fn bodies(&self, version: u64) -> worker::Result<Bodies> {
        let mut bodies = Bodies::new();
        for kind in Kind::ALL {
            let rows = self.store.documents_at(kind, version)?;
            bodies.extend(rows.into_iter().map(|row| ((kind, row.id), row.body)));
        }
        Ok(bodies)
    }

    /// A version that is kept.
    fn kept(&self, text: &str) -> Result<VersionRow, Problem> {
        let number = text.parse().ok().filter(|number| *number < 1 << 53).ok_or_else(not_found)?;
        let gone = || Problem::new(404, "not_found", format!("There is no version {number}, or it is no longer kept."));
        self.store.version(number)?.ok_or_else(gone)
    }

    /// A version that is kept with its documents.
    fn known(&self, text: &str) -> Result<u64, Problem> {
        let version = whole(self.kept(text)?.version);
        if self.store.knows(version)? {
            return Ok(version);
        }
        let detail = format!("Version {version} was made by a release that did not keep its documents.");
        Err(Problem::new(404, "documents_unknown", detail))
    }
}

fn shown(row: &VersionRow) -> serde_json::Value {
    let restored = row.change.strip_prefix("restore ").and_then(|version| version.parse::<u64>().ok());
    object!({
        "version": whole(row.version),
        "hash": row.hash,
        "at_ms": whole(row.at_ms),
        "author": row.author,
        "role": row.role,
        "change": row.change,
        "restored": restored,
        "comment": row.comment,
    })
}
