//! The schema of conditions: the fields of the tree with the tests that each takes.

use crate::limits::REGEX_BYTES_MAX;
use serde_json::{Map, Value, json};

/// One field of the tree, as the schema needs to know it.
#[derive(Clone, Copy, Debug)]
pub struct FieldSays<'a> {
    /// Its dotted path.
    pub path: &'a str,
    /// What it holds.
    pub kind: FieldKind<'a>,
    /// What it means: a sentence.
    pub says: &'a str,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum FieldKind<'a> {
    /// A string.
    Text,
    /// One of these strings.
    OneOf(&'a [&'a str]),
    /// A number, or an amount of money in units of its currency.
    Number,
    /// `true` or `false`.
    Flag,
    /// An array; with the names of its items' members when they are known.
    List(Option<&'a [&'a str]>),
    /// An object with members of any name: a path goes on below it.
    Open,
}

/// What a path below an open field looks like: parts without dots, none of them empty.
const BELOW: &str = r"(\.[^.]+)+$";

/// The definitions that conditions are made of.
pub(super) fn definitions(fields: &[FieldSays<'_>]) -> Map<String, Value> {
    let event = |field: &&FieldSays<'_>| field.path != "event" && !field.path.starts_with("event.");
    let all: Vec<FieldSays<'_>> = fields.to_vec();
    let still: Vec<FieldSays<'_>> = fields.iter().filter(event).copied().collect();
    let segment: Vec<FieldSays<'_>> = still.iter().filter(|field| field.path != "segments").copied().collect();
    let mut made = Map::new();
    let mut define = |name: &str, schema: Value| drop(made.insert(name.to_owned(), schema));
    define(
        "EventCondition",
        condition(
            "EventCondition",
            &all,
            "A condition where an event is at hand: fields with their tests. All of them must hold.",
        ),
    );
    define(
        "Condition",
        condition(
            "Condition",
            &still,
            "A condition where no event is at hand: fields with their tests. All of them must hold.",
        ),
    );
    define(
        "SegmentCondition",
        condition(
            "SegmentCondition",
            &segment,
            "A segment's condition: fields with their tests, neither `event` nor `segments`. All of them must hold.",
        ),
    );
    define("ItemCondition", item_condition());
    define("FieldPath", field_path(fields));
    define("Test", test_of_any());
    define("AggregateTest", aggregate_test());
    define("TestText", scalar_test("string", "OperatorsText"));
    define("OperatorsText", operators(Some("string"), "TestText"));
    define("TestNumber", scalar_test("number", "OperatorsNumber"));
    define("OperatorsNumber", operators(Some("number"), "TestNumber"));
    define("TestFlag", scalar_test("boolean", "OperatorsFlag"));
    define("OperatorsFlag", operators(Some("boolean"), "TestFlag"));
    define("Operators", operators(None, "Test"));
    for field in fields {
        let name = own_name(field.path);
        match field.kind {
            FieldKind::OneOf(values) => {
                define(&format!("Test{name}"), one_of_test(&name, values));
                define(&format!("Operators{name}"), one_of_operators(&name, values));
            }
            FieldKind::List(members) => {
                define(&format!("Test{name}"), list_test(&name));
                define(&format!("Operators{name}"), list_operators(&name, members));
                if let Some(members) = members {
                    define(&format!("Item{name}"), known_item(&name, members));
                }
            }
            FieldKind::Text | FieldKind::Number | FieldKind::Flag | FieldKind::Open => {}
        }
    }
    made
}

/// `page.kind` → `PageKind`.
fn own_name(path: &str) -> String {
    let parts = path.split(['.', '_']).filter_map(|part| part.split_at_checked(1));
    parts.map(|(first, rest)| format!("{}{rest}", first.to_uppercase())).collect()
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

/// The members that stand where fields may: `$and` and its kin.
fn logical(name: &str) -> Map<String, Value> {
    let list = |says: &str| json!({"type": "array", "items": reference(name), "description": says});
    let mut members = Map::new();
    members.insert("$and".to_owned(), list("Every one of these conditions holds."));
    members.insert("$or".to_owned(), list("At least one of these conditions holds."));
    members.insert("$nor".to_owned(), list("None of these conditions holds."));
    members.insert(
        "$not".to_owned(),
        json!({"$ref": format!("#/$defs/{name}"), "description": "This condition does not hold."}),
    );
    members
}

fn condition(name: &str, fields: &[FieldSays<'_>], says: &str) -> Value {
    let (mut members, mut patterns) = (logical(name), Map::new());
    for field in fields {
        let own = || format!("Test{}", own_name(field.path));
        let test = match field.kind {
            FieldKind::Text => "TestText".to_owned(),
            FieldKind::Number => "TestNumber".to_owned(),
            FieldKind::Flag => "TestFlag".to_owned(),
            FieldKind::OneOf(_) | FieldKind::List(_) => own(),
            FieldKind::Open => {
                let form = format!("^{}{BELOW}", field.path.replace('.', r"\."));
                patterns.insert(form, json!({"$ref": "#/$defs/Test", "description": field.says}));
                continue;
            }
        };
        members.insert(field.path.to_owned(), json!({"$ref": format!("#/$defs/{test}"), "description": field.says}));
    }
    json!({
        "description": says,
        "type": "object",
        "properties": members,
        "patternProperties": patterns,
        "additionalProperties": false
    })
}

/// The path of a field whose value a pattern takes.
fn field_path(fields: &[FieldSays<'_>]) -> Value {
    let known: Vec<&str> = fields.iter().filter(|f| !matches!(f.kind, FieldKind::Open)).map(|f| f.path).collect();
    let open = fields.iter().filter(|f| matches!(f.kind, FieldKind::Open));
    let forms = open.map(|f| json!({"pattern": format!("^{}{BELOW}", f.path.replace('.', r"\."))}));
    let choices: Vec<Value> = std::iter::once(json!({"enum": known})).chain(forms).collect();
    json!({"description": "The dotted path of a field of the tree.", "type": "string", "anyOf": choices})
}

/// A test of a string, a number or a flag: any scalar, compared as JavaScript does, or operators.
fn scalar_test(wanted: &str, operators: &str) -> Value {
    json!({
        "description": format!("A {wanted} to be equal to, `null` for a missing value, or operators such as {{\"$ne\": …}}."),
        "type": ["string", "number", "boolean", "null", "object"],
        "if": {"type": "object"},
        "then": reference(operators)
    })
}

fn one_of_test(name: &str, values: &[&str]) -> Value {
    json!({
        "description": format!("One of {}; `null` for a missing value; or operators.", values.join(", ")),
        "type": ["string", "number", "boolean", "null", "object"],
        "if": {"type": "object"},
        "then": reference(&format!("Operators{name}")),
        "else": {"if": {"type": "string"}, "then": {"enum": values}}
    })
}

fn list_test(name: &str) -> Value {
    json!({
        "description": "Operators such as {\"$in\": […]} for any of its items; an array for the whole list.",
        "type": ["array", "object", "null"],
        "if": {"type": "object"},
        "then": reference(&format!("Operators{name}"))
    })
}

/// A test of a value of any type: operators when a member begins with `$`, else the value itself.
fn test_of_any() -> Value {
    json!({
        "description": "A value to be equal to, or operators such as {\"$gte\": 500}.",
        "if": {"type": "object", "not": {"propertyNames": {"pattern": "^[^$]|^$"}}},
        "then": reference("Operators")
    })
}

/// A test of an aggregate, which has one value.
fn aggregate_test() -> Value {
    json!({
        "description": "A value to be equal to, or operators such as {\"$gte\": 500}.",
        "type": ["string", "number", "boolean", "object"],
        "if": {"type": "object"},
        "then": reference("Operators")
    })
}

/// The operators of a kind of field; without a kind, of any.
fn operators(kind: Option<&str>, test: &str) -> Value {
    let same = kind.map_or_else(|| json!({}), |kind| json!({"type": [kind, "null"]}));
    let mut members = compared(&same, &same);
    members.extend(ordered());
    members.extend(common(test));
    if kind.is_none() {
        members.extend(of_lists(&json!({"anyOf": [reference("Operators"), reference("ItemCondition")]})));
    }
    object_of(members)
}

fn one_of_operators(name: &str, values: &[&str]) -> Value {
    let mut known: Vec<Value> = values.iter().map(|value| (*value).into()).collect();
    known.push(Value::Null);
    let mut members = compared(&json!({"enum": known}), &json!({"type": ["string", "null"]}));
    members.extend(ordered());
    members.extend(common(&format!("Test{name}")));
    object_of(members)
}

fn list_operators(name: &str, members: Option<&[&str]>) -> Value {
    let item = members.map_or_else(|| reference("ItemCondition"), |_| reference(&format!("Item{name}")));
    let mut made = compared(&json!({"type": "null"}), &json!({}));
    for operator in ["$in", "$nin", "$ini", "$nini"] {
        if let Some(Value::Object(list)) = made.get_mut(operator) {
            list.remove("items");
        }
    }
    // No order and no expression: a list has neither.
    let common = common(&format!("Test{name}")).into_iter();
    made.extend(common.filter(|(operator, _)| !operator.to_lowercase().contains("regex")));
    made.extend(of_lists(&json!({"anyOf": [reference("Operators"), item]})));
    object_of(made)
}

fn object_of(members: Map<String, Value>) -> Value {
    json!({
        "description": "Operators; all of them must hold.",
        "type": "object",
        "properties": members,
        "additionalProperties": false,
        "minProperties": 1
    })
}

fn said(mut schema: Value, says: &str) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), says.into());
    }
    schema
}

