//! The columns of an audit table, and the entry that a row of it makes.

use af_core::canonical::Json;
use af_core::chain::{Entry, Unreadable};
use af_core::record::Record;
use af_core::timestamp::Timestamp;

use super::{Column, Row, Type};
use crate::error::Table;

/// The columns that make an audit entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum AuditColumn {
    TenantId,
    Seq,
    Id,
    Ts,
    ActorType,
    ActorId,
    Action,
    ResourceType,
    ResourceId,
    Details,
    HashVersion,
    PrevHash,
    Hash,
}

impl Column for AuditColumn {
    const ALL: &'static [Self] = &[
        Self::TenantId,
        Self::Seq,
        Self::Id,
        Self::Ts,
        Self::ActorType,
        Self::ActorId,
        Self::Action,
        Self::ResourceType,
        Self::ResourceId,
        Self::Details,
        Self::HashVersion,
        Self::PrevHash,
        Self::Hash,
    ];
    const TABLE: Table = Table::Audits;

    fn index(self) -> usize {
        self as usize
    }

    fn name(self) -> &'static str {
        match self {
            Self::TenantId => "tenant_id",
            Self::Seq => "seq",
            Self::Id => "id",
            Self::Ts => "ts",
            Self::ActorType => "actor_type",
            Self::ActorId => "actor_id",
            Self::Action => "action",
            Self::ResourceType => "resource_type",
            Self::ResourceId => "resource_id",
            Self::Details => "details",
            Self::HashVersion => "hash_version",
            Self::PrevHash => "prev_hash",
            Self::Hash => "hash",
        }
    }

    fn holds(self) -> Type {
        match self {
            Self::TenantId | Self::Id => Type::Uuid,
            Self::Seq => Type::Int8,
            Self::Ts => Type::TimestampTz,
            Self::Details => Type::Jsonb,
            Self::HashVersion => Type::Int2,
            Self::PrevHash | Self::Hash => Type::Bytea,
            Self::ActorType | Self::ActorId | Self::Action | Self::ResourceType | Self::ResourceId => {
                Type::Text
            }
        }
    }
}

impl<'a> Row<'a, AuditColumn> {
    /// The record that the row's columns make.
    pub(crate) fn record(self) -> Result<Record<'a>, Unreadable> {
        let bytes = |column| Self::required(column, self.bytes(column));
        let ts = Self::required(AuditColumn::Ts, self.int8(AuditColumn::Ts))?;
        Ok(Record {
            hash_version: Self::required(AuditColumn::HashVersion, self.int2(AuditColumn::HashVersion))?,
            tenant_id: Self::required(AuditColumn::TenantId, self.uuid(AuditColumn::TenantId))?,
            seq: Self::required(AuditColumn::Seq, self.int8(AuditColumn::Seq))?,
            id: Self::required(AuditColumn::Id, self.uuid(AuditColumn::Id))?,
            actor_type: bytes(AuditColumn::ActorType)?,
            actor_id: bytes(AuditColumn::ActorId)?,
            action: bytes(AuditColumn::Action)?,
            resource_type: bytes(AuditColumn::ResourceType)?,
            resource_id: self.bytes(AuditColumn::ResourceId),
            details: Json::Jsonb(bytes(AuditColumn::Details)?),
            ts: Timestamp::from_postgres_micros(ts)?,
        })
    }

    /// The row as the verifier takes it.
    pub(crate) fn entry(self) -> Entry<'a> {
        Entry {
            tenant_id: self.uuid(AuditColumn::TenantId),
            seq: self.int8(AuditColumn::Seq),
            id: self.uuid(AuditColumn::Id),
            prev_hash: self.bytes(AuditColumn::PrevHash),
            hash: self.bytes(AuditColumn::Hash),
            record: self.record(),
        }
    }
}
