//! Puts the headers that keep answers safe on every answer, whoever made it.

use crate::access::headers::{Answer, safe};
use crate::access::origin::origin_of;
use worker::{Response, Result};

/// The answer with its headers. An upgrade's answer carries a socket and is no document: it stays as it is.
pub(super) fn apply(response: Response, url: &str) -> Result<Response> {
    if response.status_code() == 101 {
        return Ok(response);
    }
    // Headers of an answer that was forwarded cannot be changed: these are a copy.
    let headers = response.headers().clone();
    let kind = headers.get("content-type")?.unwrap_or_default();
    // Files say how long they may be kept by themselves, and carry no `Vary` for origins.
    let answer = match headers.get(FILE)? {
        Some(_) if kind.starts_with("text/html") => Answer::Page,
        Some(_) => Answer::File,
        None => Answer::Data,
    };
    headers.delete(FILE)?;
    for (name, value) in safe(answer, origin_of(url).unwrap_or_default()) {
        headers.set(name, &value)?;
    }
    if answer == Answer::Data && headers.get("cache-control")?.is_none() {
        headers.set("cache-control", "no-store")?;
    }
    Ok(response.with_headers(headers))
}

/// Marks an answer as a file's, on its way through the router.
pub(super) const FILE: &str = "footfall-file";
