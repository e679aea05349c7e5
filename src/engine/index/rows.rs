//! For each class of one axis, which conditions are still possible: a bit for each, in words of 64.
//!
//! A row has only the words in which some condition compares this axis; in them a condition that does not has its bit
//! set. Axes with few classes keep every row. Where that would be large (ten thousand skus), each word is kept as what it
//! becomes from which class on: about the size of the rules' constants, and a search away. Beside them stands a rough
//! form, a row for so many neighbouring classes together, which leaves few to search for.

use super::cells::Runs;
use super::summary::{self, Groups, Summary};

/// A row's words begin here, or one of the three answers below.
pub(super) type At = u32;
/// Rows are kept by column; the class is the rest of the number.
pub(super) const BY_COLUMN: At = 1 << 31;
/// No row: the comparisons have to be asked one by one.
pub(super) const ASK: At = u32::MAX - 1;
/// Not looked up yet.
pub(super) const UNREAD: At = u32::MAX;

/// Rough rows of one axis.
const ROUGH_ROWS_MAX: u32 = 64;

/// From this class on, these bits of a column are the other way round.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Flip {
    class: u32,
    column: u32,
    mask: u64,
}

/// The rows of one axis before it is settled how they are kept.
pub(super) struct Draft {
    /// Column → the word that it stands for, rising.
    columns: Vec<u32>,
    first: Vec<u64>,
    /// By class and column, each pair once.
    flips: Vec<Flip>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rows {
    columns: Vec<u32>,
    kept: Kept,
}

#[derive(Clone, Debug, PartialEq)]
enum Kept {
    /// Class → row; the rows are in the index's bits from `bits_at`.
    All { row_of: Vec<u32>, bits_at: u32 },
    /// Column → where it starts in the other two: the classes from which on its word has which bits, rising from 0.
    /// The rough rows are in the index's bits from `rough_at`.
    Columns { starts: Vec<u32>, from: Vec<u32>, bits: Vec<u64>, rough: Groups, rough_at: u32 },
}

fn whole(count: usize) -> u32 {
    u32::try_from(count).expect("a rule set is far smaller")
}

impl Draft {
    /// The rows of comparisons, each with its classes and the slots of the conditions that make it.
    pub(super) fn new(comparisons: &[(&Runs, &[u32])]) -> Self {
        let mut columns: Vec<u32> =
            comparisons.iter().flat_map(|(_, slots)| slots.iter().map(|slot| slot / 64)).collect();
        columns.sort_unstable();
        columns.dedup();
        let mut first = vec![u64::MAX; columns.len()];
        let mut flips = Vec::new();
        for (runs, slots) in comparisons {
            for same_word in slots.chunk_by(|a, b| a / 64 == b / 64) {
                let mask = same_word.iter().fold(0, |mask, slot| mask | 1_u64 << (slot % 64));
                let column = columns.binary_search(&(same_word[0] / 64)).expect("made of these slots");
                if !runs.first {
                    first[column] &= !mask;
                }
                flips.extend(runs.flips.iter().map(|class| Flip { class: *class, column: whole(column), mask }));
            }
        }
        flips.sort_unstable_by_key(|flip| (flip.class, flip.column));
        flips.dedup_by(|next, kept| {
            let same = (next.class, next.column) == (kept.class, kept.column);
            if same {
                kept.mask ^= next.mask;
            }
            same
        });
        Self { columns, first, flips }
    }

    /// How many words it takes to keep every row.
    pub(super) fn size(&self) -> usize {
        (self.flips.chunk_by(|a, b| a.class == b.class).count() + 1) * self.columns.len()
    }

    /// Keeps every row, in the index's bits.
    pub(super) fn keep_all(self, classes: u32, bits: &mut Vec<u64>) -> Rows {
        let bits_at = whole(bits.len());
        let mut row = self.first;
        let mut row_of = Vec::with_capacity(classes as usize);
        bits.extend_from_slice(&row);
        let mut rows = 1;
        for change in self.flips.chunk_by(|a, b| a.class == b.class) {
            row_of.resize(change[0].class as usize, rows - 1);
            change.iter().for_each(|flip| row[flip.column as usize] ^= flip.mask);
            bits.extend_from_slice(&row);
            rows += 1;
        }
        row_of.resize(classes as usize, rows - 1);
        Rows { columns: self.columns, kept: Kept::All { row_of, bits_at } }
    }

