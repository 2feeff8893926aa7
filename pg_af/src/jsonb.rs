//! `jsonb` arguments by their bytes, without a parse into a tree.

use af_core::canonical::Json;
use pgrx::callconv::{Arg, ArgAbi};
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{FromDatum, pg_sys};

use crate::tuple::varlena_bytes;

/// A `jsonb` value, detoasted.
#[derive(Clone, Copy)]
pub(crate) struct Jsonb<'a> {
    bytes: &'a [u8],
}

impl<'a> Jsonb<'a> {
    /// The value as `af-core` reads it.
    pub(crate) fn json(self) -> Json<'a> {
        Json::Jsonb(self.bytes)
    }
}

impl FromDatum for Jsonb<'_> {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        // SAFETY: the caller promises that a datum that is not null is one of the SQL type below, a
        // varlena; it or its detoasted copy lives as long as the function call.
        (!is_null).then(|| Self { bytes: unsafe { varlena_bytes(datum) } })
    }
}

// SAFETY: the value is made from the argument's datum and its null flag, as pgrx does for its own types.
unsafe impl<'fcx> ArgAbi<'fcx> for Jsonb<'fcx> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        let index = arg.index();
        // SAFETY: SQL declares the argument as jsonb.
        unsafe { arg.unbox_arg_using_from_datum() }
            .unwrap_or_else(|| panic!("argument {index} must not be null"))
    }
}

// SAFETY: names the SQL type whose datums `from_polymorphic_datum` reads.
unsafe impl SqlTranslatable for Jsonb<'_> {
    const TYPE_IDENT: &'static str = "pg_af::jsonb::Jsonb";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("jsonb"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Ok(ReturnsRef::One(SqlMappingRef::literal("jsonb")));
}
