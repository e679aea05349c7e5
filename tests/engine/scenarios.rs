//! What a visitor lives through, as a store would tell it.

use crate::dwells::{product, social_proof};
use crate::sim::{DAY, HOUR, MINUTE, SECOND, START, Sim, config};
use footfall::engine::Input;
use footfall_protocol::event::Authority;
use footfall_protocol::message::{Cursor, ServerMessage};
use footfall_protocol::record::RecordKind;
use serde_json::json;
use uuid::Uuid;

#[test]
fn once_per_session_and_again_in_the_next() {
    let mut sim = Sim::with_rules(social_proof());
    for expected in [1, 1] {
        product("t1", &mut sim);
        sim.pass(2 * MINUTE);
        assert_eq!(sim.pushes().len(), expected);
    }
    sim.pass(HOUR);
    product("t1", &mut sim);
    sim.pass(2 * MINUTE);
    assert_eq!(sim.pushes().len(), 2);
    assert_eq!(sim.see("/session/number"), json!(2));
}

#[test]
fn an_event_rule_fires_on_its_event_when_its_condition_holds() {
    let mut sim = Sim::with_rules(json!([{
        "id": "gap", "pattern": {"event": {"name": ["product_added", "cart_viewed"]}},
        "condition": {"cart.value": {"$gt": 0, "$lt": 50}},
        "actions": [{"push": {"slot": "cart", "content": {"text": "{{cart.value | money}} so far"}}}]
    }]));
    sim.track("t1", "Product Added", json!({"sku": "a", "price": 20, "currency": "EUR"}));
    sim.track("t1", "Product Added", json!({"sku": "b", "price": 40, "currency": "EUR"}));
    let pushes = sim.pushes();
    assert_eq!(pushes.len(), 1);
    assert_eq!(pushes[0].1.content.get("text").unwrap().as_str(), Some("20.00 EUR so far"));
}

#[test]
fn the_obvious_journey_gives_the_obvious_stages() {
    let mut sim = Sim::with_rules(json!([]));
    let steps = [
        ("page", json!({}), "browsing"),
        ("Product Viewed", json!({"sku": "a", "price": 10}), "considering"),
        ("Product Added", json!({"sku": "a", "price": 10}), "carting"),
        ("Product Removed", json!({"sku": "a"}), "considering"),
        ("Product Added", json!({"sku": "a", "price": 10}), "carting"),
        ("Checkout Started", json!({}), "checkout"),
        ("Order Completed", json!({"order_id": "1", "total": 10}), "purchased"),
    ];
    for (event, properties, stage) in steps {
        if event == "page" {
            sim.page("t1", "home", "/");
        } else {
            sim.track("t1", event, properties);
        }
        assert_eq!(sim.see("/stage"), json!(stage), "after {event}");
    }
    assert_eq!(sim.see("/cart/count"), json!(0));
    assert_eq!((sim.see("/profile/orders"), sim.see("/profile/revenue")), (json!(1), json!(10)));
    sim.pass(MINUTE);
    assert_eq!(sim.records(RecordKind::StageChanged).len(), 7);
}

#[test]
fn segments_are_entered_and_left() {
    let segments = json!([{"id": "big-cart", "when": {"cart.value": {"$gte": 100}}}]);
    let mut sim = Sim::new(config(json!([]), segments, json!([])));
    sim.track("t1", "Product Added", json!({"sku": "a", "price": 120}));
    assert_eq!(sim.see("/segments"), json!(["big-cart"]));
    sim.track("t1", "Product Removed", json!({"sku": "a"}));
    assert_eq!(sim.see("/segments"), json!([]));
    sim.pass(MINUTE);
    assert_eq!(sim.records(RecordKind::SegmentEntered).len(), 1);
    assert_eq!(sim.records(RecordKind::SegmentLeft).len(), 1);
}

#[test]
fn a_session_counts_pages_and_attention_and_ends_when_idle() {
    let mut sim = Sim::with_rules(json!([]));
    sim.connect("t1", None).page("t1", "home", "/");
    sim.pass(10 * SECOND).track("t1", "page_hidden", json!({}));
    sim.pass(20 * SECOND).track("t1", "page_visible", json!({}));
    sim.pass(5 * SECOND).page("t1", "list", "/tents");
    sim.pass(5 * SECOND).track("t1", "page_left", json!({})).disconnect("t1");
    assert_eq!(sim.see("/session/engaged_ms"), json!(20 * SECOND));
    sim.pass(31 * MINUTE);
    assert!(sim.see("/session").is_null());
    let ended = sim.records(RecordKind::SessionEnded);
    assert_eq!(ended.len(), 1);
    let data = serde_json::to_value(&ended[0].data).unwrap();
    assert_eq!(
        data,
        json!({"total_ms": 40_000, "engaged_ms": 20_000, "pages": 2, "events": 5, "product_views": 0, "stage": "browsing"})
    );
}

