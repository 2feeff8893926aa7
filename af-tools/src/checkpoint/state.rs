//! What is kept beside a chain's checkpoint, so that the next one costs only what has come since.
//!
//! Nothing of it is believed: the tree that it makes up must have the root that was signed.

use std::path::Path;
use std::{fs, io};

use af_core::checkpoint::Checkpoint;
use af_core::digest::Digest;
use af_core::merkle::{CompactRange, Tree, leaf_hash};
use serde::{Deserialize, Serialize};

use super::Standpoint;

const SCHEMA_VERSION: u32 = 1;

/// Why there is nothing to go on from.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It cannot be read.
    #[error("read {path}")]
    File {
        /// The file.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// It is none, or of another version.
    #[error("read {path}: {reason}")]
    Malformed {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// It belongs to another checkpoint.
    #[error("{0} does not belong to the checkpoint beside it")]
    Other(String),
}

/// The tree before the chain's last entry, and that entry's hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// What is before the last entry.
    pub before: CompactRange,
    /// The hash of the last entry, which the next walk begins with.
    pub head: Digest,
    /// Where the server stood.
    pub standpoint: Standpoint,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema_version: u32,
    origin: String,
    size: u64,
    head: String,
    range: Vec<String>,
    server: Standpoint,
}

impl State {
    /// What is to be kept of a tree; `None` if it has no leaves, or none that could be gone on from.
    pub fn of(tree: &Tree, standpoint: Standpoint) -> Option<Self> {
        let (before, head) = tree.seam()?;
        Some(Self { before: before.clone(), head, standpoint })
    }

    /// How many entries there are, the last one included.
    pub fn size(&self) -> u64 {
        self.before.end() + 1
    }

    /// Reads what was kept beside a checkpoint.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or does not lead to the checkpoint's root.
    pub fn read(path: &Path, checkpoint: &Checkpoint) -> Result<Self, StateError> {
        let named = || path.display().to_string();
        let text = fs::read_to_string(path).map_err(|source| StateError::File { path: named(), source })?;
        let malformed = |reason: String| StateError::Malformed { path: named(), reason };
        let document: Document = serde_json::from_str(&text).map_err(|error| malformed(error.to_string()))?;
        if document.schema_version != SCHEMA_VERSION {
            let version = document.schema_version;
            return Err(malformed(format!("schema_version is {version}, known is {SCHEMA_VERSION}")));
        }
        let digest = |text: &String| text.parse::<Digest>().map_err(|error| malformed(error.to_string()));
        let head = digest(&document.head)?;
        let hashes = document.range.iter().map(digest).collect::<Result<_, _>>()?;
        let before = document.size.checked_sub(1).and_then(|size| CompactRange::of_first(size, hashes));
        let before = before.ok_or_else(|| malformed("the range has another number of hashes".to_owned()))?;
        let state = Self { before, head, standpoint: document.server };
        let leads_there = document.origin == checkpoint.origin
            && document.size == checkpoint.size
            && state.root() == checkpoint.root;
        leads_there.then_some(state).ok_or_else(|| StateError::Other(named()))
    }

    /// The file's content.
    pub fn to_text(&self, checkpoint: &Checkpoint) -> String {
        let document = Document {
            schema_version: SCHEMA_VERSION,
            origin: checkpoint.origin.clone(),
            size: checkpoint.size,
            head: self.head.to_string(),
            range: self.before.hashes().iter().map(Digest::to_string).collect(),
            server: self.standpoint,
        };
        // Numbers and texts only: nothing that JSON could not hold.
        serde_json::to_string_pretty(&document).map_or_else(|_| String::new(), |text| text + "\n")
    }

    fn root(&self) -> Digest {
        let mut range = self.before.clone();
        range.push(leaf_hash(self.head.as_bytes()));
        range.root()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(n: u8) -> (State, Checkpoint) {
        let mut before = CompactRange::starting_at(0);
        (1..n).for_each(|i| before.push(leaf_hash(&[i; 32])));
        let standpoint = Standpoint { database_oid: 5, timeline: 1, lsn: 7 };
        let state = State { before, head: Digest::from([n; 32]), standpoint };
        let checkpoint = Checkpoint {
            origin: "pg_af/1/app/public/ledger/1".to_owned(),
            size: n.into(),
            root: state.root(),
            extensions: Vec::new(),
        };
        (state, checkpoint)
    }

    #[test]
    fn what_is_kept_comes_back_and_is_believed_only_if_it_leads_to_the_root() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        for n in [1, 2, 7, 64, 200] {
            let (state, checkpoint) = kept(n);
            fs::write(&path, state.to_text(&checkpoint)).unwrap();
            assert_eq!(State::read(&path, &checkpoint).unwrap(), state);
            let other = Checkpoint { root: Digest::from([9; 32]), ..checkpoint.clone() };
            assert!(matches!(State::read(&path, &other), Err(StateError::Other(_))));
            let edited = state.to_text(&checkpoint).replace(&state.head.to_string(), &"ab".repeat(32));
            fs::write(&path, edited).unwrap();
            assert!(matches!(State::read(&path, &checkpoint), Err(StateError::Other(_))));
        }
        let (_, checkpoint) = kept(3);
        for (text, reason) in [
            ("{}".to_owned(), "missing field"),
            (
                kept(3).0.to_text(&checkpoint).replace("\"schema_version\": 1", "\"schema_version\": 2"),
                "known is 1",
            ),
            (kept(3).0.to_text(&checkpoint).replace("\"size\": 3", "\"size\": 0"), "number of hashes"),
        ] {
            fs::write(&path, text).unwrap();
            let error = State::read(&path, &checkpoint).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        assert!(matches!(
            State::read(&directory.path().join("no"), &checkpoint),
            Err(StateError::File { .. })
        ));
    }
}
