//! The format of GrowthBook's cases: a section is a list of arrays, whose places mean something else in each section.

use footfall::engine::assignment::BucketRange;
use footfall::engine::condition::Groups;
use footfall_protocol::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// More variations than this are no case but a slip: the answer has as many numbers.
const VARIATIONS_MAX: f64 = 10_000.0;

/// A file of cases.
#[derive(Debug)]
pub(super) struct Suite {
    /// `specVersion`.
    pub(super) version: String,
    /// The sections that are run, in the order of their names.
    pub(super) sections: Vec<Section>,
    /// Names of those that are not, with the reason.
    pub(super) left_out: Vec<(String, &'static str)>,
}

/// The cases of one part of the specification.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) cases: Vec<Case>,
}

/// One case.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) question: Question,
    pub(super) expected: Value,
}

/// What a case asks.
#[derive(Debug)]
pub(super) enum Question {
    /// Whether the condition holds for the attributes.
    Condition { condition: Value, attributes: Value, groups: Groups },
    /// The bucket of a value.
    Hash { seed: String, value: String, version: u32 },
    /// The variations' ranges of buckets.
    Ranges { variations: usize, coverage: f64, weights: Option<Vec<f64>> },
    /// The place of the variation that has a bucket, or -1.
    Choice { bucket: f64, ranges: Vec<BucketRange> },
    /// Whether a value belongs to a part of a namespace.
    Namespace { value: String, namespace: String, part: BucketRange },
    /// So many equal weights.
    EqualWeights { variations: usize },
}

/// How the cases of a section are read: `None` when a case has not the section's form.
type Reader = fn(&[Value]) -> Option<Case>;

/// Sections that are run: name, how a case is read, and the form that a case has.
const RUN: [(&str, Reader, &str); 6] = [
    ("evalCondition", condition, "[name, condition, attributes, true or false, saved groups if there are any]"),
    ("hash", hash, "[seed, value, version, bucket or null]"),
    ("getBucketRange", ranges, "[name, [number of variations, coverage, weights or null], [[from, to], …]]"),
    ("chooseVariation", choice, "[name, bucket, [[from, to], …], place or -1]"),
    ("inNamespace", namespace, "[name, value, [namespace, from, to], true or false]"),
    ("getEqualWeights", equal_weights, "[number of variations, weights]"),
];

/// The sections of a section: comparisons of versions by the operator that says the same.
const VERSIONS: &str = "versionCompare";
const VERSION_FORM: &str = "a list of [version, version, true or false] under `lt`, `gt` or `eq`";

/// Known sections that are not run, with the reason.
const LEFT_OUT: [(&str, &str); 8] = [
    ("contextualBandit", "there are no experiments yet"),
    ("decrypt", "payloads are not encrypted"),
    ("feature", "there are no flags yet"),
    ("getQueryStringOverride", "there are no experiments yet"),
    ("run", "there are no experiments yet"),
    ("stickyBucket", "there are no experiments yet"),
    ("urlRedirect", "there are no experiments yet"),
    ("urlTargeting", "there are no experiments yet"),
];

impl Suite {
    /// Reads a file of cases whole, before any is run.
    ///
    /// # Errors
    /// What is not as the format wants it, and where.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let file: BTreeMap<String, &RawValue> = serde_json::from_str(text)
            .map_err(|error| format!("a file of cases is a JSON object of sections, which this is not: {error}"))?;
        let mut suite = Self { version: "unknown".to_owned(), sections: Vec::new(), left_out: Vec::new() };
        for (name, raw) in file {
            if name == "specVersion" {
                suite.version = serde_json::from_str(raw.get()).map_err(|_| "`specVersion` is a string".to_owned())?;
            } else if let Some((name, reader, form)) = RUN.into_iter().find(|(known, ..)| *known == name) {
                let cases = list(&format!("/{name}"), raw, form, reader)?;
                suite.sections.push(Section { name, cases });
            } else if name == VERSIONS {
                suite.sections.push(Section { name: VERSIONS, cases: versions(raw)? });
            } else {
                let known = LEFT_OUT.into_iter().find(|(known, _)| *known == name);
                suite.left_out.push((name, known.map_or("there is no such section", |(_, why)| why)));
            }
        }
        if suite.sections.is_empty() && suite.left_out.iter().all(|(name, _)| LEFT_OUT.iter().all(|(k, _)| k != name)) {
            let names = RUN.map(|(name, ..)| name).join(", ");
            return Err(format!("a file of cases has sections such as {names}, and this has none of them"));
        }
        Ok(suite)
    }
}

fn list(at: &str, raw: &RawValue, form: &str, reader: impl Fn(&[Value]) -> Option<Case>) -> Result<Vec<Case>, String> {
    let parts: Vec<&RawValue> =
        serde_json::from_str(raw.get()).map_err(|_| format!("{at} is not a list of cases, each {form}"))?;
    let each = parts.into_iter().enumerate();
    let read = |(index, raw): (usize, &RawValue)| {
        let case: Vec<Value> = serde_json::from_str(raw.get()).map_err(|error| format!("{at}/{index}: {error}"))?;
        reader(&case).ok_or_else(|| format!("{at}/{index} is not a case of its section, which is {form}"))
    };
    each.map(read).collect()
}

