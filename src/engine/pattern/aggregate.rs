//! Aggregates: of the happenings in a window of time each one is kept; without one, only what the function needs.

use super::values::{Scalar, amount, key};
use super::{Now, Records, newest};
use crate::engine::partials::Tally;
use crate::engine::rules::{Aggregate, Function, Window};
use crate::engine::tree::Read;
use footfall_protocol::limits::{AGGREGATE_DISTINCT_MAX, AGGREGATE_FREQUENT_MAX, AGGREGATE_WINDOW_MAX};
use footfall_protocol::{Amount, Value};
use serde::{Deserialize, Serialize};

/// What one aggregate has taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) enum Taken {
    /// In a window of time: the happenings, the oldest first.
    Items(Vec<Item>),
    /// Otherwise: what the function needs, and the newest records.
    Running(Running, Records),
}

impl Default for Taken {
    fn default() -> Self {
        Self::Items(Vec::new())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) struct Item {
    at_ms: u64,
    record: u64,
    value: Kept,
}

/// What is kept of a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kept {
    /// That it was there.
    Nothing,
    Amount(Amount),
    /// Only whether it is the same as another.
    Key(u64),
    Scalar(Scalar),
}

/// An aggregate without a window of time, so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) enum Running {
    /// How many, and their sum in millionths: it cannot overflow.
    Sum(u64, i128),
    /// The smallest or largest.
    Extreme(Amount),
    /// The first or last.
    One(Scalar),
    /// Each different one.
    Distinct(Vec<u64>),
    /// Each different one and how often; the one that came last is last.
    Frequent(Vec<(Scalar, u32)>),
}

/// What an aggregate comes to.
#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Number(f64),
    Scalar(Scalar),
}

impl Taken {
    /// Takes a happening that is the point; when the aggregate comes to pass its test, the records that are in it.
    pub(super) fn advance(&mut self, aggregate: &Aggregate, now: &Now<'_>, tally: &mut Tally) -> Option<Records> {
        self.forget(aggregate, now.at_ms);
        let value = kept(aggregate, now)?;
        let passed = self.passes(aggregate);
        if !self.take(aggregate, value, now) {
            return None;
        }
        tally.took = true;
        if passed || !self.passes(aggregate) {
            return None;
        }
        let mut records = match self {
            Self::Items(items) => items.iter().map(|item| item.record).collect(),
            Self::Running(_, records) => records.clone(),
        };
        newest(&mut records);
        Some(records)
    }

    /// Keeps a value; `false` when there is no room for it.
    fn take(&mut self, aggregate: &Aggregate, value: Kept, now: &Now<'_>) -> bool {
        if let Window::Within(_) = aggregate.within {
            let mut items = match std::mem::take(self) {
                Self::Items(items) => items,
                Self::Running(..) => Vec::new(),
            };
            items.push(Item { at_ms: now.at_ms, record: now.record, value });
            items.drain(..items.len().saturating_sub(AGGREGATE_WINDOW_MAX));
            *self = Self::Items(items);
            return true;
        }
        let (running, mut records) = match std::mem::take(self) {
            Self::Running(running, records) => (Some(running), records),
            Self::Items(_) => (None, Records::new()),
        };
        let full = running.as_ref().is_some_and(|running| running.is_full(&value));
        let running = match running {
            Some(running) if full => running,
            running => Running::with(running, aggregate.function, value),
        };
        if !full {
            records.push(now.record);
            newest(&mut records);
        }
        *self = Self::Running(running, records);
        !full
    }

    /// What the aggregate comes to now; `None` of nothing.
    pub(in crate::engine) fn value(&self, aggregate: &Aggregate, now_ms: u64) -> Option<Value> {
        let mut taken = self.clone();
        taken.forget(aggregate, now_ms);
        taken.outcome(aggregate).and_then(|outcome| match outcome {
            Outcome::Number(number) => Some(Value::from(number)),
            Outcome::Scalar(scalar) => scalar.read().into_value(),
        })
    }

