//! What the admin asks of the rulebook: who, under which conditions, with what body.

use super::store::Store;
use crate::access::precondition::Preconditions;
use crate::rulebook::lists::Unread;
use crate::rulebook::{Kind, is_id};
use crate::shell::incoming::header;
use crate::shell::reply::{Document, Pointed, Problem};
use footfall_protocol::limits::{COMMENT_BYTES_MAX, DOCUMENT_BYTES_MAX, PAGE_ENTRIES_MAX, RULEBOOK_BYTES_MAX};
use footfall_protocol::{Object, Value, query};
use worker::js_sys::decode_uri_component;
use worker::{Method, Request, Response, State};

/// The headers in which the router says who asks, and as what, for the audit trail.
pub(in super::super) const AUTHOR_HEADER: &str = "footfall-author";
pub(in super::super) const ROLE_HEADER: &str = "footfall-role";

/// A name as it was before it became fit for a header.
fn decoded(name: String) -> String {
    decode_uri_component(&name).map_or(name, String::from)
}

/// Entries of a page unless it is said.
const PAGE_ENTRIES: u64 = 50;

pub(super) type Answer = Result<Response, Problem>;

/// One call of the admin.
pub(super) struct Ask<'a> {
    pub(super) state: &'a State,
    pub(super) store: Store,
    /// Who asks.
    pub(super) author: String,
    /// As what.
    pub(super) role: String,
    pub(super) preconditions: Preconditions,
    url: String,
}

impl<'a> Ask<'a> {
    /// Reads the request, and opens the store after the last await.
    pub(super) async fn take(state: &'a State, mut request: Request) -> Result<(Self, Vec<u8>), Problem> {
        let has_body = matches!(request.method(), Method::Put | Method::Post);
        let body = if has_body { request.bytes().await? } else { Vec::new() };
        let headers = request.headers();
        let ask = Self {
            state,
            store: Store::open(state)?,
            author: header(headers, AUTHOR_HEADER).map(decoded).unwrap_or_default(),
            role: header(headers, ROLE_HEADER).unwrap_or_default(),
            preconditions: Preconditions {
                if_match: header(headers, "if-match"),
                if_none_match: header(headers, "if-none-match"),
            },
            url: request.inner().url(),
        };
        Ok((ask, body))
    }

    /// Refuses to write what has another entity tag than the request wants; `None`: nothing is there.
    pub(super) fn check(&self, etag: Option<&str>) -> Result<(), Problem> {
        if self.preconditions.allow(etag) {
            return Ok(());
        }
        let detail = "What is there is not what If-Match or If-None-Match say; read it again, and then decide.";
        Err(Problem::new(412, "changed_meanwhile", detail))
    }

    /// Where a page begins and how long it is: `before` and `limit` of the query.
    pub(super) fn page(&self) -> Result<(u64, u64), Problem> {
        let number = |name: &str, unsaid: u64, max: u64| {
            let Some(text) = query::member(&self.url, name) else { return Ok(unsaid) };
            let said = text.parse().ok().filter(|said| (1..=max).contains(said));
            said.ok_or_else(|| Problem::new(400, "malformed", format!("`{name}` is a whole number from 1 to {max}.")))
        };
        // Versions and entries are counted in what JavaScript carries exactly.
        const MAX: u64 = (1 << 53) - 1;
        Ok((number("before", MAX, MAX)?, number("limit", PAGE_ENTRIES, PAGE_ENTRIES_MAX)?))
    }
}

