//! What one visitor must be told, and what it was told: every push is foreseen from the rules and from what was sent.
//!
//! When the engine took something is known only to lie between the sending and the acknowledgement, so every time here is
//! a pair of bounds. What must come, must not come or may not come yet follows from them; only when two such intervals
//! overlap is either outcome right, and such cases are counted.

use crate::clock::{Clock, Micros, seconds};
use crate::faults::Kind;
use crate::rules;

/// The engine's times are whole milliseconds, and its clock stands still while it works on something.
const SLACK: Micros = 3_000;
/// How late a timer may be before an answer without its push is wrong.
const WAKE: Micros = 2_000_000;

/// What leads to a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// An event, at once.
    Event,
    /// A page that is looked at on one tab.
    Dwell { tab: usize },
    /// A wait that ends by itself.
    Reminder,
}

/// Whether it must come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Must {
    Come,
    /// What ends it came at about the same time as it was due.
    Either,
    NotCome,
}

/// One push that is foreseen.
#[derive(Clone, Debug)]
struct Foreseen {
    rule: String,
    /// What tells it apart from others of its rule; empty for reminders, of which there is one at a time.
    key: String,
    cause: Cause,
    /// For how long after its cause.
    wait: Micros,
    /// When its cause was to be sent, and was.
    intended: Micros,
    sent: Micros,
    /// When its cause was certainly taken.
    acked: Option<Micros>,
    /// How long its clock may have stood still.
    paused: Micros,
    must: Must,
    /// The tabs that have to be told.
    owed: Vec<usize>,
    /// The tabs that were told.
    told: Vec<usize>,
}

impl Foreseen {
    /// By when it must have fired.
    fn latest(&self) -> Option<Micros> {
        Some(self.acked? + self.wait + self.paused)
    }
}

/// A push as it came.
pub struct Came<'a> {
    pub rule: &'a str,
    pub key: &'a str,
    pub tab: usize,
    pub received: Micros,
    /// When the engine says that it fired.
    pub fired: Micros,
}

/// A push that was right.
#[derive(Debug, PartialEq, Eq)]
pub struct Right {
    pub cause: Cause,
    /// When its cause was meant to be sent.
    pub intended: Micros,
    /// The earliest time at which it could be due.
    pub due: Micros,
    /// When its cause was certainly taken, if that is known by now.
    pub acked: Option<Micros>,
    /// No tab was told it before.
    pub first: bool,
    /// Nothing made its clock stand still, so that it was due then.
    pub exact: bool,
}

#[derive(Default)]
pub struct Ledger {
    foreseen: Vec<Foreseen>,
    views: u32,
    cart: u32,
    /// Cases in which either outcome was right.
    pub undecided: u64,
}

/// What was sent, for when it is acknowledged.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// What it leads to.
    leads_to: Vec<usize>,
    /// What it ends.
    ends: Vec<usize>,
}

impl Sent {
    /// Several at once.
    pub fn and(mut self, other: Self) -> Self {
        self.leads_to.extend(other.leads_to);
        self.ends.extend(other.ends);
        self
    }
}

impl Ledger {
    fn foresee(
        &mut self,
        rule: impl Into<String>,
        key: &str,
        cause: Cause,
        wait_s: u64,
        intended: Micros,
        owed: &[usize],
    ) -> Sent {
        self.foreseen.push(Foreseen {
            rule: rule.into(),
            key: key.to_owned(),
            cause,
            wait: seconds(wait_s),
            intended,
            sent: intended,
            acked: None,
            paused: 0,
            must: Must::Come,
            owed: owed.to_vec(),
            told: Vec::new(),
        });
        Sent { leads_to: vec![self.foreseen.len() - 1], ends: Vec::new() }
    }

    /// What was pending and is now to end.
    fn end(&self, ends: impl Fn(&Foreseen) -> bool) -> Sent {
        let pending = self
            .foreseen
            .iter()
            .enumerate()
            .filter(|(_, one)| one.told.is_empty() && one.must == Must::Come && ends(one));
        Sent { leads_to: Vec::new(), ends: pending.map(|(at, _)| at).collect() }
    }

    /// A page is opened in a tab; the one before it is over.
    pub fn open(&self, tab: usize) -> Sent {
        self.end(|one| one.cause == Cause::Dwell { tab })
    }

    /// A product page is opened: its dwell begins.
    pub fn dwell(&mut self, tab: usize, dwell_s: u64, path: &str, intended: Micros) -> Sent {
        let ended = self.open(tab);
        self.foresee(rules::dwell(dwell_s), path, Cause::Dwell { tab }, dwell_s, intended, &[tab]).and(ended)
    }

