//! One file of a backup, read once: hashed as it is and, where that is asked for, decoded in the same go.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::thread;
use std::time::Duration;

use flate2::{Decompress, FlushDecompress, Status};
use sha2::{Digest as _, Sha256};

use super::Error;
use super::files::{failed, hexadecimal};
use super::manifest::DUMP;
use super::rows::RowCounter;

const CHUNK_BYTES: usize = 1 << 18;
/// The window that gzip files may refer back into, as an exponent: all of what the format allows.
const WINDOW_BITS: u8 = 15;
/// How long a file is waited for that may grow.
const POLL: Duration = Duration::from_millis(20);
const FOLLOWED: &str = "something follows the end of what was compressed";

/// How far a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// It is hashed.
    Hash,
    /// It is decoded as well, unless only pg_restore can do that.
    Decode,
}

/// What was found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Its size in bytes.
    pub(super) size: u64,
    /// Its SHA-256 in hexadecimal.
    pub(super) sha256: String,
    /// How many rows there are, if it is a table's data and was decoded, or why it cannot be decoded to its end.
    pub(super) rows: Result<Option<u64>, String>,
}

impl Member {
    /// Reads the file at `path`, which is called `name` within the backup, and gives the length of each piece to `pace`. As long
    /// as it `may_grow`, its end is not taken for one, unless what was compressed has come to its own.
    pub(super) fn read(
        path: &Path,
        name: &str,
        depth: Depth,
        pace: &dyn Fn(u64) -> Result<(), Error>,
        may_grow: &dyn Fn() -> bool,
    ) -> Result<Self, Error> {
        let mut file = File::open(path).map_err(failed("open", path))?;
        let mut decoder = match depth {
            Depth::Hash => Decoder::default(),
            Depth::Decode => Decoder::of(name),
        };
        let mut sha256 = Sha256::new();
        let mut size = 0;
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            // Asked first: what is written in between is read by the next round.
            let may_grow = may_grow();
            let length = file.read(&mut chunk).map_err(failed("read", path))?;
            pace(length as u64)?;
            if length == 0 && may_grow && !decoder.is_ended() {
                thread::sleep(POLL);
                continue;
            }
            if length == 0 {
                break;
            }
            sha256.update(&chunk[..length]);
            decoder.take(&chunk[..length]);
            size += length as u64;
        }
        Ok(Self { size, sha256: hexadecimal(sha256), rows: decoder.finish() })
    }
}

/// The table's data that a file holds, by the number that pg_dump gave it (`3456` of `dump/3456.dat.gz`), and how it is
/// compressed (`gz`, or nothing).
pub(super) fn table_data(name: &str) -> Option<(&str, &str)> {
    let (number, ending) = name.strip_prefix(DUMP)?.strip_prefix('/')?.split_once('.')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let compression = ending.strip_prefix("dat")?.trim_start_matches('.');
    is_number.then_some((number, compression))
}

/// Whether a file holds a table's data, compressed in no way that only pg_restore knows.
pub(super) fn is_decodable(name: &str) -> bool {
    table_data(name).is_some_and(|(_, compression)| ["", "gz"].contains(&compression))
}

/// Makes sense of a file's bytes as they come.
#[derive(Default)]
struct Decoder {
    inflater: Option<Inflater>,
    rows: Option<RowCounter>,
    damage: Option<String>,
}

impl Decoder {
    /// The one for a file of this name, which may be one that does nothing.
    fn of(name: &str) -> Self {
        Self {
            inflater: name.ends_with(".gz").then(Inflater::new),
            rows: is_decodable(name).then(RowCounter::default),
            damage: None,
        }
    }

    /// The next bytes. What follows damage cannot be made sense of.
    fn take(&mut self, bytes: &[u8]) {
        if self.damage.is_some() {
            return;
        }
        let rows = &mut self.rows;
        let mut count = |text: &[u8]| {
            if let Some(rows) = rows {
                rows.take(text);
            }
        };
        match &mut self.inflater {
            None => count(bytes),
            Some(inflater) => self.damage = inflater.take(bytes, &mut count).err(),
        }
    }

    /// Whether what was compressed has come to its end.
    fn is_ended(&self) -> bool {
        self.inflater.as_ref().is_some_and(|inflater| inflater.is_ended)
    }

    fn finish(self) -> Result<Option<u64>, String> {
        if let Some(damage) = self.damage {
            return Err(damage);
        }
        if self.inflater.is_some_and(|inflater| !inflater.is_ended) {
            return Err("it ends in the middle of what was compressed".to_owned());
        }
        Ok(self.rows.map(RowCounter::finish).transpose()?)
    }
}

