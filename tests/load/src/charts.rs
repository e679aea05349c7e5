//! Charts as inline SVG: nothing is fetched, and the page's own colours are used.

use std::fmt::Write as _;

/// Width and height of a chart, and the room for its scales, in units of its view box.
const SIZE: (f64, f64) = (860.0, 300.0);
const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 40.0;

/// One line: its name, which of the page's colours it has, and its points.
pub struct Line {
    pub name: String,
    pub colour: usize,
    pub points: Vec<(f64, f64)>,
}

/// How a scale counts.
#[derive(Clone, Copy, PartialEq)]
pub enum Scale {
    /// From nothing, evenly.
    Even,
    /// Each mark ten times the one before it.
    Tens,
}

/// A mark on the scale: where it is, and what is written there.
type Mark = (f64, String);

/// Something that holds for a part of the chart, or happens at one place of it (both ends alike).
pub struct Span {
    pub name: &'static str,
    pub from: f64,
    pub to: f64,
}

pub struct Chart<'a> {
    pub title: &'a str,
    pub x_name: &'a str,
    pub y_name: &'a str,
    /// Marks on the x scale; made from its bounds where there are none.
    pub x_marks: Vec<Mark>,
    pub y_scale: Scale,
    pub lines: Vec<Line>,
    pub spans: Vec<Span>,
    /// Bars from the ground instead of lines.
    pub bars: bool,
}

impl Chart<'_> {
    /// The chart as a figure with its legend.
    pub fn draw(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| line.points.iter().copied());
        let x = points().map(|(x, _)| x).fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
        if x.0 > x.1 {
            return String::new();
        }
        let x = (x.0, if x.1 > x.0 { x.1 } else { x.0 + 1.0 });
        let highest = points().map(|(_, y)| y).fold(0.0, f64::max);
        let (low, high, y_marks) = match self.y_scale {
            Scale::Even => even(highest),
            Scale::Tens => tens(points().map(|(_, y)| y).filter(|y| *y > 0.0).fold(f64::MAX, f64::min), highest),
        };
        let place_x = |at: f64| LEFT + (at - x.0) / (x.1 - x.0) * (SIZE.0 - LEFT - RIGHT);
        let part = |value: f64| match self.y_scale {
            Scale::Even => (value - low) / (high - low),
            Scale::Tens => (value.max(low).log10() - low.log10()) / (high.log10() - low.log10()),
        };
        let ground = SIZE.1 - BOTTOM;
        let place_y = |value: f64| ground - part(value).clamp(0.0, 1.0) * (ground - TOP);
        let mut svg = format!(
            "<figure><figcaption>{}</figcaption><svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">",
            self.title, SIZE.0, SIZE.1, self.title
        );
        for Span { name, from, to } in &self.spans {
            let (from, to) = (place_x(from.clamp(x.0, x.1)), place_x(to.clamp(x.0, x.1)));
            let _ = write!(
                svg,
                "<rect class=\"span\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.1}\"/>",
                (to - from).max(1.5),
                ground - TOP
            );
            let _ =
                write!(svg, "<text class=\"span-name\" x=\"{:.1}\" y=\"{:.1}\">{name}</text>", to + 4.0, TOP + 10.0);
        }
        for (at, text) in &y_marks {
            let y = place_y(*at);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
                SIZE.0 - RIGHT
            );
            let _ = write!(svg, "<text class=\"y\" x=\"{}\" y=\"{:.1}\">{text}</text>", LEFT - 8.0, y + 4.0);
        }
        let made = if self.x_marks.is_empty() { along(x.0, x.1) } else { self.x_marks.clone() };
        for (at, text) in made.iter().filter(|(at, _)| (x.0..=x.1).contains(at)) {
            let _ = write!(svg, "<text class=\"x\" x=\"{:.1}\" y=\"{}\">{text}</text>", place_x(*at), ground + 16.0);
        }
        let _ = write!(
            svg,
            "<text class=\"name\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            SIZE.0 - RIGHT,
            SIZE.1 - 5.0,
            self.x_name
        );
        let _ = write!(svg, "<text class=\"name\" x=\"{LEFT}\" y=\"{}\">{}</text>", SIZE.1 - 5.0, self.y_name);
        for (nth, line) in self.lines.iter().enumerate() {
            if self.bars {
                #[expect(clippy::cast_precision_loss, reason = "a few lines")]
                let (count, nth) = (self.lines.len() as f64, nth as f64);
                let width = ((SIZE.0 - LEFT - RIGHT) / (x.1 - x.0) * 0.8 / count).clamp(1.0, 40.0);
                for (at, value) in &line.points {
                    let (left, y) = (place_x(*at) - width * count / 2.0 + nth * width, place_y(*value));
                    let _ = write!(
                        svg,
                        "<rect class=\"c{}\" x=\"{left:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>",
                        line.colour,
                        ground - y
                    );
                }
            } else {
                let points: Vec<_> = line
                    .points
                    .iter()
                    .map(|(at, value)| format!("{:.1},{:.1}", place_x(*at), place_y(*value)))
                    .collect();
                let _ = write!(svg, "<polyline class=\"c{}\" points=\"{}\"/>", line.colour, points.join(" "));
            }
        }
        svg.push_str("</svg><p class=\"legend\">");
        for line in &self.lines {
            let _ = write!(svg, "<span><i class=\"c{}\"></i>{}</span>", line.colour, line.name);
        }
        svg.push_str("</p></figure>");
        svg
    }
}

/// Marks from nothing to a round number above the highest.
fn even(highest: f64) -> (f64, f64, Vec<Mark>) {
    let step = round(highest.max(1.0) / 5.0);
    let high = (highest / step).ceil().max(1.0) * step;
    (0.0, high, marks(0.0, high, step))
}

/// Marks at powers of ten, with those at two and five between where there is room.
fn tens(lowest: f64, highest: f64) -> (f64, f64, Vec<Mark>) {
    let low = 10_f64.powf(lowest.min(highest).max(1e-3).log10().floor());
    let high = 10_f64.powf(highest.max(low * 10.0).log10().ceil());
    let mut marks = Vec::new();
    let mut at = low;
    while at <= high * 1.001 {
        marks.push((at, written(at)));
        at *= 10.0;
    }
    (low, high, marks)
}

fn along(from: f64, to: f64) -> Vec<Mark> {
    let step = round((to - from) / 9.0);
    marks((from / step).ceil() * step, to, step)
}

fn marks(from: f64, to: f64, step: f64) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut at = from;
    while at <= to + step * 0.001 {
        marks.push((at, written(at)));
        at += step;
    }
    marks
}

/// The next of 1, 2, 5, 10, 20 …
fn round(step: f64) -> f64 {
    let ten = 10_f64.powf(step.max(1e-9).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|part| part * ten).find(|round| *round >= step * 0.999).unwrap_or(ten * 10.0)
}

fn written(number: f64) -> String {
    if number >= 1e6 {
        format!("{} M", short(number / 1e6))
    } else if number >= 10_000.0 {
        format!("{} k", short(number / 1e3))
    } else {
        short(number)
    }
}

fn short(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_have_round_marks() {
        let texts = |marks: Vec<Mark>| marks.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" ");
        assert_eq!(texts(even(437.0).2), "0 100 200 300 400 500");
        assert_eq!(texts(tens(0.4, 260.0).2), "0.1 1 10 100 1000");
        assert_eq!(texts(along(0.0, 42.0)), "0 5 10 15 20 25 30 35 40");
        assert_eq!(written(25_000.0), "25 k");
    }
}
