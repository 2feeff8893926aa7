//! Ed25519 signatures (RFC 8032) over documents that leave the database.
//!
//! Keys are PEM files as OpenSSL writes them: a secret key is PKCS#8 (`BEGIN PRIVATE KEY`, as of `openssl genpkey
//! -algorithm ed25519`), which a passphrase may protect (`BEGIN ENCRYPTED PRIVATE KEY`), a public one SubjectPublicKeyInfo
//! (`BEGIN PUBLIC KEY`, as of `openssl pkey -pubout`).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use af_core::digest::Digest;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use ed25519_dalek::{Signer, SigningKey as Secret, VerifyingKey as Public};
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::pem::PemLabel;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Why a key cannot be used, or a signature does not count.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read or written.
    #[error("{doing} key {}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// The key's file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("read key {}: not an Ed25519 key of the form {wanted} in PEM", path.display())]
    NotAKey {
        /// The key's file.
        path: PathBuf,
        /// What it should be.
        wanted: &'static str,
    },
    /// It is protected by a passphrase, and none is at hand.
    #[error("read key {}: it is protected by a passphrase", .0.display())]
    Protected(PathBuf),
    /// The passphrase does not open it, or it is damaged.
    #[error("read key {}: the passphrase does not open it", .0.display())]
    Passphrase(PathBuf),
    /// Others could sign with it.
    #[error("read {}: others than its owner can read it", .0.display())]
    Readable(PathBuf),
    /// The system gives no random numbers.
    #[error("make a key: {0}")]
    Random(String),
    /// The key cannot be written in its form.
    #[error("write a key in PEM: {0}")]
    Encode(String),
    /// Another key signed.
    #[error("signed with key {signed}, not with the given one, {given}")]
    OtherKey {
        /// Who signed.
        signed: String,
        /// Who should have.
        given: String,
    },
    /// The signature was made over something else, or is none.
    #[error("the signature is not one of this content")]
    Wrong,
}

impl Error {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Readable(path) => Some(format!("chmod 600 {}", path.display())),
            Self::Protected(_) => Some(
                "Type it at a terminal, have --passphrase-file name a file with it, or give a key without one.".to_owned(),
            ),
            Self::NotAKey { .. } => Some(
                "`openssl genpkey -algorithm ed25519` makes a secret key, `openssl pkey -pubout` tells its public one."
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// A signature, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// SHA-256 of the public key's 32 bytes, in hexadecimal. It only says which key to look for.
    pub key: String,
    /// The 64 bytes in hexadecimal.
    pub ed25519: String,
}

/// A key that signs.
pub struct SigningKey(Secret);

/// A key that tells whether the other one has signed.
#[derive(PartialEq, Eq)]
pub struct VerifyingKey(Public);

/// By hand, so that the secret never shows.
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SigningKey").field(&self.verifying_key().id()).finish()
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("VerifyingKey").field(&self.id()).finish()
    }
}

impl SigningKey {
    /// Makes a new one from the system's random numbers.
    pub fn generate() -> Result<Self, Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| Error::Random(error.to_string()))?;
        Ok(Self(Secret::from_bytes(&seed)))
    }

    /// Reads a secret key, which must be its owner's alone.
    ///
    /// Whether a passphrase is needed the file tells; it is asked for only then. Without an answer, the key cannot be used.
    pub fn load<E: std::convert::From<Error>>(
        path: &Path,
        passphrase: impl FnOnce() -> Result<Option<Zeroizing<String>>, E>,
    ) -> Result<Self, E> {
        let text = read_private(path)?;
        let begins_with = format!("-----BEGIN {}-----", EncryptedPrivateKeyInfoRef::PEM_LABEL);
        let key = if text.trim_start().starts_with(&begins_with) {
            let passphrase = passphrase()?.ok_or_else(|| Error::Protected(path.to_owned()))?;
            Secret::from_pkcs8_encrypted_pem(&text, passphrase.as_bytes())
                .map_err(|_| Error::Passphrase(path.to_owned()))
        } else {
            let key = Secret::from_pkcs8_pem(&text);
            key.map_err(|_| Error::NotAKey { path: path.to_owned(), wanted: "PRIVATE KEY" })
        };
        Ok(Self(key?))
    }

    /// Reads a secret key that no passphrase protects.
    pub fn load_plain(path: &Path) -> Result<Self, Error> {
        Self::load(path, || Ok(None))
    }

    /// Writes the secret key into a new file that only its owner can read, protected by a passphrase if there is one.
    pub fn save(&self, path: &Path, passphrase: Option<&str>) -> Result<(), Error> {
        let text = match passphrase {
            None => self.0.to_pkcs8_pem(LineEnding::LF),
            Some(passphrase) => self.0.to_pkcs8_encrypted_pem(passphrase, LineEnding::LF),
        };
        let text = text.map_err(|error| Error::Encode(error.to_string()))?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(path).and_then(|mut file| write_synced(&mut file, text.as_bytes()));
        written.map_err(|source| Error::File { doing: "write", path: path.to_owned(), source })
    }

    /// The key that tells what this one has signed.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    /// Signs.
    pub fn sign(&self, message: &[u8]) -> Signature {
        let signature = self.0.sign(message);
        Signature { key: self.verifying_key().id(), ed25519: format!("{signature:x}") }
    }

    /// Signs; only the 64 bytes of the signature.
    pub fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl VerifyingKey {
    /// Reads a public key.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let key = Public::from_public_key_pem(&read(path)?);
        key.map(Self).map_err(|_| Error::NotAKey { path: path.to_owned(), wanted: "PUBLIC KEY" })
    }

    /// Writes the public key into a new file.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let text =
            self.0.to_public_key_pem(LineEnding::LF).map_err(|error| Error::Encode(error.to_string()))?;
        let written = File::create_new(path).and_then(|mut file| write_synced(&mut file, text.as_bytes()));
        written.map_err(|source| Error::File { doing: "write", path: path.to_owned(), source })
    }

    /// By what signatures name it.
    pub fn id(&self) -> String {
        Digest::from(<[u8; 32]>::from(Sha256::digest(self.0.as_bytes()))).to_string()
    }

    /// The key that is these 32 bytes, if they are one.
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        Public::from_bytes(bytes).ok().map(Self)
    }

    /// The 32 bytes of the key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Whether these are the 64 bytes of a signature by the other key of exactly this.
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let signature = ed25519_dalek::Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }

    /// Fails unless the other key has signed exactly this.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), Error> {
        if signature.key != self.id() {
            return Err(Error::OtherKey { signed: signature.key.clone(), given: self.id() });
        }
        let signature: ed25519_dalek::Signature = signature.ed25519.parse().map_err(|_| Error::Wrong)?;
        if self.has_signed(message, &signature.to_bytes()) { Ok(()) } else { Err(Error::Wrong) }
    }
}

