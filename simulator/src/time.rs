//! Times of a scenario: `65s`, `1h30m`, `2d` after its start, or a moment as RFC 3339.

use chrono::{DateTime, SecondsFormat, Utc};
use footfall_protocol::duration::parse_ms;

/// Units of an offset, the largest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Milliseconds of an offset: one or several whole numbers, each with one of the units `d`, `h`, `m`, `s`, `ms`, the
/// larger ones first (`2d`, `1h30m`, `59s999ms`). `None` when it has another form or is beyond 64 bits.
pub fn parse_offset(text: &str) -> Option<u64> {
    let (mut rest, mut sum_ms, mut above) = (text, 0_u64, u64::MAX);
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit())?;
        let length = rest[unit_at..].find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len() - unit_at);
        let (part, after) = rest.split_at(unit_at + length);
        let unit_ms = UNITS.iter().find(|(unit, _)| *unit == &part[unit_at..]).map(|(_, ms)| *ms)?;
        if unit_ms >= above {
            return None;
        }
        sum_ms = sum_ms.checked_add(parse_ms(part)?)?;
        (rest, above) = (after, unit_ms);
    }
    (!text.is_empty()).then_some(sum_ms)
}

/// An offset as people write it, in as few parts as there are: `1h30m`; nothing at all is `0s`.
pub fn offset_text(mut ms: u64) -> String {
    let mut text = String::new();
    for (unit, unit_ms) in UNITS {
        if ms >= unit_ms {
            text.push_str(&format!("{}{unit}", ms / unit_ms));
            ms %= unit_ms;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Milliseconds since the epoch of an RFC 3339 moment; `None` when it is none, or before 1970.
pub fn parse_time(text: &str) -> Option<u64> {
    u64::try_from(DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis()).ok()
}

/// A moment as RFC 3339 in UTC, with milliseconds only where there are any.
pub fn time_text(ms: u64) -> String {
    let moment = i64::try_from(ms).ok().and_then(DateTime::<Utc>::from_timestamp_millis);
    moment.map_or_else(|| format!("{ms} ms"), |moment| moment.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_read_and_written_in_the_same_words() {
        for (text, ms) in [("0s", 0), ("65s", 65_000), ("1h30m", 5_400_000), ("59s999ms", 59_999), ("2d", 172_800_000)]
        {
            assert_eq!(parse_offset(text), Some(ms), "{text}");
        }
        assert_eq!(
            (offset_text(0), offset_text(65_001), offset_text(176_400_000)),
            ("0s".into(), "1m5s1ms".into(), "2d1h".into())
        );
        for bad in ["", "5", "s", "5x", "5s5s", "5s1m", "-5s", "5 s", "99999999999999999999s", "213503982334d1d"] {
            assert_eq!(parse_offset(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_moment_is_rfc_3339() {
        assert_eq!(parse_time("2026-11-21T11:00:00+01:00"), Some(crate::START));
        assert_eq!(time_text(crate::START), "2026-11-21T10:00:00Z");
        assert_eq!(time_text(crate::START + 5), "2026-11-21T10:00:00.005Z");
        assert_eq!((parse_time("2026-11-21"), parse_time("1969-12-31T23:59:59Z")), (None, None));
    }
}
