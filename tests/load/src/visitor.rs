//! One visitor of the shop: goes through its visit at the times that are meant, and compares what it is told with what it
//! must be told.

use crate::clock::{Clock, Micros};
use crate::engine::Engine;
use crate::events::Pen;
use crate::faults::{Fault, Kind};
use crate::ledger::{Ledger, Sent};
use crate::nap::Wake;
use crate::options::Inject;
use crate::plan::{Step, Visit, Way};
use crate::recorder::{Count, Latency, Recorder};
use crate::rules;
use crate::socket::FromSocket;
use crate::tab::{Link, Outgoing, Tab};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

/// What all visitors share.
pub struct World {
    pub clock: Clock,
    pub engine: Arc<Engine>,
    pub recorder: Arc<Recorder>,
    pub seed: u64,
    pub patience: Micros,
    /// Counts the storms.
    pub storms: watch::Receiver<u64>,
    pub inject: Option<Inject>,
    pub injected: AtomicBool,
    /// Where visitors wait for each other.
    pub gathering: Gathering,
}

/// How visitors come to be there together.
pub struct Gathering {
    /// So many may be about to come at once. Coming is no part of what is measured then.
    pub doors: Semaphore,
    /// How many are there, and wait.
    pub waiting: AtomicUsize,
    /// When it goes on.
    pub goes_on: watch::Receiver<Option<Micros>>,
}

/// What is known of a visitor that has left.
#[derive(Clone, Debug, Default)]
pub struct Gone {
    pub visitor: String,
    pub number: usize,
    /// How often it was proved to have slept.
    pub proved: u64,
    pub naps: u64,
    /// How often something came to its object after a silence in which it had to be evicted.
    pub silences: u64,
}

/// An answer to a batch over HTTP.
pub struct Answer {
    pub at: Micros,
    pub result: Result<(u16, Value), String>,
}

pub struct Visitor {
    pub(crate) world: Arc<World>,
    pub(crate) number: usize,
    pub(crate) way: Way,
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) random: ChaCha8Rng,
    pub(crate) tabs: Vec<Tab>,
    pub(crate) ledger: Ledger,
    pub(crate) frames: u64,
    pub(crate) events: u64,
    pages: usize,
    /// When the engine was last certainly busy with this visitor.
    pub(crate) touched: Micros,
    /// It is meant to be asleep.
    pub(crate) napping: bool,
    pub(crate) wake: Option<Wake>,
    pub(crate) naps: u64,
    /// When something reached its object last, and how often after a silence.
    pub(crate) stirred: Micros,
    pub(crate) silences: u64,
    pub(crate) probes: Vec<JoinHandle<bool>>,
    pub(crate) away: bool,
    /// Over HTTP one batch is on its way at a time; after one that failed, not before this time.
    pub(crate) posting: bool,
    pub(crate) post_after: Micros,
    pub(crate) to_me: mpsc::UnboundedSender<FromSocket>,
    pub(crate) answers: mpsc::UnboundedSender<Answer>,
    /// Since when it waits to leave.
    leaving: Option<Micros>,
}

/// Lives through a visit.
pub async fn live(world: Arc<World>, visit: Visit, random: ChaCha8Rng) -> Gone {
    let clock = world.clock;
    clock.until(visit.arrives).await;
    let gathers = visit.steps.iter().any(|(_, step)| *step == Step::Gather);
    let mut door = if gathers { world.gathering.doors.acquire().await.ok() } else { None };
    let arrived = if gathers { clock.now() } else { visit.arrives };
    let mut goes_on = world.gathering.goes_on.clone();
    goes_on.mark_unchanged();
    world.recorder.arrived();
    world.recorder.count(Count::Visitors, 1);
    let (id, token) = match name(&world).await {
        Ok(named) => named,
        Err(what) => {
            let fault =
                Fault { kind: Kind::Refused, seed: world.seed, number: visit.number, visitor: String::new(), what };
            world.recorder.fault(fault);
            world.recorder.left();
            return Gone { number: visit.number, ..Gone::default() };
        }
    };
    let (to_me, mut heard) = mpsc::unbounded_channel();
    let (answers, mut answered) = mpsc::unbounded_channel();
    let mut storms = world.storms.clone();
    storms.mark_unchanged();
    let mut me = Visitor {
        number: visit.number,
        way: visit.way,
        id,
        token,
        random,
        tabs: Vec::new(),
        ledger: Ledger::default(),
        frames: 0,
        events: 0,
        pages: 0,
        touched: clock.now(),
        napping: false,
        wake: None,
        naps: 0,
        stirred: 0,
        silences: 0,
        probes: Vec::new(),
        away: false,
        posting: false,
        post_after: 0,
        to_me,
        answers,
        leaving: None,
        world: Arc::clone(&world),
    };
    let mut steps = visit.steps.into_iter().peekable();
    // From when the steps' times count; nothing is done while everybody is waited for.
    let mut from = Some(arrived);
    loop {
        let next = me.next_time(from.and_then(|from| Some(from + steps.peek()?.0)));
        tokio::select! {
            Some(message) = heard.recv() => me.hear(message),
            Some(answer) = answered.recv() => me.answered(answer),
            Ok(()) = storms.changed() => me.storm(),
            Ok(()) = goes_on.changed() => from = from.or(*goes_on.borrow_and_update()),
            () = clock.until(next) => {
                let now = clock.now();
                while me.leaving.is_none()
                    && let Some(begun) = from
                    && let Some((after, step)) = steps.next_if(|(after, _)| begun + after <= now)
                {
                    if step == Step::Gather {
                        from = None;
                    } else {
                        me.take(&step, begun + after);
                    }
                }
                if from.is_none() && door.is_some() && me.is_quiet() {
                    door = None;
                    world.gathering.waiting.fetch_add(1, Ordering::Relaxed);
                }
                me.catch_up(now);
                if me.is_done(now) {
                    break;
                }
            }
        }
    }
    me.go().await
}

