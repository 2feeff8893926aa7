//! Witnesses (C2SP tlog-cosignature, <https://c2sp.org/tlog-cosignature>): others who say, with their keys and the time, which
//! checkpoint of a log they have seen, so that nobody can be shown another one.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use af_core::note::{Algorithm, Note, NoteSignature, VerifierKey};
use serde::Serialize;

use crate::numbers::counted;
use crate::sign::{SigningKey, VerifyingKey};

/// The time, as the signature has it before its 64 bytes.
const TIME_BYTES: usize = 8;

/// Why there is no policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A file cannot be read.
    #[error("read witness keys {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is no key of a witness.
    #[error("read witness keys {}: line {line} is no key of the form NAME+ID+KEY for cosignatures", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// There is none in a file.
    #[error("read witness keys {}: there is none", .0.display())]
    Empty(PathBuf),
    /// Whoever keeps the log would witness it.
    #[error("the key of witness {0} is one that signs the log: nobody witnesses for themselves")]
    LogKey(String),
    /// More are required than there are.
    #[error("{required} cosignatures are required, and there are {witnesses} witnesses with different keys")]
    TooMany {
        /// How many are required.
        required: usize,
        /// How many there are.
        witnesses: usize,
    },
}

impl PolicyError {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Key { .. } | Self::Empty(_) => {
                "`af-tools audit vkey KEY.pub --name NAME` writes the key of a witness; there may be several, a line each."
            }
            Self::LogKey(_) => "A witness is somebody else, with a key of their own.",
            Self::TooMany { .. } => "--witness FILE names more of them; --witnesses-required wants fewer.",
            Self::File { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// Whether it is the command line that makes no sense.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::TooMany { .. } | Self::LogKey(_))
    }
}

/// A witness that is trusted to have compared a checkpoint with those that it saw before.
#[derive(Debug)]
struct Witness {
    named: VerifierKey,
    key: VerifyingKey,
}

/// Which witnesses count, and how many of them have to have cosigned.
#[derive(Debug, Default)]
pub struct Policy {
    witnesses: Vec<Witness>,
    required: usize,
}

/// A cosignature that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cosignature {
    /// The witness.
    pub name: String,
    /// When it cosigned, by its own clock, in seconds since 1970.
    pub timestamp: u64,
    /// The same for people.
    pub time: String,
}

/// What a policy says of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Witnessed {
    /// How many cosignatures are required.
    pub required: usize,
    /// By how many witnesses there could be.
    pub witnesses: usize,
    /// Those that hold, the latest of each witness.
    pub cosignatures: Vec<Cosignature>,
    /// Witnesses in whose name there is a signature that does not hold.
    pub forged: Vec<String>,
}

impl Witnessed {
    /// Whether as many have cosigned as are required, and nothing was done in the name of another.
    pub fn is_met(&self) -> bool {
        self.forged.is_empty() && self.cosignatures.len() >= self.required
    }

    /// What is wrong with it, for people.
    pub fn fault(&self) -> Option<String> {
        if !self.forged.is_empty() {
            let names = self.forged.join(", ");
            return Some(format!("a cosignature is none of this checkpoint, in the name of {names}"));
        }
        let found = self.cosignatures.len();
        (found < self.required).then(|| {
            let found = counted(found as u64, "cosignature", "cosignatures");
            format!(
                "it has {found} by the given witnesses, and {} required",
                counted(self.required as u64, "is", "are")
            )
        })
    }
}

impl Policy {
    /// That `required` of the witnesses have cosigned whose keys are in `paths`, a line each, or all of them if it is `None`.
    /// None of them may be among `log_keys`, the keys that sign the log.
    ///
    /// One key counts once, whatever names it has.
    pub fn load(
        paths: &[PathBuf],
        required: Option<usize>,
        log_keys: &[VerifyingKey],
    ) -> Result<Self, PolicyError> {
        let mut witnesses = Vec::new();
        for path in paths {
            witnesses.extend(read_keys(path)?);
        }
        match witnesses.iter().find(|witness| log_keys.contains(&witness.key)) {
            Some(witness) => Err(PolicyError::LogKey(witness.named.name.clone())),
            None => Self::new(witnesses, required),
        }
    }

    /// Whether there are witnesses that could count.
    pub fn names_any(&self) -> bool {
        !self.witnesses.is_empty()
    }

