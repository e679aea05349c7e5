//! Users and visitors that become one: aliases of visitors and of users, in any order and in circles.

use crate::sim::{HOUR, MINUTE, SECOND};
use crate::world::*;
use footfall::engine::user::{Absorb, Answer, Content, Letter, Member, Refusal, User, UserEffect, UserInput};
use footfall_protocol::event::Authority;
use footfall_protocol::limits::{USER_FORWARDS_MAX, USER_VISITORS_MAX};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;

#[test]
fn an_alias_of_an_anonymous_id_joins_that_visitor_to_the_user_in_any_order() {
    let events = [
        json!({"type": "page", "anonymousId": "a", "messageId": "1", "timestamp": time(1_000), "properties": {"path": "/"}}),
        json!({"type": "alias", "previousId": "a", "userId": "u", "messageId": "2", "timestamp": time(2_000)}),
        json!({"event": "Order Completed", "userId": "u", "messageId": "3", "timestamp": time(3_000), "properties": {"order_id": "1", "revenue": 5}}),
    ];
    for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0], [1, 2, 0]] {
        let mut world = World::new(plain);
        for at in order {
            world.send(Authority::Source, &events[at]);
            world.pass(10 * SECOND);
        }
        world.pass(2 * HOUR);
        let profile = world.users[&user("u")].profile();
        assert_eq!((profile.devices, profile.events, profile.orders), (2, 2, 1), "{order:?}");
        assert_eq!(world.see("a", "/user/orders"), json!(1));
    }
}

#[test]
fn an_alias_of_a_user_makes_the_two_one_in_any_order_of_arrival() {
    let events = [
        json!({"type": "identify", "anonymousId": "a", "userId": "old", "messageId": "1", "timestamp": time(1_000), "traits": {"x": 1, "y": 1}}),
        json!({"event": "Order Completed", "anonymousId": "a", "userId": "old", "messageId": "2", "timestamp": time(2_000), "properties": {"order_id": "1", "revenue": 5}}),
        json!({"type": "identify", "anonymousId": "b", "userId": "new", "messageId": "3", "timestamp": time(3_000), "traits": {"x": 2}}),
        json!({"event": "Order Completed", "anonymousId": "b", "userId": "new", "messageId": "4", "timestamp": time(4_000), "properties": {"order_id": "1", "revenue": 6}}),
        json!({"type": "alias", "previousId": "old", "userId": "new", "messageId": "5", "timestamp": time(5_000)}),
        json!({"event": "Order Completed", "userId": "old", "messageId": "6", "timestamp": time(6_000), "properties": {"order_id": "2", "revenue": 1}}),
    ];
    let mut first = None;
    for (n, order) in permutations().iter().enumerate() {
        let world = live(&events, order, [0, 3 * SECOND, 40 * SECOND][n % 3], None);
        let profile = world.users[&user("new")].profile().clone();
        assert_eq!((profile.devices, profile.orders, profile.revenue.units()), (3, 2, 6.0), "{order:?}");
        assert_eq!(profile.traits, serde_json::from_value(json!({"x": 2, "y": 1})).unwrap());
        assert_eq!(first.get_or_insert_with(|| profile.clone()), &profile, "{order:?}");
        let told = world.visitors.values().map(|sim| sim.see("/user/orders")).filter(|orders| !orders.is_null());
        assert!(
            told.clone().count() == 3 && told.clone().all(|orders| orders == json!(2)),
            "{order:?}: {:?}",
            told.collect::<Vec<_>>()
        );
        assert_eq!(world.view("old")["merged_into"]["done"], json!(true));
    }
}

#[test]
fn a_visitor_that_logs_in_under_the_new_id_after_a_merge_counts_there() {
    let mut world = World::new(plain);
    for event in [
        json!({"event": "Order Completed", "anonymousId": "a", "userId": "old", "messageId": "1", "timestamp": time(1_000), "properties": {"order_id": "1", "revenue": 5}}),
        json!({"type": "identify", "anonymousId": "b", "userId": "new", "messageId": "2", "timestamp": time(2_000)}),
        json!({"type": "alias", "previousId": "old", "userId": "new", "messageId": "3", "timestamp": time(3_000)}),
        json!({"type": "identify", "anonymousId": "a", "userId": "new", "messageId": "4", "timestamp": time(4_000)}),
    ] {
        world.send(Authority::Source, &event);
        world.pass(10 * SECOND);
    }
    world.pass(2 * HOUR);
    assert_eq!(world.users[&user("new")].profile().orders, 1);
    assert_eq!((world.see("a", "/user/orders"), world.see("b", "/user/orders")), (json!(1), json!(1)));
}

