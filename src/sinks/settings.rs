//! Which sinks a site has besides the database, as `SITES` says them.

use super::Sink;
use crate::access::origin::origin_of;
use footfall_protocol::duration::parse_ms;
use footfall_protocol::ids::SiteId;
use footfall_protocol::limits::{SINK_TIMEOUT_MS, SINK_TRIES_MAX};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A site's sinks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sinks {
    /// The store's own service.
    pub origin: Option<Origin>,
    /// Whether records are also written to files in R2.
    pub archive: bool,
}

/// The store's own service, which takes records over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Where to.
    pub url: String,
    /// In which form.
    pub format: Format,
    /// Whether bodies are compressed.
    pub gzip: bool,
    /// Tries before a message goes to the dead letters.
    pub tries: u32,
    /// How long an answer is waited for, in milliseconds.
    pub timeout_ms: u64,
}

/// The form of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Ndjson,
    /// One JSON object with all of them in `records`.
    Json,
}

/// The settings as they are written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Authored {
    origin: Option<AuthoredOrigin>,
    archive: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthoredOrigin {
    url: String,
    #[serde(default)]
    format: Format,
    #[serde(default = "yes")]
    gzip: bool,
    tries: Option<u32>,
    timeout: Option<String>,
}

const fn yes() -> bool {
    true
}

impl Sinks {
    /// All sinks of the site.
    pub fn all(&self) -> impl Iterator<Item = Sink> {
        let of = |is: bool, sink| is.then_some(sink);
        [Some(Sink::D1), of(self.origin.is_some(), Sink::Origin), of(self.archive, Sink::Archive)].into_iter().flatten()
    }

    /// Tries of a message before it goes to the dead letters of a sink.
    pub fn tries(&self, sink: Sink) -> u32 {
        let origin = self.origin.as_ref().filter(|_| sink == Sink::Origin);
        origin.map_or(SINK_TRIES_MAX, |origin| origin.tries)
    }
}

impl Authored {
    /// Checks the settings.
    ///
    /// # Errors
    /// A sentence that begins with the member.
    pub fn compile(self) -> Result<Sinks, String> {
        Ok(Sinks { origin: self.origin.map(AuthoredOrigin::compile).transpose()?, archive: self.archive })
    }
}

impl AuthoredOrigin {
    fn compile(self) -> Result<Origin, String> {
        if !is_fit(&self.url) {
            return Err(format!(
                "sinks.origin.url: `{}` is no address that records may go to: write it like https://shop.example/footfall",
                self.url
            ));
        }
        let tries = self.tries.unwrap_or(SINK_TRIES_MAX);
        if !(1..=SINK_TRIES_MAX).contains(&tries) {
            return Err(format!("sinks.origin.tries: `{tries}` is not from 1 to {SINK_TRIES_MAX}"));
        }
        let timeout_ms = self.timeout.as_deref().map_or(Some(SINK_TIMEOUT_MS), parse_ms);
        let timeout_ms = timeout_ms.filter(|ms| (100..=SINK_TIMEOUT_MS).contains(ms));
        let timeout_ms =
            timeout_ms.ok_or_else(|| format!("sinks.origin.timeout: is not from 100ms to {SINK_TIMEOUT_MS}ms"))?;
        Ok(Origin { url: self.url, format: self.format, gzip: self.gzip, tries, timeout_ms })
    }
}

/// The least length of a secret, in bytes: that of its signatures.
const SECRET_BYTES_MIN: usize = 32;

