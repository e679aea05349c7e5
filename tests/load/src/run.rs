//! A run from its beginning to its verdict.

use crate::clock::{Clock, Micros, seconds};
use crate::engine::Engine;
use crate::faults::{Fault, Kind};
use crate::options::{Options, Scenario};
use crate::plan::{self, Visit};
use crate::progress::Progress;
use crate::recorder::{Count, Recorder};
use crate::report::{self, Told};
use crate::rules::{DWELLS_S, SLEEPERS_DWELLS_S};
use crate::sleepers::{self, Sleepers};
use crate::visitor::{Gathering, Gone, World, live};
use futures_util::{StreamExt as _, stream};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Of those that are meant to sleep so many must be proved to have slept.
pub const ASLEEP_LEAST: f64 = 0.95;
/// Visitors that may be about to come at once, where they wait for each other.
const DOORS: usize = 40;
/// Looks into objects at once, when all is over.
const LOOKS: usize = 8;

/// What is known of the objects when all is over.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    /// How many instances each has had; empty where the build does not count that.
    pub instances: Vec<u64>,
    /// How often something came to one of them after a silence in which it had to be evicted, and how many of these
    /// silences its instances bear out.
    pub silences: u64,
    pub borne_out: u64,
    /// Visitors that were meant to sleep, and those of them that were proved to have slept each time.
    pub meant: u64,
    pub proved: u64,
}

/// Something that comes to all visitors.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// When the first visitor may arrive.
    pub begins: Micros,
    pub storms: Vec<Micros>,
    pub sale: Option<(Micros, Micros)>,
}

/// Runs what the options say. `true` when nothing was wrong.
///
/// # Errors
/// A sentence about why it could not run.
pub async fn run(options: Options) -> Result<bool, String> {
    let descriptors = rlimit::increase_nofile_limit(u64::MAX)
        .map_err(|error| format!("the limit of descriptors cannot be read: {error}"))?;
    let dwells_s: &[u64] = if options.scenario == Scenario::Day { &DWELLS_S } else { &SLEEPERS_DWELLS_S };
    let engine = Arc::new(Engine::begin(&options, dwells_s).await?);
    let clock = Clock::begin();
    let recorder = Arc::new(Recorder::new(clock));
    let (storm, storms) = watch::channel(0);
    let (go_on, goes_on) = watch::channel(None);
    let world = Arc::new(World {
        clock,
        engine: Arc::clone(&engine),
        recorder: Arc::clone(&recorder),
        seed: options.seed,
        patience: seconds(options.patience_s),
        storms,
        inject: options.inject,
        injected: AtomicBool::new(false),
        gathering: Gathering { doors: Semaphore::new(DOORS), waiting: AtomicUsize::new(0), goes_on },
    });
    eprintln!("load   seed {}, {descriptors} descriptors, engine at {}", options.seed, engine.http.address);
    let before = engine.counters().await;
    let (gone, marks, sleepers) = match options.scenario {
        Scenario::Day => {
            let (gone, marks) = day(&options, &world, storm).await?;
            (gone, marks, None)
        }
        Scenario::Sleepers => {
            let (gone, marks, sleepers) = sleepers::run(&options, &world, go_on, descriptors).await?;
            (gone, marks, Some(sleepers))
        }
    };
    let after = engine.counters().await;
    let ended = clock.now();
    if options.inject.is_some() && !world.injected.load(Ordering::Relaxed) {
        return Err("there was nothing that could be falsified: more visitors, or more time".into());
    }
    let objects = look_back(&world, &gone).await;
    judge(&options, &recorder, &objects, sleepers.as_ref());
    let counters = before.zip(after).map(|(before, after)| difference(&before, &after));
    let told = Told { options: &options, clock, ended, descriptors, marks, objects, counters, sleepers };
    report::write(&told, &recorder.kept())?;
    drop(world);
    let mut engine = Arc::into_inner(engine).ok_or("something still uses the engine")?;
    engine.end().await;
    Ok(recorder.kept().faults.is_empty())
}

