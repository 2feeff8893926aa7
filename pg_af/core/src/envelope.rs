//! The canonical envelope of a message, and the hash by which its producer vouches for it.
//!
//! The envelope is the canonical JSON of the object with exactly the keys `cost`, `from`, `id`, `metadata`, `payload`,
//! `span_id`, `to`, `trace_id`, `ts` and `type`. Its hash is SHA-256, written as 64 lower-case hexadecimal digits. The
//! producer computes it before it sends the message; whoever stores or reads the message computes it again.

use std::str::FromStr;

use uuid::Uuid;

use crate::canonical::{Canonicalizer, Json, JsonError, Sink, write_string, write_uuid};
use crate::chain::{FindingKind, Unreadable};
use crate::digest::Digest;
use crate::hasher::Hasher;
use crate::timestamp::Timestamp;

/// The types that a message can have.
pub const MESSAGE_TYPES: [&str; 4] = ["request", "response", "event", "control"];

/// The hashed columns of a message. Texts are UTF-8.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// Identity of the message, given by its producer.
    pub id: Uuid,
    /// Which conversation it belongs to; an absent one is written as the empty string.
    pub trace_id: Option<&'a [u8]>,
    /// Which step of it; as `trace_id`.
    pub span_id: Option<&'a [u8]>,
    /// Who sent it.
    pub from_agent: &'a [u8],
    /// Who is to get it.
    pub to_agent: &'a [u8],
    /// One of [`MESSAGE_TYPES`], which nothing here enforces.
    pub message_type: &'a [u8],
    /// What is said.
    pub payload: Json<'a>,
    /// What is said about it.
    pub metadata: Json<'a>,
    /// What it cost.
    pub cost: Json<'a>,
    /// When it was sent.
    pub ts: Timestamp,
}

/// A column of an envelope that has no canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{column}: {source}")]
pub struct EnvelopeError {
    /// Its name.
    pub column: &'static str,
    /// Why.
    #[source]
    pub source: JsonError,
}

/// Why a text is not the hash of an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedHash {
    /// Not 64 characters.
    #[error("its length is {0}, not 64 characters")]
    Length(usize),
    /// Something else than hexadecimal digits.
    #[error("it has characters that are not hexadecimal digits")]
    NotHexadecimal,
    /// Hexadecimal, but the same digest could be written in several ways if this were allowed.
    #[error("it has hexadecimal digits in upper case")]
    UpperCase,
}

/// The hash of an envelope as it is stored: 64 lower-case hexadecimal digits. Anything else is an error that says why.
pub fn parse_hash(text: &[u8]) -> Result<Digest, MalformedHash> {
    let is_hexadecimal = text.iter().all(u8::is_ascii_hexdigit);
    match std::str::from_utf8(text) {
        Ok(text) if text.chars().count() != 64 => Err(MalformedHash::Length(text.chars().count())),
        Ok(text) if is_hexadecimal && text.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            Err(MalformedHash::UpperCase)
        }
        Ok(text) => Digest::from_str(text).map_err(|_| MalformedHash::NotHexadecimal),
        Err(_) => Err(MalformedHash::NotHexadecimal),
    }
}

/// Writes, hashes and checks envelopes, keeping its scratch space from one to the next.
#[derive(Default)]
pub struct EnvelopeHasher(Hasher);

impl EnvelopeHasher {
    /// The hash of an envelope.
    pub fn hash(&mut self, envelope: &Envelope<'_>) -> Result<Digest, EnvelopeError> {
        self.0.hash(|canonicalizer, sink| write_envelope(envelope, None, canonicalizer, sink))
    }

    /// How many bytes the message last hashed has at the most, if PostgreSQL writes it as text.
    pub fn text_length(&self) -> u64 {
        self.0.text_length()
    }

    /// Writes the canonical envelope itself. After an error the sink holds an unfinished part of it.
    pub fn write(&mut self, envelope: &Envelope<'_>, sink: &mut impl Sink) -> Result<(), EnvelopeError> {
        write_envelope(envelope, None, self.0.canonicalizer(), sink).map(|_| ())
    }

