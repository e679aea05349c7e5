//! Merges that cross: reports that do not come, words of the store that contradict each other on the way, late copies.

use crate::sim::{HOUR, MINUTE};
use crate::world::*;
use footfall::engine::user::{Answer, Content, Letter, Member, Refusal, User, UserEffect, UserInput};
use footfall_protocol::limits::USER_VISITORS_MAX;
use serde_json::json;
use uuid::Uuid;

/// From the only life of that visitor, to a user.
fn letter(of: &str, n: u128, content: Content) -> UserInput {
    let member = Member { visitor: Uuid::from_u128(n), incarnation: Uuid::from_u128(!n) };
    UserInput::Letter(Letter { member, version: 1, user: user(of), user_id: of.into(), content })
}

fn brings() -> Content {
    Content::Brings(Default::default())
}

fn merges(into: &str, at_ms: u64) -> Content {
    let stamp = serde_json::from_value(json!({"at_ms": at_ms, "tie": 0})).unwrap();
    Content::Merges { into: user(into), into_id: into.into(), stamp }
}

#[test]
fn a_user_that_was_taken_by_another_is_not_refused_for_what_that_one_is_told_later() {
    let mut world = World::new(plain);
    // "x" is "b", which is "c", and "a" has become "x", and so "c", but does not know it yet.
    for (at_ms, of, into) in [(1, "x", "b"), (2, "b", "c")] {
        world.tell_user(user(of), letter(of, 10, merges(into, at_ms)));
        world.tell_user(user(of), letter(of, 2, brings()));
        world.pass(MINUTE);
    }
    world.tell_user(user("a"), letter("a", 1, brings()));
    world.tell_user(user("a"), letter("a", 11, merges("x", 2)));
    let effects = world.tell_user(user("a"), UserInput::Wake);
    let Some(UserEffect::HandOn { absorb, .. }) = effects.last() else { panic!("{effects:?}") };
    let mut absorb = absorb.clone();
    for (at, next) in [("x", "b"), ("b", "c")] {
        let answer = Answer::Forward(user(next));
        assert_eq!(world.tell_user(user(at), UserInput::Absorb(absorb.clone())), [UserEffect::Answer(answer.clone())]);
        absorb.goes_on(user(at), &answer);
    }
    // The store says that "c" is "x", which is a circle. Before that is refused, "a" hands on, and once more.
    let taken = [UserEffect::Answer(Answer::Taken(None))];
    for told_ms in [3, 4] {
        world.tell_user(user("c"), letter("c", 12, merges("x", told_ms)));
        assert_eq!(world.view("c")["merged_into"]["user_id"], json!("x"));
        assert_eq!(world.tell_user(user("c"), UserInput::Absorb(absorb.clone())), taken);
        assert_eq!(world.view("c")["merged_into"], json!(null));
    }
    // A report of a word that is none any more changes nothing about the next one.
    let refused = UserInput::Absorbed { handed: User::handed(&absorb), refused: Some(Refusal::Circle) };
    world.tell_user(user("c"), letter("c", 13, merges("d", 5)));
    world.tell_user(user("c"), refused);
    assert_eq!(world.view("c")["merged_into"]["user_id"], json!("d"));
    world.pass(HOUR);
    let devices = |of: &str| world.view(of)["visitors"].as_array().unwrap().len();
    assert_eq!(["a", "b", "c", "d"].map(devices), [0, 0, 0, 2]);
}

#[test]
fn of_two_that_are_each_on_their_way_into_the_other_one_goes_on_also_when_there_is_no_room() {
    let hand_on = |world: &mut World, of: &str| match world.tell_user(user(of), UserInput::Wake).pop() {
        Some(UserEffect::HandOn { absorb, .. }) => absorb,
        other => panic!("{other:?}"),
    };
    let (taken, circle) = (Answer::Taken(None), Answer::Refused(Refusal::Circle));
    for small_is_taken_first in [true, false] {
        let mut world = World::new(plain);
        let tell = |world: &mut World, of: &str, input| match world.tell_user(user(of), input).pop() {
            Some(UserEffect::Answer(answer)) => answer,
            other => panic!("{other:?}"),
        };
        for n in 1..USER_VISITORS_MAX {
            world.tell_user(user("big"), letter("big", n as u128, brings()));
        }
        world.tell_user(user("small"), letter("small", 901, brings()));
        world.tell_user(user("small"), letter("small", 910, merges("big", 1)));
        let small = hand_on(&mut world, "small");
        if small_is_taken_first {
            assert_eq!(tell(&mut world, "big", UserInput::Absorb(small)), taken);
            // "small" does not know yet that it has become "big", which can no longer become "small".
            assert_eq!(tell(&mut world, "big", letter("big", 911, merges("small", 2))), circle);
        } else {
            // The later word would win, but there is no room for it: the earlier one goes on.
            world.tell_user(user("small"), letter("small", 902, brings()));
            world.tell_user(user("big"), letter("big", 911, merges("small", 2)));
            let big = hand_on(&mut world, "big");
            let refused = Answer::Refused(Refusal::TooManyVisitors);
            assert_eq!(tell(&mut world, "small", UserInput::Absorb(big.clone())), refused);
            assert_eq!(world.view("small")["merged_into"]["user_id"], json!("big"));
            let report = UserInput::Absorbed { handed: User::handed(&big), refused: Some(Refusal::TooManyVisitors) };
            world.tell_user(user("big"), report);
        }
        world.pass(HOUR);
        let devices = |of: &str| world.view(of)["visitors"].as_array().unwrap().len();
        let expected = if small_is_taken_first { [USER_VISITORS_MAX, 0] } else { [USER_VISITORS_MAX - 1, 2] };
        assert_eq!(["big", "small"].map(devices), expected, "{small_is_taken_first}: nobody counts twice");
    }
}

