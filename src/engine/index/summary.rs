//! Which blocks of 16 conditions a value leaves possible at all: all fields are asked for that before any word is looked
//! at. Neighbouring classes share a row, which then says of each block whether one of them leaves it possible, so that
//! what every event reads is small.

/// Rows of one axis.
const ROWS_MAX: u32 = 256;
/// Blocks of one word, and of one word of a summary that many words.
const BLOCKS: usize = 4;
const WORDS: usize = 64 / BLOCKS;

/// Where an axis's summaries are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Summary {
    at: u32,
    /// Words of a row.
    width: u32,
    pub(super) groups: Groups,
}

/// Neighbouring classes that share a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Groups {
    shift: u32,
}

impl Groups {
    /// So many classes in at most so many groups.
    pub(super) const fn of(classes: u32, groups_max: u32) -> Self {
        let mut shift = 0;
        while classes.saturating_sub(1) >> shift >= groups_max {
            shift += 1;
        }
        Self { shift }
    }

    /// The group of a class.
    pub(super) const fn of_class(self, class: u32) -> u32 {
        class >> self.shift
    }

    /// Whether a class is the first one of its group.
    pub(super) const fn begins(self, class: u32) -> bool {
        self.of_class(class) << self.shift == class
    }

    /// How many groups there are of so many classes.
    pub(super) const fn count(self, classes: u32) -> u32 {
        self.of_class(classes.saturating_sub(1)) + 1
    }
}

/// The blocks of so many words that are possible before anything is known.
pub(super) fn all(words: usize, possible: &mut Vec<u64>) {
    possible.clear();
    possible.resize(words.div_ceil(WORDS), u64::MAX);
    if let (Some(last), rest @ 1..) = (possible.last_mut(), words % WORDS) {
        *last = (1 << (rest * BLOCKS)) - 1;
    }
}

/// Each word that has a possible block, with the bits of those blocks.
pub(super) fn each(group: usize, mut possible: u64) -> impl Iterator<Item = (usize, u64)> {
    std::iter::from_fn(move || {
        if possible == 0 {
            return None;
        }
        let place = possible.trailing_zeros() as usize / BLOCKS;
        let blocks = possible >> (place * BLOCKS) & 15;
        possible &= !(15 << (place * BLOCKS));
        // A bit for each block, spread to all of the block.
        let ones = blocks & 1 | (blocks & 2) << 15 | (blocks & 4) << 30 | (blocks & 8) << 45;
        Some((group * WORDS + place, ones * 0xFFFF))
    })
}

/// Writes the row in which columns, which stand for these words, have any of these bits; how many blocks it rules out.
pub(super) fn write(columns: &[u32], bits: &[u64], words: usize, summaries: &mut Vec<u64>) -> usize {
    let at = summaries.len();
    summaries.resize(at + words.div_ceil(WORDS), u64::MAX);
    let mut ruled_out = 0;
    for (word, bits) in columns.iter().zip(bits) {
        for block in 0..BLOCKS {
            if bits >> (block * 16) & 0xFFFF == 0 {
                let word = *word as usize;
                summaries[at + word / WORDS] &= !(1 << (word % WORDS * BLOCKS + block));
                ruled_out += 1;
            }
        }
    }
    ruled_out
}

impl Summary {
    /// Of so many classes and words, beginning at a place.
    pub(super) fn new(classes: u32, words: usize, at: usize) -> Self {
        let whole = |count: usize| u32::try_from(count).expect("a rule set is far smaller");
        Self { at: whole(at), width: whole(words.div_ceil(WORDS)), groups: Groups::of(classes, ROWS_MAX) }
    }

    /// Takes the blocks out of `possible` that no value of this class leaves possible.
    pub(super) fn narrow(self, class: u32, summaries: &[u64], possible: &mut [u64]) {
        let start = (self.at + self.groups.of_class(class) * self.width) as usize;
        for (possible, summary) in possible.iter_mut().zip(&summaries[start..]) {
            *possible &= summary;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_told_by_word() {
        let mut possible = Vec::new();
        all(18, &mut possible);
        assert_eq!(possible, [u64::MAX, 0xFF]);
        possible[0] = 0b1001 << 8;
        let found: Vec<(usize, u64)> = (0..2).flat_map(|group| each(group, possible[group])).collect();
        assert_eq!(found, [(2, 0xFFFF_0000_0000_FFFF), (16, u64::MAX), (17, u64::MAX)]);
    }

    #[test]
    fn a_row_rules_out_blocks_without_a_bit_in_words_that_it_has() {
        let mut summaries = vec![7];
        assert_eq!(write(&[0, 17], &[1 << 20, 0], 18, &mut summaries), 7);
        let mut possible = Vec::new();
        all(18, &mut possible);
        let summary = Summary::new(2_000, 18, 1);
        let groups = summary.groups;
        assert_eq!(
            (groups.count(2_000), groups.of_class(7), groups.begins(8), groups.begins(9)),
            (250, 0, true, false)
        );
        summary.narrow(3, &summaries, &mut possible);
        assert_eq!(possible, [!0b1101, 0x0F]);
    }
}
