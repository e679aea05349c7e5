//! Everything that is kept of a visitor as one JSON document (GDPR, articles 15 and 20), sent piece by piece as it is read.
//!
//! The form is told in docs/privacy.md. A document that breaks off is no JSON: what is cut short is never taken for whole.

use crate::log::{Order, Row, Wanted};
use crate::shell::call::Call;
use crate::shell::clock;
use crate::shell::deliver::Whose;
use crate::shell::log::Log;
use crate::shell::reply::Problem;
use futures_util::stream;
use serde_json::{Value as Json, json as object};
use worker::{Error, Response, Result, console_error};

/// Version of the document's form.
const VERSION: u32 = 1;
/// Records read at once.
const AT_ONCE: usize = 500;

/// Answers with the document. `issued_s` is when the token that was shown was signed, in Unix seconds.
pub(super) async fn export(
    whose: &Whose,
    issued_s: Option<u64>,
    call: &Call<'_>,
) -> std::result::Result<Response, Problem> {
    let log = match Log::open(call.env, whose).await? {
        Ok(log) => log.with_gaps(),
        Err(reply) => return Ok(reply),
    };
    let Whose { site, visitor, .. } = whose;
    let mut reply = whose.reach(call.env)?.fetch_with_str("https://visitor/inspection").await?;
    if reply.status_code() != 200 {
        return Ok(reply);
    }
    let mut state: Json = reply.json().await?;
    if let Some(members) = state.as_object_mut() {
        // Of the object's instance, not of the visitor.
        members.remove("runtime");
    }
    let head = object!({
        "format": "footfall.export",
        "version": VERSION,
        "site": site,
        "visitor": visitor,
        "exported_at_ms": clock::now(),
        "token_issued_at_ms": issued_s.map(|seconds| seconds * 1_000),
        "state": state,
        "under_way": log.under_way,
    });
    let mut head = serde_json::to_string(&head)?;
    // The records follow as the last member.
    head.pop();
    head.push_str(",\"records\":[");
    let pieces = Pieces { log, next: Next::Head(head), first: true };
    let response = Response::from_stream(stream::unfold(pieces, Pieces::step))?;
    let headers = response.headers();
    headers.set("content-type", "application/json")?;
    headers.set("cache-control", "no-store")?;
    headers.set("content-disposition", &format!("attachment; filename=\"footfall-{site}-{visitor}.json\""))?;
    Ok(response)
}

/// The document as far as it has not been sent.
struct Pieces {
    log: Log,
    next: Next,
    /// No record was sent yet.
    first: bool,
}

enum Next {
    Head(String),
    Page(Wanted),
    End,
    Nothing,
}

impl Pieces {
    async fn step(mut self) -> Option<(Result<Vec<u8>>, Self)> {
        let piece = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Head(head) => {
                self.next = Next::Page(Wanted::all(Order::Oldest, AT_ONCE));
                Ok(head)
            }
            Next::Page(wanted) => self.page(wanted).await,
            Next::End => Ok("]}\n".to_owned()),
            Next::Nothing => return None,
        };
        Some((piece.map(String::into_bytes), self))
    }

    async fn page(&mut self, wanted: Wanted) -> Result<String> {
        let page = self.log.page(&wanted).await.map_err(|problem| {
            console_error!("fault in an export: {problem:?}");
            Error::RustError("the log cannot be read at the moment".into())
        })?;
        self.next = page.next.map_or(Next::End, |after| Next::Page(Wanted { after, ..wanted }));
        let mut text = String::new();
        for row in page.rows {
            if !std::mem::take(&mut self.first) {
                text.push(',');
            }
            text.push_str(&serde_json::to_string::<Row>(&row)?);
        }
        Ok(text)
    }
}
