//! What an authority's reply says.
//!
//! Only what is compared is read. The rest, certificates and signatures, is for who verifies them.

use der::asn1::{Int, ObjectIdentifier, OctetString};
use der::{AnyRef, Decode, Reader, Sequence, SliceReader, Tag, Tagged};
use serde::Serialize;

use super::{ID_SHA_256, MessageImprint, Query};

/// `id-signedData` of CMS (RFC 5652).
const ID_SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
/// `id-ct-TSTInfo`.
const ID_TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
/// `granted`, and `grantedWithMods`.
const GRANTED: [i64; 2] = [0, 1];

/// Why a reply is no token of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no reply.
    #[error("it is no reply to a query for a time stamp: {0}")]
    Malformed(der::Error),
    /// It is one that says no.
    #[error("the authority refused, with status {status}{}", text.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Refused {
        /// RFC 3161's number: 2 is a rejection, 3 waiting, 4 and 5 a revocation.
        status: i64,
        /// What it said.
        text: Option<String>,
    },
    /// There is none in it, or something else.
    #[error("there is no time stamp token in the reply")]
    NoToken,
    /// What is stamped was hashed otherwise.
    #[error("the token is of a hash by algorithm {0}, and not by SHA-256")]
    OtherAlgorithm(String),
    /// It is of something else.
    #[error(
        "other_content: the token is of content with the SHA-256 value {found}, and the file has {expected}"
    )]
    OtherContent {
        /// What was stamped.
        found: String,
        /// What should be.
        expected: String,
    },
    /// It answers another query.
    #[error("other_query: the token does not have the random number of the query")]
    OtherQuery,
}

impl TokenError {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::OtherContent { .. } => {
                "A file that has changed since, such as by another cosignature, is another file: stamp it last."
            }
            Self::OtherQuery => "It may be an old reply: ask with the query that is beside the file.",
            Self::OtherAlgorithm(_) => "Ask with the query that `af-tools audit timestamp` writes.",
            Self::Malformed(_) | Self::Refused { .. } | Self::NoToken => return None,
        };
        Some(hint.to_owned())
    }

    /// Whether it is a token of something else.
    pub fn is_finding(&self) -> bool {
        matches!(self, Self::OtherContent { .. } | Self::OtherQuery)
    }
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// The time, by the authority's clock.
    pub time: String,
    /// The number that the authority gave it, in hexadecimal.
    pub serial: String,
    /// The authority's policy.
    pub policy: String,
    /// Whether it has the random number of the query that is beside the file.
    pub answers_query: bool,
}

/// `encapContentInfo` of CMS.
#[derive(Sequence)]
struct Content {
    content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    content: Option<OctetString>,
}

impl Token {
    /// Reads the reply for what has been hashed, and compares it with the query, if that is there.
    pub fn read(reply: &[u8], sha256: [u8; 32], query: Option<&Query>) -> Result<Self, TokenError> {
        let token = token_of(reply)?;
        let content = content_of(token).map_err(TokenError::Malformed)?.ok_or(TokenError::NoToken)?;
        let stamp = Stamp::read(&content).map_err(TokenError::Malformed)?;
        let MessageImprint { hash_algorithm, hashed_message } = stamp.imprint;
        if hash_algorithm.oid != ID_SHA_256 {
            return Err(TokenError::OtherAlgorithm(hash_algorithm.oid.to_string()));
        }
        if hashed_message.as_bytes() != sha256 {
            let (found, expected) = (hex(hashed_message.as_bytes()), hex(&sha256));
            return Err(TokenError::OtherContent { found, expected });
        }
        let wanted = query.and_then(Query::nonce);
        if wanted.is_some_and(|nonce| stamp.nonce.as_deref() != Some(nonce)) {
            return Err(TokenError::OtherQuery);
        }
        let (time, policy) = (stamp.time, stamp.policy.to_string());
        Ok(Self { time, serial: hex(&stamp.serial), policy, answers_query: wanted.is_some() })
    }
}

/// `TimeStampResp`: the token, if it was granted.
fn token_of(reply: &[u8]) -> Result<AnyRef<'_>, TokenError> {
    let malformed = TokenError::Malformed;
    let mut reader = SliceReader::new(reply).map_err(malformed)?;
    let (status, text, token) = reader
        .sequence(|reader| {
            let (status, text) = reader.sequence(|reader| {
                let status = i64::decode(reader)?;
                let mut text = None;
                while !reader.is_finished() {
                    let part = AnyRef::decode(reader)?;
                    if part.tag() == Tag::Sequence {
                        text = Some(String::from_utf8_lossy(part.value()).into_owned());
                    }
                }
                Ok::<_, der::Error>((status, text))
            })?;
            let token = if reader.is_finished() { None } else { Some(AnyRef::decode(reader)?) };
            Ok::<_, der::Error>((status, text, token))
        })
        .map_err(malformed)?;
    reader.finish().map_err(malformed)?;
    if !GRANTED.contains(&status) {
        // Texts of ASN.1, with their lengths in between.
        let text = text.map(|text| text.chars().filter(|char| !char.is_control()).collect());
        return Err(TokenError::Refused { status, text });
    }
    token.ok_or(TokenError::NoToken)
}

