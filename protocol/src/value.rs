//! A JSON value that both JSON and postcard can carry, with object keys in the order they were written.

mod form;

use serde::Serialize;
use std::borrow::Cow;

/// A JSON value that owns its texts: what is kept and told.
pub type Value = Tree<String>;
/// A JSON object that owns its texts.
pub type Object = Members<String>;

/// A JSON value (RFC 8259). Numbers are IEEE 754 doubles, as in every browser. What is only read, and not kept, has texts
/// that stay where they are (`Cow<str>`).
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Tree<T> {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A finite double.
    Number(f64),
    /// A string.
    String(T),
    /// An array.
    Array(Vec<Self>),
    /// An object.
    Object(Members<T>),
}

/// The members of a JSON object in the order they were written; keys are unique.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members<T>(Vec<(T, Tree<T>)>);

impl<T: AsRef<str>> Members<T> {
    /// An object without members.
    pub const fn new() -> Self {
        Self(Vec::new())
    }
    /// The member with this key.
    pub fn get(&self, key: &str) -> Option<&Tree<T>> {
        self.0.iter().find(|(k, _)| k.as_ref() == key).map(|(_, v)| v)
    }
    /// Number of members.
    pub const fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether there is no member.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// The members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tree<T>)> {
        self.0.iter().map(|(k, v)| (k.as_ref(), v))
    }
}

impl<T: AsRef<str>> Members<T> {
    /// Sets a member; a key that is there keeps its place.
    pub fn insert(&mut self, key: impl Into<T>, value: impl Into<Tree<T>>) {
        let (key, value) = (key.into(), value.into());
        match self.0.iter_mut().find(|(k, _)| k.as_ref() == key.as_ref()) {
            Some(slot) => slot.1 = value,
            None => self.0.push((key, value)),
        }
    }
    /// Takes a member out.
    pub fn remove(&mut self, key: &str) -> Option<Tree<T>> {
        let at = self.0.iter().position(|(k, _)| k.as_ref() == key)?;
        Some(self.0.remove(at).1)
    }
    /// The same with texts of its own.
    pub fn to_object(&self) -> Object {
        self.with_texts(&|text| text.as_ref().to_owned())
    }
    /// The same with its texts where they are.
    pub fn borrowed(&self) -> Members<Cow<'_, str>> {
        self.with_texts(&|text| Cow::Borrowed(text.as_ref()))
    }
    fn with_texts<'a, U>(&'a self, of: &impl Fn(&'a T) -> U) -> Members<U> {
        Members(self.0.iter().map(|(key, value)| (of(key), value.with_texts(of))).collect())
    }
}

impl<T> Tree<T> {
    fn with_texts<'a, U>(&'a self, of: &impl Fn(&'a T) -> U) -> Tree<U>
    where
        T: AsRef<str>,
    {
        match self {
            Self::Null => Tree::Null,
            Self::Bool(b) => Tree::Bool(*b),
            Self::Number(n) => Tree::Number(*n),
            Self::String(text) => Tree::String(of(text)),
            Self::Array(items) => Tree::Array(items.iter().map(|item| item.with_texts(of)).collect()),
            Self::Object(object) => Tree::Object(object.with_texts(of)),
        }
    }
}

impl FromIterator<(String, Value)> for Object {
    fn from_iter<T: IntoIterator<Item = (String, Value)>>(iter: T) -> Self {
        let mut object = Self::new();
        for (key, value) in iter {
            object.insert(key, value);
        }
        object
    }
}

impl IntoIterator for Object {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<(String, Value)>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Value {
    /// Anything that serialises, as a JSON value; `null` when it does not.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        serde_json::to_string(value).ok().and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default()
    }
    /// The value as a type of one's own, if it has its shape.
    pub fn parse_as<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&serde_json::to_string(self).ok()?).ok()
    }
}

impl<T: AsRef<str>> Tree<T> {
    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(s) = self { Some(s.as_ref()) } else { None }
    }
    /// The number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        if let Self::Number(n) = self { Some(*n) } else { None }
    }
    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(b) = self { Some(*b) } else { None }
    }
    /// The members, if it is an object.
    pub fn as_object(&self) -> Option<&Members<T>> {
        if let Self::Object(o) = self { Some(o) } else { None }
    }
    /// The items, if it is an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(a) = self { Some(a) } else { None }
    }
    /// Whether it is `null`.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
    /// The member of an object, if it is one and has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }
    /// The field's own name for this type, as an author would say it.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

macro_rules! from {
    ($($type:ty => $variant:expr),* $(,)?) => {
        $(impl<T> From<$type> for Tree<T> { fn from(v: $type) -> Self { $variant(v) } })*
    };
}
from! {
    bool => Self::Bool,
    f64 => Self::Number,
    u32 => |v| Self::Number(f64::from(v)),
    i32 => |v| Self::Number(f64::from(v)),
    Members<T> => Self::Object,
    Vec<Self> => Self::Array,
}

impl<T: From<String>> From<String> for Tree<T> {
    fn from(v: String) -> Self {
        Self::String(v.into())
    }
}

impl<'a, T: From<&'a str>> From<&'a str> for Tree<T> {
    fn from(v: &'a str) -> Self {
        Self::String(v.into())
    }
}

/// Milliseconds and counters stay exact up to 2^53, which is as far as JSON numbers reach in a browser.
#[expect(clippy::cast_precision_loss, reason = "documented: exact up to 2^53")]
impl<T> From<u64> for Tree<T> {
    fn from(v: u64) -> Self {
        Self::Number(v as f64)
    }
}

impl<T, V: Into<Self>> From<Option<V>> for Tree<T> {
    fn from(v: Option<V>) -> Self {
        v.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_postcard_round_trip_with_key_order() {
        let text = r#"{"b":1,"a":[true,null,"x",1.5,{"z":-3}]}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), text);
        let packed = postcard::to_allocvec(&value).unwrap();
        assert_eq!(postcard::from_bytes::<Value>(&packed).unwrap(), value);
    }

    #[test]
    fn a_number_is_the_double_nearest_to_its_digits_as_in_a_browser() {
        let text = "3333333333333333333333333333333333333337.25";
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(value, Value::Number(text.parse().unwrap()));
        let again: Value = serde_json::from_str(&serde_json::to_string(&value).unwrap()).unwrap();
        assert_eq!(again, value);
    }

    #[test]
    fn what_is_only_read_is_the_same_value() {
        let text = r#"{"b":1,"a\u00e9":[true,null,"x","\n",1.5,{"z":-3}]}"#;
        let read: Tree<Cow<'_, str>> = serde_json::from_str(text).unwrap();
        let value: Value = serde_json::from_str(text).unwrap();
        let copied = |text: &Cow<'_, str>| matches!(text, Cow::Owned(_));
        let Tree::Object(members) = &read else { panic!("{read:?}") };
        assert_eq!(Value::Object(members.to_object()), value);
        assert_eq!(postcard::to_allocvec(&members.to_object().borrowed()), postcard::to_allocvec(members));
        assert_eq!(members.0.iter().map(|(key, _)| copied(key)).collect::<Vec<_>>(), [false, true]);
        assert!(serde_json::from_str::<Tree<Cow<'_, str>>>(r#"{"a":1,"a":2}"#).is_err());
    }

    #[test]
    fn a_key_that_stands_twice_is_refused() {
        let error = serde_json::from_str::<Value>(r#"{"a":1,"a":2}"#).unwrap_err();
        assert!(error.to_string().contains("stands twice"), "{error}");
    }
}
