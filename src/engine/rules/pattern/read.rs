//! Authored patterns → [`Pattern`]: the tree of `any`, `all` and what is within them.

use super::super::reader::{Reader, below};
use super::point::{KINDS, points_of};
use super::{All, Dwell, Part, Pattern, shapes};
use crate::engine::tree::Setting;
use footfall_protocol::limits::{DWELL_MS_MAX, PATTERN_BRANCHES_MAX, PATTERN_DEPTH_MAX, PATTERN_PARTS_MAX};
use footfall_protocol::{Object, Value};

const MEMBERS: [&str; 12] = [
    "event",
    "session",
    "stage",
    "segment",
    "dwell",
    "sequence",
    "count",
    "absence",
    "aggregate",
    "any",
    "all",
    "started",
];

/// Reads a rule's pattern.
pub(in crate::engine::rules) fn pattern(value: &Value, reader: &mut Reader) -> Option<Pattern> {
    at_depth(value, "/pattern", 1, true, reader)
}

/// `top`: at the top or in an `any` at the top, where `started` may stand.
fn at_depth(value: &Value, pointer: &str, depth: usize, top: bool, reader: &mut Reader) -> Option<Pattern> {
    if depth > PATTERN_DEPTH_MAX {
        reader.fault(pointer, "too_deep", format!("patterns nest at most {PATTERN_DEPTH_MAX} deep"));
        return None;
    }
    if value.get("not").is_some() {
        reader.fault(pointer, "invalid", "`not` stands only in an `all`, and between the steps of a sequence");
        return None;
    }
    let object = reader.object(value, pointer, &MEMBERS)?;
    let mut kinds = object.iter().filter(|(key, _)| MEMBERS.contains(key));
    let (Some((kind, inner)), None) = (kinds.next(), kinds.next()) else {
        // A single member that is none of these was reported already.
        if object.len() != 1 {
            reader.fault(pointer, "invalid", format!("a pattern has exactly one member: `{}`", MEMBERS.join("`, `")));
        }
        return None;
    };
    let node = reader.nodes;
    reader.nodes = reader.nodes.saturating_add(1);
    if usize::from(node) == PATTERN_PARTS_MAX {
        let message = format!("a rule has at most {PATTERN_PARTS_MAX} patterns, those within others included");
        reader.fault(pointer, "too_many", message);
    }
    if usize::from(node) >= PATTERN_PARTS_MAX {
        return None;
    }
    let at = below(pointer, kind);
    match kind {
        _ if KINDS.contains(&kind) => points_of(object, pointer, reader).map(Pattern::Point),
        "dwell" => dwell(inner, &at, node, reader).map(Pattern::Dwell),
        "sequence" => shapes::sequence(inner, &at, node, reader).map(Pattern::Sequence),
        "count" => shapes::count(inner, &at, node, reader).map(Pattern::Count),
        "absence" => shapes::absence(inner, &at, node, reader).map(Pattern::Absence),
        "aggregate" => shapes::aggregate(inner, &at, node, reader).map(Pattern::Aggregate),
        "any" => {
            let items = reader.items(inner, &at, 2, PATTERN_BRANCHES_MAX, "patterns")?;
            let each = items.iter().enumerate();
            // Every one is read, so that every fault shows.
            let parts: Vec<_> = each
                .map(|(index, item)| {
                    at_depth(item, &below(&at, &index.to_string()), depth + 1, top && depth == 1, reader)
                })
                .collect();
            parts.into_iter().collect::<Option<_>>().map(Pattern::Any)
        }
        "all" => all(inner, &at, node, depth, reader).map(Pattern::All),
        _ => {
            reader.object(inner, &at, &[])?;
            if !top {
                let message = "`started` stands at the top, or in an `any` at the top";
                reader.fault(pointer, "invalid", message);
            }
            Some(Pattern::Started)
        }
    }
}

fn dwell(value: &Value, at: &str, node: u16, reader: &mut Reader) -> Option<Dwell> {
    let object = reader.object(value, at, &["for", "where"])?;
    let duration = reader.needed(object, "for", at, "a dwell needs `for`, a duration such as \"60s\"");
    let for_ms = duration.map(|duration| reader.duration(duration, &below(at, "for"), DWELL_MS_MAX));
    let before = std::mem::replace(&mut reader.setting, Setting::Eventless);
    let holds = reader.condition(object.get("where"), &below(at, "where"));
    reader.setting = before;
    Some(Dwell { node, for_ms: for_ms?, holds })
}

fn all(value: &Value, at: &str, node: u16, depth: usize, reader: &mut Reader) -> Option<All> {
    let object = reader.object(value, at, &["of", "within"])?;
    let within = shapes::window(object, at, reader);
    let of = reader.needed(object, "of", at, "an `all` needs `of`: patterns that must each occur")?;
    let of_at = below(at, "of");
    let items = reader.items(of, &of_at, 1, PATTERN_BRANCHES_MAX, "patterns")?;
    let mut parts = Vec::with_capacity(items.len());
    let mut good = true;
    for (index, item) in items.iter().enumerate() {
        let at = below(&of_at, &index.to_string());
        let only_not = |object: &&Object| object.len() == 1 && object.get("not").is_some();
        let (not, value, at) = match item.as_object().filter(only_not).and_then(|object| object.get("not")) {
            Some(value) => (true, value, below(&at, "not")),
            None => (false, item, at),
        };
        match at_depth(value, &at, depth + 1, false, reader) {
            Some(pattern) => parts.push(Part { not, pattern }),
            None => good = false,
        }
    }
    if good && parts.iter().all(|part| part.not) {
        reader.fault(&of_at, "invalid", "an `all` needs a pattern without `not`: at its happening the `all` occurs");
        good = false;
    }
    good.then_some(All { node, of: parts, within })
}
