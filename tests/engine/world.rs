//! A small world of visitors and their users: both machines, with letters that a test carries, loses or doubles.

use crate::sim::{HOUR, START, Sim, config};
use footfall::engine::user::{Absorb, Answer, Letter, Member, Telling, Told, User, UserEffect, UserInput};
use footfall::engine::{Config, Input, Visitor};
use footfall_protocol::event::Authority;
use footfall_protocol::ids::{Foreign, SiteId, visitor_of};
use footfall_protocol::limits::USER_FORWARDS_MAX;
use footfall_protocol::record::RecordKind;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

pub(crate) const RETENTION_MS: u64 = 30 * 24 * HOUR;

pub(crate) fn demo() -> SiteId {
    SiteId::parse("demo").unwrap()
}

pub(crate) fn user(id: &str) -> Uuid {
    visitor_of(&demo(), Foreign::User, id).unwrap()
}

/// Some visitors and their users, with a clock of their own.
pub(crate) struct World {
    pub(crate) visitors: BTreeMap<Uuid, Sim>,
    pub(crate) users: BTreeMap<Uuid, User>,
    pub(crate) now_ms: u64,
    rules: fn() -> Config,
    /// Letters and tellings that were carried, and those that are lost before they come through.
    pub(crate) carried: usize,
    pub(crate) loses: Option<StdRng>,
}

pub(crate) fn plain() -> Config {
    config(json!([]), json!([]), json!([]))
}

impl World {
    pub(crate) fn new(rules: fn() -> Config) -> Self {
        Self { visitors: BTreeMap::new(), users: BTreeMap::new(), now_ms: START, rules, carried: 0, loses: None }
    }

    pub(crate) fn visitor(&mut self, id: Uuid) -> &mut Sim {
        let (now_ms, rules, evicts) = (self.now_ms, self.rules, self.loses.is_some());
        let sim = self.visitors.entry(id).or_insert_with(|| {
            let mut sim = Sim::at(rules(), now_ms, id);
            // A life's name is like no other's.
            sim.visitor = Visitor::new(demo(), id, Uuid::from_u128(!id.as_u128()));
            (sim.keeps_letters, sim.evicts) = (true, evicts);
            sim
        });
        sim.now_ms = now_ms;
        sim
    }

    /// One event to whom its sender means; an alias also to those whom it is about.
    pub(crate) fn send(&mut self, authority: Authority, event: &Value) {
        let text = |key: &str| event[key].as_str();
        let anonymous = |id| visitor_of(&demo(), Foreign::Anonymous, id).unwrap();
        let mut to: Vec<Uuid> = text("anonymousId").map(anonymous).into_iter().collect();
        if to.is_empty() {
            to.extend(text("userId").map(user));
        }
        if let Some(previous) = text("previousId").filter(|_| authority == Authority::Source) {
            to.extend([anonymous(previous), user(previous)]);
        }
        for id in to {
            self.visitor(id).send_as(authority, vec![event.clone()]);
        }
        self.carry();
    }

    pub(crate) fn lost(&mut self) -> bool {
        self.carried += 1;
        self.loses.as_mut().is_some_and(|random| random.random_range(0..3) == 0)
    }

    /// Carries the letters that are written; some are lost, and some come twice.
    pub(crate) fn carry(&mut self) {
        for id in self.visitors.keys().copied().collect::<Vec<_>>() {
            let letters = std::mem::take(&mut self.visitors.get_mut(&id).unwrap().letters);
            let Some(version) = letters.first().map(|letter| letter.version) else { continue };
            let written = letters.len();
            let mut answers = Vec::new();
            for letter in letters {
                if self.lost() {
                    break;
                }
                let answer = self.deliver(letter.clone());
                if self.lost() {
                    // Its answer is lost, and it comes twice.
                    self.deliver(letter);
                    break;
                }
                answers.push((letter, answer));
            }
            if self.lost() {
                // The visitor's object dies before it can report.
                continue;
            }
            let input =
                if answers.len() == written { Input::Fed { version, answers } } else { Input::FeedFailed { version } };
            self.visitor(id).input(input);
        }
    }

    pub(crate) fn deliver(&mut self, letter: Letter) -> Answer {
        let mut at = letter.user;
        for _ in 0..=USER_FORWARDS_MAX {
            match self.tell_user(at, UserInput::Letter(letter.clone())).remove(0) {
                UserEffect::Answer(Answer::Forward(to)) => at = to,
                UserEffect::Answer(answer) => return answer,
                other => panic!("{other:?}"),
            }
        }
        panic!("a letter has too long a way");
    }

    pub(crate) fn tell_user(&mut self, user: Uuid, input: UserInput) -> Vec<UserEffect> {
        let machine = self.users.entry(user).or_insert_with(|| User::new(demo(), user));
        let effects = machine.handle(input, self.now_ms, RETENTION_MS);
        let loaded = User::load(&machine.snapshot()).unwrap();
        assert_eq!(&loaded, machine, "what is stored is the whole user");
        effects
    }

