//! Entries whose hash was recorded before, as `--since` names them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use af_core::chain::Anchor;
use af_core::checkpoint::Subject;
use af_core::digest::Digest;
use af_core::merkle::CompactRange;
use serde::Deserialize;
use uuid::Uuid;

use crate::checkpoint::{HeldError, State, StateError, list, open_signed, state_beside};
use crate::sign::VerifyingKey;

/// The form of documents that this version reads.
const SCHEMA_VERSION: u64 = 1;
const COMMAND: &str = "audit verify";

/// Why something recorded cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It begins like an anchor but is none.
    #[error("{0:?} is not TENANT:SEQ:HASH")]
    Malformed(String),
    /// Two for one chain.
    #[error("tenant {0} has more than one recorded entry")]
    Ambiguous(Uuid),
    /// It is no chain that is to be verified.
    #[error("tenant {0} has a recorded entry but is not to be verified")]
    NotSelected(Uuid),
    /// A file cannot be read.
    #[error("read {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what is wanted.
    #[error("read {path}: {reason}")]
    Document {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A checkpoint cannot be relied on.
    #[error(transparent)]
    Checkpoint(#[from] HeldError),
    /// A checkpoint alone does not say how its chain goes on.
    #[error("go on from checkpoint {path}")]
    State {
        /// Which.
        path: PathBuf,
        /// What is missing.
        source: StateError,
    },
    /// A checkpoint of all chains names no entry.
    #[error("go on from checkpoint {0}: it is one of all chains")]
    Ledger(PathBuf),
    /// A checkpoint was given, and nobody to vouch for it.
    #[error("go on from checkpoint {0}: no key is given that could have signed it")]
    NoKey(PathBuf),
}

impl Error {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Malformed(_) => "SEQ is a position from 1, HASH 64 hexadecimal digits.",
            Self::Ambiguous(_) => "Give one for each tenant: the head of the last verification.",
            Self::NotSelected(_) => "Add its --tenant, or leave out its --since.",
            Self::File { .. } | Self::Document { .. } => {
                "Wanted is TENANT:SEQ:HASH, a checkpoint, or a file that `af-tools --json audit verify` wrote when all was well."
            }
            Self::Checkpoint(error) => return error.hint(),
            Self::State { .. } => {
                "TENANT.state stands beside TENANT.checkpoint where that was made. Without it, verify in full, with --checkpoint."
            }
            Self::Ledger(_) => "Give the directory, or the checkpoints of the chains.",
            Self::NoKey(_) => "--public-key FILE is the key of whoever signed it.",
        };
        Some(hint.to_owned())
    }

    /// Whether the command line is at fault.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Malformed(_) | Self::Ambiguous(_) | Self::NotSelected(_) | Self::NoKey(_))
    }
}

/// What this module reads of a document of `audit verify`.
#[derive(Deserialize)]
struct Document {
    schema_version: u64,
    command: String,
    result: Option<Verification>,
}

#[derive(Deserialize)]
struct Verification {
    status: String,
    chains: Vec<Chain>,
}

#[derive(Deserialize)]
struct Chain {
    tenant_id: Option<Uuid>,
    head_seq: Option<i64>,
    head_hash: Option<String>,
}

/// Where verification begins.
#[derive(Debug, Default)]
pub struct Since {
    /// The recorded entries, in the order of tenants.
    pub anchors: Vec<Anchor>,
    /// Of those that checkpoints recorded, the tree before.
    pub kept: BTreeMap<Uuid, CompactRange>,
    /// The checkpoints, which are to be compared with as well.
    pub checkpoints: Vec<PathBuf>,
}

/// The recorded entries that `sources` name: `TENANT:SEQ:HASH`, or the path of a document of `audit verify`, of a
/// checkpoint that one of `keys` signed, or of a directory of those. Of documents and directories only those of `tenants`
/// are used, if there are any.
///
/// # Errors
///
/// When one cannot be read, is not sound, or two are of one chain.
pub fn read(sources: &[String], tenants: &[Uuid], keys: &[VerifyingKey]) -> Result<Since, Error> {
    let is_selected = |tenant_id: Uuid| tenants.is_empty() || tenants.contains(&tenant_id);
    let mut since = Since::default();
    let mut errors = Vec::new();
    for source in sources {
        since.add(source, keys, &is_selected, &mut errors);
    }
    // What was edited says more than what is missing.
    let is_finding = |error: &Error| matches!(error, Error::Checkpoint(error) if error.is_finding());
    if let Some(at) = errors.iter().position(is_finding).or((!errors.is_empty()).then_some(0)) {
        return Err(errors.swap_remove(at));
    }
    since.anchors.sort_unstable_by_key(|anchor| anchor.tenant_id);
    match since.anchors.windows(2).find(|pair| pair[0].tenant_id == pair[1].tenant_id) {
        Some(pair) => Err(Error::Ambiguous(pair[0].tenant_id)),
        None => Ok(since),
    }
}

