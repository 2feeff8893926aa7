//! How a dump is compressed, in the words of pg_dump.

use std::fmt;
use std::str::FromStr;

/// From this major version on, pg_dump is told the method by name, and may know zstd.
const NAMED_SINCE: u32 = 16;
const DEFAULT_GZIP_LEVEL: u8 = 6;
const DEFAULT_ZSTD_LEVEL: u8 = 3;

/// How a dump is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// With gzip, at a level from 1 to 9.
    Gzip(u8),
    /// With zstd, at a level from 1 to 22.
    Zstd(u8),
}

impl Compression {
    /// What is used where zstd is not to be had.
    pub(super) const FALLBACK: Self = Self::Gzip(DEFAULT_GZIP_LEVEL);

    /// What a pg_dump of this major version can do of it.
    pub(super) fn available(self, pg_dump_major: u32) -> Self {
        match self {
            Self::Zstd(_) if pg_dump_major < NAMED_SINCE => Self::FALLBACK,
            other => other,
        }
    }

    /// The argument for a pg_dump of this major version.
    pub(super) fn argument(self, pg_dump_major: u32) -> String {
        match self {
            _ if pg_dump_major >= NAMED_SINCE => format!("--compress={self}"),
            Self::Gzip(level) => format!("--compress={level}"),
            Self::None | Self::Zstd(_) => "--compress=0".to_owned(),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Gzip(level) => write!(f, "gzip:{level}"),
            Self::Zstd(level) => write!(f, "zstd:{level}"),
        }
    }
}

impl FromStr for Compression {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "gzip:1 to gzip:9, zstd:1 to zstd:22, or none expected";
        let (method, level) =
            text.split_once(':').map_or((text, None), |(method, level)| (method, Some(level)));
        let level = |default, most| match level {
            None => Ok(default),
            Some(level) => level.parse().ok().filter(|level| (1..=most).contains(level)).ok_or(EXPECTED),
        };
        match method {
            "none" if text == "none" => Ok(Self::None),
            "gzip" => level(DEFAULT_GZIP_LEVEL, 9).map(Self::Gzip),
            "zstd" => level(DEFAULT_ZSTD_LEVEL, 22).map(Self::Zstd),
            _ => Err(EXPECTED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_said_as_each_pg_dump_understands_it() {
        for (text, old, new) in [
            ("gzip", "--compress=6", "--compress=gzip:6"),
            ("gzip:9", "--compress=9", "--compress=gzip:9"),
            ("zstd:19", "--compress=6", "--compress=zstd:19"),
            ("none", "--compress=0", "--compress=none"),
        ] {
            let asked: Compression = text.parse().unwrap();
            assert_eq!(asked.available(15).argument(15), old, "{text}");
            assert_eq!(asked.available(16).argument(16), new, "{text}");
        }
        for bad in ["", "gzip:0", "gzip:10", "zstd:23", "zstd:x", "none:1", "lz4"] {
            assert!(bad.parse::<Compression>().is_err(), "{bad}");
        }
    }
}
