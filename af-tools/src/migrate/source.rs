//! The migrations to choose from: read, paired, and made the same on every system.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha384};
use sqlx::migrate::{Migration as File, MigrationType, Migrator};

use super::{Error, statements};

/// The migrations of this build.
static EMBEDDED: Migrator = sqlx::migrate!("../sql/migrations");

/// By this first line sqlx knows a script that cannot run in a transaction (`CREATE INDEX CONCURRENTLY`).
const NO_TRANSACTION: &str = "-- no-transaction";

/// Where migrations come from.
#[derive(Debug, Clone, Default)]
pub enum Source {
    /// This build.
    #[default]
    Embedded,
    /// A directory with files named as sqlx names them.
    Directory(PathBuf),
}

/// All migrations of a source, in order.
#[derive(Debug)]
pub struct Migrations {
    steps: Vec<Step>,
    is_embedded: bool,
}

/// One migration: the way there, and the way back if there is one.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) version: i64,
    pub(super) description: String,
    pub(super) up: Script,
    pub(super) down: Option<Script>,
}

/// A script as it is run, and what sqlx's book holds of it.
#[derive(Debug)]
pub(super) struct Script {
    /// Without byte order mark, with the line ends of Unix: a function's body must not differ by where it was checked out.
    pub(super) sql: String,
    /// What sqlx computes of `sql`.
    pub(super) checksum: Vec<u8>,
    /// What sqlx computes of the same text with other line ends, or as it is in the file.
    other_checksums: [Vec<u8>; 2],
    /// Whether it runs in one transaction with its note in the book.
    pub(super) is_transactional: bool,
}

/// The version of the newest migration of this build.
pub(crate) fn newest_version() -> i64 {
    EMBEDDED.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// What the book may hold of a migration of this build, by whatever system it was applied; nothing where there is none.
pub(crate) fn checksums_of(version: i64) -> Vec<Vec<u8>> {
    // That they are pairs, a test of this module makes sure of.
    let steps = pair(EMBEDDED.iter()).unwrap_or_default();
    let script = steps.into_iter().find(|step| step.version == version).map(|step| step.up);
    script.map_or_else(Vec::new, |up| up.other_checksums.into_iter().chain([up.checksum]).collect())
}

impl Migrations {
    /// Reads all of them.
    pub fn read(source: &Source) -> Result<Self, Error> {
        match source {
            Source::Embedded => Ok(Self { steps: pair(EMBEDDED.iter())?, is_embedded: true }),
            Source::Directory(path) => {
                Ok(Self { steps: pair(read_directory(path)?.iter())?, is_embedded: false })
            }
        }
    }

    /// Whether they are those of this build, which create the extension.
    pub(super) fn is_embedded(&self) -> bool {
        self.is_embedded
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub(super) fn step(&self, version: i64) -> Option<&Step> {
        self.steps.iter().find(|step| step.version == version)
    }
}

fn read_directory(path: &Path) -> Result<Migrator, Error> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    let migrator = runtime.block_on(Migrator::new(path));
    migrator.map_err(|source| Error::Source { path: path.to_owned(), source })
}

fn pair<'a>(files: impl Iterator<Item = &'a File>) -> Result<Vec<Step>, Error> {
    let (downs, ups): (Vec<&File>, Vec<&File>) =
        files.partition(|file| file.migration_type == MigrationType::ReversibleDown);
    if let Some(file) = ups.iter().chain(&downs).find(|file| file.version < 1) {
        return Err(Error::NotANumber(file.version));
    }
    let repeated = |files: &[&File]| {
        files.windows(2).find(|pair| pair[0].version == pair[1].version).map(|pair| pair[0].version)
    };
    if let Some(version) = repeated(&ups).or_else(|| repeated(&downs)) {
        return Err(Error::Repeated(version));
    }
    if let Some(down) = downs.iter().find(|down| ups.iter().all(|up| up.version != down.version)) {
        return Err(Error::NoWayThere(down.version));
    }
    let step = |up: &&File| {
        let down = downs.iter().find(|down| down.version == up.version);
        Ok(Step {
            version: up.version,
            description: up.description.to_string(),
            up: Script::new(up.version, up.sql.as_str())?,
            down: down.map(|down| Script::new(down.version, down.sql.as_str())).transpose()?,
        })
    };
    ups.iter().map(step).collect()
}

