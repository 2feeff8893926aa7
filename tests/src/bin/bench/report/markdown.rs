//! Tables in Markdown, which read well on a terminal too.

use std::fmt::Write;

use super::{Report, svg};
use crate::figure::{Figure, Point, Ratio, Spread};
use crate::machine::Machine;
use crate::number::{grouped, rounded};

/// With links to the plots, as files beside this one, if they are wanted.
pub(super) fn render(report: &Report, has_plots: bool) -> String {
    let mut out =
        String::from("<!-- Written by make bench: measure again rather than edit. -->\n# Results\n\n");
    let Machine { processor, cores, memory_gb, system, file_system, postgresql, pg_af, settings, .. } =
        &report.machine;
    let sha = if report.machine.has_sha_instructions { "with" } else { "without" };
    let _ = writeln!(
        out,
        "{processor}, {cores} cores, {sha} SHA instructions, {memory_gb} GB of memory; {system}, {file_system}; PostgreSQL \
         {postgresql}, pg_af {pg_af}.\n"
    );
    let settings: Vec<String> = settings.iter().map(|(name, value)| format!("`{name} = {value}`")).collect();
    let _ = writeln!(out, "{}\n", settings.join(", "));
    for figure in &report.figures {
        let _ = writeln!(out, "## {}\n", figure.title);
        if has_plots {
            let _ = writeln!(out, "![{}]({})\n", figure.title, svg::file_name(figure));
        }
        render_figure(&mut out, figure);
    }
    out
}

fn render_figure(out: &mut String, figure: &Figure) {
    table(out, &rows(figure));
    for target in &figure.targets {
        for (group, measured) in target.measured(figure) {
            let (of, to) = (&target.of, &target.to);
            let group = group.filter(|_| figure.repeats_labels());
            let group = group.map_or_else(String::new, |group| format!(", {group},"));
            let (verb, bound) = match target.by {
                Ratio::Time => ("takes", "at most"),
                Ratio::Rate => ("reaches", "at least"),
            };
            let verdict = if target.is_met(measured) { "met" } else { "missed" };
            let _ = writeln!(
                out,
                "- {of}{group} {verb} {} × {to}; wanted is {bound} {}: {verdict}",
                with_spread(measured),
                rounded(target.wanted)
            );
        }
    }
    for note in &figure.notes {
        let _ = writeln!(out, "- {note}");
    }
    out.push('\n');
}

/// What stands in a column for a point.
type Cell<'a> = Box<dyn Fn(&Point) -> Option<String> + 'a>;

/// The header and the lines of a table. Columns that nothing is in are left out.
fn rows(figure: &Figure) -> Vec<Vec<String>> {
    let item = &figure.item;
    let plural = plural(item);
    let rate = |point: &Point| if figure.shows_total { None } else { point.rate() };
    let seconds = |point: &Point| if figure.shows_total { point.seconds() } else { None };
    let mut columns: Vec<(String, Cell<'_>)> = vec![
        (String::new(), Box::new(|point| point.group.clone())),
        (String::new(), Box::new(|point| Some(point.label.clone()))),
        (figure.x_title.clone().unwrap_or_default(), Box::new(|point| Some(grouped(point.x?)))),
        (format!("{plural}/s"), Box::new(|point| Some(grouped(rate(point)?.median)))),
        (
            "lowest–highest".to_owned(),
            Box::new(|point| rate(point).map(|rate| format!("{}–{}", grouped(rate.min), grouped(rate.max)))),
        ),
        (
            format!("µs/{item}"),
            Box::new(|point| rate(point).and(point.time_us()).map(|time| rounded(time.median))),
        ),
        ("seconds".to_owned(), Box::new(|point| seconds(point).map(with_spread))),
        ("MB/s".to_owned(), Box::new(|point| Some(rounded(point.bytes_rate()?.median / 1e6)))),
        (
            "peak memory, MB".to_owned(),
            Box::new(|point| Some(rounded(point.peak_memory_bytes()? as f64 / 1e6))),
        ),
    ];
    if let Some(baseline) = &figure.baseline {
        let by = match baseline.by {
            Ratio::Time => "time",
            Ratio::Rate => "speed",
        };
        let header = format!("{by} × {}", baseline.label);
        columns.push((header, Box::new(|point| figure.ratio_to_baseline(point).map(with_spread))));
    }
    columns.retain(|(_, cell)| figure.points.iter().any(|point| cell(point).is_some()));
    let header = columns.iter().map(|(header, _)| header.clone()).collect();
    let lines = figure
        .points
        .iter()
        .map(|point| columns.iter().map(|(_, cell)| cell(point).unwrap_or_default()).collect());
    std::iter::once(header).chain(lines).collect()
}

fn with_spread(spread: Spread) -> String {
    format!("{} ({}–{})", rounded(spread.median), rounded(spread.min), rounded(spread.max))
}

pub(super) fn plural(item: &str) -> String {
    item.strip_suffix('y').map_or_else(|| format!("{item}s"), |stem| format!("{stem}ies"))
}

/// Cells padded to the width of their column; columns without a header are text, the others numbers.
fn table(out: &mut String, rows: &[Vec<String>]) {
    let is_text: Vec<bool> =
        rows.first().map_or_else(Vec::new, |header| header.iter().map(String::is_empty).collect());
    let width = |cell: &str| cell.chars().count();
    let widths: Vec<usize> = (0..is_text.len())
        .map(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0).max(3))
        .collect();
    for (number, row) in rows.iter().enumerate() {
        for (column, cell) in row.iter().enumerate() {
            let padding = " ".repeat(widths[column] - width(cell));
            let _ = if is_text[column] {
                write!(out, "| {cell}{padding} ")
            } else {
                write!(out, "| {padding}{cell} ")
            };
        }
        out.push_str("|\n");
        if number == 0 {
            for (column, width) in widths.iter().enumerate() {
                let _ = if is_text[column] {
                    write!(out, "|{}", "-".repeat(width + 2))
                } else {
                    write!(out, "|{}:", "-".repeat(width + 1))
                };
            }
            out.push_str("|\n");
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Baseline, Target};
    use crate::report::tests::{point, report};

    #[test]
    fn a_figure_becomes_a_table_and_sentences() {
        let points = vec![point("plain", [1.0, 1.0, 2.0]), point("pg_af", [1.25, 2.5, 4.0])];
        let mut figure = Figure::new("two", "Two of them", "entry", points);
        figure.baseline = Some(Baseline { label: "plain".to_owned(), by: Ratio::Time });
        figure.targets = vec![Target {
            group: None,
            of: "pg_af".into(),
            to: "plain".into(),
            by: Ratio::Time,
            wanted: 1.5,
        }];
        figure.notes = vec!["Nothing else ran.".to_owned()];
        let expected = "
## Two of them

![Two of them](two.svg)

|       | entries/s |    lowest–highest | µs/entry |     time × plain |
|-------|----------:|------------------:|---------:|-----------------:|
| plain | 1,000,000 | 500,000–1,000,000 |     1.00 | 1.00 (1.00–1.00) |
| pg_af |   400,000 |   250,000–800,000 |     2.50 | 2.00 (1.25–2.50) |

- pg_af takes 2.00 (1.25–2.50) × plain; wanted is at most 1.50: missed
- Nothing else ran.

";
        let rendered = render(&report(vec![figure]), true);
        assert!(rendered.ends_with(expected), "{rendered}");
        assert!(
            rendered.contains("2 cores, with SHA instructions") && rendered.contains("`fsync = on`"),
            "{rendered}"
        );
    }
}
