//! Rules and a life, both made by choices: its records fold to what it is, at every time.

use super::bytes::Bytes;
use super::events;
use super::transitions::{settings, site};
use footfall::engine::user::{Answer, Telling, User, UserEffect, UserInput};
use footfall::engine::{Config, DryRun, Input};
use footfall_protocol::ids::{Foreign, SiteId, visitor_of};
use footfall_protocol::record::RecordKind;
use footfall_simulator::{START, Sim};
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Inputs of one life.
const STEPS_MAX: usize = 48;
/// That of users' objects.
const RETENTION_MS: u64 = 30 * 24 * 3_600_000;

/// The first bytes are the choices of the rules, the rest those of the life.
///
/// # Panics
/// When something is wrong with the engine.
pub fn check(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let mut life = Life::new(&mut bytes);
    for _ in 0..STEPS_MAX {
        if bytes.is_empty() {
            break;
        }
        life.step(&mut bytes);
    }
    life.compare();
}

fn demo() -> SiteId {
    SiteId::parse("demo").unwrap()
}

struct Life {
    sim: Sim,
    users: BTreeMap<Uuid, User>,
    sent: usize,
    /// Letters to users; some do not arrive.
    written: usize,
}

impl Life {
    fn new(bytes: &mut Bytes) -> Self {
        let (rules, settings) = (site(bytes), settings(bytes));
        // A visitor that nobody calls otherwise than by a user's id, whom an alias makes another one.
        let ids = [Uuid::from_u128(7), visitor_of(&demo(), Foreign::User, "u").unwrap()];
        let mut sim = Sim::at(Config { settings, rules, version: 1 }, START, bytes.pick(&ids));
        (sim.keeps_letters, sim.evicts) = (true, bytes.once_in(4));
        Self { sim, users: BTreeMap::new(), sent: 0, written: 0 }
    }

    fn step(&mut self, bytes: &mut Bytes) {
        match bytes.below(16) {
            8 | 9 => self.pass(u64::from(bytes.byte()) * 500),
            10 => self.pass(u64::from(bytes.byte()) * 60_000),
            11 => {
                let (tab, visible) = (events::tab(bytes), !bytes.once_in(4));
                // What a page does of which nothing is known is not recorded.
                if !self.sim.made.is_empty() {
                    self.input(Input::Connect { tab, cursor: None, visible, inspect: false });
                }
            }
            12 => {
                let tab = events::tab(bytes);
                self.input(Input::Disconnect { tab });
            }
            // The platform rings late: what was due comes with the next wake or input.
            13 => self.sim.now_ms += u64::from(bytes.byte()) * 10,
            14 if bytes.once_in(4) => self.input(Input::Withdraw),
            14 => self.rehearse(1 + u64::from(bytes.byte()) * 60_000),
            15 => self.compare(),
            _ => {
                let delivery = events::delivery(bytes, &mut self.sent);
                self.input(Input::Events(delivery));
            }
        }
    }

    fn pass(&mut self, ms: u64) {
        let end_ms = self.sim.now_ms + ms;
        loop {
            let tell_ms = self.users.values().filter_map(|user| user.next_wake(RETENTION_MS)).min();
            match tell_ms.filter(|at_ms| *at_ms <= end_ms) {
                Some(at_ms) => {
                    self.live_until(at_ms);
                    self.wake_users();
                }
                None => break,
            }
        }
        self.live_until(end_ms);
    }

    fn live_until(&mut self, end_ms: u64) {
        let end_ms = end_ms.max(self.sim.now_ms);
        loop {
            let wake = self.sim.visitor.next_wake(&self.sim.config).filter(|wake| wake.at_ms <= end_ms);
            let Some(wake) = wake else { break };
            self.sim.now_ms = self.sim.now_ms.max(wake.at_ms);
            self.input(Input::Wake);
        }
        self.sim.now_ms = end_ms;
    }

