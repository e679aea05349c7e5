//! The socket's messages against the JSON cases that the TypeScript client tests as well.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use footfall_protocol::Object;
use footfall_protocol::decode::{decode_batch, standing};
use footfall_protocol::event::Authority;
use footfall_protocol::message::{ClientMessage, Cursor, Frame, Hello, Push, Seen, ServerMessage, Standing};
use footfall_protocol::rejection::{Code, Rejection};
use serde_json::{Value, json};
use uuid::Uuid;

fn cases(direction: &str) -> Vec<(String, Value)> {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../cases/messages.json")).unwrap();
    let wanted = cases.into_iter().filter(|case| case["direction"] == direction);
    wanted.map(|case| (case["name"].as_str().unwrap().to_owned(), case["message"].clone())).collect()
}

#[test]
fn what_a_page_sends_is_understood() {
    let cases = cases("to_server");
    assert!(cases.len() >= 2);
    for (name, message) in cases {
        let decoded = ClientMessage::decode(&message.to_string()).unwrap_or_else(|e| panic!("{name}: {e}"));
        match decoded {
            ClientMessage::Hello(Hello { tab, cursor, visible, inspect }) => {
                assert_eq!(message["tab"], json!(tab), "{name}");
                assert_eq!(message.get("cursor").is_some_and(|c| !c.is_null()), cursor.is_some(), "{name}");
                assert_eq!(message.get("visible").unwrap_or(&json!(true)), &json!(visible), "{name}");
                assert_eq!(message.get("inspect").unwrap_or(&json!(false)), &json!(inspect), "{name}");
            }
            ClientMessage::Events(Frame { frame, events }) => {
                assert_eq!(message["frame"], json!(frame), "{name}");
                assert_eq!(message["events"].as_array().unwrap().len(), events.len(), "{name}");
            }
            ClientMessage::Seen(Seen { seq, version }) => {
                assert_eq!((&message["seq"], &message["version"]), (&json!(seq), &json!(version)), "{name}");
            }
        }
    }
}

/// Each message as this side writes it has the members, and only those, that the cases of its type show.
#[test]
fn what_a_page_is_sent_has_the_members_of_the_cases() {
    let rejection = Rejection {
        index: 1,
        code: Code::Missing,
        pointer: "/event".into(),
        message: "say which".into(),
        retry_after_ms: None,
    };
    let (code, message) = ("malformed".to_owned(), "not this".to_owned());
    let push = Push {
        seq: 1,
        slot: "s".into(),
        rule: "r".into(),
        priority: 1,
        content: Object::new(),
        tab: String::new(),
        at_ms: 1,
        expires_at_ms: 2,
    };
    let written = [
        ServerMessage::Welcome {
            protocol: 1,
            incarnation: Some(Uuid::nil()),
            seq: 1,
            version: 2,
            state: footfall_protocol::Value::Null,
        },
        ServerMessage::Ack { frame: 1, accepted: 1, rejections: vec![rejection] },
        ServerMessage::Nack { frame: 1, code: code.clone(), message: message.clone(), retry_after_ms: Some(1) },
        ServerMessage::Push(push),
        ServerMessage::Retract { seq: 2, push: 1, slot: "s".into() },
        ServerMessage::State { base: 1, version: 2, patch: footfall_protocol::Value::Null },
        ServerMessage::Error { code, message },
    ];
    let cases = cases("to_client");
    for message in written {
        let ours = serde_json::to_value(&message).unwrap();
        let theirs: Vec<_> = cases.iter().filter(|(_, case)| case["type"] == ours["type"]).collect();
        assert!(!theirs.is_empty(), "no case for {}", ours["type"]);
        for (name, case) in theirs {
            for key in case.as_object().unwrap().keys() {
                assert!(ours.get(key).is_some(), "{name}: `{key}` is not sent");
            }
            for key in
                ours.as_object().unwrap().keys().filter(|key| !["rejections", "retry_after_ms"].contains(&key.as_str()))
            {
                assert!(case.get(key).is_some(), "{name}: `{key}` is sent and not in the case");
            }
        }
    }
}

/// What is owed to a tab without a socket is asked for in the `context` of the body as a whole.
#[test]
fn a_request_says_where_its_tab_stands() {
    let id = Uuid::from_u128(7);
    let cursor = format!(r#"{{"incarnation":"{id}","seq":3}}"#);
    let told = |body: &str| standing(body.as_bytes());
    let tab = |tab: &str, cursor| Some(Standing { tab: tab.to_owned(), cursor });
    let at = Some(Cursor { incarnation: id, seq: 3 });
    assert_eq!(told(&format!(r#"{{"batch":[],"context":{{"tab":"t","cursor":{cursor}}}}}"#)), tab("t", at));
    assert_eq!(told(&format!(r#"{{"event":"x","context":{{"cursor":{cursor}}}}}"#)), tab("", at));
    assert_eq!(told(r#"{"context":{"tab":"t","cursor":null,"page":{"path":"/"}}}"#), tab("t", None));
    for nothing in [
        r#"{"batch":[]}"#,
        r#"{"context":{}}"#,
        r#"{"context":{"tab":7}}"#,
        r#"{"context":{"tab":"t","cursor":{"seq":1}}}"#,
        r#"{"context":7}"#,
        "[",
    ] {
        assert_eq!(told(nothing), None, "{nothing}");
    }
    assert_eq!(told(&format!(r#"{{"context":{{"tab":"{}"}}}}"#, "x".repeat(41))), None);
}

#[test]
fn what_is_no_message_is_told_why() {
    for (text, part) in [
        ("{}", "type"),
        ("[]", "struct"),
        (r#"{"type":"hallo"}"#, "\"hello\", \"events\" or \"seen\""),
        (r#"{"type":"events"}"#, "frame"),
    ] {
        let error = ClientMessage::decode(text).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
    }
}

/// What came in is quoted in part only: an answer does not grow with it.
#[test]
fn what_is_wrong_with_json_is_told_in_few_words_and_with_its_place() {
    let long = "aß".repeat(5_000);
    let fault = |body: &str| decode_batch(body.as_bytes(), Authority::Visitor).unwrap_err().message;
    let rejection =
        |body: &str| decode_batch(body.as_bytes(), Authority::Visitor).unwrap().rejections[0].message.clone();
    for message in [
        fault(&format!("\"{long}\"")),
        fault(&format!("{{\"batch\": \"{long}\"}}")),
        rejection(&format!("{{\"batch\": [{{\"{long}\": 1, \"{long}\": 2}}]}}")),
        ClientMessage::decode(&format!("\"{long}\"")).unwrap_err(),
        ClientMessage::decode(&format!("{{\"type\": \"hello\", \"tab\": [\"{long}\"]}}")).unwrap_err(),
        ClientMessage::decode(&format!("{{\"type\": \"events\", \"frame\": \"{long}\", \"events\": []}}")).unwrap_err(),
    ] {
        assert!(message.len() < 500 && message.contains(" at line 1 column "), "{message}");
    }
}
