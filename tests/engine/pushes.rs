//! Pages with cursors of their own, over random lives: each push once and in order, and one state for everybody.
//!
//! The visitor is stored and loaded after every input, sockets break without a word, and some pages have none at all.

use crate::sim::{SECOND, Sim};
use footfall::engine::To;
use footfall_protocol::limits::MAILBOX_MAX;
use footfall_protocol::message::{Cursor, Push, ServerMessage, Standing};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

const LIVES: u64 = 25;
const STEPS: usize = 150;

/// A page in one tab: what it has applied, by the rules that `client-js` goes by as well.
#[derive(Default)]
struct Page {
    tab: String,
    /// Whether messages reach it. The engine may not know yet that they do not.
    reached: bool,
    cursor: Option<Cursor>,
    applied: Vec<u64>,
    state: Option<(u64, Value)>,
}

impl Page {
    fn apply(&mut self, message: &ServerMessage) {
        match message {
            ServerMessage::Welcome { incarnation, version, state, .. } => {
                let seq = self.cursor.map_or(0, |cursor| cursor.seq);
                self.cursor = incarnation.map(|incarnation| Cursor { incarnation, seq });
                self.state = Some((*version, serde_json::to_value(state).unwrap()));
            }
            ServerMessage::State { base, version, patch } => {
                let Some((have, state)) = &mut self.state else { panic!("a patch before the welcome") };
                assert_eq!(base, have, "{}: a patch that does not fit", self.tab);
                *have = *version;
                merge(state, &serde_json::to_value(patch).unwrap());
            }
            ServerMessage::Push(push) => self.advance(push.seq),
            other => panic!("not expected: {other:?}"),
        }
    }

    fn advance(&mut self, seq: u64) {
        let cursor = self.cursor.as_mut().unwrap();
        if seq > cursor.seq {
            cursor.seq = seq;
            self.applied.push(seq);
        }
    }
}

/// JSON Merge Patch (RFC 7396).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else { return *target = patch.clone() };
    if !target.is_object() {
        *target = json!({});
    }
    let members = target.as_object_mut().unwrap();
    for (key, change) in patch {
        if change.is_null() {
            members.remove(key);
        } else {
            merge(members.entry(key).or_insert(Value::Null), change);
        }
    }
}

/// What the mailbox should have, told anew: the newest of the pushes that have not expired.
#[derive(Default)]
struct Kept(Vec<Push>);

impl Kept {
    fn post(&mut self, push: &Push) {
        self.0.retain(|kept| kept.expires_at_ms > push.at_ms);
        self.0.push(push.clone());
        let beyond = self.0.len().saturating_sub(MAILBOX_MAX);
        self.0.drain(..beyond);
    }

    fn owed(&self, seen: u64, now_ms: u64) -> Vec<u64> {
        let owed = self.0.iter().filter(|push| push.seq > seen && push.expires_at_ms > now_ms);
        owed.map(|push| push.seq).collect()
    }
}

struct Life {
    sim: Sim,
    pages: Vec<Page>,
    kept: Kept,
    heard: usize,
}

impl Life {
    fn new() -> Self {
        let push = |expires: &str| json!([{"push": {"slot": "s", "content": {"n": "{{event.properties.n}}"}, "expires": expires}}]);
        let mut sim = Sim::with_rules(json!([
            {"id": "wave", "pattern": {"event": {"name": "wave"}}, "actions": push("1h")},
            {"id": "flash", "pattern": {"event": {"name": "flash"}}, "actions": push("5s")},
        ]));
        sim.evicts = true;
        let page = |n: usize| Page { tab: format!("tab-{n}"), ..Page::default() };
        Self { sim, pages: (0..4).map(page).collect(), kept: Kept::default(), heard: 0 }
    }

    /// Hands out what was sent since the last time.
    fn hear(&mut self) {
        let sent: Vec<_> = self.sim.sent[self.heard..].to_vec();
        self.heard = self.sim.sent.len();
        for (_, to, message) in &sent {
            if let (ServerMessage::Push(push), To::Everyone) = (message, to) {
                self.kept.post(push);
            }
            for page in self.pages.iter_mut().filter(|page| page.reached) {
                if matches!(to, To::Everyone | To::Others) || *to == To::Tab(page.tab.clone()) {
                    page.apply(message);
                }
            }
        }
    }

