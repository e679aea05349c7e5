//! One user over several visitors: whose a visitor is, and what its user knows.

use crate::sim::{HOUR, MINUTE, SECOND, START, Sim, config};
use crate::world::*;
use footfall::engine::user::{Answer, Content, Letter, Member, UserEffect, UserInput};
use footfall::engine::{Input, Settings, Visitor};
use footfall_protocol::event::Authority;
use footfall_protocol::ids::{Foreign, visitor_of};
use footfall_protocol::limits::{USER_CHANGES_MAX, USER_CLAIMS_MAX, USER_VISITORS_MAX};
use footfall_protocol::record::RecordKind;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Three devices that are one user, each attested at some time, and three more events; all by servers that know when.
fn six(seed: u64) -> Vec<Value> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut events: Vec<Value> = (0..3)
        .map(|device| json!({"type": "identify", "anonymousId": format!("d{device}"), "userId": "u", "traits": {"plan": format!("p{}", random.random_range(0..3)), format!("of-{device}"): true}}))
        .collect();
    for n in 0..3 {
        let on = format!("d{}", random.random_range(0..3));
        let sku = format!("s{}", random.random_range(0..3));
        events.push(match random.random_range(0..8) {
            0 => json!({"type": "page", "anonymousId": on, "properties": {"path": "/"}}),
            1 | 2 => json!({"type": "track", "event": "Order Completed", "anonymousId": on, "properties": {"order_id": format!("o{}", random.random_range(0..2)), "revenue": random.random_range(1..90), "currency": "EUR"}}),
            3 if n == 2 => json!({"type": "track", "event": "Order Refunded", "anonymousId": on, "properties": {"order_id": "o0"}}),
            3 => json!({"type": "track", "event": "Order Refunded", "anonymousId": on, "properties": {"order_id": "o0", "revenue": 5}}),
            4 => json!({"type": "track", "event": "Product Viewed", "anonymousId": on, "properties": {"sku": sku, "category": format!("c{n}")}}),
            5 => json!({"type": "group", "anonymousId": on, "userId": "u", "groupId": format!("g{}", random.random_range(0..2)), "traits": {"n": n}}),
            6 => json!({"type": "identify", "anonymousId": on, "userId": "u", "traits": {"plan": null, "of-0": n}}),
            // A server that knows only the user: a device of its own.
            _ => json!({"type": "track", "event": "Order Completed", "userId": "u", "properties": {"order_id": "o1", "revenue": 7}}),
        });
    }
    for (n, event) in events.iter_mut().enumerate() {
        // Also two at one time, and pauses longer than a session.
        let at_ms = random.random_range(0..4) * 20 * MINUTE;
        event["timestamp"] = json!(time(at_ms));
        event["messageId"] = json!(format!("m{seed}-{n}"));
    }
    events
}

/// What the six events amount to, counted without any of the engine.
fn recount(events: &[Value]) -> Value {
    let mut sorted: Vec<&Value> = events.iter().collect();
    sorted.sort_by_key(|event| {
        (event["timestamp"].as_str().unwrap().to_owned(), event["messageId"].as_str().unwrap().to_owned())
    });
    let mut orders: BTreeMap<&str, f64> = BTreeMap::new();
    let (mut refunds, mut wholly) = (0.0, false);
    for event in &sorted {
        let (name, of) = (event["event"].as_str().unwrap_or_default(), &event["properties"]);
        match name {
            "Order Refunded" => match of["revenue"].as_f64() {
                Some(amount) => refunds += amount,
                None => wholly = true,
            },
            "Order Completed" => {
                orders.entry(of["order_id"].as_str().unwrap()).or_insert(of["revenue"].as_f64().unwrap());
            }
            _ => {}
        }
    }
    let devices: std::collections::BTreeSet<&str> =
        events.iter().map(|event| event["anonymousId"].as_str().unwrap_or("server")).collect();
    let count = orders.len();
    // All refunds are of one order, of which no more can be taken back than it earned.
    let left =
        orders.remove("o0").map_or(-refunds, |earned| if wholly { 0.0 } else { f64::max(earned - refunds, 0.0) });
    json!({"events": 6, "devices": devices.len(), "orders": count, "revenue_less_ties": orders.values().sum::<f64>() + left, "first": sorted[0]["timestamp"]})
}

