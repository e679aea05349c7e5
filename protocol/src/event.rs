//! A decoded event: what happened, in one vocabulary, whatever the sender called it.

use crate::amount::Amount;
use crate::value::Object;
use serde::{Deserialize, Serialize};

/// On whose word an event is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// Only the public write key of a browser SDK: counts views and carts, never identity, orders or revenue.
    Public,
    /// A valid visitor token.
    Visitor,
    /// A secret server key.
    Source,
}

/// What the visitor has said about being remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Nothing was said.
    #[default]
    Unknown,
    /// Yes.
    Granted,
    /// No, or no longer.
    Denied,
}

/// One client-reported fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The sender's id of the event (`messageId`); a repeat is recognised by it.
    pub id: String,
    /// Name in the vocabulary (`product_viewed`), or the sender's own name where the vocabulary has none.
    pub name: String,
    /// What the engine itself understands of it.
    pub fact: Fact,
    /// On whose word.
    pub authority: Authority,
    /// What the sender's clock said, in milliseconds since the epoch. Data: the engine's time is arrival.
    pub client_time_ms: Option<u64>,
    /// The browser tab it happened in; empty for senders without tabs.
    pub tab: String,
    /// Where on the site, when the sender says.
    pub page: Option<Page>,
    /// The campaign that brought the visitor, when the sender says.
    pub campaign: Option<Campaign>,
    /// The sender's user id, when it says one.
    pub user_id: Option<String>,
    /// The store's server has signed that this visitor is that user (`context.userSignature`, checked by the router). A
    /// source needs no signature.
    pub attested: bool,
    /// Consent as the page knows it now.
    pub consent: Consent,
    /// The properties as sent: what rules see as `event.properties`.
    pub properties: Object,
}

/// The part of an event that the engine acts on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Fact {
    /// A page or screen was opened; begins a new page view in its tab.
    PageViewed,
    /// The tab went out of sight: attention pauses.
    PageHidden,
    /// The tab came into sight: attention goes on.
    PageVisible,
    /// The page was left for good.
    PageLeft,
    /// A product's details were seen.
    ProductViewed(Line),
    /// A list or category of products was seen.
    ProductListViewed {
        /// Name of the list or category; may be empty.
        category: String,
    },
    /// The cart was shown; with lines, they replace the cart.
    CartViewed(Option<Vec<Line>>),
    /// Lines were put into the cart.
    ProductAdded(Vec<Line>),
    /// Lines were taken out; without a quantity the whole line.
    ProductRemoved(Vec<Line>),
    /// The cart was emptied.
    CartCleared,
    /// Checkout began; with lines, they replace the cart.
    CheckoutStarted(Option<Vec<Line>>),
    /// An order was placed.
    OrderCompleted(Order),
    /// An order was refunded or cancelled, wholly or in part.
    OrderReversed(Order),
    /// The visitor is this user, with these traits.
    Identified {
        /// Traits to merge into the profile.
        traits: Object,
    },
    /// The user belongs to this group.
    Grouped {
        /// The store's id of the group (an account, a company, a household).
        group_id: String,
        /// What is known of the group.
        traits: Object,
    },
    /// Whoever had this id is now the event's user.
    Aliased {
        /// An anonymous id, or another id of a user.
        previous_id: String,
    },
    /// A push was closed by the visitor.
    PushDismissed {
        /// The push's sequence number.
        seq: u64,
    },
    /// Only rules look at it.
    Other,
}

/// A product with a quantity: in an event, and as a line of the cart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// What tells one line from another: the sku, or else the product's or variant's id.
    pub sku: String,
    /// Name; may be empty.
    pub name: String,
    /// Price of one, where it is known.
    pub price: Option<Amount>,
    /// How many, where the sender says.
    pub quantity: Option<u32>,
    /// ISO 4217 code in capitals; may be empty.
    pub currency: String,
    /// Category; may be empty.
    pub category: String,
    /// Brand; may be empty.
    pub brand: String,
}

/// An order as one event reports it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The store's id of it; may be empty.
    pub order_id: String,
    /// What it earned: `revenue`, else `total`, `value`, `subtotal` or `totalPrice`, else the sum of the lines; `None` where
    /// there is none of these.
    pub value: Option<Amount>,
    /// ISO 4217 code in capitals; may be empty.
    pub currency: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// A place on the site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Whole address; may be empty.
    pub url: String,
    /// Path of the address.
    pub path: String,
    /// Title; may be empty.
    pub title: String,
    /// Where the visitor came from; may be empty.
    pub referrer: String,
    /// What kind of page it is.
    pub kind: PageKind,
}

/// Kinds of pages of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageKind {
    /// Not known.
    #[default]
    Other,
    /// The first page.
    Home,
    /// A list, category or collection.
    List,
    /// One product.
    Product,
    /// Search results.
    Search,
    /// The cart.
    Cart,
    /// Any step of the checkout.
    Checkout,
    /// After the order.
    Confirmation,
}

impl PageKind {
    /// The kind's name, as conditions see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Home => "home",
            Self::List => "list",
            Self::Product => "product",
            Self::Search => "search",
            Self::Cart => "cart",
            Self::Checkout => "checkout",
            Self::Confirmation => "confirmation",
        }
    }
    /// The kind that a name means, in the words that stores use.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "home" | "index" | "landing" => Self::Home,
            "list" | "category" | "collection" | "listing" | "product list" | "plp" => Self::List,
            "product" | "product detail" | "pdp" => Self::Product,
            "search" | "search results" => Self::Search,
            "cart" | "basket" | "bag" => Self::Cart,
            "checkout" | "payment" | "shipping" => Self::Checkout,
            "confirmation" | "thank you" | "order confirmation" => Self::Confirmation,
            "other" => Self::Other,
            _ => return None,
        })
    }
}

/// The campaign that brought a visitor (`utm_*`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// `utm_source`
    pub source: String,
    /// `utm_medium`
    pub medium: String,
    /// `utm_campaign`
    pub name: String,
    /// `utm_term`
    pub term: String,
    /// `utm_content`
    pub content: String,
}

/// What the router knows of the request that brought events; it is the same for all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surroundings {
    /// Where the request came from, by the network's own look-up; absent for server-side senders.
    pub geo: Option<Geo>,
    /// The device, from the request's own headers; absent for server-side senders.
    pub device: Option<Device>,
    /// Whether the browser sends Global Privacy Control.
    pub gpc: bool,
    /// Which source sent them, by the name that its write key has; empty when it has none.
    #[serde(default)]
    pub source: String,
}

/// Where a visitor is, coarsely.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Geo {
    /// ISO 3166-1 alpha-2 code.
    pub country: String,
    /// Region's name.
    pub region: String,
    /// City's name.
    pub city: String,
    /// Two-letter continent code.
    pub continent: String,
    /// IANA time zone.
    pub timezone: String,
}

/// A visitor's device, coarsely.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Device {
    /// `mobile`, `tablet` or `desktop`.
    pub kind: String,
    /// `windows`, `macos`, `linux`, `android`, `ios` or `other`.
    pub os: String,
    /// `chrome`, `edge`, `firefox`, `safari` or `other`.
    pub browser: String,
    /// The first preferred language tag (BCP 47).
    pub language: String,
}

/// What the router forwards to one visitor's object: its events of one request, decoded once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Each event with its place in the request's batch, so that a refusal names the right one.
    pub events: Vec<(u32, Event)>,
    /// What the router knows of the request.
    pub surroundings: Surroundings,
}
