//! Sorted numbers, and where in them a number would stand.

/// Sorted numbers without repeats and NaN, in buckets of about the same width.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Numbers {
    sorted: Vec<f64>,
    least: f64,
    /// Buckets for each unit.
    scale: f64,
    /// Bucket → how many numbers are in the buckets before it. One longer than there are buckets.
    before: Vec<u32>,
}

/// With fewer numbers a search is as quick.
const BUCKETED: usize = 16;

impl Numbers {
    /// Of sorted numbers, without repeats and NaN.
    pub(super) fn new(sorted: Vec<f64>) -> Self {
        let (least, most) = (sorted.first().copied().unwrap_or(0.0), sorted.last().copied().unwrap_or(0.0));
        let width = most - least;
        #[expect(clippy::cast_precision_loss, reason = "a rule set has far fewer numbers than 2^52")]
        let scale = (2 * sorted.len()) as f64 / width;
        let mut numbers = Self { sorted, least: 0.0, scale: 0.0, before: Vec::new() };
        if numbers.sorted.len() >= BUCKETED && width.is_finite() && scale.is_normal() {
            (numbers.least, numbers.scale) = (least, scale);
            let mut before: Vec<u32> = vec![0];
            for (count, number) in (1..).zip(&numbers.sorted) {
                let last = before[before.len() - 1];
                before.resize(numbers.bucket(*number) + 2, last);
                *before.last_mut().expect("it begins with one") = count;
            }
            // For each bucket what is before its end; what is before the first is nothing.
            numbers.before = before;
        }
        numbers
    }

    /// The bucket of a number: never a smaller one for a greater number, however it is rounded.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is out of bounds is held there")]
    fn bucket(&self, number: f64) -> usize {
        ((number - self.least) * self.scale) as usize
    }

    /// How many of them are below a number that is not NaN, and whether it is the next one.
    pub(super) fn below(&self, number: f64) -> (usize, bool) {
        let (from, to) = if self.before.is_empty() {
            (0, self.sorted.len())
        } else {
            let bucket = self.bucket(number).min(self.before.len() - 2);
            (self.before[bucket] as usize, self.before[bucket + 1] as usize)
        };
        let below = from + self.sorted[from..to].partition_point(|sorted| *sorted < number);
        #[expect(clippy::float_cmp, reason = "the same as JavaScript's ===")]
        let same = self.sorted.get(below).is_some_and(|sorted| *sorted == number);
        (below, same)
    }

    pub(super) const fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Bytes of memory.
    pub(super) const fn memory(&self) -> usize {
        8 * self.sorted.capacity() + 4 * self.before.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mut sorted: Vec<f64>, bucketed: bool) {
        sorted.sort_unstable_by(f64::total_cmp);
        sorted.dedup();
        let numbers = Numbers::new(sorted.clone());
        assert_eq!(!numbers.before.is_empty(), bucketed);
        let near = sorted.iter().flat_map(|number| [number.next_down(), *number, number.next_up()]);
        for number in near.chain([f64::NEG_INFINITY, -1.0, -0.0, 0.0, 0.5, 1e300, f64::INFINITY]) {
            let below = sorted.partition_point(|sorted| *sorted < number);
            let same = sorted.contains(&number);
            assert_eq!(numbers.below(number), (below, same), "{number}");
        }
    }

    #[test]
    fn a_number_stands_where_a_search_finds_it() {
        check(vec![], false);
        check(vec![3.0], false);
        check((0..500).map(f64::from).collect(), true);
        check((0..500).map(|n| f64::from(n * n) / 7.0 - 9.0).collect(), true);
        check((0..50).map(f64::from).chain([1e21]).collect(), true);
        check((0..50).map(f64::from).chain([f64::INFINITY]).collect(), false);
        check((0..50).map(f64::from).chain([f64::MAX, f64::MIN]).collect(), false);
        check((0..50).map(|n| f64::from_bits(1 + n)).collect(), false);
        check((0..50_u32).map(|n| 1.0 + f64::EPSILON * f64::from(n)).collect(), true);
    }
}
