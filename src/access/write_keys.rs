//! Write keys: which site a sender's key belongs to, and what it lets the sender do.

use super::seal;
use footfall_protocol::event::Authority;
use footfall_protocol::ids::SiteId;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHolder {
    /// The site.
    pub site: SiteId,
    /// [`Authority::Source`] for a secret key of a server, [`Authority::Public`] for the key in a page.
    pub authority: Authority,
}

/// All write keys of the deployment, by their fingerprints.
#[derive(Debug)]
pub struct WriteKeys {
    holders: BTreeMap<[u8; 32], KeyHolder>,
    /// The first public key of each site; it is in every page and no secret.
    public: BTreeMap<SiteId, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authored {
    site: String,
    authority: String,
}

impl WriteKeys {
    /// Reads `{"fws_…":{"site":"demo","authority":"source"},"fwp_…":{"site":"demo","authority":"public"}}`.
    ///
    /// # Errors
    /// A sentence that says what is wrong, without any part of a key.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = r#"must be {"key":{"site":"demo","authority":"source" or "public"}}"#;
        let authored: BTreeMap<String, Authored> = serde_json::from_str(text).map_err(|_| FORM.to_owned())?;
        let (mut holders, mut public) = (BTreeMap::new(), BTreeMap::new());
        for (key, Authored { site, authority }) in authored {
            let site = SiteId::parse(&site).ok_or_else(|| format!("`{site}` is no site id"))?;
            let authority = match authority.as_str() {
                "source" => Authority::Source,
                "public" => Authority::Public,
                _ => return Err(FORM.to_owned()),
            };
            if key.is_empty() {
                return Err("a key must not be empty".to_owned());
            }
            holders.insert(seal::fingerprint(&key), KeyHolder { site: site.clone(), authority });
            if authority == Authority::Public {
                public.entry(site).or_insert(key);
            }
        }
        Ok(Self { holders, public })
    }

    /// Who holds this key.
    pub fn holder(&self, key: &str) -> Option<&KeyHolder> {
        self.holders.get(&seal::fingerprint(key))
    }

    /// A site's public key.
    pub fn public_key(&self, site: &SiteId) -> Option<&str> {
        self.public.get(site).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_site_and_authority() {
        let keys = WriteKeys::parse(
            r#"{"fws_1":{"site":"a","authority":"source"},"fwp_1":{"site":"a","authority":"public"}}"#,
        )
        .unwrap();
        let a = SiteId::parse("a").unwrap();
        let holder = |key| keys.holder(key).cloned();
        assert_eq!(holder("fws_1"), Some(KeyHolder { site: a.clone(), authority: Authority::Source }));
        assert_eq!(holder("fwp_1"), Some(KeyHolder { site: a.clone(), authority: Authority::Public }));
        assert_eq!(holder("fws_2"), None);
        assert_eq!(holder(""), None);
        assert_eq!(keys.public_key(&a), Some("fwp_1"));
        assert_eq!(keys.public_key(&SiteId::parse("b").unwrap()), None);
    }

    #[test]
    fn bad_keys_are_refused_without_showing_them() {
        for bad in [
            "",
            "[]",
            r#"{"hidden":{"site":"A","authority":"source"}}"#,
            r#"{"hidden":{"site":"a","authority":"visitor"}}"#,
            r#"{"":{"site":"a","authority":"source"}}"#,
        ] {
            assert!(!WriteKeys::parse(bad).unwrap_err().contains("hidden"), "{bad}");
        }
    }
}
