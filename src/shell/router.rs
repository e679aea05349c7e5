//! From a path to whoever answers it. Problems become answers here, and nowhere else.

use crate::access::head::Head;
use crate::access::origin::origin_of;
use crate::shell::call::Call;
use crate::shell::deployment;
use crate::shell::events::Way;
use crate::shell::reply::{Answer, Problem};
use crate::shell::{admin, assets, cors, events, health, own};
use footfall_protocol::decode::Call as Kind;
use std::cell::OnceCell;
use worker::worker_sys::web_sys::Request;
use worker::{Env, Method, Result, console_error};

/// Answers a request.
pub(super) async fn route(request: Request, head: &Head, env: Env) -> Result<Answer> {
    let path = head.path();
    if let Some(rest) = path.strip_prefix("/health").filter(|rest| rest.is_empty() || rest.starts_with('/')) {
        return Ok(health::answer(rest, &env).await?.into());
    }
    // The schema of authored documents is a file beside the endpoints that take them: editors read it without a token.
    let file = path == "/admin/v1/rule.schema.json";
    if file || !["/v1/", "/admin/v1/"].iter().any(|prefix| path.starts_with(prefix)) {
        return or_problem(assets::answer(request.into(), &env).await.map(Answer::from));
    }
    let parsed = deployment::parsed(&env);
    let deployment = match parsed.as_ref() {
        Ok(deployment) => deployment,
        Err(faults) => {
            console_error!("the configuration is wrong: {}", faults.join("; "));
            let detail = "The deployment is not configured; /health/ready says why.";
            return or_problem(Err(Problem::later("misconfigured", detail)));
        }
    };
    let own = origin_of(head.url()).unwrap_or_default();
    let call = Call { env: &env, deployment, request: &request, head, own, site: OnceCell::new() };
    let mut answer = or_problem(answer(path, &call).await)?;
    if !answer.upgrades() {
        cors::apply(&mut answer, &call)?;
    }
    Ok(answer)
}

fn or_problem(outcome: std::result::Result<Answer, Problem>) -> Result<Answer> {
    outcome.or_else(|problem| Ok(problem.made()?.into()))
}

async fn answer(path: &str, call: &Call<'_>) -> std::result::Result<Answer, Problem> {
    let method = call.method();
    // The platform's crate takes a method that it does not know for GET.
    if method.as_ref() != call.head.method() && path.starts_with("/v1/") {
        return Err(Problem::method("GET, POST"));
    }
    if let Some(rest) = path.strip_prefix("/admin/v1/") {
        return admin::answer(rest, call).await.map(Answer::from);
    }
    if method == Method::Options {
        return Ok(cors::preflight(call).into());
    }
    let name = path.strip_prefix("/v1/").unwrap_or_default();
    let way = match name {
        "batch" | "b" | "import" => Some(Way::Batch),
        "beacon" => Some(Way::Beacon),
        _ => Kind::parse(name).map(Way::One),
    };
    let response = match (way, name, method) {
        (Some(way), _, Method::Post) => return events::accept(way, call).await.map(Answer::from),
        (None, "visitor", Method::Post) => own::name_visitor(call).await,
        (None, "erase", Method::Post) => own::erase(call).await,
        (None, "config", Method::Get) => own::config(call),
        (None, "state", Method::Get) => own::state(call).await,
        (None, "log", Method::Get) => own::log(call).await,
        (None, "export", Method::Get) => own::export(call).await,
        (None, "socket", Method::Get) => own::socket(call).await,
        (Some(_), ..) | (None, "visitor" | "erase", _) => Err(Problem::method("POST")),
        (None, "config" | "state" | "log" | "export" | "socket", _) => Err(Problem::method("GET")),
        _ => Err(Problem::new(404, "not_found", "There is nothing at this path.")),
    };
    response.map(Answer::from)
}
