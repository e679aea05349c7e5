//! The visitor token: says who a visitor is, signed, so that nobody else can say it.
//!
//! `f1.{key id}.{site}.{visitor}.{jurisdiction or -}.{issued, Unix seconds}.{signature of all before}`

use super::distinct::Distinct;
use super::seal;
use footfall_protocol::ids::SiteId;
use serde::Deserialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What every token of this form begins with.
pub const PREFIX: &str = "f1.";
/// A token is good for so long, in seconds: as long as browsers keep a cookie (400 days).
pub const AGE_MAX_S: u64 = 400 * 24 * 3600;
/// A token older than this is issued anew when its visitor comes by, so that a returning visitor's never ends.
const RENEW_AFTER_S: u64 = 30 * 24 * 3600;
/// How far the clocks of two machines of the network may be apart, in seconds.
const SKEW_S: u64 = 300;
/// The least length of a signing key, in bytes.
const KEY_BYTES_MIN: usize = 32;

/// Who a visitor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisitorToken {
    /// The site that knows the visitor.
    pub site: SiteId,
    /// The visitor.
    pub visitor: Uuid,
    /// Where the visitor's object is held by law (`eu`); fixed for the visitor's life, since it names the object.
    pub jurisdiction: Option<String>,
    /// When it was signed, in Unix seconds.
    pub issued_s: u64,
}

/// A token that is genuine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What it says.
    pub token: VisitorToken,
    /// Whether it should be issued anew: signed with a key that is on its way out, or old.
    pub renew: bool,
}