    /// Whether the aggregate, as it is, passes its test. An aggregate of nothing passes none.
    fn passes(&self, aggregate: &Aggregate) -> bool {
        self.outcome(aggregate).is_some_and(|outcome| match outcome {
            Outcome::Number(number) => aggregate.is.passed_by(&Read::Number(number)),
            Outcome::Scalar(scalar) => aggregate.is.passed_by(&scalar.read()),
        })
    }

    fn outcome(&self, aggregate: &Aggregate) -> Option<Outcome> {
        let running = match self {
            Self::Items(items) => items
                .iter()
                .fold(None, |running, item| Some(Running::with(running, aggregate.function, item.value.clone()))),
            Self::Running(running, _) => Some(running.clone()),
        };
        running.map(|running| running.outcome(aggregate.function))
    }

    /// Drops what is out of the window.
    pub(in crate::engine) fn forget(&mut self, aggregate: &Aggregate, now_ms: u64) {
        if let Self::Items(items) = self {
            items.retain(|item| aggregate.within.holds(item.at_ms, now_ms));
        }
    }

    /// Happenings that are kept, or what stands for them.
    pub(in crate::engine) fn happenings(&self) -> usize {
        match self {
            Self::Items(items) => items.len(),
            Self::Running(Running::Distinct(values), _) => values.len(),
            Self::Running(Running::Frequent(values), _) => values.len(),
            Self::Running(..) => 1,
        }
    }
}

/// What is kept of a happening; `None` when it has no value of the right kind.
fn kept(aggregate: &Aggregate, now: &Now<'_>) -> Option<Kept> {
    let Some(field) = &aggregate.value else { return Some(Kept::Nothing) };
    let read = now.scope.read(field);
    Some(match aggregate.function {
        Function::Count => Kept::Nothing,
        Function::Sum | Function::Min | Function::Max | Function::Mean => Kept::Amount(amount(&read)?),
        Function::Distinct => Kept::Key(key(&read)?),
        Function::First | Function::Last | Function::MostFrequent => Kept::Scalar(Scalar::of(&read)?),
    })
}

impl Running {
    /// Whether there is no room for this value.
    fn is_full(&self, value: &Kept) -> bool {
        match (self, value) {
            (Self::Distinct(keys), Kept::Key(key)) => keys.len() >= AGGREGATE_DISTINCT_MAX && !keys.contains(key),
            (Self::Frequent(values), Kept::Scalar(scalar)) => {
                values.len() >= AGGREGATE_FREQUENT_MAX && !values.iter().any(|(other, _)| other == scalar)
            }
            _ => false,
        }
    }

    /// With one more value.
    fn with(running: Option<Self>, function: Function, value: Kept) -> Self {
        match (function, value, running) {
            (Function::Min, Kept::Amount(amount), Some(Self::Extreme(other))) => Self::Extreme(amount.min(other)),
            (Function::Max, Kept::Amount(amount), Some(Self::Extreme(other))) => Self::Extreme(amount.max(other)),
            (Function::Min | Function::Max, Kept::Amount(amount), _) => Self::Extreme(amount),
            (_, Kept::Amount(amount), Some(Self::Sum(count, sum))) => {
                Self::Sum(count.saturating_add(1), sum.saturating_add(i128::from(amount.0)))
            }
            (_, Kept::Amount(amount), _) => Self::Sum(1, i128::from(amount.0)),
            (_, Kept::Nothing, Some(Self::Sum(count, _))) => Self::Sum(count.saturating_add(1), 0),
            (_, Kept::Nothing, _) => Self::Sum(1, 0),
            (_, Kept::Key(key), Some(Self::Distinct(mut keys))) => {
                if !keys.contains(&key) {
                    keys.push(key);
                }
                Self::Distinct(keys)
            }
            (_, Kept::Key(key), _) => Self::Distinct(vec![key]),
            (Function::First, Kept::Scalar(_), Some(first @ Self::One(_))) => first,
            (Function::MostFrequent, Kept::Scalar(scalar), Some(Self::Frequent(mut values))) => {
                let at = values.iter().position(|(other, _)| *other == scalar);
                let often = at.map_or(0, |at| values.remove(at).1);
                values.push((scalar, often.saturating_add(1)));
                Self::Frequent(values)
            }
            (Function::MostFrequent, Kept::Scalar(scalar), _) => Self::Frequent(vec![(scalar, 1)]),
            (_, Kept::Scalar(scalar), _) => Self::One(scalar),
        }
    }

