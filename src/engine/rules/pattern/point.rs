//! Points: happenings of one kind. A rule keeps all of them in one list, and its patterns refer to them by place.

use super::super::reader::{Reader, below};
use crate::engine::condition::Condition;
use crate::engine::tree::Setting;
use footfall_protocol::limits::{PATTERN_BRANCHES_MAX, PATTERN_POINTS_MAX};
use footfall_protocol::{Object, Value, vocabulary};
use serde::{Deserialize, Serialize};

/// Happenings of one kind for which a condition holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The kind.
    pub what: What,
    /// What must hold then.
    pub holds: Condition,
}

/// A kind of happening.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// An event with one of these names in the vocabulary, sorted; never empty.
    Event(Vec<String>),
    /// A session began.
    SessionStarted,
    /// A session ended.
    SessionEnded,
    /// The stage changed.
    Stage {
        /// From one of these, sorted; from any when empty.
        from: Vec<String>,
        /// Into one of these, sorted; into any when empty.
        to: Vec<String>,
    },
    /// One of these segments was entered, sorted; never empty.
    SegmentEntered(Vec<String>),
    /// One of these segments was left, sorted; never empty.
    SegmentLeft(Vec<String>),
}

/// Some of a rule's points that follow one another: any of them will do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Points {
    /// Place of the first.
    pub from: u16,
    /// Place after the last.
    pub to: u16,
}

impl Points {
    /// Whether a rule's point belongs to these.
    pub const fn has(self, point: u16) -> bool {
        self.from <= point && point < self.to
    }

    /// Whether all of them are events.
    pub fn are_events(self, points: &[Point]) -> bool {
        let mine = points.get(usize::from(self.from)..usize::from(self.to)).unwrap_or_default();
        mine.iter().all(|point| matches!(point.what, What::Event(_)))
    }
}

/// The members that make a point.
pub(super) const KINDS: [&str; 4] = ["event", "session", "stage", "segment"];

/// Reads a point.
pub(in crate::engine::rules) fn points(value: &Value, pointer: &str, reader: &mut Reader) -> Option<Points> {
    let object = reader.object(value, pointer, &["event", "session", "stage", "segment", "any"])?;
    points_of(object, pointer, reader)
}

/// Reads the point among an object's members.
pub(super) fn points_of(object: &Object, pointer: &str, reader: &mut Reader) -> Option<Points> {
    let from = count(reader);
    let good = add(object, pointer, reader);
    let to = count(reader);
    good.then_some(Points { from, to })
}

fn count(reader: &Reader) -> u16 {
    u16::try_from(reader.points.len()).unwrap_or(u16::MAX)
}

/// Adds the points of an object to the rule's; whether it was one.
fn add(object: &Object, pointer: &str, reader: &mut Reader) -> bool {
    let mut kinds = object.iter().filter(|(key, _)| KINDS.contains(key) || *key == "any");
    let (Some((kind, value)), None) = (kinds.next(), kinds.next()) else {
        let known = object.iter().any(|(key, _)| !KINDS.contains(&key)) && object.len() == 1;
        // A member that is none of these was reported already.
        if !known {
            let message = "a point has exactly one member: `event`, `session`, `stage`, `segment` or `any`";
            reader.fault(pointer, "invalid", message);
        }
        return false;
    };
    let at = below(pointer, kind);
    if kind == "any" {
        let Some(items) = reader.items(value, &at, 2, PATTERN_BRANCHES_MAX, "points") else { return false };
        let mut good = true;
        for (index, item) in items.iter().enumerate() {
            let at = below(&at, &index.to_string());
            let object = reader.object(item, &at, &["event", "session", "stage", "segment", "any"]);
            good &= object.is_some_and(|object| add(object, &at, reader));
        }
        return good;
    }
    if reader.points.len() == PATTERN_POINTS_MAX {
        reader.fault(&at, "too_many", format!("a rule has at most {PATTERN_POINTS_MAX} points"));
    }
    let Some(point) = point(kind, value, &at, reader) else { return false };
    if reader.points.len() < PATTERN_POINTS_MAX {
        reader.points.push(point);
    }
    true
}

fn point(kind: &str, value: &Value, at: &str, reader: &mut Reader) -> Option<Point> {
    let mut setting = Setting::Eventless;
    let (object, what) = match kind {
        "event" => {
            setting = Setting::Event;
            let object = reader.object(value, at, &["name", "where"])?;
            let names = reader.needed(object, "name", at, "an event pattern needs `name`: one event's name or several");
            let names = names.map(|names| event_names(names, &below(at, "name"), reader));
            (object, names.map(What::Event))
        }
        "session" => {
            let object = reader.object(value, at, &["is", "where"])?;
            let is = reader.needed(object, "is", at, "a session point needs `is`: \"started\" or \"ended\"");
            let is = is.and_then(|is| reader.one_of(is, &below(at, "is"), &["started", "ended"]));
            (object, is.map(|is| if is == 0 { What::SessionStarted } else { What::SessionEnded }))
        }
        "stage" => {
            let object = reader.object(value, at, &["from", "to", "where"])?;
            let mut words =
                |key: &str| object.get(key).map(|value| reader.words(value, &below(at, key))).unwrap_or_default();
            let (from, to) = (words("from"), words("to"));
            (object, Some(What::Stage { from, to }))
        }
        _ => {
            let object = reader.object(value, at, &["entered", "left", "where"])?;
            let mut words = |key: &str| object.get(key).map(|value| reader.words(value, &below(at, key)));
            let what = match (words("entered"), words("left")) {
                (Some(ids), None) => Some(What::SegmentEntered(ids)),
                (None, Some(ids)) => Some(What::SegmentLeft(ids)),
                _ => {
                    reader.fault(at, "invalid", "a segment point has exactly one of `entered` and `left`");
                    None
                }
            };
            (object, what)
        }
    };
    let before = std::mem::replace(&mut reader.setting, setting);
    let holds = reader.condition(object.get("where"), &below(at, "where"));
    reader.setting = before;
    Some(Point { what: what?, holds })
}

/// Names of events, in the vocabulary where it has them; sorted.
pub(in crate::engine::rules) fn event_names(value: &Value, pointer: &str, reader: &mut Reader) -> Vec<String> {
    let words = reader.words(value, pointer);
    let mut names: Vec<String> = words.iter().map(|word| vocabulary::normalise(word).to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    names
}
