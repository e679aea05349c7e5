//! Authored JSON → [`Condition`], with every fault at once, each at its JSON pointer.

use super::operators::LOGICAL;
use super::{Condition, Groups, Primitive, Test, js};
use crate::engine::fault::RuleFault;
use crate::engine::tree::{Field, Kind, closest, nearest};
use footfall_protocol::limits::{CONDITION_DEPTH_MAX, CONDITION_TESTS_MAX, DOCUMENT_FAULTS_MAX};
use footfall_protocol::rejection::{push_index, push_pointer};
use footfall_protocol::{Object, Value};

/// Compiles the conditions of one document against one way of resolving fields, collecting faults.
///
/// It never stops at a fault: what is wrong compiles to a test that is never passed, which is what the SDK answers.
pub struct Compiler<'a> {
    /// Path → field, or advice.
    pub resolve: &'a dyn Fn(&str) -> Result<Field, String>,
    /// Saved groups by name, for `$inGroup` and `$savedGroup`; `None` where there is no such thing.
    pub groups: Option<&'a Groups>,
    /// What was found wrong so far.
    pub faults: Vec<RuleFault>,
    /// Tests so far; a document of several conditions carries it on.
    pub(in crate::engine) tests: usize,
    /// The saved groups whose conditions are being compiled.
    pub(super) within: Vec<String>,
}

impl<'a> Compiler<'a> {
    /// A compiler that has found nothing yet, without saved groups.
    pub fn new(resolve: &'a dyn Fn(&str) -> Result<Field, String>) -> Self {
        Self { resolve, groups: None, faults: Vec::new(), tests: 0, within: Vec::new() }
    }

    pub(super) fn fault(&mut self, pointer: &str, code: &'static str, message: impl Into<String>) {
        if self.faults.len() < DOCUMENT_FAULTS_MAX {
            self.faults.push(RuleFault::at(pointer, code, message));
        }
    }

    /// Compiles one condition; where something is wrong a fault is kept and the rest goes on.
    pub fn condition(&mut self, value: &Value, pointer: &str) -> Condition {
        self.condition_at(value, pointer, 0)
    }

    pub(super) fn condition_at(&mut self, value: &Value, pointer: &str, depth: usize) -> Condition {
        let Some(object) = value.as_object() else {
            let kind = value.type_name();
            let message = format!("a condition is an object such as {{\"cart.value\": {{\"$gt\": 50}}}}, not {kind}");
            self.fault(pointer, "invalid", message);
            return never();
        };
        if depth > CONDITION_DEPTH_MAX {
            self.fault(pointer, "too_deep", format!("conditions nest at most {CONDITION_DEPTH_MAX} levels deep"));
            return Condition::default();
        }
        let mut parts = Vec::with_capacity(object.len());
        for (key, value) in object.iter() {
            let at = below(pointer, key);
            parts.push(match key {
                "$and" => Condition::All(self.list(value, &at, depth)),
                "$or" => Condition::Any(self.list(value, &at, depth)),
                "$nor" => Condition::Not(Box::new(Condition::Any(self.list(value, &at, depth)))),
                "$not" => Condition::Not(Box::new(self.condition_at(value, &at, depth + 1))),
                "$savedGroup" => self.saved_group(value, &at, depth).unwrap_or_else(never),
                path => self.field(path, value, &at, depth),
            });
        }
        if parts.len() == 1 { parts.swap_remove(0) } else { Condition::All(parts) }
    }

    fn field(&mut self, path: &str, value: &Value, at: &str, depth: usize) -> Condition {
        match (self.resolve)(path) {
            Ok(field) => {
                let test = self.test(value, field.kind(), &field.path(), at, depth);
                Condition::Field(field, if let Test::Every(tests) = test { tests } else { vec![test] })
            }
            Err(_) if path.starts_with('$') => {
                let advice = nearest(path, LOGICAL);
                let message = format!("`{path}` does not stand here, before a field; {advice}");
                self.fault(at, "unknown_operator", message);
                never()
            }
            Err(message) => {
                self.fault(at, "unknown_field", message);
                never()
            }
        }
    }

    /// Compiles a test alone: a value, or operators as for a field of this kind. `what` names it in messages.
    pub(in crate::engine) fn alone(&mut self, value: &Value, kind: Option<Kind>, what: &str, pointer: &str) -> Test {
        self.test(value, kind, what, pointer, 0)
    }

    fn list(&mut self, value: &Value, pointer: &str, depth: usize) -> Vec<Condition> {
        let Some(items) = value.as_array() else {
            self.fault(pointer, "invalid", format!("wants an array of conditions, not {}", value.type_name()));
            return Vec::new();
        };
        let each = items.iter().enumerate();
        each.map(|(index, item)| self.condition_at(item, &indexed(pointer, index), depth + 1)).collect()
    }

