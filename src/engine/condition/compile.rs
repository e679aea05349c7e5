//! Authored JSON → [`Condition`], with every fault at once, each at its JSON pointer.

use super::{Case, Condition, Order, Pattern, Test};
use crate::engine::fault::RuleFault;
use crate::engine::tree::{Field, nearest};
use footfall_protocol::Value;
use footfall_protocol::rejection::{push_index, push_pointer};

/// Greatest depth of a condition.
const DEPTH_MAX: usize = 12;
/// Greatest number of tests in one document's conditions.
const TESTS_MAX: usize = 200;

const OPERATORS: [&str; 31] = [
    "$eq",
    "$ne",
    "$lt",
    "$lte",
    "$gt",
    "$gte",
    "$in",
    "$nin",
    "$ini",
    "$nini",
    "$exists",
    "$not",
    "$size",
    "$elemMatch",
    "$all",
    "$alli",
    "$regex",
    "$regexi",
    "$notRegex",
    "$notRegexi",
    "$type",
    "$veq",
    "$vne",
    "$vlt",
    "$vlte",
    "$vgt",
    "$vgte",
    "$and",
    "$or",
    "$nor",
    "$inGroup",
];

/// Compiles conditions against one way of resolving fields, collecting faults.
pub struct Compiler<'a> {
    /// Path → field, or advice.
    pub resolve: &'a dyn Fn(&str) -> Result<Field, String>,
    /// What was found wrong so far.
    pub faults: Vec<RuleFault>,
    tests: usize,
}

impl<'a> Compiler<'a> {
    /// A compiler that has found nothing yet.
    pub fn new(resolve: &'a dyn Fn(&str) -> Result<Field, String>) -> Self {
        Self { resolve, faults: Vec::new(), tests: 0 }
    }

    fn fault(&mut self, pointer: &str, code: &'static str, message: impl Into<String>) {
        self.faults.push(RuleFault::at(pointer, code, message));
    }

    /// Compiles one condition; where something is wrong a fault is kept and the rest goes on.
    pub fn condition(&mut self, value: &Value, pointer: &str) -> Condition {
        self.condition_at(value, pointer, 0)
    }

    fn condition_at(&mut self, value: &Value, pointer: &str, depth: usize) -> Condition {
        let Some(object) = value.as_object() else {
            self.fault(
                pointer,
                "invalid",
                format!(
                    "a condition is an object such as {{\"cart.value\": {{\"$gt\": 50}}}}, not {}",
                    value.type_name()
                ),
            );
            return Condition::default();
        };
        if depth > DEPTH_MAX {
            self.fault(pointer, "too_deep", format!("conditions nest at most {DEPTH_MAX} levels deep"));
            return Condition::default();
        }
        let mut parts = Vec::with_capacity(object.len());
        for (key, value) in object.iter() {
            let mut at = pointer.to_owned();
            push_pointer(&mut at, key);
            parts.push(match key {
                "$and" => Condition::All(self.list(value, &at, depth)),
                "$or" => Condition::Any(self.list(value, &at, depth)),
                "$nor" => Condition::Not(Box::new(Condition::Any(self.list(value, &at, depth)))),
                "$not" => Condition::Not(Box::new(self.condition_at(value, &at, depth + 1))),
                _ if key.starts_with('$') && (self.resolve)(key).is_err() => {
                    let advice = nearest(key, ["$and", "$or", "$nor", "$not"].into_iter());
                    self.fault(&at, "unknown_operator", format!("`{key}` does not stand here; {advice}"));
                    continue;
                }
                path => match (self.resolve)(path) {
                    Ok(field) => Condition::Field(field, self.tests(value, &at, depth)),
                    Err(message) => {
                        self.fault(&at, "unknown_field", message);
                        continue;
                    }
                },
            });
        }
        if parts.len() == 1 { parts.swap_remove(0) } else { Condition::All(parts) }
    }

    fn list(&mut self, value: &Value, pointer: &str, depth: usize) -> Vec<Condition> {
        let Some(items) = value.as_array() else {
            self.fault(pointer, "invalid", format!("wants an array of conditions, not {}", value.type_name()));
            return Vec::new();
        };
        let each = items.iter().enumerate();
        each.map(|(index, item)| self.condition_at(item, &indexed(pointer, index), depth + 1)).collect()
    }

