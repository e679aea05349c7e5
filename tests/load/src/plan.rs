//! What a visitor will do, drawn from the seed before the run begins. Every step has the time at which it is meant to
//! happen, whatever the server does until then: that is what makes the load an open one.

use crate::clock::{Micros, seconds};
use crate::rules::{DWELLS_S, REMINDER_S};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

/// Longer than the platform lets an object be idle before it evicts it (ten seconds), with room.
const NAP: (Micros, Micros) = (14_000_000, 18_000_000);
/// How much longer than a dwell a page is looked at by whoever waits for its push.
const STAY: Micros = 2_500_000;

/// How a visitor's events get to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Over a socket for each tab.
    Socket,
    /// Without a socket: batches, which are answered with what was missed.
    Http,
}

/// One thing that a visitor does.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Opens a tab, whose number is the next one.
    OpenTab,
    /// A page of some kind that no rule looks at.
    Browse {
        tab: usize,
    },
    /// A product page, on which the rule of this dwell looks, and the product on it.
    Product {
        tab: usize,
        dwell_s: u64,
        stock: u32,
    },
    /// Puts something of this price into the cart.
    Add {
        price: u32,
    },
    Checkout,
    Order,
    /// Asks for what was missed; only those without a socket do.
    Ask,
    /// Does nothing until the next step, for so long that its object is put to sleep: the next step finds it asleep, or a
    /// timer wakes it.
    Nap,
    /// Closes the sockets; they come back with the next step.
    Away,
    Back,
    /// Waits until everybody is there; the times of the steps that follow count from then.
    Gather,
    /// Waits for what is due, and leaves.
    Leave,
}

/// A visitor's whole visit.
#[derive(Clone, Debug)]
pub struct Visit {
    pub number: usize,
    pub way: Way,
    pub arrives: Micros,
    /// What is done, each so long after the arrival.
    pub steps: Vec<(Micros, Step)>,
}

/// A day: the visits, by their arrival, and when all sockets break.
pub struct Day {
    pub visits: Vec<Visit>,
    pub storms: Vec<Micros>,
    /// From when to when the sale is.
    pub sale: (Micros, Micros),
}

fn random(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    random
}

/// How many arrive at this part (0 to 1) of the day, beside the day's mean: two humps, and a sale in which it is four times
/// as many.
fn intensity(part: f64) -> f64 {
    let hump = |at: f64, width: f64| (-((part - at) / width).powi(2)).exp();
    let sale = if (0.55..0.62).contains(&part) { 4.0 } else { 1.0 };
    (0.5 + hump(0.3, 0.15) + hump(0.75, 0.12)) * sale
}

/// A day of this length with about so many visitors: a Poisson process whose rate changes over the day.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts and times are small"
)]
pub fn day(seed: u64, visitors: f64, length: Micros) -> Day {
    const SLICES: usize = 1_000;
    let parts: Vec<f64> = (0..SLICES).map(|slice| intensity((slice as f64 + 0.5) / SLICES as f64)).collect();
    let whole: f64 = parts.iter().sum();
    let at = |part: f64| (part * length as f64) as Micros;
    let mut random_arrival = random(seed, 0);
    // Arrivals with rate one on a line whose length is the number of visitors, brought onto the day.
    let (mut visits, mut line, mut slice, mut before) = (Vec::new(), 0.0, 0, 0.0);
    loop {
        line += -(1.0 - random_arrival.random::<f64>()).ln();
        while slice < SLICES && (before + parts[slice]) / whole * visitors < line {
            before += parts[slice];
            slice += 1;
        }
        if slice == SLICES {
            break;
        }
        let within = (line / visitors * whole - before) / parts[slice];
        let part = (slice as f64 + within) / SLICES as f64;
        let number = visits.len();
        visits.push(visit(seed, number, at(part), (0.55..0.62).contains(&part)));
    }
    Day { visits, storms: vec![at(0.4), at(0.8)], sale: (at(0.55), at(0.62)) }
}

/// What is drawn while a visit is written.
struct Writer {
    random: ChaCha8Rng,
    at: Micros,
    steps: Vec<(Micros, Step)>,
    tabs: usize,
}

impl Writer {
    fn after(&mut self, wait: Micros, step: Step) {
        self.at += wait;
        self.steps.push((self.at, step));
    }

    fn chance(&mut self, part: f64) -> bool {
        self.random.random_bool(part)
    }

    fn think(&mut self) -> Micros {
        self.random.random_range(400_000..2_400_000)
    }

    fn tab(&mut self) -> usize {
        self.random.random_range(0..self.tabs)
    }

    /// A product page, left again before its dwell is over.
    fn product(&mut self) {
        let (wait, tab, stock) = (self.think(), self.tab(), self.random.random_range(1..=8));
        self.after(wait, Step::Product { tab, dwell_s: DWELLS_S[0], stock });
    }