/// Whether two events report one order at the very same time, so that only their ids say which counts.
fn has_ties(events: &[Value]) -> bool {
    let of = |event: &Value| (event["properties"]["order_id"].clone(), event["timestamp"].clone());
    events
        .iter()
        .enumerate()
        .any(|(at, one)| events[..at].iter().any(|other| !of(one).0.is_null() && of(other) == of(one)))
}

#[test]
fn every_order_of_arrival_of_six_events_over_three_devices_gives_the_same_profile() {
    let orders = permutations();
    assert_eq!(orders.len(), 720);
    for seed in 0..12 {
        let events = six(seed);
        let expected = recount(&events);
        let mut first: Option<Vec<u8>> = None;
        for (n, order) in orders.iter().enumerate() {
            let gap_ms = [0, 700, 5 * SECOND, 40 * MINUTE][n % 4];
            // In other seeds than the first some are only tried.
            if seed > 0 && (n + usize::try_from(seed).unwrap()) % 24 != 0 {
                continue;
            }
            let world = live(&events, order, gap_ms, None);
            let profile = world.users[&user("u")].profile();
            let bytes = postcard::to_allocvec(profile).unwrap();
            assert_eq!(first.get_or_insert_with(|| bytes.clone()), &bytes, "seed {seed}, order {order:?}: {profile:?}");
            let told = world.visitors.values().map(|sim| sim.see("/user/orders")).collect::<Vec<_>>();
            assert!(told.iter().all(|orders| *orders == json!(profile.orders)), "all devices are told: {told:?}");
            assert_eq!(json!(profile.events), expected["events"]);
            assert_eq!(
                (json!(profile.devices), json!(profile.orders)),
                (expected["devices"].clone(), expected["orders"].clone())
            );
            if !has_ties(&events) {
                assert_eq!(
                    json!(profile.revenue.units()),
                    json!(expected["revenue_less_ties"].as_f64().unwrap()),
                    "{events:#?}"
                );
            }
            let first_ms = chrono::DateTime::parse_from_rfc3339(expected["first"].as_str().unwrap()).unwrap();
            assert_eq!(i64::try_from(profile.first_seen_ms).unwrap(), first_ms.timestamp_millis());
        }
    }
}

#[test]
fn letters_that_are_lost_or_come_twice_give_the_same_profile() {
    let mut random = StdRng::seed_from_u64(5);
    for seed in 20..60 {
        let events = six(seed);
        let mut order = [0, 1, 2, 3, 4, 5];
        order.shuffle(&mut random);
        let calm = live(&events, &[0, 1, 2, 3, 4, 5], SECOND, None);
        let rough = live(&events, &order, [1, 4, 40][usize::try_from(seed).unwrap() % 3] * SECOND, Some(seed));
        assert_eq!(rough.users[&user("u")].profile(), calm.users[&user("u")].profile(), "seed {seed}");
    }
}

#[test]
fn what_an_anonymous_visitor_did_before_counts_for_its_user_and_costs_nothing_until_then() {
    let mut world = World::new(plain);
    let event = |name: &str, properties: Value| json!({"event": name, "anonymousId": "a", "properties": properties});
    world.send(Authority::Public, &event("Product Viewed", json!({"sku": "tent"})));
    world.send(Authority::Visitor, &event("Order Completed", json!({"order_id": "1", "revenue": 30})));
    world.pass(2 * HOUR);
    assert_eq!((world.carried, world.users.len()), (0, 0));
    world.send(Authority::Source, &json!({"type": "identify", "anonymousId": "a", "userId": "u"}));
    world.pass(10 * SECOND);
    assert_eq!(world.see("a", "/user/orders"), json!(1));
    assert_eq!(world.see("a", "/user/revenue"), json!(30));
    assert_eq!(world.see("a", "/user/recent_products"), json!(["tent"]));
    let carried = world.carried;
    world.send(Authority::Source, &json!({"event": "Page Viewed", "anonymousId": "a", "userId": "u"}));
    world.pass(MINUTE);
    assert_eq!(world.carried, carried, "what does not matter waits for the session's end");
    world.pass(HOUR);
    assert!(world.carried > carried);
    let carried = world.carried;
    world.pass(24 * HOUR);
    assert_eq!(world.carried, carried, "nothing new, nothing sent");
}

