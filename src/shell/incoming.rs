//! What the router reads of a request besides its path: the body within bounds, the surroundings, the credentials.

use crate::access::body::{BodyFault, unpack};
use crate::access::bot::{self, Bot, Signs};
use crate::access::credential::{Authorization, authorization};
use crate::access::delivery;
use crate::access::device::device;
use crate::access::head::{ABSENT, Head};
use crate::access::scope::Grant;
use crate::shell::answering::settled;
use crate::shell::bridge;
use crate::shell::call::Call;
use crate::shell::reply::Problem;
use footfall_protocol::event::{Device, Geo, Surroundings};
use footfall_protocol::limits::{BODY_BYTES_MAX, TEXT_BYTES_MAX, cut};
use futures_util::StreamExt as _;
use std::cell::RefCell;
use std::collections::BTreeMap;
use worker::js_sys::Uint8Array;
use worker::worker_sys::web_sys::Request as RawRequest;
use worker::{Headers, Request};

/// The first value of a header.
pub(super) fn header(headers: &Headers, name: &str) -> Option<String> {
    // Reading fails only for a name that is no header name.
    headers.get(name).ok().flatten()
}

/// The `Authorization` header.
pub(super) fn credential(head: &Head) -> Option<Authorization> {
    authorization(head.header("authorization")?)
}

/// The body, unpacked, within [`BODY_BYTES_MAX`] both packed and unpacked.
pub(super) async fn body(call: &Call<'_>) -> Result<Vec<u8>, Problem> {
    body_within(call, BODY_BYTES_MAX).await
}

/// The body, unpacked, within a bound both packed and unpacked.
pub(super) async fn body_within(call: &Call<'_>, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    let too_large = || Problem::new(413, "body_too_large", format!("A body has at most {bytes_max} bytes, unpacked."));
    let packed = match call.head.header("content-length").and_then(|text| text.parse::<usize>().ok()) {
        Some(length) if length > bytes_max => return Err(too_large()),
        Some(_) => {
            let reading = call.request.array_buffer().map_err(|_| broken_off())?;
            Uint8Array::new(&settled(reading).await.map_err(|_| broken_off())?).to_vec()
        }
        // Without a length the sender could go on for ever.
        None => {
            pour(Request::from(Clone::clone(call.request) as RawRequest), bytes_max).await?.ok_or_else(too_large)?
        }
    };
    unpack(packed, call.head.header("content-encoding"), bytes_max).map_err(|fault| match fault {
        BodyFault::TooLarge => too_large(),
        BodyFault::NotGzip => Problem::new(400, "malformed", "The body is not the gzip that its header promises."),
        BodyFault::UnknownEncoding => Problem::new(415, "unknown_encoding", "Send the body plain or gzipped."),
    })
}

/// The sender's connection, or its way of saying how long the body is: nothing of ours.
fn broken_off() -> Problem {
    Problem::new(400, "malformed", "The body broke off, or is not as long as its headers say.")
}

/// The body as it comes; `None` when there is more of it than the bound.
async fn pour(mut request: Request, bytes_max: usize) -> Result<Option<Vec<u8>>, Problem> {
    let mut body = Vec::new();
    let Ok(mut stream) = request.stream() else { return Ok(Some(body)) };
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk.map_err(|_| broken_off())?);
        if body.len() > bytes_max {
            return Ok(None);
        }
    }
    Ok(Some(body))
}

/// Browsers that an isolate remembers, so that it looks once at what thousands of requests say alike.
const BROWSERS_MAX: usize = 256;
/// What one of them says of itself, in bytes. Beyond: it is looked at each time.
const BROWSER_BYTES_MAX: usize = 1_024;

thread_local! {
    /// What follows from the headers that tell of a browser.
    static BROWSERS: RefCell<BTreeMap<String, (Device, Option<Bot>)>> = const { RefCell::new(BTreeMap::new()) };
}

/// What is known of a browser's request; for a server's, only what its events say counts.
pub(super) fn browser(call: &Call<'_>, allow_headless: bool) -> delivery::Request {
    let header = |name| call.head.header(name);
    let (user_agent, brands) = (header("user-agent").unwrap_or_default(), header("sec-ch-ua").unwrap_or_default());
    let (mobile, language) = (header("sec-ch-ua-mobile"), header("accept-language"));
    let look = || {
        let signs = Signs { user_agent, brands, webdriver: false };
        (device(user_agent, mobile, language), bot::verdict(signs, allow_headless))
    };
    let words = [user_agent, brands, mobile.unwrap_or(ABSENT), language.unwrap_or(ABSENT)].join("\n");
    let key = if allow_headless { words } else { words + "\n" };
    let long = key.len() > BROWSER_BYTES_MAX;
    let remembered = |browsers: &mut BTreeMap<String, (Device, Option<Bot>)>| {
        if !browsers.contains_key(&key) && browsers.len() >= BROWSERS_MAX {
            browsers.clear();
        }
        browsers.entry(key).or_insert_with(look).clone()
    };
    // No browser says so much of itself; memory that wasm has taken it never gives back.
    let (device, bot) = if long { look() } else { BROWSERS.with_borrow_mut(remembered) };
    delivery::Request {
        surroundings: Surroundings {
            geo: geo(call),
            device: Some(device),
            gpc: header("sec-gpc") == Some("1"),
            source: String::new(),
        },
        bot,
        allow_headless,
        nonce: String::new(),
        grant: Grant::default(),
    }
}

/// Whether a page of another site made a browser send this. Browsers that say so at all say it of every request, also of
/// those without an `Origin`: pictures, scripts and links (Fetch Metadata).
pub(super) fn is_cross_site(head: &Head) -> bool {
    head.header("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site")
}

/// A request of one of the store's servers: where it runs and what it runs on say nothing about the visitor.
pub(super) fn server(allow_headless: bool) -> delivery::Request {
    delivery::Request { allow_headless, ..delivery::Request::default() }
}

/// Where the network says that the request came from.
fn geo(call: &Call<'_>) -> Option<Geo> {
    let [country, region, city, continent, timezone] =
        bridge::place(call.request)?.map(|text| cut(&text, TEXT_BYTES_MAX).to_owned());
    Some(Geo { country, region, city, continent, timezone })
}
