//! The checkpoints that a ledger is to be compared with, from files and directories.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use af_core::checkpoint::Subject;
use serde::Serialize;
use uuid::Uuid;

use super::store::{is_ledger, leaves_beside, leaves_in, list, state_beside};
use super::{Held, Leaf, Log, LogError, OpenError, Policy, Signed, State, Witnessed};
use crate::sign::VerifyingKey;

/// So many older checkpoints of a chain are taken from a log, in order to tell where it was rewritten.
const MOST_OF_A_CHAIN: usize = 16;

/// Why there is nothing to compare with.
#[derive(Debug, thiserror::Error)]
pub enum HeldError {
    /// There is none.
    #[error("read checkpoint {}: there is none", .0.display())]
    Missing(PathBuf),
    /// The leaves that a checkpoint of all chains vouches for are not at hand.
    #[error("read checkpoint {}: its leaves are not at hand ({} is not there)", path.display(), leaves.display())]
    NoLeaves {
        /// The checkpoint.
        path: PathBuf,
        /// Where they should be.
        leaves: PathBuf,
    },
    /// A file cannot be read.
    #[error("read {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be relied on.
    #[error("open checkpoint {}", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        source: OpenError,
    },
    /// Not as many witnesses as are required have cosigned it.
    #[error("open checkpoint {}: {fault}", path.display())]
    Witnesses {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        fault: String,
        /// Whether something was done in the name of a witness.
        is_forged: bool,
    },
    /// The leaves are not those that were signed.
    #[error("compare checkpoint {} with {}", path.display(), leaves.display())]
    Log {
        /// The checkpoint.
        path: PathBuf,
        /// The leaves.
        leaves: PathBuf,
        /// What is wrong.
        source: LogError,
    },
}

impl HeldError {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing(_) => {
                "`af-tools audit checkpoint --key KEY --out DIR` makes checkpoints; keep them away from the database."
            }
            Self::NoLeaves { .. } => {
                "Copy ledger.leaves with ledger.checkpoint, or give its directory with another --checkpoint."
            }
            Self::Open { source: OpenError::OtherKey(_), .. } => {
                "--public-key is the key of whoever signed; give each one if there are several."
            }
            Self::Open { source: OpenError::Forged, .. } | Self::Log { .. } => {
                "Somebody has edited it. Compare with the copies that others hold."
            }
            Self::Witnesses { is_forged: false, .. } => {
                "Ask for a copy that the witnesses have cosigned, or demand fewer."
            }
            Self::Witnesses { is_forged: true, .. } => {
                "Somebody has edited it. Compare with the copies that others hold."
            }
            Self::File { .. } | Self::Open { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// Whether what was asked for is not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing(_) | Self::NoLeaves { .. } | Self::Witnesses { is_forged: false, .. })
    }

    /// Whether it is there and not what was signed.
    pub fn is_finding(&self) -> bool {
        matches!(
            self,
            Self::Log { .. }
                | Self::Open { source: OpenError::Forged, .. }
                | Self::Witnesses { is_forged: true, .. }
        )
    }
}

/// Checkpoints that can be relied on.
#[derive(Debug, Default)]
pub struct Opened {
    /// What a ledger is compared with; those of one chain come together, the smallest first.
    pub held: Vec<Held>,
    /// Which witnesses have cosigned each file, where any were named.
    pub witnessed: Vec<WitnessedFile>,
}

/// What the witnesses say of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WitnessedFile {
    /// The checkpoint.
    pub path: PathBuf,
    /// Who has cosigned it.
    #[serde(flatten)]
    pub witnessed: Witnessed,
}

/// Reads the checkpoints at `paths`, which are files or directories, each signed by one of `keys` and cosigned as `policy`
/// demands.
///
/// In a directory it is enough if the checkpoint of all chains is cosigned: then what it vouches for counts, and not the
/// checkpoints beside it that are not.
///
/// A checkpoint of all chains stands for the leaves that it vouches for: those beside it, or those in one of the
/// directories.
///
/// # Errors
///
/// When one cannot be relied on. Of several, the one that was edited is told: it says more than what is missing.
pub fn read(paths: &[PathBuf], keys: &[VerifyingKey], policy: &Policy) -> Result<Opened, HeldError> {
    let directories: Vec<&Path> = paths.iter().map(PathBuf::as_path).filter(|path| path.is_dir()).collect();
    let open = |file: &Path| open(file, keys, policy, &directories);
    let mut opened = Vec::new();
    for path in paths {
        if path.is_dir() {
            opened.extend(open_directory(path, open));
        } else {
            opened.push(open(path));
        }
    }
    let is_finding = |opened: &Result<_, HeldError>| opened.as_ref().is_err_and(HeldError::is_finding);
    if let Some(at) = opened.iter().position(is_finding) {
        opened.swap(0, at);
    }
    let mut all = Opened::default();
    for one in opened {
        let (held, witnessed) = one?;
        all.held.extend(held);
        all.witnessed.extend(policy.names_any().then_some(witnessed));
    }
    all.held.sort_by(|a, b| (&a.origin, a.size, a.root).cmp(&(&b.origin, b.size, b.root)));
    // Of two that say the same, the one that knows where the server stood says why a chain is shorter.
    all.held.dedup_by(|next, kept| {
        let is_same = (&next.origin, next.size, next.root) == (&kept.origin, kept.size, kept.root);
        if is_same && kept.standpoint.is_none() {
            std::mem::swap(next, kept);
        }
        is_same
    });
    Ok(all)
}

