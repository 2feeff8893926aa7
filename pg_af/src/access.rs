//! What the current user may see of a table.

use pgrx::{PgRelation, Spi, pg_sys};

use crate::error::Error;

/// Whether row-level security may keep rows of `relation` from the current user.
pub(crate) fn may_hide_rows(relation: &PgRelation) -> Result<bool, Error> {
    const QUERY: &str = include_str!("../../sql/may_hide_rows.sql");
    // By select, which is read-only, so that it runs on a standby too.
    let answer =
        Spi::connect(|client| client.select(QUERY, Some(1), &[relation.oid().into()])?.first().get_one());
    // No answer is no permission to say that everything was seen.
    Ok(answer.map_err(Error::Spi)?.unwrap_or(true))
}

/// Whether the current user may read every row of `relation`.
///
/// Errors raised before row-level security has spoken must not tell anybody else where a chain ends.
pub(crate) fn sees_all_rows(relation: &PgRelation) -> Result<bool, Error> {
    // SAFETY: catalog look-ups by OID.
    let granted = unsafe {
        pg_sys::pg_class_aclcheck(relation.oid(), pg_sys::GetUserId(), pg_sys::ACL_SELECT as pg_sys::AclMode)
    };
    Ok(granted == pg_sys::AclResult::ACLCHECK_OK && !may_hide_rows(relation)?)
}
