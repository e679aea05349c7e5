//! The queue's consumer: brings batches of records to the sinks. A message is acknowledged when its records are there.

use crate::shell::d1_sink;
use footfall_protocol::record::RecordBatch;
use std::panic::AssertUnwindSafe;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::{Object, Reflect};
use worker::worker_sys::{Context, Message, MessageBatch};
use worker::{Env, Result, console_error};

/// First and greatest wait before a message is tried again, in seconds.
const RETRY_S: (u32, u32) = (2, 600);

/// The platform's entry for batches of messages. Not through the crate's macro, which hides how often a message was
/// tried.
#[wasm_bindgen(
    js_name = queue,
    wasm_bindgen = worker::wasm_bindgen,
    js_sys = worker::js_sys,
    wasm_bindgen_futures = worker::wasm_bindgen_futures
)]
#[expect(unreachable_pub, reason = "JavaScript reaches it")]
pub async fn queue(batch: MessageBatch, env: Env, _context: Context) -> std::result::Result<JsValue, JsValue> {
    AssertUnwindSafe(consume(&batch, &env)).await?;
    Ok(JsValue::UNDEFINED)
}

/// Takes one batch of messages; each is acknowledged or tried again by itself.
async fn consume(batch: &MessageBatch, env: &Env) -> Result<()> {
    let mut readable = Vec::new();
    for message in batch.messages()?.iter().map(JsCast::unchecked_into::<Message>) {
        match message.body()?.as_string().and_then(|text| serde_json::from_str::<RecordBatch>(&text).ok()) {
            Some(records) => readable.push((message, records)),
            None => {
                // No release of ours wrote it. Tried again until it ends in the dead-letter queue, where somebody looks.
                console_error!("fault: a queue message cannot be read");
                again(&message)?;
            }
        }
    }
    let batches: Vec<&RecordBatch> = readable.iter().map(|(_, records)| records).collect();
    let outcomes = d1_sink::store(env, &batches).await;
    for ((message, _), outcome) in readable.iter().zip(outcomes) {
        match outcome {
            Ok(()) => message.ack()?,
            Err(error) => {
                console_error!("fault: the database does not take records: {error}");
                again(message)?;
            }
        }
    }
    Ok(())
}

/// Asks for the message once more, each time later.
fn again(message: &Message) -> Result<()> {
    let doubled = 1u32 << attempts(message).saturating_sub(1).min(16);
    let wait_s = RETRY_S.0.saturating_mul(doubled).min(RETRY_S.1);
    let options = Object::new();
    Reflect::set(&options, &"delaySeconds".into(), &wait_s.into())?;
    Ok(message.retry(options.into())?)
}

/// How often a message has been delivered, this time included.
fn attempts(message: &Message) -> u32 {
    let attempts = Reflect::get(message, &"attempts".into()).ok().and_then(|value| value.as_f64());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped in this line")]
    attempts.map_or(1, |n| n.clamp(1.0, 1_000.0) as u32)
}
