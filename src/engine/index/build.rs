//! Conditions → [`Index`]: in which order conditions stand in the index, and what is asked for each word of 64.
//!
//! Conditions whose most selective comparisons are alike stand side by side. Then a value rules whole words out at
//! once, and the words that are left have few axes.

use super::cells::{Cells, Runs};
use super::parts::{Comparisons, Parts, Plan};
use super::rows::Draft;
use super::summary::Summary;
use super::{Axis, Check, Gate, Index, Word};
use crate::engine::condition::{Condition, Constants, Facet, Test};
use std::borrow::Cow;

/// Words of 8 bytes that rows kept whole may take in all (1 MB), and those of one axis (128 KB): events read them in no
/// order, and so from the cache that they fit in.
const ROWS_WORDS_MAX: usize = 128 * 1024;
const AXIS_WORDS_MAX: usize = 16 * 1024;
/// A condition stands in several slots for at most so many stretches of values, which pass in at most so many
/// thousandths of the classes.
const STRETCHES_MAX: usize = 8;
const SELECTIVE: u32 = 250;
/// An axis is read ahead of the words when that is expected to rule out at least so many blocks of them.
const WORTH_BLOCKS: usize = 4;

/// One distinct comparison: where it passes, and how selective that is.
struct Compared {
    runs: Runs,
    /// Share of the classes in thousandths, the first class and the last.
    spread: (u32, u32, u32),
}

pub(super) fn build<'a, C>(conjunctions: impl Iterator<Item = C>) -> Index
where
    C: IntoIterator<Item = &'a Condition>,
{
    let mut parts = Parts::default();
    let mut plans: Vec<Plan> = conjunctions.map(|conditions| parts.plan(conditions)).collect();
    let cells = cells(&parts);
    let mut compared: Vec<Compared> = parts
        .comparisons
        .iter()
        .map(|comparison| {
            let cells = &cells[comparison.axis as usize];
            let tests: Vec<&Test> = comparison.tests.iter().map(|test| &*parts.tests[*test as usize]).collect();
            let runs = cells.runs(&tests);
            Compared { spread: cells.spread(&runs), runs }
        })
        .collect();
    plans.iter_mut().for_each(|plan| settle(plan, &parts, &compared));
    let stands = stands(&plans, &mut parts, &cells, &mut compared);
    let slots = slots(&stands, parts.comparisons.len());
    let places = stands.iter().map(|stand| whole(stand.place)).collect();
    let mut index = Index { count: plans.len(), places, ..Index::default() };
    add_axes(&mut index, &mut parts, cells, &compared, &slots);
    add_words(&mut index, &stands, &plans, &parts, &compared);
    (index.fields, index.nodes) = (parts.fields, parts.nodes);
    index
}

fn whole(count: usize) -> u32 {
    u32::try_from(count).expect("a rule set is far smaller")
}

/// The classes of each axis, by the constants of all tests that are made of it.
fn cells(parts: &Parts<'_>) -> Vec<Cells> {
    let mut constants: Vec<Constants<'_>> = parts.axes.iter().map(|_| Constants::default()).collect();
    for comparison in &parts.comparisons {
        for test in &comparison.tests {
            parts.tests[*test as usize].constants(&mut constants[comparison.axis as usize]);
        }
    }
    parts.axes.iter().zip(constants).map(|(axis, constants)| Cells::new(axis.facet, constants)).collect()
}

/// Folds comparisons away that every value passes, or none. Of arrays and objects classes say nothing.
fn settle(plan: &mut Plan, parts: &Parts<'_>, compared: &[Compared]) {
    plan.comparisons.retain(|at| {
        let axis = parts.comparisons[*at as usize].axis;
        let answer = compared[*at as usize].runs.constant();
        let answer = answer.filter(|_| parts.axes[axis as usize].facet == Facet::Number);
        plan.never |= answer == Some(false);
        answer.is_none()
    });
    // The most selective first.
    plan.comparisons.sort_by_key(|at| (compared[*at as usize].spread.0, parts.comparisons[*at as usize].axis, *at));
}

/// One slot: a condition, or the part of it that goes for some of the values of its most selective comparison.
struct Stand {
    place: usize,
    /// The most selective first.
    comparisons: Vec<u32>,
}

