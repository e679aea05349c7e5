//! Any bytes, as what says who somebody is and what they may do: tokens, keys, the configuration of both, and headers.
//! Nothing of it panics, nothing that is not signed is let in, and what is wrong is told without the secret in it.

use super::bytes::Bytes;
use footfall::access::admin::{Operators, Said};
use footfall::access::attest::UserKeys;
use footfall::access::body::unpack;
use footfall::access::bot::{Signs, verdict};
use footfall::access::credential::{Authorization, authorization, cookies, subprotocols};
use footfall::access::device::device;
use footfall::access::head::{Head, NAMES};
use footfall::access::headers::{Answer, safe};
use footfall::access::jwks::Jwks;
use footfall::access::origin::{allowed, is_origin, origin_of};
use footfall::access::precondition::Preconditions;
use footfall::access::rate::address_key;
use footfall::access::routes::{Found, find};
use footfall::access::seal;
use footfall::access::site;
use footfall::access::token::{SigningKeys, VisitorToken};
use footfall::access::write_keys::WriteKeys;
use footfall_protocol::ids::SiteId;
use uuid::Uuid;

const SECRET: &str = "a secret of the fuzzer, long enough for it";
const KEYS: &str = r#"{"active":"k1","keys":{"k1":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    "k2":"HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}}"#;
/// The key of RFC 7515, appendix A.3, whose private half everybody knows and nobody here uses.
const JWKS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
const NOW_S: u64 = 1_800_000_000;

/// The first byte says what the rest is.
///
/// # Panics
/// When something is wrong with what reads it.
pub fn check(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    match first % 8 {
        0 => visitors_token(&text),
        1 => spoilt_token(rest),
        2 => operators_token(&text),
        3 => signed_claims(rest),
        4 => configuration(&text),
        5 => headers(&text),
        6 => addresses(&text),
        _ => body(rest),
    }
}

/// Nobody has signed these bytes.
fn visitors_token(text: &str) {
    assert!(SigningKeys::parse(KEYS).unwrap().verify(text, NOW_S).is_none(), "forged: {text}");
}

/// A good token with some of its bytes replaced, which is no longer good unless it is what it was.
fn spoilt_token(rest: &[u8]) {
    let keys = SigningKeys::parse(KEYS).unwrap();
    let mut bytes = Bytes::new(rest);
    let token = VisitorToken {
        site: SiteId::parse("demo").unwrap(),
        visitor: Uuid::from_u128(u128::from(bytes.number())),
        jurisdiction: bytes.once_in(2).then(|| "eu".to_owned()),
        issued_s: NOW_S,
    };
    let good = keys.issue(&token);
    assert_eq!(keys.verify(&good, NOW_S).unwrap().token, token);
    let mut spoilt = good.clone().into_bytes();
    for _ in 0..=bytes.below(3) {
        let at = bytes.below(spoilt.len());
        match bytes.below(3) {
            0 => spoilt[at] = bytes.byte(),
            1 => drop(spoilt.remove(at)),
            _ => spoilt.insert(at, bytes.byte()),
        }
    }
    let spoilt = String::from_utf8_lossy(&spoilt);
    assert!(spoilt == good || keys.verify(&spoilt, NOW_S).is_none(), "forged: {spoilt}");
}

fn operators() -> Operators {
    let said = Said { secret: Some(SECRET.to_owned()), jwks: Some(JWKS.to_owned()), ..Said::default() };
    Operators::parse(said).unwrap()
}

fn operators_token(text: &str) {
    assert!(operators().verify(text, NOW_S).is_none(), "forged: {text}");
}

/// Any header and claims, rightly signed with the shared secret: only claims that are good are taken.
fn signed_claims(rest: &[u8]) {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let cut = rest.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (header, claims) = (&rest[..cut], rest.get(cut + 1..).unwrap_or_default());
    for header in [header, br#"{"alg":"HS256"}"#] {
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let token = format!("{text}.{}", seal::sign(SECRET.as_bytes(), &text));
        if let Some(operator) = operators().verify(&token, NOW_S) {
            // Only these: what nobody reads may hold numbers that no double can.
            let claims: Claims = serde_json::from_slice(claims).unwrap();
            assert!(claims.exp > 1_799_999_999.0 && claims.aud.is_none(), "{claims:?}");
            assert_eq!(claims.role, operator.role.as_str());
            let name = operator.name();
            assert!(name.chars().count() <= 255 && !name.contains(char::is_control), "{name}");
        }
    }
}

