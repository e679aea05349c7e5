//! Events ↔ records: what a record keeps of an event is enough to let the event happen again, so that rules can be
//! tested on what was recorded.
//!
//! What the visitor already shows (the page of a tab, the geo of the last request, …) is not repeated. A replay is exact
//! when it begins with a visitor's first record and runs the rules that were live.

use super::nested::Nested;
use super::user::{Told, UserProfile};
use super::{Input, Visitor};
use footfall_protocol::decode::decode_batch;
use footfall_protocol::event::{Authority, Consent, Delivery, Device, Event, Fact, Geo, Page, Surroundings};
use footfall_protocol::record::{Record, RecordKind};
use footfall_protocol::value::Members;
use footfall_protocol::{Object, Value};
use std::borrow::Cow;
use uuid::Uuid;

const fn authority_name(authority: Authority) -> &'static str {
    match authority {
        Authority::Public => "public",
        Authority::Visitor => "visitor",
        Authority::Source => "source",
    }
}

impl Visitor {
    /// What the record of an event keeps, told before the event is applied: `id`, `authority`, `tab`, `source`,
    /// `client_time_ms`, `path`, `properties` (of identify and group the traits), `user_id`, `attested`, `group_id`,
    /// `previous_id`; and, where it is new to this visitor, `page` (the rest of it), `campaign`, `consent`, `geo`,
    /// `device`, `gpc`.
    /// Texts stay in the event: they are copied once, when the record is packed.
    pub(super) fn chronicle<'a>(&self, event: &'a Event, surroundings: &'a Surroundings) -> Members<Cow<'a, str>> {
        let mut data = Members::new();
        let texts = [
            ("id", event.id.as_str()),
            ("authority", authority_name(event.authority)),
            ("tab", &event.tab),
            ("source", &surroundings.source),
        ];
        for (key, text) in texts {
            if !text.is_empty() {
                data.insert(key, text);
            }
        }
        if let Some(time_ms) = event.client_time_ms {
            data.insert("client_time_ms", time_ms);
        }
        if let Some(page) = &event.page {
            if !page.path.is_empty() {
                data.insert("path", page.path.as_str());
            }
            let shown = self.tabs.get(&event.tab).is_some_and(|tab| tab.view.is_some());
            if event.fact == Fact::PageViewed || !shown {
                let rest = rest_of(page, &event.properties);
                if !rest.is_empty() {
                    data.insert("page", rest);
                }
            }
        }
        if !event.properties.is_empty() {
            data.insert("properties", event.properties.borrowed());
        }
        if let Some(campaign) = event.campaign.as_ref().filter(|_| self.core.session.is_none()) {
            data.insert("campaign", texts_of(campaign));
        }
        // Also where it is known: of several words on who somebody is, the latest of its own time stands.
        if let Some(user_id) = event.user_id.as_ref().filter(|_| event.authority != Authority::Public) {
            data.insert("user_id", user_id.as_str());
            if event.attested {
                data.insert("attested", true);
            }
        }
        if let Fact::Grouped { group_id, .. } = &event.fact {
            data.insert("group_id", group_id.as_str());
        }
        if let Fact::Aliased { previous_id } = &event.fact {
            data.insert("previous_id", previous_id.as_str());
        }
        if event.consent == Consent::Granted && self.core.consent != Consent::Granted {
            data.insert("consent", "granted");
        }
        if surroundings.geo.is_some() && surroundings.geo != self.core.geo {
            data.insert("geo", texts_of(&surroundings.geo));
        }
        if surroundings.device.is_some() && surroundings.device != self.core.device {
            data.insert("device", texts_of(&surroundings.device));
        }
        if surroundings.gpc && !self.core.gpc {
            data.insert("gpc", true);
        }
        data
    }
}

/// What a page has besides its path and what the properties say as well.
fn rest_of<'a>(page: &'a Page, properties: &Object) -> Members<Cow<'a, str>> {
    let parts = [
        ("url", page.url.as_str()),
        ("title", page.title.as_str()),
        ("referrer", page.referrer.as_str()),
        ("kind", page.kind.as_str()),
    ];
    let said = |key: &str, text: &str| properties.get(key).and_then(Value::as_str) == Some(text);
    let mut rest = Members::new();
    for (key, text) in parts {
        if !text.is_empty() && text != "other" && !said(key, text) {
            rest.insert(key, text);
        }
    }
    rest
}

/// A struct of texts as an object, without the empty ones.
fn texts_of<T: serde::Serialize>(value: &T) -> Members<Cow<'static, str>> {
    let mut texts = Members::new();
    for (key, member) in Value::of(value).as_object().into_iter().flat_map(Members::iter) {
        if let Some(text) = member.as_str().filter(|text| !text.is_empty()) {
            texts.insert(key.to_owned(), text.to_owned());
        }
    }
    texts
}

