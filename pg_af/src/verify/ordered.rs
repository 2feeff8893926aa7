//! The walk over a table in the order of its chains.

use af_core::chain::{ChainReport, Finding, Verifier, View};

use super::target::{Scope, Target};
use crate::error::Error;
use crate::rows;
use crate::tuple::Column;
use crate::tuple::audit::AuditColumn;

/// Walks the chains of `target` as far as `view` shows them; `found` is called for each finding. Returns a report a chain.
pub(super) fn walk(
    target: &Target,
    view: View,
    found: &mut impl FnMut(Finding),
) -> Result<Vec<ChainReport>, Error> {
    let mut verifier = match target.scope {
        Scope::Since(anchor) => Verifier::since(view, anchor),
        _ => Verifier::new(view),
    };
    let mut reports = Vec::new();
    for condition in target.conditions() {
        let (columns, relation) = (AuditColumn::list(), target.quoted_name());
        let query = format!("SELECT {columns} FROM {relation} {condition} ORDER BY tenant_id, seq");
        rows::for_each::<AuditColumn>(&query, |row| reports.extend(verifier.push(&row.entry(), found)))?;
    }
    reports.extend(verifier.finish(found));
    Ok(reports)
}
