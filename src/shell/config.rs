//! A site's rules in every isolate: a copy of known age, asked after at most every two seconds.
//!
//! A copy younger than [`FRESH_MS`] is used without asking. Up to [`USABLE_MS`] it is used while one object asks aside,
//! so that in steady traffic nobody waits. An older one is not used before the rulebook was asked. So a change acts on
//! every input that comes more than [`USABLE_MS`] after it was accepted (plus the time of a question under way, which is
//! cut off): five seconds are promised. Only while the rulebook does not answer does the last known copy go on; without
//! any copy nothing is decided.

use crate::engine::rules::RuleSet;
use crate::engine::{Config, Settings};
use crate::shell::clock;
use footfall_protocol::ids::{self, SiteId};
use futures_util::future::{Either, select};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use worker::{Delay, Env, Error, Method, Request, Result, Stub};

/// Below this age a copy is used without asking.
const FRESH_MS: u64 = 2_000;
/// Below this age a copy is used while somebody asks.
const USABLE_MS: u64 = 4_000;
/// After a question without an answer, the next one waits so long, in milliseconds.
const RETRY_MS: u64 = 2_000;
/// How long an input waits for the rulebook: little when there is a copy to go on with, in milliseconds.
const PATIENCE_MS: (u64, u64) = (1_000, 10_000);

/// What the rulebook has published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Published {
    pub(super) version: u64,
    pub(super) hash: String,
}

struct Copy {
    published: Published,
    config: Rc<Config>,
    /// When the rulebook was asked; what was accepted later may be missing.
    as_of_ms: u64,
}

#[derive(Default)]
struct Shelf {
    copy: Option<Copy>,
    /// When the question under way was begun; its asker may be gone.
    asked_ms: u64,
    /// The rulebook did not answer: not before this time again.
    retry_at_ms: u64,
}

thread_local! {
    /// Values only: a future belongs to the request that made it.
    static SHELVES: RefCell<BTreeMap<SiteId, Shelf>> = const { RefCell::new(BTreeMap::new()) };
}

/// What there is in this isolate.
pub(super) enum Cached {
    /// Good to use.
    Fresh(Rc<Config>),
    /// Good to use; the caller should ask aside with [`refresh`].
    Ageing(Rc<Config>),
    /// The caller must ask with [`refresh`] first.
    Stale,
}

/// The isolate's copy. Of several callers with an ageing copy, one is told to ask.
pub(super) fn cached(site: &SiteId, now_ms: u64) -> Cached {
    SHELVES.with_borrow_mut(|shelves| {
        let shelf = shelves.entry(site.clone()).or_default();
        let Some(copy) = &shelf.copy else { return Cached::Stale };
        let age_ms = now_ms.saturating_sub(copy.as_of_ms);
        let config = Rc::clone(&copy.config);
        if age_ms < FRESH_MS || now_ms < shelf.retry_at_ms {
            Cached::Fresh(config)
        } else if age_ms >= USABLE_MS {
            Cached::Stale
        } else if now_ms < shelf.asked_ms + FRESH_MS {
            Cached::Fresh(config)
        } else {
            shelf.asked_ms = now_ms;
            Cached::Ageing(config)
        }
    })
}

/// Asks the rulebook, and takes the last known copy when it does not answer in time.
///
/// # Errors
/// When there is neither an answer nor a copy.
pub(super) async fn refresh(env: Env, site: SiteId, settings: Settings) -> Result<Rc<Config>> {
    let now_ms = clock::now();
    let known = SHELVES.with_borrow_mut(|shelves| {
        let shelf = shelves.entry(site.clone()).or_default();
        shelf.asked_ms = now_ms;
        shelf.copy.as_ref().map(|copy| (copy.published.clone(), Rc::clone(&copy.config)))
    });
    let patience_ms = if known.is_some() { PATIENCE_MS.0 } else { PATIENCE_MS.1 };
    let asking = pin!(ask(&env, &site, settings, known.clone()));
    let asked = match select(asking, Delay::from(Duration::from_millis(patience_ms))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(Error::RustError(format!("no answer within {patience_ms} ms"))),
    };
    SHELVES.with_borrow_mut(|shelves| {
        let shelf = shelves.entry(site.clone()).or_default();
        match asked {
            Ok((published, config)) => {
                // Somebody who asked later may have answered first.
                if shelf.copy.as_ref().is_none_or(|copy| copy.as_of_ms <= now_ms) {
                    let config = Rc::clone(&config);
                    *shelf = Shelf { copy: Some(Copy { published, config, as_of_ms: now_ms }), ..Shelf::default() };
                }
                Ok(config)
            }
            Err(error) => {
                worker::console_error!("fault: the rulebook of a site does not answer: {error}");
                shelf.retry_at_ms = clock::now() + RETRY_MS;
                known.map(|(_, config)| config).ok_or(error)
            }
        }
    })
}

async fn ask(
    env: &Env,
    site: &SiteId,
    settings: Settings,
    known: Option<(Published, Rc<Config>)>,
) -> Result<(Published, Rc<Config>)> {
    let mut published = ask_version(env, site).await?;
    if let Some((before, config)) = known
        && before == published
    {
        return Ok((published, config));
    }
    let mut found = piece(env, site, &published).await;
    if found.is_err() {
        // Compiled by another release, most likely: the rulebook's own can compile it anew.
        let request = Request::new("https://rulebook/recompile", Method::Post)?;
        published = rulebook(env, site)?.fetch_with_request(request).await?.json().await?;
        found = piece(env, site, &published).await;
    }
    let config = Rc::new(Config { settings, rules: found?, version: published.version });
    Ok((published, config))
}

/// A published piece, compiled for this release.
async fn piece(env: &Env, site: &SiteId, published: &Published) -> Result<RuleSet> {
    let url = format!("https://rulebook/piece/{}", published.hash);
    let mut response = rulebook(env, site)?.fetch_with_str(&url).await?;
    if response.status_code() != 200 {
        return Err(Error::RustError(format!("the piece of version {} is missing", published.version)));
    }
    let bytes = response.bytes().await?;
    let unreadable = || Error::RustError(format!("the piece of version {} cannot be read", published.version));
    RuleSet::decode(&bytes).ok_or_else(unreadable)
}

/// What the site's rulebook has published.
pub(super) async fn ask_version(env: &Env, site: &SiteId) -> Result<Published> {
    let mut response = rulebook(env, site)?.fetch_with_str("https://rulebook/version").await?;
    if response.status_code() != 200 {
        return Err(Error::RustError(format!("the rulebook answered {}", response.status_code())));
    }
    response.json().await
}

/// A site's rulebook.
pub(super) fn rulebook(env: &Env, site: &SiteId) -> Result<Stub> {
    env.durable_object("RULEBOOK")?.get_by_name(&ids::rulebook_object(site))
}
