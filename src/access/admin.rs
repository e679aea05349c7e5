//! Operators: a bearer JSON Web Token (RFC 7519), HS256 only, with a role.

use super::seal;
use footfall_protocol::ids::SiteId;
use serde::Deserialize;

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
    /// Who, as the token's issuer calls them; for the audit trail.
    subject: String,
}

impl Operator {
    /// A name for the audit trail, fit for a header: printable ASCII, at most 64 characters.
    pub fn name(&self) -> String {
        self.subject.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(64).collect()
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

/// The algorithm is ours, never the token's: anything else than this is refused before a signature is looked at.
#[derive(Deserialize)]
struct Header {
    alg: String,
    /// RFC 7515 §4.1.11: extensions that must be understood. None is.
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    role: Role,
    #[serde(default)]
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    sites: Option<Vec<String>>,
}

/// Who shows this token. The key is the secret's text itself. `None`: not genuine, not valid now, or without a role.
pub fn verify(secret: &str, token: &str, now_s: u64) -> Option<Operator> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let header: Header = serde_json::from_slice(&seal::decode(header)?).ok()?;
    if header.alg != "HS256" || header.crit.is_some() || !seal::verify(secret.as_bytes(), signed, signature) {
        return None;
    }
    let claims: Claims = serde_json::from_slice(&seal::decode(claims)?).ok()?;
    #[expect(clippy::cast_precision_loss, reason = "seconds stay far below 2^53")]
    let now_s = now_s as f64;
    let valid = now_s < claims.exp && claims.nbf.is_none_or(|nbf| nbf <= now_s);
    valid.then_some(Operator { role: claims.role, sites: claims.sites, subject: claims.sub })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    const SECRET: &str = "a secret of the test";

    fn token(header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = seal::sign(SECRET.as_bytes(), &signed);
        format!("{signed}.{signature}")
    }

    const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

    #[test]
    fn a_good_token_has_a_role() {
        let operator = verify(SECRET, &token(HS256, r#"{"role":"author","exp":200}"#), 100).unwrap();
        let site = SiteId::parse("demo").unwrap();
        assert!(operator.may(Role::Viewer, &site) && operator.may(Role::Author, &site));
        assert!(!operator.may(Role::Admin, &site));
    }

    #[test]
    fn a_token_may_be_bound_to_sites() {
        let operator = verify(SECRET, &token(HS256, r#"{"role":"admin","exp":200,"sites":["a"]}"#), 100).unwrap();
        assert!(operator.may(Role::Admin, &SiteId::parse("a").unwrap()));
        assert!(!operator.may(Role::Viewer, &SiteId::parse("b").unwrap()));
    }

    #[test]
    fn every_other_token_is_refused() {
        let bad = [
            token(HS256, r#"{"role":"admin","exp":100}"#),
            token(HS256, r#"{"role":"admin"}"#),
            token(HS256, r#"{"role":"admin","exp":"200"}"#),
            token(HS256, r#"{"role":"owner","exp":200}"#),
            token(HS256, r#"{"exp":200}"#),
            token(HS256, r#"{"role":"admin","exp":200,"nbf":101}"#),
            token(r#"{"alg":"none"}"#, r#"{"role":"admin","exp":200}"#),
            token(r#"{"alg":"HS512"}"#, r#"{"role":"admin","exp":200}"#),
            token(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, r#"{"role":"admin","exp":200}"#),
            token(HS256, r#"{"role":"admin","exp":200}"#).replace("eyJyb2xl", "eyJyb2xf"),
            format!("{}.", token(HS256, r#"{"role":"admin","exp":200}"#).rsplit_once('.').unwrap().0),
            String::new(),
            "..".to_owned(),
        ];
        for token in bad {
            assert_eq!(verify(SECRET, &token, 100), None, "{token}");
        }
        assert_eq!(verify("another secret", &token(HS256, r#"{"role":"admin","exp":200}"#), 100), None);
    }
}
