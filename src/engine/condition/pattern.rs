//! Regular expressions: JavaScript's, as far as they can be matched in linear time.
//!
//! What backtracks (look-around, back-references) is refused when a condition is compiled. The dialect is translated,
//! so that `.`, `\s`, `[`, `{` and letters beyond ASCII mean what they mean in a browser. One difference is left: a
//! character is a code point here and a UTF-16 unit there.

use footfall_protocol::limits::REGEX_PROGRAM_BYTES_MAX;
use serde::{Deserialize, Serialize};
use std::iter::Peekable;
use std::str::Chars;
use std::sync::OnceLock;

/// A regular expression: kept as its author wrote it, compiled once at its first use.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pattern {
    source: String,
    fold: bool,
    #[serde(skip)]
    compiled: OnceLock<Option<regex_lite::Regex>>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.source, self.fold) == (&other.source, other.fold)
    }
}

impl Pattern {
    /// An expression; with `fold`, letters' case does not matter.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(source: &str, fold: bool) -> Result<Self, String> {
        let compiled = compile(source, fold)?;
        Ok(Self { source: source.to_owned(), fold, compiled: OnceLock::from(Some(compiled)) })
    }

    /// The expression as its author wrote it.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Whether letters' case does not matter.
    pub(super) const fn folds(&self) -> bool {
        self.fold
    }

    /// Whether it matches anywhere in the text. Time grows with the product of both lengths, which are bounded.
    pub(super) fn finds(&self, text: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| compile(&self.source, self.fold).ok());
        compiled.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

fn compile(source: &str, fold: bool) -> Result<regex_lite::Regex, String> {
    let translated = Translation { rest: source.chars().peekable(), fold, out: String::new() }.run()?;
    let mut builder = regex_lite::RegexBuilder::new(&translated);
    let built = builder.case_insensitive(fold).size_limit(REGEX_PROGRAM_BYTES_MAX).nest_limit(50).build();
    built.map_err(|error| error.to_string())
}

/// What JavaScript's `\s` has beyond ASCII, and the vertical tab.
const SPACES: &str = r"\x0b\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}";

struct Translation<'a> {
    rest: Peekable<Chars<'a>>,
    fold: bool,
    out: String,
}

