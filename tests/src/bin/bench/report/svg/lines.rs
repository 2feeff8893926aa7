//! Lines on logarithmic axes: what stays flat is flat, and what grows in proportion is a slope of one.

use std::fmt::Write;

use super::{Drawing, MARGIN, WIDTH, colour, labels, width};
use crate::figure::{Figure, Point, Spread};
use crate::number::grouped;

const TOP: f64 = 84.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 84.0;

/// From whole power of ten to whole power of ten.
struct Axis {
    first: i32,
    last: i32,
    /// Where the axis begins and ends on paper.
    from: f64,
    to: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let spread = Spread::of(values.filter(|value| *value > 0.0));
        let (min, max) = spread.map_or((1.0, 10.0), |spread| (spread.min, spread.max));
        // A hair's breadth above a power of ten is that power.
        let first = (min.log10() + 1e-9).floor() as i32;
        Self { first, last: ((max.log10() - 1e-9).ceil() as i32).max(first + 1), from, to }
    }

    fn place(&self, value: f64) -> f64 {
        let share = (value.log10() - f64::from(self.first)) / f64::from(self.last - self.first);
        self.from + share * (self.to - self.from)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (self.first..=self.last).map(|power| 10_f64.powi(power))
    }
}

pub(super) fn render(figure: &Figure) -> String {
    // Megabytes where bytes were counted, else the time of an item: of either, flat is good.
    let counts_bytes = figure.points.iter().any(|point| point.bytes_rate().is_some());
    let y_of = |point: &Point| {
        if counts_bytes {
            point.bytes_rate().map(|rate| rate.map(|rate| rate / 1e6))
        } else {
            point.time_us()
        }
    };
    let points: Vec<(&Point, f64, Spread)> =
        figure.points.iter().filter_map(|point| Some((point, point.x?, y_of(point)?))).collect();
    let bottom = TOP + HEIGHT;
    let x_axis = Axis::over(points.iter().map(|(_, x, _)| *x), LEFT, WIDTH - 3.0 * MARGIN);
    let y_axis = Axis::over(points.iter().flat_map(|(_, _, y)| [y.min, y.max]), bottom, TOP);

    let mut drawing = Drawing(String::new());
    for tick in x_axis.ticks() {
        drawing.line("grid", (x_axis.place(tick), TOP), (x_axis.place(tick), bottom));
        drawing.text(x_axis.place(tick), bottom + 18.0, "tick", "middle", &whole(tick));
    }
    for tick in y_axis.ticks() {
        drawing.line("grid", (x_axis.from, y_axis.place(tick)), (x_axis.to, y_axis.place(tick)));
        drawing.text(LEFT - 8.0, y_axis.place(tick) + 4.0, "tick", "end", &whole(tick));
    }
    let y_title = if counts_bytes { "MB/s".to_owned() } else { format!("µs/{}", figure.item) };
    let x_title = figure.x_title.as_deref().unwrap_or_default();
    drawing.text(
        MARGIN,
        46.0,
        "small",
        "start",
        &format!("{y_title} by {x_title}, median and range; both axes logarithmic"),
    );

    let mut legend = MARGIN;
    for label in labels(figure) {
        let own: Vec<_> = points.iter().filter(|(point, ..)| point.label == label).collect();
        let colour = own.first().map_or(0, |(point, ..)| colour(figure, point));
        let _ = writeln!(drawing.0, r#"<circle class="s{colour}" cx="{:.1}" cy="64" r="5"/>"#, legend + 5.0);
        drawing.text(legend + 16.0, 68.0, "label", "start", label);
        legend += width(label) + 44.0;
        let mut path = Vec::new();
        for (_, x, y) in own {
            let (x, middle) = (x_axis.place(*x), y_axis.place(y.median));
            path.push(format!("{x:.1},{middle:.1}"));
            drawing.line("whisker", (x, y_axis.place(y.min)), (x, y_axis.place(y.max)));
            let _ =
                writeln!(drawing.0, r#"<circle class="s{colour}" cx="{x:.1}" cy="{middle:.1}" r="3.5"/>"#);
        }
        let _ = writeln!(drawing.0, r#"<polyline class="s{colour}" points="{}"/>"#, path.join(" "));
    }
    drawing.finish(&figure.title, bottom + 34.0)
}

/// A power of ten: 0.01, 1, 1,000.
fn whole(tick: f64) -> String {
    let text = grouped(tick);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_goes_from_power_to_power() {
        let axis = Axis::over([10_000.0, 1_000_000.0].into_iter(), 0.0, 200.0);
        assert_eq!((axis.first, axis.last), (4, 6));
        assert_eq!(axis.place(100_000.0), 100.0);
        let axis = Axis::over([2.0, 3.0, 0.0].into_iter(), 100.0, 0.0);
        assert_eq!(axis.ticks().map(whole).collect::<Vec<_>>(), ["1", "10"]);
        assert_eq!(axis.place(10.0), 0.0);
        let axis = Axis::over([0.05, 50.0].into_iter(), 0.0, 1.0);
        assert_eq!(axis.ticks().map(whole).collect::<Vec<_>>(), ["0.01", "0.1", "1", "10", "100"]);
    }
}
