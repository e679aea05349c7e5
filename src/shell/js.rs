//! Where the platform has more than its Rust crate binds: each oddity in one small function.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use worker::js_sys::{Function, Promise, Reflect, Uint8Array, global};
use worker::wasm_bindgen_futures::{JsFuture, future_to_promise};
use worker::{Error, ObjectNamespace, Result, Storage};

/// Begins to set the alarm, and says when it is set. The request goes out at once, in this turn; nothing is awaited.
pub(super) fn begin_set_alarm(storage: &Storage, at_ms: u64) -> Result<Promise> {
    #[expect(clippy::cast_precision_loss, reason = "times stay far below 2^53")]
    let at = worker::js_sys::Date::new(&JsValue::from_f64(at_ms as f64));
    Ok(storage.as_raw().set_alarm(at, JsValue::UNDEFINED.unchecked_into())?)
}

/// Begins to delete everything that is stored, alarm included.
pub(super) fn begin_delete_all(storage: &Storage) -> Result<[Promise; 2]> {
    let alarm = storage.as_raw().delete_alarm(JsValue::UNDEFINED.unchecked_into())?;
    Ok([alarm, storage.as_raw().delete_all()?])
}

/// Waits for what was begun.
pub(super) async fn settle(promises: impl IntoIterator<Item = Promise>) -> Result<()> {
    for promise in promises {
        JsFuture::from(promise).await?;
    }
    Ok(())
}

/// The value of a future that has nothing to wait for, as most inputs of a visitor in memory, and else a promise of it: a
/// promise, its closures and its turns through the platform's queue cost as much as an input.
///
/// The first look has no task to wake: what is waited for must take the waker of a later look, as promises do and the
/// crate's `Delay` does not.
pub(super) fn at_once(future: impl Future<Output = Answer> + 'static) -> Answer {
    let mut future = Box::pin(AssertUnwindSafe(future));
    match caught(|| future.as_mut().poll(&mut Context::from_waker(Waker::noop())))? {
        Poll::Ready(answer) => answer,
        Poll::Pending => Ok(future_to_promise(future).into()),
    }
}

type Answer = std::result::Result<JsValue, JsValue>;

/// What `run` gives; a panic in it is an error. What it holds is not looked at again then.
pub(super) fn caught<T>(run: impl FnOnce() -> T) -> std::result::Result<T, JsValue> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| JsValue::from_str("bug: it panicked"))
}

/// Runs `writes` in one transaction: when it fails, none of its writes stay.
pub(super) fn transaction<T: 'static>(storage: &Storage, writes: impl FnOnce() -> Result<T> + 'static) -> Result<T> {
    let outcome = Rc::new(RefCell::new(None));
    let slot = Rc::clone(&outcome);
    let run: Closure<dyn FnMut() -> std::result::Result<(), JsValue>> = Closure::once_assert_unwind_safe(move || {
        let result = writes();
        // A thrown value is what rolls back.
        let thrown = result.as_ref().err().map(Error::to_js_value);
        slot.replace(Some(result));
        thrown.map_or(Ok(()), Err)
    });
    let raw: &JsValue = storage.as_raw().as_ref();
    let method: Function = Reflect::get(raw, &"transactionSync".into())?.dyn_into()?;
    let called = method.call1(raw, run.as_ref());
    match outcome.take() {
        Some(Err(error)) => Err(error),
        Some(Ok(value)) => called.map(|_| value).map_err(Error::from),
        None => Err(Error::RustError("the transaction did not run".into())),
    }
}

/// The part of a namespace that is restricted to a jurisdiction: its objects are held and run there only.
pub(super) fn within(namespace: ObjectNamespace, jurisdiction: Option<&str>) -> Result<ObjectNamespace> {
    let Some(jurisdiction) = jurisdiction else { return Ok(namespace) };
    let raw: JsValue = namespace.into();
    let method: Function = Reflect::get(&raw, &"jurisdiction".into())?.dyn_into()?;
    Ok(method.call1(&raw, &jurisdiction.into())?.unchecked_into())
}

/// Whether the platform says that this error is its own passing trouble, so that the same call may succeed at once.
pub(super) fn is_retryable(error: &Error) -> bool {
    let value = error.to_js_value();
    let flag = |name: &str| Reflect::get(&value, &name.into()).is_ok_and(|flag| flag.is_truthy());
    flag("retryable") && !flag("overloaded")
}

/// Fills bytes with what nobody can guess (the platform's `crypto.getRandomValues`).
pub(super) fn random_bytes(bytes: &mut [u8]) -> Result<()> {
    let crypto = Reflect::get(&global(), &"crypto".into())?;
    let fill: Function = Reflect::get(&crypto, &"getRandomValues".into())?.dyn_into()?;
    let length = u32::try_from(bytes.len()).map_err(|_| Error::RustError("too many random bytes".into()))?;
    let array = Uint8Array::new_with_length(length);
    fill.call1(&crypto, &array)?;
    array.copy_to(bytes);
    Ok(())
}
