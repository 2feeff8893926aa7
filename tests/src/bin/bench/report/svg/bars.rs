//! Horizontal bars, which have room for long labels.

use std::fmt::Write;

use super::super::markdown::plural;
use super::{Drawing, MARGIN, WIDTH, colour, labels, width};
use crate::figure::{Figure, Point, Ratio};
use crate::number::grouped;

const BAR: f64 = 16.0;
const STEP: f64 = 24.0;
const GROUP_STEP: f64 = 30.0;
/// Room for the number behind the longest bar.
const NUMBER: f64 = 90.0;

pub(super) fn render(figure: &Figure) -> String {
    let mut drawing = Drawing(String::new());
    let labels = labels(figure);
    let left = MARGIN + labels.iter().map(|label| width(label)).fold(0.0, f64::max) + 10.0;
    let value = |point: &Point| match figure.shows {
        _ if figure.shows_total => point.seconds(),
        Ratio::Time => point.time_us(),
        Ratio::Rate => point.rate(),
    };
    let most =
        figure.points.iter().filter_map(|point| Some(value(point)?.max)).fold(f64::MIN_POSITIVE, f64::max);
    let scale = (WIDTH - MARGIN - NUMBER - left) / most;

    let subtitle = match figure.shows {
        _ if figure.shows_total => "seconds, median and range; shorter is better".to_owned(),
        Ratio::Time => format!("microseconds per {}, median and range; shorter is better", figure.item),
        Ratio::Rate => format!("{} per second, median and range; longer is better", plural(&figure.item)),
    };
    drawing.text(MARGIN, 46.0, "small", "start", &subtitle);
    let mut y = 60.0;
    let mut group = None;
    for point in &figure.points {
        if point.group.is_some() && point.group != group {
            group.clone_from(&point.group);
            drawing.text(MARGIN, y + 18.0, "title", "start", group.as_deref().unwrap_or_default());
            y += GROUP_STEP;
        }
        let Some(value) = value(point) else { continue };
        let colour = colour(figure, point);
        drawing.text(left - 10.0, y + 13.0, "label", "end", &point.label);
        let _ = writeln!(
            drawing.0,
            r#"<rect class="s{colour}" x="{left:.1}" y="{y:.1}" width="{:.1}" height="{BAR}"/>"#,
            value.median * scale
        );
        let (from, to, middle) = (left + value.min * scale, left + value.max * scale, y + BAR / 2.0);
        drawing.line("whisker", (from, middle), (to, middle));
        for end in [from, to] {
            drawing.line("whisker", (end, middle - 4.0), (end, middle + 4.0));
        }
        drawing.text(to + 8.0, y + 13.0, "number", "start", &grouped(value.median));
        y += STEP;
    }
    drawing.finish(&figure.title, y + MARGIN)
}
