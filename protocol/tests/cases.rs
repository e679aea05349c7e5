//! The decoder against the JSON cases that every language's tests share, and against public lists of names.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use footfall_protocol::decode::{Call, decode_batch, decode_one};
use footfall_protocol::event::{Authority, Fact};
use footfall_protocol::limits::{BATCH_EVENTS_MAX, EVENT_BYTES_MAX, EVENT_STORED_BYTES_MAX};
use footfall_protocol::rejection::Code;
use footfall_protocol::vocabulary;
use serde_json::{Value, json};
use std::path::Path;

fn authority(name: &str) -> Authority {
    serde_json::from_value(json!(name)).unwrap()
}

/// Every member of `expected` is in `actual` with the same value.
fn assert_holds(expected: &Value, actual: &Value, about: &str) {
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(actual.get(key), Some(value), "{about}: {key}");
    }
}

#[test]
fn every_case_decodes_as_it_says() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../cases/events.json")).unwrap();
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let batch =
            decode_batch(case["body"].to_string().as_bytes(), authority(case["authority"].as_str().unwrap())).unwrap();
        let events: Vec<Value> = batch
            .events
            .iter()
            .map(|decoded| {
                let mut event = serde_json::to_value(&decoded.event).unwrap();
                event["index"] = json!(decoded.index);
                event
            })
            .collect();
        let expected = case["events"].as_array().unwrap();
        assert_eq!(events.len(), expected.len(), "{name}: {:#?}", batch.rejections);
        for (expected, actual) in expected.iter().zip(&events) {
            assert_holds(expected, actual, name);
        }
        let empty = Vec::new();
        let expected = case["rejections"].as_array().unwrap_or(&empty);
        assert_eq!(batch.rejections.len(), expected.len(), "{name}: {:#?}", batch.rejections);
        for (expected, actual) in expected.iter().zip(&batch.rejections) {
            let actual = serde_json::to_value(actual).unwrap();
            assert_holds(expected, &actual, name);
            assert!(actual["message"].as_str().unwrap().len() > 10, "{name}: a sentence that helps");
        }
    }
}

