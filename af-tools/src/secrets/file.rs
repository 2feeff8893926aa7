//! A JSON file with all secrets, which only its owner can read.

mod document;

use std::ffi::OsStr;
use std::path::PathBuf;

use self::document::Document;
use super::guard::{self, Rules};
use super::versions::Versions;
use super::writer::Writer;
use super::{Entry, Error, Found, Key, Listing, Secret, SecretsProvider, Step, Version};

/// Longer files are not read.
const LONGEST_BYTES: usize = 16 << 20;

/// A JSON file with secrets; while it is not there, there are none, and the first one creates it.
#[derive(Debug)]
pub struct FileProvider {
    path: PathBuf,
    rules: Rules,
}

impl FileProvider {
    /// The file at `path`.
    pub fn new(path: PathBuf, rules: Rules) -> Self {
        Self { path, rules }
    }

    fn read(&self) -> Result<Document, Error> {
        match guard::read(&self.path, self.rules, LONGEST_BYTES)? {
            None => Ok(Document::default()),
            Some(bytes) => Document::parse(&bytes).map_err(|reason| Error::unavailable(&self.path, reason)),
        }
    }

    /// Changes the file as the only writer; an error, also of `change`, leaves it as it was.
    fn update(&self, change: impl FnOnce(&mut Document) -> Result<(), Error>) -> Result<String, Error> {
        let name = self.path.file_name().and_then(OsStr::to_str).unwrap_or("secrets");
        let writer = Writer::begin(guard::parent(&self.path), name)?;
        let mut document = self.read()?;
        let before = document.clone();
        change(&mut document)?;
        if document != before {
            let json = document.to_json().map_err(|error| Error::unavailable(&self.path, error))?;
            writer.replace(&self.path, &json)?;
        }
        Ok(self.describe())
    }

    fn not_found(&self, key: &Key, version: Version) -> Error {
        Error::NotFound { key: key.clone(), version, provider: self.describe() }
    }
}

impl SecretsProvider for FileProvider {
    fn describe(&self) -> String {
        format!("file {}", self.path.display())
    }

    fn get(&self, key: &Key, version: Version) -> Result<Found, Error> {
        let document = self.read()?;
        let secret = document.secrets.get(key).and_then(|versions| versions.get(version));
        let secret = secret.ok_or_else(|| self.not_found(key, version))?;
        secret.check().map_err(|error| Error::unavailable(&self.path, format!("secret {key}: {error}")))?;
        Ok(Found { secret: secret.clone(), provider: self.describe(), passed_over: Vec::new() })
    }

    fn list(&self) -> Result<Listing, Error> {
        let entry = |(key, versions): (Key, Versions)| Entry {
            key,
            provider: self.describe(),
            versions: versions.present(),
        };
        Ok(Listing {
            secrets: self.read()?.secrets.into_iter().map(entry).collect(),
            passed_over: Vec::new(),
        })
    }

    fn set(&self, key: &Key, value: &Secret) -> Result<String, Error> {
        value.check()?;
        self.update(|document| {
            document.secrets.entry(key.clone()).or_default().set(value.clone());
            Ok(())
        })
    }

    fn delete(&self, key: &Key) -> Result<String, Error> {
        self.update(|document| {
            document.secrets.remove(key).map(drop).ok_or_else(|| self.not_found(key, Version::Current))
        })
    }

    fn rotate(&self, key: &Key, step: Step<'_>) -> Result<String, Error> {
        if let Step::Stage(value) = step {
            value.check()?;
        }
        let provider = self.describe();
        self.update(|document| {
            let mut versions = document.secrets.remove(key).unwrap_or_default();
            versions.step(step, key, &provider)?;
            if versions != Versions::default() {
                document.secrets.insert(key.clone(), versions);
            }
            Ok(())
        })
    }

    fn directories(&self) -> Vec<PathBuf> {
        guard::directories_of(&self.path)
    }
}