/// Reads a file that must be its owner's alone.
pub(crate) fn read_private(path: &Path) -> Result<Zeroizing<String>, Error> {
    let text = Zeroizing::new(read(path)?);
    if is_readable_by_others(path)? { Err(Error::Readable(path.to_owned())) } else { Ok(text) }
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::File { doing: "read", path: path.to_owned(), source })
}

fn write_synced(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> Result<bool, Error> {
    use std::os::unix::fs::PermissionsExt;

    let metadata = fs::metadata(path);
    let metadata =
        metadata.map_err(|source| Error::File { doing: "look at", path: path.to_owned(), source })?;
    Ok(metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_others(_: &Path) -> Result<bool, Error> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_verified_and_nothing_else() {
        let key = SigningKey::generate().unwrap();
        let signature = key.sign(b"said");
        let public = key.verifying_key();
        assert!(public.verify(b"said", &signature).is_ok());
        assert!(matches!(public.verify(b"Said", &signature), Err(Error::Wrong)));
        let other = SigningKey::generate().unwrap().verifying_key();
        assert!(matches!(other.verify(b"said", &signature), Err(Error::OtherKey { .. })));
        // The name of a key proves nothing: the signature is what counts.
        let forged = Signature { key: other.id(), ..signature.clone() };
        assert!(matches!(other.verify(b"said", &forged), Err(Error::Wrong)));
        for garbled in ["", "00", "zz", &"0".repeat(128)] {
            let garbled = Signature { ed25519: garbled.to_owned(), ..signature.clone() };
            assert!(matches!(public.verify(b"said", &garbled), Err(Error::Wrong)));
        }
    }

    #[test]
    fn keys_come_back_from_their_files() {
        let directory = tempfile::tempdir().unwrap();
        let (secret, public) = (directory.path().join("key"), directory.path().join("key.pub"));
        let key = SigningKey::generate().unwrap();
        key.save(&secret, None).unwrap();
        key.verifying_key().save(&public).unwrap();
        assert!(matches!(key.save(&secret, None), Err(Error::File { .. })), "no key is overwritten");
        let signature = SigningKey::load_plain(&secret).unwrap().sign(b"said");
        assert!(VerifyingKey::load(&public).unwrap().verify(b"said", &signature).is_ok());
        assert!(matches!(VerifyingKey::load(&secret), Err(Error::NotAKey { .. })));
        assert!(matches!(SigningKey::load_plain(&public), Err(Error::Readable(_) | Error::NotAKey { .. })));
        assert!(!format!("{key:?}").contains("PRIVATE"));
    }

    #[test]
    fn a_passphrase_protects_a_key() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let key = SigningKey::generate().unwrap();
        key.save(&path, Some("correct horse")).unwrap();
        assert!(fs::read_to_string(&path).unwrap().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
        let load = |passphrase: Option<&str>| {
            SigningKey::load(&path, || Ok::<_, Error>(passphrase.map(|text| Zeroizing::new(text.to_owned()))))
        };
        assert_eq!(load(Some("correct horse")).unwrap().verifying_key().id(), key.verifying_key().id());
        assert!(matches!(load(Some("battery staple")), Err(Error::Passphrase(_))));
        assert!(matches!(load(None), Err(Error::Protected(_))));
        assert!(matches!(SigningKey::load_plain(&path), Err(Error::Protected(_))));
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_key_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        SigningKey::generate().unwrap().save(&path, None).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(SigningKey::load_plain(&path), Err(Error::Readable(_))));
    }

    /// RFC 8032, section 7.1, test 2, with the keys as OpenSSL writes them.
    #[test]
    fn signs_as_the_standard_says() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        let seed: [u8; 32] = *seed.parse::<Digest>().unwrap().as_bytes();
        SigningKey(Secret::from_bytes(&seed)).save(&path, None).unwrap();
        let signature = SigningKey::load_plain(&path).unwrap().sign(&[0x72]);
        assert_eq!(
            signature.ed25519,
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
    }
}