#[test]
fn the_public_key_never_changes_who_a_visitor_is() {
    let mut world = World::new(plain);
    for kind in ["identify", "alias", "group", "page"] {
        world.send(Authority::Public, &json!({"type": kind, "anonymousId": "a", "userId": "u", "previousId": "v", "groupId": "g", "traits": {"x": 1}}));
    }
    world.pass(MINUTE);
    assert_eq!((world.see("a", "/identity"), world.see("a", "/profile/user_id")), (Value::Null, Value::Null));
    assert_eq!((world.see("a", "/profile/traits"), world.users.len()), (json!({}), 0));
}

#[test]
fn knowing_an_id_shows_nothing_of_the_user_and_adds_nothing_to_it() {
    let mut world = World::new(plain);
    world.send(
        Authority::Source,
        &json!({"type": "identify", "anonymousId": "owner", "userId": "u", "traits": {"name": "Ada"}}),
    );
    world.pass(MINUTE);
    world.send(
        Authority::Visitor,
        &json!({"type": "identify", "anonymousId": "thief", "userId": "u", "traits": {"name": "Eve"}}),
    );
    world.send(
        Authority::Visitor,
        &json!({"event": "Order Completed", "anonymousId": "thief", "properties": {"order_id": "9", "revenue": 900}}),
    );
    world.pass(2 * HOUR);
    assert_eq!((world.see("thief", "/user"), world.see("thief", "/identity/attested")), (Value::Null, json!(false)));
    assert_eq!(world.see("owner", "/user/traits/name"), json!("Ada"));
    assert_eq!((world.see("owner", "/user/devices"), world.see("owner", "/user/orders")), (json!(1), json!(0)));
    assert_eq!(world.view("u")["claimed"].as_array().unwrap().len(), 1);
    // Once somebody who knows says so, everything counts.
    world.send(Authority::Source, &json!({"event": "Logged In", "anonymousId": "thief", "userId": "u"}));
    world.pass(MINUTE);
    assert_eq!((world.see("owner", "/user/devices"), world.see("owner", "/user/orders")), (json!(2), json!(1)));
    assert_eq!((world.see("thief", "/user/orders"), world.view("u")["claimed"].clone()), (json!(1), json!([])));
}

#[test]
fn an_attestation_ends_when_the_visitor_is_said_to_be_somebody_else() {
    let mut world = World::new(plain);
    let says = |authority, user: &str| (authority, json!({"type": "identify", "anonymousId": "a", "userId": user}));
    let steps = [
        says(Authority::Source, "u"),
        says(Authority::Visitor, "v"),
        says(Authority::Visitor, "u"),
        says(Authority::Source, "u"),
    ];
    let mut seen = Vec::new();
    for (authority, event) in &steps {
        world.send(*authority, event);
        world.pass(MINUTE);
        seen.push((world.see("a", "/user/id"), world.view("u")["profile"]["devices"].clone()));
    }
    assert_eq!(
        seen,
        [(json!("u"), json!(1)), (Value::Null, json!(0)), (Value::Null, json!(0)), (json!("u"), json!(1))]
    );
    assert_eq!(world.records("a", RecordKind::UserLinked), ["u", "u"]);
    assert_eq!(world.records("a", RecordKind::UserChanged), ["v", "u"]);
}

