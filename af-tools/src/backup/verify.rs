//! `verify`: whether a backup is what its manifest says, without a server. Every file is hashed, all data is decoded, and the
//! rows are counted.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Instant;

use flate2::read::GzDecoder;
use serde::Serialize;

use super::archive::Archive;
use super::copy_text::Step;
use super::facts::Facts;
use super::manifest::{DUMP, MANIFEST, Manifest, SCHEMA, VERIFIED};
use super::sealed::{self, Opened};
use super::{Error, Kind, files, mark};
use crate::programs;
use crate::sign::VerifyingKey;
use crate::watch::Watch;

/// More than any schema has: what is compressed may be longer than memory.
const MAX_SCHEMA_BYTES: u64 = 1 << 30;

/// How a backup is verified.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Whose signature the manifest must have.
    pub key: Option<&'a VerifyingKey>,
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

/// Verifies the backup in a directory, all but how it restores. `watch` follows the work in kilobytes of decoded text.
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
    watch.begin(None);
    findings.extend(file_findings(path, manifest, watch)?);
    let rows =
        if findings.iter().any(|finding| finding.finding != "signature" && finding.finding != "renamed") {
            None
        } else {
            content(path, manifest, watch, &mut findings)?
        };
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

/// What is there against what should be there.
pub(super) fn file_findings(
    path: &Path,
    manifest: &Manifest,
    watch: &mut dyn Watch,
) -> Result<Vec<Finding>, Error> {
    let mut there: BTreeMap<String, u64> = files::list(path)?.into_iter().collect();
    there.remove(MANIFEST);
    there.remove(VERIFIED);
    let mut findings = Vec::new();
    for entry in &manifest.files {
        if !files::is_confined(&entry.path) {
            findings.push(finding("path", &entry.path, "it leads out of the backup"));
            continue;
        }
        let Some(size) = there.remove(&entry.path) else {
            findings.push(finding("missing", &entry.path, "the manifest has it, and it is not there"));
            continue;
        };
        if size == 0 {
            findings.push(finding("empty", &entry.path, format!("it should have {} bytes", entry.size)));
        } else if size != entry.size {
            let detail = format!("it has {size} bytes, and should have {}", entry.size);
            findings.push(finding("size", &entry.path, detail));
        } else {
            let (_, sha256) = files::hash(&path.join(&entry.path), watch)?;
            if sha256 != entry.sha256 {
                let detail = format!("its SHA-256 is {sha256}, and should be {}", entry.sha256);
                findings.push(finding("altered", &entry.path, detail));
            }
        }
    }
    findings.extend(there.keys().map(|extra| finding("extra", extra, "the manifest does not have it")));
    Ok(findings)
}

/// Whether what is in the files is what the manifest promises. Says how many rows were decoded.
fn content(
    path: &Path,
    manifest: &Manifest,
    watch: &mut dyn Watch,
    findings: &mut Vec<Finding>,
) -> Result<Option<u64>, Error> {
    let noted = match schema_text(path) {
        Ok(noted) => noted,
        Err(Error::File { source, .. }) => {
            findings.push(finding("undecodable", SCHEMA, source.to_string()));
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    if files::sha256(&noted) != manifest.schema_sha256 {
        findings.push(finding("schema", SCHEMA, "it is not the schema that the manifest tells of"));
    }
    let archive = archive(path, manifest)?;
    let decoded = archive.schema().and_then(|schema| Ok((schema, count_rows(&archive, watch)?)));
    let (schema, counted) = match decoded {
        Ok(decoded) => decoded,
        Err(error @ (Error::Program(programs::Error::Failed { .. }) | Error::Cut(_))) => {
            findings.push(finding("undecodable", DUMP, error.to_string()));
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    if schema != noted {
        findings.push(finding("schema", DUMP, "the dump leads to another schema than the manifest tells of"));
    }
    findings.extend(row_findings(&manifest.facts, &counted));
    Ok(Some(counted.values().sum()))
}

/// The archive of the backup in a directory.
pub(super) fn archive(path: &Path, manifest: &Manifest) -> Result<Archive, Error> {
    Archive::new(path.join(DUMP), manifest.versions.archive_major())
}

/// The schema's text as it was noted.
pub(super) fn schema_text(path: &Path) -> Result<String, Error> {
    let path = path.join(SCHEMA);
    let file = File::open(&path).map_err(files::failed("open", &path))?;
    let mut text = String::new();
    let read = GzDecoder::new(file).take(MAX_SCHEMA_BYTES).read_to_string(&mut text);
    read.map_err(files::failed("decompress", &path))?;
    Ok(text)
}

/// Decodes all data of an archive, and counts the rows of each table.
pub(super) fn count_rows(archive: &Archive, watch: &mut dyn Watch) -> Result<BTreeMap<String, u64>, Error> {
    let mut counted = BTreeMap::new();
    let mut rows = 0;
    archive.data(watch, &mut |block, step| {
        match step {
            Step::Begin => rows = 0,
            Step::Row(_) => rows += 1,
            Step::End => *counted.entry(block.table.clone()).or_insert(0) += rows,
        }
        Ok(())
    })?;
    Ok(counted)
}

/// The rows of a dump against those that were counted in the database.
pub(super) fn row_findings(facts: &Facts, counted: &BTreeMap<String, u64>) -> Vec<Finding> {
    let of_table = |table: &super::Table| match (table.rows, counted.get(&table.name)) {
        (Some(rows), Some(dumped)) if rows == *dumped => None,
        (Some(rows), Some(dumped)) => {
            let detail = format!("the dump has {dumped} rows, and the database had {rows}");
            Some(finding("rows", &table.name, detail))
        }
        (Some(rows), None) => {
            let detail = format!("the dump does not have the table's data, and the database had {rows} rows");
            Some(finding("rows", &table.name, detail))
        }
        (None, Some(dumped)) => {
            let detail = format!("the dump has {dumped} rows, and should have none of this table");
            Some(finding("rows", &table.name, detail))
        }
        (None, None) => None,
    };
    facts.tables.iter().filter_map(of_table).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::Table;

    fn table(name: &str, rows: Option<u64>) -> Table {
        let (owner, row_security) = ("o".to_owned(), "off".to_owned());
        Table {
            name: name.to_owned(),
            rows,
            owner,
            row_security,
            triggers: BTreeMap::new(),
            grants: Vec::new(),
        }
    }

    #[test]
    fn rows_are_compared_table_by_table() {
        let tables = vec![table("a", Some(2)), table("b", Some(0)), table("c", None)];
        let facts = Facts { tables, sequences: Vec::new(), not_valid: Vec::new(), heads: Vec::new() };
        let findings = |counted: &[(&str, u64)]| -> Vec<String> {
            let counted = counted.iter().map(|(name, rows)| ((*name).to_owned(), *rows)).collect();
            row_findings(&facts, &counted).into_iter().map(|finding| finding.subject).collect()
        };
        assert_eq!(findings(&[("a", 2), ("b", 0)]), [""; 0]);
        assert_eq!(findings(&[("a", 1), ("b", 0)]), ["a"]);
        assert_eq!(findings(&[("a", 2)]), ["b"]);
        assert_eq!(findings(&[("a", 2), ("b", 0), ("c", 0)]), ["c"]);
    }
}
