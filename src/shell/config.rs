//! A site's rules in every isolate: a copy of known age, asked after at most every two seconds.
//!
//! A copy younger than [`FRESH_MS`] is used without asking. Up to [`USABLE_MS`] it is used while one object asks aside,
//! so that in steady traffic nobody waits. An older one is not used before the rulebook was asked. So a change acts on
//! every input that comes more than [`USABLE_MS`] after it was accepted (plus the time of a question under way, which is
//! cut off): five seconds are promised. Only while the rulebook does not answer does the last known copy go on; without
//! any copy nothing is decided.
//!
//! The rulebook also says which visitors preview its draft, and until when. Only such a visitor's own input fetches the
//! draft's piece; everybody else's goes by what is published, and never sees that there is a draft.

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
use uuid::Uuid;
use worker::{Delay, Env, Error, Method, Request, Result, Stub};

/// Below this age a copy is used without asking.
const FRESH_MS: u64 = 2_000;
/// Below this age a copy is used while somebody asks.
const USABLE_MS: u64 = 4_000;
/// After a question without an answer, the next one waits so long, in milliseconds.
const RETRY_MS: u64 = 2_000;
/// How long an input waits for the rulebook: little when there is a copy to go on with, in milliseconds.
const PATIENCE_MS: (u64, u64) = (1_000, 10_000);

/// A draft counts its versions from here: above all that are ever published, and still exact as a JavaScript number.
const DRAFT_VERSIONS: u64 = 1 << 52;

/// Whether a configuration of this version is a draft that visitors preview.
pub(super) const fn is_draft(version: u64) -> bool {
    version >= DRAFT_VERSIONS
}

/// What the rulebook has published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Published {
    pub(super) version: u64,
    pub(super) hash: String,
    /// Its draft, while visitors preview it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) preview: Option<Preview>,
}

/// A draft that visitors preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Preview {
    /// Each other piece of this or any other draft has another.
    pub(super) revision: u64,
    pub(super) hash: String,
    pub(super) visitors: Vec<Previewing>,
}

/// A visitor who previews a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Previewing {
    pub(super) visitor: Uuid,
    pub(super) until_ms: u64,
}

impl Published {
    /// The draft, when this visitor previews it now.
    fn preview_of(&self, visitor: Uuid, now_ms: u64) -> Option<&Preview> {
        let preview = self.preview.as_ref()?;
        let goes_on = |of: &Previewing| of.visitor == visitor && now_ms < of.until_ms;
        preview.visitors.iter().any(goes_on).then_some(preview)
    }
}

impl Preview {
    /// What the engine takes for the version: another one for other rules, since it is by the version that a visitor
    /// notices the change.
    const fn version(&self) -> u64 {
        DRAFT_VERSIONS + self.revision
    }
}

#[derive(Clone)]
struct Copy {
    published: Published,
    config: Rc<Config>,
    /// The draft's, when somebody in this isolate previews it.
    preview: Option<Rc<Config>>,
    /// When the rulebook was asked; what was accepted later may be missing.
    as_of_ms: u64,
}