    /// A product is looked at. `tabs` are those that must hear of what is meant for all.
    pub fn view(&mut self, key: &str, stock: u32, counts: bool, intended: Micros, tabs: &[usize]) -> Sent {
        let mut sent = Sent::default();
        if stock <= rules::SCARCE_STOCK {
            sent = sent.and(self.foresee(rules::SCARCE, key, Cause::Event, 0, intended, tabs));
        }
        if counts {
            self.views += 1;
            if self.views.is_multiple_of(3) {
                sent = sent.and(self.foresee(rules::THIRD, key, Cause::Event, 0, intended, tabs));
            }
        }
        sent
    }

    /// Something is put into the cart; the wait for the checkout begins anew.
    pub fn add(&mut self, key: &str, price: u32, intended: Micros, tabs: &[usize]) -> Sent {
        let mut sent = self.end(|one| one.cause == Cause::Reminder);
        self.cart += price;
        if self.cart >= rules::FREE_SHIPPING {
            sent = sent.and(self.foresee(rules::CART, key, Cause::Event, 0, intended, tabs));
        }
        sent.and(self.foresee(rules::REMINDER, "", Cause::Reminder, rules::REMINDER_S, intended, tabs))
    }

    pub fn checkout(&self) -> Sent {
        self.end(|one| one.cause == Cause::Reminder)
    }

    pub fn order(&mut self) {
        self.cart = 0;
    }

    /// It goes out now, for the first time.
    pub fn goes_out(&mut self, sent: &Sent, now: Micros) {
        for at in &sent.leads_to {
            self.foreseen[*at].sent = now;
        }
    }

    /// It was sent for the first time then, and is on disk now.
    pub fn acknowledged(&mut self, sent: &Sent, first_sent: Micros, now: Micros) {
        for at in &sent.leads_to {
            self.foreseen[*at].acked = Some(now);
        }
        for at in &sent.ends {
            let one = &mut self.foreseen[*at];
            if now + SLACK < one.sent + one.wait {
                one.must = Must::NotCome;
            } else if one.latest().is_none_or(|latest| first_sent <= latest + SLACK) {
                one.must = Must::Either;
                self.undecided += u64::from(one.told.is_empty());
            }
        }
    }

    /// A tab's socket is back after so long: the clocks of its page may have stood still.
    pub fn paused(&mut self, tab: usize, lasted: Micros) {
        for one in self.foreseen.iter_mut().filter(|one| one.told.is_empty() && one.cause == Cause::Dwell { tab }) {
            one.paused += lasted;
        }
    }

    /// A push came: whether it was right.
    ///
    /// # Errors
    /// What was wrong with it.
    pub fn told(&mut self, came: &Came<'_>, clock: &Clock) -> Result<Right, (Kind, String)> {
        let name = format!("{} {}", came.rule, came.key);
        let of_it = |one: &&mut Foreseen| one.rule == came.rule && one.key == came.key;
        let mut known = false;
        let mut early = None;
        for one in self.foreseen.iter_mut().filter(of_it) {
            known = true;
            let due = one.sent + one.wait;
            let in_time = came.fired + SLACK >= due && came.received + SLACK >= due;
            // Of several that are alike the oldest that it can be.
            if one.told.contains(&came.tab) || one.must == Must::NotCome {
                continue;
            }
            if !in_time {
                early = Some(due.saturating_sub(came.fired.min(came.received)));
                continue;
            }
            let first = one.told.is_empty();
            one.told.push(came.tab);
            return Ok(Right {
                cause: one.cause,
                intended: one.intended,
                due,
                acked: one.acked,
                first,
                exact: one.paused == 0,
            });
        }
        let at = clock.began_wall_ms() + came.fired / 1_000;
        Err(match (known, early) {
            (true, Some(by)) => (Kind::Early, format!("{name} came {} ms early (fired at {at})", by / 1_000)),
            (true, None) => (
                Kind::Repeated,
                format!("{name} came again, or after what ends it, on tab {} (fired at {at})", came.tab),
            ),
            (false, _) => (Kind::Unexpected, format!("{name} came, and nothing leads to it (fired at {at})")),
        })
    }

    /// What has come due by `now` and was not told to somebody who has to be told, as sentences. Of what was never
    /// acknowledged nothing has to come.
    pub fn missing(&self, now: Micros) -> Vec<String> {
        let overdue = |one: &&Foreseen| one.must == Must::Come && one.latest().is_some_and(|latest| latest <= now);
        let mut missing = Vec::new();
        for one in self.foreseen.iter().filter(overdue) {
            for tab in one.owed.iter().filter(|tab| !one.told.contains(tab)) {
                let due = (one.sent + one.wait) / 1_000;
                missing.push(format!("{} {} never came on tab {tab}; due at {due} ms of the run", one.rule, one.key));
            }
        }
        missing
    }

