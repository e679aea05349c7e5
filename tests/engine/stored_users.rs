//! Stored users of every version there ever was load for ever, and read the same.

use crate::sim::{HOUR, SECOND};
use crate::world::*;
use footfall::engine::user::User;
use footfall_protocol::event::Authority;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The case of the present form.
const NEWEST: &str = "0002.json";

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/users")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// A user with something of everything: visitors, a claim, one that was withdrawn, a user that has become it; and a
/// user that is on its way to become it.
fn lived() -> [User; 2] {
    let mut world = World::new(plain);
    for event in [
        json!({"type": "identify", "anonymousId": "a", "userId": "u", "messageId": "1", "traits": {"x": 1, "y": {"z": 2}}}),
        json!({"event": "Order Completed", "anonymousId": "a", "userId": "u", "messageId": "2", "properties": {"order_id": "1", "revenue": 5, "currency": "EUR"}}),
        json!({"event": "Product Viewed", "anonymousId": "b", "userId": "old", "messageId": "3", "properties": {"sku": "tent", "category": "Outdoor"}}),
        json!({"type": "group", "anonymousId": "b", "userId": "old", "groupId": "g", "messageId": "4", "traits": {"plan": "team"}}),
        json!({"type": "identify", "anonymousId": "c", "userId": "u", "messageId": "5"}),
        json!({"type": "identify", "anonymousId": "c", "userId": "v", "messageId": "6"}),
        json!({"type": "alias", "previousId": "old", "userId": "u", "messageId": "7"}),
    ] {
        world.send(Authority::Source, &event);
        world.pass(10 * SECOND);
    }
    world.send(Authority::Visitor, &json!({"type": "identify", "anonymousId": "d", "userId": "u", "messageId": "8"}));
    world.pass(HOUR);
    world.send(Authority::Source, &json!({"type": "alias", "previousId": "v", "userId": "u", "messageId": "9"}));
    let v = user("v");
    world.now_ms += 3 * SECOND;
    world.visitor(v).input(footfall::engine::Input::Wake);
    world.carry();
    [world.users[&user("u")].clone(), world.users[&v].clone()]
}

#[test]
fn a_user_of_every_version_still_loads() {
    let mut versions = 0;
    for entry in std::fs::read_dir(cases()).unwrap() {
        let path = entry.unwrap().path();
        let case: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for case in case.as_array().unwrap() {
            let user = User::load(&bytes(case["stored"].as_str().unwrap())).unwrap();
            let view = serde_json::to_value(user.view()).unwrap();
            for (name, then) in case["view"].as_object().unwrap() {
                assert_eq!(&view[name], then, "{name} of {}", path.display());
            }
        }
        versions += 1;
    }
    assert!(versions > 0);
}

/// Fails when the stored form changes. Then: append what is new, keep the old file, and write a new one
/// (`UPDATE_CASES=1`).
#[test]
fn the_present_form_of_a_user_is_the_newest_case() {
    let users = lived();
    let case: Value = users
        .iter()
        .map(|user| json!({"stored": hex(&user.snapshot()), "view": serde_json::to_value(user.view()).unwrap()}))
        .collect();
    let path = cases().join(NEWEST);
    if std::env::var_os("UPDATE_CASES").is_some() {
        std::fs::write(&path, format!("{case:#}\n")).unwrap();
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert!(kept == case, "the stored form has changed: {case}");
}
