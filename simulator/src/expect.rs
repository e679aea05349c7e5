//! What a scenario expects, and the comparison with what came of it.

use crate::reader::{Reader, below};
use crate::time::offset_text;
use crate::timeline::{Entry, Timeline, What};
use footfall::engine::tree::nearest;
use footfall_protocol::{Object, Value};
use serde::Serialize;

/// One thing that is expected, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// In milliseconds since the epoch.
    pub at_ms: u64,
    /// What.
    pub what: Expected,
}

/// What is expected. Firings, hold-outs, retractions and emitted records are compared exactly: each that happens is
/// expected, and each that is expected happens. The others must happen, and more of their kind may.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// A rule fires.
    Fired {
        /// Its id.
        rule: String,
        /// A slot that it pushes to.
        slot: Option<String>,
        /// Members that the pushed content has, among others.
        content: Option<Object>,
    },
    /// A rule would have fired, but the visitor is held out.
    HeldOut {
        /// Its id.
        rule: String,
    },
    /// A push is taken back.
    Retracted {
        /// The rule that made it.
        rule: String,
    },
    /// A record is emitted.
    Emitted {
        /// Its name.
        name: String,
        /// Members that its data have, among others.
        data: Option<Object>,
    },
    /// A stage is entered.
    Stage(String),
    /// A segment is entered.
    Entered(String),
    /// A segment is left.
    Left(String),
    /// A trait is set.
    Trait {
        /// Its name.
        name: String,
        /// Its new value; `null` when it is taken away.
        value: Value,
    },
}

/// Where what happened differs from what was expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// JSON pointer to the expectation; none when something happened that was not expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// What was expected and what happened.
    pub message: String,
}

/// The words of which an expectation has exactly one, each with the members that may go with it.
const KINDS: [(&str, &[&str]); 8] = [
    ("rule", &["slot", "content"]),
    ("held_out", &[]),
    ("retracted", &[]),
    ("record", &["data"]),
    ("stage", &[]),
    ("entered", &[]),
    ("left", &[]),
    ("trait", &["value"]),
];

/// The expectation at this place, if it is good.
pub(crate) fn expectation(value: &Value, index: usize, reader: &mut Reader) -> Option<Expectation> {
    let pointer = format!("/expect/{index}");
    let words = || KINDS.iter().map(|(word, _)| *word);
    let said = value.as_object().map(|object| words().filter(|word| object.get(word).is_some()).collect::<Vec<_>>());
    let kind = KINDS.iter().find(|(word, _)| said.as_deref().and_then(<[_]>::first) == Some(word));
    let Some((word, with)) = kind else {
        let known: Vec<&str> = ["at"].into_iter().chain(words()).collect();
        let object = reader.object(value, &pointer, &known)?;
        reader.at(object, &pointer);
        let wanted: Vec<String> = words().map(|word| format!("`{word}`")).collect();
        reader.fault(&pointer, "missing", format!("say what is expected: one of {}", wanted.join(", ")));
        return None;
    };
    let known: Vec<&str> = ["at", word].into_iter().chain(with.iter().copied()).collect();
    let object = reader.object(value, &pointer, &known)?;
    let at_ms = reader.at(object, &pointer);
    let name = reader.text(object, word, &pointer).map(str::to_owned);
    let mut members = |key: &str| {
        let value = object.get(key)?;
        if value.as_object().is_none() {
            reader.wrong(&below(&pointer, key), "an object", value);
        }
        value.as_object().cloned()
    };
    let (content, data) = (members("content"), members("data"));
    let slot = reader.text(object, "slot", &pointer).map(str::to_owned);
    let name = name?;
    let what = match *word {
        "rule" => Expected::Fired { rule: name, slot, content },
        "held_out" => Expected::HeldOut { rule: name },
        "retracted" => Expected::Retracted { rule: name },
        "record" => Expected::Emitted { name, data },
        "stage" => Expected::Stage(name),
        "entered" => Expected::Entered(name),
        "left" => Expected::Left(name),
        _ => Expected::Trait { name, value: object.get("value").cloned().unwrap_or_default() },
    };
    Some(Expectation { at_ms: at_ms?, what })
}

/// Whether each of these members is there with this value.
fn has(object: &Object, members: Option<&Object>) -> bool {
    members.is_none_or(|members| members.iter().all(|(key, value)| object.get(key) == Some(value)))
}

