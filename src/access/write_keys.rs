//! Write keys: which site a sender's key belongs to, and what it lets the sender do.

use super::distinct::Distinct;
use super::origin::is_origin;
use super::rate;
use super::scope::{Grant, Scope};
use super::seal;
use crate::engine::Rate;
use footfall_protocol::event::Authority;
use footfall_protocol::ids::SiteId;
use footfall_protocol::limits::{SOURCE_BYTES_MAX, SOURCE_RATE_COUNT_MAX, WRITE_KEYS_MAX};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHolder {
    /// The site.
    pub site: SiteId,
    /// [`Authority::Source`] for a secret key of a server, [`Authority::Public`] for the key in a page.
    pub authority: Authority,
    /// Who sends with it, as records tell; empty when nobody said so.
    pub source: String,
    /// Which events it may bring.
    pub grant: Grant,
    /// Origins of the pages that the key is for, besides what the site allows; empty for all of the site's.
    pub origins: Vec<String>,
    /// How many events may come with it in how long; `None`: what the site says.
    pub rate: Option<Rate>,
    /// Whom events are counted for: keys of one source share its limit, so that a rotation does not double it.
    pub counted_as: String,
}

/// All write keys of the deployment, by their fingerprints.
#[derive(Debug)]
pub struct WriteKeys {
    holders: BTreeMap<[u8; 32], KeyHolder>,
    /// The public key that each site gives to its pages; it is in every page and no secret.
    public: BTreeMap<SiteId, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authored {
    site: String,
    authority: String,
    #[serde(default)]
    source: String,
    scopes: Option<Vec<Scope>>,
    events: Option<Vec<String>>,
    #[serde(default)]
    origins: Vec<String>,
    rate: Option<rate::Authored>,
    #[serde(default)]
    retiring: bool,
}

impl WriteKeys {
    /// Reads `{"fws_…":{"site":"demo","authority":"source"},"fwp_…":{"site":"demo","authority":"public"}}`; the README
    /// lists what else may be said of a key.
    ///
    /// # Errors
    /// A sentence that says what is wrong, without any part of a key.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = r#"must be {"key":{"site":"demo","authority":"source" or "public", …}}, each key once"#;
        let Distinct::<Authored>(authored) = serde_json::from_str(text).map_err(|_| FORM.to_owned())?;
        if authored.len() > WRITE_KEYS_MAX {
            return Err(format!("has {} keys; at most {WRITE_KEYS_MAX}", authored.len()));
        }
        let (mut holders, mut public) = (BTreeMap::new(), BTreeMap::new());
        let mut rates = BTreeMap::new();
        for (key, authored) in authored {
            if key.is_empty() {
                return Err("a key must not be empty".to_owned());
            }
            let retiring = authored.retiring;
            let fingerprint = seal::fingerprint(&key);
            let holder = authored.compile(&fingerprint, FORM)?;
            if holder.authority == Authority::Public && !retiring {
                public.entry(holder.site.clone()).or_insert(key);
            }
            // They share one window, which has one length.
            let counted = (holder.site.clone(), holder.counted_as.clone());
            if *rates.entry(counted).or_insert(holder.rate) != holder.rate {
                return Err(format!("keys of the source `{}` have different rates", holder.source));
            }
            holders.insert(fingerprint, holder);
        }
        Ok(Self { holders, public })
    }

    /// Who holds this key.
    pub fn holder(&self, key: &str) -> Option<&KeyHolder> {
        self.holders.get(&seal::fingerprint(key))
    }

    /// The sites that keys are for.
    pub fn sites(&self) -> impl Iterator<Item = &SiteId> {
        self.holders.values().map(|holder| &holder.site)
    }

    /// The key that a site's pages get: of several the first that is not retiring.
    pub fn public_key(&self, site: &SiteId) -> Option<&str> {
        self.public.get(site).map(String::as_str)
    }
}

