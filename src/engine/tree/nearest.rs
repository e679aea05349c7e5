//! Advice on words that are nearly right: "did you mean …?".

/// The candidate nearest to a word, if any is near enough to be meant.
///
/// Near enough is an edit distance of at most a third of the word, and at least one; case counts for nothing. Words
/// beyond 64 characters are near to nothing.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().flat_map(char::to_lowercase).take(65).collect();
    if word.len() > 64 {
        return None;
    }
    let allowed = (word.len() / 3).max(1);
    let measured = candidates.into_iter().map(|candidate| (distance(&word, candidate), candidate));
    measured.filter(|(far, _)| *far <= allowed).min_by_key(|(far, _)| *far).map(|(_, candidate)| candidate)
}

/// Candidates that advice lists: all of every list of ours, and of an author's the first.
const LISTED_MAX: usize = 32;

/// Advice as the end of a sentence: the nearest candidate, or what there is.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(best) = closest(word, candidates.clone()) {
        return format!("did you mean `{best}`?");
    }
    let mut rest = candidates.into_iter();
    let listed = rest.by_ref().take(LISTED_MAX).collect::<Vec<_>>().join(", ");
    match rest.count() {
        0 => format!("there are: {listed}"),
        more => format!("there are: {listed} and {more} more"),
    }
}

/// Insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment).
fn distance(a: &[char], b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let mut best = (row[j] + usize::from(from != to)).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *from == b[j - 1] && a[i - 1] == *to {
                best = best.min(before[j - 1] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_finds_none() {
        let words = ["cart.value", "cart.count", "page.kind"];
        for (word, meant) in [
            ("cart.vlaue", Some("cart.value")),
            ("cart.cuont", Some("cart.count")),
            ("Page.Kind", Some("page.kind")),
            ("page.knd", Some("page.kind")),
            ("weather", None),
            ("", None),
        ] {
            assert_eq!(closest(word, words), meant, "{word}");
        }
        assert_eq!(closest(&"x".repeat(10_000), words), None);
        assert_eq!(nearest("y", ["a", "b"]), "did you mean `a`?", "one letter for another is one slip");
        assert_eq!(nearest("yyy", ["a", "b"]), "there are: a, b");
    }
}
