//! Cross-origin requests (the Fetch standard's CORS protocol): strictly the origins that a site lists, with credentials.

use crate::access::origin;
use crate::shell::call::Call;
use crate::shell::deployment::Deployment;
use worker::{Response, ResponseBuilder, Result};

/// How long a browser may keep a preflight's answer, in seconds; browsers cap it at two hours.
const PREFLIGHT_AGE_S: &str = "7200";

/// Whether the answer may be read by the page that asked. Before it is known which site is meant, any site that lists
/// the origin will do: what a problem says is no secret.
fn readable(call: &Call, deployment: &Deployment) -> bool {
    let Some(from) = &call.origin else { return false };
    let allowed = |site: &crate::access::site::Site| origin::allowed(from, call.own, &site.origins);
    match call.site.get() {
        Some(site) => deployment.sites.get(site).is_some_and(allowed),
        None => deployment.sites.values().any(allowed),
    }
}

/// The answer to a preflight.
pub(super) fn preflight(call: &Call) -> Result<Response> {
    let mut builder = ResponseBuilder::new().with_status(204).with_header("vary", "origin")?;
    if call.origin.as_deref().is_some_and(|_| readable(call, call.deployment)) {
        builder = builder
            .with_header("access-control-allow-methods", "GET, POST")?
            .with_header("access-control-allow-headers", "authorization, content-type, content-encoding")?
            .with_header("access-control-max-age", PREFLIGHT_AGE_S)?;
    }
    Ok(builder.empty())
}

/// Adds to an answer what lets the page read it.
pub(super) fn apply(response: Response, call: &Call) -> Result<Response> {
    let Some(from) = &call.origin else { return Ok(response) };
    // Headers of an answer that was forwarded cannot be changed: these are a copy.
    let headers = response.headers().clone();
    headers.append("vary", "origin")?;
    if readable(call, call.deployment) {
        headers.set("access-control-allow-origin", from)?;
        headers.set("access-control-allow-credentials", "true")?;
        headers.set(
            "access-control-expose-headers",
            "retry-after, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset",
        )?;
    }
    Ok(response.with_headers(headers))
}
