//! The binary format of COPY, read without trust: every length is checked against what arrives.

use std::io::{self, Read};
use std::ops::Range;

use uuid::Uuid;

use crate::relation::ColumnType;
use crate::server::ServerError;

const SIGNATURE: [u8; 11] = *b"PGCOPY\n\xff\r\n\0";
/// No value of PostgreSQL's is longer (MaxAllocSize).
const LONGEST_FIELD: usize = 0x3fff_ffff;
/// A buffer that grew beyond this for one row is not kept for the next.
const KEPT_CAPACITY: usize = 16 << 20;
/// How much memory is taken on the word of a length alone.
const CHUNK: usize = 1 << 20;

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

/// Reads row after row into the same memory.
pub(crate) struct TupleReader<R> {
    input: R,
    columns: &'static [ColumnType],
    has_begun: bool,
    data: Vec<u8>,
    fields: Vec<Option<Range<usize>>>,
}

impl<R: Read> TupleReader<R> {
    /// Of a query for these columns.
    pub(crate) fn new(input: R, columns: &'static [ColumnType]) -> Self {
        Self { input, columns, has_begun: false, data: Vec::new(), fields: vec![None; columns.len()] }
    }

    /// The next row; `None` after the last, once the server has confirmed that it was the last.
    pub(crate) fn next(&mut self) -> Result<Option<Tuple<'_>>, CopyError> {
        if !self.has_begun {
            self.read_header()?;
            self.has_begun = true;
        }
        self.data.clear();
        self.data.shrink_to(KEPT_CAPACITY);
        match self.read_i16()? {
            -1 => {
                // Reading on to the end is what makes an error of the server's show.
                if self.input.read(&mut [0])? != 0 {
                    return Err(CopyError::Malformed("something follows the trailer"));
                }
                return Ok(None);
            }
            count if usize::try_from(count) == Ok(self.columns.len()) => {}
            _ => return Err(CopyError::Malformed("wrong number of columns")),
        }
        for index in 0..self.columns.len() {
            self.fields[index] = match self.read_i32()? {
                -1 => None,
                length => {
                    let length = usize::try_from(length).ok().filter(|length| *length <= LONGEST_FIELD);
                    Some(self.read_field(length.ok_or(CopyError::Malformed("impossible field length"))?)?)
                }
            };
        }
        Ok(Some(Tuple { columns: self.columns, data: &self.data, fields: &self.fields }))
    }

    fn read_header(&mut self) -> Result<(), CopyError> {
        let mut signature = [0; SIGNATURE.len()];
        self.input.read_exact(&mut signature)?;
        if signature != SIGNATURE {
            return Err(CopyError::Malformed("wrong signature"));
        }
        // Bits 16 to 31 are critical; bit 16 says that rows have OIDs, which no supported server sends.
        if self.read_i32()? & !0xffff != 0 {
            return Err(CopyError::Malformed("unknown flags"));
        }
        let extension = self.read_i32()?;
        let length = usize::try_from(extension).ok().filter(|length| *length <= LONGEST_FIELD);
        self.read_field(length.ok_or(CopyError::Malformed("impossible extension length"))?)?;
        Ok(())
    }

    /// Appends `length` bytes to the row; memory grows only with what has really arrived.
    fn read_field(&mut self, length: usize) -> Result<Range<usize>, CopyError> {
        let start = self.data.len();
        while self.data.len() < start + length {
            let at = self.data.len();
            self.data.resize((start + length).min(at + CHUNK), 0);
            self.input.read_exact(&mut self.data[at..])?;
        }
        Ok(start..start + length)
    }

    fn read_i16(&mut self) -> Result<i16, CopyError> {
        let mut bytes = [0; 2];
        self.input.read_exact(&mut bytes)?;
        Ok(i16::from_be_bytes(bytes))
    }

    fn read_i32(&mut self) -> Result<i32, CopyError> {
        let mut bytes = [0; 4];
        self.input.read_exact(&mut bytes)?;
        Ok(i32::from_be_bytes(bytes))
    }
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
