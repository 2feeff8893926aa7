//! Tables in Markdown, which read well on a terminal too.

use std::fmt::Write;

use super::Report;
use super::number::{grouped, rounded};
use crate::figure::{Figure, Point, Ratio, Spread};

pub(super) fn render(report: &Report) -> String {
    let mut out = String::new();
    for figure in &report.figures {
        render_figure(&mut out, figure);
    }
    out
}

fn render_figure(out: &mut String, figure: &Figure) {
    let _ = writeln!(out, "### {}\n", figure.title);
    table(out, &rows(figure));
    for target in &figure.targets {
        for (group, measured) in target.measured(figure) {
            let (of, to) = (&target.of, &target.to);
            let group = group.map_or_else(String::new, |group| format!(", {group}"));
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
    let item = figure.item;
    let plural = plural(item);
    let mut columns: Vec<(String, Cell<'_>)> = vec![
        (String::new(), Box::new(|point| Some(point.label.clone()))),
        ("case".to_owned(), Box::new(|point| point.group.clone())),
        (figure.x_title.unwrap_or_default().to_owned(), Box::new(|point| Some(grouped(point.x?)))),
        (format!("{plural}/s"), Box::new(|point| Some(grouped(point.rate()?.median)))),
        (
            "lowest–highest".to_owned(),
            Box::new(|point| point.rate().map(|rate| format!("{}–{}", grouped(rate.min), grouped(rate.max)))),
        ),
        (format!("µs/{item}"), Box::new(|point| Some(rounded(1e6 / point.rate()?.median)))),
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

fn plural(item: &str) -> String {
    item.strip_suffix('y').map_or_else(|| format!("{item}s"), |stem| format!("{stem}ies"))
}

/// Cells padded to the width of their column; all but the first column to the right.
fn table(out: &mut String, rows: &[Vec<String>]) {
    let count = rows.first().map_or(0, Vec::len);
    let width = |cell: &str| cell.chars().count();
    let widths: Vec<usize> = (0..count)
        .map(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0).max(3))
        .collect();
    for (number, row) in rows.iter().enumerate() {
        for (column, cell) in row.iter().enumerate() {
            let padding = " ".repeat(widths[column] - width(cell));
            let _ = if column == 0 {
                write!(out, "| {cell}{padding} ")
            } else {
                write!(out, "| {padding}{cell} ")
            };
        }
        out.push_str("|\n");
        if number == 0 {
            for (column, width) in widths.iter().enumerate() {
                let _ = if column == 0 {
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
    use crate::figure::{Baseline, Sample, Target};

    #[test]
    fn a_figure_becomes_a_table_and_sentences() {
        let point = |label: &str, seconds: [f64; 3]| Point {
            label: label.to_owned(),
            group: None,
            x: None,
            samples: seconds.map(|seconds| Sample::new(1_000_000, seconds)).to_vec(),
        };
        let mut figure = Figure::new(
            "n",
            "Two of them",
            "entry",
            vec![point("plain", [1.0, 1.0, 2.0]), point("pg_af", [1.25, 2.5, 4.0])],
        );
        figure.baseline = Some(Baseline { label: "plain".to_owned(), by: Ratio::Time });
        figure.targets = vec![Target {
            group: None,
            of: "pg_af".into(),
            to: "plain".into(),
            by: Ratio::Time,
            wanted: 1.5,
        }];
        figure.notes = vec!["Nothing else ran.".to_owned()];
        let rendered = render(&Report { figures: vec![figure] });
        let lines: Vec<&str> = rendered.lines().collect();
        assert_eq!(lines[2].chars().count(), lines[5].chars().count(), "{rendered}");
        assert!(lines[5].contains(" 400,000 |") && lines[5].contains("| 2.00 (1.25–2.50) |"), "{rendered}");
        assert!(!rendered.contains("MB"), "{rendered}");
        assert_eq!(lines[7], "- pg_af takes 2.00 (1.25–2.50) × plain; wanted is at most 1.50: missed");
        assert_eq!(lines[8], "- Nothing else ran.");
    }
}
