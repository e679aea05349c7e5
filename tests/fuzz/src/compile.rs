//! Any bytes, as documents of a rulebook: compiling ends, tells where faults are, and gives plain data.

use super::bytes::Bytes;
use super::grammar;
use footfall::engine::condition::Compiler;
use footfall::engine::fault::RuleFault;
use footfall::engine::rules::{
    RuleSet, compile, compile_rule, compile_segment, compile_stage, warnings, warnings_among,
};
use footfall::engine::tree::resolve_any;
use footfall::engine::{Config, Input, Settings, Visitor};
use footfall_protocol::ids::SiteId;
use footfall_protocol::limits::DOCUMENT_FAULTS_MAX;
use footfall_protocol::{Object, Value};
use uuid::Uuid;

/// The first byte says whether the rest is JSON text, a regular expression with what it is tried on, or choices of the
/// grammar that are then spoilt in places.
///
/// # Panics
/// When something is wrong with the engine.
pub fn check(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    if first % 4 == 2 {
        return expression(rest);
    }
    if first % 2 == 0 {
        if let Ok(document) = serde_json::from_slice::<Value>(rest) {
            each(&document);
            together(std::slice::from_ref(&document));
        }
        return;
    }
    let mut bytes = Bytes::new(rest);
    let mut documents = Vec::new();
    for at in 0..3 {
        let document = match first / 2 % 3 {
            0 => grammar::rule(&mut bytes, at),
            1 => grammar::segment(&mut bytes, at),
            _ => grammar::stage(&mut bytes, at),
        };
        let mut document: Value = serde_json::from_value(document).unwrap();
        for _ in 0..bytes.below(4) {
            spoil(&mut document, &mut bytes, 0);
        }
        each(&document);
        documents.push(document);
    }
    together(&documents);
}

/// A line with a regular expression, and lines that it is tried on: it compiles or has a fault, and `$regexi` and
/// `$notRegex` follow from it.
fn expression(rest: &[u8]) {
    let text = String::from_utf8_lossy(rest);
    let mut lines = text.split('\n');
    let expression = lines.next().unwrap_or_default();
    let compiled = |operator: &str| {
        let authored = serde_json::json!({"a.b": {operator: expression}});
        let authored: Value = serde_json::from_value(authored).unwrap();
        let mut compiler = Compiler::new(&resolve_any);
        let condition = compiler.condition(&authored, "");
        (condition, compiler.faults)
    };
    let [(plain, faults), (either, _), (none, _)] = ["$regex", "$regexi", "$notRegex"].map(compiled);
    assert!(faults.iter().all(|fault| fault.pointer == "/a.b/$regex" && fault.message.len() < 1_000), "{faults:?}");
    for line in lines.take(8) {
        let scope: Value = serde_json::from_value(serde_json::json!({"a": {"b": line}})).unwrap();
        let (plain, either, none) = (plain.holds(&scope), either.holds(&scope), none.holds(&scope));
        assert!(if faults.is_empty() { none != plain } else { !plain && !none }, "{expression} on {line}");
        assert!(either || !plain, "{expression} on {line}, whatever the case");
    }
}

fn each(document: &Value) {
    let found = [
        compile_rule(document).map(drop),
        compile_segment(document).map(drop),
        compile_stage(document).map(drop),
        Err(warnings(document)),
    ];
    for faults in found.into_iter().filter_map(Result::err) {
        assert!(faults.len() <= DOCUMENT_FAULTS_MAX, "{} faults", faults.len());
        faults.iter().for_each(|fault| assert!(leads_somewhere(document, fault), "{fault:?} of {document:?}"));
    }
}

fn together(documents: &[Value]) {
    // They are of one kind: as the others they would only be refused.
    for at in 0..3 {
        let kind = |wanted: usize| if at == wanted { documents } else { &[] };
        let (set, faults) = compile(kind(0), kind(1), kind(2));
        if faults.len() == documents.len() {
            continue;
        }
        for fault in &faults {
            let document = &documents[fault.index];
            fault.faults.iter().for_each(|one| assert!(leads_somewhere(document, one), "{one:?} of {document:?}"));
        }
        drop(warnings_among(&set));
        let piece = set.encode();
        let again = RuleSet::decode(&piece);
        assert!(again.as_ref() == Some(&set), "a piece is read as it was written: {again:?} and {set:?}");
        assert!(again.is_some_and(|again| again.encode() == piece), "and written as it was read");
        if !documents.is_empty() {
            on_nobody(set);
        }
    }
}