#[test]
fn a_device_is_told_of_its_user_also_when_a_copy_of_its_letter_went_on_to_the_other_one() {
    let mut world = World::new(plain);
    world.tell_user(user("new"), letter("new", 2, brings()));
    world.tell_user(user("old"), letter("old", 3, Content::Claims));
    world.tell_user(user("old"), letter("old", 9, merges("new", 0)));
    let effects = world.tell_user(user("old"), UserInput::Wake);
    let Some(UserEffect::HandOn { absorb, .. }) = effects.last() else { panic!("{effects:?}") };
    world.tell_user(user("new"), UserInput::Absorb(absorb.clone()));
    // It is answered by the old user; a copy of its letter is answered by the new one, but nobody hears that.
    let answered = world.tell_user(user("old"), letter("old", 1, brings()));
    assert!(matches!(answered[..], [UserEffect::Answer(Answer::Taken(Some(_)))]));
    world.tell_user(user("old"), UserInput::Absorbed { handed: User::handed(absorb), refused: None });
    world.tell_user(user("new"), letter("old", 1, brings()));
    world.now_ms += MINUTE;
    let effects = world.tell_user(user("old"), UserInput::Wake);
    let Some(UserEffect::HandOn { absorb, .. }) = effects.last() else { panic!("{effects:?}") };
    world.tell_user(user("new"), UserInput::Absorb(absorb.clone()));
    let told = world.tell_user(user("new"), UserInput::Wake);
    let hears = |effect: &UserEffect| matches!(effect, UserEffect::Tell(member, _) if member.visitor.as_u128() == 1);
    assert!(told.iter().any(hears), "{told:?}");
}

#[test]
fn a_user_that_has_become_another_over_a_third_wins_over_the_word_that_the_other_is_it() {
    let mut world = World::new(plain);
    let taken = Answer::Taken(None);
    world.tell_user(user("x"), letter("x", 1, brings()));
    world.tell_user(user("x"), letter("x", 10, merges("y", 1)));
    let effects = world.tell_user(user("x"), UserInput::Wake);
    let Some(UserEffect::HandOn { absorb, .. }) = effects.last() else { panic!("{effects:?}") };
    let mut absorb = absorb.clone();
    assert_eq!(world.tell_user(user("y"), UserInput::Absorb(absorb.clone())), [UserEffect::Answer(taken.clone())]);
    // "y" becomes "z", which has not heard of "x" by name and is told to become it, before "x" hands on once more.
    world.tell_user(user("y"), letter("y", 11, merges("z", 2)));
    let effects = world.tell_user(user("y"), UserInput::Wake);
    let Some(UserEffect::HandOn { to, absorb: on }) = effects.last() else { panic!("{effects:?}") };
    world.hand_on(user("y"), *to, on.clone());
    world.tell_user(user("z"), letter("z", 12, merges("x", 3)));
    let answer = Answer::ForwardAgain(user("z"));
    assert_eq!(world.tell_user(user("y"), UserInput::Absorb(absorb.clone())), [UserEffect::Answer(answer.clone())]);
    absorb.goes_on(user("y"), &answer);
    assert_eq!(world.tell_user(user("z"), UserInput::Absorb(absorb)), [UserEffect::Answer(taken)]);
    assert_eq!(world.view("z")["merged_into"], json!(null));
    world.pass(HOUR);
    let devices = |of: &str| world.view(of)["visitors"].as_array().unwrap().len();
    assert_eq!(["x", "y", "z"].map(devices), [0, 0, 1]);
}
