//! The index against the conditions themselves: for every scope the same answer, over random conditions and values.

use footfall::engine::condition::{Compiler, Condition};
use footfall::engine::index::{ByName, Index, Scratch, Waits};
use footfall::engine::tree::{Field, Read, Scope, resolve_any};
use footfall_protocol::Value;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

/// Attributes, with a list of texts as live visitors have them at `texts`, and at `odd` a number that JSON has not.
struct Attributes {
    value: Value,
    texts: Vec<String>,
    odd: f64,
}

impl Scope for Attributes {
    fn read<'a>(&'a self, field: &Field) -> Read<'a> {
        match field.path().as_str() {
            "texts" => Read::Texts(&self.texts),
            "odd" => Read::Number(self.odd),
            _ => self.value.read(field),
        }
    }
}

const FIELDS: [&str; 7] = ["a", "b", "c.d", "c.e", "f.0", "texts", "odd"];
/// Strings that are alike in some comparison and not in another.
const STRINGS: [&str; 18] = [
    "", "a", "A", "b", "ab", "5", " 5 ", "0x5", "5.0", "-0", "null", "true", "1.2.3", "1.10", "a,b", "\u{ff5e}", "😀",
    "ä",
];
const NUMBERS: [f64; 12] = [-1.0, -0.0, 0.0, 1.0, 2.0, 4.5, 5.0, 5.000_000_000_000_001, 6.0, 10.0, 1e21, 5e-324];

fn pick<T: Copy>(random: &mut StdRng, list: &[T]) -> T {
    list[random.random_range(0..list.len())]
}

fn scalar(random: &mut StdRng) -> serde_json::Value {
    match random.random_range(0..10) {
        0 => json!(null),
        1 => json!(random.random_bool(0.5)),
        2..6 => json!(pick(random, &NUMBERS)),
        _ => json!(pick(random, &STRINGS)),
    }
}

fn value(random: &mut StdRng, depth: usize) -> serde_json::Value {
    match random.random_range(0..14) {
        0 if depth > 0 => (0..random.random_range(0..4)).map(|_| value(random, depth - 1)).collect(),
        1 if depth > 0 => json!({"d": value(random, depth - 1), "e": value(random, depth - 1)}),
        _ => scalar(random),
    }
}

fn scalars(random: &mut StdRng) -> serde_json::Value {
    (0..random.random_range(0..5)).map(|_| scalar(random)).collect()
}

/// What a field is tested with.
fn test(random: &mut StdRng, depth: usize) -> serde_json::Value {
    if random.random_bool(0.3) {
        return value(random, 1);
    }
    let mut object = serde_json::Map::new();
    for _ in 0..random.random_range(1..3) {
        let (operator, operand) = match random.random_range(0..30) {
            0..3 => ("$eq", scalar(random)),
            3..5 => ("$ne", scalar(random)),
            5..14 => (pick(random, &["$lt", "$lte", "$gt", "$gte"]), value(random, 1)),
            14..19 => (pick(random, &["$in", "$nin", "$ini", "$nini"]), scalars(random)),
            19 => ("$exists", json!(random.random_bool(0.5))),
            20 => ("$type", json!(pick(random, &["null", "boolean", "number", "string", "array", "object"]))),
            21..23 if depth > 0 => ("$not", test(random, depth - 1)),
            23 if depth > 0 => ("$elemMatch", test(random, depth - 1)),
            24 if depth > 0 => ("$size", test(random, depth - 1)),
            25 => (pick(random, &["$all", "$alli"]), scalars(random)),
            26 => (pick(random, &["$regex", "$regexi", "$notRegex"]), json!(pick(random, &["^a", "5", "b$", "^$"]))),
            27 => (pick(random, &["$veq", "$vne", "$vlt", "$vgte"]), json!(pick(random, &["1.2.3", "1.10", "5", "a"]))),
            _ => ("$gte", json!(pick(random, &NUMBERS))),
        };
        object.insert(operator.to_owned(), operand);
    }
    object.into()
}

