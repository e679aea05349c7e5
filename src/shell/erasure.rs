//! Erasure of a visitor, whole and at once: the steps in their order, and what is told of it.
//!
//! Each step may be repeated, and the answer comes only when all are done: whoever asks again after a failure finishes it.

use crate::access::seal;
use crate::shell::reply::Problem;
use crate::shell::{clock, deliver, sinks};
use footfall_protocol::ids::SiteId;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json as object};
use std::collections::BTreeSet;
use uuid::Uuid;
use wasm_bindgen::JsValue;
use worker::{D1Database, D1Result, Env, Error, Method, Request, RequestInit, Result, console_error};

/// A visitor may come back while it is erased, and each life is found in turn: so often at most.
const ROUNDS_MAX: usize = 4;
/// How long the platform's own backups keep what was deleted, in milliseconds: objects' point-in-time recovery and the
/// database's Time Travel.
const BACKUPS_KEEP_MS: u64 = 30 * 24 * 3_600_000;
/// How long a queue keeps a message at most, in milliseconds.
const QUEUES_KEEP_MS: u64 = 14 * 24 * 3_600_000;

/// What a visitor's object answers when it is asked which lives it knows of.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Lives {
    /// The present one, when the visitor is there, and those whose records it has sent a moment ago.
    pub(super) lives: BTreeSet<Uuid>,
}

/// What a visitor's object has deleted.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Emptied {
    /// Whether it was in one of the lives that were named, or in none; otherwise it has deleted nothing.
    pub(super) done: bool,
    /// Whether anything was stored.
    pub(super) storage: bool,
    /// Sockets that were closed.
    pub(super) sockets: usize,
}

/// What was removed, in rows.
#[derive(Debug, Default, Serialize)]
struct Removed {
    records: usize,
    dead_letters: usize,
    archive_keys: usize,
    storage: bool,
    sockets: usize,
}

/// Erases a visitor: nothing that is read afterwards has anything of it, and nothing of its lives that is delivered later
/// is taken. It may come back as somebody of whom nothing is known.
pub(super) async fn erase(env: &Env, site: &SiteId, visitor: Uuid) -> std::result::Result<Json, Problem> {
    let erased = steps(env, site, visitor).await;
    let (removed, lives) = erased.map_err(|error| {
        console_error!("fault in an erasure: {error}");
        Problem::later("not_erased", "Not everything could be erased. Ask again: what is done stays done.")
    })?;
    Ok(told(visitor, &removed, lives))
}

/// The steps, in their order. Tombstones come first: from then on no sink takes anything of those lives, so that what is
/// deleted after them stays deleted.
async fn steps(env: &Env, site: &SiteId, visitor: Uuid) -> Result<(Removed, usize)> {
    let database = env.d1("DB")?;
    let mut removed = Removed::default();
    let mut buried = BTreeSet::new();
    for _ in 0..ROUNDS_MAX {
        // 1. Which lives there are: the object's, and those that the database knows.
        let mut lives = ask_lives(env, site, visitor).await?;
        lives.extend(stored_lives(&database, site, visitor).await?);
        buried.extend(lives);
        // 2. Tombstones, and the rows of the database, in one transaction.
        let left = bury(&database, site, visitor, &buried, &mut removed).await?;
        if !left.is_subset(&buried) {
            buried.extend(left);
            continue;
        }
        // 3. What the visitor has brought to users' objects, and what a store's own origin has.
        leave_users(env, site, visitor).await?;
        sinks::tell_erased(env, site, visitor, &Vec::from_iter(buried.iter().copied())).await?;
        // 4. The object: its sockets are closed and its storage is deleted whole.
        let emptied = empty(env, site, visitor, &buried).await?;
        removed.storage |= emptied.storage;
        removed.sockets += emptied.sockets;
        if emptied.done {
            return Ok((removed, buried.len()));
        }
    }
    Err(Error::RustError(format!("the visitor has begun another life {ROUNDS_MAX} times meanwhile")))
}

async fn ask_lives(env: &Env, site: &SiteId, visitor: Uuid) -> Result<BTreeSet<Uuid>> {
    let mut reply = deliver::visitor_object(env, site, visitor)?.fetch_with_str("https://visitor/lives").await?;
    expect_ok(reply.status_code())?;
    Ok(reply.json::<Lives>().await?.lives)
}

async fn leave_users(env: &Env, site: &SiteId, visitor: Uuid) -> Result<()> {
    let init = RequestInit { method: Method::Post, ..RequestInit::new() };
    let request = Request::new_with_init("https://visitor/leave-users", &init)?;
    let reply = deliver::visitor_object(env, site, visitor)?.fetch_with_request(request).await?;
    if reply.status_code() == 204 { Ok(()) } else { expect_ok(reply.status_code()) }
}

