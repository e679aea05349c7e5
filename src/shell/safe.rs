//! Puts the headers that keep answers safe on every answer, whoever made it.

use crate::access::headers::{Answer as Kind, safe};
use crate::access::origin::origin_of;
use crate::shell::reply::Answer;
use worker::Result;

/// Sets an answer's headers. An upgrade's answer carries a socket and is no document: it stays as it is.
pub(super) fn apply(answer: &mut Answer, url: &str) -> Result<()> {
    if answer.upgrades() {
        return Ok(());
    }
    // Files say how long they may be kept by themselves, and carry no `Vary` for origins.
    let kind = match answer.header(FILE)? {
        Some(_) if answer.header("content-type")?.is_some_and(|kind| kind.starts_with("text/html")) => Kind::Page,
        Some(_) => Kind::File,
        None => Kind::Data,
    };
    answer.remove(FILE)?;
    for (name, value) in safe(kind, origin_of(url).unwrap_or_default()) {
        answer.set(name, &value)?;
    }
    if kind == Kind::Data && answer.header("cache-control")?.is_none() {
        answer.set("cache-control", "no-store")?;
    }
    Ok(())
}

/// Marks an answer as a file's, on its way through the router.
pub(super) const FILE: &str = "footfall-file";
