//! Conditions taken apart: comparisons that classes of values settle, and nodes for the rest. Each distinct field,
//! test and node is kept once, nested conjunctions are flattened, and what is always or never true is folded away.

use super::intern::Interner;
use super::nodes::Node;
use crate::engine::condition::{Condition, Facet, Test, field_cost};
use crate::engine::dedupe::fnv1a;
use crate::engine::tree::Field;
use std::borrow::Cow;

/// One field's values, as far as one facet of them goes.
pub(super) struct Axis {
    pub(super) field: u32,
    pub(super) facet: Facet,
}

/// The comparisons that one condition makes with one axis.
pub(super) struct Comparisons {
    pub(super) axis: u32,
    pub(super) tests: Vec<u32>,
}

/// What one condition comes to: all of these hold. Both lists are sorted and without repeats.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) comparisons: Vec<u32>,
    pub(super) nodes: Vec<u32>,
    /// It never holds, whatever else it says.
    pub(super) never: bool,
}

/// Everything distinct in a list of conditions.
#[derive(Default)]
pub(super) struct Parts<'a> {
    pub(super) fields: Vec<Field>,
    pub(super) tests: Vec<Cow<'a, Test>>,
    pub(super) axes: Vec<Axis>,
    /// Field → its axes, for scalars and for numbers.
    axes_of: Vec<[Option<u32>; 2]>,
    pub(super) comparisons: Vec<Comparisons>,
    pub(super) nodes: Vec<Node>,
    /// What each node costs, and a hash of what it says: the order in which nodes are asked depends on nothing else.
    weights: Vec<(u64, u64)>,
    names: Names,
    key: Vec<u8>,
}

#[derive(Default)]
struct Names {
    fields: Interner,
    tests: Interner,
    comparisons: Interner,
    nodes: Interner,
}

/// A part that may have turned out to be no question.
enum Part {
    Always,
    Never,
    Node(u32),
}

/// A condition's comparisons before they are put together by axis: (axis, test).
#[derive(Default)]
struct Open {
    tests: Vec<(u32, u32)>,
    nodes: Vec<u32>,
    never: bool,
}

impl<'a> Parts<'a> {
    /// Takes conditions apart of which all have to hold.
    pub(super) fn plan(&mut self, conditions: impl IntoIterator<Item = &'a Condition>) -> Plan {
        let mut open = Open::default();
        conditions.into_iter().for_each(|condition| self.conjuncts(condition, true, &mut open));
        let mut plan = Plan { nodes: open.nodes, never: open.never, ..Plan::default() };
        open.tests.sort_unstable();
        open.tests.dedup();
        for same_axis in open.tests.chunk_by(|a, b| a.0 == b.0) {
            let tests: Vec<u32> = same_axis.iter().map(|(_, test)| *test).collect();
            plan.comparisons.push(self.comparison(same_axis[0].0, tests));
        }
        plan.nodes.sort_unstable_by_key(|node| (self.weights[*node as usize], *node));
        plan.nodes.dedup();
        plan
    }

    /// What must hold for the condition to be as wanted.
    fn conjuncts(&mut self, condition: &'a Condition, wanted: bool, open: &mut Open) {
        match (condition, wanted) {
            (Condition::All(parts), true) => parts.iter().for_each(|part| self.conjuncts(part, true, open)),
            // As in the SDK, a choice of nothing holds.
            (Condition::Any(parts), true) if parts.is_empty() => {}
            (Condition::Any(parts), false) if parts.is_empty() => open.never = true,
            (Condition::All(parts), false) if parts.is_empty() => open.never = true,
            (Condition::Any(parts), false) => parts.iter().for_each(|part| self.conjuncts(part, false, open)),
            (Condition::Any(parts) | Condition::All(parts), _) if parts.len() == 1 => {
                self.conjuncts(&parts[0], wanted, open);
            }
            (Condition::Not(part), _) => self.conjuncts(part, !wanted, open),
            (Condition::Field(field, tests), true) => {
                let field = self.field(field);
                tests.iter().for_each(|test| self.test(field, Cow::Borrowed(test), open));
            }
            (Condition::Field(field, tests), false) => {
                let field = self.field(field);
                self.test(field, Cow::Owned(not(tests)), open);
            }
            (Condition::Any(parts), true) => match one_comparison(parts) {
                Some((field, test)) => {
                    let field = self.field(field);
                    self.test(field, Cow::Owned(test), open);
                }
                None => self.part(condition, true, open),
            },
            (Condition::All(_), false) => self.part(condition, false, open),
        }
    }

