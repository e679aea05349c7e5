//! Bodies for an HTTPS origin: records as lines of JSON or as one JSON object, compressed and signed.

use super::message::Message;
use super::settings::Format;
use crate::access::seal;
use flate2::Compression;
use flate2::write::GzEncoder;
use footfall_protocol::line::{ErasureLine, Line};
use serde::Serialize;
use std::io::Write as _;

/// A body as it goes out, with the headers that are about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// As it is sent.
    pub bytes: Vec<u8>,
    /// The same for the same records in the same order.
    pub idempotency_key: String,
    /// The media type.
    pub content_type: &'static str,
    /// Whether it is compressed.
    pub gzip: bool,
}

/// What of messages goes to the store, in their order: one entry for each record, and for each visitor who was erased.
pub fn entries<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Vec<String> {
    let mut entries = Vec::new();
    for message in messages {
        match message {
            Message::Records(batch) => {
                entries.extend(batch.records.iter().map(|record| text(&Line::of(batch, record))))
            }
            Message::Erased(erasure) => entries.push(text(&ErasureLine::of(erasure))),
        }
    }
    entries
}

fn text(line: &impl Serialize) -> String {
    serde_json::to_string(line).expect("plain data is JSON")
}

/// The body with these entries.
pub fn body(site: &str, entries: &[String], format: Format, gzip: bool) -> Body {
    let (text, content_type) = match format {
        Format::Ndjson => (entries.join("\n") + "\n", "application/x-ndjson"),
        Format::Json => (format!(r#"{{"v":1,"site":"{site}","records":[{}]}}"#, entries.join(",")), "application/json"),
    };
    let idempotency_key = seal::content_address(text.as_bytes());
    let bytes = if gzip { packed(text.as_bytes()) } else { text.into_bytes() };
    Body { bytes, idempotency_key, content_type, gzip }
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes every byte")
}

/// The header `footfall-signature`: the time in Unix seconds, and the HMAC-SHA256 (RFC 2104) of that time, a full stop
/// and the body as it is sent, in hexadecimal. Who has the secret can tell that the body is ours and how old it is.
pub fn signature(secret: &str, now_s: u64, body: &[u8]) -> String {
    let signed = seal::sign_hex(secret.as_bytes(), &[format!("{now_s}.").as_bytes(), body]);
    format!("t={now_s},v1={signed}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    fn messages() -> Vec<Message> {
        let record = |seq: u64| {
            format!(r#"{{"seq":{seq},"at_ms":5,"kind":"event","name":"search","session":1,"data":{{"q":"é"}}}}"#)
        };
        let batch = format!(
            r#"{{"v":1,"site":"demo","visitor":"00000000-0000-4000-8000-00000000000a","incarnation":"00000000-0000-4000-8000-00000000000b","records":[{},{}]}}"#,
            record(1),
            record(2)
        );
        let erasure = r#"{"v":1,"site":"demo","visitor":"00000000-0000-4000-8000-00000000000a","incarnations":["00000000-0000-4000-8000-00000000000b"],"at_ms":9}"#;
        [batch.as_str(), erasure].iter().map(|text| Message::parse(text).unwrap()).collect()
    }

    #[test]
    fn each_record_is_a_line_with_its_id_and_an_erasure_names_the_lives() {
        let entries = entries(&messages());
        assert_eq!(
            entries,
            [
                r#"{"v":1,"id":"0000000000004000800000000000000b-1","site":"demo","visitor":"00000000-0000-4000-8000-00000000000a","incarnation":"00000000-0000-4000-8000-00000000000b","seq":1,"at_ms":5,"kind":"event","name":"search","session":1,"data":{"q":"é"}}"#,
                r#"{"v":1,"id":"0000000000004000800000000000000b-2","site":"demo","visitor":"00000000-0000-4000-8000-00000000000a","incarnation":"00000000-0000-4000-8000-00000000000b","seq":2,"at_ms":5,"kind":"event","name":"search","session":1,"data":{"q":"é"}}"#,
                r#"{"v":1,"id":"erased-0000000000004000800000000000000a-9","site":"demo","visitor":"00000000-0000-4000-8000-00000000000a","incarnations":["00000000-0000-4000-8000-00000000000b"],"at_ms":9,"kind":"visitor_erased"}"#,
            ]
        );
    }

    #[test]
    fn a_body_is_lines_or_one_object_and_may_be_packed() {
        let entries = entries(&messages());
        let lines = body("demo", &entries, Format::Ndjson, true);
        let mut text = String::new();
        flate2::read::GzDecoder::new(lines.bytes.as_slice()).read_to_string(&mut text).unwrap();
        assert_eq!(text.lines().count(), 3);
        assert_eq!(lines.idempotency_key, seal::content_address(text.as_bytes()));
        let whole = body("demo", &entries, Format::Json, false);
        let json: serde_json::Value = serde_json::from_slice(&whole.bytes).unwrap();
        assert_eq!((json["site"].as_str(), json["records"].as_array().unwrap().len()), (Some("demo"), 3));
        assert_eq!((lines.content_type, whole.content_type), ("application/x-ndjson", "application/json"));
    }

    #[test]
    fn the_same_records_have_the_same_key_and_others_have_another() {
        let entries = entries(&messages());
        let key = |some: &[String]| body("demo", some, Format::Ndjson, true).idempotency_key;
        assert_eq!(key(&entries), key(&entries));
        assert_ne!(key(&entries), key(&entries[..2]));
    }

    /// The receiver's own arithmetic: `openssl dgst -sha256 -hmac secret` over `1795261953.hello`.
    #[test]
    fn a_signature_is_pinned() {
        let header = signature("secret", 1_795_261_953, b"hello");
        assert_eq!(header, "t=1795261953,v1=4231663f48215c2f792ccbfda7cfc2058462d3449fa17f433115affcfe3d4c05");
    }
}
