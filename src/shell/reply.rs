//! Answers: JSON, and problems as RFC 9457 has them, with stable codes.

use crate::engine::Allowance;
use crate::rulebook::Kind;
use crate::shell::bridge;
use footfall_protocol::rejection::{Code, Fault};
use serde::Serialize;
use worker::worker_sys::web_sys;
use worker::{Response, Result, console_error};

/// An answer of ours, while it is still a value: it becomes the platform's at the very end, in one crossing.
#[derive(Debug)]
pub(super) struct Made {
    status: u16,
    headers: Vec<(&'static str, String)>,
    /// Text of some kind; JSON mostly.
    body: Option<String>,
}

impl Made {
    /// An answer without a body.
    pub(super) const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None }
    }

    /// An answer that is JSON and true only now.
    pub(super) fn json(status: u16, body: &impl Serialize) -> Result<Self> {
        let body = Some(serde_json::to_string(body)?);
        Ok(Self { status, headers: Vec::new(), body }
            .with("content-type", "application/json")
            .with("cache-control", "no-store"))
    }

    /// With one more header.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With how the window of a limit stands.
    pub(super) fn with_allowance(mut self, allowance: Option<Allowance>) -> Self {
        self.headers.extend(allowance.into_iter().flat_map(told));
        self
    }

    fn into_raw(self) -> web_sys::Response {
        bridge::answer(self.status, &self.headers, self.body.as_deref())
    }
}

impl From<Made> for Response {
    fn from(made: Made) -> Self {
        made.into_raw().into()
    }
}

/// What a request is answered with.
pub(super) enum Answer {
    /// By ourselves.
    Made(Made),
    /// By somebody else, whose answer is handed on.
    Forwarded(Response),
}

impl From<Made> for Answer {
    fn from(made: Made) -> Self {
        Self::Made(made)
    }
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        // The answer to an upgrade carries a socket. Headers of other answers cannot be changed: these are a copy.
        let upgrades = response.status_code() == 101;
        let headers = if upgrades { None } else { Some(response.headers().clone()) };
        Self::Forwarded(match headers {
            Some(headers) => response.with_headers(headers),
            None => response,
        })
    }
}

impl Answer {
    /// Whether it opens a socket: such an answer is no document, and is not read by scripts.
    pub(super) fn upgrades(&self) -> bool {
        matches!(self, Self::Forwarded(response) if response.status_code() == 101)
    }

    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Result<Option<String>> {
        match self {
            Self::Made(made) => {
                Ok(made.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()))
            }
            Self::Forwarded(response) => response.headers().get(name),
        }
    }

    /// Sets a header, whatever it was.
    pub(super) fn set(&mut self, name: &'static str, value: &str) -> Result<()> {
        self.remove(name)?;
        self.add(name, value)
    }

    /// Adds a value to a header.
    pub(super) fn add(&mut self, name: &'static str, value: &str) -> Result<()> {
        match self {
            Self::Made(made) => made.headers.push((name, value.to_owned())),
            Self::Forwarded(response) => response.headers().append(name, value)?,
        }
        Ok(())
    }

    /// Takes a header away.
    pub(super) fn remove(&mut self, name: &str) -> Result<()> {
        match self {
            Self::Made(made) => made.headers.retain(|(known, _)| *known != name),
            Self::Forwarded(response) => response.headers().delete(name)?,
        }
        Ok(())
    }

    /// The platform's own form of it.
    pub(super) fn into_raw(self) -> web_sys::Response {
        match self {
            Self::Made(made) => made.into_raw(),
            Self::Forwarded(response) => response.into(),
        }
    }
}

/// Why a request is not answered with what it asked for.
#[derive(Debug)]
pub(super) struct Problem {
    status: u16,
    code: &'static str,
    detail: String,
    /// For documents: every fault that was found, with its place.
    faults: Vec<Pointed>,
    /// Seconds until the same request may succeed.
    retry_after_s: Option<u32>,
    /// Methods that the path has, for 405.
    allow: Option<String>,
    /// How the window of a limit stands, for 429.
    allowance: Option<Allowance>,
}

/// A fault with its place in the body.
#[derive(Debug, Serialize)]
pub(super) struct Pointed {
    pub(super) code: String,
    pub(super) pointer: String,
    pub(super) message: String,
    /// Kind and id of the document that it is in, when that is not the one that was sent.
    #[serde(flatten)]
    pub(super) document: Option<Document>,
}

