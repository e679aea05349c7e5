//! A request without its body: method, address and the headers that anything here reads.

/// The headers that are read, in the order of their lines in a [`Head`].
pub const NAMES: [&str; 16] = [
    "authorization",
    "origin",
    "content-encoding",
    "content-length",
    "cf-connecting-ip",
    "cookie",
    "user-agent",
    "accept-language",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-fetch-site",
    "sec-gpc",
    "sec-websocket-protocol",
    "upgrade",
    "if-match",
    "if-none-match",
];

/// What stands for a header that a request has not; no header's value can be that.
pub const ABSENT: &str = "\0";

/// A request without its body, as one text: a line each for the method, the address and the [`NAMES`]. None of them can
/// hold a line's end.
#[derive(Clone, Debug)]
pub struct Head {
    text: String,
    /// Where each line ends.
    ends: Vec<usize>,
}

impl Head {
    /// Takes the text apart.
    pub fn new(text: String) -> Self {
        let mut ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
        ends.push(text.len());
        Self { text, ends }
    }

    fn line(&self, at: usize) -> Option<&str> {
        let begin = at.checked_sub(1).map_or(Some(0), |before| Some(self.ends.get(before)? + 1))?;
        self.text.get(begin..*self.ends.get(at)?)
    }

    /// The method, in its own words: the platform's crate takes one that it does not know for GET.
    pub fn method(&self) -> &str {
        self.line(0).unwrap_or_default()
    }

    /// The whole address.
    pub fn url(&self) -> &str {
        self.line(1).unwrap_or_default()
    }

    /// The address's path.
    pub fn path(&self) -> &str {
        let url = self.url();
        let whole = &url[..url.find(['?', '#']).unwrap_or(url.len())];
        let rest = whole.split_once("://").map_or(whole, |(_, rest)| rest);
        rest.find('/').map_or("/", |at| &rest[at..])
    }

    /// The value of one of the [`NAMES`], when the request has it.
    pub fn header(&self, name: &str) -> Option<&str> {
        let at = NAMES.iter().position(|known| *known == name);
        debug_assert!(at.is_some(), "`{name}` is not read");
        self.line(2 + at?).filter(|value| *value != ABSENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(url: &str, headers: &[(&str, &str)]) -> Head {
        let value = |name| headers.iter().find(|(known, _)| known == name).map_or(ABSENT, |(_, value)| value);
        let lines = NAMES.iter().map(value);
        Head::new([["POST", url].as_slice(), &lines.collect::<Vec<_>>()].concat().join("\n"))
    }

    #[test]
    fn every_line_is_found_by_its_name() {
        let head = head("https://a.example/v1/batch?x=/y", &[("origin", "https://b.example"), ("if-none-match", "")]);
        assert_eq!((head.method(), head.url()), ("POST", "https://a.example/v1/batch?x=/y"));
        assert_eq!(head.header("origin"), Some("https://b.example"));
        assert_eq!(head.header("if-none-match"), Some(""), "empty is not absent");
        assert_eq!(head.header("authorization"), None);
    }

    #[test]
    fn a_path_has_neither_host_nor_query() {
        for (url, path) in [
            ("https://a.example/v1/batch", "/v1/batch"),
            ("https://a.example/a%3F?b#c", "/a%3F"),
            ("https://a.example", "/"),
            ("https://a.example?x=/y", "/"),
        ] {
            assert_eq!(head(url, &[]).path(), path, "{url}");
        }
    }

    #[test]
    fn a_text_that_is_too_short_has_no_headers() {
        let head = Head::new(String::new());
        assert_eq!((head.method(), head.url(), head.path(), head.header("cookie")), ("", "", "/", None));
    }
}
