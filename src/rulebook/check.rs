//! A whole set of documents compiled together: the rules that run, and every fault and warning with the document it is in.

use super::Kind;
use crate::engine::fault::RuleFault;
use crate::engine::rules::{self, RuleSet};
use footfall_protocol::Value;
use footfall_protocol::limits::{RULEBOOK_BYTES_MAX, RULEBOOK_FAULTS_MAX};
use serde::Serialize;

/// Documents of one kind, each with the id under which it is kept.
#[derive(Debug, Default)]
struct Shelf {
    ids: Vec<String>,
    /// JSON text, read only when it is needed: all of them as values would need many times the memory.
    texts: Vec<Result<String, RuleFault>>,
}

impl Shelf {
    /// The documents, each read when it is its turn.
    fn values(&self) -> impl Iterator<Item = Result<Value, RuleFault>> {
        self.texts.iter().map(|text| {
            let text = text.as_ref().map_err(Clone::clone)?;
            serde_json::from_str(text).map_err(|error| RuleFault::at("", "invalid", error.to_string()))
        })
    }
}

/// All documents of a site.
#[derive(Debug, Default)]
pub struct Documents {
    /// In the order of [`Kind::ALL`].
    shelves: [Shelf; 3],
    /// Whether what is found says the document's place among those of its kind.
    listed: bool,
}

/// What was found in a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// What the document is.
    pub kind: Kind,
    /// Its id; empty when it says none.
    pub id: String,
    /// Its place among those of its kind, where the caller gave them as a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// What was found.
    #[serde(flatten)]
    pub fault: RuleFault,
}

/// What a set of documents compiles to.
#[derive(Debug)]
pub struct Checked {
    /// The documents that have no faults.
    pub rules: RuleSet,
    /// What keeps documents from running.
    pub faults: Vec<Found>,
    /// What an author may not have meant, as far as it shows only in documents beside each other.
    pub warnings: Vec<Found>,
}

impl Documents {
    /// None yet; what is found in them will say their places, for a caller who gives them as lists.
    pub fn listed() -> Self {
        Self { listed: true, ..Self::default() }
    }

    /// Adds a document, as JSON text.
    pub fn push(&mut self, kind: Kind, id: impl Into<String>, text: impl Into<String>) {
        self.add(kind, id.into(), Ok(text.into()));
    }

    /// Adds a document that is not looked into, for this reason.
    pub fn refuse(&mut self, kind: Kind, id: impl Into<String>, fault: RuleFault) {
        self.add(kind, id.into(), Err(fault));
    }

    fn add(&mut self, kind: Kind, id: String, text: Result<String, RuleFault>) {
        let shelf = &mut self.shelves[place(kind)];
        shelf.ids.push(id);
        shelf.texts.push(text);
    }

    /// Whether a site may have them in the place of others of so many bytes. What is beyond [`RULEBOOK_BYTES_MAX`] may still
    /// become shorter.
    pub fn fit(&self, before_bytes: usize) -> bool {
        self.bytes() <= RULEBOOK_BYTES_MAX.max(before_bytes)
    }

    /// How long they are together, as JSON text.
    pub fn bytes(&self) -> usize {
        self.shelves.iter().flat_map(|shelf| &shelf.texts).flatten().map(String::len).sum()
    }

    /// Compiles all of them. Of faults and of warnings the first [`RULEBOOK_FAULTS_MAX`] are told.
    pub fn check(&self) -> Checked {
        let [rules, segments, stages] = &self.shelves;
        let (compiled, faulty) = rules::compile_read(rules.values(), segments.values(), stages.values());
        let mut faults = Vec::new();
        for of in faulty {
            let kind = stored(of.kind);
            let id = self.shelves[place(kind)].ids.get(of.index).cloned().unwrap_or_default();
            let found = |fault| Found { kind, id: id.clone(), index: self.listed.then_some(of.index), fault };
            faults.extend(of.faults.into_iter().map(found));
        }
        let among = rules::warnings_among(&compiled).into_iter();
        let warnings = among.map(|(of, id, fault)| Found { kind: stored(of), id, index: None, fault }).collect();
        Checked { rules: compiled, faults, warnings }
    }

