//! The event log: a visitor's records by type and time, page by page, and what fired with what made it fire.

mod database;
mod gaps;
mod join;
mod past;

use crate::log::{Row, Wanted};
use crate::shell::call::Call;
use crate::shell::deliver::Whose;
use crate::shell::reply::{Problem, json};
use footfall_protocol::Value;
use footfall_protocol::record::{RecordKind, record_id};
pub(super) use join::{Log, Waiting};
pub(super) use past::state;
use serde::Serialize;
use serde_json::{Value as Json, json as object};
use std::collections::BTreeMap;
use worker::Response;

fn malformed(detail: String) -> Problem {
    Problem::new(400, "malformed", detail)
}

/// `GET …/events` and `GET /v1/log`: what is known of a visitor's records, wherever they are.
pub(super) async fn events(whose: &Whose, call: &Call<'_>) -> Result<Response, Problem> {
    let wanted = Wanted::parse(call.head.url()).map_err(malformed)?;
    match Log::open(call.env, whose).await? {
        Ok(log) => answer(&log, &wanted).await,
        Err(reply) => Ok(reply),
    }
}

/// `GET …/records`: those that have arrived in the database.
pub(super) async fn records(whose: &Whose, call: &Call<'_>) -> Result<Response, Problem> {
    let wanted = Wanted::parse(call.head.url()).map_err(malformed)?;
    answer(&Log::arrived(call.env, whose), &wanted).await
}

/// A page of the log; written as it is, so that details stay in the order in which they were said.
#[derive(Serialize)]
struct Answer<'a> {
    items: &'a [Row],
    next: Option<String>,
    under_way: u64,
}

async fn answer(log: &Log, wanted: &Wanted) -> Result<Response, Problem> {
    let page = log.page(wanted).await?;
    let next = page.next.map(crate::log::Place::cursor);
    Ok(json(200, &Answer { items: &page.rows, next, under_way: log.under_way })?)
}

/// `GET …/triggers`: what has fired, the newest first, each with the happenings that made it.
pub(super) async fn triggers(whose: &Whose, call: &Call<'_>) -> Result<Response, Problem> {
    let wanted = Wanted::triggers(call.head.url()).map_err(malformed)?;
    let log = match Log::open(call.env, whose).await? {
        Ok(log) => log,
        Err(reply) => return Ok(reply),
    };
    let page = log.page(&wanted).await?;
    let ids: Vec<String> = page.rows.iter().flat_map(causes).collect();
    let known = log.by_id(&ids).await?;
    let items: Vec<Json> = page.rows.iter().map(|row| trigger(row, &known)).collect();
    Ok(json(200, &object!({ "items": items, "next": page.next.map(crate::log::Place::cursor) }))?)
}

/// The ids of the records that made a trigger.
fn causes(row: &Row) -> Vec<String> {
    let events = row.data.get("events").and_then(Value::as_array).unwrap_or_default();
    events.iter().filter_map(Value::parse_as::<u64>).map(|seq| record_id(row.incarnation, seq)).collect()
}

fn trigger(row: &Row, known: &BTreeMap<String, Row>) -> Json {
    let made_by = causes(row).into_iter().map(|id| match known.get(&id) {
        Some(row) => {
            object!({ "id": id, "at_ms": row.at_ms, "kind": row.kind, "name": row.name, "data": row.data })
        }
        // On its way through the queue, or no longer kept.
        None => object!({ "id": id }),
    });
    object!({
        "id": row.id,
        "rule": row.name,
        "at_ms": row.at_ms,
        "seq": row.seq,
        "incarnation": row.incarnation,
        "session": row.session,
        "held_out": row.kind == RecordKind::TriggerHeldOut.as_str(),
        "pushes": row.data.get("pushes").cloned().unwrap_or_else(|| Value::Array(Vec::new())),
        "made_by": made_by.collect::<Vec<_>>(),
    })
}