#[test]
fn merges_in_a_circle_lose_nothing_and_are_audited() {
    let mut random = StdRng::seed_from_u64(3);
    for seed in 0..60 {
        let mut world = World::new(plain);
        world.loses = (seed % 2 == 0).then(|| StdRng::seed_from_u64(seed));
        let users = ["x", "y", "z"];
        let mut events: Vec<Value> = users
            .iter()
            .map(|id| json!({"event": "Order Completed", "anonymousId": format!("of-{id}"), "userId": id, "properties": {"order_id": id, "revenue": 1}}))
            .collect();
        events.extend((0..3).map(|n| json!({"type": "alias", "previousId": users[n], "userId": users[(n + 1) % 3], "timestamp": time(n as u64)})));
        events.shuffle(&mut random);
        for event in &events {
            world.send(Authority::Source, event);
            world.pass(random.random_range(0..4) * SECOND);
        }
        world.loses = None;
        world.pass(3 * HOUR);
        let held: u32 = world.users.values().map(|user| user.profile().orders).sum();
        assert_eq!(held, 3, "seed {seed}: each order is with one user, and none is lost");
        let whole = world.users.values().filter(|user| user.profile().orders == 3).count();
        let refused =
            world.users.values().any(|user| serde_json::to_string(&user.view()).unwrap().contains("\"circle\""));
        assert!(whole == 1 && refused, "seed {seed}");
        assert_eq!(world.see("of-x", "/user/orders"), json!(3));
    }
}

/// An order of the visitor of a user.
fn order(n: usize, again: &str) -> Value {
    json!({"event": "Order Completed", "anonymousId": format!("of-{n}"), "userId": format!("u{n}"), "properties": {"order_id": format!("{n}{again}"), "revenue": 1}})
}

#[test]
fn a_way_of_merged_users_is_never_longer_than_letters_go() {
    let merges = USER_FORWARDS_MAX + 4;
    let devices = [0, 1, 20, 40, merges - 3, merges];
    for (backwards, loses) in [(false, None), (true, None), (false, Some(1)), (true, Some(2))] {
        let mut world = World::new(plain);
        for n in devices {
            world.send(Authority::Source, &order(n, ""));
        }
        world.pass(3 * SECOND);
        world.loses = loses.map(StdRng::seed_from_u64);
        for n in 0..merges {
            let n = if backwards { merges - 1 - n } else { n };
            let alias = json!({"type": "alias", "previousId": format!("u{n}"), "userId": format!("u{}", n + 1)});
            world.send(Authority::Source, &alias);
            world.pass(if loses.is_some() { SECOND } else { 10 * SECOND });
        }
        world.loses = None;
        world.pass(3 * HOUR);
        // Whatever is sent to any of them arrives, and counts once.
        for n in devices {
            world.send(Authority::Source, &order(n, "again"));
        }
        world.pass(HOUR);
        let held: u32 = world.users.values().map(|user| user.profile().orders).sum();
        assert_eq!(held, 12, "{backwards} {loses:?}");
        let refused =
            world.users.values().filter(|user| serde_json::to_string(&user.view()).unwrap().contains("too_far"));
        assert!(refused.count() > 0, "{backwards} {loses:?}");
    }
}

#[test]
fn a_user_of_whom_only_a_refused_merge_is_known_is_deleted_in_the_end() {
    let mut world = World::new(plain);
    world.send(Authority::Source, &json!({"type": "alias", "previousId": "u", "userId": "u"}));
    world.pass(MINUTE);
    assert!(world.view("u")["audit"].to_string().contains("itself"));
    world.visitors.clear();
    world.pass(RETENTION_MS + HOUR);
    assert!(world.users.is_empty());
}

