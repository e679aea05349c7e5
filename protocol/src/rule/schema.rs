//! The JSON Schema (draft 2020-12) of authored documents, made from the types beside this file.
//!
//! What the types cannot say is added here: which members exclude each other, and which fields conditions read. The
//! schema never refuses what the compiler takes. It cannot know everything: bounds of durations, templates, regular
//! expressions and how deep patterns nest are for the compiler alone.

mod conditions;

pub use conditions::{FieldKind, FieldSays};

use super::{Condition, Documents, EventCondition, FieldPath, Rule, Segment, SegmentCondition, Stage, Test};
use crate::Value as Contract;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// Where every deployment serves the schema, and so its `$id`.
pub const PATH: &str = "/admin/v1/rule.schema.json";

/// The schema, for a tree with these fields.
pub fn rule_schema(fields: &[FieldSays<'_>]) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let root = |schema: Schema| schema.to_value();
    let documents = root(generator.subschema_for::<Documents>());
    let (rule, segment, stage) = (
        root(generator.subschema_for::<Rule>()),
        root(generator.subschema_for::<Segment>()),
        root(generator.subschema_for::<Stage>()),
    );
    let mut definitions = generator.take_definitions(true);
    definitions.values_mut().for_each(present);
    definitions.extend(conditions::definitions(fields));
    let has = |name: &str| json!({"required": [name]});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": PATH,
        "title": "Footfall: a rule, a segment or a stage",
        "description": "A document of a rulebook, or a file of several. A segment is known by `when`, a stage by `rank`, a file by `rules`, `segments` or `stages`; everything else is a rule.",
        "type": "object",
        "if": {"anyOf": [has("rules"), has("segments"), has("stages")]},
        "then": documents,
        "else": {
            "if": has("when"),
            "then": segment,
            "else": {"if": has("rank"), "then": stage, "else": rule}
        },
        "$defs": definitions
    })
}

