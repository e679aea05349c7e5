//! Durations as people write them: `500ms`, `60s`, `10m`, `24h`, `7d`.

/// Milliseconds of a whole number with one of the units `ms`, `s`, `m`, `h`, `d`; `None` when it has another form or
/// does not fit 64 bits.
pub fn parse_ms(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let count: u64 = text[..digits].parse().ok()?;
    let unit_ms = match &text[digits..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 24 * 3_600_000,
        _ => return None,
    };
    count.checked_mul(unit_ms)
}

#[cfg(test)]
mod tests {
    use super::parse_ms;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        assert_eq!(parse_ms("60s"), Some(60_000));
        assert_eq!(parse_ms("7d"), Some(604_800_000));
        for bad in ["", "60", "s", "1.5h", "-1s", "1 m", "1w", "99999999999999999999s", "9999999999999999d"] {
            assert_eq!(parse_ms(bad), None, "{bad}");
        }
    }
}
