//! Plots: bars with their spread for what stands side by side, lines on logarithmic axes for curves.

mod bars;
mod lines;

use std::fmt::Write;

use crate::figure::{Figure, Point};

const WIDTH: f64 = 820.0;
const MARGIN: f64 = 16.0;
/// Room that a character takes, at the most, at 13 pixels.
const CHARACTER: f64 = 7.2;

/// Colours for light and for dark surroundings, told apart by the colour-blind too (Okabe and Ito). The first is for
/// what others are compared to.
const COLOURS: [(&str, &str); 6] = [
    ("#6e7781", "#8b949e"),
    ("#0072b2", "#56b4e9"),
    ("#d55e00", "#f0883e"),
    ("#009e73", "#3fb98f"),
    ("#cc79a7", "#dd99c0"),
    ("#997700", "#e3c34a"),
];

pub(super) fn file_name(figure: &Figure) -> String {
    format!("{}.svg", figure.name)
}

pub(super) fn render(figure: &Figure) -> String {
    if figure.x_title.is_some() { lines::render(figure) } else { bars::render(figure) }
}

/// A drawing as it grows.
struct Drawing(String);

impl Drawing {
    fn text(&mut self, x: f64, y: f64, class: &str, anchor: &str, text: &str) {
        let text = escape(text);
        let _ = writeln!(
            self.0,
            r#"<text x="{x:.1}" y="{y:.1}" class="{class}" text-anchor="{anchor}">{text}</text>"#
        );
    }

    fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let _ = writeln!(
            self.0,
            r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        );
    }

    /// The whole file. Its own background makes it readable wherever it is shown.
    fn finish(self, title: &str, height: f64) -> String {
        let style = format!(
            "text{{font:13px system-ui,sans-serif}}.title{{font-size:15px;font-weight:600}}polyline{{stroke-width:2}}{}\
             @media(prefers-color-scheme:dark){{{}}}",
            scheme("#ffffff", "#1f2328", "#d1d9e0", |(light, _)| light),
            scheme("#0d1117", "#e6edf3", "#30363d", |(_, dark)| dark),
        );
        let title = escape(title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" height=\"{height:.0}\" \
             role=\"img\">\n<title>{title}</title>\n<style>{style}</style>\n<rect class=\"back\" width=\"{WIDTH}\" \
             height=\"{height:.0}\"/>\n<text x=\"{MARGIN}\" y=\"26\" class=\"title\">{title}</text>\n{}</svg>\n",
            self.0
        )
    }
}

