//! Where checkpoints are kept: a directory for a whole ledger, or a file for one chain.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use af_core::checkpoint::Subject;
use uuid::Uuid;

use super::{Log, LogError, OpenError, Signed, State};
use crate::files;
use crate::sign::VerifyingKey;

const EXTENSION: &str = "checkpoint";
const STATE: &str = "state";
const LEAVES: &str = "leaves";
const LEDGER: &str = "ledger";
const LOCK: &str = ".lock";

/// Why checkpoints cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file cannot be worked with.
    #[error("{doing} {}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another process is at it.
    #[error("lock {}: another process makes checkpoints there", .0.display())]
    Locked(PathBuf),
    /// What is there is no checkpoint that could be gone on from.
    #[error("open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: OpenError,
    },
    /// A checkpoint is of something else than its place says.
    #[error("open {}: it is of {origin}", path.display())]
    Misplaced {
        /// The file.
        path: PathBuf,
        /// Of what it is.
        origin: String,
    },
    /// The leaves do not go with the checkpoint of all chains.
    #[error("read {}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Why.
        source: LogError,
    },
}

impl StoreError {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Locked(_) => "Let the other one end, and try again.",
            Self::Open { .. } => "Checkpoints are gone on from only under the key that signed them.",
            Self::Misplaced { .. } => "Give each ledger, and each incarnation of it, a place of its own.",
            Self::Log { .. } => {
                "What was signed does not match what is kept: compare with a copy kept elsewhere."
            }
            Self::File { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// Whether what is there is not what it must be, rather than out of reach.
    pub fn is_finding(&self) -> bool {
        matches!(self, Self::Log { .. } | Self::Open { source: OpenError::Forged, .. })
    }
}

/// For `map_err`: says what was being done with a file.
fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::File { doing, path, source }
}

/// What stands beside a checkpoint, under its name with another extension.
pub(super) fn beside(path: &Path, extension: &str) -> PathBuf {
    if path.extension().is_some_and(|own| own == EXTENSION) {
        return path.with_extension(extension);
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

/// Where the state beside a checkpoint is.
pub(crate) fn state_beside(path: &Path) -> PathBuf {
    beside(path, STATE)
}

/// Where the leaves beside a checkpoint of all chains are.
pub(super) fn leaves_beside(path: &Path) -> PathBuf {
    beside(path, LEAVES)
}

/// The leaves in a directory.
pub(super) fn leaves_in(directory: &Path) -> PathBuf {
    directory.join(LEDGER).with_extension(LEAVES)
}

/// A tenant's checkpoint in a directory.
pub(crate) fn tenant_in(directory: &Path, tenant_id: Uuid) -> PathBuf {
    directory.join(tenant_id.to_string()).with_extension(EXTENSION)
}

/// Whether a file is the checkpoint of all chains, by its name.
pub(super) fn is_ledger(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == LEDGER)
}

/// The checkpoints in a directory, in the order of their names.
pub(crate) fn list(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

/// Reads a checkpoint; `None` if there is no such file.
fn open(path: &Path, keys: &[VerifyingKey]) -> Result<Option<Signed>, StoreError> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(failed("read", path))?,
    };
    let signed = Signed::open(&text, keys);
    signed.map(Some).map_err(|source| StoreError::Open { path: path.to_owned(), source })
}

/// A place where checkpoints are kept and gone on from, by one process at a time.
pub struct Store {
    place: Place,
    /// Released when it is closed.
    _lock: File,
}

enum Place {
    /// Of all chains, each under its tenant's name, and of the ledger.
    Directory(PathBuf),
    /// Of one chain.
    File(PathBuf),
}

