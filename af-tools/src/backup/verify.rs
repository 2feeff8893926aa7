//! `verify`: whether a backup is what its manifest says, without a server. Every file is hashed and decoded in one read, and
//! the rows are counted.

mod content;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::time::Instant;

use serde::Serialize;

use super::manifest::{MANIFEST, Manifest, VERIFIED};
use super::member::{Depth, Member};
use super::sealed::{self, Opened};
use super::{Error, Kind, files, mark, readers};
use crate::sign::VerifyingKey;
use crate::watch::Watch;

pub(super) use content::{archive, row_findings, rows, schema_text};

/// How a backup is verified.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Whose signature the manifest must have.
    pub key: Option<&'a VerifyingKey>,
    /// How many files are read at a time.
    pub jobs: u16,
}

/// What is not as the manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file or table.
    pub subject: String,
    /// Its kind: missing, extra, empty, altered, rows, undecodable, schema, signature, …
    pub finding: &'static str,
    /// The same for people.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.finding, self.subject, self.detail)
    }
}

pub(super) fn finding(finding: &'static str, subject: &str, detail: impl Into<String>) -> Finding {
    Finding { subject: subject.to_owned(), finding, detail: detail.into() }
}

/// What is known of who signed the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signed {
    /// Nobody has signed it.
    No,
    /// Somebody has, but no key was given to check by.
    Unchecked,
    /// The given key's owner has.
    Yes,
    /// It is not the signature of the given key's owner.
    Wrong,
}

/// What verification came to.
#[derive(Debug, Clone, Serialize)]
pub struct Verification {
    /// The backup's name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// The database that it was made of.
    pub database: String,
    /// When its snapshot was taken.
    pub taken_at: String,
    /// How many files it has, the manifest included.
    pub files: u64,
    /// How many bytes these have.
    pub bytes: u64,
    /// How many rows were decoded; nothing where files were found to be others, so that it was not tried.
    pub rows: Option<u64>,
    /// What is known of the signature.
    pub signed: Signed,
    /// How long it took.
    pub seconds: f64,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

/// Reads the manifest of the backup in a directory.
pub(super) fn manifest(path: &Path) -> Result<Opened<Manifest>, Error> {
    let file = path.join(MANIFEST);
    match sealed::read(&file) {
        Err(Error::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Err(Error::NotABackup(path.to_owned()))
        }
        read => read,
    }
}

/// Verifies the backup in a directory, all but how it restores. `watch` follows the work in kilobytes of files.
pub fn verify(path: &Path, options: Options<'_>, watch: &mut dyn Watch) -> Result<Verification, Error> {
    let start = Instant::now();
    let opened = manifest(path)?;
    let manifest = &opened.content;
    let (signed, mut findings) = signature(&opened, options.key);
    if path.canonicalize().map_err(files::failed("look at", path))?.file_name().and_then(|name| name.to_str())
        != Some(&manifest.name)
    {
        let detail = format!("it was made under the name {}", manifest.name);
        findings.push(finding("renamed", &path.display().to_string(), detail));
    }
    watch.begin(Some(manifest.size() >> 10));
    let (mut in_files, members) = look_at_files(path, manifest, Depth::Decode, options.jobs, watch)?;
    // Of files that are others than they were, nothing else is to be told.
    let rows = if in_files.is_empty() {
        content::check(path, manifest, &members, watch, &mut in_files)?
    } else {
        None
    };
    findings.append(&mut in_files);
    findings.extend(mark::read(path, &opened.sha256).err());
    Ok(Verification {
        name: manifest.name.clone(),
        kind: manifest.kind,
        database: manifest.database.name.clone(),
        taken_at: manifest.snapshot.taken_at.clone(),
        files: manifest.files.len() as u64 + 1,
        bytes: manifest.size(),
        rows,
        signed,
        seconds: start.elapsed().as_secs_f64(),
        findings,
    })
}

fn signature(opened: &Opened<Manifest>, key: Option<&VerifyingKey>) -> (Signed, Vec<Finding>) {
    match (&opened.signature, key) {
        (None, _) => (Signed::No, Vec::new()),
        (Some(_), None) => (Signed::Unchecked, Vec::new()),
        (Some(signature), Some(key)) => match key.verify(&opened.signed_message(), signature) {
            Ok(()) => (Signed::Yes, Vec::new()),
            Err(error) => (Signed::Wrong, vec![finding("signature", MANIFEST, error.to_string())]),
        },
    }
}

/// Fails unless the key's owner has signed the backup's manifest.
pub fn require_signature(path: &Path, key: &VerifyingKey) -> Result<(), Error> {
    let opened = manifest(path)?;
    let signature = opened.signature.as_ref().ok_or_else(|| Error::NotSigned(path.to_owned()))?;
    Ok(key.verify(&opened.signed_message(), signature)?)
}

/// Fails where a file of the backup is not what the manifest says: what is known to be damaged is not worked with.
pub(super) fn require_whole(
    path: &Path,
    manifest: &Manifest,
    jobs: u16,
    watch: &mut dyn Watch,
) -> Result<(), Error> {
    let (findings, _) = look_at_files(path, manifest, Depth::Hash, jobs, watch)?;
    if findings.is_empty() {
        Ok(())
    } else {
        Err(Error::Corrupt(findings.iter().map(Finding::to_string).collect()))
    }
}

/// The files that are there against those that should be there, and what is in the latter.
fn look_at_files(
    path: &Path,
    manifest: &Manifest,
    depth: Depth,
    jobs: u16,
    watch: &mut dyn Watch,
) -> Result<(Vec<Finding>, BTreeMap<String, Member>), Error> {
    let mut there: BTreeMap<String, u64> = files::list(path)?.into_iter().collect();
    there.remove(MANIFEST);
    there.remove(VERIFIED);
    let (mut findings, mut whole) = (Vec::new(), Vec::new());
    for entry in &manifest.files {
        if !files::is_confined(&entry.path) {
            findings.push(finding("path", &entry.path, "it leads out of the backup"));
            continue;
        }
        match there.remove(&entry.path) {
            None => {
                findings.push(finding("missing", &entry.path, "the manifest has it, and it is not there"))
            }
            Some(0) => {
                findings.push(finding("empty", &entry.path, format!("it should have {} bytes", entry.size)));
            }
            Some(size) if size != entry.size => {
                let detail = format!("it has {size} bytes, and should have {}", entry.size);
                findings.push(finding("size", &entry.path, detail));
            }
            Some(_) => whole.push(entry),
        }
    }
    findings.extend(there.keys().map(|extra| finding("extra", extra, "the manifest does not have it")));
    let files = whole.iter().map(|entry| (entry.path.as_str(), entry.size)).collect();
    let members = readers::read(path, files, depth, jobs, watch)?;
    for entry in whole {
        let sha256 = members.get(&entry.path).map_or("", |member| &member.sha256);
        if sha256 != entry.sha256 {
            let detail = format!("its SHA-256 is {sha256}, and should be {}", entry.sha256);
            findings.push(finding("altered", &entry.path, detail));
        }
    }
    Ok((findings, members))
}