fn map<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// Operators that compare types as well: `same` with case, `folded` without.
fn compared(same: &Value, folded: &Value) -> Map<String, Value> {
    let list = |items: &Value, says: &str| json!({"type": "array", "items": items, "description": says});
    map([
        ("$eq", said(same.clone(), "The same, of the same type.")),
        ("$ne", said(same.clone(), "Not the same.")),
        ("$in", list(same, "One of these; of a list, any item is.")),
        ("$nin", list(same, "None of these.")),
        ("$ini", list(folded, "One of these, whatever the case of letters.")),
        ("$nini", list(folded, "None of these, whatever the case of letters.")),
    ])
}

fn ordered() -> Map<String, Value> {
    map([
        ("$lt", json!({"description": "Less than this."})),
        ("$lte", json!({"description": "At most this."})),
        ("$gt", json!({"description": "Greater than this."})),
        ("$gte", json!({"description": "At least this."})),
    ])
}

/// Operators of every kind of field.
fn common(test: &str) -> Map<String, Value> {
    let says = "A regular expression as JavaScript has them, without look-around and back-references";
    let regex =
        |more: &str| json!({"type": "string", "maxLength": REGEX_BYTES_MAX, "description": format!("{says}{more}.")});
    let version =
        |says: &str| json!({"type": ["string", "number"], "description": format!("As versions (1.2.3): {says} this.")});
    map([
        ("$exists", json!({"type": "boolean", "description": "`true`: there is a value; `false`: there is none."})),
        ("$not", said(reference(test), "This test is not passed.")),
        (
            "$type",
            json!({"enum": ["null", "boolean", "number", "string", "array", "object"], "description": "The value is of this type."}),
        ),
        ("$regex", regex(", that is found in the text")),
        ("$regexi", regex(", that is found in the text, whatever the case of letters")),
        ("$notRegex", regex(", that is not found in the text")),
        ("$notRegexi", regex(", that is not found in the text, whatever the case of letters")),
        ("$veq", version("the same as")),
        ("$vne", version("another than")),
        ("$vlt", version("before")),
        ("$vlte", version("at most")),
        ("$vgt", version("after")),
        ("$vgte", version("at least")),
    ])
}