#[test]
fn a_visitor_that_changes_user_takes_what_it_did_along() {
    let mut world = World::new(plain);
    world.send(Authority::Source, &json!({"event": "Order Completed", "anonymousId": "a", "userId": "u", "properties": {"order_id": "1", "revenue": 10}}));
    world.pass(MINUTE);
    world.send(Authority::Source, &json!({"type": "identify", "anonymousId": "a", "userId": "v"}));
    world.pass(MINUTE);
    let of =
        |world: &World, id: &str| (world.users[&user(id)].profile().devices, world.users[&user(id)].profile().orders);
    assert_eq!((of(&world, "u"), of(&world, "v")), ((0, 0), (1, 1)));
    // A word that comes late, of a time before, changes nothing.
    world
        .send(Authority::Source, &json!({"type": "identify", "anonymousId": "a", "userId": "u", "timestamp": time(0)}));
    world.pass(MINUTE);
    assert_eq!((of(&world, "u"), of(&world, "v")), ((0, 0), (1, 1)));
}

#[test]
fn changes_of_user_are_bounded_and_recorded() {
    let mut world = World::new(plain);
    for n in 0..=USER_CHANGES_MAX + 2 {
        world.send(Authority::Source, &json!({"type": "identify", "anonymousId": "kiosk", "userId": format!("u{n}")}));
    }
    world.pass(10 * SECOND);
    assert_eq!(world.records("kiosk", RecordKind::UserChanged).len(), USER_CHANGES_MAX as usize);
    assert_eq!(world.records("kiosk", RecordKind::UserRefused).len(), 2);
    // Who is in front of it now is not known: nobody's profile is shown.
    assert_eq!((world.see("kiosk", "/user"), world.see("kiosk", "/identity/attested")), (Value::Null, json!(false)));
}

#[test]
fn a_user_has_bounds_and_says_so() {
    let mut world = World::new(plain);
    let written = |n: u128, version, content| {
        let member = Member { visitor: Uuid::from_u128(n), incarnation: Uuid::from_u128(!n) };
        UserInput::Letter(Letter { member, version, user: user("u"), user_id: "u".into(), content })
    };
    let letter = |n: u128, content| written(n, 1, content);
    for n in 0..USER_VISITORS_MAX as u128 {
        world.tell_user(user("u"), letter(n, Content::Brings(Default::default())));
    }
    let one_more = |version| written(1_000, version, Content::Brings(Default::default()));
    let refused = world.tell_user(user("u"), one_more(1));
    assert!(matches!(refused[..], [UserEffect::Answer(Answer::Refused(_))]), "{refused:?}");
    for n in 0..2 * USER_CLAIMS_MAX as u128 {
        world.tell_user(user("u"), letter(2_000 + n, Content::Claims));
    }
    let view = world.view("u");
    assert_eq!(
        (json!(view["claimed"].as_array().unwrap().len()), view["claims_dropped"].clone()),
        (json!(USER_CLAIMS_MAX), json!(USER_CLAIMS_MAX))
    );
    assert!(view["audit"].to_string().contains("too_many_visitors"));
    // One who was deleted since makes room, and what they did stays.
    world.now_ms += Settings::default().retention_ms + 25 * HOUR;
    assert!(matches!(world.tell_user(user("u"), one_more(2))[..], [UserEffect::Answer(Answer::Taken(_))]));
    assert_eq!(world.view("u")["visitors"].as_array().unwrap().len(), USER_VISITORS_MAX);
}

