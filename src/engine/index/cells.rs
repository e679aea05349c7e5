//! The classes into which one field's values fall: within a class, every value passes the same comparisons.

use super::intern::Interner;
use super::numbers::Numbers;
use crate::engine::condition::{Actual, Constants, Facet, Test, number, text_order};
use std::cmp::Ordering;

/// The classes of one field's values, numbered from 0, in stretches: what is no number or string (null, false, true,
/// NaN; for [`Facet::Number`] only NaN), then the numbers, then the strings.
///
/// Sorted constants make the classes of numbers: below the first, the first itself, between it and the second, and so
/// on. Strings that are only ever compared for being the same have a class for each constant, after one for all others.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cells {
    facet: Facet,
    numbers: Numbers,
    texts: Texts,
}

#[derive(Clone, Debug, PartialEq)]
enum Texts {
    Same(Interner),
    Ordered(Vec<String>),
}

/// In which classes a value passes: whether in the first one, and the classes from which on it is otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Runs {
    pub(super) first: bool,
    pub(super) flips: Vec<u32>,
}

const NULL: u32 = 0;
const FALSE: u32 = 1;
const TRUE: u32 = 2;
/// Where the numbers begin; NaN is the class before.
const NUMBERS: u32 = 4;

fn whole(count: usize) -> u32 {
    u32::try_from(count).expect("a rule set has far fewer constants than 2^32")
}

impl Cells {
    pub(super) fn new(facet: Facet, mut constants: Constants<'_>) -> Self {
        constants.numbers.sort_unstable_by(f64::total_cmp);
        constants.numbers.dedup();
        let texts = if constants.ordered {
            constants.texts.sort_unstable_by(|a, b| text_order(a, b));
            constants.texts.dedup();
            Texts::Ordered(constants.texts.into_iter().map(str::to_owned).collect())
        } else {
            let mut interner = Interner::default();
            constants.texts.iter().for_each(|text| {
                interner.add(text.as_bytes());
            });
            Texts::Same(interner)
        };
        Self { facet, numbers: Numbers::new(constants.numbers), texts }
    }

    fn numbers_at(&self) -> u32 {
        if self.facet == Facet::Number { 1 } else { NUMBERS }
    }

    fn texts_at(&self) -> u32 {
        self.numbers_at() + 2 * whole(self.numbers.len()) + 1
    }

    /// How many classes there are.
    pub(super) fn len(&self) -> u32 {
        match (&self.texts, self.facet) {
            (_, Facet::Number) => self.texts_at(),
            (Texts::Same(texts), _) => self.texts_at() + 1 + whole(texts.len()),
            (Texts::Ordered(texts), _) => self.texts_at() + 2 * whole(texts.len()) + 1,
        }
    }

    /// The class of a value; `None` where each test has to be asked.
    pub(super) fn class(&self, value: Actual<'_>) -> Option<u32> {
        if self.facet == Facet::Number {
            return Some(self.number_class(number(value)));
        }
        Some(match value {
            Actual::Null => NULL,
            Actual::Bool(flag) => FALSE + u32::from(flag),
            Actual::Number(number) => self.number_class(number),
            Actual::Text(text) => self.texts_at() + self.text_class(text),
            Actual::Texts(_) | Actual::List(_) | Actual::Object(_) => return None,
        })
    }

    fn number_class(&self, number: f64) -> u32 {
        if number.is_nan() {
            return self.numbers_at() - 1;
        }
        let (below, same) = self.numbers.below(number);
        self.numbers_at() + 2 * whole(below) + u32::from(same)
    }

    fn text_class(&self, text: &str) -> u32 {
        match &self.texts {
            Texts::Same(texts) => texts.find(text.as_bytes()).map_or(0, |place| place + 1),
            Texts::Ordered(texts) => match texts.binary_search_by(|constant| text_order(constant, text)) {
                Ok(place) => 2 * whole(place) + 1,
                Err(place) => 2 * whole(place),
            },
        }
    }