    /// Warnings that each document deserves by itself.
    pub fn warnings(&self) -> Vec<Found> {
        let of_kind = |kind: Kind| {
            let shelf = &self.shelves[place(kind)];
            shelf.ids.iter().zip(shelf.values()).enumerate().flat_map(move |(index, (id, value))| {
                let found = move |fault| Found { kind, id: id.clone(), index: self.listed.then_some(index), fault };
                value.map(|value| rules::warnings(&value)).unwrap_or_default().into_iter().map(found)
            })
        };
        Kind::ALL.into_iter().flat_map(of_kind).take(RULEBOOK_FAULTS_MAX).collect()
    }
}

const fn place(kind: Kind) -> usize {
    match kind {
        Kind::Rules => 0,
        Kind::Segments => 1,
        Kind::Stages => 2,
    }
}

/// Where documents of a compiled kind are kept.
const fn stored(kind: rules::Kind) -> Kind {
    match kind {
        rules::Kind::Rule => Kind::Rules,
        rules::Kind::Segment => Kind::Segments,
        rules::Kind::Stage => Kind::Stages,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use footfall_protocol::limits::{DOCUMENT_BYTES_MAX, RULEBOOK_BODY_BYTES_MAX, RULES_MAX, SEGMENTS_MAX, STAGES_MAX};

    #[test]
    fn a_set_grows_up_to_its_bound_and_can_always_shrink() {
        let mut documents = Documents::default();
        for at in 0..RULEBOOK_BYTES_MAX / DOCUMENT_BYTES_MAX {
            documents.push(Kind::Rules, format!("r{at}"), "x".repeat(DOCUMENT_BYTES_MAX));
        }
        assert_eq!(documents.bytes(), RULEBOOK_BYTES_MAX);
        assert!(documents.fit(0));
        documents.push(Kind::Stages, "s", "{}");
        assert!(!documents.fit(0) && !documents.fit(RULEBOOK_BYTES_MAX + 1), "it would grow");
        assert!(documents.fit(RULEBOOK_BYTES_MAX + 2) && documents.fit(RULEBOOK_BYTES_MAX + 3), "it does not grow");
    }

    #[test]
    fn all_that_a_site_may_have_fits_into_one_body() {
        let between = RULES_MAX + SEGMENTS_MAX + STAGES_MAX + r#"{"rules":[],"segments":[],"stages":[]}"#.len();
        assert!(RULEBOOK_BYTES_MAX + between <= RULEBOOK_BODY_BYTES_MAX);
    }

    #[test]
    fn every_fault_of_every_document_comes_with_its_document() {
        let mut documents = Documents::listed();
        documents.push(Kind::Segments, "big", r#"{"id": "big", "when": {"cart.value": {"$above": 1}}}"#);
        documents.push(Kind::Rules, "none", r#"{"id": "none", "pattern": {"event": {"name": "a"}}}"#);
        documents.push(
            Kind::Rules,
            "fine",
            r#"{"id": "fine", "pattern": {"event": {"name": "product_veiwed"}},
                    "actions": [{"push": {"slot": "s", "content": {"a": 1}}}]}"#,
        );
        let checked = documents.check();
        let found: Vec<_> = checked.faults.iter().map(|found| (found.kind, found.id.as_str(), found.index)).collect();
        assert_eq!(found, [(Kind::Rules, "none", Some(0)), (Kind::Segments, "big", Some(0))]);
        assert_eq!(checked.rules.rules.len(), 1);
        let warnings = documents.warnings();
        assert_eq!((warnings[0].id.as_str(), &*warnings[0].fault.code, warnings.len()), ("fine", "unknown_event", 1));
    }
}
