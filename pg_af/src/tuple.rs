//! The columns of an audit row: where they are in a table, and what they hold.

use af_core::canonical::Json;
use af_core::chain::{Entry, Unreadable};
use af_core::record::Record;
use af_core::timestamp::Timestamp;
use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::{PgRelation, PgTupleDesc};
use uuid::Uuid;

use crate::error::Error;

/// The columns that make an audit entry, in the order of [`Column::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Column {
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

impl Column {
    pub(crate) const ALL: [Self; 13] = [
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

    /// Its name in SQL, which needs no quotes.
    pub(crate) fn name(self) -> &'static str {
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

    /// The types it may have, all of one representation, and the name of the first.
    fn types(self) -> (&'static [Oid], &'static str) {
        match self {
            Self::TenantId | Self::Id => (&[pg_sys::UUIDOID], "uuid"),
            Self::Seq => (&[pg_sys::INT8OID], "bigint"),
            Self::Ts => (&[pg_sys::TIMESTAMPTZOID], "timestamp with time zone"),
            Self::Details => (&[pg_sys::JSONBOID], "jsonb"),
            Self::HashVersion => (&[pg_sys::INT2OID], "smallint"),
            Self::PrevHash | Self::Hash => (&[pg_sys::BYTEAOID], "bytea"),
            Self::ActorType | Self::ActorId | Self::Action | Self::ResourceType | Self::ResourceId => {
                (&[pg_sys::TEXTOID, pg_sys::VARCHAROID], "text")
            }
        }
    }
}

/// Where each [`Column`] stands in a row, counted from 0.
pub(crate) struct Columns([usize; Column::ALL.len()]);

impl Columns {
    /// Looks the columns up in a table, and checks their types.
    pub(crate) fn of(relation: &PgRelation) -> Result<Self, Error> {
        let descriptor = relation.tuple_desc();
        let mut positions = [0; Column::ALL.len()];
        for column in Column::ALL {
            let position = position_of(&descriptor, column).ok_or_else(|| Error::MissingColumn {
                relation: relation.name().into(),
                column: column.name(),
            })?;
            let declared = descriptor.get(position).map_or(Oid::INVALID, |attribute| attribute.atttypid);
            // SAFETY: a catalog look-up by OID; a domain's base type has the domain's representation.
            let base = unsafe { pg_sys::getBaseType(declared) };
            let (allowed, wanted) = column.types();
            if !allowed.contains(&base) {
                let (relation, column) = (relation.name().into(), column.name());
                return Err(Error::ColumnType { relation, column, wanted });
            }
            positions[column as usize] = position;
        }
        Ok(Self(positions))
    }

    /// Of a query that selects [`Column::ALL`] in that order.
    pub(crate) fn in_order() -> Self {
        Self(std::array::from_fn(|position| position))
    }

    /// Where `column` stands, counted from 0.
    pub(crate) fn position(&self, column: Column) -> usize {
        self.0[column as usize]
    }

    /// Its attribute number, counted from 1 as PostgreSQL does.
    pub(crate) fn attribute_number(&self, column: Column) -> pg_sys::AttrNumber {
        // A table has at most 1,600 columns.
        (self.position(column) + 1) as pg_sys::AttrNumber
    }
}

fn position_of(descriptor: &PgTupleDesc<'_>, column: Column) -> Option<usize> {
    descriptor.iter().position(|attribute| !attribute.attisdropped && attribute.name() == column.name())
}

/// The values of a deformed row, room for one row of a table.
pub(crate) struct Values {
    datums: Vec<Datum>,
    nulls: Vec<bool>,
}

impl Values {
    /// Room for a row of `width` columns.
    pub(crate) fn with_width(width: usize) -> Self {
        Self { datums: vec![Datum::null(); width], nulls: vec![true; width] }
    }

    /// Takes a tuple apart.
    ///
    /// # Safety
    /// `tuple` is a valid tuple of `descriptor`, which has no more columns than there is room for.
    pub(crate) unsafe fn deform(&mut self, tuple: pg_sys::HeapTuple, descriptor: pg_sys::TupleDesc) {
        // SAFETY: as the caller promises; both arrays have an element for each column.
        unsafe {
            pg_sys::heap_deform_tuple(tuple, descriptor, self.datums.as_mut_ptr(), self.nulls.as_mut_ptr());
        }
    }