    pub(crate) fn wake_user(&mut self, user: Uuid) {
        for effect in self.tell_user(user, UserInput::Wake) {
            match effect {
                UserEffect::Tell(member, told) => {
                    let how = if self.lost() { Telling::Failed } else { self.hear(member, told) };
                    self.tell_user(user, UserInput::Told(vec![(member, how)]));
                }
                UserEffect::HandOn { to, absorb } => self.hand_on(user, to, absorb),
                UserEffect::Delete => drop(self.users.remove(&user)),
                UserEffect::Answer(answer) => panic!("{answer:?}"),
            }
        }
    }

    pub(crate) fn hear(&mut self, member: Member, told: Told) -> Telling {
        let Some(sim) = self.visitors.get_mut(&member.visitor) else { return Telling::Gone };
        let version = told.version;
        sim.now_ms = self.now_ms;
        sim.input(Input::UserTold { incarnation: Some(member.incarnation), told });
        Telling::Knows(version)
    }

    pub(crate) fn hand_on(&mut self, from: Uuid, to: Uuid, absorb: Absorb) {
        let handed = User::handed(&absorb);
        let (mut at, mut absorb) = (to, absorb);
        let outcome = loop {
            if self.lost() {
                break UserInput::AbsorbFailed;
            }
            let UserEffect::Answer(answer) = self.tell_user(at, UserInput::Absorb(absorb.clone())).remove(0) else {
                panic!("what is handed on has no answer")
            };
            match (absorb.goes_on(at, &answer), answer) {
                (Some(next), _) => at = next,
                (None, Answer::Refused(why)) => break UserInput::Absorbed { handed, refused: Some(why) },
                (None, Answer::Later) => break UserInput::AbsorbWaits,
                (None, _) => break UserInput::Absorbed { handed, refused: None },
            }
        };
        self.tell_user(from, outcome);
    }

    /// Lets time pass; everybody is woken when they asked for it.
    pub(crate) fn pass(&mut self, ms: u64) {
        let end_ms = self.now_ms + ms;
        loop {
            let visitors = self
                .visitors
                .iter()
                .filter_map(|(id, sim)| sim.visitor.next_wake(&sim.config).map(|wake| (wake.at_ms, 0, *id)));
            let users = self.users.iter().filter_map(|(id, user)| user.next_wake(RETENTION_MS).map(|at| (at, 1, *id)));
            let Some((at_ms, kind, id)) = visitors.chain(users).min().filter(|wake| wake.0 <= end_ms) else { break };
            self.now_ms = at_ms.max(self.now_ms);
            if kind == 0 {
                self.visitor(id).input(Input::Wake);
                self.carry();
            } else {
                self.wake_user(id);
            }
        }
        self.now_ms = end_ms;
    }

    pub(crate) fn see(&mut self, anonymous: &str, pointer: &str) -> Value {
        let id = visitor_of(&demo(), Foreign::Anonymous, anonymous).unwrap();
        self.visitor(id).see(pointer)
    }

    pub(crate) fn view(&self, id: &str) -> Value {
        serde_json::to_value(self.users[&user(id)].view()).unwrap()
    }

    pub(crate) fn records(&mut self, anonymous: &str, kind: RecordKind) -> Vec<String> {
        let id = visitor_of(&demo(), Foreign::Anonymous, anonymous).unwrap();
        self.visitor(id).made.iter().filter(|record| record.kind == kind).map(|record| record.name.clone()).collect()
    }
}

/// Every order of six.
pub(crate) fn permutations() -> Vec<[usize; 6]> {
    let mut all = Vec::new();
    let mut order = [0, 1, 2, 3, 4, 5];
    fn permute(order: &mut [usize; 6], at: usize, all: &mut Vec<[usize; 6]>) {
        if at == order.len() {
            return all.push(*order);
        }
        for next in at..order.len() {
            order.swap(at, next);
            permute(order, at + 1, all);
            order.swap(at, next);
        }
    }
    permute(&mut order, 0, &mut all);
    all
}

pub(crate) fn time(ms: u64) -> String {
    let at = chrono::DateTime::from_timestamp_millis(i64::try_from(START - HOUR + ms).unwrap()).unwrap();
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
pub(crate) fn live(events: &[Value], order: &[usize], gap_ms: u64, loses: Option<u64>) -> World {
    let mut world = World::new(plain);
    world.loses = loses.map(StdRng::seed_from_u64);
    for at in order {
        world.send(Authority::Source, &events[*at]);
        world.pass(gap_ms);
    }
    world.loses = None;
    world.pass(3 * HOUR);
    world
}
