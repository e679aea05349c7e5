//! How one document became another: a JSON Patch (RFC 6902) that also says what was there before.

use footfall_protocol::Value;
use serde::Serialize;

/// One step of a patch. `was` is ours: RFC 6902 §4 has appliers ignore members that they do not know.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Operation {
    /// Something that was not there.
    Add {
        /// JSON pointer (RFC 6901).
        path: String,
        /// What is there now.
        value: Value,
    },
    /// Something that is not there any more.
    Remove {
        /// JSON pointer (RFC 6901).
        path: String,
        /// What was there.
        was: Value,
    },
    /// Another value.
    Replace {
        /// JSON pointer (RFC 6901).
        path: String,
        /// What is there now.
        value: Value,
        /// What was there.
        was: Value,
    },
}

/// The steps from one document to another, to be applied in order; none when both say the same. The order of an object's
/// members says nothing.
///
/// Items of arrays are compared by their place once what both ends have in common is set aside, so that an item put in
/// between is one step.
pub fn patch(from: &Value, to: &Value) -> Vec<Operation> {
    let mut steps = Vec::new();
    compare(from, to, &mut String::new(), &mut steps);
    steps
}

fn compare(from: &Value, to: &Value, at: &mut String, steps: &mut Vec<Operation>) {
    #[cfg(test)]
    tests::count();
    match (from, to) {
        (Value::Object(before), Value::Object(after)) => {
            for (key, was) in before.iter() {
                below(at, key, |at| match after.get(key) {
                    Some(value) => compare(was, value, at, steps),
                    None => steps.push(Operation::Remove { path: at.clone(), was: was.clone() }),
                });
            }
            for (key, value) in after.iter().filter(|(key, _)| before.get(key).is_none()) {
                below(at, key, |at| steps.push(Operation::Add { path: at.clone(), value: value.clone() }));
            }
        }
        (Value::Array(before), Value::Array(after)) => compare_items(before, after, at, steps),
        _ if from == to => {}
        _ => steps.push(Operation::Replace { path: at.clone(), value: to.clone(), was: from.clone() }),
    }
}

fn compare_items(before: &[Value], after: &[Value], at: &mut String, steps: &mut Vec<Operation>) {
    let same = |(a, b): &(&Value, &Value)| say_the_same(a, b);
    let head = before.iter().zip(after).take_while(same).count();
    let (before, after) = (&before[head..], &after[head..]);
    let tail = before.iter().rev().zip(after.iter().rev()).take_while(same).count();
    let (before, after) = (&before[..before.len() - tail], &after[..after.len() - tail]);
    for (index, (was, value)) in before.iter().zip(after).enumerate() {
        below(at, &(head + index).to_string(), |at| compare(was, value, at, steps));
    }
    let both = before.len().min(after.len());
    // From the end, so that each step's place is still right when it is applied.
    for (index, was) in before.iter().enumerate().skip(both).rev() {
        below(at, &(head + index).to_string(), |at| {
            steps.push(Operation::Remove { path: at.clone(), was: was.clone() });
        });
    }
    for (index, value) in after.iter().enumerate().skip(both) {
        below(at, &(head + index).to_string(), |at| {
            steps.push(Operation::Add { path: at.clone(), value: value.clone() });
        });
    }
}

/// Whether two values need no step. It looks at each pair once: steps made to find out would be made anew at each level.
fn say_the_same(a: &Value, b: &Value) -> bool {
    #[cfg(test)]
    tests::count();
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let in_b = |(key, a): (&str, &Value)| b.get(key).is_some_and(|b| say_the_same(a, b));
            a.len() == b.len() && a.iter().all(in_b)
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| say_the_same(a, b)),
        _ => a == b,
    }
}

fn below(at: &mut String, key: &str, then: impl FnOnce(&mut String)) {
    let length = at.len();
    at.push('/');
    at.push_str(&key.replace('~', "~0").replace('/', "~1"));
    then(at);
    at.truncate(length);
}

#[cfg(test)]
mod tests {
    use super::*;
    use footfall_protocol::limits::DOCUMENT_DEPTH_MAX;
    use rand::rngs::StdRng;
    use rand::{Rng as _, SeedableRng as _};
    use serde_json::{Value as Json, json};
    use std::cell::Cell;

