//! Random sites, patterns and lives from one seed, made so that they meet: few names, few values, times on the edges.

use super::patterns;
use super::visitor::{Act, MINUTE, SECOND, Step};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

/// How the engine is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wakes {
    /// Woken exactly when it asked for it.
    Exact,
    /// Woken by the steps alone: early, late, repeated, or not at all.
    AsGiven,
}

/// One set of patterns and the lives that are tried with it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) patterns: Vec<Value>,
    pub(crate) lapse: &'static str,
    pub(crate) lives: Vec<Life>,
}

#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) steps: Vec<Step>,
    pub(crate) wakes: Wakes,
    /// Store and load the visitor after every input.
    pub(crate) reloads: bool,
    /// Events at one time come in one delivery.
    pub(crate) batched: bool,
}

/// What windows, waits and values are drawn from in one case.
pub(crate) struct World {
    pub(crate) random: StdRng,
    pub(crate) durations: Vec<&'static str>,
    pub(crate) keys: Vec<Value>,
    pub(crate) amounts: Vec<Value>,
    /// Most events are `a`.
    pub(crate) monotonous: bool,
    /// The pattern at hand is about common events.
    pub(crate) lively: bool,
}

impl World {
    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.random.random_range(0..of.len())]
    }

    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }

    pub(crate) fn from(&mut self, low: u64, high: u64) -> u64 {
        self.random.random_range(low..=high)
    }
}

/// The case with this seed. One in six is crowded: long lives with many values, to reach the bounds.
pub(crate) fn case(seed: u64) -> Case {
    let mut random = StdRng::seed_from_u64(seed);
    let crowded = random.random_range(0..6) == 0;
    let all = ["1s", "2s", "5s", "10s", "30s", "1m", "5m", "10m", "20m", "30m", "40m", "1h", "3h", "1d"];
    let start = random.random_range(0..all.len() - 2);
    let mut world = World {
        durations: all[start..(start + 3).min(all.len())].to_vec(),
        keys: keys(&mut random, crowded),
        amounts: amounts(&mut random, crowded),
        monotonous: crowded || random.random_range(0..4) == 0,
        lively: false,
        random,
    };
    let (patterns, lives) = if crowded { (6, 2) } else { (16, 6) };
    let lapse = *world.one(&["20m", "30m", "40m"]);
    let patterns = (0..patterns).map(|_| patterns::pattern(&mut world, crowded)).collect();
    let lives = (0..lives).map(|_| life(&mut world, crowded)).collect();
    Case { patterns, lapse, lives }
}

fn keys(random: &mut StdRng, crowded: bool) -> Vec<Value> {
    if crowded {
        let count = random.random_range(14..24);
        return (0..count).map(|n| if n % 5 == 0 { json!(n) } else { json!(format!("k{n}")) }).collect();
    }
    let all = [json!("x"), json!("y"), json!("1"), json!(1), json!(true), json!("z"), json!(false), json!(2.5)];
    let bad = [json!(null), json!([]), json!({"deep": 1})];
    let count = random.random_range(2..5);
    let mut keys: Vec<Value> = (0..count).map(|_| all[random.random_range(0..all.len())].clone()).collect();
    keys.push(bad[random.random_range(0..bad.len())].clone());
    keys
}

fn amounts(random: &mut StdRng, crowded: bool) -> Vec<Value> {
    if crowded {
        let long = "long text ".repeat(13);
        let mut amounts: Vec<Value> = (0..random.random_range(30..90)).map(|n| json!(n)).collect();
        amounts.extend([json!(format!("{long}a")), json!(format!("{long}b")), json!("0.1"), json!(0.1)]);
        return amounts;
    }
    let all = [
        json!(1),
        json!(2),
        json!(3),
        json!(-1),
        json!(0),
        json!(0.1),
        json!(0.2),
        json!(0.3),
        json!(12.99),
        json!(-0.000001),
        json!(0.000001),
        json!("2"),
        json!(" 1.5 "),
        json!("-3"),
        json!("0.7"),
        json!("x"),
        json!("12,50"),
        json!(""),
        json!(true),
        json!(null),
        json!([1]),
        json!(999999999.999999),
        json!(1000000001),
        json!(100),
    ];
    (0..random.random_range(3..8)).map(|_| all[random.random_range(0..all.len())].clone()).collect()
}

