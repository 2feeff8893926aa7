//! Plain tables: columns as wide as their widest cell.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

/// Longer cells are cut off; JSON has them whole.
const MAX_CELL_CHARS: usize = 120;

/// A table for people.
pub struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With these columns. A heading that begins with `>` makes its column align to the right.
    pub fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(shortened).to_vec());
    }

    /// Writes it.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let headings: Vec<&str> =
            self.headings.iter().map(|heading| heading.trim_start_matches('>')).collect();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column)).map(String::as_str);
            cells.chain([headings[column]]).map(UnicodeWidthStr::width).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..headings.len()).map(width).collect();
        let mut write_row = |cells: &mut dyn Iterator<Item = &str>| {
            let mut line = String::new();
            for ((cell, width), heading) in cells.zip(&widths).zip(&self.headings) {
                let padding = " ".repeat(width.saturating_sub(cell.width()));
                let (before, after) =
                    if heading.starts_with('>') { (padding.as_str(), "") } else { ("", padding.as_str()) };
                line.push_str(before);
                line.push_str(cell);
                line.push_str(after);
                line.push_str("  ");
            }
            writeln!(out, "{}", line.trim_end())
        };
        write_row(&mut headings.iter().copied())?;
        self.rows.iter().try_for_each(|row| write_row(&mut row.iter().map(String::as_str)))
    }
}

/// A cell of a bearable length, on one line.
fn shortened(cell: String) -> String {
    let cell = cell.replace(['\n', '\t'], " ");
    match cell.char_indices().nth(MAX_CELL_CHARS) {
        Some((end, _)) => format!("{}…", &cell[..end]),
        None => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligns() {
        let mut table = Table::new(&["name", ">count", "note"]);
        table.row(["Zoë".to_owned(), "1".to_owned(), String::new()]);
        table.row(["b".to_owned(), "1000000".to_owned(), "x".to_owned()]);
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "name    count  note\nZoë         1\nb     1000000  x\n");
    }
}
