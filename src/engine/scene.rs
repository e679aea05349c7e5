//! What conditions and templates see of a visitor at one moment: the documented tree, read from live state.

use super::Visitor;
use super::session::Tab;
use super::tree::{Field, Known, Read, Scope};
use super::user::UserProfile;
use footfall_protocol::event::{Authority, Campaign, Consent, Event, Line};
use footfall_protocol::{Object, Value};
use std::borrow::Cow;
use std::cell::OnceCell;

/// A visitor, at a time, with the event and the tab at hand.
pub(super) struct Scene<'a> {
    visitor: &'a Visitor,
    event: Option<&'a Event>,
    tab: Option<&'a Tab>,
    now_ms: u64,
    /// The cart's lines as a list, made when they are first read.
    lines: OnceCell<Value>,
}

impl<'a> Scene<'a> {
    pub(super) const fn new(visitor: &'a Visitor, now_ms: u64) -> Self {
        Self { visitor, event: None, tab: None, now_ms, lines: OnceCell::new() }
    }

    pub(super) fn during(self, event: Option<&'a Event>) -> Self {
        Self { event, ..self }
    }

    /// With `page` that of this tab; without one that shows a page, it is the tab that was active last.
    pub(super) fn on(self, tab: Option<&'a Tab>) -> Self {
        let tab = tab.filter(|tab| tab.view.is_some()).or_else(|| self.visitor.tabs.latest());
        Self { tab, ..self }
    }

    fn line(&self) -> Option<&'a Line> {
        self.tab?.view.as_ref()?.product.as_ref()
    }

    fn campaign(&self, part: impl FnOnce(&'a Campaign) -> &'a String) -> Read<'a> {
        self.visitor.core.session.as_ref().map_or(Read::Missing, |session| Read::text(part(&session.campaign)))
    }
}

/// Milliseconds as seconds, fractions kept.
#[expect(clippy::cast_precision_loss, reason = "times stay far below 2^53 milliseconds")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "counters and times stay below 2^53")]
fn whole<'a>(number: u64) -> Read<'a> {
    Read::Number(number as f64)
}

fn strings(list: &[String]) -> Read<'_> {
    Read::Texts(list)
}