/// What an author leaves out is absent, never `null`: takes out what the types' `Option` says of it.
fn present(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.values_mut().for_each(present);
            if object.get("default") == Some(&Value::Null) {
                object.remove("default");
            }
            object.remove("format");
            if let Some(Value::String(says)) = object.get_mut("description") {
                // Lines of a comment are one line of text; an empty one parts paragraphs.
                let paragraphs: Vec<String> = says.split("\n\n").map(|text| text.replace('\n', " ")).collect();
                *says = paragraphs.join("\n\n");
            }
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            let null = json!({"type": "null"});
            if let Some(Value::Array(choices)) = object.get_mut("anyOf")
                && choices.contains(&null)
            {
                choices.retain(|choice| *choice != null);
                if let [Value::Object(only)] = choices.as_mut_slice() {
                    let only = std::mem::take(only);
                    object.remove("anyOf");
                    // What stands at the member says more than what stands at its type.
                    for (key, value) in only {
                        object.entry(key).or_insert(value);
                    }
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(present),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// An enum whose variants are the one member of an object: the object, with all of them as members. An editor then
/// completes their names, and a fault is said of the member and not of every variant.
pub(super) fn one_member(schema: &mut Schema) {
    let Some(Value::Array(variants)) = schema.remove("oneOf") else { return };
    let mut members = Map::new();
    for variant in variants {
        let says = variant.get("description").cloned();
        for (name, member) in variant["properties"].as_object().into_iter().flatten() {
            let mut member = member.clone();
            if let (Some(says), Some(object)) = (says.clone(), member.as_object_mut()) {
                object.insert("description".to_owned(), says);
            }
            members.insert(name.clone(), member);
        }
    }
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), members.into());
    schema.insert("additionalProperties".to_owned(), false.into());
    schema.insert("minProperties".to_owned(), 1.into());
    schema.insert("maxProperties".to_owned(), 1.into());
}

/// An enum without data: the list of its names, with what each means in one description.
pub(super) fn plain_enum(schema: &mut Schema) {
    let Some(Value::Array(variants)) = schema.remove("oneOf") else { return };
    let mut says = schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut names = Vec::new();
    for variant in variants {
        let listed = variant.get("enum").and_then(Value::as_array).cloned().unwrap_or_default();
        for name in listed.into_iter().chain(variant.get("const").cloned()) {
            if let (Some(name), Some(means)) = (name.as_str(), variant.get("description").and_then(Value::as_str)) {
                says = format!("{says}\n\n`{name}`: {means}");
            }
            names.push(name);
        }
    }
    schema.insert("description".to_owned(), says.trim().into());
    schema.insert("type".to_owned(), "string".into());
    schema.insert("enum".to_owned(), names.into());
}

/// Variants that are told apart by their type or form.
pub(super) fn any_of(schema: &mut Schema) {
    if let Some(variants) = schema.remove("oneOf") {
        schema.insert("anyOf".to_owned(), variants);
    }
}

/// A part of an `all`: a pattern, unless it says `not`.
pub(super) fn not_or_pattern(schema: &mut Schema) {
    let variants = ["anyOf", "oneOf"].into_iter().find_map(|key| schema.remove(key));
    let Some([not, pattern]) = variants.as_ref().and_then(|v| v.as_array()).and_then(|v| v.as_chunks().0.first())
    else {
        return;
    };
    let mut not = not.clone();
    if let Some(object) = not.as_object_mut() {
        object.insert("additionalProperties".to_owned(), false.into());
    }
    schema.insert("if".to_owned(), json!({"required": ["not"]}));
    schema.insert("then".to_owned(), not);
    schema.insert("else".to_owned(), pattern.clone());
}

/// Exactly one of some members is there.
fn exactly_one(schema: &mut Schema, members: &[&str]) {
    let each: Vec<Value> = members.iter().map(|member| json!({"required": [member]})).collect();
    schema.insert("oneOf".to_owned(), each.into());
}

pub(super) fn one_point(schema: &mut Schema) {
    exactly_one(schema, &["event", "session", "stage", "segment", "any", "not"]);
    schema.insert("dependentSchemas".to_owned(), json!({"not": {"maxProperties": 1}}));
}

/// The first step has none before it, and a `key` needs a `by`.
pub(super) fn first_step(schema: &mut Schema) {
    if let Some(Value::Object(steps)) = schema.pointer_mut("/properties/steps") {
        let step = steps.get("items").and_then(|items| items.get("$ref")).cloned();
        let first = json!({"$ref": step, "properties": {"within": false, "key": false, "not": false}});
        steps.insert("prefixItems".to_owned(), json!([first]));
    }
    schema.insert("if".to_owned(), json!({"not": {"required": ["by"]}}));
    schema.insert("then".to_owned(), json!({"properties": {"steps": {"items": {"properties": {"key": false}}}}}));
}

/// An `all` occurs at the happening of a pattern without `not`.
pub(super) fn not_all_not(schema: &mut Schema) {
    if let Some(Value::Object(parts)) = schema.pointer_mut("/properties/of") {
        parts.insert("contains".to_owned(), json!({"not": {"required": ["not"]}}));
    }
}

pub(super) fn entered_or_left(schema: &mut Schema) {
    exactly_one(schema, &["entered", "left"]);
}

/// A wait for each value of a field needs something that ends it.
pub(super) fn by_needs_of(schema: &mut Schema) {
    schema.insert("dependentRequired".to_owned(), json!({"by": ["of"]}));
}

/// Every function but `count` is of values.
pub(super) fn value_unless_count(schema: &mut Schema) {
    schema.insert("if".to_owned(), json!({"properties": {"fn": {"const": "count"}}}));
    schema.insert("then".to_owned(), json!({"properties": {"value": false}}));
    schema.insert("else".to_owned(), json!({"required": ["value"]}));
}

/// A way in by time alone takes no event and no condition.
pub(super) fn idle_alone(schema: &mut Schema) {
    let neither = json!({"properties": {"on": false, "when": false}});
    schema.insert("dependentSchemas".to_owned(), json!({"after_idle": neither}));
}

/// The condition of a rule whose pattern never occurs at an event.
pub(super) fn without_event(schema: &mut Schema) {
    let silent: Vec<Value> =
        ["dwell", "session", "stage", "segment", "absence", "started"].map(|name| json!({"required": [name]})).into();
    schema.insert("if".to_owned(), json!({"required": ["pattern"], "properties": {"pattern": {"anyOf": silent}}}));
    schema.insert("then".to_owned(), json!({"properties": {"condition": {"$ref": "#/$defs/Condition"}}}));
}

/// Types whose schema is written in `conditions`, from the fields of the tree.
macro_rules! given {
    ($($type:ty => $name:literal),* $(,)?) => {$(
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                Schema::default()
            }
        }
    )*};
}
given! {
    EventCondition => "EventCondition",
    Condition => "Condition",
    SegmentCondition => "SegmentCondition",
    Test => "AggregateTest",
    FieldPath => "FieldPath",
}

impl JsonSchema for Contract {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Value".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        Schema::default()
    }
}

impl JsonSchema for crate::Object {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Object".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "object"})
    }
}