#[test]
fn a_session_in_sight_ends_when_it_was_due_however_late_that_is_noticed() {
    let mut sim = Sim::with_rules(json!([]));
    sim.connect("t", None).page("t", "product", "/p/tent");
    sim.now_ms += 3 * HOUR;
    sim.input(Input::Wake);
    let ended = serde_json::to_value(&sim.made.last().unwrap().data).unwrap();
    assert_eq!((&ended["total_ms"], &ended["engaged_ms"]), (&json!(30 * MINUTE), &json!(30 * MINUTE)));
    sim.assert_log_tells_all("a session that ended late");
}

#[test]
fn a_session_is_at_least_as_long_as_the_attention_in_it() {
    let mut sim = Sim::with_rules(json!([]));
    sim.connect("t", None).page("t", "product", "/p/tent").pass(20 * MINUTE).disconnect("t").pass(HOUR);
    let ended = serde_json::to_value(&sim.records(RecordKind::SessionEnded)[0].data).unwrap();
    assert_eq!((&ended["total_ms"], &ended["engaged_ms"]), (&json!(20 * MINUTE), &json!(20 * MINUTE)));
}

#[test]
fn a_page_that_is_left_late_does_not_take_the_next_one_with_it() {
    let push = json!([{"push": {"slot": "s", "content": {"text": "x"}}}]);
    let mut sim =
        Sim::with_rules(json!([{"id": "dwell", "pattern": {"dwell": {"for": "30s", "where": {}}}, "actions": push}]));
    let leave = |sim: &mut Sim, page: serde_json::Value| {
        sim.send(json!({"event": "page_left", "context": {"tab": "t", "page": page}}));
    };
    sim.page("t", "product", "/a").pass(5 * SECOND).connect("t", None).page("t", "product", "/b").pass(50);
    leave(&mut sim, json!({"path": "/a"}));
    assert_eq!(sim.see("/page/path"), json!("/b"));
    sim.assert_log_tells_all("a page that was left late");
    sim.pass(MINUTE);
    assert_eq!(sim.pushes().len(), 1);
    assert_eq!(sim.see("/pushes").as_array().unwrap().len(), 1);
    // By its own path a page is left, and by a word that says none.
    for page in [json!({"path": "/b"}), json!({})] {
        sim.page("t", "product", "/b");
        leave(&mut sim, page);
        assert_eq!(sim.see("/page/path"), json!(null));
        sim.assert_log_tells_all("a page that was left");
    }
}

#[test]
fn only_an_event_prolongs_a_session() {
    let mut sim = Sim::with_rules(json!([]));
    let viewed = json!({"type": "page", "messageId": "1", "context": {"tab": "t1"}, "properties": {"kind": "home"}});
    sim.connect("t1", None).send(viewed.clone());
    sim.pass(20 * MINUTE).disconnect("t1").connect("t1", None).connect("t2", None).send(viewed);
    sim.pass(10 * MINUTE - 1);
    assert!(sim.see("/session").is_object());
    sim.pass(1);
    assert!(sim.see("/session").is_null(), "a socket and a repeat are no activity");
}

#[test]
fn the_same_events_twice_change_nothing() {
    let mut sim = Sim::with_rules(social_proof());
    let batch = vec![
        json!({"messageId": "1", "event": "Product Added", "properties": {"sku": "a", "price": 3}}),
        json!({"messageId": "2", "event": "Order Completed", "properties": {"order_id": "o", "total": 3}}),
    ];
    sim.send_as(Authority::Source, batch.clone());
    let before = sim.stored();
    sim.now_ms += 5;
    sim.send_as(Authority::Source, batch);
    assert_eq!(sim.stored(), before);
    sim.pass(MINUTE);
    assert_eq!(sim.records(RecordKind::Event).len(), 2);
}