#[test]
fn rules_see_the_user_and_act_when_another_device_changes_it() {
    let rules = || {
        config(
            json!([{"id": "buyer", "pattern": {"segment": {"entered": "buyers"}}, "actions": [{"push": {"slot": "s", "content": {"text": "{{user.orders}} {{user.traits.plan}}"}}}]}]),
            json!([{"id": "buyers", "when": {"user.orders": {"$gte": 1}}}]),
            json!([]),
        )
    };
    let mut world = World::new(rules);
    for device in ["a", "b"] {
        world.send(
            Authority::Source,
            &json!({"type": "identify", "anonymousId": device, "userId": "u", "traits": {"plan": "gold"}}),
        );
    }
    world.pass(MINUTE);
    assert_eq!(world.see("a", "/segments"), json!([]));
    world.send(
        Authority::Source,
        &json!({"event": "Order Completed", "anonymousId": "b", "properties": {"order_id": "1", "revenue": 5}}),
    );
    world.pass(10 * SECOND);
    assert_eq!(world.see("a", "/segments"), json!(["buyers"]));
    let id = visitor_of(&demo(), Foreign::Anonymous, "a").unwrap();
    let pushes = world.visitor(id).pushes();
    assert_eq!(serde_json::to_value(&pushes[0].1.content).unwrap(), json!({"text": "1 gold"}));
    // The records tell enough to live again, what the other device did included.
    let records = world.visitor(id).made.clone();
    let mut again = Sim::at(rules(), START, id);
    for record in &records {
        again.now_ms = record.at_ms;
        if let Some(input) = footfall::engine::replayed(record) {
            again.input(input);
        }
    }
    let fired = |sim: &Sim| {
        sim.made
            .iter()
            .filter(|record| record.kind == RecordKind::TriggerFired)
            .map(|record| record.at_ms)
            .collect::<Vec<_>>()
    };
    assert_eq!(fired(&again), fired(world.visitor(id)));
    assert_eq!(fired(&again).len(), 1);
}

#[test]
fn a_user_that_a_visitor_has_left_does_not_know_who_that_was() {
    let mut world = World::new(plain);
    for (device, id) in [("a", "u"), ("a", "v"), ("b", "u"), ("b", "v"), ("b", "u")] {
        world.send(Authority::Source, &json!({"type": "identify", "anonymousId": device, "userId": id}));
        world.pass(MINUTE);
    }
    let knows = |world: &World, id: &str, device: &str| {
        let visitor = visitor_of(&demo(), Foreign::Anonymous, device).unwrap();
        let stored = world.users[&user(id)].snapshot();
        let in_view = world.view(id).to_string().contains(&visitor.to_string());
        in_view || stored.windows(16).any(|bytes| bytes == visitor.as_bytes())
    };
    let known = [("u", "a"), ("v", "a"), ("u", "b"), ("v", "b")].map(|(id, device)| knows(&world, id, device));
    assert_eq!(known, [false, true, true, false]);
    // Its comings and goings are audited all the same.
    assert_eq!(world.view("u")["audit"].as_array().unwrap().len(), 5, "{}", world.view("u")["audit"]);
}

#[test]
fn a_letter_that_makes_somebody_known_is_told_from_one_of_somebody_who_is() {
    let mut world = World::new(plain);
    let letter = |n: u128, version, content| Letter {
        member: Member { visitor: Uuid::from_u128(n), incarnation: Uuid::from_u128(!n) },
        version,
        user: user("u"),
        user_id: "u".into(),
        content,
    };
    let brings = || Content::Brings(Default::default());
    let makes_known = |world: &World, letter: &Letter| world.users[&user("u")].makes_known(letter);
    world.tell_user(user("u"), UserInput::Letter(letter(1, 1, brings())));
    world.tell_user(user("u"), UserInput::Letter(letter(2, 1, Content::Claims)));
    let of = |n, version| [letter(n, version, brings()), letter(n, version, Content::Claims)];
    assert!(of(1, 2).iter().chain(&of(2, 2)).all(|letter| !makes_known(&world, letter)));
    assert!(of(3, 1).iter().all(|letter| makes_known(&world, letter)));
    // Of somebody who was forgotten nothing is known, and so a late letter shows.
    for n in [1, 2] {
        world.tell_user(user("u"), UserInput::Letter(letter(n, u64::MAX, Content::Forgets)));
        assert!(of(n, 2).iter().all(|letter| makes_known(&world, letter)));
        assert!(!makes_known(&world, &letter(n, 3, Content::Withdraws)));
    }
    assert!(world.users[&user("u")].is_nobody());
}

