//! The limiter object: one Durable Object per source with a limit, which keeps the source's exact window.
//!
//! One row, written whenever events are let in and never when they are refused. So a limit that is exact costs one request
//! to an object and one row for each request that is let in, and is there only for sources that are given one.

use crate::engine::{Allowance, Rate, Window};
use crate::shell::clock;
use crate::shell::kv::Kv;
use crate::shell::reply::{Problem, json};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use worker::{DurableObject, Env, Error, Request, Response, Result, State, console_error, durable_object};

/// The key of the window.
const WINDOW: &str = "window";

/// What the router wants to let in.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) rate: Rate,
    pub(super) count: u32,
}

/// Whether it may.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) taken: bool,
    /// How the window stands now.
    pub(super) allowance: Allowance,
}

/// The class that the platform makes objects of.
#[durable_object(fetch)]
pub struct Limiter {
    kv: Kv,
    /// The window, as it is on disk; taken out for every change, so that after a failure disk is read again.
    window: RefCell<Option<Window>>,
}

impl std::panic::UnwindSafe for Limiter {}
impl std::panic::RefUnwindSafe for Limiter {}

impl DurableObject for Limiter {
    fn new(state: State, _env: Env) -> Self {
        Self { kv: Kv::new(&state), window: RefCell::new(None) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let answer = async {
            let asked: Asked = request.json().await?;
            json(200, &self.take(&asked)?)
        };
        answer.await.or_else(|error| {
            console_error!("fault in a limiter: {error}");
            Problem::later("unavailable", "The limiter cannot be reached at the moment.").respond()
        })
    }
}

impl Limiter {
    /// Without an await: two requests never look at one window. The platform holds the answer back until the row is
    /// durable.
    fn take(&self, asked: &Asked) -> Result<Told> {
        let Asked { rate, count } = *asked;
        let now_ms = clock::now();
        let mut window = match self.window.take() {
            Some(window) => window,
            None => self.load()?,
        };
        let taken = window.look(rate, count, now_ms).retry_ms == 0;
        if taken {
            window.take(rate, count, now_ms);
            self.keep(&window)?;
        }
        let wanted = if taken { 0 } else { count };
        let allowance = window.look(rate, wanted, now_ms);
        self.window.replace(Some(window));
        Ok(Told { taken, allowance })
    }

    fn load(&self) -> Result<Window> {
        let Some(bytes) = self.kv.get(WINDOW)? else { return Ok(Window::default()) };
        postcard::from_bytes(&bytes).map_err(|_| Error::RustError("the stored window cannot be read".into()))
    }

    fn keep(&self, window: &Window) -> Result<()> {
        let bytes = postcard::to_allocvec(window).map_err(|error| Error::RustError(error.to_string()))?;
        self.kv.put(WINDOW, &bytes)
    }
}