async fn empty(env: &Env, site: &SiteId, visitor: Uuid, lives: &BTreeSet<Uuid>) -> Result<Emptied> {
    let body = serde_json::to_string(&Lives { lives: lives.clone() })?;
    let init = RequestInit { method: Method::Post, body: Some(JsValue::from_str(&body)), ..RequestInit::new() };
    let request = Request::new_with_init("https://visitor/erase", &init)?;
    let mut reply = deliver::visitor_object(env, site, visitor)?.fetch_with_request(request).await?;
    expect_ok(reply.status_code())?;
    reply.json().await
}

fn expect_ok(status: u16) -> Result<()> {
    if status == 200 { Ok(()) } else { Err(Error::RustError(format!("the visitor's object answered {status}"))) }
}

/// Lives of a visitor that have left rows.
const LIVES: &str = "SELECT incarnation FROM records WHERE site = ?1 AND visitor = ?2 \
     UNION SELECT incarnation FROM dead_letters WHERE site = ?1 AND visitor = ?2";

async fn stored_lives(database: &D1Database, site: &SiteId, visitor: Uuid) -> Result<BTreeSet<Uuid>> {
    lives_in(&database.prepare(LIVES).bind(&of(site, visitor))?.all().await?)
}

fn lives_in(result: &D1Result) -> Result<BTreeSet<Uuid>> {
    let rows: Vec<Json> = result.results()?;
    Ok(rows.iter().filter_map(|row| Uuid::try_parse(row["incarnation"].as_str()?).ok()).collect())
}

/// Remembers these lives as erased and deletes the visitor's rows. The lives of which there were rows, which may be more.
async fn bury(
    database: &D1Database,
    site: &SiteId,
    visitor: Uuid,
    lives: &BTreeSet<Uuid>,
    removed: &mut Removed,
) -> Result<BTreeSet<Uuid>> {
    let subjects: Vec<String> = lives.iter().map(|life| seal::tombstone(site.as_str(), *life)).collect();
    #[expect(clippy::cast_precision_loss, reason = "times stay far below 2^53")]
    let now = clock::now() as f64;
    let tombstones = "INSERT INTO tombstones (subject, at_ms) SELECT value, ?2 FROM json_each(?1) WHERE true \
         ON CONFLICT DO NOTHING";
    let subjects = [JsValue::from_str(&serde_json::to_string(&subjects)?), JsValue::from_f64(now)];
    let mut statements =
        vec![database.prepare(tombstones).bind(&subjects)?, database.prepare(LIVES).bind(&of(site, visitor))?];
    for table in ["records", "dead_letters", "archive_keys"] {
        let delete = format!("DELETE FROM {table} WHERE site = ?1 AND visitor = ?2");
        statements.push(database.prepare(delete).bind(&of(site, visitor))?);
    }
    let outcomes = database.batch(statements).await?;
    if let Some(error) = outcomes.iter().find_map(D1Result::error) {
        return Err(Error::RustError(error));
    }
    let changes = |at: usize| -> Result<usize> {
        let meta = outcomes.get(at).map(D1Result::meta).transpose()?.flatten();
        Ok(meta.and_then(|meta| meta.changes).unwrap_or(0))
    };
    removed.records += changes(2)?;
    removed.dead_letters += changes(3)?;
    removed.archive_keys += changes(4)?;
    outcomes.get(1).map_or_else(|| Ok(BTreeSet::new()), lives_in)
}

fn of(site: &SiteId, visitor: Uuid) -> [JsValue; 2] {
    [JsValue::from_str(site.as_str()), JsValue::from_str(&visitor.to_string())]
}

/// What is answered: what was removed, and what the platform itself still holds and until when.
fn told(visitor: Uuid, removed: &Removed, lives: usize) -> Json {
    let now_ms = clock::now();
    let kept =
        |place: &str, keep_ms: u64, note: &str| object!({ "place": place, "until_ms": now_ms + keep_ms, "note": note });
    object!({
        "erased": true,
        "visitor": visitor,
        "at_ms": now_ms,
        "lives": lives,
        "removed": removed,
        "kept": [
            kept("durable_objects", BACKUPS_KEEP_MS, "The platform's point-in-time recovery of the visitor's object."),
            kept("database", BACKUPS_KEEP_MS, "The database's Time Travel, the keys of archived records included."),
            kept("queues", QUEUES_KEEP_MS, "Messages on their way at most so long; they are dropped when they arrive."),
        ],
    })
}
