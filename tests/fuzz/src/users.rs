//! Users: damaged bytes as what is stored of them and sent between them, and lives of a few of them, made by choices.

mod device;
mod lives;

use super::bytes::Bytes;
use super::snapshot::damage;
use footfall::engine::user::{Absorb, Answer, Content, Letter, Member, Told, User, UserEffect, UserInput};
use footfall_protocol::ids::SiteId;
use footfall_protocol::limits::USER_BYTES_MAX;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::OnceLock;
use uuid::Uuid;

/// 2026-11-21T10:00:00Z.
const START_MS: u64 = 1_795_255_200_000;
/// That of the site.
const RETENTION_MS: u64 = 30 * 24 * 3_600_000;

/// Messages that are read from bytes, each with its kind.
type Messages = Vec<(usize, Vec<u8>)>;

/// The first byte says what the rest is: bytes as they come, damage to good ones, or the choices of lives.
///
/// # Panics
/// When something is wrong with the engine.
pub fn check(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let mut bytes = Bytes::new(rest);
    match first % 8 {
        0 => load(rest),
        1 => take(usize::from(first / 8), rest),
        2 => load(&damaged(good().0.snapshot(), &mut bytes)),
        3 => {
            let at = bytes.below(good().1.len());
            take(good().1[at].0, &damaged(good().1[at].1.clone(), &mut bytes));
        }
        _ => lives::check(&mut bytes),
    }
}

fn demo() -> SiteId {
    SiteId::parse("demo").unwrap()
}

fn damaged(mut row: Vec<u8>, bytes: &mut Bytes) -> Vec<u8> {
    for _ in 0..1 + bytes.below(8) {
        damage(&mut row, bytes);
    }
    row
}

/// Bytes as a stored user: what can be read is written as it was read, and goes on like any other.
fn load(stored: &[u8]) {
    let Ok(user) = User::load(stored) else { return };
    assert_is_written_well(&user);
    for (kind, message) in &good().1 {
        hand(*kind, message, user.clone());
    }
    let mut user = user;
    for after_ms in [0, 120_000, RETENTION_MS] {
        user.handle(UserInput::Wake, START_MS + after_ms, RETENTION_MS);
        assert_is_written_well(&user);
    }
}

/// Bytes as one of the messages that are read from bytes, to a user of whom something is known.
fn take(kind: usize, message: &[u8]) {
    hand(kind, message, good().0.clone());
}

fn hand(kind: usize, message: &[u8], mut user: User) {
    let handed = || User::handed(&postcard::from_bytes(&good().1[0].1).unwrap());
    let input = match kind % 4 {
        0 => read::<Letter>(message).map(UserInput::Letter),
        1 => read::<Absorb>(message).map(UserInput::Absorb),
        2 => {
            drop(read::<(Uuid, Told)>(message));
            None
        }
        _ => read::<Answer>(message).map(|answer| match answer {
            Answer::Refused(why) => UserInput::Absorbed { handed: handed(), refused: Some(why) },
            Answer::Later => UserInput::AbsorbWaits,
            Answer::Taken(_) | Answer::Forward(_) | Answer::ForwardAgain(_) => {
                UserInput::Absorbed { handed: handed(), refused: None }
            }
        }),
    };
    let Some(input) = input else { return };
    user.handle(input.clone(), START_MS, RETENTION_MS);
    assert_is_written_well(&user);
    assert!(user.snapshot().len() <= USER_BYTES_MAX + message.len());
    for _ in 0..2 {
        let at_ms = user.next_wake(RETENTION_MS).unwrap_or(START_MS);
        for effect in user.handle(UserInput::Wake, at_ms, RETENTION_MS) {
            if let UserEffect::HandOn { absorb, .. } = effect {
                let handed = User::handed(&absorb);
                user.handle(UserInput::Absorbed { handed, refused: None }, at_ms, RETENTION_MS);
            }
        }
        assert_is_written_well(&user);
    }
}

/// What is read is written the same.
fn read<T: Serialize + DeserializeOwned>(message: &[u8]) -> Option<T> {
    let read: T = postcard::from_bytes(message).ok()?;
    let written = postcard::to_allocvec(&read).unwrap();
    let again: T = postcard::from_bytes(&written).unwrap();
    assert!(postcard::to_allocvec(&again).unwrap() == written, "what was read is written well");
    Some(read)
}

fn assert_is_written_well(user: &User) {
    let stored = user.snapshot();
    let loaded = User::load(&stored).unwrap();
    assert!(loaded.snapshot() == stored, "what is stored is the whole user");
    assert!(loaded.next_wake(RETENTION_MS) == user.next_wake(RETENTION_MS));
    drop(serde_json::to_string(&user.view()).unwrap());
}

/// A user with something in every field, and messages of every kind.
fn good() -> &'static (User, Messages) {
    static GOOD: OnceLock<(User, Messages)> = OnceLock::new();
    GOOD.get_or_init(|| {
        let id = |n: u128| Uuid::from_u128(n);
        let letter = |n: u128, version, user, content| Letter {
            member: Member { visitor: id(n), incarnation: id(!n) },
            version,
            user: id(user),
            user_id: format!("u{user}"),
            content,
        };
        let brings = |n: u64| Content::Brings(device::Facts::made(n).contribution());
        let merges = Content::Merges { into: id(200), into_id: "u200".into(), stamp: device::stamp(START_MS, 1) };
        let mut user = User::new(demo(), id(100));
        let mut old = User::new(demo(), id(101));
        for (at, content) in [(1, brings(1)), (2, brings(2)), (3, Content::Claims), (4, Content::Withdraws)] {
            user.handle(UserInput::Letter(letter(at, 1, 100, content)), START_MS, RETENTION_MS);
        }
        for (at, content) in [(5, brings(3)), (6, Content::Claims), (7, Content::Withdraws)] {
            old.handle(UserInput::Letter(letter(at, 1, 101, content)), START_MS, RETENTION_MS);
        }
        let into = Content::Merges { into: id(100), into_id: "u100".into(), stamp: device::stamp(START_MS, 0) };
        old.handle(UserInput::Letter(letter(9, 1, 101, into)), START_MS, RETENTION_MS);
        let mut messages = Messages::new();
        for effect in old.handle(UserInput::Wake, START_MS, RETENTION_MS) {
            if let UserEffect::HandOn { absorb, .. } = effect {
                messages.push((1, postcard::to_allocvec(&absorb).unwrap()));
                user.handle(UserInput::Absorb(absorb), START_MS, RETENTION_MS);
            }
        }
        for content in [brings(4), Content::Claims, Content::Withdraws, Content::Forgets, merges] {
            messages.push((0, postcard::to_allocvec(&letter(1, 2, 100, content.clone())).unwrap()));
        }
        for effect in user.handle(UserInput::Wake, START_MS + 2_000, RETENTION_MS) {
            if let UserEffect::Tell(member, told) = effect {
                messages.push((2, postcard::to_allocvec(&(member.incarnation, &told)).unwrap()));
                messages.push((3, postcard::to_allocvec(&Answer::Taken(Some(Box::new(told.clone())))).unwrap()));
            }
        }
        (user, messages)
    })
}
