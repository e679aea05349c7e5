//! The table of fields, and what can be told of a field without reading it.

use super::Root;
use serde::{Deserialize, Serialize};

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// One of these strings and no other.
    OneOf(&'static [&'static str]),
    /// A number.
    Number,
    /// An amount of money, in units of the currency that is found at this field; of none when it says none.
    Money(Option<Known>),
    /// `true` or `false`.
    Flag,
    /// An array.
    List,
    /// An object with members of any name: a path may go on below it.
    Open,
}

impl Kind {
    /// The kind's name, as an author would say it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text | Self::OneOf(_) => "a string",
            Self::Number => "a number",
            Self::Money(_) => "an amount",
            Self::Flag => "true or false",
            Self::List => "a list",
            Self::Open => "an open object",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Where it stands in the tree.
    pub path: &'static str,
    /// The field.
    pub known: Known,
    /// What it holds.
    pub kind: Kind,
    /// Whether its value changes by time alone, without any input.
    pub by_time: bool,
    /// What it means, for the documentation.
    pub says: &'static str,
}

macro_rules! tree {
    ($($name:ident $path:literal $kind:ident $(($of:expr))? $change:ident $says:literal;)*) => {
        /// The documented fields. Stored in compiled rules by their place: new ones are appended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Known { $(#[doc = $says] $name,)* }

        /// Path, field, kind and meaning of every documented field.
        pub const TREE: &[Entry] = &[$(Entry {
            path: $path,
            known: Known::$name,
            kind: Kind::$kind $(($of))?,
            by_time: tree!(@ $change),
            says: $says,
        },)*];
    };
    (@ steady) => { false };
    (@ ticking) => { true };
}

/// Kinds of pages, as `protocol::event::PageKind` names them.
const PAGE_KINDS: &[&str] = &["home", "list", "product", "search", "cart", "checkout", "confirmation", "other"];
const AUTHORITIES: &[&str] = &["public", "visitor", "source"];
const CONSENTS: &[&str] = &["unknown", "granted", "denied"];
const DEVICES: &[&str] = &["mobile", "tablet", "desktop"];
const SYSTEMS: &[&str] = &["windows", "macos", "linux", "android", "ios", "other"];
const BROWSERS: &[&str] = &["chrome", "edge", "firefox", "safari", "other"];

