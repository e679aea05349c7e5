//! A simulator that owns time, disk and queue: it jumps from deadline to deadline, so that nothing sleeps.

use footfall::engine::rules::compile;
use footfall::engine::user::Letter;
use footfall::engine::{Config, Effect, Gone, Input, Settings, Share, Stored, To, Visitor};
use footfall_protocol::decode::decode_batch;
use footfall_protocol::event::{Authority, Delivery, Surroundings};
use footfall_protocol::ids::SiteId;
use footfall_protocol::message::{Cursor, Push, ServerMessage};
use footfall_protocol::record::{Record, RecordKind};
use footfall_protocol::rejection::Rejection;
use footfall_protocol::value::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::ops::Range;
use uuid::Uuid;

/// A second, in milliseconds.
pub const SECOND: u64 = 1_000;
/// A minute, in milliseconds.
pub const MINUTE: u64 = 60 * SECOND;
/// An hour, in milliseconds.
pub const HOUR: u64 = 60 * MINUTE;
/// A day of 24 hours, in milliseconds.
pub const DAY: u64 = 24 * HOUR;
/// Where a simulation starts that does not say: 2026-11-21T10:00:00Z, a Saturday.
pub const START: u64 = 1_795_255_200_000;

/// Wakes in a row, with nothing sent in between. Beyond: stages lapse into each other for ever, or the engine is broken.
pub const WAKES_IN_A_ROW_MAX: usize = 10_000;

/// One visitor, its disk, its queue and its clock.
#[derive(Debug)]
pub struct Sim {
    /// The visitor, as it is in memory.
    pub visitor: Visitor,
    /// The site's configuration.
    pub config: Config,
    /// Now, in milliseconds since the epoch.
    pub now_ms: u64,
    /// Every message with its time.
    pub sent: Vec<(u64, To, ServerMessage)>,
    /// Every record, in the order in which they were made.
    pub made: Vec<Record>,
    /// What the queue took, in order, repeats included.
    pub queue: Vec<Record>,
    /// Queues of more sinks, by their names.
    pub more: BTreeMap<&'static str, MoreQueue>,
    /// Events that were not accepted.
    pub rejections: Vec<Rejection>,
    /// How often the visitor was woken.
    pub wakes: usize,
    /// The lives that the visitor asked to be erased, each time.
    pub erasures: Vec<Vec<Gone>>,
    /// The visitor asked to be deleted whole.
    pub deleted: bool,
    /// Whether the queue takes records.
    pub queue_is_up: bool,
    /// Store and load the visitor after every input.
    pub evicts: bool,
    /// Letters to users' objects stay in `letters`, for a test that carries them; otherwise they are as good as taken.
    pub keeps_letters: bool,
    /// Letters that were not carried yet, the oldest first.
    pub letters: Vec<Letter>,
    wakes_in_a_row: usize,
    start_ms: u64,
    pub(crate) site: SiteId,
    pub(crate) id: Uuid,
    incarnations: u128,
    last_seq: u64,
    pages: BTreeMap<u64, Vec<u8>>,
    events_sent: usize,
}

/// The queue of one more sink.
#[derive(Debug, Default)]
pub struct MoreQueue {
    /// Whether it refuses records.
    pub refuses: bool,
    /// What it took, in order, repeats included.
    pub took: Vec<Record>,
}

/// How the sink of [`Sim::queue`] is called.
const FIRST: &str = "d1";

/// A site's configuration from authored documents, for tests.
///
/// # Panics
/// When a document is not good.
pub fn config(rules: serde_json::Value, segments: serde_json::Value, stages: serde_json::Value) -> Config {
    let list = |documents: serde_json::Value| -> Vec<Value> {
        serde_json::from_value(documents).expect("a test gives an array of documents")
    };
    let (rules, faults) = compile(&list(rules), &list(segments), &list(stages));
    assert!(faults.is_empty(), "{faults:#?}");
    Config { settings: Settings { inspect: true, flush_after_ms: 30_000, ..Settings::default() }, rules, version: 1 }
}

impl Sim {
    /// A visitor of whom nothing is known, at [`START`].
    pub fn new(config: Config) -> Self {
        Self::at(config, START, Uuid::from_u128(7))
    }

    /// A visitor of whom nothing is known, with this id, at this time in milliseconds since the epoch.
    pub fn at(config: Config, start_ms: u64, id: Uuid) -> Self {
        let site = SiteId::parse("demo").expect("a good name of a site");
        Self {
            visitor: Visitor::new(site.clone(), id, Uuid::from_u128(1)),
            config,
            now_ms: start_ms,
            sent: Vec::new(),
            made: Vec::new(),
            queue: Vec::new(),
            more: BTreeMap::new(),
            rejections: Vec::new(),
            wakes: 0,
            erasures: Vec::new(),
            deleted: false,
            queue_is_up: true,
            evicts: false,
            keeps_letters: false,
            letters: Vec::new(),
            wakes_in_a_row: 0,
            start_ms,
            site,
            id,
            incarnations: 1,
            last_seq: 0,
            pages: BTreeMap::new(),
            events_sent: 0,
        }
    }

