//! Whether the disk has room for a dump.

use std::path::Path;

use super::{Compression, Error, files};

/// What is there before it is needed: a dump is text, and may be longer than the table that it is of, or shorter.
pub(super) fn require(directory: &Path, table_bytes: u64, compression: Compression) -> Result<(), Error> {
    let needed = estimate(table_bytes, compression);
    let free = fs4::available_space(directory).map_err(files::failed("ask for free space in", directory))?;
    if free < needed { Err(Error::Space { directory: directory.to_owned(), needed, free }) } else { Ok(()) }
}

/// About how long a dump will be: of tables of the platform, whose hashes cannot be compressed, it was a third with gzip, and
/// 1.2 times the tables' size without.
fn estimate(table_bytes: u64, compression: Compression) -> u64 {
    match compression {
        Compression::None => table_bytes.saturating_mul(5) / 4,
        Compression::Gzip(_) | Compression::Zstd(_) => table_bytes / 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        assert!(require(directory.path(), 1024, Compression::None).is_ok());
        let refused = require(directory.path(), u64::MAX / 2, Compression::FALLBACK);
        assert!(matches!(refused, Err(Error::Space { .. })));
    }
}
