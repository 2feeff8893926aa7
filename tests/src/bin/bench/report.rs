//! The report: tables for people, JSON for programs, plots.

mod markdown;
mod number;

use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::Error;
use crate::figure::Figure;

/// All that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) figures: Vec<Figure>,
}

impl Report {
    /// The tables.
    pub(crate) fn markdown(&self) -> String {
        markdown::render(self)
    }

    /// Writes all files.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), Error> {
        fs::create_dir_all(directory)?;
        fs::write(directory.join("results.md"), self.markdown())?;
        Ok(fs::write(directory.join("results.json"), serde_json::to_string_pretty(self)? + "\n")?)
    }
}