/// The input that a record was made of; `None` for records of what the engine found out by itself.
pub fn replayed(record: &Record) -> Option<Input> {
    let data = &record.data;
    let text = |key: &str| data.get(key).and_then(Value::as_str).unwrap_or_default();
    if record.kind == RecordKind::SightChanged {
        let visible = data.get("visible").and_then(Value::as_bool).unwrap_or_default();
        return Some(Input::Sight { tab: text("tab").to_owned(), visible });
    }
    if record.kind == RecordKind::UserUpdated {
        let user = Uuid::try_parse(text("user")).ok()?;
        let version = data.get("version").and_then(Value::parse_as::<u64>)?;
        let profile = Nested(data.get("profile").and_then(Value::parse_as::<UserProfile>)?);
        return Some(Input::UserTold { incarnation: None, told: Told { user, version, profile } });
    }
    if record.kind != RecordKind::Event {
        return None;
    }
    let authority = match text("authority") {
        "source" => Authority::Source,
        "public" => Authority::Public,
        _ => Authority::Visitor,
    };
    let body = Object::from_iter([("batch".to_owned(), Value::Array(vec![Value::Object(wire(record))]))]);
    let body = serde_json::to_vec(&Value::Object(body)).ok()?;
    let mut event = decode_batch(&body, authority).ok()?.events.pop()?.event;
    event.attested = data.get("attested").and_then(Value::as_bool).unwrap_or_default();
    let surroundings = Surroundings {
        geo: data.get("geo").and_then(Value::parse_as::<Geo>),
        device: data.get("device").and_then(Value::parse_as::<Device>),
        gpc: data.get("gpc").and_then(Value::as_bool).unwrap_or_default(),
        source: text("source").to_owned(),
    };
    Some(Input::Events(Delivery { events: vec![(0, event)], surroundings }))
}

/// The event in the shape of the Tracking API, which the one decoder reads again.
fn wire(record: &Record) -> Object {
    let data = &record.data;
    let kind = match record.name.as_str() {
        "identified" => "identify",
        "grouped" => "group",
        "aliased" => "alias",
        _ => "track",
    };
    let mut page = data.get("page").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut context = Object::new();
    let mut event = Object::from_iter([
        ("type".to_owned(), kind.into()),
        ("event".to_owned(), record.name.as_str().into()),
        ("anonymousId".to_owned(), "replayed".into()),
    ]);
    let ids = [("id", "messageId"), ("user_id", "userId"), ("group_id", "groupId"), ("previous_id", "previousId")];
    for (from, to) in ids {
        if let Some(value) = data.get(from) {
            event.insert(to, value.clone());
        }
    }
    if let Some(properties) = data.get("properties") {
        event.insert(if matches!(kind, "identify" | "group") { "traits" } else { "properties" }, properties.clone());
    }
    if let Some(path) = data.get("path") {
        page.insert("path", path.clone());
    }
    if !page.is_empty() {
        context.insert("page", Value::Object(page));
    }
    for key in ["tab", "campaign", "consent"] {
        if let Some(value) = data.get(key) {
            context.insert(key, value.clone());
        }
    }
    event.insert("context", Value::Object(context));
    if let Some(time) = data.get("client_time_ms").and_then(Value::as_f64).and_then(rfc3339) {
        event.insert("timestamp", time);
    }
    event
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds of a client's clock, which chrono bounds again")]
fn rfc3339(ms: f64) -> Option<String> {
    chrono::DateTime::from_timestamp_millis(ms as i64)
        .map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use footfall_protocol::ids::SiteId;
    use uuid::Uuid;

    /// Records one event of a visitor of whom nothing is known, and lets it happen again.
    #[track_caller]
    fn there_and_back(wire: &str, authority: Authority) {
        let batch = decode_batch(format!("{{\"batch\":[{wire}]}}").as_bytes(), authority).unwrap();
        assert_eq!(batch.rejections, []);
        let event = batch.events[0].event.clone();
        let geo = Geo { country: "DE".into(), timezone: "Europe/Berlin".into(), ..Geo::default() };
        let device = Device { kind: "mobile".into(), ..Device::default() };
        let source = "shop".to_owned();
        let surroundings = Surroundings { geo: Some(geo), device: Some(device), gpc: true, source };
        let visitor = Visitor::new(SiteId::parse("demo").unwrap(), Uuid::nil(), Uuid::nil());
        let data = visitor.chronicle(&event, &surroundings);
        let record = Record {
            seq: 1,
            at_ms: 5,
            kind: RecordKind::Event,
            name: event.name.clone(),
            session: 1,
            data: data.to_object(),
        };
        let again = Input::Events(Delivery { events: vec![(0, event)], surroundings });
        assert_eq!(replayed(&record), Some(again), "{record:?}");
    }

    #[test]
    fn a_recorded_event_happens_again_as_it_was() {
        for wire in [
            r#"{"type":"page","name":"Cart","messageId":"1","anonymousId":"a","userId":"u","timestamp":"2026-11-21T10:00:00.250Z",
                "properties":{"url":"https://s.example/p?utm_source=mail","title":"T"},"context":{"tab":"t","consent":"granted"}}"#,
            r#"{"type":"page","anonymousId":"a","properties":{"path":"/p/tent","kind":"product"},"context":{"page":{"title":"Tent","referrer":"https://x.example/"},"campaign":{"source":"ads","name":"spring"}}}"#,
            r#"{"type":"track","anonymousId":"a","event":"Product Added","properties":{"sku":"tent","price":"199.50","quantity":2},"context":{"page":{"url":"https://s.example/p/tent","path":"/p/tent"}}}"#,
            r#"{"type":"track","anonymousId":"a","event":"Order Completed","properties":{"order_id":"1","revenue":20,"products":[{"sku":"a"}]}}"#,
            r#"{"type":"identify","anonymousId":"a","userId":"u","traits":{"plan":"gold","address":{"city":"Bonn"}}}"#,
            r#"{"type":"group","anonymousId":"a","traits":{"name":"Acme"}}"#,
            r#"{"type":"group","anonymousId":"a","groupId":"g1","traits":{"name":"Acme"}}"#,
            r#"{"type":"alias","anonymousId":"a","userId":"u","previousId":"old"}"#,
            r#"{"type":"track","anonymousId":"a","event":"push_dismissed","properties":{"push":3}}"#,
        ] {
            for authority in [Authority::Visitor, Authority::Source] {
                there_and_back(wire, authority);
            }
        }
        there_and_back(r#"{"type":"track","anonymousId":"a","event":"Size Chart Opened"}"#, Authority::Public);
    }
}
