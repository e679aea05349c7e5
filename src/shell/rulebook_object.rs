//! The rulebook object: one Durable Object per site, the only home of its rules, segments and stages.
//!
//! Every accepted change makes a new version: compiled whole and published in the transaction that stores it. What is
//! published is an immutable piece under the hash of its bytes, which isolates fetch once. Beside it there is a draft,
//! which may be wrong, be tried by single visitors, and become a version as a whole.

mod ask;
mod audit;
mod documents;
mod draft;
mod drafting;
mod previews;
mod publication;
mod published;
mod replacing;
mod store;
mod versions;

use crate::engine::rules::RuleSet;
use crate::rulebook::Kind;
use crate::shell::js;
use crate::shell::reply::{Problem, json};
pub(super) use ask::{AUTHOR_HEADER, ROLE_HEADER};
use ask::{Answer, Ask};
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
    async fn answer(&self, request: Request) -> Answer {
        let path = request.path();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (request.method(), parts.as_slice()) {
            (Method::Get, ["version"]) => Ok(json(200, &published::published(&Store::open(&self.state)?)?)?),
            (Method::Post, ["recompile"]) => Ok(json(200, &published::recompile(&self.state)?)?),
            (Method::Get, ["piece", hash]) => Ok(self.piece(hash)?),
            (method, ["admin", rest @ ..]) => {
                let (ask, body) = Ask::take(&self.state, request).await?;
                // From here on nothing is awaited: what was read is still true when it is written.
                admin(&ask, &method, rest, &body)
            }
            _ => Err(not_found()),
        }
    }

    /// The bytes of a piece: immutable, since the hash is that of the bytes.
    fn piece(&self, hash: &str) -> Result<Response> {
        let stored = Store::open(&self.state)?.piece(hash)?;
        // A rulebook that was never written has published the defaults, which are made here.
        let bytes = stored.or_else(|| {
            let (hash_of_defaults, bytes) = published::defaults();
            (hash == hash_of_defaults).then_some(bytes)
        });
        match bytes {
            Some(bytes) => {
                Ok(ResponseBuilder::new().with_header("content-type", "application/octet-stream")?.fixed(bytes))
            }
            None => not_found().respond(),
        }
    }
}

/// What the admin asks for. The router has looked at path, method and role already (`access::routes`).
fn admin(ask: &Ask<'_>, method: &Method, path: &[&str], body: &[u8]) -> Answer {
    let kind = |name: &str| Kind::parse(name).ok_or_else(not_found);
    match (method, path) {
        (Method::Get, ["versions"]) => ask.versions(),
        (Method::Get, ["versions", version]) => ask.version(version),
        (Method::Get, ["versions", from, "diff", to]) => ask.diff(from, to),
        (Method::Post, ["versions", version, "restore"]) => ask.restore(version, body),
        (Method::Get, ["audit"]) => ask.audit(),
        (Method::Get, ["previews"]) => ask.previews(),
        (Method::Put, ["previews", visitor]) => ask.begin_preview(visitor, body),
        (Method::Delete, ["previews", visitor]) => ask.end_preview(visitor),
        (Method::Get, ["draft"]) => ask.draft(),
        (Method::Put, ["draft"]) => ask.replace_draft(body),
        (Method::Delete, ["draft"]) => ask.discard_draft(),
        (Method::Post, ["draft", "validate"]) => ask.validate_draft(),
        (Method::Post, ["draft", "publish"]) => ask.publish_draft(body),
        (Method::Get, ["draft", name]) => ask.list_draft(kind(name)?),
        (Method::Post, ["draft", name]) => ask.create_in_draft(kind(name)?, body),
        (Method::Get, ["draft", name, id]) => ask.read_draft(kind(name)?, id),
        (Method::Put, ["draft", name, id]) => ask.put_in_draft(kind(name)?, id, body),
        (Method::Delete, ["draft", name, id]) => ask.delete_in_draft(kind(name)?, id),
        (Method::Get, [name]) => ask.list(kind(name)?),
        (Method::Post, [name]) => ask.create(kind(name)?, body),
        (Method::Get, [name, id]) => ask.read(kind(name)?, id),
        (Method::Put, [name, id]) => ask.put(kind(name)?, id, body),
        (Method::Delete, [name, id]) => ask.delete(kind(name)?, id),
        _ => Err(not_found()),
    }
}

pub(super) fn not_found() -> Problem {
    Problem::new(404, "not_found", "There is nothing at this path.")
}

/// Compiled rules with their address.
fn addressed(rules: &RuleSet) -> (String, Vec<u8>) {
    let bytes = rules.encode();
    (crate::access::seal::content_address(&bytes), bytes)
}