    /// Writes the envelope with its hash, as one more key, `envelope_hash`: canonical JSON as well, from which the envelope
    /// is had again by taking that key away. After an error the sink holds an unfinished part of it.
    pub fn write_with_hash(
        &mut self,
        envelope: &Envelope<'_>,
        hash: Digest,
        sink: &mut impl Sink,
    ) -> Result<(), EnvelopeError> {
        write_envelope(envelope, Some(hash), self.0.canonicalizer(), sink).map(|_| ())
    }

    /// Checks a stored message, of which nothing is believed. Returns the envelope with the hash that vouches for it, or
    /// what is wrong: its kind, and the same for people.
    pub fn check<'e, 'a>(
        &mut self,
        envelope: Result<&'e Envelope<'a>, Unreadable>,
        stored: Option<&[u8]>,
    ) -> Result<(&'e Envelope<'a>, Digest), (FindingKind, String)> {
        let unsealed = |detail| (FindingKind::Unsealed, detail);
        let altered = |detail| (FindingKind::Altered, detail);
        let stored = stored.ok_or_else(|| unsealed("envelope_hash is null".to_owned()))?;
        let stored =
            parse_hash(stored).map_err(|error| unsealed(format!("envelope_hash is malformed: {error}")))?;
        let unwritable =
            |error: &dyn std::error::Error| altered(format!("the envelope cannot be written: {error}"));
        let envelope = envelope.map_err(|error| unwritable(&error))?;
        let computed = self.hash(envelope).map_err(|error| unwritable(&error))?;
        if computed == stored {
            return Ok((envelope, stored));
        }
        Err(altered(format!("the envelope hashes to {computed}, the stored envelope_hash is {stored}")))
    }
}

/// Returns by how many bytes the JSON in it is longer as PostgreSQL's own text.
fn write_envelope(
    envelope: &Envelope<'_>,
    hash: Option<Digest>,
    canonicalizer: &mut Canonicalizer,
    sink: &mut impl Sink,
) -> Result<u64, EnvelopeError> {
    let mut excess = 0;
    // The keys are in canonical order already.
    sink.write(b"{\"cost\":");
    excess += write_json("cost", envelope.cost, canonicalizer, sink)?;
    if let Some(hash) = hash {
        sink.write(b",\"envelope_hash\":");
        write_string(hash.to_string().as_bytes(), sink);
    }
    sink.write(b",\"from\":");
    write_string(envelope.from_agent, sink);
    sink.write(b",\"id\":");
    write_uuid(envelope.id, sink);
    sink.write(b",\"metadata\":");
    excess += write_json("metadata", envelope.metadata, canonicalizer, sink)?;
    sink.write(b",\"payload\":");
    excess += write_json("payload", envelope.payload, canonicalizer, sink)?;
    sink.write(b",\"span_id\":");
    write_string(envelope.span_id.unwrap_or_default(), sink);
    sink.write(b",\"to\":");
    write_string(envelope.to_agent, sink);
    sink.write(b",\"trace_id\":");
    write_string(envelope.trace_id.unwrap_or_default(), sink);
    sink.write(b",\"ts\":\"");
    envelope.ts.write(sink);
    sink.write(b"\",\"type\":");
    write_string(envelope.message_type, sink);
    sink.write(b"}");
    Ok(excess)
}

