//! What a run tells: everything as JSON, the same as a page with charts, and a few lines for the terminal.

use crate::clock::{Clock, Micros};
use crate::options::Options;
use crate::page;
use crate::recorder::{COUNTS, Count, Kept, LATENCIES};
use crate::run::{Marks, Objects};
use crate::sleepers::Sleepers;
use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};
use std::process::Command;

/// The percentiles that are told of every latency.
const PERCENTILES: [(&str, f64); 6] =
    [("p50", 50.0), ("p90", 90.0), ("p95", 95.0), ("p99", 99.0), ("p99_9", 99.9), ("max", 100.0)];
/// Faults that are told one by one.
const FAULTS_MAX: usize = 1_000;

/// What is told besides what was recorded.
pub struct Told<'a> {
    pub options: &'a Options,
    pub clock: Clock,
    pub ended: Micros,
    pub descriptors: u64,
    pub marks: Marks,
    pub objects: Objects,
    /// The platform's counters over the run, where the build has them.
    pub counters: Option<Value>,
    pub sleepers: Option<Sleepers>,
}

/// Writes the report's files and says on stdout what is most worth knowing.
///
/// # Errors
/// A sentence about what could not be written.
pub fn write(told: &Told<'_>, kept: &Kept) -> Result<(), String> {
    let report = document(told, kept);
    let directory = &told.options.report;
    let keep = |name: &str, text: String| {
        let path = directory.join(name);
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    };
    std::fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    keep("load.json", format!("{:#}\n", report))?;
    keep("load.html", page::write(&report))?;
    print!("{}", summary(&report));
    println!("report: {0}/load.html, {0}/load.json", directory.display());
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of hours")]
fn ms(at: Micros) -> f64 {
    at as f64 / 1_000.0
}

fn document(told: &Told<'_>, kept: &Kept) -> Value {
    let total = |what| kept.totals.get(&what).copied().unwrap_or_default();
    let counts: Map<String, Value> =
        COUNTS.iter().map(|(what, name)| ((*name).to_owned(), total(*what).into())).collect();
    let latencies: Map<String, Value> = LATENCIES
        .iter()
        .filter_map(|(what, name)| Some(((*name).to_owned(), latency(kept.latencies.get(what)?))))
        .collect();
    let faults: Vec<_> = kept.faults.iter().take(FAULTS_MAX).collect();
    let lines: Vec<_> = kept.faults.iter().take(FAULTS_MAX).map(crate::faults::Fault::line).collect();
    let options = told.options;
    json!({
        "format": 1,
        "scenario": format!("{:?}", options.scenario).to_lowercase(),
        "seed": options.seed,
        "passed": kept.faults.is_empty(),
        "injected": options.inject.map(|inject| format!("{inject:?}").to_lowercase()),
        "began_ms": told.clock.began_wall_ms(),
        "lasted_ms": ms(told.ended),
        "minutes": options.minutes,
        "versions": versions(),
        "machine": machine(told.descriptors),
        "counts": counts,
        "sockets_most": kept.sockets_most,
        "latencies_ms": latencies,
        "hibernation": {
            "naps": total(Count::Naps),
            "proved": total(Count::NapsProved),
            "disturbed": total(Count::NapsDisturbed),
            "visitors_meant_to_sleep": told.objects.meant,
            "visitors_proved_each_time": told.objects.proved,
            "silences": told.objects.silences,
            "silences_borne_out": told.objects.borne_out,
            "instances": instances(&told.objects.instances),
        },
        "platform": platform(told.counters.as_ref(), &total),
        "marks": {
            "begins_s": ms(told.marks.begins) / 1_000.0,
            "storms_s": told.marks.storms.iter().map(|at| ms(*at) / 1_000.0).collect::<Vec<_>>(),
            "sale_s": told.marks.sale.map(|(from, to)| [ms(from) / 1_000.0, ms(to) / 1_000.0]),
        },
        "seconds": seconds(kept),
        "sleepers": told.sleepers.as_ref().map(Sleepers::document),
        "fault_count": kept.faults.len(),
        "faults": faults,
        "fault_lines": lines,
    })
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of minutes")]
/// A histogram in milliseconds.
pub fn latency(histogram: &Histogram<u64>) -> Value {
    let mut told = Map::new();
    told.insert("count".into(), histogram.len().into());
    told.insert("mean".into(), (histogram.mean() / 1_000.0).into());
    for (name, percent) in PERCENTILES {
        told.insert(name.into(), (histogram.value_at_percentile(percent) as f64 / 1_000.0).into());
    }
    // The curve: how much is at most so long, in the steps in which the histogram itself has something to tell.
    let curve: Vec<_> = histogram
        .iter_quantiles(4)
        .map(|step| json!([step.percentile(), step.value_iterated_to() as f64 / 1_000.0]))
        .collect();
    told.insert("curve".into(), curve.into());
    // And how many in each span, each a quarter longer than the one before.
    let spans: Vec<_> = histogram
        .iter_log(100, 1.25)
        .filter(|step| step.count_since_last_iteration() > 0)
        .map(|step| json!([step.value_iterated_to() as f64 / 1_000.0, step.count_since_last_iteration()]))
        .collect();
    told.insert("spans".into(), spans.into());
    told.into()
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn instances(each: &[u64]) -> Value {
    let Some(most) = each.iter().max() else { return Value::Null };
    let total: u64 = each.iter().sum();
    json!({
        "objects": each.len(), "constructor_runs": total, "wake_ups": total - each.len() as u64,
        "mean": total as f64 / each.len() as f64, "most": most,
    })
}

/// What the platform would count, and what that is for an event. The tester's own looks are left out of the requests.
#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn platform(counters: Option<&Value>, total: &impl Fn(Count) -> u64) -> Value {
    let events = total(Count::Events).max(1) as f64;
    let requests = total(Count::Requests) + total(Count::Upgrades);
    let of_objects = requests - total(Count::Names);
    let messages = total(Count::MessagesIn);
    let mut told = json!({
        "worker_requests": requests,
        "object_requests": of_objects,
        "socket_messages": messages,
        "looks_of_the_tester": total(Count::Probes),
        "counters": counters,
        "per_event": {
            "worker_requests": requests as f64 / events,
            "object_requests": of_objects as f64 / events,
            "socket_messages": messages as f64 / events,
        },
    });
    for (name, counted) in counters.and_then(Value::as_object).into_iter().flatten() {
        told["per_event"][name] = (counted.as_f64().unwrap_or_default() / events).into();
    }
    told
}

fn seconds(kept: &Kept) -> Value {
    const TOLD: [Count; 6] =
        [Count::Visitors, Count::Requests, Count::MessagesIn, Count::Events, Count::Pushes, Count::Timers];
    let mut asleep = vec![0_u64; kept.seconds.len()];
    for (from, to) in &kept.slept {
        // At the end of the second, as the others are.
        let at = |micros: &Micros| usize::try_from(micros / 1_000_000).unwrap_or_default();
        for second in at(from)..at(to).min(asleep.len()) {
            asleep[second] += 1;
        }
    }
    let each = kept.seconds.iter().zip(asleep).map(|(second, asleep)| {
        let mut told = Map::new();
        for (what, name) in COUNTS.iter().filter(|(what, _)| TOLD.contains(what)) {
            told.insert((*name).to_owned(), second.counts.get(what).copied().unwrap_or_default().into());
        }
        told.insert("sockets".into(), second.sockets.into());
        told.insert("present".into(), second.visitors.into());
        told.insert("proved_asleep".into(), asleep.into());
        Value::Object(told)
    });
    each.collect()
}

fn versions() -> Value {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let package = std::fs::read_to_string("node_modules/workerd/package.json").ok();
    let package: Option<Value> = package.and_then(|text| serde_json::from_str(&text).ok());
    json!({
        "tester": env!("CARGO_PKG_VERSION"),
        "commit": said("git", &["rev-parse", "--short", "HEAD"]),
        "workerd": package.map(|package| package["version"].clone()),
        "node": said("node_modules/.bin/node", &["--version"]),
    })
}

fn machine(descriptors: u64) -> Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let line = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    json!({
        "cpus": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "cpu": line(&read("/proc/cpuinfo"), "model name"),
        "memory": line(&read("/proc/meminfo"), "MemTotal"),
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        "load_average": read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" "),
        "descriptors": descriptors,
    })
}

