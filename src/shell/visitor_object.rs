//! The visitor object: one Durable Object per visitor. Carries inputs to the engine, and its effects to disk, sockets
//! and queue.

mod alarm;
mod erase;
mod flight;
mod frames;
mod letters;
mod look;
mod runtime;
mod sent;
mod sockets;
mod store;
mod turn;

use crate::engine::{Allowance, Config, Input};
use crate::shell::reply::Problem;
use crate::shell::{bridge, clock, config, deployment, js};
use footfall_protocol::event::{Authority, Delivery};
use footfall_protocol::ids::{self, SiteId};
use footfall_protocol::limits::FRAME_BYTES_MAX;
use footfall_protocol::message::{Missed, Standing};
use footfall_protocol::rejection::{Code, Rejection};
use sent::Sent;
use serde::Serialize;
pub(super) use sockets::{SURROUNDINGS_HEADER, pack};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use store::Store;
use turn::Resident;
use uuid::Uuid;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::JsString;
use worker::worker_sys::web_sys;
use worker::{
    DurableObject, Env, Error, Method, Request, Response, Result, State, WebSocket, console_error, durable_object,
};

/// The class that the platform makes objects of.
#[durable_object]
pub struct Visitor {
    object: Rc<Object>,
}

// After a panic the visitor is read from disk again; nothing else in memory spans two inputs.
impl std::panic::UnwindSafe for Visitor {}
impl std::panic::RefUnwindSafe for Visitor {}

/// What lives as long as the instance; shared with what goes on after an answer.
struct Object {
    state: State,
    env: Env,
    /// Whose object it is, by its own name.
    whose: Option<(SiteId, Uuid)>,
    /// The visitor, when it is in memory and as it is on disk. Taken out for every input, and put back only when that
    /// went well: after a panic or a failed commit, disk is the truth.
    resident: RefCell<Option<Resident>>,
    /// Records are on their way to the queue.
    flying: Cell<bool>,
    /// What the queue took a moment ago.
    sent: RefCell<Sent>,
    /// Wakes in a row that failed.
    failed_wakes: Cell<u32>,
    store: Store,
}

impl DurableObject for Visitor {
    fn new(state: State, env: Env) -> Self {
        clock::began();
        sockets::answer_pings(&state);
        let whose = state.id().name().and_then(|name| ids::parse_visitor_object(&name));
        Self {
            object: Rc::new(Object {
                store: Store::new(&state),
                state,
                env,
                whose,
                resident: RefCell::new(None),
                flying: Cell::new(false),
                sent: RefCell::new(Sent::default()),
                failed_wakes: Cell::new(0),
            }),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let object = &self.object;
        let path = request.path();
        if let (Method::Get, Some(rule)) = (request.method(), path.strip_prefix("/explain/")) {
            return object.explain(rule).await.or_else(unavailable);
        }
        let answer = match (request.method(), path.as_str()) {
            (Method::Get, "/state") => object.look(false).await,
            (Method::Get, "/inspection") => object.look(true).await,
            (Method::Get, "/waiting") => object.waiting().await,
            (Method::Post, "/told") => object.be_told(request).await,
            (Method::Post, "/leave-users") => object.leave_users().await,
            (Method::Get, "/lives") => object.lives(),
            (Method::Post, "/withdraw") => object.withdraw().await,
            (Method::Post, "/erase") => object.erase(request).await,
            (Method::Post, "/dry-run") => object.dry_run(request).await,
            (Method::Get, "/socket") => return object.upgrade(&request),
            _ => return Problem::new(404, "not_found", "There is nothing at this path.").respond(),
        };
        answer.or_else(unavailable)
    }

    async fn alarm(&self) -> Result<Response> {
        self.object.ring().await;
        Response::empty()
    }

    async fn websocket_close(&self, socket: WebSocket, _code: usize, _reason: String, _clean: bool) -> Result<()> {
        self.object.closed(&socket).await;
        Ok(())
    }

    async fn websocket_error(&self, socket: WebSocket, _error: Error) -> Result<()> {
        self.object.closed(&socket).await;
        Ok(())
    }
}

#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
impl Visitor {
    /// Takes the events of one request (`bridge::take`): a method that the router calls, since a request and an answer
    /// would cost more than the work. Gives JSON, or nothing when nothing is to be said; fails when it is not committed.
    pub fn take(&self, brought: Vec<u8>) -> std::result::Result<JsValue, JsValue> {
        let object = Rc::clone(&self.object);
        js::at_once(async move {
            let taken = object.take(&brought).await;
            let text = taken.and_then(|taken| Ok(taken.map(|taken| serde_json::to_string(&taken)).transpose()?));
            text.map(|text| text.map_or(JsValue::UNDEFINED, JsValue::from)).map_err(|error| {
                console_error!("fault in a visitor: {error}");
                error.into()
            })
        })
    }