#[test]
fn a_user_that_has_become_another_forgets_what_that_one_has_not_taken_yet() {
    let mut world = World::new(plain);
    let letter = |n: u128, version, content| {
        let member = Member { visitor: Uuid::from_u128(n), incarnation: Uuid::from_u128(!n) };
        UserInput::Letter(Letter { member, version, user: user("old"), user_id: "old".into(), content })
    };
    let brings = || Content::Brings(Default::default());
    world.tell_user(user("old"), letter(1, 1, brings()));
    let merges = Content::Merges { into: user("new"), into_id: "new".into(), stamp: Default::default() };
    world.tell_user(user("old"), letter(9, 1, merges));
    let effects = world.tell_user(user("old"), UserInput::Wake);
    let [UserEffect::HandOn { absorb, .. }] = &effects[..] else { panic!("{effects:?}") };
    let handed = User::handed(absorb);
    // Two devices more, after what is handed on has left and before it is known to have arrived.
    for n in [2, 3] {
        world.tell_user(user("old"), letter(n, 1, brings()));
    }
    world.tell_user(user("old"), UserInput::Absorbed { handed, refused: None });
    let devices = |world: &World| world.view("old")["visitors"].as_array().unwrap().len();
    assert_eq!(devices(&world), 2);
    // A letter of before changes nothing; one says that it is somebody else, and the other is erased.
    world.tell_user(user("old"), letter(2, 1, Content::Withdraws));
    assert_eq!(devices(&world), 2);
    for (n, version, content) in [(2, 2, Content::Withdraws), (3, u64::MAX, Content::Forgets)] {
        let effects = world.tell_user(user("old"), letter(n, version, content));
        assert_eq!(effects, [UserEffect::Answer(Answer::Forward(user("new")))]);
    }
    assert_eq!((devices(&world), world.users[&user("old")].profile().devices), (0, 0));
    let stored = world.users[&user("old")].snapshot();
    assert!(!stored.windows(16).any(|bytes| bytes == Uuid::from_u128(3).as_bytes()));
}

#[test]
fn what_is_handed_on_late_brings_back_nobody_who_was_withdrawn_since() {
    let mut world = World::new(plain);
    let letter = |id: &str, n: u128, version, content| {
        let member = Member { visitor: Uuid::from_u128(n), incarnation: Uuid::from_u128(!n) };
        UserInput::Letter(Letter { member, version, user: user(id), user_id: id.into(), content })
    };
    world.tell_user(user("old"), letter("old", 1, 1, Content::Claims));
    world.tell_user(user("old"), letter("old", 2, 1, Content::Brings(Default::default())));
    world.tell_user(user("old"), letter("old", 3, 1, Content::Withdraws));
    let merges = Content::Merges { into: user("new"), into_id: "new".into(), stamp: Default::default() };
    world.tell_user(user("old"), letter("old", 9, 1, merges));
    let effects = world.tell_user(user("old"), UserInput::Wake);
    let [UserEffect::HandOn { absorb, .. }] = &effects[..] else { panic!("{effects:?}") };
    for n in 1..=3 {
        world.tell_user(user("new"), letter("new", n, 5, Content::Forgets));
    }
    world.tell_user(user("new"), UserInput::Absorb(absorb.clone()));
    let once = world.users[&user("new")].clone();
    let view = world.view("new");
    assert_eq!((&view["claimed"], &view["visitors"]), (&json!([]), &json!([])));
    world.tell_user(user("new"), UserInput::Absorb(absorb.clone()));
    assert_eq!(world.users[&user("new")], once, "and a repeat changes nothing");
    // Nor is the third one's withdrawal forgotten for the older one that was handed on.
    world.tell_user(user("new"), letter("new", 3, 4, Content::Claims));
    assert_eq!(world.view("new")["claimed"], json!([]));
}

