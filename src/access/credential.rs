//! Reads credentials out of request headers: Basic and Bearer (RFC 7617, RFC 6750), the cookie, the subprotocols.

use super::token::PREFIX;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

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

/// The name of the visitor's cookie, and what browsers want of a cookie of that name besides. Pages of sibling hosts can
/// set cookies that are sent here as well; one whose name begins with `__Host-` (RFC 6265bis §4.1.3.2) only this very host
/// can, over https. Development over http does without.
fn cookie(own: &str) -> (&'static str, &'static str) {
    if own.starts_with("https://") { ("__Host-footfall", "; Secure") } else { ("footfall", "") }
}

/// All values of the visitor's cookie in a `Cookie` header, at our origin `own`. Over http there can be several, of
/// different paths or sites.
pub fn cookies<'a>(header: &'a str, own: &str) -> impl Iterator<Item = &'a str> {
    let (wanted, _) = cookie(own);
    header.split(';').filter_map(move |pair| {
        // Browsers leave out blanks and tabs only: other white space before a name makes it another one, which anybody
        // may set.
        let (name, value) = pair.trim_matches([' ', '\t']).split_once('=')?;
        (name == wanted).then_some(value)
    })
}

/// What sets the visitor's cookie at our origin `own`, or, with an age of none, takes it away.
pub fn set_cookie(own: &str, value: &str, age_s: u64) -> String {
    let (name, more) = cookie(own);
    format!("{name}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={age_s}{more}")
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

    const HTTP: &str = "http://127.0.0.1:8787";
    const HTTPS: &str = "https://engine.shop.example";

    #[test]
    fn cookies_of_that_name_only() {
        let header = "a=1; footfall=f1.x; xfootfall=2;footfall=f1.y; footfall; __Host-footfall=f1.z";
        assert_eq!(cookies(header, HTTP).collect::<Vec<_>>(), ["f1.x", "f1.y"]);
    }

    #[test]
    fn over_https_only_a_cookie_that_no_other_host_can_set_is_read() {
        let read = |header: &str| cookies(header, HTTPS).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(read("footfall=f1.planted; __Host-footfall=f1.own"), ["f1.own"]);
        assert_eq!(read("footfall=f1.planted"), [""; 0]);
        // Browsers guard the name as it is spelt; no other spelling may be taken for it.
        for spelling in ["__host-footfall", "__Secure-footfall", "\u{a0}__Host-footfall", "\u{85}__Host-footfall"] {
            assert_eq!(read(&format!("{spelling}=f1.planted")), [""; 0], "{spelling:?}");
        }
    }

    #[test]
    fn the_cookie_is_set_as_its_name_demands() {
        let rest = "HttpOnly; SameSite=Lax; Path=/; Max-Age=60";
        assert_eq!(set_cookie(HTTPS, "f1.x", 60), format!("__Host-footfall=f1.x; {rest}; Secure"));
        assert_eq!(set_cookie(HTTP, "f1.x", 60), format!("footfall=f1.x; {rest}"));
    }

    #[test]
    fn a_token_may_come_as_a_subprotocol() {
        assert_eq!(subprotocols("footfall.v1, token.f1.a.b"), Offered { ours: true, token: Some("f1.a.b".to_owned()) });
        assert_eq!(subprotocols("chat"), Offered::default());
    }
}
