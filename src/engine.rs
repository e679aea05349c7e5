//! The engine: a visitor as a deterministic state machine with no clock, I/O or randomness of its own.
//!
//! One door: [`Visitor::handle`] takes an input and the time and returns what the shell must do; it cannot fail.
//! [`Visitor::next_wake`] says when it wants to be woken; [`Visitor::snapshot`] is what the shell commits.

mod apply;
mod at_once;
mod cart;
mod chronicle;
mod consent;
mod dedupe;
mod dry_run;
mod dwell;
mod explain;
mod firings;
mod fold;
mod happen;
mod history;
mod identity;
mod lapse;
mod mailbox;
mod nested;
mod outbox;
mod partials;
mod pattern;
mod profile;
mod rate;
mod records;
mod rehearsal;
mod scene;
mod session;
mod settings;
mod snapshot;
mod starts;
mod timers;
mod trigger;
mod view;

pub mod assignment;
pub mod condition;
pub mod fault;
pub mod index;
pub mod rules;
pub mod template;
pub mod tree;
pub mod user;

use footfall_protocol::Millis;
use footfall_protocol::event::{Consent, Delivery, Device, Geo};
use footfall_protocol::ids::SiteId;
use footfall_protocol::message::{Cursor, ServerMessage};
use footfall_protocol::rejection::Rejection;
use rules::RuleSet;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use user::{Answer, Letter, Told};
use uuid::Uuid;

pub use chronicle::replayed;
pub use consent::Gone;
pub use dry_run::DryRun;
pub use fold::{FoldFault, fold};
pub use outbox::{PackedRecord, Share};
pub use rate::{Allowance, Rate, Window};
pub use rehearsal::Rehearsal;
pub use settings::Settings;
pub use snapshot::{Outline, SnapshotError, Stored, room_for};
pub use timers::{Reason, Wake};
pub use view::To;

/// What the site has configured, at one version.
#[derive(Debug)]
pub struct Config {
    /// How visitors are kept.
    pub settings: Settings,
    /// Rules, segments and stages.
    pub rules: RuleSet,
    /// The rulebook's version of them.
    pub version: u64,
}

/// Anything that happens to a visitor.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "an input is applied when it is there and never kept")]
pub enum Input {
    /// Events of one request or frame.
    Events(Delivery),
    /// A tab said hello on its socket.
    Connect {
        /// The tab.
        tab: String,
        /// What it already has.
        cursor: Option<Cursor>,
        /// Whether it is in sight.
        visible: bool,
        /// Whether it asks for the whole view.
        inspect: bool,
    },
    /// A tab's socket closed.
    Disconnect {
        /// The tab.
        tab: String,
    },
    /// A tab came into sight or went out of it, as a record tells: for replays.
    Sight {
        /// The tab.
        tab: String,
        /// Whether it is in sight now.
        visible: bool,
    },
    /// Time has passed; early and repeated wakes do nothing.
    Wake,
    /// The queues of all sinks have all records up to this one.
    Flushed {
        /// The last record's number.
        through: u64,
        /// Sinks whose queues have more: up to which number.
        taken: Vec<(String, u64)>,
    },
    /// The queue of a sink did not take the records.
    FlushFailed {
        /// Sinks whose queues did: up to which number.
        taken: Vec<(String, u64)>,
    },
    /// The letters to users' objects have all arrived.
    Fed {
        /// Their version.
        version: u64,
        /// Each with its answer.
        answers: Vec<(Letter, Answer)>,
    },
    /// Not all letters to users' objects have arrived.
    FeedFailed {
        /// Their version.
        version: u64,
    },
    /// The object of the visitor's user tells what is known of that user.
    UserTold {
        /// Which life of the visitor is meant; `None` where a record tells.
        incarnation: Option<Uuid>,
        /// What.
        told: Told,
    },
    /// The visitor says that it is not to be remembered.
    Withdraw,
    /// What [`Effect::Erase`] asked for is done.
    Erased {
        /// The lives of which nothing is left.
        lives: Vec<Uuid>,
    },
}

