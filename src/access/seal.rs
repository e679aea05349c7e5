//! Signatures and fingerprints: HMAC-SHA256 (RFC 2104) and SHA-256, in base64url without padding (RFC 4648 §5).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use uuid::Uuid;

fn mac(key: &[u8], text: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(text.as_bytes());
    mac
}

/// The signature of a text.
pub fn sign(key: &[u8], text: &str) -> String {
    URL_SAFE_NO_PAD.encode(mac(key, text).finalize().into_bytes())
}

/// The signature of some bytes, which come in parts, in hexadecimal.
pub fn sign_hex(key: &[u8], parts: &[&[u8]]) -> String {
    let mut mac = mac(key, "");
    parts.iter().for_each(|part| mac.update(part));
    hex(&mac.finalize().into_bytes())
}

/// Whether this is the text's signature; takes the same time wherever the two differ.
pub fn verify(key: &[u8], text: &str, signature: &str) -> bool {
    decode(signature).is_some_and(|bytes| mac(key, text).verify_slice(&bytes).is_ok())
}

/// The bytes of a base64url text.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// SHA-256 of a secret. Secrets are looked up by it, so that the time of a look-up says nothing about them.
pub fn fingerprint(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// SHA-256 of some bytes in hexadecimal: the address of a piece of configuration.
pub fn content_address(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Under which name the life of a visitor is remembered as erased: nobody can tell from it who that was.
pub fn tombstone(site: &str, incarnation: Uuid) -> String {
    content_address(format!("{site}:{}", incarnation.hyphenated()).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_rfc_4231() {
        // Test case 2 of RFC 4231.
        let signature = sign(b"Jefe", "what do ya want for nothing?");
        assert_eq!(signature, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM");
        assert!(verify(b"Jefe", "what do ya want for nothing?", &signature));
        assert!(!verify(b"Jefe", "what do ya want for nothing!", &signature));
        assert!(!verify(b"jefe", "what do ya want for nothing?", &signature));
    }

    #[test]
    fn a_signature_of_the_wrong_form_is_wrong() {
        for bad in ["", "W9zB", "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=", "*"] {
            assert!(!verify(b"Jefe", "what do ya want for nothing?", bad), "{bad}");
        }
    }

    #[test]
    fn a_content_address_is_sha_256_in_hexadecimal() {
        assert_eq!(content_address(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_tombstones_name_is_pinned() {
        let name = tombstone("demo", Uuid::from_u128(1));
        assert_eq!(name, "afc242f17f76184a28f2cd297b39f5cad70f018459a4009fa855677344d69546");
        assert_ne!(name, tombstone("other", Uuid::from_u128(1)));
    }
}
