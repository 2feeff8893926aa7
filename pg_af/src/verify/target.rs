//! What is to be checked: a table, and one chain or all of them.

use std::ffi::CString;

use af_core::chain::{Anchor, View};
use pgrx::PgRelation;
use pgrx::pg_sys;

use crate::access;
use crate::convert::uuid_to_sql;
use crate::error::{Error, Table};
use crate::tuple::{Column, Columns};

/// Which chains of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scope {
    All,
    Tenant(pgrx::Uuid),
    /// The rows that belong to none: where there are any, somebody has put constraints out of the way.
    WithoutTenant,
    /// A recorded entry, and what came since.
    Since(Anchor),
}

/// A table of the wanted kind, opened and locked against changes of its shape.
#[derive(Clone)]
pub(super) struct Target {
    relation: PgRelation,
    pub(super) scope: Scope,
}

impl Target {
    /// `relation`, or the table of its kind that the caller's search_path leads to. It has the columns `C`. Without a
    /// tenant, all chains are meant.
    pub(super) fn open<C: Column>(
        tenant: Option<pgrx::Uuid>,
        relation: Option<PgRelation>,
    ) -> Result<Self, Error> {
        let relation = match relation {
            Some(relation) => relation,
            None => {
                let name = C::TABLE.default_name();
                PgRelation::open_with_name_and_share_lock(name).map_err(|_| Error::NoTable(name))?
            }
        };
        let kind = u32::from(relation_kind(&relation));
        if kind != u32::from(pg_sys::RELKIND_RELATION) && kind != u32::from(pg_sys::RELKIND_PARTITIONED_TABLE)
        {
            return Err(Error::NotATable { relation: relation.name().into() });
        }
        Columns::<C>::of(&relation)?;
        Ok(Self { relation, scope: tenant.map_or(Scope::All, Scope::Tenant) })
    }

    /// What came since a recorded entry.
    pub(super) fn since(self, anchor: Anchor) -> Self {
        Self { scope: Scope::Since(anchor), ..self }
    }

    /// One chain of it.
    pub(super) fn chain(&self, tenant: Option<pgrx::Uuid>) -> Self {
        Self { scope: tenant.map_or(Scope::WithoutTenant, Scope::Tenant), ..self.clone() }
    }

    pub(super) fn oid(&self) -> pg_sys::Oid {
        self.relation.oid()
    }

    /// Whether it is what a ledger is called by default, and so what its companions in the schema belong to.
    pub(super) fn is_ledger(&self) -> bool {
        self.relation.name() == Table::Audits.default_name()
    }

    pub(super) fn owner(&self) -> pg_sys::Oid {
        // SAFETY: rd_rel of an open relation is valid.
        unsafe { (*self.relation.rd_rel).relowner }
    }

    /// The relation of this name in the same schema, whatever the search_path, opened and locked as this one is.
    pub(super) fn neighbour(&self, name: &str) -> Option<PgRelation> {
        let name = CString::new(name).ok()?;
        // SAFETY: a look-up by name and schema.
        let oid = unsafe { pg_sys::get_relname_relid(name.as_ptr(), self.relation.namespace_oid()) };
        if oid == pg_sys::Oid::INVALID {
            return None;
        }
        // SAFETY: it is locked, to the transaction's end, before it is opened, and null where it is gone by then.
        unsafe {
            let relation = pg_sys::try_relation_open(oid, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
            (!relation.is_null()).then(|| PgRelation::from_pg_owned(relation))
        }
    }

    /// Its name for use in a query, with its schema, quoted.
    pub(super) fn quoted_name(&self) -> String {
        pgrx::spi::quote_qualified_identifier(self.relation.namespace(), self.relation.name())
    }

    /// What the current user sees of it.
    pub(super) fn view(&self) -> Result<View, Error> {
        Ok(if access::may_hide_rows(&self.relation)? { View::Filtered } else { View::Whole })
    }

    /// The conditions on rows, for a query each: their rows one after the other are those wanted.
    pub(super) fn conditions(&self) -> Vec<String> {
        // Operators are named with their schema, so that no other can be slipped in before them.
        let of = |tenant| format!("WHERE tenant_id OPERATOR(pg_catalog.=) '{tenant}'::pg_catalog.uuid");
        match self.scope {
            Scope::All => vec![String::new()],
            Scope::Tenant(tenant) => vec![of(tenant)],
            Scope::WithoutTenant => vec!["WHERE tenant_id IS NULL".to_owned()],
            // Rows without seq, which constraints forbid, belong to every part. Asked for with OR, they would keep
            // PostgreSQL from going to the others by index.
            Scope::Since(Anchor { tenant_id, seq, .. }) => {
                let of = of(uuid_to_sql(tenant_id));
                vec![
                    format!("{of} AND seq OPERATOR(pg_catalog.>=) {seq}::pg_catalog.int8"),
                    format!("{of} AND seq IS NULL"),
                ]
            }
        }
    }

    /// The condition of a query for all rows of a tenant, or of all.
    pub(super) fn condition(&self) -> String {
        self.conditions().swap_remove(0)
    }
}

fn relation_kind(relation: &PgRelation) -> u8 {
    // SAFETY: rd_rel of an open relation is valid.
    unsafe { (*relation.rd_rel).relkind as u8 }
}
