//! Which of many conditions hold, at a cost that hardly grows with their number.
//!
//! A condition is a conjunction for most of its length. Each field's values fall into classes within which every
//! comparison has one answer ([`cells`]); each class has a row of bits that says which conditions it leaves possible
//! ([`rows`]); the rows of the fields at hand are intersected, 64 conditions at a time. Conditions stand in an order in
//! which similar ones are neighbours ([`build`]), so that one look at a field rules whole words out. What is no
//! comparison (choices, expressions, items of arrays) is asked of the conditions that are then left, each distinct part
//! once ([`nodes`]).
//!
//! The answer is that of [`Condition::holds`] for every condition and every scope, to the last coercion: rows are made
//! by asking the tests themselves, and a value whose class does not settle a comparison is put to them.

mod build;
mod by_name;
mod cells;
mod intern;
mod nodes;
mod numbers;
mod parts;
mod rows;
mod spare;
mod summary;

pub use by_name::{ByName, Named, Waits};
pub(super) use spare::Spare;

use super::condition::{Actual, Condition};
use super::tree::{Field, Scope};
use cells::Cells;
use nodes::{Memo, Node};
use rows::{ASK, BY_COLUMN, Rows, UNREAD};
use summary::Summary;

/// An immutable index over a list of conditions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    /// How many conditions there are.
    count: usize,
    fields: Vec<Field>,
    axes: Vec<Axis>,
    nodes: Vec<Node>,
    /// Slot → the condition's place in the list.
    places: Vec<u32>,
    /// What is asked of each 64 slots.
    words: Vec<Word>,
    gates: Vec<Gate>,
    checks: Vec<Check>,
    /// Axes that are looked up before the words, because they rule many blocks of conditions out; the strongest first.
    ahead: Vec<(u32, Summary)>,
    /// Rows of bits, and the summaries of the axes that are looked up ahead.
    bits: Vec<u64>,
    summaries: Vec<u64>,
}

/// One field as far as one facet of its values goes.
#[derive(Clone, Debug, PartialEq)]
struct Axis {
    field: u32,
    cells: Cells,
    rows: Rows,
    /// For values of which classes say nothing: (slot, what to ask), by slot.
    asked: Vec<(u32, u32)>,
}

/// 64 conditions.
#[derive(Clone, Debug, PartialEq)]
struct Word {
    slots: u64,
    gates: (u32, u32),
    checks: (u32, u32),
}

/// The slots of `mask` have to be in the axis's row.
#[derive(Clone, Debug, PartialEq)]
struct Gate {
    /// The axis; beyond the last one the same axes again, for those whose rows are rough and have to be searched.
    axis: u32,
    column: u32,
    mask: u64,
}

/// For the slots of `mask` the node has to hold.
#[derive(Clone, Debug, PartialEq)]
struct Check {
    node: u32,
    mask: u64,
}

/// What one evaluation needs to write down. Made once and used for any number of evaluations of any indexes: once it
/// has grown to an index's size, no evaluation of that index allocates.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// Where each axis's row is; then for each the class to search by.
    rows: Vec<u32>,
    looked_up: Vec<u32>,
    memo: Memo,
    possible: Vec<u64>,
    /// A bit for each condition that holds, and one for each of these words that has any.
    found: Vec<u64>,
    found_words: Vec<u64>,
}

impl Scratch {
    fn clear(&mut self, index: &Index) {
        self.looked_up.drain(..).for_each(|row| self.rows[row as usize] = UNREAD);
        self.memo.clear(index.nodes.len());
        for (at, words) in self.found_words.iter_mut().enumerate() {
            while *words != 0 {
                self.found[at * 64 + words.trailing_zeros() as usize] = 0;
                *words &= *words - 1;
            }
        }
        let words = index.count.div_ceil(64);
        if self.found.len() < words {
            self.found.resize(words, 0);
            self.found_words.resize(words.div_ceil(64), 0);
        }
        if self.rows.len() < 2 * index.axes.len() {
            self.rows.resize(2 * index.axes.len(), UNREAD);
            self.looked_up.reserve(2 * index.axes.len());
        }
        summary::all(index.words.len(), &mut self.possible);
    }

    fn keep(&mut self, place: u32) {
        let word = place as usize / 64;
        self.found[word] |= 1 << (place % 64);
        self.found_words[word / 64] |= 1 << (word % 64);
    }
}

