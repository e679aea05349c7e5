//! The admin's endpoints: who asks, what they may do, and on to whoever answers (`access::routes` is the table).

use crate::access::admin::Operator;
use crate::access::credential::Authorization;
use crate::access::precondition::Preconditions;
use crate::access::routes::{self, Found, Route, To};
use crate::access::seal::content_address;
use crate::rulebook::is_id;
use crate::shell::call::Call;
use crate::shell::deliver::Whose;
use crate::shell::reply::{Problem, json};
use crate::shell::rulebook_object::{AUTHOR_HEADER, ROLE_HEADER, not_found};
use crate::shell::{clock, config, deliver, erasure, export, incoming, letters, log, validation};
use footfall_protocol::ids::{Foreign, SiteId, visitor_of};
use footfall_protocol::limits::RULEBOOK_BODY_BYTES_MAX;
use uuid::Uuid;
use worker::js_sys::encode_uri_component;
use worker::{Method, Request, RequestInit, Response, ResponseBuilder};

/// The description of this surface.
const DESCRIPTION: &str = include_str!("../../docs/openapi.json");

/// Answers `/admin/v1/…`.
pub(super) async fn answer(path: &str, call: &Call<'_>) -> Result<Response, Problem> {
    let method = call.method();
    let preconditions = Preconditions {
        if_match: call.head.header("if-match").map(str::to_owned),
        if_none_match: call.head.header("if-none-match").map(str::to_owned),
    };
    // In its own words: the platform's crate takes a method that it does not know for GET.
    let response = match routes::find(call.head.method(), path) {
        // It is sent as it is read, and differs each time.
        Found::Route(route) if route.to == To::Export => return operate(path, route, call).await,
        Found::Route(route) => operate(path, route, call).await?,
        Found::OtherMethods(methods) => {
            operator(call)?;
            return Err(Problem::method(&methods));
        }
        Found::Nothing => {
            operator(call)?;
            return Err(not_found());
        }
    };
    if method == Method::Get && response.status_code() == 200 {
        return Ok(unless_known(response, &preconditions).await?);
    }
    Ok(response)
}

async fn operate(path: &str, route: &Route, call: &Call<'_>) -> Result<Response, Problem> {
    let Some(role) = route.role else { return Ok(description()?) };
    let operator = operator(call)?;
    let parts: Vec<&str> = path.split('/').collect();
    let ["sites", site, rest @ ..] = parts.as_slice() else { return Err(not_found()) };
    let site = SiteId::parse(site).ok_or_else(not_found)?;
    if !operator.may(role, &site) {
        return Err(Problem::new(403, "not_allowed", "This needs another role, or is another site than the token's."));
    }
    let jurisdiction = &call.deployment.site(&site)?.jurisdiction;
    // An operator names visitors by their ids alone: those are where the site has its visitors now.
    let of = |visitor| Whose { site: site.clone(), visitor, jurisdiction: jurisdiction.clone() };
    let whose = |visitor: &str| parse(visitor).map(of);
    match (route.to, rest) {
        (To::Rulebook, _) => ask_rulebook(&site, rest, &operator, call).await,
        (To::Validation, _) => validation::answer(call).await,
        (To::NamedVisitor, _) => inspection(&of(named(&site, call)?), call).await,
        (To::Visitor, ["visitors", visitor]) => inspection(&whose(visitor)?, call).await,
        (To::Visitor, ["visitors", visitor, "explain", rule]) => explain(&whose(visitor)?, rule, call).await,
        (To::Visitor, ["visitors", visitor, "dry-run"]) => dry_run(&whose(visitor)?, call).await,
        (To::Erasure, ["visitors", visitor]) => Ok(json(200, &erasure::erase(call.env, &whose(visitor)?).await?)?),
        (To::Erasure, ["users", user]) => {
            Ok(json(200, &erasure::erase_user(call.env, &site, jurisdiction.as_deref(), parse(user)?).await?)?)
        }
        (To::Export, ["visitors", visitor, ..]) => export::export(&whose(visitor)?, None, call).await,
        (To::Log, ["visitors", visitor, "events"]) => log::events(&whose(visitor)?, call).await,
        (To::Log, ["visitors", visitor, "state"]) => log::state(&whose(visitor)?, call).await,
        (To::Log, ["visitors", visitor, "triggers"]) => log::triggers(&whose(visitor)?, call).await,
        (To::Log, ["visitors", visitor, "records"]) => log::records(&whose(visitor)?, call).await,
        (To::DeadLetters, ["dead-letters", path @ ..]) => letters::answer(&site, path, &operator, call).await,
        (To::ArchiveKeys, _) => letters::archive_keys(&site, call).await,
        (To::NamedUser, _) => user(&site, named_user(&site, call)?, call).await,
        (To::User, ["users", user_id]) => user(&site, parse(user_id)?, call).await,
        (To::Description | To::Visitor | To::Erasure | To::Export | To::Log | To::DeadLetters | To::User, _) => {
            Err(not_found())
        }
    }
}

fn operator(call: &Call<'_>) -> Result<Operator, Problem> {
    let Some(Authorization::Bearer(token)) = incoming::credential(call.head) else {
        return Err(Problem::new(401, "no_credential", "Send an operator's token as bearer."));
    };
    let invalid = || Problem::new(401, "invalid_credential", "This is no valid operator's token.");
    call.deployment.operators.verify(&token, clock::now_s()).ok_or_else(invalid)
}