#[derive(Debug, serde::Deserialize)]
struct Claims {
    exp: f64,
    aud: Option<serde::de::IgnoredAny>,
    role: String,
}

fn configuration(text: &str) {
    let short = |fault: &str| assert!(!fault.is_empty() && fault.len() < text.len() + 1_000, "{fault}");
    let faults = [
        SigningKeys::parse(text).map(drop).err(),
        WriteKeys::parse(text).map(drop).err(),
        UserKeys::parse(text).map(drop).err(),
        Jwks::parse(text).map(drop).err(),
        site::parse(text).map(drop).err(),
    ];
    faults.into_iter().flatten().for_each(|fault| short(&fault));
    drop(Operators::parse(Said { secret: Some(text.to_owned()), jwks: Some(text.to_owned()), ..Said::default() }));
    if let Ok(sites) = site::parse(text) {
        for site in sites.values() {
            assert!(site.engine.retention_ms >= site.engine.session_idle_ms);
            assert!(site.origins.iter().all(|origin| is_origin(origin)));
            for rate in [site.engine.rate, site.source_rate].into_iter().flatten() {
                assert!(rate.count > 0 && (1_000..=3_600_000).contains(&rate.per_ms), "{rate:?}");
            }
        }
    }
    if let Ok(keys) = WriteKeys::parse(text) {
        assert!(keys.holder("no such key of any test").is_none());
    }
}

fn headers(text: &str) {
    let head = Head::new(text.to_owned());
    assert!(text.contains(head.path()) || head.path() == "/");
    assert!(NAMES.iter().filter_map(|name| head.header(name)).all(|value| text.contains(value)));
    let keys = UserKeys::parse(r#"{"demo":["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"]}"#).unwrap();
    assert!(!keys.attest(&SiteId::parse("demo").unwrap(), "ada", text, NOW_S), "forged: {text}");
    match authorization(text) {
        Some(Authorization::Token(token)) => visitors_token(&token),
        Some(Authorization::Bearer(token)) => operators_token(&token),
        Some(Authorization::WriteKey(key)) => assert!(!key.contains(':')),
        None => {}
    }
    for own in ["http://engine.example", "https://engine.example"] {
        cookies(text, own).for_each(visitors_token);
    }
    if let Some(token) = subprotocols(text).token {
        visitors_token(&token);
    }
    let device = device(text, Some(text), Some(text));
    assert!(device.language.len() <= 40, "{device:?}");
    let signs = Signs { user_agent: text, brands: text, webdriver: false };
    if let Some(bot) = verdict(signs, false) {
        assert!(bot.reason().len() < 200);
    }
    let preconditions = Preconditions { if_match: Some(text.to_owned()), if_none_match: Some(text.to_owned()) };
    assert!(!preconditions.allow(None), "what is not there cannot be what was read");
    assert!(!preconditions.allow(Some("\"a\"")), "nothing is both what was read and not");
    assert!(address_key(text).len() < 50);
}

fn addresses(text: &str) {
    if let Some(origin) = origin_of(text) {
        assert!(text.starts_with(origin));
        for answer in [Answer::Page, Answer::File, Answer::Data] {
            let policy = safe(answer, origin).into_iter().find(|(name, _)| *name == "content-security-policy");
            let lines = policy.map_or(1, |(_, value)| value.matches(';').count());
            assert!(lines <= 7, "the host of {text} adds to the policy");
        }
    }
    assert!(!allowed(text, "https://engine.example", &[]) || text == "https://engine.example");
    for method in ["GET", "POST", "PUT", "DELETE", text] {
        if let Found::Route(route) = find(method, text) {
            assert_eq!(route.method, method);
            assert_eq!(route.path.split('/').count(), text.split('/').count());
        }
    }
}

fn body(rest: &[u8]) {
    for encoding in [None, Some("gzip"), Some("br")] {
        if let Ok(plain) = unpack(rest.to_vec(), encoding, 4_096) {
            assert!(plain.len() <= 4_096);
        }
    }
}
