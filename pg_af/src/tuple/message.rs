//! The columns of a message table, and the envelope that a row of it makes.

use af_core::canonical::Json;
use af_core::chain::Unreadable;
use af_core::envelope::Envelope;
use af_core::timestamp::Timestamp;

use super::{Column, Row, Type};
use crate::error::Table;

/// The columns that make a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum MessageColumn {
    TenantId,
    Id,
    TraceId,
    SpanId,
    FromAgent,
    ToAgent,
    Type,
    Payload,
    Metadata,
    Cost,
    Ts,
    EnvelopeHash,
}

impl Column for MessageColumn {
    const ALL: &'static [Self] = &[
        Self::TenantId,
        Self::Id,
        Self::TraceId,
        Self::SpanId,
        Self::FromAgent,
        Self::ToAgent,
        Self::Type,
        Self::Payload,
        Self::Metadata,
        Self::Cost,
        Self::Ts,
        Self::EnvelopeHash,
    ];
    const TABLE: Table = Table::Messages;

    fn index(self) -> usize {
        self as usize
    }

    fn name(self) -> &'static str {
        match self {
            Self::TenantId => "tenant_id",
            Self::Id => "id",
            Self::TraceId => "trace_id",
            Self::SpanId => "span_id",
            Self::FromAgent => "from_agent",
            Self::ToAgent => "to_agent",
            Self::Type => "type",
            Self::Payload => "payload",
            Self::Metadata => "metadata",
            Self::Cost => "cost",
            Self::Ts => "ts",
            Self::EnvelopeHash => "envelope_hash",
        }
    }

    fn holds(self) -> Type {
        match self {
            Self::TenantId | Self::Id => Type::Uuid,
            Self::Payload | Self::Metadata | Self::Cost => Type::Jsonb,
            Self::Ts => Type::TimestampTz,
            Self::TraceId
            | Self::SpanId
            | Self::FromAgent
            | Self::ToAgent
            | Self::Type
            | Self::EnvelopeHash => Type::Text,
        }
    }
}

impl<'a> Row<'a, MessageColumn> {
    /// The envelope that the row's columns make.
    pub(crate) fn envelope(self) -> Result<Envelope<'a>, Unreadable> {
        use MessageColumn as Column;
        let bytes = |column| Self::required(column, self.bytes(column));
        let json = |column| bytes(column).map(Json::Jsonb);
        let ts = Self::required(Column::Ts, self.int8(Column::Ts))?;
        Ok(Envelope {
            id: Self::required(Column::Id, self.uuid(Column::Id))?,
            trace_id: self.bytes(Column::TraceId),
            span_id: self.bytes(Column::SpanId),
            from_agent: bytes(Column::FromAgent)?,
            to_agent: bytes(Column::ToAgent)?,
            message_type: bytes(Column::Type)?,
            payload: json(Column::Payload)?,
            metadata: json(Column::Metadata)?,
            cost: json(Column::Cost)?,
            ts: Timestamp::from_postgres_micros(ts)?,
        })
    }
}
