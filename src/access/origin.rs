//! Origins: which pages may use a site's engine from a browser (RFC 6454).

/// The origin of an absolute `http` or `https` address, in the form that browsers send.
pub fn origin_of(url: &str) -> Option<&str> {
    let host = ["https://", "http://"].iter().find_map(|scheme| url.strip_prefix(scheme).map(|_| scheme.len()))?;
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |at| host + at);
    (end > host).then_some(&url[..end])
}

/// Whether this is an origin in the form that browsers send.
pub fn is_origin(text: &str) -> bool {
    origin_of(text) == Some(text) && !text.bytes().any(|b| b.is_ascii_uppercase())
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
