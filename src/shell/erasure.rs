//! Erasure of a visitor, whole and at once: the steps in their order, and what is told of it. And of a user with all of its
//! visitors.
//!
//! Each step may be repeated, and the answer comes only when all are done: whoever asks again after a failure finishes it.

mod user;

pub(super) use user::erase_user;

use crate::access::seal;
use crate::shell::clock;
use crate::shell::deliver::Whose;
use crate::shell::reply::Problem;
use crate::shell::sinks;
use footfall_protocol::ids::SiteId;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json as object};
use std::collections::BTreeSet;
use uuid::Uuid;
use wasm_bindgen::JsValue;
use worker::{
    D1Database, D1PreparedStatement, D1Result, Env, Error, Method, Request, RequestInit, Result, console_error,
};

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

impl Removed {
    const fn add(&mut self, more: &Self) {
        self.records += more.records;
        self.dead_letters += more.dead_letters;
        self.archive_keys += more.archive_keys;
        self.storage |= more.storage;
        self.sockets += more.sockets;
    }
}

/// Erases a visitor: nothing that is read afterwards has anything of it, and nothing of its lives that is delivered later
/// is taken. It may come back as somebody of whom nothing is known.
pub(super) async fn erase(env: &Env, whose: &Whose) -> std::result::Result<Json, Problem> {
    let (removed, lives) = steps(env, whose).await.map_err(not_erased)?;
    let now_ms = clock::now();
    Ok(object!({
        "erased": true,
        "visitor": whose.visitor,
        "at_ms": now_ms,
        "lives": lives,
        "removed": removed,
        "kept": kept(now_ms),
    }))
}

fn not_erased(error: Error) -> Problem {
    console_error!("fault in an erasure: {error}");
    Problem::later("not_erased", "Not everything could be erased. Ask again: what is done stays done.")
}

/// The steps, in their order. Tombstones come first: from then on no sink takes anything of those lives, so that what is
/// deleted after them stays deleted.
async fn steps(env: &Env, whose: &Whose) -> Result<(Removed, usize)> {
    let mut removed = Removed::default();
    let mut buried = BTreeSet::new();
    for _ in 0..ROUNDS_MAX {
        // 1. The sinks: tombstones for every life, and all rows.
        buried.extend(ask_lives(env, whose).await?);
        forget(env, &whose.site, whose.visitor, &mut buried, None, &mut removed).await?;
        // 2. What the visitor has brought to users' objects.
        leave_users(env, whose).await?;
        // 3. The object: its sockets are closed and its storage is deleted whole.
        let emptied = empty(env, whose, &buried).await?;
        removed.storage |= emptied.storage;
        removed.sockets += emptied.sockets;
        if emptied.done {
            return Ok((removed, buried.len()));
        }
    }
    Err(Error::RustError(format!("the visitor has begun another life {ROUNDS_MAX} times meanwhile")))
}

/// After consent was withdrawn: the sinks forget these lives of a visitor and all others that they know, but not the one
/// that it has begun.
pub(super) async fn forget_withdrawn(
    env: &Env,
    site: &SiteId,
    visitor: Uuid,
    lives: &[Uuid],
    present: Uuid,
) -> Result<()> {
    let mut lives = lives.iter().copied().collect();
    forget(env, site, visitor, &mut lives, Some(present), &mut Removed::default()).await
}

/// Has every sink forget a visitor's lives: those that are named, and those that the database knows, which are added. What
/// names a life goes last, so that whoever asks again after a failure finds it again.
async fn forget(
    env: &Env,
    site: &SiteId,
    visitor: Uuid,
    lives: &mut BTreeSet<Uuid>,
    spared: Option<Uuid>,
    removed: &mut Removed,
) -> Result<()> {
    let rows = Rows { database: env.d1("DB")?, site, visitor, spared };
    for _ in 0..ROUNDS_MAX {
        lives.extend(rows.lives().await?);
        rows.bury(lives).await?;
        sinks::tell_erased(env, site, visitor, &Vec::from_iter(lives.iter().copied())).await?;
        let left = rows.delete(lives, removed).await?;
        if left.is_empty() {
            return Ok(());
        }
        lives.extend(left);
    }
    Err(Error::RustError(format!("the database has learnt of another life {ROUNDS_MAX} times meanwhile")))
}

async fn ask_lives(env: &Env, whose: &Whose) -> Result<BTreeSet<Uuid>> {
    let mut reply = whose.object(env)?.fetch_with_str("https://visitor/lives").await?;
    expect_ok(reply.status_code())?;
    Ok(reply.json::<Lives>().await?.lives)
}

async fn leave_users(env: &Env, whose: &Whose) -> Result<()> {
    let init = RequestInit { method: Method::Post, ..RequestInit::new() };
    let request = Request::new_with_init("https://visitor/leave-users", &init)?;
    let reply = whose.object(env)?.fetch_with_request(request).await?;
    if reply.status_code() == 204 { Ok(()) } else { expect_ok(reply.status_code()) }
}