/// What stands in each slot, in order; conditions that never hold have none.
///
/// A condition whose most selective comparison passes in a few stretches of classes (`$in` with some strings) stands
/// once in each of them, among others of the same values: a word then goes for few values, and is seldom looked at.
fn stands(plans: &[Plan], parts: &mut Parts<'_>, cells: &[Cells], compared: &mut Vec<Compared>) -> Vec<Stand> {
    // Comparison → the first of those that each have one of its stretches.
    let mut split: Vec<Option<u32>> = vec![None; compared.len()];
    let mut stands: Vec<Stand> = Vec::with_capacity(plans.len());
    for (place, plan) in plans.iter().enumerate().filter(|(_, plan)| !plan.never) {
        let lead = plan.comparisons.first().map(|lead| *lead as usize);
        let stretches = lead.map_or(0, |lead| compared[lead].runs.stretches().count());
        let few = (2..=STRETCHES_MAX).contains(&stretches);
        let Some(lead) = lead.filter(|lead| few && compared[*lead].spread.0 <= SELECTIVE) else {
            stands.push(Stand { place, comparisons: plan.comparisons.clone() });
            continue;
        };
        let first = *split[lead].get_or_insert_with(|| {
            let first = whole(compared.len());
            let (axis, tests) = (parts.comparisons[lead].axis, parts.comparisons[lead].tests.clone());
            for runs in compared[lead].runs.stretches().collect::<Vec<_>>() {
                parts.comparisons.push(Comparisons { axis, tests: tests.clone() });
                compared.push(Compared { spread: cells[axis as usize].spread(&runs), runs });
            }
            first
        });
        stands.extend((0..whole(stretches)).map(|stretch| {
            let mut comparisons = plan.comparisons.clone();
            comparisons[0] = first + stretch;
            Stand { place, comparisons }
        }));
    }
    stands.sort_by_cached_key(|stand| {
        let mut key = [u32::MAX; 7];
        for (chunk, at) in key.chunks_exact_mut(3).zip(&stand.comparisons) {
            let (_, first, last) = compared[*at as usize].spread;
            chunk.copy_from_slice(&[parts.comparisons[*at as usize].axis, first, last]);
        }
        key[6] = plans[stand.place].nodes.first().copied().unwrap_or(u32::MAX);
        (key, stand.place)
    });
    stands
}

/// The slots in which each comparison is made, rising.
fn slots(stands: &[Stand], comparisons: usize) -> Vec<Vec<u32>> {
    let mut slots: Vec<Vec<u32>> = vec![Vec::new(); comparisons];
    for (slot, stand) in stands.iter().enumerate() {
        for at in &stand.comparisons {
            slots[*at as usize].push(whole(slot));
        }
    }
    slots
}

fn add_axes(index: &mut Index, parts: &mut Parts<'_>, cells: Vec<Cells>, compared: &[Compared], slots: &[Vec<u32>]) {
    let words = index.places.len().div_ceil(64);
    let mut of_axis: Vec<Vec<usize>> = vec![Vec::new(); parts.axes.len()];
    for (at, comparison) in parts.comparisons.iter().enumerate() {
        of_axis[comparison.axis as usize].push(at);
    }
    let draft = |ats: &Vec<usize>| {
        let of: Vec<(&Runs, &[u32])> = ats.iter().map(|at| (&compared[*at].runs, &slots[*at][..])).collect();
        Draft::new(&of)
    };
    let drafts: Vec<Draft> = of_axis.iter().map(draft).collect();
    // Small ones first, so that the room for whole rows serves as many axes as it can.
    let mut by_size: Vec<(usize, usize)> = drafts.iter().map(Draft::size).zip(0..).collect();
    by_size.sort_unstable();
    let mut left = ROWS_WORDS_MAX;
    let mut whole_rows = vec![false; drafts.len()];
    for (size, axis) in by_size {
        if size <= left.min(AXIS_WORDS_MAX) {
            left -= size;
            whole_rows[axis] = true;
        }
    }
    let mut ahead: Vec<(usize, u32, Summary)> = Vec::new();
    for (at, ((draft, cells), ats)) in drafts.into_iter().zip(cells).zip(of_axis).enumerate() {
        let summaries_at = index.summaries.len();
        let (summary, ruled_out) = draft.summarise(cells.len(), words, &mut index.summaries);
        if ruled_out >= WORTH_BLOCKS {
            ahead.push((ruled_out, whole(at), summary));
        } else {
            index.summaries.truncate(summaries_at);
        }
        let rows = if whole_rows[at] {
            draft.keep_all(cells.len(), &mut index.bits)
        } else {
            draft.keep_columns(cells.len(), &mut index.bits)
        };
        let (field, facet) = (parts.axes[at].field, parts.axes[at].facet);
        let mut asked = Vec::new();
        if facet == Facet::Scalar {
            for of in ats.into_iter().filter(|of| !slots[*of].is_empty()) {
                let tests = parts.comparisons[of].tests.iter();
                let tests = tests.map(|test| Cow::into_owned(parts.tests[*test as usize].clone())).collect();
                let node = parts.leaf(field, tests);
                asked.extend(slots[of].iter().map(|slot| (*slot, node)));
            }
        }
        asked.sort_unstable();
        index.axes.push(Axis { field, cells, rows, asked });
    }
    ahead.sort_unstable_by_key(|(ruled_out, axis, _)| (std::cmp::Reverse(*ruled_out), *axis));
    index.ahead = ahead.into_iter().map(|(_, axis, summary)| (axis, summary)).collect();
}

