//! The rulebook object: one Durable Object per site, the only home of its rules, segments and stages.
//!
//! Every accepted change makes a new version: compiled whole and published in the transaction that stores it. What is
//! published is an immutable piece under the hash of its bytes, which isolates fetch once.

mod documents;
mod publish;
mod store;

use crate::engine::rules::RuleSet;
use crate::shell::reply::{Problem, json};
use store::Store;
use worker::{
    DurableObject, Env, Method, Request, Response, ResponseBuilder, Result, State, console_error, durable_object,
};

/// The class that the platform makes objects of. It keeps nothing in memory: disk is asked every time.
#[durable_object(fetch)]
pub struct Rulebook {
    state: State,
}

impl std::panic::UnwindSafe for Rulebook {}
impl std::panic::RefUnwindSafe for Rulebook {}

impl DurableObject for Rulebook {
    fn new(state: State, _env: Env) -> Self {
        Self { state }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let answer = self.answer(request).await;
        answer.or_else(|problem| problem.respond()).or_else(|error| {
            console_error!("fault in a rulebook: {error}");
            Problem::later("unavailable", "The rulebook cannot be reached at the moment.").respond()
        })
    }
}

impl Rulebook {
    async fn answer(&self, request: Request) -> std::result::Result<Response, Problem> {
        let path = request.path();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (request.method(), parts.as_slice()) {
            (Method::Get, ["version"]) => Ok(json(200, &publish::published(&Store::new(&self.state))?)?),
            (Method::Post, ["recompile"]) => Ok(json(200, &publish::recompile(&self.state)?)?),
            (Method::Get, ["piece", hash]) => Ok(self.piece(hash)?),
            (_, ["documents", kind]) => self.documents(request, kind, None).await,
            (_, ["documents", kind, id]) => self.documents(request, kind, Some(id)).await,
            _ => Err(not_found()),
        }
    }

    /// The bytes of a piece: immutable, since the hash is that of the bytes.
    fn piece(&self, hash: &str) -> Result<Response> {
        let stored = Store::new(&self.state).piece(hash)?;
        // A rulebook that was never written has published the defaults, which are made here.
        let bytes = stored.or_else(|| {
            let (hash_of_defaults, bytes) = publish::defaults();
            (hash == hash_of_defaults).then_some(bytes)
        });
        match bytes {
            Some(bytes) => {
                Ok(ResponseBuilder::new().with_header("content-type", "application/octet-stream")?.fixed(bytes))
            }
            None => not_found().respond(),
        }
    }

    async fn documents(
        &self,
        mut request: Request,
        kind: &str,
        id: Option<&str>,
    ) -> std::result::Result<Response, Problem> {
        let kind = documents::Kind::parse(kind).ok_or_else(not_found)?;
        let precondition = request.headers().get("if-match").ok().flatten();
        let author = request.headers().get(AUTHOR_HEADER).ok().flatten().unwrap_or_default();
        let method = request.method();
        let body = if matches!(method, Method::Put | Method::Post) { request.bytes().await? } else { Vec::new() };
        // From here on nothing is awaited: what was read is still true when it is written.
        let change = documents::Change { state: &self.state, kind, precondition, author };
        match (method, id) {
            (Method::Get, None) => Ok(change.list()?),
            (Method::Get, Some(id)) => change.read(id),
            (Method::Post, None) => change.create(&body),
            (Method::Put, Some(id)) => change.put(id, &body),
            (Method::Delete, Some(id)) => change.delete(id),
            (_, None) => Err(Problem::method("GET, POST")),
            (_, Some(_)) => Err(Problem::method("GET, PUT, DELETE")),
        }
    }
}

/// The header in which the router says who asks, for the audit trail.
pub(super) const AUTHOR_HEADER: &str = "footfall-author";

pub(super) fn not_found() -> Problem {
    Problem::new(404, "not_found", "There is nothing at this path.")
}

/// Compiled rules with their address.
fn addressed(rules: &RuleSet) -> (String, Vec<u8>) {
    let bytes = rules.encode();
    (crate::access::seal::content_address(&bytes), bytes)
}
