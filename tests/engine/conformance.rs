//! Conditions against GrowthBook's public cases, where they are present beside the project.

use footfall::engine::condition::Compiler;
use footfall::engine::tree::Field;
use footfall_protocol::Value;
use std::path::Path;

#[test]
fn conditions_answer_as_the_public_cases_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/suites/growthbook-cases.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("not checked: growthbook-cases.json is not beside the project");
        return;
    };
    let suite: Value = serde_json::from_str(&text).unwrap();
    let any = |path: &str| Ok(Field::Any(path.split('.').map(str::to_owned).collect()));
    let (mut passed, mut failed, mut groups) = (0, Vec::new(), 0);
    for case in suite.get("evalCondition").unwrap().as_array().unwrap() {
        let [name, condition, attributes, expected, saved @ ..] = case.as_array().unwrap() else { panic!("{case:?}") };
        if !saved.is_empty() {
            // Saved groups are a feature of flags; sites have none, and authored rules are told so.
            groups += 1;
            continue;
        }
        let mut compiler = Compiler::new(&any);
        let compiled = compiler.condition(condition, "");
        // What the SDK answers "false" to because it is written wrong is a fault here.
        let holds = compiler.faults.is_empty() && compiled.holds(attributes);
        if Some(holds) == expected.as_bool() {
            passed += 1;
        } else {
            failed.push(format!("{}: {:?}", name.as_str().unwrap(), compiler.faults));
        }
    }
    println!("{passed} passed, {} failed, {groups} need saved groups", failed.len());
    assert!(failed.is_empty(), "{failed:#?}");
}
