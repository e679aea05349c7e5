//! The only room that knows Cloudflare. It authenticates, routes, commits and carries bytes and time; it decides nothing
//! about visitors.

mod admin;
mod answering;
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

use crate::shell::reply::{Answer, Made, Problem};
use worker::worker_sys::web_sys::{Request, Response};
use worker::{Env, Result};

/// Answers a request. What fails altogether is a fault of ours.
async fn answer(request: Request, env: Env) -> Response {
    clock::began();
    let head = bridge::head(&request);
    let safely = async {
        let mut answer = router::route(request, &head, env).await?;
        safe::apply(&mut answer, head.url())?;
        Result::Ok(answer)
    };
    match safely.await {
        Ok(answer) => answer.into_raw(),
        Err(error) => {
            let made = Problem::fault("an answer", &error).made().unwrap_or_else(|_| Made::empty(500));
            Answer::from(made).into_raw()
        }
    }
}
