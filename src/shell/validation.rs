//! `POST /validate`: compiles the documents that a body brings, all together. Nothing is stored, and no object is asked.

use crate::engine::fault::RuleFault;
use crate::rulebook::check::Documents;
use crate::rulebook::lists::lists;
use crate::shell::call::Call;
use crate::shell::incoming;
use crate::shell::reply::{Problem, json};
use footfall_protocol::limits::{DOCUMENT_BYTES_MAX, RULEBOOK_BODY_BYTES_MAX};
use serde_json::json as object;
use worker::Response;

/// Answers with every fault and warning of every document.
pub(super) async fn answer(call: &Call<'_>) -> Result<Response, Problem> {
    let body = incoming::body_within(call, RULEBOOK_BODY_BYTES_MAX).await?;
    let mut documents = Documents::listed();
    for (kind, list) in lists(&body)? {
        for document in list {
            let id = document.id.unwrap_or_default();
            if document.text.len() <= DOCUMENT_BYTES_MAX {
                documents.push(kind, id, document.text);
            } else {
                let message = format!("a document has at most {DOCUMENT_BYTES_MAX} bytes");
                documents.refuse(kind, id, RuleFault::at("", "too_large", message));
            }
        }
    }
    let checked = documents.check();
    let warnings = [documents.warnings(), checked.warnings].concat();
    Ok(json(200, &object!({ "valid": checked.faults.is_empty(), "faults": checked.faults, "warnings": warnings }))?)
}