    /// A dry run of nothing but time shows what is going to be, and changes nothing.
    fn rehearse(&mut self, ms: u64) {
        self.pass(0);
        let asked = serde_json::from_value(json!({"pass": format!("{ms}ms")})).unwrap();
        let before = self.sim.visitor.snapshot();
        let shown = DryRun::parse(&asked).unwrap().run(&self.sim.visitor, self.sim.now_ms, &self.sim.config);
        assert!(self.sim.visitor.snapshot() == before, "a dry run changes nothing");
        let (life, made) = (self.sim.visitor.incarnation(), self.sim.made.len());
        self.live_until(self.sim.now_ms + ms);
        let shown = serde_json::to_value(shown).unwrap();
        // In thought nothing is told of the user.
        let other = self.sim.visitor.incarnation() != life || self.sim.config.rules.reads_user();
        if other || shown["complete"] != true {
            return;
        }
        let mut view = serde_json::to_value(self.sim.visitor.inspection(self.sim.now_ms, &self.sim.config)).unwrap();
        let mut foreseen = shown["view"].clone();
        for view in [&mut view, &mut foreseen] {
            // What is delivered, and to whom, is not foreseen; what has expired is thrown away when anything comes.
            for name in ["outbox", "identity", "user", "timers"] {
                view.as_object_mut().unwrap().remove(name);
            }
            let pushes = view["pushes"].as_array_mut().unwrap();
            pushes.retain(|push| push["expires_at_ms"].as_u64() > Some(self.sim.now_ms));
        }
        assert!(view == foreseen, "it became\n  {view}\nand was to become\n  {foreseen}");
        let fired = self.sim.made[made.min(self.sim.made.len())..].iter();
        let fired = fired.filter(|record| record.kind == RecordKind::TriggerFired).count();
        assert_eq!(shown["fired"].as_array().map(Vec::len), Some(fired));
    }

    fn wake_users(&mut self) {
        for id in self.users.keys().copied().collect::<Vec<_>>() {
            for effect in self.tell_user(id, UserInput::Wake) {
                match effect {
                    UserEffect::Tell(member, told) => {
                        let version = told.version;
                        self.input(Input::UserTold { incarnation: Some(member.incarnation), told });
                        self.tell_user(id, UserInput::Told(vec![(member, Telling::Knows(version))]));
                    }
                    // Merges have a target of their own: here the other user's object does not answer.
                    UserEffect::HandOn { .. } => drop(self.tell_user(id, UserInput::AbsorbFailed)),
                    UserEffect::Delete => drop(self.users.remove(&id)),
                    UserEffect::Answer(answer) => panic!("{answer:?}"),
                }
            }
        }
    }

    fn tell_user(&mut self, id: Uuid, input: UserInput) -> Vec<UserEffect> {
        let user = self.users.entry(id).or_insert_with(|| User::new(demo(), id));
        user.handle(input, self.sim.now_ms, RETENTION_MS)
    }

    /// One input, with the letters that follow from it; a life that is over leaves nothing to the next one.
    fn input(&mut self, input: Input) {
        let (life, made) = (self.sim.visitor.incarnation(), self.sim.made.len());
        self.sim.input(input);
        if let Some(gone) = self.sim.erasures.pop() {
            self.sim.input(Input::Erased { lives: gone.iter().map(|gone| gone.incarnation).collect() });
        }
        if self.sim.deleted {
            self.sim.renew();
            self.sim.made.clear();
            self.sim.letters.clear();
        } else if self.sim.visitor.incarnation() != life {
            self.sim.made.drain(..made);
        }
        let letters = std::mem::take(&mut self.sim.letters);
        let Some(version) = letters.first().map(|letter| letter.version) else { return };
        self.written += letters.len();
        if self.written % 5 == 4 {
            return self.input(Input::FeedFailed { version });
        }
        let mut answers = Vec::new();
        for letter in letters {
            let Some(UserEffect::Answer(answer)) = self.tell_user(letter.user, UserInput::Letter(letter.clone())).pop()
            else {
                panic!("a letter has no answer")
            };
            answers.push((letter, if matches!(answer, Answer::Forward(_)) { Answer::Taken(None) } else { answer }));
        }
        self.input(Input::Fed { version, answers });
    }

    fn compare(&mut self) {
        self.pass(0);
        if !self.sim.made.is_empty() {
            self.sim.assert_log_tells_all("the log");
        }
    }
}
