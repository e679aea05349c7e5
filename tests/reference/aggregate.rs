//! Aggregates: computed anew, from all that is kept, with and without each happening. Amounts are exact decimals.

use super::history::{Moment, Scalar, in_window};
use super::point::fits;
use serde_json::Value;

/// "In a window of time at most 64 happenings are kept; when full the oldest goes."
const HAPPENINGS_MAX: usize = 64;
/// "`distinct` remembers 64 values and `most_frequent` 32; when full a new value is not taken."
const DISTINCT_MAX: usize = 64;
const FREQUENT_MAX: usize = 32;
/// The largest amount of money, in units.
const AMOUNT_MAX: i128 = 1_000_000_000;
const MILLION: i128 = 1_000_000;

/// What a happening brings.
#[derive(Clone, Debug, PartialEq)]
enum Taken {
    /// A happening without a value.
    One,
    /// Millionths.
    Amount(i128),
    Value(Scalar),
}

/// What the aggregate is; numbers in millionths.
enum Result {
    Number(i128),
    Value(Scalar),
}

/// At which moments the aggregate occurs.
pub(crate) fn occurrences(authored: &Value, history: &[Moment]) -> Vec<bool> {
    let within = authored.get("within");
    let function = authored["fn"].as_str().unwrap();
    let taken: Vec<Option<Taken>> = history.iter().map(|moment| taken(authored, function, moment)).collect();
    let of_time = within.is_some_and(|within| within != "session");
    // What is kept of the happenings up to (and without) `end`, in the window as it is at `now`.
    let kept = |end: usize, now: usize| -> Vec<&Taken> {
        let inside = (0..end).filter(|at| in_window(history, *at, now, within));
        let mut inside: Vec<&Taken> = inside.filter_map(|at| taken[at].as_ref()).collect();
        if of_time && inside.len() > HAPPENINGS_MAX {
            inside.drain(..inside.len() - HAPPENINGS_MAX);
        }
        inside
    };
    let passes =
        |kept: &[&Taken]| aggregate(function, kept, !of_time).is_some_and(|result| passes(&authored["is"], &result));
    // "Occurs at a happening with which the aggregate comes to pass the test, and did not pass it just before: with the
    // same window, without this happening."
    let occurs = |now: usize| {
        taken[now].is_some()
            && in_window(history, now, now, within)
            && passes(&kept(now + 1, now))
            && !passes(&kept(now, now))
    };
    (0..history.len()).map(occurs).collect()
}

fn taken(authored: &Value, function: &str, moment: &Moment) -> Option<Taken> {
    if !fits(&authored["of"], moment) {
        return None;
    }
    // "How many happenings. Needs no `value`."
    if function == "count" {
        return Some(Taken::One);
    }
    let value = moment.read(authored["value"].as_str().unwrap())?;
    if ["sum", "min", "max", "mean"].contains(&function) {
        return amount(&value).map(Taken::Amount);
    }
    // "The value, a string, a number or a boolean; other happenings are not taken."
    Scalar::of(&value).map(Taken::Value)
}

/// "exact decimals of millionths, as for money … A number, or a string with a number in it"
fn amount(value: &Value) -> Option<i128> {
    let millionths = match value {
        Value::Number(_) => number(value),
        Value::String(text) => millionths(text.trim()),
        _ => None,
    };
    millionths.filter(|millionths| millionths.abs() <= AMOUNT_MAX * MILLION)
}

/// Millionths of a JSON number.
fn number(value: &Value) -> Option<i128> {
    // Rust writes a double as the shortest decimal that it stands for, never with an exponent.
    millionths(&value.as_f64()?.to_string())
}

/// Millionths of a decimal such as "-12.5", rounded half away from zero.
pub(crate) fn millionths(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(part) {
        return None;
    }
    let six: String = part.chars().chain("000000".chars()).take(6).collect();
    let up = i128::from(part.as_bytes().get(6).is_some_and(|digit| *digit >= b'5'));
    Some(sign * (whole.parse::<i128>().ok()? * MILLION + six.parse::<i128>().ok()? + up))
}

/// `bounded` without a window of time: then the values that are remembered are bounded. `None` for nothing.
fn aggregate(function: &str, kept: &[&Taken], bounded: bool) -> Option<Result> {
    let whole = |count: usize| Result::Number(count as i128 * MILLION);
    let amounts: Vec<i128> =
        kept.iter().filter_map(|taken| if let Taken::Amount(amount) = taken { Some(*amount) } else { None }).collect();
    let values: Vec<&Scalar> =
        kept.iter().filter_map(|taken| if let Taken::Value(value) = taken { Some(value) } else { None }).collect();
    if kept.is_empty() {
        return None;
    }
    Some(match function {
        "count" => whole(kept.len()),
        "sum" => Result::Number(amounts.iter().sum()),
        "min" => Result::Number(*amounts.iter().min()?),
        "max" => Result::Number(*amounts.iter().max()?),
        "mean" => Result::Number(mean(&amounts)),
        "first" => Result::Value((*values.first()?).clone()),
        "last" => Result::Value((*values.last()?).clone()),
        "distinct" => {
            let mut different: Vec<Scalar> = Vec::new();
            for value in values.into_iter().cloned() {
                let full = bounded && different.len() >= DISTINCT_MAX;
                if !full && !different.contains(&value) {
                    different.push(value);
                }
            }
            whole(different.len())
        }
        "most_frequent" => {
            // Each value, how often it came, and when it came last.
            let mut tally: Vec<(Scalar, usize, usize)> = Vec::new();
            for (at, value) in values.into_iter().cloned().enumerate() {
                match tally.iter().position(|(kept, ..)| *kept == value) {
                    Some(place) => (tally[place].1, tally[place].2) = (tally[place].1 + 1, at),
                    None if bounded && tally.len() >= FREQUENT_MAX => {}
                    None => tally.push((value, 1, at)),
                }
            }
            // "The one that came most often; of several, the one of them that came last."
            Result::Value(tally.into_iter().max_by_key(|(_, times, last)| (*times, *last))?.0)
        }
        other => panic!("the reference knows no `{other}`"),
    })
}

/// "`mean` is rounded half away from zero to a millionth."
fn mean(amounts: &[i128]) -> i128 {
    let (sum, count) = (amounts.iter().sum::<i128>(), amounts.len() as i128);
    sum.signum() * ((2 * sum.abs() + count) / (2 * count))
}

/// "the test `is` (a value, or operators as for a field)"
fn passes(is: &Value, result: &Result) -> bool {
    let Some(operators) = is.as_object() else { return equal(result, is) };
    operators.iter().all(|(operator, wanted)| {
        let order = match (result, number(wanted)) {
            (Result::Number(number), Some(wanted)) => Some(number.cmp(&wanted)),
            _ => None,
        };
        match operator.as_str() {
            "$eq" => equal(result, wanted),
            "$ne" => !equal(result, wanted),
            "$in" => wanted.as_array().unwrap().iter().any(|one| equal(result, one)),
            "$gt" => order.is_some_and(|order| order.is_gt()),
            "$gte" => order.is_some_and(|order| order.is_ge()),
            "$lt" => order.is_some_and(|order| order.is_lt()),
            "$lte" => order.is_some_and(|order| order.is_le()),
            other => panic!("the reference knows no `{other}`"),
        }
    })
}

fn equal(result: &Result, wanted: &Value) -> bool {
    match result {
        Result::Number(its) => number(wanted) == Some(*its),
        Result::Value(value) => Scalar::of(wanted).as_ref() == Some(value),
    }
}