/// A name from the engine; one that does not come at once is asked for again.
async fn name(world: &World) -> Result<(String, String), String> {
    let mut failure = String::new();
    for wait_ms in [0, 250, 1_000, 4_000] {
        tokio::time::sleep(std::time::Duration::from_millis(wait_ms)).await;
        world.recorder.count(Count::Requests, 1);
        world.recorder.count(Count::Names, 1);
        match world.engine.name().await {
            Ok(named) => return Ok(named),
            Err(error) => failure = error,
        }
        world.recorder.count(Count::Retries, 1);
    }
    Err(failure)
}

impl Visitor {
    pub(crate) fn now(&self) -> Micros {
        self.world.clock.now()
    }

    pub(crate) fn fault(&self, kind: Kind, what: String) {
        let fault = Fault { kind, seed: self.world.seed, number: self.number, visitor: self.id.clone(), what };
        self.world.recorder.fault(fault);
    }

    /// When something is to be done next.
    fn next_time(&self, step: Option<Micros>) -> Micros {
        let soon = self.now() + 100_000;
        let retries = self.tabs.iter().filter_map(|tab| if let Link::Waiting(at) = tab.link { Some(at) } else { None });
        let post = Some(self.post_after)
            .filter(|_| self.way == Way::Http && !self.posting && self.tabs.iter().any(|tab| !tab.out.is_empty()));
        let own = if self.leaving.is_some() { Some(soon) } else { step };
        retries.chain(post).chain(own).min().unwrap_or(soon)
    }

    /// What time has brought about.
    fn catch_up(&mut self, now: Micros) {
        for at in 0..self.tabs.len() {
            if matches!(self.tabs[at].link, Link::Waiting(until) if until <= now) {
                self.open_socket(at);
            }
        }
        if self.way == Way::Http {
            self.post();
        }
    }

    /// Takes a step that was meant for then.
    fn take(&mut self, step: &Step, intended: Micros) {
        match *step {
            Step::OpenTab => {
                self.tabs.push(Tab::new(self.tabs.len()));
                if self.way == Way::Socket {
                    self.open_socket(self.tabs.len() - 1);
                } else if let Some(tab) = self.tabs.last_mut() {
                    tab.welcomed = Some(intended);
                }
            }
            Step::Browse { tab } => {
                self.pages += 1;
                let path = format!("/list/{}", self.pages);
                let event = self.write(tab, |pen| pen.page(&path, "category"));
                let leads = self.ledger.open(tab);
                self.send(tab, vec![event], leads, intended);
            }
            Step::Product { tab, dwell_s, stock } => self.look_at(tab, dwell_s, stock, intended),
            Step::Add { price } => {
                let key = self.key();
                let event = self.write(0, |pen| pen.added(&key, price));
                let leads = self.ledger.add(&key, price, intended, &self.present());
                self.send(0, vec![event], leads, intended);
            }
            Step::Checkout => {
                let event = self.write(0, |pen| pen.checkout());
                let leads = self.ledger.checkout();
                self.send(0, vec![event], leads, intended);
            }
            Step::Order => {
                let event = self.write(0, |pen| pen.ordered());
                self.ledger.order();
                self.send(0, vec![event], Sent::default(), intended);
            }
            Step::Ask => self.ask(intended),
            Step::Nap => {
                self.napping = true;
                self.wake = None;
            }
            Step::Away => self.go_away(),
            Step::Back => {
                self.away = false;
                for at in 0..self.tabs.len() {
                    self.open_socket(at);
                }
            }
            Step::Gather => {}
            Step::Leave => self.leaving = Some(intended),
        }
    }