/// Reads `ORIGIN_SECRETS`: `{"shop":"a text of at least 32 bytes"}`, the secret of each site's origin.
///
/// # Errors
/// A sentence that says what is wrong, without any part of a secret.
pub fn parse_secrets(text: &str) -> Result<BTreeMap<SiteId, String>, String> {
    let form = || format!(r#"must be {{"site":"a text of at least {SECRET_BYTES_MIN} bytes"}}"#);
    let authored: BTreeMap<String, String> = serde_json::from_str(text).map_err(|_| form())?;
    let secrets = authored.into_iter().map(|(site, secret)| {
        let site = SiteId::parse(&site).ok_or_else(|| format!("`{site}` is no site id"))?;
        (secret.len() >= SECRET_BYTES_MIN).then_some((site, secret)).ok_or_else(form)
    });
    secrets.collect()
}

/// Records are about people, so that they go out encrypted; only a service on this very machine is told in the clear.
fn is_fit(url: &str) -> bool {
    let Some(origin) = origin_of(url) else { return false };
    let plain = url.bytes().all(|b| b.is_ascii_graphic()) && !url.contains(['#', '\\']) && !origin.contains('@');
    let host = origin.strip_prefix("http://");
    let here = |host: &str| {
        let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
        ["localhost", "127.0.0.1", "[::1]"].contains(&name.map_or(host, |(name, _)| name))
    };
    plain && host.is_none_or(here)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Sinks, String> {
        serde_json::from_str::<Authored>(text).map_err(|error| error.to_string())?.compile()
    }

    #[test]
    fn a_site_names_its_sinks() {
        let sinks = parse(r#"{"origin":{"url":"https://shop.example/in"},"archive":true}"#).unwrap();
        let origin = sinks.origin.clone().unwrap();
        assert_eq!((origin.format, origin.gzip, origin.tries), (Format::Ndjson, true, SINK_TRIES_MAX));
        assert_eq!(sinks.all().collect::<Vec<_>>(), [Sink::D1, Sink::Origin, Sink::Archive]);
        let text =
            r#"{"origin":{"url":"http://127.0.0.1:80/in","format":"json","gzip":false,"tries":3,"timeout":"1s"}}"#;
        let sinks = parse(text).unwrap();
        let origin = sinks.origin.clone().unwrap();
        assert_eq!((origin.format, origin.gzip, origin.tries, origin.timeout_ms), (Format::Json, false, 3, 1_000));
        assert_eq!((sinks.tries(Sink::Origin), sinks.tries(Sink::D1)), (3, SINK_TRIES_MAX));
        assert_eq!(parse("{}").unwrap().all().collect::<Vec<_>>(), [Sink::D1]);
    }

    #[test]
    fn records_go_out_encrypted_or_not_at_all() {
        for url in ["https://shop.example", "https://shop.example:8443/a?b=c", "http://localhost/x", "http://[::1]:9/x"]
        {
            assert!(is_fit(url), "{url}");
        }
        for url in [
            "",
            "shop.example",
            "http://shop.example/",
            "http://localhost.example/",
            "http://127.0.0.1@shop.example/",
            "https://user:secret@shop.example/",
            "http://127.0.0.1:80@shop.example",
            "https://shop.example/#x",
            "https://shop.example/ x",
            "http:\\\\shop.example",
            "ftp://shop.example/",
        ] {
            assert!(!is_fit(url), "{url}");
        }
    }

    #[test]
    fn secrets_are_by_site_and_not_shown_when_they_are_wrong() {
        let secrets = parse_secrets(r#"{"shop":"0123456789abcdef0123456789abcdef"}"#).unwrap();
        assert_eq!(secrets[&SiteId::parse("shop").unwrap()].len(), 32);
        for bad in
            ["", "[]", r#"{"shop":"hidden"}"#, r#"{"Shop":"hiddenhiddenhiddenhiddenhiddenhidden"}"#, r#"{"shop":1}"#]
        {
            assert!(!parse_secrets(bad).unwrap_err().contains("hidden"), "{bad}");
        }
    }

    #[test]
    fn faults_name_the_member() {
        for (text, says) in [
            (r#"{"kafka":{}}"#, "unknown field `kafka`"),
            (r#"{"origin":{}}"#, "missing field `url`"),
            (r#"{"origin":{"url":"http://shop.example"}}"#, "sinks.origin.url"),
            (r#"{"origin":{"url":"https://shop.example","format":"xml"}}"#, "unknown variant `xml`"),
            (r#"{"origin":{"url":"https://shop.example","tries":0}}"#, "sinks.origin.tries"),
            (r#"{"origin":{"url":"https://shop.example","timeout":"1h"}}"#, "sinks.origin.timeout"),
        ] {
            let fault = parse(text).unwrap_err();
            assert!(fault.contains(says), "{text}: {fault}");
        }
    }
}
