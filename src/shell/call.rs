//! What every handler is given of the request it answers.

use crate::shell::deployment::Deployment;
use footfall_protocol::ids::SiteId;
use footfall_protocol::query;
use std::cell::OnceCell;
use worker::Env;

/// A request to the API, as far as it is known before its own handler looks at it.
pub(super) struct Call<'a> {
    pub(super) env: &'a Env,
    pub(super) deployment: &'a Deployment,
    /// The whole address.
    pub(super) url: &'a str,
    /// Our own origin, as this request addresses it.
    pub(super) own: &'a str,
    /// The page's origin, when a browser says it.
    pub(super) origin: Option<String>,
    /// The site, once it is known.
    pub(super) site: OnceCell<SiteId>,
}

impl Call<'_> {
    /// Notes which site is meant.
    pub(super) fn is_about(&self, site: &SiteId) {
        // The first to find out is right, and later ones say the same.
        let _ = self.site.set(site.clone());
    }

    /// The value of a member of the query.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        query::member(self.url, name)
    }
}
