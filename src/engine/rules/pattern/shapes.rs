//! Authored sequences, counts, absences and aggregates → their compiled forms.

use super::super::reader::{Reader, below};
use super::point::{Points, points, points_of};
use super::{Absence, Aggregate, Count, Function, Sequence, Skip, Step, Window, reads_event};
use crate::engine::tree::{Field, Kind, Setting};
use footfall_protocol::limits::{COUNT_AT_LEAST_MAX, DURATION_MS_MAX, PATTERN_POINTS_MAX, SEQUENCE_STEPS_MAX};
use footfall_protocol::{Object, Value};

/// `within`: a duration or "session".
pub(super) fn window(object: &Object, at: &str, reader: &mut Reader) -> Window {
    match object.get("within") {
        None => Window::Unbounded,
        Some(Value::String(word)) if word == "session" => Window::Session,
        Some(value) => Window::Within(reader.duration(value, &below(at, "within"), DURATION_MS_MAX)),
    }
}

fn skip(object: &Object, at: &str, reader: &mut Reader) -> Skip {
    let skip = object.get("skip");
    let skip = skip.and_then(|value| reader.one_of(value, &below(at, "skip"), &["past_last_event", "no_skip"]));
    if skip == Some(1) { Skip::NoSkip } else { Skip::PastLastEvent }
}

/// A field whose value is taken at each of these points: of the event only where each is an event.
fn field(object: &Object, key: &str, at: &str, points: &[Points], reader: &mut Reader) -> Option<Field> {
    let value = object.get(key)?;
    let at = below(at, key);
    let events = points.iter().all(|point| point.are_events(&reader.points));
    let before = std::mem::replace(&mut reader.setting, if events { Setting::Event } else { Setting::Eventless });
    let field = reader.field(value, &at);
    reader.setting = before;
    let field = field?;
    if field.kind() == Some(Kind::List) {
        let message = format!("`{}` is a list; wants a field with one value", field.path());
        reader.fault(&at, "invalid", message);
    }
    debug_assert!(events || !reads_event(&field), "the setting refuses it");
    Some(field)
}

/// A point that must be there.
fn needed(object: &Object, key: &str, at: &str, why: &str, reader: &mut Reader) -> Option<Points> {
    let value = reader.needed(object, key, at, why)?;
    points(value, &below(at, key), reader)
}

pub(super) fn sequence(value: &Value, at: &str, node: u16, reader: &mut Reader) -> Option<Sequence> {
    let object = reader.object(value, at, &["steps", "by", "within", "contiguity", "skip"])?;
    let steps = reader.needed(object, "steps", at, "a sequence needs `steps`: points, one after another");
    let steps = steps.and_then(|value| steps_of(value, &below(at, "steps"), object.get("by").is_some(), reader));
    let within = window(object, at, reader);
    let contiguity = object.get("contiguity");
    let contiguity =
        contiguity.and_then(|value| reader.one_of(value, &below(at, "contiguity"), &["relaxed", "strict"]));
    let skip = skip(object, at, reader);
    let taken: Vec<Points> = steps.iter().flatten().map(|step| step.point).collect();
    let by = field(object, "by", at, &taken, reader);
    Some(Sequence { node, steps: steps?, by, within, strict: contiguity == Some(1), skip })
}

fn steps_of(value: &Value, at: &str, correlates: bool, reader: &mut Reader) -> Option<Vec<Step>> {
    let items = reader.items(value, at, 2, PATTERN_POINTS_MAX, "steps")?;
    let (mut steps, mut not) = (Vec::<Step>::new(), Vec::new());
    let mut good = true;
    for (index, item) in items.iter().enumerate() {
        let at = below(at, &index.to_string());
        if let Some(point) = item.get("not") {
            good &= reader.object(item, &at, &["not"]).is_some();
            if steps.is_empty() || index + 1 == items.len() {
                reader.fault(&at, "invalid", "a `not` stands between two steps");
            }
            match points(point, &below(&at, "not"), reader) {
                Some(point) => not.push(point),
                None => good = false,
            }
            continue;
        }
        const KNOWN: [&str; 7] = ["event", "session", "stage", "segment", "any", "within", "key"];
        let Some(object) = reader.object(item, &at, &KNOWN) else {
            good = false;
            continue;
        };
        let point = points_of(object, &at, reader);
        let first = index == 0;
        if first && object.get("within").is_some() {
            let message = "the first step has no step before it: write `within` beside `steps`, or at a later step";
            reader.fault(&below(&at, "within"), "invalid", message);
        }
        let within = object.get("within");
        let within_ms = within.map(|value| reader.duration(value, &below(&at, "within"), DURATION_MS_MAX));
        let key = object.get("key").and_then(|value| reader.one_of(value, &below(&at, "key"), &["same", "other"]));
        if object.get("key").is_some() && (first || !correlates) {
            let message = "`key` compares with the first step's value of `by`: write it at a later step, with `by` beside `steps`";
            reader.fault(&below(&at, "key"), "invalid", message);
        }
        match point {
            Some(point) => {
                steps.push(Step { point, within_ms, other: key == Some(1), not: std::mem::take(&mut not) });
            }
            None => good = false,
        }
    }
    if good && !(2..=SEQUENCE_STEPS_MAX).contains(&steps.len()) {
        let message = format!("a sequence has 2 to {SEQUENCE_STEPS_MAX} steps, those with `not` not counted");
        reader.fault(at, "out_of_range", message);
    }
    good.then_some(steps)
}