#[test]
fn the_path_says_the_kind_of_call() {
    for (path, expected) in
        [("track", "x"), ("t", "x"), ("page", "page_viewed"), ("p", "page_viewed"), ("identify", "identified")]
    {
        let batch =
            decode_one(Call::parse(path).unwrap(), br#"{"userId":"u","event":"x"}"#, Authority::Source).unwrap();
        assert_eq!(batch.events[0].event.name, expected);
    }
    let batch = decode_one(Call::Track, br#"{"userId":"u","event":"x","writeKey":"k","token":"t"}"#, Authority::Source)
        .unwrap();
    assert_eq!((batch.write_key.as_deref(), batch.token.as_deref()), (Some("k"), Some("t")));
}

#[test]
fn what_is_no_json_fails_whole_and_says_where() {
    for body in [&b"{"[..], b"[]", b"\xff", b"", b"17", br#"{"batch":7}"#, br#"{"batch":[{"a":1,]}"#] {
        let fault = decode_batch(body, Authority::Source).unwrap_err();
        assert_eq!(fault.code, Code::Malformed, "{body:?}");
    }
}

#[test]
fn bounds_hold() {
    let event = json!({"type": "track", "userId": "u", "event": "x"});
    let body = json!({"batch": vec![event.clone(); BATCH_EVENTS_MAX]}).to_string();
    assert_eq!(decode_batch(body.as_bytes(), Authority::Source).unwrap().events.len(), BATCH_EVENTS_MAX);
    let body = json!({"batch": vec![event; BATCH_EVENTS_MAX + 1]}).to_string();
    assert_eq!(decode_batch(body.as_bytes(), Authority::Source).unwrap_err().code, Code::TooMany);

    let large = json!({"batch": [{"type": "track", "userId": "u", "event": "x", "properties": {"a": "x".repeat(EVENT_BYTES_MAX)}}]});
    assert_eq!(
        decode_batch(large.to_string().as_bytes(), Authority::Source).unwrap().rejections[0].code,
        Code::EventTooLarge
    );
    let twice = br#"{"batch":[{"type":"track","userId":"u","event":"x","event":"y"}]}"#;
    assert_eq!(decode_batch(twice, Authority::Source).unwrap().rejections[0].code, Code::Malformed);
    let deep = format!(
        r#"{{"batch":[{{"type":"track","userId":"u","event":"x","properties":{}1{}}}]}}"#,
        "[".repeat(5000),
        "]".repeat(5000)
    );
    assert!(!decode_batch(deep.as_bytes(), Authority::Source).unwrap().rejections.is_empty());
    for text in ["1e999", "-1e999", "NaN"] {
        let body = format!(r#"{{"type":"track","userId":"u","event":"x","properties":{{"a":{text}}}}}"#);
        assert!(
            decode_batch(body.as_bytes(), Authority::Source).map_or(true, |batch| batch.events.is_empty()),
            "{text}"
        );
    }
}

/// The public lists of names, where they are present beside the project.
fn suite(name: &str) -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/suites").join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        println!("not checked: {name} is not beside the project");
    }
    text.map(|text| serde_json::from_str(&text).unwrap())
}

#[test]
fn every_name_of_the_three_dialects_is_in_the_vocabulary() {
    if let Some(segment) = suite("segment-ecommerce-v2.json") {
        for event in segment["categories"].as_object().unwrap().values().flat_map(|list| list.as_array().unwrap()) {
            let name = event["event"].as_str().unwrap();
            assert!(vocabulary::is_known(vocabulary::normalise(name)), "{name}");
        }
    }
    if let Some(ga4) = suite("ga4-ecommerce.json") {
        for name in ga4["events"].as_object().unwrap().keys() {
            assert!(vocabulary::is_known(vocabulary::normalise(name)), "{name}");
        }
    }
    if let Some(shopify) = suite("shopify-web-pixels.json") {
        for (name, segment) in shopify["to_segment_rudder"].as_object().unwrap() {
            let segment = segment.as_str().unwrap();
            let expected = if segment == "page()" { "page_viewed" } else { vocabulary::normalise(segment) };
            assert_eq!(vocabulary::normalise(name), expected, "{name}");
        }
        for name in shopify["standard_events"].as_array().unwrap() {
            let name = name.as_str().unwrap();
            assert!(vocabulary::is_known(vocabulary::normalise(name)), "{name}");
        }
    }
}

#[test]
fn an_id_that_is_a_number_has_to_be_exact() {
    let decoded = |event: Value| {
        let mut event = event;
        (event["type"], event["anonymousId"]) = (json!("track"), json!("a"));
        decode_batch(event.to_string().as_bytes(), Authority::Source).unwrap()
    };
    // Beyond 2^53 two customers' numbers would be read as one.
    for number in [9_007_199_254_740_993.0, 5e42] {
        let batch = decoded(json!({"event": "x", "context": {"tab": number}}));
        assert_eq!((batch.rejections[0].code, &*batch.rejections[0].pointer), (Code::Invalid, "/context/tab"));
    }
    let batch = decoded(json!({"event": "x", "context": {"tab": 5e12}}));
    assert_eq!(batch.events[0].event.tab, "5000000000000");
    // What only describes is left out.
    let batch = decoded(json!({"event": "Product Viewed", "properties": {"sku": "s", "name": 1e300}}));
    let Fact::ProductViewed(line) = &batch.events[0].event.fact else { panic!("{:?}", batch.events[0]) };
    assert_eq!(line.name, "");
}

#[test]
fn an_event_is_bounded_as_it_is_stored_too() {
    let with = |count| {
        let event = json!({"type": "track", "anonymousId": "a", "event": "x", "properties": {"list": vec![1; count]}});
        decode_one(Call::Track, event.to_string().as_bytes(), Authority::Source).unwrap()
    };
    let largest = (EVENT_STORED_BYTES_MAX - 100) / 9;
    let batch = with(largest);
    let stored = postcard::to_allocvec(&batch.events[0].event.properties).unwrap().len();
    assert!((EVENT_STORED_BYTES_MAX - 110..EVENT_STORED_BYTES_MAX).contains(&stored), "{stored}");
    let batch = with(largest + 12);
    assert_eq!((batch.events.len(), batch.rejections[0].code), (0, Code::EventTooLarge));
}