/// The keys that tokens are signed with: one is active, the others still verify.
#[derive(Debug)]
pub struct SigningKeys {
    active: String,
    keys: BTreeMap<String, Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authored {
    active: String,
    keys: Distinct<String>,
}

impl SigningKeys {
    /// Reads `{"active":"k1","keys":{"k1":"base64url of at least 32 bytes"}}`.
    ///
    /// # Errors
    /// A sentence that says what is wrong, without any part of a key.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = r#"must be {"active":"k1","keys":{"k1":"base64url of at least 32 bytes"}}, each id once"#;
        let authored: Authored = serde_json::from_str(text).map_err(|_| FORM.to_owned())?;
        let mut keys = BTreeMap::new();
        for (id, key) in authored.keys.0 {
            if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err("a key id must be letters and digits".to_owned());
            }
            match seal::decode(&key) {
                Some(bytes) if bytes.len() >= KEY_BYTES_MIN => keys.insert(id, bytes),
                _ => return Err(format!("key `{id}` is not base64url of at least {KEY_BYTES_MIN} bytes")),
            };
        }
        if !keys.contains_key(&authored.active) {
            return Err(format!("the active key `{}` is not among the keys", authored.active));
        }
        Ok(Self { active: authored.active, keys })
    }

    /// Signs with the active key.
    pub fn issue(&self, token: &VisitorToken) -> String {
        let VisitorToken { site, visitor, jurisdiction, issued_s } = token;
        let jurisdiction = jurisdiction.as_deref().unwrap_or("-");
        let text = format!("{PREFIX}{}.{site}.{}.{jurisdiction}.{issued_s}", self.active, visitor.hyphenated());
        let signature = seal::sign(&self.keys[&self.active], &text);
        format!("{text}.{signature}")
    }

    /// What a token says, when it is genuine and not too old.
    pub fn verify(&self, token: &str, now_s: u64) -> Option<Verified> {
        let (text, signature) = token.rsplit_once('.')?;
        let mut parts = text.strip_prefix(PREFIX)?.split('.');
        let mut part = || parts.next();
        let (key_id, site, visitor, jurisdiction, issued) = (part()?, part()?, part()?, part()?, part()?);
        if part().is_some() || !seal::verify(self.keys.get(key_id)?, text, signature) {
            return None;
        }
        let issued_s: u64 = issued.parse().ok()?;
        let age_s = (now_s + SKEW_S).checked_sub(issued_s)?.saturating_sub(SKEW_S);
        (age_s <= AGE_MAX_S).then_some(())?;
        Some(Verified {
            token: VisitorToken {
                site: SiteId::parse(site)?,
                visitor: Uuid::try_parse(visitor).ok()?,
                jurisdiction: Some(jurisdiction).filter(|j| *j != "-").map(str::to_owned),
                issued_s,
            },
            renew: key_id != self.active || age_s > RENEW_AFTER_S,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r#"{"active":"k1","keys":{"k1":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}}"#;
    const ROTATED: &str = r#"{"active":"k2","keys":{"k1":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "k2":"HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}}"#;
    const AFTER: &str = r#"{"active":"k2","keys":{"k2":"HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}}"#;

    fn token() -> VisitorToken {
        VisitorToken {
            site: SiteId::parse("demo").unwrap(),
            visitor: Uuid::from_u128(0x0123_4567_89ab_4cde_8f01_2345_6789_abcd),
            jurisdiction: None,
            issued_s: 1_800_000_000,
        }
    }

    #[test]
    fn the_form_is_pinned() {
        let text = SigningKeys::parse(OLD).unwrap().issue(&token());
        assert_eq!(text.rsplit_once('.').unwrap().0, "f1.k1.demo.01234567-89ab-4cde-8f01-23456789abcd.-.1800000000");
    }

    #[test]
    fn a_token_says_what_was_signed() {
        let keys = SigningKeys::parse(OLD).unwrap();
        for jurisdiction in [None, Some("eu".to_owned())] {
            let token = VisitorToken { jurisdiction, ..token() };
            let verified = keys.verify(&keys.issue(&token), token.issued_s).unwrap();
            assert_eq!(verified, Verified { token, renew: false });
        }
    }

    #[test]
    fn no_part_of_a_token_can_be_changed() {
        let keys = SigningKeys::parse(OLD).unwrap();
        let good = keys.issue(&token());
        for at in 0..good.len() {
            let mut bad = good.clone().into_bytes();
            bad[at] = if bad[at] == b'0' { b'1' } else { b'0' };
            let bad = String::from_utf8(bad).unwrap();
            assert_eq!(keys.verify(&bad, token().issued_s), None, "{bad}");
        }
        assert_eq!(keys.verify(&format!("{good}."), token().issued_s), None);
        assert_eq!(keys.verify("", token().issued_s), None);
    }

    #[test]
    fn a_rotated_key_still_verifies_and_asks_for_a_new_token() {
        let old = SigningKeys::parse(OLD).unwrap().issue(&token());
        let rotated = SigningKeys::parse(ROTATED).unwrap();
        assert!(rotated.verify(&old, token().issued_s).unwrap().renew);
        assert!(!rotated.verify(&rotated.issue(&token()), token().issued_s).unwrap().renew);
        assert_eq!(SigningKeys::parse(AFTER).unwrap().verify(&old, token().issued_s), None);
    }

    #[test]
    fn age_counts() {
        let keys = SigningKeys::parse(OLD).unwrap();
        let text = keys.issue(&token());
        let at = |now_s| keys.verify(&text, now_s).map(|verified| verified.renew);
        assert_eq!(at(token().issued_s - SKEW_S), Some(false));
        assert_eq!(at(token().issued_s - SKEW_S - 1), None);
        assert_eq!(at(token().issued_s + RENEW_AFTER_S + 1), Some(true));
        assert_eq!(at(token().issued_s + AGE_MAX_S), Some(true));
        assert_eq!(at(token().issued_s + AGE_MAX_S + 1), None);
    }

    #[test]
    fn bad_keys_are_refused_without_showing_them() {
        for bad in [
            "",
            "{}",
            r#"{"active":"k2","keys":{"k1":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}}"#,
            r#"{"active":"k1","keys":{"k1":"c2hvcnQtc2VjcmV0"}}"#,
            r#"{"active":"k1","keys":{"k1":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","k1":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}}"#,
            r#"{"active":"k.1","keys":{"k.1":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}}"#,
        ] {
            let message = SigningKeys::parse(bad).unwrap_err();
            assert!(!message.contains("c2hv") && !message.contains("AAEC"), "{message}");
        }
    }
}
