//! The archive's files: a line of JSON for each record, in the clear only what says nothing about anybody, and the rest
//! sealed with the visitor's own key. With the key's destruction nobody can read those records any more.

use crate::access::seal;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use footfall_protocol::line::Line;
use footfall_protocol::record::{Record, RecordBatch, record_id};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Bytes of a key (AES-256).
pub const KEY_BYTES: usize = 32;
/// Bytes of what must never be the same twice with one key (GCM, NIST SP 800-38D §8.2.2: 96 random bits).
pub const NONCE_BYTES: usize = 12;
/// Bytes of a key's id.
pub const KEY_ID_BYTES: usize = 12;

/// A visitor's key.
#[derive(Clone)]
pub struct Key {
    id: String,
    secret: [u8; KEY_BYTES],
}

impl Key {
    /// The key as it is stored and exported: an id that says nothing, and the secret in base64url.
    pub fn parse(id: &str, secret: &str) -> Option<Self> {
        let secret = seal::decode(secret)?.try_into().ok()?;
        (!id.is_empty()).then(|| Self { id: id.to_owned(), secret })
    }

    /// A new key from random bytes: its id and its secret, as they are stored.
    pub fn written(random: &[u8; KEY_ID_BYTES + KEY_BYTES]) -> (String, String) {
        let (id, secret) = random.split_at(KEY_ID_BYTES);
        (URL_SAFE_NO_PAD.encode(id), URL_SAFE_NO_PAD.encode(secret))
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(&self.secret.into())
    }

    /// The same for a record however often it is written, so that repeats can be told; without the key it says nothing.
    fn opaque(&self, record: &str) -> String {
        seal::sign(&self.secret, record)[..22].to_owned()
    }
}

/// A line of a file.
#[derive(Serialize, Deserialize)]
struct Sealed<'a> {
    v: u32,
    #[serde(borrow)]
    site: Cow<'a, str>,
    at_ms: u64,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    /// Tells repeats of a record.
    #[serde(borrow)]
    id: Cow<'a, str>,
    /// Which key opens it.
    #[serde(borrow)]
    key: Cow<'a, str>,
    /// Nonce, ciphertext and tag, in base64url.
    #[serde(borrow)]
    sealed: Cow<'a, str>,
}

impl Sealed<'_> {
    /// What is in the clear is sealed along, so that it cannot be changed unnoticed.
    fn bound(&self) -> String {
        format!("{}\n{}\n{}\n{}\n{}\n{}", self.v, self.site, self.at_ms, self.kind, self.id, self.key)
    }
}

/// A record as a line of a file, without the line's end.
pub fn seal_record(key: &Key, batch: &RecordBatch, record: &Record, nonce: [u8; NONCE_BYTES]) -> String {
    let mut line = Sealed {
        v: 1,
        site: batch.site.as_str().into(),
        at_ms: record.at_ms,
        kind: record.kind.as_str().into(),
        id: key.opaque(&record_id(batch.incarnation, record.seq)).into(),
        key: key.id.as_str().into(),
        sealed: Cow::Borrowed(""),
    };
    let plain = serde_json::to_vec(&Line::of(batch, record)).expect("plain data is JSON");
    let bound = line.bound();
    let payload = Payload { msg: &plain, aad: bound.as_bytes() };
    let sealed = key.cipher().encrypt(Nonce::from_slice(&nonce), payload).expect("a record is shorter than 64 GB");
    line.sealed = URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()).into();
    serde_json::to_string(&line).expect("plain data is JSON")
}

/// A file's line, opened.
#[derive(Debug, PartialEq, Eq)]
pub enum Opened {
    /// The record, as a line of JSON.
    Record(String),
    /// Its key is not among those that were given: the visitor was erased, or is of another export.
    NoKey,
}

/// Opens a line of a file.
///
/// # Errors
/// A sentence when it is no such line, or was changed after it was written.
pub fn open_line(keys: &BTreeMap<String, Key>, text: &str) -> Result<Opened, String> {
    let line: Sealed<'_> = serde_json::from_str(text).map_err(|error| format!("is no line of an archive: {error}"))?;
    if line.v != 1 {
        return Err(format!("is of version {}, which this release does not know", line.v));
    }
    let Some(key) = keys.get(line.key.as_ref()) else { return Ok(Opened::NoKey) };
    let changed = || "was changed after it was written, or its key is a wrong one".to_owned();
    let bytes = seal::decode(&line.sealed).ok_or_else(changed)?;
    let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES).ok_or_else(changed)?;
    let bound = line.bound();
    let payload = Payload { msg: sealed, aad: bound.as_bytes() };
    let plain = key.cipher().decrypt(Nonce::from_slice(nonce), payload).map_err(|_| changed())?;
    String::from_utf8(plain).map(Opened::Record).map_err(|_| changed())
}