fn condition(random: &mut StdRng, depth: usize) -> serde_json::Value {
    let mut object = serde_json::Map::new();
    for _ in 0..random.random_range(0..4) {
        let list = |random: &mut StdRng| -> serde_json::Value {
            (0..random.random_range(0..4)).map(|_| condition(random, depth - 1)).collect()
        };
        match random.random_range(0..12) {
            0..2 if depth > 0 => object.insert("$or".into(), list(random)),
            2 if depth > 0 => object.insert("$and".into(), list(random)),
            3 if depth > 0 => object.insert("$nor".into(), list(random)),
            4 if depth > 0 => object.insert("$not".into(), condition(random, depth - 1)),
            5 => {
                // Alternatives about one field.
                let field = pick(random, &FIELDS);
                object.insert("$or".into(), json!([{field: test(random, 0)}, {field: test(random, 0)}]))
            }
            _ => object.insert(pick(random, &FIELDS).to_owned(), test(random, 2)),
        };
    }
    object.into()
}

fn compiled(authored: &serde_json::Value) -> Condition {
    let authored: Value = serde_json::from_value(authored.clone()).unwrap();
    // What is written wrong compiles to what never holds, and so belongs here as well.
    Compiler::new(&resolve_any).condition(&authored, "")
}

fn attributes(random: &mut StdRng) -> Attributes {
    let tree = json!({
        "a": value(random, 2), "b": scalar(random), "c": {"d": value(random, 1), "e": scalar(random)}, "f": scalars(random),
    });
    let texts = (0..random.random_range(0..4)).map(|_| pick(random, &STRINGS).to_owned()).collect();
    let odd = pick(random, &[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 5.0, 5.5, f64::MAX, 5e-324]);
    let mut value: Value = serde_json::from_value(tree).unwrap();
    if random.random_bool(0.05) {
        value = Value::Null;
    }
    Attributes { value, texts, odd }
}

/// Compares an index over random conditions with the conditions, for random scopes; returns how many pairs it compared
/// and how many held.
fn compare(seed: u64, conditions: usize, scopes: usize, scratch: &mut Scratch) -> (usize, usize) {
    let mut random = StdRng::seed_from_u64(seed);
    let authored: Vec<serde_json::Value> = (0..conditions).map(|_| condition(&mut random, 3)).collect();
    let compiled: Vec<Condition> = authored.iter().map(compiled).collect();
    let index = Index::new(compiled.iter());
    let mut held = 0;
    for _ in 0..scopes {
        let scope = attributes(&mut random);
        let found: Vec<usize> = index.matches(&scope, scratch).collect();
        let wanted: Vec<usize> = (0..conditions).filter(|place| compiled[*place].holds(&scope)).collect();
        if found != wanted {
            let place = (0..conditions).find(|place| found.contains(place) != wanted.contains(place)).unwrap();
            let shown = serde_json::to_string(&scope.value).unwrap();
            panic!(
                "seed {seed}: the index differs on {}\nfor {shown}, texts {:?}, odd {}",
                authored[place], scope.texts, scope.odd
            );
        }
        held += found.len();
    }
    (conditions * scopes, held)
}

fn campaign(seeds: std::ops::Range<u64>) -> (usize, usize) {
    // One scratch for all: what one index leaves in it must not reach the next.
    let mut scratch = Scratch::default();
    let (mut pairs, mut held) = (0, 0);
    for seed in seeds {
        let conditions = [1, 3, 20, 64, 65, 300][usize::try_from(seed % 6).unwrap()];
        let (compared, holding) = compare(seed, conditions, 24, &mut scratch);
        (pairs, held) = (pairs + compared, held + holding);
    }
    (pairs, held)
}

