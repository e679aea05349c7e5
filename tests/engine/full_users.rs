//! Users at every bound at once: what is stored stays below what one row may hold, and is the same in any order.

use crate::sim::{HOUR, MINUTE, SECOND, START};
use crate::world::*;
use footfall::engine::user::{
    Absorb, Answer, Content, Contribution, Letter, Linked, Member, Nested, Refusal, Telling, User, UserEffect,
    UserInput,
};
use footfall_protocol::event::Authority;
use footfall_protocol::limits::*;
use footfall_protocol::record::RecordKind;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;

/// A text of a random length; at the bound half of the time.
fn text(random: &mut StdRng, bytes_max: usize) -> String {
    let bytes = if random.random() { bytes_max } else { random.random_range(1..=bytes_max) };
    (0..bytes).map(|_| char::from(random.random_range(b'a'..=b'z'))).collect()
}

/// What a visitor brings that is, or may be, at each of its bounds.
fn brings(random: &mut StdRng, full: bool) -> Contribution {
    let count = |random: &mut StdRng, max: usize| if full { max } else { random.random_range(0..=max) };
    let stamp =
        |random: &mut StdRng| json!({"at_ms": random.random_range(0..u64::MAX / 2), "tie": random.random::<u64>()});
    let entries: Vec<Value> = (0..count(random, LEDGER_MAX))
        .map(|_| json!({"stamp": stamp(random), "key": random.random::<u64>(), "placed": true, "value": random.random_range(0..1_u64 << 40), "currency": text(random, TEXT_BYTES_MAX)}))
        .collect();
    let mut traits: Vec<Value> = (0..count(random, TRAITS_MAX))
        .map(|_| json!([text(random, TEXT_BYTES_MAX), text(random, TRAIT_BYTES_MAX - 2), stamp(random)]))
        .collect();
    traits.sort_by_key(|one| one[0].to_string());
    let words = |random: &mut StdRng| -> Vec<Value> {
        (0..count(random, RECENT_PRODUCTS_MAX))
            .map(|n| json!([text(random, TEXT_BYTES_MAX), u64::MAX / 2 - n as u64]))
            .collect()
    };
    let groups: Vec<Value> = (0..count(random, MEMBERSHIPS_MAX))
        .map(|_| json!({"group_id": text(random, FOREIGN_ID_BYTES_MAX), "traits": {"x": text(random, GROUP_TRAITS_BYTES_MAX - 8)}, "stamp": stamp(random)}))
        .collect();
    serde_json::from_value(json!({
        "devices": 1, "events": random.random::<u32>(), "seen_ms": [1, u64::MAX / 2], "sessions": random.random::<u32>(),
        "ledger": {"entries": entries, "settled": [random.random::<u32>(), 5]}, "traits": traits, "products": words(random),
        "categories": words(random), "groups": groups, "left_out": 0
    }))
    .unwrap()
}

fn letter(of: &str, n: u128, version: u64, user_id: &str, content: Content) -> UserInput {
    let member = Member { visitor: Uuid::from_u128(n), incarnation: Uuid::from_u128(!n) };
    UserInput::Letter(Letter { member, version, user: user(of), user_id: user_id.into(), content })
}