/// Decompresses gzip. zlib checks length and checksum, but takes no offence at what comes after them.
struct Inflater {
    state: Decompress,
    output: Vec<u8>,
    is_ended: bool,
}

impl Inflater {
    fn new() -> Self {
        Self { state: Decompress::new_gzip(WINDOW_BITS), output: vec![0; CHUNK_BYTES], is_ended: false }
    }

    /// Decompresses the next bytes, and gives the text to `visit`.
    fn take(&mut self, mut bytes: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<(), String> {
        while !self.is_ended {
            let before = (self.state.total_in(), self.state.total_out());
            let status = self.state.decompress(bytes, &mut self.output, FlushDecompress::None);
            let status = status.map_err(|error| error.to_string())?;
            // Neither is more than what was given.
            let read = (self.state.total_in() - before.0) as usize;
            let written = (self.state.total_out() - before.1) as usize;
            visit(&self.output[..written]);
            bytes = &bytes[read..];
            self.is_ended = status == Status::StreamEnd;
            // Where the output is full, more of it may be waiting.
            if bytes.is_empty() && written < self.output.len() {
                return Ok(());
            }
            if read == 0 && written == 0 {
                return Err("it cannot be decompressed".to_owned());
            }
        }
        if bytes.is_empty() { Ok(()) } else { Err(FOLLOWED.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn compressed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn read(name: &str, bytes: &[u8], depth: Depth) -> Member {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let member = Member::read(file.path(), name, depth, &|_| Ok(()), &|| false).unwrap();
        assert_eq!(
            (member.size, &member.sha256),
            (bytes.len() as u64, &hexadecimal(Sha256::new_with_prefix(bytes)))
        );
        member
    }

    #[test]
    fn names_tell_what_a_file_holds() {
        assert_eq!(table_data("dump/3456.dat.gz"), Some(("3456", "gz")));
        assert_eq!(table_data("dump/3456.dat"), Some(("3456", "")));
        assert_eq!(table_data("dump/3456.dat.zst"), Some(("3456", "zst")));
        for other in
            ["3456.dat.gz", "dump/toc.dat", "dump/blob_1.dat.gz", "dump/.dat", "dump/1", "schema.sql.gz"]
        {
            assert_eq!(table_data(other), None, "{other}");
        }
    }

    #[test]
    fn rows_are_counted_as_they_are_decompressed() {
        // More than one piece, of input and of output.
        let mut text: Vec<u8> = Vec::new();
        let mut state = 1_u32;
        for _ in 0..60_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text.extend(format!("{state:032b}{state}\n").bytes());
        }
        text.extend(b"\\.\n\n\n");
        for (name, bytes) in [("dump/1.dat.gz", compressed(&text)), ("dump/1.dat", text.clone())] {
            assert!(bytes.len() > CHUNK_BYTES, "{name}");
            assert_eq!(read(name, &bytes, Depth::Decode).rows, Ok(Some(60_000)), "{name}");
            assert_eq!(read(name, &bytes, Depth::Hash).rows, Ok(None), "{name}");
        }
        assert_eq!(read("dump/blob_1.dat.gz", &compressed(b"x"), Depth::Decode).rows, Ok(None));
        assert_eq!(read("dump/toc.dat", b"x", Depth::Decode).rows, Ok(None));
    }

    #[test]
    fn every_cut_and_every_addition_is_damage() {
        let whole = compressed(b"1\n2\n\\.\n\n\n");
        assert_eq!(read("dump/1.dat.gz", &whole, Depth::Decode).rows, Ok(Some(2)));
        for length in 0..whole.len() {
            assert!(read("dump/1.dat.gz", &whole[..length], Depth::Decode).rows.is_err(), "{length}");
        }
        for addition in [&b"\0"[..], &whole] {
            let longer = [&whole, addition].concat();
            assert_eq!(read("dump/1.dat.gz", &longer, Depth::Decode).rows, Err(FOLLOWED.to_owned()));
        }
        // The checksum, and the length.
        for place in [whole.len() - 8, whole.len() - 1] {
            let mut altered = whole.clone();
            altered[place] ^= 1;
            assert!(read("dump/1.dat.gz", &altered, Depth::Decode).rows.is_err(), "{place}");
        }
        assert!(read("schema.sql.gz", b"SELECT 1;", Depth::Decode).rows.is_err());
    }
}
