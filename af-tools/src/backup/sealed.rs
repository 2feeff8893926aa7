//! Documents beside a dump: JSON with its own digest, and a signature if somebody has a key.
//!
//! The digest is the SHA-256 of the document's format, a line end, and the content in canonical form ([`af_core::canonical`]);
//! the signature is one of the format, a line end, the digest in hexadecimal, and a line end.

use std::path::Path;

use af_core::canonical::{Canonicalizer, Json, JsonError};
use af_core::digest::Digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::{Error, files};
use crate::sign::{Signature, SigningKey};

/// What is written into such a document.
pub(super) trait Content: Serialize + DeserializeOwned {
    /// Its kind and version: one cannot pass for another.
    const FORMAT: &'static str;
}

/// Why a document is not believed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// It is not of this form.
    #[error("not a document of the form that was expected: {0}")]
    Form(#[from] serde_json::Error),
    /// It is something else, or of another version.
    #[error("it is {found:?}, and {expected:?} was expected")]
    Format {
        /// What it says it is.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Its content has no canonical form.
    #[error("its content has no canonical form: {0}")]
    Canonical(#[from] JsonError),
    /// It was changed after it was written.
    #[error("it was changed: its content has the digest {actual}, and {stated} is noted in it")]
    Changed {
        /// The digest of what is there.
        actual: String,
        /// The digest of what was written.
        stated: String,
    },
}

/// The document as it is in its file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    format: String,
    sha256: String,
    signature: Option<Signature>,
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Serialize)]
struct Written<'a, T> {
    format: &'static str,
    sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<Signature>,
    content: &'a T,
}

/// A document that is as it was written, by whomever.
#[derive(Debug, Clone)]
pub(super) struct Opened<T> {
    pub(super) content: T,
    pub(super) sha256: String,
    pub(super) signature: Option<Signature>,
}

impl<T: Content> Opened<T> {
    /// What a signature of this document is one of.
    pub(super) fn signed_message(&self) -> Vec<u8> {
        signed_message(T::FORMAT, &self.sha256)
    }
}

/// The document's text, and its digest.
pub(super) fn seal<T: Content>(
    content: &T,
    key: Option<&SigningKey>,
) -> Result<(Vec<u8>, String), SealError> {
    let sha256 = digest(T::FORMAT, &serde_json::to_vec(content)?)?;
    let signature = key.map(|key| key.sign(&signed_message(T::FORMAT, &sha256)));
    let written = Written { format: T::FORMAT, sha256: sha256.clone(), signature, content };
    let mut text = serde_json::to_vec_pretty(&written)?;
    text.push(b'\n');
    Ok((text, sha256))
}

/// Reads a document, which must be as it was written.
pub(super) fn open<T: Content>(text: &[u8]) -> Result<Opened<T>, SealError> {
    let envelope: Envelope<'_> = serde_json::from_slice(text)?;
    if envelope.format != T::FORMAT {
        return Err(SealError::Format { found: envelope.format, expected: T::FORMAT });
    }
    let actual = digest(T::FORMAT, envelope.content.get().as_bytes())?;
    if actual != envelope.sha256 {
        return Err(SealError::Changed { actual, stated: envelope.sha256 });
    }
    let content = serde_json::from_str(envelope.content.get())?;
    Ok(Opened { content, sha256: actual, signature: envelope.signature })
}

/// Reads the document in a file.
pub(super) fn read<T: Content>(path: &Path) -> Result<Opened<T>, Error> {
    let text = std::fs::read(path).map_err(files::failed("read", path))?;
    open(&text).map_err(|source| Error::Document { path: path.to_owned(), source })
}

/// Writes a document into a file that is there at once or not at all. Returns its digest.
pub(super) fn write<T: Content>(path: &Path, content: &T, key: Option<&SigningKey>) -> Result<String, Error> {
    let (text, sha256) =
        seal(content, key).map_err(|source| Error::Document { path: path.to_owned(), source })?;
    files::write_at_once(path, &text)?;
    Ok(sha256)
}

fn digest(format: &str, content: &[u8]) -> Result<String, JsonError> {
    let mut canonical = Vec::with_capacity(content.len());
    Canonicalizer::default().write(Json::Text(content), &mut canonical)?;
    let mut sha256 = Sha256::new();
    sha256.update(format.as_bytes());
    sha256.update(b"\n");
    sha256.update(&canonical);
    Ok(Digest::from(<[u8; 32]>::from(sha256.finalize())).to_string())
}

fn signed_message(format: &str, sha256: &str) -> Vec<u8> {
    format!("{format}\n{sha256}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Note {
        text: String,
        number: u64,
    }

    impl Content for Note {
        const FORMAT: &'static str = "af-tools test note 1";
    }

    fn note() -> Note {
        Note { text: "said".to_owned(), number: u64::MAX }
    }

    #[test]
    fn a_document_comes_back() {
        let (text, sha256) = seal(&note(), None).unwrap();
        let opened: Opened<Note> = open(&text).unwrap();
        assert_eq!((opened.content, opened.sha256), (note(), sha256.clone()));
        // How it is laid out does not matter.
        let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let opened: Opened<Note> = open(value.to_string().as_bytes()).unwrap();
        assert_eq!(opened.sha256, sha256);
    }

    #[test]
    fn what_was_changed_is_noticed() {
        let (text, _) = seal(&note(), None).unwrap();
        let text = String::from_utf8(text).unwrap();
        let changed = |from: &str, to: &str| {
            assert!(text.contains(from), "{text}");
            open::<Note>(text.replacen(from, to, 1).as_bytes()).unwrap_err()
        };
        assert!(matches!(changed("said", "sad"), SealError::Changed { .. }));
        assert!(matches!(changed("18446744073709551615", "18446744073709551614"), SealError::Changed { .. }));
        assert!(matches!(changed("note 1", "note 2"), SealError::Format { .. }));
        assert!(matches!(changed("\"content\"", "\"more\": 1, \"content\""), SealError::Form(_)));
        // What is in it twice could be read in two ways.
        assert!(matches!(
            changed("\"text\"", "\"number\": 1, \"text\""),
            SealError::Canonical(JsonError::DuplicateKey)
        ));
        assert!(matches!(open::<Note>(&text.as_bytes()[..text.len() / 2]).unwrap_err(), SealError::Form(_)));
    }

    #[test]
    fn a_signature_is_one_of_this_kind_of_document() {
        let key = SigningKey::generate().unwrap();
        let (text, sha256) = seal(&note(), Some(&key)).unwrap();
        let opened: Opened<Note> = open(&text).unwrap();
        let signature = opened.signature.clone().unwrap();
        assert!(key.verifying_key().verify(&opened.signed_message(), &signature).is_ok());
        assert!(key.verifying_key().verify(&signed_message("another 1", &sha256), &signature).is_err());
    }
}