    fn new(keys: Vec<Witness>, required: Option<usize>) -> Result<Self, PolicyError> {
        let mut known = BTreeSet::new();
        let mut witnesses = keys;
        witnesses.retain(|witness| known.insert(witness.named.public_key));
        let required = required.unwrap_or(witnesses.len());
        if required > witnesses.len() {
            return Err(PolicyError::TooMany { required, witnesses: witnesses.len() });
        }
        Ok(Self { witnesses, required })
    }

    /// Who of them has cosigned a note. Signatures by others are passed over.
    pub fn check(&self, note: &Note) -> Witnessed {
        let mut cosignatures = Vec::new();
        let mut forged = Vec::new();
        for Witness { named, key } in &self.witnesses {
            let own = note.signatures.iter().filter(|signature| named.is_named_by(signature));
            let times: Vec<Option<u64>> =
                own.map(|signature| cosigned_at(&note.text, signature, key)).collect();
            if times.contains(&None) {
                forged.push(named.name.clone());
            } else if let Some(timestamp) = times.into_iter().flatten().max() {
                let (name, time) = (named.name.clone(), rfc3339(timestamp));
                cosignatures.push(Cosignature { name, timestamp, time });
            }
        }
        Witnessed { required: self.required, witnesses: self.witnesses.len(), cosignatures, forged }
    }
}

/// The keys in a file: a line each; empty lines and those that begin with # are passed over.
fn read_keys(path: &Path) -> Result<Vec<Witness>, PolicyError> {
    let text =
        fs::read_to_string(path).map_err(|source| PolicyError::File { path: path.to_owned(), source })?;
    let mut keys = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let key = parse(line).ok_or_else(|| PolicyError::Key { path: path.to_owned(), line: number + 1 })?;
        keys.push(key);
    }
    if keys.is_empty() { Err(PolicyError::Empty(path.to_owned())) } else { Ok(keys) }
}

fn parse(line: &str) -> Option<Witness> {
    let named: VerifierKey = line.parse().ok()?;
    let key = VerifyingKey::from_bytes(&named.public_key)?;
    (named.algorithm == Algorithm::Cosignature).then_some(Witness { named, key })
}

/// The key of a witness as others want it: `NAME+ID+KEY`.
pub fn witness_key(name: &str, key: &VerifyingKey) -> VerifierKey {
    let (name, public_key) = (name.to_owned(), *key.as_bytes());
    VerifierKey { name, algorithm: Algorithm::Cosignature, public_key }
}

/// Says with a witness's key that a note was seen at a time, in seconds since 1970. That it continues what was seen before is
/// for the caller to make sure of, as [`Cosigner`](super::Cosigner) does.
pub fn cosign(text: &str, name: &str, key: &SigningKey, timestamp: u64) -> NoteSignature {
    let named = witness_key(name, &key.verifying_key());
    let signature = key.sign_bytes(message(text, timestamp).as_bytes());
    let bytes = [&timestamp.to_be_bytes()[..], &signature].concat();
    NoteSignature { name: name.to_owned(), key_id: named.key_id(), bytes }
}

/// When a note was cosigned; `None` if the signature does not hold.
pub(super) fn cosigned_at(text: &str, signature: &NoteSignature, key: &VerifyingKey) -> Option<u64> {
    let (time, bytes) = signature.bytes.split_first_chunk::<TIME_BYTES>()?;
    let timestamp = u64::from_be_bytes(*time);
    let is_allowed = i64::try_from(timestamp).is_ok();
    (is_allowed && key.has_signed(message(text, timestamp).as_bytes(), bytes)).then_some(timestamp)
}

/// What is signed.
fn message(text: &str, timestamp: u64) -> String {
    format!("cosignature/v1\ntime {timestamp}\n{text}")
}

