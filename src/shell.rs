//! The only room that knows Cloudflare. It authenticates, routes, commits and carries bytes and time; it decides nothing
//! about visitors.

mod admin;
mod assets;
mod bots;
mod bridge;
mod call;
mod clock;
mod config;
mod consumer;
mod cors;
mod deliver;
mod deployment;
mod erasure;
mod events;
mod export;
mod health;
mod incoming;
mod js;
mod kv;
mod letters;
mod limiter;
mod limiter_object;
mod log;
mod own;
mod reply;
mod router;
mod rulebook_object;
mod safe;
mod sinks;
mod user_object;
mod validation;
mod visitor_object;

use worker::worker_sys::web_sys::{Request, Response};
use worker::{Context, Env, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    clock::began();
    let head = bridge::head(&request);
    let mut answer = router::route(request, &head, env).await?;
    safe::apply(&mut answer, head.url())?;
    Ok(answer.into_raw())
}
