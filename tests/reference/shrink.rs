//! From a difference to a small one: steps and members of the pattern are taken out as long as it stays.

use super::generate::Life;
use super::visitor::{Act, Step};
use super::{engine, model_firings};
use serde_json::{Value, json};

/// The patterns without which the engine and the reference agree on all of them.
pub(crate) fn company(patterns: &[Value], life: &Life, lapse: &str) -> Vec<Value> {
    let differs = |patterns: &[Value]| {
        engine::site(patterns, lapse)
            .is_ok_and(|config| engine::firings(&config, patterns.len(), life) != model_firings(patterns, life, lapse))
    };
    let mut needed = patterns.to_vec();
    let mut at = 0;
    while at < needed.len() {
        let mut fewer = needed.clone();
        fewer.remove(at);
        if differs(&fewer) { needed = fewer } else { at += 1 }
    }
    needed
}

/// A smaller pattern and life for which engine and reference still differ.
pub(crate) fn shrink(pattern: Value, mut life: Life, lapse: &str) -> (Value, Life) {
    let differs = |pattern: &Value, life: &Life| difference(pattern, life, lapse).is_some();
    if !differs(&pattern, &life) {
        return (pattern, life);
    }
    let mut pattern = pattern;
    for _ in 0..8 {
        let before = (pattern.clone(), life.steps.len());
        let mut size = life.steps.len() / 2;
        while size > 0 {
            let mut at = 0;
            while at < life.steps.len() {
                let mut fewer = life.clone();
                fewer.steps.drain(at..(at + size).min(life.steps.len()));
                if differs(&pattern, &fewer) { life = fewer } else { at += size }
            }
            size /= 2;
        }
        for change in [|life: &mut Life| life.reloads = false, |life: &mut Life| life.batched = false] {
            let mut simpler = life.clone();
            change(&mut simpler);
            if differs(&pattern, &simpler) {
                life = simpler;
            }
        }
        for at in 0..life.steps.len() {
            let members: Vec<String> = match &life.steps[at].act {
                Act::Event { properties, .. } => {
                    properties.as_object().map(|members| members.keys().cloned().collect())
                }
                _ => None,
            }
            .unwrap_or_default();
            for member in members.iter().filter(|member| !["sku", "path"].contains(&member.as_str())) {
                let mut fewer = life.clone();
                if let Act::Event { properties, .. } = &mut fewer.steps[at].act {
                    properties.as_object_mut().unwrap().remove(member);
                }
                if differs(&pattern, &fewer) {
                    life = fewer;
                }
            }
        }
        while let Some(smaller) = smaller(&pattern).into_iter().find(|smaller| differs(smaller, &life)) {
            pattern = smaller;
        }
        if before == (pattern.clone(), life.steps.len()) {
            break;
        }
    }
    (pattern, life)
}

/// What each says, where they differ. A pattern that the engine refuses is no difference.
pub(crate) fn difference(pattern: &Value, life: &Life, lapse: &str) -> Option<(Vec<u64>, Vec<u64>)> {
    let config = engine::site(std::slice::from_ref(pattern), lapse).ok()?;
    let engine = engine::firings(&config, 1, life).remove(0);
    let model = model_firings(std::slice::from_ref(pattern), life, lapse).remove(0);
    (engine != model).then_some((engine, model))
}

/// Every pattern with one member or item less, or with one of its parts in its place.
fn smaller(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let mut without = members.clone();
                without.remove(key);
                all.push(Value::Object(without));
                // A condition without its tests is another language.
                let inner = if ["where", "is"].contains(&key.as_str()) { Vec::new() } else { smaller(member) };
                for inner in inner {
                    let mut with = members.clone();
                    with.insert(key.clone(), inner);
                    all.push(Value::Object(with));
                }
            }
            let parts = value.get("any").or_else(|| value.get("all").and_then(|all| all.get("of")));
            all.extend(parts.and_then(Value::as_array).into_iter().flatten().cloned());
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                let mut without = items.clone();
                without.remove(at);
                all.push(Value::Array(without));
                for inner in smaller(item) {
                    let mut with = items.clone();
                    with[at] = inner;
                    all.push(Value::Array(with));
                }
            }
        }
        _ => {}
    }
    all
}

/// A reproduction as people read it; times in milliseconds from the first step.
pub(crate) fn shown(pattern: &Value, life: &Life, lapse: &str) -> String {
    let start_ms = life.steps.first().map_or(0, |step| step.at_ms);
    let from_start = |times: &[u64]| -> Vec<u64> { times.iter().map(|at_ms| at_ms - start_ms).collect() };
    let (engine, model) = difference(pattern, life, lapse).unwrap_or_default();
    let step = |step: &Step| {
        let act = match &step.act {
            Act::Event { name, tab, properties } => json!([name, tab, properties]),
            other => json!(format!("{other:?}")),
        };
        format!("  {} {act}", step.at_ms - start_ms)
    };
    let steps: Vec<String> = life.steps.iter().map(step).collect();
    format!(
        "pattern {pattern}\nlapse {lapse}, wakes {:?}, reloads {}, batched {}\n{}\nengine    {:?}\nreference {:?}\n",
        life.wakes,
        life.reloads,
        life.batched,
        steps.join("\n"),
        from_start(&engine),
        from_start(&model)
    )
}
