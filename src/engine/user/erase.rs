//! A user's end by an operator's word.

use super::letter::{Absorb, Answer};
use super::{User, UserEffect};

impl User {
    /// Goes whole, unless a visitor still counts for it or something of it is still to be handed on, which would come back.
    pub(super) fn erase(&self) -> Vec<UserEffect> {
        if self.linked.is_empty() && self.hand_on_ms().is_none() {
            vec![UserEffect::Answer(Answer::Taken(None)), UserEffect::Delete]
        } else {
            vec![UserEffect::Answer(Answer::Later)]
        }
    }

    /// Whether somebody hands on who has not become this user before. It may have been erased while that was on its way:
    /// it is to be taken only after a look whether its sender still means it.
    pub fn makes_absorbed(&self, absorb: &Absorb) -> bool {
        !self.has_absorbed(absorb.from)
    }
}