    /// A product page that is looked at until its dwell is over; a long one outlasts the object's time in memory.
    fn stay(&mut self, way: Way, dwell_s: u64) {
        let (wait, tab) = (self.think(), self.tab());
        self.after(wait, Step::Product { tab, dwell_s, stock: 5 });
        if dwell_s > 10 {
            self.steps.push((self.at, Step::Nap));
        }
        self.wait(way, dwell_s);
    }

    /// Waits until a timer is certainly over; without a socket its push has to be asked for.
    fn wait(&mut self, way: Way, timer_s: u64) {
        self.at += seconds(timer_s) + STAY;
        if way == Way::Http {
            self.after(0, Step::Ask);
        }
    }

    /// A pause in which the object falls asleep, ended by something that is pushed at once.
    fn nap(&mut self) {
        let wait = self.think();
        self.after(wait, Step::Browse { tab: 0 }); // no rule looks at that page while it sleeps
        self.steps.push((self.at, Step::Nap));
        let wait = self.random.random_range(NAP.0..NAP.1);
        let tab = self.tab();
        self.after(wait, Step::Product { tab, dwell_s: DWELLS_S[1], stock: 1 });
    }
}

/// One visit. In the sale everybody goes straight to what is on sale.
fn visit(seed: u64, number: usize, arrives: Micros, sale: bool) -> Visit {
    let mut random = random(seed, 1 + number as u64);
    let way = if random.random_bool(0.2) { Way::Http } else { Way::Socket };
    let mut visit = Writer { random, at: 0, steps: Vec::new(), tabs: 1 };
    visit.after(0, Step::OpenTab);
    if sale {
        visit.after(200_000, Step::Product { tab: 0, dwell_s: DWELLS_S[0], stock: 1 });
        let price = 20 * visit.random.random_range(3..8);
        visit.after(600_000, Step::Add { price });
    } else {
        visit.after(100_000, Step::Browse { tab: 0 });
    }
    if way == Way::Socket && visit.chance(0.2) {
        for _ in 0..visit.random.random_range(1..3) {
            let wait = visit.think();
            visit.tabs += 1;
            visit.after(wait, Step::OpenTab);
        }
    }
    for _ in 0..visit.random.random_range(1..5) {
        visit.product();
    }
    if visit.chance(0.3) {
        visit.stay(way, DWELLS_S[0]);
    }
    // What takes long; a visit has one such thing.
    match visit.random.random_range(0..10) {
        0..3 => visit.nap(),
        3..5 => visit.stay(way, DWELLS_S[1]),
        5..7 => hesitate(&mut visit, way),
        7 if way == Way::Socket => {
            let wait = visit.think();
            visit.after(wait, Step::Away);
            let away = visit.random.random_range(1_000_000..16_000_000);
            visit.after(away, Step::Back);
            visit.product();
        }
        _ => {}
    }
    if visit.chance(0.4) {
        buy(&mut visit);
    }
    let wait = visit.think();
    visit.after(wait, Step::Leave);
    Visit { number, way, arrives, steps: visit.steps }
}

/// Puts things into the cart.
fn fill(visit: &mut Writer) {
    for _ in 0..visit.random.random_range(1..4) {
        let (wait, price) = (visit.think(), visit.random.random_range(5..70));
        visit.after(wait, Step::Add { price });
    }
}

/// Puts things into the cart, and waits until a reminder comes.
fn hesitate(visit: &mut Writer, way: Way) {
    let wait = visit.think();
    visit.after(wait, Step::Browse { tab: 0 });
    fill(visit);
    visit.steps.push((visit.at, Step::Nap));
    visit.wait(way, REMINDER_S);
}

fn buy(visit: &mut Writer) {
    fill(visit);
    for step in [Step::Checkout, Step::Order] {
        let wait = visit.think();
        visit.after(wait, step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_is_the_same_day_and_another_is_another() {
        let steps = |seed| {
            day(seed, 200.0, seconds(60))
                .visits
                .into_iter()
                .map(|visit| (visit.arrives, visit.steps))
                .collect::<Vec<_>>()
        };
        assert_eq!(steps(1), steps(1));
        assert_ne!(steps(1), steps(2));
    }

    #[test]
    fn about_as_many_come_as_were_asked_for_in_the_order_of_their_arrival() {
        let Day { visits, sale, .. } = day(7, 2_000.0, seconds(600));
        assert!((1_850..2_150).contains(&visits.len()), "{}", visits.len());
        assert!(visits.is_sorted_by_key(|visit| visit.arrives) && visits.last().unwrap().arrives < seconds(600));
        let hurried = visits.iter().filter(|visit| (sale.0..sale.1).contains(&visit.arrives)).count();
        assert!(hurried * 7 > visits.len(), "{hurried} came in the sale, which is a fourteenth of the day");
    }

    #[test]
    fn steps_are_in_their_order_and_each_visit_ends() {
        for visit in day(3, 500.0, seconds(60)).visits {
            assert!(visit.steps.is_sorted_by_key(|(at, _)| *at), "{visit:?}");
            assert_eq!(visit.steps.last().unwrap().1, Step::Leave);
        }
    }
}