impl Script {
    fn new(version: i64, text: &str) -> Result<Self, Error> {
        let sql = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
        let is_transactional = !sql.starts_with(NO_TRANSACTION);
        if is_transactional {
            let statements = statements::split(&sql);
            if let Some(control) = statements.iter().find(|statement| statement.is_transaction_control()) {
                let (line, statement) = (control.line, control.excerpt());
                return Err(Error::TransactionControl { version, line, statement });
            }
        }
        let checksum = |text: &str| Sha384::digest(text).to_vec();
        let other_checksums = [checksum(text), checksum(&sql.replace('\n', "\r\n"))];
        Ok(Self { checksum: checksum(&sql), other_checksums, sql, is_transactional })
    }

    /// Whether this is what was applied, by the checksum in the book. Line ends don't count.
    pub(super) fn is(&self, checksum: &[u8]) -> bool {
        self.checksum == checksum || self.other_checksums.iter().any(|other| other == checksum)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(files: &[(&str, &str)]) -> Result<Migrations, Error> {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        Migrations::read(&Source::Directory(directory.path().to_owned()))
    }

    #[test]
    fn every_embedded_migration_can_be_reverted() {
        let migrations = Migrations::read(&Source::Embedded).unwrap();
        let versions: Vec<i64> = migrations.steps().iter().map(|step| step.version).collect();
        assert!(!versions.is_empty());
        assert_eq!(versions, (1..=versions.len() as i64).collect::<Vec<_>>());
        assert!(migrations.steps().iter().all(|step| step.down.is_some()));
        assert_eq!(EMBEDDED.iter().count(), 2 * versions.len());
    }

    #[test]
    fn line_ends_do_not_count() {
        let unix = read(&[("1_a.sql", "SELECT 1;\nSELECT 'ü';\n")]).unwrap();
        let unix = &unix.steps()[0].up;
        for text in ["SELECT 1;\r\nSELECT 'ü';\r\n", "\u{feff}SELECT 1;\r\nSELECT 'ü';\n"] {
            let other = read(&[("1_a.sql", text)]).unwrap();
            let other = &other.steps()[0].up;
            assert_eq!((&other.sql, &other.checksum), (&unix.sql, &unix.checksum));
            assert!(other.is(&unix.checksum) && other.is(&Sha384::digest(text)));
        }
        assert!(unix.is(&Sha384::digest("SELECT 1;\r\nSELECT 'ü';\r\n")));
        assert!(!unix.is(&Sha384::digest("SELECT 2;\nSELECT 'ü';\n")));
    }

    #[test]
    fn what_cannot_be_paired_is_refused() {
        for (files, words) in [
            (&[("1_a.sql", ""), ("01_b.up.sql", "")][..], "two"),
            (&[("1_a.up.sql", ""), ("1_a.down.sql", ""), ("1_b.down.sql", "")], "two"),
            (&[("1_a.sql", ""), ("2_b.down.sql", "")], "only a way back"),
            (&[("x_a.sql", "")], "integer version"),
            (&[("0_a.sql", "")], "begin with 1"),
        ] {
            let error = read(files).unwrap_err();
            let text = format!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string));
            assert!(text.contains(words), "{text}");
        }
        assert!(read(&[("README.md", "no migration")]).unwrap().steps().is_empty());
    }

    #[test]
    fn a_transaction_is_not_a_scripts_own() {
        let error = read(&[("1_a.sql", "SELECT 1;\n-- now\nCOMMIT;")]).unwrap_err();
        assert!(matches!(error, Error::TransactionControl { version: 1, line: 3, .. }), "{error}");
        let migrations = read(&[("1_a.sql", "-- no-transaction\r\nBEGIN; COMMIT;")]).unwrap();
        assert!(!migrations.steps()[0].up.is_transactional);
        assert!(read(&[("1_a.sql", "SAVEPOINT a; ROLLBACK TO a")]).is_ok());
    }
}
