//! What pages and servers send, made by choices.

use super::bytes::Bytes;
use footfall_protocol::decode::decode_batch;
use footfall_protocol::event::{Authority, Delivery, Device, Geo, Surroundings};
use serde_json::{Value, json};

/// A tab, or none.
pub fn tab(bytes: &mut Bytes) -> String {
    bytes.pick(&["t1", "t2", ""]).to_owned()
}

/// One or two events of one request; `sent` counts them all, so that each has an id of its own.
pub fn delivery(bytes: &mut Bytes, sent: &mut usize) -> Delivery {
    let authority = bytes.pick(&[Authority::Visitor, Authority::Source, Authority::Public]);
    let tab = tab(bytes);
    let events: Vec<Value> = (0..1 + bytes.below(2)).map(|_| event(bytes, &tab, sent)).collect();
    let batch = decode_batch(json!({"batch": events}).to_string().as_bytes(), authority).unwrap();
    let mut events: Vec<_> = batch.events.into_iter().map(|decoded| (decoded.index, decoded.event)).collect();
    for (_, event) in &mut events {
        event.attested = authority != Authority::Public && event.user_id.is_some() && bytes.once_in(4);
    }
    Delivery { events, surroundings: surroundings(bytes) }
}

fn surroundings(bytes: &mut Bytes) -> Surroundings {
    let geo = |country: &str, city: &str, timezone: &str| {
        Some(Geo {
            country: country.to_owned(),
            city: city.to_owned(),
            timezone: timezone.to_owned(),
            ..Geo::default()
        })
    };
    let device = |kind: &str, browser: &str| {
        Some(Device { kind: kind.to_owned(), browser: browser.to_owned(), ..Device::default() })
    };
    let mut surroundings = Surroundings {
        geo: match bytes.below(6) {
            0..3 => None,
            3 => geo("DE", "Bonn", "Europe/Berlin"),
            4 => geo("", "", "nowhere"),
            _ => geo("US", "Boston", "America/New_York"),
        },
        ..Surroundings::default()
    };
    surroundings.device = match bytes.below(8) {
        0 => device("mobile", "safari"),
        1 => device("desktop", ""),
        _ => None,
    };
    surroundings.gpc = bytes.once_in(24);
    if bytes.once_in(8) {
        surroundings.source = "shop".to_owned();
    }
    surroundings
}

fn event(bytes: &mut Bytes, tab: &str, sent: &mut usize) -> Value {
    *sent += 1;
    let sku = format!("sku-{}", bytes.below(5));
    let prices = [json!(19.99), json!("3.5"), json!(0), json!(250), json!("none"), json!(null)];
    let price = prices[bytes.below(prices.len())].clone();
    let product = json!({"sku": sku, "name": "Thing", "price": price, "quantity": 1 + bytes.below(3), "currency": "EUR", "category": sku, "n": bytes.below(4)});
    let (name, properties) = match bytes.below(20) {
        0..3 => ("Product Viewed", product),
        3..5 => ("Product Added", product),
        5 => ("Product Removed", product),
        6 => ("page_viewed", page(bytes)),
        7 => ("page_hidden", json!({})),
        8 => ("page_visible", json!({})),
        9 => ("page_left", json!({})),
        10 => ("Checkout Started", json!({})),
        11 => ("Order Completed", json!({"order_id": sku, "revenue": price})),
        12 => ("my own", json!({"n": bytes.below(4), "list": [1, {"sku": sku}]})),
        13 => ("cart_viewed", json!({"products": [product]})),
        14 => ("push_dismissed", json!({"seq": bytes.below(4)})),
        15 => ("identify", json!({})),
        16 => ("group", json!({})),
        17 => ("alias", json!({})),
        18 => ("Order Refunded", json!({"order_id": sku, "revenue": price})),
        _ => ("Order Completed", json!({"order_id": sku, "currency": "USD", "total": price, "products": [product]})),
    };
    let kind = if matches!(name, "identify" | "group" | "alias") { name } else { "track" };
    let consent = bytes.once_in(32).then(|| json!({"status": bytes.pick(&["granted", "denied"])}));
    let mut event = json!({
        "type": kind, "messageId": format!("e{sent}"), "event": name, "anonymousId": "a",
        "context": {"tab": tab, "consent": consent}, "properties": properties
    });
    if name == "page_left" && sku == "sku-4" {
        // Of another page than any that is opened, and so too late.
        event["context"]["page"] = json!({"path": "/before"});
    }
    if kind != "track" || bytes.once_in(6) {
        event["userId"] = bytes.pick(&["u", "v", "w"]).into();
    }
    match kind {
        "identify" => event["traits"] = json!({"n": bytes.below(3), "tier": bytes.pick(&[Some("gold"), None])}),
        "group" => {
            event["groupId"] = bytes.pick(&["g", "h"]).into();
            event["traits"] = json!({"n": bytes.below(3)});
        }
        "alias" => event["previousId"] = bytes.pick(&["u", "a", "x"]).into(),
        _ => {}
    }
    if bytes.once_in(6) {
        event["timestamp"] = format!("2026-11-21T{:02}:{:02}:00Z", bytes.below(24), bytes.below(60)).into();
    }
    if bytes.once_in(12) {
        event["context"]["campaign"] = json!({"source": bytes.pick(&["ads", "mail"]), "name": "spring"});
    }
    event
}

fn page(bytes: &mut Bytes) -> Value {
    let mut page = json!({"path": "/p", "kind": bytes.pick(&["product", "home", "checkout", "cart"])});
    if bytes.once_in(4) {
        page["title"] = bytes.pick(&["A <b>bold</b> title", ""]).into();
        page["url"] = "https://shop.example/p?utm_source=mail&utm_campaign=autumn".into();
        page["referrer"] = "https://search.example/".into();
    }
    page
}