async fn empty(env: &Env, whose: &Whose, lives: &BTreeSet<Uuid>) -> Result<Emptied> {
    let body = serde_json::to_string(&Lives { lives: lives.clone() })?;
    let init = RequestInit { method: Method::Post, body: Some(JsValue::from_str(&body)), ..RequestInit::new() };
    let request = Request::new_with_init("https://visitor/erase", &init)?;
    let mut reply = whose.object(env)?.fetch_with_request(request).await?;
    expect_ok(reply.status_code())?;
    reply.json().await
}

fn expect_ok(status: u16) -> Result<()> {
    if status == 200 { Ok(()) } else { Err(Error::RustError(format!("the visitor's object answered {status}"))) }
}

/// Lives of a visitor that have left rows, but for one that is spared.
const LIVES: &str = "SELECT incarnation FROM records WHERE site = ?1 AND visitor = ?2 AND incarnation <> ?3 \
     UNION SELECT incarnation FROM dead_letters WHERE site = ?1 AND visitor = ?2 AND incarnation <> ?3 \
     UNION SELECT incarnation FROM archive_keys WHERE site = ?1 AND visitor = ?2 AND incarnation <> ?3";

const TOMBSTONES: &str = "INSERT INTO tombstones (subject, at_ms) SELECT value, ?2 FROM json_each(?1) WHERE true \
     ON CONFLICT DO NOTHING";

/// What is deleted of some lives, in this order. A dead letter of no life is the news of an earlier erasure, which is still to
/// be told.
const DELETES: [&str; 3] = [
    "DELETE FROM records WHERE site = ?1 AND visitor = ?2 AND incarnation IN (SELECT value FROM json_each(?3))",
    "DELETE FROM dead_letters WHERE site = ?1 AND visitor = ?2 AND incarnation IN (SELECT value FROM json_each(?3))",
    "DELETE FROM archive_keys WHERE site = ?1 AND visitor = ?2 AND incarnation IN (SELECT value FROM json_each(?3))",
];

/// What the database has of a visitor, but for one life that is spared.
struct Rows<'a> {
    database: D1Database,
    site: &'a SiteId,
    visitor: Uuid,
    spared: Option<Uuid>,
}

impl Rows<'_> {
    /// A statement about the visitor.
    fn statement(&self, sql: &str, more: &str) -> Result<D1PreparedStatement> {
        let parameters = [self.site.as_str(), &self.visitor.to_string(), more].map(JsValue::from_str);
        self.database.prepare(sql).bind(&parameters)
    }

    fn ask_lives(&self) -> Result<D1PreparedStatement> {
        self.statement(LIVES, &self.spared.map_or_else(String::new, |life| life.to_string()))
    }

    /// The lives of which there are rows.
    async fn lives(&self) -> Result<BTreeSet<Uuid>> {
        lives_in(&self.ask_lives()?.all().await?)
    }

    /// Remembers these lives as erased: from then on nothing of theirs is taken.
    async fn bury(&self, lives: &BTreeSet<Uuid>) -> Result<()> {
        let subjects: Vec<String> = lives.iter().map(|life| seal::tombstone(self.site.as_str(), *life)).collect();
        #[expect(clippy::cast_precision_loss, reason = "times stay far below 2^53")]
        let now = JsValue::from_f64(clock::now() as f64);
        let subjects = JsValue::from_str(&serde_json::to_string(&subjects)?);
        let outcome = self.database.prepare(TOMBSTONES).bind(&[subjects, now])?.run().await?;
        outcome.error().map_or(Ok(()), |error| Err(Error::RustError(error)))
    }

    /// Deletes the rows of these lives; the lives of which there are rows yet.
    async fn delete(&self, lives: &BTreeSet<Uuid>, removed: &mut Removed) -> Result<BTreeSet<Uuid>> {
        let named = serde_json::to_string(lives)?;
        let mut statements = DELETES.iter().map(|sql| self.statement(sql, &named)).collect::<Result<Vec<_>>>()?;
        statements.push(self.ask_lives()?);
        let outcomes = self.database.batch(statements).await?;
        if let Some(error) = outcomes.iter().find_map(D1Result::error) {
            return Err(Error::RustError(error));
        }
        let changes = |at: usize| -> Result<usize> {
            let meta = outcomes.get(at).map(D1Result::meta).transpose()?.flatten();
            Ok(meta.and_then(|meta| meta.changes).unwrap_or(0))
        };
        removed.records += changes(0)?;
        removed.dead_letters += changes(1)?;
        removed.archive_keys += changes(2)?;
        outcomes.last().map_or_else(|| Ok(BTreeSet::new()), lives_in)
    }
}

fn lives_in(result: &D1Result) -> Result<BTreeSet<Uuid>> {
    let rows: Vec<Json> = result.results()?;
    Ok(rows.iter().filter_map(|row| Uuid::try_parse(row["incarnation"].as_str()?).ok()).collect())
}

/// What the platform itself still holds, and until when.
fn kept(now_ms: u64) -> Json {
    let kept =
        |place: &str, keep_ms: u64, note: &str| object!({ "place": place, "until_ms": now_ms + keep_ms, "note": note });
    object!([
        kept("durable_objects", BACKUPS_KEEP_MS, "The platform's point-in-time recovery of the objects."),
        kept("database", BACKUPS_KEEP_MS, "The database's Time Travel, the keys of archived records included."),
        kept("queues", QUEUES_KEEP_MS, "Messages on their way at most so long; they are dropped when they arrive."),
    ])
}
