//! Optimistic concurrency: `If-Match` and `If-None-Match` (RFC 9110 §13.1) against a resource's entity tag.
//!
//! Tags are compared without `W/`: a proxy that compresses an answer weakens its tag, and whoever sends it back still
//! means the same version.

/// What a request says about the state in which it finds what it writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// `If-Match`: write only when this is what is there.
    pub if_match: Option<String>,
    /// `If-None-Match`: write only when this is not what is there; `*` for only when nothing is.
    pub if_none_match: Option<String>,
}

impl Preconditions {
    /// Whether a write may go on; `current` is the entity tag of what is there, quotes included.
    pub fn allow(&self, current: Option<&str>) -> bool {
        self.if_match.as_deref().is_none_or(|wanted| names(wanted, current))
            && self.if_none_match.as_deref().is_none_or(|unwanted| !names(unwanted, current))
    }

    /// Whether a reader has what is there already, so that 304 says enough.
    pub fn has_already(&self, current: &str) -> bool {
        self.if_none_match.as_deref().is_some_and(|has| names(has, Some(current)))
    }
}

/// Whether a list of entity tags, or `*`, names what is there.
fn names(list: &str, current: Option<&str>) -> bool {
    let Some(current) = current.map(strong) else { return false };
    list.split(',').map(str::trim).any(|tag| tag == "*" || strong(tag) == current)
}

fn strong(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(if_match: Option<&str>, if_none_match: Option<&str>, current: Option<&str>) -> bool {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Preconditions { if_match: own(if_match), if_none_match: own(if_none_match) }.allow(current)
    }

    #[test]
    fn if_match_writes_only_what_was_read() {
        assert!(allow(None, None, None) && allow(None, None, Some("\"1\"")));
        assert!(allow(Some("\"1\""), None, Some("\"1\"")) && allow(Some("\"0\", W/\"1\""), None, Some("\"1\"")));
        assert!(allow(Some("*"), None, Some("\"1\"")));
        assert!(!allow(Some("\"1\""), None, Some("\"2\"")) && !allow(Some("1"), None, Some("\"1\"")));
        assert!(!allow(Some("*"), None, None) && !allow(Some("\"1\""), None, None));
    }

    #[test]
    fn if_none_match_writes_only_what_is_new() {
        assert!(allow(None, Some("*"), None) && !allow(None, Some("*"), Some("\"1\"")));
        assert!(allow(None, Some("\"1\""), Some("\"2\"")) && !allow(None, Some("\"1\""), Some("\"1\"")));
    }

    #[test]
    fn a_reader_who_has_it_is_told_so() {
        let reader = Preconditions { if_none_match: Some("W/\"7\"".into()), ..Preconditions::default() };
        assert!(reader.has_already("\"7\"") && !reader.has_already("\"8\""));
        assert!(!Preconditions::default().has_already("\"7\""));
    }
}