/// Rules, segments and stages that meet a visitor of whom nothing is known.
fn on_nobody(rules: RuleSet) {
    let config = Config { settings: Settings::default(), rules, version: 1 };
    let site = SiteId::parse("demo").unwrap();
    let mut visitor = Visitor::new(site, Uuid::from_u128(7), Uuid::from_u128(1));
    drop(visitor.handle(Input::Wake, 1_795_255_200_000, &config));
    let hello = Input::Connect { tab: "t".to_owned(), cursor: None, visible: true, inspect: true };
    drop(visitor.handle(hello, 1_795_255_201_000, &config));
    drop((visitor.view(1_795_255_202_000, &config), visitor.inspection(1_795_255_202_000, &config)));
    let _ = visitor.next_wake(&config);
}

/// Whether a fault's pointer (RFC 6901) is of something that is there, or of a member that is missing there.
fn leads_somewhere(document: &Value, fault: &RuleFault) -> bool {
    let mut at = document;
    let mut tokens = fault.pointer.split('/');
    if tokens.next() != Some("") {
        return false;
    }
    let mut tokens = tokens.peekable();
    while let Some(token) = tokens.next() {
        let token = token.replace("~1", "/").replace("~0", "~");
        let next = match at {
            Value::Array(items) => token.parse::<usize>().ok().and_then(|index| items.get(index)),
            Value::Object(object) => object.get(&token),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        };
        match next {
            Some(next) => at = next,
            None => return fault.code == "missing" && tokens.peek().is_none() && at.as_object().is_some(),
        }
    }
    true
}

/// Changes something somewhere in a document.
fn spoil(value: &mut Value, bytes: &mut Bytes, depth: usize) {
    let inside = match value {
        Value::Array(items) => items.len(),
        Value::Object(object) => object.len(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    };
    if inside > 0 && depth < 12 && !bytes.once_in(4) {
        let at = bytes.below(inside);
        match value {
            Value::Array(items) => spoil(&mut items[at], bytes, depth + 1),
            Value::Object(object) => {
                let (name, mut member) = object.iter().nth(at).map(|(name, v)| (name.to_owned(), v.clone())).unwrap();
                spoil(&mut member, bytes, depth + 1);
                object.insert(name, member);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        return;
    }
    let words =
        ["", "{{", "a/b~c", "$gt", "60s", "99999999999999999999d", "((", "{{cart.value | money}}", "event.name"];
    *value = match (bytes.below(10), &*value) {
        (0, _) => Value::Null,
        (1, _) => Value::Number(bytes.pick(&[0.0, -1.0, 1.5, 1e300, 101.0, 4_294_967_296.0])),
        (2, _) => bytes.pick(&words).into(),
        (3, _) => Value::Array(vec![value.clone(); bytes.below(40)]),
        (4, _) => Value::Bool(bytes.once_in(2)),
        (5, Value::Object(object)) => {
            let at = bytes.below(object.len().max(1));
            let others = object.iter().enumerate().filter(|(index, _)| *index != at);
            others.map(|(_, (name, member))| (name.to_owned(), member.clone())).collect::<Object>().into()
        }
        (6 | 7, Value::Object(object)) => {
            let names =
                ["event", "not", "where", "$or", "cart.count", "within", "a/b~c", "steps", "", "event.properties.x"];
            let mut object = object.clone();
            let member = object.iter().next().map_or(Value::Null, |(_, member)| member.clone());
            object.insert(bytes.pick(&names), member);
            object.into()
        }
        (8, _) => Object::from_iter([(bytes.pick(&["not", "any", "$not", "event"]).to_owned(), value.clone())]).into(),
        _ => Value::Array(Vec::new()),
    };
}
