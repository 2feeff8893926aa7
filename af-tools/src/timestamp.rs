//! Time stamps (RFC 3161): an authority's signed word that a file was there at a time.
//!
//! The query holds nothing but the file's SHA-256 value and a random number, so that it can be carried to the authority in any
//! way. What a token says is read here; whether the authority has signed it, and who that is, OpenSSL tells ([`authority`]).

pub mod authority;
mod token;

use std::path::{Path, PathBuf};

use der::asn1::{Int, ObjectIdentifier, OctetString};
use der::{Decode, Encode, Sequence};
use sha2::{Digest as _, Sha256};
use spki::AlgorithmIdentifierOwned;

pub use token::{Token, TokenError};

/// SHA-256 (RFC 5754).
const ID_SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 8;

/// The hash of what is stamped.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
struct MessageImprint {
    hash_algorithm: AlgorithmIdentifierOwned,
    hashed_message: OctetString,
}

/// What is sent: `TimeStampReq`, without extensions.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
struct Request {
    version: u8,
    message_imprint: MessageImprint,
    #[asn1(optional = "true")]
    policy: Option<ObjectIdentifier>,
    #[asn1(optional = "true")]
    nonce: Option<Int>,
    #[asn1(default = "Default::default")]
    cert_req: bool,
}

/// Why there is no query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The system gives no random numbers.
    #[error("make a query: {0}")]
    Random(String),
    /// It is none, or has extensions.
    #[error("it is no query for a time stamp: {0}")]
    Malformed(der::Error),
}

/// A query for a time stamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query(Request);

impl Query {
    /// Asks for the time of what has been hashed, with the authority's certificate.
    pub fn new(sha256: [u8; 32]) -> Result<Self, QueryError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| QueryError::Random(error.to_string()))?;
        // A positive number of that length, whatever came.
        nonce[0] = nonce[0] & 0x3f | 0x40;
        let made = || {
            let hash_algorithm =
                AlgorithmIdentifierOwned { oid: ID_SHA_256, parameters: Some(der::Any::null()) };
            let message_imprint =
                MessageImprint { hash_algorithm, hashed_message: OctetString::new(&sha256[..])? };
            let nonce = Some(Int::new(&nonce)?);
            Ok(Request { version: VERSION, message_imprint, policy: None, nonce, cert_req: true })
        };
        made().map(Self).map_err(QueryError::Malformed)
    }

    /// Reads a query, as it was written or as OpenSSL writes it.
    pub fn read(bytes: &[u8]) -> Result<Self, QueryError> {
        Request::from_der(bytes).map(Self).map_err(QueryError::Malformed)
    }

    /// What is sent.
    pub fn to_bytes(&self) -> Result<Vec<u8>, QueryError> {
        self.0.to_der().map_err(QueryError::Malformed)
    }

    /// Whether it asks for the time of what has been hashed.
    pub fn is_of(&self, sha256: [u8; 32]) -> bool {
        let MessageImprint { hash_algorithm, hashed_message } = &self.0.message_imprint;
        hash_algorithm.oid == ID_SHA_256 && hashed_message.as_bytes() == sha256
    }

    /// The random number that the answer must have.
    fn nonce(&self) -> Option<&[u8]> {
        self.0.nonce.as_ref().map(Int::as_bytes)
    }
}

/// The hash of what is stamped: of a whole file.
pub fn imprint(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Where the query for a file is.
pub fn query_beside(path: &Path) -> PathBuf {
    beside(path, ".tsq")
}

/// Where the token of a file is, in the authority's reply.
pub fn reply_beside(path: &Path) -> PathBuf {
    beside(path, ".tsr")
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_written_and_read() {
        let hash = imprint(b"abc");
        let query = Query::new(hash).unwrap();
        let bytes = query.to_bytes().unwrap();
        assert_eq!(Query::read(&bytes), Ok(query.clone()));
        assert!(query.is_of(hash) && !query.is_of(imprint(b"abd")));
        assert_eq!(query.nonce().unwrap().len(), NONCE_BYTES);
        assert_ne!(Query::new(hash).unwrap(), query, "the number is another one each time");
        assert!(Query::read(&bytes[1..]).is_err() && Query::read(b"").is_err());
    }

    /// Of `openssl ts -query -data abc.txt -sha256`, from the tests of RustCrypto's x509-tsp.
    #[test]
    fn queries_of_openssl_are_read() {
        const BYTES: &[u8] = b"\x30\x40\x02\x01\x01\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20\
            \xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\
            \xf2\x00\x15\xad\x02\x08\x31\x4c\xfc\xe4\xe0\x65\x18\x27";
        let query = Query::read(BYTES).unwrap();
        assert!(query.is_of(imprint(b"abc")));
        assert_eq!(query.nonce(), Some(&b"\x31\x4c\xfc\xe4\xe0\x65\x18\x27"[..]));
    }

    #[test]
    fn files_stand_beside() {
        assert_eq!(query_beside(Path::new("a/b.checkpoint")), Path::new("a/b.checkpoint.tsq"));
        assert_eq!(reply_beside(Path::new("b")), Path::new("b.tsr"));
    }
}
