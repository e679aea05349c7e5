//! Origins: which pages may use a site's engine from a browser (RFC 6454).

use std::net::Ipv6Addr;

/// The origin of an absolute `http` or `https` address, in the form that browsers send.
pub fn origin_of(url: &str) -> Option<&str> {
    let host = ["https://", "http://"].iter().find_map(|scheme| url.strip_prefix(scheme).map(|_| scheme.len()))?;
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |at| host + at);
    (end > host).then_some(&url[..end])
}

/// Whether this is an origin in the form that browsers send (URL standard): in small letters, names beyond ASCII as
/// punycode, without a user and without the scheme's own port. Any other text would never be a page's, nor does a `*` stand
/// for anything.
pub fn is_origin(text: &str) -> bool {
    if origin_of(text) != Some(text) {
        return false;
    }
    let (scheme, host) = text.split_once("://").expect("an origin has a scheme");
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        Some(_) | None => (host, None),
    };
    let usual = if scheme == "https" { 443 } else { 80 };
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|number| number != usual && number.to_string() == port);
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b);
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_host = match address {
        Some(address) => address.parse::<Ipv6Addr>().is_ok() && !address.bytes().any(|b| b.is_ascii_uppercase()),
        None => !name.is_empty() && name.bytes().all(is_plain),
    };
    is_host && port.is_none_or(is_port)
}

/// Whether a page of this origin may use the engine at `own` for a site: pages that the engine serves itself, and
/// those of the site's list. Case matters nowhere in an origin; browsers send it in small letters.
pub fn allowed(origin: &str, own: &str, listed: &[String]) -> bool {
    origin == own || listed.iter().any(|listed| listed == origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_of_an_address() {
        assert_eq!(origin_of("https://shop.example/a?b"), Some("https://shop.example"));
        assert_eq!(origin_of("http://127.0.0.1:8787"), Some("http://127.0.0.1:8787"));
        assert_eq!(origin_of("https://shop.example?b"), Some("https://shop.example"));
        for bad in ["", "https://", "ftp://shop.example", "shop.example", "null"] {
            assert_eq!(origin_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for good in [
            "https://shop.example",
            "http://localhost:3000",
            "https://xn--caf-dma.example:8443",
            "http://shop.example:443",
            "http://127.0.0.1",
            "http://[::1]:8080",
            "http://[::1]",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "https://*.shop.example",
            "https://shop.example:443",
            "http://shop.example:80",
            "https://user@shop.example",
            "https://café.example",
            "https://Shop.example",
            "https://shop.example/",
            "https://shop.example:",
            "https://shop.example:08443",
            "https://shop.example:99999",
            "https://:8443",
            "https://[shop.example]",
            "https://shop .example",
            "*",
            "null",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }

    #[test]
    fn only_listed_origins_and_our_own() {
        let listed = ["https://shop.example".to_owned()];
        let own = "https://engine.example";
        assert!(allowed("https://shop.example", own, &listed) && allowed(own, own, &listed));
        for bad in ["null", "", "http://shop.example", "https://shop.example.evil.example", "https://shop.example:444"]
        {
            assert!(!allowed(bad, own, &listed), "{bad}");
        }
    }
}
