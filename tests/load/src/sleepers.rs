//! The sleepers: as many visitors with an open socket and a sleeping object as there are descriptors for, and then timers of
//! many of them that are due in the same five seconds.

use crate::bare::{self, Bare};
use crate::clock::{Micros, seconds};
use crate::options::Options;
use crate::plan::{Step, Visit, Way};
use crate::process::{self, Standing};
use crate::report;
use crate::rules::SLEEPERS_DWELLS_S;
use crate::run::{Marks, play};
use crate::visitor::{Gone, World};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Sockets that are opened in a second, unless it is said.
const RATE: f64 = 80.0;
/// Visitors from whom it is learned what one costs.
const TRIAL: usize = 150;
/// An object that is left alone for so long is asleep.
pub const ASLEEP: Micros = 14_000_000;
/// Timers are due within so long.
pub const WINDOW: Micros = 5_000_000;
/// Of the limit of descriptors so much is used at most: what else the runtime opens is not known.
const USED_MOST: f64 = 0.92;
/// What the tester needs besides its sockets.
const OWN_DESCRIPTORS: u64 = 150;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Sleepers {
    visitors: usize,
    timers: usize,
    kept: usize,
    /// Why there were not more.
    stopped_by: String,
    limit: Option<u64>,
    /// Descriptors of an object with a socket: while it is in memory, and while it sleeps.
    live_each: Option<f64>,
    asleep_each: Option<f64>,
    /// Before anybody came, when all slept, and just after the timers.
    before: Option<Standing>,
    asleep: Option<Standing>,
    after_timers: Option<Standing>,
    sockets_asleep: u64,
    /// From when to when timers were due.
    due: (Micros, Micros),
    /// Bare alarms, that the timers are compared with.
    bare: Option<Bare>,
    /// Time, memory and descriptors of the runtime.
    samples: Vec<(Micros, Standing)>,
}

impl Sleepers {
    /// What is missing from what was meant, as a sentence.
    pub fn short(&self) -> Option<String> {
        (self.sockets_asleep < self.visitors as u64)
            .then(|| format!("{} sockets were to be open, and {} were", self.visitors, self.sockets_asleep))
    }

    #[expect(clippy::cast_precision_loss, reason = "bytes and counts for people")]
    pub fn document(&self) -> Value {
        let standing =
            |at: &Option<Standing>| at.map(|at| json!({ "memory_bytes": at.memory, "descriptors": at.descriptors }));
        let per_visitor = self
            .before
            .zip(self.asleep)
            .map(|(before, asleep)| asleep.memory.saturating_sub(before.memory) as f64 / self.visitors.max(1) as f64);
        let s = |at: Micros| at as f64 / 1e6;
        json!({
            "visitors": self.visitors,
            "visitors_with_timers": self.timers,
            "visitors_at_the_timers": self.kept,
            "stopped_by": self.stopped_by,
            "descriptor_limit": self.limit,
            "descriptors_of_a_live_object": self.live_each,
            "descriptors_of_a_sleeping_object": self.asleep_each,
            "sockets_asleep": self.sockets_asleep,
            "before": standing(&self.before),
            "asleep": standing(&self.asleep),
            "after_timers": standing(&self.after_timers),
            "memory_bytes_per_sleeping_visitor": per_visitor,
            "bare": self.bare.as_ref().map(|bare| json!({
                "timer_ms": report::latency(&bare.late), "lost": bare.lost, "early": bare.early,
                "memory_bytes_per_sleeping_object": bare.memory_each,
            })),
            "timers_due_s": [s(self.due.0), s(self.due.1)],
            "samples": self.samples.iter().map(|(at, standing)| json!([s(*at), standing.memory, standing.descriptors])).collect::<Vec<_>>(),
        })
    }
}

/// When everything is to happen, counted from when all are there and asleep.
struct Schedule {
    rate: f64,
    visitors: usize,
    timers: usize,
    /// Those that are still there when the timers are due.
    kept: usize,
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts and times are small"
)]
impl Schedule {
    fn nth(number: usize, rate: f64) -> Micros {
        (number as f64 / rate * 1e6) as Micros
    }

