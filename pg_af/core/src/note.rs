//! Signed notes (C2SP signed-note, <https://c2sp.org/signed-note>): a text, and below it lines with signatures, as the
//! checkpoints of Go's checksum database and of transparency logs are published.
//!
//! Here is only their form: which signatures hold is for whoever has the keys.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

/// No note that anybody would write is longer.
const MAX_BYTES: usize = 1 << 20;
/// What a line with a signature begins with.
const DASH: &str = "\u{2014} ";

/// How a signature was made. The number is that of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Algorithm {
    /// Ed25519 over the text.
    Ed25519 = 1,
    /// A witness's, with the time: C2SP tlog-cosignature, `cosignature/v1`.
    Cosignature = 4,
}

impl Algorithm {
    fn of(number: u8) -> Option<Self> {
        [Self::Ed25519, Self::Cosignature].into_iter().find(|algorithm| *algorithm as u8 == number)
    }
}

/// What a signature names its key by, besides the name; it proves nothing.
pub type KeyId = [u8; 4];

/// The id that a key has under a name.
pub fn key_id(name: &str, algorithm: Algorithm, public_key: &[u8]) -> KeyId {
    let hash =
        Sha256::new().chain_update(name).chain_update([b'\n', algorithm as u8]).chain_update(public_key);
    let [a, b, c, d, ..] = <[u8; 32]>::from(hash.finalize());
    [a, b, c, d]
}

/// A line with a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Whose it is said to be.
    pub name: String,
    /// Which of the keys of that name.
    pub key_id: KeyId,
    /// The signature itself.
    pub bytes: Vec<u8>,
}

/// A text, and the signatures below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is signed, with the line feed at its end.
    pub text: String,
    /// The signatures, in their order.
    pub signatures: Vec<NoteSignature>,
}

/// Why something is no signed note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It is too long.
    #[error("longer than {MAX_BYTES} bytes")]
    TooLong,
    /// It has a character that notes have not.
    #[error("it has a control character, {0:?}")]
    ControlCharacter(char),
    /// There are no lines with signatures below an empty one.
    #[error("there are no signatures below an empty line")]
    Unsigned,
    /// A line below the text is no signature.
    #[error("{0:?} is no line with a signature")]
    Signature(String),
}

impl FromStr for Note {
    type Err = NoteError;

    fn from_str(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_BYTES {
            return Err(NoteError::TooLong);
        }
        if let Some(control) = note.chars().find(|c| *c < ' ' && *c != '\n') {
            return Err(NoteError::ControlCharacter(control));
        }
        let end = note.rfind("\n\n").ok_or(NoteError::Unsigned)? + 1;
        let (text, signatures) = (&note[..end], &note[end + 1..]);
        let lines = signatures.strip_suffix('\n').ok_or(NoteError::Unsigned)?;
        let signatures = lines.split('\n').map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), signatures })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl FromStr for NoteSignature {
    type Err = NoteError;

    fn from_str(line: &str) -> Result<Self, NoteError> {
        let parse = || {
            let (name, encoded) = line.strip_prefix(DASH)?.split_once(' ')?;
            let decoded = BASE64.decode(encoded).ok()?;
            let (key_id, bytes) = decoded.split_first_chunk()?;
            let is_sound = is_key_name(name) && !bytes.is_empty();
            is_sound.then(|| Self { name: name.to_owned(), key_id: *key_id, bytes: bytes.to_vec() })
        };
        parse().ok_or_else(|| NoteError::Signature(line.to_owned()))
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{DASH}{} {}", self.name, BASE64.encode([&self.key_id[..], &self.bytes].concat()))
    }
}

/// Whether a key can have this name.
pub fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// A public key with its name: `NAME+ID+KEY`, as signed notes have them (a "vkey").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    /// Its name.
    pub name: String,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// The key: 32 bytes.
    pub public_key: [u8; 32],
}

/// A text that is no [`VerifierKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a public key of the form NAME+ID+KEY")]
pub struct ParseKeyError;

