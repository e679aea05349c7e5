//! Random patterns over the whole language.

use super::generate::World;
use serde_json::{Map, Value, json};

/// Where a field may be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// Every point is an event: `event.*` can be read.
    Events,
    /// Every point is an event about a page or a product: `page.*` is what it says.
    Pages,
    /// Points of every kind.
    All,
}

/// A pattern; for a crowded life one that collects much.
pub(crate) fn pattern(world: &mut World, crowded: bool) -> Value {
    if crowded {
        return match world.from(0, 9) {
            0..3 => sequence(world, true),
            3..5 => count(world, true),
            5..7 => absence(world, true),
            _ => aggregate(world, true),
        };
    }
    loop {
        let pattern = nested(world, 3);
        let (levels, parts) = measure(&pattern);
        if levels <= 4 && parts <= 16 {
            return pattern;
        }
    }
}

/// "Patterns nest at most 4 deep, with at most 16 parts in one rule."
fn measure(pattern: &Value) -> (usize, usize) {
    let parts = pattern.get("any").or_else(|| pattern.get("all").and_then(|all| all.get("of")));
    let parts =
        parts.and_then(Value::as_array).into_iter().flatten().map(|part| measure(part.get("not").unwrap_or(part)));
    parts.fold((1, 1), |(levels, count), (below, parts)| (levels.max(below + 1), count + parts))
}

fn nested(world: &mut World, levels: u32) -> Value {
    match world.from(0, if levels > 1 { 27 } else { 17 }) {
        0 => point(world, About::All),
        1..7 => sequence(world, false),
        7..10 => count(world, false),
        10..13 => absence(world, false),
        13..16 => aggregate(world, false),
        16..18 => dwell(world),
        18..20 => {
            let parts: Vec<Value> = (0..world.from(2, 3)).map(|_| nested(world, levels - 1)).collect();
            json!({"any": parts})
        }
        _ => all(world, levels),
    }
}

fn all(world: &mut World, levels: u32) -> Value {
    let mut parts: Vec<Value> = (0..world.from(1, 3)).map(|_| simple(world, levels - 1)).collect();
    for _ in 0..*world.one(&[0, 0, 1, 1, 2]) {
        let not = simple(world, levels - 1);
        let place = usize::try_from(world.from(0, parts.len() as u64)).unwrap_or(0);
        parts.insert(place, json!({"not": not}));
    }
    let mut members = Map::new();
    members.insert("of".into(), parts.into());
    window(world, &mut members, 60, 20);
    json!({"all": members})
}

/// Points are what an `all` most often holds.
fn simple(world: &mut World, levels: u32) -> Value {
    if world.chance(55) { point(world, About::All) } else { nested(world, levels) }
}

fn duration(world: &mut World) -> Value {
    let durations = world.durations.clone();
    json!(world.one(&durations))
}

fn window(world: &mut World, members: &mut Map<String, Value>, timed: u32, session: u32) {
    let dice = world.from(0, 99);
    if dice < timed.into() {
        members.insert("within".into(), duration(world));
    } else if dice < (timed + session).into() {
        members.insert("within".into(), json!("session"));
    }
}

fn about(world: &mut World) -> About {
    *world.one(&[About::Events, About::Events, About::Events, About::Pages, About::All, About::All])
}

/// Half of the patterns are about the common events, so that they come true now and then.
fn about_points(world: &mut World, crowded: bool) -> About {
    world.lively = world.chance(50);
    if crowded || world.lively { About::Events } else { about(world) }
}

fn point(world: &mut World, about: About) -> Value {
    if world.lively && about == About::Events && world.chance(90) {
        let names = [json!("a"), json!("a"), json!("b"), json!(["a", "b"]), json!(["a", "c"]), json!(["a", "b", "c"])];
        return json!({"event": {"name": world.one(&names)}});
    }
    if world.chance(10) {
        let points: Vec<Value> = (0..world.from(2, 3)).map(|_| one_point(world, about)).collect();
        return json!({"any": points});
    }
    one_point(world, about)
}

fn one_point(world: &mut World, about: About) -> Value {
    let kind = if about == About::All { world.from(0, 9) } else { 0 };
    let (kind, mut members) = match kind {
        0..5 => ("event", json!({"name": names(world, about)})),
        5..7 => ("stage", stage(world)),
        7..9 => {
            let id = *world.one(&["deep", "full", "upper", "vip"]);
            let ids = if world.chance(20) { json!([id, "vip"]) } else { json!(id) };
            ("segment", json!({*world.one(&["entered", "left"]): ids}))
        }
        _ => ("session", json!({"is": *world.one(&["started", "ended"])})),
    };
    if world.chance(20) {
        members["where"] = condition(world, kind == "event", about == About::Pages);
    }
    json!({kind: members})
}