    /// A site that has these rules only, for tests.
    ///
    /// # Panics
    /// When a rule is not good.
    pub fn with_rules(rules: serde_json::Value) -> Self {
        Self::new(config(rules, json!([]), json!([])))
    }

    /// Lets time pass, waking the visitor exactly when it asked for it.
    pub fn pass(&mut self, ms: u64) -> &mut Self {
        let end_ms = self.now_ms + ms;
        while self.wake_by(end_ms) {}
        self.now_ms = end_ms;
        self
    }

    /// Goes to the visitor's next deadline and wakes it, if that is not after `end_ms`; says whether it did.
    ///
    /// # Panics
    /// Beyond [`WAKES_IN_A_ROW_MAX`].
    pub fn wake_by(&mut self, end_ms: u64) -> bool {
        let wake = self.visitor.next_wake(&self.config).filter(|wake| wake.at_ms <= end_ms && !self.deleted);
        let Some(wake) = wake else { return false };
        self.now_ms = wake.at_ms.max(self.now_ms);
        self.wakes += 1;
        assert!(!self.is_sleepless(), "the visitor asks for ever to be woken: {wake:?}");
        self.wakes_in_a_row += 1;
        self.input(Input::Wake);
        true
    }

    /// Whether the next wake would be one too many in a row.
    pub const fn is_sleepless(&self) -> bool {
        self.wakes_in_a_row >= WAKES_IN_A_ROW_MAX
    }

    /// One event now, in Segment's shape, with a visitor's authority and an id of its own.
    pub fn send(&mut self, event: serde_json::Value) -> &mut Self {
        self.send_as(Authority::Visitor, vec![event])
    }

    /// Several events in one delivery, for tests.
    ///
    /// # Panics
    /// When an event does not decode.
    pub fn send_as(&mut self, authority: Authority, mut events: Vec<serde_json::Value>) -> &mut Self {
        for event in &mut events {
            self.events_sent += 1;
            let event = event.as_object_mut().expect("a test gives events as objects");
            event.entry("messageId").or_insert_with(|| json!(format!("e{}", self.events_sent)));
            event.entry("type").or_insert_with(|| json!("track"));
            event.entry("anonymousId").or_insert_with(|| json!("a"));
        }
        let body = json!({"batch": events}).to_string();
        let batch = decode_batch(body.as_bytes(), authority).expect("a test gives a batch within its bounds");
        assert!(batch.rejections.is_empty(), "{:#?}", batch.rejections);
        let events = batch.events.into_iter().map(|decoded| (decoded.index, decoded.event)).collect();
        self.input(Input::Events(Delivery { events, surroundings: Surroundings::default() }))
    }

    /// A page view now.
    pub fn page(&mut self, tab: &str, kind: &str, path: &str) -> &mut Self {
        self.send(json!({"type": "page", "context": {"tab": tab}, "properties": {"path": path, "kind": kind}}))
    }

    /// A tracked event now.
    pub fn track(&mut self, tab: &str, event: &str, properties: serde_json::Value) -> &mut Self {
        self.send(json!({"event": event, "context": {"tab": tab}, "properties": properties}))
    }

    /// A tab's socket opens now, in sight.
    pub fn connect(&mut self, tab: &str, cursor: Option<Cursor>) -> &mut Self {
        self.input(Input::Connect { tab: tab.to_owned(), cursor, visible: true, inspect: false })
    }

    /// A tab's socket closes now.
    pub fn disconnect(&mut self, tab: &str) -> &mut Self {
        self.input(Input::Disconnect { tab: tab.to_owned() })
    }

    /// Hands an input in and does what the effects say.
    ///
    /// # Panics
    /// When the engine names a page that it never wrote, which is a bug of it.
    pub fn input(&mut self, input: Input) -> &mut Self {
        let reports = matches!(
            input,
            Input::Flushed { .. } | Input::FlushFailed { .. } | Input::Fed { .. } | Input::FeedFailed { .. }
        );
        if !reports && input != Input::Wake {
            self.wakes_in_a_row = 0;
        }
        let life = self.visitor.incarnation();
        let effects = self.visitor.handle(input, self.now_ms, &self.config);
        if self.visitor.incarnation() != life {
            // Records of the next life are numbered from 1 again.
            self.last_seq = 0;
        }
        let (mut flushes, mut letters) = (Vec::new(), Vec::new());
        for effect in effects {
            match effect {
                Effect::Send { to, message } => self.sent.push((self.now_ms, to, message)),
                Effect::Reject(rejection) => self.rejections.push(rejection),
                Effect::Spill { page, bytes } => {
                    let records = Visitor::decode_page(&bytes).expect("the engine reads what it has just written");
                    note(&mut self.made, &mut self.last_seq, &records);
                    self.pages.insert(page, bytes);
                }
                Effect::Drop { pages } => self.pages.retain(|page, _| !pages.contains(page)),
                Effect::Flush { pages, through, ahead } => flushes.push((pages, through, ahead)),
                Effect::Feed(more) => letters = more,
                Effect::Delete => self.deleted = true,
                Effect::Erase { lives } => self.erasures.push(lives),
            }
        }
        let hot = self.visitor.hot_records_after(self.last_seq);
        note(&mut self.made, &mut self.last_seq, &hot);
        if self.evicts {
            self.reload();
        }
        for (pages, through, ahead) in flushes {
            self.fly(pages, through, &ahead);
        }
        if self.keeps_letters {
            self.letters.extend(letters);
        } else if !letters.is_empty() {
            self.input(Input::taken(letters));
        }
        self
    }

