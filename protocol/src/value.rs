//! A JSON value that both JSON and postcard can carry, with object keys in the order they were written.

use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A JSON value (RFC 8259). Numbers are IEEE 754 doubles, as in every browser.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A finite double.
    Number(f64),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Self>),
    /// An object.
    Object(Object),
}

/// The members of a JSON object in the order they were written; keys are unique.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object(Vec<(String, Value)>);

impl Object {
    /// An object without members.
    pub const fn new() -> Self {
        Self(Vec::new())
    }
    /// The member with this key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }
    /// Sets a member; a key that is there keeps its place.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        let (key, value) = (key.into(), value.into());
        match self.0.iter_mut().find(|(k, _)| *k == key) {
            Some(slot) => slot.1 = value,
            None => self.0.push((key, value)),
        }
    }
    /// Takes a member out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.0.iter().position(|(k, _)| k == key)?;
        Some(self.0.remove(at).1)
    }
    /// Number of members.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// The members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v))
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
    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(s) = self { Some(s) } else { None }
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
    pub fn as_object(&self) -> Option<&Object> {
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
        $(impl From<$type> for Value { fn from(v: $type) -> Self { $variant(v) } })*
    };
}
from! {
    bool => Value::Bool,
    f64 => Value::Number,
    u32 => |v| Value::Number(f64::from(v)),
    i32 => |v| Value::Number(f64::from(v)),
    String => Value::String,
    &str => |v: &str| Value::String(v.to_owned()),
    Object => Value::Object,
    Vec<Value> => Value::Array,
}

/// Milliseconds and counters stay exact up to 2^53, which is as far as JSON numbers reach in a browser.
#[expect(clippy::cast_precision_loss, reason = "documented: exact up to 2^53")]
impl From<u64> for Value {
    fn from(v: u64) -> Self {
        Self::Number(v as f64)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Self {
        v.map_or(Self::Null, Into::into)
    }
}

/// The stored and internal form: postcard cannot say "any", so it is written as a plain enum.
#[derive(Serialize, Deserialize)]
enum Packed {
    Null,
    Bool(bool),
    Number(f64),
    String(String),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
}

#[derive(Serialize)]
enum PackedRef<'a> {
    Null,
    Bool(bool),
    Number(f64),
    String(&'a str),
    Array(&'a [Value]),
    Object(&'a [(String, Value)]),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if !s.is_human_readable() {
            return match self {
                Self::Null => PackedRef::Null,
                Self::Bool(b) => PackedRef::Bool(*b),
                Self::Number(n) => PackedRef::Number(*n),
                Self::String(t) => PackedRef::String(t),
                Self::Array(a) => PackedRef::Array(a),
                Self::Object(o) => PackedRef::Object(&o.0),
            }
            .serialize(s);
        }
        match self {
            Self::Null => s.serialize_unit(),
            Self::Bool(b) => s.serialize_bool(*b),
            Self::Number(n) => serialize_number(*n, s),
            Self::String(t) => s.serialize_str(t),
            Self::Array(a) => a.serialize(s),
            Self::Object(o) => o.serialize(s),
        }
    }
}

/// Whole numbers are written without a fraction, as JavaScript writes them.
#[expect(clippy::cast_possible_truncation, reason = "guarded: whole and within 2^53")]
fn serialize_number<S: Serializer>(n: f64, s: S) -> Result<S::Ok, S::Error> {
    if n.fract() == 0.0 && n.abs() < 9_007_199_254_740_992.0 { s.serialize_i64(n as i64) } else { s.serialize_f64(n) }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if !s.is_human_readable() {
            return self.0.serialize(s);
        }
        let mut map = s.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            return d.deserialize_any(Json);
        }
        Ok(match Packed::deserialize(d)? {
            Packed::Null => Self::Null,
            Packed::Bool(b) => Self::Bool(b),
            Packed::Number(n) => Self::Number(n),
            Packed::String(t) => Self::String(t),
            Packed::Array(a) => Self::Array(a),
            Packed::Object(o) => Self::Object(Object(o)),
        })
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if !d.is_human_readable() {
            return Vec::deserialize(d).map(Self);
        }
        let value = Value::deserialize(d)?;
        let kind = value.type_name();
        if let Value::Object(object) = value {
            return Ok(object);
        }
        Err(D::Error::custom(format!("an object is wanted, not {kind}")))
    }
}

struct Json;

impl<'de> Visitor<'de> for Json {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }
    #[expect(clippy::cast_precision_loss, reason = "JSON numbers are doubles")]
    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Number(v as f64))
    }
    #[expect(clippy::cast_precision_loss, reason = "JSON numbers are doubles")]
    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::Number(v as f64))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Value::Number(v))
    }
    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::String(v.to_owned()))
    }
    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::String(v))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            if object.len() >= crate::limits::OBJECT_MEMBERS_MAX {
                return Err(A::Error::custom("the object has too many members"));
            }
            if object.get(&key).is_some() {
                return Err(A::Error::custom(format!("the key \"{key}\" stands twice in one object")));
            }
            object.0.push((key, value));
        }
        Ok(Value::Object(object))
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
    fn a_key_that_stands_twice_is_refused() {
        let error = serde_json::from_str::<Value>(r#"{"a":1,"a":2}"#).unwrap_err();
        assert!(error.to_string().contains("stands twice"), "{error}");
    }
}