/// The day of a record (UTC), as the files' folders name it.
pub fn date(at_ms: u64) -> String {
    let at = i64::try_from(at_ms).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default();
    at.format("%Y-%m-%d").to_string()
}

/// The name of the file that holds a site's records of one day that came together: the same for the same records.
pub fn file(site: &str, date: &str, first_ms: u64, ids: &[String]) -> String {
    let hash = &seal::content_address(ids.join("\n").as_bytes())[..16];
    format!("{site}/date={date}/{first_ms}-{hash}.ndjson")
}

#[cfg(test)]
mod tests {
    use super::*;
    use footfall_protocol::Object;
    use footfall_protocol::record::RecordKind;
    use uuid::Uuid;

    fn key(n: u8) -> Key {
        let (id, secret) = Key::written(&[n; KEY_ID_BYTES + KEY_BYTES]);
        Key::parse(&id, &secret).unwrap()
    }

    fn sealed(by: &Key, nonce: u8) -> String {
        let (visitor, incarnation) = (Uuid::from_u128(10), Uuid::from_u128(11));
        let data = Object::from_iter([("sku".to_owned(), "tent".into())]);
        let record = Record {
            seq: 3,
            at_ms: 1_795_261_953_892,
            kind: RecordKind::Event,
            name: "search".into(),
            session: 1,
            data,
        };
        let batch = RecordBatch { v: 1, site: "demo".into(), visitor, incarnation, records: vec![record] };
        seal_record(by, &batch, &batch.records[0], [nonce; NONCE_BYTES])
    }

    fn keys(keys: &[Key]) -> BTreeMap<String, Key> {
        keys.iter().map(|key| (key.id.clone(), key.clone())).collect()
    }

    #[test]
    fn a_line_tells_nothing_of_anybody_and_opens_with_its_key() {
        let line = sealed(&key(1), 7);
        for secret in ["search", "tent", "00000000-0000", "0000000a", "0000000b"] {
            assert!(!line.contains(secret), "{line}");
        }
        let Ok(Opened::Record(record)) = open_line(&keys(&[key(1), key(2)]), &line) else { panic!("{line}") };
        let record: serde_json::Value = serde_json::from_str(&record).unwrap();
        assert_eq!((record["name"].as_str(), record["data"]["sku"].as_str()), (Some("search"), Some("tent")));
        assert_eq!(record["id"], "0000000000000000000000000000000b-3");
    }

    #[test]
    fn without_its_key_nobody_opens_it() {
        let line = sealed(&key(1), 7);
        assert_eq!(open_line(&keys(&[key(2)]), &line), Ok(Opened::NoKey));
        let mut wrong = key(2);
        wrong.id = key(1).id;
        assert!(open_line(&keys(&[wrong]), &line).is_err());
    }

    #[test]
    fn no_part_of_a_line_can_be_changed_unnoticed() {
        let line = sealed(&key(1), 7);
        let known = keys(&[key(1)]);
        for (from, to) in [
            ("1795261953892", "1795261953893"),
            ("demo", "dem0"),
            ("event", "emitted"),
            ("\"sealed\":\"B", "\"sealed\":\"C"),
        ] {
            assert!(line.contains(from), "{line}");
            assert!(open_line(&known, &line.replacen(from, to, 1)).is_err(), "{from}");
        }
        for bad in [
            "",
            "{}",
            "null",
            &line[..line.len() - 1],
            &line.replace("\"v\":1", "\"v\":2"),
            &line.replace("sealed\":\"", "sealed\":\"*"),
        ] {
            assert!(open_line(&known, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_repeat_has_the_same_id_and_other_bytes() {
        let id = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].clone();
        let (one, two) = (sealed(&key(1), 7), sealed(&key(1), 8));
        assert_ne!(one, two);
        assert_eq!(id(&one), id(&two));
        assert_ne!(id(&one), id(&sealed(&key(2), 7)));
    }

    #[test]
    fn files_are_by_day_and_named_after_what_is_in_them() {
        assert_eq!(date(1_795_261_953_892), "2026-11-21");
        assert_eq!((date(0), date(u64::MAX)), ("1970-01-01".into(), "1970-01-01".into()));
        let ids = ["a-1".to_owned(), "a-2".to_owned()];
        let name = file("demo", "2026-11-21", 5, &ids);
        assert!(name.starts_with("demo/date=2026-11-21/5-") && name.ends_with(".ndjson"), "{name}");
        assert_eq!(name, file("demo", "2026-11-21", 5, &ids));
        assert_ne!(name, file("demo", "2026-11-21", 5, &ids[..1]));
    }
}