fn names(world: &mut World, about: About) -> Value {
    let pages = ["page_viewed", "product_viewed"];
    let events = [
        "a",
        "a",
        "a",
        "b",
        "b",
        "c",
        "product_added",
        "cart_cleared",
        "page_viewed",
        "page_hidden",
        "page_visible",
        "push_shown",
        "identified",
    ];
    let pool: &[&str] = if about == About::Pages { &pages } else { &events };
    let first = *world.one(pool);
    if world.chance(75) { json!(first) } else { json!([first, *world.one(pool)]) }
}

fn stage(world: &mut World) -> Value {
    let ids = ["new", "idle", "gone", "low", "high"];
    let (from, to) = (*world.one(&ids), *world.one(&ids));
    match world.from(0, 9) {
        0..5 => json!({"to": to}),
        5..7 => json!({"from": [from, "low"]}),
        7..9 => json!({"from": from, "to": [to, "high"]}),
        _ => json!({}),
    }
}

fn condition(world: &mut World, event: bool, page: bool) -> Value {
    let keys = world.keys.clone();
    let scalars: Vec<&Value> =
        keys.iter().filter(|key| !key.is_array() && !key.is_object() && !key.is_null()).collect();
    let n = world.from(0, 3);
    match world.from(
        0,
        if page {
            10
        } else if event {
            8
        } else {
            5
        },
    ) {
        0 => json!({"cart.count": {*world.one(&["$gt", "$gte", "$lt", "$lte", "$eq"]): n}}),
        1 => json!({"stage": {*world.one(&["$eq", "$ne"]): *world.one(&["low", "high", "idle", "gone"])}}),
        2 => json!({"session.events": {"$gte": n + 1}}),
        3 => json!({"profile.traits.vip": {"$eq": world.chance(50)}}),
        4 => json!({"session.number": {"$eq": n.max(1)}}),
        5 => json!({"profile.sessions": {"$lt": n.max(1) + 1}}),
        6 if !scalars.is_empty() => json!({"event.properties.k": {"$eq": *world.one(&scalars)}}),
        // Not `$gte` 0: as in JavaScript, what is missing counts as 0 in a comparison.
        6..8 => json!({"event.properties.n": {*world.one(&["$gt", "$gte", "$eq"]): n.max(1)}}),
        8 => json!({"event.properties.n": {"$in": [n, 1]}, "cart.count": {"$gte": 0}}),
        9 => json!({"page.kind": {"$eq": "product"}}),
        _ => json!({"page.product.sku": {"$eq": "s1"}}),
    }
}

fn field(world: &mut World, about: About) -> &'static str {
    const OF_EVENTS: [&str; 6] = [
        "event.properties.k",
        "event.properties.k",
        "event.properties.k",
        "event.properties.n",
        "cart.count",
        "event.name",
    ];
    const OF_PAGES: [&str; 4] = ["page.product.sku", "page.product.sku", "page.kind", "event.properties.k"];
    const OF_ALL: [&str; 4] = ["cart.count", "stage", "session.number", "profile.traits.vip"];
    let fields: &[&'static str] = match about {
        About::Events => &OF_EVENTS,
        About::Pages => &OF_PAGES,
        About::All => &OF_ALL,
    };
    world.one::<&'static str>(fields)
}

fn sequence(world: &mut World, crowded: bool) -> Value {
    let about = about_points(world, crowded);
    let count = if crowded { world.from(2, 3) } else { *world.one(&[2, 2, 2, 3, 3, 4, 5]) };
    let by = crowded || world.chance(45);
    let mut steps = Vec::new();
    for place in 0..count {
        let not = if place > 0 && steps.len() < 6 && world.chance(20) { Some(point(world, about)) } else { None };
        steps.extend(not.map(|point| json!({"not": point})));
        let mut step =
            if crowded { json!({"event": {"name": *world.one(&["a", "a", "a", "b"])}}) } else { point(world, about) };
        if place > 0 && world.chance(30) {
            step["within"] = duration(world);
        }
        if place > 0 && by && world.chance(25) {
            step["key"] = json!("other");
        }
        steps.push(step);
    }
    let mut members = Map::new();
    members.insert("steps".into(), steps.into());
    if by {
        let field = if crowded { "event.properties.k" } else { field(world, about) };
        members.insert("by".into(), json!(field));
    }
    if crowded {
        window(world, &mut members, 20, 20)
    } else {
        window(world, &mut members, 40, 20)
    }
    if world.chance(if crowded { 5 } else { 25 }) {
        members.insert("contiguity".into(), json!("strict"));
    } else if world.chance(20) {
        members.insert("contiguity".into(), json!("relaxed"));
    }
    skip(world, &mut members);
    json!({"sequence": members})
}

fn skip(world: &mut World, members: &mut Map<String, Value>) {
    if world.chance(40) {
        members.insert("skip".into(), json!("no_skip"));
    } else if world.chance(30) {
        members.insert("skip".into(), json!("past_last_event"));
    }
}

