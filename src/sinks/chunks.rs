//! A list in parts, each within a number and a size.

/// Parts of at most `count_max` items and `bytes_max` bytes, in order; an item that is larger is a part of its own. No part
/// is empty.
pub fn chunks<T>(items: &[T], count_max: usize, bytes_max: usize, size: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let mut parts = Vec::new();
    let (mut begin, mut bytes) = (0, 0);
    for (at, item) in items.iter().enumerate() {
        let size = size(item);
        if at > begin && (at - begin == count_max || bytes + size > bytes_max) {
            parts.push(&items[begin..at]);
            (begin, bytes) = (at, 0);
        }
        bytes += size;
    }
    if begin < items.len() {
        parts.push(&items[begin..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stay_within_number_and_size_and_keep_the_order() {
        let parts = |sizes: &[usize]| chunks(sizes, 3, 10, |size| *size).iter().map(|part| part.to_vec()).collect();
        let told = |parts: Vec<Vec<usize>>| format!("{parts:?}");
        assert_eq!(told(parts(&[])), "[]");
        assert_eq!(told(parts(&[4, 4, 4, 1, 1, 1, 1])), "[[4, 4], [4, 1, 1], [1, 1]]");
        assert_eq!(told(parts(&[11, 1, 9, 10, 12])), "[[11], [1, 9], [10], [12]]");
    }
}
