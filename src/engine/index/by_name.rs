//! Conditions that are only asked for happenings of some names.

use super::{Index, Matches, Scratch};
use crate::engine::condition::Condition;
use crate::engine::tree::Scope;
use std::collections::BTreeMap;

/// Conditions that all have to hold when something of one of these names happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Waits<'a> {
    /// The names, in any order.
    pub names: Vec<&'a str>,
    /// The conditions; without any, they hold.
    pub conditions: Vec<&'a Condition>,
}

/// For each name an index over what waits for it.
///
/// There is no other way for names with few conditions: an index of one word reads a field only for conditions that are
/// still possible, which is what evaluating them one by one does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ByName {
    /// Name → which of `groups`.
    names: BTreeMap<String, usize>,
    /// Distinct lists of conditions' places, rising, each with the index over them.
    groups: Vec<(Vec<u32>, Index)>,
}

impl ByName {
    /// Over a list of what waits; places are those of the list.
    pub fn new(entries: &[Waits<'_>]) -> Self {
        let mut waiting: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (place, entry) in (0..).zip(entries) {
            for name in &entry.names {
                waiting.entry(name).or_default().push(place);
            }
        }
        // Names for which the same conditions wait share an index.
        let mut lists: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
        let mut by_name = Self::default();
        for (name, mut places) in waiting {
            places.dedup();
            let group = *lists.entry(places).or_insert_with_key(|places| {
                let lists = places.iter().map(|place| entries[*place as usize].conditions.iter().copied());
                let index = Index::of_all(lists);
                by_name.groups.push((places.clone(), index));
                by_name.groups.len() - 1
            });
            by_name.names.insert(name.to_owned(), group);
        }
        by_name
    }

    /// Whether anything waits for this name.
    pub fn awaits(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// The places of what waits for this name and whose conditions hold, rising.
    pub fn matches<'a, S: Scope + ?Sized>(&'a self, name: &str, scope: &S, scratch: &'a mut Scratch) -> Named<'a> {
        let group = self.names.get(name).map(|group| &self.groups[*group]);
        Named(group.map(|(places, index)| (&places[..], index.matches(scope, scratch))))
    }

    /// Bytes of memory that it takes, as for [`Index::memory`].
    pub fn memory(&self) -> usize {
        let groups = self.groups.iter().map(|(places, index)| places.capacity() * size_of::<u32>() + index.memory());
        groups.sum::<usize>() + self.names.keys().map(|name| name.len() + 64).sum::<usize>()
    }
}

/// Places of what waits for a name and whose conditions hold, rising.
#[derive(Clone, Debug)]
pub struct Named<'a>(Option<(&'a [u32], Matches<'a>)>);

impl Iterator for Named<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let (places, matches) = self.0.as_mut()?;
        matches.next().map(|at| places[at] as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::condition::Compiler;
    use crate::engine::tree::resolve_any;
    use footfall_protocol::Value;

    #[test]
    fn only_what_waits_for_the_name_is_asked() {
        let condition = |text: &str| {
            let value: Value = serde_json::from_str(text).unwrap();
            Compiler::new(&resolve_any).condition(&value, "")
        };
        let conditions = [condition(r#"{"a": 1}"#), condition("{}"), condition(r#"{"a": {"$gt": 0}}"#)];
        let names: [&[&str]; 3] = [&["x", "y"], &["y"], &["x", "y", "z"]];
        let entries = names.into_iter().zip(&conditions);
        let entries: Vec<Waits<'_>> =
            entries.map(|(names, condition)| Waits { names: names.to_vec(), conditions: vec![condition] }).collect();
        let by_name = ByName::new(&entries);
        let scope: Value = serde_json::from_str(r#"{"a": 2}"#).unwrap();
        let mut scratch = Scratch::default();
        for (name, places) in [("x", vec![2]), ("y", vec![1, 2]), ("z", vec![2]), ("other", vec![])] {
            assert_eq!(by_name.matches(name, &scope, &mut scratch).collect::<Vec<_>>(), places, "{name}");
            assert_eq!(by_name.awaits(name), name != "other");
        }
    }
}
