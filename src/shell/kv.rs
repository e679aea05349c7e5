//! What an object keeps, by key: the platform's synchronous key-value methods (`ctx.storage.kv`). They write to the
//! object's SQLite like statements do, in the same transaction; nothing is made by a look, and an object that is deleted
//! stays empty. The price list counts a row for each value that is put, deleted or read.

use crate::engine::room_for;
use crate::shell::{clock, js};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::Uint8Array;
use worker::{Error, Result, State, Storage};

#[wasm_bindgen(module = "/src/shell/bridge.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn get(storage: &JsValue, key: &str) -> std::result::Result<Option<Uint8Array>, JsValue>;
    #[wasm_bindgen(catch)]
    fn put(storage: &JsValue, key: &str, value: &[u8]) -> std::result::Result<(), JsValue>;
    #[wasm_bindgen(js_name = putInRoom, catch)]
    fn put_in_room(
        storage: &JsValue,
        key: &str,
        length: usize,
        head: &[u8],
        body: &[u8],
    ) -> std::result::Result<(), JsValue>;
    #[wasm_bindgen(catch)]
    fn remove(storage: &JsValue, key: &str) -> std::result::Result<bool, JsValue>;
    #[wasm_bindgen(catch)]
    fn range(storage: &JsValue, from: &str, to: &str) -> std::result::Result<Vec<Uint8Array>, JsValue>;
}

/// The key of an object's snapshot.
const SNAPSHOT: &str = "hot";
/// What stands before a snapshot.
const HEAD_BYTES: usize = 12;

/// An object's keys and values.
#[derive(Clone)]
pub(super) struct Kv {
    storage: Rc<Storage>,
    /// How long the snapshot's value is, 0 when that is not known.
    room: Rc<Cell<usize>>,
}

impl Kv {
    pub(super) fn new(state: &State) -> Self {
        Self { storage: Rc::new(state.storage()), room: Rc::default() }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(get(self.storage.as_raw(), key)?.map(|bytes| bytes.to_vec()))
    }

    /// The values of the keys from `from` up to and without `to`, in the keys' order.
    pub(super) fn range(&self, from: &str, to: &str) -> Result<Vec<Vec<u8>>> {
        Ok(range(self.storage.as_raw(), from, to)?.iter().map(Uint8Array::to_vec).collect())
    }

    /// Sets the value of a key, at most 2 MB (the platform's bound).
    pub(super) fn put(&self, key: &str, value: &[u8]) -> Result<()> {
        Ok(put(self.storage.as_raw(), key, value)?)
    }

    /// Deletes a key; says whether it was there.
    pub(super) fn delete(&self, key: &str) -> Result<bool> {
        Ok(remove(self.storage.as_raw(), key)?)
    }

    /// Keeps the object's snapshot, before zeros ([`room_for`]): with `more_follows` no fewer than now, within bounds. Before
    /// it stand the time that its alarm was asked for (8 bytes, little endian, 0 for none) and how long it is with the zeros
    /// (4 bytes, likewise): a length of its own would change with every event, and the value's first page with it.
    pub(super) fn put_snapshot(&self, alarm_at_ms: Option<u64>, snapshot: &[u8], more_follows: bool) -> Result<()> {
        let before = if more_follows { self.room.get() } else { 0 };
        let length = room_for(HEAD_BYTES + snapshot.len(), before);
        let filled =
            u32::try_from(length - HEAD_BYTES).map_err(|_| Error::RustError("the snapshot is too long".into()))?;
        let mut head = [0; HEAD_BYTES];
        head[..8].copy_from_slice(&alarm_at_ms.unwrap_or(0).to_le_bytes());
        head[8..].copy_from_slice(&filled.to_le_bytes());
        put_in_room(self.storage.as_raw(), SNAPSHOT, length, &head, snapshot)?;
        self.room.set(length);
        Ok(())
    }

    /// The object's snapshot with zeros behind it, and the time that its alarm was asked for, unless that is over: then it has
    /// rung, and of the one that was set after it the row need not know. `None` when nothing was ever kept.
    pub(super) fn snapshot(&self) -> Result<Option<(Option<u64>, Vec<u8>)>> {
        let Some(bytes) = self.get(SNAPSHOT)? else { return Ok(None) };
        self.room.set(bytes.len());
        let read = || {
            let (alarm_at_ms, rest) = bytes.split_first_chunk::<8>()?;
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let snapshot = rest.get(..usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
            Some((Some(u64::from_le_bytes(*alarm_at_ms)).filter(|at_ms| *at_ms > clock::now()), snapshot.to_vec()))
        };
        read().map(Some).ok_or_else(|| Error::RustError("the stored snapshot is too short".into()))
    }

    /// Runs `writes` in one transaction: when it fails, none of its writes stay.
    pub(super) fn all_or_nothing<T: 'static>(&self, writes: impl FnOnce(&Self) -> Result<T> + 'static) -> Result<T> {
        let within = self.clone();
        js::transaction(&self.storage, move || writes(&within))
    }
}
