//! The binary format of COPY, read without trust: every length is checked against what arrives.

use std::io::{self, BufRead, Read as _};
use std::mem;
use std::ops::Range;

use uuid::Uuid;

use crate::relation::ColumnType;
use crate::server::ServerError;

const SIGNATURE: [u8; 11] = *b"PGCOPY\n\xff\r\n\0";
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
/// No value of PostgreSQL's is longer (MaxAllocSize).
const LONGEST_FIELD: usize = 0x3fff_ffff;
/// A buffer that grew beyond this for one row is not kept for the next.
const KEPT_CAPACITY: usize = 16 << 20;
/// A longer row is not copied in order to have it together with the next.
const LONGEST_ASIDE: usize = 16 << 10;

/// Why what came is not what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The server gave up half-way, or is gone.
    #[error("the server stopped sending")]
    Server(#[source] ServerError),
    /// The connection failed otherwise.
    #[error("the connection failed")]
    Io(#[source] io::Error),
    /// The stream ends inside a row.
    #[error("the data ends in the middle")]
    Truncated,
    /// The stream is not COPY's binary format.
    #[error("the data is not in COPY's binary format: {0}")]
    Malformed(&'static str),
    /// A field has not the length or form of its type.
    #[error("column {0} is not of the form of its type")]
    Field(&'static str),
}

impl From<io::Error> for CopyError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::Truncated;
        }
        match error.downcast::<postgres::Error>() {
            Ok(error) => Self::Server(error.into()),
            Err(error) => Self::Io(error),
        }
    }
}

/// Reads row after row: where it arrived, if it came in one piece, as from PostgreSQL, else into memory of its own.
pub(crate) struct TupleReader<R> {
    input: R,
    columns: &'static [ColumnType],
    has_begun: bool,
    has_ended: bool,
    fields: Vec<Option<Range<usize>>>,
    /// How much of the input's buffer the row takes that was given last.
    lent: usize,
    /// A row that came in pieces.
    pieces: Vec<u8>,
    /// A row that was put aside until there is another, and where its fields are.
    aside: (Vec<u8>, Vec<Option<Range<usize>>>),
}

/// What the bytes after the last row are.
enum Layout {
    /// A row of this length; its fields have been found.
    Row(usize),
    /// The mark behind the last row.
    Trailer,
    /// A part of a row, which cannot be judged before there are as many bytes as this.
    Part(usize),
}

impl<R: BufRead> TupleReader<R> {
    /// Of a query for these columns.
    pub(crate) fn new(input: R, columns: &'static [ColumnType]) -> Self {
        let fields = vec![None; columns.len()];
        let aside = (Vec::new(), fields.clone());
        Self {
            input,
            columns,
            has_begun: false,
            has_ended: false,
            fields,
            lent: 0,
            pieces: Vec::new(),
            aside,
        }
    }