/// What the shell must do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send a message, after the commit.
    Send {
        /// To whom.
        to: To,
        /// What.
        message: ServerMessage,
    },
    /// An event was not accepted; its index is that of the delivery.
    Reject(Rejection),
    /// Write this cold page in the same transaction as the snapshot.
    Spill {
        /// Its number.
        page: u64,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// Delete these cold pages in the same transaction as the snapshot.
    Drop {
        /// Their numbers.
        pages: Range<u64>,
    },
    /// After the commit: send the records of these cold pages, then the hot records, to the queues of all sinks.
    Flush {
        /// The cold pages, oldest first.
        pages: Range<u64>,
        /// The last record's number, for [`Input::Flushed`].
        through: u64,
        /// What goes instead to sinks whose queues have taken records that another one's refused.
        ahead: Vec<Share>,
    },
    /// After the commit: take these letters to their users' objects, in this order, for [`Input::Fed`].
    Feed(Vec<Letter>),
    /// Delete the visitor's whole storage and alarm.
    Delete,
    /// After the commit: close all sockets, and have every sink forget all lives but the present one; then
    /// [`Input::Erased`].
    Erase {
        /// Those among them that nobody else may know of.
        lives: Vec<Gone>,
    },
}

/// All state of one person on one site.
#[derive(Clone, Debug, PartialEq)]
pub struct Visitor {
    core: Core,
    segments: Segments,
    tabs: session::Tabs,
    dwells: dwell::Dwells,
    partials: partials::Partials,
    cart: cart::Cart,
    profile: profile::Profile,
    identity: identity::Identity,
    firings: firings::Firings,
    starts: starts::Starts,
    lapses: lapse::Lapses,
    mailbox: mailbox::Mailbox,
    outbox: outbox::Outbox,
    dedupe: dedupe::Dedupe,
    rates: rate::Windows,
    withdrawn: consent::Withdrawn,
}

/// What is small and nearly always changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Core {
    site: SiteId,
    visitor: Uuid,
    incarnation: Uuid,
    /// The engine's time: arrival, never running backwards.
    clock_ms: u64,
    last_activity_ms: u64,
    consent: Consent,
    gpc: bool,
    geo: Option<Geo>,
    device: Option<Device>,
    session: Option<session::Session>,
    stage: String,
    stage_since_ms: u64,
    /// The rulebook's version that the dwell clocks and segments follow.
    rules_version: u64,
    /// Version of the visitor's own view, and of the whole one, as sockets saw them last.
    versions: (u64, u64),
    /// Names and times of the last events, the newest first.
    recent_events: Vec<(String, u64)>,
    dwells_dropped: u32,
}

/// Ids of the segments that the visitor is in, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Segments(Vec<String>);

/// One call of [`Visitor::handle`].
struct Turn<'a> {
    now_ms: u64,
    /// When what is looked at happens, for windows: now, or the time of the deadline that is over.
    at_ms: u64,
    config: &'a Config,
    effects: Vec<Effect>,
    /// An action has set a trait: stage and segments are to follow.
    traits_changed: bool,
    /// How many waits of absences may begin: those that the end of another one brings about are counted.
    waits_left: usize,
    /// Rules that the happening at hand has stopped: they do not see it any more.
    stopped: Vec<String>,
    /// For the indexes of the configuration.
    scratch: index::Scratch,
}

impl Visitor {
    /// A visitor of whom nothing is known yet. The incarnation is random: a visitor deleted and come back has another.
    pub fn new(site: SiteId, visitor: Uuid, incarnation: Uuid) -> Self {
        Self {
            core: Core {
                site,
                visitor,
                incarnation,
                clock_ms: 0,
                last_activity_ms: 0,
                consent: Consent::Unknown,
                gpc: false,
                geo: None,
                device: None,
                session: None,
                stage: String::new(),
                stage_since_ms: 0,
                rules_version: 0,
                versions: (0, 0),
                recent_events: Vec::new(),
                dwells_dropped: 0,
            },
            segments: Segments::default(),
            tabs: session::Tabs::default(),
            dwells: dwell::Dwells::default(),
            partials: partials::Partials::default(),
            cart: cart::Cart::default(),
            profile: profile::Profile::default(),
            identity: identity::Identity::default(),
            firings: firings::Firings::default(),
            starts: starts::Starts::default(),
            lapses: lapse::Lapses::default(),
            mailbox: mailbox::Mailbox::default(),
            outbox: outbox::Outbox::default(),
            dedupe: dedupe::Dedupe::default(),
            rates: rate::Windows::default(),
            withdrawn: consent::Withdrawn::default(),
        }
    }

