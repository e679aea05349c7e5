//! How many events may come in how long: exact sliding windows. In every stretch of the period's length there are at most
//! so many, wherever it begins.

use super::{Turn, Visitor};
use footfall_protocol::event::{Authority, Consent, Delivery, Event};
use footfall_protocol::rejection::{Code, Fault, Rejection};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A limit: at most `count` events in any `per_ms` milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// How many, from 1.
    pub count: u32,
    /// In how long, in milliseconds; below 2^32.
    pub per_ms: u64,
}

/// How a window stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// The limit's count.
    pub limit: u32,
    /// How many more it has room for now.
    pub remaining: u32,
    /// In how many milliseconds the whole limit is free again.
    pub reset_ms: u64,
    /// In how many milliseconds there is room for what was asked for: 0 for now. More than the limit at once is never
    /// let in; this is the whole period then.
    pub retry_ms: u64,
}

/// What was let in lately. Holds as many runs as the limit's count at most, and only those of the last period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    newest_ms: u64,
    /// The oldest first.
    runs: Vec<Run>,
}

/// Events that were let in within one millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    /// How long before the run after it, in milliseconds: small numbers are stored in few bytes.
    before_ms: u32,
    count: u32,
}

impl Window {
    /// How the window stands for somebody who wants to bring `wanted` events.
    pub fn look(&self, rate: Rate, wanted: u32, now_ms: u64) -> Allowance {
        let used: u64 = self.within(rate, now_ms).map(|(_, count)| u64::from(count)).sum();
        let remaining = rate.count.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX));
        let free_in_ms = |at_ms: u64| (at_ms + rate.per_ms).saturating_sub(now_ms);
        let reset_ms = self.within(rate, now_ms).next().map_or(0, |(at_ms, _)| free_in_ms(at_ms));
        let retry_ms = if wanted > rate.count {
            rate.per_ms
        } else {
            // From the newest back: the first run that would have to be gone.
            let mut room = rate.count - wanted;
            let mut runs = self.within(rate, now_ms);
            let in_the_way = runs.find(|(_, count)| {
                let fits = *count <= room;
                room = room.saturating_sub(*count);
                !fits
            });
            in_the_way.map_or(0, |(at_ms, _)| free_in_ms(at_ms))
        };
        Allowance { limit: rate.count, remaining, reset_ms, retry_ms }
    }

    /// Lets `count` events in. Whether there is room for them was looked at before.
    pub fn take(&mut self, rate: Rate, count: u32, now_ms: u64) {
        let now_ms = now_ms.max(self.newest_ms);
        let kept = self.within(rate, now_ms).count();
        self.runs.drain(..self.runs.len() - kept);
        match self.runs.last_mut() {
            Some(newest) if self.newest_ms == now_ms => newest.count = newest.count.saturating_add(count),
            newest => {
                if let Some(newest) = newest {
                    newest.before_ms = u32::try_from(now_ms - self.newest_ms).unwrap_or(u32::MAX);
                }
                self.runs.push(Run { before_ms: 0, count });
            }
        }
        self.newest_ms = now_ms;
    }

    /// Times and counts of what was let in during the last period, the newest first.
    fn within(&self, rate: Rate, now_ms: u64) -> impl Iterator<Item = (u64, u32)> {
        let mut at_ms = self.newest_ms;
        let runs = self.runs.iter().rev().map(move |run| {
            at_ms = at_ms.saturating_sub(run.before_ms.into());
            (at_ms, run.count)
        });
        runs.take_while(move |(at_ms, _)| now_ms < at_ms + rate.per_ms)
    }
}

/// The windows of a visitor. What pages say has one of its own, so that nobody who knows a visitor's id can keep out what
/// the store's servers have to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Windows {
    pages: Window,
    servers: Window,
}

impl Windows {
    /// Whether nothing was ever let in under a limit.
    pub(super) fn is_new(&self) -> bool {
        *self == Self::default()
    }

    const fn of(&self, authority: Authority) -> &Window {
        match authority {
            Authority::Source => &self.servers,
            Authority::Public | Authority::Visitor => &self.pages,
        }
    }

    pub(super) fn take(&mut self, authority: Authority, rate: Rate, count: u32, now_ms: u64) {
        match authority {
            Authority::Source => self.servers.take(rate, count, now_ms),
            Authority::Public | Authority::Visitor => self.pages.take(rate, count, now_ms),
        }
    }
}

impl Visitor {
    /// How the visitor's window stands for a sender of this authority that wants to bring `wanted` events.
    pub fn allowance(&self, authority: Authority, rate: Rate, wanted: u32, now_ms: u64) -> Allowance {
        self.rates.of(authority).look(rate, wanted, now_ms.max(self.core.clock_ms))
    }

