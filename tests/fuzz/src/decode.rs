//! Any bytes, as what comes in: decoding never fails otherwise than documented, and what it gives is within bounds.

use footfall::access::attest::UserKeys;
use footfall::access::delivery::{Request, sort};
use footfall::access::scope::{Grant, Scope};
use footfall::access::sender::Sender;
use footfall::sinks::archive::open_line;
use footfall::sinks::message::{Body, Message};
use footfall_protocol::decode::{Batch, Call, credentials, decode_batch, decode_frame, decode_one};
use footfall_protocol::event::{Authority, Delivery, Event, Fact, Line, Surroundings};
use footfall_protocol::ids::SiteId;
use footfall_protocol::limits::{
    AMOUNT_UNITS_MAX, BATCH_EVENTS_MAX, EVENT_ID_BYTES_MAX, EVENT_NAME_BYTES_MAX, EVENT_PRODUCTS_MAX,
    FOREIGN_ID_BYTES_MAX, NESTING_DEPTH_MAX, OBJECT_MEMBERS_MAX, QUANTITY_MAX, TAB_BYTES_MAX, TEXT_BYTES_MAX,
    URL_BYTES_MAX,
};
use footfall_protocol::message::ClientMessage;
use footfall_protocol::{Amount, Object, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The first byte is the authority and the way in, the rest what comes in.
///
/// # Panics
/// When something is wrong with the decoder.
pub fn check(data: &[u8]) {
    let Some((first, body)) = data.split_first() else { return };
    let authority = [Authority::Public, Authority::Visitor, Authority::Source][usize::from(first % 3)];
    drop(credentials(body));
    for batch in [decode_batch(body, authority), decode_one(Call::Track, body, authority)] {
        match batch {
            Ok(batch) => {
                bounded(&batch, BATCH_EVENTS_MAX);
                sorted(batch, authority, usize::from(first / 3));
            }
            Err(fault) => assert!(fault.message.len() < 1_000, "{fault:?}"),
        }
    }
    // What a queue and an archive give back.
    let carried = Body::Packed(body.to_vec());
    let letter = Body::of_letter(&carried.to_letter());
    assert_eq!(letter.read(), carried.read(), "a replay brings what a dead letter was made of");
    let Ok(text) = std::str::from_utf8(body) else { return };
    if let Some(message) = Message::parse(text) {
        let written = serde_json::to_string(&message).unwrap();
        assert_eq!(Message::parse(&written), Some(message));
    }
    drop(open_line(&BTreeMap::new(), text));
    match ClientMessage::decode(text) {
        Ok(ClientMessage::Events(frame)) => bounded(&decode_frame(&frame.events, authority), usize::MAX),
        Ok(ClientMessage::Hello(_) | ClientMessage::Seen(_)) => {}
        Err(message) => assert!(message.len() < 1_000, "{message}"),
    }
}

fn bounded(batch: &Batch, events_max: usize) {
    assert!(batch.events.len() + batch.rejections.len() <= events_max);
    for rejection in &batch.rejections {
        assert!(rejection.message.len() < 1_000 && rejection.pointer.len() < 100_000, "{rejection:?}");
        assert!(rejection.pointer.is_empty() || rejection.pointer.starts_with('/'), "{rejection:?}");
        drop(serde_json::to_string(rejection).unwrap());
    }
    for decoded in &batch.events {
        let foreign = [&decoded.identity.anonymous_id, &decoded.identity.user_id, &decoded.event.user_id];
        foreign.into_iter().flatten().for_each(|id| assert!(id.len() <= FOREIGN_ID_BYTES_MAX, "{id}"));
        event(&decoded.event);
    }
    let delivery = Delivery {
        events: batch.events.iter().map(|decoded| (decoded.index, decoded.event.clone())).collect(),
        surroundings: Surroundings::default(),
    };
    // Through JSON and back, as records and views go.
    let packed = serde_json::to_string(&delivery).unwrap();
    assert_eq!(serde_json::from_str::<Delivery>(&packed).unwrap(), delivery);
}

/// Each event goes to whom it is about, or is told to go nowhere; nothing of it depends on its neighbours.
fn sorted(mut batch: Batch, authority: Authority, choice: usize) {
    let site = SiteId::parse("demo").unwrap();
    let keys = UserKeys::parse(r#"{"demo":["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"]}"#).unwrap();
    keys.mark(&mut batch, authority, &site, 1_800_000_000);
    assert!(batch.events.iter().all(|decoded| !decoded.event.attested), "nobody has signed these bytes");
    let own = Uuid::from_u128(7);
    let sender = match authority {
        Authority::Visitor => Sender::Visitor(site, own),
        Authority::Source => Sender::Source(site),
        Authority::Public => Sender::Public(site),
    };
    let scopes = [None, Some(vec![Scope::Events]), Some(vec![Scope::Identify, Scope::Orders])];
    let names = (choice % 2 == 1).then(|| vec!["product_added".to_owned(), "identified".to_owned()]);
    let grant = Grant::new(scopes[choice % 3].clone(), names).unwrap();
    let request =
        Request { nonce: "n".to_owned(), grant, allow_headless: choice.is_multiple_of(5), ..Request::default() };
    let (came, faults) = (batch.events.len(), batch.rejections.len());
    let indexes: Vec<u32> = batch.events.iter().map(|decoded| decoded.index).collect();
    let deliveries = sort(batch, &sender, &request);
    assert!(deliveries.rejections.is_sorted_by_key(|rejection| rejection.index));
    let mut gone: Vec<u32> = Vec::new();
    for (visitor, delivery) in &deliveries.by_visitor {
        assert!(authority != Authority::Visitor || *visitor == own, "a visitor speaks for itself only");
        assert!(delivery.events.is_sorted_by(|a, b| a.0 < b.0), "each once, in the order in which they came");
        assert!(delivery.events.iter().all(|(_, event)| !event.id.is_empty()));
        gone.extend(delivery.events.iter().map(|(index, _)| *index));
    }
    gone.sort_unstable();
    gone.dedup();
    assert_eq!(gone.len() + deliveries.rejections.len(), came + faults, "every event is delivered or rejected");
    assert!(gone.iter().all(|index| indexes.contains(index)));
}

fn event(event: &Event) {
    assert!(event.id.len() <= EVENT_ID_BYTES_MAX && event.tab.len() <= TAB_BYTES_MAX, "{event:?}");
    assert!((1..=EVENT_NAME_BYTES_MAX).contains(&event.name.len()), "{event:?}");
    depth(&Value::Object(event.properties.clone()), NESTING_DEPTH_MAX);
    if let Some(page) = &event.page {
        let texts = [&page.url, &page.path, &page.title, &page.referrer];
        assert!(texts.iter().all(|text| text.len() <= URL_BYTES_MAX), "{page:?}");
    }
    if let Some(of) = &event.campaign {
        let texts = [&of.source, &of.medium, &of.name, &of.term, &of.content];
        assert!(texts.iter().all(|text| text.len() <= URL_BYTES_MAX), "{of:?}");
    }
    match &event.fact {
        Fact::ProductViewed(one) => line(one),
        Fact::ProductAdded(lines)
        | Fact::ProductRemoved(lines)
        | Fact::CartViewed(Some(lines))
        | Fact::CheckoutStarted(Some(lines)) => self::lines(lines),
        Fact::OrderCompleted(order) | Fact::OrderReversed(order) => {
            lines(&order.lines);
            assert!(order.order_id.len() <= TEXT_BYTES_MAX && order.currency.len() <= TEXT_BYTES_MAX, "{order:?}");
        }
        Fact::ProductListViewed { category } => assert!(category.len() <= TEXT_BYTES_MAX, "{category}"),
        Fact::Grouped { group_id: id, .. } | Fact::Aliased { previous_id: id } => {
            assert!(!id.is_empty() && id.len() <= FOREIGN_ID_BYTES_MAX, "{id}");
        }
        Fact::PageViewed
        | Fact::PageHidden
        | Fact::PageVisible
        | Fact::PageLeft
        | Fact::CartViewed(None)
        | Fact::CheckoutStarted(None)
        | Fact::CartCleared
        | Fact::Identified { .. }
        | Fact::PushDismissed { .. }
        | Fact::Other => {}
    }
}

fn lines(lines: &[Line]) {
    assert!(lines.len() <= EVENT_PRODUCTS_MAX, "{} lines", lines.len());
    lines.iter().for_each(line);
}

fn line(line: &Line) {
    let texts = [&line.sku, &line.name, &line.currency, &line.category, &line.brand];
    assert!(texts.iter().all(|text| text.len() <= URL_BYTES_MAX), "{line:?}");
    let most = Amount::from_units(AMOUNT_UNITS_MAX).unwrap();
    assert!(line.price.is_none_or(|price| price.0.abs() <= most.0), "{line:?}");
    assert!(line.quantity.is_none_or(|quantity| quantity <= QUANTITY_MAX), "{line:?}");
}

fn depth(value: &Value, left: usize) {
    let members = |object: &Object| {
        assert!(left > 0 && object.len() <= OBJECT_MEMBERS_MAX, "too deep or too large");
        object.iter().for_each(|(_, value)| depth(value, left - 1));
    };
    match value {
        Value::Array(items) => {
            assert!(left > 0, "too deep");
            items.iter().for_each(|item| depth(item, left - 1));
        }
        Value::Object(object) => members(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