fn add_words(index: &mut Index, stands: &[Stand], plans: &[Plan], parts: &Parts<'_>, compared: &[Compared]) {
    for (word, stands) in stands.chunks(64).enumerate() {
        // Who compares which axis, and in how many thousandths of its classes that passes.
        let mut compares: Vec<Compares> = Vec::new();
        let mut checks: Vec<Check> = Vec::new();
        for (bit, stand) in stands.iter().enumerate() {
            compares.extend(stand.comparisons.iter().map(|at| {
                let axis = parts.comparisons[*at as usize].axis;
                Compares { axis, bit, passing: u64::from(compared[*at as usize].spread.0.min(1_000)) }
            }));
            for node in &plans[stand.place].nodes {
                match checks.iter_mut().find(|check| check.node == *node) {
                    Some(check) => check.mask |= 1 << bit,
                    None => checks.push(Check { node: *node, mask: 1 << bit }),
                }
            }
        }
        checks.sort_unstable_by_key(|check| (parts.weight(check.node), check.node));
        let starts = (whole(index.gates.len()), whole(index.checks.len()));
        let word_at = whole(word);
        add_gates(index, compares, word_at);
        index.checks.extend(checks);
        index.words.push(Word {
            slots: if stands.len() == 64 { u64::MAX } else { (1 << stands.len()) - 1 },
            gates: (starts.0, whole(index.gates.len())),
            checks: (starts.1, whole(index.checks.len())),
        });
    }
}

/// A slot of a word compares an axis.
struct Compares {
    axis: u32,
    bit: usize,
    passing: u64,
}

/// The gates of a word: next comes always the axis that is expected to rule the most out of what is left then. Where
/// its rows are rough, what is left in the end has to be searched for.
fn add_gates(index: &mut Index, mut compares: Vec<Compares>, word: u32) {
    compares.sort_unstable_by_key(|one| (one.axis, one.bit));
    let mut axes: Vec<&[Compares]> = compares.chunk_by(|a, b| a.axis == b.axis).collect();
    let mut left = [1_u64 << 20; 64];
    let mut searched = Vec::new();
    while !axes.is_empty() {
        let rules_out = |of: &&[Compares]| of.iter().map(|one| left[one.bit] * (1_001 - one.passing)).sum::<u64>();
        let best = (0..axes.len()).max_by_key(|at| (rules_out(&axes[*at]), std::cmp::Reverse(*at)));
        let of = axes.remove(best.expect("it is not empty"));
        let mut mask = 0;
        for one in of {
            mask |= 1 << one.bit;
            left[one.bit] = left[one.bit] * one.passing / 1_000;
        }
        let rows = &index.axes[of[0].axis as usize].rows;
        let gate = Gate { axis: of[0].axis, column: rows.column(word), mask };
        if rows.are_by_column() {
            searched.push(Gate { axis: gate.axis + whole(index.axes.len()), ..gate });
        }
        index.gates.push(gate);
    }
    index.gates.extend(searched);
}
