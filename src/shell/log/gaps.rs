//! What the database lacks of a life: what is on its way, and what was lost for good.
//!
//! Records of a life are numbered without gaps and their times never go back. Up to where all have arrived is remembered, so
//! that a reader who comes again costs the database what is new, and not the whole life.

use super::database;
use crate::shell::clock;
use footfall_protocol::ids::SiteId;
use footfall_protocol::limits::DEAD_LETTER_MS_MAX;
use std::cell::RefCell;
use std::collections::BTreeMap;
use uuid::Uuid;
use worker::{Env, Result};

/// A queue keeps no message for longer, in milliseconds: what an old log lacks at its beginning was cleared away.
const QUEUE_KEEPS_MS: u64 = 14 * 24 * 3_600_000;
/// A message waits in its queue, then in the queue of those that were given up, then among the dead letters: what is missing
/// before a record that is older will not come.
const LOST_MS: u64 = 2 * QUEUE_KEEPS_MS + DEAD_LETTER_MS_MAX;
/// Gaps in a row that are passed over in one look.
const GAPS_MAX: usize = 16;
/// Lives that an isolate remembers.
const LIVES_MAX: usize = 1_024;

/// Part of a life: the records after one and below a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    pub(super) site: &'a SiteId,
    pub(super) visitor: Uuid,
    pub(super) life: Uuid,
    pub(super) after: Mark,
    pub(super) below: u64,
}

/// A record: its number and its time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    pub(super) seq: u64,
    pub(super) at_ms: u64,
}

thread_local! {
    /// Of a life, the record up to which nothing is on its way any more.
    static WHOLE: RefCell<BTreeMap<Uuid, Mark>> = const { RefCell::new(BTreeMap::new()) };
}

/// Of the records of a life below a number: how many are on their way, and the lowest number of those.
pub(super) async fn look(
    env: &Env,
    (site, visitor, life): (&SiteId, Uuid, Uuid),
    below: u64,
) -> Result<(u64, Option<u64>)> {
    let after = WHOLE.with_borrow(|whole| whole.get(&life).copied()).unwrap_or_default();
    let mut part = Part { site, visitor, life, after, below };
    let mut under_way = 0;
    for _ in 0..GAPS_MAX {
        if part.after.seq + 1 >= below {
            return Ok((0, None));
        }
        let arrived = database::arrived(env, part).await?;
        under_way = (below - 1 - part.after.seq).saturating_sub(arrived.count);
        if under_way == 0 {
            remember(life, Mark { seq: below - 1, at_ms: arrived.last_ms });
            return Ok((0, None));
        }
        let Some(missing) = database::first_missing(env, part).await? else { break };
        let patience_ms = if missing == 1 { QUEUE_KEEPS_MS } else { LOST_MS };
        match database::first_after(env, part, missing).await? {
            Some(next) if next.at_ms + patience_ms < clock::now() => {
                remember(life, next);
                part.after = next;
            }
            _ => return Ok((under_way, Some(missing))),
        }
    }
    Ok((under_way, None))
}

fn remember(life: Uuid, mark: Mark) {
    WHOLE.with_borrow_mut(|whole| {
        if !whole.contains_key(&life) && whole.len() >= LIVES_MAX {
            whole.clear();
        }
        whole.insert(life, mark);
    });
}
