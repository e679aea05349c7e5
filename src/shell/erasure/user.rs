//! Erasure of a user: of every visitor that counts for it, one by one, and then of the objects of all users that are one
//! with it.

use super::{ROUNDS_MAX, Removed, kept, not_erased, steps};
use crate::engine::user::{Content, Letter, Member};
use crate::shell::clock;
use crate::shell::deliver::Whose;
use crate::shell::reply::Problem;
use crate::shell::user_object::{self, Seen};
use footfall_protocol::ids::{Foreign, SiteId, visitor_of};
use serde_json::{Value as Json, json as object};
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;
use worker::{Delay, Env, Error, Result};

/// Between two rounds: what a user hands on to another one is there by then, unless something fails.
const PAUSE: Duration = Duration::from_millis(1_500);

/// What was erased.
#[derive(Default)]
struct Erased {
    visitors: BTreeSet<Uuid>,
    lives: usize,
    users: usize,
    removed: Removed,
}

impl Erased {
    /// Erases a visitor.
    async fn take(&mut self, env: &Env, site: &SiteId, jurisdiction: Option<&str>, visitor: Uuid) -> Result<()> {
        let whose = Whose { site: site.clone(), visitor, jurisdiction: jurisdiction.map(str::to_owned) };
        let (removed, lives) = steps(env, &whose).await?;
        self.removed.add(&removed);
        self.lives += lives;
        if lives > 0 {
            self.visitors.insert(visitor);
        }
        Ok(())
    }
}

/// Erases a user, whichever users it has become and have become it, with every visitor that counts for one of them. Who
/// only claims to be that user, without proof, is forgotten by it and not erased.
pub(in crate::shell) async fn erase_user(
    env: &Env,
    site: &SiteId,
    jurisdiction: Option<&str>,
    user: Uuid,
) -> std::result::Result<Json, Problem> {
    let Erased { visitors, lives, users, removed } = rounds(env, site, jurisdiction, user).await.map_err(not_erased)?;
    let now_ms = clock::now();
    Ok(object!({
        "erased": true,
        "user": user,
        "at_ms": now_ms,
        "users": users,
        "visitors": visitors.len(),
        "lives": lives,
        "removed": removed,
        "kept": kept(now_ms),
    }))
}

/// A visitor may come meanwhile, and what is handed on needs a moment: again, so often at most.
async fn rounds(env: &Env, site: &SiteId, jurisdiction: Option<&str>, user: Uuid) -> Result<Erased> {
    let mut erased = Erased::default();
    for round in 0..ROUNDS_MAX {
        if round > 0 {
            Delay::from(PAUSE).await;
        }
        let family = family(env, site, user).await?;
        for (holder, seen) in &family {
            // Where the store's server speaks of a user and names no device, the user is a visitor by the same name. And
            // the alias of a user that has become another one may have meant an anonymous id, and went to that visitor too.
            let merged = seen.become_another().and_then(|_| visitor_of(site, Foreign::Anonymous, &seen.user_id));
            for visitor in [Some(*holder), merged].into_iter().flatten() {
                erased.take(env, site, jurisdiction, visitor).await?;
            }
            for member in &seen.visitors {
                erased.take(env, site, jurisdiction, member.visitor).await?;
                // A visitor that was deleted after the retention time no longer knows of this user.
                leave(env, site, *holder, *member).await?;
            }
        }
        erased.users = family.len();
        if all_go(env, site, &family).await? {
            return Ok(erased);
        }
    }
    Err(Error::RustError("a visitor counts for the user again, or something is still to be handed on".into()))
}

/// All users that are one with this one, which comes first: each but the first is known by one before it.
async fn family(env: &Env, site: &SiteId, user: Uuid) -> Result<Vec<(Uuid, Seen)>> {
    let mut found: Vec<(Uuid, Seen)> = Vec::new();
    let mut ahead = vec![user];
    while let Some(next) = ahead.pop() {
        if found.iter().any(|(known, _)| *known == next) {
            continue;
        }
        let seen = user_object::look(env, site, next).await?;
        ahead.extend(seen.absorbed.iter().map(|one| one.user).chain(seen.become_another()));
        found.push((next, seen));
    }
    Ok(found)
}

/// Deletes the users' objects, the last found first: whoever asks again after a failure still finds those that are left.
async fn all_go(env: &Env, site: &SiteId, family: &[(Uuid, Seen)]) -> Result<bool> {
    for (user, _) in family.iter().rev() {
        if !user_object::erase(env, site, *user).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn leave(env: &Env, site: &SiteId, user: Uuid, member: Member) -> Result<()> {
    let letter = Letter { member, version: u64::MAX, user, user_id: String::new(), content: Content::Forgets };
    user_object::deliver(env, site, &letter).await.map(drop)
}
