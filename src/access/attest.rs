//! On the word of a store's server that a page's visitor is some user: a signature over the user's id.
//!
//! `u1.{until, Unix seconds}.{HMAC-SHA256 of "u1.{site}.{until}.{user id}", base64url}`. The server makes it for a page of
//! somebody who is logged in; the page sends it along as `context.userSignature`. Knowing somebody's id is no proof; this is.

use super::distinct::Distinct;
use super::seal;
use footfall_protocol::decode::Batch;
use footfall_protocol::event::Authority;
use footfall_protocol::ids::SiteId;
use std::collections::BTreeMap;

/// How long a signature may be good from now on, in seconds: a month.
const GOOD_FOR_MAX_S: u64 = 31 * 24 * 3600;
/// The least length of a key, in bytes.
const KEY_BYTES_MIN: usize = 32;

/// The keys that stores' servers sign their users' ids with, several for each site while one takes the other's place.
#[derive(Debug, Default)]
pub struct UserKeys(BTreeMap<SiteId, Vec<Vec<u8>>>);

impl UserKeys {
    /// Reads `{"demo":["base64url of at least 32 bytes"]}`.
    ///
    /// # Errors
    /// A sentence that says what is wrong, without any part of a key.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = r#"must be {"site":["base64url of at least 32 bytes"]}, each site once"#;
        let Distinct::<Vec<String>>(authored) = serde_json::from_str(text).map_err(|_| FORM.to_owned())?;
        let mut sites = BTreeMap::new();
        for (name, keys) in authored {
            let site = SiteId::parse(&name).ok_or_else(|| format!("`{name}` is no site id"))?;
            let keys: Option<Vec<Vec<u8>>> = keys.iter().map(|key| seal::decode(key)).collect();
            let keys = keys.filter(|keys| keys.iter().all(|key| key.len() >= KEY_BYTES_MIN));
            sites.insert(site, keys.ok_or_else(|| format!("a key of `{name}` is not base64url of at least 32 bytes"))?);
        }
        Ok(Self(sites))
    }

    /// The sites that have keys.
    pub fn sites(&self) -> impl Iterator<Item = &SiteId> {
        self.0.keys()
    }

    /// Whether a server of the site has signed that its page's visitor is this user, for a time that is not over.
    pub fn attest(&self, site: &SiteId, user_id: &str, signature: &str, now_s: u64) -> bool {
        let parts = signature.strip_prefix("u1.").and_then(|rest| rest.split_once('.'));
        let Some((until, mac)) = parts else { return false };
        let Ok(until_s) = until.parse::<u64>() else { return false };
        let good = (now_s..=now_s.saturating_add(GOOD_FOR_MAX_S)).contains(&until_s);
        let text = format!("u1.{site}.{until}.{user_id}");
        let keys = self.0.get(site).map(Vec::as_slice).unwrap_or_default();
        // All keys are tried, so that the time says nothing about which one it was.
        keys.iter().fold(false, |found, key| seal::verify(key, &text, mac) | found) && good
    }

    /// Marks the events of a visitor's own page that carry a good signature. With the public key alone a signature counts
    /// for nothing, since nothing else does about identity; a source needs none.
    pub fn mark(&self, batch: &mut Batch, authority: Authority, site: &SiteId, now_s: u64) {
        for decoded in batch.events.iter_mut().filter(|_| authority == Authority::Visitor) {
            if let (Some(user_id), Some(signature)) = (&decoded.event.user_id, &decoded.user_signature) {
                decoded.event.attested = self.attest(site, user_id, signature, now_s);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use footfall_protocol::decode::decode_batch;

    const KEYS: &str =
        r#"{"demo":["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"]}"#;
    const NOW_S: u64 = 1_800_000_000;

    fn site() -> SiteId {
        SiteId::parse("demo").unwrap()
    }

    fn signed(key: &str, site: &str, until_s: u64, user_id: &str) -> String {
        let mac = seal::sign(&seal::decode(key).unwrap(), &format!("u1.{site}.{until_s}.{user_id}"));
        format!("u1.{until_s}.{mac}")
    }

    const OLD: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    #[test]
    fn a_signature_is_good_for_one_user_of_one_site_for_a_time() {
        let keys = UserKeys::parse(KEYS).unwrap();
        let good = signed(OLD, "demo", NOW_S + 60, "ada");
        assert!(keys.attest(&site(), "ada", &good, NOW_S));
        assert!(keys.attest(
            &site(),
            "ada",
            &signed("HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "demo", NOW_S, "ada"),
            NOW_S
        ));
        for (user, signature, now_s) in [
            ("eve", good.clone(), NOW_S),
            ("ada", good.clone(), NOW_S + 61),
            ("ada", signed(OLD, "other", NOW_S + 60, "ada"), NOW_S),
            ("ada", signed(OLD, "demo", NOW_S + GOOD_FOR_MAX_S + 1, "ada"), NOW_S),
            ("ada", good.replace(".18000000", ".18000001"), NOW_S),
            ("ada", good[..good.len() - 1].to_owned(), NOW_S),
            ("ada", String::new(), NOW_S),
            ("ada", "u1.1800000060.".to_owned(), NOW_S),
        ] {
            assert!(!keys.attest(&site(), user, &signature, now_s), "{user} {signature}");
        }
        assert!(!UserKeys::default().attest(&site(), "ada", &good, NOW_S));
    }

    #[test]
    fn only_a_visitors_own_page_brings_signatures() {
        let keys = UserKeys::parse(KEYS).unwrap();
        let signature = signed(OLD, "demo", NOW_S + 60, "ada");
        let body = format!(
            r#"{{"batch":[{{"type":"identify","anonymousId":"a","userId":"ada","context":{{"userSignature":"{signature}"}}}},{{"type":"identify","anonymousId":"a","userId":"eve","context":{{"userSignature":"{signature}"}}}}]}}"#
        );
        for (authority, wanted) in [(Authority::Visitor, [true, false]), (Authority::Public, [false, false])] {
            let mut batch = decode_batch(body.as_bytes(), authority).unwrap();
            keys.mark(&mut batch, authority, &site(), NOW_S);
            assert_eq!(batch.events.iter().map(|decoded| decoded.event.attested).collect::<Vec<_>>(), wanted);
        }
    }

    #[test]
    fn bad_keys_are_refused_without_showing_them() {
        for bad in [
            "",
            "[]",
            r#"{"demo":"x"}"#,
            r#"{"demo":["c2hvcnQtc2VjcmV0"]}"#,
            r#"{"De":[]}"#,
            r#"{"demo":[],"demo":[]}"#,
        ] {
            let message = UserKeys::parse(bad).unwrap_err();
            assert!(!message.contains("c2hv"), "{message}");
        }
    }
}
