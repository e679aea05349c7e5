//! Conditions and values, both made by choices: an index answers as each of its conditions does.

use super::bytes::Bytes;
use super::grammar::{self, Setting};
use footfall::engine::condition::{Compiler, Condition};
use footfall::engine::index::{ByName, Index, Scratch, Waits};
use footfall::engine::tree::{Field, Read, Scope, resolve_any};
use footfall_protocol::Value;
use serde_json::{Value as Json, json};
use std::borrow::Cow;

/// Conditions of one index: more than two words of 64.
const CONDITIONS_MAX: usize = 160;
/// Scopes that are tried with one index.
const SCOPES_MAX: usize = 12;
const FIELDS: [&str; 5] = ["a", "b", "c.d", "cart.count", "page.kind"];
/// Strings that are alike in some comparison and not in another.
const STRINGS: [&str; 20] = [
    "", "a", "A", "b", "ab", "5", " 5 ", "0x5", "5.0", "-0", "null", "true", "1.2.3", "1.10", "a,b", "\u{ff5e}", "😀",
    "ä", "sku-0", "carting",
];
const NUMBERS: [f64; 12] = [-1.0, -0.0, 0.0, 1.0, 2.0, 4.5, 5.0, 5.000_000_000_000_001, 6.0, 10.0, 1e21, 5e-324];
/// Numbers that JSON does not have, or hardly, but a live visitor's field might.
const ODD: [f64; 6] =
    [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, 9_007_199_254_740_993.0];

/// The first bytes are the choices of the conditions, the rest those of what they are asked about.
///
/// # Panics
/// When the index and a condition differ.
pub fn check(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let authored = conditions(&mut bytes);
    let conditions: Vec<Condition> = authored.iter().map(compiled).collect();
    let names: Vec<Vec<&str>> = conditions.iter().map(|_| vec![bytes.pick(&["x", "y"]), "z"]).collect();
    let whole = Index::new(conditions.iter());
    assert!(whole.len() == conditions.len(), "{} of {} conditions", whole.len(), conditions.len());
    let half = Index::new(conditions[conditions.len() / 2..].iter());
    let waits = names.iter().zip(&conditions);
    let waits = waits.map(|(names, condition)| Waits { names: names.clone(), conditions: vec![condition] });
    let by_name = ByName::new(&waits.collect::<Vec<_>>());
    // One for all: what one evaluation leaves in it must not reach the next.
    let mut scratch = Scratch::default();
    for _ in 0..SCOPES_MAX {
        let scope = Made::new(&mut bytes);
        let holds: Vec<bool> = conditions.iter().map(|condition| condition.holds(&scope)).collect();
        let all = |from: usize| (from..holds.len()).filter(|place| holds[*place]);
        let found: Vec<usize> = whole.matches(&scope, &mut scratch).collect();
        let differs = |place: &usize| holds[*place] != found.contains(place);
        let difference = (0..holds.len()).find(differs).map(|place| (holds[place], &authored[place]));
        assert!(found.iter().copied().eq(all(0)), "it differs on {difference:?} for {scope:?}");
        let first = conditions.len() / 2;
        assert!(half.matches(&scope, &mut scratch).map(|place| place + first).eq(all(first)), "half of it, {scope:?}");
        for name in ["x", "y", "z", "none"] {
            let waits = |place: &usize| names[*place].contains(&name);
            let found = by_name.matches(name, &scope, &mut scratch);
            assert!(found.eq(all(0).filter(waits)), "what waits for `{name}`, {scope:?}");
        }
        if bytes.is_empty() {
            break;
        }
    }
}

fn compiled(authored: &Json) -> Condition {
    let authored: Value = serde_json::from_value(authored.clone()).unwrap();
    // What is written wrong compiles to what never holds, and so belongs here as well.
    Compiler::new(&resolve_any).condition(&authored, "")
}

/// Some conditions by choices, and in larger sets more that are put together from those.
fn conditions(bytes: &mut Bytes) -> Vec<Json> {
    let base = 1 + bytes.below(16);
    let count = (base * bytes.pick(&[1, 1, 3, 30])).min(CONDITIONS_MAX);
    let (apart, logical) = (1 + bytes.below(base), bytes.pick(&["$and", "$or", "$nor"]));
    let made = |bytes: &mut Bytes| {
        if bytes.once_in(2) { grammar::condition(bytes, Setting::Event, 2) } else { condition(bytes, 2) }
    };
    let mut all: Vec<Json> = (0..base).map(|_| made(bytes)).collect();
    for at in base..count {
        all.push(json!({logical: [all[at % base], all[at - apart]]}));
        // Nesting stays within what documents may have.
        if at / base > 4 {
            all[at] =
                json!({FIELDS[at % FIELDS.len()]: {"$gte": NUMBERS[at % NUMBERS.len()]}, "$and": [all[at % base]]});
        }
    }
    all
}

