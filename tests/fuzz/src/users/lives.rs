//! Lives of a few users and their devices, made by choices: letters that are lost, late or doubled, merges in any order
//! and in circles, erasures. Whatever happens, each device counts once, for its user, and nowhere when it is erased.

mod carrying;
mod sums;

use super::super::bytes::Bytes;
use super::device::{Device, Facts, stamp};
use super::{RETENTION_MS, START_MS, demo};
use footfall::engine::user::{Absorb, Answer, Content, Letter, Member, Refusal, User, UserInput};
use footfall_protocol::ids::{Foreign, visitor_of};
use footfall_protocol::limits::USER_VISITORS_MAX;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use uuid::Uuid;

const USERS: usize = 4;
const DEVICES: usize = 6;
const STEPS_MAX: usize = 64;
/// Lives that are erased at most: fewer than withdrawals are remembered of.
const ERASURES_MAX: u128 = 8;
/// Letters that may come once more.
const LATE_MAX: usize = 32;
/// The first device's visitor.
const FIRST: u128 = 0x00de_ed00_0000_0000_0000_0000_0000_0001;

/// What is handed on: from whom, the message as it is by now, and what it was answered.
struct Errand {
    from: Uuid,
    to: Uuid,
    absorb: Absorb,
    answer: Option<UserInput>,
}

pub(super) struct Lives {
    ids: Vec<Uuid>,
    users: BTreeMap<Uuid, User>,
    devices: Vec<Device>,
    /// Devices of the first user besides: those of them that are there.
    crowd: BTreeSet<Member>,
    crowded: u32,
    errands: Vec<Errand>,
    late: Vec<Letter>,
    erased: BTreeSet<Uuid>,
    now_ms: u64,
    facts: u64,
}

/// The first bytes say whether a user is full of devices; the rest is what happens.
pub(super) fn check(bytes: &mut Bytes) {
    let mut lives = Lives::new(bytes);
    for _ in 0..STEPS_MAX {
        if bytes.is_empty() {
            break;
        }
        lives.step(bytes);
    }
    lives.settle();
    lives.assert_that_each_counts_once();
    lives.end();
}

/// A device of the first user besides.
fn one_of_the_crowd(at: usize) -> Device {
    Device::new(1_000 + at as u128, 2_000 + at as u128)
}

/// The first user with so many devices, which is the same in every life.
fn crowd(devices: usize) -> &'static User {
    static CROWDS: [OnceLock<User>; USER_VISITORS_MAX + 1] = [const { OnceLock::new() }; USER_VISITORS_MAX + 1];
    CROWDS[devices].get_or_init(|| {
        let id = visitor_of(&demo(), Foreign::User, "u0").unwrap();
        let mut user = User::new(demo(), id);
        for at in 0..devices {
            let facts = Facts { events: 1, sessions: 1, tie: 5_000 + at as u64, ..Facts::default() };
            let member = one_of_the_crowd(at).member;
            let content = Content::Brings(facts.contribution());
            let letter = Letter { member, version: 1, user: id, user_id: "u0".into(), content };
            user.handle(UserInput::Letter(letter), START_MS, RETENTION_MS);
        }
        user
    })
}

impl Lives {
    fn new(bytes: &mut Bytes) -> Self {
        let ids = (0..USERS).map(|at| visitor_of(&demo(), Foreign::User, &format!("u{at}")).unwrap()).collect();
        let mut lives = Self {
            ids,
            users: BTreeMap::new(),
            devices: (0..DEVICES as u128).map(|at| Device::new(FIRST + at, FIRST + 1_000 + at)).collect(),
            crowd: BTreeSet::new(),
            crowded: 0,
            errands: Vec::new(),
            late: Vec::new(),
            erased: BTreeSet::new(),
            now_ms: START_MS,
            facts: 0,
        };
        if bytes.once_in(8) {
            let crowded = USER_VISITORS_MAX - bytes.below(3);
            let gone = bytes.below(4);
            lives.users.insert(lives.ids[0], crowd(crowded).clone());
            lives.crowd = (gone..crowded).map(|at| one_of_the_crowd(at).member).collect();
            lives.crowded = u32::try_from(crowded).unwrap();
        }
        lives
    }

    fn step(&mut self, bytes: &mut Bytes) {
        match bytes.below(16) {
            0..5 => self.say(bytes),
            5 => self.write(bytes.below(DEVICES), bytes),
            6 | 7 => {
                if let Some(letter) = self.late.get(bytes.below(self.late.len())).cloned() {
                    self.deliver(&letter);
                }
            }
            8 | 9 => {
                let (from, into) = (bytes.below(USERS), bytes.below(USERS));
                self.merge(from, into, START_MS + u64::from(bytes.byte()));
            }
            10 => self.erase(bytes.below(DEVICES)),
            11 | 12 => self.wait(u64::from(bytes.byte()) * 1_000, bytes),
            13 => self.wait(u64::from(bytes.byte()) * 60_000, bytes),
            14 => {
                let id = self.ids[bytes.below(USERS)];
                self.wake(id, bytes);
            }
            _ => {
                if !self.errands.is_empty() {
                    let at = bytes.below(self.errands.len());
                    self.go_on(at, bytes);
                }
            }
        }
    }