    fn look_at(&mut self, tab: usize, dwell_s: u64, stock: u32, intended: Micros) {
        self.pages += 1;
        let (path, key) = (rules::path(dwell_s, self.pages), self.key());
        let counts = tab == 0;
        let page = self.write(tab, |pen| pen.page(&path, "product"));
        let product = self.write(tab, |pen| pen.viewed(&key, stock, counts));
        let dwell = self.ledger.dwell(tab, dwell_s, &path, intended);
        let leads = dwell.and(self.ledger.view(&key, stock, counts, intended, &self.present()));
        self.send(tab, vec![page, product], leads, intended);
    }

    fn key(&self) -> String {
        format!("k{}", self.events + 1)
    }

    pub(crate) fn write(&mut self, tab: usize, write: impl FnOnce(&mut Pen<'_>) -> Value) -> Value {
        let prefix = format!("load-{}-{}", self.world.seed, self.number);
        write(&mut Pen { prefix: &prefix, tab: &self.tabs[tab].id, next: &mut self.events })
    }

    /// The tabs that have been welcomed: what is meant for all tabs is owed to them.
    fn present(&self) -> Vec<usize> {
        (0..self.tabs.len()).filter(|at| self.tabs[*at].welcomed.is_some()).collect()
    }

    /// Whether everything that was sent is acknowledged.
    fn is_quiet(&self) -> bool {
        self.tabs.iter().all(|tab| tab.out.is_empty())
    }

    /// Events are to go out from a tab.
    fn send(&mut self, tab: usize, events: Vec<Value>, leads: Sent, intended: Micros) {
        let now = self.now();
        self.frames += 1;
        let since = std::mem::take(&mut self.napping).then(|| self.touched.max(self.ledger.stirred(now)));
        let interrupted = self.tabs[tab].lost.is_some();
        self.stir(now);
        self.wake = since.map(|since| Wake { since, frame: self.frames, sent: 0, intended, push: None });
        let free = match self.way {
            Way::Socket => matches!(self.tabs[tab].link, Link::Ready(_)),
            Way::Http => !self.posting && self.post_after <= now,
        };
        if free {
            self.world.recorder.took(Latency::Tester, now.saturating_sub(intended));
        }
        let out = Outgoing { frame: self.frames, events, intended, sent: None, leads, interrupted };
        self.tabs[tab].out.push_back(out);
        match self.way {
            Way::Socket => self.flush(tab),
            Way::Http => self.post(),
        }
    }

    /// Whether nothing holds it any more: everything acknowledged, everything due was told, or the patience is at its end.
    fn is_done(&mut self, now: Micros) -> bool {
        let Some(since) = self.leaving else { return false };
        let waiting: usize = self.tabs.iter().map(|tab| tab.out.len()).sum();
        let settled = waiting == 0 && !self.posting && self.ledger.settled(now);
        if settled {
            return true;
        }
        if now < since + self.world.patience {
            // Without a socket nothing comes by itself.
            if self.way == Way::Http && waiting == 0 && !self.posting && self.post_after <= now {
                self.post_after = now + 1_000_000;
                self.ask(now);
            }
            return false;
        }
        let waiting = self.tabs.iter().flat_map(|tab| &tab.out).filter(|out| !out.events.is_empty()).count();
        if waiting > 0 {
            self.fault(
                Kind::Refused,
                format!("{waiting} batches were not acknowledged in {} s", self.world.patience / 1_000_000),
            );
        }
        for what in self.ledger.missing(now) {
            self.fault(Kind::Lost, what);
        }
        true
    }

    /// Leaves: a beacon from each tab, and the sockets are closed.
    async fn go(mut self) -> Gone {
        self.say_farewell().await;
        let mut proved = 0;
        for probe in std::mem::take(&mut self.probes) {
            proved += u64::from(probe.await.unwrap_or(false));
        }
        self.world.recorder.count(Count::Undecided, self.ledger.undecided);
        self.world.recorder.left();
        Gone { visitor: self.id, number: self.number, proved, naps: self.naps, silences: self.silences }
    }

    pub(crate) fn jitter(&mut self, from: Micros, to: Micros) -> Micros {
        self.random.random_range(from..to)
    }
}
