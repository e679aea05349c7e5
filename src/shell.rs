//! The only room that knows Cloudflare. It authenticates, routes, commits and carries bytes and time; it decides nothing
//! about visitors.

mod admin;
mod assets;
mod bots;
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

use worker::{Context, Env, Request, Response, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    let url = request.inner().url();
    safe::apply(router::route(request, env).await?, &url)
}
