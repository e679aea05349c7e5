//! Who sends events, and which visitor each event belongs to on that sender's word.

use footfall_protocol::decode::Identity;
use footfall_protocol::event::{Authority, Event, Fact};
use footfall_protocol::ids::{Foreign, SiteId, visitor_of};
use footfall_protocol::rejection::{Code, Fault};
use uuid::Uuid;

/// Somebody who may send events of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A visitor, by a valid token: all events are that visitor's, whatever ids they carry.
    Visitor(SiteId, Uuid),
    /// One of the store's own servers, by a secret key: it may speak for every visitor.
    Source(SiteId),
    /// Anybody, by the public key of the page: only anonymous ids are believed.
    Public(SiteId),
}

impl Sender {
    /// The site.
    pub const fn site(&self) -> &SiteId {
        match self {
            Self::Visitor(site, _) | Self::Source(site) | Self::Public(site) => site,
        }
    }

    /// On whose word its events are taken.
    pub const fn authority(&self) -> Authority {
        match self {
            Self::Visitor(..) => Authority::Visitor,
            Self::Source(_) => Authority::Source,
            Self::Public(_) => Authority::Public,
        }
    }

    /// The visitor that an event belongs to.
    ///
    /// # Errors
    /// `no_identity`, with what to send.
    pub fn visitor_of(&self, identity: &Identity) -> Result<Uuid, Fault> {
        let foreign = |kind, id: &Option<String>| id.as_deref().and_then(|id| visitor_of(self.site(), kind, id));
        let anonymous = || foreign(Foreign::Anonymous, &identity.anonymous_id);
        let (visitor, wanted) = match self {
            Self::Visitor(_, visitor) => (Some(*visitor), ""),
            Self::Source(_) => (
                identity.visitor.or_else(anonymous).or_else(|| foreign(Foreign::User, &identity.user_id)),
                "say whom it is about: `anonymousId`, `userId` or `context.visitor`",
            ),
            Self::Public(_) => (anonymous(), "with a public write key only `anonymousId` says whom it is about"),
        };
        visitor.ok_or_else(|| Fault::at("", Code::NoIdentity, wanted))
    }

    /// Others whom an event is about: an alias by a source is about whoever had the previous id, be that a visitor or a
    /// user. Nobody else may speak of others.
    pub fn others(&self, event: &Event) -> Vec<Uuid> {
        let (Self::Source(site), Fact::Aliased { previous_id }, Some(_)) = (self, &event.fact, &event.user_id) else {
            return Vec::new();
        };
        [Foreign::Anonymous, Foreign::User].into_iter().filter_map(|kind| visitor_of(site, kind, previous_id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> SiteId {
        SiteId::parse("demo").unwrap()
    }

    fn identity(visitor: bool, anonymous: bool, user: bool) -> Identity {
        Identity {
            visitor: visitor.then_some(Uuid::from_u128(7)),
            anonymous_id: anonymous.then(|| "a1".to_owned()),
            user_id: user.then(|| "u1".to_owned()),
        }
    }

    #[test]
    fn a_visitor_speaks_for_itself_only() {
        let own = Uuid::from_u128(1);
        let sender = Sender::Visitor(site(), own);
        assert_eq!(sender.visitor_of(&identity(true, true, true)), Ok(own));
        assert_eq!(sender.visitor_of(&identity(false, false, false)), Ok(own));
    }

    #[test]
    fn a_source_may_name_anybody() {
        let sender = Sender::Source(site());
        let anonymous = visitor_of(&site(), Foreign::Anonymous, "a1").unwrap();
        let user = visitor_of(&site(), Foreign::User, "u1").unwrap();
        assert_eq!(sender.visitor_of(&identity(true, true, true)), Ok(Uuid::from_u128(7)));
        assert_eq!(sender.visitor_of(&identity(false, true, true)), Ok(anonymous));
        assert_eq!(sender.visitor_of(&identity(false, false, true)), Ok(user));
        assert_eq!(sender.visitor_of(&identity(false, false, false)).unwrap_err().code, Code::NoIdentity);
    }

    #[test]
    fn the_public_may_name_anonymous_visitors() {
        let sender = Sender::Public(site());
        let anonymous = visitor_of(&site(), Foreign::Anonymous, "a1").unwrap();
        assert_eq!(sender.visitor_of(&identity(true, true, true)), Ok(anonymous));
        assert_eq!(sender.visitor_of(&identity(true, false, true)).unwrap_err().code, Code::NoIdentity);
    }
}