impl Copy {
    /// What this visitor's inputs go by, as far as it is here.
    fn of(&self, visitor: Uuid, now_ms: u64) -> Option<Rc<Config>> {
        match self.published.preview_of(visitor, now_ms) {
            None => Some(Rc::clone(&self.config)),
            Some(preview) => self.preview.clone().filter(|config| config.version == preview.version()),
        }
    }
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

/// The isolate's copy for a visitor. Of several callers with an ageing copy, one is told to ask.
pub(super) fn cached(site: &SiteId, visitor: Uuid, now_ms: u64) -> Cached {
    SHELVES.with_borrow_mut(|shelves| {
        let shelf = shelves.entry(site.clone()).or_default();
        let Some(copy) = &shelf.copy else { return Cached::Stale };
        let Some(config) = copy.of(visitor, now_ms) else { return Cached::Stale };
        let age_ms = now_ms.saturating_sub(copy.as_of_ms);
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

/// Asks the rulebook for a visitor, and takes the last known copy when it does not answer in time.
///
/// # Errors
/// When there is neither an answer nor a copy.
pub(super) async fn refresh(env: Env, site: SiteId, visitor: Uuid, settings: Settings) -> Result<Rc<Config>> {
    let now_ms = clock::now();
    let known = SHELVES.with_borrow_mut(|shelves| {
        let shelf = shelves.entry(site.clone()).or_default();
        shelf.asked_ms = now_ms;
        shelf.copy.clone()
    });
    let patience_ms = if known.is_some() { PATIENCE_MS.0 } else { PATIENCE_MS.1 };
    let asking = pin!(ask(&env, &site, visitor, settings, known.clone()));
    let asked = match select(asking, Delay::from(Duration::from_millis(patience_ms))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(Error::RustError(format!("no answer within {patience_ms} ms"))),
    };
    SHELVES.with_borrow_mut(|shelves| {
        let shelf = shelves.entry(site.clone()).or_default();
        match asked {
            Ok(mut answer) => {
                // Somebody who previews may meanwhile have brought the draft that this answer speaks of.
                if let (Some(draft), Some(copy)) = (&answer.published.preview, &shelf.copy)
                    && copy.preview.as_ref().is_some_and(|config| config.version == draft.version())
                {
                    answer.preview.clone_from(&copy.preview);
                }
                let config = answer.of(visitor, now_ms).unwrap_or_else(|| Rc::clone(&answer.config));
                // Somebody who asked later may have answered first.
                if shelf.copy.as_ref().is_none_or(|copy| copy.as_of_ms <= now_ms) {
                    *shelf = Shelf { copy: Some(answer), ..Shelf::default() };
                }
                Ok(config)
            }
            Err(error) => {
                worker::console_error!("fault: the rulebook of a site does not answer: {error}");
                shelf.retry_at_ms = clock::now() + RETRY_MS;
                // Who previews goes on with the draft as it was last seen, rather than to and fro.
                let last = known.map(|copy| {
                    let previews = copy.published.preview_of(visitor, now_ms).is_some();
                    copy.preview.filter(|_| previews).unwrap_or(copy.config)
                });
                last.ok_or(error)
            }
        }
    })
}

async fn ask(env: &Env, site: &SiteId, visitor: Uuid, settings: Settings, known: Option<Copy>) -> Result<Copy> {
    let as_of_ms = clock::now();
    let mut published = ask_version(env, site).await?;
    let mut found = complete(env, site, visitor, &settings, published, known.as_ref()).await;
    if found.is_err() {
        // Compiled by another release, most likely: the rulebook's own can compile it anew.
        let request = Request::new("https://rulebook/recompile", Method::Post)?;
        published = rulebook(env, site)?.fetch_with_request(request).await?.json().await?;
        found = complete(env, site, visitor, &settings, published, known.as_ref()).await;
    }
    Ok(Copy { as_of_ms, ..found? })
}

/// What the rulebook answered, with the pieces that this visitor's inputs need: those that are here, and else fetched.
async fn complete(
    env: &Env,
    site: &SiteId,
    visitor: Uuid,
    settings: &Settings,
    published: Published,
    known: Option<&Copy>,
) -> Result<Copy> {
    let fetch = async |hash: &str, version: u64| -> Result<Rc<Config>> {
        Ok(Rc::new(Config { settings: settings.clone(), rules: piece(env, site, hash).await?, version }))
    };
    let same = |copy: &&Copy| copy.published.version == published.version && copy.published.hash == published.hash;
    let config = match known.filter(same) {
        Some(copy) => Rc::clone(&copy.config),
        None => fetch(&published.hash, published.version).await?,
    };
    // The draft leaves this isolate with its last preview.
    let mut preview = None;
    if let Some(draft) = &published.preview {
        let version = draft.version();
        preview = known.and_then(|copy| copy.preview.clone());
        if preview.as_ref().is_none_or(|config| config.version != version)
            && published.preview_of(visitor, clock::now()).is_some()
        {
            preview = Some(fetch(&draft.hash, version).await?);
        }
    }
    Ok(Copy { published, config, preview, as_of_ms: 0 })
}

/// A published piece, compiled for this release.
async fn piece(env: &Env, site: &SiteId, hash: &str) -> Result<RuleSet> {
    let url = format!("https://rulebook/piece/{hash}");
    let mut response = rulebook(env, site)?.fetch_with_str(&url).await?;
    if response.status_code() != 200 {
        return Err(Error::RustError(format!("the piece {hash} is missing")));
    }
    let bytes = response.bytes().await?;
    let unreadable = || Error::RustError(format!("the piece {hash} cannot be read"));
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