    /// Takes what came in on a socket, if it is a text: by the crate's own way it would be copied letter by letter, however long
    /// it is, and be a promise also when there is nothing to wait for.
    pub fn receive(&self, socket: web_sys::WebSocket, text: Option<JsString>) -> std::result::Result<JsValue, JsValue> {
        let object = Rc::clone(&self.object);
        js::at_once(async move {
            let text = text.map(|text| bridge::text(&text, FRAME_BYTES_MAX));
            object.receive(&WebSocket::from(socket), text).await;
            Ok(JsValue::UNDEFINED)
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it ends an answer")]
fn unavailable(error: Error) -> Result<Response> {
    console_error!("fault in a visitor: {error}");
    Problem::later("unavailable", "The visitor cannot be reached at the moment.").respond()
}

impl Object {
    fn whose(&self) -> Result<&(SiteId, Uuid)> {
        self.whose.as_ref().ok_or_else(|| Error::RustError("the object's name is that of no visitor".into()))
    }

    /// The site's configuration: what is published, or for a visitor who previews it the draft. Inputs keep their order:
    /// while the rulebook is waited for, no other is let in.
    async fn config(&self) -> Result<Rc<Config>> {
        let (site, visitor) = self.whose()?;
        let refresh = || -> Result<_> {
            let parsed = deployment::parsed(&self.env);
            let settings = match parsed.as_ref() {
                Ok(deployment) => deployment.sites.get(site).map(|site| site.engine.clone()),
                Err(_) => None,
            };
            let settings = settings.ok_or_else(|| Error::RustError(format!("site `{site}` is not configured")))?;
            Ok(config::refresh(self.env.clone(), site.clone(), *visitor, settings))
        };
        match config::cached(site, *visitor, clock::now()) {
            config::Cached::Fresh(config) => Ok(config),
            config::Cached::Ageing(config) => {
                let refresh = refresh()?;
                // It logs its own failure, and the copy goes on.
                self.state.wait_until(async move { drop(refresh.await) });
                Ok(config)
            }
            config::Cached::Stale => {
                let refresh = refresh()?;
                // An error out of here would reset the object: it is carried out as a value.
                self.state.block_concurrency_while(async move { Ok(refresh.await) }).await?
            }
        }
    }

    /// Events that the router brings, with where the tab stands that sends them. What there is to say: what was refused, what
    /// the tab has missed, how the window of a limit stands.
    async fn take(self: &Rc<Self>, brought: &[u8]) -> Result<Option<Taken>> {
        let (delivery, standing): (Delivery, Option<Standing>) = postcard::from_bytes(brought)
            .map_err(|_| Error::RustError("the delivery is not of this release".into()))?;
        let authority = delivery.events.first().map(|(_, event)| event.authority);
        let rejections = self.apply(Input::Events(delivery)).await?;
        let missed = match standing {
            Some(standing) => {
                let config = self.config().await?;
                Some(self.seen(&config, |visitor| visitor.missed(&standing, clock::now())).await?)
            }
            None => None,
        };
        let pushes = missed.filter(|missed| !missed.messages.is_empty());
        let allowance = self.allowance(authority, &rejections).await?;
        let nothing = rejections.is_empty() && pushes.is_none() && allowance.is_none();
        Ok(if nothing { None } else { Some(Taken { rejections, pushes, allowance }) })
    }

    /// How the visitor's window stands for a sender whose events were just taken, or refused with these rejections.
    async fn allowance(&self, authority: Option<Authority>, rejections: &[Rejection]) -> Result<Option<Allowance>> {
        let (Some(rate), Some(authority)) = (self.config().await?.settings.rate, authority) else { return Ok(None) };
        let refused = rejections.iter().filter(|rejection| rejection.code == Code::RateLimited).count();
        let wanted = u32::try_from(refused).unwrap_or(u32::MAX);
        let resident = self.resident.borrow();
        let look = |resident: &Resident| resident.visitor.allowance(authority, rate, wanted, clock::now());
        Ok(resident.as_ref().map(look))
    }
}

/// What became of a delivery.
#[derive(Serialize)]
struct Taken {
    rejections: Vec<Rejection>,
    pushes: Option<Missed>,
    allowance: Option<Allowance>,
}
