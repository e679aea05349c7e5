//! One event in the shape of the Segment HTTP Tracking API → [`Event`].

use super::commerce::{lines, order};
use super::reader::Reader;
use super::{Call, Fields, Identity, Json};
use crate::event::{Authority, Campaign, Consent, Event, Fact, Page, PageKind};
use crate::limits::{
    EVENT_ID_BYTES_MAX, EVENT_NAME_BYTES_MAX, FOREIGN_ID_BYTES_MAX, TAB_BYTES_MAX, TEXT_BYTES_MAX, URL_BYTES_MAX, cut,
};
use crate::rejection::{Code, Fault};
use crate::{query, vocabulary};
use uuid::Uuid;

/// Whom it is about, user agent and the user's signature, and the event.
type Whole = (Identity, [Option<String>; 2], Event);

pub(super) fn event(value: &Json<'_>, call: Option<Call>, authority: Authority) -> Result<Whole, Fault> {
    let Json::Object(object) = value else {
        return Err(Fault::at("", Code::Invalid, format!("an event must be an object, not {}", value.type_name())));
    };
    let reader = Reader::new(Some(object), "");
    let call = call.map_or_else(|| call_of(&reader), Ok)?;
    let context = reader.object("context")?;
    let about = Reader::new(context, "/context");
    let identity = identity(&reader, &about, authority)?;

    let empty = Fields::new();
    let properties = match call {
        Call::Identify => reader.object("traits")?,
        Call::Group => reader.object("traits")?,
        Call::Track | Call::Page | Call::Alias => reader.object("properties")?,
    }
    .unwrap_or(&empty);
    let name = name(call, &reader)?;
    let page_object = about.object("page")?;
    let page = page(call, &name, &reader, properties, page_object);
    let event = Event {
        id: reader.string("messageId", EVENT_ID_BYTES_MAX)?.unwrap_or_default(),
        fact: fact(call, &name, &reader, properties)?,
        name,
        authority,
        client_time_ms: time(&reader),
        tab: about.id("tab", TAB_BYTES_MAX)?.unwrap_or_default(),
        campaign: campaign(&about, page.as_ref())?,
        page,
        user_id: identity.user_id.clone(),
        attested: false,
        consent: consent(&about),
        properties: properties.to_object(),
    };
    let said = |key| Some(about.text(key, URL_BYTES_MAX)).filter(|text| !text.is_empty());
    Ok((identity, [said("userAgent"), said("userSignature")], event))
}

fn call_of(reader: &Reader<'_>) -> Result<Call, Fault> {
    const WANTED: &str = "`type` must be one of track, page, screen, identify, group, alias";
    match reader.member("type") {
        None => Err(reader.fault("type", Code::Missing, WANTED)),
        Some(Json::String(name)) => Call::parse(name).ok_or_else(|| reader.fault("type", Code::Invalid, WANTED)),
        Some(_) => Err(reader.fault("type", Code::Invalid, WANTED)),
    }
}

fn identity(reader: &Reader<'_>, about: &Reader<'_>, authority: Authority) -> Result<Identity, Fault> {
    let visitor = match about.member("visitor") {
        Some(Json::String(text)) if authority == Authority::Source => Some(
            Uuid::try_parse(text)
                .map_err(|_| about.fault("visitor", Code::Invalid, "`context.visitor` must be a visitor's UUID"))?,
        ),
        _ => None,
    };
    let identity = Identity {
        anonymous_id: reader.id("anonymousId", FOREIGN_ID_BYTES_MAX)?,
        user_id: reader.id("userId", FOREIGN_ID_BYTES_MAX)?,
        visitor,
    };
    match authority {
        Authority::Visitor => Ok(identity),
        Authority::Source if visitor.is_some() || identity.user_id.is_some() || identity.anonymous_id.is_some() => {
            Ok(identity)
        }
        Authority::Source => {
            Err(reader.fault("anonymousId", Code::NoIdentity, "say whom the event is about: `anonymousId` or `userId`"))
        }
        Authority::Public if identity.anonymous_id.is_some() => Ok(identity),
        Authority::Public => Err(reader.fault(
            "anonymousId",
            Code::NoIdentity,
            "a public write key needs `anonymousId`; a `userId` alone is believed only from a server key",
        )),
    }
}

fn name(call: Call, reader: &Reader<'_>) -> Result<String, Fault> {
    let fixed = match call {
        Call::Track => {
            let name = reader.string("event", EVENT_NAME_BYTES_MAX)?;
            let name =
                name.ok_or_else(|| reader.fault("event", Code::Missing, "`track` needs `event`, the event's name"))?;
            return Ok(vocabulary::normalise(&name).to_owned());
        }
        Call::Page => "page_viewed",
        Call::Identify => "identified",
        Call::Group => "grouped",
        Call::Alias => "aliased",
    };
    Ok(fixed.to_owned())
}

