//! Money as an exact decimal: millionths of a currency's unit, so that sums never drift.

use crate::limits::AMOUNT_UNITS_MAX;
use crate::value::{Tree, Value};
use serde::{Deserialize, Serialize};
use std::fmt;

/// An amount in millionths of its currency's unit (18.99 is 18 990 000).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Amount(pub i64);

const MILLIONTHS: i64 = 1_000_000;

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From a JSON number. Exact for up to 15 significant digits; rounded to the nearest millionth.
    ///
    /// `None` when it is not finite or beyond [`AMOUNT_UNITS_MAX`].
    #[expect(clippy::cast_possible_truncation, reason = "bounded by the check above it")]
    pub fn from_units(units: f64) -> Option<Self> {
        // NaN fails this comparison as well.
        (units.abs() <= AMOUNT_UNITS_MAX).then(|| Self((units * 1e6).round() as i64))
    }

    /// From a number, or from a string with a number in it ("18.99"), as several senders write it.
    pub fn from_value<T: AsRef<str>>(value: &Tree<T>) -> Option<Self> {
        match value {
            Tree::Number(n) => Self::from_units(*n),
            Tree::String(s) => Self::from_units(s.as_ref().trim().parse().ok()?),
            Tree::Null | Tree::Bool(_) | Tree::Array(_) | Tree::Object(_) => None,
        }
    }

    /// As a JSON number, for conditions and views.
    #[expect(clippy::cast_precision_loss, reason = "amounts stay below 2^53 millionths in practice; views are doubles")]
    pub fn units(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The amount times a quantity; saturates.
    #[must_use]
    pub fn times(self, quantity: u32) -> Self {
        Self(self.0.saturating_mul(i64::from(quantity)))
    }

    /// The sum; saturates.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference; saturates.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// With exactly `digits` decimals (0 to 6), rounded half away from zero: `1234.50`.
    pub fn fixed(self, digits: u32) -> String {
        let digits = digits.min(6);
        let step = 10_i64.pow(6 - digits);
        let half = step / 2 * self.0.signum();
        let rounded = self.0.saturating_add(half) / step;
        let scale = 10_i64.pow(digits);
        let sign = if rounded < 0 { "-" } else { "" };
        let (whole, part) = ((rounded / scale).abs(), (rounded % scale).abs());
        if digits == 0 {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{part:0width$}", width = digits as usize)
        }
    }
}

impl fmt::Display for Amount {
    /// As short as it is exact: `18.99`, `18`, `-0.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = ((self.0 / MILLIONTHS).abs(), (self.0 % MILLIONTHS).abs());
        if part == 0 {
            return write!(f, "{sign}{whole}");
        }
        let digits = format!("{part:06}");
        write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl From<Amount> for Value {
    fn from(amount: Amount) -> Self {
        Self::Number(amount.units())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_stay_exact() {
        let ten_cents = Amount::from_units(0.1).unwrap();
        let sum = (0..10).fold(Amount::ZERO, |sum, _| sum.plus(ten_cents));
        assert_eq!(sum, Amount::from_units(1.0).unwrap());
        assert_eq!(Amount::from_value(&Value::from("18.99")).unwrap().to_string(), "18.99");
        assert_eq!(Amount::from_units(-0.5).unwrap().to_string(), "-0.5");
        assert_eq!(Amount::from_units(1234.5).unwrap().fixed(2), "1234.50");
        assert_eq!(Amount::from_units(0.005).unwrap().fixed(2), "0.01");
        assert_eq!(Amount::from_units(-1.005).unwrap().fixed(2), "-1.01");
        assert_eq!(Amount::from_units(1999.6).unwrap().fixed(0), "2000");
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        assert_eq!(Amount::from_units(f64::NAN), None);
        assert_eq!(Amount::from_units(1e12), None);
        assert_eq!(Amount::from_value(&Value::from("12,50")), None);
        assert_eq!(Amount::from_value(&Value::Bool(true)), None);
    }
}
