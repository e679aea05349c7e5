//! How the site keeps its visitors while they are replayed.

use crate::Refusal;
use footfall::access::site::parse;
use footfall::engine::Settings;
use footfall_protocol::ids::SiteId;
use serde_json::{Value, json};

/// What was chosen, before it is known which site the records are of.
pub(super) enum Chosen {
    /// For whatever site.
    Any(Settings),
    /// By site, as JSON.
    Sites(String),
}

impl Chosen {
    /// Reads a site's settings as `[vars] SITES` says them, or all of `SITES`.
    pub(super) fn parse(text: Option<&str>) -> Result<Self, Refusal> {
        let Some(text) = text else { return Ok(Self::Any(Settings::default())) };
        let wrong = |why: String| Refusal(format!("--site-settings: {why}"));
        let value: Value = serde_json::from_str(text).map_err(|error| wrong(format!("is not JSON: {error}")))?;
        let sites =
            |object: &serde_json::Map<String, Value>| !object.is_empty() && object.values().all(Value::is_object);
        if value.as_object().is_some_and(sites) {
            parse(text).map_err(wrong)?;
            return Ok(Self::Sites(text.to_owned()));
        }
        let sites = parse(&json!({"site": value}).to_string()).map_err(wrong)?;
        let site = sites.into_values().next().expect("one site was written");
        Ok(Self::Any(site.engine))
    }

    /// The settings of a site.
    ///
    /// Consent is not asked for again, and no limit of a rate holds: what was recorded had been let in, and a recording may begin after it was given.
    pub(super) fn of(&self, site: &SiteId) -> Result<Settings, Refusal> {
        let settings = match self {
            Self::Any(settings) => settings.clone(),
            Self::Sites(text) => {
                let mut sites = parse(text).expect("parsed before");
                let named = sites.remove(site);
                named.ok_or_else(|| Refusal(format!("--site-settings: names no site `{}`", site.as_str())))?.engine
            }
        };
        Ok(Settings { consent_required: false, inspect: false, rate: None, ..settings })
    }
}
