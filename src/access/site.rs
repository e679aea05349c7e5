//! The sites of a deployment and their settings, as `[vars] SITES` says them.

use super::distinct::Distinct;
use super::origin::is_origin;
use super::rate;
use crate::engine::{Rate, Settings};
use crate::sinks::settings::{self, Sinks};
use footfall_protocol::duration::parse_ms;
use footfall_protocol::ids::SiteId;
use footfall_protocol::limits::{SOURCE_RATE_COUNT_MAX, VISITOR_RATE_COUNT_MAX};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The jurisdictions that the platform knows.
const JURISDICTIONS: [&str; 3] = ["eu", "us", "fedramp"];

/// A site's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// Origins of pages, besides the engine's own, that may use it.
    pub origins: Vec<String>,
    /// Headless browsers are visitors like others: for demonstrations and tests only.
    pub allow_headless: bool,
    /// Where records go besides the database.
    pub sinks: Sinks,
    /// How many events each of the store's servers may send in how long, unless its key says otherwise; `None`: any
    /// number.
    pub source_rate: Option<Rate>,
    /// Where visitors' objects are held by law, and nowhere else; `None`: anywhere.
    pub jurisdiction: Option<String>,
    /// What the engine needs to know.
    pub engine: Settings,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Authored {
    origins: Vec<String>,
    consent: Option<String>,
    withdrawal: Option<String>,
    jurisdiction: Option<String>,
    inspect: bool,
    public_orders: bool,
    allow_headless: bool,
    session_idle: Option<String>,
    flush_after: Option<String>,
    retention: Option<String>,
    sinks: settings::Authored,
    limits: Limits,
}

/// `{"visitor": {"count": 100, "per": "60s"}, "source": …}`
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Limits {
    visitor: Option<rate::Authored>,
    source: Option<rate::Authored>,
}

/// Reads `{"demo":{"origins":[…],"consent":"assumed","session_idle":"30m",…}}`.
///
/// # Errors
/// A sentence that names site and member.
pub fn parse(text: &str) -> Result<BTreeMap<SiteId, Site>, String> {
    let Distinct::<Authored>(authored) =
        serde_json::from_str(text).map_err(|error| format!("is not the JSON object that is wanted: {error}"))?;
    if authored.is_empty() {
        return Err("names no site".to_owned());
    }
    let mut sites = BTreeMap::new();
    for (name, settings) in authored {
        let id = SiteId::parse(&name)
            .ok_or_else(|| format!("`{name}` is no site id: use 1 to 32 of a-z, 0-9 and -, not beginning with -"))?;
        let site = settings.compile().map_err(|fault| format!("{name}.{fault}"))?;
        sites.insert(id, site);
    }
    Ok(sites)
}

impl Authored {
    fn compile(self) -> Result<Site, String> {
        for origin in &self.origins {
            if !is_origin(origin) {
                return Err(format!("origins: `{origin}` is no origin: write it like https://shop.example"));
            }
        }
        let consent_required = match self.consent.as_deref() {
            None | Some("required") => true,
            Some("assumed") => false,
            Some(other) => return Err(format!("consent: `{other}` is neither `assumed` nor `required`")),
        };
        let withdrawal_erases = match self.withdrawal.as_deref() {
            None | Some("erase") => true,
            Some("keep") => false,
            Some(other) => return Err(format!("withdrawal: `{other}` is neither `erase` nor `keep`")),
        };
        if let Some(unknown) = self.jurisdiction.as_ref().filter(|named| !JURISDICTIONS.contains(&named.as_str())) {
            return Err(format!("jurisdiction: `{unknown}` is none of {}", JURISDICTIONS.join(", ")));
        }
        let usual = Settings::default();
        let time = |name: &str, text: Option<String>, usual_ms, least_ms| {
            text.map_or(Ok(usual_ms), |text| match duration_ms(&text) {
                Some(ms) if ms >= least_ms => Ok(ms),
                Some(_) => Err(format!("{name}: `{text}` is shorter than {least_ms}ms")),
                None => Err(format!("{name}: `{text}` is no duration: write it like 500ms, 30s, 30m, 12h or 30d")),
            })
        };
        let rate = |name: &str, authored: &Option<rate::Authored>, count_max| {
            let rate = authored.as_ref().map(|rate| rate.compile(count_max)).transpose();
            rate.map_err(|fault| format!("limits.{name}: {fault}"))
        };
        let engine = Settings {
            session_idle_ms: time("session_idle", self.session_idle, usual.session_idle_ms, 1_000)?,
            flush_after_ms: time("flush_after", self.flush_after, usual.flush_after_ms, 100)?,
            retention_ms: time("retention", self.retention, usual.retention_ms, 1_000)?,
            consent_required,
            public_orders: self.public_orders,
            inspect: self.inspect,
            rate: rate("visitor", &self.limits.visitor, VISITOR_RATE_COUNT_MAX)?,
            withdrawal_erases,
        };
        if engine.retention_ms < engine.session_idle_ms {
            return Err("retention: must not be shorter than session_idle".to_owned());
        }
        let sinks = self.sinks.compile()?;
        let source_rate = rate("source", &self.limits.source, SOURCE_RATE_COUNT_MAX)?;
        let Self { origins, allow_headless, jurisdiction, .. } = self;
        Ok(Site { origins, allow_headless, jurisdiction, sinks, source_rate, engine })
    }
}

