//! Events in over HTTP: who sends them, which visitors they belong to, and the answer once all of them are on disk.

use crate::access::credential::Authorization;
use crate::access::delivery;
use crate::access::sender::Sender;
use crate::access::token::VisitorToken;
use crate::access::write_keys::KeyHolder;
use crate::engine::Allowance;
use crate::shell::call::Call;
use crate::shell::deliver::{self, Taken};
use crate::shell::incoming::{self, credential};
use crate::shell::own::{self, ShownToken};
use crate::shell::reply::{Made, Problem};
use crate::shell::{bots, clock, limiter};
use footfall_protocol::decode::{self, Call as Kind};
use footfall_protocol::event::Authority;
use footfall_protocol::message::Accepted;
use footfall_protocol::rejection::{Code, Rejection};

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
pub(super) async fn accept(way: Way, call: &Call<'_>) -> Result<Made, Problem> {
    let authorization = credential(call.head);
    if !is_server(&authorization, call) {
        limiter::check_address(call).await?;
    }
    let body = incoming::body(call).await?;
    let (sender, holder, shown) = sender(authorization, &body, way, call)?;
    let site = call.deployment.site(sender.site())?;
    // A token says where its visitor is; ids that others bring are where the site has its visitors.
    let jurisdiction = match shown {
        Some(token) => token.jurisdiction,
        None => site.jurisdiction.clone(),
    };
    let mut known = if sender.authority() == Authority::Source {
        incoming::server(site.allow_headless)
    } else {
        check_origin(call, &sender, holder)?;
        incoming::browser(call, site.allow_headless)
    };
    // A visitor's token says more than the public key that is in every page beside it.
    if let Some(holder) = holder.filter(|_| !matches!(sender, Sender::Visitor(..))) {
        known.grant = holder.grant.clone();
        known.surroundings.source.clone_from(&holder.source);
    }
    let mut batch = match way {
        Way::One(kind) => decode::decode_one(kind, &body, sender.authority()),
        Way::Batch | Way::Beacon => decode::decode_batch(&body, sender.authority()),
    }
    .map_err(Problem::body)?;
    call.deployment.user_keys.mark(&mut batch, sender.authority(), sender.site(), clock::now_s());
    // Only for events without an id: drawing it costs more than looking.
    if batch.events.iter().any(|decoded| decoded.event.id.is_empty()) {
        known.nonce = clock::random_id().simple().to_string();
    }
    let total = batch.events.len() + batch.rejections.len();
    let of_source = match holder.filter(|holder| holder.authority == Authority::Source) {
        Some(holder) => limiter::take_of_source(call, holder, batch.events.len()).await?,
        None => None,
    };
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
    for (bot, count) in deliveries.bots {
        bots::note(bot, "events", sender.site(), count);
    }
    let mut taken =
        deliver::deliver(call.env, sender.site(), jurisdiction.as_deref(), deliveries.by_visitor, standing.as_ref())
            .await?;
    rejections.extend(std::mem::take(&mut taken.rejections).into_iter().map(|rejection| root.locate(rejection)));
    rejections.sort_by_key(|rejection| rejection.index);
    // An alias is about several, who may all refuse it.
    rejections.dedup_by_key(|rejection| rejection.index);
    answer(total - rejections.len(), rejections, of_source, taken)
}