#[test]
fn a_user_at_every_bound_is_stored_below_its_own() {
    let mut random = StdRng::seed_from_u64(1);
    let name = text(&mut random, FOREIGN_ID_BYTES_MAX);
    let mut machine = User::new(demo(), user(&name));
    for n in 0..USER_CLAIMS_MAX as u128 + 5 {
        machine.handle(letter(&name, 1_000 + n, 1, &name, Content::Claims), START, RETENTION_MS);
        machine.handle(letter(&name, 2_000 + n, 1, &name, Content::Withdraws), START, RETENTION_MS);
    }
    // As many users become it as may, each with visitors and with a sum of earlier ones.
    let each = USER_VISITORS_MAX / USER_MERGES_MAX;
    // The first of them hands on once more, as many as may come late.
    let froms = (0..USER_MERGES_MAX + 2).map(|from| (from, each)).chain([(0, USER_LATE_VISITORS_MAX)]);
    for (at, (from, count)) in froms.enumerate() {
        let from_id = format!("{from}{}", "x".repeat(FOREIGN_ID_BYTES_MAX - 2));
        let linked = (0..count).map(|n| Linked {
            member: Member {
                visitor: Uuid::from_u128((at * each + n) as u128),
                incarnation: Uuid::from_u128(!((at * each + n) as u128)),
            },
            version: 1,
            user: user(&from_id),
            fed_ms: START,
            told: 0,
            not_before_ms: START,
            failures: 0,
            gone: false,
            contribution: Nested(brings(&mut random, true)),
        });
        let absorb = Absorb {
            from: user(&from_id),
            linked: linked.collect(),
            settled: vec![(user(&from_id), 1, Nested(brings(&mut random, true)))],
            from_id,
            into: user(&name),
            into_id: name.clone(),
            stamp: Default::default(),
            path: vec![Uuid::from_u128(from as u128)],
            version: 1,
            claims: Vec::new(),
            withdrawn: Vec::new(),
            depth: 0,
            again: false,
        };
        let effects = machine.handle(UserInput::Absorb(absorb), START, RETENTION_MS);
        let taken = matches!(effects[..], [UserEffect::Answer(Answer::Taken(_))]);
        assert_eq!(taken, from < USER_MERGES_MAX, "{at}");
    }
    let stored = machine.snapshot();
    assert!(stored.len() <= USER_BYTES_MAX, "{} bytes", stored.len());
    assert!(stored.len() > USER_VISITORS_MAX * USER_CONTRIBUTION_BYTES_MAX * 3 / 4, "nearly: {} bytes", stored.len());
    assert_eq!(User::load(&stored).unwrap(), machine);
    let view = serde_json::to_value(machine.view()).unwrap();
    assert!(view["left_out"].as_u64() > Some(0));
    assert_eq!(view["visitors"].as_array().unwrap().len(), USER_VISITORS_MAX + USER_LATE_VISITORS_MAX);
}

#[test]
fn a_device_that_found_no_room_asks_once_more_with_each_session() {
    let mut world = World::new(plain);
    let identify = |device: &str, user: &str| json!({"type": "identify", "anonymousId": device, "userId": user});
    for n in 0..USER_VISITORS_MAX {
        world.send(Authority::Source, &identify(&format!("d{n}"), "u"));
    }
    world.pass(MINUTE);
    let order = json!({"event": "Order Completed", "anonymousId": "late", "userId": "u", "properties": {"order_id": "1", "revenue": 5}});
    world.send(Authority::Source, &order);
    world.pass(10 * SECOND);
    assert_eq!(world.records("late", RecordKind::UserRefused), ["u"]);
    // Without a session there is no more than one letter, as the last one ends.
    world.pass(48 * HOUR);
    assert_eq!(world.records("late", RecordKind::UserRefused).len(), 2);
    // A session that finds no room either: one as it begins, and one as it ends.
    let page = |n: u32| json!({"type": "page", "anonymousId": "late", "messageId": format!("p{n}"), "properties": {"path": "/"}});
    for n in 0..5 {
        world.send(Authority::Visitor, &page(n));
        world.pass(10 * SECOND);
    }
    assert_eq!(world.records("late", RecordKind::UserRefused).len(), 3);
    world.pass(5 * HOUR);
    assert_eq!((world.records("late", RecordKind::UserRefused).len(), world.see("late", "/user")), (4, Value::Null));
    // Another device leaves, and the next session finds room as it begins.
    world.send(Authority::Source, &identify("d0", "v"));
    world.pass(5 * HOUR);
    assert_eq!(world.see("late", "/user"), Value::Null);
    world.send(Authority::Visitor, &page(9));
    world.pass(10 * SECOND);
    assert_eq!((world.see("late", "/user/orders"), world.see("late", "/user/id")), (json!(1), json!("u")));
    let profile = world.users[&user("u")].profile();
    assert_eq!((profile.orders, profile.devices as usize), (1, USER_VISITORS_MAX));
    // From then on nothing is sent that is not new.
    let carried = world.carried;
    world.pass(20 * SECOND);
    assert_eq!((world.carried, world.records("late", RecordKind::UserRefused).len()), (carried, 4));
}

