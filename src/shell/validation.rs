//! `POST /validate`: compiles the documents that a body brings, all together. Nothing is stored, and no object is asked.

use crate::engine::fault::RuleFault;
use crate::rulebook::Kind;
use crate::rulebook::check::{Documents, Found};
use crate::shell::call::Call;
use crate::shell::incoming;
use crate::shell::reply::{Pointed, Problem, json};
use footfall_protocol::Value;
use footfall_protocol::limits::{DOCUMENT_BYTES_MAX, RULEBOOK_BODY_BYTES_MAX};
use serde_json::json as object;
use worker::Response;

/// Answers with every fault and warning of every document.
pub(super) async fn answer(call: &Call<'_>) -> Result<Response, Problem> {
    let body = incoming::body_within(call, RULEBOOK_BODY_BYTES_MAX).await?;
    let value: Value = serde_json::from_slice(&body).map_err(|error| Problem::not_json(&error))?;
    let (documents, too_large) = documents(value).map_err(Problem::unfit)?;
    let mut checked = documents.check();
    checked.faults.extend(too_large);
    let warnings = [documents.warnings(), checked.warnings].concat();
    Ok(json(200, &object!({ "valid": checked.faults.is_empty(), "faults": checked.faults, "warnings": warnings }))?)
}

/// The documents of the body with those that are too long to be stored, or what is wrong with the body as a whole.
fn documents(body: Value) -> Result<(Documents, Vec<Found>), Vec<Pointed>> {
    let fault = |code: &str, pointer: String, message: &str| Pointed {
        code: code.to_owned(),
        pointer,
        message: message.to_owned(),
        document: None,
    };
    let shape = r#"wants {"rules": […], "segments": […], "stages": […]}"#;
    let Value::Object(members) = body else { return Err(vec![fault("invalid", String::new(), shape)]) };
    let (mut documents, mut faults) = (Documents::listed(), Vec::new());
    let mut too_large = Vec::new();
    for (name, list) in members {
        match (Kind::parse(&name), list) {
            (Some(kind), Value::Array(list)) => {
                for (index, document) in list.into_iter().enumerate() {
                    let id = document.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
                    if serde_json::to_string(&document).is_ok_and(|text| text.len() > DOCUMENT_BYTES_MAX) {
                        let message = format!("a document has at most {DOCUMENT_BYTES_MAX} bytes");
                        let fault = RuleFault::at("", "too_large", message);
                        too_large.push(Found { kind, id: id.clone(), index: Some(index), fault });
                    }
                    documents.push(kind, id, document);
                }
            }
            (Some(_), _) => faults.push(fault("invalid", format!("/{name}"), "wants a list of documents")),
            (None, _) => {
                let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
                faults.push(fault("unknown_member", pointer, "there are: rules, segments, stages"));
            }
        }
    }
    if faults.is_empty() { Ok((documents, too_large)) } else { Err(faults) }
}
