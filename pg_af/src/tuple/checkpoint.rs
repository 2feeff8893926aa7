//! The columns of a table of checkpoints, as far as chains are compared with them.

use super::{Column, Type};
use crate::error::Table;

/// The columns that say what a chain was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum CheckpointColumn {
    TenantId,
    Incarnation,
    Size,
    Hash,
    Origin,
    CreatedAt,
}

impl Column for CheckpointColumn {
    const ALL: &'static [Self] =
        &[Self::TenantId, Self::Incarnation, Self::Size, Self::Hash, Self::Origin, Self::CreatedAt];
    const TABLE: Table = Table::Checkpoints;

    fn index(self) -> usize {
        self as usize
    }

    fn name(self) -> &'static str {
        match self {
            Self::TenantId => "tenant_id",
            Self::Incarnation => "incarnation",
            Self::Size => "size",
            Self::Hash => "hash",
            Self::Origin => "origin",
            Self::CreatedAt => "created_at",
        }
    }

    fn holds(self) -> Type {
        match self {
            Self::TenantId => Type::Uuid,
            Self::Incarnation => Type::Int4,
            Self::Size => Type::Int8,
            Self::Hash => Type::Bytea,
            Self::Origin => Type::Text,
            Self::CreatedAt => Type::TimestampTz,
        }
    }
}
