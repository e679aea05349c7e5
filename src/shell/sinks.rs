//! The sinks: the queues that lead to them, and what each does with the messages that come out.

pub(super) mod archive;
pub(super) mod d1;
pub(super) mod dead_letters;
pub(super) mod origin;

use crate::shell::{bridge, clock, deployment};
use crate::sinks::Sink;
use crate::sinks::chunks::chunks;
use crate::sinks::message::{Body, Message};
use footfall_protocol::ids::SiteId;
use footfall_protocol::record::Erasure;
use futures_util::future::{Either, join_all, select, try_join_all};
use std::pin::pin;
use std::time::Duration;
use uuid::Uuid;
use worker::{Delay, Env, Error, Queue, Result};

/// Messages of one `sendBatch`, and their bytes: the platform takes at most 100 of at most 256 KB together.
const AT_ONCE_MAX: (usize, usize) = (100, 240_000);
/// How long the answer of a queue is waited for, in milliseconds: well below what a flush may take.
const ANSWER_MS: u64 = 10_000;
/// Queues of one sink, at most.
const QUEUES_MAX: u32 = 64;

/// Sends every sink of a visitor's site its messages; which sinks' queues have taken them, and whether all have.
pub(super) async fn send_to_all<'a>(
    env: &Env,
    site: &SiteId,
    visitor: Uuid,
    messages: impl Fn(Sink) -> &'a [Body],
) -> Result<(Vec<Sink>, Result<()>)> {
    let parsed = deployment::parsed(env);
    let Ok(deployment) = parsed.as_ref() else {
        return Err(Error::RustError("the deployment is misconfigured".into()));
    };
    let Some(site) = deployment.sites.get(site) else {
        return Err(Error::RustError(format!("site `{site}` is not configured")));
    };
    // At once, so that none waits for another one's queue.
    let sends = site.sinks.all().map(|sink| {
        let sending = send(env, sink, visitor, messages(sink));
        async move { (sink, in_time(sending).await) }
    });
    let (mut taken, mut outcome) = (Vec::new(), Ok(()));
    for (sink, sent) in join_all(sends).await {
        match sent {
            Ok(()) => taken.push(sink),
            Err(error) => outcome = Err(Error::RustError(format!("{}: {error}", sink.as_str()))),
        }
    }
    Ok((taken, outcome))
}

/// A queue that does not answer has refused; what it takes all the same comes again, which sinks know.
async fn in_time(sending: impl Future<Output = Result<()>>) -> Result<()> {
    match select(pin!(sending), Delay::from(Duration::from_millis(ANSWER_MS))).await {
        Either::Left((sent, _)) => sent,
        Either::Right(_) => Err(Error::RustError(format!("no answer within {ANSWER_MS} ms"))),
    }
}

/// Sends messages about a visitor to a sink.
pub(super) async fn send(env: &Env, sink: Sink, visitor: Uuid, messages: &[Body]) -> Result<()> {
    let queue = queue(env, sink, visitor)?;
    let batches = chunks(messages, AT_ONCE_MAX.0, AT_ONCE_MAX.1, Body::len);
    try_join_all(batches.into_iter().map(|some| bridge::send(&queue, some))).await?;
    Ok(())
}

/// A visitor's queue of a sink: of `RECORDS`, `RECORDS_1`, `RECORDS_2` and so on, as far as they are bound without a gap,
/// the one that its id falls on.
fn queue(env: &Env, sink: Sink, visitor: Uuid) -> Result<Queue> {
    let first = env.queue(sink.binding())?;
    let more = (1..QUEUES_MAX).map_while(|n| env.queue(&format!("{}_{n}", sink.binding())).ok());
    let mut queues: Vec<Queue> = std::iter::once(first).chain(more).collect();
    // Ids are random or hashed in these bits.
    let at = (visitor.as_u128() % (1 << 32)) as usize % queues.len();
    Ok(queues.swap_remove(at))
}

/// Tells the sinks that are not ours to empty that a visitor was erased: whoever keeps records of these lives is to delete
/// them. A site without such a sink is told nothing. A repeat is harmless.
pub(super) async fn tell_erased(env: &Env, site: &SiteId, visitor: Uuid, incarnations: &[Uuid]) -> Result<()> {
    let parsed = deployment::parsed(env);
    let settings = parsed.as_ref().as_ref().ok().and_then(|deployment| deployment.sites.get(site));
    if settings.is_none_or(|site| site.sinks.origin.is_none()) {
        return Ok(());
    }
    let erasure =
        Erasure { v: 1, site: site.to_string(), visitor, incarnations: incarnations.to_vec(), at_ms: clock::now() };
    let text = serde_json::to_string(&Message::Erased(erasure))?;
    send(env, Sink::Origin, visitor, &[Body::Text(text)]).await
}