    /// The next row; `None` after the last, once the server has confirmed that it was the last.
    pub(crate) fn next(&mut self) -> Result<Option<Tuple<'_>>, CopyError> {
        if !self.advance()? {
            return Ok(None);
        }
        let data = if self.pieces.is_empty() { self.input.fill_buf()? } else { &self.pieces };
        Ok(Some(Tuple { columns: self.columns, data, fields: &self.fields }))
    }

    /// The next row and mostly, though not if it is a long one, the one behind it; `None` after the last.
    pub(crate) fn next_two(&mut self) -> Result<Option<(Tuple<'_>, Option<Tuple<'_>>)>, CopyError> {
        if !self.advance()? {
            return Ok(None);
        }
        let columns = self.columns;
        let data = if self.pieces.is_empty() { &self.input.fill_buf()?[..self.lent] } else { &self.pieces };
        let is_long = data.len() > LONGEST_ASIDE;
        if !is_long {
            self.aside.0.clear();
            self.aside.0.extend_from_slice(data);
            self.aside.1.clone_from_slice(&self.fields);
        }
        let has_second = !is_long && self.advance()?;
        let lent = if self.pieces.is_empty() && (is_long || has_second) {
            self.input.fill_buf()?
        } else {
            &self.pieces
        };
        let lent = Tuple { columns, data: lent, fields: &self.fields };
        if is_long {
            return Ok(Some((lent, None)));
        }
        let aside = Tuple { columns, data: &self.aside.0, fields: &self.aside.1 };
        Ok(Some((aside, has_second.then_some(lent))))
    }

    /// Goes on to the next row, which is then in `pieces`, unless these are empty, or at the front of the input's buffer.
    /// Returns whether there is one.
    fn advance(&mut self) -> Result<bool, CopyError> {
        if self.has_ended {
            return Ok(false);
        }
        if !self.has_begun {
            self.read_header()?;
            self.has_begun = true;
        }
        self.input.consume(mem::take(&mut self.lent));
        self.pieces.clear();
        self.pieces.shrink_to(KEPT_CAPACITY);
        loop {
            let bytes = if self.pieces.is_empty() { self.input.fill_buf()? } else { &self.pieces };
            match find_fields(bytes, &mut self.fields)? {
                Layout::Row(length) => {
                    if self.pieces.is_empty() {
                        self.lent = length;
                    }
                    return Ok(true);
                }
                Layout::Trailer => {
                    if self.pieces.is_empty() {
                        self.input.consume(TRAILER.len());
                    }
                    // Reading on to the end is what makes an error of the server's show.
                    if !self.input.fill_buf()?.is_empty() {
                        return Err(CopyError::Malformed("something follows the trailer"));
                    }
                    self.has_ended = true;
                    return Ok(false);
                }
                Layout::Part(wanted) => self.gather(wanted)?,
            }
        }
    }

    fn read_header(&mut self) -> Result<(), CopyError> {
        let mut header = [0; SIGNATURE.len() + 8];
        self.input.read_exact(&mut header)?;
        let [signature @ .., f0, f1, f2, f3, l0, l1, l2, l3] = header;
        if signature != SIGNATURE {
            return Err(CopyError::Malformed("wrong signature"));
        }
        // Bits 16 to 31 are critical; bit 16 says that rows have OIDs, which no supported server sends.
        if i32::from_be_bytes([f0, f1, f2, f3]) & !0xffff != 0 {
            return Err(CopyError::Malformed("unknown flags"));
        }
        let length = field_length(i32::from_be_bytes([l0, l1, l2, l3]))
            .ok_or(CopyError::Malformed("impossible extension length"))? as u64;
        if io::copy(&mut self.input.by_ref().take(length), &mut io::sink())? < length {
            return Err(CopyError::Truncated);
        }
        Ok(())
    }

    /// Moves so many bytes of a row into `pieces`; memory grows only with what has really arrived.
    fn gather(&mut self, wanted: usize) -> Result<(), CopyError> {
        while self.pieces.len() < wanted {
            let arrived = self.input.fill_buf()?;
            if arrived.is_empty() {
                return Err(CopyError::Truncated);
            }
            let length = arrived.len().min(wanted - self.pieces.len());
            self.pieces.extend_from_slice(&arrived[..length]);
            self.input.consume(length);
        }
        Ok(())
    }
}

/// Looks where the fields of a row are that starts with `bytes`.
fn find_fields(bytes: &[u8], fields: &mut [Option<Range<usize>>]) -> Result<Layout, CopyError> {
    let Some(count) = bytes.first_chunk() else { return Ok(Layout::Part(2)) };
    if *count == TRAILER {
        return Ok(Layout::Trailer);
    }
    if usize::from(u16::from_be_bytes(*count)) != fields.len() {
        return Err(CopyError::Malformed("wrong number of columns"));
    }
    let mut at = count.len();
    for field in fields {
        let Some(length) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else {
            return Ok(Layout::Part(at + 4));
        };
        at += 4;
        *field = match i32::from_be_bytes(*length) {
            -1 => None,
            length => {
                let start = at;
                at += field_length(length).ok_or(CopyError::Malformed("impossible field length"))?;
                Some(start..at)
            }
        };
    }
    Ok(if at <= bytes.len() { Layout::Row(at) } else { Layout::Part(at) })
}

/// A length that a field can have.
fn field_length(length: i32) -> Option<usize> {
    usize::try_from(length).ok().filter(|length| *length <= LONGEST_FIELD)
}

