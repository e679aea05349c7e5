//! From a path to whoever answers it. Problems become answers here, and nowhere else.

use crate::access::origin::origin_of;
use crate::shell::call::Call;
use crate::shell::deployment;
use crate::shell::events::Way;
use crate::shell::incoming::header;
use crate::shell::reply::Problem;
use crate::shell::{admin, assets, cors, events, health, own};
use footfall_protocol::decode::Call as Kind;
use std::cell::OnceCell;
use worker::{Env, Method, Request, Response, Result, console_error};

/// Answers a request.
pub(super) async fn route(request: Request, env: Env) -> Result<Response> {
    let path = request.path();
    if let Some(rest) = path.strip_prefix("/health").filter(|rest| rest.is_empty() || rest.starts_with('/')) {
        return health::answer(rest, &env).await;
    }
    // The schema of authored documents is a file beside the endpoints that take them: editors read it without a token.
    let file = path == "/admin/v1/rule.schema.json";
    if file || !["/v1/", "/admin/v1/"].iter().any(|prefix| path.starts_with(prefix)) {
        return assets::answer(request, &env).await.or_else(|problem| problem.respond());
    }
    let parsed = deployment::parsed(&env);
    let deployment = match parsed.as_ref() {
        Ok(deployment) => deployment,
        Err(faults) => {
            console_error!("the configuration is wrong: {}", faults.join("; "));
            return Problem::later("misconfigured", "The deployment is not configured; /health/ready says why.")
                .respond();
        }
    };
    let url = request.inner().url();
    let call = Call {
        env: &env,
        deployment,
        url: &url,
        own: origin_of(&url).unwrap_or_default(),
        origin: header(request.headers(), "origin"),
        site: OnceCell::new(),
    };
    let response = match answer(request, &path, &call).await {
        Ok(response) => response,
        Err(problem) => problem.respond()?,
    };
    // The answer to an upgrade carries a socket and is not read by scripts.
    if response.status_code() == 101 { Ok(response) } else { cors::apply(response, &call) }
}

async fn answer(request: Request, path: &str, call: &Call<'_>) -> std::result::Result<Response, Problem> {
    let method = request.method();
    // The platform's crate takes a method that it does not know for GET.
    if method.as_ref() != request.inner().method() && path.starts_with("/v1/") {
        return Err(Problem::method("GET, POST"));
    }
    if let Some(rest) = path.strip_prefix("/admin/v1/") {
        return admin::answer(request, rest, call).await;
    }
    if method == Method::Options {
        return Ok(cors::preflight(call)?);
    }
    let name = path.strip_prefix("/v1/").unwrap_or_default();
    let way = match name {
        "batch" | "b" | "import" => Some(Way::Batch),
        "beacon" => Some(Way::Beacon),
        _ => Kind::parse(name).map(Way::One),
    };
    match (way, name, method) {
        (Some(way), _, Method::Post) => events::accept(request, way, call).await,
        (None, "visitor", Method::Post) => own::name_visitor(request, call).await,
        (None, "erase", Method::Post) => own::erase(&request, call).await,
        (None, "config", Method::Get) => own::config(call),
        (None, "state", Method::Get) => own::state(&request, call).await,
        (None, "log", Method::Get) => own::log(&request, call).await,
        (None, "export", Method::Get) => own::export(&request, call).await,
        (None, "socket", Method::Get) => own::socket(request, call).await,
        (Some(_), ..) | (None, "visitor" | "erase", _) => Err(Problem::method("POST")),
        (None, "config" | "state" | "log" | "export" | "socket", _) => Err(Problem::method("GET")),
        _ => Err(Problem::new(404, "not_found", "There is nothing at this path.")),
    }
}
