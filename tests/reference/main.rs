//! Patterns, compared: the engine against a reference matcher that keeps all history and is too plain to be wrong.
//!
//! A pair is one pattern and one whole life of a visitor (4 to 130 inputs). `REFERENCE_PAIRS=1000000 REFERENCE_SEED=1
//! cargo test --release --test reference campaign -- --nocapture` is the campaign; without the variables it is small.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for some kinds among all")]

mod absence;
mod aggregate;
mod count;
mod dwell;
mod engine;
mod examples;
mod generate;
mod history;
mod model;
mod patterns;
mod point;
mod sequence;
mod shrink;
mod visitor;

use generate::{Life, Wakes, case};
use serde_json::Value;
use std::collections::BTreeMap;

/// Pairs of `make test`.
const PAIRS: u64 = 20_000;
/// After so many differences it is enough.
const DIFFERENCES_MAX: usize = 10;

/// When a rule with each pattern fires, as the reference sees it.
fn model_firings(patterns: &[Value], life: &Life, lapse: &str) -> Vec<Vec<u64>> {
    let exact = life.wakes == Wakes::Exact;
    let timeline = visitor::timeline(&life.steps, history::duration_ms(lapse), exact);
    patterns.iter().map(|pattern| model::firings(pattern, &timeline, exact)).collect()
}

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} wants a number")))
}

#[test]
fn campaign_engine_and_reference_agree_on_every_pattern() {
    let wanted = from_env("REFERENCE_PAIRS", PAIRS);
    let first_seed = from_env("REFERENCE_SEED", 1);
    // Only patterns in whose JSON this stands, for work on one kind.
    let only = std::env::var("REFERENCE_ONLY").ok();
    // Leave out what the engine refuses, while it is being built.
    let tolerant = std::env::var("REFERENCE_TOLERANT").is_ok();
    let (mut pairs, mut firings, mut fired, mut steps, mut seed) = (0, 0, 0, 0, first_seed);
    let mut kinds: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut found: Vec<String> = Vec::new();
    while pairs < wanted && found.len() < DIFFERENCES_MAX {
        let mut case = case(seed);
        case.patterns.retain(|pattern| only.as_ref().is_none_or(|only| pattern.to_string().contains(only)));
        if tolerant {
            case.patterns.retain(|pattern| engine::site(std::slice::from_ref(pattern), case.lapse).is_ok());
        }
        seed += 1;
        if case.patterns.is_empty() {
            continue;
        }
        let config = engine::site(&case.patterns, case.lapse).unwrap_or_else(|_| {
            let refused = case.patterns.iter().filter_map(|pattern| {
                let fault = engine::site(std::slice::from_ref(pattern), case.lapse).err()?;
                Some(format!("{pattern}: {fault}"))
            });
            panic!("seed {}: the engine refuses {}", seed - 1, refused.collect::<Vec<_>>().join("\n"))
        });
        for life in &case.lives {
            let engine = engine::firings(&config, case.patterns.len(), life);
            let model = model_firings(&case.patterns, life, case.lapse);
            for ((pattern, engine), model) in case.patterns.iter().zip(&engine).zip(&model) {
                if engine != model && found.len() < DIFFERENCES_MAX {
                    let (small, short) = shrink::shrink(pattern.clone(), life.clone(), case.lapse);
                    found.push(format!("seed {}\n{}", seed - 1, shrink::shown(&small, &short, case.lapse)));
                    let company = shrink::company(&case.patterns, life, case.lapse);
                    if shrink::difference(&small, &short, case.lapse).is_none() {
                        found.push(format!("only together: {}", Value::from(company)));
                    }
                    eprintln!("{}", found.last().unwrap());
                }
                let kind = pattern.as_object().unwrap().keys().next().unwrap();
                let tally = kinds.entry(kind.clone()).or_default();
                *tally = (tally.0 + 1, tally.1 + u64::from(!model.is_empty()));
                firings += model.len();
                fired += u64::from(!model.is_empty());
                steps += life.steps.len();
                pairs += 1;
                if pairs % 100_000 == 0 {
                    eprintln!("{pairs} pairs, {} differences", found.len());
                }
            }
        }
    }
    eprintln!(
        "{pairs} pairs from seed {first_seed} to {}, {steps} inputs: in {fired} the rule fires, {firings} times",
        seed - 1
    );
    eprintln!("of each kind, pairs and those that fire: {kinds:?}");
    assert!(found.is_empty(), "{} differences; see above", found.len());
}
