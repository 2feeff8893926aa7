//! `af-tools backup` in a directory of a test's own, and ways to damage what it leaves.

use std::fs;
use std::path::{Path, PathBuf};

use af_core::canonical::{Canonicalizer, Json};
use postgres::Client;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use uuid::Uuid;

use crate::database::Database;
use crate::ledger::{add_entries, add_tenant};
use crate::platform::add_tenant_with_rows;
use crate::tools::{self, Run};

/// A directory for backups, and the database that they are made of.
#[derive(Debug)]
pub struct Backups {
    /// The database, with all migrations applied.
    pub database: Database,
    directory: TempDir,
}

impl Backups {
    /// A ledger with entries of two tenants, and a row in each of the platform's tables for one of them.
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    #[must_use]
    pub fn new() -> (Self, Client, [Uuid; 2]) {
        let database = Database::migrated();
        let mut client = database.connect();
        let tenants = [add_tenant_with_rows(&mut client, "one"), add_tenant(&mut client, "two")];
        for tenant in tenants {
            add_entries(&mut client, tenant, 300);
        }
        let directory = tempfile::tempdir().expect("a directory can be created");
        (Self { database, directory }, client, tenants)
    }

    /// Where the backups are.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// `af-tools backup`, with these arguments after the database's URL.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Run {
        let url = self.database.url();
        tools::run(&[&["--url", &url, "--json", "backup"], arguments].concat())
    }

    /// Makes a backup, which must succeed. Returns where it is.
    ///
    /// # Panics
    ///
    /// When it does not.
    #[must_use]
    pub fn create(&self, arguments: &[&str]) -> PathBuf {
        let out = self.path().to_str().expect("UTF-8");
        let run = self.run(&[&["create", "--out", out], arguments].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        PathBuf::from(run.json()["result"]["path"].as_str().expect("a path"))
    }

    /// What is in the directory.
    ///
    /// # Panics
    ///
    /// When it cannot be read.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).expect("the directory is there");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort_unstable();
        names
    }
}

/// The kinds of what `backup verify` finds, with the exit code.
///
/// # Panics
///
/// When it does not answer with a document.
#[must_use]
pub fn verify(backup: &Path) -> (Option<i32>, Vec<String>) {
    let run = tools::run(&["--json", "backup", "verify", backup.to_str().expect("UTF-8")]);
    let document = run.json();
    let findings = document["result"]["findings"].as_array().into_iter().flatten();
    (run.code, findings.map(|finding| finding["finding"].as_str().expect("a kind").to_owned()).collect())
}

/// A copy of a backup under the same name, in a directory of its own.
///
/// # Panics
///
/// When it cannot be copied.
#[must_use]
pub fn copy(backup: &Path) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory can be created");
    let path = directory.path().join(backup.file_name().expect("a name"));
    copy_files(backup, &path);
    (directory, path)
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a directory can be created");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_files(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}

/// All files of a backup, as paths within it.
///
/// # Panics
///
/// When it cannot be read.
#[must_use]
pub fn files(backup: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![backup.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                pending.push(path);
            } else {
                found.push(path.strip_prefix(backup).expect("it is below").to_owned());
            }
        }
    }
    found.sort_unstable();
    found
}

/// Flips one bit in the middle of a file.
///
/// # Panics
///
/// When the file is empty or cannot be written.
pub fn flip_bit(path: &Path) {
    let mut bytes = fs::read(path).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).expect("a file can be written");
}

/// Edits the content of a backup's document as somebody does who knows its form: files are listed as they are now, and the
/// document's own digest is made to fit.
///
/// # Panics
///
/// When there is no such document.
pub fn forge(backup: &Path, document: &str, edit: impl FnOnce(&mut Value)) {
    let path = backup.join(document);
    let mut value: Value = serde_json::from_slice(&fs::read(&path).expect("a document")).expect("JSON");
    if let Some(entries) = value["content"]["files"].as_array_mut() {
        *entries = files(backup)
            .iter()
            .filter(|file| !["manifest.json", "verified.json"].contains(&file.to_str().expect("UTF-8")))
            .map(|file| {
                let bytes = fs::read(backup.join(file)).expect("a file");
                let sha256 = hexadecimal(&Sha256::digest(&bytes));
                serde_json::json!({"path": file, "size": bytes.len(), "sha256": sha256})
            })
            .collect();
    }
    edit(&mut value["content"]);
    let mut canonical = Vec::new();
    let content = value["content"].to_string();
    Canonicalizer::default().write(Json::Text(content.as_bytes()), &mut canonical).expect("JSON");
    let format = value["format"].as_str().expect("a format");
    let digest = Sha256::digest([format.as_bytes(), b"\n", &canonical].concat());
    value["sha256"] = hexadecimal(&digest).into();
    fs::write(path, value.to_string()).expect("a file can be written");
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