/// The answer. Where nothing was accepted and the reason is the sender's rate or key, the status says so; else each event
/// that was not accepted has its rejection, so that one visitor's excess never sinks what a batch has for others.
fn answer(
    accepted: usize,
    rejections: Vec<Rejection>,
    of_source: Option<Allowance>,
    Taken { allowance: of_visitor, pushes, .. }: Taken,
) -> Result<Made, Problem> {
    let is = |code: Code| move |rejection: &&Rejection| rejection.code == code;
    let too_soon = rejections.iter().find(is(Code::RateLimited));
    let retry_ms = rejections.iter().filter_map(|rejection| rejection.retry_after_ms).max();
    if let (0, Some(rejection)) = (accepted, too_soon) {
        let detail = &rejection.message;
        return Err(match of_visitor {
            Some(allowance) => limiter::too_many(allowance, detail),
            None => Problem::new(429, "rate_limited", detail).retry_after(whole_seconds(retry_ms)),
        });
    }
    let lacks_scope = rejections.iter().filter(is(Code::NotAllowed)).count();
    if let (0, Some(rejection)) = (accepted, rejections.first().filter(|_| lacks_scope == rejections.len())) {
        return Err(Problem::new(403, "not_in_scope", rejection.message.clone()));
    }
    // Of two limits the one that is reached sooner.
    let nearest = of_source.into_iter().chain(of_visitor).min_by_key(|allowance| allowance.remaining);
    let made = Made::json(200, &Accepted { success: true, accepted, rejections, pushes })?.with_allowance(nearest);
    Ok(if retry_ms.is_some() { made.with("retry-after", whole_seconds(retry_ms).to_string()) } else { made })
}

fn whole_seconds(ms: Option<u64>) -> u32 {
    u32::try_from(ms.unwrap_or_default().div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
}

/// Whether a request shows a secret key before its body is read.
fn is_server(authorization: &Option<Authorization>, call: &Call<'_>) -> bool {
    let Some(Authorization::WriteKey(key)) = authorization else { return false };
    call.deployment.write_keys.holder(key).is_some_and(|holder| holder.authority == Authority::Source)
}

/// Finds out who sends, with the key and with the visitor's token that count. The strongest credential counts: a secret
/// key, then a token, then a public key.
fn sender<'a>(
    authorization: Option<Authorization>,
    body: &[u8],
    way: Way,
    call: &Call<'a>,
) -> Result<(Sender, Option<&'a KeyHolder>, Option<VisitorToken>), Problem> {
    let (mut key, mut token) = match authorization {
        Some(Authorization::WriteKey(key)) => (Some(key), None),
        Some(Authorization::Token(token) | Authorization::Bearer(token)) => (None, Some(token)),
        None => (None, None),
    };
    let unknown = || Problem::new(401, "invalid_write_key", "This write key is not known here.");
    let holder = |key: &Option<String>| {
        let look_up = |key: &String| call.deployment.write_keys.holder(key).ok_or_else(unknown);
        key.as_ref().map(look_up).transpose()
    };
    let mut found = holder(&key)?;
    if found.is_none_or(|holder| holder.authority != Authority::Source) {
        let inside = decode::credentials(body).map_err(Problem::body)?;
        token = token.or(inside.token);
        if key.is_none() {
            let in_address = inside.write_key.is_none() && matches!(way, Way::Beacon);
            key = if in_address { call.query("writeKey") } else { inside.write_key };
            found = holder(&key)?;
            // Addresses are in logs and in histories: a secret that stands there is none, and good for nothing.
            if in_address && found.is_some_and(|holder| holder.authority != Authority::Public) {
                return Err(unknown());
            }
        }
    }
    if let Some(holder) = found {
        call.is_about(&holder.site);
        if holder.authority == Authority::Source {
            return Ok((Sender::Source(holder.site.clone()), found, None));
        }
    }
    let shown = own::shown_token(token, found.map(|holder| &holder.site), call)?;
    match (shown, found) {
        (Some(ShownToken { token, .. }), _) => {
            call.is_about(&token.site);
            Ok((Sender::Visitor(token.site.clone(), token.visitor), found, Some(token)))
        }
        (None, Some(holder)) => Ok((Sender::Public(holder.site.clone()), found, None)),
        (None, None) => {
            Err(Problem::new(401, "no_credential", "Send a write key (Basic, or `writeKey`) or a visitor token."))
        }
    }
}

/// A browser says where a page is from; pages of other sites may not send events in a visitor's name.
fn check_origin(call: &Call<'_>, sender: &Sender, holder: Option<&KeyHolder>) -> Result<(), Problem> {
    own::check_page(call, &call.deployment.site(sender.site())?.origins, holder)
}