    fn value(json: &Json) -> Value {
        serde_json::from_value(json.clone()).unwrap()
    }

    fn steps(from: &Json, to: &Json) -> Json {
        serde_json::to_value(patch(&value(from), &value(to))).unwrap()
    }

    #[test]
    fn each_change_has_its_pointer() {
        let from = json!({"id": "r", "priority": 1, "a/b": {"~": [1, 2, 3]}, "gone": null});
        let to = json!({"priority": 2, "id": "r", "a/b": {"~": [1, 9, 2, 3]}, "new": {"x": 1}});
        assert_eq!(
            steps(&from, &to),
            json!([
                {"op": "add", "path": "/a~1b/~0/1", "value": 9},
                {"op": "remove", "path": "/gone", "was": null},
                {"op": "replace", "path": "/priority", "value": 2, "was": 1},
                {"op": "add", "path": "/new", "value": {"x": 1}},
            ])
        );
        assert_eq!(
            steps(&json!({"a": 1, "b": [{"c": 1, "d": 2}]}), &json!({"b": [{"d": 2, "c": 1}], "a": 1})),
            json!([])
        );
    }

    thread_local! {
        /// Pairs of values that were looked at.
        static PAIRS: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn count() {
        PAIRS.set(PAIRS.get() + 1);
    }

    #[test]
    fn values_that_nest_deep_are_compared_in_few_looks() {
        let nested = |inner: u32, depth: usize| (0..depth).fold(json!(inner), |inner, _| json!([inner]));
        for depth in 0..=DOCUMENT_DEPTH_MAX {
            PAIRS.set(0);
            let expected = json!([{"op": "replace", "path": "/0".repeat(depth), "value": 2, "was": 1}]);
            assert_eq!(steps(&nested(1, depth), &nested(2, depth)), expected);
            assert!(PAIRS.get() <= (depth + 1).pow(2), "{} looks at depth {depth}", PAIRS.get());
        }
    }

    /// RFC 6902, as far as the patches here go.
    fn apply(document: &mut Json, steps: &Json) {
        for step in steps.as_array().unwrap() {
            let path = step["path"].as_str().unwrap();
            let Some((parent, key)) = path.rsplit_once('/') else {
                *document = step["value"].clone();
                continue;
            };
            let key = key.replace("~1", "/").replace("~0", "~");
            let parent = document.pointer_mut(parent).unwrap();
            let new = step["value"].clone();
            match (step["op"].as_str().unwrap(), parent) {
                ("remove", Json::Object(members)) => drop(members.remove(&key).unwrap()),
                (_, Json::Object(members)) => drop(members.insert(key, new)),
                ("remove", Json::Array(items)) => drop(items.remove(key.parse().unwrap())),
                ("add", Json::Array(items)) => items.insert(key.parse().unwrap(), new),
                (_, Json::Array(items)) => items[key.parse::<usize>().unwrap()] = new,
                (op, parent) => panic!("{op} below {parent}"),
            }
        }
    }

    fn any(random: &mut StdRng, depth: u32) -> Json {
        match random.random_range(0..if depth == 0 { 4 } else { 6 }) {
            0 => Json::Null,
            1 => random.random::<bool>().into(),
            2 => random.random_range(0..3).into(),
            3 => ["", "a", "~/"][random.random_range(0..3)].into(),
            4 => (0..random.random_range(0..4)).map(|_| any(random, depth - 1)).collect(),
            _ => {
                let members = (0..random.random_range(0..4))
                    .map(|_| (["a", "b", "c/~d", ""][random.random_range(0..4)].to_owned(), any(random, depth - 1)));
                Json::Object(members.collect())
            }
        }
    }

    #[test]
    fn a_patch_leads_from_one_document_to_the_other() {
        let mut random = StdRng::seed_from_u64(7);
        for _ in 0..20_000 {
            let (from, to) = (any(&mut random, 4), any(&mut random, 4));
            let steps = steps(&from, &to);
            let mut document = from.clone();
            apply(&mut document, &steps);
            assert_eq!(document, to, "{from} {steps}");
            assert_eq!(steps.as_array().unwrap().is_empty(), from == to);
        }
    }
}
