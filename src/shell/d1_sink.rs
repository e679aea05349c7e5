//! The D1 sink: every record exactly once, by its id, however often it is delivered.

use crate::access::seal;
use footfall_protocol::record::{RecordBatch, record_id};
use serde::Serialize;
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, Env, Error, Result};

/// One statement for a message: its records come as one JSON text, so that their number meets no bound of parameters. In
/// the statement itself, so that no erasure comes between: nothing of a visitor's life that was erased comes back.
const INSERT: &str = "INSERT INTO records (site, id, visitor, incarnation, at_ms, kind, name, session, data) \
     SELECT ?2, value ->> 0, ?3, ?4, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value -> 5 \
     FROM json_each(?1) WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE subject = ?5) ON CONFLICT DO NOTHING";

/// Messages that are stored in one transaction.
const AT_ONCE_MAX: usize = 20;

/// Stores the records of several messages; the outcomes are in their order.
pub(super) async fn store(env: &Env, batches: &[&RecordBatch]) -> Vec<Result<()>> {
    let mut outcomes = Vec::with_capacity(batches.len());
    for some in batches.chunks(AT_ONCE_MAX) {
        if store_together(env, some).await.is_ok() {
            outcomes.extend(some.iter().map(|_| Ok(())));
            continue;
        }
        // One of them, or the database: each by itself tells which.
        for one in some {
            outcomes.push(store_together(env, std::slice::from_ref(one)).await);
        }
    }
    outcomes
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
    let text = |text: &str| JsValue::from_str(text);
    database.prepare(INSERT).bind(&[
        text(&serde_json::to_string(&rows)?),
        text(&batch.site),
        text(&batch.visitor.to_string()),
        text(&batch.incarnation.to_string()),
        text(&seal::tombstone(&batch.site, batch.incarnation)),
    ])
}
