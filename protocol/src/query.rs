//! Members of an address's query (`application/x-www-form-urlencoded`, as the URL standard parses it).

/// The first value of a member, decoded.
pub fn member(url: &str, name: &str) -> Option<String> {
    let (_, rest) = url.split_once('?')?;
    let query = rest.split('#').next()?;
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key) == name).then(|| decode(value))
    })
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.first_chunk::<2>().and_then(|hex| {
            let digits = hex.map(|digit| char::from(digit).to_digit(16));
            u8::try_from(digits[0]? * 16 + digits[1]?).ok()
        });
        rest = after;
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_and_decoded() {
        let url = "https://a.example/v1/x?site=demo&id=a%2Fb+c%C3%A9&id=2&flag&%73%6f=1#site=no";
        let found = |name| member(url, name);
        assert_eq!(found("site").as_deref(), Some("demo"));
        assert_eq!(found("id").as_deref(), Some("a/b cé"));
        assert_eq!(found("flag").as_deref(), Some(""));
        assert_eq!(found("so").as_deref(), Some("1"));
        assert_eq!(found("no"), None);
        assert_eq!(member("https://a.example/", "site"), None);
    }

    #[test]
    fn what_is_not_encoded_well_is_taken_as_it_stands() {
        for (encoded, plain) in [("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("%ff", "\u{fffd}"), ("%25", "%")] {
            assert_eq!(member(&format!("/?a={encoded}"), "a").as_deref(), Some(plain), "{encoded}");
        }
    }
}
