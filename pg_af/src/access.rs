//! What the current user may see of a table.

use pgrx::{PgRelation, pg_sys};

/// Whether row-level security keeps rows of `relation` from the current user.
pub(crate) fn hides_rows(relation: &PgRelation) -> bool {
    // SAFETY: the relation exists, it is open; no error is raised where the third argument is set.
    let security = unsafe { pg_sys::check_enable_rls(relation.oid(), pg_sys::InvalidOid, true) };
    security == pg_sys::CheckEnableRlsResult::RLS_ENABLED as i32
}

/// Whether the current user may read every row of `relation`.
///
/// Errors raised before row-level security has spoken must not tell anybody else where a chain ends.
pub(crate) fn sees_all_rows(relation: &PgRelation) -> bool {
    // SAFETY: catalog look-ups by OID.
    let granted =
        unsafe { pg_sys::pg_class_aclcheck(relation.oid(), pg_sys::GetUserId(), pg_sys::ACL_SELECT) };
    granted == pg_sys::AclResult::ACLCHECK_OK && !hides_rows(relation)
}
