//! The dead letters: messages that a sink refused or that ran out of tries, kept in the database until somebody replays or
//! deletes them.

use crate::access::seal;
use crate::shell::clock;
use crate::shell::sinks::d1::{number, text};
use crate::sinks::Sink;
use crate::sinks::message::{Body, Message, letter_id};
use crate::sinks::verdict::Reason;
use footfall_protocol::limits::DEAD_LETTER_MS_MAX;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use wasm_bindgen::JsValue;
use worker::{Env, Error, Result};

/// In the statement itself, so that no erasure comes between: of a visitor's life that was erased no letter is kept.
const INSERT: &str = "INSERT INTO dead_letters \
     (site, id, visitor, incarnation, sink, at_ms, attempts, reason, answer, body) \
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 \
     WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE subject = ?11) \
     ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms, attempts = excluded.attempts, \
     reason = excluded.reason, answer = excluded.answer";

/// Not the news of an erasure (of a visitor, but of no life): an origin that was never told would keep everything.
const EXPIRE: &str = "DELETE FROM dead_letters WHERE at_ms < ?1 AND NOT (visitor <> '' AND incarnation = '')";

/// How often the consumer of this isolate looks for letters that are too old.
const EXPIRE_EVERY_MS: u64 = 60 * 60 * 1_000;
/// After a look that failed, in milliseconds.
const EXPIRE_AGAIN_MS: u64 = 60_000;

thread_local! {
    /// When it looks next.
    static NEXT_LOOK_MS: Cell<u64> = const { Cell::new(0) };
}

/// What belongs to no site that can be told is shown to those who may see all.
const WHERE: &str = "(site = ?1 OR site = '' AND ?2)";

/// A message that is given up.
pub(in crate::shell) struct Letter {
    pub(in crate::shell) sink: Sink,
    pub(in crate::shell) reason: Reason,
    site: String,
    visitor: String,
    incarnation: String,
    /// Under which name its life would be remembered as erased; empty for what is of no life.
    subject: String,
    attempts: u32,
    answer: String,
    body: String,
}

impl Letter {
    /// A message's text with what is known of its end.
    pub(in crate::shell) fn of(sink: Sink, body: &Body, reason: Reason, answer: &str, attempts: u32) -> Self {
        let message = body.read();
        let records = message.as_ref().and_then(Message::records);
        Self {
            sink,
            reason,
            site: message.as_ref().map_or_else(String::new, |message| message.site().to_owned()),
            visitor: message.as_ref().map_or_else(String::new, |message| message.visitor().to_string()),
            incarnation: records.map_or_else(String::new, |batch| batch.incarnation.to_string()),
            // The news of an erasure is to go on although the life is erased.
            subject: records.map_or_else(String::new, |batch| seal::tombstone(&batch.site, batch.incarnation)),
            attempts,
            answer: answer.to_owned(),
            body: body.to_letter(),
        }
    }
}

/// Forgets the letters of all sites that are too old, now and then.
pub(in crate::shell) async fn expire(env: &Env) -> Result<()> {
    let now_ms = clock::now();
    if now_ms < NEXT_LOOK_MS.get() {
        return Ok(());
    }
    // Set before: while the database is in trouble, not every batch is to try it again.
    NEXT_LOOK_MS.set(now_ms + EXPIRE_AGAIN_MS);
    forget_old(env, now_ms).await?;
    NEXT_LOOK_MS.set(now_ms + EXPIRE_EVERY_MS);
    Ok(())
}

async fn forget_old(env: &Env, now_ms: u64) -> Result<()> {
    let old = number(now_ms.saturating_sub(DEAD_LETTER_MS_MAX));
    let outcome = env.d1("DB")?.prepare(EXPIRE).bind(&[old])?.run().await?;
    outcome.error().map_or(Ok(()), |error| Err(Error::RustError(error)))
}

/// Keeps letters, all of them or none.
pub(in crate::shell) async fn keep(env: &Env, letters: &[Letter]) -> Result<()> {
    let database = env.d1("DB")?;
    let now_ms = clock::now();
    let statement = |letter: &Letter| {
        database.prepare(INSERT).bind(&[
            text(&letter.site),
            text(&letter_id(letter.sink, &letter.body)),
            text(&letter.visitor),
            text(&letter.incarnation),
            text(letter.sink.as_str()),
            number(now_ms),
            number(letter.attempts.into()),
            text(letter.reason.as_str()),
            text(&letter.answer),
            text(&letter.body),
            text(&letter.subject),
        ])
    };
    let statements = letters.iter().map(statement).collect::<Result<Vec<_>>>()?;
    for outcome in database.batch(statements).await? {
        if let Some(error) = outcome.error() {
            return Err(Error::RustError(error));
        }
    }
    Ok(())
}

