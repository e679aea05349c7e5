//! Conditions and fields by choices.

use super::super::bytes::Bytes;
use footfall::engine::tree::{Kind, TREE};
use serde_json::{Value, json};

/// What a condition can read where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// All of the tree.
    Event,
    /// All but the event.
    Still,
    /// Neither the event nor segments.
    Segment,
}

impl Setting {
    fn reads(self, path: &str) -> bool {
        let event = path.starts_with("event.");
        match self {
            Self::Event => true,
            Self::Still => !event,
            Self::Segment => !event && path != "segments",
        }
    }
}

/// A condition that nests at most so deep.
pub fn condition(bytes: &mut Bytes, setting: Setting, depth: usize) -> Value {
    let mut condition = json!({});
    for _ in 0..1 + bytes.below(2) {
        if depth > 0 && bytes.once_in(4) {
            let logical = bytes.pick(&["$or", "$and", "$nor", "$not"]);
            condition[logical] = if logical == "$not" {
                self::condition(bytes, setting, depth - 1)
            } else {
                (0..bytes.below(3)).map(|_| self::condition(bytes, setting, depth - 1)).collect()
            };
            continue;
        }
        let (path, kind) = field(bytes, setting);
        condition[path] = test(bytes, kind, depth);
    }
    condition
}

/// The fields that the inputs of the fuzzers change most come first.
const LIKELY: [&str; 10] = [
    "cart.count",
    "page.kind",
    "session.pages",
    "cart.value",
    "stage",
    "segments",
    "page.product.sku",
    "session.total_seconds",
    "profile.traits.n",
    "cart.idle_seconds",
];

fn field(bytes: &mut Bytes, setting: Setting) -> (String, Option<Kind>) {
    let likely = bytes.below(16);
    let path = match LIKELY.get(likely) {
        Some(path) => (*path).to_owned(),
        None if likely < 13 && setting == Setting::Event => {
            bytes.pick(&["event.properties.sku", "event.name", "event.properties.price", "event.authority"]).to_owned()
        }
        None => {
            let entry = TREE[bytes.below(TREE.len())];
            if entry.kind == Kind::Open { format!("{}.n", entry.path) } else { entry.path.to_owned() }
        }
    };
    let path = if setting.reads(&path) { path } else { "cart.count".to_owned() };
    let kind = TREE.iter().find(|entry| entry.path == path).map(|entry| entry.kind);
    (path, kind)
}

/// A field whose value a pattern takes: no list.
pub fn field_path(bytes: &mut Bytes, setting: Setting) -> String {
    let (path, kind) = field(bytes, setting);
    if kind == Some(Kind::List) { "page.product.sku".to_owned() } else { path }
}

/// A test of a field of this kind; without one, of any value.
pub fn test(bytes: &mut Bytes, kind: Option<Kind>, depth: usize) -> Value {
    let bare = bytes.once_in(3);
    match (kind, bare) {
        (Some(Kind::List), true) => {
            if bytes.once_in(2) {
                Value::Null
            } else {
                json!(["s0"])
            }
        }
        (_, true) => scalar(bytes, kind),
        (_, false) => operators(bytes, kind, depth),
    }
}

/// Operators with their operands, for a field of this kind.
pub fn operators(bytes: &mut Bytes, kind: Option<Kind>, depth: usize) -> Value {
    let mut operators = json!({});
    for _ in 0..1 + usize::from(bytes.once_in(3)) {
        let list = kind == Some(Kind::List);
        let (operator, operand) = match bytes.below(12) {
            0 | 1 if !list => (bytes.pick(&["$gte", "$lt", "$gt", "$lte"]), scalar(bytes, kind)),
            2 if !list => (bytes.pick(&["$eq", "$ne"]), scalar(bytes, kind)),
            3 | 4 => {
                let operator = bytes.pick(&["$in", "$nin", "$ini", "$nini"]);
                (operator, (0..bytes.below(4)).map(|_| scalar(bytes, kind)).collect())
            }
            5 => ("$exists", (!bytes.once_in(3)).into()),
            6 if depth > 0 => ("$not", test(bytes, kind, depth - 1)),
            7 if !list => {
                let operator = bytes.pick(&["$regex", "$regexi", "$notRegex", "$notRegexi"]);
                (operator, bytes.pick(&["^a", "sku-[0-3]$", "(b|c)+x?", ".", "ärger", "\\d{2,}"]).into())
            }
            8 => ("$type", bytes.pick(&["string", "number", "array", "null", "object", "boolean"]).into()),
            9 => {
                let operator = bytes.pick(&["$vgte", "$vlt", "$veq", "$vne", "$vgt", "$vlte"]);
                (operator, bytes.pick(&["1.2.3", "2", "v1.0.0-rc.1+b"]).into())
            }
            10 if depth > 0 && (list || kind.is_none()) => match bytes.below(4) {
                0 => ("$size", test(bytes, None, depth - 1)),
                1 => ("$elemMatch", self::operators(bytes, None, depth - 1)),
                2 => ("$elemMatch", json!({"sku": test(bytes, None, depth - 1)})),
                _ => {
                    let operator = bytes.pick(&["$all", "$alli"]);
                    (operator, (0..1 + bytes.below(2)).map(|_| test(bytes, None, depth - 1)).collect())
                }
            },
            _ => ("$ne", Value::Null),
        };
        operators[operator] = operand;
    }
    operators
}

fn scalar(bytes: &mut Bytes, kind: Option<Kind>) -> Value {
    if bytes.once_in(16) {
        return Value::Null;
    }
    match kind {
        Some(Kind::OneOf(values)) => bytes.pick(values).into(),
        Some(Kind::Number | Kind::Money(_)) => number(bytes),
        Some(Kind::Flag) => bytes.once_in(2).into(),
        Some(Kind::Text | Kind::List) => word(bytes),
        Some(Kind::Open) | None => match bytes.below(4) {
            0 => number(bytes),
            1 => bytes.once_in(2).into(),
            _ => word(bytes),
        },
    }
}

fn number(bytes: &mut Bytes) -> Value {
    match bytes.below(8) {
        0 => 0.into(),
        1 => json!(-1),
        2 => json!(0.1),
        3 => json!(19.99),
        4 => json!(1e21),
        5 => bytes.number().into(),
        _ => bytes.below(8).into(),
    }
}

fn word(bytes: &mut Bytes) -> Value {
    let words = ["a", "sku-0", "sku-1", "new", "carting", "s0", "s1", "product", "", "8", "Sku-1", "1.2.3", "ÄRGER"];
    bytes.pick(&words).into()
}
