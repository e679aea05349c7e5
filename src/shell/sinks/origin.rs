//! The store's own HTTPS origin as a sink: batches of records, signed, with a bound on everything that comes back.

use crate::shell::clock;
use crate::shell::deployment::Deployment;
use crate::shell::incoming::header;
use crate::shell::sinks::d1;
use crate::sinks::chunks::chunks;
use crate::sinks::lines::{Body, body, entries, signature};
use crate::sinks::message::Message;
use crate::sinks::settings::Origin;
use crate::sinks::verdict::Outcome;
use footfall_protocol::ids::SiteId;
use footfall_protocol::limits::{ORIGIN_BODY_BYTES_MAX, SINK_ANSWER_BYTES_MAX};
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use futures_util::stream;
use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;
use worker::js_sys::Uint8Array;
use worker::{
    AbortController, AbortSignal, Delay, Env, Error, Fetch, Method, Request, RequestInit, RequestRedirect, Response,
    Result, console_warn,
};

/// Origins that are spoken to at once: of the six connections that the platform gives a Worker one stays free, for who was
/// erased.
const ORIGINS_AT_ONCE: usize = 5;
/// How long the database's answer to that is waited for, in milliseconds.
const ERASED_MS: u64 = 2_000;
/// Messages in a row that an origin fails over, each by itself, until it is taken to fail over all of them.
const FAILURES_MAX: u32 = 3;

/// Delivers messages, those of each site to its own origin, several sites at once; the outcomes are in the messages' order.
pub(in crate::shell) async fn deliver(env: &Env, deployment: &Deployment, messages: &[&Message]) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = messages.iter().map(|_| Outcome::Done).collect();
    // A database that does not answer holds up no origin: whom we told that a visitor was erased drops such records too.
    let erased = match select(pin!(d1::erased(env, messages)), Delay::from(Duration::from_millis(ERASED_MS))).await {
        Either::Left((erased, _)) => erased,
        Either::Right(_) => Err(Error::RustError(format!("no answer within {ERASED_MS} ms"))),
    };
    let erased = erased.unwrap_or_else(|error| {
        console_warn!("who was erased cannot be asked, and records go out all the same: {error}");
        vec![false; messages.len()]
    });
    let mut by_site: BTreeMap<&str, Vec<(usize, &Message)>> = BTreeMap::new();
    for (at, message) in messages.iter().enumerate().filter(|(at, _)| !erased[*at]) {
        by_site.entry(message.site()).or_default().push((at, message));
    }
    let deliveries = by_site.iter().map(|(site, messages)| deliver_to_site(deployment, site, messages));
    let told: Vec<_> = stream::iter(deliveries).buffer_unordered(ORIGINS_AT_ONCE).collect().await;
    for (at, outcome) in told.into_iter().flatten() {
        outcomes[at] = outcome;
    }
    outcomes
}

/// Where a site's records go.
struct Destination<'a> {
    site: &'a str,
    origin: &'a Origin,
    secret: &'a str,
}

