//! Conditions: GrowthBook's MongoDB-style condition language, compiled to a typed form that cannot fail.
//!
//! Behaviour is that of the public JavaScript SDK (specification 0.7.1 and later): a missing field is `null`, and
//! comparisons coerce as JavaScript's do. What the SDK answers "false" to at run time because it was written wrong (an
//! unknown operator, `$in` without a list) is a fault when the condition is compiled.

mod compile;
mod js;

pub use compile::Compiler;

use super::tree::{Field, Read, Scope};
use footfall_protocol::Value;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::OnceLock;

/// A compiled condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Condition {
    /// Every one holds; with none, it holds.
    All(Vec<Self>),
    /// At least one holds; with none, it holds as well (as in the SDK).
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// The field passes every test.
    Field(Field, Vec<Test>),
}

/// One test of a field's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Test {
    /// Compared loosely with a scalar, as a bare value in a condition is.
    Is(Value),
    /// The same JSON text, for arrays and plain objects.
    Json(String),
    /// `$eq`: strictly equal.
    Eq(Value),
    /// `$ne`
    Ne(Value),
    /// `$lt`
    Less(Value),
    /// `$lte`
    LessOrEqual(Value),
    /// `$gt`
    Greater(Value),
    /// `$gte`
    GreaterOrEqual(Value),
    /// `$exists`
    Exists(bool),
    /// `$in` and `$ini`: one of these; for an array, any of its items is.
    In(Vec<Value>, Case),
    /// `$nin` and `$nini`
    NotIn(Vec<Value>, Case),
    /// `$not`
    Not(Vec<Self>),
    /// `$size`: of an array.
    Size(Vec<Self>),
    /// `$elemMatch` with operators: some item passes.
    SomeItem(Vec<Self>),
    /// `$elemMatch` with a condition: it holds for some item.
    SomeObject(Condition),
    /// `$all` and `$alli`: each of these is passed by some item.
    AllOf(Vec<Vec<Self>>, Case),
    /// `$regex`, `$regexi`, `$notRegex` and `$notRegexi`; linear time.
    Matches(Pattern),
    /// The opposite of `Matches`.
    MatchesNot(Pattern),
    /// `$type`: the SDK's name of the value's type.
    Type(String),
    /// `$veq` and its kin: versions compared part by part.
    Version(Order, String),
}

/// Whether letters' case matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Case {
    /// It does.
    Sensitive,
    /// It does not.
    Insensitive,
}

/// Comparisons of versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// `$veq`
    Equal,
    /// `$vne`
    NotEqual,
    /// `$vlt`
    Less,
    /// `$vlte`
    LessOrEqual,
    /// `$vgt`
    Greater,
    /// `$vgte`
    GreaterOrEqual,
}

/// A regular expression: kept as text, compiled once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pattern {
    text: String,
    case: Case,
    #[serde(skip)]
    compiled: OnceLock<Option<regex_lite::Regex>>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.case) == (&other.text, other.case)
    }
}

impl Pattern {
    /// Greatest size of a compiled expression, in bytes.
    const SIZE_MAX: usize = 64 * 1024;

    fn new(text: String, case: Case) -> Result<Self, String> {
        let pattern = Self { text, case, compiled: OnceLock::new() };
        pattern.compile().map_err(|error| error.to_string())?;
        Ok(pattern)
    }

    fn compile(&self) -> Result<regex_lite::Regex, regex_lite::Error> {
        let mut builder = regex_lite::RegexBuilder::new(&self.text);
        builder.case_insensitive(self.case == Case::Insensitive).size_limit(Self::SIZE_MAX).build()
    }

    fn is_match(&self, text: &str) -> bool {
        self.compiled.get_or_init(|| self.compile().ok()).as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

impl Default for Condition {
    /// Holds always.
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

impl Condition {
    /// Whether it holds. Total: a missing field is a value like any other.
    pub fn holds<S: Scope + ?Sized>(&self, scope: &S) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(scope)),
            Self::Any(parts) => parts.is_empty() || parts.iter().any(|part| part.holds(scope)),
            Self::Not(part) => !part.holds(scope),
            Self::Field(field, tests) => {
                let value = scope.read(field);
                tests.iter().all(|test| test.passes(&value))
            }
        }
    }
}