fn summary(report: &Value) -> String {
    let mut text = String::new();
    let counts = &report["counts"];
    text += &format!(
        "seed {}: {} visitors, {} events, {} pushes ({} of timers), at most {} sockets at once\n",
        report["seed"],
        counts["visitors"],
        counts["events_acknowledged"],
        counts["pushes"],
        counts["timers"],
        report["sockets_most"],
    );
    let asleep = &report["hibernation"];
    text += &format!(
        "asleep: {} of {} that were to be, proved by their instances; {} were disturbed\n",
        asleep["proved"], asleep["naps"], asleep["disturbed"]
    );
    if let Some(runs) = asleep["instances"]["constructor_runs"].as_u64() {
        text += &format!(
            "objects: {}, constructed {runs} times, woken {} times\n",
            asleep["instances"]["objects"], asleep["instances"]["wake_ups"]
        );
    }
    for (name, what) in report["latencies_ms"].as_object().into_iter().flatten() {
        let of = |percentile: &str| what[percentile].as_f64().unwrap_or_default();
        text += &format!(
            "{name:>18} {:>8} times: {:>9.1} ms median, {:>9.1} ms p99, {:>9.1} ms at most\n",
            what["count"],
            of("p50"),
            of("p99"),
            of("max")
        );
    }
    let faults = report["fault_lines"].as_array().map_or(&[][..], Vec::as_slice);
    if faults.is_empty() {
        text += "nothing lost, nothing repeated, nothing early\n";
    } else {
        text += &format!("{} faults:\n", report["fault_count"]);
        for line in faults.iter().take(20) {
            text += &format!("  {}\n", line.as_str().unwrap_or_default());
        }
    }
    text
}
