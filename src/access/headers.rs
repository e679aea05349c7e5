//! The headers that keep answers safe in a browser, for files and for everything else.

/// What an answer is, as far as a browser has to be careful with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A page of ours.
    Page,
    /// Another file: a script that pages of other origins load, a style, a picture.
    File,
    /// Data and problems: never shown as a page, never kept.
    Data,
}

/// A year, in seconds: how long browsers remember that this host speaks https only (RFC 6797).
const HTTPS_ONLY: &str = "max-age=31536000";

/// Headers to set, whatever the answer brings along. `own` is our origin as the request addresses it.
pub fn safe(answer: Answer, own: &str) -> Vec<(&'static str, String)> {
    let mut headers = vec![("x-content-type-options", "nosniff".to_owned())];
    if own.starts_with("https://") {
        headers.push(("strict-transport-security", HTTPS_ONLY.to_owned()));
    }
    match answer {
        Answer::Page => {
            headers.push(("content-security-policy", page_policy(own)));
            headers.push(("referrer-policy", "strict-origin-when-cross-origin".to_owned()));
            headers.push(("permissions-policy", "geolocation=(), camera=(), microphone=()".to_owned()));
            headers.push(("cross-origin-opener-policy", "same-origin".to_owned()));
            headers.push(("cross-origin-resource-policy", "same-origin".to_owned()));
        }
        Answer::File => {
            headers.push(("referrer-policy", "strict-origin-when-cross-origin".to_owned()));
            headers.push(("cross-origin-resource-policy", "cross-origin".to_owned()));
        }
        Answer::Data => {
            // Should it be opened as a page all the same, it loads nothing, runs nothing and is in no frame.
            headers.push(("content-security-policy", "default-src 'none'; frame-ancestors 'none'".to_owned()));
            headers.push(("referrer-policy", "no-referrer".to_owned()));
            headers.push(("cross-origin-resource-policy", "same-origin".to_owned()));
        }
    }
    headers
}

/// What a page of ours may load (Content Security Policy, level 3). Styles may stand in the page, since widgets bring
/// their own; scripts may not. Some browsers do not count sockets as `'self'`, so ours is named.
fn page_policy(own: &str) -> String {
    let host = own.split_once("://").map(|(_, host)| host).unwrap_or_default();
    // A host that could end the directive is not named.
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    let sockets = if host.chars().all(plain) { format!(" ws://{host} wss://{host}") } else { String::new() };
    format!(
        "default-src 'self'; connect-src 'self'{sockets}; img-src 'self' data: https:; \
         style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'self'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(answer: Answer, own: &str, name: &str) -> Option<String> {
        safe(answer, own).into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    #[test]
    fn https_only_is_said_over_https_only() {
        for answer in [Answer::Page, Answer::File, Answer::Data] {
            let said = |own| header(answer, own, "strict-transport-security");
            assert_eq!(said("https://a.example").as_deref(), Some("max-age=31536000"));
            assert_eq!(said("http://localhost:8787"), None);
        }
    }

    #[test]
    fn a_page_runs_its_own_scripts_only_and_is_in_no_foreign_frame() {
        let policy = header(Answer::Page, "http://localhost:8787", "content-security-policy").unwrap();
        assert!(policy.contains("default-src 'self';") && !policy.contains("script-src"), "{policy}");
        assert!(policy.contains("connect-src 'self' ws://localhost:8787 wss://localhost:8787;"), "{policy}");
        assert!(policy.contains("frame-ancestors 'self'"), "{policy}");
    }

    #[test]
    fn a_host_cannot_add_to_the_policy() {
        let policy = header(Answer::Page, "http://a.example;script-src", "content-security-policy").unwrap();
        assert!(!policy.contains("a.example") && policy.contains("connect-src 'self';"), "{policy}");
    }
}
