//! A value kept as bytes of its own inside another, so that it can get further fields without the other's changing.

use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};

/// More bytes than all fields together that were ever added to one such value, as they are when empty.
const LACKING_BYTES_MAX: usize = 32;

/// A value whose fields are only ever appended: what an earlier release wrote is read with the new ones empty, and of what
/// a later one wrote the fields that are not known are skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nested<T>(pub T);

impl<T: Serialize> Serialize for Nested<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        postcard::to_allocvec(&self.0).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Nested<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut bytes = Vec::<u8>::deserialize(deserializer)?;
        bytes.extend_from_slice(&[0; LACKING_BYTES_MAX]);
        postcard::take_from_bytes(&bytes).map(|(value, _)| Self(value)).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_before_and_after_read_each_other() {
        let old = (Nested(7_u32), "after".to_owned());
        let new = (Nested((7_u32, "more".to_owned(), Some(1_u8))), "after".to_owned());
        let bytes = postcard::to_allocvec(&old).unwrap();
        let read: (Nested<(u32, String, Option<u8>)>, String) = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(read, (Nested((7, String::new(), None)), "after".to_owned()));
        let bytes = postcard::to_allocvec(&new).unwrap();
        assert_eq!(postcard::from_bytes::<(Nested<u32>, String)>(&bytes).unwrap(), old);
    }
}
