//! `GET …/visitors/{visitor}/state?at=`: the state at a time of the past, folded from the log up to then.

use super::{Log, malformed};
use crate::engine::{FoldFault, fold};
use crate::log::{Order, Row, Wanted, time};
use crate::shell::call::Call;
use crate::shell::config;
use crate::shell::deliver::Whose;
use crate::shell::reply::{Problem, json};
use footfall_protocol::limits::{FOLD_BYTES_MAX, FOLD_RECORDS_MAX};
use footfall_protocol::record::Record;
use serde_json::json as object;
use uuid::Uuid;
use worker::Response;

/// Records read at once.
const AT_ONCE: usize = 1_000;

/// Answers with the visitor as it was, by the rules of now.
pub(in crate::shell) async fn state(whose: &Whose, call: &Call<'_>) -> Result<Response, Problem> {
    let at_ms = match time(call.head.url(), "at", u64::MAX).map_err(malformed)? {
        u64::MAX => {
            return Err(malformed(
                "Say when: ?at= milliseconds since 1970, or a time like 2026-11-21T10:00:00Z.".into(),
            ));
        }
        at_ms => at_ms,
    };
    let log = match Log::open(call.env, whose).await? {
        Ok(log) => log,
        Err(reply) => return Ok(reply),
    };
    let nobody = object!({ "at_ms": at_ms, "incarnation": null, "records": 0, "state": null });
    let last = Wanted { to_ms: at_ms.saturating_add(1), ..Wanted::all(Order::Newest, 1) };
    let Some(last) = log.page(&last).await?.rows.pop() else { return Ok(json(200, &nobody)?) };
    let rows = of_life(&log, last.incarnation, at_ms).await?;
    let under_way = || Problem::later("under_way", "Some of its records are still on their way to the database.");
    // In this order a log ends before what is on its way.
    if !rows.contains(&last) {
        return Err(under_way());
    }
    let known = rows.iter().filter(|row| row.at_ms <= at_ms).count();
    let records = rows.iter().map(Row::record).collect::<Option<Vec<Record>>>();
    let records = records.ok_or_else(|| incomplete("A record of it is of another release."))?;
    let settings = call.deployment.site(&whose.site)?.engine.clone();
    let config = config::refresh(call.env.clone(), whose.site.clone(), whose.visitor, settings).await?;
    let folded = fold((whose.site.clone(), whose.visitor, last.incarnation), &records, at_ms, &config);
    let then = folded.map_err(|fault| match fault {
        FoldFault::TooLong => too_long(),
        FoldFault::Missing(_) if log.under_way > 0 => under_way(),
        FoldFault::Missing(seq) => incomplete(&format!("Record {seq} of that life is missing.")),
        FoldFault::Unreadable(seq) => incomplete(&format!("Record {seq} of that life cannot happen again.")),
    })?;
    let Some(then) = then else { return Ok(json(200, &nobody)?) };
    Ok(json(
        200,
        &object!({
            "at_ms": at_ms,
            "incarnation": last.incarnation,
            "records": known,
            "state": then.inspection(at_ms, &config),
        }),
    )?)
}

/// The records of a life up to a time, oldest first, and the next one after it if there is any.
async fn of_life(log: &Log, life: Uuid, at_ms: u64) -> Result<Vec<Row>, Problem> {
    let (mut rows, mut bytes) = (Vec::new(), 0);
    let mut wanted = Wanted::all(Order::Oldest, AT_ONCE);
    loop {
        let page = log.page(&wanted).await?;
        let end = page.rows.iter().any(|row| row.at_ms > at_ms);
        let next = page.rows.last().map(Row::place);
        for row in page.rows.into_iter().filter(|row| row.incarnation == life) {
            bytes += serde_json::to_string(&row.data)?.len();
            rows.push(row);
        }
        if rows.len() > FOLD_RECORDS_MAX || bytes > FOLD_BYTES_MAX {
            return Err(too_long());
        }
        match next {
            Some(place) if !end && page.next.is_some() => wanted.after = place,
            _ => break,
        }
    }
    let known = rows.partition_point(|row| row.at_ms <= at_ms);
    rows.truncate(known + 1);
    Ok(rows)
}

fn too_long() -> Problem {
    let detail = format!("That life has more than {FOLD_RECORDS_MAX} records, or {FOLD_BYTES_MAX} bytes of details.");
    Problem::new(422, "too_long", detail)
}

fn incomplete(detail: &str) -> Problem {
    Problem::new(409, "log_incomplete", format!("The log of that life is not whole. {detail}"))
}
