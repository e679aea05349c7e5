//! Static files: the demo store, the console and the client library.

use crate::shell::reply::Problem;
use crate::shell::safe::FILE;
use worker::{Env, Request, Response};

/// Answers with a file.
pub(super) async fn answer(request: Request, env: &Env) -> Result<Response, Problem> {
    let files = env.assets("ASSETS")?;
    let response: Response = files.fetch_request(request).await?;
    // Headers of an answer that was forwarded cannot be changed: these are a copy.
    let headers = response.headers().clone();
    headers.set(FILE, "yes")?;
    Ok(response.with_headers(headers))
}
