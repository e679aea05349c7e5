//! What a write key may bring: kinds of events, and single ones of them by name.

use footfall_protocol::event::Event;
use footfall_protocol::limits::EVENT_NAME_BYTES_MAX;
use footfall_protocol::rejection::{Code, Fault};
use footfall_protocol::vocabulary::normalise;
use serde::Deserialize;

/// A kind of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// What visitors do: pages, products, carts, checkouts, and events of the store's own.
    Events,
    /// Who they are: `identify`, `group` and `alias`, and the `userId` of any event.
    Identify,
    /// What they bought: orders completed, updated, refunded and cancelled.
    Orders,
}

/// Names of the events of [`Scope::Identify`].
const IDENTITY: [&str; 3] = ["identified", "grouped", "aliased"];
/// Names of the events of [`Scope::Orders`].
const ORDERS: [&str; 4] = ["order_completed", "order_updated", "order_refunded", "order_cancelled"];

impl Scope {
    /// The kind of an event of this name in the vocabulary.
    fn of(name: &str) -> Self {
        if IDENTITY.contains(&name) {
            Self::Identify
        } else if ORDERS.contains(&name) {
            Self::Orders
        } else {
            Self::Events
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Identify => "identify",
            Self::Orders => "orders",
        }
    }
}

/// What a key may bring; by default everything that its authority allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Kinds of events; `None` for all.
    scopes: Option<Vec<Scope>>,
    /// Names in the vocabulary; `None` for all.
    events: Option<Vec<String>>,
}

impl Grant {
    /// Only these kinds, and only these names.
    ///
    /// # Errors
    /// A sentence, when a list is empty or a name is not the vocabulary's own.
    pub fn new(scopes: Option<Vec<Scope>>, events: Option<Vec<String>>) -> Result<Self, String> {
        if scopes.as_ref().is_some_and(Vec::is_empty) {
            return Err("scopes: name at least one of `events`, `identify` and `orders`".to_owned());
        }
        for name in events.iter().flatten() {
            if !(1..=EVENT_NAME_BYTES_MAX).contains(&name.len()) {
                return Err(format!(
                    "events: a name of {} bytes: 1 to {EVENT_NAME_BYTES_MAX} are possible",
                    name.len()
                ));
            }
            let as_seen = normalise(name);
            if as_seen != *name {
                return Err(format!("events: `{name}`: write it as rules see it: `{as_seen}`"));
            }
        }
        Ok(Self { scopes, events })
    }

    /// Whether the key may bring this event. Without `identify` a `userId` may still say whom an event is about, but is
    /// not taken for the visitor's: it is removed.
    ///
    /// # Errors
    /// `not_allowed`, with what the key may do.
    pub fn admit(&self, event: &mut Event) -> Result<(), Fault> {
        let refused = |message: String| Err(Fault::at("", Code::NotAllowed, message));
        if let Some(scopes) = &self.scopes {
            let wanted = Scope::of(&event.name);
            if !scopes.contains(&wanted) {
                let has: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
                let (wanted, has) = (wanted.as_str(), has.join(", "));
                return refused(format!("this write key lacks the scope `{wanted}`: it has {has}"));
            }
            if !scopes.contains(&Scope::Identify) {
                event.user_id = None;
            }
        }
        if self.events.as_ref().is_some_and(|names| !names.contains(&event.name)) {
            return refused(format!("this write key may not send `{}`", event.name));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use footfall_protocol::decode::{Call, decode_one};
    use footfall_protocol::event::Authority;

    fn admit(grant: &Grant, call: Call, body: &str) -> Result<Option<String>, Code> {
        let mut event = decode_one(call, body.as_bytes(), Authority::Source).unwrap().events.remove(0).event;
        grant.admit(&mut event).map(|()| event.user_id).map_err(|fault| fault.code)
    }

    #[test]
    fn a_key_brings_what_its_scopes_say() {
        let order = r#"{"event":"Order Completed","anonymousId":"a","userId":"u","properties":{"order_id":"1"}}"#;
        let view = r#"{"event":"Product Viewed","anonymousId":"a","userId":"u","properties":{"sku":"s"}}"#;
        let who = r#"{"anonymousId":"a","userId":"u"}"#;
        let grant = |scopes: &[Scope]| Grant::new(Some(scopes.to_vec()), None).unwrap();
        let (all, orders, events) = (Grant::default(), grant(&[Scope::Orders]), grant(&[Scope::Events]));
        let user = Ok(Some("u".to_owned()));
        for (call, body) in [(Call::Track, order), (Call::Track, view), (Call::Identify, who), (Call::Alias, who)] {
            assert_eq!(admit(&all, call, body), user, "{body}");
        }
        assert_eq!(admit(&orders, Call::Track, order), Ok(None));
        assert_eq!(admit(&orders, Call::Track, view), Err(Code::NotAllowed));
        assert_eq!(admit(&events, Call::Track, view), Ok(None));
        assert_eq!(admit(&events, Call::Track, order), Err(Code::NotAllowed));
        assert_eq!(admit(&events, Call::Identify, who), Err(Code::NotAllowed));
        assert_eq!(admit(&grant(&[Scope::Events, Scope::Identify]), Call::Track, view), user);
        assert_eq!(admit(&grant(&[Scope::Identify]), Call::Group, who), user);
    }

    #[test]
    fn a_key_may_be_for_single_events() {
        let grant = Grant::new(None, Some(vec!["order_refunded".to_owned(), "my_own".to_owned()])).unwrap();
        let of = |name: &str| admit(&grant, Call::Track, &format!(r#"{{"event":"{name}","anonymousId":"a"}}"#));
        assert!(of("Order Refunded").is_ok() && of("my_own").is_ok());
        assert_eq!((of("Order Completed"), of("my_other")), (Err(Code::NotAllowed), Err(Code::NotAllowed)));
        for (name, told) in [
            ("Product Viewed", "events: `Product Viewed`: write it as rules see it: `product_viewed`".to_owned()),
            ("", format!("events: a name of 0 bytes: 1 to {EVENT_NAME_BYTES_MAX} are possible")),
            (&"x".repeat(9_000), format!("events: a name of 9000 bytes: 1 to {EVENT_NAME_BYTES_MAX} are possible")),
        ] {
            assert_eq!(Grant::new(None, Some(vec![name.to_owned()])), Err(told));
        }
    }
}
