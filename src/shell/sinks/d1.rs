//! The database as a sink: every record exactly once, by its id, however often it is delivered.

use crate::access::seal;
use crate::sinks::message::Message;
use crate::sinks::verdict::Outcome;
use footfall_protocol::record::{RecordBatch, record_id};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, Env, Error, Result};

/// One statement for a message: its records come as one JSON text, so that their number meets no bound of parameters. In
/// the statement itself, so that no erasure comes between: nothing of a visitor's life that was erased comes back.
const INSERT: &str = "INSERT INTO records (site, id, visitor, incarnation, at_ms, kind, name, session, data) \
     SELECT ?2, value ->> 0, ?3, ?4, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value -> 5 \
     FROM json_each(?1) WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE subject = ?5) ON CONFLICT DO NOTHING";

const ERASED: &str = "SELECT subject FROM tombstones WHERE subject IN (SELECT value FROM json_each(?1))";

/// Messages that are stored in one transaction.
const AT_ONCE_MAX: usize = 20;

/// Stores the records of several messages; the outcomes are in their order.
pub(in crate::shell) async fn store(env: &Env, messages: &[&Message]) -> Vec<Outcome> {
    let batches: Vec<&RecordBatch> = messages.iter().filter_map(|message| message.records()).collect();
    let mut outcomes = Vec::with_capacity(batches.len());
    for some in batches.chunks(AT_ONCE_MAX) {
        if store_together(env, some).await.is_ok() {
            outcomes.extend(some.iter().map(|_| Outcome::Done));
            continue;
        }
        // One of them, or the database: each by itself tells which.
        for one in some {
            let stored = store_together(env, std::slice::from_ref(one)).await;
            outcomes.push(stored.map_or_else(|error| Outcome::unavailable(&error.to_string()), |()| Outcome::Done));
        }
    }
    outcomes
}

/// Which of these messages bring records of lives that were erased, in their order.
pub(in crate::shell) async fn erased(env: &Env, messages: &[&Message]) -> Result<Vec<bool>> {
    /// A row of the table.
    #[derive(Deserialize)]
    struct Tombstone {
        subject: String,
    }
    let subject = |message: &&Message| message.records().map(|batch| seal::tombstone(&batch.site, batch.incarnation));
    let subjects: Vec<Option<String>> = messages.iter().map(subject).collect();
    let asked: BTreeSet<&String> = subjects.iter().flatten().collect();
    let values = [text(&serde_json::to_string(&asked)?)];
    let rows: Vec<Tombstone> = env.d1("DB")?.prepare(ERASED).bind(&values)?.all().await?.results()?;
    let erased: BTreeSet<String> = rows.into_iter().map(|row| row.subject).collect();
    Ok(subjects.iter().map(|subject| subject.as_ref().is_some_and(|subject| erased.contains(subject))).collect())
}

async fn store_together(env: &Env, batches: &[&RecordBatch]) -> Result<()> {
    let database = env.d1("DB")?;
    let statements = batches.iter().map(|batch| statement(&database, batch)).collect::<Result<_>>()?;
    for outcome in database.batch(statements).await? {
        if let Some(error) = outcome.error() {
            return Err(Error::RustError(error));
        }
    }
    Ok(())
}

fn statement(database: &D1Database, batch: &RecordBatch) -> Result<D1PreparedStatement> {
    /// One record, as the statement above takes it apart.
    #[derive(Serialize)]
    struct Row<'a>(String, u64, &'a str, &'a str, u32, &'a footfall_protocol::Object);
    let rows: Vec<_> = batch
        .records
        .iter()
        .map(|r| Row(record_id(batch.incarnation, r.seq), r.at_ms, r.kind.as_str(), &r.name, r.session, &r.data))
        .collect();
    database.prepare(INSERT).bind(&[
        text(&serde_json::to_string(&rows)?),
        text(&batch.site),
        text(&batch.visitor.to_string()),
        text(&batch.incarnation.to_string()),
        text(&seal::tombstone(&batch.site, batch.incarnation)),
    ])
}

/// A text to bind.
pub(super) fn text(text: &str) -> JsValue {
    JsValue::from_str(text)
}

/// A number to bind: a time, a count or a limit, all of which stay below 2^53.
#[expect(clippy::cast_precision_loss, reason = "below 2^53")]
pub(super) fn number(number: u64) -> JsValue {
    JsValue::from_f64(number as f64)
}
