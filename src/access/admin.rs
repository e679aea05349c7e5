//! Operators: a bearer JSON Web Token (RFC 7519) with a role, signed with a shared secret (HS256) or by an issuer whose
//! public keys are known (ES256).

use super::jwks::Jwks;
use super::seal;
use super::secrets::Secrets;
use footfall_protocol::ids::SiteId;
use footfall_protocol::limits::OPERATOR_TOKEN_BYTES_MAX;
use serde::{Deserialize, Deserializer};

/// What an operator may do; each role may do what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Read configuration, visitors and the audit trail; check documents.
    Viewer,
    /// Change rules, segments and stages: at once, in the draft, by publishing it and by restoring a version; let
    /// visitors preview the draft.
    Author,
    /// Everything.
    Admin,
}

impl Role {
    /// As tokens and the audit trail say it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Author => "author",
            Self::Admin => "admin",
        }
    }
}

/// Somebody with a valid token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// What they may do.
    pub role: Role,
    /// Where; `None` for every site.
    sites: Option<Vec<String>>,
    /// Who, as the token's issuer calls them, letter for letter: two operators never have one name.
    subject: String,
}

impl Operator {
    /// A name for the audit trail.
    pub fn name(&self) -> &str {
        &self.subject
    }

    /// Whether they may see every site.
    pub const fn is_everywhere(&self) -> bool {
        self.sites.is_none()
    }

    /// Whether they may do what needs this role on this site.
    pub fn may(&self, role: Role, site: &SiteId) -> bool {
        self.role >= role && self.sites.as_ref().is_none_or(|sites| sites.iter().any(|s| s == site.as_str()))
    }
}

/// A part of a token: base64url of JSON, which is UTF-8 throughout, also where nobody looks (RFC 7519 §3).
fn read<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_str(std::str::from_utf8(&seal::decode(part)?).ok()?).ok()
}

/// Which tokens are those of operators.
#[derive(Debug, Default)]
pub struct Operators {
    /// The shared secrets of HS256.
    secrets: Secrets,
    /// The public keys of ES256.
    jwks: Jwks,
    /// Whom tokens must be meant for.
    audience: Option<String>,
    /// Who must have issued them.
    issuer: Option<String>,
}

/// What the deployment says about operators, in its own words; an empty text is as good as none.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// `ADMIN_JWT_SECRET`
    pub secret: Option<String>,
    /// `ADMIN_JWKS`
    pub jwks: Option<String>,
    /// `ADMIN_JWT_AUDIENCE`
    pub audience: Option<String>,
    /// `ADMIN_JWT_ISSUER`
    pub issuer: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// RFC 7515 §4.1.11: extensions that must be understood. None is.
    crit: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    role: Role,
    #[serde(default)]
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    #[serde(default, deserialize_with = "listed")]
    sites: Option<Vec<String>>,
    aud: Option<Audience>,
    iss: Option<String>,
}

/// A list: `null` is an issuer's mistake, and must not stand for every site.
fn listed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    Vec::deserialize(deserializer).map(Some)
}

/// How long a subject may be, in characters (OpenID Connect Core 1.0 §2).
const SUBJECT_CHARS_MAX: usize = 255;

/// RFC 7519 §4.1.3: one name or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn has(&self, wanted: &str) -> bool {
        match self {
            Self::One(name) => name == wanted,
            Self::Several(names) => names.iter().any(|name| name == wanted),
        }
    }
}

impl Operators {
    /// Reads what the deployment says.
    ///
    /// # Errors
    /// Name and fault of what is wrong, without any part of a secret.
    pub fn parse(said: Said) -> Result<Self, (&'static str, String)> {
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (secret, jwks) = (some(said.secret), some(said.jwks));
        if secret.is_none() && jwks.is_none() {
            return Err(("ADMIN_JWT_SECRET", "is not set, and neither is ADMIN_JWKS".to_owned()));
        }
        let secrets = secret.map_or_else(|| Ok(Secrets::default()), Secrets::parse);
        let secrets = secrets.map_err(|fault| ("ADMIN_JWT_SECRET", fault))?;
        let jwks = jwks.map_or_else(|| Ok(Jwks::default()), |text| Jwks::parse(&text));
        let jwks = jwks.map_err(|fault| ("ADMIN_JWKS", fault))?;
        Ok(Self { secrets, jwks, audience: some(said.audience), issuer: some(said.issuer) })
    }

