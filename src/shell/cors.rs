//! Cross-origin requests (the Fetch standard's CORS protocol): strictly the origins that a site lists, with credentials.

use crate::access::origin;
use crate::shell::call::Call;
use crate::shell::deployment::Deployment;
use crate::shell::reply::{Answer, Made};
use worker::Result;

/// How long a browser may keep a preflight's answer, in seconds; browsers cap it at two hours.
const PREFLIGHT_AGE_S: &str = "7200";

/// What scripts may read of an answer besides what they always may, where it is there.
const EXPOSED: &str = "retry-after, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset";

/// Whether the answer may be read by the page that asked. Before it is known which site is meant, any site that lists
/// the origin will do: what a problem says is no secret.
fn readable(call: &Call, deployment: &Deployment) -> bool {
    let Some(from) = call.origin() else { return false };
    let allowed = |site: &crate::access::site::Site| origin::allowed(from, call.own, &site.origins);
    match call.site.get() {
        Some(site) => deployment.sites.get(site).is_some_and(allowed),
        None => deployment.sites.values().any(allowed),
    }
}

/// The answer to a preflight.
pub(super) fn preflight(call: &Call) -> Made {
    let made = Made::empty(204).with("vary", "origin");
    if !readable(call, call.deployment) {
        return made;
    }
    made.with("access-control-allow-methods", "GET, POST")
        .with("access-control-allow-headers", "authorization, content-type, content-encoding")
        .with("access-control-max-age", PREFLIGHT_AGE_S)
}

/// Adds to an answer what lets the page read it.
pub(super) fn apply(answer: &mut Answer, call: &Call) -> Result<()> {
    let Some(from) = call.origin() else { return Ok(()) };
    answer.add("vary", "origin")?;
    if readable(call, call.deployment) {
        answer.set("access-control-allow-origin", from)?;
        answer.set("access-control-allow-credentials", "true")?;
        if answer.header("x-ratelimit-limit")?.is_some() || answer.header("retry-after")?.is_some() {
            answer.set("access-control-expose-headers", EXPOSED)?;
        }
    }
    Ok(())
}
