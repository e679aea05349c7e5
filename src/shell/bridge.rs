//! The hot path's own way to the platform: what is asked for every event, each in one crossing (`bridge.js`).

use crate::access::head::{Head, NAMES};
use crate::shell::answering::settled;
use crate::sinks::message::Body;
use std::cell::Cell;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::{JsString, Promise, Uint8Array};
use worker::wasm_bindgen_futures::JsFuture;
use worker::worker_sys::web_sys::{Request, Response};
use worker::{Env, Queue};

#[wasm_bindgen(module = "/src/shell/bridge.js")]
extern "C" {
    #[wasm_bindgen(js_name = nameHeaders)]
    fn name_headers(list: &str);
    #[wasm_bindgen(js_name = head)]
    fn read_head(request: &Request) -> String;
    #[wasm_bindgen(js_name = place)]
    fn read_place(request: &Request) -> Option<String>;
    #[wasm_bindgen(js_name = utf8)]
    fn to_utf8(text: &JsString, most: usize) -> Vec<u8>;
    #[wasm_bindgen(js_name = take, catch)]
    fn begin_take(env: &Env, jurisdiction: Option<&str>, name: &str, brought: &[u8]) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_name = send, catch)]
    fn begin_send(queue: &JsValue, bodies: Vec<JsValue>) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_name = answer)]
    fn make_answer(status: u16, lines: &str, body: Option<&str>) -> Response;
}

thread_local! {
    /// Whether the other side knows the names.
    static NAMED: Cell<bool> = const { Cell::new(false) };
}

/// Reads a request without its body.
pub(super) fn head(request: &Request) -> Head {
    if !NAMED.replace(true) {
        name_headers(&NAMES.join("\n"));
    }
    Head::new(read_head(request))
}

/// Where the network says that a request came from: country, region, city, continent, time zone.
pub(super) fn place(request: &Request) -> Option<[String; 5]> {
    let mut lines = read_place(request)?.split('\n').map(str::to_owned).collect::<Vec<_>>().into_iter();
    Some(std::array::from_fn(|_| lines.next().unwrap_or_default()))
}

/// A text, but no more than so many bytes and one of it: who has a bound then sees that it was longer.
pub(super) fn text(text: &JsString, most: usize) -> String {
    String::from_utf8(to_utf8(text, most + 1)).unwrap_or_default()
}

/// Brings events to the object of a visitor, in a jurisdiction or anywhere. It answers in JSON, or nothing when nothing is
/// to be said.
pub(super) async fn take(
    env: &Env,
    jurisdiction: Option<&str>,
    name: &str,
    brought: &[u8],
) -> worker::Result<Option<String>> {
    // A stub that has failed once is of no use any more: each call has its own.
    Ok(settled(begin_take(env, jurisdiction, name, brought)?).await?.as_string())
}

/// Sends messages to a queue, in one batch.
pub(super) async fn send(queue: &Queue, messages: &[Body]) -> worker::Result<()> {
    let body = |body: &Body| match body {
        Body::Packed(bytes) => Uint8Array::from(bytes.as_slice()).into(),
        Body::Text(text) => JsValue::from_str(text),
    };
    JsFuture::from(begin_send(queue.as_ref(), messages.iter().map(body).collect())?).await?;
    Ok(())
}

/// Makes an answer.
pub(super) fn answer(status: u16, headers: &[(&'static str, String)], body: Option<&str>) -> Response {
    let mut lines = String::with_capacity(512);
    for (name, value) in headers {
        // A line's end in a value would begin another header.
        let value = value.split(['\r', '\n']).next().unwrap_or_default();
        lines.extend([name, "\n", value, "\n"]);
    }
    make_answer(status, &lines, body)
}