/// Whose letters somebody may see: those of a site, and with `all` those that are of none that can be told.
#[derive(Clone, Copy)]
pub(in crate::shell) struct Scope<'a> {
    pub(in crate::shell) site: &'a str,
    pub(in crate::shell) all: bool,
}

/// A letter as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::shell) struct Kept {
    pub(in crate::shell) id: String,
    pub(in crate::shell) sink: String,
    pub(in crate::shell) at_ms: u64,
    attempts: u32,
    reason: String,
    answer: String,
    pub(in crate::shell) visitor: Option<String>,
    bytes: u64,
    /// Only where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::shell) body: Option<String>,
}

const LISTED: &str = "id, sink, at_ms, attempts, reason, answer, nullif(visitor, '') AS visitor, length(body) AS bytes";

/// A page of letters, the newest first, after the old ones are gone: those before a place (time and id), of one sink or of all.
pub(in crate::shell) async fn list(
    env: &Env,
    scope: Scope<'_>,
    sink: Option<Sink>,
    before: (u64, &str),
    limit: u64,
) -> Result<Vec<Kept>> {
    let statement = format!(
        "SELECT {LISTED} FROM dead_letters WHERE {WHERE} AND (?3 = '' OR sink = ?3) \
         AND (at_ms < ?4 OR at_ms = ?4 AND id < ?5) ORDER BY at_ms DESC, id DESC LIMIT ?6"
    );
    let sink = sink.map_or("", Sink::as_str);
    let values =
        [text(scope.site), number(scope.all.into()), text(sink), number(before.0), text(before.1), number(limit)];
    // Where nothing goes through the queues nobody else looks after the old.
    forget_old(env, clock::now()).await?;
    env.d1("DB")?.prepare(statement).bind(&values)?.all().await?.results()
}

/// A letter by its id.
pub(in crate::shell) async fn find(env: &Env, scope: Scope<'_>, id: &str) -> Result<Option<Kept>> {
    let statement = format!("SELECT {LISTED}, body FROM dead_letters WHERE {WHERE} AND id = ?3");
    let values = [text(scope.site), number(scope.all.into()), text(id)];
    env.d1("DB")?.prepare(statement).bind(&values)?.first(None).await
}

/// The oldest letters with their bodies, of one sink or of all.
pub(in crate::shell) async fn oldest(env: &Env, scope: Scope<'_>, sink: Option<Sink>, limit: u64) -> Result<Vec<Kept>> {
    let statement = format!(
        "SELECT {LISTED}, body FROM dead_letters WHERE {WHERE} AND (?3 = '' OR sink = ?3) ORDER BY at_ms, id LIMIT ?4"
    );
    let sink = sink.map_or("", Sink::as_str);
    let values = [text(scope.site), number(scope.all.into()), text(sink), number(limit)];
    env.d1("DB")?.prepare(statement).bind(&values)?.all().await?.results()
}

/// How many letters there are, of one sink or of all.
pub(in crate::shell) async fn count(env: &Env, scope: Scope<'_>, sink: Option<Sink>) -> Result<u64> {
    let statement = format!("SELECT count(*) AS n FROM dead_letters WHERE {WHERE} AND (?3 = '' OR sink = ?3)");
    let values = [text(scope.site), number(scope.all.into()), text(sink.map_or("", Sink::as_str))];
    Ok(env.d1("DB")?.prepare(statement).bind(&values)?.first(Some("n")).await?.unwrap_or_default())
}

/// Forgets a letter; whether there was one. With `at_ms`, only as it was then: one that came back meanwhile stays.
pub(in crate::shell) async fn forget(env: &Env, scope: Scope<'_>, id: &str, at_ms: Option<u64>) -> Result<bool> {
    let statement =
        format!("DELETE FROM dead_letters WHERE {WHERE} AND id = ?3 AND (?4 IS NULL OR at_ms = ?4) RETURNING id");
    let values = [text(scope.site), number(scope.all.into()), text(id), at_ms.map_or(JsValue::NULL, number)];
    let gone: Option<String> = env.d1("DB")?.prepare(statement).bind(&values)?.first(Some("id")).await?;
    Ok(gone.is_some())
}
