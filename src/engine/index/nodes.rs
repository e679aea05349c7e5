//! Parts of conditions that no class of values settles: each distinct one is looked at at most once for a scope.

use crate::engine::condition::{Actual, Test};
use crate::engine::tree::{Field, Scope};

/// A part of a condition, by the places of its own parts.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// The field with this place passes every test.
    Leaf(u32, Vec<Test>),
    /// Every one holds.
    All(Vec<u32>),
    /// At least one holds; never empty.
    Any(Vec<u32>),
    /// It does not hold.
    Not(u32),
}

/// What is known of each node for the scope at hand.
#[derive(Clone, Debug, Default)]
pub(super) struct Memo {
    /// 0 for what is not known yet, else [`NO`] or [`YES`].
    answers: Vec<u8>,
    known: Vec<u32>,
}

const NO: u8 = 1;
const YES: u8 = 2;

impl Memo {
    /// Nothing is known, of as many nodes.
    pub(super) fn clear(&mut self, nodes: usize) {
        self.known.drain(..).for_each(|node| self.answers[node as usize] = 0);
        if self.answers.len() < nodes {
            self.answers.resize(nodes, 0);
            // Room for all of them now, so that none is made while a condition is evaluated.
            self.known.reserve(nodes);
        }
    }
}

/// Whether a node holds. As deep as an authored condition nests, which is bounded.
pub(super) fn holds<S: Scope + ?Sized>(
    nodes: &[Node],
    fields: &[Field],
    node: u32,
    scope: &S,
    memo: &mut Memo,
) -> bool {
    match memo.answers[node as usize] {
        NO => return false,
        YES => return true,
        _ => {}
    }
    let mut part = |part: &u32| holds(nodes, fields, *part, scope, memo);
    let answer = match &nodes[node as usize] {
        Node::Leaf(field, tests) => {
            let read = scope.read(&fields[*field as usize]);
            let actual = Actual::of(&read);
            tests.iter().all(|test| test.passes(actual))
        }
        Node::All(parts) => parts.iter().all(part),
        Node::Any(parts) => parts.iter().any(part),
        Node::Not(negated) => !part(negated),
    };
    memo.answers[node as usize] = if answer { YES } else { NO };
    memo.known.push(node);
    answer
}
