//! Limits of rates: exact ones of sources, in an object each, and about those of addresses, which the platform counts.

use crate::access::rate::address_key;
use crate::access::write_keys::KeyHolder;
use crate::engine::{Allowance, Rate};
use crate::shell::call::Call;
use crate::shell::limiter_object::{Asked, Told};
use crate::shell::reply::Problem;
use footfall_protocol::ids::limiter_object;
use footfall_protocol::limits::ADDRESS_RATE_S;
use worker::{Env, Method, Request, RequestInit, console_error};

/// Takes room for events in their source's window, when it has a limit. The whole request is taken or refused: it has one
/// sender. What is taken stays taken, also when the events cannot be stored afterwards.
pub(super) async fn take_of_source(
    call: &Call<'_>,
    holder: &KeyHolder,
    events: usize,
) -> Result<Option<Allowance>, Problem> {
    let Some(rate) = holder.rate.or(call.deployment.site(&holder.site)?.source_rate) else { return Ok(None) };
    let count = u32::try_from(events.max(1)).unwrap_or(u32::MAX);
    let told = ask(call.env, holder, rate, count).await.map_err(|error| {
        console_error!("fault: a limiter does not answer: {error}");
        Problem::later("unavailable", "Whether the limit is reached cannot be found out at the moment.")
    })?;
    if told.taken {
        return Ok(Some(told.allowance));
    }
    let (limit, per_s) = (rate.count, rate.per_ms.div_ceil(1_000));
    let more = if count > limit { "; send smaller batches" } else { "" };
    Err(too_many(told.allowance, format!("This source may send {limit} events in {per_s} s{more}.")))
}

async fn ask(env: &Env, holder: &KeyHolder, rate: Rate, count: u32) -> worker::Result<Told> {
    let asked = serde_json::to_string(&Asked { rate, count })?;
    let init = RequestInit { method: Method::Post, body: Some(asked.into()), ..RequestInit::new() };
    let request = Request::new_with_init("https://limiter/take", &init)?;
    let name = limiter_object(&holder.site, &holder.counted_as);
    let mut response = env.durable_object("LIMITER")?.get_by_name(&name)?.fetch_with_request(request).await?;
    response.json().await
}

/// The answer to whoever has reached a limit.
pub(super) fn too_many(allowance: Allowance, detail: impl Into<String>) -> Problem {
    Problem::new(429, "rate_limited", detail).with_allowance(allowance)
}

/// Counts a request of an address. Without the platform's binding, and for this machine's own addresses, nothing is
/// counted; nor while the platform cannot say.
pub(super) async fn check_address(call: &Call<'_>) -> Result<(), Problem> {
    let Some(address) = call.head.header("cf-connecting-ip") else { return Ok(()) };
    let local = address.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    let Some(limiter) = call.env.rate_limiter("ADDRESSES").ok().filter(|_| !local) else { return Ok(()) };
    match limiter.limit(address_key(address)).await {
        Ok(outcome) if !outcome.success => {
            let detail = "Too many requests come from this address.";
            Err(Problem::new(429, "rate_limited", detail).retry_after(ADDRESS_RATE_S))
        }
        Ok(_) => Ok(()),
        Err(error) => {
            console_error!("fault: the addresses are not counted: {error}");
            Ok(())
        }
    }
}