/// `ContentInfo` with `SignedData` with `TSTInfo`: the bytes of the latter, if that is what it holds.
fn content_of(token: AnyRef<'_>) -> Result<Option<Box<[u8]>>, der::Error> {
    token.sequence(|reader| {
        if ObjectIdentifier::decode(reader)? != ID_SIGNED_DATA {
            while !reader.is_finished() {
                AnyRef::decode(reader)?;
            }
            return Ok(None);
        }
        let signed = AnyRef::decode(reader)?;
        let mut reader = SliceReader::new(signed.value())?;
        reader.sequence(|reader| {
            let (_version, _digest_algorithms) = (u8::decode(reader)?, AnyRef::decode(reader)?);
            let content = Content::decode(reader)?;
            while !reader.is_finished() {
                AnyRef::decode(reader)?;
            }
            let is_stamp = content.content_type == ID_TST_INFO;
            Ok::<_, der::Error>(content.content.filter(|_| is_stamp).map(OctetString::into_bytes))
        })
    })
}

/// `TSTInfo`.
struct Stamp {
    policy: ObjectIdentifier,
    imprint: MessageImprint,
    serial: Vec<u8>,
    time: String,
    nonce: Option<Vec<u8>>,
}

impl Stamp {
    fn read(bytes: &[u8]) -> Result<Self, der::Error> {
        let mut reader = SliceReader::new(bytes)?;
        let stamp = reader.sequence(|reader| {
            let (_version, policy) = (u8::decode(reader)?, ObjectIdentifier::decode(reader)?);
            let imprint = MessageImprint::decode(reader)?;
            let serial = Int::decode(reader)?.as_bytes().to_vec();
            let time = AnyRef::decode(reader)?;
            let time = time_of(&time).ok_or_else(|| Tag::GeneralizedTime.value_error())?;
            let mut nonce = None;
            while !reader.is_finished() {
                // The accuracy is a sequence, the ordering a boolean, and the rest have tags of their own.
                let part = AnyRef::decode(reader)?;
                if part.tag() == Tag::Integer {
                    nonce = Some(part.value().to_vec());
                }
            }
            Ok::<_, der::Error>(Self { policy, imprint, serial, time, nonce })
        })?;
        reader.finish()?;
        Ok(stamp)
    }
}

/// `GeneralizedTime` as RFC 3161 wants it, with a fraction where there is one: `20261125193000.25Z` is
/// `2026-11-25T19:30:00.25Z`.
fn time_of(value: &AnyRef<'_>) -> Option<String> {
    let text = str::from_utf8(value.value()).ok().filter(|_| value.tag() == Tag::GeneralizedTime)?;
    let (digits, fraction) = text.strip_suffix('Z')?.split_at_checked(14)?;
    let is_fraction = fraction.is_empty()
        || fraction
            .strip_prefix('.')
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()));
    let is_sound = is_fraction && digits.bytes().all(|byte| byte.is_ascii_digit());
    let [date, time] = [&digits[..8], &digits[8..]];
    is_sound.then(|| {
        let (year, month, day) = (&date[..4], &date[4..6], &date[6..]);
        let (hour, minute, second) = (&time[..2], &time[2..4], &time[4..]);
        format!("{year}-{month}-{day}T{hour}:{minute}:{second}{fraction}Z")
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::imprint;
    use super::*;

    #[test]
    fn times_are_read_with_and_without_a_fraction() {
        for (text, expected) in [
            ("20261125193000Z", Some("2026-11-25T19:30:00Z")),
            ("20261125193000.25Z", Some("2026-11-25T19:30:00.25Z")),
            ("20261125193000.Z", None),
            ("20261125193000", None),
            ("20261125193000+0100", None),
            ("202611251930Z", None),
            ("2026112519300xZ", None),
            ("é0261125193000Z", None),
            ("2026112519300éZ", None),
        ] {
            let value = AnyRef::new(Tag::GeneralizedTime, text.as_bytes()).unwrap();
            assert_eq!(time_of(&value).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        let hash = imprint(b"abc");
        for bytes in [&b""[..], b"hello", b"\x30\x00", b"\x30\x03\x02\x01\x00"] {
            assert!(matches!(Token::read(bytes, hash, None), Err(TokenError::Malformed(_))), "{bytes:?}");
        }
        let granted = b"\x30\x05\x30\x03\x02\x01\x00";
        assert_eq!(Token::read(granted, hash, None), Err(TokenError::NoToken));
        let rejected = b"\x30\x0b\x30\x09\x02\x01\x02\x30\x04\x0c\x02no";
        let error = Token::read(rejected, hash, None).unwrap_err();
        assert_eq!(error, TokenError::Refused { status: 2, text: Some("no".to_owned()) });
        let other = b"\x30\x0c\x30\x03\x02\x01\x00\x30\x05\x06\x03\x2a\x03\x04";
        assert_eq!(Token::read(other, hash, None), Err(TokenError::NoToken));
    }
}
