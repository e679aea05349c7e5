//! The half of the log that has arrived in the database.

use crate::log::{Order, Row, Type, Wanted, whole};
use footfall_protocol::ids::SiteId;
use serde_json::Value as Json;
use uuid::Uuid;
use wasm_bindgen::JsValue;
use worker::{Env, Result};

/// The number of a record is what follows its life in its id.
const SEQ: &str = "CAST(substr(id, 34) AS INTEGER)";
const COLUMNS: &str = "id, incarnation, at_ms, kind, name, session, data";

/// How much of one life the database has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived {
    /// Records up to the number that was asked about.
    pub(super) count: u64,
    /// The number and time of the oldest of them.
    pub(super) first: Option<(u64, u64)>,
}

/// The records that are wanted, in the order that is wanted, at most `limit`.
pub(super) async fn page(env: &Env, site: &SiteId, visitor: Uuid, wanted: &Wanted, limit: usize) -> Result<Vec<Row>> {
    let (ahead, way) = match wanted.order {
        Order::Newest => ("<", "DESC"),
        Order::Oldest => (">", "ASC"),
    };
    // In these very words: the partial index of triggers is found by them.
    let of_type = match wanted.of {
        Type::Any => "",
        Type::Triggers => "AND kind IN ('trigger_fired', 'trigger_held_out')",
        Type::Named(_) => "AND (kind = ?9 OR kind = 'event' AND name = ?9)",
    };
    let statement = format!(
        "SELECT {COLUMNS} FROM records WHERE site = ?1 AND visitor = ?2 AND at_ms >= ?3 AND at_ms < ?4 {of_type} \
         AND (at_ms {ahead} ?5 OR at_ms = ?5 AND (incarnation {ahead} ?6 OR incarnation = ?6 AND {SEQ} {ahead} ?7)) \
         ORDER BY at_ms {way}, incarnation {way}, {SEQ} {way} LIMIT ?8"
    );
    let after = wanted.after;
    let mut values = vec![
        text(site.as_str()),
        text(&visitor.to_string()),
        number(wanted.from_ms),
        number(wanted.to_ms),
        number(after.at_ms),
        text(&after.incarnation.to_string()),
        number(after.seq),
        number(limit as u64),
    ];
    if let Type::Named(name) = &wanted.of {
        values.push(text(name));
    }
    Ok(rows(env, &statement, &values).await?.iter().filter_map(Row::stored).collect())
}

/// Records by their ids, in no order; those that are not there are left out.
pub(super) async fn by_id(env: &Env, site: &SiteId, ids: &[String]) -> Result<Vec<Row>> {
    let statement =
        format!("SELECT {COLUMNS} FROM records WHERE site = ?1 AND id IN (SELECT value FROM json_each(?2))");
    let values = [text(site.as_str()), text(&serde_json::to_string(ids)?)];
    Ok(rows(env, &statement, &values).await?.iter().filter_map(Row::stored).collect())
}

/// How many of a life's records below a number have arrived.
pub(super) async fn arrived(env: &Env, site: &SiteId, life: Uuid, below: u64) -> Result<Arrived> {
    let statement = format!(
        "SELECT count(*) AS count, min({SEQ}) AS first, min(at_ms) AS first_ms FROM records \
         WHERE site = ?1 AND id >= ?2 AND id < ?3 AND {SEQ} < ?4"
    );
    let found = rows(env, &statement, &of_life(site, life, below)).await?;
    let found = found.first().cloned().unwrap_or_default();
    let first = whole(&found["first"]).zip(whole(&found["first_ms"]));
    Ok(Arrived { count: whole(&found["count"]).unwrap_or(0), first })
}

/// The lowest number of a life from `from` on and below another that has not arrived.
pub(super) async fn first_missing(env: &Env, site: &SiteId, life: Uuid, from: u64, below: u64) -> Result<Option<u64>> {
    let statement = format!(
        "WITH here AS (SELECT {SEQ} AS n FROM records WHERE site = ?1 AND id >= ?2 AND id < ?3 AND {SEQ} < ?4) \
         SELECT min(n) + 1 AS missing FROM (SELECT n FROM here UNION ALL SELECT ?5 - 1) \
         WHERE n >= ?5 - 1 AND n + 1 < ?4 AND n + 1 NOT IN (SELECT n FROM here)"
    );
    let mut values = of_life(site, life, below).to_vec();
    values.push(number(from));
    Ok(rows(env, &statement, &values).await?.first().and_then(|row| whole(&row["missing"])))
}

/// Ids begin with the life's own, so that they are found by the table's key. `.` is the character after `-`.
fn of_life(site: &SiteId, life: Uuid, below: u64) -> [JsValue; 4] {
    let life = life.simple();
    [text(site.as_str()), text(&format!("{life}-")), text(&format!("{life}.")), number(below)]
}

fn text(text: &str) -> JsValue {
    JsValue::from_str(text)
}

#[expect(clippy::cast_precision_loss, reason = "times and numbers of records stay below 2^53")]
fn number(number: u64) -> JsValue {
    JsValue::from_f64(number as f64)
}

async fn rows(env: &Env, statement: &str, values: &[JsValue]) -> Result<Vec<Json>> {
    env.d1("DB")?.prepare(statement).bind(values)?.all().await?.results()
}