    /// The classes in which all of these tests are passed; their constants are among those of the classes.
    ///
    /// Each test is asked for one value of each class that its own constants can tell apart, so that nothing is
    /// assumed of it but that it tells no others apart.
    pub(super) fn runs(&self, tests: &[&Test]) -> Runs {
        let passes = |value: Actual<'_>| tests.iter().all(|test| test.passes(value));
        let mut own = Constants::default();
        tests.iter().for_each(|test| test.constants(&mut own));
        let nan = passes(Actual::Number(f64::NAN));
        let mut runs;
        if self.facet == Facet::Number {
            runs = Runs { first: nan, flips: Vec::new() };
        } else {
            runs = Runs { first: passes(Actual::Null), flips: Vec::new() };
            runs.from(FALSE, passes(Actual::Bool(false)));
            runs.from(TRUE, passes(Actual::Bool(true)));
            runs.from(NUMBERS - 1, nan);
        }
        self.number_runs(&mut runs, own.numbers, &passes);
        if self.facet != Facet::Number {
            self.text_runs(&mut runs, own.texts, &passes);
        }
        runs
    }

    fn number_runs(&self, runs: &mut Runs, mut own: Vec<f64>, passes: &dyn Fn(Actual<'_>) -> bool) {
        own.sort_unstable_by(f64::total_cmp);
        own.dedup();
        let passes = |number: f64| passes(Actual::Number(number));
        let below = own.first().map_or(0.0, |first| first.next_down());
        runs.from(self.numbers_at(), passes(below));
        for (at, constant) in own.iter().enumerate() {
            let class = self.number_class(*constant);
            runs.from(class, passes(*constant));
            let above = constant.next_up();
            // Between neighbouring doubles, and above infinity, there is no value and no other constant.
            if above > *constant && own.get(at + 1).is_none_or(|next| above < *next) {
                runs.from(class + 1, passes(above));
            }
        }
    }

    fn text_runs(&self, runs: &mut Runs, mut own: Vec<&str>, passes: &dyn Fn(Actual<'_>) -> bool) {
        let passes = |text: &str| passes(Actual::Text(text));
        let at = self.texts_at();
        match &self.texts {
            Texts::Same(texts) => {
                // Longer than the longest constant, and so none of them.
                let longest = own.iter().max_by_key(|text| text.len()).copied().unwrap_or_default();
                let other = passes(&format!("{longest}x"));
                runs.from(at, other);
                let mut places: Vec<(u32, &str)> =
                    own.iter().filter_map(|text| Some((texts.find(text.as_bytes())?, *text))).collect();
                places.sort_unstable();
                places.dedup();
                for (place, text) in places {
                    runs.from(at + 1 + place, passes(text));
                    runs.from(at + 2 + place, other);
                }
                // After the last constant there is no class.
                runs.flips.pop_if(|flip| *flip == self.len());
            }
            Texts::Ordered(_) => {
                own.sort_unstable_by(|a, b| text_order(a, b));
                own.dedup();
                // The first string of all; where it is a constant itself, nothing is below it.
                runs.from(at, passes(""));
                for (place, text) in own.iter().enumerate() {
                    let class = at + self.text_class(text);
                    runs.from(class, passes(text));
                    let next = format!("{text}\0");
                    if own.get(place + 1).is_none_or(|above| text_order(&next, above) == Ordering::Less) {
                        runs.from(class + 1, passes(&next));
                    }
                }
            }
        }
    }

    /// The share of the classes in which it passes, in thousandths, and the first and last of them. Of null and its like
    /// nothing is said: they would weigh as much as all numbers.
    pub(super) fn spread(&self, runs: &Runs) -> (u32, u32, u32) {
        let (start, end) = (self.numbers_at(), self.len());
        let (mut passing, mut first, mut last) = (0, end, start);
        let (mut from, mut on) = (0, runs.first);
        for to in runs.flips.iter().copied().chain([end]) {
            let (low, high) = (from.max(start), to.max(start));
            if on && high > low {
                passing += high - low;
                first = first.min(low);
                last = high;
            }
            (from, on) = (to, !on);
        }
        (u32::try_from(u64::from(passing) * 1_000 / u64::from(end - start)).unwrap_or(1_000), first, last)
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        let texts = match &self.texts {
            Texts::Same(texts) => texts.memory(),
            Texts::Ordered(texts) => texts.iter().map(|text| text.capacity() + size_of::<String>()).sum(),
        };
        texts + self.numbers.memory()
    }
}

impl Runs {
    /// From this class on it is so; classes come in rising order, the same one again replaces what was said.
    fn from(&mut self, class: u32, passes: bool) {
        let now = self.first != (self.flips.len() % 2 == 1);
        if now != passes && self.flips.last() == Some(&class) {
            self.flips.pop();
        } else if now != passes {
            self.flips.push(class);
        }
    }

    /// The stretches of classes in which it passes, each by itself.
    pub(super) fn stretches(&self) -> impl Iterator<Item = Self> {
        let begins = self.first.then_some(0).into_iter().chain(self.flips.iter().copied());
        let bounds: Vec<u32> = begins.collect();
        (0..bounds.len()).step_by(2).map(move |at| {
            let flips = bounds[at..].iter().take(2).copied();
            if bounds[at] == 0 {
                Self { first: true, flips: flips.skip(1).collect() }
            } else {
                Self { first: false, flips: flips.collect() }
            }
        })
    }

    /// Whether it is the same in all classes, and if so, which.
    pub(super) fn constant(&self) -> Option<bool> {
        self.flips.is_empty().then_some(self.first)
    }

    /// Whether it passes in a class.
    #[cfg(test)]
    fn passes(&self, class: u32) -> bool {
        self.first != (self.flips.iter().filter(|flip| **flip <= class).count() % 2 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::condition::{Comparison, Primitive};
    use footfall_protocol::Value;

    #[test]
    fn neighbouring_doubles_and_infinity_have_nothing_between_or_beyond_them() {
        let above = |operand: f64| Test::Order(Comparison::Greater, Primitive { text: None, number: Some(operand) });
        let tests = [above(1.0), above(1.0_f64.next_up()), above(f64::INFINITY), Test::Number(-0.0)];
        let mut constants = Constants::default();
        tests.iter().for_each(|test| test.constants(&mut constants));
        let cells = Cells::new(Facet::Number, constants);
        for test in &tests {
            let runs = cells.runs(&[test]);
            for number in [f64::NAN, f64::NEG_INFINITY, -0.0, 0.0, 1.0, 1.0_f64.next_up(), 2.0, f64::INFINITY] {
                let class = cells.class(Actual::Number(number)).unwrap();
                assert!(class < cells.len());
                assert_eq!(runs.passes(class), test.passes(Actual::Number(number)), "{test:?} of {number}");
            }
        }
    }

    #[test]
    fn strings_that_are_ordered_have_classes_between_them() {
        let below = |text: &str| Test::Order(Comparison::Less, Primitive::new(&Value::from(text)));
        let tests = [below(""), below("b"), below("b\0"), below("😀"), Test::Exists(true)];
        let mut constants = Constants::default();
        tests.iter().for_each(|test| test.constants(&mut constants));
        let cells = Cells::new(Facet::Scalar, constants);
        for test in &tests {
            let runs = cells.runs(&[test]);
            for text in ["", "\0", "a", "b", "b\0", "b\0\0", "c", "😀", "\u{ff5e}"] {
                let class = cells.class(Actual::Text(text)).unwrap();
                assert_eq!(runs.passes(class), test.passes(Actual::Text(text)), "{test:?} of {text:?}");
            }
        }
        assert_eq!(cells.class(Actual::List(&[])), None);
    }
}