    /// Applies one input start to finish. `now` is arrival; a clock that runs backwards is held.
    ///
    /// Never fails; what is not accepted comes back as [`Effect::Reject`]. An input that changes nothing (a repeat, an
    /// early wake) leaves the snapshot as it was, byte for byte.
    pub fn handle(&mut self, input: Input, now: Millis, config: &Config) -> Vec<Effect> {
        let now_ms = now.max(self.core.clock_ms);
        let mut turn = Turn {
            now_ms,
            at_ms: now_ms,
            config,
            effects: Vec::new(),
            traits_changed: false,
            waits_left: usize::MAX,
            stopped: Vec::new(),
            scratch: config.rules.scratch(),
        };
        let before = self.watched(&turn);
        let (brings_events, last_record) = (matches!(input, Input::Events(_)), self.last_record());
        if !self.is_refused() {
            self.catch_up(&mut turn);
            self.heed_user(&mut turn);
        }
        match input {
            Input::Events(delivery) => self.apply_delivery(delivery, &mut turn),
            Input::Connect { tab, cursor, visible, inspect } => self.connect(&tab, cursor, visible, inspect, &mut turn),
            Input::Disconnect { tab } => self.disconnect(&tab, &mut turn),
            Input::Sight { tab, visible } => self.sight_as_recorded(&tab, visible, &mut turn),
            Input::Wake => {
                self.erase(&mut turn);
                self.retire(&mut turn);
            }
            Input::Withdraw => self.withdraw(&mut turn),
            Input::Erased { lives } => self.erased(&lives),
            Input::Flushed { through, taken } => {
                let dropped = self.outbox.flushed(through, taken, turn.now_ms);
                turn.effects.extend(dropped);
            }
            Input::FlushFailed { taken } => self.outbox.flush_failed(taken, turn.now_ms),
            // Nobody hears while nothing is to happen: the letters are written once more when consent is given again.
            Input::Fed { version, .. } if self.is_refused() => self.feed_failed(version, &turn),
            Input::Fed { version, answers } => self.fed(version, answers, &mut turn),
            Input::FeedFailed { version } => self.feed_failed(version, &turn),
            // Somebody who is not to be remembered is not told either, and what is told is not kept.
            Input::UserTold { .. } if self.is_refused() => {}
            Input::UserTold { incarnation, told } => self.hear_of_user(incarnation, told, &mut turn),
        }
        turn.effects.extend(self.outbox.spill());
        let writes_anyway = brings_events && self.last_record() > last_record;
        turn.effects.extend(self.outbox.flush_if_due(turn.now_ms, config.settings.flush_after_ms, writes_anyway));
        if !self.is_refused() {
            turn.effects.extend(self.begin_feed(turn.now_ms));
        }
        self.tell_watchers(before, &mut turn);
        config.rules.give_back(turn.scratch);
        turn.effects
    }

    /// This life of the visitor; part of record ids and of clients' cursors.
    pub const fn incarnation(&self) -> Uuid {
        self.core.incarnation
    }

    /// Whether anything real has happened in this life. After a withdrawal another one is kept in which nothing has.
    const fn is_seen(&self) -> bool {
        self.profile.first_seen_ms > 0
    }

    /// Something real happened now: the clock and the idle times count from here.
    fn touch(&mut self, turn: &Turn<'_>) {
        let now_ms = turn.now_ms;
        self.core.clock_ms = now_ms;
        self.core.last_activity_ms = now_ms;
        self.core.rules_version = turn.config.version;
        self.starts.attend();
        self.lapses.attend();
        if self.profile.first_seen_ms == 0 {
            self.profile.first_seen_ms = now_ms;
        }
    }
}
