//! The data of a dump as pg_restore writes it: blocks of `COPY table (columns) FROM stdin;`, a line for each row, and `\.`.

/// A table's data in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// Schema and name of the table, as they are written.
    pub(super) table: String,
    /// The names of the columns, without quotes.
    pub(super) columns: Vec<String>,
    /// The statement up to the semicolon.
    pub(super) statement: String,
}

/// What a line of the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// A block begins.
    Begin,
    /// A row, with its line end.
    Row(&'a [u8]),
    /// The block ends.
    End,
}

/// Reads the text line by line.
#[derive(Debug, Default)]
pub(super) struct Reader {
    block: Option<Block>,
    is_inside: bool,
}

impl Reader {
    /// What the next line is, if it belongs to a block. A value never has a line end in it.
    pub(super) fn take<'a>(&mut self, line: &'a [u8]) -> Option<(&Block, Step<'a>)> {
        if !self.is_inside {
            self.block = Some(header(line)?);
            self.is_inside = true;
            return self.block.as_ref().map(|block| (block, Step::Begin));
        }
        let step = if trimmed(line) == br"\." {
            self.is_inside = false;
            Step::End
        } else {
            Step::Row(line)
        };
        self.block.as_ref().map(|block| (block, step))
    }

    /// Whether a block has begun and not ended.
    pub(super) fn is_inside(&self) -> bool {
        self.is_inside
    }
}

/// The field of a row's line at a position, as it is written.
pub(super) fn field(line: &[u8], index: usize) -> Option<&[u8]> {
    trimmed(line).split(|byte| *byte == b'\t').nth(index)
}

fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn header(line: &[u8]) -> Option<Block> {
    let line = std::str::from_utf8(line.strip_prefix(b"COPY ")?).ok()?;
    let named = line.trim_end().strip_suffix(" FROM stdin;")?;
    let mut rest = named;
    loop {
        rest = after_identifier(rest)?;
        match rest.strip_prefix('.') {
            Some(after) => rest = after,
            None => break,
        }
    }
    let table = named[..named.len() - rest.len()].to_owned();
    let mut columns = Vec::new();
    // A table without columns has a space there and nothing else.
    if let Some(list) = rest.strip_prefix(" (").and_then(|list| list.strip_suffix(')')) {
        let mut list = list;
        loop {
            let after = after_identifier(list)?;
            columns.push(unquoted(&list[..list.len() - after.len()]));
            match after.strip_prefix(", ") {
                Some(next) => list = next,
                None if after.is_empty() => break,
                None => return None,
            }
        }
    } else if !rest.trim().is_empty() {
        return None;
    }
    Some(Block { table, columns, statement: format!("COPY {named} FROM stdin") })
}

/// What follows the identifier that a text begins with.
fn after_identifier(text: &str) -> Option<&str> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '.', ',', ')', '(']).unwrap_or(text.len());
        return (end > 0).then(|| &text[end..]);
    };
    let mut rest = quoted;
    loop {
        rest = &rest[rest.find('"')? + 1..];
        match rest.strip_prefix('"') {
            Some(after) => rest = after,
            None => return Some(rest),
        }
    }
}

fn unquoted(identifier: &str) -> String {
    match identifier.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => identifier.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_headers_apart() {
        for (line, table, columns) in [
            ("COPY public.audits (tenant_id, seq) FROM stdin;\n", "public.audits", &["tenant_id", "seq"][..]),
            ("COPY \"a (b\".\"c\"\"d\" (\"e, f\", g) FROM stdin;\r\n", "\"a (b\".\"c\"\"d\"", &["e, f", "g"]),
            ("COPY public.empty  FROM stdin;\n", "public.empty", &[]),
        ] {
            let block = header(line.as_bytes()).unwrap();
            assert_eq!(
                (block.table.as_str(), block.columns.as_slice()),
                (table, &columns.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>()[..])
            );
            assert_eq!(format!("{};", block.statement), line.trim_end());
        }
        for line in [
            "COPY x",
            "SELECT 1;\n",
            "COPY x (a FROM stdin;\n",
            "COPY \"x (a) FROM stdin;\n",
            "COPY \u{0} FROM stdout;",
        ] {
            assert_eq!(header(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn tells_rows_from_the_rest() {
        let text =
            b"SET x;\nCOPY t (a, b) FROM stdin;\nCOPY u (a) FROM stdin;\\n\t\\.\n1\t\\N\n\\.\n\nSELECT 1;\n";
        let mut reader = Reader::default();
        let mut steps = Vec::new();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            if let Some((block, step)) = reader.take(line) {
                assert_eq!(block.table, "t");
                steps.push(step);
            }
        }
        assert_eq!(steps.len(), 4);
        assert_eq!(steps[2], Step::Row(b"1\t\\N\n"));
        assert_eq!(field(b"1\t\\N\n", 1), Some(&br"\N"[..]));
        assert_eq!(field(b"1\t\\N\n", 2), None);
        assert!(!reader.is_inside());
        reader.take(b"COPY t (a) FROM stdin;\n");
        assert!(reader.is_inside());
    }
}
