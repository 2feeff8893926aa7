//! What every source of secrets can do.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::{Error, Key, Secret};

/// Which of a secret's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Version {
    /// The one in use.
    Current,
    /// One that is staged, to be tested.
    Pending,
    /// The one that was in use before.
    Previous,
}

impl Version {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Current, Self::Pending, Self::Previous];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Pending => "pending",
            Self::Previous => "previous",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A step of a rotation.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a> {
    /// Keep this as pending. Refused while another value is pending.
    Stage(&'a Secret),
    /// The pending value becomes current, and the current one previous.
    Promote,
    /// Forget the pending value.
    Discard,
    /// The previous value becomes current again, and the current one previous.
    RollBack,
}

/// A secret that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The secret.
    pub secret: Secret,
    /// Who answered.
    pub provider: String,
    /// Who should have been asked before, but could not be, and why: while there is any, somebody else may hold
    /// another value.
    pub passed_over: Vec<String>,
}

/// A secret that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its name.
    pub key: Key,
    /// Who has it.
    pub provider: String,
    /// Which versions of it are there.
    pub versions: Vec<Version>,
}

/// All secrets that are there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// In the order of their keys.
    pub secrets: Vec<Entry>,
    /// Who could not be asked, and why: what they have is missing.
    pub passed_over: Vec<String>,
}

/// A source of secrets. Whoever implements it makes sure that a reader never sees part of a value, and that what
/// changes one excludes other writers meanwhile.
///
/// The methods that change something return who did it, and are [`Error::ReadOnly`] where that cannot be.
pub trait SecretsProvider: Send + Sync {
    /// What it is called in messages, such as `file /etc/af/secrets.json`.
    fn describe(&self) -> String;

    /// One version of a secret.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if it is certain not to be there; [`Error::Unavailable`] if that cannot be told.
    fn get(&self, key: &Key, version: Version) -> Result<Found, Error>;

    /// All secrets that are there, without their values.
    ///
    /// # Errors
    ///
    /// Whatever keeps them from being listed.
    fn list(&self) -> Result<Listing, Error>;

    /// Makes a value current, and the current one previous.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being stored: then nothing is changed.
    fn set(&self, key: &Key, value: &Secret) -> Result<String, Error> {
        let _ = (key, value);
        Err(self.read_only())
    }

    /// Forgets a secret in all its versions.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being deleted, and [`Error::NotFound`] if it is not there.
    fn delete(&self, key: &Key) -> Result<String, Error> {
        let _ = key;
        Err(self.read_only())
    }

    /// Goes one step of a rotation; [`rotate`](super::rotate) goes all of them.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the version is not there that the step needs, [`Error::RotationUnderWay`] if there is
    /// one that it would overwrite, and whatever keeps it from being stored.
    fn rotate(&self, key: &Key, step: Step<'_>) -> Result<String, Error> {
        let _ = (key, step);
        Err(self.read_only())
    }

    /// The directories in which something happens when a secret changes; none where nothing tells of changes.
    fn directories(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// The error of one that cannot be written to.
    fn read_only(&self) -> Error {
        Error::ReadOnly { place: self.describe() }
    }
}
