//! The admin's look at the dead letters: list, show, replay, delete. And the keys of the archive.

use crate::access::admin::Operator;
use crate::shell::call::Call;
use crate::shell::reply::{Problem, json};
use crate::shell::rulebook_object::not_found;
use crate::shell::sinks::dead_letters::{self, Kept, Scope};
use crate::shell::sinks::{self, archive};
use crate::sinks::Sink;
use crate::sinks::message::Body;
use footfall_protocol::ids::SiteId;
use footfall_protocol::limits::{ARCHIVE_KEYS_MAX, PAGE_ENTRIES_MAX, REPLAY_MAX};
use serde_json::json as object;
use uuid::Uuid;
use worker::{Method, Response, ResponseBuilder, console_log};

/// Letters of a page, and keys of one, unless it is said.
const PAGE_ENTRIES: u64 = 50;
/// Greater than every time, and still exact as a JavaScript number.
const END_MS: u64 = (1 << 53) - 1;
/// After every id of a letter, which are hexadecimal.
const END_ID: &str = "g";

/// Answers below `/sites/{site}/dead-letters`.
pub(super) async fn answer(
    site: &SiteId,
    path: &[&str],
    operator: &Operator,
    call: &Call<'_>,
) -> Result<Response, Problem> {
    let scope = Scope { site: site.as_str(), all: operator.is_everywhere() };
    match (call.method(), path) {
        (Method::Get, []) => list(scope, call).await,
        (Method::Get, [id]) => match dead_letters::find(call.env, scope, id).await? {
            Some(letter) => Ok(json(200, &letter)?),
            None => Err(unknown()),
        },
        (Method::Delete, [id]) => {
            let gone = dead_letters::forget(call.env, scope, id, None).await?;
            if !gone {
                return Err(unknown());
            }
            console_log!("{} deleted the dead letter {id}", operator.name());
            Ok(ResponseBuilder::new().with_status(204).empty())
        }
        (Method::Post, ["replay"]) => replay_oldest(scope, operator, call).await,
        (Method::Post, [id, "replay"]) => {
            let letter = dead_letters::find(call.env, scope, id).await?.ok_or_else(unknown)?;
            replay(scope, &letter, operator, call).await?;
            Ok(json(200, &object!({ "replayed": 1 }))?)
        }
        _ => Err(not_found()),
    }
}

fn unknown() -> Problem {
    Problem::new(404, "unknown_letter", "There is no such dead letter; it may have been replayed.")
}

async fn list(scope: Scope<'_>, call: &Call<'_>) -> Result<Response, Problem> {
    let (sink, limit) = (sink(call)?, limit(call, PAGE_ENTRIES, PAGE_ENTRIES_MAX)?);
    let before = call.query("before");
    let place = before.as_deref().map_or(Some((END_MS, END_ID)), |text| {
        let (at_ms, id) = text.split_once('-')?;
        Some((at_ms.parse().ok().filter(|at_ms| *at_ms <= END_MS)?, id))
    });
    let place = place.ok_or_else(|| malformed("`before` is what `next` of another page said.".to_owned()))?;
    // One more, which says whether there is another page.
    let mut items = dead_letters::list(call.env, scope, sink, place, limit + 1).await?;
    let more = items.len() as u64 > limit;
    items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = items.last().filter(|_| more).map(|letter| format!("{}-{}", letter.at_ms, letter.id));
    Ok(json(200, &object!({ "items": items, "next": next }))?)
}

/// Replays the oldest letters, of one sink or of all, within a bound.
async fn replay_oldest(scope: Scope<'_>, operator: &Operator, call: &Call<'_>) -> Result<Response, Problem> {
    let (sink, limit) = (sink(call)?, limit(call, REPLAY_MAX.into(), REPLAY_MAX.into())?);
    let letters = dead_letters::oldest(call.env, scope, sink, limit).await?;
    for letter in &letters {
        replay(scope, letter, operator, call).await?;
    }
    let left = dead_letters::count(call.env, scope, sink).await?;
    Ok(json(200, &object!({ "replayed": letters.len(), "left": left }))?)
}

/// Sends a letter to its sink's queue once more and forgets it, in this order: a repeat is harmless, a loss is not.
async fn replay(scope: Scope<'_>, letter: &Kept, operator: &Operator, call: &Call<'_>) -> Result<(), Problem> {
    let unknown = || worker::Error::RustError(format!("the dead letter {} is for no sink", letter.id));
    let sink = Sink::parse(&letter.sink).ok_or_else(unknown)?;
    // What cannot be read is of nobody: any of the sink's queues will do.
    let visitor = letter.visitor.as_deref().and_then(|text| Uuid::try_parse(text).ok()).unwrap_or_default();
    let body = Body::of_letter(letter.body.as_deref().unwrap_or_default());
    sinks::send(call.env, sink, visitor, &[body]).await?;
    dead_letters::forget(call.env, scope, &letter.id, Some(letter.at_ms)).await?;
    console_log!("{} replayed the dead letter {} for {}", operator.name(), letter.id, sink.as_str());
    Ok(())
}

/// A page of the keys that open a site's archive.
pub(super) async fn archive_keys(site: &SiteId, call: &Call<'_>) -> Result<Response, Problem> {
    let limit = limit(call, ARCHIVE_KEYS_MAX.into(), ARCHIVE_KEYS_MAX.into())?;
    let after = call.query("after");
    if after.as_ref().is_some_and(|after| Uuid::try_parse(after).is_err()) {
        return Err(malformed("`after` is what `next` of another page said.".to_owned()));
    }
    let after = after.unwrap_or_default();
    let items = archive::export(call.env, site.as_str(), &after, limit).await?;
    let next = items.last().filter(|_| items.len() as u64 == limit).map(|key| key.incarnation.clone());
    Ok(json(200, &object!({ "items": items, "next": next }))?)
}

fn malformed(detail: String) -> Problem {
    Problem::new(400, "malformed", detail)
}

fn sink(call: &Call<'_>) -> Result<Option<Sink>, Problem> {
    let wanted = || malformed("`sink` is `d1`, `origin` or `archive`.".to_owned());
    call.query("sink").map(|name| Sink::parse(&name).ok_or_else(wanted)).transpose()
}

fn limit(call: &Call<'_>, usual: u64, most: u64) -> Result<u64, Problem> {
    let limit = call.query("limit").map_or(Some(usual), |text| text.parse().ok());
    let limit = limit.filter(|limit| (1..=most).contains(limit));
    limit.ok_or_else(|| malformed(format!("`limit` is a whole number from 1 to {most}.")))
}
