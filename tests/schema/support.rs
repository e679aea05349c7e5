//! The schema, its validator, and the compiler's word on the same document.

use footfall::engine::fault::RuleFault;
use footfall::engine::rules::{compile_rule, compile_segment, compile_stage};
use footfall::engine::tree::{Kind, LINE_MEMBERS, TREE};
use footfall_protocol::rule::schema::{FieldKind, FieldSays, rule_schema};
use jsonschema::Validator;
use serde_json::Value;
use std::path::Path;

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The schema as the code has it now.
pub(crate) fn schema() -> Value {
    let fields: Vec<FieldSays<'_>> = TREE
        .iter()
        .map(|entry| FieldSays {
            path: entry.path,
            says: entry.says,
            kind: match entry.kind {
                Kind::Text => FieldKind::Text,
                Kind::OneOf(values) => FieldKind::OneOf(values),
                Kind::Number | Kind::Money(_) => FieldKind::Number,
                Kind::Flag => FieldKind::Flag,
                Kind::List => FieldKind::List((entry.path == "cart.lines").then_some(&LINE_MEMBERS)),
                Kind::Open => FieldKind::Open,
            },
        })
        .collect();
    rule_schema(&fields)
}

/// Kinds of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Document {
    Rule,
    Segment,
    Stage,
}

impl Document {
    pub(crate) const ALL: [Self; 3] = [Self::Rule, Self::Segment, Self::Stage];

    pub(crate) fn of(name: &str) -> Self {
        match name {
            "rule" => Self::Rule,
            "segment" => Self::Segment,
            _ => Self::Stage,
        }
    }

    /// What the compiler says.
    pub(crate) fn faults(self, document: &Value) -> Vec<RuleFault> {
        let document = serde_json::from_value(document.clone()).unwrap();
        match self {
            Self::Rule => compile_rule(&document).err(),
            Self::Segment => compile_segment(&document).err(),
            Self::Stage => compile_stage(&document).err(),
        }
        .unwrap_or_default()
    }

    /// The schema of this kind alone, for documents that are not known by their members.
    pub(crate) fn validator(self) -> Validator {
        let mut schema = schema();
        let object = schema.as_object_mut().unwrap();
        for key in ["if", "then", "else", "type"] {
            object.remove(key);
        }
        object.insert("$ref".to_owned(), format!("#/$defs/{self:?}").into());
        validator(&schema)
    }
}

pub(crate) fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::new(schema).unwrap()
}

/// What a validator finds wrong, for people.
pub(crate) fn errors(validator: &Validator, document: &Value) -> Vec<String> {
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}