/// A duration of at most ten years.
fn duration_ms(text: &str) -> Option<u64> {
    const TEN_YEARS_MS: u64 = 10 * 365 * 24 * 3_600_000;
    parse_ms(text).filter(|ms| *ms <= TEN_YEARS_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_has_settings() {
        let sites = parse(
            r#"{"demo":{"origins":["https://shop.example","http://localhost:3000"],"consent":"assumed","inspect":true,
            "withdrawal":"keep","jurisdiction":"eu",            "public_orders":true,"allow_headless":true,"session_idle":"10m","flush_after":"500ms","retention":"2d",
            "limits":{"visitor":{"count":100,"per":"60s"},"source":{"count":5000,"per":"1m"}}}}"#,
        )
        .unwrap();
        let demo = &sites[&SiteId::parse("demo").unwrap()];
        assert_eq!(demo.origins, ["https://shop.example", "http://localhost:3000"]);
        assert!(demo.allow_headless);
        assert_eq!(demo.jurisdiction.as_deref(), Some("eu"));
        let engine = Settings {
            session_idle_ms: 600_000,
            flush_after_ms: 500,
            retention_ms: 172_800_000,
            consent_required: false,
            public_orders: true,
            inspect: true,
            rate: Some(Rate { count: 100, per_ms: 60_000 }),
            withdrawal_erases: false,
        };
        assert_eq!(demo.engine, engine);
        assert_eq!(demo.source_rate, Some(Rate { count: 5_000, per_ms: 60_000 }));
    }

    #[test]
    fn what_is_not_said_is_the_careful_choice() {
        let sites = parse(r#"{"demo":{}}"#).unwrap();
        let demo = &sites[&SiteId::parse("demo").unwrap()];
        assert!(
            demo.engine.consent_required
                && demo.engine.withdrawal_erases
                && !demo.engine.inspect
                && !demo.engine.public_orders
        );
        assert!(!demo.allow_headless && demo.origins.is_empty());
    }

    #[test]
    fn faults_name_site_and_member() {
        for (text, says) in [
            ("", "JSON"),
            ("{}", "no site"),
            (r#"{"Demo":{}}"#, "`Demo` is no site id"),
            (r#"{"demo":{"origin":[]}}"#, "unknown field `origin`"),
            (r#"{"demo":{"origins":["*"]}}"#, "demo.origins: `*` is no origin"),
            (r#"{"demo":{},"demo":{}}"#, "`demo` stands twice"),
            (r#"{"demo":{"origins":["https://a.example/"]}}"#, "demo.origins"),
            (r#"{"demo":{"origins":["https://*.a.example"]}}"#, "demo.origins"),
            (r#"{"demo":{"origins":["https://A.example"]}}"#, "demo.origins"),
            (r#"{"demo":{"consent":"no"}}"#, "demo.consent"),
            (r#"{"demo":{"jurisdiction":"mars"}}"#, "demo.jurisdiction: `mars` is none of eu, us, fedramp"),
            (r#"{"demo":{"withdrawal":"maybe"}}"#, "demo.withdrawal"),
            (r#"{"demo":{"session_idle":"30"}}"#, "demo.session_idle: `30` is no duration"),
            (r#"{"demo":{"flush_after":"1ms"}}"#, "demo.flush_after: `1ms` is shorter"),
            (r#"{"demo":{"retention":"99999999999999999999d"}}"#, "demo.retention"),
            (r#"{"demo":{"limits":{"visitor":{"count":1001,"per":"60s"}}}}"#, "demo.limits.visitor: `count`"),
            (r#"{"demo":{"limits":{"source":{"count":1,"per":"2h"}}}}"#, "demo.limits.source: `per`"),
            (r#"{"demo":{"limits":{"address":{}}}}"#, "unknown field `address`"),
            (r#"{"demo":{"session_idle":"1h","retention":"1m"}}"#, "demo.retention: must not be shorter"),
            (r#"{"demo":{"sinks":{"origin":{"url":"http://a.example"}}}}"#, "demo.sinks.origin.url"),
        ] {
            let fault = parse(text).unwrap_err();
            assert!(fault.contains(says), "{text}: {fault}");
        }
    }
}
