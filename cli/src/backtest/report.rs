//! What a backtest found, as text, as JSON and as CSV.

use super::recording::Recording;
use super::replay::{Outcome, Set};
use super::tally::{Fired, Moment, RuleTally, Tally};
use crate::Refusal;
use crate::documents::counted;
use footfall_simulator::time_text;
use serde_json::{Value, json};
use std::io::Write;

/// Times of one visitor that are written out.
const TIMES_MAX: usize = 5;

/// A page for people.
pub(super) fn text(tally: &Tally<'_>, out: &mut impl Write) -> Result<(), Refusal> {
    about(tally, out)?;
    let dash = || "-".to_owned();
    let header = ["rule", "fired", "visitors", "sessions", "held out", "first", "last"].map(str::to_owned);
    let mut rows = vec![header.to_vec()];
    for rule in &tally.rules {
        let Some(now) = &rule.now else { continue };
        let mut row = vec![rule.id.to_owned()];
        row.extend([now.times, now.visitors, now.sessions, now.held_out].map(|number| number.to_string()));
        let span = now.span_ms.map(|(first_ms, last_ms)| [time_text(first_ms), time_text(last_ms)]);
        row.extend(span.unwrap_or_else(|| [dash(), dash()]));
        rows.push(row);
    }
    writeln!(out)?;
    table(&rows, out)?;
    if tally.compared {
        compared(tally, out)?;
    }
    Ok(())
}

