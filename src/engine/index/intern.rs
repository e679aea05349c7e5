//! Each distinct thing once: places of byte strings, found by hash. Nothing here is ever walked in the table's order.

/// Byte strings with their places, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interner {
    bytes: Vec<u8>,
    /// Where each string ends.
    ends: Vec<u32>,
    /// Place + 1, or 0: open addressing, at most half full.
    table: Vec<u32>,
}

/// A quick hash of bytes. The strings in a table are an author's; others are only looked up, so that nobody who sends
/// events can fill one bucket.
fn hash(bytes: &[u8]) -> u64 {
    const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut chunks = bytes.chunks_exact(8);
    let mut state = (bytes.len() as u64).wrapping_mul(MIX);
    for chunk in chunks.by_ref() {
        let word = u64::from_le_bytes(chunk.try_into().expect("a chunk has eight bytes"));
        state = (state.rotate_left(25) ^ word).wrapping_mul(MIX);
    }
    let rest = chunks.remainder().iter().fold(1, |rest: u64, byte| rest << 8 | u64::from(*byte));
    state = (state.rotate_left(25) ^ rest).wrapping_mul(MIX);
    state ^ state >> 32
}

impl Interner {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    fn text(&self, place: u32) -> &[u8] {
        let place = place as usize;
        let start = if place == 0 { 0 } else { self.ends[place - 1] as usize };
        &self.bytes[start..self.ends[place] as usize]
    }

    /// The slot in which the string is, or the free one in which it would be.
    #[expect(clippy::cast_possible_truncation, reason = "a slot is the hash's lower bits")]
    fn slot(&self, bytes: &[u8]) -> usize {
        let mask = self.table.len() - 1;
        let mut slot = hash(bytes) as usize & mask;
        while self.table[slot] != 0 && self.text(self.table[slot] - 1) != bytes {
            slot = (slot + 1) & mask;
        }
        slot
    }

    /// The place of a string that is there.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<u32> {
        if self.table.is_empty() { None } else { self.table[self.slot(bytes)].checked_sub(1) }
    }

    /// The place of a string, and whether it is new.
    pub(super) fn add(&mut self, bytes: &[u8]) -> (u32, bool) {
        if self.table.len() < 2 * (self.len() + 1) {
            self.grow();
        }
        let slot = self.slot(bytes);
        if let Some(place) = self.table[slot].checked_sub(1) {
            return (place, false);
        }
        self.bytes.extend_from_slice(bytes);
        self.ends.push(u32::try_from(self.bytes.len()).expect("a rule set has far less than 4 GB"));
        let count = u32::try_from(self.len()).expect("fewer strings than bytes");
        self.table[slot] = count;
        (count - 1, true)
    }

    fn grow(&mut self) {
        self.table = vec![0; (self.table.len() * 2).max(8)];
        for place in 0..u32::try_from(self.len()).expect("fewer strings than bytes") {
            let slot = self.slot(self.text(place));
            self.table[slot] = place + 1;
        }
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity() + 4 * (self.ends.capacity() + self.table.capacity())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_string_has_one_place() {
        let mut interner = Interner::default();
        assert_eq!(interner.find(b""), None);
        let words: Vec<String> = (0..1_000).map(|n| "x".repeat(n % 40) + &n.to_string()).collect();
        for (place, word) in words.iter().enumerate() {
            assert_eq!(interner.add(word.as_bytes()), (u32::try_from(place).unwrap(), true));
        }
        for (place, word) in words.iter().enumerate() {
            assert_eq!(interner.add(word.as_bytes()), (u32::try_from(place).unwrap(), false));
            assert_eq!(interner.find(word.as_bytes()), u32::try_from(place).ok());
        }
        assert_eq!((interner.find(b"y"), interner.len()), (None, 1_000));
    }
}
