//! How long a page is looked at, and what that brings about.

use crate::sim::{MINUTE, SECOND, Sim};
use footfall::engine::Input;
use serde_json::json;

/// The product's one sentence, as a rule.
pub(crate) fn social_proof() -> serde_json::Value {
    json!([{
        "id": "social-proof",
        "pattern": {"dwell": {"for": "60s", "where": {"page.kind": "product"}}},
        "limits": {"per_session": 1},
        "actions": [{"push": {"slot": "product-side", "content": {"text": "{{page.product.name}} is popular"}, "expires": "5m"}}]
    }])
}

pub(crate) fn product(tab: &str, sim: &mut Sim) {
    sim.page(tab, "product", "/product/tent");
    sim.track(tab, "Product Viewed", json!({"sku": "tent", "name": "Tent", "price": 199.5, "category": "Outdoor"}));
}

#[test]
fn a_silent_visitor_sees_social_proof_after_60_seconds_and_not_earlier() {
    let mut sim = Sim::with_rules(social_proof());
    sim.connect("t1", None);
    product("t1", &mut sim);
    sim.pass(60 * SECOND - 1);
    assert!(sim.pushes().is_empty());
    sim.pass(1);
    let pushes = sim.pushes();
    assert_eq!(pushes.len(), 1);
    assert_eq!(pushes[0].0, 60 * SECOND);
    assert_eq!(pushes[0].1.content.get("text").unwrap().as_str(), Some("Tent is popular"));
    assert_eq!(pushes[0].1.tab, "t1");
    sim.pass(10 * MINUTE);
    assert_eq!(sim.pushes().len(), 1);
}

#[test]
fn leaving_the_page_earlier_stops_the_clock() {
    let mut sim = Sim::with_rules(social_proof());
    product("t1", &mut sim);
    sim.pass(59 * SECOND);
    sim.page("t1", "list", "/");
    sim.pass(10 * MINUTE);
    assert!(sim.pushes().is_empty());
    product("t1", &mut sim);
    sim.pass(59 * SECOND).track("t1", "page_left", json!({})).pass(10 * MINUTE);
    assert!(sim.pushes().is_empty());
}

#[test]
fn hiding_the_tab_pauses_the_clock() {
    let mut sim = Sim::with_rules(social_proof());
    product("t1", &mut sim);
    sim.pass(40 * SECOND).track("t1", "page_hidden", json!({}));
    sim.pass(5 * MINUTE).track("t1", "page_visible", json!({}));
    sim.pass(20 * SECOND - 1);
    assert!(sim.pushes().is_empty());
    sim.pass(1);
    assert_eq!(sim.pushes().len(), 1);
}

#[test]
fn a_lost_socket_pauses_the_clock_until_the_tab_is_back() {
    let mut sim = Sim::with_rules(social_proof());
    sim.connect("t1", None);
    product("t1", &mut sim);
    sim.pass(30 * SECOND).disconnect("t1").pass(MINUTE).connect("t1", None);
    sim.pass(30 * SECOND - 1);
    assert!(sim.pushes().is_empty());
    sim.pass(1);
    assert_eq!(sim.pushes().len(), 1);
}

#[test]
fn each_tab_has_its_own_clock() {
    let mut sim = Sim::with_rules(json!([{
        "id": "r", "pattern": {"dwell": {"for": "60s", "where": {"page.kind": "product"}}},
        "actions": [{"push": {"slot": "s", "content": {"text": "x"}}}]
    }]));
    product("t1", &mut sim);
    sim.pass(30 * SECOND);
    product("t2", &mut sim);
    sim.pass(2 * MINUTE);
    let pushes = sim.pushes();
    let got: Vec<_> = pushes.iter().map(|(at_ms, push)| (at_ms / SECOND, push.tab.as_str())).collect();
    assert_eq!(got, [(60, "t1"), (90, "t2")]);
}

#[test]
fn a_condition_that_breaks_starts_the_clock_again() {
    let mut sim = Sim::with_rules(json!([{
        "id": "r", "pattern": {"dwell": {"for": "60s", "where": {"page.kind": "product", "cart.count": 0}}},
        "actions": [{"push": {"slot": "s", "content": {"text": "x"}}}]
    }]));
    product("t1", &mut sim);
    sim.pass(50 * SECOND).track("t1", "Product Added", json!({"sku": "a"}));
    sim.pass(50 * SECOND).track("t1", "Product Removed", json!({"sku": "a"}));
    sim.pass(60 * SECOND - 1);
    assert!(sim.pushes().is_empty());
    sim.pass(1);
    assert_eq!(sim.pushes().len(), 1);
}

#[test]
fn a_timer_survives_eviction_and_a_late_alarm() {
    let mut sim = Sim::with_rules(social_proof());
    sim.evicts = true;
    product("t1", &mut sim);
    sim.now_ms += 5 * MINUTE;
    sim.input(Input::Wake);
    assert_eq!(sim.pushes().len(), 1);
    assert_eq!(sim.pushes()[0].0, 5 * MINUTE);
}