    /// In how long a delivery may come again that is too much now. All of it or nothing is let in: half of it would leave
    /// a sender that repeats with events in another order. One delivery has one sender.
    pub(super) fn over_rate(&self, delivery: &Delivery, turn: &Turn<'_>) -> Option<(Rate, u64)> {
        let rate = turn.config.settings.rate?;
        // Consent that comes along lets in what follows it.
        let grants = delivery.events.iter().any(|(_, event)| event.consent == Consent::Granted);
        let admits = |event: &Event| self.admit(event, turn).is_ok() || (grants && event.consent != Consent::Denied);
        let comes = |event: &&Event| !self.repeats(event) && admits(event);
        let new: Vec<&Event> = delivery.events.iter().map(|(_, event)| event).filter(comes).collect();
        let authority = new.first()?.authority;
        let nameless = new.iter().filter(|event| event.id.is_empty()).count();
        let named: BTreeSet<&str> = new.iter().map(|event| event.id.as_str()).filter(|id| !id.is_empty()).collect();
        let wanted = u32::try_from(named.len() + nameless).unwrap_or(u32::MAX);
        let retry_ms = self.allowance(authority, rate, wanted, turn.now_ms).retry_ms;
        (retry_ms > 0).then_some((rate, retry_ms))
    }
}

/// The rejection of an event that came too soon.
pub(super) fn too_soon(index: usize, (rate, retry_ms): (Rate, u64)) -> Rejection {
    let seconds = |ms: u64| ms.div_ceil(1_000);
    let (count, per_s, retry_s) = (rate.count, seconds(rate.per_ms), seconds(retry_ms));
    let message = format!("at most {count} events of a visitor are taken in {per_s} s: send it again in {retry_s} s");
    let rejection = Rejection::new(index, Fault::at("", Code::RateLimited, message));
    Rejection { retry_after_ms: Some(retry_ms), ..rejection }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { count: 100, per_ms: 60_000 };

    /// Asks for one event at a time; whether each was let in.
    fn let_in(window: &mut Window, rate: Rate, at_ms: u64) -> bool {
        let fits = window.look(rate, 1, at_ms).retry_ms == 0;
        if fits {
            window.take(rate, 1, at_ms);
        }
        fits
    }

    #[test]
    fn the_101st_is_refused_wherever_the_window_begins() {
        // A burst of 100 in the last second of a minute, and more in the first seconds of the next one.
        for began_ms in [0, 59_000, 119_999, 1_795_255_200_000 - 500] {
            let mut window = Window::default();
            let burst = |n: u64| began_ms + 10 * n;
            assert!((0..100).all(|n| let_in(&mut window, RATE, burst(n))));
            for at_ms in [burst(99), burst(100), began_ms + 30_000, began_ms + 59_999] {
                assert!(!let_in(&mut window, RATE, at_ms), "{at_ms}");
            }
            // The first of them leaves after exactly a minute, and makes room for one.
            assert!(let_in(&mut window, RATE, began_ms + 60_000));
            assert!(!let_in(&mut window, RATE, began_ms + 60_000));
            assert!(let_in(&mut window, RATE, began_ms + 60_010));
        }
    }

    #[test]
    fn no_stretch_of_the_period_ever_has_more_than_the_limit() {
        let rate = Rate { count: 7, per_ms: 1_000 };
        let mut window = Window::default();
        let (mut now_ms, mut state, mut taken) = (5_000_u64, 1_u64, Vec::new());
        for _ in 0..20_000 {
            // A fixed sequence of steps: none, small and large ones.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            now_ms += [0, 1, 30, 90, 500][usize::try_from(state >> 33).unwrap() % 5];
            let naive = taken.iter().filter(|at_ms| now_ms < **at_ms + rate.per_ms).count();
            let allowance = window.look(rate, 1, now_ms);
            assert_eq!(usize::try_from(allowance.remaining).unwrap(), 7 - naive);
            assert_eq!(let_in(&mut window, rate, now_ms), naive < 7);
            if naive < 7 {
                taken.push(now_ms);
            }
            assert!(window.runs.len() <= 7);
        }
        assert!(taken.len() > 5_000);
    }

    #[test]
    fn an_answer_says_when_to_come_back() {
        let mut window = Window::default();
        assert_eq!(window.look(RATE, 1, 500), Allowance { limit: 100, remaining: 100, reset_ms: 0, retry_ms: 0 });
        window.take(RATE, 60, 1_000);
        window.take(RATE, 40, 11_000);
        let look = |wanted| window.look(RATE, wanted, 21_000);
        assert_eq!(look(1), Allowance { limit: 100, remaining: 0, reset_ms: 50_000, retry_ms: 40_000 });
        assert_eq!((look(60).retry_ms, look(61).retry_ms, look(100).retry_ms), (40_000, 50_000, 50_000));
        assert_eq!(look(101).retry_ms, 60_000);
        assert_eq!(look(0).retry_ms, 0);
    }

    #[test]
    fn a_clock_that_runs_backwards_frees_nothing() {
        let mut window = Window::default();
        window.take(RATE, 100, 100_000);
        assert_eq!(window.look(RATE, 1, 50_000).remaining, 0);
        window.take(RATE, 1, 50_000);
        assert_eq!(window.runs.len(), 1);
    }
}