/// Operators of lists.
fn of_lists(item: &Value) -> Map<String, Value> {
    let each = |says: &str| json!({"type": "array", "items": reference("Test"), "description": says});
    map([
        ("$size", said(reference("Test"), "How many items it has.")),
        (
            "$elemMatch",
            said(
                item.clone(),
                "At least one item passes this: operators for items that are values, a condition for items that are objects.",
            ),
        ),
        ("$all", each("For each of these some item passes it.")),
        ("$alli", each("For each of these some item passes it, whatever the case of letters.")),
    ])
}

/// A condition on an item of a list whose members are not known.
fn item_condition() -> Value {
    json!({
        "description": "A condition on the members of an item.",
        "type": "object",
        "properties": logical("ItemCondition"),
        "patternProperties": {"^[^$]|^$": reference("Test")},
        "additionalProperties": false
    })
}

/// A condition on an item of a list whose members are known.
fn known_item(name: &str, known: &[&str]) -> Value {
    let mut members = logical(&format!("Item{name}"));
    members.extend(
        known.iter().map(|member| ((*member).to_owned(), said(reference("Test"), &format!("The line's {member}.")))),
    );
    json!({
        "description": format!("A condition on the members of an item: {}.", known.join(", ")),
        "type": "object",
        "properties": members,
        "additionalProperties": false
    })
}
