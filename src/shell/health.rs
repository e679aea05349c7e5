//! Health: whether this Worker runs, and whether it is configured and reaches what it needs.

use crate::shell::reply::{Problem, json};
use crate::shell::{config, deployment};
use serde_json::json as object;
use worker::{Env, Response, Result};

/// Answers `/health`, `/health/live` and `/health/ready`.
pub(super) async fn answer(rest: &str, env: &Env) -> Result<Response> {
    match rest {
        "/live" => json(200, &object!({ "status": "ok" })),
        "" | "/ready" => ready(env).await,
        _ => Problem::new(404, "not_found", "There is nothing at this path.").respond(),
    }
}

/// Ready when the configuration is good and every site's rulebook answers. The database is not on the visitors' way:
/// records wait in the queue while it is down, so it is reported and no more.
async fn ready(env: &Env) -> Result<Response> {
    let parsed = deployment::parsed(env);
    let (mut faults, sites) = match parsed.as_ref() {
        Ok(deployment) => (Vec::new(), deployment.sites.keys().cloned().collect()),
        Err(faults) => (faults.clone(), Vec::new()),
    };
    for site in sites {
        if let Err(error) = config::ask_version(env, &site).await {
            faults.push(format!("the rulebook of `{site}` does not answer: {error}"));
        }
    }
    let database = async { env.d1("DB")?.prepare("SELECT 1").run().await };
    let database = if database.await.is_ok() { "ok" } else { "unreachable" };
    let status = if faults.is_empty() { "ok" } else { "failing" };
    let code = if faults.is_empty() { 200 } else { 503 };
    json(code, &object!({ "status": status, "faults": faults, "database": database }))
}
