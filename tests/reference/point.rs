//! Points and conditions, by the letter of the specification.

use super::history::{Moment, Scalar, What};
use serde_json::Value;

/// "`page_hidden`, `page_visible`, `page_left` and `push_shown` are reports, not acts."
pub(crate) fn is_quiet(name: &str) -> bool {
    ["page_hidden", "page_visible", "page_left", "push_shown"].contains(&name)
}

/// Whether this moment is an event, and not a quiet one.
pub(crate) fn is_act(moment: &Moment) -> bool {
    matches!(&moment.what, What::Event { name, .. } if !is_quiet(name))
}

/// "A point is a happening of one kind; `where` is a condition that must hold then."
pub(crate) fn fits(point: &Value, moment: &Moment) -> bool {
    if let Some(points) = point.get("any") {
        // "Where a point is asked for, {"any": [point, …]} is a point too."
        return points.as_array().unwrap().iter().any(|point| fits(point, moment));
    }
    let (kind, point) = point.as_object().unwrap().iter().next().unwrap();
    let is = match (kind.as_str(), &moment.what) {
        ("event", What::Event { name, .. }) => names(&point["name"], name),
        ("session", What::SessionStarted) => point["is"] == "started",
        ("session", What::SessionEnded) => point["is"] == "ended",
        // "of `stage` either member may be left out"
        ("stage", What::Stage { from, to }) => {
            point.get("from").is_none_or(|wanted| names(wanted, from))
                && point.get("to").is_none_or(|wanted| names(wanted, to))
        }
        ("segment", What::Segment { entered, id }) => {
            point.get(if *entered { "entered" } else { "left" }).is_some_and(|wanted| names(wanted, id))
        }
        _ => false,
    };
    is && point.get("where").is_none_or(|condition| holds(condition, &|path| moment.read(path)))
}

/// "each takes one name or several"
fn names(wanted: &Value, name: &str) -> bool {
    match wanted {
        Value::Array(several) => several.iter().any(|one| one == name),
        one => one == name,
    }
}

/// A condition of the few kinds that the generator writes: fields, each with operators that do not mix types.
pub(crate) fn holds(condition: &Value, read: &dyn Fn(&str) -> Option<Value>) -> bool {
    condition.as_object().unwrap().iter().all(|(path, tests)| {
        let found = read(path);
        tests.as_object().unwrap().iter().all(|(operator, wanted)| holds_one(operator, found.as_ref(), wanted))
    })
}

fn holds_one(operator: &str, found: Option<&Value>, wanted: &Value) -> bool {
    let found_number = found.filter(|value| value.is_number()).and_then(Value::as_f64);
    let wanted_number = wanted.as_f64();
    let order = found_number.zip(wanted_number).and_then(|(found, wanted)| found.partial_cmp(&wanted));
    let same = |wanted: &Value| found.and_then(Scalar::of).is_some_and(|found| Some(found) == Scalar::of(wanted));
    match operator {
        "$eq" => same(wanted),
        "$ne" => !same(wanted),
        "$in" => wanted.as_array().unwrap().iter().any(same),
        "$gt" => order.is_some_and(|order| order.is_gt()),
        "$gte" => order.is_some_and(|order| order.is_ge()),
        "$lt" => order.is_some_and(|order| order.is_lt()),
        "$lte" => order.is_some_and(|order| order.is_le()),
        other => panic!("the reference knows no `{other}`"),
    }
}

/// A field that correlates: "It is read … and must be a string, a number or a boolean (else the happening does not fit)".
pub(crate) fn scalar_at(moment: &Moment, field: &Value) -> Option<Scalar> {
    Scalar::of(&moment.read(field.as_str().unwrap())?)
}
