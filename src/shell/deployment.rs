//! What the deployment says of itself (`SITES` and the secrets), parsed once for each isolate.

use crate::access::attest::UserKeys;
use crate::access::site::{self, Site};
use crate::access::token::SigningKeys;
use crate::access::write_keys::WriteKeys;
use crate::shell::reply::Problem;
use footfall_protocol::ids::SiteId;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use worker::Env;

/// Sites and secrets.
#[derive(Debug)]
pub(super) struct Deployment {
    pub(super) sites: BTreeMap<SiteId, Site>,
    pub(super) write_keys: WriteKeys,
    pub(super) signing_keys: SigningKeys,
    pub(super) admin_secret: String,
    /// None unless `USER_SIGNING_KEYS` is set: then no page can bring proof of who its user is.
    pub(super) user_keys: UserKeys,
}

/// The deployment, or a sentence for everything that is wrong with it.
pub(super) type Parsed = Rc<Result<Deployment, Vec<String>>>;

/// The least length of `ADMIN_JWT_SECRET`, in bytes: that of its signatures (RFC 7518 §3.2).
const ADMIN_SECRET_BYTES_MIN: usize = 32;

thread_local! {
    /// A change of variables or secrets starts new isolates, so that this never goes stale.
    static PARSED: RefCell<Option<Parsed>> = const { RefCell::new(None) };
}

/// The deployment as it is configured.
pub(super) fn parsed(env: &Env) -> Parsed {
    PARSED.with_borrow_mut(|slot| Rc::clone(slot.get_or_insert_with(|| Rc::new(parse(env)))))
}

impl Deployment {
    /// A site of this deployment.
    pub(super) fn site(&self, id: &SiteId) -> Result<&Site, Problem> {
        self.sites.get(id).ok_or_else(|| Problem::new(404, "unknown_site", format!("There is no site `{id}` here.")))
    }
}

fn parse(env: &Env) -> Result<Deployment, Vec<String>> {
    let mut faults = Vec::new();
    let mut read = |name: &str| {
        let found = env.var(name).map(|value| value.to_string()).ok();
        if found.is_none() {
            faults.push(format!("{name} is not set"));
        }
        found
    };
    let (sites, write_keys) = (read("SITES"), read("WRITE_KEYS"));
    let (signing_keys, admin_secret) = (read("SIGNING_KEYS"), read("ADMIN_JWT_SECRET"));
    let mut keep = |name: &str, fault: String| faults.push(format!("{name}: {fault}"));
    let sites = sites.and_then(|text| site::parse(&text).map_err(|fault| keep("SITES", fault)).ok());
    let write_keys =
        write_keys.and_then(|text| WriteKeys::parse(&text).map_err(|fault| keep("WRITE_KEYS", fault)).ok());
    let signing_keys =
        signing_keys.and_then(|text| SigningKeys::parse(&text).map_err(|fault| keep("SIGNING_KEYS", fault)).ok());
    let user_keys = env.var("USER_SIGNING_KEYS").map(|value| value.to_string()).ok();
    let user_keys = user_keys
        .and_then(|text| UserKeys::parse(&text).map_err(|fault| keep("USER_SIGNING_KEYS", fault)).ok())
        .unwrap_or_default();
    if admin_secret.as_ref().is_some_and(|secret| secret.len() < ADMIN_SECRET_BYTES_MIN) {
        keep("ADMIN_JWT_SECRET", format!("is shorter than {ADMIN_SECRET_BYTES_MIN} bytes"));
    }
    match (sites, write_keys, signing_keys, admin_secret) {
        (Some(sites), Some(write_keys), Some(signing_keys), Some(admin_secret)) if faults.is_empty() => {
            Ok(Deployment { sites, write_keys, signing_keys, admin_secret, user_keys })
        }
        _ => Err(faults),
    }
}
