//! Answers that wait for the platform while JavaScript does the waiting (`entry.js`).
//!
//! The crate's own way makes a promise for the answer and two closures for each promise that is waited for, all of which
//! cross between wasm and JavaScript and are known to the garbage collector. The hot path waits for two promises only, the
//! body and the visitor's object: the entry is handed each of them, and comes back with what it gave.

use crate::shell::{answer, js};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;
use worker::js_sys::Promise;
use worker::wasm_bindgen_futures::{JsFuture, future_to_promise};
use worker::worker_sys::web_sys::Request;

type Outcome = std::result::Result<JsValue, JsValue>;

/// An answer that waits.
#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
#[expect(missing_debug_implementations, reason = "a future has nothing to show")]
pub struct Answering {
    promise: Promise,
    /// What goes on once the promise is settled; `None`: the promise is that of the answer itself.
    rest: Option<Pin<Box<dyn Future<Output = Outcome>>>>,
}

// A panic leaves nothing of it: what goes on takes the whole.
impl UnwindSafe for Answering {}
impl RefUnwindSafe for Answering {}

#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
impl Answering {
    /// What it waits for.
    #[wasm_bindgen(getter)]
    pub fn promise(&self) -> Promise {
        self.promise.clone()
    }

    /// Goes on with what the promise gave: the answer, or again something that waits.
    ///
    /// # Errors
    /// When the answer fails altogether, which is a fault of ours.
    pub fn fulfilled(self, value: JsValue) -> Outcome {
        self.settled(Ok(value))
    }

    /// Goes on after the promise was rejected.
    ///
    /// # Errors
    /// As [`Self::fulfilled`].
    pub fn rejected(self, reason: JsValue) -> Outcome {
        self.settled(Err(reason))
    }
}

impl Answering {
    fn settled(self, outcome: Outcome) -> Outcome {
        match self.rest {
            Some(rest) => go_on(rest, Some(outcome)),
            None => outcome,
        }
    }
}

/// Begins to answer a request: the answer, or [`Answering`].
///
/// # Errors
/// As [`Answering::fulfilled`].
#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
#[expect(unreachable_pub, reason = "JavaScript reaches it")]
pub fn begin(request: Request, env: Env) -> Outcome {
    go_on(Box::pin(async move { Ok(answer(request, env).await.into()) }), None)
}

/// A look at an answer: as far as it goes without waiting.
struct Look {
    waker: Waker,
    /// What the promise gave that it waited for.
    given: Option<Outcome>,
    /// What it waits for now.
    asked: Vec<Promise>,
}

thread_local! {
    static LOOK: RefCell<Option<Look>> = const { RefCell::new(None) };
}

/// Nobody sleeps here who could be woken: who waits for anything but a promise that the entry is handed shows it by keeping
/// this, or by waking it at once.
#[derive(Default)]
struct Nobody {
    woken: AtomicBool,
}

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
    }
}

fn go_on(mut answer: Pin<Box<dyn Future<Output = Outcome>>>, given: Option<Outcome>) -> Outcome {
    let nobody = Arc::new(Nobody::default());
    let waker = Waker::from(Arc::clone(&nobody));
    LOOK.replace(Some(Look { waker: waker.clone(), given, asked: Vec::new() }));
    let before = Arc::strong_count(&nobody);
    let outcome = js::caught(|| answer.as_mut().poll(&mut Context::from_waker(&waker)));
    let only_promises = Arc::strong_count(&nobody) == before && !nobody.woken.load(Ordering::Relaxed);
    let asked = LOOK.take().map(|look| look.asked).unwrap_or_default();
    if let Poll::Ready(outcome) = outcome? {
        return outcome;
    }
    let answering = match <[Promise; 1]>::try_from(asked) {
        Ok([promise]) if only_promises => Answering { promise, rest: Some(answer) },
        // The crate's own way is for whoever waits for several things, or for others than promises. All of them look anew.
        _ => Answering { promise: future_to_promise(AssertUnwindSafe(answer)), rest: None },
    };
    Ok(answering.into())
}

/// What a promise gives. Where an answer waits for this only, the entry does the waiting.
pub(super) fn settled(promise: Promise) -> impl Future<Output = Outcome> {
    let mut asked = false;
    let mut usual: Option<JsFuture> = None;
    std::future::poll_fn(move |cx| {
        if let Some(usual) = &mut usual {
            return Pin::new(usual).poll(cx);
        }
        let by_the_entry = LOOK.with_borrow_mut(|look| {
            // A waker of somebody between: that one has to be woken.
            let look = look.as_mut().filter(|look| look.waker.will_wake(cx.waker()))?;
            match look.given.take_if(|_| asked) {
                Some(outcome) => Some(Poll::Ready(outcome)),
                None => {
                    look.asked.push(promise.clone());
                    Some(Poll::Pending)
                }
            }
        });
        asked = true;
        by_the_entry.unwrap_or_else(|| Pin::new(usual.insert(JsFuture::from(promise.clone()))).poll(cx))
    })
}
