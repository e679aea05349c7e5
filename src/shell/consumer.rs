//! The queues' consumer, one door for all of them: brings messages to their sink, and does with each what follows from
//! how it fared. Each message is acknowledged, tried again or put among the dead letters by itself.

use crate::shell::deployment::{self, Deployment};
use crate::shell::sinks::dead_letters::{self, Letter};
use crate::shell::sinks::{archive, d1, origin};
use crate::sinks::message::{Body, Message};
use crate::sinks::verdict::{Outcome, Reason, Verdict, backoff_s, judge};
use crate::sinks::{Route, Sink};
use footfall_protocol::ids::SiteId;
use footfall_protocol::limits::SINK_TRIES_MAX;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::{ArrayBuffer, JSON, Object, Reflect, Uint8Array};
use worker::worker_sys::{self, Context, MessageBatch};
use worker::{Env, Error, Result, console_error, console_warn};

/// The platform's entry for batches of messages. Not through the crate's macro, which hides how often a message was
/// tried.
#[wasm_bindgen(
    js_name = queue,
    wasm_bindgen = worker::wasm_bindgen,
    js_sys = worker::js_sys,
    wasm_bindgen_futures = worker::wasm_bindgen_futures
)]
#[expect(unreachable_pub, reason = "JavaScript reaches it")]
pub async fn queue(batch: MessageBatch, env: Env, context: Context) -> std::result::Result<JsValue, JsValue> {
    AssertUnwindSafe(consume(&batch, &env, &worker::Context::new(context))).await?;
    Ok(JsValue::UNDEFINED)
}

/// A message as the platform gives it.
struct Delivered {
    raw: worker_sys::Message,
    body: Body,
    /// How often it has been delivered, this time included.
    attempts: u32,
}

/// A message for the dead letters, and which one it was.
type Buried<'a> = (&'a Delivered, Letter);

async fn consume(batch: &MessageBatch, env: &Env, context: &worker::Context) -> Result<()> {
    let name = String::from(batch.queue()?);
    let messages = batch.messages()?;
    let delivered: Vec<Delivered> =
        messages.iter().map(|raw| Delivered::read(raw.unchecked_into())).collect::<Result<_>>()?;
    let Some(route) = Route::of_queue(&name) else {
        return Err(Error::RustError(format!("the queue {name} is nobody's: its name says no sink")));
    };
    let buried = match route {
        Route::GivenUp(sink) => {
            let letter = |one: &Delivered| Letter::of(sink, &one.body, Reason::GivenUp, "", one.attempts);
            delivered.iter().map(|one| (one, letter(one))).collect()
        }
        Route::To(sink) => bring(sink, &delivered, env).await?,
    };
    bury(buried, env).await?;
    // Aside: the messages are acknowledged, and a database that hangs is not to hold up the next batch of another sink.
    let env = env.clone();
    context.wait_until(async move {
        if let Err(error) = dead_letters::expire(&env).await {
            console_error!("fault: old dead letters cannot be deleted: {error}");
        }
    });
    Ok(())
}

/// Brings messages to their sink; those that are to be buried come back.
async fn bring<'a>(sink: Sink, delivered: &'a [Delivered], env: &Env) -> Result<Vec<Buried<'a>>> {
    let parsed = deployment::parsed(env);
    let mut buried = Vec::new();
    let mut readable = Vec::new();
    for one in delivered {
        // Only an origin is told of erasures: our own sinks are emptied by us.
        match one.body.read().filter(|message| sink == Sink::Origin || message.records().is_some()) {
            Some(message) => readable.push((one, message)),
            None => {
                let letter = Letter::of(sink, &one.body, Reason::Unreadable, "", one.attempts);
                buried.push((one, letter));
            }
        }
    }
    let messages: Vec<&Message> = readable.iter().map(|(_, message)| message).collect();
    let outcomes = match (parsed.as_ref(), sink) {
        (_, Sink::D1) => d1::store(env, &messages).await,
        (Ok(deployment), Sink::Origin) => origin::deliver(env, deployment, &messages).await,
        (Ok(_), Sink::Archive) => archive::write(env, &messages).await,
        (Err(_), _) => vec![Outcome::unavailable("the deployment is misconfigured"); messages.len()],
    };
    let mut told = BTreeSet::new();
    for ((one, message), outcome) in readable.iter().zip(outcomes) {
        let tries = parsed.as_ref().as_ref().map_or(SINK_TRIES_MAX, |deployment| tries(deployment, sink, message));
        // Once, not for each of a hundred messages.
        if let Outcome::Unavailable { answer, .. } = &outcome
            && told.insert((message.site(), answer.clone()))
        {
            // Of a sink's own answer only the status: a page of faults may show the request, and so what somebody did.
            let status = answer.split_whitespace().next().filter(|word| word.parse::<u16>().is_ok());
            let why = status.unwrap_or(answer);
            console_warn!("the sink {} of `{}` does not take records: {why}", sink.as_str(), message.site());
        }
        match judge(outcome, one.attempts, tries) {
            Verdict::Acknowledge => one.raw.ack()?,
            Verdict::Retry { after_s } => one.again(after_s)?,
            Verdict::Bury { reason, answer } => {
                buried.push((*one, Letter::of(sink, &one.body, reason, &answer, one.attempts)));
            }
        }
    }
    Ok(buried)
}

fn tries(deployment: &Deployment, sink: Sink, message: &Message) -> u32 {
    let site = SiteId::parse(message.site()).and_then(|site| deployment.sites.get(&site));
    site.map_or(SINK_TRIES_MAX, |site| site.sinks.tries(sink))
}

/// A message leaves its queue only when it is among the dead letters; while the database is down it stays.
async fn bury(buried: Vec<Buried<'_>>, env: &Env) -> Result<()> {
    if buried.is_empty() {
        return Ok(());
    }
    for (_, letter) in &buried {
        console_error!("fault: a message for {} is dead: {}", letter.sink.as_str(), letter.reason.as_str());
    }
    let (messages, letters): (Vec<&Delivered>, Vec<Letter>) = buried.into_iter().unzip();
    let kept = dead_letters::keep(env, &letters).await;
    if let Err(error) = &kept {
        console_error!("fault: the dead letters cannot be written: {error}");
    }
    for message in messages {
        match kept {
            Ok(()) => message.raw.ack()?,
            Err(_) => message.again(backoff_s(message.attempts))?,
        }
    }
    Ok(())
}

impl Delivered {
    fn read(raw: worker_sys::Message) -> Result<Self> {
        let body = raw.body()?;
        // Whatever else there is can at least be looked at.
        let other = |body| JSON::stringify(body).ok()?.as_string();
        let body = match body.as_string() {
            Some(text) => Body::Text(text),
            None if body.is_instance_of::<ArrayBuffer>() || body.is_instance_of::<Uint8Array>() => {
                Body::Packed(Uint8Array::new(&body).to_vec())
            }
            None => Body::Text(other(&body).unwrap_or_default()),
        };
        let attempts = Reflect::get(&raw, &"attempts".into()).ok().and_then(|value| value.as_f64());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped in this line")]
        let attempts = attempts.map_or(1, |n| n.clamp(1.0, 1_000.0) as u32);
        Ok(Self { raw, body, attempts })
    }

    /// Asks for the message once more.
    fn again(&self, after_s: u32) -> Result<()> {
        let options = Object::new();
        Reflect::set(&options, &"delaySeconds".into(), &after_s.into())?;
        Ok(self.raw.retry(options.into())?)
    }
}
