//! The visitor on disk: one hot row that every commit replaces, and cold pages that are written once.
//!
//! The hot row is the engine's snapshot behind the time that the alarm was asked for. Nothing is made by a look, so that a
//! deleted object stays empty.

use super::runtime::{Runtime, one_more};
use crate::engine::{self, Stored};
use crate::shell::kv::Kv;
use std::ops::Range;
use std::rc::Rc;
use worker::{Error, Result, State};

/// What is on disk.
pub(super) struct Kept {
    pub(super) alarm_at_ms: Option<u64>,
    pub(super) stored: Stored,
}

/// What one commit changes, in one transaction: the platform writes what one turn does at once or not at all.
pub(super) struct Commit<'a> {
    pub(super) alarm_at_ms: Option<u64>,
    pub(super) hot: &'a [u8],
    /// Pages to write, by number.
    pub(super) pages: Vec<(u64, &'a [u8])>,
    /// Pages to delete.
    pub(super) gone: Vec<Range<u64>>,
    /// Whether somebody is there, of whom more is likely to be written soon.
    pub(super) more_follows: bool,
}

/// The key of a cold page. Keys have the order of the numbers.
fn page_key(number: u64) -> String {
    format!("page/{number:016x}")
}

/// The object's storage, with what it costs.
pub(super) struct Store {
    kv: Kv,
    pub(super) runtime: Rc<Runtime>,
}

impl Store {
    pub(super) fn new(state: &State) -> Self {
        Self { kv: Kv::new(state), runtime: Runtime::begin(state) }
    }

    /// Reads the hot row and the snapshot's own cold pages. `None` when nothing was ever committed here.
    pub(super) fn load(&self) -> Result<Option<Kept>> {
        let Some((alarm_at_ms, mut hot)) = self.hot()? else { return Ok(None) };
        let outline = engine::Visitor::outline(&hot).map_err(unreadable)?;
        hot.truncate(outline.bytes);
        hot.shrink_to_fit();
        let cold = outline.cold.into_iter().map(|number| Ok((number, self.page(number)?))).collect::<Result<_>>()?;
        Ok(Some(Kept { alarm_at_ms, stored: Stored { hot, cold } }))
    }

    /// Whether anything is there.
    pub(super) fn is_made(&self) -> Result<bool> {
        Ok(self.hot()?.is_some())
    }

    fn hot(&self) -> Result<Option<(Option<u64>, Vec<u8>)>> {
        self.runtime.add_rows(0, 1);
        self.kv.snapshot()
    }

    /// Reads a cold page.
    fn page(&self, number: u64) -> Result<Vec<u8>> {
        self.runtime.add_rows(0, 1);
        self.kv.get(&page_key(number))?.ok_or_else(|| Error::RustError(format!("page {number} is missing")))
    }

    /// Reads the cold pages of a range that are there, oldest first.
    pub(super) fn pages(&self, range: &Range<u64>) -> Result<Vec<Vec<u8>>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let pages = self.kv.range(&page_key(range.start), &page_key(range.end))?;
        self.runtime.add_rows(0, pages.len());
        Ok(pages)
    }

    /// Writes all of it or nothing. Pages come before the hot row that refers to them, and go after the one that no longer
    /// does.
    pub(super) fn commit(&self, commit: &Commit<'_>) -> Result<()> {
        let &Commit { alarm_at_ms, hot, ref pages, ref gone, more_follows } = commit;
        // What nearly every event is.
        if pages.is_empty() && gone.is_empty() {
            put_hot(&self.kv, alarm_at_ms, hot, more_follows)?;
            self.runtime.add_rows(1, 0);
        } else {
            let pages: Vec<_> = pages.iter().map(|(number, bytes)| (page_key(*number), bytes.to_vec())).collect();
            let gone: Vec<_> = gone.iter().cloned().flatten().map(page_key).collect();
            let hot = hot.to_vec();
            // A write that fails does not by itself undo the ones before it: a page of the new state beside the hot row of
            // the old one would be a visitor that nobody can read.
            let rows = self.kv.all_or_nothing(move |kv| {
                for (key, bytes) in &pages {
                    kv.put(key, bytes)?;
                }
                put_hot(kv, alarm_at_ms, &hot, more_follows)?;
                let deleted = gone.iter().map(|key| Ok(usize::from(kv.delete(key)?))).sum::<Result<usize>>()?;
                Ok(pages.len() + 1 + deleted)
            })?;
            self.runtime.add_rows(rows, 0);
        }
        one_more(&self.runtime.commits);
        Ok(())
    }
}

fn put_hot(kv: &Kv, alarm_at_ms: Option<u64>, hot: &[u8], more_follows: bool) -> Result<()> {
    #[cfg(feature = "test-hooks")]
    fail_if_asked(hot)?;
    kv.put_snapshot(alarm_at_ms, hot, more_follows)
}

/// Tests have no disk that is full at the right moment: a snapshot that remembers an event of this name cannot be written.
#[cfg(feature = "test-hooks")]
fn fail_if_asked(hot: &[u8]) -> Result<()> {
    const ASKS: &[u8] = b"footfall_test_full_disk";
    let full = hot.windows(ASKS.len()).any(|part| part == ASKS);
    if full { Err(Error::RustError("a test asked for a disk that is full".into())) } else { Ok(()) }
}

pub(super) fn unreadable(error: engine::SnapshotError) -> Error {
    Error::RustError(format!("the stored visitor cannot be read: {error}"))
}