    fn outcome(self, function: Function) -> Outcome {
        match self {
            Self::Sum(count, _) if function == Function::Count => Outcome::Number(whole(count)),
            Self::Sum(count, sum) if function == Function::Mean => Outcome::Number(units(mean(sum, count))),
            Self::Sum(_, sum) => Outcome::Number(units(sum)),
            Self::Extreme(amount) => Outcome::Number(amount.units()),
            Self::One(scalar) => Outcome::Scalar(scalar),
            Self::Distinct(keys) => Outcome::Number(whole(keys.len() as u64)),
            Self::Frequent(values) => {
                // Of several with the same count `max_by_key` gives the last, which came last.
                let most = values.into_iter().max_by_key(|(_, often)| *often).map(|(scalar, _)| scalar);
                Outcome::Scalar(most.unwrap_or(Scalar::Bool(false)))
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn whole(count: u64) -> f64 {
    count as f64
}

/// Millionths in whole units; beyond 9.2 · 10^12 units it stays there.
fn units(sum: i128) -> f64 {
    let held = sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
    Amount(i64::try_from(held).unwrap_or_default()).units()
}

/// Rounded half away from zero.
fn mean(sum: i128, count: u64) -> i128 {
    let count = i128::from(count.max(1));
    // Half of an odd count is no whole number, and then nothing lies halfway.
    (sum + count / 2 * sum.signum()) / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_rounded_half_away_from_zero() {
        for (sum, count, expected) in
            [(5, 2, 3), (-5, 2, -3), (4, 3, 1), (5, 3, 2), (-5, 3, -2), (-4, 3, -1), (7, 5, 1), (8, 5, 2), (0, 4, 0)]
        {
            assert_eq!(mean(sum, count), expected, "{sum} / {count}");
        }
    }

    #[test]
    fn what_came_most_often_and_last_is_most_frequent() {
        let of = |words: &[&str]| {
            let running = words.iter().fold(None, |running, word| {
                Some(Running::with(running, Function::MostFrequent, Kept::Scalar(Scalar::Text((*word).to_owned()))))
            });
            running.unwrap().outcome(Function::MostFrequent)
        };
        let text = |word: &str| Outcome::Scalar(Scalar::Text(word.to_owned()));
        assert_eq!(of(&["a", "b", "a"]), text("a"));
        assert_eq!(of(&["a", "b"]), text("b"));
        assert_eq!(of(&["a", "b", "b", "a"]), text("a"));
    }

    #[test]
    fn sums_are_exact_and_do_not_overflow() {
        let big = Kept::Amount(Amount(i64::MAX));
        let twice = Running::with(Some(Running::with(None, Function::Sum, big.clone())), Function::Sum, big);
        let back = Running::with(Some(twice.clone()), Function::Sum, Kept::Amount(Amount(-i64::MAX)));
        assert_eq!(back, Running::Sum(3, i128::from(i64::MAX)));
        assert_eq!(twice.outcome(Function::Sum), Outcome::Number(Amount(i64::MAX).units()));
        let tenth = Kept::Amount(Amount(100_000));
        let one = (0..10).fold(None, |sum, _| Some(Running::with(sum, Function::Sum, tenth.clone()))).unwrap();
        assert_eq!(one.outcome(Function::Sum), Outcome::Number(1.0));
    }
}