fn versions(raw: &RawValue) -> Result<Vec<Case>, String> {
    let by_order: BTreeMap<String, &RawValue> =
        serde_json::from_str(raw.get()).map_err(|_| format!("/{VERSIONS} is not {VERSION_FORM}"))?;
    let mut cases = Vec::new();
    for (order, raw) in by_order {
        let operator = match order.as_str() {
            "lt" => "$vlt",
            "gt" => "$vgt",
            "eq" => "$veq",
            _ => return Err(format!("/{VERSIONS}/{order} is not {VERSION_FORM}")),
        };
        let read = |case: &[Value]| {
            let [Value::String(left), Value::String(right), expected @ Value::Bool(_), ..] = case else { return None };
            let object = |key: &str, value: Value| Value::Object([(key.to_owned(), value)].into_iter().collect());
            let condition = object("version", object(operator, right.as_str().into()));
            let attributes = object("version", left.as_str().into());
            let question = Question::Condition { condition, attributes, groups: Groups::default() };
            Some(Case { name: format!("{left:?} {order} {right:?}"), question, expected: expected.clone() })
        };
        cases.extend(list(&format!("/{VERSIONS}/{order}"), raw, VERSION_FORM, read)?);
    }
    Ok(cases)
}

fn condition(case: &[Value]) -> Option<Case> {
    let [Value::String(name), condition, attributes, expected @ Value::Bool(_), saved @ ..] = case else { return None };
    let groups = match saved.first() {
        None | Some(Value::Null) => Groups::default(),
        Some(saved) => saved.as_object()?.iter().map(|(name, group)| (name.to_owned(), group.clone())).collect(),
    };
    let question = Question::Condition { condition: condition.clone(), attributes: attributes.clone(), groups };
    Some(Case { name: name.clone(), question, expected: expected.clone() })
}

fn hash(case: &[Value]) -> Option<Case> {
    let [Value::String(seed), Value::String(value), version, expected @ (Value::Number(_) | Value::Null), ..] = case
    else {
        return None;
    };
    let (version, name) = (whole(version)?, format!("{value:?} with seed {seed:?}, version {}", version.as_f64()?));
    // A version that no number of 32 bits is does not exist either.
    let version = u32::try_from(version).unwrap_or(u32::MAX);
    let question = Question::Hash { seed: seed.clone(), value: value.clone(), version };
    Some(Case { name, question, expected: expected.clone() })
}

fn ranges(case: &[Value]) -> Option<Case> {
    let [Value::String(name), Value::Array(asked), expected @ Value::Array(_), ..] = case else { return None };
    let (variations, coverage, weights) = match asked.as_slice() {
        [variations] => (variations, None, None),
        [variations, coverage] => (variations, Some(coverage), None),
        [variations, coverage, weights, ..] => (variations, Some(coverage), Some(weights)),
        [] => return None,
    };
    let coverage = coverage.filter(|coverage| !coverage.is_null()).map_or(Some(1.0), Value::as_f64)?;
    let weights = weights.filter(|weights| !weights.is_null()).map(numbers);
    // Weights that are there and no list of numbers are not in the format.
    let weights = if let Some(weights) = weights { Some(weights?) } else { None };
    let question = Question::Ranges { variations: count(variations)?, coverage, weights };
    Some(Case { name: name.clone(), question, expected: expected.clone() })
}

fn choice(case: &[Value]) -> Option<Case> {
    let [Value::String(name), Value::Number(bucket), Value::Array(ranges), expected @ Value::Number(_), ..] = case
    else {
        return None;
    };
    let ranges = ranges.iter().map(|range| self::range(range.as_array()?)).collect::<Option<_>>()?;
    let question = Question::Choice { bucket: *bucket, ranges };
    Some(Case { name: name.clone(), question, expected: expected.clone() })
}

fn namespace(case: &[Value]) -> Option<Case> {
    let [Value::String(name), Value::String(value), Value::Array(part), expected @ Value::Bool(_), ..] = case else {
        return None;
    };
    let (Value::String(namespace), part) = part.split_first()? else { return None };
    let question = Question::Namespace { value: value.clone(), namespace: namespace.clone(), part: range(part)? };
    Some(Case { name: name.clone(), question, expected: expected.clone() })
}

fn equal_weights(case: &[Value]) -> Option<Case> {
    let [variations, expected @ Value::Array(_), ..] = case else { return None };
    let question = Question::EqualWeights { variations: count(variations)? };
    Some(Case { name: format!("{} variations", variations.as_f64()?), question, expected: expected.clone() })
}

fn range(pair: &[Value]) -> Option<BucketRange> {
    let [from, to] = pair else { return None };
    Some(BucketRange { from: from.as_f64()?, to: to.as_f64()? })
}

fn numbers(value: &Value) -> Option<Vec<f64>> {
    value.as_array()?.iter().map(Value::as_f64).collect()
}

/// A whole number of any size that JSON carries exactly.
#[expect(clippy::cast_possible_truncation, reason = "guarded: whole and within 2^53")]
fn whole(value: &Value) -> Option<i64> {
    let number = value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0)?;
    Some(number as i64)
}

/// A number of variations; fewer than none is none, as in the SDK.
fn count(value: &Value) -> Option<usize> {
    let number = whole(value).filter(|_| value.as_f64().is_some_and(|number| number <= VARIATIONS_MAX))?;
    Some(usize::try_from(number).unwrap_or(0))
}