/// Plays a day.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts and times are small"
)]
async fn day(options: &Options, world: &Arc<World>, storm: watch::Sender<u64>) -> Result<(Vec<Gone>, Marks), String> {
    let clock = world.clock;
    let length = (options.minutes * 60e6) as Micros;
    let visitors =
        options.rate.map_or_else(|| options.visitors.unwrap_or(600) as f64, |rate| rate * options.minutes * 60.0);
    let begins = clock.now() + seconds(1);
    let day = plan::day(options.seed, visitors, length);
    let marks = Marks {
        begins,
        storms: day.storms.iter().map(|at| begins + at).collect(),
        sale: Some((begins + day.sale.0, begins + day.sale.1)),
    };
    let storms = marks.storms.clone();
    let weather = tokio::spawn(async move {
        for at in storms {
            clock.until(at).await;
            storm.send_modify(|count| *count += 1);
        }
        // The sender is kept: its end would wake everybody.
        std::future::pending::<()>().await;
    });
    let gone = play(world, day.visits, begins, begins + length).await;
    weather.abort();
    Ok((gone?, marks))
}

/// Lets everybody live through their visit, and says how it goes.
pub async fn play(world: &Arc<World>, visits: Vec<Visit>, begins: Micros, ends: Micros) -> Result<Vec<Gone>, String> {
    let mut alive = JoinSet::new();
    for mut visit in visits {
        visit.arrives += begins;
        let mut random = ChaCha8Rng::seed_from_u64(world.seed);
        random.set_stream(u64::MAX - visit.number as u64);
        alive.spawn(live(Arc::clone(world), visit, random));
    }
    let mut gone = Vec::new();
    let mut progress = Progress::begin(ends);
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            visit = alive.join_next() => match visit {
                Some(Ok(one)) => gone.push(one),
                Some(Err(error)) => return Err(format!("a visitor of the tester broke: {error}")),
                None => break,
            },
            _ = tick.tick() => {
                world.recorder.sample();
                progress.tell(world.clock, &world.recorder);
            }
        }
    }
    progress.end();
    Ok(gone)
}

/// Looks at every object once more: how many instances it has had. Fewer than were seen would be a wrong count.
async fn look_back(world: &World, gone: &[Gone]) -> Objects {
    let looks = stream::iter(gone.iter().filter(|one| !one.visitor.is_empty())).map(async |one| {
        let begun = world.clock.now();
        let look = world.engine.look(&one.visitor).await.ok()?;
        // The look itself may have made one more.
        let made_now = world.clock.of_wall_ms(look.constructed_at_ms) + 2_000 >= begun;
        Some((one, look.instances? - u64::from(made_now)))
    });
    let looks: Vec<_> = looks.buffer_unordered(LOOKS).filter_map(async |look| look).collect().await;
    for (one, instances) in looks.iter().filter(|(one, instances)| *instances < 1 + one.proved) {
        let what = format!("its object counts {instances} instances, and was seen to be evicted {} times", one.proved);
        let fault =
            Fault { kind: Kind::Awake, seed: world.seed, number: one.number, visitor: one.visitor.clone(), what };
        world.recorder.fault(fault);
    }
    let borne_out = |(one, instances): &(&Gone, u64)| one.silences.min(instances.saturating_sub(1));
    let slept = gone.iter().filter(|one| one.naps > 0);
    Objects {
        silences: looks.iter().map(|(one, _)| one.silences).sum(),
        borne_out: looks.iter().map(borne_out).sum(),
        instances: looks.iter().map(|(_, instances)| *instances).collect(),
        meant: slept.clone().count() as u64,
        proved: slept.filter(|one| one.proved == one.naps).count() as u64,
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn judge(options: &Options, recorder: &Recorder, objects: &Objects, sleepers: Option<&Sleepers>) {
    let wrong = |kind, what: String| {
        recorder.fault(Fault { kind, seed: options.seed, number: 0, visitor: String::new(), what });
    };
    let (naps, proved) = (recorder.total(Count::Naps), recorder.total(Count::NapsProved));
    if (proved as f64) < ASLEEP_LEAST * naps as f64 {
        wrong(
            Kind::Awake,
            format!("of {naps} objects that were to sleep only {proved} are proved to have been evicted"),
        );
    }
    let Objects { silences, borne_out, .. } = objects;
    if (*borne_out as f64) < ASLEEP_LEAST * *silences as f64 {
        wrong(
            Kind::Awake,
            format!("of {silences} silences only {borne_out} are borne out by the instances of the objects"),
        );
    }
    if recorder.total(Count::Events) == 0 {
        wrong(Kind::Refused, "not one event was acknowledged".into());
    }
    if let Some(short) = sleepers.and_then(Sleepers::short) {
        wrong(Kind::Lost, short);
    }
}

/// What was counted between two looks at the counters.
fn difference(before: &Value, after: &Value) -> Value {
    let members = after.as_object().into_iter().flatten();
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    members.map(|(name, value)| (name.clone(), Value::from(number(value) - number(&before[name])))).collect()
}
