//! The tree that rules, segments, stages and templates see: one table, from which look-up, advice and documentation come.
//!
//! The tree is part of the contract: a field never changes its meaning, and none goes away within a protocol version.

use footfall_protocol::Value;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Flag,
    /// An array.
    List,
    /// An object with members of any name: a path may go on below it.
    Open,
}

macro_rules! tree {
    ($($name:ident $path:literal $kind:ident $says:literal;)*) => {
        /// The documented fields.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Known { $(#[doc = $says] $name,)* }

        /// Path, field, kind and meaning of every documented field.
        pub const TREE: &[(&str, Known, Kind, &str)] = &[$(($path, Known::$name, Kind::$kind, $says),)*];
    };
}

tree! {
    EventName "event.name" Text "The event's name in the vocabulary. Absent where no event is at hand (dwell).";
    EventAuthority "event.authority" Text "On whose word the event is taken: public, visitor or source.";
    EventProperties "event.properties" Open "The event's properties as sent.";
    PageKind "page.kind" Text "Kind of the page: home, list, product, search, cart, checkout, confirmation or other.";
    PagePath "page.path" Text "Path of the page's address.";
    PageUrl "page.url" Text "The page's whole address.";
    PageTitle "page.title" Text "The page's title.";
    PageReferrer "page.referrer" Text "Where the page was reached from.";
    PageEngagedSeconds "page.engaged_seconds" Number "Seconds this page view has been in sight.";
    PageProductSku "page.product.sku" Text "Sku of the product that the page shows.";
    PageProductName "page.product.name" Text "Name of the product that the page shows.";
    PageProductPrice "page.product.price" Number "Price of the product that the page shows.";
    PageProductCurrency "page.product.currency" Text "Currency of that price.";
    PageProductCategory "page.product.category" Text "Category of the product that the page shows.";
    PageProductBrand "page.product.brand" Text "Brand of the product that the page shows.";
    SessionNumber "session.number" Number "The visitor's how-manyth session this is, from 1.";
    SessionPages "session.pages" Number "Pages viewed in this session.";
    SessionEvents "session.events" Number "Events of this session.";
    SessionProductViews "session.product_views" Number "Products viewed in this session.";
    SessionEngagedSeconds "session.engaged_seconds" Number "Seconds of this session in which a page was in sight.";
    SessionTotalSeconds "session.total_seconds" Number "Seconds since this session began.";
    SessionLandingPath "session.landing_path" Text "Path of the session's first page.";
    SessionReferrer "session.referrer" Text "Where the session's first page was reached from.";
    SessionCampaignSource "session.campaign.source" Text "utm_source of the session.";
    SessionCampaignMedium "session.campaign.medium" Text "utm_medium of the session.";
    SessionCampaignName "session.campaign.name" Text "utm_campaign of the session.";
    SessionCampaignTerm "session.campaign.term" Text "utm_term of the session.";
    SessionCampaignContent "session.campaign.content" Text "utm_content of the session.";
    CartValue "cart.value" Number "Sum over the cart's lines of price times quantity.";
    CartCount "cart.count" Number "Sum of the quantities in the cart.";
    CartLineCount "cart.line_count" Number "Number of lines in the cart.";
    CartCurrency "cart.currency" Text "The cart's currency (ISO 4217).";
    CartLines "cart.lines" List "The lines: objects with sku, name, price, quantity, category, brand.";
    CartIdleSeconds "cart.idle_seconds" Number "Seconds since the cart last changed. Absent while it never did.";
    ProfileKnown "profile.known" Flag "Whether the visitor has been identified.";
    ProfileUserId "profile.user_id" Text "The store's id of the user.";
    ProfileConsent "profile.consent" Text "unknown, granted or denied.";
    ProfileTraits "profile.traits" Open "The traits that identify calls set.";
    ProfileSessions "profile.sessions" Number "Sessions so far, this one included.";
    ProfileOrders "profile.orders" Number "Orders so far.";
    ProfileRevenue "profile.revenue" Number "What the orders earned, less refunds.";
    ProfileFirstSeenMs "profile.first_seen_ms" Number "When the visitor was first seen, in milliseconds since the epoch.";
    ProfileRecentProducts "profile.recent_products" List "Skus of products viewed lately, the newest first.";
    ProfileRecentCategories "profile.recent_categories" List "Categories viewed lately, the newest first.";
    GeoCountry "geo.country" Text "Two-letter country code.";
    GeoRegion "geo.region" Text "Region's name.";
    GeoCity "geo.city" Text "City's name.";
    GeoContinent "geo.continent" Text "Two-letter continent code.";
    GeoTimezone "geo.timezone" Text "IANA time zone.";
    DeviceKind "device.kind" Text "mobile, tablet or desktop.";
    DeviceOs "device.os" Text "windows, macos, linux, android, ios or other.";
    DeviceBrowser "device.browser" Text "chrome, edge, firefox, safari or other.";
    DeviceLanguage "device.language" Text "The first preferred language (BCP 47).";
    DeviceGpc "device.gpc" Flag "Whether the browser sends Global Privacy Control.";
    Stage "stage" Text "The stage's id.";
    Segments "segments" List "Ids of the segments that the visitor is in.";
    TimeMs "time.ms" Number "Now, in milliseconds since the epoch.";
    TimeHour "time.hour" Number "Hour of the day, 0 to 23, UTC.";
    TimeWeekday "time.weekday" Number "Day of the week, 0 for Sunday, UTC.";
}

