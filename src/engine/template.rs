//! The one template syntax: `{{path}}`, `{{path | money}}`, `{{path | upper}}`, `{{path | default: "text"}}`.
//!
//! A template is compiled with its rule, and filling it in cannot fail: a missing field is empty text. In a content
//! member named `html`, and all below it, what is filled in is escaped for HTML; every other string is text, which a page
//! shows as text. `\{{` writes two braces. Filters act from left to right; `money` comes first, since it needs the number.

mod money;
mod parse;

use super::condition::number_text;
use super::fault::RuleFault;
use super::tree::{Field, Read, Root, Scope, Setting};
use footfall_protocol::limits::{TEMPLATE_FILL_BYTES_MAX, cut};
use footfall_protocol::{Object, Value};
use serde::{Deserialize, Serialize};

/// Content with its strings compiled. At most [`footfall_protocol::limits::TEMPLATE_FILLS_MAX`] places to fill in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// As an amount, with the currency that this field says.
    Money(Option<Field>),
    Upper,
    /// Instead of empty text.
    Default(String),
}

impl Template {
    /// Compiles content, an object, with all of the tree at hand.
    ///
    /// # Errors
    /// Every fault with its JSON pointer below `pointer`, and its column in characters from 1.
    pub fn compile(content: &Value, pointer: &str) -> Result<Self, Vec<RuleFault>> {
        Self::compile_in(Setting::Event, content, pointer)
    }

    /// Compiles content, an object, where only part of the tree may be at hand.
    ///
    /// # Errors
    /// As for [`Template::compile`].
    pub fn compile_in(setting: Setting, content: &Value, pointer: &str) -> Result<Self, Vec<RuleFault>> {
        parse::content(setting, content, pointer).map(Self)
    }

    /// Whether it is filled in with something of a part of the tree.
    pub fn reads(&self, root: Root) -> bool {
        let mut found = false;
        self.0.iter().for_each(|(_, node)| node.each_field(&mut |field| found |= field.root() == Some(root)));
        found
    }

    /// The content with everything filled in.
    pub fn render<S: Scope + ?Sized>(&self, scope: &S) -> Object {
        self.0.iter().map(|(key, node)| (key.clone(), node.render(scope))).collect()
    }
}

impl Node {
    /// Visits every field that is filled in, and every currency.
    fn each_field(&self, visit: &mut dyn FnMut(&Field)) {
        match self {
            Self::Plain(_) => {}
            Self::Text(parts) => parts.iter().for_each(|part| {
                let Part::Fill { field, filters, .. } = part else { return };
                visit(field);
                for filter in filters {
                    if let Filter::Money(Some(currency)) = filter {
                        visit(currency);
                    }
                }
            }),
            Self::List(nodes) => nodes.iter().for_each(|node| node.each_field(visit)),
            Self::Object(members) => members.iter().for_each(|(_, node)| node.each_field(visit)),
        }
    }

    fn render<S: Scope + ?Sized>(&self, scope: &S) -> Value {
        match self {
            Self::Plain(value) => value.clone(),
            Self::Text(parts) => {
                let mut text = String::new();
                parts.iter().for_each(|part| part.render(scope, &mut text));
                Value::String(text)
            }
            Self::List(nodes) => Value::Array(nodes.iter().map(|node| node.render(scope)).collect()),
            Self::Object(members) => {
                Value::Object(members.iter().map(|(key, node)| (key.clone(), node.render(scope))).collect())
            }
        }
    }
}

impl Part {
    fn render<S: Scope + ?Sized>(&self, scope: &S, out: &mut String) {
        let (field, filters, escape) = match self {
            Self::Literal(text) => return out.push_str(text),
            Self::Fill { field, filters, escape } => (field, filters, *escape),
        };
        let value = scope.read(field);
        let mut text = plain(&value);
        for filter in filters {
            match filter {
                Filter::Money(currency) => {
                    let currency = currency.as_ref().map(|currency| plain(&scope.read(currency))).unwrap_or_default();
                    text = money::shown(&value, &currency).unwrap_or(text);
                }
                Filter::Upper => text = text.to_uppercase(),
                Filter::Default(other) if text.is_empty() => text.clone_from(other),
                Filter::Default(_) => {}
            }
        }
        let text = cut(&text, TEMPLATE_FILL_BYTES_MAX);
        if escape { push_escaped(text, out) } else { out.push_str(text) }
    }
}

/// A value as text: numbers as a browser writes them, lists with commas, objects and what is missing as nothing.
fn plain(value: &Read<'_>) -> String {
    match value {
        Read::Missing | Read::Object(_) => String::new(),
        Read::Bool(flag) => flag.to_string(),
        Read::Number(number) => number_text(*number),
        Read::Str(text) => cut(text, TEMPLATE_FILL_BYTES_MAX).to_owned(),
        Read::Texts(texts) => texts.join(", "),
        Read::Value(value) => plain_value(value),
    }
}