fn write_json(
    column: &'static str,
    value: Json<'_>,
    canonicalizer: &mut Canonicalizer,
    sink: &mut impl Sink,
) -> Result<u64, EnvelopeError> {
    canonicalizer.write(value, sink).map_err(|source| EnvelopeError { column, source })?;
    Ok(canonicalizer.jsonb_text_excess())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope<'a>() -> Envelope<'a> {
        Envelope {
            id: Uuid::from_u128(0xabcdef),
            trace_id: Some(b"trace-1"),
            span_id: None,
            from_agent: b"scout",
            to_agent: "Zoë".as_bytes(),
            message_type: b"request",
            payload: Json::Text(br#"{"b": 1.50, "a": [true, null, "\u00e9 <&>"]}"#),
            metadata: Json::Text(b"null"),
            cost: Json::Text(b"{}"),
            ts: Timestamp::from_postgres_micros(120_000).unwrap(),
        }
    }

    const TEXT: &str = concat!(
        r#"{"cost":{},"from":"scout","id":"00000000-0000-0000-0000-000000abcdef","metadata":null,"#,
        r#""payload":{"a":[true,null,"é <&>"],"b":1.5},"span_id":"","to":"Zoë","trace_id":"trace-1","#,
        r#""ts":"2000-01-01T00:00:00.12Z","type":"request"}"#
    );
    /// sha256sum over TEXT, computed outside of this project.
    const GOLDEN: &str = "c714ee7c4b38a1f289125ce195dfc7c99d6b0de01983e76de13e47aeaff1ff6c";

    #[test]
    fn writes_and_hashes_the_documented_envelope() {
        let mut hasher = EnvelopeHasher::default();
        let mut out = Vec::new();
        hasher.write(&envelope(), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), TEXT);
        assert_eq!(hasher.hash(&envelope()).unwrap().to_string(), GOLDEN);
        assert_eq!(hasher.text_length(), TEXT.len() as u64);
    }

    #[test]
    fn the_hash_is_one_more_key_in_its_place() {
        let mut hasher = EnvelopeHasher::default();
        let mut out = Vec::new();
        hasher.write_with_hash(&envelope(), GOLDEN.parse().unwrap(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let mut canonical = Vec::new();
        Canonicalizer::default().write(Json::Text(text.as_bytes()), &mut canonical).unwrap();
        assert_eq!(canonical, text.as_bytes());
        assert_eq!(text.replace(&format!("\"envelope_hash\":\"{GOLDEN}\","), ""), TEXT);
    }

    #[test]
    fn an_absent_id_is_the_empty_one() {
        let mut hasher = EnvelopeHasher::default();
        let empty = Envelope { span_id: Some(b""), ..envelope() };
        assert_eq!(hasher.hash(&envelope()), hasher.hash(&empty));
    }

    #[test]
    fn a_hash_is_written_in_one_way_only() {
        let hash = "0123456789abcdef".repeat(4);
        assert_eq!(parse_hash(hash.as_bytes()).unwrap().to_string(), hash);
        for (text, error) in [
            (String::new(), MalformedHash::Length(0)),
            (hash[1..].to_owned(), MalformedHash::Length(63)),
            (format!("{hash} "), MalformedHash::Length(65)),
            (hash.to_uppercase(), MalformedHash::UpperCase),
            (hash.replace('a', "g"), MalformedHash::NotHexadecimal),
            (hash.replace('a', "é"), MalformedHash::NotHexadecimal),
        ] {
            assert_eq!(parse_hash(text.as_bytes()), Err(error), "{text}");
        }
        assert_eq!(parse_hash(&[0xff; 64]), Err(MalformedHash::NotHexadecimal));
    }

    #[test]
    fn a_check_believes_nothing() {
        let mut hasher = EnvelopeHasher::default();
        let hash = hasher.hash(&envelope()).unwrap().to_string();
        let mut kind = |envelope: Result<&Envelope<'_>, Unreadable>, stored: Option<&str>| {
            hasher.check(envelope, stored.map(str::as_bytes)).err().map(|(kind, _)| kind)
        };
        assert_eq!(kind(Ok(&envelope()), Some(&hash)), None);
        assert_eq!(kind(Ok(&envelope()), None), Some(FindingKind::Unsealed));
        assert_eq!(kind(Ok(&envelope()), Some(&hash.to_uppercase())), Some(FindingKind::Unsealed));
        let edited = Envelope { to_agent: b"eve", ..envelope() };
        assert_eq!(kind(Ok(&edited), Some(&hash)), Some(FindingKind::Altered));
        let damaged = Envelope { cost: Json::Jsonb(b"\xff"), ..envelope() };
        assert_eq!(kind(Ok(&damaged), Some(&hash)), Some(FindingKind::Altered));
        assert_eq!(kind(Err(Unreadable::NullColumn("ts")), Some(&hash)), Some(FindingKind::Altered));
        // And what could not be written leaves no trace in the next.
        assert_eq!(kind(Ok(&envelope()), Some(&hash)), None);
    }
}
