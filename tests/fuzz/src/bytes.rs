//! Choices made by bytes: small changes of the input are small changes of what is made of it.

/// Bytes that decide. When they are used up every choice is the first one, so that whatever is being made comes to an end.
pub struct Bytes<'a> {
    rest: &'a [u8],
}

impl<'a> Bytes<'a> {
    /// All of these.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next byte; 0 when there is none.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    /// Whether all are used up.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// From 0 to below `end`, which is at most 256.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    /// Once in `of`; never when nothing is left.
    pub fn once_in(&mut self, of: usize) -> bool {
        !self.is_empty() && self.below(of) == of - 1
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Two bytes as a number.
    pub fn number(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }
}
