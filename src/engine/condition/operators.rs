//! The operators of a field's tests: what each takes, and what it compiles to.

use super::actual::Actual;
use super::compile::{Compiler, indexed, is_operators};
use super::version::padded;
use super::{Comparison, Members, Pattern, Primitive, Scalar, Test, TypeName, js, number_text};
use crate::engine::tree::{self, Kind, nearest};
use footfall_protocol::Value;
use footfall_protocol::limits::{REGEX_BYTES_MAX, cut};

/// What stands where a field may stand.
pub(super) const LOGICAL: [&str; 4] = ["$and", "$or", "$nor", "$not"];

/// What tests a field.
const OPERATORS: [&str; 29] = [
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
    "$inGroup",
    "$notInGroup",
];

impl Compiler<'_> {
    /// One operator with its operand; `None` with a fault when it is written wrong.
    pub(super) fn operator(
        &mut self,
        operator: &str,
        operand: &Value,
        kind: Option<Kind>,
        path: &str,
        at: &str,
        depth: usize,
    ) -> Option<Test> {
        self.check_kind(operator, operand, kind, path, at);
        Some(match operator {
            "$eq" => Test::Is(scalar(operand)),
            "$ne" => Test::IsNot(scalar(operand)),
            "$lt" => Test::Order(Comparison::Less, Primitive::new(operand)),
            "$lte" => Test::Order(Comparison::LessOrEqual, Primitive::new(operand)),
            "$gt" => Test::Order(Comparison::Greater, Primitive::new(operand)),
            "$gte" => Test::Order(Comparison::GreaterOrEqual, Primitive::new(operand)),
            "$in" => Test::In(Members::new(self.items(operand, at)?, false)),
            "$nin" => Test::NotIn(Members::new(self.items(operand, at)?, false)),
            "$ini" => Test::In(Members::new(self.items(operand, at)?, true)),
            "$nini" => Test::NotIn(Members::new(self.items(operand, at)?, true)),
            "$inGroup" => Test::In(self.group(operator, operand, at)?),
            "$notInGroup" => Test::NotIn(self.group(operator, operand, at)?),
            "$exists" => {
                let wanted = operand.as_bool().or_else(|| self.wrong(at, "true or false", operand));
                Test::Exists(wanted.unwrap_or_else(|| js::truthy(Actual::of_value(operand))))
            }
            "$not" => Test::Not(Box::new(self.test(operand, kind, path, at, depth))),
            "$size" => Test::Size(Box::new(self.test(operand, None, path, at, depth))),
            "$elemMatch" => self.some_item(operand, kind, path, at, depth)?,
            "$all" => Test::AllOf(self.each(operand, path, at, depth)?),
            "$alli" => Test::AllOf(self.each(operand, path, at, depth)?.into_iter().map(folded).collect()),
            "$regex" => Test::Matches(self.pattern(operand, at, false)?),
            "$regexi" => Test::Matches(self.pattern(operand, at, true)?),
            "$notRegex" => Test::MatchesNot(self.pattern(operand, at, false)?),
            "$notRegexi" => Test::MatchesNot(self.pattern(operand, at, true)?),
            "$type" => Test::Type(self.type_name(operand, at)?),
            "$veq" => self.version(Comparison::Equal, operand, at),
            "$vne" => self.version(Comparison::NotEqual, operand, at),
            "$vlt" => self.version(Comparison::Less, operand, at),
            "$vlte" => self.version(Comparison::LessOrEqual, operand, at),
            "$vgt" => self.version(Comparison::Greater, operand, at),
            "$vgte" => self.version(Comparison::GreaterOrEqual, operand, at),
            "$and" | "$or" | "$nor" => {
                let message = format!("`{operator}` stands before fields: {{\"{operator}\": [{{\"{path}\": …}}, …]}}");
                self.fault(at, "unknown_operator", message);
                return None;
            }
            _ => {
                let advice = nearest(operator, OPERATORS);
                let message = format!("`{}` is not an operator; {advice}", cut(operator, 64));
                self.fault(at, "unknown_operator", message);
                return None;
            }
        })
    }

    /// What can never be true of a field of this kind, and so was not meant.
    fn check_kind(&mut self, operator: &str, operand: &Value, kind: Option<Kind>, path: &str, at: &str) {
        let Some(kind) = kind else { return };
        let list = kind == Kind::List;
        match operator {
            "$size" | "$elemMatch" | "$all" | "$alli" if !list => {
                let message = format!("`{path}` is {} and no list, so `{operator}` never holds", kind.as_str());
                self.fault(at, "invalid", message);
            }
            "$eq" | "$ne" if matches!(operand, Value::Array(_) | Value::Object(_)) => {
                let message = format!("`{operator}` is for scalars; write the array or object itself, or `$all`");
                self.fault(at, "invalid", message);
            }
            "$eq" | "$ne" if list && !operand.is_null() => {
                let instead = if operator == "$eq" { "$in" } else { "$nin" };
                let message = format!("`{path}` is a list; write {{\"{instead}\": […]}} for any of its items");
                self.fault(at, "invalid", message);
            }
            "$lt" | "$lte" | "$gt" | "$gte" | "$regex" | "$regexi" | "$notRegex" | "$notRegexi" if list => {
                let message =
                    format!("`{path}` is a list; write {{\"$elemMatch\": {{\"{operator}\": …}}}} for its items");
                self.fault(at, "invalid", message);
            }
            "$eq" | "$ne" => self.check_operand(operand, kind, operator, path, at),
            "$in" | "$nin" | "$ini" | "$nini" if !list => {
                for (index, item) in operand.as_array().unwrap_or_default().iter().enumerate() {
                    self.check_operand(item, kind, operator, path, &indexed(at, index));
                }
            }
            _ => {}
        }
    }

    /// Operators that compare types as well, with a value of another type than the field's.
    fn check_operand(&mut self, operand: &Value, kind: Kind, operator: &str, path: &str, at: &str) {
        let same = match (kind, operand) {
            (Kind::Text | Kind::OneOf(_), Value::String(_))
            | (Kind::Number | Kind::Money(_), Value::Number(_))
            | (Kind::Flag, Value::Bool(_))
            | (Kind::List | Kind::Open, _)
            | (_, Value::Null) => true,
            (Kind::Text | Kind::OneOf(_) | Kind::Number | Kind::Money(_) | Kind::Flag, _) => false,
        };
        if same {
            // Without case, a field's few values are as good as their lower case, in which they are known.
            let lower = operand.as_str().filter(|_| operator.ends_with("ini")).map(|text| text.to_lowercase().into());
            self.check_value(lower.as_ref().unwrap_or(operand), Some(kind), path, at);
        } else {
            let (is, said) = (kind.as_str(), operand.type_name());
            let message = format!("`{path}` is {is} and `{operator}` compares types as well: {said} is never the same");
            self.fault(at, "invalid", message);
        }
    }

    fn some_item(&mut self, operand: &Value, kind: Option<Kind>, path: &str, at: &str, depth: usize) -> Option<Test> {
        let Some(object) = operand.as_object() else { return self.wrong(at, "an object", operand) };
        if is_operators(object) {
            return Some(Test::SomeItem(Box::new(self.test(operand, None, path, at, depth))));
        }
        let lines = kind.is_some() && path == "cart.lines";
        let mut inner = Compiler::new(if lines { &tree::resolve_line } else { &tree::resolve_any });
        (inner.groups, inner.tests) = (self.groups, self.tests);
        inner.within.clone_from(&self.within);
        let condition = inner.condition_at(operand, at, depth);
        self.tests = inner.tests;
        self.faults.append(&mut inner.faults);
        Some(Test::SomeObject(Box::new(condition)))
    }

    fn each(&mut self, operand: &Value, path: &str, at: &str, depth: usize) -> Option<Vec<Test>> {
        let each = self.items(operand, at)?.iter().enumerate();
        Some(each.map(|(index, item)| self.test(item, None, path, &indexed(at, index), depth)).collect())
    }

    fn version(&mut self, comparison: Comparison, operand: &Value, at: &str) -> Test {
        let number = operand.as_f64().map(number_text);
        let version = number.as_deref().or_else(|| self.text(operand, at));
        Test::Version(comparison, padded(version.unwrap_or_default()))
    }

    fn type_name(&mut self, operand: &Value, at: &str) -> Option<TypeName> {
        let name = self.text(operand, at)?;
        let found = TypeName::from_name(name);
        if found.is_none() {
            let advice = nearest(name, ["null", "boolean", "number", "string", "array", "object"]);
            self.fault(at, "unknown_value", format!("`{}` is not a type; {advice}", cut(name, 64)));
        }
        found
    }

    fn pattern(&mut self, operand: &Value, at: &str, fold: bool) -> Option<Pattern> {
        let source = self.text(operand, at)?;
        if source.len() > REGEX_BYTES_MAX {
            self.fault(at, "too_long", format!("a regular expression has at most {REGEX_BYTES_MAX} bytes"));
            return None;
        }
        match Pattern::new(source, fold) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let message = format!("not a regular expression that can be used here: {error}");
                self.fault(at, "invalid", message);
                None
            }
        }
    }

    pub(super) fn wrong<T>(&mut self, at: &str, wanted: &str, operand: &Value) -> Option<T> {
        self.fault(at, "invalid", format!("wants {wanted}, not {}", operand.type_name()));
        None
    }

    fn items<'v>(&mut self, operand: &'v Value, at: &str) -> Option<&'v [Value]> {
        let list = operand.as_array();
        if list.is_none() {
            return self.wrong(at, "an array", operand);
        }
        list
    }

    pub(super) fn text<'v>(&mut self, operand: &'v Value, at: &str) -> Option<&'v str> {
        let text = operand.as_str();
        if text.is_none() {
            return self.wrong(at, "a string", operand);
        }
        text
    }
}

fn scalar(value: &Value) -> Scalar {
    match value {
        Value::Null => Scalar::Null,
        Value::Bool(flag) => Scalar::Bool(*flag),
        Value::Number(number) => Scalar::Number(*number),
        Value::String(text) => Scalar::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => Scalar::Thing,
    }
}

/// A bare string within `$alli`; everything else there is as in `$all`.
fn folded(test: Test) -> Test {
    if let Test::Text { text, .. } = test { Test::Folded(text.to_lowercase()) } else { test }
}