    /// Brings each queue what a flush is to bring it, and reports.
    fn fly(&mut self, pages: Range<u64>, through: u64, ahead: &[Share]) {
        let mut more = std::mem::take(&mut self.more);
        let mut taken = Vec::new();
        for sink in std::iter::once(FIRST).chain(more.keys().copied()) {
            let refuses = more.get(sink).map_or(!self.queue_is_up, |queue| queue.refuses);
            if !refuses {
                let share = ahead.iter().find(|share| share.sink == sink);
                taken
                    .push((sink, share.map_or((0, pages.clone(), through), |s| (s.after, s.pages.clone(), s.through))));
            }
        }
        let all = taken.len() == more.len() + 1;
        for (sink, (after, pages, through)) in &taken {
            let cold = pages.clone().flat_map(|page| {
                Visitor::decode_page(&self.pages[&page]).expect("the engine reads what it has written")
            });
            let hot = self.visitor.hot_records();
            let records = cold.chain(hot).filter(|record| (after + 1..=*through).contains(&record.seq));
            match more.get_mut(sink) {
                Some(queue) => queue.took.extend(records),
                None => self.queue.extend(records.collect::<Vec<_>>()),
            }
        }
        self.more = more;
        let taken = taken.into_iter().map(|(sink, (_, _, through))| (sink.to_owned(), through)).collect();
        self.input(if all { Input::Flushed { through, taken } } else { Input::FlushFailed { taken } });
    }

    /// As after an eviction: only what was stored is left.
    ///
    /// # Panics
    /// When what is stored is not the whole visitor, which is a bug of the engine.
    pub fn reload(&mut self) {
        let stored = self.visitor.snapshot();
        let filled = [stored.hot.as_slice(), &[0; 9]].concat();
        let outline = Visitor::outline(&filled).expect("the engine reads what it has just written");
        assert_eq!(outline.bytes, stored.hot.len(), "what a row is filled up with is known from what is stored");
        assert_eq!(outline.cold, stored.cold.iter().map(|(page, _)| *page).collect::<Vec<_>>());
        let loaded = Visitor::load(&stored).expect("the engine reads what it has just written");
        assert_eq!(loaded, self.visitor, "what is stored is the whole visitor");
        self.visitor = loaded;
    }

    /// As when somebody whose visitor was deleted comes back: the same id, another incarnation, and nothing known.
    pub fn renew(&mut self) {
        self.incarnations += 1;
        self.visitor = Visitor::new(self.site.clone(), self.id, Uuid::from_u128(self.incarnations));
        (self.deleted, self.last_seq) = (false, 0);
        self.pages.clear();
    }

    /// What a commit would write now.
    pub fn stored(&self) -> Stored {
        self.visitor.snapshot()
    }

    /// Every push with its time since the start, in milliseconds.
    pub fn pushes(&self) -> Vec<(u64, Push)> {
        let mut pushes = Vec::new();
        for (at_ms, _, message) in &self.sent {
            if let ServerMessage::Push(push) = message {
                pushes.push((at_ms - self.start_ms, push.clone()));
            }
        }
        pushes
    }

    /// The records of one kind that the queue took.
    pub fn records(&self, kind: RecordKind) -> Vec<&Record> {
        self.queue.iter().filter(|record| record.kind == kind).collect()
    }

    /// A member of the whole view, by JSON pointer; `null` when it is not there.
    pub fn see(&self, pointer: &str) -> serde_json::Value {
        let view = serde_json::to_value(self.visitor.inspection(self.now_ms, &self.config));
        view.ok().and_then(|view| view.pointer(pointer).cloned()).unwrap_or(serde_json::Value::Null)
    }
}

/// Keeps the records that are new: those after the last one that was kept.
fn note(made: &mut Vec<Record>, last_seq: &mut u64, records: &[Record]) {
    made.extend(records.iter().filter(|record| record.seq > *last_seq).cloned());
    *last_seq = records.last().map_or(*last_seq, |record| record.seq.max(*last_seq));
}
