//! The shared secrets of operators' tokens (HS256): one, or several while one takes another's place.

use super::seal;
use footfall_protocol::limits::ADMIN_SECRETS_MAX;

/// The secrets. The key is a secret's text itself.
#[derive(Debug, Default)]
pub(super) struct Secrets(Vec<String>);

/// The least length of a secret, in bytes: that of its signatures (RFC 7518 §3.2).
const BYTES_MIN: usize = 32;

impl Secrets {
    /// Reads a secret, or a JSON array of them.
    ///
    /// # Errors
    /// A sentence that says what is wrong, without any part of a secret.
    pub(super) fn parse(said: String) -> Result<Self, String> {
        let secrets: Vec<String> = if said.trim_start().starts_with('[') {
            let form =
                |_| r#"must be a text that does not begin with [, or ["the new text", "the old text"]"#.to_owned();
            serde_json::from_str(&said).map_err(form)?
        } else {
            vec![said]
        };
        if secrets.is_empty() || secrets.len() > ADMIN_SECRETS_MAX {
            return Err(format!("must have 1 to {ADMIN_SECRETS_MAX} texts"));
        }
        if secrets.iter().any(|secret| secret.len() < BYTES_MIN) {
            return Err(format!("is shorter than {BYTES_MIN} bytes"));
        }
        Ok(Self(secrets))
    }

    /// Whether one of them made the signature. All are tried, so that the time says nothing about which one it was.
    pub(super) fn verify(&self, signed: &str, signature: &str) -> bool {
        self.0.iter().fold(false, |genuine, secret| {
            let is_of_this = seal::verify(secret.as_bytes(), signed, signature);
            genuine | is_of_this
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "a secret of the test, long enough";
    const NEW: &str = "the secret that takes its place, long enough";

    fn list(secrets: &[&str]) -> String {
        serde_json::to_string(secrets).unwrap()
    }

    #[test]
    fn a_secret_can_take_anothers_place_while_tokens_of_both_are_good() {
        let good = |secrets: &Secrets, by: &str| secrets.verify("text", &seal::sign(by.as_bytes(), "text"));
        let both = Secrets::parse(list(&[NEW, OLD])).unwrap();
        assert!(good(&both, NEW) && good(&both, OLD));
        assert!(!good(&both, "another secret of the same length") && !good(&both, &list(&[NEW, OLD])));
        let after = Secrets::parse(NEW.to_owned()).unwrap();
        assert!(good(&after, NEW) && !good(&after, OLD));
        assert!(!good(&Secrets::default(), ""));
    }

    #[test]
    fn a_wrong_list_is_refused_without_showing_it() {
        let many = [NEW; ADMIN_SECRETS_MAX + 1];
        for wrong in ["[]", "[1]", r#"["unfinished"#, &list(&["too short", NEW]), &list(&[NEW, ""]), &list(&many)] {
            let says = Secrets::parse(wrong.to_owned()).unwrap_err();
            assert!(!says.contains("too short") && !says.contains(NEW), "{wrong}: {says}");
        }
    }
}
