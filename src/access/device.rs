//! The device, coarsely, from the headers that every browser sends.

use footfall_protocol::event::Device;
use footfall_protocol::limits::{TAB_BYTES_MAX, cut};

/// Reads `User-Agent`, `Sec-CH-UA-Mobile` and `Accept-Language`.
pub fn device(user_agent: &str, mobile_hint: Option<&str>, accept_language: Option<&str>) -> Device {
    let has = |word: &str| user_agent.contains(word);
    let os = if has("iPhone") || has("iPad") || has("iPod") {
        "ios"
    } else if has("Android") {
        "android"
    } else if has("Windows") {
        "windows"
    } else if has("Mac OS X") || has("Macintosh") {
        "macos"
    } else if has("Linux") || has("CrOS") {
        "linux"
    } else {
        "other"
    };
    // Android's tablets are those that do not say `Mobile`.
    let kind = if has("iPad") || has("Tablet") || (os == "android" && !has("Mobile") && mobile_hint != Some("?1")) {
        "tablet"
    } else if mobile_hint == Some("?1") || has("Mobile") || has("iPhone") || has("iPod") {
        "mobile"
    } else {
        "desktop"
    };
    // Each of these also says the names of those after it.
    let browser = if has("Edg/") || has("EdgA/") || has("EdgiOS/") {
        "edge"
    } else if has("OPR/") || has("SamsungBrowser/") {
        "other"
    } else if has("Firefox/") || has("FxiOS/") {
        "firefox"
    } else if has("Chrome/") || has("CriOS/") || has("Chromium/") {
        "chrome"
    } else if has("Safari/") && has("Version/") {
        "safari"
    } else {
        "other"
    };
    Device {
        kind: kind.to_owned(),
        os: os.to_owned(),
        browser: browser.to_owned(),
        language: language(accept_language.unwrap_or_default()),
    }
}

/// The first language of an `Accept-Language` header; empty when it is none.
fn language(header: &str) -> String {
    let first = header.split([',', ';']).next().unwrap_or_default().trim();
    let good = first.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if good { cut(first, TAB_BYTES_MAX).to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_by_their_headers() {
        let check = |agent: &str, hint: Option<&str>, expected: [&str; 3]| {
            let device = device(agent, hint, None);
            assert_eq!([&*device.kind, &*device.os, &*device.browser], expected, "{agent}");
        };
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        check(
            &format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/142.0.0.0 Safari/537.36"),
            Some("?0"),
            ["desktop", "windows", "chrome"],
        );
        check(
            &format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/142.0.0.0 Safari/537.36 Edg/142.0"),
            None,
            ["desktop", "windows", "edge"],
        );
        check(
            &format!("Mozilla/5.0 (Linux; Android 10; K) {webkit} Chrome/142.0.0.0 Mobile Safari/537.36"),
            Some("?1"),
            ["mobile", "android", "chrome"],
        );
        check(
            &format!("Mozilla/5.0 (Linux; Android 10; K) {webkit} Chrome/142.0.0.0 Safari/537.36"),
            Some("?0"),
            ["tablet", "android", "chrome"],
        );
        check(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
            None,
            ["mobile", "ios", "safari"],
        );
        check(
            "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
            None,
            ["desktop", "linux", "firefox"],
        );
        check("", None, ["desktop", "other", "other"]);
    }

    #[test]
    fn the_first_language() {
        assert_eq!(language("de-CH,de;q=0.9,en;q=0.8"), "de-CH");
        assert_eq!(language("en;q=0.5"), "en");
        for none in ["", "*", "<script>"] {
            assert_eq!(language(none), "", "{none}");
        }
    }
}