impl Since {
    /// Adds what one source names; what cannot be used is told in `errors`.
    fn add(
        &mut self,
        source: &str,
        keys: &[VerifyingKey],
        is_selected: &dyn Fn(Uuid) -> bool,
        errors: &mut Vec<Error>,
    ) {
        let path = Path::new(source);
        let added = match parse(source) {
            Ok(Some(anchor)) if is_selected(anchor.tenant_id) => {
                self.anchors.push(anchor);
                Ok(())
            }
            Ok(Some(anchor)) => Err(Error::NotSelected(anchor.tenant_id)),
            Ok(None) if path.is_dir() => self.add_directory(path, keys, is_selected, errors),
            Ok(None) => self.add_file(path, keys, is_selected),
            Err(error) => Err(error),
        };
        errors.extend(added.err());
    }

    fn add_directory(
        &mut self,
        path: &Path,
        keys: &[VerifyingKey],
        is_selected: &dyn Fn(Uuid) -> bool,
        errors: &mut Vec<Error>,
    ) -> Result<(), Error> {
        let files = list(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        let mut any = false;
        for file in files {
            match self.add_checkpoint(&file, keys, is_selected, true) {
                Ok(is_wanted) => any |= is_wanted,
                Err(error) => {
                    any = true;
                    errors.push(error);
                }
            }
        }
        if any { Ok(()) } else { Err(HeldError::Missing(path.to_owned()).into()) }
    }

    fn add_file(
        &mut self,
        path: &Path,
        keys: &[VerifyingKey],
        is_selected: &dyn Fn(Uuid) -> bool,
    ) -> Result<(), Error> {
        let text =
            fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        // A note has its signatures below an empty line, each behind a dash.
        if text.contains("\n\n\u{2014} ") {
            return self.add_checkpoint(path, keys, is_selected, false).map(drop);
        }
        let anchors = anchors(&text).map_err(|reason| Error::Document { path: path.to_owned(), reason })?;
        self.anchors.extend(anchors.into_iter().filter(|anchor| is_selected(anchor.tenant_id)));
        Ok(())
    }

    /// Returns whether it was one of a chain that is wanted.
    fn add_checkpoint(
        &mut self,
        path: &Path,
        keys: &[VerifyingKey],
        is_selected: &dyn Fn(Uuid) -> bool,
        is_one_of_many: bool,
    ) -> Result<bool, Error> {
        if keys.is_empty() {
            return Err(Error::NoKey(path.to_owned()));
        }
        let signed = open_signed(path, keys)?;
        let tenant_id = match signed.origin.subject {
            Subject::Tenant(tenant_id) if is_selected(tenant_id) => tenant_id,
            Subject::Tenant(_) | Subject::Ledger if is_one_of_many => return Ok(false),
            Subject::Tenant(tenant_id) => return Err(Error::NotSelected(tenant_id)),
            Subject::Ledger => return Err(Error::Ledger(path.to_owned())),
        };
        let state = State::read(&state_beside(path), &signed.checkpoint)
            .map_err(|source| Error::State { path: path.to_owned(), source })?;
        let seq = i64::try_from(signed.checkpoint.size).map_err(|_| Error::Document {
            path: path.to_owned(),
            reason: "its size is no position".to_owned(),
        })?;
        self.anchors.push(Anchor { tenant_id, seq, hash: state.head });
        self.kept.insert(tenant_id, state.before);
        self.checkpoints.push(path.to_owned());
        Ok(true)
    }
}

/// `TENANT:SEQ:HASH`; `None` for what does not begin with a UUID and a colon, and so is a file's name.
fn parse(text: &str) -> Result<Option<Anchor>, Error> {
    let Some((tenant, rest)) = text.split_once(':') else { return Ok(None) };
    let Ok(tenant_id) = tenant.parse() else { return Ok(None) };
    let position = rest.split_once(':').and_then(|(seq, hash)| position(seq.parse().ok()?, hash));
    let (seq, hash) = position.ok_or_else(|| Error::Malformed(text.to_owned()))?;
    Ok(Some(Anchor { tenant_id, seq, hash }))
}

fn position(seq: i64, hash: &str) -> Option<(i64, Digest)> {
    (seq >= 1).then_some(seq).zip(hash.parse().ok())
}

/// The heads that a verification saw. One that found something, or did not see everything, vouches for nothing.
fn anchors(text: &str) -> Result<Vec<Anchor>, String> {
    let document: Document = serde_json::from_str(text)
        .map_err(|error| format!("not a document of `af-tools --json {COMMAND}`: {error}"))?;
    if document.schema_version != SCHEMA_VERSION {
        return Err(format!("schema_version is {}, known is {SCHEMA_VERSION}", document.schema_version));
    }
    if document.command != COMMAND {
        return Err(format!("it is the document of `{}`, not of `{COMMAND}`", document.command));
    }
    let result = document.result.ok_or("it has no result")?;
    if result.status != "ok" && result.status != "empty" {
        return Err(format!("the verification came out as {}, and so vouches for nothing", result.status));
    }
    let mut anchors = Vec::new();
    for chain in result.chains {
        let (Some(tenant_id), Some(seq)) = (chain.tenant_id, chain.head_seq) else { continue };
        let hash = chain.head_hash.unwrap_or_default();
        let (seq, hash) =
            position(seq, &hash).ok_or_else(|| format!("the head of tenant {tenant_id} is malformed"))?;
        anchors.push(Anchor { tenant_id, seq, hash });
    }
    Ok(anchors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TENANT: Uuid = Uuid::from_u128(7);

    fn hash() -> String {
        "ab".repeat(32)
    }

    fn document(status: &str) -> serde_json::Value {
        json!({"schema_version": 1, "command": "audit verify", "exit_code": 0, "result": {"status": status, "chains": [
            {"tenant_id": TENANT, "head_seq": 9, "head_hash": hash(), "status": "ok"},
            {"tenant_id": Uuid::from_u128(8), "head_seq": null, "head_hash": null, "status": "empty"},
        ]}})
    }

    #[test]
    fn an_anchor_is_read_from_the_command_line() {
        let anchor = parse(&format!("{TENANT}:9:{}", hash().to_uppercase())).unwrap().unwrap();
        assert_eq!((anchor.tenant_id, anchor.seq, anchor.hash.to_string()), (TENANT, 9, hash()));
        for file in ["heads.json", "C:\\heads.json", "./a:b:c", ""] {
            assert_eq!(parse(file).unwrap(), None, "{file}");
        }
        for bad in ["", "9", "9:", "0:HASH", "-1:HASH", "x:HASH", "9:HASH0", "99999999999999999999:HASH"] {
            let text = format!("{TENANT}:{}", bad.replace("HASH", &hash()));
            assert!(matches!(parse(&text), Err(Error::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn a_document_gives_the_heads_that_it_vouches_for() {
        let anchors_of = |value: serde_json::Value| anchors(&value.to_string());
        assert_eq!(anchors_of(document("ok")).unwrap().len(), 1);
        assert_eq!(anchors_of(document("empty")).unwrap()[0].seq, 9);
        for status in ["tampered", "partial", "unheard of"] {
            assert!(anchors_of(document(status)).unwrap_err().contains(status));
        }
        let changed = |pointer: &str, value: serde_json::Value| {
            let mut document = document("ok");
            *document.pointer_mut(pointer).unwrap() = value;
            anchors_of(document).unwrap_err()
        };
        assert!(changed("/schema_version", json!(2)).contains("schema_version is 2"));
        assert!(changed("/command", json!("message verify")).contains("message verify"));
        assert!(changed("/result", json!(null)).contains("no result"));
        assert!(changed("/result/chains/0/head_hash", json!("ab")).contains("malformed"));
        assert!(changed("/result/chains/0/head_seq", json!(0)).contains("malformed"));
        assert!(anchors("{").is_err());
    }

    #[test]
    fn each_chain_has_one() {
        let one = format!("{TENANT}:9:{}", hash());
        let again = format!("{TENANT}:10:{}", hash());
        assert_eq!(read(std::slice::from_ref(&one), &[], &[]).unwrap().anchors.len(), 1);
        assert!(matches!(read(&[one.clone(), again], &[], &[]), Err(Error::Ambiguous(TENANT))));
        assert!(matches!(read(&[one], &[Uuid::from_u128(8)], &[]), Err(Error::NotSelected(TENANT))));
        let missing = read(&["/does/not/exist".to_owned()], &[], &[]).unwrap_err();
        assert!(matches!(missing, Error::File { .. }) && !missing.is_usage());
    }
}