pub(super) fn count(value: &Value, at: &str, node: u16, reader: &mut Reader) -> Option<Count> {
    let object = reader.object(value, at, &["of", "at_least", "within", "by", "distinct", "skip"])?;
    let of = needed(object, "of", at, "a count needs `of`, a point such as {\"event\": {\"name\": …}}", reader);
    let at_least = reader.needed(object, "at_least", at, "a count needs `at_least`, how many");
    let at_least = at_least.map(|value| reader.count(value, &below(at, "at_least"), COUNT_AT_LEAST_MAX));
    let within = window(object, at, reader);
    let taken = of.as_slice();
    let by = field(object, "by", at, taken, reader);
    let distinct = field(object, "distinct", at, taken, reader);
    let skip = skip(object, at, reader);
    Some(Count { node, of: of?, at_least: at_least?, within, by, distinct, skip })
}

pub(super) fn absence(value: &Value, at: &str, node: u16, reader: &mut Reader) -> Option<Absence> {
    let object = reader.object(value, at, &["after", "of", "for", "from", "by"])?;
    let after = needed(object, "after", at, "an absence needs `after`, the point that begins the wait", reader);
    let of = object.get("of").map(|value| points(value, &below(at, "of"), reader));
    let duration = reader.needed(object, "for", at, "an absence needs `for`, a duration such as \"30m\"");
    let for_ms = duration.map(|value| reader.duration(value, &below(at, "for"), DURATION_MS_MAX));
    let from = object.get("from").and_then(|value| reader.one_of(value, &below(at, "from"), &["last", "first"]));
    if of.is_none() && object.get("by").is_some() {
        let message = "`by` compares what came with what did not come: it needs `of`";
        reader.fault(&below(at, "by"), "invalid", message);
    }
    let taken: Vec<Points> = after.into_iter().chain(of.flatten()).collect();
    let by = field(object, "by", at, &taken, reader);
    let of = match of {
        Some(of) => Some(of?),
        None => None,
    };
    Some(Absence { node, after: after?, of, for_ms: for_ms?, from_first: from == Some(1), by })
}

const FUNCTIONS: [(&str, Function); 9] = [
    ("count", Function::Count),
    ("sum", Function::Sum),
    ("min", Function::Min),
    ("max", Function::Max),
    ("mean", Function::Mean),
    ("first", Function::First),
    ("last", Function::Last),
    ("distinct", Function::Distinct),
    ("most_frequent", Function::MostFrequent),
];

pub(super) fn aggregate(value: &Value, at: &str, node: u16, reader: &mut Reader) -> Option<Aggregate> {
    let object = reader.object(value, at, &["of", "fn", "value", "within", "is"])?;
    let of = needed(object, "of", at, "an aggregate needs `of`, a point such as {\"event\": {\"name\": …}}", reader);
    let names = FUNCTIONS.map(|(name, _)| name);
    let name = reader.needed(object, "fn", at, "an aggregate needs `fn`, such as \"sum\"");
    let function = name.and_then(|value| reader.one_of(value, &below(at, "fn"), &names)).map(|at| FUNCTIONS[at].1);
    let value = field(object, "value", at, of.as_slice(), reader);
    match (function, object.get("value").is_some()) {
        (Some(Function::Count), true) => {
            let message = "`count` takes no `value`: for how many different ones write \"fn\": \"distinct\"";
            reader.fault(&below(at, "value"), "invalid", message);
        }
        (Some(_), false) if function != Some(Function::Count) => {
            reader.fault(
                &below(at, "value"),
                "missing",
                "this `fn` needs `value`, the field whose values it is made of",
            );
        }
        _ => {}
    }
    let within = window(object, at, reader);
    let kind = match function? {
        Function::First | Function::Last | Function::MostFrequent => value.as_ref().and_then(Field::kind),
        Function::Count | Function::Sum | Function::Min | Function::Max | Function::Mean | Function::Distinct => {
            Some(Kind::Number)
        }
    };
    let is = reader.needed(object, "is", at, "an aggregate needs `is`, what it must pass, such as {\"$gte\": 500}")?;
    let is = reader.test(is, kind, &below(at, "is"))?;
    Some(Aggregate { node, of: of?, function: function?, value, within, is })
}