impl VerifierKey {
    /// What signatures name it by.
    pub fn key_id(&self) -> KeyId {
        key_id(&self.name, self.algorithm, &self.public_key)
    }

    /// Whether a signature is said to be by this key.
    pub fn is_named_by(&self, signature: &NoteSignature) -> bool {
        signature.name == self.name && signature.key_id == self.key_id()
    }
}

impl FromStr for VerifierKey {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let parse = || {
            let mut parts = text.splitn(3, '+');
            let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
            let decoded = BASE64.decode(key).ok()?;
            let (algorithm, public_key) = decoded.split_first()?;
            let algorithm = Algorithm::of(*algorithm)?;
            let key = Self { name: name.to_owned(), algorithm, public_key: public_key.try_into().ok()? };
            let has_id = id.len() == 8 && u32::from_str_radix(id, 16).ok()?.to_be_bytes() == key.key_id();
            (is_key_name(name) && has_id).then_some(key)
        };
        parse().ok_or(ParseKeyError)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.algorithm as u8][..], &self.public_key].concat();
        write!(f, "{}+{:08x}+{}", self.name, u32::from_be_bytes(self.key_id()), BASE64.encode(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of C2SP signed-note.
    const EXAMPLE: &str = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n\
        — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

    #[test]
    fn a_note_is_read_and_written() {
        let note: Note = EXAMPLE.parse().unwrap();
        assert!(note.text.ends_with("ed è subito sera.\n") && note.text.contains("\n\n"));
        assert_eq!(note.signatures.len(), 1);
        assert_eq!(note.signatures[0].name, "quasimodo.example/salvatore");
        assert_eq!(note.signatures[0].key_id, [0x36, 0x7b, 0xa0, 0x4b]);
        assert_eq!(note.signatures[0].bytes.len(), 64);
        assert_eq!(note.to_string(), EXAMPLE);
    }

    #[test]
    fn what_is_no_note_is_refused() {
        let signature = EXAMPLE.lines().last().unwrap();
        for (text, error) in [
            (String::new(), NoteError::Unsigned),
            ("text\n".into(), NoteError::Unsigned),
            (format!("text\n{signature}\n"), NoteError::Unsigned),
            (format!("text\n\n{signature}"), NoteError::Unsigned),
            ("text\n\n".into(), NoteError::Unsigned),
            (format!("te\txt\n\n{signature}\n"), NoteError::ControlCharacter('\t')),
            (format!("text\r\n\n{signature}\n"), NoteError::ControlCharacter('\r')),
            ("text\n\nsigned\n".into(), NoteError::Signature("signed".into())),
            ("text\n\n— a b\n".into(), NoteError::Signature("— a b".into())),
            ("text\n\n— a AAAAAA==\n".into(), NoteError::Signature("— a AAAAAA==".into())),
            ("text\n\n— a+b AAAAAAA=\n".into(), NoteError::Signature("— a+b AAAAAAA=".into())),
            ("x".repeat(MAX_BYTES + 1), NoteError::TooLong),
        ] {
            assert_eq!(text.parse::<Note>(), Err(error), "{text:.60?}");
        }
        assert!(format!("text\n\n{signature}\n{signature}\n").parse::<Note>().is_ok());
    }

    /// The key of the documentation of Go's golang.org/x/mod/sumdb/note.
    #[test]
    fn a_key_is_read_and_written() {
        const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key: VerifierKey = PETER.parse().unwrap();
        assert_eq!((key.name.as_str(), key.algorithm), ("PeterNeumann", Algorithm::Ed25519));
        assert_eq!(key.key_id(), [0xc7, 0x4f, 0x20, 0xa3]);
        assert_eq!(key.to_string(), PETER);
        for bad in [
            "",
            "PeterNeumann",
            "PeterNeumann+c74f20a3",
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "Peter+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+AhpcPQcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10",
        ] {
            assert_eq!(bad.parse::<VerifierKey>(), Err(ParseKeyError), "{bad}");
        }
    }
}