impl Translation<'_> {
    fn run(mut self) -> Result<String, String> {
        // Whether there is something before, that is not repeated yet, for `*` and its kin to repeat.
        let mut repeatable = false;
        while let Some(c) = self.rest.next() {
            let repeats = matches!(c, '*' | '+' | '?') || (c == '{' && self.quantifies());
            if repeats && !repeatable {
                return Err(format!("`{c}` has nothing to repeat"));
            }
            let edge = matches!(self.rest.peek(), Some('b' | 'B')) && c == '\\';
            repeatable = !repeats && !edge && !matches!(c, '^' | '$' | '(' | '|');
            match c {
                '\\' => self.escape(false)?,
                '.' => self.out.push_str(r"[^\n\r\x{2028}\x{2029}]"),
                '[' => self.class()?,
                '(' => self.group()?,
                '{' if repeats => self.count(),
                '{' => self.out.push_str(r"\{"),
                c => self.letter(c, true),
            }
            if repeats && self.rest.next_if_eq(&'?').is_some() {
                self.out.push('?');
            }
        }
        Ok(self.out)
    }

    /// What follows an opening bracket: `?:` and `?<name>`, or nothing of the kind.
    fn group(&mut self) -> Result<(), String> {
        self.out.push('(');
        if self.rest.peek() != Some(&'?') {
            return Ok(());
        }
        let start: String = self.rest.clone().skip(1).take(2).collect();
        let why = match start.as_bytes() {
            [b'<', b'=' | b'!'] => "look-behind is not supported, because expressions run in linear time",
            [b'=' | b'!', ..] => "look-ahead is not supported, because expressions run in linear time",
            [b':' | b'<', ..] => {
                self.take(2);
                return Ok(());
            }
            _ => "only `(…)`, `(?:…)` and `(?<name>…)` are groups",
        };
        Err(format!("`(?{start}`: {why}"))
    }

    /// A counted repetition, its opening brace read, up to its closing one.
    fn count(&mut self) {
        self.out.push('{');
        while let Some(c) = self.rest.next_if(|c| *c != '}') {
            self.out.push(c);
        }
        self.take(1);
    }

    fn take(&mut self, count: usize) {
        self.out.extend(self.rest.by_ref().take(count));
    }

    /// Whether `{` here begins a repetition: `{2}`, `{2,}` or `{2,5}`. Elsewhere it stands for itself.
    fn quantifies(&self) -> bool {
        let inside: String = self.rest.clone().take(12).take_while(|c| *c != '}').collect();
        let (least, most) = inside.split_once(',').unwrap_or((&inside, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        !least.is_empty() && digits(least) && digits(most) && self.rest.clone().nth(inside.len()) == Some('}')
    }

    /// A character that stands for itself. Case is folded beyond ASCII as well: by naming both forms.
    fn letter(&mut self, c: char, outside: bool) {
        let other = || {
            let (mut lower, mut upper) = (c.to_lowercase(), c.to_uppercase());
            match (lower.next(), lower.next(), upper.next(), upper.next()) {
                (Some(lower), None, ..) if lower != c => Some(lower),
                (_, _, Some(upper), None) if upper != c => Some(upper),
                _ => None,
            }
        };
        match (if c.is_ascii() || !self.fold { None } else { other() }, outside) {
            (Some(other), true) => self.out.extend(['[', c, other, ']']),
            (Some(other), false) => self.out.extend([c, other]),
            (None, _) => self.out.push(c),
        }
    }

    /// A bracketed class; the opening bracket is read.
    fn class(&mut self) -> Result<(), String> {
        let negated = self.rest.next_if_eq(&'^').is_some();
        if self.rest.next_if_eq(&']').is_some() {
            // `[]` matches nothing, `[^]` anything.
            self.out.push_str(if negated { r"[\s\S]" } else { r"[^\s\S]" });
            return Ok(());
        }
        self.out.push_str(if negated { "[^" } else { "[" });
        while let Some(c) = self.rest.next() {
            match c {
                ']' => {
                    self.out.push(']');
                    return Ok(());
                }
                '\\' => self.escape(true)?,
                // Nested classes and set operations are not JavaScript's.
                '[' | '&' | '~' => self.out.extend(['\\', c]),
                c if self.rest.peek() == Some(&'-') || self.out.ends_with('-') => self.out.push(c),
                c => self.letter(c, false),
            }
        }
        Err("a `[` is not closed by `]`".to_owned())
    }

    /// What follows a backslash.
    fn escape(&mut self, in_class: bool) -> Result<(), String> {
        let Some(c) = self.rest.next() else { return Err("a `\\` at the end escapes nothing".to_owned()) };
        match c {
            's' if in_class => self.out.push_str(&format!(r"\s{SPACES}")),
            's' => self.out.push_str(&format!(r"[\s{SPACES}]")),
            'S' if !in_class => self.out.push_str(&format!(r"[^\s{SPACES}]")),
            'b' if in_class => self.out.push_str(r"\x08"),
            'u' | 'x' => {
                let length = if c == 'u' { 4 } else { 2 };
                let digits: String = self.rest.clone().take(length).collect();
                if digits.len() == length && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                    self.rest.by_ref().take(length).for_each(drop);
                    self.out.push_str(&format!(r"\x{{{digits}}}"));
                } else {
                    self.out.push(c);
                }
            }
            '0' if !self.rest.peek().is_some_and(char::is_ascii_digit) => self.out.push_str(r"\x00"),
            '1'..='9' | 'k' => {
                return Err(format!(
                    "a back-reference (`\\{c}`) is not supported, because expressions run in linear time"
                ));
            }
            'd' | 'D' | 'w' | 'W' | 'S' | 'b' | 'B' | 'n' | 'r' | 't' | 'f' | 'v' => self.out.extend(['\\', c]),
            // These are anchors of words in the other dialect.
            '<' | '>' => self.out.push(c),
            c if c.is_ascii_punctuation() => self.out.extend(['\\', c]),
            c if c.is_alphanumeric() && c.is_ascii() => {
                return Err(format!("`\\{c}` means nothing; write `{c}` for the letter itself"));
            }
            c => self.letter(c, !in_class),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use footfall_protocol::limits::REGEX_BYTES_MAX;

    #[test]
    fn expressions_mean_what_they_mean_in_a_browser() {
        for (source, text, found) in [
            ("^/sale(/|$)", "/sale/shoes", true),
            (r"^\/sale\/", "/sale/x", true),
            ("a.c", "a\nc", false),
            ("a.c", "a\u{2028}c", false),
            ("a.c", "a\u{85}c", true),
            (r"^\s$", "\u{a0}", true),
            (r"^[\s]$", "\u{feff}", true),
            (r"^\S$", "\u{a0}", false),
            (r"\d", "٣", false),
            (r"\w", "é", false),
            ("[[]", "[", true),
            ("[]", "x", false),
            ("a[^]b", "a\nb", true),
            ("[a&&b]", "&", true),
            ("x{", "x{", true),
            ("x{2}", "xx", true),
            ("{a,b}", "{a,b}", true),
            (r"\<b\>", "<b>", true),
            (r"\u00e9", "é", true),
            (r"\x41", "A", true),
            (r"[\b]", "\u{8}", true),
            ("(?<year>[0-9]{4})-", "2024-", true),
            ("(?:a|b)+?$", "abab", true),
            (r"\$5\.00", "$5.00", true),
            (r"^\(?=$", "(=", true),
            ("^[(?=]+$", "?", true),
            ("^a{1,2}?b??$", "aa", true),
            ("", "", true),
        ] {
            let pattern = Pattern::new(source, false).unwrap_or_else(|error| panic!("{source}: {error}"));
            assert_eq!(pattern.finds(text), found, "{source} on {text:?}");
        }
    }

    #[test]
    fn case_is_folded_beyond_ascii() {
        for (source, text) in [("ärger", "ÄRGER"), ("[ä-ö]x", "öX"), ("[éa]", "É"), ("σ", "Σ"), ("mobile", "MOBILE")]
        {
            assert!(Pattern::new(source, true).unwrap().finds(text), "{source}");
            assert!(source == "[ä-ö]x" || !Pattern::new(source, false).unwrap().finds(text), "{source}");
        }
    }

    #[test]
    fn what_cannot_run_in_linear_time_or_is_no_expression_is_refused_with_a_reason() {
        for (source, said) in [
            ("(?=a)", "look-ahead"),
            ("(?<!a)", "look-behind"),
            ("(?i)a", "only `(…)`"),
            ("(?P<n>a)", "only `(…)`"),
            ("a**", "nothing to repeat"),
            ("a*+", "nothing to repeat"),
            ("a{2}{3}", "nothing to repeat"),
            ("a???", "nothing to repeat"),
            ("^*", "nothing to repeat"),
            (r"\b+", "nothing to repeat"),
            ("(*)", "nothing to repeat"),
            ("{2}", "nothing to repeat"),
            (r"(a)\1", "back-reference"),
            ("(", "open group"),
            ("[a", "not closed by `]`"),
            ("a\\", "escapes nothing"),
            (r"\y", "write `y`"),
            ("/???***[)", ""),
            ("(((a{9}){9}){9}){9}", "size"),
        ] {
            let error = Pattern::new(source, false).unwrap_err();
            assert!(error.contains(said), "{source}: {error}");
        }
        assert!(Pattern::new(&"(".repeat(500), false).is_err());
        let words = "socks|".repeat(REGEX_BYTES_MAX / 6);
        assert!(Pattern::new(&words, true).is_ok(), "a plain list as long as a source may be is within the bound");
    }
}
