//! A run from its beginning to its verdict.

use crate::clock::{Clock, Micros, seconds};
use crate::engine::Engine;
use crate::faults::{Fault, Kind};
use crate::options::{Options, Scenario};
use crate::plan;
use crate::recorder::{COUNTS, Count, LATENCIES, Recorder};
use crate::rules::DWELLS_S;
use crate::visitor::{Gone, World, live};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Of those that are meant to sleep so many must be proved to have slept.
const ASLEEP_LEAST: f64 = 0.95;

/// Runs what the options say. `true` when nothing was wrong.
///
/// # Errors
/// A sentence about why it could not run.
pub async fn run(options: Options) -> Result<bool, String> {
    let limit = rlimit::increase_nofile_limit(u64::MAX).map_err(|error| format!("the limit of descriptors cannot be read: {error}"))?;
    let mut engine = Engine::begin(&options, &DWELLS_S).await?;
    let clock = Clock::begin();
    let recorder = Arc::new(Recorder::new(clock));
    eprintln!("{limit} descriptors; engine at {}", engine.http.address);
    let before = engine.counters().await;
    let shared = Arc::new(engine);
    let gone = match options.scenario {
        Scenario::Day | Scenario::Sleepers => day(&options, clock, &shared, &recorder).await?,
    };
    let after = shared.counters().await;
    verdict(&options, &recorder, &gone);
    for (what, name) in COUNTS {
        eprintln!("{name} {}", recorder.total(what));
    }
    for (what, name) in LATENCIES {
        let kept = recorder.kept();
        if let Some(h) = kept.latencies.get(&what) {
            eprintln!("{name:20} n {} p50 {:?} p99 {:?} max {}", h.len(), kept.percentile_ms(what, 50.0), kept.percentile_ms(what, 99.0), h.max());
        }
    }
    eprintln!("{before:?}\n{after:?}");
    for fault in recorder.kept().faults.iter().take(20) {
        eprintln!("{}", fault.line());
    }
    let good = recorder.kept().faults.is_empty();
    engine = Arc::into_inner(shared).ok_or("something still uses the engine")?;
    engine.end().await;
    Ok(good)
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts and times are small")]
async fn day(options: &Options, clock: Clock, engine: &Arc<Engine>, recorder: &Arc<Recorder>) -> Result<Vec<Gone>, String> {
    let length = (options.minutes * 60e6) as Micros;
    let visitors = options.rate.map_or_else(|| options.visitors.unwrap_or(600) as f64, |rate| rate * options.minutes * 60.0);
    let begins = clock.now() + seconds(1);
    let day = plan::day(options.seed, visitors, length);
    let (storm, storms) = watch::channel(0);
    let world = Arc::new(World {
        clock,
        engine: Arc::clone(engine),
        recorder: Arc::clone(recorder),
        seed: options.seed,
        patience: seconds(options.patience_s),
        storms,
        inject: options.inject,
        injected: AtomicBool::new(false),
    });
    let mut visits = JoinSet::new();
    for mut visit in day.visits {
        visit.arrives += begins;
        let mut random = ChaCha8Rng::seed_from_u64(options.seed);
        random.set_stream(u64::MAX - visit.number as u64);
        visits.spawn(live(Arc::clone(&world), visit, random));
    }
    tokio::spawn(async move {
        for at in day.storms {
            clock.until(begins + at).await;
            storm.send_modify(|count| *count += 1);
        }
        // Nobody waits for another, and nobody is to hear of its end.
        std::future::pending::<()>().await;
    });
    let mut gone = Vec::new();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            visit = visits.join_next() => match visit {
                Some(Ok(one)) => gone.push(one),
                Some(Err(error)) => return Err(format!("a visitor of the tester broke: {error}")),
                None => break,
            },
            _ = tick.tick() => {
                recorder.sample();
                let kept = recorder.kept();
                eprintln!("{:>4} s present {} sockets {} faults {}", clock.now() / 1_000_000, kept.present, kept.sockets, kept.faults.len());
            }
        }
    }
    if options.inject.is_some() && !world.injected.load(Ordering::Relaxed) {
        return Err("there was nothing that could be falsified: more visitors, or more time".into());
    }
    Ok(gone)
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn verdict(options: &Options, recorder: &Recorder, gone: &[Gone]) {
    let (naps, proved) = (recorder.total(Count::Naps), recorder.total(Count::NapsProved));
    if (proved as f64) < ASLEEP_LEAST * naps as f64 {
        let what = format!("of {naps} objects that were to sleep only {proved} are proved to have been evicted");
        recorder.fault(Fault { kind: Kind::Awake, seed: options.seed, number: 0, visitor: String::new(), what });
    }
    let _ = gone;
}