async fn deliver_to_site(deployment: &Deployment, site: &str, messages: &[(usize, &Message)]) -> Vec<(usize, Outcome)> {
    let all = |outcome: Outcome| messages.iter().map(|(at, _)| (*at, outcome.clone())).collect();
    let known = SiteId::parse(site).and_then(|id| deployment.sites.get(&id).zip(Some(id)));
    let Some(origin) = known.as_ref().and_then(|(settings, _)| settings.sinks.origin.as_ref()) else {
        return all(Outcome::refused("the site has no origin any more"));
    };
    let Some(secret) = known.as_ref().and_then(|(_, id)| deployment.origin_secrets.get(id)) else {
        return all(Outcome::unavailable("ORIGIN_SECRETS has no secret for the site"));
    };
    let to = Destination { site, origin, secret };
    let mut outcomes = Vec::with_capacity(messages.len());
    let size = |(_, message): &(usize, &Message)| entries([*message]).iter().map(String::len).sum();
    for part in chunks(messages, usize::MAX, ORIGIN_BODY_BYTES_MAX, size) {
        let outcome = post(&to, part).await;
        let is_down = |outcome: &Outcome| matches!(outcome, Outcome::Unavailable { .. });
        let failed = |outcome: &Outcome| matches!(outcome, Outcome::Unavailable { failed: true, .. });
        let mut down = is_down(&outcome);
        if (failed(&outcome) || matches!(outcome, Outcome::Refused { .. })) && part.len() > 1 {
            // One of them: each by itself tells which.
            let mut in_a_row = 0;
            for one in part.chunks(1) {
                let outcome = post(&to, one).await;
                in_a_row = if failed(&outcome) { in_a_row + 1 } else { 0 };
                down = in_a_row == FAILURES_MAX || is_down(&outcome) && !failed(&outcome);
                outcomes.push((one[0].0, outcome));
                if down {
                    break;
                }
            }
        } else {
            outcomes.extend(part.iter().map(|(at, _)| (*at, outcome.clone())));
        }
        if down {
            // It would not take the rest now either.
            let last = outcomes.last().map_or_else(|| Outcome::unavailable(""), |(_, outcome)| outcome.clone());
            outcomes.extend(messages[outcomes.len()..].iter().map(|(at, _)| (*at, last.clone())));
            break;
        }
    }
    outcomes
}

async fn post(to: &Destination<'_>, part: &[(usize, &Message)]) -> Outcome {
    let entries = entries(part.iter().map(|(_, message)| *message));
    let body = body(to.site, &entries, to.origin.format, to.origin.gzip);
    let controller = AbortController::default();
    let outcome = {
        let posting = pin!(exchange(to, &body, controller.signal()));
        match select(posting, Delay::from(Duration::from_millis(to.origin.timeout_ms))).await {
            Either::Left((Ok(outcome), _)) => outcome,
            Either::Left((Err(error), _)) => Outcome::unavailable(&format!("no answer: {error}")),
            Either::Right(_) => Outcome::unavailable(&format!("no answer within {} ms", to.origin.timeout_ms)),
        }
    };
    // Whatever is still open of the exchange is of no use any more.
    controller.abort();
    outcome
}

async fn exchange(to: &Destination<'_>, body: &Body, signal: AbortSignal) -> Result<Outcome> {
    let now_s = clock::now_s();
    let init = RequestInit {
        method: Method::Post,
        body: Some(Uint8Array::from(body.bytes.as_slice()).into()),
        // Records go where the site said, and nowhere that somebody else says.
        redirect: RequestRedirect::Manual,
        ..RequestInit::new()
    };
    init.headers.set("content-type", body.content_type)?;
    if body.gzip {
        init.headers.set("content-encoding", "gzip")?;
    }
    init.headers.set("footfall-site", to.site)?;
    init.headers.set("footfall-signature", &signature(to.secret, now_s, &body.bytes))?;
    init.headers.set("idempotency-key", &body.idempotency_key)?;
    init.headers.set("user-agent", concat!("footfall/", env!("CARGO_PKG_VERSION")))?;
    let request = Request::new_with_init(&to.origin.url, &init)?;
    let mut response = Fetch::Request(request).send_with_signal(&signal).await?;
    let status = response.status_code();
    let retry_after = header(response.headers(), "retry-after");
    // What a success says besides is not read.
    let answer = if (200..300).contains(&status) { String::new() } else { beginning(&mut response).await };
    Ok(Outcome::of_response(status, retry_after.as_deref(), &answer, now_s))
}

/// The beginning of an answer's body, as far as a dead letter keeps it.
async fn beginning(response: &mut Response) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut stream) = response.stream() {
        while let Some(Ok(chunk)) = stream.next().await {
            bytes.extend_from_slice(&chunk);
            if bytes.len() >= SINK_ANSWER_BYTES_MAX {
                break;
            }
        }
    }
    bytes.truncate(SINK_ANSWER_BYTES_MAX);
    // A NUL would end the text in some databases.
    String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}")
}