#[test]
fn a_letter_that_found_no_room_stays_refused_when_a_copy_of_it_comes_late() {
    let mut full = User::new(demo(), user("u"));
    let mut tell = |n: u128, version, content| -> (Result<bool, Refusal>, usize) {
        let effects = full.handle(letter("u", n, version, "u", content), START, RETENTION_MS);
        let answer = match &effects[..] {
            [UserEffect::Answer(Answer::Taken(told))] => Ok(told.is_some()),
            [UserEffect::Answer(Answer::Refused(why))] => Err(*why),
            other => panic!("{other:?}"),
        };
        (answer, full.profile().devices as usize)
    };
    let brings = || Content::Brings(Nested(Contribution { devices: 1, events: 1, ..Contribution::default() }));
    for n in 0..USER_VISITORS_MAX {
        assert_eq!(tell(n as u128, 1, brings()), (Ok(true), n + 1));
    }
    assert_eq!(tell(900, 4, brings()), (Err(Refusal::TooManyVisitors), USER_VISITORS_MAX));
    // There is room now, but whoever was refused does not know that it would count here.
    assert_eq!(tell(0, 2, Content::Withdraws), (Ok(false), USER_VISITORS_MAX - 1));
    for late in [4, 3] {
        assert_eq!(tell(900, late, brings()), (Ok(false), USER_VISITORS_MAX - 1));
    }
    // What it writes next is taken, and it is told.
    assert_eq!(tell(900, 5, brings()), (Ok(true), USER_VISITORS_MAX));
}

/// What counts for a user, one visitor each, and the user that "old" is about to become, which is "full".
struct Merging {
    old: User,
    full: User,
}

impl Merging {
    /// `full` has so many visitors, and `old` two, which are on their way to it.
    fn new(visitors: u128) -> (Self, Absorb) {
        let mut both = Self { old: User::new(demo(), user("old")), full: User::new(demo(), user("full")) };
        (0..visitors).for_each(|n| drop(both.bring("full", n)));
        (900..902).for_each(|n| drop(both.bring("old", n)));
        let merges = Content::Merges { into: user("full"), into_id: "full".into(), stamp: Default::default() };
        both.old.handle(letter("old", 1, 1, "old", merges), START, RETENTION_MS);
        let absorb = both.hand_on(START);
        (both, absorb)
    }

    fn bring(&mut self, to: &str, n: u128) -> Vec<UserEffect> {
        let brings = Content::Brings(Nested(Contribution { devices: 1, events: 1, ..Contribution::default() }));
        let user = if to == "old" { &mut self.old } else { &mut self.full };
        user.handle(letter(to, n, 1, to, brings), START, RETENTION_MS)
    }

    fn hand_on(&mut self, now_ms: u64) -> Absorb {
        let mut effects = self.old.handle(UserInput::Wake, now_ms, RETENTION_MS);
        let Some(UserEffect::HandOn { absorb, .. }) = effects.pop() else { panic!("nothing is handed on") };
        absorb
    }

    fn absorb(&mut self, absorb: &Absorb) -> Vec<UserEffect> {
        self.full.handle(UserInput::Absorb(absorb.clone()), START, RETENTION_MS)
    }

    fn devices(&self) -> (usize, usize) {
        (self.old.profile().devices as usize, self.full.profile().devices as usize)
    }
}

const TAKEN: [UserEffect; 1] = [UserEffect::Answer(Answer::Taken(None))];

#[test]
fn who_comes_to_a_user_while_it_becomes_another_finds_room_there() {
    let (mut both, absorb) = Merging::new(USER_VISITORS_MAX as u128 - 2);
    assert_eq!(both.absorb(&absorb), TAKEN);
    // Nobody knows yet that this was taken, and the other one is full by now.
    (0..USER_LATE_VISITORS_MAX as u128 + 1).for_each(|n| drop(both.bring("old", 1_000 + n)));
    let again = both.hand_on(START + MINUTE);
    assert_eq!(both.absorb(&again), [UserEffect::Answer(Answer::Later)], "one too many waits");
    both.old.handle(UserInput::AbsorbWaits, START, RETENTION_MS);
    both.old.handle(letter("old", 1_000, 2, "old", Content::Withdraws), START, RETENTION_MS);
    let again = both.hand_on(START + HOUR);
    assert_eq!(both.absorb(&again), TAKEN);
    both.old.handle(UserInput::Absorbed { handed: User::handed(&again), refused: None }, START, RETENTION_MS);
    let all = USER_VISITORS_MAX + USER_LATE_VISITORS_MAX;
    assert_eq!(both.devices(), (0, all), "each counts once");
    assert!(matches!(both.bring("full", 800)[..], [UserEffect::Answer(Answer::Refused(_))]));
    // As many as came late have to be gone, and one more, before there is room for another.
    let gone = |at: usize| vec![(again.linked[at].member, Telling::Gone)];
    for at in 0..=USER_LATE_VISITORS_MAX {
        both.full.handle(UserInput::Told(gone(at)), START, RETENTION_MS);
    }
    assert!(matches!(both.bring("full", 801)[..], [UserEffect::Answer(Answer::Taken(_))]));
    let view = serde_json::to_value(both.full.view()).unwrap();
    assert_eq!((both.devices().1, view["visitors"].as_array().unwrap().len()), (all + 1, USER_VISITORS_MAX));
}