fn condition(bytes: &mut Bytes, depth: usize) -> Json {
    let mut condition = json!({});
    for _ in 0..bytes.below(4) {
        let logical = bytes.pick(&["", "", "", "", "$or", "$and", "$nor", "$not"]);
        if depth == 0 || logical.is_empty() {
            condition[bytes.pick(&FIELDS)] = test(bytes, depth);
        } else if logical == "$not" {
            condition[logical] = self::condition(bytes, depth - 1);
        } else {
            condition[logical] = (0..bytes.below(4)).map(|_| self::condition(bytes, depth - 1)).collect();
        }
    }
    condition
}

/// What a field is tested with.
fn test(bytes: &mut Bytes, depth: usize) -> Json {
    if bytes.once_in(4) {
        return value(bytes, 1);
    }
    let mut test = json!({});
    for _ in 0..1 + bytes.below(2) {
        let (operator, operand) = match bytes.below(16) {
            0..2 => (bytes.pick(&["$eq", "$ne"]), scalar(bytes)),
            2..6 => (bytes.pick(&["$lt", "$lte", "$gt", "$gte"]), value(bytes, 1)),
            6..9 => (bytes.pick(&["$in", "$nin", "$ini", "$nini"]), scalars(bytes)),
            9 => ("$exists", bytes.once_in(2).into()),
            10 => ("$type", bytes.pick(&["null", "boolean", "number", "string", "array", "object"]).into()),
            11 if depth > 0 => (bytes.pick(&["$not", "$elemMatch", "$size"]), self::test(bytes, depth - 1)),
            12 => (bytes.pick(&["$all", "$alli"]), scalars(bytes)),
            13 => (bytes.pick(&["$regex", "$regexi", "$notRegex"]), bytes.pick(&["^a", "5", "b$", "^$", "("]).into()),
            14 => (bytes.pick(&["$veq", "$vne", "$vlt", "$vgte"]), bytes.pick(&["1.2.3", "1.10", "5", "a"]).into()),
            _ => ("$gte", bytes.pick(&NUMBERS).into()),
        };
        test[operator] = operand;
    }
    test
}

fn scalar(bytes: &mut Bytes) -> Json {
    match bytes.below(8) {
        0 => Json::Null,
        1 => bytes.once_in(2).into(),
        2..5 => bytes.pick(&NUMBERS).into(),
        _ => bytes.pick(&STRINGS).into(),
    }
}

fn scalars(bytes: &mut Bytes) -> Json {
    (0..bytes.below(5)).map(|_| scalar(bytes)).collect()
}

fn value(bytes: &mut Bytes, depth: usize) -> Json {
    match bytes.below(8) {
        0 if depth > 0 => (0..bytes.below(4)).map(|_| value(bytes, depth - 1)).collect(),
        1 if depth > 0 => json!({"d": value(bytes, depth - 1), "n": value(bytes, depth - 1)}),
        _ => scalar(bytes),
    }
}

/// What one field may read.
#[derive(Debug)]
enum Slot {
    Missing,
    Bool(bool),
    Number(f64),
    Text(&'static str),
    Texts(Vec<String>),
    Value(Value),
}

/// A scope that has a value for every field: few values, so that fields share them.
#[derive(Debug)]
struct Made(Vec<Slot>);

impl Made {
    fn new(bytes: &mut Bytes) -> Self {
        let slot = |bytes: &mut Bytes| match bytes.below(10) {
            0 => Slot::Missing,
            1 => Slot::Bool(bytes.once_in(2)),
            2..4 => Slot::Number(bytes.pick(&NUMBERS)),
            4 => Slot::Number(bytes.pick(&ODD)),
            5 => Slot::Number(bytes.below(8) as f64),
            6..8 => Slot::Text(bytes.pick(&STRINGS)),
            8 => Slot::Texts((0..bytes.below(4)).map(|_| bytes.pick(&STRINGS).to_owned()).collect()),
            _ => Slot::Value(serde_json::from_value(value(bytes, 2)).unwrap()),
        };
        Self((0..1 + bytes.below(6)).map(|_| slot(bytes)).collect())
    }
}

impl Scope for Made {
    fn read<'a>(&'a self, field: &Field) -> Read<'a> {
        let place: usize = field.path().bytes().map(usize::from).sum();
        match &self.0[place % self.0.len()] {
            Slot::Missing => Read::Missing,
            Slot::Bool(flag) => Read::Bool(*flag),
            Slot::Number(number) => Read::Number(*number),
            Slot::Text(text) => Read::Str(text),
            Slot::Texts(texts) => Read::Texts(texts),
            Slot::Value(value) => Read::Value(Cow::Borrowed(value)),
        }
    }
}
