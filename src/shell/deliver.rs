//! From the router to the visitors' objects: one message for each visitor, and all of them committed before the answer.

use crate::access::token::VisitorToken;
use crate::engine::Allowance;
use crate::shell::reply::Problem;
use crate::shell::{bridge, deployment, js};
use footfall_protocol::event::Delivery;
use footfall_protocol::ids::{self, SiteId};
use footfall_protocol::message::Standing;
use footfall_protocol::rejection::Rejection;
use futures_util::stream::{self, StreamExt as _};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use uuid::Uuid;
use worker::{Env, Error, Result, Stub, console_error};

/// Deliveries of one request on their way at once. One commit's wait for the disk overlaps with the others' work: with
/// 50 visitors in a batch about a third faster than six at a time; beyond this number nothing more is gained.
const CONCURRENT_MAX: usize = 32;

/// What became of a delivery.
#[derive(Default, Deserialize)]
pub(super) struct Taken {
    /// What the visitors' objects refused.
    pub(super) rejections: Vec<Rejection>,
    /// What the sender's tab has missed.
    pub(super) pushes: Option<Box<RawValue>>,
    /// How the visitor's window stands, when all was one visitor's and the site limits rates.
    pub(super) allowance: Option<Allowance>,
}

/// A visitor, and where its object is held.
#[derive(Clone, Debug)]
pub(super) struct Whose {
    pub(super) site: SiteId,
    pub(super) visitor: Uuid,
    /// The jurisdiction that the object is restricted to. Another one means another object, even under the same name.
    pub(super) jurisdiction: Option<String>,
}

impl From<VisitorToken> for Whose {
    fn from(token: VisitorToken) -> Self {
        Self { site: token.site, visitor: token.visitor, jurisdiction: token.jurisdiction }
    }
}

impl Whose {
    /// The visitor's object.
    pub(super) fn object(&self, env: &Env) -> Result<Stub> {
        js::within(env.durable_object("VISITOR")?, self.jurisdiction.as_deref())?
            .get_by_name(&ids::visitor_object(&self.site, self.visitor))
    }

    /// The visitor's object, for somebody who asks. A token may be of a place where this runtime holds no objects: that
    /// is the deployment's fault, and may be mended.
    pub(super) fn reach(&self, env: &Env) -> std::result::Result<Stub, Problem> {
        self.object(env).map_err(|error| {
            console_error!("fault: no object of the site `{}` can be reached: {error}", self.site);
            Problem::later("unavailable", "The visitor cannot be reached at the moment.")
        })
    }
}

/// The object of a user: where the site has its visitors now.
pub(super) fn user_object(env: &Env, site: &SiteId, user: Uuid) -> Result<Stub> {
    let jurisdiction = deployment::jurisdiction(env, site);
    js::within(env.durable_object("USER")?, jurisdiction.as_deref())?.get_by_name(&ids::user_object(site, user))
}

/// Delivers everything and collects what the objects rejected. Fails when any part could not be committed: what was is
/// recognised when all of it is sent again. `standing` is that of the sender's own tab.
pub(super) async fn deliver(
    env: &Env,
    site: &SiteId,
    jurisdiction: Option<&str>,
    by_visitor: BTreeMap<Uuid, Delivery>,
    standing: Option<&Standing>,
) -> std::result::Result<Taken, Problem> {
    let whose = |visitor| Whose { site: site.clone(), visitor, jurisdiction: jurisdiction.map(str::to_owned) };
    let deliver_one = |(visitor, delivery)| deliver_one(env, whose(visitor), delivery, standing);
    let mut others = by_visitor;
    let outcomes = match others.pop_first() {
        // Nearly always. An answer that waits for one promise only is spared the crate's own way (`answering`).
        Some(only) if others.is_empty() => vec![deliver_one(only).await],
        first => {
            let all = first.into_iter().chain(others);
            stream::iter(all).map(deliver_one).buffer_unordered(CONCURRENT_MAX).collect().await
        }
    };
    let one_visitor = outcomes.len() == 1;
    let mut taken = Taken::default();
    let mut failed = false;
    for outcome in outcomes {
        match outcome {
            Ok(one) => {
                taken.rejections.extend(one.rejections);
                taken.pushes = taken.pushes.or(one.pushes);
                taken.allowance = one.allowance.filter(|_| one_visitor);
            }
            Err(error) => {
                console_error!("fault in a delivery: {error}");
                failed = true;
            }
        }
    }
    if failed {
        return Err(Problem::later("not_committed", "Some events could not be stored. Send all of them again."));
    }
    Ok(taken)
}

async fn deliver_one(env: &Env, whose: Whose, delivery: Delivery, standing: Option<&Standing>) -> Result<Taken> {
    let bytes = postcard::to_allocvec(&(delivery, standing)).map_err(|error| Error::RustError(error.to_string()))?;
    let name = ids::visitor_object(&whose.site, whose.visitor);
    let take = || bridge::take(env, whose.jurisdiction.as_deref(), &name, &bytes);
    let taken = match take().await {
        // The platform's own passing trouble. Events have ids: a second time is harmless.
        Err(error) if js::is_retryable(&error) => take().await,
        outcome => outcome,
    };
    Ok(taken?.map_or_else(|| Ok(Taken::default()), |text| serde_json::from_str(&text))?)
}