#[test]
fn a_public_event_never_changes_identity_orders_or_revenue() {
    let mut sim = Sim::with_rules(json!([]));
    sim.send_as(
        Authority::Public,
        vec![
            json!({"type": "identify", "userId": "u", "traits": {"vip": true}}),
            json!({"event": "Product Added", "properties": {"sku": "a", "price": 3}}),
            json!({"event": "Order Completed", "properties": {"order_id": "o", "total": 3}}),
        ],
    );
    assert_eq!(sim.see("/profile/known"), json!(false));
    assert_eq!(sim.see("/profile/traits"), json!({}));
    assert_eq!((sim.see("/profile/orders"), sim.see("/profile/revenue")), (json!(0), json!(0)));
    assert_eq!((sim.see("/cart/count"), sim.see("/stage")), (json!(1), json!("carting")));
}

#[test]
fn nothing_is_kept_before_consent_where_the_site_requires_it() {
    let mut sim = Sim::with_rules(json!([]));
    sim.config.settings.consent_required = true;
    let before = sim.stored();
    sim.page("t1", "home", "/");
    assert_eq!(sim.stored(), before);
    assert_eq!(sim.rejections.len(), 1);
    assert_eq!(sim.visitor.next_wake(&sim.config), None);
    sim.send(json!({"type": "page", "context": {"tab": "t1", "consent": "granted"}, "properties": {"path": "/"}}));
    sim.page("t1", "list", "/tents");
    assert_eq!(sim.see("/session/pages"), json!(2));
    sim.send(json!({"type": "page", "context": {"tab": "t1", "consent": "denied"}, "properties": {"path": "/"}}));
    assert_eq!((sim.rejections.len(), sim.see("/session/pages")), (2, json!(2)));
}

#[test]
fn a_visitor_who_says_no_is_refused_until_they_say_yes_again() {
    for required in [false, true] {
        let mut sim = Sim::with_rules(json!([]));
        sim.config.settings.consent_required = required;
        let page =
            |consent: &str| json!({"type": "page", "context": {"consent": consent}, "properties": {"path": "/"}});
        let before = sim.stored();
        sim.send(page("denied"));
        assert_eq!(sim.stored(), before, "nothing is kept of somebody unknown");
        sim.send(page("granted")).send(page("denied")).send(page(""));
        assert_eq!((sim.rejections.len(), sim.see("/session/pages")), (3, json!(1)));
        sim.send(page("granted")).send(page(""));
        assert_eq!((sim.rejections.len(), sim.see("/session/pages")), (3, json!(3)));
    }
}

#[test]
fn a_page_that_reconnects_gets_what_it_missed_once_and_in_order() {
    let mut sim = Sim::with_rules(json!([{
        "id": "r", "pattern": {"event": {"name": "ping"}}, "actions": [{"push": {"slot": "s", "content": {"text": "x"}, "expires": "1h"}}]
    }]));
    sim.connect("t1", None);
    for _ in 0..3 {
        sim.track("t1", "ping", json!({}));
    }
    sim.disconnect("t1");
    sim.sent.clear();
    let cursor = Cursor { incarnation: sim.visitor.incarnation(), seq: 1 };
    sim.connect("t1", Some(cursor));
    assert_eq!(sim.pushes().iter().map(|(_, push)| push.seq).collect::<Vec<_>>(), [2, 3]);
    sim.sent.clear();
    sim.connect("t1", Some(Cursor { incarnation: Uuid::from_u128(99), seq: 3 }));
    assert_eq!(sim.pushes().len(), 3, "another incarnation's cursor counts for nothing");
}

#[test]
fn watchers_get_patches_that_lead_from_version_to_version() {
    let mut sim = Sim::with_rules(json!([]));
    sim.input(Input::Connect { tab: "t1".into(), cursor: None, visible: true, inspect: true });
    sim.page("t1", "home", "/").track("t1", "Product Added", json!({"sku": "a", "price": 2}));
    let mut state = json!(null);
    let mut at = 0;
    for (_, _, message) in &sim.sent {
        match message {
            ServerMessage::Welcome { version, state: whole, .. } => {
                (at, state) = (*version, serde_json::to_value(whole).unwrap());
            }
            ServerMessage::State { base, version, patch } => {
                assert_eq!(*base, at);
                at = *version;
                merge(&mut state, &serde_json::to_value(patch).unwrap());
            }
            _ => {}
        }
    }
    let mut now = serde_json::to_value(sim.visitor.inspection(0, &sim.config)).unwrap();
    for view in [&mut state, &mut now] {
        view.as_object_mut().unwrap().remove("now_ms");
    }
    assert_eq!(state, now);
}

