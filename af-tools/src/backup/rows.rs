//! The rows in a table's data as pg_dump writes it: a line for each, `\.` on a line of its own, and nothing but empty lines
//! after that.

use memchr::memchr_iter;

const END: [u8; 2] = *br"\.";

/// Counts rows in a text that comes in pieces. Of the line at hand, only as much is kept as tells it from the mark at the end:
/// a row may be as long as memory.
#[derive(Debug, Default)]
pub(super) struct RowCounter {
    rows: u64,
    beginning: [u8; END.len()],
    length: usize,
    is_ended: bool,
    is_followed: bool,
}

impl RowCounter {
    /// The next piece.
    pub(super) fn take(&mut self, text: &[u8]) {
        let mut start = 0;
        for end in memchr_iter(b'\n', text) {
            self.extend(&text[start..end]);
            self.end_line();
            start = end + 1;
        }
        self.extend(&text[start..]);
    }

    fn extend(&mut self, part: &[u8]) {
        for (place, byte) in self.beginning.iter_mut().skip(self.length).zip(part) {
            *place = *byte;
        }
        self.length = self.length.saturating_add(part.len());
    }

    fn end_line(&mut self) {
        // A backslash within a value is written as two, so that no row is like the mark.
        let is_mark = self.length == END.len() && self.beginning == END;
        match (self.is_ended, is_mark) {
            (false, true) => self.is_ended = true,
            (false, false) => self.rows += 1,
            (true, _) => self.is_followed |= self.length > 0,
        }
        self.length = 0;
    }

    /// How many rows there were, if the text has come to its end, and to no other.
    pub(super) fn finish(self) -> Result<u64, &'static str> {
        if self.is_followed || (self.is_ended && self.length > 0) {
            Err("something follows the end of the table's rows")
        } else if self.is_ended {
            Ok(self.rows)
        } else {
            Err("it ends in the middle of the table's rows")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> Result<u64, &'static str> {
        let mut whole = RowCounter::default();
        whole.take(text.as_bytes());
        let mut in_pieces = RowCounter::default();
        text.as_bytes().chunks(1).for_each(|piece| in_pieces.take(piece));
        let result = whole.finish();
        assert_eq!(in_pieces.finish(), result, "{text:?}");
        result
    }

    #[test]
    fn a_line_is_a_row_up_to_the_mark() {
        assert_eq!(counted("\\.\n\n\n"), Ok(0));
        assert_eq!(counted("1\t\\N\n\\\\.\n\\.x\n\n\\.\n\n\n"), Ok(4));
    }

    #[test]
    fn what_is_cut_off_or_goes_on_is_told() {
        for cut in ["", "1\n", "1\n2", "1\n\\.", "1\n\\"] {
            assert_eq!(counted(cut), Err("it ends in the middle of the table's rows"), "{cut:?}");
        }
        for longer in ["\\.\n1\n", "1\n\\.\n\n\n2", "\\.\n\\.\n"] {
            assert_eq!(counted(longer), Err("something follows the end of the table's rows"), "{longer:?}");
        }
    }
}
