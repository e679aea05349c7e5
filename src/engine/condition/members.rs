//! The list of `$in` and its kin, sorted so that looking a value up does not walk it.

use super::actual::Actual;
use footfall_protocol::Value;
use serde::{Deserialize, Serialize};

/// The values of an authored list that a value can be the same as: scalars. Arrays and objects are never the same as
/// anything in JavaScript and so are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Members {
    texts: Vec<String>,
    numbers: Vec<f64>,
    null: bool,
    yes: bool,
    no: bool,
    /// Whether letters' case does not matter; the texts are then in lower case.
    fold: bool,
}

impl Members {
    /// The members of a list; with `fold`, texts are the same whatever the case of their letters.
    pub fn new(list: &[Value], fold: bool) -> Self {
        let mut members = Self { fold, ..Self::default() };
        for value in list {
            match value {
                Value::Null => members.null = true,
                Value::Bool(true) => members.yes = true,
                Value::Bool(false) => members.no = true,
                // Adding zero makes of -0 the 0 that it equals.
                Value::Number(number) => members.numbers.push(number + 0.0),
                Value::String(text) if fold => members.texts.push(text.to_lowercase()),
                Value::String(text) => members.texts.push(text.clone()),
                Value::Array(_) | Value::Object(_) => {}
            }
        }
        members.texts.sort_unstable();
        members.texts.dedup();
        members.numbers.sort_unstable_by(f64::total_cmp);
        members.numbers.dedup();
        members
    }

    /// The numbers among them.
    pub(super) fn numbers(&self) -> &[f64] {
        &self.numbers
    }

    /// Whether letters' case does not matter.
    pub(super) const fn folds(&self) -> bool {
        self.fold
    }

    /// The list as an author writes it, sorted.
    pub(super) fn authored(&self) -> Value {
        let flags = [(self.yes, Value::Bool(true)), (self.no, Value::Bool(false)), (self.null, Value::Null)];
        let texts = self.texts.iter().map(|text| Value::from(text.as_str()));
        let numbers = self.numbers.iter().map(|number| Value::from(*number));
        let flags = flags.into_iter().filter_map(|(there, value)| there.then_some(value));
        Value::Array(texts.chain(numbers).chain(flags).collect())
    }

    /// The strings among them; `None` when they are compared without case.
    pub(super) fn texts(&self) -> Option<&[String]> {
        (!self.fold).then_some(&self.texts)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.texts.len() + self.numbers.len() + [self.null, self.yes, self.no].into_iter().filter(|is| *is).count()
    }

    /// Whether nothing is ever in it.
    pub(in crate::engine) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the value, or any of its items when it is an array, is in the list.
    pub(super) fn meet(&self, value: Actual<'_>) -> bool {
        if value.len().is_some() { value.any_item(|item| self.contain(item)) } else { self.contain(value) }
    }

    fn contain(&self, value: Actual<'_>) -> bool {
        match value {
            Actual::Null => self.null,
            Actual::Bool(true) => self.yes,
            Actual::Bool(false) => self.no,
            Actual::Number(number) => self.numbers.binary_search_by(|probe| probe.total_cmp(&(number + 0.0))).is_ok(),
            Actual::Text(text) if self.fold && !is_lower(text) => {
                self.texts.binary_search(&text.to_lowercase()).is_ok()
            }
            Actual::Text(text) => self.texts.binary_search_by(|probe| probe.as_str().cmp(text)).is_ok(),
            Actual::Texts(_) | Actual::List(_) | Actual::Object(_) => false,
        }
    }
}

/// Whether lower case would change nothing, as far as that is told at a glance.
fn is_lower(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_type_and_value_is_in_the_list() {
        let list: Value = serde_json::from_str(r#"["b", "a", 2, -0, true, null, [1], {"x": 1}]"#).unwrap();
        let members = Members::new(list.as_array().unwrap(), false);
        for inside in [Actual::Text("a"), Actual::Number(0.0), Actual::Number(2.0), Actual::Bool(true), Actual::Null] {
            assert!(members.meet(inside), "{inside:?}");
        }
        for outside in
            [Actual::Text("2"), Actual::Text("A"), Actual::Number(1.0), Actual::Bool(false), Actual::List(&[])]
        {
            assert!(!members.meet(outside), "{outside:?}");
        }
    }

    #[test]
    fn folding_is_that_of_unicode() {
        let members = Members::new(&["STRASSE".into(), "Ärger".into(), "1".into()], true);
        assert!(members.meet(Actual::Text("strasse")) && members.meet(Actual::Text("äRGER")));
        assert!(!members.meet(Actual::Text("straße")) && !members.meet(Actual::Number(1.0)));
    }
}
