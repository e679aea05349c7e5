//! What a test's answer depends on: the ground on which an index may sort values into classes.

use super::{Members, Scalar, Test};
use footfall_protocol::Value;

/// What of a value decides whether it passes a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) enum Facet {
    /// The value made a number, as JavaScript makes it one, and how that compares with the test's constants. So for
    /// every value, arrays and objects among them.
    Number,
    /// As long as the value is null, a truth value, a number or a string: which of these it is and how it compares with
    /// the test's constants of the same type. Of an array or object the test has to be asked.
    Scalar,
    /// More than that: the test has to be asked.
    Whole,
}

/// The constants that a test compares with.
#[derive(Debug, Default)]
pub(in crate::engine) struct Constants<'a> {
    /// Never NaN, and never -0.
    pub(in crate::engine) numbers: Vec<f64>,
    pub(in crate::engine) texts: Vec<&'a str>,
    /// Whether strings are compared by their order as well, and not only for being the same.
    pub(in crate::engine) ordered: bool,
}

impl Test {
    /// What its answer depends on. Each line is a claim about [`Test::passes`], which the index's tests check.
    pub(in crate::engine) fn facet(&self) -> Facet {
        match self {
            Self::Number(number) if !number.is_nan() => Facet::Number,
            Self::Order(_, operand) if operand.text.is_none() => Facet::Number,
            Self::Text { .. } | Self::Flag(_) | Self::Null | Self::Order(..) | Self::Exists(_) | Self::Type(_) => {
                Facet::Scalar
            }
            Self::Is(scalar) | Self::IsNot(scalar) => match scalar {
                Scalar::Number(number) if number.is_nan() => Facet::Whole,
                Scalar::Null | Scalar::Bool(_) | Scalar::Number(_) | Scalar::Text(_) | Scalar::Thing => Facet::Scalar,
            },
            Self::In(members) | Self::NotIn(members) => members.facet(),
            Self::Json(Value::Array(_) | Value::Object(_)) => Facet::Scalar,
            Self::Not(test) => test.facet(),
            Self::Every(tests) => {
                let mut facets = tests.iter().map(Self::facet);
                let first = facets.next().unwrap_or(Facet::Scalar);
                if facets.all(|facet| facet == first) { first } else { Facet::Whole }
            }
            Self::Number(_)
            | Self::Folded(_)
            | Self::Json(_)
            | Self::Version(..)
            | Self::Size(_)
            | Self::SomeItem(_)
            | Self::SomeObject(_)
            | Self::AllOf(_)
            | Self::Matches(_)
            | Self::MatchesNot(_)
            | Self::Never => Facet::Whole,
        }
    }

    /// Adds the constants that it compares with. Complete where [`Test::facet`] is not [`Facet::Whole`].
    pub(in crate::engine) fn constants<'a>(&'a self, found: &mut Constants<'a>) {
        let number = |found: &mut Constants<'a>, number: f64| found.numbers.push(number + 0.0);
        match self {
            Self::Number(constant) | Self::Is(Scalar::Number(constant)) | Self::IsNot(Scalar::Number(constant)) => {
                number(found, *constant);
            }
            Self::Text { text, number: written } => {
                found.texts.push(text);
                written.iter().for_each(|constant| number(found, *constant));
            }
            Self::Flag(_) => {
                // What is falsy.
                number(found, 0.0);
                found.texts.push("");
            }
            Self::Is(Scalar::Text(text)) | Self::IsNot(Scalar::Text(text)) => found.texts.push(text),
            Self::Order(_, operand) => {
                operand.number.iter().for_each(|constant| number(found, *constant));
                if let Some(text) = &operand.text {
                    found.texts.push(text);
                    found.ordered = true;
                }
            }
            Self::In(members) | Self::NotIn(members) => {
                members.numbers().iter().for_each(|constant| number(found, *constant));
                found.texts.extend(members.texts().unwrap_or_default().iter().map(String::as_str));
            }
            Self::Every(tests) => tests.iter().for_each(|test| test.constants(found)),
            Self::Not(test) => test.constants(found),
            Self::Folded(_)
            | Self::Null
            | Self::Json(_)
            | Self::Is(_)
            | Self::IsNot(_)
            | Self::Version(..)
            | Self::Exists(_)
            | Self::Size(_)
            | Self::SomeItem(_)
            | Self::SomeObject(_)
            | Self::AllOf(_)
            | Self::Matches(_)
            | Self::MatchesNot(_)
            | Self::Type(_)
            | Self::Never => {}
        }
    }
}

impl Members {
    /// Without case a string is looked up in another form than it has.
    fn facet(&self) -> Facet {
        match self.texts() {
            Some(_) if self.numbers().iter().all(|number| !number.is_nan()) => Facet::Scalar,
            Some(_) | None => Facet::Whole,
        }
    }
}
