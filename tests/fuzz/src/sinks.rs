//! What goes to sinks and comes back from them: records made by choices through every form that they take on their way, and
//! any bytes as a sink's answer or as its configuration.

use super::bytes::Bytes;
use super::snapshot::damage;
use footfall::access::body::unpack;
use footfall::access::seal;
use footfall::engine::PackedRecord;
use footfall::log::Row;
use footfall::sinks::archive::{KEY_BYTES, KEY_ID_BYTES, Key, NONCE_BYTES, Opened, date, file, open_line, seal_record};
use footfall::sinks::chunks::chunks;
use footfall::sinks::lines::{body, entries};
use footfall::sinks::message::{Body, Message, pack};
use footfall::sinks::settings::{Authored, Format, parse_secrets};
use footfall::sinks::verdict::{Outcome, Verdict, backoff_s, judge};
use footfall::sinks::{Route, Sink};
use footfall_protocol::limits::{
    QUEUE_MESSAGE_BYTES_MAX, SINK_ANSWER_BYTES_MAX, SINK_RETRY_S_MAX, SINK_TIMEOUT_MS, SINK_TRIES_MAX,
};
use footfall_protocol::record::{Erasure, Record, RecordBatch, RecordKind, record_id};
use footfall_protocol::{Object, Value};
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

const NOW_S: u64 = 1_800_000_000;
const SITE: &str = "demo";
const KINDS: [RecordKind; 6] = [
    RecordKind::Event,
    RecordKind::TriggerFired,
    RecordKind::SessionEnded,
    RecordKind::Emitted,
    RecordKind::UserUpdated,
    RecordKind::SightChanged,
];

/// The first byte says what the rest is.
///
/// # Panics
/// When something is wrong with what carries records.
pub fn check(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    match first % 4 {
        0 => answer(rest),
        1 => configuration(&String::from_utf8_lossy(rest)),
        _ => records(&mut Bytes::new(rest)),
    }
}

/// A sink's answer: a status, the header `Retry-After`, and the body.
fn answer(rest: &[u8]) {
    let mut bytes = Bytes::new(rest);
    let (status, attempts) = (bytes.number() % 1_000, u32::from(bytes.byte()));
    let text = String::from_utf8_lossy(rest.get(3..).unwrap_or_default());
    let (header, said) = text.split_once('\n').unwrap_or((&text, ""));
    let outcome = Outcome::of_response(status, Some(header), said, NOW_S);
    let (Outcome::Unavailable { answer, .. } | Outcome::Refused { answer }) = &outcome else {
        return assert!((200..300).contains(&status));
    };
    assert!(answer.len() <= SINK_ANSWER_BYTES_MAX);
    match judge(outcome, attempts, SINK_TRIES_MAX) {
        Verdict::Acknowledge => panic!("{status} is not done"),
        Verdict::Retry { after_s } => {
            assert!(attempts < SINK_TRIES_MAX && (backoff_s(attempts)..=SINK_RETRY_S_MAX).contains(&after_s));
        }
        Verdict::Bury { .. } => assert!(attempts >= SINK_TRIES_MAX || !matches!(status, 408 | 425 | 429 | 500..=599)),
    }
}

fn configuration(text: &str) {
    if let Err(fault) = parse_secrets(text) {
        assert!(!fault.is_empty() && fault.len() < text.len() + 1_000, "{fault}");
    }
    if let Ok(authored) = serde_json::from_str::<Authored>(text) {
        match authored.compile() {
            Ok(sinks) => {
                assert!(sinks.all().next() == Some(Sink::D1));
                if let Some(origin) = sinks.origin {
                    let here = ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| origin.url.contains(host));
                    assert!(origin.url.starts_with("https://") || here, "{origin:?}");
                    assert!((1..=SINK_TRIES_MAX).contains(&origin.tries) && origin.timeout_ms <= SINK_TIMEOUT_MS);
                }
            }
            Err(fault) => assert!(fault.starts_with("sinks."), "{fault}"),
        }
    }
    if let Some(Route::To(sink) | Route::GivenUp(sink)) = Route::of_queue(text) {
        assert!(Sink::parse(sink.as_str()) == Some(sink));
    }
}

/// Records through the queue, the dead letters, a body for a store's own service, the archive and the log.
fn records(bytes: &mut Bytes) {
    let records: Vec<Record> = (1..=bytes.below(6)).map(|seq| record(seq as u64, bytes)).collect();
    let (visitor, incarnation) = (Uuid::from_u128(7), Uuid::from_u128(u128::from(bytes.byte())));
    let whole = RecordBatch { v: 1, site: SITE.into(), visitor, incarnation, records };
    let packed: Vec<Vec<u8>> = whole.records.iter().map(|record| postcard::to_allocvec(record).unwrap()).collect();
    let each = whole.records.iter().zip(&packed).map(|(record, bytes)| PackedRecord { seq: record.seq, bytes });
    let bodies = pack(SITE, visitor, incarnation, each);
    let mut messages = Vec::new();
    for carried in &bodies {
        let message = carried.read().unwrap();
        let records = &message.records().unwrap().records;
        assert!(carried.len() <= QUEUE_MESSAGE_BYTES_MAX || records.len() == 1, "{} bytes", carried.len());
        assert_eq!(Body::of_letter(&carried.to_letter()).read().as_ref(), Some(&message), "a replay brings the same");
        messages.push(message);
        if let Body::Packed(good) = carried {
            let mut spoilt = good.clone();
            damage(&mut spoilt, bytes);
            drop(Body::Packed(spoilt).read());
        }
    }
    let carried = messages.iter().flat_map(|message| message.records().into_iter().flat_map(|batch| &batch.records));
    assert!(carried.eq(&whole.records), "the queue brings all of them, once and in order");
    messages.push(Message::Erased(Erasure {
        v: 1,
        site: SITE.into(),
        visitor,
        incarnations: vec![incarnation],
        at_ms: 5,
    }));
    let entries = entries(&messages);
    sent(&entries, bytes);
    for (record, entry) in whole.records.iter().zip(&entries) {
        archived(&whole, record, entry, bytes);
        let row = Row::of(incarnation, record.clone());
        let mut stored = serde_json::to_value(&row).unwrap();
        stored["data"] = serde_json::to_string(&row.data).unwrap().into();
        assert_eq!(Row::stored(&stored), Some(row.clone()), "the database gives back what it was given");
        assert_eq!(row.record().as_ref(), Some(record));
    }
}

