//! The note in a backup that it was verified. It is sealed like the manifest, and about that manifest alone.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::manifest::VERIFIED;
use super::sealed::{self, Content};
use super::verify::{self, Finding, finding};
use super::{Error, now};

/// How far a backup was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Every file was hashed, all data decoded and counted.
    Decoded,
    /// It was restored into a database, and that was proven.
    Restored,
}

impl Level {
    /// The name used in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decoded => "decoded",
            Self::Restored => "restored",
        }
    }
}

/// The note that a backup was verified, in `verified.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The digest of the manifest that was there.
    pub manifest_sha256: String,
    /// When, in RFC 3339.
    pub at: String,
    /// How far.
    pub level: Level,
}

impl Content for Mark {
    const FORMAT: &'static str = "af-tools backup verification 1";
}

/// The note that the backup with this manifest was verified, if there is one, or what is wrong with it.
pub(super) fn read(path: &Path, manifest_sha256: &str) -> Result<Option<Mark>, Finding> {
    match sealed::read::<Mark>(&path.join(VERIFIED)) {
        Ok(opened) if opened.content.manifest_sha256 == manifest_sha256 => Ok(Some(opened.content)),
        Ok(_) => Err(finding("sidecar", VERIFIED, "it is about another manifest")),
        Err(Error::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(Error::Document { source, .. }) => Err(finding("sidecar", VERIFIED, source.to_string())),
        Err(error) => Err(finding("sidecar", VERIFIED, error.to_string())),
    }
}

/// Notes that a backup was verified now, and how far.
pub fn note(path: &Path, level: Level) -> Result<Mark, Error> {
    let mark = Mark { manifest_sha256: verify::manifest(path)?.sha256, at: now(), level };
    sealed::write(&path.join(VERIFIED), &mark, None)?;
    Ok(mark)
}
