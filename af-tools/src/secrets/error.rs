//! Why a secret could not be had, kept or changed.

use std::io;
use std::path::{Path, PathBuf};

use super::{Key, Version};

/// Why a secret could not be had, kept or changed. No secret is ever part of a message, nor is how long it is.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody has it.
    #[error("secret {key}: no {version} version in {provider}")]
    NotFound {
        /// Which one was asked for.
        key: Key,
        /// Which version of it.
        version: Version,
        /// Who was asked.
        provider: String,
    },
    /// What cannot be the name of a secret.
    #[error("the key of a secret {0}")]
    InvalidKey(&'static str),
    /// What names no place where secrets are.
    #[error("no place for secrets is called \"{0}\"")]
    InvalidPlace(String),
    /// What cannot be a secret.
    #[error("the value {0}")]
    InvalidValue(&'static str),
    /// Others could read or replace it, or we may not read it.
    #[error("use {}: {reason}", path.display())]
    PermissionDenied {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It may be there, but cannot be had now.
    #[error("{place}: {reason}")]
    Unavailable {
        /// The provider, file or directory.
        place: String,
        /// What went wrong.
        reason: String,
    },
    /// It can be read there, but not changed.
    #[error("{place} is read-only")]
    ReadOnly {
        /// The provider or directory.
        place: String,
    },
    /// It is said twice, and nobody can tell which one counts.
    #[error("secret {key}: {reason}")]
    Ambiguous {
        /// Which one.
        key: Key,
        /// What contradicts what.
        reason: String,
    },
    /// A new value is staged already, and was neither promoted nor discarded.
    #[error("secret {key}: another rotation is under way in {provider}")]
    RotationUnderWay {
        /// Which one.
        key: Key,
        /// Where.
        provider: String,
    },
    /// The new value did not pass its check, and did not become current.
    #[error("secret {key}: the new value failed its check, and the current one stays: {reason}")]
    Rejected {
        /// Which one.
        key: Key,
        /// What the check said.
        reason: String,
    },
    /// The access could not be recorded, and whoever asked does not get what it gave.
    #[error("record the access to secrets ({operation})")]
    Unrecorded {
        /// What was done all the same, if it was not only reading.
        operation: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// One word for it, for programs and logs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::InvalidKey(_) => "invalid_key",
            Self::InvalidPlace(_) => "invalid_place",
            Self::InvalidValue(_) => "invalid_value",
            Self::PermissionDenied { .. } => "permission_denied",
            Self::Unavailable { .. } => "unavailable",
            Self::ReadOnly { .. } => "read_only",
            Self::Ambiguous { .. } => "ambiguous",
            Self::RotationUnderWay { .. } => "rotation_under_way",
            Self::Rejected { .. } => "rejected",
            Self::Unrecorded { .. } => "unrecorded",
        }
    }

    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotFound { version: Version::Current, .. } => {
                "`af-tools secrets list` shows what is there; --secrets or AF_SECRETS says where to look."
            }
            Self::NotFound { version: Version::Pending, .. } => {
                "`af-tools secrets rotate KEY --stage` stages a new value."
            }
            Self::InvalidPlace(_) => "It is one of env, env:PREFIX, file:PATH, dir:PATH and credentials.",
            Self::PermissionDenied { .. } => {
                "The file must belong to you or to root and only its owner may read it (chmod go=), and nobody else may \
                 write to its directory (chmod go-w). For mounted volumes, --allow-group accepts files that their group \
                 may read."
            }
            Self::RotationUnderWay { .. } => {
                "End it first: `af-tools secrets rotate KEY --promote`, or `--discard`."
            }
            Self::ReadOnly { .. } => {
                "Change it where it comes from, or name a file or directory first in --secrets or AF_SECRETS."
            }
            Self::NotFound { .. }
            | Self::InvalidKey(_)
            | Self::InvalidValue(_)
            | Self::Unavailable { .. }
            | Self::Ambiguous { .. }
            | Self::Rejected { .. }
            | Self::Unrecorded { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// What the system said of a file or directory.
    pub(super) fn io(path: &Path, source: &io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::PermissionDenied => {
                Self::PermissionDenied { path: path.to_owned(), reason: source.to_string() }
            }
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { place: path.display().to_string() },
            _ => Self::unavailable(path, source),
        }
    }

    /// A file or directory of which nothing can be had.
    pub(super) fn unavailable(path: &Path, reason: impl ToString) -> Self {
        Self::Unavailable { place: path.display().to_string(), reason: reason.to_string() }
    }
}
