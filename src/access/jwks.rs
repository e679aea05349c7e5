//! The public keys of whoever issues operators' tokens: a JSON Web Key Set (RFC 7517), for ES256 (RFC 7518 §3.4).
//!
//! A key verifies with one algorithm only, and which one is a property of the key, never of the token. What a token's
//! header says about keys besides `kid` (`jwk`, `jku`, `x5u`, `x5c`) is not looked at: nothing is ever fetched.

use super::seal;
use footfall_protocol::limits::JWKS_KEYS_MAX;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::{EncodedPoint, FieldBytes};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The keys by their ids. Several may be there at once, so that one can take another's place.
#[derive(Debug, Default)]
pub struct Jwks {
    keys: BTreeMap<String, VerifyingKey>,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    crv: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    x: Option<String>,
    y: Option<String>,
    /// The private half. It has no place here.
    d: Option<serde::de::IgnoredAny>,
    /// A shared secret (`oct`). It has no place here either.
    k: Option<serde::de::IgnoredAny>,
}

impl Jwks {
    /// Reads `{"keys":[{"kty":"EC","crv":"P-256","kid":"…","x":"…","y":"…"}]}`. Keys of other kinds, which providers
    /// list as well, are left out (RFC 7517 §5).
    ///
    /// # Errors
    /// A sentence that says what is wrong, without any part of a key.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = r#"must be {"keys":[{"kty":"EC","crv":"P-256","kid":"…","x":"…","y":"…"}]}"#;
        let set: Set = serde_json::from_str(text).map_err(|_| FORM.to_owned())?;
        if set.keys.len() > JWKS_KEYS_MAX {
            return Err(format!("has {} keys; at most {JWKS_KEYS_MAX}", set.keys.len()));
        }
        let mut keys = BTreeMap::new();
        for (at, jwk) in set.keys.into_iter().enumerate() {
            if jwk.d.is_some() || jwk.k.is_some() {
                return Err(format!("keys[{at}] holds a secret: give the public half only, and make a new pair"));
            }
            if !jwk.verifies_es256() {
                continue;
            }
            let id = jwk.kid.as_deref().filter(|id| !id.is_empty());
            let id = id.ok_or_else(|| format!("keys[{at}] needs `kid`, by which tokens name it"))?;
            let key = jwk.point().ok_or_else(|| format!("keys[{at}] is no point of P-256"))?;
            if keys.insert(id.to_owned(), key).is_some() {
                return Err(format!("keys[{at}] has the `kid` of another key"));
            }
        }
        if keys.is_empty() {
            return Err("has no key for ES256 (`kty` EC, `crv` P-256)".to_owned());
        }
        Ok(Self { keys })
    }

    /// Whether this is the signature of a text by the key with this id.
    pub fn verify(&self, key_id: &str, text: &str, signature: &str) -> bool {
        let Some(key) = self.keys.get(key_id) else { return false };
        // The two numbers one after the other, 32 bytes each: never the DER that other protocols use.
        let signature = seal::decode(signature).and_then(|bytes| Signature::from_slice(&bytes).ok());
        signature.is_some_and(|signature| key.verify(text.as_bytes(), &signature).is_ok())
    }
}

impl Jwk {
    fn verifies_es256(&self) -> bool {
        let is = |member: &Option<String>, wanted| member.as_deref().is_none_or(|said| said == wanted);
        let verifies = |operations: &Vec<String>| operations.iter().any(|operation| operation == "verify");
        self.kty == "EC"
            && self.crv.as_deref() == Some("P-256")
            && is(&self.alg, "ES256")
            && is(&self.r#use, "sig")
            && self.key_ops.as_ref().is_none_or(verifies)
    }

    fn point(&self) -> Option<VerifyingKey> {
        let number = |member: &Option<String>| {
            let bytes: [u8; 32] = seal::decode(member.as_deref()?)?.try_into().ok()?;
            Some(FieldBytes::from(bytes))
        };
        let point = EncodedPoint::from_affine_coordinates(&number(&self.x)?, &number(&self.y)?, false);
        VerifyingKey::from_encoded_point(&point).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key and the signature of RFC 7515, appendix A.3.
    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    const SIGNED: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    fn key(more: &str) -> String {
        format!(r#"{{"kty":"EC","crv":"P-256","kid":"a","x":"{X}","y":"{Y}"{more}}}"#)
    }

    fn set(keys: &[String]) -> Result<Jwks, String> {
        Jwks::parse(&format!(r#"{{"keys":[{}]}}"#, keys.join(",")))
    }

    #[test]
    fn a_signature_is_that_of_rfc_7515() {
        let jwks = set(&[key("")]).unwrap();
        assert!(jwks.verify("a", SIGNED, SIGNATURE));
        assert!(!jwks.verify("b", SIGNED, SIGNATURE) && !jwks.verify("", SIGNED, SIGNATURE));
        assert!(!jwks.verify("a", &SIGNED[1..], SIGNATURE));
        for bad in ["", "AAAA", &"A".repeat(86), &SIGNATURE[..85], &format!("{SIGNATURE}AA")] {
            assert!(!jwks.verify("a", SIGNED, bad), "{bad}");
        }
    }

    #[test]
    fn keys_of_other_kinds_are_left_out() {
        let rsa = r#"{"kty":"RSA","kid":"r","n":"AQAB","e":"AQAB"}"#.to_owned();
        let jwks = set(&[rsa.clone(), key(r#","alg":"ES256","use":"sig","key_ops":["verify"]"#)]).unwrap();
        assert_eq!(jwks.keys.len(), 1);
        assert!(set(&[rsa]).unwrap_err().contains("no key for ES256"));
        for other in [r#","alg":"HS256""#, r#","alg":"none""#, r#","use":"enc""#, r#","key_ops":["sign"]"#] {
            assert!(set(&[key(other)]).unwrap_err().contains("no key for ES256"), "{other}");
        }
    }

    #[test]
    fn bad_sets_are_refused_without_showing_them() {
        let off = key("").replace("x_FE", "x_FF");
        let short = key("").replace("x_FE", "");
        let secret = key(r#","d":"hidden""#);
        let shared = r#"{"kty":"oct","kid":"a","k":"hidden"}"#.to_owned();
        for (bad, says) in [
            (vec![off], "no point"),
            (vec![short], "no point"),
            (vec![secret], "holds a secret"),
            (vec![shared], "holds a secret"),
            (vec![key("").replace(r#""kid":"a","#, "")], "needs `kid`"),
            (vec![key(""), key("")], "another key"),
            (vec![key(""); 17], "at most"),
            (vec![key(r#","kid":"b""#)], "must be"),
        ] {
            let fault = set(&bad).unwrap_err();
            assert!(fault.contains(says) && !fault.contains("hidden"), "{fault}");
        }
        assert!(Jwks::parse("[]").unwrap_err().contains("must be"));
    }
}
