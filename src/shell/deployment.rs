//! What the deployment says of itself (`SITES` and the secrets), parsed once for each isolate.

use crate::access::admin::{Operators, Said};
use crate::access::attest::UserKeys;
use crate::access::site::{self, Site};
use crate::access::token::SigningKeys;
use crate::access::write_keys::WriteKeys;
use crate::shell::js;
use crate::shell::reply::Problem;
use crate::shell::sinks::archive;
use crate::sinks::settings;
use footfall_protocol::ids::SiteId;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use worker::Env;

/// Sites and secrets.
#[derive(Debug)]
pub(super) struct Deployment {
    pub(super) sites: BTreeMap<SiteId, Site>,
    pub(super) write_keys: WriteKeys,
    pub(super) signing_keys: SigningKeys,
    pub(super) operators: Operators,
    /// What bodies for a site's origin are signed with.
    pub(super) origin_secrets: BTreeMap<SiteId, String>,
    /// None unless `USER_SIGNING_KEYS` is set: then no page can bring proof of who its user is.
    pub(super) user_keys: UserKeys,
}

/// The deployment, or a sentence for everything that is wrong with it.
pub(super) type Parsed = Rc<Result<Deployment, Vec<String>>>;

thread_local! {
    /// A change of variables or secrets starts new isolates, so that this never goes stale.
    static PARSED: RefCell<Option<Parsed>> = const { RefCell::new(None) };
}

/// The deployment as it is configured.
pub(super) fn parsed(env: &Env) -> Parsed {
    PARSED.with_borrow_mut(|slot| Rc::clone(slot.get_or_insert_with(|| Rc::new(parse(env)))))
}

/// Where a site has its visitors.
pub(super) fn jurisdiction(env: &Env, site: &SiteId) -> Option<String> {
    parsed(env).as_ref().as_ref().ok()?.sites.get(site)?.jurisdiction.clone()
}

impl Deployment {
    /// A site of this deployment.
    pub(super) fn site(&self, id: &SiteId) -> Result<&Site, Problem> {
        self.sites.get(id).ok_or_else(|| Problem::new(404, "unknown_site", format!("There is no site `{id}` here.")))
    }
}

fn parse(env: &Env) -> Result<Deployment, Vec<String>> {
    let mut faults = Vec::new();
    let variable = |name: &str| env.var(name).map(|value| value.to_string()).ok();
    let mut read = |name: &str| {
        let found = variable(name);
        if found.is_none() {
            faults.push(format!("{name} is not set"));
        }
        found
    };
    let (sites, write_keys, signing_keys) = (read("SITES"), read("WRITE_KEYS"), read("SIGNING_KEYS"));
    let operators = Operators::parse(Said {
        secret: variable("ADMIN_JWT_SECRET"),
        jwks: variable("ADMIN_JWKS"),
        audience: variable("ADMIN_JWT_AUDIENCE"),
        issuer: variable("ADMIN_JWT_ISSUER"),
    });
    let mut keep = |name: &str, fault: String| faults.push(format!("{name}: {fault}"));
    let sites = sites.and_then(|text| site::parse(&text).map_err(|fault| keep("SITES", fault)).ok());
    let write_keys =
        write_keys.and_then(|text| WriteKeys::parse(&text).map_err(|fault| keep("WRITE_KEYS", fault)).ok());
    let signing_keys =
        signing_keys.and_then(|text| SigningKeys::parse(&text).map_err(|fault| keep("SIGNING_KEYS", fault)).ok());
    let operators = operators.map_err(|(name, fault)| keep(name, fault)).ok();
    let origin_secrets = env.var("ORIGIN_SECRETS").map(|value| value.to_string()).ok();
    let origin_secrets = origin_secrets.map_or_else(|| Ok(BTreeMap::new()), |text| settings::parse_secrets(&text));
    let origin_secrets = origin_secrets.map_err(|fault| keep("ORIGIN_SECRETS", fault)).unwrap_or_default();
    for (site, settings) in sites.iter().flatten() {
        if settings.sinks.origin.is_some() && !origin_secrets.contains_key(site) {
            keep("ORIGIN_SECRETS", format!("has no secret for `{site}`, whose records go to an origin"));
        }
        for sink in settings.sinks.all().filter(|sink| env.queue(sink.binding()).is_err()) {
            keep("SITES", format!("{site} sends records to `{}`, whose queue is not bound", sink.as_str()));
        }
        if settings.sinks.archive && env.bucket(archive::BUCKET).is_err() {
            keep("SITES", format!("{site} has an archive, but {} is not bound", archive::BUCKET));
        }
    }
    for (id, site) in sites.iter().flatten() {
        // Without it nothing of the site may be kept at all: a visitor's object elsewhere would be the wrong one for ever.
        let held = env.durable_object("VISITOR").and_then(|objects| js::within(objects, site.jurisdiction.as_deref()));
        if let Err(error) = held {
            keep("SITES", format!("{id}.jurisdiction: this runtime cannot hold objects there: {error}"));
        }
    }
    let user_keys = env.var("USER_SIGNING_KEYS").map(|value| value.to_string()).ok();
    let user_keys = user_keys
        .and_then(|text| UserKeys::parse(&text).map_err(|fault| keep("USER_SIGNING_KEYS", fault)).ok())
        .unwrap_or_default();
    // A site's origin may have its secret first: the one cannot go without the other. Its keys have to wait for it, since
    // nobody could send with them.
    if let Some(sites) = &sites {
        let of_write_keys: BTreeSet<_> = write_keys.iter().flat_map(WriteKeys::sites).collect();
        let named = [("WRITE_KEYS", of_write_keys), ("USER_SIGNING_KEYS", user_keys.sites().collect())];
        for (name, of) in named {
            for site in of.into_iter().filter(|site| !sites.contains_key(site)) {
                keep(name, format!("has a key for `{site}`, which SITES lacks"));
            }
        }
    }
    match (sites, write_keys, signing_keys, operators) {
        (Some(sites), Some(write_keys), Some(signing_keys), Some(operators)) if faults.is_empty() => {
            Ok(Deployment { sites, write_keys, signing_keys, operators, origin_secrets, user_keys })
        }
        _ => Err(faults),
    }
}