/// One file: what it holds, and who has cosigned it.
type File = (Vec<Held>, WitnessedFile);

/// Those in a directory that count.
fn open_directory(
    path: &Path,
    open: impl Fn(&Path) -> Result<File, HeldError>,
) -> Vec<Result<File, HeldError>> {
    let files = match list(path) {
        Ok(files) if files.is_empty() => return vec![Err(HeldError::Missing(path.to_owned()))],
        Ok(files) => files,
        Err(source) => return vec![Err(HeldError::File { path: path.to_owned(), source })],
    };
    let mut opened: Vec<_> = files.iter().map(|file| open(file)).collect();
    if opened.iter().zip(&files).any(|(opened, file)| opened.is_ok() && is_ledger(file)) {
        opened.retain(|one| !matches!(one, Err(HeldError::Witnesses { is_forged: false, .. })));
    }
    opened
}

/// Reads one checkpoint that one of `keys` has signed.
pub(crate) fn open_signed(path: &Path, keys: &[VerifyingKey]) -> Result<Signed, HeldError> {
    open_text(path, &text_of(path)?, keys)
}

/// Reads one checkpoint from the text of a file; where there are no keys, whoever has signed it.
pub(crate) fn open_text(path: &Path, text: &str, keys: &[VerifyingKey]) -> Result<Signed, HeldError> {
    let signed = if keys.is_empty() { Signed::parse(text) } else { Signed::open(text, keys) };
    signed.map_err(|source| HeldError::Open { path: path.to_owned(), source })
}

/// The text of a file that was asked for.
pub(crate) fn text_of(path: &Path) -> Result<String, HeldError> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(HeldError::Missing(path.to_owned())),
        text => text.map_err(|source| HeldError::File { path: path.to_owned(), source }),
    }
}

/// The leaves beside a checkpoint of all chains.
pub(crate) fn leaves_of(path: &Path) -> Result<String, HeldError> {
    let leaves = leaves_beside(path);
    match fs::read_to_string(&leaves) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(HeldError::NoLeaves { path: path.to_owned(), leaves })
        }
        text => text.map_err(|source| HeldError::File { path: leaves, source }),
    }
}

fn open(
    path: &Path,
    keys: &[VerifyingKey],
    policy: &Policy,
    directories: &[&Path],
) -> Result<File, HeldError> {
    let signed = open_signed(path, keys)?;
    let witnessed = policy.check(&signed.note);
    if let Some(fault) = witnessed.fault() {
        let is_forged = !witnessed.forged.is_empty();
        return Err(HeldError::Witnesses { path: path.to_owned(), fault, is_forged });
    }
    let witnessed = WitnessedFile { path: path.to_owned(), witnessed };
    if signed.origin.subject == Subject::Ledger {
        return Ok((vouched_for(path, &signed, directories)?, witnessed));
    }
    // What is beside it only serves to name what is found.
    let state = State::read(&state_beside(path), &signed.checkpoint).ok();
    let held = Held {
        origin: signed.origin,
        size: signed.checkpoint.size,
        root: signed.checkpoint.root,
        source: path.display().to_string(),
        standpoint: state.map(|state| state.standpoint),
    };
    Ok((vec![held], witnessed))
}

/// What a checkpoint of all chains vouches for.
fn vouched_for(path: &Path, signed: &Signed, directories: &[&Path]) -> Result<Vec<Held>, HeldError> {
    let beside = leaves_beside(path);
    let leaves = directories.iter().map(|directory| leaves_in(directory));
    let leaves = std::iter::once(beside.clone()).chain(leaves).find(|leaves| leaves.exists());
    let leaves = leaves.ok_or_else(|| HeldError::NoLeaves { path: path.to_owned(), leaves: beside })?;
    let text =
        fs::read_to_string(&leaves).map_err(|source| HeldError::File { path: leaves.clone(), source })?;
    let log = Log::read(&text, &signed.checkpoint).map_err(|source| {
        let leaves = leaves.clone();
        HeldError::Log { path: path.to_owned(), leaves, source }
    })?;
    let mut chains: BTreeMap<Uuid, Vec<&Leaf>> = BTreeMap::new();
    for leaf in log.leaves() {
        chains.entry(leaf.tenant_id).or_default().push(leaf);
    }
    let thinned = chains.values().flat_map(|leaves| {
        let step = leaves.len().div_ceil(MOST_OF_A_CHAIN);
        leaves.iter().rev().step_by(step).copied()
    });
    let source = path.display().to_string();
    Ok(thinned
        .map(|leaf| Held {
            origin: leaf.origin.clone(),
            size: leaf.size,
            root: leaf.root,
            source: source.clone(),
            standpoint: None,
        })
        .collect())
}