fn of(world: &mut World, about: About, crowded: bool) -> Value {
    if crowded { json!({"event": {"name": "a"}}) } else { point(world, about) }
}

fn count(world: &mut World, crowded: bool) -> Value {
    let about = about_points(world, crowded);
    let mut members = Map::new();
    members.insert("of".into(), of(world, about, crowded));
    members.insert("at_least".into(), json!(*world.one(&[1, 2, 2, 3, 3, 4, 5])));
    if world.chance(if crowded { 80 } else { 40 }) {
        let field = if crowded { "event.properties.k" } else { field(world, about) };
        members.insert("by".into(), json!(field));
    }
    if world.chance(35) {
        let field = if crowded { "event.properties.v" } else { field(world, about) };
        members.insert("distinct".into(), json!(field));
    }
    if crowded {
        window(world, &mut members, 30, 20)
    } else {
        window(world, &mut members, 50, 20)
    }
    skip(world, &mut members);
    json!({"count": members})
}

fn absence(world: &mut World, crowded: bool) -> Value {
    let about = about_points(world, crowded);
    let mut members = Map::new();
    members.insert("after".into(), of(world, about, crowded));
    if crowded || world.chance(65) {
        let of = if crowded { json!({"event": {"name": *world.one(&["b", "c"])}}) } else { point(world, about) };
        members.insert("of".into(), of);
        if crowded || world.chance(45) {
            let field = if crowded { "event.properties.k" } else { field(world, about) };
            members.insert("by".into(), json!(field));
        }
    }
    members.insert("for".into(), duration(world));
    if world.chance(40) {
        members.insert("from".into(), json!(*world.one(&["first", "first", "last"])));
    }
    json!({"absence": members})
}

fn dwell(world: &mut World) -> Value {
    let mut members = Map::new();
    members.insert("for".into(), duration(world));
    let place = *world.one(&["product", "home"]);
    match world.from(0, 5) {
        0 => {}
        1..3 => drop(members.insert("where".into(), json!({"page.kind": {"$eq": place}}))),
        3 => drop(members.insert("where".into(), json!({"page.product.sku": {"$eq": "s1"}}))),
        _ => drop(members.insert("where".into(), condition(world, false, false))),
    }
    json!({"dwell": members})
}

fn aggregate(world: &mut World, crowded: bool) -> Value {
    let of = of(world, About::Events, crowded);
    let function = *world.one(&[
        "count",
        "sum",
        "sum",
        "min",
        "max",
        "mean",
        "mean",
        "first",
        "last",
        "distinct",
        "distinct",
        "most_frequent",
        "most_frequent",
    ]);
    let mut members = Map::new();
    members.insert("of".into(), of);
    members.insert("fn".into(), json!(function));
    if function != "count" {
        // A field whose kind is known is not compared with another kind.
        let steady = if function == "distinct" { "event.name" } else { "cart.count" };
        let mixed = ["first", "last", "most_frequent"].contains(&function) || world.chance(85);
        let field = if mixed { "event.properties.v" } else { steady };
        members.insert("value".into(), json!(field));
    }
    members.insert("is".into(), test(world, function, crowded));
    if crowded {
        window(world, &mut members, 40, 20)
    } else {
        window(world, &mut members, 50, 20)
    }
    json!({"aggregate": members})
}

fn test(world: &mut World, function: &str, crowded: bool) -> Value {
    let operator = *world.one(&["$gte", "$gte", "$gt", "$lt", "$lte", "$eq"]);
    match function {
        "count" | "distinct" => {
            let number = if crowded { *world.one(&[30, 60, 63, 64, 65, 66]) } else { world.from(1, 5) };
            if world.chance(15) { json!(number) } else { json!({operator: number}) }
        }
        "sum" | "min" | "max" | "mean" => {
            let numbers = [
                json!(0),
                json!(1),
                json!(0.3),
                json!(0.6),
                json!(2),
                json!(3.5),
                json!(0.15),
                json!(-1),
                json!(13.09),
            ];
            let crowd = [json!(500), json!(1000), json!(2000), json!(20), json!(40.5)];
            let number = if crowded { world.one(&crowd) } else { world.one(&numbers) }.clone();
            if world.chance(10) { number } else { json!({operator: number}) }
        }
        _ => {
            let amounts = world.amounts.clone();
            let scalars: Vec<&Value> = amounts
                .iter()
                .filter(|value| {
                    (value.is_string() || value.is_boolean() || value.is_number())
                        && value.as_str().is_none_or(|text| text.len() < 64)
                })
                .collect();
            if scalars.is_empty() {
                return json!({"$ne": "x"});
            }
            let (one, other) = ((*world.one(&scalars)).clone(), (*world.one(&scalars)).clone());
            match world.from(0, 3) {
                0..2 => json!({"$eq": one}),
                2 => json!({"$ne": one}),
                _ => json!({"$in": [one, other]}),
            }
        }
    }
}
