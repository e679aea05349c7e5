//! A body with whole lists of documents, taken apart document by document: as values a whole body would need many times the
//! memory that it is long.

use super::Kind;
use crate::engine::fault::RuleFault;
use footfall_protocol::Value;
use footfall_protocol::limits::{DOCUMENT_FAULTS_MAX, DOCUMENT_TEXT_BYTES_MAX};
use footfall_protocol::rejection::{push_index, push_pointer};
use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// A document of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Listed {
    /// The id that it says.
    pub id: Option<String>,
    /// Its JSON text without spaces; as it was sent when it is longer than [`DOCUMENT_TEXT_BYTES_MAX`].
    pub text: String,
}

/// Why there are no lists in a body.
#[derive(Debug)]
pub enum Unread {
    /// It is not JSON.
    NotJson(serde_json::Error),
    /// It is, of another shape.
    Faults(Vec<RuleFault>),
}

/// The lists of a body such as `{"rules": […], "segments": […], "stages": […]}`, none longer than a site may have.
///
/// # Errors
/// Every fault of its shape, and every document that cannot be read.
pub fn lists(body: &[u8]) -> Result<BTreeMap<Kind, Vec<Listed>>, Unread> {
    let body: &RawValue = serde_json::from_slice(body).map_err(Unread::NotJson)?;
    if !body.get().starts_with('{') {
        let shape = r#"wants {"rules": […], "segments": […], "stages": […]}"#;
        return Err(Unread::Faults(vec![RuleFault::at("", "invalid", shape)]));
    }
    let members = serde_json::Deserializer::from_str(body.get()).deserialize_map(Members::default());
    let Members { lists, mut faults } = members.map_err(Unread::NotJson)?;
    let mut read = BTreeMap::new();
    for (kind, list) in lists {
        let name = kind.as_str();
        if !list.get().starts_with('[') {
            faults.push(RuleFault::at(&format!("/{name}"), "invalid", "wants a list of documents"));
            continue;
        }
        let list: Vec<&RawValue> = serde_json::from_str(list.get()).map_err(Unread::NotJson)?;
        if list.len() > kind.count_max() {
            let message = format!("a site has at most {} {name}", kind.count_max());
            faults.push(RuleFault::at(&format!("/{name}"), "too_many", message));
            continue;
        }
        let mut documents = Vec::with_capacity(list.len());
        for (index, document) in list.into_iter().enumerate() {
            match listed(document.get()) {
                Ok(document) => documents.push(document),
                Err(error) => {
                    let mut pointer = format!("/{name}");
                    push_index(&mut pointer, index);
                    faults.push(RuleFault::at(&pointer, "invalid", error.to_string()));
                }
            }
        }
        read.insert(kind, documents);
    }
    if faults.is_empty() { Ok(read) } else { Err(Unread::Faults(faults)) }
}

fn listed(text: &str) -> serde_json::Result<Listed> {
    if text.len() > DOCUMENT_TEXT_BYTES_MAX {
        return Ok(Listed { id: None, text: text.to_owned() });
    }
    let document: Value = serde_json::from_str(text)?;
    let id = document.get("id").and_then(Value::as_str).map(str::to_owned);
    Ok(Listed { id, text: serde_json::to_string(&document)? })
}

/// The members of a body: their texts by kind, and what is wrong with the others.
#[derive(Default)]
struct Members<'a> {
    lists: BTreeMap<Kind, &'a RawValue>,
    faults: Vec<RuleFault>,
}

impl<'de> Visitor<'de> for Members<'de> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some((name, list)) = map.next_entry::<String, &RawValue>()? {
            let Some(kind) = Kind::parse(&name) else {
                if self.faults.len() < DOCUMENT_FAULTS_MAX {
                    let mut pointer = String::new();
                    push_pointer(&mut pointer, &name);
                    self.faults.push(RuleFault::at(&pointer, "unknown_member", "there are: rules, segments, stages"));
                }
                continue;
            };
            if self.lists.insert(kind, list).is_some() {
                return Err(A::Error::custom(format!("the key \"{name}\" stands twice in one object")));
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use footfall_protocol::limits::RULES_MAX;

    fn faults(body: &str) -> Vec<(String, String)> {
        match lists(body.as_bytes()) {
            Err(Unread::Faults(faults)) => {
                faults.into_iter().map(|fault| (fault.code.into_owned(), fault.pointer)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    fn told(code: &str, pointer: &str) -> (String, String) {
        (code.to_owned(), pointer.to_owned())
    }

    #[test]
    fn documents_come_with_their_ids_and_without_spaces() {
        let read =
            lists(br#" {"stages": [], "rules": [ {"id": "a", "x": [ 1, "\u00e9 " ]}, {"id": 1}, 0 ]} "#).unwrap();
        let listed = |id: Option<&str>, text: &str| Listed { id: id.map(str::to_owned), text: text.to_owned() };
        let rules =
            vec![listed(Some("a"), r#"{"id":"a","x":[1,"é "]}"#), listed(None, r#"{"id":1}"#), listed(None, "0")];
        assert_eq!(read, BTreeMap::from([(Kind::Rules, rules), (Kind::Stages, Vec::new())]));
    }

    #[test]
    fn more_documents_than_a_site_may_have_are_refused_unread() {
        let body = |count: usize, kind: &str| format!("{{\"{kind}\": [{}0]}}", "0,".repeat(count - 1));
        assert_eq!(lists(body(RULES_MAX, "rules").as_bytes()).unwrap()[&Kind::Rules].len(), RULES_MAX);
        assert_eq!(faults(&body(RULES_MAX + 1, "rules")), [told("too_many", "/rules")]);
        assert_eq!(faults(&body(21, "stages")), [told("too_many", "/stages")]);
    }

    #[test]
    fn a_document_far_too_long_is_not_looked_into() {
        let long = format!(r#"{{"id":"a","x":[{}0]}}"#, "0,".repeat(DOCUMENT_TEXT_BYTES_MAX));
        let read = lists(format!(r#"{{"rules": [{long}]}}"#).as_bytes()).unwrap();
        assert_eq!(read[&Kind::Rules], [Listed { id: None, text: long }]);
    }

    #[test]
    fn another_shape_is_refused_with_every_fault() {
        assert_eq!(faults("[]"), [told("invalid", "")]);
        let body = r#"{"rule": 0, "a/b": [], "rules": {}, "stages": [{}, {"a": 1, "a": 2}]}"#;
        let all = [
            told("unknown_member", "/rule"),
            told("unknown_member", "/a~1b"),
            told("invalid", "/rules"),
            told("invalid", "/stages/1"),
        ];
        assert_eq!(faults(body), all);
        let many: String = (0..1_000).map(|at| format!("\"{at}\":0,")).collect();
        assert_eq!(faults(&format!("{{{many}\"rules\":[]}}")).len(), DOCUMENT_FAULTS_MAX);
        for body in ["", "{", "{} {}", r#"{"rules": [], "rules": []}"#, "{\"rules\": [\"\u{1}\"]}"] {
            assert!(matches!(lists(body.as_bytes()), Err(Unread::NotJson(_))), "{body}");
        }
    }
}
