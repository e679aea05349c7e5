//! What has happened to a visitor, moment by moment, kept for ever: all that the reference matcher looks at.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// One moment of a visitor's life, and the visitor as it was then.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    /// When it happened, in milliseconds; of a deadline, when it was over.
    pub(crate) at_ms: u64,
    /// The time of the input at which the engine came to it: later than that for a deadline that is found over late.
    pub(crate) found_ms: u64,
    pub(crate) what: What,
    pub(crate) state: Rc<State>,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Event {
        name: String,
        tab: String,
        properties: Value,
    },
    SessionStarted,
    SessionEnded,
    Stage {
        from: String,
        to: String,
    },
    Segment {
        entered: bool,
        id: String,
    },
    /// A deadline of the pattern's own: the part at this JSON pointer, for this value of `by` or this tab.
    Due {
        part: String,
        key: Option<Scalar>,
    },
    /// No happening: a tab came or went, a session was closed, or a wake did nothing.
    Nothing,
}

/// What can be read of the visitor.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) session: Option<Session>,
    pub(crate) sessions: u32,
    pub(crate) cart: BTreeMap<String, u64>,
    pub(crate) traits: BTreeMap<String, Value>,
    pub(crate) stage: String,
    pub(crate) segments: BTreeSet<String>,
    pub(crate) tabs: Vec<Tab>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    pub(crate) number: u32,
    pub(crate) events: u32,
    pub(crate) pages: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Tab {
    pub(crate) id: String,
    pub(crate) connected: bool,
    pub(crate) visible: bool,
    pub(crate) view: Option<View>,
}

/// One page view, and how long it has been in sight.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    pub(crate) number: u32,
    pub(crate) kind: String,
    pub(crate) sku: Option<String>,
    pub(crate) engaged_ms: u64,
    pub(crate) since_ms: Option<u64>,
}

impl View {
    pub(crate) fn engaged_at(&self, now_ms: u64) -> u64 {
        self.engaged_ms + self.since_ms.map_or(0, |since_ms| now_ms - since_ms)
    }
}

/// "Texts are compared by their first 128 bytes."
const TEXT_BYTES_MAX: usize = 128;

/// A string, a number or a boolean. "Values are the same when they have the same type and value."
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Text(String),
    Number(f64),
    Flag(bool),
}

impl Scalar {
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => {
                let end = (0..=TEXT_BYTES_MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap();
                Some(Self::Text(text[..end].to_owned()))
            }
            Value::Number(number) => number.as_f64().map(Self::Number),
            Value::Bool(flag) => Some(Self::Flag(*flag)),
            _ => None,
        }
    }
}

impl State {
    pub(crate) fn cart_count(&self) -> u64 {
        self.cart.values().sum()
    }

    pub(crate) fn view(&self, tab: &str) -> Option<&View> {
        self.tabs.iter().find(|kept| kept.id == tab)?.view.as_ref()
    }
}

impl Moment {
    /// The number of the session that is open.
    pub(crate) fn session(&self) -> Option<u32> {
        self.state.session.as_ref().map(|session| session.number)
    }

    /// The field's value; `page` is that of the event's tab.
    pub(crate) fn read(&self, path: &str) -> Option<Value> {
        match &self.what {
            What::Event { tab, .. } => self.read_on(path, tab),
            _ => self.read_on(path, ""),
        }
    }

    pub(crate) fn read_on(&self, path: &str, tab: &str) -> Option<Value> {
        let state = &self.state;
        if let Some(member) = path.strip_prefix("event.properties.") {
            let What::Event { properties, .. } = &self.what else { return None };
            return properties.get(member).cloned();
        }
        if let Some(name) = path.strip_prefix("profile.traits.") {
            return state.traits.get(name).cloned();
        }
        match path {
            "event.name" => match &self.what {
                What::Event { name, .. } => Some(name.as_str().into()),
                _ => None,
            },
            "session.number" => state.session.as_ref().map(|session| session.number.into()),
            "session.events" => state.session.as_ref().map(|session| session.events.into()),
            "session.pages" => state.session.as_ref().map(|session| session.pages.into()),
            "profile.sessions" => Some(state.sessions.into()),
            "cart.count" => Some(state.cart_count().into()),
            "stage" => Some(state.stage.as_str().into()),
            "page.kind" => state.view(tab).map(|view| view.kind.as_str().into()),
            "page.product.sku" => state.view(tab).and_then(|view| view.sku.as_deref()).map(Into::into),
            other => panic!("the reference cannot read `{other}`"),
        }
    }
}

/// "A window of T holds what is less than T old. `session` holds what belongs to the session that is open; happenings
/// outside a session are not looked at. Without `within` there is no bound in time."
pub(crate) fn in_window(history: &[Moment], earlier: usize, now: usize, within: Option<&Value>) -> bool {
    match within.map(|within| within.as_str().unwrap()) {
        None => true,
        Some("session") => history[now].session().is_some() && history[earlier].session() == history[now].session(),
        Some(duration) => history[now].at_ms - history[earlier].at_ms < duration_ms(duration),
    }
}

/// Milliseconds of "500ms", "60s", "10m", "24h" or "7d".
pub(crate) fn duration_ms(text: &str) -> u64 {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap());
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        other => panic!("`{other}` is no unit"),
    };
    digits.parse::<u64>().unwrap() * unit_ms
}