impl Authored {
    fn compile(self, fingerprint: &[u8; 32], form: &str) -> Result<KeyHolder, String> {
        let site = SiteId::parse(&self.site).ok_or_else(|| format!("`{}` is no site id", self.site))?;
        let authority = match self.authority.as_str() {
            "source" => Authority::Source,
            "public" => Authority::Public,
            _ => return Err(form.to_owned()),
        };
        let named = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if self.source.len() > SOURCE_BYTES_MAX || !self.source.bytes().all(named) {
            return Err(format!("source: use at most {SOURCE_BYTES_MAX} letters, digits, `-`, `_` and `.`"));
        }
        if let Some(wrong) = self.origins.iter().find(|origin| !is_origin(origin)) {
            return Err(format!("origins: `{wrong}` is no origin: write it like https://shop.example"));
        }
        let is_public = authority == Authority::Public;
        let limited = [("scopes", self.scopes.is_some()), ("events", self.events.is_some())];
        if let Some((member, _)) = limited.iter().find(|(_, said)| is_public && *said) {
            let why = "a page's token, which anybody gets for its key, would not be bound by it; limit secret keys";
            return Err(format!("{member}: {why}"));
        }
        if !is_public && !self.origins.is_empty() {
            return Err("origins: a secret key belongs in no page".to_owned());
        }
        if is_public && self.rate.is_some() {
            let why = "a public key is in every page, so that anybody could use its rate up; limit addresses instead";
            return Err(format!("rate: {why}"));
        }
        let rate = self.rate.map(|rate| rate.compile(SOURCE_RATE_COUNT_MAX)).transpose();
        let rate = rate.map_err(|fault| format!("rate: {fault}"))?;
        let grant = Grant::new(self.scopes, self.events)?;
        let counted_as = if self.source.is_empty() {
            let hex: String = fingerprint.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            format!("key-{hex}")
        } else {
            format!("source-{}", self.source)
        };
        Ok(KeyHolder { site, authority, source: self.source, grant, origins: self.origins, rate, counted_as })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(more: &str) -> Result<KeyHolder, String> {
        let keys = WriteKeys::parse(&format!(r#"{{"hidden":{{"site":"a"{more}}}}}"#))?;
        Ok(keys.holder("hidden").unwrap().clone())
    }

    #[test]
    fn a_key_names_site_and_authority() {
        let keys = WriteKeys::parse(
            r#"{"fws_1":{"site":"a","authority":"source"},"fwp_1":{"site":"a","authority":"public"}}"#,
        )
        .unwrap();
        let a = SiteId::parse("a").unwrap();
        let holder = |key| keys.holder(key).map(|holder| (holder.site.clone(), holder.authority));
        assert_eq!(holder("fws_1"), Some((a.clone(), Authority::Source)));
        assert_eq!(holder("fwp_1"), Some((a.clone(), Authority::Public)));
        assert_eq!(holder("fws_2"), None);
        assert_eq!(holder(""), None);
        assert_eq!(keys.public_key(&a), Some("fwp_1"));
        assert_eq!(keys.public_key(&SiteId::parse("b").unwrap()), None);
        assert_eq!(keys.holder("fws_1").unwrap().grant, Grant::default());
    }

    #[test]
    fn one_key_can_take_anothers_place() {
        let keys = WriteKeys::parse(
            r#"{"fwp_1":{"site":"a","authority":"public","retiring":true},"fwp_2":{"site":"a","authority":"public"},
            "fws_1":{"site":"a","authority":"source","source":"shop"},
            "fws_2":{"site":"a","authority":"source","source":"shop"},"fws_3":{"site":"a","authority":"source"}}"#,
        )
        .unwrap();
        assert_eq!(keys.public_key(&SiteId::parse("a").unwrap()), Some("fwp_2"));
        let counted_as = |key| keys.holder(key).unwrap().counted_as.clone();
        assert_eq!(keys.holder("fwp_1").unwrap().authority, Authority::Public);
        assert_eq!(counted_as("fws_1"), counted_as("fws_2"));
        assert_ne!(counted_as("fws_1"), counted_as("fws_3"));
        assert!(!counted_as("fws_3").contains("fws"));
    }

    #[test]
    fn keys_of_one_source_have_one_rate() {
        let two = |first: &str, second: &str| {
            let key = |name: &str, rate: &str| {
                format!(r#""{name}":{{"site":"a","authority":"source","source":"erp"{rate}}}"#)
            };
            WriteKeys::parse(&format!("{{{},{}}}", key("one", first), key("two", second))).map(drop)
        };
        let (hour, second) = (r#","rate":{"count":5000,"per":"1h"}"#, r#","rate":{"count":100,"per":"1s"}"#);
        assert_eq!(two(hour, hour), Ok(()));
        for other in [second, ""] {
            assert!(two(hour, other).unwrap_err().contains("`erp`"), "{other}");
        }
    }

    #[test]
    fn a_key_may_be_limited() {
        let holder = parse(
            r#","authority":"source","source":"shop-1","scopes":["orders"],"events":["order_completed"],
            "rate":{"count":100,"per":"60s"}"#,
        )
        .unwrap();
        assert_eq!((holder.source.as_str(), holder.rate), ("shop-1", Some(Rate { count: 100, per_ms: 60_000 })));
        assert_ne!(holder.grant, Grant::default());
        let page = parse(r#","authority":"public","origins":["https://shop.example"]"#).unwrap();
        assert_eq!(page.origins, ["https://shop.example"]);
    }

    #[test]
    fn bad_keys_are_refused_without_showing_them() {
        for bad in [
            "",
            "[]",
            r#"{"hidden":{"site":"A","authority":"source"}}"#,
            r#"{"hidden":{"site":"a","authority":"visitor"}}"#,
            r#"{"":{"site":"a","authority":"source"}}"#,
            r#"{"hidden":{"site":"a","authority":"source"},"hidden":{"site":"a","authority":"public"}}"#,
        ] {
            assert!(!WriteKeys::parse(bad).unwrap_err().contains("hidden"), "{bad}");
        }
        for (bad, says) in [
            (r#","authority":"source","scope":[]"#, "must be"),
            (r#","authority":"source","scopes":["admin"]"#, "must be"),
            (r#","authority":"source","scopes":[]"#, "scopes"),
            (r#","authority":"source","events":["Order Completed"]"#, "events: `Order Completed`"),
            (r#","authority":"source","source":"a b""#, "source:"),
            (r#","authority":"source","origins":["https://shop.example"]"#, "no page"),
            (r#","authority":"public","origins":["*"]"#, "no origin"),
            (r#","authority":"public","rate":{"count":1,"per":"1s"}"#, "anybody"),
            (r#","authority":"public","scopes":["events"]"#, "scopes: a page's token"),
            (r#","authority":"public","events":["product_viewed"]"#, "events: a page's token"),
            (r#","authority":"source","rate":{"count":0,"per":"1s"}"#, "rate: `count`"),
        ] {
            let fault = parse(bad).unwrap_err();
            assert!(fault.contains(says) && !fault.contains("hidden"), "{bad}: {fault}");
        }
    }
}
