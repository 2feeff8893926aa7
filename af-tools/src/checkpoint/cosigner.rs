//! A witness: it cosigns a checkpoint only if that continues what it cosigned before, and remembers what it did.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use af_core::checkpoint::Checkpoint;
use af_core::note::{Note, is_key_name};
use af_core::receipt::{Consistency, ConsistencyError, ConsistencyFault};
use sha2::{Digest as _, Sha256};

use super::store::lock;
use super::witness::{cosign, cosigned_at, witness_key};
use super::{OpenError, Signed, StoreError};
use crate::files;
use crate::sign::{SigningKey, VerifyingKey};

/// Why nothing was cosigned.
#[derive(Debug, thiserror::Error)]
pub enum CosignError {
    /// A key cannot have that name.
    #[error("{0:?} is no name for a key: it has a space, a control character or a plus, or is empty")]
    Name(String),
    /// Whoever keeps the log would witness it.
    #[error("the key of the witness is one that signs the log: nobody witnesses for themselves")]
    LogKey,
    /// What is remembered cannot be read or written, or somebody else is at it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is remembered is none of this witness's cosigned checkpoints of that log.
    #[error("read {}: it is not what this key cosigned last for this log", .0.display())]
    State(PathBuf),
    /// The checkpoint has fewer entries than the last one. By itself that is no evidence: it may be an old one.
    #[error(
        "the checkpoint is of {size} entries, and one of {last} was cosigned before: it is an old one, or the log was rolled back"
    )]
    Older {
        /// How many it has.
        size: u64,
        /// How many it had.
        last: u64,
    },
    /// The log had other entries before.
    #[error("rewritten: another checkpoint of {size} entries was cosigned before, with the root {last}")]
    Forked {
        /// How many both have.
        size: u64,
        /// The root of the other.
        last: String,
    },
    /// The log has grown, and nothing shows how.
    #[error("the log has grown from {last} to {size} entries, and no proof shows that it only grew")]
    NoProof {
        /// How many it had.
        last: u64,
        /// How many it has.
        size: u64,
    },
    /// The proof is none.
    #[error("read the proof of consistency")]
    NotAProof(#[source] ConsistencyError),
    /// The proof is of another checkpoint.
    #[error("the proof of consistency ends with another checkpoint")]
    OtherProof,
    /// The proof begins elsewhere.
    #[error("the proof of consistency begins at {begins} entries, and {last} were cosigned last")]
    Beginning {
        /// Where it begins.
        begins: u64,
        /// Where it should.
        last: u64,
    },
    /// The proof does not show it.
    #[error("rewritten: the checkpoint does not continue what was cosigned before: {0}")]
    NotContinued(ConsistencyFault),
    /// The clock is before 1970.
    #[error("ask for the time: the clock stands before 1970")]
    Clock,
}

impl CosignError {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Store(StoreError::Locked(_)) => "Let the other one end, and try again.",
            Self::Store(error) => return error.hint(),
            Self::State(_) => {
                "Give each key a --state directory of its own, and take it back from a backup if it is lost."
            }
            Self::Older { .. } => {
                "If the log has no newer one, it was rolled back: keep this one and the one in the --state directory as evidence."
            }
            Self::Forked { .. } | Self::NotContinued(_) => {
                "Keep both checkpoints: they are signed evidence that the log was not only appended to."
            }
            Self::NoProof { .. } | Self::Beginning { .. } | Self::OtherProof => {
                "Whoever keeps the log makes it: `af-tools audit prove-consistency --from LAST --to CHECKPOINT`; LAST is in the --state directory."
            }
            Self::LogKey => "`af-tools audit keygen` makes a key of the witness's own.",
            Self::Name(_) => "A name such as witness.example/w1 is usual.",
            Self::NotAProof(_) | Self::Clock => return None,
        };
        Some(hint.to_owned())
    }

    /// Whether the log was not only appended to, for which both checkpoints are evidence.
    pub fn is_finding(&self) -> bool {
        matches!(self, Self::Forked { .. } | Self::NotContinued(_))
    }

    /// Whether nothing shows that it was.
    pub fn is_unproven(&self) -> bool {
        matches!(self, Self::Older { .. } | Self::NoProof { .. } | Self::Beginning { .. } | Self::OtherProof)
    }
}

/// A checkpoint with one more signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// The checkpoint, with all signatures.
    pub note: Note,
    /// How many entries the one had that was cosigned before; `None` if this is the first of its log.
    pub last_size: Option<u64>,
    /// When, in seconds since 1970.
    pub timestamp: u64,
    /// Where that is remembered.
    pub state: PathBuf,
}

