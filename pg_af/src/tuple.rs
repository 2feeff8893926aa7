//! The columns of a row: where they are in a table, and what they hold.
//!
//! This is about any row; `audit`, `message` and `checkpoint` know the columns that matter.

pub(crate) mod audit;
pub(crate) mod checkpoint;
pub(crate) mod message;

use std::marker::PhantomData;

use af_core::chain::Unreadable;
use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::{PgRelation, PgTupleDesc};
use uuid::Uuid;

use crate::error::{Error, Table};

/// The columns that make a kind of table what it is.
pub(crate) trait Column: Copy + 'static {
    /// All of them, in the order of [`Column::index`].
    const ALL: &'static [Self];
    /// What a table with these columns is, for messages.
    const TABLE: Table;

    /// Its place in [`Column::ALL`].
    fn index(self) -> usize;

    /// Its name in SQL, which needs no quotes.
    fn name(self) -> &'static str;

    /// What it holds.
    fn holds(self) -> Type;

    /// All names, for a query.
    fn list() -> String {
        Self::ALL.iter().map(|column| column.name()).collect::<Vec<_>>().join(", ")
    }
}

/// What a column holds: types of one representation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Type {
    Uuid,
    Int8,
    Int4,
    Int2,
    TimestampTz,
    Jsonb,
    Bytea,
    Text,
}

impl Type {
    /// The types it may be, and the name of the first.
    fn allowed(self) -> (&'static [Oid], &'static str) {
        match self {
            Self::Uuid => (&[pg_sys::UUIDOID], "uuid"),
            Self::Int8 => (&[pg_sys::INT8OID], "bigint"),
            Self::Int4 => (&[pg_sys::INT4OID], "integer"),
            Self::Int2 => (&[pg_sys::INT2OID], "smallint"),
            Self::TimestampTz => (&[pg_sys::TIMESTAMPTZOID], "timestamp with time zone"),
            Self::Jsonb => (&[pg_sys::JSONBOID], "jsonb"),
            Self::Bytea => (&[pg_sys::BYTEAOID], "bytea"),
            Self::Text => (&[pg_sys::TEXTOID, pg_sys::VARCHAROID], "text"),
        }
    }
}

/// Where each [`Column`] stands in a row, counted from 0.
pub(crate) struct Columns<C> {
    positions: Vec<usize>,
    column: PhantomData<C>,
}

impl<C: Column> Columns<C> {
    /// Looks the columns up in a table, and checks their types.
    pub(crate) fn of(relation: &PgRelation) -> Result<Self, Error> {
        let descriptor = relation.tuple_desc();
        let mut positions = Vec::with_capacity(C::ALL.len());
        for column in C::ALL {
            let name = column.name();
            let position = position_of(&descriptor, name).ok_or_else(|| Error::MissingColumn {
                relation: relation.name().into(),
                table: C::TABLE,
                column: name,
            })?;
            let declared = descriptor.get(position).map_or(Oid::INVALID, |attribute| attribute.atttypid);
            let (allowed, wanted) = column.holds().allowed();
            // SAFETY: a catalog look-up by OID; a domain's base type has the domain's representation.
            let base = || unsafe { pg_sys::getBaseType(declared) };
            // Most are of the type itself, and this is done for every statement.
            if !allowed.contains(&declared) && !allowed.contains(&base()) {
                let relation = relation.name().into();
                return Err(Error::ColumnType { relation, table: C::TABLE, column: name, wanted });
            }
            positions.push(position);
        }
        Ok(Self { positions, column: PhantomData })
    }

    /// Of a query that selects [`Column::ALL`] in that order.
    pub(crate) fn in_order() -> Self {
        Self { positions: (0..C::ALL.len()).collect(), column: PhantomData }
    }

    /// Where `column` stands, counted from 0.
    pub(crate) fn position(&self, column: C) -> usize {
        self.positions[column.index()]
    }

    /// Its attribute number, counted from 1 as PostgreSQL does.
    pub(crate) fn attribute_number(&self, column: C) -> pg_sys::AttrNumber {
        // A table has at most 1,600 columns.
        (self.position(column) + 1) as pg_sys::AttrNumber
    }
}