#[test]
fn what_is_told_of_a_user_is_recorded_once_anything_reads_it() {
    let reading = || config(json!([]), json!([{"id": "buyers", "when": {"user.orders": {"$gte": 1}}}]), json!([]));
    let template = || {
        config(
            json!([{"id": "r", "pattern": {"event": {"name": "x"}}, "actions": [{"record": {"name": "n", "data": {"a": ["{{user.revenue | money}}"]}}}]}]),
            json!([]),
            json!([]),
        )
    };
    assert!(reading().rules.reads_user() && template().rules.reads_user() && !plain().rules.reads_user());
    let some = json!({"user.orders": {"$gte": 1}});
    let event = json!({"event": {"name": "x"}});
    for rule in [
        json!({"id": "r", "pattern": event, "condition": {"$or": [{"cart.count": 1}, some]}, "actions": [{"record": {"name": "n"}}]}),
        json!({"id": "r", "pattern": {"event": {"name": "x", "where": some}}, "actions": [{"record": {"name": "n"}}]}),
        json!({"id": "r", "pattern": {"all": {"of": [event, {"dwell": {"for": "1m", "where": some}}]}}, "actions": [{"record": {"name": "n"}}]}),
        json!({"id": "r", "pattern": {"count": {"of": event, "at_least": 2, "distinct": "user.id", "within": "1h"}}, "actions": [{"record": {"name": "n"}}]}),
        json!({"id": "r", "pattern": event, "actions": [{"push": {"slot": "s", "content": {"html": {"b": "{{cart.count}} {{user.id}}"}}}}]}),
        json!({"id": "r", "pattern": event, "actions": [{"set_trait": {"name": "n", "value": "{{user.traits.plan}}"}}]}),
    ] {
        assert!(config(json!([rule]), json!([]), json!([])).rules.reads_user(), "{rule}");
    }
    let stages = json!([{"id": "new", "rank": 0}, {"id": "buyer", "rank": 1, "enter": [{"when": some}]}]);
    assert!(config(json!([]), json!([]), stages).rules.reads_user());
    let mut world = World::new(plain);
    for device in ["a", "b"] {
        world.send(Authority::Source, &json!({"type": "identify", "anonymousId": device, "userId": "u"}));
    }
    world.send(
        Authority::Source,
        &json!({"event": "Order Completed", "anonymousId": "b", "properties": {"order_id": "1", "revenue": 5}}),
    );
    world.pass(2 * HOUR);
    // It is known, and nothing was recorded of it.
    assert_eq!((world.see("a", "/user/orders"), world.records("a", RecordKind::UserUpdated)), (json!(1), vec![]));
    let id = visitor_of(&demo(), Foreign::Anonymous, "a").unwrap();
    let sim = world.visitor(id);
    let before = sim.made.len();
    sim.input(Input::Wake);
    assert_eq!(sim.made.len(), before, "nothing reads it");
    // From when something does, the log has it before whatever happens next.
    sim.config = reading();
    world.send(Authority::Source, &json!({"event": "x", "anonymousId": "a"}));
    assert_eq!(world.see("a", "/segments"), json!(["buyers"]));
    assert_eq!(world.records("a", RecordKind::UserUpdated), ["u"]);
    let sim = world.visitor(id);
    let kinds: Vec<_> = sim.made[before..].iter().map(|record| record.kind).collect();
    let told = kinds.iter().position(|kind| *kind == RecordKind::UserUpdated);
    assert!(told < kinds.iter().position(|kind| *kind == RecordKind::Event), "{kinds:?}");
    // And the state at a time is what the log folds to, the user included.
    let (made, now_ms, config) = (sim.made.clone(), sim.now_ms, reading());
    let again =
        footfall::engine::fold((demo(), id, sim.visitor.incarnation()), &made, now_ms, &config).unwrap().unwrap();
    let view = |visitor: &Visitor| serde_json::to_value(visitor.inspection(now_ms, &config)).unwrap();
    let (live, again) = (view(&sim.visitor), view(&again));
    for member in ["user", "segments", "profile", "session", "stage"] {
        assert_eq!(live[member], again[member], "{member}");
    }
    // A repeat of all of it changes nothing.
    let records = sim.made.len();
    sim.input(Input::Wake);
    assert_eq!(sim.made.len(), records);
}