    /// Who shows this token. `None`: not genuine, not valid now, not meant for us, or without a role.
    pub fn verify(&self, token: &str, now_s: u64) -> Option<Operator> {
        if token.len() > OPERATOR_TOKEN_BYTES_MAX {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = read(header)?;
        // The token only chooses among keys; what each of them is good for is not its to say. The secret is never a
        // public key, and a public key never a secret.
        let genuine = header.crit.is_none()
            && match (header.alg.as_str(), header.kid) {
                ("HS256", _) => self.secrets.verify(signed, signature),
                ("ES256", Some(key_id)) => self.jwks.verify(&key_id, signed, signature),
                _ => false,
            };
        if !genuine {
            return None;
        }
        let claims: Claims = read(claims)?;
        #[expect(clippy::cast_precision_loss, reason = "seconds stay far below 2^53")]
        let now_s = now_s as f64;
        let valid = now_s < claims.exp && claims.nbf.is_none_or(|nbf| nbf <= now_s) && self.are_meant(&claims);
        // What would have to be cut, or could forge a line of a log, is nobody's name.
        let named = claims.sub.chars().count() <= SUBJECT_CHARS_MAX && !claims.sub.contains(char::is_control);
        (valid && named).then_some(Operator { role: claims.role, sites: claims.sites, subject: claims.sub })
    }

    /// Whether the token is for us and of our issuer. One that names an audience is not for somebody without a name
    /// (RFC 7519 §4.1.3): its issuer made it for another service.
    fn are_meant(&self, claims: &Claims) -> bool {
        let audience = match (&self.audience, &claims.aud) {
            (Some(wanted), Some(named)) => named.has(wanted),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        audience && self.issuer.as_ref().is_none_or(|wanted| claims.iss.as_ref() == Some(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use p256::ecdsa::signature::Signer as _;
    use p256::ecdsa::{Signature, SigningKey};

    const SECRET: &str = "a secret of the test, long enough";
    const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
    const ES256: &str = r#"{"alg":"ES256","kid":"new"}"#;
    const GOOD: &str = r#"{"role":"admin","exp":200}"#;

    fn parts(header: &str, claims: &str) -> String {
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
    }

    fn hs256(secret: &str, header: &str, claims: &str) -> String {
        let signed = parts(header, claims);
        format!("{signed}.{}", seal::sign(secret.as_bytes(), &signed))
    }

    fn token(header: &str, claims: &str) -> String {
        hs256(SECRET, header, claims)
    }

    fn pair(seed: u8) -> SigningKey {
        SigningKey::from_slice(&[seed; 32]).unwrap()
    }

    fn es256(key: &SigningKey, header: &str, claims: &str) -> String {
        let signed = parts(header, claims);
        let signature: Signature = key.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    fn jwk(id: &str, key: &SigningKey) -> String {
        let point = key.verifying_key().to_encoded_point(false);
        let [x, y] = [point.x(), point.y()].map(|number| URL_SAFE_NO_PAD.encode(number.unwrap()));
        format!(r#"{{"kty":"EC","crv":"P-256","alg":"ES256","kid":"{id}","x":"{x}","y":"{y}"}}"#)
    }

    /// Both ways in: the secret, and the keys `old` and `new`.
    fn said() -> Said {
        let jwks = format!(r#"{{"keys":[{},{}]}}"#, jwk("old", &pair(1)), jwk("new", &pair(2)));
        Said { secret: Some(SECRET.to_owned()), jwks: Some(jwks), ..Said::default() }
    }

    fn operators() -> Operators {
        Operators::parse(said()).unwrap()
    }

    #[test]
    fn a_good_token_has_a_role() {
        let operator = operators().verify(&token(HS256, r#"{"role":"author","exp":200}"#), 100).unwrap();
        let site = SiteId::parse("demo").unwrap();
        assert!(operator.may(Role::Viewer, &site) && operator.may(Role::Author, &site));
        assert!(!operator.may(Role::Admin, &site));
    }

    #[test]
    fn a_token_may_be_bound_to_sites() {
        let bound = token(HS256, r#"{"role":"admin","exp":200,"sites":["a"]}"#);
        let operator = operators().verify(&bound, 100).unwrap();
        assert!(operator.may(Role::Admin, &SiteId::parse("a").unwrap()));
        assert!(!operator.may(Role::Viewer, &SiteId::parse("b").unwrap()));
    }

    #[test]
    fn different_subjects_have_different_names() {
        let name = |subject: &str| {
            let claims = serde_json::json!({ "role": "admin", "exp": 200, "sub": subject });
            operators().verify(&token(HS256, &claims.to_string()), 100).map(|operator| operator.name().to_owned())
        };
        assert!(["Zo", "Zoë", "Žofie 50%", &"x".repeat(255), ""].iter().all(|s| name(s).as_deref() == Some(*s)));
        assert!(["a\nb", "a\u{85}b", "\0", &"x".repeat(256)].iter().all(|s| name(s).is_none()));
    }

    #[test]
    fn every_other_token_is_refused() {
        let bad = [
            token(HS256, r#"{"role":"admin","exp":100}"#),
            token(HS256, r#"{"role":"admin"}"#),
            token(HS256, r#"{"role":"admin","exp":"200"}"#),
            token(HS256, r#"{"role":"admin","exp":1e999}"#),
            token(HS256, r#"{"role":"owner","exp":200}"#),
            token(HS256, r#"{"exp":200}"#),
            token(HS256, r#"{"role":"viewer","role":"admin","exp":200}"#),
            token(HS256, r#"{"role":"admin","exp":200,"nbf":101}"#),
            token(HS256, r#"{"role":"admin","exp":200,"sites":null}"#),
            token(r#"{"alg":"none"}"#, GOOD),
            token(r#"{"alg":"HS512"}"#, GOOD),
            token(r#"{"alg":"hs256"}"#, GOOD),
            token(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, GOOD),
            token(HS256, GOOD).replace("eyJyb2xl", "eyJyb2xf"),
            format!("{}.", token(HS256, GOOD).rsplit_once('.').unwrap().0),
            format!("{}.", parts(r#"{"alg":"none"}"#, GOOD)),
            hs256("another secret of the same length", HS256, GOOD),
            token(HS256, &format!(r#"{{"role":"admin","exp":200,"sub":"{}"}}"#, "x".repeat(8_000))),
            String::new(),
            "..".to_owned(),
        ];
        for token in bad {
            assert_eq!(operators().verify(&token, 100), None, "{token}");
        }
    }

    #[test]
    fn an_issuers_key_signs_and_another_one_can_take_its_place() {
        let old = es256(&pair(1), r#"{"alg":"ES256","kid":"old"}"#, GOOD);
        let new = es256(&pair(2), ES256, GOOD);
        let both = operators();
        assert!(both.verify(&old, 100).is_some() && both.verify(&new, 100).is_some());
        assert_eq!(both.verify(&new, 200), None);
        let jwks = Some(format!(r#"{{"keys":[{}]}}"#, jwk("new", &pair(2))));
        let after = Operators::parse(Said { jwks, ..Said::default() }).unwrap();
        assert!(after.verify(&new, 100).is_some());
        assert_eq!(after.verify(&old, 100), None);
        // Without a secret there are no tokens of that kind.
        assert_eq!(after.verify(&token(HS256, GOOD), 100), None);
        assert_eq!(after.verify(&hs256("", HS256, GOOD), 100), None);
    }

    #[test]
    fn a_token_is_text_throughout() {
        let mut claims = br#"{"role":"admin","exp":200,"else":"."}"#.to_vec();
        let dot = claims.iter().rposition(|byte| *byte == b'.').unwrap();
        let verify = |claims: &[u8]| {
            let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(HS256), URL_SAFE_NO_PAD.encode(claims));
            let signature = seal::sign(SECRET.as_bytes(), &signed);
            operators().verify(&format!("{signed}.{signature}"), 100).is_some()
        };
        assert!(verify(&claims));
        claims[dot] = 0xee;
        assert!(!verify(&claims));
    }

    #[test]
    fn a_token_cannot_say_what_its_key_is_good_for() {
        let both = operators();
        let public = said().jwks.unwrap();
        let (attacker, own) = (pair(3), jwk("new", &pair(3)));
        let embedded = format!(r#"{{"alg":"ES256","kid":"new","jwk":{own},"jku":"https://evil.example/keys"}}"#);
        for forged in [
            // The public key as if it were the shared secret.
            hs256(&public, HS256, GOOD),
            hs256(&jwk("new", &pair(2)), r#"{"alg":"HS256","kid":"new"}"#, GOOD),
            hs256(SECRET, r#"{"alg":"ES256","kid":"new"}"#, GOOD),
            es256(&pair(2), r#"{"alg":"HS256","kid":"new"}"#, GOOD),
            es256(&pair(2), r#"{"alg":"none","kid":"new"}"#, GOOD),
            // Another key, no key, and what is no key.
            es256(&pair(2), r#"{"alg":"ES256","kid":"old"}"#, GOOD),
            es256(&pair(2), r#"{"alg":"ES256"}"#, GOOD),
            es256(&pair(2), r#"{"alg":"ES256","kid":null}"#, GOOD),
            es256(&pair(2), r#"{"alg":"ES256","kid":["new"]}"#, GOOD),
            es256(&pair(2), r#"{"alg":"ES256","kid":"../new"}"#, GOOD),
            es256(&pair(2), r#"{"alg":"ES256","kid":"new' OR '1'='1"}"#, GOOD),
            es256(&pair(2), r#"{"alg":"ES384","kid":"new"}"#, GOOD),
            // A key that the token brings along.
            es256(&attacker, &embedded, GOOD),
            // The signature of nothing (CVE-2022-21449).
            format!("{}.{}", parts(ES256, GOOD), "A".repeat(86)),
        ] {
            assert_eq!(both.verify(&forged, 100), None, "{forged}");
        }
    }

    #[test]
    fn a_token_is_meant_for_us_and_of_our_issuer() {
        let verify = |audience: Option<&str>, issuer: Option<&str>, claims: &str| {
            let own = |text: Option<&str>| text.map(str::to_owned);
            let said = Said { audience: own(audience), issuer: own(issuer), ..said() };
            let claims = format!(r#"{{"role":"admin","exp":200{claims}}}"#);
            Operators::parse(said).unwrap().verify(&es256(&pair(2), ES256, &claims), 100).is_some()
        };
        assert!(verify(None, None, "") && verify(None, None, r#","iss":"i""#));
        assert!(verify(Some("us"), Some("i"), r#","aud":"us","iss":"i""#));
        assert!(verify(Some("us"), None, r#","aud":["them","us"]"#));
        for (audience, issuer, claims) in [
            (Some("us"), None, ""),
            (Some("us"), None, r#","aud":"them""#),
            (Some("us"), None, r#","aud":[]"#),
            (Some("us"), None, r#","aud":{"us":1}"#),
            (None, None, r#","aud":"them""#),
            (None, Some("i"), ""),
            (None, Some("i"), r#","iss":"j""#),
        ] {
            assert!(!verify(audience, issuer, claims), "{audience:?} {issuer:?} {claims}");
        }
    }

    #[test]
    fn a_wrong_configuration_is_named_without_showing_it() {
        let fault = |secret: Option<&str>, jwks: Option<&str>| {
            let own = |text: Option<&str>| text.map(str::to_owned);
            Operators::parse(Said { secret: own(secret), jwks: own(jwks), ..Said::default() }).unwrap_err()
        };
        assert_eq!(fault(None, Some("")).0, "ADMIN_JWT_SECRET");
        let (name, says) = fault(Some("too short"), None);
        assert!(name == "ADMIN_JWT_SECRET" && says.contains("shorter") && !says.contains("too"), "{says}");
        assert_eq!(fault(Some(SECRET), Some("{}")).0, "ADMIN_JWKS");
    }
}