/// A row; any field may be null.
#[derive(Debug)]
pub(crate) struct Tuple<'a> {
    columns: &'static [ColumnType],
    data: &'a [u8],
    fields: &'a [Option<Range<usize>>],
}

impl<'a> Tuple<'a> {
    /// The field as it came.
    pub(crate) fn bytes(&self, index: usize) -> Result<Option<&'a [u8]>, CopyError> {
        let Some(range) = &self.fields[index] else { return Ok(None) };
        self.data.get(range.clone()).map(Some).ok_or(CopyError::Truncated)
    }

    pub(crate) fn uuid(&self, index: usize) -> Result<Option<Uuid>, CopyError> {
        Ok(self.fixed(index)?.map(Uuid::from_bytes))
    }

    pub(crate) fn int8(&self, index: usize) -> Result<Option<i64>, CopyError> {
        Ok(self.fixed(index)?.map(i64::from_be_bytes))
    }

    pub(crate) fn int2(&self, index: usize) -> Result<Option<i16>, CopyError> {
        Ok(self.fixed(index)?.map(i16::from_be_bytes))
    }

    /// The text of a jsonb, which comes behind the number of its format.
    pub(crate) fn jsonb(&self, index: usize) -> Result<Option<&'a [u8]>, CopyError> {
        match self.bytes(index)? {
            None => Ok(None),
            Some([1, text @ ..]) => Ok(Some(text)),
            Some(_) => Err(CopyError::Field(self.columns[index].0)),
        }
    }

    fn fixed<const N: usize>(&self, index: usize) -> Result<Option<[u8; N]>, CopyError> {
        let Some(bytes) = self.bytes(index)? else { return Ok(None) };
        bytes.try_into().map(Some).map_err(|_| CopyError::Field(self.columns[index].0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::AUDIT_COLUMNS;

    const COLUMNS: usize = AUDIT_COLUMNS.len();

    fn header() -> Vec<u8> {
        [&SIGNATURE[..], &[0; 8]].concat()
    }

    fn row(fields: &[Option<&[u8]>]) -> Vec<u8> {
        let mut out = (fields.len() as i16).to_be_bytes().to_vec();
        for field in fields {
            match field {
                None => out.extend((-1_i32).to_be_bytes()),
                Some(bytes) => {
                    out.extend((bytes.len() as i32).to_be_bytes());
                    out.extend(*bytes);
                }
            }
        }
        out
    }

    /// Two rows, the second all null.
    fn stream() -> Vec<u8> {
        let mut fields = [Some(&b"text"[..]); COLUMNS];
        fields[0] = Some(&[7; 16]);
        fields[1] = Some(&[0, 0, 0, 0, 0, 0, 0, 9]);
        fields[9] = Some(b"\x01{}");
        fields[10] = Some(&[0, 1]);
        [header(), row(&fields), row(&[None; COLUMNS]), vec![0xff, 0xff]].concat()
    }

    fn read_all(stream: &[u8]) -> Result<usize, CopyError> {
        let mut reader = TupleReader::new(stream, &AUDIT_COLUMNS);
        let mut count = 0;
        while reader.next()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    /// However the stream is cut, rows are the same.
    #[test]
    fn rows_may_come_in_pieces() {
        let fields = |input: &mut dyn BufRead| {
            let mut reader = TupleReader::new(input, &AUDIT_COLUMNS);
            let mut fields: Vec<Option<Vec<u8>>> = Vec::new();
            while let Some(row) = reader.next().unwrap() {
                fields.extend((0..COLUMNS).map(|index| row.bytes(index).unwrap().map(<[u8]>::to_vec)));
            }
            fields
        };
        let stream = stream();
        let whole = fields(&mut &stream[..]);
        assert_eq!(whole.len(), 2 * COLUMNS);
        for length in 1..stream.len() {
            let mut pieces = io::BufReader::with_capacity(length, &stream[..]);
            assert_eq!(fields(&mut pieces), whole, "pieces of {length}");
        }
    }

    /// Rows two at a time, with an odd and an even number of them, some too long to be put aside, however they are cut.
    #[test]
    fn two_at_a_time_are_the_same_rows() {
        let fields_of = |row: &Tuple<'_>| -> Vec<Option<Vec<u8>>> {
            (0..COLUMNS).map(|index| row.bytes(index).unwrap().map(<[u8]>::to_vec)).collect()
        };
        let long = vec![b'x'; LONGEST_ASIDE];
        for count in 0..6_usize {
            for long_one in 0..=count {
                let rows = (0..count).map(|number| {
                    let text = number.to_string();
                    let mut fields = [Some(text.as_bytes()); COLUMNS];
                    fields[number] = None;
                    fields[8] = Some(if number == long_one { &long } else { b"short" });
                    row(&fields)
                });
                let stream = [header(), rows.collect::<Vec<_>>().concat(), vec![0xff, 0xff]].concat();
                let mut wanted = Vec::new();
                let mut reader = TupleReader::new(&stream[..], &AUDIT_COLUMNS);
                while let Some(row) = reader.next().unwrap() {
                    wanted.push(fields_of(&row));
                }
                for capacity in [1, 7, 100, 1_000, 100_000] {
                    let input = io::BufReader::with_capacity(capacity, &stream[..]);
                    let mut reader = TupleReader::new(input, &AUDIT_COLUMNS);
                    let mut given = Vec::new();
                    while let Some((one, other)) = reader.next_two().unwrap() {
                        given.push(fields_of(&one));
                        given.extend(other.as_ref().map(fields_of));
                    }
                    assert_eq!(
                        given, wanted,
                        "{count} rows, of which {long_one} is long, in pieces of {capacity}"
                    );
                }
            }
        }
    }

    #[test]
    fn reads_rows_and_nulls() {
        let stream = stream();
        let mut reader = TupleReader::new(&stream[..], &AUDIT_COLUMNS);
        let first = reader.next().unwrap().unwrap();
        assert_eq!(first.uuid(0).unwrap(), Some(Uuid::from_bytes([7; 16])));
        assert_eq!(first.int8(1).unwrap(), Some(9));
        assert_eq!(first.bytes(4).unwrap(), Some(&b"text"[..]));
        assert_eq!(first.jsonb(9).unwrap(), Some(&b"{}"[..]));
        assert_eq!(first.int2(10).unwrap(), Some(1));
        assert!(matches!(first.int8(3), Err(CopyError::Field("ts"))));
        assert!(matches!(first.jsonb(4), Err(CopyError::Field("actor_type"))));
        let second = reader.next().unwrap().unwrap();
        assert!((0..COLUMNS).all(|index| second.bytes(index).unwrap().is_none()));
        assert!(reader.next().unwrap().is_none());
    }

    #[test]
    fn every_truncation_is_noticed() {
        let stream = stream();
        assert_eq!(read_all(&stream).unwrap(), 2);
        for end in 0..stream.len() {
            assert!(matches!(read_all(&stream[..end]), Err(CopyError::Truncated)), "cut at {end}");
        }
    }

    #[test]
    fn what_is_not_the_format_is_refused() {
        let malformed = |stream: Vec<u8>| matches!(read_all(&stream), Err(CopyError::Malformed(_)));
        assert!(malformed(b"PGCOPY\n\xff\r\r\0________".to_vec()));
        assert!(malformed([header(), vec![0, 3]].concat()));
        assert!(malformed([header(), vec![0x80, 0]].concat()));
        assert!(malformed([stream(), vec![0]].concat()));
        let mut oids = header();
        oids[12] = 1;
        assert!(malformed([oids, vec![0xff, 0xff]].concat()));
        for length in [-2_i32, i32::MIN, i32::MAX] {
            let mut long = [header(), vec![0, COLUMNS as u8]].concat();
            long.extend(length.to_be_bytes());
            assert!(malformed(long));
        }
        // A length that could be, but whose bytes never come, costs no memory.
        let mut promised = [header(), vec![0, COLUMNS as u8]].concat();
        promised.extend((LONGEST_FIELD as i32).to_be_bytes());
        assert!(matches!(read_all(&promised), Err(CopyError::Truncated)));
    }
}