/// A document by its name.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    pub(super) kind: Kind,
    pub(super) id: String,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    faults: &'a [Pointed],
}

impl Problem {
    /// A problem with its status, stable code, and a sentence for whoever sent the request.
    pub(super) fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            faults: Vec::new(),
            retry_after_s: None,
            allow: None,
            allowance: None,
        }
    }

    /// A document that was refused, with all its faults.
    pub(super) fn refused(faults: Vec<Pointed>) -> Self {
        Self { faults, ..Self::new(422, "refused", "The document has faults; what was there before goes on.") }
    }

    /// What a call says besides its path has faults.
    pub(super) fn unfit(faults: Vec<Pointed>) -> Self {
        Self { faults, ..Self::new(422, "refused", "What was sent has faults; nothing is changed.") }
    }

    /// The body is not JSON.
    pub(super) fn not_json(error: &serde_json::Error) -> Self {
        Self::new(400, "malformed", format!("The body is no JSON that is taken here: {error}"))
    }

    /// The path is there, the method is not.
    pub(super) fn method(allow: &str) -> Self {
        Self { allow: Some(allow.to_owned()), ..Self::new(405, "method_not_allowed", format!("Use {allow}.")) }
    }

    /// Nothing was lost: the same request may succeed a little later.
    pub(super) fn later(code: &'static str, detail: impl Into<String>) -> Self {
        Self { retry_after_s: Some(1), ..Self::new(503, code, detail) }
    }

    /// The same request may succeed after so many seconds.
    pub(super) fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    /// With how the window of a limit stands, which also says when to come back.
    pub(super) fn with_allowance(self, allowance: Allowance) -> Self {
        let after_s = u32::try_from(allowance.retry_ms.div_ceil(1_000)).unwrap_or(u32::MAX);
        Self { allowance: Some(allowance), ..self.retry_after(after_s.max(1)) }
    }

    /// A fault of ours or of the platform: logged here, opaque outside.
    pub(super) fn fault(place: &str, error: &worker::Error) -> Self {
        console_error!("fault in {place}: {error}");
        Self::new(500, "fault", "Something is wrong on our side; it has been logged.")
    }

    /// The whole body could not be decoded.
    pub(super) fn body(fault: Fault) -> Self {
        let too_long = fault.code == Code::TooMany;
        let (status, code) = if too_long { (413, "batch_too_long") } else { (400, "malformed") };
        Self::new(status, code, fault.message)
    }

    /// The answer.
    pub(super) fn made(&self) -> Result<Made> {
        let body = Body {
            r#type: format!("urn:footfall:problem:{}", self.code),
            title: title(self.status),
            status: self.status,
            detail: &self.detail,
            code: self.code,
            faults: &self.faults,
        };
        let mut made = Made { body: Some(serde_json::to_string(&body)?), ..Made::empty(self.status) }
            .with("content-type", "application/problem+json")
            .with("cache-control", "no-store");
        if let Some(seconds) = self.retry_after_s {
            made = made.with("retry-after", seconds.to_string());
        }
        made = made.with_allowance(self.allowance);
        if let Some(allow) = &self.allow {
            made = made.with("allow", allow);
        }
        if self.status == 401 {
            made = made.with("www-authenticate", "Bearer");
        }
        Ok(made)
    }

    /// The answer, as objects give it.
    pub(super) fn respond(&self) -> Result<Response> {
        Ok(self.made()?.into())
    }
}

impl From<worker::Error> for Problem {
    fn from(error: worker::Error) -> Self {
        Self::fault("a request", &error)
    }
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        Self::fault("a request", &error.into())
    }
}

/// The status in the words of RFC 9110.
const fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

/// How the window of a limit stands, as headers: the limit, how many events there is room for, and the seconds until the
/// whole limit is free again.
fn told(allowance: Allowance) -> [(&'static str, String); 3] {
    [
        ("x-ratelimit-limit", allowance.limit.to_string()),
        ("x-ratelimit-remaining", allowance.remaining.to_string()),
        ("x-ratelimit-reset", allowance.reset_ms.div_ceil(1_000).to_string()),
    ]
}

/// An answer that is JSON and true only now, as objects give it.
pub(super) fn json(status: u16, body: &impl Serialize) -> Result<Response> {
    Ok(Made::json(status, body)?.into())
}