/// A field as a compiled condition or template refers to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Field {
    /// A documented field; the path goes on below an open one.
    Known(Known, Vec<String>),
    /// A member of free attributes, for callers that bring their own.
    Any(Vec<String>),
}

/// What reading a field gives. Scalars are not copied.
#[derive(Clone, Debug, PartialEq)]
pub enum Read<'a> {
    /// There is no such value now.
    Missing,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(f64),
    /// Text.
    Str(&'a str),
    /// Anything.
    Value(Cow<'a, Value>),
}

impl<'a> Read<'a> {
    /// Text that may be empty, which then is missing.
    pub fn text(text: &'a str) -> Self {
        if text.is_empty() { Self::Missing } else { Self::Str(text) }
    }

    /// The value at a path below one that is there.
    pub fn below(root: Option<&'a Value>, path: &[String]) -> Self {
        let found = root.and_then(|root| path.iter().try_fold(root, |value, key| value.get(key)));
        found.map_or(Self::Missing, |value| Self::Value(Cow::Borrowed(value)))
    }

    /// As a value of its own; `None` when missing.
    pub fn into_value(self) -> Option<Value> {
        match self {
            Self::Missing => None,
            Self::Bool(flag) => Some(Value::Bool(flag)),
            Self::Number(number) => Some(Value::Number(number)),
            Self::Str(text) => Some(Value::from(text)),
            Self::Value(value) => Some(value.into_owned()),
        }
    }
}

/// Something whose fields can be read: a live visitor, or free attributes.
pub trait Scope {
    /// The field's value now. Total: what is not there is [`Read::Missing`].
    fn read<'a>(&'a self, field: &Field) -> Read<'a>;
}

impl Scope for Value {
    fn read<'a>(&'a self, field: &Field) -> Read<'a> {
        match field {
            Field::Any(path) => Read::below(Some(self), path),
            Field::Known(..) => Read::Missing,
        }
    }
}

/// The field at a dotted path.
///
/// # Errors
/// What is wrong with the path, and the nearest one that there is.
pub fn resolve(path: &str) -> Result<Field, String> {
    for (known, field, kind, _) in TREE {
        if path == *known {
            return Ok(Field::Known(*field, Vec::new()));
        }
        let below = path.strip_prefix(known).and_then(|rest| rest.strip_prefix('.'));
        if let (Kind::Open, Some(rest)) = (kind, below) {
            return Ok(Field::Known(*field, rest.split('.').map(str::to_owned).collect()));
        }
    }
    let nearest = nearest(path, TREE.iter().map(|(known, ..)| *known));
    Err(format!("`{path}` is not a field; {nearest}"))
}

/// Advice on a word that is not among the known ones.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let word: String = word.chars().take(64).collect();
    match known.clone().min_by_key(|candidate| distance(&word, candidate)) {
        Some(best) if distance(&word, best) <= 1 + word.chars().count() / 3 => format!("did you mean `{best}`?"),
        _ => format!("there are: {}", known.collect::<Vec<_>>().join(", ")),
    }
}

/// Levenshtein's distance between two words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let cost = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_resolve_and_mistakes_get_advice() {
        assert_eq!(resolve("cart.value"), Ok(Field::Known(Known::CartValue, vec![])));
        let deep = Field::Known(Known::EventProperties, vec!["a".into(), "b".into()]);
        assert_eq!(resolve("event.properties.a.b"), Ok(deep));
        assert_eq!(resolve("cart.vlaue").unwrap_err(), "`cart.vlaue` is not a field; did you mean `cart.value`?");
        assert!(resolve("weather").unwrap_err().contains("there are: event.name"));
        assert!(resolve("cart.value.x").is_err());
    }
}
