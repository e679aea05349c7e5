//! Authored documents in files: one document, an array of them, or an object with rules, segments and stages.

use crate::{Refusal, input};
use footfall::engine::rules::{Kind, RuleSet, compile};
use footfall_protocol::{Object, Value};
use std::path::{Path, PathBuf};

/// The members of a file that holds documents of several kinds.
const MEMBERS: [(&str, Kind); 3] = [("rules", Kind::Rule), ("segments", Kind::Segment), ("stages", Kind::Stage)];

/// The documents of one site, from one file or several.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    /// Rules, in the order of the files.
    pub(crate) rules: Vec<Value>,
    /// Segments, likewise.
    pub(crate) segments: Vec<Value>,
    /// Stages, likewise.
    pub(crate) stages: Vec<Value>,
    /// Where each document stands, in the order in which they were read.
    places: Vec<(Kind, Place)>,
}

/// Where a document stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file, as it was named.
    pub(crate) file: PathBuf,
    /// JSON pointer to the document; empty when the file holds nothing else.
    pub(crate) pointer: String,
}

impl Documents {
    /// Reads files; together they are one site's.
    ///
    /// # Errors
    /// When a file cannot be read, is not JSON, or holds something that is not documents.
    pub(crate) fn read(files: &[PathBuf]) -> Result<Self, Refusal> {
        let mut documents = Self::default();
        for file in files {
            documents.add(file, input::json(file)?)?;
        }
        Ok(documents)
    }

    /// How many there are of all kinds.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Where the document stands that is the `index`th of its kind, and its place among all documents.
    pub(crate) fn place(&self, kind: Kind, index: usize) -> Option<(usize, &Place)> {
        let mut same = self.places.iter().enumerate().filter(|(_, (other, _))| *other == kind);
        same.nth(index).map(|(at, (_, place))| (at, place))
    }

    /// The documents of a kind.
    pub(crate) fn of(&self, kind: Kind) -> &[Value] {
        match kind {
            Kind::Rule => &self.rules,
            Kind::Segment => &self.segments,
            Kind::Stage => &self.stages,
        }
    }

    /// Compiles them: the good ones, and a line `FILE: /pointer: code: what to write instead` for each fault.
    pub(crate) fn compile(&self) -> (RuleSet, Vec<String>) {
        let (set, faults) = compile(&self.rules, &self.segments, &self.stages);
        let mut lines = Vec::new();
        for document in &faults {
            let Some((_, place)) = self.place(document.kind, document.index) else { continue };
            for fault in &document.faults {
                let (file, before) = (place.file.display(), &place.pointer);
                lines.push(format!("{file}: {before}{}: {}: {}", fault.pointer, fault.code, fault.message));
            }
        }
        (set, lines)
    }

    /// As the site of a scenario.
    pub(crate) fn as_site(&self) -> footfall_simulator::Documents {
        let (rules, segments, stages) = (self.rules.clone(), self.segments.clone(), self.stages.clone());
        footfall_simulator::Documents { rules, segments, stages }
    }

    fn add(&mut self, file: &Path, value: Value) -> Result<(), Refusal> {
        match value {
            Value::Array(items) => {
                for (index, item) in items.into_iter().enumerate() {
                    self.push(kind_of(&item), item, file, format!("/{index}"));
                }
                Ok(())
            }
            Value::Object(object) if is_set(&object) => self.add_set(file, object),
            document @ Value::Object(_) => {
                self.push(kind_of(&document), document, file, String::new());
                Ok(())
            }
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                let (file, kind) = (file.display(), other.type_name());
                Err(Refusal(format!("{file} holds {kind}; wanted is a document, an array of them, or an object {SET}")))
            }
        }
    }

    fn add_set(&mut self, file: &Path, set: Object) -> Result<(), Refusal> {
        for (key, value) in set {
            let kind = MEMBERS.into_iter().find(|(name, _)| *name == key).map(|(_, kind)| kind);
            let (Some(kind), Value::Array(items)) = (kind, value) else {
                return Err(Refusal(format!("{}: /{key} does not belong into an object {SET}", file.display())));
            };
            for (index, item) in items.into_iter().enumerate() {
                self.push(kind, item, file, format!("/{key}/{index}"));
            }
        }
        Ok(())
    }

    fn push(&mut self, kind: Kind, document: Value, file: &Path, pointer: String) {
        match kind {
            Kind::Rule => self.rules.push(document),
            Kind::Segment => self.segments.push(document),
            Kind::Stage => self.stages.push(document),
        }
        self.places.push((kind, Place { file: file.to_owned(), pointer }));
    }
}

/// A number with its word, in the plural unless it is one.
pub(crate) fn counted(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

const SET: &str = "with the arrays `rules`, `segments` and `stages`";

/// Whether an object is several kinds of documents: none of a document's own names is there.
fn is_set(object: &Object) -> bool {
    MEMBERS.iter().any(|(name, _)| object.get(name).is_some()) && object.get("id").is_none()
}

/// What a document that stands by itself is, by the members that only its kind has. What could be anything is a rule.
fn kind_of(document: &Value) -> Kind {
    let has = |key: &str| document.get(key).is_some();
    if has("pattern") || has("actions") {
        Kind::Rule
    } else if has("when") {
        Kind::Segment
    } else if has("rank") || has("enter") {
        Kind::Stage
    } else {
        Kind::Rule
    }
}