fn read(value: &Value) -> Read<'_> {
    match value {
        Value::Null => Read::Missing,
        Value::Bool(flag) => Read::Bool(*flag),
        Value::Number(number) => Read::Number(*number),
        Value::String(text) => Read::Str(text),
        Value::Array(_) | Value::Object(_) => Read::Value(Cow::Borrowed(value)),
    }
}

impl Test {
    /// Whether the value passes.
    pub fn passes(&self, value: &Read<'_>) -> bool {
        // What a scope hands over as a whole value may be a scalar: look at it as one.
        if let Read::Value(whole) = value
            && !matches!(**whole, Value::Array(_) | Value::Object(_))
        {
            return self.passes(&read(whole));
        }
        match self {
            Self::Is(wanted) => js::loosely_is(value, wanted),
            Self::Json(wanted) => js::json(value) == *wanted,
            Self::Eq(wanted) => js::strictly_equal(value, wanted),
            Self::Ne(wanted) => !js::strictly_equal(value, wanted),
            Self::Less(than) => js::less(value, &read(than)) == Some(true),
            Self::Greater(than) => js::less(&read(than), value) == Some(true),
            Self::LessOrEqual(than) => js::less(&read(than), value) == Some(false),
            Self::GreaterOrEqual(than) => js::less(value, &read(than)) == Some(false),
            Self::Exists(wanted) => !matches!(value, Read::Missing) == *wanted,
            Self::In(list, case) => is_in(value, list, *case),
            Self::NotIn(list, case) => !is_in(value, list, *case),
            Self::Not(tests) => !tests.iter().all(|test| test.passes(value)),
            #[expect(clippy::cast_precision_loss, reason = "lists are bounded far below 2^53")]
            Self::Size(tests) => items(value)
                .is_some_and(|items| tests.iter().all(|test| test.passes(&Read::Number(items.len() as f64)))),
            Self::SomeItem(tests) => {
                let passes =
                    |item: &Value| js::truthy(&read(item)) && tests.iter().all(|test| test.passes(&read(item)));
                items(value).is_some_and(|items| items.iter().any(passes))
            }
            Self::SomeObject(condition) => {
                let holds = |item: &Value| js::truthy(&read(item)) && condition.holds(item);
                items(value).is_some_and(|items| items.iter().any(holds))
            }
            Self::AllOf(all, case) => items(value).is_some_and(|items| {
                let passed = |tests: &Vec<Self>| items.iter().any(|item| item_passes(tests, item, *case));
                all.iter().all(passed)
            }),
            Self::Matches(pattern) => pattern.is_match(&js::text(value)),
            Self::MatchesNot(pattern) => !pattern.is_match(&js::text(value)),
            Self::Type(wanted) => js::type_name(value) == wanted,
            Self::Version(order, wanted) => js::version_is(value, *order, wanted),
        }
    }
}

fn item_passes(tests: &[Test], item: &Value, case: Case) -> bool {
    match (case, item, tests) {
        (Case::Insensitive, Value::String(text), [Test::Is(Value::String(wanted))]) => {
            text.to_lowercase() == wanted.to_lowercase()
        }
        _ => tests.iter().all(|test| test.passes(&read(item))),
    }
}

fn items<'a>(value: &'a Read<'_>) -> Option<&'a [Value]> {
    if let Read::Value(value) = value { value.as_array() } else { None }
}

fn is_in(value: &Read<'_>, list: &[Value], case: Case) -> bool {
    let same = |value: &Read<'_>, wanted: &Value| match (case, value, wanted) {
        (Case::Insensitive, Read::Str(text), Value::String(wanted)) => text.to_lowercase() == wanted.to_lowercase(),
        _ => js::strictly_equal(value, wanted),
    };
    match items(value) {
        Some(items) => items.iter().any(|item| list.iter().any(|wanted| same(&read(item), wanted))),
        None => list.iter().any(|wanted| same(value, wanted)),
    }
}
