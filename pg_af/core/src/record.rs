//! The canonical record of an audit entry, and the hash that links it to the one before.
//!
//! Version 1: `hash = SHA-256(prev_hash || record)`, where `record` is the canonical JSON of the
//! object with exactly the keys `action`, `actor_id`, `actor_type`, `details`, `id`, `resource_id`,
//! `resource_type`, `seq`, `tenant_id`, `ts` and `v`. Position and identity are covered as well as
//! content, so that an entry can be neither moved nor exchanged.

mod read;

use uuid::Uuid;

pub use read::{ReadError, RecordText};

use crate::canonical::{Canonicalizer, Json, JsonError, Sink, write_integer, write_string, write_uuid};
use crate::digest::Digest;
use crate::hasher::{Hasher, PairHasher};
use crate::timestamp::Timestamp;

/// The version that new entries are given.
pub const CURRENT_VERSION: i16 = 1;

/// The versions that this build can check.
pub const KNOWN_VERSIONS: [i16; 1] = [1];

/// The hashed columns of an audit entry. Texts are UTF-8.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Which of the record formats this is; written as `v`.
    pub hash_version: i16,
    /// Whose chain the entry is in.
    pub tenant_id: Uuid,
    /// Position in the chain, from 1.
    pub seq: i64,
    /// Identity of the entry.
    pub id: Uuid,
    /// What kind of party acted, such as `user`.
    pub actor_type: &'a [u8],
    /// Who acted.
    pub actor_id: &'a [u8],
    /// What was done.
    pub action: &'a [u8],
    /// What kind of thing it was done to.
    pub resource_type: &'a [u8],
    /// What it was done to, if that has a name.
    pub resource_id: Option<&'a [u8]>,
    /// Anything else.
    pub details: Json<'a>,
    /// When it was done.
    pub ts: Timestamp,
}

/// Why a record cannot be hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Sealed by a newer build.
    #[error("hash_version {0} is unknown to this build")]
    UnknownVersion(i16),
    /// `details` has no canonical form.
    #[error("details: {0}")]
    Details(#[from] JsonError),
}

/// Writes and hashes records, keeping its scratch space from one to the next.
#[derive(Default)]
pub struct RecordHasher(Hasher);

impl RecordHasher {
    /// The hash of an entry: SHA-256 over `prev_hash` (nothing for the first entry) and the
    /// canonical record.
    pub fn hash(&mut self, prev_hash: Option<&[u8]>, record: &Record<'_>) -> Result<Digest, RecordError> {
        self.0.hash(|canonicalizer, sink| {
            sink.write(prev_hash.unwrap_or_default());
            write_record(record, canonicalizer, sink)?;
            Ok(canonicalizer.jsonb_text_excess())
        })
    }

    /// The first of `positions` at which the entry's hash would be `wanted`, whatever position it has. All that stands
    /// before the position in the record is hashed only once.
    pub(crate) fn find_position(
        &mut self,
        prev_hash: Option<&[u8]>,
        record: &Record<'_>,
        positions: impl Iterator<Item = i64>,
        wanted: Digest,
    ) -> Result<Option<i64>, RecordError> {
        self.0.find_ending(
            |canonicalizer, sink| {
                sink.write(prev_hash.unwrap_or_default());
                write_before_position(record, canonicalizer, sink)
            },
            positions,
            |position, sink| write_from_position(&Record { seq: *position, ..*record }, sink),
            wanted,
        )
    }

    /// How many bytes the entry last hashed has at the most, if PostgreSQL writes it as text.
    pub fn text_length(&self) -> u64 {
        self.0.text_length()
    }

    /// Writes the canonical record itself. After an error the sink holds an unfinished part of it.
    pub fn write(&mut self, record: &Record<'_>, sink: &mut impl Sink) -> Result<(), RecordError> {
        write_record(record, self.0.canonicalizer(), sink)
    }
}

/// Hashes records two at a time, for whoever can wait for the one until there is another.
#[derive(Default)]
pub(crate) struct RecordPairHasher(PairHasher);

impl RecordPairHasher {
    /// Takes an entry. Every second time, the hashes of that entry and the one before, as [`RecordHasher::hash`] gives them.
    pub(crate) fn push(
        &mut self,
        prev_hash: Option<&[u8]>,
        record: &Record<'_>,
    ) -> Result<Option<[Digest; 2]>, RecordError> {
        self.0.push(|canonicalizer, sink| {
            sink.write(prev_hash.unwrap_or_default());
            write_record(record, canonicalizer, sink)
        })
    }

    /// The hash of the entry that has been taken without another, if there is one.
    pub(crate) fn finish(&mut self) -> Option<Digest> {
        self.0.finish()
    }

