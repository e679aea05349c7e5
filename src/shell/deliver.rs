//! From the router to the visitors' objects: one message for each visitor, and all of them committed before the answer.

use crate::engine::Allowance;
use crate::shell::js;
use crate::shell::reply::Problem;
use footfall_protocol::event::Delivery;
use footfall_protocol::ids::{self, SiteId};
use footfall_protocol::rejection::Rejection;
use futures_util::stream::{self, StreamExt as _};
use std::collections::BTreeMap;
use uuid::Uuid;
use worker::js_sys::Uint8Array;
use worker::{Env, Error, Method, Request, RequestInit, Result, Stub, console_error};

/// Deliveries of one request on their way at once. One commit's wait for the disk overlaps with the others' work: with
/// 50 visitors in a batch about a third faster than six at a time; beyond this number nothing more is gained.
const CONCURRENT_MAX: usize = 32;

/// The object of a visitor.
pub(super) fn visitor_object(env: &Env, site: &SiteId, visitor: Uuid) -> Result<Stub> {
    env.durable_object("VISITOR")?.get_by_name(&ids::visitor_object(site, visitor))
}

/// The object of a user.
pub(super) fn user_object(env: &Env, site: &SiteId, user: Uuid) -> Result<Stub> {
    env.durable_object("USER")?.get_by_name(&ids::user_object(site, user))
}

/// What came of deliveries.
#[derive(Default)]
pub(super) struct Delivered {
    /// What the objects rejected.
    pub(super) rejections: Vec<Rejection>,
    /// How the visitor's window stands, when all was one visitor's and the site limits rates.
    pub(super) allowance: Option<Allowance>,
}

/// The header in which a visitor's object says how its window stands: JSON.
pub(super) const ALLOWANCE_HEADER: &str = "footfall-allowance";

/// Delivers everything and collects what the objects rejected. Fails when any part could not be committed: what was is
/// recognised when all of it is sent again.
pub(super) async fn deliver(
    env: &Env,
    site: &SiteId,
    by_visitor: BTreeMap<Uuid, Delivery>,
) -> std::result::Result<Delivered, Problem> {
    let mut delivered = Delivered::default();
    let one_visitor = by_visitor.len() == 1;
    let mut failed = false;
    let mut outcomes = stream::iter(by_visitor)
        .map(|(visitor, delivery)| deliver_one(env, site, visitor, delivery))
        .buffer_unordered(CONCURRENT_MAX);
    while let Some(outcome) = outcomes.next().await {
        match outcome {
            Ok(one) => {
                delivered.rejections.extend(one.rejections);
                delivered.allowance = one.allowance.filter(|_| one_visitor);
            }
            Err(error) => {
                console_error!("fault in a delivery: {error}");
                failed = true;
            }
        }
    }
    if failed {
        return Err(Problem::later("not_committed", "Some events could not be stored. Send all of them again."));
    }
    Ok(delivered)
}

async fn deliver_one(env: &Env, site: &SiteId, visitor: Uuid, delivery: Delivery) -> Result<Delivered> {
    let bytes = postcard::to_allocvec(&delivery).map_err(|error| Error::RustError(error.to_string()))?;
    let body = Uint8Array::from(bytes.as_slice());
    match send(env, site, visitor, &body).await {
        // The platform's own passing trouble. Events have ids: a second time is harmless.
        Err(error) if js::is_retryable(&error) => send(env, site, visitor, &body).await,
        outcome => outcome,
    }
}

async fn send(env: &Env, site: &SiteId, visitor: Uuid, body: &Uint8Array) -> Result<Delivered> {
    let init = RequestInit { method: Method::Post, body: Some(body.clone().into()), ..RequestInit::new() };
    let request = Request::new_with_init("https://visitor/events", &init)?;
    // A stub that has failed once is of no use any more, so each try has its own.
    let mut response = visitor_object(env, site, visitor)?.fetch_with_request(request).await?;
    let rejections = match response.status_code() {
        204 => Vec::new(),
        200 => response.json().await?,
        status => return Err(Error::RustError(format!("the visitor's object answered {status}"))),
    };
    let told = response.headers().get(ALLOWANCE_HEADER)?;
    Ok(Delivered { rejections, allowance: told.and_then(|text| serde_json::from_str(&text).ok()) })
}
