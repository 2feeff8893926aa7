//! The lines of a file or a pipe, unpacked if they are compressed.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::read::MultiGzDecoder;

/// The longest line: PostgreSQL's `jsonb` holds no more than this (JENTRY_OFFLENMASK), so that a
/// longer line could not be stored whatever memory it took to read it.
pub const MAX_LINE_BYTES: usize = 256 << 20;
/// A buffer that grew beyond this for one line is not kept for the next.
const KEPT_CAPACITY: usize = 16 << 20;
const BUFFER_BYTES: usize = 128 << 10;
/// What every gzip file begins with (RFC 1952 section 2.3.1); no JSON does.
const GZIP: [u8; 2] = [0x1f, 0x8b];
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Why the input cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It is compressed, and the compressed data ends too early.
    #[error("the gzip data is cut short")]
    GzipCutShort,
    /// It is compressed, and damaged.
    #[error("the gzip data is damaged: {0}")]
    GzipDamaged(io::Error),
    /// The file or pipe fails.
    #[error(transparent)]
    Io(io::Error),
}

impl InputError {
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::GzipCutShort | Self::GzipDamaged(_) => {
                Some("Fetch the file again; `gzip --test FILE` checks it.".to_owned())
            }
            Self::Io(_) => None,
        }
    }
}

/// A line, or what is there instead.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextLine<'a> {
    /// A line without its end.
    Line(&'a [u8]),
    /// A line beyond [`MAX_LINE_BYTES`], which was skipped.
    TooLong,
    /// There are no more.
    End,
}

/// Reads line after line into the same memory.
pub(super) struct Input<R: Read> {
    reader: BufReader<Unpacked<R>>,
    line: Vec<u8>,
    number: u64,
    max_line_bytes: usize,
}

/// The first bytes, which were looked at, and the rest.
type Whole<R> = io::Chain<Cursor<Vec<u8>>, R>;

enum Unpacked<R: Read> {
    Plain(Whole<R>),
    Gzip(Box<MultiGzDecoder<Whole<R>>>),
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(plain) => plain.read(buffer),
            Self::Gzip(gzip) => gzip.read(buffer),
        }
    }
}

impl<R: Read> Input<R> {
    pub(super) fn open(mut input: R) -> Result<Self, InputError> {
        let mut first = Vec::new();
        input.by_ref().take(GZIP.len() as u64).read_to_end(&mut first).map_err(InputError::Io)?;
        let is_gzip = first == GZIP;
        let whole = Cursor::new(first).chain(input);
        let unpacked = if is_gzip {
            Unpacked::Gzip(Box::new(MultiGzDecoder::new(whole)))
        } else {
            Unpacked::Plain(whole)
        };
        let reader = BufReader::with_capacity(BUFFER_BYTES, unpacked);
        Ok(Self { reader, line: Vec::new(), number: 0, max_line_bytes: MAX_LINE_BYTES })
    }

    /// The number of the line that was read last; the first has number 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn next(&mut self) -> Result<NextLine<'_>, InputError> {
        self.line.clear();
        self.line.shrink_to(KEPT_CAPACITY);
        let mut is_too_long = false;
        let mut has_bytes = false;
        loop {
            let is_gzip = matches!(self.reader.get_ref(), Unpacked::Gzip(_));
            let buffer = match self.reader.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(read_error(error, is_gzip)),
            };
            if buffer.is_empty() {
                break;
            }
            has_bytes = true;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let part = &buffer[..end.unwrap_or(buffer.len())];
            is_too_long |= self.line.len() + part.len() > self.max_line_bytes;
            if !is_too_long {
                self.line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !has_bytes {
            return Ok(NextLine::End);
        }
        self.number += 1;
        if is_too_long {
            return Ok(NextLine::TooLong);
        }
        let line = self.line.as_slice();
        let mark = if self.number == 1 { BYTE_ORDER_MARK } else { &[] };
        Ok(NextLine::Line(line.strip_prefix(mark).unwrap_or(line)))
    }
}

fn read_error(error: io::Error, is_gzip: bool) -> InputError {
    match (is_gzip, error.kind()) {
        (true, io::ErrorKind::UnexpectedEof) => InputError::GzipCutShort,
        (true, io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => InputError::GzipDamaged(error),
        _ => InputError::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn lines(input: &[u8]) -> Result<Vec<String>, InputError> {
        let mut input = Input::open(input)?;
        input.max_line_bytes = 8;
        let mut lines = Vec::new();
        loop {
            match input.next()? {
                NextLine::End => return Ok(lines),
                NextLine::TooLong => lines.push("too long".to_owned()),
                NextLine::Line(line) => lines.push(String::from_utf8_lossy(line).into_owned()),
            }
        }
    }

    #[test]
    fn reads_lines_plain_and_compressed() {
        let text = b"\xef\xbb\xbfone\r\n\ntwo\n\xef\xbb\xbf\n12345678\n123456789\nlast";
        let expected = ["one\r", "", "two", "\u{feff}", "12345678", "too long", "last"];
        assert_eq!(lines(text).unwrap(), expected);
        assert_eq!(lines(&gzip(text)).unwrap(), expected);
        let (first, second) = text.split_at(12);
        assert_eq!(lines(&[gzip(first), gzip(second)].concat()).unwrap(), expected);
        for short in [&b""[..], b"\x1f", b"\n"] {
            assert_eq!(lines(short).unwrap().len(), short.len());
        }
    }

    #[test]
    fn a_gzip_file_cut_anywhere_is_noticed() {
        let packed = gzip(b"one\ntwo\nthree\n");
        for end in 2..packed.len() {
            assert!(matches!(lines(&packed[..end]), Err(InputError::GzipCutShort)), "cut at {end}");
        }
        let mut damaged = packed.clone();
        let last = damaged.len() - 5;
        damaged[last] ^= 1;
        assert!(matches!(lines(&damaged), Err(InputError::GzipDamaged(_))));
    }
}
