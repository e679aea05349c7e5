//! The report as one page: everything is in it, and nothing is fetched.

use crate::charts::{Chart, Line, Scale, Span};
use serde_json::Value;
use std::fmt::Write as _;

const STYLE: &str = include_str!("page.css");

/// What the latencies are called, which of the colours they have, and whether the curve shows them.
const NAMES: [(&str, &str, usize, bool); 11] = [
    ("http_ack", "Batch over HTTP, to its answer", 0, true),
    ("beacon_ack", "Beacon, to its answer", 0, false),
    ("socket_ack", "Frame on a socket, to its acknowledgement", 1, true),
    ("ack_across_storm", "The same across a broken connection", 1, false),
    ("socket_welcome", "Opening a socket, to its welcome", 1, false),
    ("push_awake", "Event to push, object in memory", 2, true),
    ("push_hibernated", "Event to push, object asleep", 3, true),
    ("timer", "Timer due to push, all", 4, true),
    ("timer_awake", "Timer due to push, object in memory", 4, false),
    ("timer_hibernated", "Timer due to push, object asleep", 5, true),
    ("tester_lateness", "The tester's own lateness in sending", 5, false),
];

/// Percentiles of the curve's scale: by how many nines.
const NINES: [(f64, &str); 6] =
    [(0.0, "0"), (50.0, "50 %"), (90.0, "90 %"), (99.0, "99 %"), (99.9, "99.9 %"), (99.99, "99.99 %")];

/// The page of a report.
pub fn write(report: &Value) -> String {
    let passed = report["passed"] == true;
    let (class, word) = if passed { ("good", "passed") } else { ("bad", "failed") };
    let counts = &report["counts"];
    let asleep = &report["hibernation"];
    let title = if report["scenario"] == "sleepers" { "Sleepers" } else { "A shop's day" };
    let mut body = format!(
        "<header><h1>{title} <span class=\"{class}\">{word}</span></h1><p>Seed {}, commit {}, workerd {}; {} CPUs ({}), {}, load average {}.</p></header>",
        report["seed"],
        text(&report["versions"]["commit"]),
        text(&report["versions"]["workerd"]),
        report["machine"]["cpus"],
        text(&report["machine"]["cpu"]),
        text(&report["machine"]["memory"]),
        text(&report["machine"]["load_average"]),
    );
    let tiles = [
        (counts["visitors"].to_string(), "visitors"),
        (counts["events_acknowledged"].to_string(), "events acknowledged"),
        (counts["pushes"].to_string(), "pushes, each foreseen"),
        (counts["timers"].to_string(), "of them by timers"),
        (report["sockets_most"].to_string(), "sockets at once"),
        (format!("{} of {}", asleep["proved"], asleep["naps"]), "sleeps proved by looking"),
        (format!("{} of {}", asleep["silences_borne_out"], asleep["silences"]), "borne out by instances"),
        (report["fault_count"].to_string(), "faults"),
    ];
    body.push_str("<section class=\"tiles\">");
    for (value, name) in tiles {
        let _ = write!(body, "<div><b>{value}</b><span>{name}</span></div>");
    }
    body.push_str("</section>");
    body.push_str(&faults(report));
    for chart in [throughput(report), population(report), curve(report), lateness(report), memory(report)] {
        body.push_str(&chart);
    }
    body.push_str(&latencies(report));
    body.push_str(&platform(report));
    body.push_str(&sleepers(report));
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Footfall under load: {word}</title><style>{STYLE}</style><main>{body}</main></html>\n"
    )
}

