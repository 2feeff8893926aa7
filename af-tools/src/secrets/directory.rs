//! One file a secret: what Docker and Kubernetes mount, what systemd passes on, or a directory of one's own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::guard::{self, Rules};
use super::value::LONGEST_BYTES;
use super::versions::Versions;
use super::writer::{self, Writer};
use super::{Entry, Error, Found, Key, Listing, Secret, SecretsProvider, Step, Version};

/// The link that Kubernetes swaps to change all files of a volume at once. What is written beside it would be undone.
const KUBERNETES_DATA: &str = "..data";

/// A directory with one file a secret, named like its key. Pending and previous versions are in the subdirectories
/// `.pending` and `.previous`, under the same names; all other files whose names are no keys are left alone.
#[derive(Debug)]
pub struct DirectoryProvider {
    path: PathBuf,
    rules: Rules,
    is_read_only: bool,
}

impl DirectoryProvider {
    /// The directory at `path`; to change a secret in it, it is created.
    pub fn new(path: PathBuf, rules: Rules) -> Self {
        Self { path, rules, is_read_only: false }
    }

    /// One that is somebody else's to change.
    pub fn read_only(path: PathBuf, rules: Rules) -> Self {
        Self { path, rules, is_read_only: true }
    }

    fn directory_of(&self, version: Version) -> PathBuf {
        match version {
            Version::Current => self.path.clone(),
            Version::Pending => self.path.join(".pending"),
            Version::Previous => self.path.join(".previous"),
        }
    }

    fn file_of(&self, key: &Key, version: Version) -> PathBuf {
        self.directory_of(version).join(key.as_str())
    }

    fn read(&self, key: &Key, version: Version) -> Result<Option<Secret>, Error> {
        let path = self.file_of(key, version);
        let Some(bytes) = guard::read(&path, self.rules, LONGEST_BYTES + 2)? else { return Ok(None) };
        // Whoever writes without renaming empties the file first: that is no value, and it may be one soon.
        Secret::from_input(bytes).map(Some).map_err(|error| Error::unavailable(&path, error))
    }

    fn versions(&self, key: &Key) -> Result<Versions, Error> {
        Ok(Versions {
            current: self.read(key, Version::Current)?,
            pending: self.read(key, Version::Pending)?,
            previous: self.read(key, Version::Previous)?,
        })
    }

    fn begin(&self) -> Result<Writer, Error> {
        if self.is_read_only || self.path.join(KUBERNETES_DATA).exists() {
            return Err(self.read_only());
        }
        Writer::begin(&self.path, "secrets")
    }

    fn write(&self, writer: &Writer, key: &Key, version: Version, secret: &Secret) -> Result<(), Error> {
        writer::create_private(&self.directory_of(version))?;
        writer.replace(&self.file_of(key, version), secret.reveal().as_bytes())
    }

    /// The names of the files in a directory that are keys.
    fn keys(&self, version: Version) -> Result<Vec<Key>, Error> {
        let directory = self.directory_of(version);
        if !guard::check_directory(&directory, self.rules)? {
            return match version {
                Version::Current => Err(Error::unavailable(&directory, "the directory is not there")),
                Version::Pending | Version::Previous => Ok(Vec::new()),
            };
        }
        let failed = |error: io::Error| Error::io(&directory, &error);
        let mut keys = Vec::new();
        for entry in fs::read_dir(&directory).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let is_hidden = name.to_string_lossy().starts_with('.');
            match name.to_str().map(str::parse) {
                _ if is_hidden || !is_file(&directory.join(&name)) => {}
                Some(Ok(key)) => keys.push(key),
                _ => tracing::info!(file = %directory.join(&name).display(), "left out: its name is no key"),
            }
        }
        Ok(keys)
    }
}

/// Whether it, or what a link leads to, is a plain file.
fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

impl SecretsProvider for DirectoryProvider {
    fn describe(&self) -> String {
        format!("directory {}", self.path.display())
    }

    fn get(&self, key: &Key, version: Version) -> Result<Found, Error> {
        match self.read(key, version)? {
            Some(secret) => Ok(Found { secret, provider: self.describe(), passed_over: Vec::new() }),
            None if guard::check_directory(&self.path, self.rules)? => {
                Err(Error::NotFound { key: key.clone(), version, provider: self.describe() })
            }
            None => Err(Error::unavailable(&self.path, "the directory is not there")),
        }
    }

    fn list(&self) -> Result<Listing, Error> {
        let mut secrets: Vec<Entry> = Vec::new();
        for version in Version::ALL {
            for key in self.keys(version)? {
                match secrets.iter_mut().find(|entry| entry.key == key) {
                    Some(entry) => entry.versions.push(version),
                    None => secrets.push(Entry { key, provider: self.describe(), versions: vec![version] }),
                }
            }
        }
        secrets.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(Listing { secrets, passed_over: Vec::new() })
    }

    fn set(&self, key: &Key, value: &Secret) -> Result<String, Error> {
        value.check()?;
        let writer = self.begin()?;
        let current = self.read(key, Version::Current)?;
        if let Some(current) = current.filter(|current| current != value) {
            self.write(&writer, key, Version::Previous, &current)?;
        }
        self.write(&writer, key, Version::Current, value)?;
        Ok(self.describe())
    }

    fn delete(&self, key: &Key) -> Result<String, Error> {
        let writer = self.begin()?;
        let mut was_there = false;
        // The current one last: as long as it is there, the secret is.
        for version in [Version::Previous, Version::Pending, Version::Current] {
            was_there |= writer.remove(&self.file_of(key, version))?;
        }
        if was_there {
            return Ok(self.describe());
        }
        Err(Error::NotFound { key: key.clone(), version: Version::Current, provider: self.describe() })
    }

    /// Each step ends with the one renaming that makes it count. Before that, a crash leaves the current value and the
    /// pending one as they were, and the step can be gone again.
    fn rotate(&self, key: &Key, step: Step<'_>) -> Result<String, Error> {
        if let Step::Stage(value) = step {
            value.check()?;
        }
        let writer = self.begin()?;
        let before = self.versions(key)?;
        let mut after = before.clone();
        after.step(step, key, &self.describe())?;
        let file = |version| self.file_of(key, version);
        match step {
            Step::Stage(value) => self.write(&writer, key, Version::Pending, value)?,
            Step::Discard => {
                writer.remove(&file(Version::Pending))?;
            }
            Step::Promote => {
                if before.previous != after.previous
                    && let Some(previous) = after.previous
                {
                    self.write(&writer, key, Version::Previous, &previous)?;
                }
                writer.rename(&file(Version::Pending), &file(Version::Current))?;
            }
            Step::RollBack => {
                writer.rename(&file(Version::Previous), &file(Version::Current))?;
                if let Some(previous) = after.previous {
                    self.write(&writer, key, Version::Previous, &previous)?;
                }
            }
        }
        Ok(self.describe())
    }

    fn directories(&self) -> Vec<PathBuf> {
        vec![self.path.clone()]
    }
}
