//! Rates as configuration says them, and whom a request's address stands for.

use crate::engine::Rate;
use footfall_protocol::duration::parse_ms;
use footfall_protocol::limits::{RATE_MS_MAX, RATE_MS_MIN};
use serde::Deserialize;
use std::net::IpAddr;

/// `{"count": 100, "per": "60s"}`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Authored {
    count: u32,
    per: String,
}

impl Authored {
    /// The rate, of at most `count_max` in its period.
    pub(super) fn compile(&self, count_max: u32) -> Result<Rate, String> {
        let Self { count, per } = self;
        if !(1..=count_max).contains(count) {
            return Err(format!("`count` must be from 1 to {count_max}"));
        }
        let per_ms = parse_ms(per).filter(|ms| (RATE_MS_MIN..=RATE_MS_MAX).contains(ms));
        let per_ms = per_ms.ok_or_else(|| format!("`per`: `{per}` must be a duration from 1s to 1h, such as 60s"))?;
        Ok(Rate { count: *count, per_ms })
    }
}

/// Under which name an address is counted: of IPv6 the first 64 bits, since a household has all below them.
pub fn address_key(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(mapped) => mapped.to_string(),
            None => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        },
        Ok(IpAddr::V4(address)) => address.to_string(),
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_a_count_and_a_period() {
        let compile = |text: &str| serde_json::from_str::<Authored>(text).unwrap().compile(1_000);
        assert_eq!(compile(r#"{"count":100,"per":"60s"}"#), Ok(Rate { count: 100, per_ms: 60_000 }));
        for bad in [
            r#"{"count":0,"per":"60s"}"#,
            r#"{"count":1001,"per":"60s"}"#,
            r#"{"count":1,"per":"60"}"#,
            r#"{"count":1,"per":"999ms"}"#,
            r#"{"count":1,"per":"61m"}"#,
        ] {
            assert!(compile(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_household_is_one_address() {
        assert_eq!(address_key("203.0.113.7"), "203.0.113.7");
        assert_eq!(address_key("::ffff:203.0.113.7"), "203.0.113.7");
        assert_eq!(address_key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(address_key("2001:db8:1:2::1"), address_key("2001:db8:1:2:ffff::"));
        assert_eq!(address_key("nonsense"), "unknown");
    }
}