impl Index {
    /// An index over these conditions; their places are those of the list.
    pub fn new<'a>(conditions: impl Iterator<Item = &'a Condition>) -> Self {
        build::build(conditions.map(std::iter::once))
    }

    /// An index over lists of conditions, each list as one condition that holds when all of it does.
    pub fn of_all<'a, C>(lists: impl Iterator<Item = C>) -> Self
    where
        C: IntoIterator<Item = &'a Condition>,
    {
        build::build(lists)
    }

    /// How many conditions it has.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether it has no condition.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The places of all conditions that hold, rising.
    pub fn matches<'s, S: Scope + ?Sized>(&self, scope: &S, scratch: &'s mut Scratch) -> Matches<'s> {
        scratch.clear(self);
        for (axis, summary) in &self.ahead {
            if let Some(class) = self.look_up(*axis as usize, scope, scratch) {
                summary.narrow(class, &self.summaries, &mut scratch.possible);
            }
        }
        for group in 0..scratch.possible.len() {
            for (word, slots) in summary::each(group, scratch.possible[group]) {
                self.evaluate(word, slots, scope, scratch);
            }
        }
        Matches { found: &scratch.found, words: &scratch.found_words, at: 0, left_words: 0, word: 0, left: 0 }.started()
    }

    /// Looks an axis up that was not: its class, unless the value has none.
    fn look_up<S: Scope + ?Sized>(&self, at: usize, scope: &S, scratch: &mut Scratch) -> Option<u32> {
        let axis = &self.axes[at];
        let read = scope.read(&self.fields[axis.field as usize]);
        let class = axis.cells.class(Actual::of(&read));
        let (row, search) = class.map_or((ASK, ASK), |class| axis.rows.row(class));
        for (at, row) in [(at, row), (at + self.axes.len(), search)] {
            scratch.rows[at] = row;
            scratch.looked_up.push(u32::try_from(at).expect("an axis's place is a u32"));
        }
        class
    }

    /// Which of these slots of a word hold.
    fn evaluate<S: Scope + ?Sized>(&self, at: usize, slots: u64, scope: &S, scratch: &mut Scratch) {
        let word = &self.words[at];
        let mut left = word.slots & slots;
        for gate in &self.gates[word.gates.0 as usize..word.gates.1 as usize] {
            let row = scratch.rows[gate.axis as usize];
            left &= if row < BY_COLUMN {
                self.bits[(row + gate.column) as usize]
            } else if left & gate.mask == 0 {
                // Nothing is read for conditions that are out already.
                continue;
            } else {
                self.gate(gate, at, left, scope, scratch)
            };
            if left == 0 {
                return;
            }
        }
        for check in &self.checks[word.checks.0 as usize..word.checks.1 as usize] {
            let concerned = left & check.mask != 0;
            if concerned && !nodes::holds(&self.nodes, &self.fields, check.node, scope, &mut scratch.memo) {
                left &= !check.mask;
            }
        }
        while left != 0 {
            scratch.keep(self.places[at * 64 + left.trailing_zeros() as usize]);
            left &= left - 1;
        }
    }

    /// The bits of a gate whose row is not among those that are kept whole, or has not been looked up.
    #[inline(never)]
    fn gate<S: Scope + ?Sized>(&self, gate: &Gate, word: usize, left: u64, scope: &S, scratch: &mut Scratch) -> u64 {
        let (row, axis) = (gate.axis as usize, gate.axis as usize % self.axes.len());
        if scratch.rows[row] == UNREAD {
            self.look_up(axis, scope, scratch);
        }
        match scratch.rows[row] {
            ASK => self.ask(axis, word, left & gate.mask, scope, scratch) | !gate.mask,
            row if row < BY_COLUMN => self.bits[(row + gate.column) as usize],
            row => self.axes[axis].rows.word(row, gate.column),
        }
    }

    /// Which of these slots of a word pass their comparisons with an axis, each distinct one asked once.
    #[cold]
    fn ask<S: Scope + ?Sized>(
        &self,
        axis: usize,
        word: usize,
        mut slots: u64,
        scope: &S,
        scratch: &mut Scratch,
    ) -> u64 {
        let asked = &self.axes[axis].asked;
        let mut passing = 0;
        while slots != 0 {
            let bit = slots.trailing_zeros();
            let slot = u32::try_from(word * 64).expect("a slot is a u32") + bit;
            let found = asked.binary_search_by_key(&slot, |(slot, _)| *slot).expect("a slot that compares the axis");
            if nodes::holds(&self.nodes, &self.fields, asked[found].1, scope, &mut scratch.memo) {
                passing |= 1 << bit;
            }
            slots &= slots - 1;
        }
        passing
    }

    /// Bytes of memory that it takes, without strings and lists below its tests.
    pub fn memory(&self) -> usize {
        let axes = self.axes.iter().map(|axis| {
            size_of::<Axis>()
                + axis.cells.memory()
                + axis.rows.memory()
                + size_of::<(u32, u32)>() * axis.asked.capacity()
        });
        let below = |node: &Node| match node {
            Node::Leaf(_, tests) => tests.capacity() * size_of::<super::condition::Test>(),
            Node::All(parts) | Node::Any(parts) => parts.capacity() * size_of::<u32>(),
            Node::Not(_) => 0,
        };
        axes.sum::<usize>()
            + self.nodes.iter().map(|node| size_of::<Node>() + below(node)).sum::<usize>()
            + self.fields.capacity() * size_of::<Field>()
            + self.places.capacity() * size_of::<u32>()
            + self.words.capacity() * size_of::<Word>()
            + self.gates.capacity() * size_of::<Gate>()
            + self.checks.capacity() * size_of::<Check>()
            + (self.bits.capacity() + self.summaries.capacity()) * size_of::<u64>()
            + self.ahead.capacity() * size_of::<(u32, Summary)>()
    }
}

/// Places of conditions that hold, rising.
#[derive(Clone, Debug)]
pub struct Matches<'s> {
    found: &'s [u64],
    words: &'s [u64],
    at: usize,
    left_words: u64,
    word: usize,
    left: u64,
}

impl Matches<'_> {
    fn started(mut self) -> Self {
        self.left_words = self.words.first().copied().unwrap_or_default();
        self
    }
}

impl Iterator for Matches<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        while self.left == 0 {
            while self.left_words == 0 {
                self.at += 1;
                self.left_words = *self.words.get(self.at)?;
            }
            self.word = self.at * 64 + self.left_words.trailing_zeros() as usize;
            self.left_words &= self.left_words - 1;
            self.left = self.found[self.word];
        }
        let place = self.word * 64 + self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        Some(place)
    }
}
