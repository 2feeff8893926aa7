//! `af-tools migrate`, with its own migrations or with some of a test's.

use std::fs;
use std::path::Path;

use postgres::Client;
use serde_json::Value;
use tempfile::TempDir;

use crate::tools;

/// Runs `migrate` with `--json`. The process and the document must say the same exit code.
///
/// # Panics
///
/// When that is not `code`.
pub fn migrate(url: &str, arguments: &[&str], code: i32) -> Value {
    let run = tools::run(&[&["--json", "--url", url, "migrate"], arguments].concat());
    let document = run.json();
    assert_eq!(run.code, Some(code), "{arguments:?}: {run:?}");
    assert_eq!(document["exit_code"], code, "{run:?}");
    document
}

/// The error's message.
///
/// # Panics
///
/// When there is none.
#[must_use]
pub fn message(document: &Value) -> &str {
    document["error"]["message"].as_str().unwrap_or_else(|| panic!("no error in {document}"))
}

/// The error's hint.
///
/// # Panics
///
/// When there is none.
#[must_use]
pub fn hint(document: &Value) -> &str {
    document["error"]["hint"].as_str().unwrap_or_else(|| panic!("no hint in {document}"))
}

/// The versions that a document names, with their states.
///
/// # Panics
///
/// When it names none.
#[must_use]
pub fn states(document: &Value) -> Vec<(i64, &str)> {
    let migrations = document["result"]["migrations"].as_array().unwrap_or_else(|| panic!("{document}"));
    migrations
        .iter()
        .map(|one| match (one["version"].as_i64(), one["state"].as_str()) {
            (Some(version), Some(state)) => (version, state),
            _ => panic!("neither version nor state in {one}"),
        })
        .collect()
}

/// The tables in schema public, by name.
///
/// # Panics
///
/// When they cannot be listed.
pub fn tables(client: &mut Client) -> Vec<String> {
    let sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
    client.query(sql, &[]).expect("the catalog can be read").iter().map(|row| row.get(0)).collect()
}

/// A directory with migrations of a test's own, removed when the test is over.
#[derive(Debug)]
pub struct Folder(TempDir);

impl Folder {
    /// With these files.
    ///
    /// # Panics
    ///
    /// When they cannot be written.
    #[must_use]
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().expect("a temporary directory"));
        files.iter().for_each(|(name, text)| folder.write(name, text));
        folder
    }

    /// Writes a file, or another text into it.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).expect("a file can be written");
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The same as an argument.
    ///
    /// # Panics
    ///
    /// When it is not UTF-8.
    #[must_use]
    pub fn argument(&self) -> &str {
        self.path().to_str().expect("a path in UTF-8")
    }

    /// Runs [`migrate`] with these migrations.
    ///
    /// # Panics
    ///
    /// When the exit code is another one.
    pub fn migrate(&self, url: &str, arguments: &[&str], code: i32) -> Value {
        migrate(url, &[arguments, &["--source", self.argument()]].concat(), code)
    }
}