    /// The hashes of two entries, each with the link that is given, as far as they can be hashed.
    pub(crate) fn hash_two(
        &mut self,
        entries: [(Option<&[u8]>, Option<&Record<'_>>); 2],
    ) -> [Option<Digest>; 2] {
        let [one, other] =
            entries.map(|(prev_hash, record)| record.map(|record| self.push(prev_hash, record)));
        match (one, other) {
            (_, Some(Ok(Some([one, other])))) => [Some(one), Some(other)],
            (Some(Ok(_)), _) => [self.finish(), None],
            _ => [None, self.finish()],
        }
    }
}

fn write_record(
    record: &Record<'_>,
    canonicalizer: &mut Canonicalizer,
    sink: &mut impl Sink,
) -> Result<(), RecordError> {
    write_before_position(record, canonicalizer, sink)?;
    write_from_position(record, sink);
    Ok(())
}

fn write_before_position(
    record: &Record<'_>,
    canonicalizer: &mut Canonicalizer,
    sink: &mut impl Sink,
) -> Result<(), RecordError> {
    if !KNOWN_VERSIONS.contains(&record.hash_version) {
        return Err(RecordError::UnknownVersion(record.hash_version));
    }
    // The keys are in canonical order already.
    sink.write(b"{\"action\":");
    write_string(record.action, sink);
    sink.write(b",\"actor_id\":");
    write_string(record.actor_id, sink);
    sink.write(b",\"actor_type\":");
    write_string(record.actor_type, sink);
    sink.write(b",\"details\":");
    canonicalizer.write(record.details, sink)?;
    sink.write(b",\"id\":");
    write_uuid(record.id, sink);
    sink.write(b",\"resource_id\":");
    match record.resource_id {
        Some(id) => write_string(id, sink),
        None => sink.write(b"null"),
    }
    sink.write(b",\"resource_type\":");
    write_string(record.resource_type, sink);
    sink.write(b",\"seq\":");
    Ok(())
}

fn write_from_position(record: &Record<'_>, sink: &mut impl Sink) {
    write_integer(record.seq, sink);
    sink.write(b",\"tenant_id\":");
    write_uuid(record.tenant_id, sink);
    sink.write(b",\"ts\":\"");
    record.ts.write(sink);
    sink.write(b"\",\"v\":");
    write_integer(i64::from(record.hash_version), sink);
    sink.write(b"}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::HashSink;

    fn record<'a>() -> Record<'a> {
        Record {
            hash_version: 1,
            tenant_id: Uuid::from_u128(0x10),
            seq: 1,
            id: Uuid::from_u128(0xabcdef),
            actor_type: b"user",
            actor_id: "Zoë".as_bytes(),
            action: b"document.update",
            resource_type: b"document",
            resource_id: None,
            details: Json::Text(br#"{"b": 1.50, "a": [true, null, "\u00e9"]}"#),
            ts: Timestamp::from_postgres_micros(120_000).unwrap(),
        }
    }

    const TEXT: &str = concat!(
        r#"{"action":"document.update","actor_id":"Zoë","actor_type":"user","#,
        r#""details":{"a":[true,null,"é"],"b":1.5},"#,
        r#""id":"00000000-0000-0000-0000-000000abcdef","resource_id":null,"resource_type":"document","#,
        r#""seq":1,"tenant_id":"00000000-0000-0000-0000-000000000010","ts":"2000-01-01T00:00:00.12Z","v":1}"#
    );

    #[test]
    fn writes_the_documented_record() {
        let mut out = Vec::new();
        RecordHasher::default().write(&record(), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), TEXT);
    }

    #[test]
    fn hashes_the_link_and_the_record() {
        let mut hasher = RecordHasher::default();
        let first = hasher.hash(None, &record()).unwrap();
        let mut sink = HashSink::new();
        sink.write(TEXT.as_bytes());
        assert_eq!(first, sink.finish());
        // sha256sum over TEXT, computed outside of this project.
        assert_eq!(first.to_string(), GOLDEN);

        let second = Record { seq: 2, resource_id: Some(b"doc-1"), ..record() };
        let linked = hasher.hash(Some(first.as_bytes()), &second).unwrap();
        assert_ne!(linked, hasher.hash(None, &second).unwrap());
        sink.write(first.as_bytes());
        hasher.write(&second, &mut sink).unwrap();
        assert_eq!(linked, sink.finish());
    }

    const GOLDEN: &str = "8003acec1ce0bbe7e32b653058acedc962c0aed0b971261b1cf2ed003e3e7952";

    #[test]
    fn a_failed_hash_leaves_no_trace_in_the_next() {
        let mut hasher = RecordHasher::default();
        let good = hasher.hash(None, &record()).unwrap();
        let bad = Record { details: Json::Text(b"{\"a\":"), ..record() };
        assert!(matches!(hasher.hash(None, &bad), Err(RecordError::Details(_))));
        let newer = Record { hash_version: 2, ..record() };
        assert_eq!(hasher.hash(None, &newer), Err(RecordError::UnknownVersion(2)));
        assert_eq!(hasher.hash(None, &record()), Ok(good));
    }
}
