//! Versions in the specification's padded form, in which their text order is their order.

/// The form of a version: build data and a leading `v` go, numbers are padded to five places, and a release (three
/// parts) sorts after its pre-releases. An empty version is that of `0`.
pub(super) fn padded(version: &str) -> String {
    let version = if version.is_empty() { "0" } else { version };
    let version = version.strip_prefix('v').unwrap_or(version);
    // The SDK's pattern takes everything from the first `+` of the last line.
    let last_line = version.rfind(['\n', '\r', '\u{2028}', '\u{2029}']).unwrap_or(0);
    let end = version[last_line..].find('+').map_or(version.len(), |at| last_line + at);
    let parts = version[..end].split(['-', '.']);
    let mut padded = String::with_capacity(end + 16);
    let mut count = 0;
    for part in parts {
        if count > 0 {
            padded.push('-');
        }
        let number = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if number {
            padded.extend(std::iter::repeat_n(' ', 5_usize.saturating_sub(part.len())));
        }
        padded.push_str(part);
        count += 1;
    }
    if count == 3 {
        padded.push_str("-~");
    }
    padded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_padded_as_the_specification_says() {
        for (version, form) in [
            ("1.2.3", "    1-    2-    3-~"),
            ("v1.2.3-rc.1+build.5", "    1-    2-    3-rc-    1"),
            ("vv1", "v1"),
            ("", "    0"),
            ("123456.0", "123456-    0"),
            ("1+2\n3+4", "1+2\n3"),
        ] {
            assert_eq!(padded(version), form);
        }
    }
}
