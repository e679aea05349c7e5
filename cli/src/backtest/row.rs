//! One row of the table of records, as the database or a file gives it.

use footfall_protocol::ids::SiteId;
use footfall_protocol::record::RecordKind;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use uuid::Uuid;

/// A record, with its data still as text.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) site: Cow<'a, str>,
    pub(super) visitor: Uuid,
    pub(super) incarnation: Uuid,
    pub(super) seq: u64,
    pub(super) at_ms: u64,
    pub(super) kind: RecordKind,
    pub(super) name: Cow<'a, str>,
    /// JSON text of an object.
    pub(super) data: Cow<'a, str>,
}

/// The members as they are written. Others are not looked at.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    site: Cow<'a, str>,
    visitor: Uuid,
    incarnation: Uuid,
    seq: Option<u64>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    at_ms: u64,
    kind: RecordKind,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl<'a> Row<'a> {
    /// Reads a row from JSON text.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub(super) fn parse(text: &'a str) -> Result<Self, String> {
        let written: Written<'a> = serde_json::from_str(text).map_err(|error| format!("is no record: {error}"))?;
        if SiteId::parse(&written.site).is_none() {
            return Err("is no record: `site` is no site id".to_owned());
        }
        // An id is the incarnation and the number.
        let of_id = || written.id.as_ref()?.rsplit_once('-')?.1.parse().ok();
        let seq = written.seq.or_else(of_id).filter(|seq| *seq > 0);
        let seq = seq.ok_or("is no record: it has neither `seq` nor an `id` that ends with it")?;
        // A column of JSON comes as text.
        let data: Cow<'a, str> = match written.data.get() {
            text if text.starts_with('{') => text.into(),
            text => {
                serde_json::from_str(text).map_err(|_| "is no record: `data` is neither an object nor its JSON text")?
            }
        };
        let Written { site, visitor, incarnation, at_ms, kind, name, .. } = written;
        Ok(Self { site, visitor, incarnation, seq, at_ms, kind, name, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INCARNATION: &str = "00000000-0000-4000-8000-00000000000a";

    fn row(members: &str) -> String {
        format!(
            r#"{{"site":"demo","visitor":"{INCARNATION}","incarnation":"{INCARNATION}","at_ms":5,"kind":"event","name":"search","session":1,{members}}}"#
        )
    }

    #[test]
    fn a_row_has_its_number_in_seq_or_in_its_id_and_its_data_as_object_or_text() {
        for members in [
            r#""seq":7,"data":{"a":1}"#,
            r#""id":"0000000000004000800000000000000a-7","data":{"a":1}"#,
            r#""id":"0000000000004000800000000000000a-7","data":"{\"a\":1}""#,
        ] {
            let text = row(members);
            let row = Row::parse(&text).unwrap();
            assert_eq!((row.seq, &*row.data, &*row.name, row.kind), (7, r#"{"a":1}"#, "search", RecordKind::Event));
        }
    }

    #[test]
    fn what_is_no_row_says_why() {
        for (text, says) in [
            ("", "EOF"),
            ("{}", "missing field"),
            ("[]", "is no record"),
            (&row(r#""data":{}"#), "neither `seq` nor"),
            (&row(r#""seq":0,"data":{}"#), "neither `seq` nor"),
            (&row(r#""id":"x","data":{}"#), "neither `seq` nor"),
            (&row(r#""seq":1"#), "missing field `data`"),
            (&row(r#""seq":1,"data":5"#), "`data` is neither"),
            (&row(r#""seq":1,"data":{}"#).replace("event", "evnt"), "unknown variant `evnt`"),
            (&row(r#""seq":1,"data":{}"#).replace("demo", "De mo"), "no site id"),
            (&row(r#""seq":1,"data":{}"#).replace(INCARNATION, "5"), "UUID"),
        ] {
            let why = Row::parse(text).unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
    }
}
