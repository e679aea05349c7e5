//! The half of the log that has arrived in the database.

use super::gaps::{Mark, Part};
use crate::log::{Order, Row, Type, Wanted, whole};
use footfall_protocol::ids::SiteId;
use footfall_protocol::limits::LOG_BYTES_MAX;
use serde_json::Value as Json;
use uuid::Uuid;
use wasm_bindgen::JsValue;
use worker::{Env, Result};

/// The number of a record is what follows its life in its id.
const SEQ: &str = "CAST(substr(id, 34) AS INTEGER)";
const COLUMNS: &str = "id, incarnation, at_ms, kind, name, session, data";

/// How much of a part of a life the database has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived {
    pub(super) count: u64,
    /// The time of the last of them.
    pub(super) last_ms: u64,
}

/// Records that are wanted.
pub(super) struct Stored {
    pub(super) rows: Vec<Row>,
    /// Whether those after them were left out because there would have been too much at once.
    pub(super) cut: bool,
}

/// The records that are wanted, in the order that is wanted, at most `limit` and [`LOG_BYTES_MAX`].
pub(super) async fn page(env: &Env, site: &SiteId, visitor: Uuid, wanted: &Wanted, limit: usize) -> Result<Stored> {
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
    let ordered = format!("ORDER BY at_ms {way}, incarnation {way}, {SEQ} {way}");
    let statement = format!(
        "SELECT * FROM (SELECT *, sum(length(data)) OVER ({ordered}) - length(data) AS before, count(*) OVER () AS found FROM \
         (SELECT {COLUMNS} FROM records WHERE site = ?1 AND visitor = ?2 AND at_ms >= ?3 AND at_ms < ?4 {of_type} \
         AND (at_ms {ahead} ?5 OR at_ms = ?5 AND (incarnation {ahead} ?6 OR incarnation = ?6 AND {SEQ} {ahead} ?7)) \
         {ordered} LIMIT ?8)) WHERE before < {LOG_BYTES_MAX} {ordered}"
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
    let found = rows(env, &statement, &values).await?;
    let cut = found.first().and_then(|row| whole(&row["found"])).is_some_and(|all| all > found.len() as u64);
    Ok(Stored { rows: found.iter().filter_map(Row::stored).collect(), cut })
}

/// Records by their ids, in no order; those that are not there are left out, and what would be more than
/// [`LOG_BYTES_MAX`].
pub(super) async fn by_id(env: &Env, site: &SiteId, ids: &[String]) -> Result<Vec<Row>> {
    let statement = format!(
        "SELECT * FROM (SELECT {COLUMNS}, sum(length(data)) OVER (ORDER BY id) - length(data) AS before FROM records \
         WHERE site = ?1 AND id IN (SELECT value FROM json_each(?2))) WHERE before < {LOG_BYTES_MAX}"
    );
    let values = [text(site.as_str()), text(&serde_json::to_string(ids)?)];
    Ok(rows(env, &statement, &values).await?.iter().filter_map(Row::stored).collect())
}

/// What is asked of a part of a life: all of it stands in the index of visitors' records. Ids begin with the life's own, and
/// `.` is the character after `-`.
const OF_PART: &str = "site = ?1 AND visitor = ?2 AND at_ms >= ?3 AND id >= ?4 AND id < ?5";

/// How many records of a part of a life have arrived.
pub(super) async fn arrived(env: &Env, part: Part<'_>) -> Result<Arrived> {
    let statement = format!(
        "SELECT count(*) AS count, max(at_ms) AS last_ms FROM records WHERE {OF_PART} AND {SEQ} > ?6 AND {SEQ} < ?7"
    );
    let found = rows(env, &statement, &part.values()).await?;
    let number = |name: &str| found.first().and_then(|row| whole(&row[name])).unwrap_or(0);
    Ok(Arrived { count: number("count"), last_ms: number("last_ms") })
}

/// The lowest number of a part of a life that has not arrived.
pub(super) async fn first_missing(env: &Env, part: Part<'_>) -> Result<Option<u64>> {
    let statement = format!(
        "WITH here AS (SELECT {SEQ} AS n FROM records WHERE {OF_PART} AND {SEQ} > ?6 AND {SEQ} < ?7) \
         SELECT min(n) + 1 AS missing FROM (SELECT n FROM here UNION ALL SELECT ?6) \
         WHERE n + 1 < ?7 AND n + 1 NOT IN (SELECT n FROM here)"
    );
    Ok(rows(env, &statement, &part.values()).await?.first().and_then(|row| whole(&row["missing"])))
}

/// The first record of a part of a life after a number.
pub(super) async fn first_after(env: &Env, part: Part<'_>, seq: u64) -> Result<Option<Mark>> {
    let statement = format!(
        "SELECT {SEQ} AS seq, at_ms FROM records WHERE {OF_PART} AND {SEQ} > ?6 AND {SEQ} < ?7 ORDER BY seq LIMIT 1"
    );
    let after = Mark { seq, ..part.after };
    let found = rows(env, &statement, &Part { after, ..part }.values()).await?;
    Ok(found.first().and_then(|row| Some(Mark { seq: whole(&row["seq"])?, at_ms: whole(&row["at_ms"])? })))
}

impl Part<'_> {
    fn values(&self) -> [JsValue; 7] {
        let life = self.life.simple();
        [
            text(self.site.as_str()),
            text(&self.visitor.to_string()),
            number(self.after.at_ms),
            text(&format!("{life}-")),
            text(&format!("{life}.")),
            number(self.after.seq),
            number(self.below),
        ]
    }
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
