//! Events in over HTTP: who sends them, which visitors they belong to, and the answer once all of them are on disk.

use crate::access::credential::Authorization;
use crate::access::sender::Sender;
use crate::access::{delivery, origin};
use crate::shell::call::Call;
use crate::shell::deliver;
use crate::shell::incoming::{self, credential};
use crate::shell::own::{self, ShownToken};
use crate::shell::reply::{Problem, json};
use footfall_protocol::decode::{self, Call as Kind};
use footfall_protocol::event::Authority;
use footfall_protocol::message::Accepted;
use worker::{Request, Response};

/// How a request brings its events.
#[derive(Clone, Copy)]
pub(super) enum Way {
    /// One event, whose kind the path says.
    One(Kind),
    /// A batch.
    Batch,
    /// A batch whose key may be in the query: `navigator.sendBeacon` sets no headers.
    Beacon,
}

/// Takes events.
pub(super) async fn accept(mut request: Request, way: Way, call: &Call<'_>) -> Result<Response, Problem> {
    let authorization = credential(request.headers());
    let body = incoming::body(&mut request).await?;
    let sender = sender(&request, authorization, &body, way, call)?;
    let site = call.deployment.site(sender.site())?;
    let known = if sender.authority() == Authority::Source {
        incoming::server(site.allow_headless)
    } else {
        check_origin(call, &sender)?;
        incoming::browser(&request, site.allow_headless)
    };
    let batch = match way {
        Way::One(kind) => decode::decode_one(kind, &body, sender.authority()),
        Way::Batch | Way::Beacon => decode::decode_batch(&body, sender.authority()),
    }
    .map_err(Problem::body)?;
    let total = batch.events.len() + batch.rejections.len();
    let mut deliveries = delivery::sort(batch, &sender, &known);
    // Only the visitor itself is told what was pushed to it: no public key, and no server.
    let standing = match &sender {
        Sender::Visitor(_, visitor) if known.bot.is_none() => {
            decode::standing(&body).inspect(|_| deliveries.ask(*visitor, &known.surroundings))
        }
        Sender::Visitor(..) | Sender::Source(_) | Sender::Public(_) => None,
    };
    let mut rejections = deliveries.rejections;
    let root = deliveries.root;
    let taken = deliver::deliver(call.env, sender.site(), deliveries.by_visitor, standing.as_ref()).await?;
    rejections.extend(taken.rejections.into_iter().map(|rejection| root.locate(rejection)));
    rejections.sort_by_key(|rejection| rejection.index);
    let accepted = total - rejections.len();
    Ok(json(200, &Accepted { success: true, accepted, rejections, pushes: taken.pushes })?)
}

/// Finds out who sends. The strongest credential counts: a secret key, then a token, then a public key.
fn sender(
    request: &Request,
    authorization: Option<Authorization>,
    body: &[u8],
    way: Way,
    call: &Call<'_>,
) -> Result<Sender, Problem> {
    let (mut key, mut token) = match authorization {
        Some(Authorization::WriteKey(key)) => (Some(key), None),
        Some(Authorization::Token(token) | Authorization::Bearer(token)) => (None, Some(token)),
        None => (None, None),
    };
    let holder = |key: &Option<String>| {
        let look_up = |key: &String| {
            let unknown = || Problem::new(401, "invalid_write_key", "This write key is not known here.");
            call.deployment.write_keys.holder(key).ok_or_else(unknown)
        };
        key.as_ref().map(look_up).transpose()
    };
    let mut found = holder(&key)?;
    if found.is_none_or(|holder| holder.authority != Authority::Source) {
        let inside = decode::credentials(body).map_err(Problem::body)?;
        token = token.or(inside.token);
        if key.is_none() {
            key = inside.write_key;
            if key.is_none() && matches!(way, Way::Beacon) {
                key = call.query("writeKey");
            }
            found = holder(&key)?;
        }
    }
    if let Some(holder) = found {
        call.is_about(&holder.site);
        if holder.authority == Authority::Source {
            return Ok(Sender::Source(holder.site.clone()));
        }
    }
    let shown = own::shown_token(request, token, found.map(|holder| &holder.site), call)?;
    match (shown, found) {
        (Some(ShownToken { token, .. }), _) => {
            call.is_about(&token.site);
            Ok(Sender::Visitor(token.site, token.visitor))
        }
        (None, Some(holder)) => Ok(Sender::Public(holder.site.clone())),
        (None, None) => {
            Err(Problem::new(401, "no_credential", "Send a write key (Basic, or `writeKey`) or a visitor token."))
        }
    }
}

/// A browser says where a page is from; pages of other sites may not send events in a visitor's name.
fn check_origin(call: &Call<'_>, sender: &Sender) -> Result<(), Problem> {
    match &call.origin {
        Some(from) if !origin::allowed(from, call.own, &call.deployment.site(sender.site())?.origins) => {
            Err(own::wrong_origin())
        }
        _ => Ok(()),
    }
}