    /// Puts a tuple together from the values, in the current memory context.
    ///
    /// # Safety
    /// The values are those of a row of `descriptor`.
    pub(crate) unsafe fn form(&mut self, descriptor: pg_sys::TupleDesc) -> pg_sys::HeapTuple {
        // SAFETY: as the caller promises; both arrays have an element for each column.
        unsafe { pg_sys::heap_form_tuple(descriptor, self.datums.as_mut_ptr(), self.nulls.as_mut_ptr()) }
    }

    /// Sets the value at `position`.
    pub(crate) fn set(&mut self, position: usize, value: Option<Datum>) {
        self.datums[position] = value.unwrap_or(Datum::null());
        self.nulls[position] = value.is_none();
    }

    /// The values as an audit row.
    ///
    /// # Safety
    /// The values stand where `columns` says, with the types that [`Columns::of`] checks. What they
    /// point to, and the current memory context, outlive `'a`.
    pub(crate) unsafe fn row<'a>(&'a self, columns: &'a Columns) -> Row<'a> {
        Row { values: self, columns }
    }
}

/// An audit row: typed access to its columns, each of which may be null.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    values: &'a Values,
    columns: &'a Columns,
}

impl<'a> Row<'a> {
    /// The value of a column, unless it is null.
    pub(crate) fn datum(self, column: Column) -> Option<Datum> {
        let position = self.columns.position(column);
        (!self.values.nulls[position]).then(|| self.values.datums[position])
    }

    pub(crate) fn uuid(self, column: Column) -> Option<Uuid> {
        // SAFETY: the column's type is uuid (`Values::row`), whose datum points to 16 bytes.
        self.datum(column).map(|datum| Uuid::from_bytes(unsafe { *datum.cast_mut_ptr::<[u8; 16]>() }))
    }

    pub(crate) fn int8(self, column: Column) -> Option<i64> {
        self.datum(column).map(|datum| datum.value() as i64)
    }

    pub(crate) fn int2(self, column: Column) -> Option<i16> {
        self.datum(column).map(|datum| datum.value() as i16)
    }

    /// The bytes of a text, jsonb or bytea.
    pub(crate) fn bytes(self, column: Column) -> Option<&'a [u8]> {
        // SAFETY: the column's type is a varlena, and it outlives 'a (`Values::row`).
        self.datum(column).map(|datum| unsafe { varlena_bytes(datum) })
    }

    fn required<T>(column: Column, value: Option<T>) -> Result<T, Unreadable> {
        value.ok_or(Unreadable::NullColumn(column.name()))
    }

    /// The record that the row's columns make.
    pub(crate) fn record(self) -> Result<Record<'a>, Unreadable> {
        let bytes = |column| Self::required(column, self.bytes(column));
        let ts = Self::required(Column::Ts, self.int8(Column::Ts))?;
        Ok(Record {
            hash_version: Self::required(Column::HashVersion, self.int2(Column::HashVersion))?,
            tenant_id: Self::required(Column::TenantId, self.uuid(Column::TenantId))?,
            seq: Self::required(Column::Seq, self.int8(Column::Seq))?,
            id: Self::required(Column::Id, self.uuid(Column::Id))?,
            actor_type: bytes(Column::ActorType)?,
            actor_id: bytes(Column::ActorId)?,
            action: bytes(Column::Action)?,
            resource_type: bytes(Column::ResourceType)?,
            resource_id: self.bytes(Column::ResourceId),
            details: Json::Jsonb(bytes(Column::Details)?),
            ts: Timestamp::from_postgres_micros(ts)?,
        })
    }

    /// The row as the verifier takes it.
    pub(crate) fn entry(self) -> Entry<'a> {
        Entry {
            tenant_id: self.uuid(Column::TenantId),
            seq: self.int8(Column::Seq),
            id: self.uuid(Column::Id),
            prev_hash: self.bytes(Column::PrevHash),
            hash: self.bytes(Column::Hash),
            record: self.record(),
        }
    }
}

/// The bytes of a varlena behind its header, detoasted into the current memory context if need be.
///
/// # Safety
/// `datum` points to a varlena. It and the current memory context outlive `'a`.
pub(crate) unsafe fn varlena_bytes<'a>(datum: Datum) -> &'a [u8] {
    // SAFETY: as the caller promises. pg_detoast_datum_packed returns a varlena with a short or
    // a 4-byte header, uncompressed and in line, for which the two macros give start and length.
    unsafe {
        let varlena = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
        let length = pgrx::varsize_any_exhdr(varlena);
        std::slice::from_raw_parts(pgrx::vardata_any(varlena).cast(), length)
    }
}