    /// By what nodes are ordered: cost first.
    pub(super) fn weight(&self, node: u32) -> (u64, u64) {
        self.weights[node as usize]
    }

    fn part(&mut self, condition: &Condition, wanted: bool, open: &mut Open) {
        match self.node(condition, wanted) {
            Part::Always => {}
            Part::Never => open.never = true,
            Part::Node(node) => open.nodes.push(node),
        }
    }

    fn test(&mut self, field: u32, test: Cow<'a, Test>, open: &mut Open) {
        match test {
            Cow::Borrowed(Test::Every(tests)) => {
                tests.iter().for_each(|test| self.test(field, Cow::Borrowed(test), open));
            }
            Cow::Owned(Test::Every(tests)) => {
                tests.into_iter().for_each(|test| self.test(field, Cow::Owned(test), open));
            }
            Cow::Borrowed(_) | Cow::Owned(_) => match settled(&test) {
                Some(true) => {}
                Some(false) => open.never = true,
                None => {
                    let facet = test.facet();
                    if facet == Facet::Whole {
                        open.nodes.push(self.leaf(field, vec![test.into_owned()]));
                    } else {
                        let axis = self.axis(field, facet);
                        open.tests.push((axis, self.distinct_test(test)));
                    }
                }
            },
        }
    }

    fn field(&mut self, field: &Field) -> u32 {
        write(&mut self.key, field);
        let (place, new) = self.names.fields.add(&self.key);
        if new {
            self.fields.push(field.clone());
            self.axes_of.push([None; 2]);
        }
        place
    }

    fn distinct_test(&mut self, test: Cow<'a, Test>) -> u32 {
        write(&mut self.key, &*test);
        let (place, new) = self.names.tests.add(&self.key);
        if new {
            self.tests.push(test);
        }
        place
    }

    fn axis(&mut self, field: u32, facet: Facet) -> u32 {
        let axis = &mut self.axes_of[field as usize][usize::from(facet == Facet::Number)];
        *axis.get_or_insert_with(|| {
            self.axes.push(Axis { field, facet });
            u32::try_from(self.axes.len() - 1).expect("fewer axes than tests")
        })
    }

    fn comparison(&mut self, axis: u32, tests: Vec<u32>) -> u32 {
        write(&mut self.key, &(axis, &tests));
        let (place, new) = self.names.comparisons.add(&self.key);
        if new {
            self.comparisons.push(Comparisons { axis, tests });
        }
        place
    }

    /// A field with tests as a node.
    pub(super) fn leaf(&mut self, field: u32, tests: Vec<Test>) -> u32 {
        let read = &self.fields[field as usize];
        write(&mut self.key, &(0_u8, read, &tests));
        let (place, new) = self.names.nodes.add(&self.key);
        if new {
            self.weights.push((field_cost(read, &tests), fnv1a(&self.key)));
            self.nodes.push(Node::Leaf(field, tests));
        }
        place
    }

    fn node(&mut self, condition: &Condition, wanted: bool) -> Part {
        match (condition, wanted) {
            (Condition::Not(part), _) => self.node(part, !wanted),
            (Condition::Field(field, tests), _) => {
                let settled: Vec<Option<bool>> = tests.iter().map(settled).collect();
                if settled.contains(&Some(false)) {
                    return if wanted { Part::Never } else { Part::Always };
                }
                let open = tests.iter().zip(settled).filter(|(_, settled)| settled.is_none());
                let mut tests: Vec<Test> = open.map(|(test, _)| test.clone()).collect();
                if tests.is_empty() {
                    return if wanted { Part::Always } else { Part::Never };
                }
                tests.sort_by_cached_key(|test| postcard::to_allocvec(test).unwrap_or_default());
                tests.dedup();
                let field = self.field(field);
                let leaf = self.leaf(field, tests);
                Part::Node(if wanted { leaf } else { self.distinct_node(Node::Not(leaf)) })
            }
            (Condition::Any(parts), _) if parts.is_empty() => {
                if wanted {
                    Part::Always
                } else {
                    Part::Never
                }
            }
            // Not all of them: some of them not. Not any of them: each of them not.
            (Condition::All(parts), true) | (Condition::Any(parts), false) => self.several(parts, wanted, true),
            (Condition::Any(parts), true) | (Condition::All(parts), false) => self.several(parts, wanted, false),
        }
    }

