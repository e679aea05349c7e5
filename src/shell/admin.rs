//! The admin's endpoints: who asks, what they may do, and on to the rulebook, the visitor's object or the database.

use crate::access::admin::{self, Operator, Role};
use crate::access::credential::Authorization;
use crate::shell::call::Call;
use crate::shell::reply::{Problem, json};
use crate::shell::rulebook_object::{AUTHOR_HEADER, not_found};
use crate::shell::{clock, config, d1_sink, deliver, incoming};
use footfall_protocol::ids::{Foreign, SiteId, visitor_of};
use serde_json::json as object;
use uuid::Uuid;
use worker::{Method, Request, RequestInit, Response};

/// Records of one answer, at most and unless it is said.
const RECORDS: (u32, u32) = (1_000, 100);

/// Answers `/admin/v1/…`.
pub(super) async fn answer(request: Request, path: &str, call: &Call<'_>) -> Result<Response, Problem> {
    let operator = operator(&request, call)?;
    let parts: Vec<&str> = path.split('/').collect();
    let ["sites", site, rest @ ..] = parts.as_slice() else { return Err(not_found()) };
    let site = SiteId::parse(site).ok_or_else(not_found)?;
    let reads = request.method() == Method::Get;
    let role = if reads { Role::Viewer } else { Role::Author };
    if !operator.may(role, &site) {
        return Err(Problem::new(403, "not_allowed", "This needs another role, or is another site than the token's."));
    }
    call.deployment.site(&site)?;
    match rest {
        ["rules" | "segments" | "stages", ..] if rest.len() <= 2 => {
            documents(request, &site, rest, &operator, call).await
        }
        ["visitors"] if reads => inspection(&site, named(&site, call)?, call).await,
        ["visitors", visitor] if reads => inspection(&site, parse(visitor)?, call).await,
        ["visitors", visitor, "records"] if reads => records(&site, parse(visitor)?, call).await,
        ["visitors", ..] if !reads => Err(Problem::method("GET")),
        _ => Err(not_found()),
    }
}

fn operator(request: &Request, call: &Call<'_>) -> Result<Operator, Problem> {
    let Some(Authorization::Bearer(token)) = incoming::credential(request.headers()) else {
        return Err(Problem::new(401, "no_credential", "Send an operator's token as bearer."));
    };
    let invalid = || Problem::new(401, "invalid_credential", "This is no valid operator's token.");
    admin::verify(&call.deployment.admin_secret, &token, clock::now_s()).ok_or_else(invalid)
}

async fn documents(
    mut request: Request,
    site: &SiteId,
    path: &[&str],
    operator: &Operator,
    call: &Call<'_>,
) -> Result<Response, Problem> {
    let method = request.method();
    let mut init = RequestInit { method: method.clone(), ..RequestInit::new() };
    if matches!(method, Method::Put | Method::Post) {
        let body = incoming::body(&mut request).await?;
        init.body = Some(worker::js_sys::Uint8Array::from(body.as_slice()).into());
    }
    if let Some(precondition) = incoming::header(request.headers(), "if-match") {
        init.headers.set("if-match", &precondition)?;
    }
    init.headers.set(AUTHOR_HEADER, &operator.name())?;
    let url = format!("https://rulebook/documents/{}", path.join("/"));
    let forwarded = Request::new_with_init(&url, &init)?;
    Ok(config::rulebook(call.env, site)?.fetch_with_request(forwarded).await?)
}

fn parse(visitor: &str) -> Result<Uuid, Problem> {
    Uuid::try_parse(visitor).map_err(|_| Problem::new(400, "malformed", "A visitor is named by a UUID."))
}

/// The visitor that the query names by an id of the store's own.
fn named(site: &SiteId, call: &Call<'_>) -> Result<Uuid, Problem> {
    let by = |name: &str, kind| call.query(name).and_then(|id| visitor_of(site, kind, &id));
    let wanted = || Problem::new(400, "malformed", "Say whom: /visitors/{uuid}, ?anonymousId=… or ?userId=….");
    by("anonymousId", Foreign::Anonymous).or_else(|| by("userId", Foreign::User)).ok_or_else(wanted)
}

/// Everything that is known of a visitor. A look: it stores nothing.
async fn inspection(site: &SiteId, visitor: Uuid, call: &Call<'_>) -> Result<Response, Problem> {
    let object = deliver::visitor_object(call.env, site, visitor)?;
    Ok(object.fetch_with_str("https://visitor/inspection").await?)
}

/// A visitor's newest records in the database.
async fn records(site: &SiteId, visitor: Uuid, call: &Call<'_>) -> Result<Response, Problem> {
    let limit = call.query("limit").and_then(|text| text.parse().ok()).unwrap_or(RECORDS.1).clamp(1, RECORDS.0);
    let items = d1_sink::read(call.env, site.as_str(), &visitor.to_string(), limit).await?;
    Ok(json(200, &object!({ "items": items }))?)
}