fn text(value: &Value) -> String {
    let text = value.as_str().unwrap_or("unknown");
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

fn faults(report: &Value) -> String {
    let lines = report["fault_lines"].as_array().map_or(&[][..], Vec::as_slice);
    if lines.is_empty() {
        return "<p class=\"verdict\">Nothing was lost, nothing came twice, nothing came early.</p>".into();
    }
    let items: String = lines.iter().take(50).map(|line| format!("<li>{}</li>", text(line))).collect();
    format!("<section class=\"faults\"><h2>What was wrong</h2><ol>{items}</ol></section>")
}

/// A line over the run's seconds.
#[expect(clippy::cast_precision_loss, reason = "seconds of a run")]
fn by_second(report: &Value, member: &str, name: &str, colour: usize) -> Line {
    let seconds = report["seconds"].as_array().map_or(&[][..], Vec::as_slice);
    let points = seconds.iter().enumerate().map(|(at, second)| (at as f64, number(&second[member]))).collect();
    Line { name: name.into(), colour, points }
}

fn spans(report: &Value) -> Vec<Span> {
    let marks = &report["marks"];
    let storms = marks["storms_s"].as_array().into_iter().flatten();
    let mut spans: Vec<Span> = storms.map(|at| Span { name: "storm", from: number(at), to: number(at) }).collect();
    if marks["sale_s"].is_array() {
        spans.push(Span { name: "sale", from: number(&marks["sale_s"][0]), to: number(&marks["sale_s"][1]) });
    }
    if report["sleepers"].is_object() {
        let due = &report["sleepers"]["timers_due_s"];
        spans.push(Span { name: "timers due", from: number(&due[0]), to: number(&due[1]) });
    }
    spans
}

fn over_time(report: &Value, title: &str, y_name: &str, lines: Vec<Line>) -> String {
    let chart = Chart {
        title,
        x_name: "seconds of the run",
        y_name,
        x_marks: vec![],
        y_scale: Scale::Even,
        lines,
        spans: spans(report),
        bars: false,
    };
    chart.draw()
}

fn throughput(report: &Value) -> String {
    let lines = vec![
        by_second(report, "events_acknowledged", "events acknowledged", 0),
        by_second(report, "pushes", "pushes told", 2),
        by_second(report, "http_requests", "HTTP requests", 4),
    ];
    over_time(report, "Throughput", "in each second", lines)
}

fn population(report: &Value) -> String {
    let lines = vec![
        by_second(report, "sockets", "sockets open", 1),
        by_second(report, "present", "visitors here", 0),
        by_second(report, "proved_asleep", "objects proved asleep", 3),
    ];
    over_time(report, "Who is here, and who sleeps", "at the end of each second", lines)
}

fn curve(report: &Value) -> String {
    let nines = |percent: f64| -(1.0 - (percent / 100.0).min(0.999_999)).log10();
    let lines = NAMES.iter().filter(|(.., shown)| *shown).filter_map(|(member, name, colour, _)| {
        let curve = report["latencies_ms"][member]["curve"].as_array()?;
        let points =
            curve.iter().map(|step| (nines(number(&step[0])), number(&step[1]))).filter(|(x, _)| *x < 5.0).collect();
        Some(Line { name: (*name).into(), colour: *colour, points })
    });
    let chart = Chart {
        title: "Latency: how much is at most so long",
        x_name: "part of all",
        y_name: "milliseconds",
        x_marks: NINES.iter().map(|(percent, name)| (nines(*percent), (*name).to_owned())).collect(),
        y_scale: Scale::Tens,
        lines: lines.collect(),
        spans: vec![],
        bars: false,
    };
    chart.draw()
}

fn lateness(report: &Value) -> String {
    // Spans are a quarter longer each: their places on the scale are tenths apart.
    let bars = |timers: &Value, name: &str, colour| {
        let spans = timers["spans"].as_array()?;
        let place = |span: &Value| number(&span[0]).max(0.1).log10() / 1.25_f64.log10();
        Some(Line {
            name: name.into(),
            colour,
            points: spans.iter().map(|span| (place(span), number(&span[1]))).collect(),
        })
    };
    let bare = bars(&report["sleepers"]["bare"]["timer_ms"], "bare alarms of the platform", 1);
    let timers = bars(&report["latencies_ms"]["timer"], "timers of the engine", 4);
    let marks: [f64; 14] =
        [0.1, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0];
    let chart = Chart {
        title: "Timers: how late their pushes came",
        x_name: "milliseconds after they were due, the way to the page included",
        y_name: "timers",
        x_marks: marks.iter().map(|at| (at.log10() / 1.25_f64.log10(), format!("{at}"))).collect(),
        y_scale: Scale::Even,
        lines: timers.into_iter().chain(bare).collect(),
        spans: vec![],
        bars: true,
    };
    chart.draw()
}

fn memory(report: &Value) -> String {
    let samples = report["sleepers"]["samples"].as_array().map_or(&[][..], Vec::as_slice);
    let line = |at: usize, by: f64, name: &str, colour| {
        let points = samples.iter().map(|sample| (number(&sample[0]), number(&sample[at]) / by)).collect();
        Line { name: name.into(), colour, points }
    };
    let memory = over_time(report, "Memory of the runtime", "MB", vec![line(1, 1e6, "resident, its own", 3)]);
    memory + &over_time(report, "Descriptors of the runtime", "open", vec![line(2, 1.0, "descriptors", 5)])
}

fn latencies(report: &Value) -> String {
    let mut table = String::from(
        "<section><h2>Latencies</h2><p>In milliseconds, each from the time at which it was meant to be sent or was due.</p>\
         <table><tr><th>What<th>Times<th>Median<th>90 %<th>99 %<th>99.9 %<th>Most</tr>",
    );
    for (member, name, ..) in NAMES {
        let told = &report["latencies_ms"][member];
        if told.is_object() {
            let _ = write!(table, "<tr><td>{name}<td>{}", told["count"]);
            for percentile in ["p50", "p90", "p99", "p99_9", "max"] {
                let _ = write!(table, "<td>{:.1}", number(&told[percentile]));
            }
            table.push_str("</tr>");
        }
    }
    table + "</table></section>"
}

/// What it would be billed by.
fn platform(report: &Value) -> String {
    let platform = &report["platform"];
    let mut table = String::from(
        "<section><h2>What the platform counts</h2><table><tr><th>What<th>In the run<th>For each event</tr>",
    );
    let rows = [
        ("Requests to the Worker", &platform["worker_requests"], "worker_requests"),
        ("Requests to objects", &platform["object_requests"], "object_requests"),
        ("Messages on sockets", &platform["socket_messages"], "socket_messages"),
        ("Rows written", &platform["counters"]["rows_written"], "rows_written"),
        ("Rows read", &platform["counters"]["rows_read"], "rows_read"),
        ("Alarms set", &platform["counters"]["alarms_set"], "alarms_set"),
        ("Alarms run", &platform["counters"]["alarms"], "alarms"),
        ("Commits", &platform["counters"]["commits"], "commits"),
        (
            "Instances made: of each object one, and one after each sleep",
            &platform["counters"]["constructed"],
            "constructed",
        ),
    ];
    for (name, total, each) in rows.iter().filter(|(_, total, _)| total.is_number()) {
        let each = number(&platform["per_event"][each]);
        let _ = write!(table, "<tr><td>{name}<td>{}<td>{each:.3}</tr>", number(total));
    }
    table + "</table></section>"
}

fn sleepers(report: &Value) -> String {
    let told = &report["sleepers"];
    if !told.is_object() {
        return String::new();
    }
    let late = |timers: &Value| format!("{:.1} and {:.1} ms", number(&timers["p50"]), number(&timers["p99"]));
    let mb = |value: &Value| format!("{:.0} MB", number(&value["memory_bytes"]) / 1e6);
    let rows = [
        ("Asleep with an open socket", told["sockets_asleep"].to_string()),
        ("What stopped it there", text(&told["stopped_by"])),
        ("Memory before", mb(&told["before"])),
        ("Memory with all asleep", mb(&told["asleep"])),
        ("Memory for each of them", format!("{:.1} kB", number(&told["memory_bytes_per_sleeping_visitor"]) / 1e3)),
        ("Timers due in five seconds", told["visitors_with_timers"].to_string()),
        ("Visitors there then", told["visitors_at_the_timers"].to_string()),
        ("Memory just after the timers", mb(&told["after_timers"])),
        ("Lateness of bare alarms, median and 99 %", late(&told["bare"]["timer_ms"])),
        ("Lateness of the engine's timers, median and 99 %", late(&report["latencies_ms"]["timer"])),
        (
            "Memory of a bare sleeping object",
            format!("{:.1} kB", number(&told["bare"]["memory_bytes_per_sleeping_object"]) / 1e3),
        ),
    ];
    let rows: String = rows.iter().map(|(name, value)| format!("<tr><td>{name}<td>{value}</tr>")).collect();
    format!("<section><h2>The sleepers</h2><table>{rows}</table></section>")
}