    /// For a tab without a socket, which is told with its answers: what an answer to something sent then, with these
    /// consequences, had to bring and did not. Each is named once.
    pub fn untold(&mut self, sent: Micros, leads: &Sent) -> Vec<String> {
        let mut untold = Vec::new();
        for (at, one) in self.foreseen.iter_mut().enumerate() {
            let due = one.latest().is_some_and(|latest| latest + WAKE <= sent);
            if due && one.must == Must::Come && one.told.is_empty() && !leads.ends.contains(&at) {
                one.must = Must::Either;
                untold.push(format!("{} {} was not told with an answer long after it was due", one.rule, one.key));
            }
        }
        untold
    }

    /// What was meant for a page goes when the page is left, and a tab without a socket may not have asked before.
    pub fn forgo(&mut self, leads: &Sent) {
        for at in &leads.ends {
            let one = &mut self.foreseen[*at];
            if matches!(one.cause, Cause::Dwell { .. }) && one.told.is_empty() && one.must == Must::Come {
                one.must = Must::Either;
            }
        }
    }

    /// When a timer was the last to wake the object, as far as is known by now.
    pub fn stirred(&self, now: Micros) -> Micros {
        let timers = self.foreseen.iter().filter(|one| one.cause != Cause::Event && one.must != Must::NotCome);
        timers.filter_map(Foreseen::latest).filter(|latest| *latest <= now).max().unwrap_or_default()
    }

    /// Whether everything is acknowledged and everything that has come due by `now` was told.
    pub fn settled(&self, now: Micros) -> bool {
        self.missing(now).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Micros = 1_000_000;

    fn told(ledger: &mut Ledger, rule: &str, key: &str, at: Micros) -> Result<Right, Kind> {
        let came = Came { rule, key, tab: 0, received: at, fired: at };
        ledger.told(&came, &Clock::begin()).map_err(|(kind, _)| kind)
    }

    fn send(ledger: &mut Ledger, sent: &Sent, at: Micros) {
        ledger.goes_out(sent, at);
        ledger.acknowledged(sent, at, at + 10_000);
    }

    #[test]
    fn an_event_leads_to_its_push_once() {
        let mut ledger = Ledger::default();
        let sent = ledger.view("a", 1, true, S, &[0]);
        send(&mut ledger, &sent, S);
        assert_eq!(ledger.missing(2 * S).len(), 1);
        assert!(told(&mut ledger, rules::SCARCE, "a", S + 1).unwrap().first);
        assert!(ledger.settled(2 * S));
        assert_eq!(told(&mut ledger, rules::SCARCE, "a", S + 2), Err(Kind::Repeated));
        assert_eq!(told(&mut ledger, rules::SCARCE, "b", S + 2), Err(Kind::Unexpected));
    }

    #[test]
    fn a_dwell_is_early_before_its_time_and_wrong_after_its_page_was_left_in_time() {
        let mut ledger = Ledger::default();
        let sent = ledger.dwell(0, 4, "/p4/1", S);
        send(&mut ledger, &sent, S);
        assert_eq!(told(&mut ledger, "load-dwell-4", "/p4/1", 5 * S - 100_000), Err(Kind::Early));
        assert!(ledger.settled(5 * S) && !ledger.settled(6 * S));
        let left = ledger.open(0);
        send(&mut ledger, &left, 3 * S);
        assert!(ledger.settled(60 * S));
        assert_eq!(told(&mut ledger, "load-dwell-4", "/p4/1", 5 * S), Err(Kind::Repeated));
        assert_eq!(ledger.undecided, 0);
    }

    #[test]
    fn a_page_that_is_left_when_its_dwell_is_due_may_have_been_in_time_or_not() {
        let mut ledger = Ledger::default();
        let sent = ledger.dwell(0, 4, "/p4/1", S);
        send(&mut ledger, &sent, S);
        let left = ledger.open(0);
        send(&mut ledger, &left, 5 * S);
        assert_eq!(ledger.undecided, 1);
        assert!(ledger.settled(60 * S));
        assert!(told(&mut ledger, "load-dwell-4", "/p4/1", 5 * S).is_ok());
    }

    #[test]
    fn each_addition_begins_the_wait_for_a_checkout_anew() {
        let mut ledger = Ledger::default();
        for at in [S, 4 * S] {
            let sent = ledger.add("k", 20, at, &[0]);
            send(&mut ledger, &sent, at);
        }
        assert_eq!(told(&mut ledger, rules::REMINDER, "", 16 * S), Err(Kind::Early));
        assert!(told(&mut ledger, rules::REMINDER, "", 18 * S).is_ok());
        assert!(ledger.settled(60 * S));
    }
}