/// A visitor's life.
fn life(world: &mut World, crowded: bool) -> Life {
    let wakes = if world.chance(60) { Wakes::Exact } else { Wakes::AsGiven };
    let count = if crowded { world.from(60, 130) } else { world.from(4, 40) };
    // A Saturday morning; the time of day means nothing to patterns.
    let mut at_ms = 1_795_255_200_000;
    let mut steps: Vec<Step> = Vec::new();
    for _ in 0..count {
        at_ms += wait_ms(world, crowded);
        let act = act(world, wakes);
        steps.push(Step { at_ms, act });
    }
    // The end: everything that is pending comes, the visitor being woken now and then.
    for hours in [1, 1, 4, 30] {
        at_ms += hours * 60 * MINUTE;
        steps.push(Step { at_ms, act: Act::Wake });
    }
    Life { steps, wakes, reloads: world.chance(15), batched: world.chance(50) }
}

/// Often exactly a window's length, or a part of it, or next to it.
fn wait_ms(world: &mut World, crowded: bool) -> u64 {
    let durations = world.durations.clone();
    let window_ms = super::history::duration_ms(durations[world.random.random_range(0..durations.len())]);
    match world.from(0, if crowded { 60 } else { 19 }) {
        0..4 => 0,
        4 => 1,
        5..8 => window_ms,
        8 => window_ms - 1,
        9 => window_ms + 1,
        10..12 => window_ms / 2,
        12 => *world.one(&[20 * MINUTE, 30 * MINUTE, 40 * MINUTE, 30 * MINUTE - 1, 30 * MINUTE + 1]),
        13..18 => world.from(0, window_ms / 4),
        18 => world.from(0, 3 * window_ms),
        19 => world.from(0, 60 * SECOND),
        _ => world.from(0, 2 * SECOND),
    }
}

fn act(world: &mut World, wakes: Wakes) -> Act {
    let tab = (*world.one(&["t1", "t1", "t2"])).to_owned();
    match world.from(0, 99) {
        0..3 => Act::Connect { tab, visible: world.chance(80) },
        3..5 => Act::Disconnect { tab },
        5..8 if wakes == Wakes::Exact => Act::Wake,
        5..16 if wakes == Wakes::AsGiven => Act::Wake,
        16..18 => Act::Repeat,
        _ => event(world, tab),
    }
}

fn event(world: &mut World, tab: String) -> Act {
    let names = [
        "a",
        "a",
        "a",
        "a",
        "a",
        "b",
        "b",
        "b",
        "b",
        "c",
        "c",
        "page_viewed",
        "page_viewed",
        "product_viewed",
        "product_viewed",
        "product_added",
        "product_added",
        "product_removed",
        "cart_cleared",
        "page_hidden",
        "page_visible",
        "page_left",
        "push_shown",
        "identified",
    ];
    let name =
        if world.monotonous && world.chance(80) { "a" } else { names[world.random.random_range(0..names.len())] };
    let (keys, amounts) = (world.keys.clone(), world.amounts.clone());
    let sku = *world.one(&["s1", "s2"]);
    let properties = match name {
        "page_viewed" => json!({"path": "/", "kind": *world.one(&["product", "home", "checkout"])}),
        "identified" => json!({"vip": world.chance(50)}),
        "product_added" => json!({"sku": sku, "quantity": world.from(1, 2)}),
        "product_removed" if world.chance(50) => json!({"sku": sku}),
        "product_removed" => json!({"sku": sku, "quantity": 1}),
        "product_viewed" => json!({"sku": sku}),
        _ => json!({}),
    };
    let mut properties = properties;
    if let Some(members) = properties.as_object_mut().filter(|_| name != "identified") {
        if world.chance(90) {
            members.insert("k".into(), world.one(&keys).clone());
        }
        if world.chance(90) {
            members.insert("v".into(), world.one(&amounts).clone());
        }
        members.insert("n".into(), world.from(0, 3).into());
    }
    Act::Event { name: name.to_owned(), tab, properties }
}
