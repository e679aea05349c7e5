//! The archive as a sink: files of sealed records in R2, by site and day.

use crate::access::seal;
use crate::shell::js;
use crate::shell::sinks::d1::{self, number, text};
use crate::sinks::archive::{KEY_BYTES, KEY_ID_BYTES, Key, NONCE_BYTES, date, file, seal_record};
use crate::sinks::message::Message;
use crate::sinks::verdict::Outcome;
use footfall_protocol::record::{RecordBatch, record_id};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use worker::{Env, Error, HttpMetadata, Result};

/// The binding of the bucket.
pub(in crate::shell) const BUCKET: &str = "ARCHIVE_BUCKET";

/// Keys for lives of visitors that have none: a life is erased by itself, so each has its own. In the statement itself, so that no erasure comes between: a life that was erased
/// makes no key.
const MAKE_KEYS: &str = "INSERT INTO archive_keys (site, incarnation, visitor, id, key) \
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?1) \
     WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE subject = value ->> 5) ON CONFLICT DO NOTHING";

const KEYS: &str = "SELECT k.site, k.incarnation, k.id, k.key FROM json_each(?1) AS wanted \
     JOIN archive_keys AS k ON k.site = wanted.value ->> 0 AND k.incarnation = wanted.value ->> 1";

const EXPORT: &str = "SELECT visitor, incarnation, id, key FROM archive_keys WHERE site = ?1 AND incarnation > ?2 \
     ORDER BY incarnation LIMIT ?3";

/// Writes messages into files, one for each site and day; the outcomes are in their order.
pub(in crate::shell) async fn write(env: &Env, messages: &[&Message]) -> Vec<Outcome> {
    let written = write_all(env, messages).await;
    let outcome = written.map_or_else(|error| Outcome::unavailable(&error.to_string()), |()| Outcome::Done);
    messages.iter().map(|_| outcome.clone()).collect()
}

async fn write_all(env: &Env, messages: &[&Message]) -> Result<()> {
    let erased = d1::erased(env, messages).await?;
    let kept = messages.iter().zip(erased).filter(|(_, erased)| !erased);
    let batches: Vec<&RecordBatch> = kept.filter_map(|(message, _)| message.records()).collect();
    let keys = keys(env, &batches).await?;
    let bucket = env.bucket(BUCKET)?;
    for (name, lines) in files(&batches, &keys)? {
        let kind = HttpMetadata { content_type: Some("application/x-ndjson".into()), ..HttpMetadata::default() };
        bucket.put(name, lines.into_bytes()).http_metadata(kind).execute().await?;
    }
    Ok(())
}

/// Keys by site and life.
type Keys = BTreeMap<(String, String), Key>;

/// The keys of visitors' lives; those that have none get one. A life that was erased meanwhile has none.
async fn keys(env: &Env, batches: &[&RecordBatch]) -> Result<Keys> {
    /// A life with the key it gets if it has none.
    #[derive(Serialize)]
    struct Wanted<'a>(&'a str, String, String, String, String, String);
    #[derive(Deserialize)]
    struct Row {
        site: String,
        incarnation: String,
        id: String,
        key: String,
    }
    let mut wanted = BTreeMap::new();
    for batch in batches {
        let mut random = [0; KEY_ID_BYTES + KEY_BYTES];
        js::random_bytes(&mut random)?;
        let (id, secret) = Key::written(&random);
        let subject = seal::tombstone(&batch.site, batch.incarnation);
        let (life, visitor) = (batch.incarnation.to_string(), batch.visitor.to_string());
        wanted.insert((&batch.site, batch.incarnation), Wanted(&batch.site, life, visitor, id, secret, subject));
    }
    let makes = text(&serde_json::to_string(&wanted.values().collect::<Vec<_>>())?);
    let whose: Vec<(&str, &str)> = wanted.values().map(|wanted| (wanted.0, wanted.1.as_str())).collect();
    let asks = text(&serde_json::to_string(&whose)?);
    let database = env.d1("DB")?;
    let statements = vec![database.prepare(MAKE_KEYS).bind(&[makes])?, database.prepare(KEYS).bind(&[asks])?];
    let mut rows: Vec<Row> = Vec::new();
    for outcome in database.batch(statements).await? {
        if let Some(error) = outcome.error() {
            return Err(Error::RustError(error));
        }
        rows.extend(outcome.results()?);
    }
    let unreadable = |row: &Row| Error::RustError(format!("the archive key {} cannot be read", row.id));
    rows.into_iter()
        .map(|row| {
            let key = Key::parse(&row.id, &row.key).ok_or_else(|| unreadable(&row))?;
            Ok(((row.site, row.incarnation), key))
        })
        .collect()
}

/// A line with what it is sorted and told by: its time and its record's id.
type Sealed = (u64, String, String);

/// The files' names and what is in them.
fn files(batches: &[&RecordBatch], keys: &Keys) -> Result<Vec<(String, String)>> {
    let mut days: BTreeMap<(&str, String), Vec<Sealed>> = BTreeMap::new();
    for batch in batches {
        let Some(key) = keys.get(&(batch.site.clone(), batch.incarnation.to_string())) else { continue };
        for record in &batch.records {
            let mut nonce = [0; NONCE_BYTES];
            js::random_bytes(&mut nonce)?;
            let line = seal_record(key, batch, record, nonce);
            let id = record_id(batch.incarnation, record.seq);
            days.entry((&batch.site, date(record.at_ms))).or_default().push((record.at_ms, id, line));
        }
    }
    let mut files = Vec::with_capacity(days.len());
    for ((site, date), mut lines) in days {
        lines.sort();
        // The same record twice in one batch is one line.
        lines.dedup_by(|one, other| one.1 == other.1);
        let ids: Vec<String> = lines.iter().map(|(_, id, _)| id.clone()).collect();
        let first_ms = lines.first().map_or(0, |(at_ms, ..)| *at_ms);
        let text: String = lines.into_iter().map(|(_, _, line)| line + "\n").collect();
        files.push((file(site, &date, first_ms, &ids), text));
    }
    Ok(files)
}

/// A key as it is exported, for whoever may open the archive.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::shell) struct Exported {
    visitor: String,
    pub(in crate::shell) incarnation: String,
    id: String,
    key: String,
}

/// A page of a site's keys: those of the lives after one.
pub(in crate::shell) async fn export(env: &Env, site: &str, after: &str, limit: u64) -> Result<Vec<Exported>> {
    env.d1("DB")?.prepare(EXPORT).bind(&[text(site), text(after), number(limit)])?.all().await?.results()
}