/// Reads whose answer the reader has already are 304 (RFC 9110 §15.4.5). An answer without an entity tag gets that of
/// its bytes.
async fn unless_known(mut response: Response, preconditions: &Preconditions) -> worker::Result<Response> {
    let own = incoming::header(response.headers(), "etag");
    let (etag, response) = match own {
        Some(etag) => (etag, response),
        None => {
            let bytes = response.bytes().await?;
            let etag = format!("\"{}\"", &content_address(&bytes)[..16]);
            let kept = response.headers().clone();
            kept.set("etag", &etag)?;
            (etag, ResponseBuilder::new().with_headers(kept).fixed(bytes))
        }
    };
    if !preconditions.has_already(&etag) {
        return Ok(response);
    }
    let builder = ResponseBuilder::new().with_status(304).with_header("etag", &etag)?;
    Ok(builder.with_header("cache-control", "no-store")?.empty())
}

fn description() -> worker::Result<Response> {
    let builder = ResponseBuilder::new().with_header("content-type", "application/json")?;
    Ok(builder.with_header("cache-control", "no-cache")?.fixed(DESCRIPTION.as_bytes().to_vec()))
}

async fn ask_rulebook(site: &SiteId, path: &[&str], operator: &Operator, call: &Call<'_>) -> Result<Response, Problem> {
    let method = call.method();
    let mut init = RequestInit { method: method.clone(), ..RequestInit::new() };
    if matches!(method, Method::Put | Method::Post) {
        let body = incoming::body_within(call, RULEBOOK_BODY_BYTES_MAX).await?;
        init.body = Some(worker::js_sys::Uint8Array::from(body.as_slice()).into());
    }
    if method != Method::Get {
        for name in ["if-match", "if-none-match"] {
            if let Some(precondition) = call.head.header(name) {
                init.headers.set(name, precondition)?;
            }
        }
    }
    init.headers.set(AUTHOR_HEADER, &String::from(encode_uri_component(operator.name())))?;
    init.headers.set(ROLE_HEADER, operator.role.as_str())?;
    let query = call.head.url().split_once('?').map_or("", |(_, query)| query);
    let url = format!("https://rulebook/admin/{}?{query}", path.join("/"));
    let forwarded = Request::new_with_init(&url, &init)?;
    Ok(config::rulebook(call.env, site)?.fetch_with_request(forwarded).await?)
}

fn parse(visitor: &str) -> Result<Uuid, Problem> {
    Uuid::try_parse(visitor).map_err(|_| Problem::new(400, "malformed", "A visitor is named by a UUID."))
}

/// The visitor that the query names by an id of the store's own.
fn named(site: &SiteId, call: &Call<'_>) -> Result<Uuid, Problem> {
    let wanted = || Problem::new(400, "malformed", "Say whom: /visitors/{uuid}, ?anonymousId=… or ?userId=….");
    // An id that is said has to be one, also when the other one would do.
    let by = |name: &str, kind| call.query(name).map(|id| visitor_of(site, kind, &id).ok_or_else(wanted)).transpose();
    let (anonymous, user) = (by("anonymousId", Foreign::Anonymous)?, by("userId", Foreign::User)?);
    anonymous.or(user).ok_or_else(wanted)
}

/// Everything that is known of a visitor. A look: it stores nothing.
async fn inspection(whose: &Whose, call: &Call<'_>) -> Result<Response, Problem> {
    Ok(whose.reach(call.env)?.fetch_with_str("https://visitor/inspection").await?)
}

/// The user that the query names by the store's own id.
fn named_user(site: &SiteId, call: &Call<'_>) -> Result<Uuid, Problem> {
    let wanted = || Problem::new(400, "malformed", "Say whom: /users/{uuid} or ?userId=….");
    call.query("userId").and_then(|id| visitor_of(site, Foreign::User, &id)).ok_or_else(wanted)
}

/// Everything that is known of a user, with its visitors and the audit trail. A look: it stores nothing.
async fn user(site: &SiteId, user: Uuid, call: &Call<'_>) -> Result<Response, Problem> {
    Ok(deliver::user_object(call.env, site, user)?.fetch_with_str("https://user/view").await?)
}

/// Why a rule has or has not fired for a visitor. A look: it stores nothing.
async fn explain(whose: &Whose, rule: &str, call: &Call<'_>) -> Result<Response, Problem> {
    if !is_id(rule) {
        return Err(Problem::new(404, "unknown_rule", "No such rule runs for this visitor."));
    }
    Ok(whose.reach(call.env)?.fetch_with_str(&format!("https://visitor/explain/{rule}")).await?)
}

/// What would happen to a visitor. A look: it stores nothing.
async fn dry_run(whose: &Whose, call: &Call<'_>) -> Result<Response, Problem> {
    let body = incoming::body(call).await?;
    let init = RequestInit {
        method: Method::Post,
        body: Some(worker::js_sys::Uint8Array::from(body.as_slice()).into()),
        ..RequestInit::new()
    };
    let asked = Request::new_with_init("https://visitor/dry-run", &init)?;
    Ok(whose.reach(call.env)?.fetch_with_request(asked).await?)
}
