//! What held and what did not: a condition as a tree of its parts, each with the value it looked at.

use super::actual::Actual;
use super::{Comparison, Condition, Primitive, Scalar, Test};
use crate::engine::tree::{Field, Scope};
use footfall_protocol::limits::{EXPLAINED_VALUE_BYTES_MAX, cut};
use footfall_protocol::{Object, Value};

impl Condition {
    /// The condition's parts for this scope, as JSON. A field is `{field, test, value, holds}` with the test as an
    /// author writes it (and no `value` when there is none); several parts are `{all: […], holds}`, `{any: […], holds}`
    /// and `{not: …, holds}`. Long values are cut at [`EXPLAINED_VALUE_BYTES_MAX`].
    pub fn explain<S: Scope + ?Sized>(&self, scope: &S) -> Value {
        let each = |parts: &[Self]| Value::Array(parts.iter().map(|part| part.explain(scope)).collect());
        let mut told = Object::new();
        match self {
            Self::All(parts) => told.insert("all", each(parts)),
            Self::Any(parts) => told.insert("any", each(parts)),
            Self::Not(part) => told.insert("not", part.explain(scope)),
            Self::Field(field, tests) => {
                told.insert("field", field.path());
                told.insert("test", authored_all(tests));
                if let Some(value) = scope.read(field).into_value() {
                    told.insert("value", shortened(value));
                }
            }
        }
        told.insert("holds", self.holds(scope));
        Value::Object(told)
    }

    /// The condition as an author writes it; compiled again it is the same.
    pub fn authored(&self) -> Value {
        let each = |parts: &[Self]| Value::Array(parts.iter().map(Self::authored).collect());
        let (key, value) = match self {
            Self::All(parts) if parts.is_empty() => return Value::Object(Object::new()),
            Self::All(parts) => ("$and".to_owned(), each(parts)),
            Self::Any(parts) => ("$or".to_owned(), each(parts)),
            Self::Not(part) => ("$not".to_owned(), part.authored()),
            Self::Field(field, tests) => (field.path(), authored_all(tests)),
        };
        Value::Object(Object::from_iter([(key, value)]))
    }

    /// The fields that it reads, in the order in which they stand, with repeats.
    pub fn fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        self.each_field(&mut |field, _| fields.push(field.clone()));
        fields
    }
}

/// A value short enough to be shown: beyond the bound its JSON text, cut.
fn shortened(value: Value) -> Value {
    let text = serde_json::to_string(&value).unwrap_or_default();
    if text.len() <= EXPLAINED_VALUE_BYTES_MAX {
        return value;
    }
    Value::from(format!("{}…", cut(&text, EXPLAINED_VALUE_BYTES_MAX)))
}

/// The tests of one field: a bare value where it is one, else an object of operators.
fn authored_all(tests: &[Test]) -> Value {
    match tests {
        [one] => one.authored(),
        several => several
            .iter()
            .filter_map(|test| test.authored().as_object().and_then(|members| members.clone().into_iter().next()))
            .collect::<Object>()
            .into(),
    }
}

fn operator(name: &str, operand: impl Into<Value>) -> Value {
    Value::Object(Object::from_iter([(name.to_owned(), operand.into())]))
}

fn each(tests: &[Test]) -> Value {
    Value::Array(tests.iter().map(Test::authored).collect())
}

impl Test {
    /// The test as an author writes it.
    pub fn authored(&self) -> Value {
        match self {
            Self::Text { text, .. } => Value::from(text.as_str()),
            Self::Folded(text) => Value::from(text.as_str()),
            Self::Number(number) => Value::from(*number),
            Self::Flag(flag) => Value::from(*flag),
            Self::Null => Value::Null,
            Self::Json(value) => value.clone(),
            Self::Is(scalar) => operator("$eq", scalar.authored()),
            Self::IsNot(scalar) => operator("$ne", scalar.authored()),
            Self::Order(comparison, operand) => operator(comparison.operator(), operand.authored()),
            Self::Version(comparison, padded) => operator(comparison.version_operator(), unpadded(padded)),
            Self::Exists(wanted) => operator("$exists", *wanted),
            Self::In(members) => operator(if members.folds() { "$ini" } else { "$in" }, members.authored()),
            Self::NotIn(members) => operator(if members.folds() { "$nini" } else { "$nin" }, members.authored()),
            Self::Every(tests) => authored_all(tests),
            Self::Not(test) => operator("$not", test.authored()),
            Self::Size(test) => operator("$size", test.authored()),
            Self::SomeItem(test) => operator("$elemMatch", test.authored()),
            Self::SomeObject(condition) => operator("$elemMatch", condition.authored()),
            Self::AllOf(tests) if tests.iter().any(|test| matches!(test, Self::Folded(_))) => {
                operator("$alli", each(tests))
            }
            Self::AllOf(tests) => operator("$all", each(tests)),
            Self::Matches(pattern) => operator(if pattern.folds() { "$regexi" } else { "$regex" }, pattern.source()),
            Self::MatchesNot(pattern) => {
                operator(if pattern.folds() { "$notRegexi" } else { "$notRegex" }, pattern.source())
            }
            Self::Type(name) => operator("$type", name.as_str()),
            Self::Never => operator("$in", Value::Array(Vec::new())),
        }
    }