/// A time for people; a number, where it is beyond the years that they count.
pub(crate) fn rfc3339(timestamp: u64) -> String {
    const END_OF_9999: u64 = 253_402_300_799;
    if timestamp > END_OF_9999 {
        return format!("{timestamp} s after 1970");
    }
    humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + Duration::from_secs(timestamp)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "example.com/log\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    fn witness(name: &str, key: &SigningKey) -> Witness {
        parse(&witness_key(name, &key.verifying_key()).to_string()).unwrap()
    }

    fn note(signatures: &[NoteSignature]) -> Note {
        Note { text: TEXT.to_owned(), signatures: signatures.to_vec() }
    }

    #[test]
    fn so_many_of_so_many() {
        let keys: Vec<SigningKey> = (0..3).map(|_| SigningKey::generate().unwrap()).collect();
        let policy = |required| {
            let named = keys.iter().zip(["a", "b", "c"]).map(|(key, name)| witness(name, key));
            Policy::new(named.collect(), required)
        };
        let (a, b) = (cosign(TEXT, "a", &keys[0], 100), cosign(TEXT, "b", &keys[1], 200));
        let later = cosign(TEXT, "a", &keys[0], 300);
        let stranger = cosign(TEXT, "d", &SigningKey::generate().unwrap(), 100);
        for (signatures, required, is_met) in [
            (&[a.clone(), b.clone()][..], Some(2), true),
            (&[a.clone(), b.clone()], Some(3), false),
            (&[a.clone(), b.clone()], None, false),
            // Nobody counts twice, and strangers not at all.
            (&[a.clone(), later.clone()], Some(2), false),
            (&[a.clone(), stranger], Some(2), false),
            (&[], Some(0), true),
        ] {
            assert_eq!(policy(required).unwrap().check(&note(signatures)).is_met(), is_met, "{required:?}");
        }
        let seen = policy(Some(1)).unwrap().check(&note(&[a.clone(), later]));
        assert_eq!(seen.cosignatures[0].time, "1970-01-01T00:05:00Z");
        assert_eq!(seen.fault(), None);
        assert!(matches!(policy(Some(4)), Err(PolicyError::TooMany { required: 4, witnesses: 3 })));
        // One key under two names is one witness.
        let twice = vec![witness("a", &keys[0]), witness("z", &keys[0])];
        assert!(matches!(Policy::new(twice, Some(2)), Err(PolicyError::TooMany { witnesses: 1, .. })));
    }

    #[test]
    fn what_does_not_hold_is_forged() {
        let key = SigningKey::generate().unwrap();
        let policy = Policy::new(vec![witness("a", &key)], Some(0)).unwrap();
        let sound = cosign(TEXT, "a", &key, 100);
        let edited = |at: usize| {
            let mut edited = sound.clone();
            edited.bytes[at] ^= 1;
            policy.check(&note(&[edited]))
        };
        assert!((0..72).all(|at| edited(at).forged == ["a"] && !edited(at).is_met()));
        let mut short = sound.clone();
        short.bytes.truncate(7);
        let plain = NoteSignature { bytes: key.sign_bytes(TEXT.as_bytes()).to_vec(), ..sound.clone() };
        let beyond = cosign(TEXT, "a", &key, u64::MAX);
        for bad in [short, plain, beyond] {
            // One that holds beside it does not help.
            assert_eq!(policy.check(&note(&[sound.clone(), bad])).forged, ["a"]);
        }
        let other = Note { text: TEXT.replace('7', "8"), signatures: vec![sound] };
        assert!(policy.check(&other).fault().unwrap().contains("in the name of a"));
    }

    #[test]
    fn keys_are_read_a_line_each() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("witnesses");
        let key = SigningKey::generate().unwrap().verifying_key();
        let line = witness_key("witness.example/w1", &key).to_string();
        fs::write(&path, format!("# ours\n\n{line}\n")).unwrap();
        let load = |path: &Path| Policy::load(&[path.to_owned()], None, &[]);
        assert_eq!(load(&path).unwrap().required, 1);
        let own = Policy::load(std::slice::from_ref(&path), None, &[key]).unwrap_err();
        assert!(matches!(&own, PolicyError::LogKey(name) if name == "witness.example/w1") && own.is_usage());
        let plain = VerifierKey { algorithm: Algorithm::Ed25519, ..line.parse().unwrap() };
        for (text, line) in [(format!("{plain}\n"), 1), (format!("{line}\nhello\n"), 2)] {
            fs::write(&path, text).unwrap();
            let error = load(&path).unwrap_err();
            assert!(matches!(error, PolicyError::Key { line: at, .. } if at == line), "{error}");
        }
        fs::write(&path, "# none\n").unwrap();
        assert!(matches!(load(&path), Err(PolicyError::Empty(_))));
        assert!(Policy::load(&[], None, &[]).unwrap().check(&note(&[])).is_met());
    }

    #[test]
    fn times_for_people() {
        assert_eq!(rfc3339(1_679_315_147), "2023-03-20T12:25:47Z");
        assert_eq!(rfc3339(253_402_300_799), "9999-12-31T23:59:59Z");
        assert_eq!(rfc3339(i64::MAX as u64), "9223372036854775807 s after 1970");
    }
}