impl Scope for Scene<'_> {
    fn read<'a>(&'a self, field: &Field) -> Read<'a> {
        let Field::Known(known, path) = field else { return Read::Missing };
        let (visitor, core, profile) = (self.visitor, &self.visitor.core, &self.visitor.profile);
        let view = self.tab.and_then(|tab| tab.view.as_ref());
        let page = |part: fn(&'a super::session::PageView) -> &'a str| {
            view.map_or(Read::Missing, |view| Read::text(part(view)))
        };
        let product = |part: fn(&'a Line) -> &'a str| self.line().map_or(Read::Missing, |line| Read::text(part(line)));
        let session = |part: fn(&'a super::session::Session) -> u64| {
            core.session.as_ref().map_or(Read::Missing, |s| whole(part(s)))
        };
        let geo = |part: fn(&'a footfall_protocol::event::Geo) -> &'a str| {
            core.geo.as_ref().map_or(Read::Missing, |geo| Read::text(part(geo)))
        };
        let device = |part: fn(&'a footfall_protocol::event::Device) -> &'a str| {
            core.device.as_ref().map_or(Read::Missing, |d| Read::text(part(d)))
        };
        let user = |part: fn(&'a UserProfile) -> Read<'a>| visitor.identity.profile().map_or(Read::Missing, part);
        match known {
            Known::EventName => self.event.map_or(Read::Missing, |event| Read::Str(&event.name)),
            Known::EventAuthority => self.event.map_or(Read::Missing, |event| {
                Read::Str(match event.authority {
                    Authority::Public => "public",
                    Authority::Visitor => "visitor",
                    Authority::Source => "source",
                })
            }),
            Known::EventProperties => self.event.map_or(Read::Missing, |event| open(&event.properties, path)),
            Known::PageKind => page(|view| view.page.kind.as_str()),
            Known::PagePath => page(|view| &view.page.path),
            Known::PageUrl => page(|view| &view.page.url),
            Known::PageTitle => page(|view| &view.page.title),
            Known::PageReferrer => page(|view| &view.page.referrer),
            Known::PageEngagedSeconds => {
                view.map_or(Read::Missing, |view| Read::Number(seconds(view.engaged_at(self.now_ms))))
            }
            Known::PageProductSku => product(|line| &line.sku),
            Known::PageProductName => product(|line| &line.name),
            Known::PageProductPrice => {
                self.line().and_then(|line| line.price).map_or(Read::Missing, |p| Read::Number(p.units()))
            }
            Known::PageProductCurrency => product(|line| &line.currency),
            Known::PageProductCategory => product(|line| &line.category),
            Known::PageProductBrand => product(|line| &line.brand),
            Known::SessionNumber => session(|session| session.number.into()),
            Known::SessionPages => session(|session| session.pages.into()),
            Known::SessionEvents => session(|session| session.events.into()),
            Known::SessionProductViews => session(|session| session.product_views.into()),
            Known::SessionEngagedSeconds => {
                core.session.as_ref().map_or(Read::Missing, |s| Read::Number(seconds(s.engaged_at(self.now_ms))))
            }
            Known::SessionTotalSeconds => core
                .session
                .as_ref()
                .map_or(Read::Missing, |s| Read::Number(seconds(self.now_ms.saturating_sub(s.started_ms)))),
            Known::SessionLandingPath => core.session.as_ref().map_or(Read::Missing, |s| Read::text(&s.landing_path)),
            Known::SessionReferrer => core.session.as_ref().map_or(Read::Missing, |s| Read::text(&s.referrer)),
            Known::SessionCampaignSource => self.campaign(|campaign| &campaign.source),
            Known::SessionCampaignMedium => self.campaign(|campaign| &campaign.medium),
            Known::SessionCampaignName => self.campaign(|campaign| &campaign.name),
            Known::SessionCampaignTerm => self.campaign(|campaign| &campaign.term),
            Known::SessionCampaignContent => self.campaign(|campaign| &campaign.content),
            Known::CartValue => Read::Number(visitor.cart.value().units()),
            Known::CartCount => whole(visitor.cart.count()),
            Known::CartLineCount => whole(visitor.cart.lines.len() as u64),
            Known::CartCurrency => Read::text(&visitor.cart.currency),
            Known::CartLines => {
                let made = || Value::Array(visitor.cart.lines.iter().map(cart_line).collect());
                Read::Value(Cow::Borrowed(self.lines.get_or_init(made)))
            }
            Known::CartIdleSeconds if visitor.cart.changed_ms == 0 => Read::Missing,
            Known::CartIdleSeconds => Read::Number(seconds(self.now_ms.saturating_sub(visitor.cart.changed_ms))),
            Known::ProfileKnown => Read::Bool(profile.user_id.is_some()),
            Known::ProfileUserId => profile.user_id.as_deref().map_or(Read::Missing, Read::Str),
            Known::ProfileConsent => Read::Str(match core.consent {
                Consent::Unknown => "unknown",
                Consent::Granted => "granted",
                Consent::Denied => "denied",
            }),
            Known::ProfileTraits => open(&profile.traits, path),
            Known::ProfileSessions => whole(profile.sessions.into()),
            Known::ProfileOrders => whole(profile.orders.into()),
            Known::ProfileRevenue => Read::Number(profile.revenue.units()),
            Known::ProfileFirstSeenMs => whole(profile.first_seen_ms),
            Known::ProfileRecentProducts => strings(&profile.recent_products),
            Known::ProfileRecentCategories => strings(&profile.recent_categories),
            Known::GeoCountry => geo(|geo| &geo.country),
            Known::GeoRegion => geo(|geo| &geo.region),
            Known::GeoCity => geo(|geo| &geo.city),
            Known::GeoContinent => geo(|geo| &geo.continent),
            Known::GeoTimezone => geo(|geo| &geo.timezone),
            Known::DeviceKind => device(|device| &device.kind),
            Known::DeviceOs => device(|device| &device.os),
            Known::DeviceBrowser => device(|device| &device.browser),
            Known::DeviceLanguage => device(|device| &device.language),
            Known::DeviceGpc => Read::Bool(core.gpc),
            Known::Stage => Read::text(&core.stage),
            Known::Segments => strings(&visitor.segments.0),
            Known::TimeMs => whole(self.now_ms),
            Known::TimeHour => whole(self.now_ms / 3_600_000 % 24),
            // The epoch was a Thursday.
            Known::TimeWeekday => whole((self.now_ms / 86_400_000 + 4) % 7),
            Known::UserId => user(|user| Read::text(&user.id)),
            Known::UserDevices => user(|user| whole(user.devices.into())),
            Known::UserEvents => user(|user| whole(user.events.into())),
            Known::UserSessions => user(|user| whole(user.sessions.into())),
            Known::UserOrders => user(|user| whole(user.orders.into())),
            Known::UserRevenue => user(|user| Read::Number(user.revenue.units())),
            Known::UserCurrency => user(|user| Read::text(&user.currency)),
            Known::UserFirstSeenMs => user(|user| whole(user.first_seen_ms)),
            Known::UserLastSeenMs => user(|user| whole(user.last_seen_ms)),
            Known::UserTraits => visitor.identity.profile().map_or(Read::Missing, |user| open(&user.traits, path)),
            Known::UserRecentProducts => user(|user| strings(&user.recent_products)),
            Known::UserRecentCategories => user(|user| strings(&user.recent_categories)),
            Known::UserGroups => user(|user| strings(&user.groups)),
        }
    }
}

/// A member of an open object, or the whole of it.
fn open<'a>(object: &'a Object, path: &[String]) -> Read<'a> {
    match path.split_first() {
        None => Read::Object(object),
        Some((first, rest)) => Read::below(object.get(first), rest),
    }
}

fn cart_line(line: &super::cart::CartLine) -> Value {
    let texts = [("sku", &line.sku), ("name", &line.name), ("category", &line.category), ("brand", &line.brand)];
    let mut object: Object = texts.into_iter().map(|(key, text)| (key.to_owned(), text.as_str().into())).collect();
    object.insert("price", line.price);
    object.insert("quantity", line.quantity);
    Value::Object(object)
}