    /// The test of one value alone, such as an aggregate's.
    pub fn passes_value(&self, value: &Value) -> bool {
        self.passes(Actual::of_value(value))
    }
}

impl Scalar {
    fn authored(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::from(*flag),
            Self::Number(number) => Value::from(*number),
            Self::Text(text) => Value::from(text.as_str()),
            Self::Thing => Value::Array(Vec::new()),
        }
    }
}

impl Primitive {
    fn authored(&self) -> Value {
        match (&self.text, self.number) {
            (Some(text), _) => Value::from(text.as_str()),
            (None, Some(number)) => Value::from(number),
            (None, None) => Value::Null,
        }
    }
}

impl Comparison {
    const fn operator(self) -> &'static str {
        match self {
            Self::Equal => "$eq",
            Self::NotEqual => "$ne",
            Self::Less => "$lt",
            Self::LessOrEqual => "$lte",
            Self::Greater => "$gt",
            Self::GreaterOrEqual => "$gte",
        }
    }

    const fn version_operator(self) -> &'static str {
        match self {
            Self::Equal => "$veq",
            Self::NotEqual => "$vne",
            Self::Less => "$vlt",
            Self::LessOrEqual => "$vlte",
            Self::Greater => "$vgt",
            Self::GreaterOrEqual => "$vgte",
        }
    }
}

/// A version of which [`super::version::padded`] makes this form.
fn unpadded(padded: &str) -> String {
    let parts = padded.strip_suffix("-~").filter(|rest| rest.split('-').count() == 3).unwrap_or(padded);
    parts.split('-').map(str::trim_start).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::condition::Compiler;
    use crate::engine::tree::resolve_any;

    fn value(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn compiled(authored: &Value) -> Condition {
        let mut compiler = Compiler::new(&resolve_any);
        let condition = compiler.condition(authored, "");
        assert_eq!(compiler.faults, [], "{authored:?}");
        condition
    }

    #[test]
    fn the_tree_says_what_held_with_the_values_it_saw() {
        let condition = compiled(&value(r#"{"cart.count": {"$gt": 1, "$lt": 9}, "$nor": [{"kind": "home"}]}"#));
        let told = condition.explain(&value(r#"{"cart": {"count": 2}}"#));
        let expected = r#"{"all":[{"field":"cart.count","test":{"$gt":1.0,"$lt":9.0},"value":2.0,"holds":true},
            {"not":{"any":[{"field":"kind","test":"home","holds":false}],"holds":false},"holds":true}],"holds":true}"#;
        assert_eq!(told, value(expected));
    }

    #[test]
    fn a_condition_written_back_means_the_same() {
        for text in [
            r#"{}"#,
            r#"{"a": 1, "b": "x", "c": null, "d": true, "e": [1, 2], "f": {"g": 1}}"#,
            r#"{"a": {"$eq": 1}, "b": {"$ne": "x"}, "c": {"$gte": "b", "$not": {"$lt": 3}}}"#,
            r#"{"a": {"$in": [1, "x", null]}, "b": {"$nini": ["X"]}, "c": {"$exists": false}, "d": {"$type": "array"}}"#,
            r#"{"a": {"$vgte": "1.2.3"}, "b": {"$vlt": "v1.2.3-rc.1"}, "c": {"$veq": "2"}}"#,
            r#"{"a": {"$size": {"$gt": 2}}, "b": {"$elemMatch": {"$gt": 2}}, "c": {"$elemMatch": {"x.y": 2}}}"#,
            r#"{"a": {"$all": ["x", {"$gt": 2}]}, "b": {"$alli": ["x"]}, "c": {"$regexi": "^a"}, "d": {"$notRegex": "b"}}"#,
            r#"{"$or": [{"a": 1}, {"$not": {"b": 2}}], "$nor": [{"c": 3}], "$and": [{"d": 4}]}"#,
        ] {
            let condition = compiled(&value(text));
            let again = compiled(&condition.authored());
            assert_eq!(again.authored(), condition.authored(), "{text}");
            for scope in [
                r#"{"a": 1, "b": "x", "d": true, "e": [1, 2], "f": {"g": 1}}"#,
                r#"{"a": "1.3.0", "b": [3], "c": [{"x": {"y": 2}}], "d": []}"#,
                r#"{"a": ["x", 3, 4], "b": "1.2.3-beta", "c": "abc", "d": "abc"}"#,
            ] {
                assert_eq!(again.holds(&value(scope)), condition.holds(&value(scope)), "{text} for {scope}");
            }
        }
    }

    #[test]
    fn a_long_value_is_cut() {
        let scope = Value::Object(Object::from_iter([("a".to_owned(), Value::from("x".repeat(10_000)))]));
        let told = compiled(&value(r#"{"a": 1}"#)).explain(&scope);
        assert!(serde_json::to_string(&told).unwrap().len() < 2 * EXPLAINED_VALUE_BYTES_MAX);
    }
}
