//! `GET /visitors/{visitor}/triggers`: what has fired for a visitor, each with the happenings that made it. What the
//! queue has not taken yet comes from the visitor's object, the rest from the database.

use crate::shell::call::Call;
use crate::shell::deliver;
use crate::shell::reply::{Problem, json};
use crate::shell::sinks::d1;
use footfall_protocol::ids::SiteId;
use footfall_protocol::limits::PAGE_ENTRIES_MAX;
use footfall_protocol::record::{Record, RecordKind, record_id};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json as object};
use std::collections::BTreeMap;
use uuid::Uuid;
use worker::{Error, Response};

/// Triggers of a page unless it is said.
const PAGE_ENTRIES: usize = 50;
/// Greater than every time and every number, and still exact as a JavaScript number.
const END: u64 = (1 << 53) - 1;

/// A visitor's records that wait for the queue, oldest first.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) incarnation: Uuid,
    pub(super) records: Vec<Record>,
}

/// Where a trigger stands among the others: by time, and within one by number.
type Place = (u64, u64);

/// Answers with one page, the newest first.
pub(super) async fn answer(site: &SiteId, visitor: Uuid, call: &Call<'_>) -> Result<Response, Problem> {
    let (before, limit) = page(call)?;
    let mut reply = deliver::visitor_object(call.env, site, visitor)?.fetch_with_str("https://visitor/waiting").await?;
    if reply.status_code() != 200 {
        return Ok(reply);
    }
    let waiting: Waiting = reply.json().await?;
    let waiting: BTreeMap<String, Json> = waiting
        .records
        .iter()
        .map(|record| (record_id(waiting.incarnation, record.seq), row(&waiting, record)))
        .collect();
    // One more, which says whether there is another page.
    let stored = d1::triggers(call.env, site.as_str(), &visitor.to_string(), before, limit + 1).await?;
    let mut found: BTreeMap<Place, Json> = stored.into_iter().filter_map(|row| Some((place(&row)?, row))).collect();
    let here = waiting.values().filter(|row| is_trigger(row)).filter_map(|row| Some((place(row)?, row.clone())));
    found.extend(here.filter(|(place, _)| *place < before));
    let more = found.len() > limit;
    let page: Vec<(Place, Json)> = found.into_iter().rev().take(limit).collect();
    let next = page.last().filter(|_| more).map(|((at_ms, seq), _)| format!("{at_ms}-{seq}"));
    let wanted: Vec<String> =
        page.iter().flat_map(|(_, row)| causes(row)).filter(|id| !waiting.contains_key(id)).collect();
    let mut known = waiting;
    if !wanted.is_empty() {
        let rows = d1::by_id(call.env, site.as_str(), &wanted).await?;
        known.extend(rows.into_iter().filter_map(|row| Some((row["id"].as_str()?.to_owned(), row))));
    }
    let items: Vec<Json> = page.iter().map(|(place, row)| trigger(*place, row, &known)).collect();
    Ok(json(200, &object!({ "items": items, "next": next }))?)
}

/// Before which place the page ends, and how long it is: `before` and `limit` of the query.
fn page(call: &Call<'_>) -> Result<(Place, usize), Problem> {
    let malformed = |detail: String| Problem::new(400, "malformed", detail);
    let limit = call.query("limit").map_or(Some(PAGE_ENTRIES as u64), |text| text.parse().ok());
    let limit = limit.filter(|limit| (1..=PAGE_ENTRIES_MAX).contains(limit));
    let limit = limit.ok_or_else(|| malformed(format!("`limit` is a whole number from 1 to {PAGE_ENTRIES_MAX}.")))?;
    let number = |text: &str| text.parse().ok().filter(|number| *number <= END);
    let before = call.query("before").map_or(Some((END, END)), |text| {
        let (at_ms, seq) = text.split_once('-')?;
        Some((number(at_ms)?, number(seq)?))
    });
    let before = before.ok_or_else(|| malformed("`before` is what `next` of another page said.".to_owned()))?;
    Ok((before, usize::try_from(limit).map_err(|_| Error::RustError("a limit is too great".into()))?))
}

/// A record as the database has it.
fn row(waiting: &Waiting, record: &Record) -> Json {
    object!({
        "id": record_id(waiting.incarnation, record.seq),
        "incarnation": waiting.incarnation,
        "at_ms": record.at_ms,
        "kind": record.kind,
        "name": record.name,
        "session": record.session,
        "data": record.data,
    })
}

fn is_trigger(row: &Json) -> bool {
    [RecordKind::TriggerFired, RecordKind::TriggerHeldOut].iter().any(|kind| row["kind"] == kind.as_str())
}

fn place(row: &Json) -> Option<Place> {
    Some((whole(&row["at_ms"])?, row["id"].as_str()?.rsplit_once('-')?.1.parse().ok()?))
}

/// A whole number, however it was written: all numbers of the database come as doubles.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^53, and not negative")]
fn whole(number: &Json) -> Option<u64> {
    number
        .as_u64()
        .or_else(|| number.as_f64().filter(|number| (0.0..=END as f64).contains(number)).map(|number| number as u64))
}

/// The ids of the records that made a trigger.
fn causes(row: &Json) -> Vec<String> {
    let incarnation = row["incarnation"].as_str().and_then(|text| Uuid::parse_str(text).ok());
    let events = row["data"]["events"].as_array().map(Vec::as_slice).unwrap_or_default();
    incarnation.map_or_else(Vec::new, |incarnation| {
        events.iter().filter_map(whole).map(|seq| record_id(incarnation, seq)).collect()
    })
}

fn trigger((at_ms, seq): Place, row: &Json, known: &BTreeMap<String, Json>) -> Json {
    let made_by = causes(row).into_iter().map(|id| match known.get(&id) {
        Some(row) => object!({
            "id": id, "at_ms": whole(&row["at_ms"]), "kind": row["kind"], "name": row["name"], "data": row["data"],
        }),
        // On its way through the queue, or no longer kept.
        None => object!({ "id": id }),
    });
    object!({
        "id": row["id"],
        "rule": row["name"],
        "at_ms": at_ms,
        "seq": seq,
        "incarnation": row["incarnation"],
        "session": whole(&row["session"]),
        "held_out": row["kind"] == RecordKind::TriggerHeldOut.as_str(),
        "pushes": row["data"].get("pushes").cloned().unwrap_or_else(|| object!([])),
        "made_by": made_by.collect::<Vec<_>>(),
    })
}