tree! {
    EventName "event.name" Text steady "The event's name in the vocabulary. Absent where no event is at hand (dwell).";
    EventAuthority "event.authority" OneOf(AUTHORITIES) steady "On whose word the event is taken: public, visitor or source.";
    EventProperties "event.properties" Open steady "The event's properties as sent.";
    PageKind "page.kind" OneOf(PAGE_KINDS) steady "Kind of the page: home, list, product, search, cart, checkout, confirmation or other.";
    PagePath "page.path" Text steady "Path of the page's address.";
    PageUrl "page.url" Text steady "The page's whole address.";
    PageTitle "page.title" Text steady "The page's title.";
    PageReferrer "page.referrer" Text steady "Where the page was reached from.";
    PageEngagedSeconds "page.engaged_seconds" Number ticking "Seconds this page view has been in sight.";
    PageProductSku "page.product.sku" Text steady "Sku of the product that the page shows.";
    PageProductName "page.product.name" Text steady "Name of the product that the page shows.";
    PageProductPrice "page.product.price" Money(Some(Known::PageProductCurrency)) steady "Price of the product that the page shows.";
    PageProductCurrency "page.product.currency" Text steady "Currency of that price.";
    PageProductCategory "page.product.category" Text steady "Category of the product that the page shows.";
    PageProductBrand "page.product.brand" Text steady "Brand of the product that the page shows.";
    SessionNumber "session.number" Number steady "The visitor's how-manyth session this is, from 1.";
    SessionPages "session.pages" Number steady "Pages viewed in this session.";
    SessionEvents "session.events" Number steady "Events of this session.";
    SessionProductViews "session.product_views" Number steady "Products viewed in this session.";
    SessionEngagedSeconds "session.engaged_seconds" Number ticking "Seconds of this session in which a page was in sight.";
    SessionTotalSeconds "session.total_seconds" Number ticking "Seconds since this session began.";
    SessionLandingPath "session.landing_path" Text steady "Path of the session's first page.";
    SessionReferrer "session.referrer" Text steady "Where the session's first page was reached from.";
    SessionCampaignSource "session.campaign.source" Text steady "utm_source of the session.";
    SessionCampaignMedium "session.campaign.medium" Text steady "utm_medium of the session.";
    SessionCampaignName "session.campaign.name" Text steady "utm_campaign of the session.";
    SessionCampaignTerm "session.campaign.term" Text steady "utm_term of the session.";
    SessionCampaignContent "session.campaign.content" Text steady "utm_content of the session.";
    CartValue "cart.value" Money(Some(Known::CartCurrency)) steady "Sum over the cart's lines of price times quantity.";
    CartCount "cart.count" Number steady "Sum of the quantities in the cart.";
    CartLineCount "cart.line_count" Number steady "Number of lines in the cart.";
    CartCurrency "cart.currency" Text steady "The cart's currency (ISO 4217).";
    CartLines "cart.lines" List steady "The lines: objects with sku, name, price, quantity, category, brand.";
    CartIdleSeconds "cart.idle_seconds" Number ticking "Seconds since the cart last changed. Absent while it never did.";
    ProfileKnown "profile.known" Flag steady "Whether the visitor has been identified.";
    ProfileUserId "profile.user_id" Text steady "The store's id of the user.";
    ProfileConsent "profile.consent" OneOf(CONSENTS) steady "unknown, granted or denied.";
    ProfileTraits "profile.traits" Open steady "The traits that identify calls set.";
    ProfileSessions "profile.sessions" Number steady "Sessions so far, this one included.";
    ProfileOrders "profile.orders" Number steady "Orders so far.";
    ProfileRevenue "profile.revenue" Money(None) steady "What the orders earned, less refunds: a refund or cancellation takes back of its order the amount that it says, all if it says none, and never more than the order earned.";
    ProfileFirstSeenMs "profile.first_seen_ms" Number steady "When the visitor was first seen, in milliseconds since the epoch.";
    ProfileRecentProducts "profile.recent_products" List steady "Skus of products viewed lately, the newest first.";
    ProfileRecentCategories "profile.recent_categories" List steady "Categories viewed lately, the newest first.";
    GeoCountry "geo.country" Text steady "Two-letter country code.";
    GeoRegion "geo.region" Text steady "Region's name.";
    GeoCity "geo.city" Text steady "City's name.";
    GeoContinent "geo.continent" Text steady "Two-letter continent code.";
    GeoTimezone "geo.timezone" Text steady "IANA time zone.";
    DeviceKind "device.kind" OneOf(DEVICES) steady "mobile, tablet or desktop.";
    DeviceOs "device.os" OneOf(SYSTEMS) steady "windows, macos, linux, android, ios or other.";
    DeviceBrowser "device.browser" OneOf(BROWSERS) steady "chrome, edge, firefox, safari or other.";
    DeviceLanguage "device.language" Text steady "The first preferred language (BCP 47).";
    DeviceGpc "device.gpc" Flag steady "Whether the browser sends Global Privacy Control.";
    Stage "stage" Text steady "The stage's id.";
    Segments "segments" List steady "Ids of the segments that the visitor is in.";
    TimeMs "time.ms" Number ticking "Now, in milliseconds since the epoch.";
    TimeHour "time.hour" Number ticking "Hour of the day, 0 to 23, UTC.";
    TimeWeekday "time.weekday" Number ticking "Day of the week, 0 for Sunday, UTC.";
    UserId "user.id" Text steady "The store's id of the user. Like all of `user` absent unless a server key or a signature attests that the visitor is that user.";
    UserDevices "user.devices" Number steady "Visitors that are this user, on all devices.";
    UserEvents "user.events" Number steady "Their events, as of their last letters.";
    UserSessions "user.sessions" Number steady "Their sessions, by the events' own times.";
    UserOrders "user.orders" Number steady "Their orders, each once however many devices report it.";
    UserRevenue "user.revenue" Money(Some(Known::UserCurrency)) steady "What those earned, less refunds.";
    UserCurrency "user.currency" Text steady "Currency of the newest order.";
    UserFirstSeenMs "user.first_seen_ms" Number steady "The first activity on any device, by the events' own times, in milliseconds since the epoch.";
    UserLastSeenMs "user.last_seen_ms" Number steady "The last activity on any device, as of the last letters.";
    UserTraits "user.traits" Open steady "Traits, each as it was last set on any device.";
    UserRecentProducts "user.recent_products" List steady "Skus viewed lately on any device, the newest first.";
    UserRecentCategories "user.recent_categories" List steady "Categories viewed lately on any device, the newest first.";
    UserGroups "user.groups" List steady "Ids of the user's groups, the one joined last first.";
}