    fn step(&mut self, random: &mut StdRng) {
        let tab = (0..self.pages.len()).collect::<Vec<_>>().choose(random).copied().unwrap();
        match random.random_range(0..10) {
            0..=4 => {
                let event = *["wave", "wave", "flash", "look"].choose(random).unwrap();
                let events = (0..random.random_range(1..4)).map(|n| json!({"event": event, "properties": {"n": n}}));
                self.sim.send_as(footfall_protocol::event::Authority::Visitor, events.collect());
            }
            5 | 6 => self.come(tab),
            7 => {
                // The socket breaks; the engine hears of it at once, later with the next hello, or never.
                self.pages[tab].reached = false;
                if random.random() {
                    self.sim.disconnect(&format!("tab-{tab}"));
                }
            }
            8 => self.ask(tab),
            _ => {
                self.sim.pass(random.random_range(1..4) * SECOND);
            }
        }
        self.hear();
    }

    /// The page opens a socket and says what it has: it is owed the rest, and nothing else.
    fn come(&mut self, tab: usize) {
        let Page { tab: name, cursor, applied, .. } = &self.pages[tab];
        let (name, cursor, before) = (name.clone(), *cursor, applied.len());
        let owed = self.kept.owed(cursor.map_or(0, |cursor| cursor.seq), self.sim.now_ms);
        self.pages[tab].reached = true;
        self.sim.connect(&name, cursor);
        self.hear();
        assert_eq!(self.pages[tab].applied[before..], owed, "{name}");
    }

    /// The page has no socket, and is told the same over HTTP.
    fn ask(&mut self, tab: usize) {
        let page = &mut self.pages[tab];
        let Some(cursor) = page.cursor.filter(|_| !page.reached) else { return };
        let standing = Standing { tab: page.tab.clone(), cursor: Some(cursor) };
        let missed = self.sim.visitor.missed(&standing, self.sim.now_ms);
        assert_eq!(missed, self.sim.visitor.missed(&standing, self.sim.now_ms), "asking changes nothing");
        let before = page.applied.len();
        missed.messages.iter().for_each(|message| page.apply(message));
        assert_eq!(page.applied[before..], self.kept.owed(cursor.seq, self.sim.now_ms), "{}", page.tab);
    }
}

#[test]
fn every_tab_gets_each_push_once_and_in_order_and_holds_the_same_state() {
    for seed in 0..LIVES {
        let mut random = StdRng::seed_from_u64(seed);
        let mut life = Life::new();
        for _ in 0..STEPS {
            life.step(&mut random);
        }
        for tab in 0..life.pages.len() {
            life.come(tab);
        }
        let told = life.sim.visitor.told(false);
        for page in &life.pages {
            assert!(page.applied.is_sorted_by(|a, b| a < b), "seed {seed}: {:?}", page.applied);
            let (version, mut state) = page.state.clone().unwrap();
            let mut view = serde_json::to_value(life.sim.visitor.view(life.sim.now_ms, &life.sim.config)).unwrap();
            for shown in [&mut state, &mut view] {
                shown.as_object_mut().unwrap().remove("now_ms");
            }
            assert_eq!((version, &state), (told.version, &view), "seed {seed}");
        }
    }
}

#[test]
fn a_tab_is_owed_nothing_of_another_life() {
    let mut life = Life::new();
    life.sim.connect("tab-0", None).track("", "wave", json!({"n": 1}));
    let before = Cursor { incarnation: life.sim.visitor.incarnation(), seq: 1 };
    life.sim.renew();
    life.sim.track("", "wave", json!({"n": 2}));
    let missed = life.sim.visitor.missed(&Standing { tab: "tab-0".into(), cursor: Some(before) }, life.sim.now_ms);
    assert_ne!(missed.incarnation, before.incarnation);
    assert_eq!((missed.seq, missed.messages.len()), (1, 1), "its own first push, which the old cursor does not hide");
}
