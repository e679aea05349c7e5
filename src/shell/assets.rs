//! Static files: the demo store, the console and the client library, with the headers that keep pages safe.

use crate::access::origin::origin_of;
use crate::shell::reply::Problem;
use worker::{Env, Request, Response};

/// Answers with a file.
pub(super) async fn answer(request: Request, env: &Env) -> Result<Response, Problem> {
    let url = request.inner().url();
    let files = env.assets("ASSETS")?;
    let response: Response = files.fetch_request(request).await?;
    // Headers of an answer that was forwarded cannot be changed: these are a copy.
    let headers = response.headers().clone();
    headers.set("x-content-type-options", "nosniff")?;
    headers.set("referrer-policy", "strict-origin-when-cross-origin")?;
    if headers.get("content-type")?.is_some_and(|kind| kind.starts_with("text/html")) {
        headers.set("content-security-policy", &policy(&url))?;
        headers.set("permissions-policy", "geolocation=(), camera=(), microphone=()")?;
    }
    Ok(response.with_headers(headers))
}

/// What a page of ours may load (Content Security Policy, level 3). Styles may stand in the page, since widgets bring
/// their own; scripts may not. Some browsers do not count sockets as `'self'`, so ours is named.
fn policy(url: &str) -> String {
    let host = origin_of(url).and_then(|own| own.split_once("://")).map(|(_, host)| host).unwrap_or_default();
    format!(
        "default-src 'self'; connect-src 'self' ws://{host} wss://{host}; img-src 'self' data: https:; \
         style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'self'"
    )
}
