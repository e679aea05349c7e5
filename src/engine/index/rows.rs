//! For each class of one axis, which conditions are still possible: a bit for each, in words of 64.
//!
//! A row has only the words in which some condition compares this axis; in them a condition that does not has its bit
//! set. Axes with few classes keep every row. Where that would be large (ten thousand skus), rows are kept as what
//! changes from one class to the next, with a whole row now and then: at most twice the size of the rules' constants.

use super::cells::Runs;

/// A row's words begin here, or one of the three answers below.
pub(super) type At = u32;
/// The row is in the scratch's buffer, at the rest of the number.
pub(super) const IN_BUFFER: At = 1 << 31;
/// No row: the comparisons have to be asked one by one.
pub(super) const ASK: At = u32::MAX - 1;
/// Not looked up yet.
pub(super) const UNREAD: At = u32::MAX;

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
    /// Class → row; the rows are in the index's bits from `bits_at`, the words in which they have a bit at all, where
    /// that was made, in its summaries from `summaries_at`.
    All { row_of: Vec<u32>, bits_at: u32, summaries_at: Option<u32> },
    /// The first class's row and after every `step` flips the row at that moment.
    Changes { flips: Vec<Flip>, step: u32, marks: Vec<u64> },
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

    /// Keeps every row. `bits` and `summaries` are the index's; returns how many words a summary is expected to rule
    /// out, and a summary is made if there are at least so many.
    pub(super) fn keep_all(
        self,
        classes: u32,
        words: usize,
        worth: usize,
        bits: &mut Vec<u64>,
        summaries: &mut Vec<u64>,
    ) -> (Rows, usize) {
        let (bits_at, width) = (bits.len(), self.columns.len());
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
        let ruled_out = bits[bits_at..].iter().filter(|word| **word == 0).count() / rows as usize;
        let summaries_at = (ruled_out >= worth).then_some(whole(summaries.len()));
        if summaries_at.is_some() {
            for row in bits[bits_at..].chunks_exact(width) {
                let at = summaries.len();
                summaries.resize(at + words.div_ceil(64), u64::MAX);
                summarise(&self.columns, row, &mut summaries[at..]);
            }
        }
        (Rows { columns: self.columns, kept: Kept::All { row_of, bits_at: whole(bits_at), summaries_at } }, ruled_out)
    }

    /// Keeps what changes from class to class.
    pub(super) fn keep_changes(self) -> Rows {
        let step = self.columns.len().max(32);
        let mut row = self.first;
        let mut marks = row.clone();
        for change in self.flips.chunks(step) {
            change.iter().for_each(|flip| row[flip.column as usize] ^= flip.mask);
            marks.extend_from_slice(&row);
        }
        Rows { columns: self.columns, kept: Kept::Changes { flips: self.flips, step: whole(step), marks } }
    }
}

/// Takes the words out of a summary in which a row has no bit.
fn summarise(columns: &[u32], row: &[u64], summary: &mut [u64]) {
    for (word, bits) in columns.iter().zip(row) {
        if *bits == 0 {
            summary[*word as usize / 64] &= !(1 << (word % 64));
        }
    }
}

impl Rows {
    /// The column of a word; the word is one of those that the rows have.
    pub(super) fn column(&self, word: u32) -> u32 {
        whole(self.columns.binary_search(&word).expect("a word in which this axis is compared"))
    }

    /// The words that the rows have.
    pub(super) fn words(&self) -> &[u32] {
        &self.columns
    }

    /// Where the row of a class is; one that is not kept is made in the buffer.
    pub(super) fn row(&self, class: u32, buffer: &mut Vec<u64>) -> At {
        match &self.kept {
            Kept::All { row_of, bits_at, .. } => bits_at + row_of[class as usize] * whole(self.columns.len()),
            Kept::Changes { flips, step, marks } => {
                let upto = flips.partition_point(|flip| flip.class <= class);
                let (width, step) = (self.columns.len(), *step as usize);
                let mark = upto / step;
                let at = buffer.len();
                buffer.extend_from_slice(&marks[mark * width..(mark + 1) * width]);
                for flip in &flips[mark * step..upto] {
                    buffer[at + flip.column as usize] ^= flip.mask;
                }
                whole(at) | IN_BUFFER
            }
        }
    }

    /// Takes the words out of `possible` in which the row that is at this place has no bit.
    pub(super) fn narrow(&self, at: At, class: u32, summaries: &[u64], buffer: &[u64], possible: &mut [u64]) {
        match &self.kept {
            Kept::All { row_of, summaries_at: Some(summaries_at), .. } => {
                let start = *summaries_at as usize + row_of[class as usize] as usize * possible.len();
                for (possible, summary) in possible.iter_mut().zip(&summaries[start..]) {
                    *possible &= summary;
                }
            }
            Kept::All { .. } => {}
            Kept::Changes { .. } => {
                let at = (at & !IN_BUFFER) as usize;
                summarise(&self.columns, &buffer[at..at + self.columns.len()], possible);
            }
        }
    }

    /// How much room in the buffer a row of these needs, in words.
    pub(super) fn room(&self) -> usize {
        if let Kept::Changes { .. } = &self.kept { self.columns.len() } else { 0 }
    }

    /// Bytes of memory, without what is in the index's bits and summaries.
    pub(super) fn memory(&self) -> usize {
        4 * self.columns.capacity()
            + match &self.kept {
                Kept::All { row_of, .. } => 4 * row_of.capacity(),
                Kept::Changes { flips, marks, .. } => {
                    size_of::<Flip>() * flips.capacity() + size_of::<u64>() * marks.capacity()
                }
            }
    }
}
