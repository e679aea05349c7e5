//! A request's body within its bounds: gzip (RFC 1952) undone, and no more than that in memory.

use flate2::bufread::GzDecoder;
use std::io::Read as _;

/// Why a body is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// Over the bound, compressed or not.
    TooLarge,
    /// Not the gzip that the header promises, or in more members than anybody needs.
    NotGzip,
    /// An encoding that is not known here.
    UnknownEncoding,
}

/// Members of one gzip. Each costs a window of 32 KB however little is in it, and 20 bytes are enough for one.
const MEMBERS_MAX: usize = 64;

/// Undoes `Content-Encoding`. However much a body would grow, no more than the bound is ever unpacked.
///
/// # Errors
/// See [`BodyFault`].
pub fn unpack(body: Vec<u8>, content_encoding: Option<&str>, bytes_max: usize) -> Result<Vec<u8>, BodyFault> {
    let encoding = content_encoding.map(str::trim).unwrap_or_default();
    if encoding.is_empty() || encoding.eq_ignore_ascii_case("identity") {
        return if body.len() > bytes_max { Err(BodyFault::TooLarge) } else { Ok(body) };
    }
    if !encoding.eq_ignore_ascii_case("gzip") && !encoding.eq_ignore_ascii_case("x-gzip") {
        return Err(BodyFault::UnknownEncoding);
    }
    let mut plain = Vec::with_capacity(body.len().saturating_mul(4).min(bytes_max));
    let mut rest = body.as_slice();
    for _ in 0..MEMBERS_MAX {
        let room = u64::try_from(bytes_max - plain.len()).expect("a small number") + 1;
        GzDecoder::new(&mut rest).take(room).read_to_end(&mut plain).map_err(|_| BodyFault::NotGzip)?;
        if plain.len() > bytes_max {
            return Err(BodyFault::TooLarge);
        }
        if rest.is_empty() {
            return Ok(plain);
        }
    }
    Err(BodyFault::NotGzip)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use footfall_protocol::limits::BODY_BYTES_MAX;
    use std::io::Write as _;

    fn unpack(body: Vec<u8>, content_encoding: Option<&str>) -> Result<Vec<u8>, BodyFault> {
        super::unpack(body, content_encoding, BODY_BYTES_MAX)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn plain_and_packed_bodies() {
        assert_eq!(unpack(b"{}".to_vec(), None), Ok(b"{}".to_vec()));
        assert_eq!(unpack(b"{}".to_vec(), Some("identity")), Ok(b"{}".to_vec()));
        assert_eq!(unpack(gzip(b"{}"), Some("GZIP")), Ok(b"{}".to_vec()));
        assert_eq!(unpack(gzip(&vec![b' '; BODY_BYTES_MAX]), Some("gzip")).map(|b| b.len()), Ok(BODY_BYTES_MAX));
    }

    #[test]
    fn bombs_and_rubbish_are_refused() {
        let bomb = gzip(&vec![0; 64 * 1024 * 1024]);
        assert!(bomb.len() < BODY_BYTES_MAX);
        assert_eq!(unpack(bomb, Some("gzip")), Err(BodyFault::TooLarge));
        assert_eq!(unpack(vec![b' '; BODY_BYTES_MAX + 1], None), Err(BodyFault::TooLarge));
        assert_eq!(unpack(b"{}".to_vec(), Some("gzip")), Err(BodyFault::NotGzip));
        let half = gzip(&[b'x'; 1_000]);
        assert_eq!(unpack(half[..half.len() / 2].to_vec(), Some("gzip")), Err(BodyFault::NotGzip));
        assert_eq!(unpack(b"{}".to_vec(), Some("br")), Err(BodyFault::UnknownEncoding));
    }

    #[test]
    fn a_body_of_several_members_is_one_and_of_a_thousand_refused() {
        let several = [gzip(b"{"), gzip(b""), gzip(b"}")].concat();
        assert_eq!(unpack(several.clone(), Some("gzip")), Ok(b"{}".to_vec()));
        assert_eq!(unpack([several, b"}".to_vec()].concat(), Some("gzip")), Err(BodyFault::NotGzip));
        let full = gzip(&vec![b' '; BODY_BYTES_MAX]);
        assert_eq!(unpack([full.clone(), gzip(b"")].concat(), Some("gzip")).map(|b| b.len()), Ok(BODY_BYTES_MAX));
        assert_eq!(unpack([full, gzip(b" ")].concat(), Some("gzip")), Err(BodyFault::TooLarge));
        assert_eq!(unpack(gzip(b"").repeat(1_000), Some("gzip")), Err(BodyFault::NotGzip));
    }
}
