//! Checkpoints with the signature of whoever keeps the ledger.

use af_core::checkpoint::{Checkpoint, CheckpointError, Origin, ParseOriginError};
use af_core::note::{Algorithm, Note, NoteError, NoteSignature, VerifierKey, key_id};

use crate::sign::{SigningKey, VerifyingKey};

/// A checkpoint of a ledger of ours, signed by a key that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// It as it was published, with all signatures.
    pub note: Note,
    /// What it says.
    pub checkpoint: Checkpoint,
    /// Of what.
    pub origin: Origin,
}

/// Why something is no checkpoint that could be relied on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is no signed note.
    #[error("not a signed note: {0}")]
    Note(#[from] NoteError),
    /// What is signed is no checkpoint.
    #[error("not a checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// It is one of another program.
    #[error("not a checkpoint of pg_af: its origin is {origin:?}, {reason}")]
    Origin {
        /// What it says it is of.
        origin: String,
        /// Why that is none of ours.
        reason: ParseOriginError,
    },
    /// None of the keys has signed it.
    #[error("not signed by the given key: the signatures are by {0}")]
    OtherKey(String),
    /// A signature in the name of a given key is none of what stands there.
    #[error("the signature does not hold: the checkpoint, or its signature, is not what was signed")]
    Forged,
}

impl Signed {
    /// Signs a checkpoint of `origin`.
    pub fn sign(checkpoint: Checkpoint, origin: Origin, key: &SigningKey) -> Self {
        let text = checkpoint.to_string();
        let public_key = key.verifying_key();
        let signature = NoteSignature {
            key_id: key_id(&checkpoint.origin, Algorithm::Ed25519, public_key.as_bytes()),
            name: checkpoint.origin.clone(),
            bytes: key.sign_bytes(text.as_bytes()).to_vec(),
        };
        Self { note: Note { text, signatures: vec![signature] }, checkpoint, origin }
    }

    /// Reads a checkpoint that one of `keys` has signed. Signatures by other keys are passed over, as C2SP wants it.
    ///
    /// # Errors
    ///
    /// When it is none, none of the keys has signed it, or a signature in the name of one of them does not hold.
    pub fn open(text: &str, keys: &[VerifyingKey]) -> Result<Self, OpenError> {
        let signed = Self::parse(text)?;
        signed.signers(keys)?;
        Ok(signed)
    }

    /// Reads a checkpoint without asking who has signed it: that is what [`Signed::signers`] tells.
    pub fn parse(text: &str) -> Result<Self, OpenError> {
        let note: Note = text.parse()?;
        let checkpoint: Checkpoint = note.text.parse()?;
        let origin = checkpoint.origin.parse().map_err(|reason| {
            let origin = checkpoint.origin.clone();
            OpenError::Origin { origin, reason }
        })?;
        Ok(Self { note, checkpoint, origin })
    }

    /// Which of `keys` have signed it.
    ///
    /// # Errors
    ///
    /// When none of them has, or a signature in the name of one of them does not hold.
    pub fn signers<'k>(&self, keys: &'k [VerifyingKey]) -> Result<Vec<&'k VerifyingKey>, OpenError> {
        let mut signers = Vec::new();
        for key in keys {
            let named = self.verifier_key(key);
            let mut own =
                self.note.signatures.iter().filter(|signature| named.is_named_by(signature)).peekable();
            if own.peek().is_some() {
                signers.push(key);
            }
            if !own.all(|signature| key.has_signed(self.note.text.as_bytes(), &signature.bytes)) {
                return Err(OpenError::Forged);
            }
        }
        if signers.is_empty() {
            let names = self.note.signatures.iter().map(|signature| {
                format!("{} ({:08x})", signature.name, u32::from_be_bytes(signature.key_id))
            });
            return Err(OpenError::OtherKey(names.collect::<Vec<_>>().join(", ")));
        }
        Ok(signers)
    }

    /// The key for these checkpoints as other programs want it: `NAME+ID+KEY`.
    pub fn verifier_key(&self, key: &VerifyingKey) -> VerifierKey {
        // The name under which a key signs is that of the log: C2SP wants it to be the same.
        let name = self.checkpoint.origin.clone();
        VerifierKey { name, algorithm: Algorithm::Ed25519, public_key: *key.as_bytes() }
    }
}