/// One body for a store's own service.
fn sent(entries: &[String], bytes: &mut Bytes) {
    let most = 1 + usize::from(bytes.byte()) * 8;
    let parts = chunks(entries, 1 + bytes.below(4), most, String::len);
    assert!(parts.iter().all(|part| !part.is_empty()) && parts.concat() == entries);
    assert!(parts.iter().all(|part| part.len() == 1 || part.iter().map(String::len).sum::<usize>() <= most));
    for format in [Format::Ndjson, Format::Json] {
        let plain = body(SITE, entries, format, false);
        let packed = body(SITE, entries, format, true);
        assert_eq!(unpack(packed.bytes, Some("gzip"), 1 << 20).unwrap(), plain.bytes);
        assert_eq!(packed.idempotency_key, plain.idempotency_key);
        let text = String::from_utf8(plain.bytes).unwrap();
        let told: Vec<serde_json::Value> = match format {
            Format::Ndjson => text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
            Format::Json => {
                serde_json::from_str::<serde_json::Value>(&text).unwrap()["records"].as_array().unwrap().clone()
            }
        };
        let wanted = entries.iter().map(|entry| serde_json::from_str::<serde_json::Value>(entry).unwrap());
        assert!(told.iter().cloned().eq(wanted), "{text}");
    }
}

/// One line of the archive: who has the key reads what was written, and nobody changes any of it unnoticed.
fn archived(batch: &RecordBatch, record: &Record, entry: &str, bytes: &mut Bytes) {
    let random: [u8; KEY_ID_BYTES + KEY_BYTES] = std::array::from_fn(|_| bytes.byte());
    let (id, secret) = Key::written(&random);
    let key = Key::parse(&id, &secret).unwrap();
    let line = seal_record(&key, batch, record, [bytes.byte(); NONCE_BYTES]);
    let keys = BTreeMap::from([(id, key)]);
    assert_eq!(open_line(&keys, &line), Ok(Opened::Record(entry.to_owned())));
    assert_eq!(open_line(&BTreeMap::new(), &line), Ok(Opened::NoKey));
    let mut spoilt = line.clone().into_bytes();
    damage(&mut spoilt, bytes);
    if let Ok(Ok(Opened::Record(read))) = std::str::from_utf8(&spoilt).map(|text| open_line(&keys, text)) {
        assert_eq!(read, entry, "forged: {}", String::from_utf8_lossy(&spoilt));
    }
    let name = file(SITE, &date(record.at_ms), record.at_ms, &[record_id(batch.incarnation, record.seq)]);
    assert!(name.split('/').count() == 3 && name.is_ascii() && name.len() < 200, "{name}");
    assert_eq!(seal::content_address(name.as_bytes()).len(), 64);
}

fn record(seq: u64, bytes: &mut Bytes) -> Record {
    let names = ["product_viewed", "ä\n\"\u{2028}", "", "r0"];
    // An engine's time is a clock's; other releases may have written anything.
    let at_ms = 1_795_255_200_000 + u64::from(bytes.number()) * 1_000;
    Record {
        seq,
        at_ms,
        kind: bytes.pick(&KINDS),
        name: bytes.pick(&names).to_owned(),
        session: u32::from(bytes.byte() % 3),
        data: data(bytes, 3),
    }
}

fn data(bytes: &mut Bytes, depth: usize) -> Object {
    let mut data = Object::new();
    for _ in 0..bytes.below(4) {
        let name = bytes.pick(&["sku", "price", "", "\u{0}", "list", "deep"]);
        data.insert(name, value(bytes, depth));
    }
    data
}

fn value(bytes: &mut Bytes, depth: usize) -> Value {
    let scalar = |value: serde_json::Value| serde_json::from_value::<Value>(value).unwrap();
    match bytes.below(9) {
        0 => Value::Null,
        1 => Value::Bool(bytes.once_in(2)),
        2 => scalar(json!(bytes.number())),
        3 => scalar(json!(-f64::from(bytes.number()) / 7.0)),
        4 => scalar(json!(1e300)),
        5 if depth > 0 => Value::Array((0..bytes.below(3)).map(|_| value(bytes, depth - 1)).collect()),
        6 if depth > 0 => Value::Object(data(bytes, depth - 1)),
        7 => Value::String("long ".repeat(bytes.below(256))),
        _ => Value::String(String::from_utf8_lossy(&[bytes.byte(), bytes.byte(), bytes.byte()]).into_owned()),
    }
}
