//! Patterns and points by choices.

use super::super::bytes::Bytes;
use super::condition::operators;
use super::{EVENTS, SEGMENTS, STAGES, Setting, condition, field_path, maybe, names, time, within};
use footfall::engine::tree::{Kind, TREE};
use serde_json::{Value, json};

/// A pattern at the top of a rule, or one that is part of another.
pub fn pattern(bytes: &mut Bytes, top: bool) -> Value {
    nested(bytes, if top { 3 } else { 1 }, top)
}

fn nested(bytes: &mut Bytes, depth: usize, top: bool) -> Value {
    match bytes.below(16) {
        0 | 1 => point(bytes, 0),
        2 | 3 => {
            let mut dwell = json!({"for": time(bytes)});
            maybe(bytes, 2, &mut dwell, "where", |bytes| condition(bytes, Setting::Still, 1));
            json!({"dwell": dwell})
        }
        4..7 => sequence(bytes),
        7 | 8 => count(bytes),
        9 | 10 => absence(bytes),
        11 | 12 => aggregate(bytes),
        13 if top => json!({"started": {}}),
        14 if depth > 0 => {
            let of: Vec<Value> = (0..2 + bytes.below(2)).map(|_| nested(bytes, depth - 1, top && depth == 3)).collect();
            json!({"any": of})
        }
        15 if depth > 0 => {
            let part = |bytes: &mut Bytes, at: usize| {
                let not = at > 0 && bytes.once_in(3);
                let pattern = nested(bytes, depth - 1, false);
                if not { json!({"not": pattern}) } else { pattern }
            };
            let of: Vec<Value> = (0..1 + bytes.below(3)).map(|at| part(bytes, at)).collect();
            let mut all = json!({"of": of});
            maybe(bytes, 2, &mut all, "within", within);
            json!({"all": all})
        }
        _ => point(bytes, 1),
    }
}

/// A point.
pub fn point(bytes: &mut Bytes, depth: usize) -> Value {
    match bytes.below(10) {
        6 => {
            let mut session = json!({"is": bytes.pick(&["started", "ended"])});
            maybe(bytes, 4, &mut session, "where", |bytes| condition(bytes, Setting::Still, 1));
            json!({"session": session})
        }
        7 => {
            let mut stage = json!({"to": names(bytes, &STAGES)});
            maybe(bytes, 3, &mut stage, "from", |bytes| names(bytes, &STAGES));
            maybe(bytes, 4, &mut stage, "where", |bytes| condition(bytes, Setting::Still, 1));
            json!({"stage": stage})
        }
        8 => {
            let mut segment = json!({});
            segment[bytes.pick(&["entered", "left"])] = names(bytes, &SEGMENTS);
            maybe(bytes, 4, &mut segment, "where", |bytes| condition(bytes, Setting::Still, 1));
            json!({"segment": segment})
        }
        9 if depth > 0 => {
            let of: Vec<Value> = (0..2 + bytes.below(2)).map(|_| point(bytes, depth - 1)).collect();
            json!({"any": of})
        }
        _ => {
            let mut event = json!({"name": names(bytes, &EVENTS)});
            maybe(bytes, 4, &mut event, "where", |bytes| condition(bytes, Setting::Event, 1));
            json!({"event": event})
        }
    }
}

/// A field to correlate by: the one that the fuzzers' visitors change most, or another.
fn by(bytes: &mut Bytes) -> Value {
    if bytes.once_in(3) { field_path(bytes, Setting::Still).into() } else { "page.product.sku".into() }
}

fn skip(bytes: &mut Bytes) -> Value {
    bytes.pick(&["no_skip", "past_last_event"]).into()
}

fn sequence(bytes: &mut Bytes) -> Value {
    let correlated = bytes.once_in(3);
    let mut steps = Vec::new();
    for at in 0..2 + bytes.below(3) {
        if at > 0 && bytes.once_in(5) {
            steps.push(json!({"not": point(bytes, 0)}));
        }
        let mut step = point(bytes, 1);
        if at > 0 {
            maybe(bytes, 3, &mut step, "within", time);
            if correlated {
                maybe(bytes, 3, &mut step, "key", |bytes| bytes.pick(&["other", "same"]).into());
            }
        }
        steps.push(step);
    }
    let mut sequence = json!({"steps": steps});
    if correlated {
        sequence["by"] = by(bytes);
    }
    maybe(bytes, 3, &mut sequence, "within", within);
    maybe(bytes, 3, &mut sequence, "contiguity", |bytes| bytes.pick(&["strict", "relaxed"]).into());
    maybe(bytes, 3, &mut sequence, "skip", skip);
    json!({"sequence": sequence})
}

fn count(bytes: &mut Bytes) -> Value {
    let at_least = if bytes.once_in(16) { 1 + bytes.below(100) } else { 1 + bytes.below(4) };
    let mut count = json!({"of": point(bytes, 1), "at_least": at_least});
    maybe(bytes, 2, &mut count, "within", within);
    maybe(bytes, 3, &mut count, "distinct", by);
    maybe(bytes, 3, &mut count, "by", by);
    maybe(bytes, 3, &mut count, "skip", skip);
    json!({"count": count})
}

fn absence(bytes: &mut Bytes) -> Value {
    let mut absence = json!({"after": point(bytes, 1), "for": time(bytes)});
    if bytes.once_in(2) {
        absence["of"] = point(bytes, 1);
        maybe(bytes, 3, &mut absence, "by", by);
    }
    maybe(bytes, 3, &mut absence, "from", |bytes| bytes.pick(&["first", "last"]).into());
    json!({"absence": absence})
}

fn aggregate(bytes: &mut Bytes) -> Value {
    let functions = ["sum", "count", "min", "max", "mean", "first", "last", "distinct", "most_frequent"];
    let function = bytes.pick(&functions);
    let of = point(bytes, 0);
    let mut aggregate = json!({"of": of, "fn": function});
    let mut kind = Some(Kind::Number);
    if function != "count" {
        let setting = if of.get("event").is_some() { Setting::Event } else { Setting::Still };
        aggregate["value"] = match bytes.below(3) {
            0 if setting == Setting::Event => "event.properties.price".into(),
            1 => "cart.value".into(),
            _ => field_path(bytes, setting).into(),
        };
        if ["first", "last", "most_frequent"].contains(&function) {
            kind = TREE.iter().find(|entry| aggregate["value"] == entry.path).map(|entry| entry.kind);
        }
    }
    aggregate["is"] = operators(bytes, kind, 0);
    maybe(bytes, 2, &mut aggregate, "within", within);
    json!({"aggregate": aggregate})
}
