//! The steps of a scenario: what the visitor does, in words that a merchandiser can write.

use crate::reader::{Reader, below};
use footfall_protocol::decode::{Root, decode_batch};
use footfall_protocol::event::{Authority, Event};
use footfall_protocol::rejection::Rejection;
use footfall_protocol::{Object, Value};

/// One thing that happens, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// In milliseconds since the epoch.
    pub at_ms: u64,
    /// What.
    pub act: Act,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Events of one delivery arrive.
    Events {
        /// As the decoder gave them, never empty.
        events: Vec<Event>,
        /// Whether the visitor's own browser sent them: then they tell where it is and what it is.
        browser: bool,
    },
    /// A tab's socket opens.
    Connect(String),
    /// A tab's socket closes.
    Disconnect(String),
    /// Nothing but time passes.
    Wait,
}

/// The tab of steps that name none.
const TAB: &str = "1";
/// The words of which a step has at most one.
const VERBS: [&str; 9] = ["page", "track", "identify", "hide", "show", "leave", "connect", "disconnect", "send"];
const KNOWN: [&str; 14] = [
    "at",
    "page",
    "track",
    "identify",
    "hide",
    "show",
    "leave",
    "connect",
    "disconnect",
    "send",
    "properties",
    "user",
    "tab",
    "as",
];

/// The step at this place, if it is good.
pub(crate) fn step(value: &Value, index: usize, reader: &mut Reader) -> Option<Step> {
    let pointer = format!("/steps/{index}");
    let object = reader.object(value, &pointer, &KNOWN)?;
    let at_ms = reader.at(object, &pointer);
    let mut verbs = VERBS.into_iter().filter(|verb| object.get(verb).is_some());
    let verb = verbs.next();
    if let Some(second) = verbs.next() {
        let message = format!("a step does one thing; write `{second}` as a step of its own, at the same time");
        reader.fault(&below(&pointer, second), "invalid", message);
    }
    for (modifier, of) in [("properties", "track"), ("user", "identify")] {
        if object.get(modifier).is_some() && verb != Some(of) {
            reader.fault(&below(&pointer, modifier), "invalid", format!("goes with `{of}` only"));
        }
    }
    let act = match verb {
        None => Some(Act::Wait),
        Some("connect") => reader.text(object, "connect", &pointer).map(|tab| Act::Connect(tab.to_owned())),
        Some("disconnect") => reader.text(object, "disconnect", &pointer).map(|tab| Act::Disconnect(tab.to_owned())),
        Some(verb) => events(object, verb, index, &pointer, reader),
    };
    Some(Step { at_ms: at_ms?, act: act? })
}

fn events(object: &Object, verb: &str, index: usize, pointer: &str, reader: &mut Reader) -> Option<Act> {
    let authority = match reader.text(object, "as", pointer) {
        None | Some("visitor") => Authority::Visitor,
        Some("source") => Authority::Source,
        Some("public") => Authority::Public,
        Some(_) => {
            reader.fault(&below(pointer, "as"), "invalid", "wants \"visitor\" (the default), \"source\" or \"public\"");
            return None;
        }
    };
    let batch = if verb == "send" {
        let sent = object.get("send").cloned().unwrap_or_default();
        let list = if let Value::Array(list) = sent { list } else { vec![sent] };
        list.into_iter().enumerate().map(|(at, event)| named(event, index, at)).collect()
    } else {
        vec![named(wire(object, verb, authority, pointer, reader)?, index, 0)]
    };
    if batch.is_empty() {
        reader.fault(&below(pointer, "send"), "invalid", "wants an event or an array of events");
        return None;
    }
    let body = Value::Object(Object::from_iter([("batch".to_owned(), Value::Array(batch))]));
    let body = serde_json::to_string(&body).expect("a value is JSON");
    let decoded = match decode_batch(body.as_bytes(), authority) {
        Ok(decoded) => decoded,
        Err(fault) => {
            reader.fault(&below(pointer, verb), "event", fault.message);
            return None;
        }
    };
    let wrong = !decoded.rejections.is_empty();
    for rejection in decoded.rejections {
        let at = place(&rejection, object, verb, pointer);
        reader.fault(&at, "event", rejection.message);
    }
    let events = decoded.events.into_iter().map(|decoded| decoded.event).collect();
    (!wrong).then_some(Act::Events { events, browser: authority != Authority::Source })
}

/// The step as an event in Segment's shape.
fn wire(object: &Object, verb: &str, authority: Authority, pointer: &str, reader: &mut Reader) -> Option<Value> {
    let mut event = Object::new();
    // A server's event belongs to no tab unless it says so.
    let default = if authority == Authority::Source { "" } else { TAB };
    let mut tab = object.get("tab").cloned().unwrap_or_else(|| default.into());
    let about = object.get(verb).cloned().unwrap_or_default();
    match verb {
        "page" => {
            event.insert("type", "page");
            event.insert("properties", about);
        }
        "track" => {
            event.insert("type", "track");
            event.insert("event", about);
            event.insert("properties", object.get("properties").cloned().unwrap_or_else(|| Object::new().into()));
        }
        "identify" => {
            event.insert("type", "identify");
            event.insert("traits", about);
            if let Some(user) = object.get("user") {
                event.insert("userId", user.clone());
            }
        }
        _ => {
            let name = [("hide", "page_hidden"), ("show", "page_visible"), ("leave", "page_left")];
            let (_, name) = name.into_iter().find(|(word, _)| *word == verb)?;
            event.insert("type", "track");
            event.insert("event", name);
            tab = reader.text(object, verb, pointer)?.into();
        }
    }
    event.insert("context", Object::from_iter([("tab".to_owned(), tab)]));
    Some(event.into())
}

/// The event with an id and somebody whom it is about, where it names none.
fn named(mut event: Value, index: usize, at: usize) -> Value {
    if let Value::Object(members) = &mut event {
        for (key, value) in [("messageId", format!("step-{index}-{at}")), ("anonymousId", "scenario".to_owned())] {
            if members.get(key).is_none() {
                members.insert(key, value);
            }
        }
    }
    event
}

/// Where the author wrote what the decoder refused.
fn place(rejection: &Rejection, object: &Object, verb: &str, pointer: &str) -> String {
    let inside = rejection
        .pointer
        .strip_prefix(&Root::Batch.locate(Rejection { pointer: String::new(), ..rejection.clone() }).pointer);
    let inside = inside.unwrap_or_default();
    let verb_at = below(pointer, verb);
    if verb == "send" {
        let listed = object.get("send").is_some_and(|sent| sent.as_array().is_some());
        return if listed { format!("{verb_at}/{}{inside}", rejection.index) } else { format!("{verb_at}{inside}") };
    }
    let (first, rest) =
        inside[usize::from(!inside.is_empty())..].split_once('/').unwrap_or((inside.trim_start_matches('/'), ""));
    let rest = if rest.is_empty() { String::new() } else { format!("/{rest}") };
    match (verb, first) {
        ("track", "properties") => format!("{pointer}/properties{rest}"),
        ("page", "properties") | ("identify", "traits") => format!("{verb_at}{rest}"),
        (_, "userId") => format!("{pointer}/user"),
        (_, "context") if rest == "/tab" => format!("{pointer}/tab"),
        _ => verb_at,
    }
}