/// A witness.
pub struct Cosigner<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it signs with.
    pub key: &'a SigningKey,
    /// The directory where it remembers what it cosigned last, a file for each log.
    pub state: &'a Path,
    /// The keys that sign the log, none of which may be the witness's own.
    pub log_keys: &'a [VerifyingKey],
}

impl Cosigner<'_> {
    /// Cosigns a checkpoint whose own signature holds, which is for the caller to make sure of. Where the log has grown since
    /// the last one, `proof` shows that it only grew.
    ///
    /// It is remembered before it is told, by one process at a time.
    pub fn cosign(&self, signed: &Signed, proof: Option<&str>) -> Result<Cosigned, CosignError> {
        if !is_key_name(self.name) {
            return Err(CosignError::Name(self.name.to_owned()));
        }
        if self.log_keys.contains(&self.key.verifying_key()) {
            return Err(CosignError::LogKey);
        }
        let file = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::File { doing, path, source }
        };
        fs::create_dir_all(self.state).map_err(file("create directory", self.state))?;
        let _lock = lock(&self.state.join(".lock"))?;
        let path = self.path_of(&signed.checkpoint.origin);
        let last = self.last(&path, &signed.checkpoint.origin)?;
        if let Some(last) = &last {
            must_continue(last, signed, proof)?;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| CosignError::Clock)?.as_secs();
        let mut note = signed.note.clone();
        let named = witness_key(self.name, &self.key.verifying_key());
        // One is enough, and the latest says the most.
        note.signatures.retain(|signature| !named.is_named_by(signature));
        note.signatures.push(cosign(&note.text, self.name, self.key, now));
        files::write_at_once(&path, note.to_string().as_bytes()).map_err(file("write", &path))?;
        Ok(Cosigned { note, last_size: last.map(|last| last.size), timestamp: now, state: path })
    }

    /// An origin has characters that a file's name has not, and may be too long for one.
    fn path_of(&self, origin: &str) -> PathBuf {
        let name = af_core::digest::Digest::from(<[u8; 32]>::from(Sha256::digest(origin)));
        self.state.join(name.to_string()).with_extension("cosigned")
    }

    /// What this witness cosigned last for a log.
    fn last(&self, path: &Path, origin: &str) -> Result<Option<Checkpoint>, CosignError> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => {
                text.map_err(|source| StoreError::File { doing: "read", path: path.to_owned(), source })?
            }
        };
        let key = self.key.verifying_key();
        let named = witness_key(self.name, &key);
        let read = || {
            let Signed { note, checkpoint, .. } = Signed::parse(&text).ok()?;
            let own = note.signatures.iter().filter(|signature| named.is_named_by(signature));
            let is_own = own.into_iter().any(|own| cosigned_at(&note.text, own, &key).is_some());
            (is_own && checkpoint.origin == origin).then_some(checkpoint)
        };
        read().map(Some).ok_or_else(|| CosignError::State(path.to_owned()))
    }
}

/// Fails unless a checkpoint begins with the entries of the last one.
fn must_continue(last: &Checkpoint, signed: &Signed, proof: Option<&str>) -> Result<(), CosignError> {
    let new = &signed.checkpoint;
    if new.size < last.size {
        return Err(CosignError::Older { size: new.size, last: last.size });
    }
    if new.size == last.size {
        let last_root = last.root.to_string();
        return if new.root == last.root {
            Ok(())
        } else {
            Err(CosignError::Forked { size: new.size, last: last_root })
        };
    }
    let proof = proof.ok_or(CosignError::NoProof { last: last.size, size: new.size })?;
    let proof: Consistency = proof.parse().map_err(CosignError::NotAProof)?;
    let ends_with = Signed::parse(&proof.checkpoint).map(|end| end.checkpoint);
    if !is_same(ends_with, new) {
        return Err(CosignError::OtherProof);
    }
    if proof.old_size != last.size {
        return Err(CosignError::Beginning { begins: proof.old_size, last: last.size });
    }
    proof.fault(last, new).map_or(Ok(()), |fault| Err(CosignError::NotContinued(fault)))
}

fn is_same(found: Result<Checkpoint, OpenError>, wanted: &Checkpoint) -> bool {
    found.is_ok_and(|found| found == *wanted)
}

