//! The note in a backup that it was verified. It is sealed like the manifest, and about that manifest alone.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::manifest::VERIFIED;
use super::sealed::{self, Content};
use super::verify::{self, Finding, finding};
use super::{Error, now};

/// The note that a backup was verified, in `verified.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The digest of the manifest that was there.
    pub manifest_sha256: String,
    /// When every file was last hashed and decoded and all rows were counted, in RFC 3339.
    pub verified_at: String,
    /// When it was last restored and proven, if it ever was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_at: Option<String>,
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

/// Notes that a backup was verified now, and perhaps restored and proven. When it was restored before is not forgotten.
pub fn note(path: &Path, is_restored: bool) -> Result<Mark, Error> {
    let manifest_sha256 = verify::manifest(path)?.sha256;
    let before = read(path, &manifest_sha256).map_err(|finding| Error::Corrupt(vec![finding.to_string()]))?;
    let verified_at = now();
    let restored_at =
        if is_restored { Some(verified_at.clone()) } else { before.and_then(|mark| mark.restored_at) };
    let mark = Mark { manifest_sha256, verified_at, restored_at };
    sealed::write(&path.join(VERIFIED), &mark, None)?;
    Ok(mark)
}
