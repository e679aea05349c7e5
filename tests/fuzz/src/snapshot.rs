//! Damaged bytes, as a stored visitor, a page of records and a piece of rules: reading them never panics.

use super::bytes::Bytes;
use super::transitions::site;
use footfall::engine::rules::RuleSet;
use footfall::engine::{Config, Input, Settings, Stored, Visitor};
use footfall_protocol::decode::decode_batch;
use footfall_protocol::event::{Authority, Delivery, Surroundings};
use footfall_protocol::ids::SiteId;
use serde_json::json;
use std::sync::OnceLock;
use uuid::Uuid;

/// 2026-11-21T10:00:00Z.
const START_MS: u64 = 1_795_255_200_000;

/// The first byte says what the rest is: the bytes themselves, or damage to good ones.
///
/// # Panics
/// When something is wrong with the engine.
pub fn check(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    match first % 4 {
        0 => read(rest),
        1 => {
            let (hot, cold) = rest.split_at(rest.len() / 2);
            load(&Stored { hot: hot.to_vec(), cold: vec![(u64::from(first / 4), cold.to_vec())] });
        }
        2 => {
            let mut bytes = Bytes::new(rest);
            let mut stored = lived().clone();
            for _ in 0..1 + bytes.below(8) {
                let row = bytes.below(1 + stored.cold.len());
                damage(if row == 0 { &mut stored.hot } else { &mut stored.cold[row - 1].1 }, &mut bytes);
            }
            load(&stored);
        }
        _ => {
            let mut bytes = Bytes::new(rest);
            let mut piece = site(&mut bytes).encode();
            for _ in 0..1 + bytes.below(8) {
                damage(&mut piece, &mut bytes);
            }
            read(&piece);
        }
    }
}

fn read(bytes: &[u8]) {
    load(&Stored { hot: bytes.to_vec(), cold: Vec::new() });
    let split = Visitor::split_page(bytes);
    if let Ok(records) = Visitor::decode_page(bytes) {
        let seqs: Vec<u64> = split.unwrap().iter().map(|record| record.seq).collect();
        assert!(records.iter().map(|record| record.seq).eq(seqs), "a page has the records that it has");
    }
    if let Some(rules) = RuleSet::decode(bytes) {
        drop(rules.encode());
    }
}

fn load(stored: &Stored) {
    drop(Visitor::outline(&stored.hot));
    if let Ok(visitor) = Visitor::load(stored) {
        let again = visitor.snapshot();
        assert!(Visitor::load(&again).is_ok_and(|loaded| loaded.snapshot() == again), "what was read is written well");
    }
}

pub(super) fn damage(row: &mut Vec<u8>, bytes: &mut Bytes) {
    let at = usize::from(bytes.number()) % row.len().max(1);
    match (bytes.below(4), row.get_mut(at)) {
        (0, _) => row.truncate(at),
        (1, _) => row.insert(at.min(row.len()), bytes.byte()),
        (2, Some(_)) => drop(row.remove(at)),
        (_, Some(byte)) => *byte = bytes.byte(),
        (_, None) => {}
    }
}

/// A visitor with something in every section, and more than fits the hot row.
fn lived() -> &'static Stored {
    static LIVED: OnceLock<Stored> = OnceLock::new();
    LIVED.get_or_init(|| {
        // Choices that make several rules with a dwell, an absence and a count among them.
        let choices: Vec<u8> = (0..512_u32).map(|at| u8::try_from(at * 37 % 251).unwrap_or_default()).collect();
        let config = Config { settings: Settings::default(), rules: site(&mut Bytes::new(&choices)), version: 1 };
        let mut visitor = Visitor::new(SiteId::parse("demo").unwrap(), Uuid::from_u128(7), Uuid::from_u128(1));
        for at in 0..120_u32 {
            let long = "long ".repeat(usize::try_from(at % 30).unwrap_or_default());
            let events = json!({"batch": [
                {"type": "page", "messageId": format!("p{at}"), "anonymousId": "a", "context": {"tab": format!("t{}", at % 3)}, "properties": {"path": long, "title": long, "kind": "product"}},
                {"type": "track", "messageId": format!("a{at}"), "anonymousId": "a", "event": "Product Added", "context": {"tab": "t1"}, "properties": {"sku": format!("{at}{long}"), "name": long, "price": 3.5}},
                {"type": "track", "messageId": format!("o{at}"), "anonymousId": "a", "event": "Order Completed", "properties": {"order_id": at, "revenue": 12.5}},
                {"type": "identify", "messageId": format!("i{at}"), "userId": "u", "traits": {format!("t{at}"): long}}
            ]});
            let batch = decode_batch(events.to_string().as_bytes(), Authority::Source).unwrap();
            let events = batch.events.into_iter().map(|decoded| (decoded.index, decoded.event)).collect();
            let delivery = Delivery { events, surroundings: Surroundings::default() };
            drop(visitor.handle(Input::Events(delivery), START_MS + u64::from(at) * 7_000, &config));
        }
        visitor.snapshot()
    })
}
