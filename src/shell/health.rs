//! Health: whether this Worker runs, and whether it is configured and reaches what it needs.

use crate::shell::reply::{Problem, json};
use crate::shell::{clock, config, deployment};
use footfall_protocol::Millis;
use futures_util::future::{Either, join, join_all, select};
use serde_json::json as object;
use std::cell::RefCell;
use std::pin::pin;
use std::time::Duration;
use worker::{Delay, Env, Error, Response, Result, console_error};

/// Nobody looks again for so long. Anybody may ask, as often as they like, and looking wakes every rulebook.
const LOOK_EVERY_MS: u64 = 2_000;
/// What was found is not told any more when it is as old as this: those who went to look since may have gone away.
const TOLD_FOR_MS: u64 = 10_000;
/// How long a rulebook or the database may take to answer.
const PATIENCE_MS: u64 = 5_000;

/// What was found last.
#[derive(Clone)]
struct Readiness {
    faults: Vec<String>,
    database: &'static str,
}

/// When somebody last went to look, and what was found last, with its time.
struct Known {
    asked_ms: Millis,
    found: Option<(Millis, Readiness)>,
}

thread_local! {
    static KNOWN: RefCell<Known> = const { RefCell::new(Known { asked_ms: 0, found: None }) };
}

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
    let now_ms = clock::now();
    // While one looks, the others are told what was found before.
    let known = KNOWN.with_borrow_mut(|known| {
        let found = known.found.clone().filter(|(found_ms, _)| now_ms < found_ms + TOLD_FOR_MS);
        if (known.asked_ms..known.asked_ms + LOOK_EVERY_MS).contains(&now_ms) {
            return found;
        }
        known.asked_ms = now_ms;
        None
    });
    let Readiness { faults, database } = match known {
        Some((_, readiness)) => readiness,
        None => {
            let readiness = look(env).await;
            KNOWN.with_borrow_mut(|known| known.found = Some((clock::now(), readiness.clone())));
            readiness
        }
    };
    let status = if faults.is_empty() { "ok" } else { "failing" };
    let code = if faults.is_empty() { 200 } else { 503 };
    json(code, &object!({ "status": status, "faults": faults, "database": database }))
}

/// Asks whatever has to answer. Why something does not is for the log only.
async fn look(env: &Env) -> Readiness {
    let parsed = deployment::parsed(env);
    let (mut faults, sites) = match parsed.as_ref() {
        Ok(deployment) => (Vec::new(), deployment.sites.keys().collect()),
        Err(faults) => (faults.clone(), Vec::new()),
    };
    let rulebooks = join_all(sites.iter().map(|site| in_time(config::ask_version(env, site))));
    let database = in_time(async { env.d1("DB")?.prepare("SELECT 1").run().await });
    let (rulebooks, database) = join(rulebooks, database).await;
    for (site, answer) in sites.iter().zip(rulebooks) {
        if let Err(error) = answer {
            console_error!("fault: the rulebook of `{site}` does not answer: {error}");
            faults.push(format!("the rulebook of `{site}` does not answer"));
        }
    }
    if let Err(error) = &database {
        console_error!("fault: the database does not answer: {error}");
    }
    Readiness { faults, database: if database.is_ok() { "ok" } else { "unreachable" } }
}

async fn in_time<T>(asking: impl Future<Output = Result<T>>) -> Result<T> {
    match select(pin!(asking), Delay::from(Duration::from_millis(PATIENCE_MS))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(Error::RustError(format!("no answer within {PATIENCE_MS} ms"))),
    }
}