fn plain_value(value: &Value) -> String {
    match value {
        Value::Null | Value::Object(_) => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number_text(*number),
        Value::String(text) => cut(text, TEMPLATE_FILL_BYTES_MAX).to_owned(),
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().map(plain_value).filter(|text| !text.is_empty()).collect();
            texts.join(", ")
        }
    }
}

/// Text that is safe between tags and within quoted attributes of HTML.
fn push_escaped(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tree::Known;

    /// A cart of 129 in some currency, a product whose name is an attack, and an event.
    struct Shop(&'static str);

    impl Scope for Shop {
        fn read<'a>(&'a self, field: &Field) -> Read<'a> {
            let Field::Known(known, path) = field else { return Read::Missing };
            match (known, path.join(".").as_str()) {
                (Known::CartValue, _) => Read::Number(129.0),
                (Known::CartCurrency, _) => Read::text(self.0),
                (Known::ProfileRevenue, _) => Read::Number(1234.5),
                (Known::PageProductName, _) => Read::Str("<b>\"Tent\" & 'Co'</b>"),
                (Known::DeviceGpc, _) => Read::Bool(true),
                (Known::EventProperties, "price") => Read::Number(3.5),
                (Known::EventProperties, "currency") => Read::Str("kwd"),
                (Known::EventProperties, "size") => Read::Str("M"),
                (Known::PageTitle, _) => Read::Str("äöü"),
                _ => Read::Missing,
            }
        }
    }

    fn rendered(text: &str, currency: &'static str) -> String {
        let content: Value = [("text".to_owned(), Value::from(text))].into_iter().collect::<Object>().into();
        let template = Template::compile(&content, "").unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
        template.render(&Shop(currency)).get("text").unwrap().as_str().unwrap().to_owned()
    }

    #[test]
    fn places_are_filled_in() {
        for (text, filled) in [
            ("Only {{cart.value | money}}!", "Only 129.00 EUR!"),
            ("{{cart.value}}", "129"),
            ("{{ page.title|upper }}", "ÄÖÜ"),
            ("{{geo.city}}", ""),
            ("{{geo.city | default: \"your town\"}}", "your town"),
            ("{{geo.city | default: \"a | b }} \\\"c\\\"\" | upper}}", "A | B }} \"C\""),
            ("{{page.title | default: \"x\"}}", "äöü"),
            ("\\{{cart.value}}", "{{cart.value}}"),
            ("a } b }} { c", "a } b }} { c"),
            ("{{event.properties.price | money}}", "3.500 KWD"),
            ("{{event.properties.size | money}}", "M"),
            ("{{profile.revenue | money}}", "1234.50"),
            ("{{device.gpc}}{{page.path}}.", "true."),
            ("", ""),
        ] {
            assert_eq!(rendered(text, "EUR"), filled, "{text}");
        }
    }

    #[test]
    fn money_has_the_decimals_of_its_currency() {
        for (currency, shown) in
            [("JPY", "129 JPY"), ("KWD", "129.000 KWD"), ("EUR", "129.00 EUR"), ("", "129.00"), ("<b>", "129.00")]
        {
            assert_eq!(rendered("{{cart.value | money}}", currency), shown);
        }
    }

    #[test]
    fn html_is_escaped_and_text_is_not() {
        let content = r#"{"html": "<p>{{page.product.name}}</p>", "text": "{{page.product.name}}",
            "more": {"html": {"a": ["{{page.product.name}}"]}}, "n": 1, "x": [null, true]}"#;
        let content: Value = serde_json::from_str(content).unwrap();
        let shown = Value::Object(Template::compile(&content, "").unwrap().render(&Shop("")));
        let escaped = "&lt;b&gt;&quot;Tent&quot; &amp; &#39;Co&#39;&lt;/b&gt;";
        assert_eq!(shown.get("html"), Some(&format!("<p>{escaped}</p>").into()));
        assert_eq!(shown.get("text"), Some(&"<b>\"Tent\" & 'Co'</b>".into()));
        let below = shown.get("more").and_then(|more| more.get("html")).and_then(|html| html.get("a"));
        assert_eq!(below, Some(&Value::Array(vec![escaped.into()])));
        assert_eq!(shown.get("x"), content.get("x"));
    }

    #[test]
    fn what_is_filled_in_is_bounded() {
        struct Long(String);
        impl Scope for Long {
            fn read<'a>(&'a self, _: &Field) -> Read<'a> {
                Read::Str(&self.0)
            }
        }
        let content: Value = serde_json::from_str(r#"{"a": "{{page.title}}"}"#).unwrap();
        let shown = Template::compile(&content, "").unwrap().render(&Long("é".repeat(10_000)));
        assert_eq!(shown.get("a").unwrap().as_str().unwrap().len(), TEMPLATE_FILL_BYTES_MAX);
    }
}
