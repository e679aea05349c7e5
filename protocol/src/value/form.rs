//! How values are written and read: as JSON, and as postcard has them.

use super::{Members, Object, Tree, Value};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

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
enum PackedRef<'a, T: AsRef<str>> {
    Null,
    Bool(bool),
    Number(f64),
    String(&'a str),
    Array(&'a [Tree<T>]),
    Object(&'a [(T, Tree<T>)]),
}

impl<T: AsRef<str> + Serialize> Serialize for Tree<T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if !s.is_human_readable() {
            return match self {
                Self::Null => PackedRef::Null,
                Self::Bool(b) => PackedRef::Bool(*b),
                Self::Number(n) => PackedRef::Number(*n),
                Self::String(t) => PackedRef::String(t.as_ref()),
                Self::Array(a) => PackedRef::Array(a),
                Self::Object(o) => PackedRef::Object(&o.0),
            }
            .serialize(s);
        }
        match self {
            Self::Null => s.serialize_unit(),
            Self::Bool(b) => s.serialize_bool(*b),
            Self::Number(n) => serialize_number(*n, s),
            Self::String(t) => s.serialize_str(t.as_ref()),
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

impl<T: AsRef<str> + Serialize> Serialize for Members<T> {
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
            return Json(PhantomData).deserialize(d);
        }
        Ok(match Packed::deserialize(d)? {
            Packed::Null => Self::Null,
            Packed::Bool(b) => Self::Bool(b),
            Packed::Number(n) => Self::Number(n),
            Packed::String(t) => Self::String(t),
            Packed::Array(a) => Self::Array(a),
            Packed::Object(o) => Self::Object(Members(o)),
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

/// For JSON only, and without a copy of what needs no unescaping.
impl<'de> Deserialize<'de> for Tree<Cow<'de, str>> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Json(PhantomData).deserialize(d)
    }
}

/// How a tree has its texts.
trait Text<'de>: AsRef<str> + Sized {
    fn borrowed(text: &'de str) -> Self;
    fn owned(text: String) -> Self;
}

impl Text<'_> for String {
    fn borrowed(text: &str) -> Self {
        text.to_owned()
    }
    fn owned(text: String) -> Self {
        text
    }
}

impl<'de> Text<'de> for Cow<'de, str> {
    fn borrowed(text: &'de str) -> Self {
        Cow::Borrowed(text)
    }
    fn owned(text: String) -> Self {
        Cow::Owned(text)
    }
}

/// Reads a key.
struct Key<T>(PhantomData<T>);

impl<'de, T: Text<'de>> DeserializeSeed<'de> for Key<T> {
    type Value = T;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<T, D::Error> {
        d.deserialize_str(self)
    }
}

impl<'de, T: Text<'de>> Visitor<'de> for Key<T> {
    type Value = T;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_borrowed_str<E>(self, v: &'de str) -> Result<T, E> {
        Ok(T::borrowed(v))
    }
    fn visit_str<E>(self, v: &str) -> Result<T, E> {
        Ok(T::owned(v.to_owned()))
    }
    fn visit_string<E>(self, v: String) -> Result<T, E> {
        Ok(T::owned(v))
    }
}

/// Reads a value.
struct Json<T>(PhantomData<T>);

impl<'de, T: Text<'de>> DeserializeSeed<'de> for Json<T> {
    type Value = Tree<T>;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Tree<T>, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de, T: Text<'de>> Visitor<'de> for Json<T> {
    type Value = Tree<T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Tree<T>, E> {
        Ok(Tree::Null)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Tree<T>, E> {
        Ok(Tree::Bool(v))
    }
    #[expect(clippy::cast_precision_loss, reason = "JSON numbers are doubles")]
    fn visit_i64<E>(self, v: i64) -> Result<Tree<T>, E> {
        Ok(Tree::Number(v as f64))
    }
    #[expect(clippy::cast_precision_loss, reason = "JSON numbers are doubles")]
    fn visit_u64<E>(self, v: u64) -> Result<Tree<T>, E> {
        Ok(Tree::Number(v as f64))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Tree<T>, E> {
        Ok(Tree::Number(v))
    }
    fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Tree<T>, E> {
        Ok(Tree::String(T::borrowed(v)))
    }
    fn visit_str<E>(self, v: &str) -> Result<Tree<T>, E> {
        Ok(Tree::String(T::owned(v.to_owned())))
    }
    fn visit_string<E>(self, v: String) -> Result<Tree<T>, E> {
        Ok(Tree::String(T::owned(v)))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Self(PhantomData))? {
            items.push(item);
        }
        Ok(Tree::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree<T>, A::Error> {
        let mut object = Members::new();
        while let Some((key, value)) = map.next_entry_seed(Key::<T>(PhantomData), Self(PhantomData))? {
            if object.len() >= crate::limits::OBJECT_MEMBERS_MAX {
                return Err(A::Error::custom("the object has too many members"));
            }
            let key: T = key;
            if object.get(key.as_ref()).is_some() {
                return Err(A::Error::custom(format!("the key \"{}\" stands twice in one object", key.as_ref())));
            }
            object.0.push((key, value));
        }
        Ok(Tree::Object(object))
    }
}
