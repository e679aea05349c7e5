//! Authored content → compiled content, with every fault at its pointer and column.

use super::{Filter, Node, Part};
use crate::engine::fault::RuleFault;
use crate::engine::tree::{Field, Kind, Known, Setting, nearest, resolve_in};
use footfall_protocol::limits::{DOCUMENT_FAULTS_MAX, TEMPLATE_FILLS_MAX, cut};
use footfall_protocol::rejection::{push_index, push_pointer};
use footfall_protocol::{Object, Value};

/// Greatest depth of content.
const DEPTH_MAX: usize = 6;

pub(super) fn content(setting: Setting, content: &Value, pointer: &str) -> Result<Vec<(String, Node)>, Vec<RuleFault>> {
    let mut compiler = Compiler { setting, faults: Vec::new(), fills: 0 };
    let object = content.as_object().filter(|object| !object.is_empty());
    let members = object.map(|object| compiler.members(object, pointer, false, 0)).unwrap_or_default();
    if object.is_none() {
        compiler.fault(pointer, "wants an object with members, such as {\"text\": \"…\"}");
    }
    if compiler.faults.is_empty() { Ok(members) } else { Err(compiler.faults) }
}

struct Compiler {
    setting: Setting,
    faults: Vec<RuleFault>,
    fills: usize,
}

impl Compiler {
    fn fault(&mut self, pointer: &str, message: impl Into<String>) {
        if self.faults.len() < DOCUMENT_FAULTS_MAX {
            self.faults.push(RuleFault::at(pointer, "template", message));
        }
    }

    fn members(&mut self, object: &Object, pointer: &str, html: bool, depth: usize) -> Vec<(String, Node)> {
        let mut members = Vec::with_capacity(object.len());
        for (key, value) in object.iter() {
            let mut at = pointer.to_owned();
            push_pointer(&mut at, key);
            members.push((key.to_owned(), self.node(value, &at, html || key == "html", depth + 1)));
        }
        members
    }

    fn node(&mut self, value: &Value, pointer: &str, html: bool, depth: usize) -> Node {
        if depth > DEPTH_MAX {
            self.fault(pointer, format!("content nests at most {DEPTH_MAX} levels deep"));
            return Node::Plain(Value::Null);
        }
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Node::Plain(value.clone()),
            Value::String(text) if !text.contains("{{") => Node::Plain(value.clone()),
            Value::String(text) => Node::Text(self.text(text, pointer, html)),
            Value::Array(items) => {
                let mut nodes = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    let mut at = pointer.to_owned();
                    push_index(&mut at, index);
                    nodes.push(self.node(item, &at, html, depth + 1));
                }
                Node::List(nodes)
            }
            Value::Object(object) => Node::Object(self.members(object, pointer, html, depth)),
        }
    }

    fn text(&mut self, text: &str, pointer: &str, escape: bool) -> Vec<Part> {
        let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find("{{") {
            let column = text[..text.len() - rest.len() + at].chars().count() + 1;
            let inside = &rest[at + 2..];
            if let Some(before) = rest[..at].strip_suffix('\\') {
                literal.push_str(before);
                literal.push_str("{{");
                rest = inside;
                continue;
            }
            literal.push_str(&rest[..at]);
            let Some(end) = close(inside) else {
                let message = format!("column {column}: `{{{{` is not closed by `}}}}`; for two braces write `\\{{{{`");
                self.fault(pointer, message);
                return parts;
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            match fill(self.setting, &inside[..end], escape) {
                Ok(part) => parts.push(part),
                Err(message) => self.fault(pointer, format!("column {column}: {message}")),
            }
            self.fills += 1;
            if self.fills == TEMPLATE_FILLS_MAX + 1 {
                self.fault(pointer, format!("at most {TEMPLATE_FILLS_MAX} places are filled in"));
            }
            rest = &inside[end + 2..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        parts
    }
}

/// Where `}}` stands that is not within a quoted text.
fn close(inside: &str) -> Option<usize> {
    let end = outside_quotes(inside).find(|(at, _)| inside[*at..].starts_with("}}"))?.0;
    // Another beginning before the end: this one was never closed.
    let again = outside_quotes(inside).find(|(at, _)| inside[*at..].starts_with("{{"));
    again.is_none_or(|(again, _)| again > end).then_some(end)
}

/// The characters that are not within double quotes, with their places; a backslash within quotes escapes.
fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut quoted, mut escaped) = (false, false);
    text.char_indices().filter(move |(_, c)| {
        let (was_quoted, was_escaped) = (quoted, escaped);
        escaped = was_quoted && !was_escaped && *c == '\\';
        if *c == '"' && !was_escaped {
            quoted = !was_quoted;
        }
        !was_quoted && *c != '"'
    })
}

