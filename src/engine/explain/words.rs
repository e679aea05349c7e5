//! The words of explanations: spans of time, and what a point is.

use crate::engine::rules::{Point, Points, Rule, What};

/// A span of time as people say it, rounded down: `23 s`, `4 min`, `2 h 5 min`, `3 d`.
pub(super) fn span(ms: u64) -> String {
    let s = ms / 1_000;
    let (d, h, min) = (s / 86_400, s / 3_600 % 24, s / 60 % 60);
    match (d, h, min) {
        (0, 0, 0) if s < 1 => "less than 1 s".to_owned(),
        (0, 0, 0) => format!("{s} s"),
        (0, 0, _) if s.is_multiple_of(60) || min >= 10 => format!("{min} min"),
        (0, 0, _) => format!("{min} min {} s", s % 60),
        (0, _, 0) => format!("{h} h"),
        (0, _, _) => format!("{h} h {min} min"),
        (_, 0, _) => format!("{d} d"),
        _ => format!("{d} d {h} h"),
    }
}

/// What must happen, for a sentence: `product_added (with its condition)`.
pub(super) fn points(rule: &Rule, points: Points) -> String {
    let mine = rule.points.get(usize::from(points.from)..usize::from(points.to)).unwrap_or_default();
    mine.iter().map(point).collect::<Vec<_>>().join(" or ")
}

fn point(point: &Point) -> String {
    let either = |names: &[String]| names.join(" or ");
    let what = match &point.what {
        What::Event(names) => either(names),
        What::SessionStarted => "the session's start".to_owned(),
        What::SessionEnded => "the session's end".to_owned(),
        What::Stage { from, to } => match (from.is_empty(), to.is_empty()) {
            (true, true) => "a change of the stage".to_owned(),
            (true, false) => format!("the stage's change to {}", either(to)),
            (false, true) => format!("the stage's change from {}", either(from)),
            (false, false) => format!("the stage's change from {} to {}", either(from), either(to)),
        },
        What::SegmentEntered(ids) => format!("entering the segment {}", either(ids)),
        What::SegmentLeft(ids) => format!("leaving the segment {}", either(ids)),
    };
    if point.holds.fields().is_empty() { what } else { format!("{what} (where its condition holds)") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_as_people_say_them() {
        for (ms, said) in [
            (999, "less than 1 s"),
            (23_400, "23 s"),
            (60_000, "1 min"),
            (95_000, "1 min 35 s"),
            (3_599_000, "59 min"),
            (3_600_000, "1 h"),
            (7_500_000, "2 h 5 min"),
            (86_400_000, "1 d"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(span(ms), said);
        }
    }
}