/// A document out of a body: an object that says its id, or `id` when it does not.
pub(super) fn document(body: &[u8], id: Option<&str>) -> Result<(String, Value), Problem> {
    if body.len() > DOCUMENT_BYTES_MAX {
        return Err(Problem::new(413, "too_large", format!("A document has at most {DOCUMENT_BYTES_MAX} bytes.")));
    }
    let mut value = parse(body)?;
    let Value::Object(members) = &mut value else {
        return Err(Problem::refused(vec![pointed("invalid", "", "a document is an object")]));
    };
    let said = members.get("id").map(|said| said.as_str().map(str::to_owned));
    let fault = |code, message: &str| Err(Problem::refused(vec![pointed(code, "/id", message)]));
    let own = match (said, id) {
        (Some(Some(said)), None) => said,
        (Some(Some(said)), Some(id)) if said == id => said,
        (Some(Some(_)), Some(_)) => return fault("invalid", "is not the id that the path says"),
        (Some(None), _) => return fault("invalid", "an id is a string"),
        (None, Some(id)) => {
            members.insert("id", id);
            id.to_owned()
        }
        (None, None) => return fault("missing", "a new document says its own id"),
    };
    if !is_id(&own) {
        return fault("invalid", "wants 1 to 64 of a–z, 0–9, `-`, `_` and `.`, and is neither `.` nor `..`");
    }
    Ok((own, value))
}

/// A body as JSON.
pub(super) fn parse(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::not_json(&error))
}

/// What a call says besides its path: an object with some of these members; no body at all says none of them.
pub(super) fn settings(body: &[u8], known: &[&str]) -> Result<Object, Problem> {
    let value = if body.is_empty() { Value::Object(Object::new()) } else { parse(body)? };
    let Value::Object(members) = value else {
        return Err(Problem::unfit(vec![pointed("invalid", "", "wants an object")]));
    };
    let unknown = members.iter().map(|(key, _)| key).filter(|key| !known.contains(key));
    let unknown: Vec<Pointed> = unknown
        .map(|key| {
            let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
            pointed("unknown_member", &pointer, &format!("there are: {}", known.join(", ")))
        })
        .collect();
    if unknown.is_empty() { Ok(members) } else { Err(Problem::unfit(unknown)) }
}

/// The comment that a call brings.
pub(super) fn comment(settings: &Object) -> Result<Option<String>, Problem> {
    let fault = |code, message: &str| Err(Problem::unfit(vec![pointed(code, "/comment", message)]));
    match settings.get("comment") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() <= COMMENT_BYTES_MAX => Ok(Some(text.clone())),
        Some(Value::String(_)) => fault("too_long", &format!("at most {COMMENT_BYTES_MAX} bytes")),
        Some(_) => fault("invalid", "wants a string"),
    }
}

/// A fault in the body that was sent.
pub(super) fn pointed(code: &str, pointer: &str, message: &str) -> Pointed {
    Pointed { code: code.to_owned(), pointer: pointer.to_owned(), message: message.to_owned(), document: None }
}

impl From<crate::rulebook::check::Found> for Pointed {
    fn from(found: crate::rulebook::check::Found) -> Self {
        let crate::rulebook::check::Found { kind, id, fault, .. } = found;
        let document = Some(Document { kind, id });
        Self { code: fault.code.to_string(), pointer: fault.pointer, message: fault.message, document }
    }
}

impl From<Unread> for Problem {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::NotJson(error) => Self::not_json(&error),
            Unread::Faults(faults) => {
                Self::unfit(faults.iter().map(|of| pointed(&of.code, &of.pointer, &of.message)).collect())
            }
        }
    }
}

/// A new document where there is no room for it.
pub(super) fn too_many(kind: Kind) -> Problem {
    let message = format!("a site has at most {} {}", kind.count_max(), kind.as_str());
    Problem::refused(vec![pointed("too_many", "", &message)])
}

/// Documents that are too long together, where they would become longer still.
pub(super) fn too_large() -> Problem {
    let message = format!("the rules, segments and stages of a site have at most {RULEBOOK_BYTES_MAX} bytes together");
    Problem::refused(vec![pointed("too_large", "", &message)])
}

/// An answer with its entity tag.
pub(super) fn tagged(response: Response, etag: &str) -> worker::Result<Response> {
    response.headers().set("etag", etag)?;
    Ok(response)
}