    /// When the first timer is set: those for whom there is no room while so many objects are live have left.
    fn set(&self) -> Micros {
        let leavers = self.visitors - self.kept;
        Self::nth(leavers, self.rate) + if leavers > 0 { ASLEEP } else { 0 }
    }

    /// At least so many timers are set in a second that the longest dwell is long enough.
    fn set_rate(&self) -> f64 {
        self.rate.max(self.timers as f64 / 100.0)
    }

    /// When the first timer is due.
    fn due(&self) -> Micros {
        self.set() + Self::nth(self.timers, self.set_rate()) + seconds(SLEEPERS_DWELLS_S[0])
    }

    fn ends(&self) -> Micros {
        self.due() + WINDOW + ASLEEP + seconds(3)
    }

    fn visit(&self, number: usize) -> Visit {
        let mut steps = vec![(0, Step::OpenTab), (50_000, Step::Browse { tab: 0 }), (60_000, Step::Gather)];
        if number < self.timers {
            let set = self.set() + Self::nth(number, self.set_rate());
            let fits = |dwell_s: &&u64| set + seconds(**dwell_s) >= self.due();
            let dwell_s = *SLEEPERS_DWELLS_S.iter().find(fits).unwrap_or(&SLEEPERS_DWELLS_S[23]);
            steps.push((set, Step::Product { tab: 0, dwell_s, stock: 8 }));
            // Of every tenth it is looked at which instance answered: all of them at once would be a load of its own.
            if number.is_multiple_of(10) {
                steps.push((set, Step::Nap));
            }
        }
        let leaves = if number < self.kept {
            self.ends() + Self::nth(number, self.rate * 1.5)
        } else {
            Self::nth(number - self.kept, self.rate)
        };
        steps.push((leaves, Step::Leave));
        Visit { number, way: Way::Socket, arrives: Self::nth(number, self.rate), steps }
    }
}

/// Plays it.
pub async fn run(
    options: &Options,
    world: &Arc<World>,
    go_on: watch::Sender<Option<Micros>>,
    own: u64,
) -> Result<(Vec<Gone>, Marks, Sleepers), String> {
    let rate = options.rate.unwrap_or(RATE);
    let mut found = Sleepers::default();
    if world.engine.runtime_pid.is_some() && options.timers > 0 {
        eprintln!("load   first {} bare alarms, to compare with", options.timers);
        let bare = bare::measure(options.timers, rate).await?;
        eprintln!("load   {}", bare.line());
        found.bare = Some(bare);
    }
    found.before = standing(world);
    let trial = Schedule { rate, visitors: TRIAL, timers: 0, kept: 0 };
    let (mut gone, costs) = stage(world, &trial, 0, &go_on).await?;
    let each = |standing: Option<Standing>| {
        let more = standing?.descriptors.saturating_sub(found.before?.descriptors);
        #[expect(clippy::cast_precision_loss, reason = "counts are small")]
        Some(more as f64 / TRIAL as f64)
    };
    (found.live_each, found.asleep_each) = (each(costs.live), each(costs.asleep));
    let schedule = fit(options, world.engine.runtime_pid, rate, own, &mut found)?;
    eprintln!(
        "load   {} visitors are to sleep, {} of them with timers; {}",
        found.visitors, found.timers, found.stopped_by
    );
    found.before = standing(world);
    let (more, staged) = stage(world, &schedule, TRIAL, &go_on).await?;
    gone.extend(more);
    (found.asleep, found.sockets_asleep, found.after_timers) =
        (staged.asleep, staged.sockets_asleep, staged.after_timers);
    found.samples = staged.samples;
    let due = staged.goes_on + schedule.due();
    found.due = (due, due + WINDOW);
    Ok((gone, Marks { begins: staged.begins, ..Marks::default() }, found))
}

/// How the runtime stood in the course of one schedule.
#[derive(Default)]
struct Staged {
    begins: Micros,
    goes_on: Micros,
    /// Just after all had come.
    live: Option<Standing>,
    asleep: Option<Standing>,
    sockets_asleep: u64,
    after_timers: Option<Standing>,
    samples: Vec<(Micros, Standing)>,
}