/// What there was to replay, and what was wrong with it.
fn about(tally: &Tally<'_>, out: &mut impl Write) -> Result<(), Refusal> {
    let (counts, (replayed, faulty)) = (tally.counts, tally.replayed);
    let mut parts = vec![format!("{} records read: {replayed} replayed", counts.read)];
    for (number, what) in [
        (counts.derived, "found out again"),
        (counts.repeated, "repeated"),
        (counts.elsewhere, "of other sites"),
        (counts.faulty + faulty, "faulty"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    writeln!(out, "{}", parts.join(", "))?;
    for fault in &tally.faults {
        writeln!(out, "  {fault}")?;
    }
    let said = tally.faults.len() as u64;
    if counts.faulty + faulty > said {
        writeln!(out, "  and {} more", counts.faulty + faulty - said)?;
    }
    let Some((first_ms, last_ms)) = tally.span_ms else { return Ok(()) };
    let lives = if tally.lives > tally.visitors { format!(" in {} lives", tally.lives) } else { String::new() };
    let visitors = counted(usize::try_from(tally.visitors).unwrap_or(usize::MAX), "visitor");
    writeln!(out, "{visitors}{lives} of {}, from {} to {}", tally.site, time_text(first_ms), time_text(last_ms))?;
    for (number, what) in [
        (counts.headless, "begin in the middle of what happened: their triggers are not exact"),
        (counts.gaps, "have records missing in between: their triggers are not exact"),
        (tally.given_up, "asked to be woken for ever, and were left"),
    ] {
        if number > 0 {
            writeln!(out, "  {number} {what}")?;
        }
    }
    Ok(())
}

fn compared(tally: &Tally<'_>, out: &mut impl Write) -> Result<(), Refusal> {
    writeln!(out)?;
    let mut rows =
        vec![["compared", "before", "now", "only now", "only before", "visitors"].map(str::to_owned).to_vec()];
    let times = |fired: &Option<Fired>| fired.as_ref().map_or_else(|| "-".to_owned(), |fired| fired.times.to_string());
    let alone = |rule: &RuleTally<'_>| rule.now.is_some() != rule.before.is_some();
    let mut same = 0;
    for rule in &tally.rules {
        if rule.difference.visitors == 0 && !alone(rule) {
            same += 1;
            continue;
        }
        let difference = &rule.difference;
        let mut row = vec![rule.id.to_owned(), times(&rule.before), times(&rule.now)];
        row.extend([difference.only_now, difference.only_before, difference.visitors].map(|number| number.to_string()));
        rows.push(row);
    }
    if rows.len() > 1 {
        table(&rows, out)?;
    }
    writeln!(out, "{} the same as before", counted(same, "rule"))?;
    for rule in tally.different() {
        writeln!(out, "\n{}", rule.id)?;
        for one in &rule.difference.listed {
            write!(out, "  {}", one.visitor)?;
            for (what, moments) in [("now", &one.only_now), ("before", &one.only_before)] {
                if !moments.is_empty() {
                    write!(out, "  only {what}: {}", moments_text(moments))?;
                }
            }
            writeln!(out)?;
        }
        let unnamed = rule.difference.visitors.saturating_sub(rule.difference.listed.len() as u64);
        if unnamed > 0 {
            writeln!(out, "  and {unnamed} more visitors")?;
        }
    }
    Ok(())
}

fn moments_text(moments: &[Moment]) -> String {
    let one = |(at_ms, held_out): &Moment| time_text(*at_ms) + if *held_out { " (held out)" } else { "" };
    let mut texts: Vec<String> = moments.iter().take(TIMES_MAX).map(one).collect();
    if moments.len() > TIMES_MAX {
        texts.push(format!("and {} more", moments.len() - TIMES_MAX));
    }
    texts.join(", ")
}

/// Columns side by side; numbers to the right.
fn table(rows: &[Vec<String>], out: &mut impl Write) -> Result<(), Refusal> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|at| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    for row in rows {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let gap = if at == 0 { "" } else { "  " };
            let text = at == 0 || rows.iter().skip(1).any(|row| row[at].contains(':'));
            line += &if text { format!("{gap}{cell:<width$}") } else { format!("{gap}{cell:>width$}") };
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// An object for machines. Times are in milliseconds since the epoch.
pub(super) fn json(tally: &Tally<'_>, out: &mut impl Write) -> Result<(), Refusal> {
    let counts = tally.counts;
    let mut told = json!({
        "site": tally.site,
        "records": {
            "read": counts.read, "replayed": tally.replayed.0, "derived": counts.derived, "repeated": counts.repeated,
            "elsewhere": counts.elsewhere, "faulty": counts.faulty + tally.replayed.1,
        },
        "faults": tally.faults,
        "visitors": {
            "count": tally.visitors, "lives": tally.lives, "begin_in_the_middle": counts.headless,
            "with_gaps": counts.gaps, "given_up": tally.given_up,
        },
        "from_ms": tally.span_ms.map(|span| span.0),
        "to_ms": tally.span_ms.map(|span| span.1),
        "rules": tally.rules.iter().map(|rule| rule_json(rule, tally.compared)).collect::<Vec<_>>(),
    });
    if tally.compared {
        told["different"] = tally.different().map(|rule| rule.id).collect();
    }
    writeln!(out, "{told}")?;
    Ok(())
}

fn rule_json(rule: &RuleTally<'_>, compared: bool) -> Value {
    let fired = |fired: &Option<Fired>| {
        fired.as_ref().map(|fired| {
            json!({
                "fired": fired.times, "visitors": fired.visitors, "sessions": fired.sessions, "held_out": fired.held_out,
                "first_ms": fired.span_ms.map(|span| span.0), "last_ms": fired.span_ms.map(|span| span.1),
            })
        })
    };
    let mut told = json!({"rule": rule.id, "now": fired(&rule.now)});
    if compared {
        let moments = |moments: &[Moment]| -> Vec<Value> {
            moments.iter().map(|(at_ms, held_out)| json!({"at_ms": at_ms, "held_out": held_out})).collect()
        };
        let listed = rule.difference.listed.iter().map(|one| {
            json!({"visitor": one.visitor, "only_now": moments(&one.only_now), "only_before": moments(&one.only_before)})
        });
        told["before"] = fired(&rule.before).unwrap_or_default();
        told["only_now"] = rule.difference.only_now.into();
        told["only_before"] = rule.difference.only_before.into();
        told["visitors_that_differ"] = rule.difference.visitors.into();
        told["listed"] = listed.collect();
    }
    told
}

/// Every firing on a line, in the order of visitors, then of time.
pub(super) fn csv(rec: &Recording, outcomes: &[Outcome], sets: &[Set], out: &mut impl Write) -> Result<(), Refusal> {
    let ids: Vec<Vec<&str>> = sets.iter().map(|set| set.ids().collect()).collect();
    writeln!(out, "set,rule,visitor,incarnation,session,at_ms,outcome")?;
    for (life, outcome) in rec.lives.iter().zip(outcomes) {
        for ((set, ids), firings) in ["rules", "against"].iter().zip(&ids).zip(&outcome.firings) {
            for firing in firings {
                let (rule, visitor, incarnation) = (ids[firing.rule as usize], life.visitor, life.incarnation);
                let outcome = if firing.held_out { "held_out" } else { "fired" };
                // Ids of rules need no quotes: they hold neither commas nor quotes.
                writeln!(out, "{set},{rule},{visitor},{incarnation},{},{},{outcome}", firing.session, firing.at_ms)?;
            }
        }
    }
    Ok(())
}