    /// Keeps what each column's word becomes, and in the index's bits the rough form.
    pub(super) fn keep_columns(mut self, classes: u32, bits: &mut Vec<u64>) -> Rows {
        let rough = Groups::of(classes, ROUGH_ROWS_MAX);
        let rough_at = whole(bits.len());
        self.each_group(rough, classes, |row| bits.extend_from_slice(row));
        let kept = self.columns_kept(rough, rough_at);
        Rows { columns: self.columns, kept }
    }

    fn columns_kept(&mut self, rough: Groups, rough_at: u32) -> Kept {
        self.flips.sort_unstable_by_key(|flip| (flip.column, flip.class));
        let size = self.first.len() + self.flips.len();
        let (mut from, mut bits) = (Vec::with_capacity(size), Vec::with_capacity(size));
        let mut starts = Vec::with_capacity(self.first.len() + 1);
        let mut flips = self.flips.iter().peekable();
        for (column, first) in (0..).zip(&self.first) {
            starts.push(whole(from.len()));
            let mut word = *first;
            from.push(0);
            bits.push(word);
            while let Some(flip) = flips.next_if(|flip| flip.column == column) {
                word ^= flip.mask;
                from.push(flip.class);
                bits.push(word);
            }
        }
        starts.push(whole(from.len()));
        Kept::Columns { starts, from, bits, rough, rough_at }
    }

    /// A summary of the rows for so many words, written to the end of `summaries`, and how many blocks it is expected
    /// to rule out.
    pub(super) fn summarise(&self, classes: u32, words: usize, summaries: &mut Vec<u64>) -> (Summary, usize) {
        let summary = Summary::new(classes, words, summaries.len());
        let (mut rows, mut ruled_out) = (0, 0);
        self.each_group(summary.groups, classes, |row| {
            ruled_out += summary::write(&self.columns, row, words, summaries);
            rows += 1;
        });
        (summary, ruled_out / rows)
    }

    /// For each group of classes a row of what is set in the row of any of them.
    fn each_group(&self, groups: Groups, classes: u32, mut put: impl FnMut(&[u64])) {
        let (mut row, mut group) = (self.first.clone(), 0);
        let mut any = row.clone();
        for change in self.flips.chunk_by(|a, b| a.class == b.class) {
            let class = change[0].class;
            while group < groups.of_class(class) {
                put(&any);
                any.clone_from(&row);
                group += 1;
            }
            let begins = groups.begins(class);
            for flip in change {
                let column = flip.column as usize;
                row[column] ^= flip.mask;
                any[column] |= row[column];
            }
            if begins {
                any.clone_from(&row);
            }
        }
        while group < groups.count(classes) {
            put(&any);
            any.clone_from(&row);
            group += 1;
        }
    }
}

impl Rows {
    /// The column of a word; the word is one of those that the rows have.
    pub(super) fn column(&self, word: u32) -> u32 {
        whole(self.columns.binary_search(&word).expect("a word in which this axis is compared"))
    }

    /// Where the row of a class is, or the rough one, and what [`Self::word`] wants to know.
    pub(super) fn row(&self, class: u32) -> (At, At) {
        let width = whole(self.columns.len());
        let at = match &self.kept {
            Kept::All { row_of, bits_at } => bits_at + row_of[class as usize] * width,
            Kept::Columns { rough, rough_at, .. } => rough_at + rough.of_class(class) * width,
        };
        (at, BY_COLUMN | class)
    }

    /// Whether [`Self::word`] has to be asked as well.
    pub(super) const fn are_by_column(&self) -> bool {
        matches!(self.kept, Kept::Columns { .. })
    }

    /// A column's word for a class, where rows are kept by column; `row` is what [`Self::row`] gave.
    pub(super) fn word(&self, row: At, column: u32) -> u64 {
        let Kept::Columns { starts, from, bits, .. } = &self.kept else { return u64::MAX };
        let (class, column) = (row & !BY_COLUMN, column as usize);
        let (start, end) = (starts[column] as usize, starts[column + 1] as usize);
        // The first class of a column is 0.
        bits[start + from[start..end].partition_point(|from| *from <= class) - 1]
    }

    /// Bytes of memory, without what is in the index's bits and summaries.
    pub(super) fn memory(&self) -> usize {
        let kept = match &self.kept {
            Kept::All { row_of, .. } => 4 * row_of.capacity(),
            Kept::Columns { starts, from, bits, .. } => {
                4 * (starts.capacity() + from.capacity()) + size_of::<u64>() * bits.capacity()
            }
        };
        4 * self.columns.capacity() + kept
    }
}