fn fill(setting: Setting, inside: &str, escape: bool) -> Result<Part, String> {
    let mut ends: Vec<usize> = outside_quotes(inside).filter(|(_, c)| *c == '|').map(|(at, _)| at).collect();
    ends.push(inside.len());
    let path = inside[..ends[0]].trim();
    if path.is_empty() {
        return Err("a field is missing between the braces, such as `cart.value`".to_owned());
    }
    let field = resolve_in(setting, path)?;
    if field == Field::Known(Known::CartLines, Vec::new()) {
        return Err(
            "`cart.lines` is a list of objects and has no text; write `cart.line_count` or `cart.value`".to_owned()
        );
    }
    let mut filters = Vec::with_capacity(ends.len() - 1);
    for (index, pair) in ends.windows(2).enumerate() {
        filters.push(filter(inside[pair[0] + 1..pair[1]].trim(), &field, index == 0)?);
    }
    Ok(Part::Fill { field, filters, escape })
}

fn filter(text: &str, field: &Field, first: bool) -> Result<Filter, String> {
    let (name, argument) = match text.split_once(':') {
        Some((name, argument)) => (name.trim(), Some(argument.trim())),
        None => (text, None),
    };
    match (name, argument) {
        ("money", None) if !first => Err("`money` comes first: it needs the number itself".to_owned()),
        ("money", None) => match field.kind() {
            Some(Kind::Money(currency)) => Ok(Filter::Money(currency.map(|known| Field::Known(known, Vec::new())))),
            None => Ok(Filter::Money(beside(field))),
            Some(Kind::Text | Kind::OneOf(_) | Kind::Number | Kind::Flag | Kind::List | Kind::Open) => {
                Err(format!("`{}` is no amount of money; `money` is for fields such as `cart.value`", field.path()))
            }
        },
        ("upper", None) => Ok(Filter::Upper),
        ("default", Some(argument)) => quoted(argument).map(Filter::Default),
        ("default", None) => Err("`default` wants a text: `default: \"text\"`".to_owned()),
        ("money" | "upper", Some(_)) => Err(format!("`{name}` takes nothing after it")),
        (name, _) => {
            let advice = nearest(name, ["money", "upper", "default"]);
            Err(format!("`{}` is not a filter; {advice}", cut(name, 64)))
        }
    }
}

/// The `currency` beside an amount in an open object.
fn beside(field: &Field) -> Option<Field> {
    let Field::Known(known, path) = field else { return None };
    let mut path = path.clone();
    *path.last_mut()? = "currency".to_owned();
    Some(Field::Known(*known, path))
}

/// A text in double quotes, in which a backslash escapes.
fn quoted(text: &str) -> Result<String, String> {
    let wrong = || "`default` wants a text in double quotes: `default: \"text\"`".to_owned();
    let mut rest = text.strip_prefix('"').ok_or_else(wrong)?.chars();
    let mut read = String::new();
    loop {
        match rest.next().ok_or_else(wrong)? {
            '"' => return if rest.as_str().is_empty() { Ok(read) } else { Err(wrong()) },
            '\\' => read.push(rest.next().ok_or_else(wrong)?),
            c => read.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_have_a_column_and_advice() {
        for (text, said) in [
            ("é {{cart.vlaue}}", "column 3: `cart.vlaue` is not a field; did you mean `cart.value`?"),
            ("{{", "column 1: `{{` is not closed by `}}`"),
            ("a {{cart.value {{stage}}", "column 3: `{{` is not closed"),
            ("{{stage | default: \"}}", "column 1: `{{` is not closed"),
            ("{{}}", "a field is missing"),
            ("{{ | upper}}", "a field is missing"),
            ("{{stage | uper}}", "did you mean `upper`?"),
            ("{{stage | }}", "`` is not a filter; there are: money, upper, default"),
            ("{{stage | money}}", "`stage` is no amount of money"),
            ("{{cart.value | upper | money}}", "`money` comes first"),
            ("{{stage | default: text}}", "in double quotes"),
            ("{{stage | default: \"a\" b}}", "in double quotes"),
            ("{{stage | default}}", "wants a text"),
            ("{{stage | upper: 3}}", "takes nothing"),
            ("{{cart.lines}}", "list of objects"),
        ] {
            let object: Value = [("t".to_owned(), Value::from(text))].into_iter().collect::<Object>().into();
            let faults = content(Setting::Event, &object, "/c").unwrap_err();
            assert_eq!((faults.len(), faults[0].pointer.as_str()), (1, "/c/t"), "{text}: {faults:?}");
            assert!(faults[0].message.contains(said), "{text}: {faults:?}");
        }
        let event = Value::from(Object::from_iter([("t".to_owned(), Value::from("{{event.name}}"))]));
        assert!(content(Setting::Eventless, &event, "").unwrap_err()[0].message.contains("no event is at hand"));
        assert!(content(Setting::Event, &Value::Null, "").is_err());
    }
}
