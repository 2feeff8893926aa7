//! Rows of an audit table, to be tampered with.

use af_core::canonical::Json;
use af_core::chain::{Entry, Unreadable};
use af_core::digest::Digest;
use af_core::record::{Record, RecordHasher};
use af_core::timestamp::Timestamp;
use uuid::Uuid;

/// An owned row of an audit table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) tenant: Uuid,
    pub(crate) seq: Option<i64>,
    pub(crate) id: Uuid,
    pub(crate) action: Option<String>,
    pub(crate) details: String,
    pub(crate) version: i16,
    pub(crate) prev_hash: Option<Vec<u8>>,
    pub(crate) hash: Option<Vec<u8>>,
}

impl Row {
    /// What a verifier is given.
    pub(crate) fn entry(&self) -> Entry<'_> {
        Entry {
            tenant_id: Some(self.tenant),
            seq: self.seq,
            id: Some(self.id),
            prev_hash: self.prev_hash.as_deref(),
            hash: self.hash.as_deref(),
            record: self.record(),
        }
    }

    fn record(&self) -> Result<Record<'_>, Unreadable> {
        Ok(Record {
            hash_version: self.version,
            tenant_id: self.tenant,
            seq: self.seq.ok_or(Unreadable::NullColumn("seq"))?,
            id: self.id,
            actor_type: b"user",
            actor_id: b"u",
            action: self.action.as_ref().ok_or(Unreadable::NullColumn("action"))?.as_bytes(),
            resource_type: b"document",
            resource_id: None,
            details: Json::Text(self.details.as_bytes()),
            ts: Timestamp::from_postgres_micros(1).unwrap(),
        })
    }

    /// Links it to the entry before, and returns its hash.
    pub(crate) fn seal(&mut self, prev: Option<Digest>) -> Digest {
        self.prev_hash = prev.map(|prev| prev.as_bytes().to_vec());
        let hash = RecordHasher::default().hash(self.prev_hash.as_deref(), &self.record().unwrap()).unwrap();
        self.hash = Some(hash.as_bytes().to_vec());
        hash
    }
}

/// An intact chain.
pub(crate) fn chain(tenant: u128, length: i64) -> Vec<Row> {
    let mut prev = None;
    (1..=length)
        .map(|seq| {
            let mut row = Row {
                tenant: Uuid::from_u128(tenant),
                seq: Some(seq),
                id: Uuid::from_u128(tenant << 64 | seq as u128),
                action: Some("read".into()),
                details: format!("{{\"n\":{seq}}}"),
                version: 1,
                prev_hash: None,
                hash: None,
            };
            prev = Some(row.seal(prev));
            row
        })
        .collect()
}