#[test]
fn who_was_folded_together_with_others_does_not_come_back_with_what_is_handed_on_again() {
    let (mut both, absorb) = Merging::new(USER_VISITORS_MAX as u128 - 2);
    assert_eq!(both.absorb(&absorb), TAKEN);
    let member = absorb.linked[0].member;
    both.full.handle(UserInput::Told(vec![(member, Telling::Gone)]), START, RETENTION_MS);
    assert!(matches!(both.bring("full", 800)[..], [UserEffect::Answer(Answer::Taken(_))]), "it makes room");
    assert_eq!(both.devices().1, USER_VISITORS_MAX + 1);
    // What was handed on was never reported.
    let again = both.hand_on(START + MINUTE);
    assert_eq!((both.absorb(&again), both.devices().1), (TAKEN.to_vec(), USER_VISITORS_MAX + 1));
}

#[test]
fn what_is_handed_on_again_is_taken_by_whom_the_other_has_become() {
    let (mut both, absorb) = Merging::new(1);
    assert_eq!(both.absorb(&absorb), TAKEN);
    // The other one becomes a third, which is full.
    let mut third = User::new(demo(), user("third"));
    let merges = Content::Merges { into: user("third"), into_id: "third".into(), stamp: Default::default() };
    both.full.handle(letter("full", 2, 1, "full", merges), START, RETENTION_MS);
    let mut effects = both.full.handle(UserInput::Wake, START, RETENTION_MS);
    let Some(UserEffect::HandOn { absorb: on, .. }) = effects.pop() else { panic!("it hands on") };
    assert_eq!(third.handle(UserInput::Absorb(on.clone()), START, RETENTION_MS), TAKEN);
    both.full.handle(UserInput::Absorbed { handed: User::handed(&on), refused: None }, START, RETENTION_MS);
    for n in 0..USER_VISITORS_MAX as u128 {
        let brings = Content::Brings(Nested(Contribution { devices: 1, events: 1, ..Contribution::default() }));
        third.handle(letter("third", n, 2, "third", brings), START, RETENTION_MS);
    }
    assert_eq!(third.profile().devices as usize, USER_VISITORS_MAX);
    // Refused there, the first one would go on as itself with visitors that count already.
    both.bring("old", 950);
    let mut again = both.hand_on(START + MINUTE);
    let answer = both.absorb(&again);
    assert_eq!(answer, [UserEffect::Answer(Answer::ForwardAgain(user("third")))]);
    let [UserEffect::Answer(answer)] = &answer[..] else { unreachable!() };
    assert_eq!(again.goes_on(user("full"), answer), Some(user("third")));
    assert_eq!(third.handle(UserInput::Absorb(again.clone()), START, RETENTION_MS), TAKEN);
    both.old.handle(UserInput::Absorbed { handed: User::handed(&again), refused: None }, START, RETENTION_MS);
    assert_eq!((both.devices().0, third.profile().devices as usize), (0, USER_VISITORS_MAX + 1));
}

#[test]
fn what_is_left_out_is_the_same_in_any_order_and_small_visitors_bring_all() {
    let mut random = StdRng::seed_from_u64(5);
    let small = Contribution { devices: 1, events: 3, ..Contribution::default() };
    let mut letters: Vec<UserInput> = (0..8)
        .map(|n| {
            let full = brings(&mut random, n % 2 == 0);
            letter("u", n, 1, "u", Content::Brings(Nested(if n == 7 { small.clone() } else { full })))
        })
        .collect();
    let mut seen: Option<(Value, Value)> = None;
    for _ in 0..3 {
        letters.shuffle(&mut random);
        let mut machine = User::new(demo(), user("u"));
        for letter in letters.iter().chain(&letters) {
            let effects = machine.handle(letter.clone(), START, RETENTION_MS);
            assert!(matches!(effects[..], [UserEffect::Answer(_)]));
        }
        let view = serde_json::to_value(machine.view()).unwrap();
        let now = (view["profile"].clone(), view["left_out"].clone());
        assert_eq!(seen.get_or_insert_with(|| now.clone()), &now);
    }
    let mut machine = User::new(demo(), user("u"));
    machine.handle(letter("u", 7, 1, "u", Content::Brings(Nested(small))), START, RETENTION_MS);
    assert_eq!(serde_json::to_value(machine.view()).unwrap()["left_out"], json!(0));
}