/// A longer campaign: `INDEX_SEEDS=4000 cargo test --release --test engine the_index_answers`
#[test]
fn the_index_answers_as_each_condition_does() {
    let seeds = std::env::var("INDEX_SEEDS").map_or(12, |seeds| seeds.parse().unwrap());
    let (pairs, held) = campaign(0..seeds);
    assert!(pairs > 15_000 && held * 20 > pairs && held * 2 < pairs, "{held} of {pairs} held");
}

#[test]
fn many_constants_of_one_field_take_little_memory() {
    let authored: Vec<serde_json::Value> = (0..10_000_u32)
        .map(|n| json!({"sku": format!("sku-{n}"), "price": {"$gte": f64::from(n) / 7.0}, "tag": {"$nin": [format!("t{n}")]}}))
        .collect();
    let compiled: Vec<Condition> = authored.iter().map(compiled).collect();
    let index = Index::new(compiled.iter());
    assert!(index.memory() < 10 * 1024 * 1024, "{} bytes", index.memory());
    let mut scratch = Scratch::default();
    let mut random = StdRng::seed_from_u64(1);
    for _ in 0..40 {
        let scope = json!({
            "sku": format!("sku-{}", random.random_range(0..10_100)),
            "price": random.random_range(0..1_500), "tag": format!("t{}", random.random_range(0..10_000)),
        });
        let scope: Value = serde_json::from_value(scope).unwrap();
        let found: Vec<usize> = index.matches(&scope, &mut scratch).collect();
        let wanted: Vec<usize> = (0..compiled.len()).filter(|place| compiled[*place].holds(&scope)).collect();
        assert_eq!(found, wanted);
    }
}

#[test]
fn an_index_by_name_answers_as_the_conditions_that_wait_for_the_name() {
    let mut random = StdRng::seed_from_u64(9);
    let compiled: Vec<Condition> = (0..200).map(|_| compiled(&condition(&mut random, 2))).collect();
    let names: Vec<Vec<String>> = (0..200)
        .map(|_| (0..random.random_range(1..4)).map(|_| format!("n{}", random.random_range(0..9))).collect())
        .collect();
    let texts = |place: usize| names[place].iter().map(String::as_str).collect();
    let waits = (0..200).map(|place| Waits { names: texts(place), conditions: vec![&compiled[place]] });
    let by_name = ByName::new(&waits.collect::<Vec<_>>());
    let mut scratch = Scratch::default();
    for _ in 0..50 {
        let scope = attributes(&mut random);
        for name in (0..10).map(|n| format!("n{n}")) {
            let found: Vec<usize> = by_name.matches(&name, &scope, &mut scratch).collect();
            let waits = |place: &usize| names[*place].contains(&name) && compiled[*place].holds(&scope);
            assert_eq!(found, (0..200).filter(waits).collect::<Vec<_>>(), "{name}");
        }
    }
}

#[test]
fn what_is_always_or_never_true_is_settled_when_the_index_is_made() {
    for (authored, answer) in [
        (json!({}), true),
        (json!({"$or": []}), true),
        (json!({"$nor": []}), false),
        (json!({"$and": [{}, {"$or": [{}, {"a": {"$regex": "x"}}]}]}), true),
        (json!({"n": {"$gt": 5, "$lt": 3}}), false),
        (json!({"n": {"$in": []}, "a": {"$regex": "x"}}), false),
        (json!({"$not": {"$or": [{"a": {"$in": []}}, {"a": {"$not": {"$nin": []}}}]}}), true),
    ] {
        let condition = compiled(&authored);
        let index = Index::new(std::iter::once(&condition));
        let unread = |_: &Field| -> Read<'static> { panic!("{authored} is settled without a look") };
        struct Unread<F>(F);
        impl<F: Fn(&Field) -> Read<'static>> Scope for Unread<F> {
            fn read<'a>(&'a self, field: &Field) -> Read<'a> {
                (self.0)(field)
            }
        }
        assert_eq!(index.matches(&Unread(unread), &mut Scratch::default()).count() == 1, answer, "{authored}");
        assert_eq!(condition.holds(&Value::Null), answer, "{authored}");
    }
}