/// Lets the visitors of a schedule come, sleep and go on; `first` is the number of the first of them.
async fn stage(
    world: &Arc<World>,
    schedule: &Schedule,
    first: usize,
    go_on: &watch::Sender<Option<Micros>>,
) -> Result<(Vec<Gone>, Staged), String> {
    let clock = world.clock;
    world.gathering.waiting.store(0, Ordering::Relaxed);
    let visits = (0..schedule.visitors).map(|number| Visit { number: first + number, ..schedule.visit(number) });
    let staged = Mutex::new(Staged { begins: clock.now() + seconds(1), ..Staged::default() });
    let begins = clock.now() + seconds(1);
    let ends = begins + Schedule::nth(schedule.visitors, schedule.rate) + ASLEEP + schedule.ends();
    let keep = |change: &dyn Fn(&mut Staged)| change(&mut staged.lock().unwrap_or_else(PoisonError::into_inner));
    let direct = async {
        while world.gathering.waiting.load(Ordering::Relaxed) < schedule.visitors {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let live = standing(world);
        tokio::time::sleep(Duration::from_micros(ASLEEP)).await;
        let (asleep, sockets) = (standing(world), world.recorder.kept().sockets);
        let goes_on = clock.now() + seconds(1);
        keep(&|staged| {
            (staged.live, staged.asleep, staged.sockets_asleep, staged.goes_on) = (live, asleep, sockets, goes_on);
        });
        go_on.send_replace(Some(goes_on));
        clock.until(goes_on + schedule.due() + WINDOW + seconds(1)).await;
        let after = standing(world);
        keep(&|staged| staged.after_timers = after);
        std::future::pending::<()>().await;
    };
    let watch = async {
        loop {
            if let Some(standing) = standing(world) {
                let now = clock.now();
                keep(&|staged| staged.samples.push((now, standing)));
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    };
    let gone = tokio::select! {
        gone = play(world, visits.collect(), begins, ends) => gone?,
        () = direct => Vec::new(),
        () = watch => Vec::new(),
    };
    Ok((gone, staged.into_inner().unwrap_or_else(PoisonError::into_inner)))
}

fn standing(world: &World) -> Option<Standing> {
    process::standing(world.engine.runtime_pid?)
}

/// How many there is room for.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are small"
)]
fn fit(options: &Options, runtime: Option<u32>, rate: f64, own: u64, found: &mut Sleepers) -> Result<Schedule, String> {
    found.limit = runtime.and_then(process::descriptor_limit);
    let of_tester = own.saturating_sub(OWN_DESCRIPTORS) as usize;
    let known = found.before.zip(found.live_each).zip(found.asleep_each).zip(found.limit);
    let (room, at_timers, timers) = match known {
        Some((((before, live), asleep), limit)) => {
            let free = limit as f64 * USED_MOST - before.descriptors as f64;
            // While some open their sockets, those of the last ten seconds are live.
            let room = (free - rate * 11.0 * (live - asleep)) / asleep.max(1.0);
            let timers = (options.timers as f64).min(free / live.max(1.0));
            let at_timers = (free - timers * (live - asleep)) / asleep.max(1.0);
            (room.max(0.0) as usize, at_timers.max(0.0) as usize, timers as usize)
        }
        None => (
            options.visitors.ok_or("what a visitor costs cannot be read here: say VISITORS")?,
            usize::MAX,
            options.timers,
        ),
    };
    found.visitors = options.visitors.unwrap_or(usize::MAX).min(room).min(of_tester);
    found.timers = timers.min(found.visitors);
    found.kept = found.visitors.min(at_timers).max(found.timers);
    found.stopped_by = match found.visitors {
        all if Some(all) == options.visitors => "as many as were asked for".into(),
        all if all == of_tester => format!("the tester's own limit of {own} descriptors stops it there"),
        _ => format!(
            "the runtime's limit of {} descriptors stops it there: {:.1} for a sleeping visitor, {:.1} for one in memory",
            found.limit.unwrap_or_default(),
            found.asleep_each.unwrap_or_default(),
            found.live_each.unwrap_or_default()
        ),
    };
    Ok(Schedule { rate, visitors: found.visitors, timers: found.timers, kept: found.kept })
}
