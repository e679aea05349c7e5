//! Reads credentials out of request headers: Basic and Bearer (RFC 7617, RFC 6750), the cookie, the subprotocols.

use super::token::PREFIX;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The visitor's cookie.
pub const COOKIE: &str = "footfall";
/// The subprotocol that both sides of the socket speak.
pub const SUBPROTOCOL: &str = "footfall.v1";
/// A page that cannot set headers on a socket brings its token as a subprotocol after this prefix.
const TOKEN_SUBPROTOCOL: &str = "token.";

/// What an `Authorization` header holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// Basic: a write key as the user name, as Segment's libraries send it. The password is not looked at.
    WriteKey(String),
    /// Bearer with a visitor token.
    Token(String),
    /// Bearer with anything else: an operator's token.
    Bearer(String),
}

/// Reads an `Authorization` header; `None` when it is none of ours.
pub fn authorization(header: &str) -> Option<Authorization> {
    let (scheme, rest) = header.trim().split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        let own = rest.starts_with(PREFIX);
        return Some(if own { Authorization::Token(rest.to_owned()) } else { Authorization::Bearer(rest.to_owned()) });
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
    Some(Authorization::WriteKey(text.split(':').next().unwrap_or_default().to_owned()))
}

/// All values of the visitor's cookie in a `Cookie` header; there can be several, of different paths or sites.
pub fn cookies(header: &str) -> impl Iterator<Item = &str> {
    header.split(';').filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == COOKIE).then_some(value)
    })
}

/// What a `Sec-WebSocket-Protocol` header offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offered {
    /// Whether our protocol is among them.
    pub ours: bool,
    /// The token brought along.
    pub token: Option<String>,
}

/// Reads a `Sec-WebSocket-Protocol` header.
pub fn subprotocols(header: &str) -> Offered {
    let mut offered = Offered::default();
    for protocol in header.split(',').map(str::trim) {
        offered.ours |= protocol == SUBPROTOCOL;
        if let Some(token) = protocol.strip_prefix(TOKEN_SUBPROTOCOL) {
            offered.token = Some(token.to_owned());
        }
    }
    offered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorization_headers() {
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        assert_eq!(authorization(&basic("fws_1:")), Some(Authorization::WriteKey("fws_1".to_owned())));
        assert_eq!(authorization(&basic("fws_1")), Some(Authorization::WriteKey("fws_1".to_owned())));
        assert_eq!(authorization("bearer  f1.a"), Some(Authorization::Token("f1.a".to_owned())));
        assert_eq!(authorization("Bearer eyJ"), Some(Authorization::Bearer("eyJ".to_owned())));
        for other in ["", "Basic", "Basic *", "Digest x", "fws_1"] {
            assert_eq!(authorization(other), None, "{other}");
        }
    }

    #[test]
    fn cookies_of_that_name_only() {
        let found: Vec<_> = cookies("a=1; footfall=f1.x; xfootfall=2;footfall=f1.y; footfall").collect();
        assert_eq!(found, ["f1.x", "f1.y"]);
    }

    #[test]
    fn a_token_may_come_as_a_subprotocol() {
        assert_eq!(subprotocols("footfall.v1, token.f1.a.b"), Offered { ours: true, token: Some("f1.a.b".to_owned()) });
        assert_eq!(subprotocols("chat"), Offered::default());
    }
}
