//! Whoever signs checkpoints, with `af-tools audit`.

use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::tools::{self, Run};

/// A key, and a place for checkpoints.
pub struct Notary {
    directory: TempDir,
}

impl Default for Notary {
    fn default() -> Self {
        Self::new()
    }
}

impl Notary {
    /// One with a new key.
    ///
    /// # Panics
    ///
    /// When none can be made.
    #[must_use]
    pub fn new() -> Self {
        let notary = Self { directory: TempDir::new().unwrap() };
        let made = tools::run(&["audit", "keygen", &notary.key()]);
        assert_eq!(made.code, Some(0), "{made:?}");
        notary
    }

    /// Where a file of this name is.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The same as an argument.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Where the secret key is; the public one has `.pub` behind its name.
    #[must_use]
    pub fn key(&self) -> String {
        self.text("key")
    }

    /// Where the checkpoints are.
    #[must_use]
    pub fn out(&self) -> String {
        self.text("checkpoints")
    }

    /// `audit checkpoint`.
    #[must_use]
    pub fn checkpoint(&self, url: &str, arguments: &[&str]) -> Run {
        let (key, out) = (self.key(), self.out());
        let command = ["--url", url, "--json", "audit", "checkpoint", "--key", &key, "--out", &out];
        tools::run(&[&command, arguments].concat())
    }

    /// Makes checkpoints, and gives the result.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub fn sign(&self, url: &str) -> Value {
        let run = self.checkpoint(url, &[]);
        assert_eq!(run.code, Some(0), "{run:?}");
        run.json()["result"].take()
    }

    /// `audit verify`.
    #[must_use]
    pub fn verify(&self, url: &str, arguments: &[&str]) -> Run {
        let public_key = self.text("key.pub");
        let command = ["--url", url, "--json", "audit", "verify", "--public-key", &public_key];
        tools::run(&[&command, arguments].concat())
    }
}