#[test]
fn a_merge_that_was_refused_stays_refused_when_a_copy_of_it_comes_late() {
    let mut world = World::new(plain);
    let letter = |user_id: &str, n: usize, version, content| {
        let n = n as u128;
        let member = Member { visitor: Uuid::from_u128(n), incarnation: Uuid::from_u128(!n) };
        UserInput::Letter(Letter { member, version, user: user(user_id), user_id: user_id.into(), content })
    };
    for n in 1..=USER_VISITORS_MAX {
        world.tell_user(user("full"), letter("full", n, 1, Content::Brings(Default::default())));
    }
    world.tell_user(user("old"), letter("old", 1_000, 1, Content::Brings(Default::default())));
    let merges = Content::Merges { into: user("full"), into_id: "full".into(), stamp: Default::default() };
    world.tell_user(user("old"), letter("old", 1_001, 1, merges));
    let effects = world.tell_user(user("old"), UserInput::Wake);
    let [UserEffect::HandOn { absorb, .. }] = &effects[..] else { panic!("{effects:?}") };
    let refused = [UserEffect::Answer(Answer::Refused(Refusal::TooManyVisitors))];
    assert_eq!(world.tell_user(user("full"), UserInput::Absorb(absorb.clone())), refused);
    // There is room now, but who was refused goes on as itself: its visitors would count twice.
    world.tell_user(user("full"), letter("full", 1, 2, Content::Withdraws));
    assert_eq!(world.tell_user(user("full"), UserInput::Absorb(absorb.clone())), refused);
    let devices = |user_id: &str| world.view(user_id)["visitors"].as_array().unwrap().len();
    assert_eq!((devices("full"), devices("old")), (USER_VISITORS_MAX - 1, 1));
    // A later word of the store is another matter.
    let again = Absorb { stamp: serde_json::from_value(json!({"at_ms": 9, "tie": 9})).unwrap(), ..absorb.clone() };
    assert_eq!(world.tell_user(user("full"), UserInput::Absorb(again)), [UserEffect::Answer(Answer::Taken(None))]);
}

#[test]
fn a_user_is_erased_only_when_nobody_counts_for_it_and_nothing_is_still_to_be_handed_on() {
    let now_ms = 1_800_000_000_000;
    let letter = |of: &str, version, content| {
        let member = Member { visitor: Uuid::from_u128(1), incarnation: Uuid::from_u128(2) };
        UserInput::Letter(Letter { member, version, user: user(of), user_id: of.into(), content })
    };
    let (mut old, mut new) = (User::new(demo(), user("old")), User::new(demo(), user("new")));
    let later = [UserEffect::Answer(Answer::Later)];
    let done = [UserEffect::Answer(Answer::Taken(None)), UserEffect::Delete];
    assert_eq!(old.handle(UserInput::Erase, now_ms, RETENTION_MS), done, "there is nothing of it");
    old.handle(letter("old", 1, Content::Brings(Default::default())), now_ms, RETENTION_MS);
    let merges = Content::Merges { into: user("new"), into_id: "new".into(), stamp: Default::default() };
    old.handle(letter("old", 1, merges), now_ms, RETENTION_MS);
    assert_eq!(old.handle(UserInput::Erase, now_ms, RETENTION_MS), later, "a visitor counts for it");
    let effects = old.handle(UserInput::Wake, now_ms, RETENTION_MS);
    let [UserEffect::HandOn { absorb, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert!(new.makes_absorbed(absorb));
    // The visitor is erased while that is on its way: what it was is still to be taken back.
    old.handle(letter("old", u64::MAX, Content::Forgets), now_ms, RETENTION_MS);
    assert_eq!(old.handle(UserInput::Erase, now_ms, RETENTION_MS), later, "it is not handed on yet");
    new.handle(UserInput::Absorb(absorb.clone()), now_ms, RETENTION_MS);
    assert!(!new.makes_absorbed(absorb));
    old.handle(UserInput::Absorbed { handed: User::handed(absorb), refused: None }, now_ms, RETENTION_MS);
    let effects = old.handle(UserInput::Wake, now_ms + MINUTE, RETENTION_MS);
    let [UserEffect::HandOn { absorb, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(new.handle(UserInput::Erase, now_ms, RETENTION_MS), later, "somebody still counts for it");
    new.handle(UserInput::Absorb(absorb.clone()), now_ms, RETENTION_MS);
    old.handle(UserInput::Absorbed { handed: User::handed(absorb), refused: None }, now_ms, RETENTION_MS);
    for (user, name) in [(&mut old, "old"), (&mut new, "new")] {
        assert_eq!(user.handle(UserInput::Erase, now_ms, RETENTION_MS), done, "{name}");
    }
}
