//! Names: sites, visitors, and the Durable Objects that hold them. Built here and nowhere else.

use crate::limits::FOREIGN_ID_BYTES_MAX;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// A site of this deployment: 1 to 32 of `a`–`z`, `0`–`9` and `-`, beginning with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SiteId(String);

impl SiteId {
    /// Checks the form. `None` when it is not a site id.
    pub fn parse(text: &str) -> Option<Self> {
        let form = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let good = (1..=32).contains(&text.len()) && text.bytes().all(form) && !text.starts_with('-');
        good.then(|| Self(text.to_owned()))
    }
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where an id that somebody else made comes from; the two never meet in one UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// `anonymousId`
    Anonymous,
    /// `userId`
    User,
}

/// All foreign ids are hashed below this namespace. Fixed for ever: changing it would orphan every object.
const NAMESPACE: Uuid = Uuid::from_u128(0x8a6e_0804_2bd0_4672_b79d_d970_27f9_071a);

/// The visitor that a foreign id names: UUIDv5 (RFC 9562) keyed by site, whatever form the id has.
///
/// `None` when the id is empty or longer than [`FOREIGN_ID_BYTES_MAX`].
pub fn visitor_of(site: &SiteId, kind: Foreign, id: &str) -> Option<Uuid> {
    if id.is_empty() || id.len() > FOREIGN_ID_BYTES_MAX {
        return None;
    }
    let site_space = Uuid::new_v5(&NAMESPACE, site.as_str().as_bytes());
    let kind = match kind {
        Foreign::Anonymous => "anonymous:",
        Foreign::User => "user:",
    };
    Some(Uuid::new_v5(&site_space, format!("{kind}{id}").as_bytes()))
}

/// The Durable Object's name of a visitor: `v1:{site}:{visitor}`.
pub fn visitor_object(site: &SiteId, visitor: Uuid) -> String {
    format!("v1:{site}:{}", visitor.hyphenated())
}

/// The Durable Object's name of a user: `v1:{site}:user:{user}`.
pub fn user_object(site: &SiteId, user: Uuid) -> String {
    format!("v1:{site}:user:{}", user.hyphenated())
}

/// Site and user from a user object's name; `None` when it is no such name.
pub fn parse_user_object(name: &str) -> Option<(SiteId, Uuid)> {
    let (site, user) = name.strip_prefix("v1:")?.split_once(":user:")?;
    Some((SiteId::parse(site)?, Uuid::try_parse(user).ok()?))
}

/// The Durable Object's name of a site's rulebook: `v1:{site}:rulebook`.
pub fn rulebook_object(site: &SiteId) -> String {
    format!("v1:{site}:rulebook")
}

/// The Durable Object's name of a source's limiter: `v1:{site}:limiter:{source}`.
pub fn limiter_object(site: &SiteId, source: &str) -> String {
    format!("v1:{site}:limiter:{source}")
}

/// Site and visitor from a visitor object's name; `None` when it is no such name.
pub fn parse_visitor_object(name: &str) -> Option<(SiteId, Uuid)> {
    let (site, visitor) = name.strip_prefix("v1:")?.split_once(':')?;
    Some((SiteId::parse(site)?, Uuid::try_parse(visitor).ok()?))
}

/// The site from a rulebook object's name; `None` when it is no such name.
pub fn parse_rulebook_object(name: &str) -> Option<SiteId> {
    SiteId::parse(name.strip_prefix("v1:")?.strip_suffix(":rulebook")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These names are on disk wherever Footfall runs: the test changes only with a new naming version.
    #[test]
    fn object_names_are_pinned() {
        let site = SiteId::parse("demo").unwrap();
        let visitor = visitor_of(&site, Foreign::Anonymous, "507f191e810c19729de860ea").unwrap();
        assert_eq!(visitor.to_string(), "88408343-2717-5f76-886a-e80241903e26");
        assert_eq!(
            visitor_of(&site, Foreign::User, "507f191e810c19729de860ea").unwrap().to_string(),
            "cf6887ba-3ad7-5644-ba23-1c2adc0d083a"
        );
        assert_eq!(visitor_object(&site, visitor), "v1:demo:88408343-2717-5f76-886a-e80241903e26");
        assert_eq!(rulebook_object(&site), "v1:demo:rulebook");
        assert_eq!(limiter_object(&site, "source-shop"), "v1:demo:limiter:source-shop");
        assert_eq!(parse_visitor_object(&limiter_object(&site, "source-shop")), None);
        assert_eq!(user_object(&site, visitor), "v1:demo:user:88408343-2717-5f76-886a-e80241903e26");
        assert_eq!(parse_user_object(&user_object(&site, visitor)), Some((site.clone(), visitor)));
        assert_eq!(parse_visitor_object(&user_object(&site, visitor)), None);
        assert_eq!(parse_visitor_object(&visitor_object(&site, visitor)), Some((site.clone(), visitor)));
        assert_eq!(parse_rulebook_object("v1:demo:rulebook"), Some(site));
    }

    #[test]
    fn a_site_is_part_of_every_visitor() {
        let (a, b) = (SiteId::parse("a").unwrap(), SiteId::parse("b").unwrap());
        assert_ne!(visitor_of(&a, Foreign::User, "1"), visitor_of(&b, Foreign::User, "1"));
        assert_eq!(visitor_of(&a, Foreign::User, ""), None);
    }

    #[test]
    fn site_ids_have_a_narrow_form() {
        for bad in ["", "-a", "A", "a:b", "a b", "é", &"a".repeat(33)] {
            assert_eq!(SiteId::parse(bad), None, "{bad}");
        }
    }
}