#[cfg(test)]
mod tests {
    use af_core::checkpoint::Subject;
    use af_core::digest::Digest;
    use uuid::Uuid;

    use super::*;

    fn checkpoint(key: &SigningKey) -> Signed {
        let origin = Origin {
            system: 7,
            database: "app".to_owned(),
            schema: "public".to_owned(),
            subject: Subject::Tenant(Uuid::from_u128(1)),
            incarnation: 1,
        };
        let checkpoint = Checkpoint {
            origin: origin.to_string(),
            size: 725,
            root: Digest::from([7; 32]),
            extensions: Vec::new(),
        };
        Signed::sign(checkpoint, origin, key)
    }

    #[test]
    fn what_is_signed_is_opened() {
        let key = SigningKey::generate().unwrap();
        let signed = checkpoint(&key);
        let text = signed.note.to_string();
        let other = SigningKey::generate().unwrap().verifying_key();
        assert_eq!(Signed::open(&text, &[other, key.verifying_key()]), Ok(signed));
    }

    #[test]
    fn what_is_not_signed_is_not_opened() {
        let key = SigningKey::generate().unwrap();
        let keys = [key.verifying_key()];
        let text = checkpoint(&key).note.to_string();
        assert_eq!(Signed::open(&text.replace("725", "724"), &keys), Err(OpenError::Forged));
        let renamed = Signed::open(&text.replace("pg_af/7", "pg_af/8"), &keys);
        assert!(matches!(renamed, Err(OpenError::OtherKey(_))), "{renamed:?}");
        let other = SigningKey::generate().unwrap().verifying_key();
        assert!(
            matches!(Signed::open(&text, &[other]), Err(OpenError::OtherKey(names)) if names.contains("pg_af/7/app"))
        );
        assert!(matches!(Signed::open(&text, &[]), Err(OpenError::OtherKey(_))));
        assert!(matches!(Signed::open("hello\n", &keys), Err(OpenError::Note(_))));
        // A second signature in the same name, which does not hold, spoils the first.
        let mut note: Note = text.parse().unwrap();
        let mut second = note.signatures[0].clone();
        second.bytes[7] ^= 1;
        note.signatures.push(second);
        assert_eq!(Signed::open(&note.to_string(), &keys), Err(OpenError::Forged));
    }

    #[test]
    fn a_log_of_others_is_not_ours() {
        let key = SigningKey::generate().unwrap();
        let mut foreign = checkpoint(&key);
        foreign.checkpoint.origin = "example.com/log".to_owned();
        let note = Signed::sign(foreign.checkpoint, foreign.origin, &key).note.to_string();
        let opened = Signed::open(&note, &[key.verifying_key()]);
        assert!(matches!(opened, Err(OpenError::Origin { .. })), "{opened:?}");
    }

    /// Another implementation of signed notes reads ours.
    #[test]
    fn others_read_it() {
        let key = SigningKey::generate().unwrap();
        let signed = checkpoint(&key);
        let vkey = signed.verifier_key(&key.verifying_key()).to_string();
        let verifier = signed_note::StandardVerifier::new(&vkey).unwrap();
        let verifiers = signed_note::VerifierList::new(vec![Box::new(verifier)]);
        let note = signed_note::Note::from_bytes(signed.note.to_string().as_bytes()).unwrap();
        let (verified, unverified) = note.verify(&verifiers).unwrap();
        assert_eq!((verified.len(), unverified.len()), (1, 0));
        let edited = signed.note.to_string().replace("725", "724");
        let edited = signed_note::Note::from_bytes(edited.as_bytes()).unwrap();
        assert!(edited.verify(&verifiers).is_err());
    }
}