/// JSON Merge Patch as RFC 7396 writes it down.
fn merge(target: &mut serde_json::Value, patch: &serde_json::Value) {
    let Some(members) = patch.as_object() else { return target.clone_from(patch) };
    if !target.is_object() {
        *target = json!({});
    }
    let object = target.as_object_mut().unwrap();
    for (key, value) in members {
        if value.is_null() {
            object.remove(key);
        } else {
            merge(object.entry(key).or_insert(json!(null)), value);
        }
    }
}

#[test]
fn an_idle_visitor_is_flushed_and_then_forgotten_whole() {
    let mut sim = Sim::with_rules(json!([]));
    sim.page("t1", "home", "/").pass(29 * DAY);
    assert!(!sim.deleted);
    assert_eq!(sim.see("/outbox/hot"), json!(0));
    sim.pass(2 * DAY);
    assert!(sim.deleted);
}

#[test]
fn stages_that_lapse_into_each_other_come_to_an_end_while_the_visitor_does_nothing() {
    let stages = json!([
        {"id": "here", "rank": 0},
        {"id": "away", "rank": 1, "enter": [{"from": ["here", "gone"], "after_idle": "1m"}]},
        {"id": "gone", "rank": 2, "enter": [{"from": ["away"], "after_idle": "1m"}]}
    ]);
    let mut sim = Sim::new(config(json!([]), json!([]), stages));
    let changes = |sim: &Sim| -> Vec<(u64, String)> {
        sim.records(RecordKind::StageChanged).iter().map(|record| (record.at_ms, record.name.clone())).collect()
    };
    sim.page("t1", "home", "/").pass(3 * HOUR);
    let began_ms = sim.now_ms - 3 * HOUR;
    assert_eq!(changes(&sim), [(began_ms + MINUTE, "away".into()), (began_ms + 2 * MINUTE, "gone".into())]);
    sim.reload();
    sim.page("t1", "home", "/").pass(3 * HOUR);
    assert_eq!(changes(&sim).len(), 4, "and from the visitor's next act on again");
    assert_eq!(sim.see("/stage"), json!("gone"));
}

#[test]
fn a_visitor_that_stays_away_lapses() {
    let mut sim = Sim::with_rules(json!([]));
    sim.page("t1", "home", "/").pass(15 * DAY);
    assert_eq!(sim.see("/stage"), json!("lapsed"));
    sim.page("t1", "home", "/");
    assert_eq!(sim.see("/stage"), json!("browsing"));
}

#[test]
fn a_rule_that_changes_acts_on_the_next_input_and_an_unchanged_pattern_keeps_its_clock() {
    let mut sim = Sim::with_rules(social_proof());
    product("t1", &mut sim);
    sim.pass(30 * SECOND);
    let mut rules = social_proof();
    rules[0]["actions"][0]["push"]["content"]["text"] = json!("changed");
    rules.as_array_mut().unwrap().push(json!({
        "id": "other", "pattern": {"dwell": {"for": "10s", "where": {"page.kind": "product"}}},
        "actions": [{"push": {"slot": "s", "content": {"text": "new"}}}]
    }));
    sim.config = config(rules, json!([]), json!([]));
    sim.config.version = 2;
    sim.track("t1", "scrolled", json!({}));
    sim.pass(MINUTE);
    let pushes = sim.pushes();
    let got: Vec<_> = pushes.iter().map(|(at, push)| (at / SECOND, push.rule.as_str())).collect();
    assert_eq!(got, [(40, "other"), (60, "social-proof")]);
    assert_eq!(pushes[1].1.content.get("text").unwrap().as_str(), Some("changed"));
}

#[test]
fn a_killed_rule_does_not_fire() {
    let mut sim = Sim::with_rules(social_proof());
    product("t1", &mut sim);
    let mut rules = social_proof();
    rules[0]["enabled"] = json!(false);
    sim.config = config(rules, json!([]), json!([]));
    sim.config.version = 2;
    sim.pass(10 * MINUTE);
    assert!(sim.pushes().is_empty());
}

#[test]
fn a_clock_that_runs_backwards_is_held() {
    let mut sim = Sim::with_rules(social_proof());
    product("t1", &mut sim);
    sim.now_ms -= DAY;
    sim.track("t1", "scrolled", json!({}));
    sim.now_ms = START;
    sim.pass(60 * SECOND);
    assert_eq!(sim.pushes().len(), 1);
}
