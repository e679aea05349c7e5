//! Random documents: what compiles is valid, and what is broken in its form is refused by both.

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use crate::support::{Document, errors};
use fuzz::bytes::Bytes;
use fuzz::grammar;
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Random documents of each kind.
const DOCUMENTS: u64 = 1_500;

fn document(of: Document, random: &mut StdRng) -> Value {
    let mut bytes = [0; 400];
    random.fill_bytes(&mut bytes);
    let mut bytes = Bytes::new(&bytes);
    match of {
        Document::Rule => grammar::rule(&mut bytes, 0),
        Document::Segment => grammar::segment(&mut bytes, 0),
        Document::Stage => grammar::stage(&mut bytes, 0),
    }
}

/// Random documents that compile.
fn good(of: Document, random: &mut StdRng) -> Vec<Value> {
    let (mut good, mut why) = (Vec::new(), BTreeMap::<String, usize>::new());
    for made in (0..DOCUMENTS).map(|_| document(of, random)) {
        let faults = of.faults(&made);
        match faults.first() {
            None => good.push(made),
            Some(fault) => *why.entry(format!("{} {}", fault.code, fault.message)).or_default() += 1,
        }
    }
    let mut why: Vec<(usize, String)> = why.into_iter().map(|(message, count)| (count, message)).collect();
    why.sort_unstable();
    let often: Vec<_> = why.iter().rev().take(12).collect();
    assert!(good.len() as u64 > DOCUMENTS / 2, "{of:?}: only {} are good; the others: {often:#?}", good.len());
    good
}

#[test]
fn what_compiles_is_valid() {
    let mut random = StdRng::seed_from_u64(1);
    for of in Document::ALL {
        let validator = of.validator();
        for document in good(of, &mut random) {
            let errors = errors(&validator, &document);
            assert!(errors.is_empty(), "{errors:#?} in {document:#}");
        }
    }
}

/// Members whose value an author brings: nothing is known of what is in it.
const FREE: [&str; 6] = ["content", "data", "value", "$in", "$nin", "is"];

/// Places of objects whose members are known, as JSON pointers.
fn known(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            found.push(at.to_owned());
            for (name, member) in object.iter().filter(|(name, _)| !FREE.contains(&name.as_str())) {
                known(member, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                known(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Members that are needed wherever they stand.
const NEEDED: [&str; 16] = [
    "id", "pattern", "actions", "when", "rank", "for", "name", "of", "at_least", "fn", "is", "after", "steps", "slot",
    "content", "rule",
];

/// Breaks a document in its form; `None` when this one cannot be broken so there.
fn broken(document: &Value, random: &mut StdRng) -> Option<(Value, String)> {
    let mut places = Vec::new();
    known(document, "", &mut places);
    let place = &places[random.random_range(0..places.len())];
    let mut broken = document.clone();
    let object = broken.pointer_mut(place)?.as_object_mut()?;
    let what = match random.random_range(0..3) {
        0 => {
            // Below a field of any type, an object is a value to be the same as.
            let form = place.rsplit('/').next()?;
            let (name, member) =
                if object.keys().any(|key| key.starts_with('$')) { ("$gtt", json!(1)) } else { ("nosuch", json!(1)) };
            if form.starts_with("event.properties") || form.starts_with("profile.traits") || form.starts_with('$') {
                return None;
            }
            object.insert(name.to_owned(), member);
            format!("`{name}` at {place}")
        }
        1 => {
            let name = NEEDED.into_iter().find(|name| object.contains_key(*name))?;
            // A name of a document is for people, a way into a stage needs no condition, a start says when but need not,
            // and a wait for silence has no `of`.
            let optional = (place.is_empty() && name == "name")
                || (place.starts_with("/enter/") && name == "when")
                || (place.ends_with("/start") && name == "after")
                || (place.ends_with("/absence") && name == "of");
            if optional {
                return None;
            }
            object.remove(name);
            format!("no `{name}` at {place}")
        }
        _ => {
            let names: Vec<String> = object
                .keys()
                .filter(|name| !FREE.contains(&name.as_str()) && !name.contains('.') && !name.starts_with('$'))
                .cloned()
                .collect();
            let name = names.get(random.random_range(0..names.len().max(1)))?;
            let of_tree = ["stage", "segments"].contains(&name.as_str());
            // Of the lines of a cart it is known what they have; other lists have items of any kind.
            let of_items = place.ends_with("/$elemMatch") && !place.contains("cart.lines");
            if of_tree || of_items {
                return None;
            }
            object.insert(name.clone(), json!([[7]]));
            format!("`{name}` of another type at {place}")
        }
    };
    Some((broken, what))
}

#[test]
fn what_is_broken_in_its_form_is_refused_by_both() {
    let mut random = StdRng::seed_from_u64(2);
    for of in Document::ALL {
        let (validator, mut count) = (of.validator(), 0);
        for document in good(of, &mut random) {
            for _ in 0..4 {
                let Some((broken, what)) = broken(&document, &mut random) else { continue };
                assert!(!of.faults(&broken).is_empty(), "the compiler takes {what}: {broken:#}");
                assert!(!validator.is_valid(&broken), "the schema takes {what}: {broken:#}");
                count += 1;
            }
        }
        assert!(count > DOCUMENTS, "{of:?}: {count} are broken");
    }
}