impl Known {
    /// Its row of the table.
    pub const fn entry(self) -> &'static Entry {
        &TREE[self as usize]
    }
}

/// A field as a compiled condition or template refers to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Field {
    /// A documented field; the path goes on below an open one.
    Known(Known, Vec<String>),
    /// A member of free attributes, for callers that bring their own.
    Any(Vec<String>),
}

impl Field {
    /// What it holds, where that is known: not below an open field, and not in free attributes.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Known(known, below) if below.is_empty() => Some(known.entry().kind),
            Self::Known(..) | Self::Any(_) => None,
        }
    }

    /// Whether a rule's actions change it at once. They set traits; stage and segments follow only when all rules have
    /// looked at what has happened. Of free attributes nothing is known.
    pub const fn is_changed_by_actions(&self) -> bool {
        matches!(self, Self::Known(Known::ProfileTraits, _) | Self::Any(_))
    }

    /// Its dotted path, as an author writes it.
    pub fn path(&self) -> String {
        match self {
            Self::Known(known, below) => {
                below.iter().fold(known.entry().path.to_owned(), |path, part| format!("{path}.{part}"))
            }
            Self::Any(path) => path.join("."),
        }
    }

    /// The part of the tree that it belongs to; `None` for free attributes.
    pub fn root(&self) -> Option<Root> {
        match self {
            Self::Known(known, _) => Root::of(known.entry().path),
            Self::Any(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Roots;
    use super::*;
    use footfall_protocol::event::PageKind;

    #[test]
    fn the_table_is_in_the_order_of_its_fields_and_every_path_stands_once() {
        for (at, entry) in TREE.iter().enumerate() {
            assert_eq!(entry.known as usize, at, "{}", entry.path);
            assert!(entry.says.ends_with('.') && Root::of(entry.path).is_some(), "{}", entry.path);
            assert!(!TREE[..at].iter().any(|other| other.path == entry.path), "{}", entry.path);
        }
    }

    #[test]
    fn the_kinds_of_pages_are_those_of_the_contract() {
        for kind in PAGE_KINDS {
            assert_eq!(PageKind::from_name(kind).map(PageKind::as_str), Some(*kind));
        }
    }

    #[test]
    fn a_field_knows_its_path_its_root_and_whether_it_ticks() {
        let trait_of = Field::Known(Known::ProfileTraits, vec!["plan".into(), "name".into()]);
        assert_eq!(trait_of.path(), "profile.traits.plan.name");
        assert_eq!((trait_of.root(), trait_of.kind()), (Some(Root::Profile), None));
        let mut roots = Roots::default();
        roots.add(&trait_of);
        assert!(roots.has(Root::Profile) && !roots.has(Root::Time) && !roots.by_time());
        roots.add(&Field::Known(Known::CartIdleSeconds, vec![]));
        assert!(roots.has(Root::Cart) && roots.by_time() && roots.meets(Roots::default().with(Root::Cart)));
        let ticking: Vec<&str> = TREE.iter().filter(|entry| entry.by_time).map(|entry| entry.path).collect();
        assert!(ticking.iter().all(|path| path.ends_with("_seconds") || path.starts_with("time.")), "{ticking:?}");
        assert_eq!(ticking.len(), 7);
    }
}