/// The part of the style sheet that differs between light and dark.
/// A polyline is a line whatever its colour: hence the selector, which outweighs that of the class.
fn scheme(
    background: &str,
    ink: &str,
    faint: &str,
    choose: fn((&'static str, &'static str)) -> &'static str,
) -> String {
    let mut style = format!(
        ".back{{fill:{background}}}text{{fill:{ink}}}.grid{{stroke:{faint}}}.whisker{{stroke:{ink}}}"
    );
    for (number, colours) in COLOURS.into_iter().enumerate() {
        let colour = choose(colours);
        let _ = write!(style, ".s{number}{{fill:{colour};stroke:{colour}}}");
    }
    style + "polyline[class]{fill:none}"
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Each value once, in order.
fn distinct<'a>(values: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut distinct = Vec::new();
    for value in values {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    distinct
}

fn labels(figure: &Figure) -> Vec<&str> {
    distinct(figure.points.iter().map(|point| point.label.as_str()))
}

/// The number of a point's colour. It tells labels apart; where each label is in one group only, it tells groups apart.
fn colour(figure: &Figure, point: &Point) -> usize {
    if figure.baseline.as_ref().is_some_and(|baseline| baseline.label == point.label) {
        return 0;
    }
    let has_groups = figure.points.iter().any(|point| point.group.is_some());
    let number = if has_groups && !figure.repeats_labels() {
        let groups = distinct(figure.points.iter().filter_map(|point| point.group.as_deref()));
        groups.iter().position(|group| Some(*group) == point.group.as_deref())
    } else {
        let baseline = figure.baseline.as_ref().map(|baseline| baseline.label.as_str());
        labels(figure)
            .iter()
            .filter(|label| Some(**label) != baseline)
            .position(|label| *label == point.label)
    };
    1 + number.unwrap_or(0) % (COLOURS.len() - 1)
}

/// How wide a text is, at the most.
fn width(text: &str) -> f64 {
    text.chars().count() as f64 * CHARACTER
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Baseline, Ratio};
    use crate::report::tests::point;

    /// The names of all elements, if they are nested as XML wants it, and every `<` and `&` is markup.
    fn elements(svg: &str) -> Vec<String> {
        let (mut open, mut all): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        for part in svg.split('<').skip(1) {
            let (tag, text) = part.split_once('>').expect("a tag ends");
            assert!(!text.contains('>'), "{part}");
            for entity in text.split('&').skip(1) {
                assert!(
                    ["amp;", "lt;", "gt;", "quot;"].iter().any(|name| entity.starts_with(name)),
                    "{part}"
                );
            }
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(name));
                continue;
            }
            let name = tag.split([' ', '/']).next().unwrap_or_default().to_owned();
            all.push(name.clone());
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?}");
        all
    }

    fn count(elements: &[String], name: &str) -> usize {
        elements.iter().filter(|element| *element == name).count()
    }

    #[test]
    fn bars_are_well_formed_whatever_they_are_called() {
        let mut points = vec![point("a < b && \"c\"", [1.0, 2.0, 3.0]), point("]]>", [1.0, 1.0, 1.0])];
        points[1].group = Some("<group>".to_owned());
        let svg = render(&Figure::new("n", "1 > 0 & true", "entry", points));
        let elements = elements(&svg);
        // The background, and a bar a point.
        assert_eq!(count(&elements, "rect"), 3, "{svg}");
        assert!(
            svg.contains("a &lt; b &amp;&amp; &quot;c&quot;") && svg.contains("1 &gt; 0 &amp; true"),
            "{svg}"
        );
    }

    #[test]
    fn colours_tell_apart_what_is_compared() {
        let within =
            |group: &str, label: &str| Point { group: Some(group.to_owned()), ..point(label, [1.0; 3]) };
        let colours =
            |figure: &Figure| figure.points.iter().map(|point| colour(figure, point)).collect::<Vec<_>>();
        let points = vec![
            within("1", "plain"),
            within("1", "a"),
            within("2", "plain"),
            within("2", "b"),
            within("2", "a"),
        ];
        let mut figure = Figure::new("n", "t", "row", points);
        figure.baseline = Some(Baseline { label: "plain".to_owned(), by: Ratio::Time });
        assert_eq!(colours(&figure), [0, 1, 0, 2, 1]);
        let figure = Figure::new("n", "t", "row", vec![within("1", "a"), within("1", "b"), within("2", "c")]);
        assert_eq!(colours(&figure), [1, 1, 2]);
        let figure = Figure::new("n", "t", "row", vec![point("a", [1.0; 3]), point("b", [1.0; 3])]);
        assert_eq!(colours(&figure), [1, 2]);
    }

    #[test]
    fn curves_are_well_formed_even_of_one_point() {
        let at = |x: f64, label: &str| Point { x: Some(x), ..point(label, [1.0, 2.0, 3.0]) };
        let curve = |points: Vec<Point>| {
            let mut figure = Figure::new("n", "t", "entry", points);
            figure.x_title = Some("entries".to_owned());
            render(&figure)
        };
        let two = elements(&curve(vec![
            at(1e4, "inside"),
            at(1e5, "inside"),
            at(1e4, "outside"),
            at(1e5, "outside"),
        ]));
        assert_eq!((count(&two, "polyline"), count(&two, "circle")), (2, 4 + 2));
        let one = curve(vec![at(1e4, "inside")]);
        elements(&one);
        assert!(!one.contains("NaN") && !one.contains("inf"), "{one}");
    }

    #[test]
    fn a_figure_without_measurements_is_an_empty_plot() {
        let svg = render(&Figure::new("n", "t", "entry", Vec::new()));
        elements(&svg);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
