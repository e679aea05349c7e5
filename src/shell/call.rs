//! What every handler is given of the request it answers.

use crate::access::head::Head;
use crate::shell::deployment::Deployment;
use footfall_protocol::ids::SiteId;
use footfall_protocol::query;
use std::cell::OnceCell;
use worker::worker_sys::web_sys::Request;
use worker::{Env, Method};

/// A request to the API, as far as it is known before its own handler looks at it.
pub(super) struct Call<'a> {
    pub(super) env: &'a Env,
    pub(super) deployment: &'a Deployment,
    /// The request, for its body.
    pub(super) request: &'a Request,
    /// The request without its body.
    pub(super) head: &'a Head,
    /// Our own origin, as this request addresses it.
    pub(super) own: &'a str,
    /// The site, once it is known.
    pub(super) site: OnceCell<SiteId>,
}

impl Call<'_> {
    /// Notes which site is meant.
    pub(super) fn is_about(&self, site: &SiteId) {
        // The first to find out is right, and later ones say the same.
        let _ = self.site.set(site.clone());
    }

    /// The page's origin, when a browser says it.
    pub(super) fn origin(&self) -> Option<&str> {
        self.head.header("origin")
    }

    /// The method, where it is one that the platform's crate knows; GET for any other.
    pub(super) fn method(&self) -> Method {
        Method::from(self.head.method().to_owned())
    }

    /// The value of a member of the query.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        query::member(self.head.url(), name)
    }
}