    /// Parts of which each has to be as wanted, with `all`, or at least one.
    fn several(&mut self, parts: &[Condition], wanted: bool, all: bool) -> Part {
        let mut kept = Vec::with_capacity(parts.len());
        for part in parts {
            match (self.node(part, wanted), all) {
                (Part::Always, true) | (Part::Never, false) => {}
                (Part::Always, false) => return Part::Always,
                (Part::Never, true) => return Part::Never,
                (Part::Node(node), _) => match &self.nodes[node as usize] {
                    // A list within a list of its kind is one list.
                    Node::All(inner) if all => kept.extend_from_slice(inner),
                    Node::Any(inner) if !all => kept.extend_from_slice(inner),
                    Node::Leaf(..) | Node::All(_) | Node::Any(_) | Node::Not(_) => kept.push(node),
                },
            }
        }
        // What is cheap first: the order in which they were written changes nothing.
        kept.sort_unstable_by_key(|node| (self.weights[*node as usize], *node));
        kept.dedup();
        match kept[..] {
            [] if all => Part::Always,
            [] => Part::Never,
            [one] => Part::Node(one),
            _ => Part::Node(self.distinct_node(if all { Node::All(kept) } else { Node::Any(kept) })),
        }
    }

    /// A node that is made of others.
    fn distinct_node(&mut self, node: Node) -> u32 {
        let key = match &node {
            Node::All(parts) => (1_u8, &parts[..]),
            Node::Any(parts) => (2, &parts[..]),
            Node::Not(part) | Node::Leaf(part, _) => (3, std::slice::from_ref(part)),
        };
        write(&mut self.key, &key);
        let (place, new) = self.names.nodes.add(&self.key);
        if new {
            let mut weight = (1_u64, u64::from(key.0));
            for part in key.1 {
                let (cost, hash) = self.weights[*part as usize];
                weight = (weight.0.saturating_add(cost), weight.1.wrapping_mul(0x0100_0000_01B3) ^ hash);
            }
            self.weights.push(weight);
            self.nodes.push(node);
        }
        place
    }
}

fn write<T: serde::Serialize>(key: &mut Vec<u8>, value: &T) {
    let mut bytes = std::mem::take(key);
    bytes.clear();
    *key = postcard::to_extend(value, bytes).expect("conditions are plain data");
}

/// That not all of the tests are passed.
fn not(tests: &[Test]) -> Test {
    match tests {
        [Test::Not(test)] => Test::clone(test),
        [one] => Test::Not(Box::new(one.clone())),
        _ => Test::Not(Box::new(Test::Every(tests.to_vec()))),
    }
}

/// Alternatives that are all about one facet of one field are one test of it.
fn one_comparison(parts: &[Condition]) -> Option<(&Field, Test)> {
    let Some(Condition::Field(field, _)) = parts.first() else { return None };
    let each = parts.iter().map(|part| match part {
        Condition::Field(other, tests) if other == field => Some(not(tests)),
        Condition::Field(..) | Condition::All(_) | Condition::Any(_) | Condition::Not(_) => None,
    });
    let test = not(&[Test::Every(each.collect::<Option<_>>()?)]);
    (test.facet() != Facet::Whole).then_some((field, test))
}

/// The answer of a test that is the same for every value.
#[expect(clippy::wildcard_enum_match_arm, reason = "only some tests can be told at a glance")]
fn settled(test: &Test) -> Option<bool> {
    match test {
        Test::Never => Some(false),
        Test::In(members) if members.is_empty() => Some(false),
        Test::NotIn(members) if members.is_empty() => Some(true),
        Test::Not(test) => settled(test).map(|answer| !answer),
        Test::Every(tests) => {
            let answers: Vec<Option<bool>> = tests.iter().map(settled).collect();
            let never = answers.contains(&Some(false)).then_some(false);
            never.or_else(|| answers.iter().all(|answer| *answer == Some(true)).then_some(true))
        }
        Test::SomeItem(test) if settled(test) == Some(false) => Some(false),
        _ => None,
    }
}