fn fact(call: Call, name: &str, reader: &Reader<'_>, properties: &Fields<'_>) -> Result<Fact, Fault> {
    const AT: &str = "/properties";
    match call {
        Call::Identify => return Ok(Fact::Identified { traits: properties.to_object() }),
        Call::Group => {
            let group_id = reader.id("groupId", FOREIGN_ID_BYTES_MAX)?;
            return Ok(
                group_id.map_or(Fact::Other, |group_id| Fact::Grouped { group_id, traits: properties.to_object() })
            );
        }
        Call::Alias => {
            let previous_id = reader.id("previousId", FOREIGN_ID_BYTES_MAX)?;
            return Ok(previous_id.map_or(Fact::Other, |previous_id| Fact::Aliased { previous_id }));
        }
        Call::Track | Call::Page => {}
    }
    let product = || {
        let missing =
            || Fault::at("/properties/sku", Code::Missing, format!("`{name}` needs a product: `sku` or `product_id`"));
        lines(properties, AT)?.filter(|l| !l.is_empty()).ok_or_else(missing)
    };
    Ok(match name {
        "page_viewed" => Fact::PageViewed,
        "page_hidden" => Fact::PageHidden,
        "page_visible" => Fact::PageVisible,
        "page_left" => Fact::PageLeft,
        "product_viewed" => Fact::ProductViewed(product()?.swap_remove(0)),
        "product_list_viewed" => {
            let reader = Reader::new(Some(properties), AT);
            let category = reader.text_of(&["category", "item_list_name", "list_id", "item_list_id"], TEXT_BYTES_MAX);
            Fact::ProductListViewed { category }
        }
        "cart_viewed" => Fact::CartViewed(lines(properties, AT)?),
        "cart_cleared" => Fact::CartCleared,
        "product_added" => Fact::ProductAdded(product()?),
        "product_removed" => Fact::ProductRemoved(product()?),
        "checkout_started" => Fact::CheckoutStarted(lines(properties, AT)?),
        "order_completed" => Fact::OrderCompleted(order(properties, AT)?),
        "order_refunded" | "order_cancelled" => Fact::OrderReversed(order(properties, AT)?),
        "push_dismissed" => Fact::PushDismissed { seq: sequence(properties) },
        _ => Fact::Other,
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what a double holds exactly")]
fn sequence(properties: &Fields<'_>) -> u64 {
    properties.get("push").and_then(Json::as_f64).unwrap_or(0.0).clamp(0.0, 9e15) as u64
}

/// Where the event happened: for a page call its own properties count first, then `context.page`.
fn page(
    call: Call,
    name: &str,
    reader: &Reader<'_>,
    properties: &Fields<'_>,
    context: Option<&Fields<'_>>,
) -> Option<Page> {
    let own = Reader::new((name == "page_viewed").then_some(properties), "/properties");
    let around = Reader::new(context, "/context/page");
    let either = |keys: &[&str]| {
        let text = own.text_of(keys, URL_BYTES_MAX);
        if text.is_empty() { around.text_of(keys, URL_BYTES_MAX) } else { text }
    };
    let url = either(&["url", "page_location"]);
    let path = Some(either(&["path"])).filter(|p| !p.is_empty()).unwrap_or_else(|| path_of(&url).to_owned());
    if name != "page_viewed" && url.is_empty() && path.is_empty() {
        return None;
    }
    let names = [
        own.text("kind", TEXT_BYTES_MAX),
        around.text("kind", TEXT_BYTES_MAX),
        reader.text("category", TEXT_BYTES_MAX),
    ];
    let called = if call == Call::Page { reader.text("name", TEXT_BYTES_MAX) } else { String::new() };
    let more = [own.text("category", TEXT_BYTES_MAX), called, own.text("name", TEXT_BYTES_MAX)];
    let kind = names.iter().chain(&more).find_map(|n| PageKind::from_name(n)).unwrap_or_default();
    let title = either(&["title", "page_title"]);
    Some(Page { path, title, referrer: either(&["referrer", "page_referrer"]), kind, url })
}

/// The path of an address, without scheme, host, query and fragment.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    rest.split(['?', '#']).next().unwrap_or_default()
}

fn campaign(about: &Reader<'_>, page: Option<&Page>) -> Result<Option<Campaign>, Fault> {
    let said = Reader::new(about.object("campaign")?, "/context/campaign");
    let url = page.map_or("", |page| page.url.as_str());
    let part = |key: &str, keys: &[&str]| {
        let text = said.text_of(keys, TEXT_BYTES_MAX);
        let linked = || cut(&query::member(url, key).unwrap_or_default(), TEXT_BYTES_MAX).to_owned();
        if text.is_empty() { linked() } else { text }
    };
    let campaign = Campaign {
        source: part("utm_source", &["source"]),
        medium: part("utm_medium", &["medium"]),
        name: part("utm_campaign", &["name"]),
        term: part("utm_term", &["term"]),
        content: part("utm_content", &["content"]),
    };
    Ok(Some(campaign).filter(|c| *c != Campaign::default()))
}

fn consent(about: &Reader<'_>) -> Consent {
    match about.member("consent").and_then(Json::as_str) {
        Some("granted") => Consent::Granted,
        Some("denied") => Consent::Denied,
        _ => Consent::Unknown,
    }
}

/// The sender's clock: `timestamp` in ISO 8601 / RFC 3339. One that cannot be read counts as absent, since the
/// engine's time is arrival and an event is worth more than its sender's clock.
fn time(reader: &Reader<'_>) -> Option<u64> {
    let text = reader.member("timestamp")?.as_str()?;
    let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    u64::try_from(time.timestamp_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_give_paths() {
        assert_eq!(path_of("https://shop.example/a/b?x=1#y"), "/a/b");
        assert_eq!(path_of("https://shop.example"), "/");
        assert_eq!(path_of("/a?b"), "/a");
    }
}