    /// The test that an authored value stands for, of a field of this kind.
    pub(super) fn test(&mut self, value: &Value, kind: Option<Kind>, path: &str, at: &str, depth: usize) -> Test {
        self.tests += 1;
        if self.tests == CONDITION_TESTS_MAX + 1 {
            let message = format!("a document has at most {CONDITION_TESTS_MAX} tests in its conditions");
            self.fault(at, "too_many", message);
        }
        if self.tests > CONDITION_TESTS_MAX {
            return Test::Never;
        }
        if depth > CONDITION_DEPTH_MAX {
            self.fault(at, "too_deep", format!("conditions nest at most {CONDITION_DEPTH_MAX} levels deep"));
            return Test::Never;
        }
        match value {
            Value::Object(object) if is_operators(object) => {
                let mut tests = Vec::with_capacity(object.len());
                for (operator, operand) in object.iter() {
                    let at = below(at, operator);
                    let test = self.operator(operator, operand, kind, path, &at, depth + 1);
                    tests.push(test.unwrap_or(Test::Never));
                }
                if tests.len() == 1 { tests.swap_remove(0) } else { Test::Every(tests) }
            }
            Value::Object(object) if object.iter().any(|(key, _)| key.starts_with('$')) => {
                self.fault(at, "invalid", "operators and plain members do not mix in one object");
                Test::Json(value.clone())
            }
            // Below an open field anything may be; a field of the tree is known to be not.
            Value::Array(_) | Value::Object(_) if never_such(value, kind) => {
                let (is, said) = (kind.map_or("a value", |kind| kind.as_str()), value.type_name());
                let message = format!("`{path}` is {is} and never {said}; operators begin with `$`, such as `$eq`");
                self.fault(at, "invalid", message);
                Test::Never
            }
            Value::Array(_) | Value::Object(_) => Test::Json(value.clone()),
            Value::Null => Test::Null,
            Value::Bool(_) | Value::Number(_) | Value::String(_) if kind == Some(Kind::List) => {
                let message = format!("`{path}` is a list; write {{\"$in\": […]}} for any of its items");
                self.fault(at, "invalid", message);
                Test::Never
            }
            Value::Bool(flag) => Test::Flag(*flag),
            Value::Number(number) => Test::Number(*number),
            Value::String(text) => {
                self.check_value(value, kind, path, at);
                text_test(text)
            }
        }
    }

    /// A string that a field of few values never is.
    pub(super) fn check_value(&mut self, value: &Value, kind: Option<Kind>, path: &str, at: &str) {
        let (Some(Kind::OneOf(known)), Some(text)) = (kind, value.as_str()) else { return };
        if !known.contains(&text) {
            let all = || format!("write one of: {}", known.join(", "));
            let advice =
                closest(text, known.iter().copied()).map_or_else(all, |meant| format!("did you mean `{meant}`?"));
            let text = footfall_protocol::limits::cut(text, 64);
            self.fault(at, "unknown_value", format!("`{path}` is never `{text}`; {advice}"));
        }
    }
}

/// Whether a field of this kind can never be this array or object.
const fn never_such(value: &Value, kind: Option<Kind>) -> bool {
    match kind {
        None | Some(Kind::Open) => false,
        Some(Kind::List) => matches!(value, Value::Object(_)),
        Some(Kind::Text | Kind::OneOf(_) | Kind::Number | Kind::Money(_) | Kind::Flag) => true,
    }
}

/// What stands for a condition that is written wrong.
fn never() -> Condition {
    Condition::Field(Field::Any(Vec::new()), vec![Test::Never])
}

/// A bare string: with the number that JavaScript writes as it, so that a number need not be written to compare.
pub(super) fn text_test(text: &str) -> Test {
    let number = Primitive::new(&Value::from(text)).number.filter(|number| js::number_text(*number) == text);
    Test::Text { text: text.to_owned(), number }
}

/// Whether an object is operators: it has members, and each begins with `$`.
pub(super) fn is_operators(object: &Object) -> bool {
    !object.is_empty() && object.iter().all(|(key, _)| key.starts_with('$'))
}

pub(super) fn below(pointer: &str, key: &str) -> String {
    let mut at = pointer.to_owned();
    push_pointer(&mut at, key);
    at
}

pub(super) fn indexed(pointer: &str, index: usize) -> String {
    let mut at = pointer.to_owned();
    push_index(&mut at, index);
    at
}
