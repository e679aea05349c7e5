//! The one template syntax: `{{path}}`, `{{path | money}}`, `{{path | upper}}`, `{{path | default: "text"}}`.
//!
//! A template is compiled with its rule, and filling it in cannot fail: a missing field is empty text. In a content
//! member named `html` what is filled in is escaped for HTML; every other string is text, which a page shows as text.
//! `\{{` writes two braces.

use super::fault::RuleFault;
use super::tree::{self, Field, Known, Read, Scope};
use footfall_protocol::rejection::{push_index, push_pointer};
use footfall_protocol::{Amount, Object, Value};
use serde::{Deserialize, Serialize};

/// Greatest depth of content.
const DEPTH_MAX: usize = 6;
/// Fillings of one template.
const FILLS_MAX: usize = 64;

/// Content with its strings compiled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Template(Vec<(String, Node)>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Node {
    Plain(Value),
    Text(Vec<Part>),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Part {
    Literal(String),
    Fill { field: Field, filters: Vec<Filter>, escape: bool },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Filter {
    Money,
    Upper,
    Default(String),
}

impl Template {
    /// Compiles content, an object.
    ///
    /// # Errors
    /// Every fault with its JSON pointer below `pointer`.
    pub fn compile(content: &Value, pointer: &str) -> Result<Self, Vec<RuleFault>> {
        let mut compiler = Compiler { faults: Vec::new(), fills: 0 };
        let object = content.as_object().filter(|object| !object.is_empty());
        let members = object.map(|object| compiler.members(object, pointer, 0)).unwrap_or_default();
        if object.is_none() {
            compiler.fault(pointer, "wants an object with members, such as {\"text\": \"…\"}");
        }
        if compiler.faults.is_empty() { Ok(Self(members)) } else { Err(compiler.faults) }
    }

    /// The content with everything filled in.
    pub fn render<S: Scope + ?Sized>(&self, scope: &S) -> Object {
        self.0.iter().map(|(key, node)| (key.clone(), node.render(scope))).collect()
    }
}

struct Compiler {
    faults: Vec<RuleFault>,
    fills: usize,
}

impl Compiler {
    fn fault(&mut self, pointer: &str, message: impl Into<String>) {
        self.faults.push(RuleFault::at(pointer, "template", message));
    }

    fn members(&mut self, object: &Object, pointer: &str, depth: usize) -> Vec<(String, Node)> {
        let mut members = Vec::with_capacity(object.len());
        for (key, value) in object.iter() {
            let mut at = pointer.to_owned();
            push_pointer(&mut at, key);
            members.push((key.to_owned(), self.node(value, &at, key == "html", depth + 1)));
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
            Value::Object(object) => Node::Object(self.members(object, pointer, depth)),
        }
    }

    fn text(&mut self, text: &str, pointer: &str, escape: bool) -> Vec<Part> {
        let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find("{{") {
            let before = &rest[..at];
            let column = text.len() - rest.len() + at + 1;
            if let Some(before) = before.strip_suffix('\\') {
                literal.push_str(before);
                literal.push_str("{{");
                rest = &rest[at + 2..];
                continue;
            }
            literal.push_str(before);
            let Some(end) = rest[at..].find("}}") else {
                self.fault(pointer, format!("column {column}: `{{{{` is not closed by `}}}}`"));
                return parts;
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            match fill(&rest[at + 2..at + end], escape) {
                Ok(part) => parts.push(part),
                Err(message) => self.fault(pointer, format!("column {column}: {message}")),
            }
            self.fills += 1;
            if self.fills == FILLS_MAX + 1 {
                self.fault(pointer, format!("at most {FILLS_MAX} values are filled in"));
            }
            rest = &rest[at + end + 2..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        parts
    }
}

fn fill(inside: &str, escape: bool) -> Result<Part, String> {
    let mut parts = inside.split('|').map(str::trim);
    let field = tree::resolve(parts.next().unwrap_or_default())?;
    let filters = parts.map(|filter| match filter.split_once(':').map(|(name, text)| (name.trim(), text.trim())) {
        None if filter == "money" => Ok(Filter::Money),
        None if filter == "upper" => Ok(Filter::Upper),
        Some(("default", text)) => {
            let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            text.map(|text| Filter::Default(text.to_owned()))
                .ok_or_else(|| "`default` wants a text in double quotes".to_owned())
        }
        _ => Err(format!("`{filter}` is not a filter; there are: money, upper, default: \"text\"")),
    });
    Ok(Part::Fill { field, filters: filters.collect::<Result<_, _>>()?, escape })
}

impl Node {
    fn render<S: Scope + ?Sized>(&self, scope: &S) -> Value {
        match self {
            Self::Plain(value) => value.clone(),
            Self::Text(parts) => Value::String(parts.iter().map(|part| part.render(scope)).collect()),
            Self::List(nodes) => Value::Array(nodes.iter().map(|node| node.render(scope)).collect()),
            Self::Object(members) => {
                Value::Object(members.iter().map(|(key, node)| (key.clone(), node.render(scope))).collect())
            }
        }
    }
}

impl Part {
    fn render<S: Scope + ?Sized>(&self, scope: &S) -> String {
        let Self::Fill { field, filters, escape } = self else {
            return if let Self::Literal(text) = self { text.clone() } else { String::new() };
        };
        let value = scope.read(field);
        let mut text = plain(&value);
        for filter in filters {
            text = match filter {
                Filter::Money => money(&value, field, scope).unwrap_or(text),
                Filter::Upper => text.to_uppercase(),
                Filter::Default(other) if text.is_empty() => other.clone(),
                Filter::Default(_) => text,
            };
        }
        if *escape { escaped(&text) } else { text }
    }
}

fn plain(value: &Read<'_>) -> String {
    match value.clone().into_value() {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text,
        Some(other) => serde_json::to_string(&other).unwrap_or_default(),
    }
}

/// A number with its currency, `129.00 EUR`: the currency of the product for its price, else the cart's.
fn money<S: Scope + ?Sized>(value: &Read<'_>, field: &Field, scope: &S) -> Option<String> {
    let number = value.clone().into_value()?.as_f64()?;
    let beside = match field {
        Field::Known(Known::PageProductPrice, _) => Known::PageProductCurrency,
        Field::Known(..) | Field::Any(_) => Known::CartCurrency,
    };
    let currency = plain(&scope.read(&Field::Known(beside, Vec::new())));
    let amount = Amount::from_units(number)?.fixed(minor_digits(&currency));
    Some(if currency.is_empty() { amount } else { format!("{amount} {currency}") })
}

/// Decimals of a currency (ISO 4217).
fn minor_digits(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