impl Expected {
    /// Whether the same thing happened, whatever its details and its time.
    fn is_kind_of(&self, what: &What) -> bool {
        match (self, what) {
            (Self::Fired { rule: wanted, .. }, What::Fired { rule, .. })
            | (Self::HeldOut { rule: wanted }, What::HeldOut { rule })
            | (Self::Retracted { rule: wanted }, What::Retracted { rule, .. })
            | (Self::Emitted { name: wanted, .. }, What::Emitted { name: rule, .. })
            | (Self::Stage(wanted), What::StageChanged { to: rule, .. })
            | (Self::Entered(wanted), What::SegmentEntered { segment: rule })
            | (Self::Left(wanted), What::SegmentLeft { segment: rule })
            | (Self::Trait { name: wanted, .. }, What::TraitSet { name: rule, .. }) => wanted == rule,
            _ => false,
        }
    }

    /// Whether the details are those that are expected.
    fn agrees(&self, what: &What) -> bool {
        match (self, what) {
            (Self::Fired { slot, content, .. }, What::Fired { pushes, .. }) => {
                let plain = slot.is_none() && content.is_none();
                let shown =
                    |wanted: &Option<String>, slot: &String| wanted.as_ref().is_none_or(|wanted| wanted == slot);
                plain || pushes.iter().any(|push| shown(slot, &push.slot) && has(&push.content, content.as_ref()))
            }
            (Self::Emitted { data: wanted, .. }, What::Emitted { data, .. }) => has(data, wanted.as_ref()),
            (Self::Trait { value: wanted, .. }, What::TraitSet { value, .. }) => wanted == value,
            _ => true,
        }
    }

    /// What is expected, in words.
    fn says(&self) -> String {
        match self {
            Self::Fired { rule, .. } => format!("rule `{rule}` fires"),
            Self::HeldOut { rule } => format!("rule `{rule}` is held out"),
            Self::Retracted { rule } => format!("a push of rule `{rule}` is retracted"),
            Self::Emitted { name, .. } => format!("record `{name}` is emitted"),
            Self::Stage(stage) => format!("stage `{stage}` is entered"),
            Self::Entered(segment) => format!("segment `{segment}` is entered"),
            Self::Left(segment) => format!("segment `{segment}` is left"),
            Self::Trait { name, .. } => format!("trait `{name}` is set"),
        }
    }
}

/// Every difference between what was expected and what happened, in the order of the expectations; then what was not
/// expected, in the order in which it happened.
pub(crate) fn differences(expected: &[Expectation], timeline: &Timeline) -> Vec<Difference> {
    let mut left: Vec<&Entry> = timeline.entries.iter().collect();
    let mut missing = Vec::new();
    for (index, wanted) in expected.iter().enumerate() {
        let fits =
            |e: &&Entry| e.at_ms == wanted.at_ms && wanted.what.is_kind_of(&e.what) && wanted.what.agrees(&e.what);
        match left.iter().position(fits) {
            Some(at) => drop(left.remove(at)),
            None => missing.push((index, wanted)),
        }
    }
    let offset = |at_ms: u64| offset_text(at_ms.saturating_sub(timeline.start_ms));
    let mut found = Vec::new();
    for (index, wanted) in missing {
        // The one that was probably meant: the same thing nearest in time.
        let same = left.iter().enumerate().filter(|(_, entry)| wanted.what.is_kind_of(&entry.what));
        let near = same.min_by_key(|(_, entry)| entry.at_ms.abs_diff(wanted.at_ms)).map(|(at, _)| at);
        let happened = match near.map(|at| left.remove(at)) {
            None => nothing(&wanted.what, timeline),
            Some(entry) if entry.at_ms == wanted.at_ms => format!("it does, with other details: {}", entry.what),
            Some(entry) => format!("it happens at {} instead: {}", offset(entry.at_ms), entry.what),
        };
        let message = format!("at {} it is expected that {}; {happened}", offset(wanted.at_ms), wanted.what.says());
        found.push(Difference { pointer: Some(format!("/expect/{index}")), message });
    }
    for entry in left.iter().filter(|entry| entry.what.is_compared()) {
        let message = format!("at {} this is not expected: {}", offset(entry.at_ms), entry.what);
        found.push(Difference { pointer: None, message });
    }
    found
}

/// What to say when nothing of the kind happened: a rule's id may be misspelt.
fn nothing(wanted: &Expected, timeline: &Timeline) -> String {
    let (Expected::Fired { rule, .. } | Expected::HeldOut { rule } | Expected::Retracted { rule }) = wanted else {
        return "it does not happen".to_owned();
    };
    if timeline.rules.contains(rule) {
        return "it does not happen".to_owned();
    }
    format!("there is no such rule; {}", nearest(rule, timeline.rules.iter().map(String::as_str)))
}