#[cfg(test)]
mod tests {
    use af_core::checkpoint::{Origin, Subject};
    use af_core::digest::Digest;
    use af_core::merkle::{CompactRange, Path as ProofPath, consistency_path, leaf_hash};

    use super::*;

    fn leaves(n: u8, fork: u8) -> Vec<Digest> {
        (1..=n).map(|i| leaf_hash(&[i, if i > 5 { fork } else { 0 }])).collect()
    }

    fn signed(leaves: &[Digest], key: &SigningKey) -> Signed {
        let mut range = CompactRange::starting_at(0);
        leaves.iter().for_each(|leaf| range.push(*leaf));
        let origin = Origin {
            system: 1,
            database: "app".to_owned(),
            schema: "public".to_owned(),
            subject: Subject::Ledger,
            incarnation: 1,
        };
        let (size, root) = (range.end(), range.root());
        let checkpoint = Checkpoint { origin: origin.to_string(), size, root, extensions: Vec::new() };
        Signed::sign(checkpoint, origin, key)
    }

    fn proof(leaves: &[Digest], old: u64, key: &SigningKey) -> String {
        let mut path = ProofPath::new(consistency_path(old, leaves.len() as u64));
        leaves.iter().for_each(|leaf| path.push(*leaf));
        let checkpoint = signed(leaves, key).note.to_string();
        Consistency { old_size: old, proof: path.finish().unwrap(), checkpoint }.to_string()
    }

    #[test]
    fn only_what_continues_is_cosigned() {
        let directory = tempfile::tempdir().unwrap();
        let (log, own) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let log_keys = [log.verifying_key()];
        let state = directory.path().join("state");
        let witness = Cosigner { name: "w", key: &own, state: &state, log_keys: &log_keys };
        let sign = |leaves: &[Digest], proof: Option<&str>| witness.cosign(&signed(leaves, &log), proof);

        let first = sign(&leaves(7, 0), None).unwrap();
        assert_eq!((first.last_size, first.note.signatures.len()), (None, 2));
        assert_eq!(fs::read_to_string(&first.state).unwrap(), first.note.to_string());
        let again = witness.cosign(&Signed::parse(&first.note.to_string()).unwrap(), None).unwrap();
        assert_eq!((again.last_size, again.note.signatures.len()), (Some(7), 2));

        assert!(matches!(sign(&leaves(6, 0), None), Err(CosignError::Older { size: 6, last: 7 })));
        assert!(matches!(sign(&leaves(7, 1), None), Err(CosignError::Forked { size: 7, .. })));
        let nine = leaves(9, 0);
        assert!(matches!(sign(&nine, None), Err(CosignError::NoProof { last: 7, size: 9 })));
        assert!(matches!(sign(&nine, Some("hello")), Err(CosignError::NotAProof(_))));
        let early = sign(&nine, Some(&proof(&nine, 5, &log)));
        assert!(matches!(early, Err(CosignError::Beginning { begins: 5, last: 7 })));
        let other = sign(&nine, Some(&proof(&leaves(10, 0), 7, &log)));
        assert!(matches!(other, Err(CosignError::OtherProof)));
        let forked = leaves(9, 1);
        let refused = sign(&forked, Some(&proof(&forked, 7, &log)));
        assert!(matches!(refused, Err(CosignError::NotContinued(_))));
        // None of that has changed what is remembered.
        let grown = sign(&nine, Some(&proof(&nine, 7, &log))).unwrap();
        assert_eq!(grown.last_size, Some(7));
        assert!(matches!(sign(&leaves(7, 0), None), Err(CosignError::Older { last: 9, .. })));

        // Another key knows nothing of it, and does not take its place.
        let stranger = SigningKey::generate().unwrap();
        let other = Cosigner { key: &stranger, ..witness };
        assert!(matches!(other.cosign(&signed(&nine, &log), None), Err(CosignError::State(_))));
        fs::write(&grown.state, grown.note.to_string().replace("\n9\n", "\n8\n")).unwrap();
        assert!(matches!(witness.cosign(&signed(&nine, &log), None), Err(CosignError::State(_))));
        let oneself = Cosigner { key: &log, ..witness };
        assert!(matches!(oneself.cosign(&signed(&nine, &log), None), Err(CosignError::LogKey)));
        for name in ["", "a b", "a+b"] {
            let unnamed = Cosigner { name, ..witness };
            assert!(matches!(unnamed.cosign(&signed(&nine, &log), None), Err(CosignError::Name(_))));
        }
    }
}
