//! Conditions: GrowthBook's MongoDB-style condition language, compiled to a typed form that cannot fail.
//!
//! Behaviour is that of the public JavaScript SDK (specification 0.8.0, release 1.8.0): a missing field is `null`, and
//! comparisons coerce as JavaScript's do. What the SDK answers "false" to at run time because it was written wrong (an
//! unknown operator, `$in` without a list) is a fault when the condition is compiled, and false if it is asked anyway.

mod actual;
mod compile;
mod cost;
mod explain;
mod facet;
mod groups;
mod js;
mod members;
mod operators;
mod pattern;
mod test;
mod version;

pub use compile::Compiler;
pub use groups::Groups;
pub use members::Members;
pub use pattern::Pattern;
pub use test::{Comparison, Primitive, Scalar, Test, TypeName};

pub(super) use actual::Actual;
pub(super) use cost::field_cost;
pub(super) use facet::{Constants, Facet};
pub(super) use js::{number, number_text, text_order};

use super::tree::{Field, Roots, Scope};
use serde::{Deserialize, Serialize};

/// A compiled condition. Plain data; at most [`footfall_protocol::limits::CONDITION_TESTS_MAX`] tests in one document.
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
                let read = scope.read(field);
                let actual = Actual::of(&read);
                tests.iter().all(|test| test.passes(actual))
            }
        }
    }

    /// Which parts of the tree it reads: an input that changes none of them cannot change the answer, unless
    /// [`Roots::by_time`] says that time alone can.
    pub fn reads(&self) -> Roots {
        let mut roots = Roots::default();
        self.each_field(&mut |field, _| roots.add(field));
        roots
    }

    /// Whether what a rule does at once can change the answer for the rules after it.
    pub fn reads_what_actions_change(&self) -> bool {
        let mut found = false;
        self.each_field(&mut |field, _| found |= field.is_changed_by_actions());
        found
    }

    /// The numbers that fields which change by time alone are compared with, as (field, number): the answer can only
    /// change without an input when one of these fields passes one of its numbers. Sorted by no rule, with repeats.
    pub fn thresholds(&self) -> Vec<(Field, f64)> {
        let mut found = Vec::new();
        self.each_field(&mut |field, tests| {
            if matches!(field, Field::Known(known, _) if known.entry().by_time) {
                tests.iter().for_each(|test| test.each_number(&mut |number| found.push((field.clone(), number))));
            }
        });
        found
    }

    fn each_field<'a>(&'a self, visit: &mut dyn FnMut(&'a Field, &'a [Test])) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.each_field(visit)),
            Self::Not(part) => part.each_field(visit),
            Self::Field(field, tests) => visit(field, tests),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tree::{Known, Root, resolve};
    use footfall_protocol::Value;

    fn compiled(text: &str) -> Condition {
        let value: Value = serde_json::from_str(text).unwrap();
        let mut compiler = Compiler::new(&resolve);
        let condition = compiler.condition(&value, "");
        assert_eq!(compiler.faults, []);
        condition
    }

    #[test]
    fn a_condition_knows_what_it_reads() {
        let roots = compiled(r#"{"$or": [{"cart.count": 0}, {"$not": {"page.kind": "cart"}}]}"#).reads();
        let read: Vec<Root> = Root::ALL.into_iter().filter(|root| roots.has(*root)).collect();
        assert_eq!((read, roots.by_time()), (vec![Root::Page, Root::Cart], false));
        assert!(compiled(r#"{"time.hour": {"$gte": 8}}"#).reads().by_time());
        assert!(!compiled("{}").reads().by_time());
    }

    #[test]
    fn a_condition_knows_when_time_alone_can_change_it() {
        let condition = compiled(
            r#"{"cart.count": {"$gt": 1}, "cart.idle_seconds": {"$gte": 600, "$not": {"$gt": 900}},
                "$nor": [{"session.total_seconds": {"$in": [5, 7]}}, {"time.weekday": 0}]}"#,
        );
        let found: Vec<(String, f64)> = condition.thresholds().into_iter().map(|(f, n)| (f.path(), n)).collect();
        let expected = [
            ("cart.idle_seconds", 600.0),
            ("cart.idle_seconds", 900.0),
            ("session.total_seconds", 5.0),
            ("session.total_seconds", 7.0),
            ("time.weekday", 0.0),
        ];
        assert_eq!(found, expected.map(|(path, number)| (path.to_owned(), number)));
    }

    #[test]
    fn a_compiled_condition_is_plain_data() {
        let condition =
            compiled(r#"{"page.path": {"$regexi": "^/sale"}, "segments": {"$in": ["b", "a"]}, "stage": "new"}"#);
        let bytes = postcard::to_allocvec(&condition).unwrap();
        let again: Condition = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(again, condition);
        assert!(!again.holds(&Value::Null));
        assert_eq!(Field::Known(Known::Stage, vec![]).path(), "stage");
    }
}
