//! The walk over a table in the order of its chains.

use af_core::chain::{ChainReport, Finding, Verifier, View};
use pgrx::prelude::*;
use pgrx::{PgMemoryContexts, check_for_interrupts, pg_sys};

use super::target::Target;
use crate::tuple::audit::AuditColumn;
use crate::tuple::{Column, Columns, Values};

/// Rows fetched at a time. They are kept as stored: large values stay outside (TOAST) until each
/// row's turn.
const BATCH: i64 = 256;

/// Walks the chains of `target` as far as `view` shows them; `found` is called for each finding. Returns a report a chain.
pub(super) fn walk(target: &Target, view: View, found: &mut impl FnMut(Finding)) -> Vec<ChainReport> {
    let columns = Columns::<AuditColumn>::in_order();
    let mut values = Values::with_width(AuditColumn::ALL.len());
    let mut verifier = Verifier::new(view);
    let mut reports = Vec::new();
    let mut row_memory = PgMemoryContexts::new("pg_af audit entry");
    let (condition, arguments) = target.condition();
    let query = format!(
        "SELECT {} FROM {} {condition} ORDER BY tenant_id, seq",
        AuditColumn::list(),
        target.quoted_name(),
    );

    Spi::connect(|client| {
        let mut cursor = client.open_cursor(query.as_str(), &arguments);
        while let Ok(batch) = cursor.fetch(BATCH) {
            if batch.is_empty() {
                break;
            }
            for row in 0..batch.len() {
                check_for_interrupts!();
                // SAFETY: SPI_tuptable is the batch just fetched, alive until `batch` is dropped,
                // and has that many rows, of the columns that the query names. What is detoasted
                // goes into the row's own memory, which outlives the entry.
                let finished = unsafe {
                    let table = pg_sys::SPI_tuptable;
                    values.deform(*(*table).vals.add(row), (*table).tupdesc);
                    row_memory.switch_to(|_| verifier.push(&values.row(&columns).entry(), found))
                };
                reports.extend(finished);
                // SAFETY: nothing that was allocated there is referred to any more.
                unsafe { row_memory.reset() };
            }
        }
    });
    reports.extend(verifier.finish(found));
    reports
}
