//! Assignment: who gets what, by GrowthBook's hashing (specification 0.7.1 and later), the same in every SDK that follows it.
//!
//! A value (a visitor's or user's id) and a seed give a bucket in [0, 1), always the same one. Variations own ranges of
//! buckets, so that a percentage of visitors is a range, more visitors are a longer range, and nobody who is in leaves.

use serde::{Deserialize, Serialize};

/// Buckets from `from` up to `to`, without `to`. When `to` is not above `from` it has none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BucketRange {
    /// The first bucket in it.
    pub from: f64,
    /// The first bucket above it.
    pub to: f64,
}

impl BucketRange {
    /// Whether the bucket is in it.
    pub fn has(self, bucket: f64) -> bool {
        self.from <= bucket && bucket < self.to
    }
}

/// The bucket of a value, in [0, 1); `None` for a version of the hashing that there is not.
///
/// Version 1 has 1,000 buckets and lets seeds that differ little correlate; version 2 has 10,000 and does not. New work
/// uses version 2. Texts are hashed by their UTF-16 units, as JavaScript has them.
pub fn bucket(seed: &str, value: &str, version: u32) -> Option<f64> {
    match version {
        1 => Some(f64::from(fnv1a(value.encode_utf16().chain(seed.encode_utf16())) % 1_000) / 1_000.0),
        2 => {
            let first = fnv1a(seed.encode_utf16().chain(value.encode_utf16()));
            Some(f64::from(fnv1a(first.to_string().encode_utf16()) % 10_000) / 10_000.0)
        }
        _ => None,
    }
}

/// FNV-1a with 32 bits, over UTF-16 units where the original has bytes.
fn fnv1a(units: impl Iterator<Item = u16>) -> u32 {
    units.fold(0x811c_9dc5, |hash, unit| (hash ^ u32::from(unit)).wrapping_mul(0x0100_0193))
}

/// The same weight for each of so many variations; together about 1.
#[expect(clippy::cast_precision_loss, reason = "variations are far fewer than 2^53")]
pub fn equal_weights(variations: usize) -> Vec<f64> {
    vec![1.0 / variations as f64; variations]
}

/// The range of each variation, in order: of its weight's part of all buckets, the first `coverage` (0 to 1; what lies
/// outside is taken for the nearer of the two).
///
/// Weights that are missing, not as many as the variations, or more than 0.01 off 1 together are taken for equal ones.
pub fn bucket_ranges(variations: usize, coverage: f64, weights: Option<&[f64]>) -> Vec<BucketRange> {
    let coverage = coverage.clamp(0.0, 1.0);
    let usable = |weights: &&[f64]| {
        let sum: f64 = weights.iter().sum();
        weights.len() == variations && (0.99..=1.01).contains(&sum)
    };
    let weights = weights.filter(usable).map_or_else(|| equal_weights(variations), <[f64]>::to_vec);
    let mut below = 0.0;
    let range = |weight: f64| {
        let from = below;
        below += weight;
        BucketRange { from, to: from + coverage * weight }
    };
    weights.into_iter().map(range).collect()
}

/// The first variation whose range has the bucket; `None` when the bucket is left out.
pub fn choose_variation(bucket: f64, ranges: &[BucketRange]) -> Option<usize> {
    ranges.iter().position(|range| range.has(bucket))
}

/// Whether a value belongs to this part of a namespace. Experiments with parts of one namespace that do not overlap
/// never have the same visitor.
pub fn in_namespace(value: &str, namespace: &str, part: BucketRange) -> bool {
    bucket(&format!("__{namespace}"), value, 1).is_some_and(|bucket| part.has(bucket))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the public cases of specification 0.8.0.
    #[test]
    fn buckets_are_those_of_the_specification() {
        for (seed, value, version, expected) in [
            ("", "a", 1, Some(0.22)),
            ("", "b", 1, Some(0.077)),
            ("ef", "d", 1, Some(0.652)),
            ("", "___)((*\":&", 1, Some(0.563)),
            ("seed", "a", 2, Some(0.0505)),
            ("90850943850283058242805", "123", 2, Some(0.7516)),
            ("seed", "a", 0, None),
            ("seed", "a", 3, None),
        ] {
            assert_eq!(bucket(seed, value, version), expected, "{seed:?} {value:?} version {version}");
        }
    }

    /// What the JavaScript SDK 1.8.0 answers.
    #[test]
    fn texts_beyond_ascii_are_hashed_by_their_utf_16_units() {
        for (seed, value, version, expected) in [
            ("größe", "Zoë", 1, 0.328),
            ("größe", "Zoë", 2, 0.0583),
            ("实验", "😀", 1, 0.314),
            ("实验", "😀", 2, 0.2255),
        ] {
            assert_eq!(bucket(seed, value, version), Some(expected), "{seed:?} {value:?} version {version}");
        }
    }

    #[test]
    fn buckets_spread_evenly() {
        let mut tenths = [0_u32; 10];
        for visitor in 0..20_000 {
            let found = bucket("hold-out", &format!("visitor-{visitor}"), 2);
            tenths[choose_variation(found.unwrap(), &bucket_ranges(10, 1.0, None)).unwrap()] += 1;
        }
        assert!(tenths.iter().all(|count| (1_850..2_150).contains(count)), "{tenths:?}");
    }

    #[test]
    fn more_coverage_takes_nobody_out() {
        for (a, b) in bucket_ranges(3, 0.2, None).into_iter().zip(bucket_ranges(3, 0.7, None)) {
            assert!(a.from == b.from && a.to < b.to, "{a:?} {b:?}");
        }
    }

    #[test]
    fn weights_that_cannot_be_used_are_taken_for_equal_ones() {
        let halves = [BucketRange { from: 0.0, to: 0.5 }, BucketRange { from: 0.5, to: 1.0 }];
        for weights in [&[][..], &[1.0], &[0.4, 0.1], &[0.7, 0.6], &[0.2, 0.3, 0.5]] {
            assert_eq!(bucket_ranges(2, 1.0, Some(weights)), halves, "{weights:?}");
        }
        let nearly = bucket_ranges(2, 7.0, Some(&[0.4, 0.5999]));
        assert_eq!((nearly[0].to, nearly[1].to), (0.4, 0.9999));
        assert_eq!(bucket_ranges(0, 1.0, None), []);
        assert!(bucket_ranges(2, -1.0, None).iter().all(|range| range.to == range.from));
    }

    #[test]
    fn a_bucket_that_no_range_has_is_left_out() {
        let ranges = bucket_ranges(2, 0.5, None);
        let chosen = [0.0, 0.2, 0.25, 0.5, 0.75, 0.9].map(|bucket| choose_variation(bucket, &ranges));
        assert_eq!(chosen, [Some(0), Some(0), None, Some(1), None, None]);
    }

    #[test]
    fn parts_of_a_namespace_that_do_not_overlap_share_nobody() {
        let (low, high) = (BucketRange { from: 0.0, to: 0.4 }, BucketRange { from: 0.4, to: 1.0 });
        for visitor in (0..200).map(|number: u32| number.to_string()) {
            assert!(in_namespace(&visitor, "checkout", low) != in_namespace(&visitor, "checkout", high));
        }
        assert!(in_namespace("1", "namespace1", high) && !in_namespace("1", "namespace1", low));
    }
}