    /// A device does something, or is said to be somebody.
    fn say(&mut self, bytes: &mut Bytes) {
        let at = bytes.below(DEVICES);
        let device = &mut self.devices[at];
        if device.said.is_none() || bytes.once_in(3) {
            let said = Some((bytes.below(USERS), !bytes.once_in(4)));
            if device.said != said {
                (device.said, device.told) = (said, None);
            }
        }
        // All that is said has a time of its own.
        self.facts += 1;
        let (at_ms, facts) = (1_000 + self.facts, &mut device.facts);
        facts.tie = at as u64;
        facts.events += 1 + u32::from(bytes.byte() % 4);
        facts.sessions += u32::from(bytes.once_in(2));
        match bytes.below(6) {
            0 | 1 => {
                let key = bytes.below(5) as u64;
                if facts.orders.iter().all(|(known, ..)| *known != key) {
                    facts.orders.push((key, at_ms, i64::from(bytes.byte())));
                }
            }
            2 | 3 => {
                let name = bytes.byte() % 5;
                facts.traits.retain(|(known, ..)| *known != name);
                facts.traits.push((name, at_ms, (!bytes.once_in(4)).then_some(at_ms)));
                facts.traits.sort_unstable();
            }
            4 => facts.bulk = bytes.below(40),
            _ => {}
        }
        device.due = true;
        if !bytes.once_in(4) {
            self.write(at, bytes);
        }
    }

    /// A device writes its letters, as the engine of visitors does. Some are lost, and some come twice.
    fn write(&mut self, at: usize, bytes: &mut Bytes) {
        let device = &mut self.devices[at];
        let Some((own, attested)) = device.said.filter(|_| device.due) else { return };
        device.version += 1;
        let (member, version) = (device.member, device.version);
        let letter = |user, user_id, content| Letter { member, version, user, user_id, content };
        let mut letters: Vec<Letter> = Vec::new();
        for user in device.fed.iter().filter(|user| **user != own) {
            letters.push(letter(self.ids[*user], String::new(), Content::Withdraws));
        }
        if !device.fed.contains(&own) {
            device.fed.push(own);
        }
        let content = if attested { Content::Brings(device.facts.contribution()) } else { Content::Claims };
        letters.push(letter(self.ids[own], format!("u{own}"), content));
        for letter in letters {
            self.late.push(letter.clone());
            self.late.drain(..self.late.len().saturating_sub(LATE_MAX));
            let fate = bytes.below(8);
            if fate == 7 {
                return;
            }
            let answer = self.deliver(&letter);
            if fate == 6 {
                return;
            }
            let device = &mut self.devices[at];
            match (&letter.content, answer) {
                (Content::Withdraws, _) => device.fed.retain(|user| self.ids[*user] != letter.user),
                (Content::Brings(_), Answer::Refused(why)) => {
                    assert!(why == Refusal::TooManyVisitors, "{why:?}");
                    device.refused = true;
                }
                (Content::Brings(_), Answer::Taken(Some(told))) => {
                    device.refused = false;
                    device.hear(*told, &self.ids);
                }
                (Content::Claims, Answer::Taken(None)) => device.refused = false,
                (content, answer) => panic!("{content:?} was answered {answer:?}"),
            }
        }
        self.devices[at].due = false;
    }

    fn merge(&mut self, from: usize, into: usize, at_ms: u64) {
        let content =
            Content::Merges { into: self.ids[into], into_id: format!("u{into}"), stamp: stamp(at_ms, from as u64) };
        // The visitor that the user's own server speaks for.
        let member = Member { visitor: self.ids[from], incarnation: Uuid::from_u128(from as u128) };
        self.deliver(&Letter { member, version: 1, user: self.ids[from], user_id: String::new(), content });
    }

    /// A device is erased: its life is remembered, and every user that may hold something of it forgets it.
    fn erase(&mut self, at: usize) {
        if self.erased.len() as u128 >= ERASURES_MAX {
            return;
        }
        let life = FIRST + 2_000 + self.erased.len() as u128;
        let next = Device::new(self.devices[at].member.visitor.as_u128(), life);
        let Device { member, fed, .. } = std::mem::replace(&mut self.devices[at], next);
        self.erased.insert(member.incarnation);
        for user in fed {
            let user = self.ids[user];
            self.deliver(&Letter {
                member,
                version: u64::MAX,
                user,
                user_id: String::new(),
                content: Content::Forgets,
            });
        }
    }

    /// Lets time pass; everybody is woken when they asked for it.
    fn wait(&mut self, ms: u64, bytes: &mut Bytes) {
        let end_ms = self.now_ms + ms;
        for wakes in 0.. {
            let wakes_ms = self.users.iter().filter_map(|(id, user)| Some((user.next_wake(RETENTION_MS)?, *id)));
            let Some((at_ms, id)) = wakes_ms.min().filter(|(at_ms, _)| *at_ms <= end_ms) else { break };
            assert!(wakes < 20_000, "it asks for ever to be woken");
            self.now_ms = at_ms.max(self.now_ms);
            self.wake(id, bytes);
        }
        self.now_ms = end_ms;
    }

    /// Nothing is lost any more, until nobody has anything to say.
    fn settle(&mut self) {
        let calm = &mut Bytes::new(&[]);
        for _ in 0..3 {
            while !self.errands.is_empty() {
                self.go_on(0, calm);
            }
            (0..DEVICES).for_each(|at| self.write(at, calm));
            self.wait(3_600_000, calm);
        }
    }

    /// Nobody writes any more: in the end every user is deleted.
    fn end(&mut self) {
        self.wait(RETENTION_MS + 3_600_000, &mut Bytes::new(&[]));
        assert!(self.users.is_empty(), "a user of whom nobody writes is deleted");
    }
}