    /// The tests that a field's authored value stands for.
    fn tests(&mut self, value: &Value, pointer: &str, depth: usize) -> Vec<Test> {
        self.tests += 1;
        if self.tests == TESTS_MAX + 1 {
            self.fault(pointer, "too_many", format!("a document has at most {TESTS_MAX} tests in its conditions"));
        }
        if self.tests > TESTS_MAX || depth > DEPTH_MAX {
            return Vec::new();
        }
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![Test::Is(value.clone())],
            Value::Object(object) if !object.is_empty() && object.iter().all(|(key, _)| key.starts_with('$')) => {
                let mut tests = Vec::with_capacity(object.len());
                for (operator, operand) in object.iter() {
                    let mut at = pointer.to_owned();
                    push_pointer(&mut at, operator);
                    tests.extend(self.operator(operator, operand, &at, depth + 1));
                }
                tests
            }
            Value::Object(object) if object.iter().any(|(key, _)| key.starts_with('$')) => {
                self.fault(pointer, "invalid", "operators and plain members do not mix in one object");
                Vec::new()
            }
            Value::Array(_) | Value::Object(_) => vec![Test::Json(serde_json::to_string(value).unwrap_or_default())],
        }
    }

    fn operator(&mut self, operator: &str, operand: &Value, at: &str, depth: usize) -> Option<Test> {
        let version = |order| move |text: String| Test::Version(order, text);
        Some(match operator {
            "$eq" => Test::Eq(operand.clone()),
            "$ne" => Test::Ne(operand.clone()),
            "$lt" => Test::Less(operand.clone()),
            "$lte" => Test::LessOrEqual(operand.clone()),
            "$gt" => Test::Greater(operand.clone()),
            "$gte" => Test::GreaterOrEqual(operand.clone()),
            "$in" => Test::In(self.values(operand, at)?, Case::Sensitive),
            "$nin" => Test::NotIn(self.values(operand, at)?, Case::Sensitive),
            "$ini" => Test::In(self.values(operand, at)?, Case::Insensitive),
            "$nini" => Test::NotIn(self.values(operand, at)?, Case::Insensitive),
            "$exists" => match operand.as_bool() {
                Some(wanted) => Test::Exists(wanted),
                None => return self.wrong(at, "true or false", operand),
            },
            "$not" => Test::Not(self.tests(operand, at, depth)),
            "$size" => Test::Size(self.tests(operand, at, depth)),
            "$elemMatch" => match operand.as_object() {
                Some(object) if !object.is_empty() && object.iter().all(|(key, _)| key.starts_with('$')) => {
                    Test::SomeItem(self.tests(operand, at, depth))
                }
                // An item's members are its own: any path is good there.
                Some(_) => {
                    let mut inner = Compiler::new(&any_path);
                    inner.tests = self.tests;
                    let condition = inner.condition_at(operand, at, depth);
                    self.tests = inner.tests;
                    self.faults.append(&mut inner.faults);
                    Test::SomeObject(condition)
                }
                None => return self.wrong(at, "an object", operand),
            },
            "$all" | "$alli" => {
                let case = if operator == "$all" { Case::Sensitive } else { Case::Insensitive };
                let wanted = self.values(operand, at)?;
                let each = wanted.iter().enumerate();
                Test::AllOf(each.map(|(index, value)| self.tests(value, &indexed(at, index), depth)).collect(), case)
            }
            "$regex" => Test::Matches(self.pattern(operand, at, Case::Sensitive)?),
            "$regexi" => Test::Matches(self.pattern(operand, at, Case::Insensitive)?),
            "$notRegex" => Test::MatchesNot(self.pattern(operand, at, Case::Sensitive)?),
            "$notRegexi" => Test::MatchesNot(self.pattern(operand, at, Case::Insensitive)?),
            "$type" => Test::Type(self.text(operand, at)?),
            "$veq" => version(Order::Equal)(self.text(operand, at)?),
            "$vne" => version(Order::NotEqual)(self.text(operand, at)?),
            "$vlt" => version(Order::Less)(self.text(operand, at)?),
            "$vlte" => version(Order::LessOrEqual)(self.text(operand, at)?),
            "$vgt" => version(Order::Greater)(self.text(operand, at)?),
            "$vgte" => version(Order::GreaterOrEqual)(self.text(operand, at)?),
            "$inGroup" | "$notInGroup" => {
                self.fault(
                    at,
                    "unknown_operator",
                    format!("`{operator}` needs saved groups, which a site does not have; write `$in` with a list"),
                );
                return None;
            }
            _ => {
                let advice = nearest(operator, OPERATORS.into_iter());
                self.fault(at, "unknown_operator", format!("`{operator}` is not an operator; {advice}"));
                return None;
            }
        })
    }

    fn wrong(&mut self, at: &str, wanted: &str, operand: &Value) -> Option<Test> {
        self.fault(at, "invalid", format!("wants {wanted}, not {}", operand.type_name()));
        None
    }

    fn values(&mut self, operand: &Value, at: &str) -> Option<Vec<Value>> {
        let list = operand.as_array().map(<[Value]>::to_vec);
        if list.is_none() {
            self.wrong(at, "an array", operand);
        }
        list
    }

    fn text(&mut self, operand: &Value, at: &str) -> Option<String> {
        let text = operand.as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong(at, "a string", operand);
        }
        text
    }

    fn pattern(&mut self, operand: &Value, at: &str, case: Case) -> Option<Pattern> {
        match Pattern::new(self.text(operand, at)?, case) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                self.fault(at, "invalid", format!("not a regular expression that can be used here: {error}"));
                None
            }
        }
    }
}

fn any_path(path: &str) -> Result<Field, String> {
    Ok(Field::Any(path.split('.').map(str::to_owned).collect()))
}

fn indexed(pointer: &str, index: usize) -> String {
    let mut at = pointer.to_owned();
    push_index(&mut at, index);
    at
}