impl Store {
    /// The directory at `path`, which is created if it is not there.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(path).map_err(failed("create directory", path))?;
        Ok(Self { place: Place::Directory(path.to_owned()), _lock: lock(&path.join(LOCK))? })
    }

    /// The file at `path`, for the checkpoint of one chain.
    pub fn of_one_chain(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { place: Place::File(path.to_owned()), _lock: lock(&beside(path, "lock"))? })
    }

    /// Where a tenant's checkpoint is.
    pub fn path_of(&self, tenant_id: Uuid) -> PathBuf {
        match &self.place {
            Place::Directory(path) => tenant_in(path, tenant_id),
            Place::File(path) => path.clone(),
        }
    }

    /// Where the checkpoint of all chains is, if there is a place for one.
    pub fn ledger_path(&self) -> Option<PathBuf> {
        match &self.place {
            Place::Directory(path) => Some(path.join(LEDGER).with_extension(EXTENSION)),
            Place::File(_) => None,
        }
    }

    /// The checkpoints of chains that are there, in the order of tenants. `tenant_id` says whose is in a file of one chain.
    pub fn chains(
        &self,
        tenant_id: Option<Uuid>,
        keys: &[VerifyingKey],
    ) -> Result<Vec<(Uuid, Signed)>, StoreError> {
        let paths = match &self.place {
            Place::Directory(path) => list(path).map_err(failed("read directory", path))?,
            Place::File(path) => vec![path.clone()],
        };
        let mut chains = Vec::new();
        for path in paths.into_iter().filter(|path| Some(path) != self.ledger_path().as_ref()) {
            let Some(signed) = open(&path, keys)? else { continue };
            let origin = signed.origin.to_string();
            match signed.origin.subject {
                Subject::Tenant(tenant)
                    if self.path_of(tenant) == path && tenant_id.is_none_or(|id| id == tenant) =>
                {
                    chains.push((tenant, signed));
                }
                _ => return Err(StoreError::Misplaced { path, origin }),
            }
        }
        Ok(chains)
    }

    /// What was kept beside a tenant's checkpoint, in order to go on.
    pub fn state(&self, tenant_id: Uuid, signed: &Signed) -> Result<State, super::StateError> {
        State::read(&state_beside(&self.path_of(tenant_id)), &signed.checkpoint)
    }

    /// The checkpoint of all chains, with its leaves; `None` if there is none yet.
    pub fn ledger(&self, keys: &[VerifyingKey]) -> Result<Option<(Signed, Log)>, StoreError> {
        let Some(path) = self.ledger_path() else { return Ok(None) };
        let Some(signed) = open(&path, keys)? else { return Ok(None) };
        let leaves = leaves_beside(&path);
        let text = fs::read_to_string(&leaves).map_err(failed("read", &leaves))?;
        let log = Log::read(&text, &signed.checkpoint);
        let log = log.map_err(|source| StoreError::Log { path: leaves, source })?;
        Ok(Some((signed, log)))
    }

    /// Puts a tenant's checkpoint in the place of the one before. Its state comes first: with a checkpoint that it does not
    /// belong to, it is passed over.
    pub fn put(&self, tenant_id: Uuid, signed: &Signed, state: &State) -> Result<(), StoreError> {
        let path = self.path_of(tenant_id);
        let state_path = state_beside(&path);
        let text = state.to_text(&signed.checkpoint);
        files::write_at_once(&state_path, text.as_bytes()).map_err(failed("write", &state_path))?;
        files::write_at_once(&path, signed.note.to_string().as_bytes()).map_err(failed("write", &path))
    }

    /// Puts the checkpoint of all chains in the place of the one before. Its leaves come first: those behind the end of a
    /// checkpoint are passed over.
    pub fn put_ledger(&self, signed: &Signed, log: &Log) -> Result<(), StoreError> {
        let Some(path) = self.ledger_path() else { return Ok(()) };
        let leaves = leaves_beside(&path);
        files::write_at_once(&leaves, log.to_text().as_bytes()).map_err(failed("write", &leaves))?;
        files::write_at_once(&path, signed.note.to_string().as_bytes()).map_err(failed("write", &path))
    }
}

/// Keeps other processes away until the file is closed.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let file = File::create(path).map_err(failed("open", path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed("lock", path)(source)),
    }
}