fn position_of(descriptor: &PgTupleDesc<'_>, name: &str) -> Option<usize> {
    descriptor.iter().position(|attribute| !attribute.attisdropped && attribute.name() == name)
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

    /// Takes the row in a slot.
    ///
    /// # Safety
    /// The slot holds a row of as many columns as there is room for.
    pub(crate) unsafe fn take(&mut self, slot: *mut pg_sys::TupleTableSlot) {
        // SAFETY: as the caller promises; a slot has arrays for as many columns as its descriptor says, filled as far as
        // tts_nvalid (executor/tuptable.h), which slot_getsomeattrs_int extends.
        unsafe {
            let width = self.datums.len();
            if usize::from((*slot).tts_nvalid.unsigned_abs()) < width {
                pg_sys::slot_getsomeattrs_int(slot, width as i32);
            }
            self.datums.copy_from_slice(std::slice::from_raw_parts((*slot).tts_values, width));
            self.nulls.copy_from_slice(std::slice::from_raw_parts((*slot).tts_isnull, width));
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

    /// The values as a row of a table with these columns.
    ///
    /// # Safety
    /// The values stand where `columns` says, with the types that [`Columns::of`] checks. What they
    /// point to, and the current memory context, outlive `'a`.
    pub(crate) unsafe fn row<'a, C: Column>(&'a self, columns: &'a Columns<C>) -> Row<'a, C> {
        Row { values: self, columns }
    }
}

/// A row: typed access to its columns, each of which may be null.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a, C> {
    values: &'a Values,
    columns: &'a Columns<C>,
}

impl<'a, C: Column> Row<'a, C> {
    /// The value of a column, unless it is null.
    pub(crate) fn datum(self, column: C) -> Option<Datum> {
        let position = self.columns.position(column);
        (!self.values.nulls[position]).then(|| self.values.datums[position])
    }

    pub(crate) fn uuid(self, column: C) -> Option<Uuid> {
        // SAFETY: the column's type is uuid (`Values::row`), whose datum points to 16 bytes.
        self.datum(column).map(|datum| Uuid::from_bytes(unsafe { *datum.cast_mut_ptr::<[u8; 16]>() }))
    }

    pub(crate) fn int8(self, column: C) -> Option<i64> {
        self.datum(column).map(|datum| datum.value() as i64)
    }

    pub(crate) fn int2(self, column: C) -> Option<i16> {
        self.datum(column).map(|datum| datum.value() as i16)
    }

    /// The bytes of a text, jsonb or bytea.
    pub(crate) fn bytes(self, column: C) -> Option<&'a [u8]> {
        // SAFETY: the column's type is a varlena, and it outlives 'a (`Values::row`).
        self.datum(column).map(|datum| unsafe { varlena_bytes(datum) })
    }

    fn required<T>(column: C, value: Option<T>) -> Result<T, Unreadable> {
        value.ok_or(Unreadable::NullColumn(column.name()))
    }
}

/// Fails for a row that could be stored, but not written as text of this length: neither dumped nor fetched. A single
/// one would keep everybody from dumping or verifying its table.
pub(crate) fn require_writable(length: u64, table: Table) -> Result<(), Error> {
    /// Half of MaxAllocSize (utils/memutils.h), the most that PostgreSQL can print as a row, since COPY doubles
    /// backslashes.
    const LIMIT: u64 = 0x3fff_ffff / 2;
    if length > LIMIT { Err(Error::TooLong { table, length, limit: LIMIT }) } else { Ok(()) }
}

/// The bytes of a varlena behind its header, detoasted into the current memory context if need be.
///
/// # Safety
/// `datum` points to a varlena. It and the current memory context outlive `'a`.
pub(crate) unsafe fn varlena_bytes<'a>(datum: Datum) -> &'a [u8] {
    // SAFETY: as the caller promises. A varlena with a short or a 4-byte header, uncompressed and in line, is what the
    // two macros give start and length of; pg_detoast_datum_packed makes one of every other kind.
    unsafe {
        let mut varlena = datum.cast_mut_ptr();
        // Most are of that kind already, and a call through pgrx costs more than all the rest here.
        let is_external = pgrx::varatt_is_1b_e(varlena);
        if is_external || !(pgrx::varatt_is_1b(varlena) || pgrx::varatt_is_4b_u(varlena)) {
            varlena = pg_sys::pg_detoast_datum_packed(varlena);
        }
        let length = pgrx::varsize_any_exhdr(varlena);
        std::slice::from_raw_parts(pgrx::vardata_any(varlena).cast(), length)
    }
}
