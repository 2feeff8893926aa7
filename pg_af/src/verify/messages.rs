//! `af_message_verify`: the messages that are not what their producers vouched for.

use std::collections::VecDeque;

use af_core::envelope::EnvelopeHasher;
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{PgMemoryContexts, PgRelation, Uuid, check_for_interrupts};

use super::target::Target;
use crate::convert::uuid_to_sql;
use crate::tuple::message::MessageColumn;
use crate::tuple::{Column, Columns, Values};

/// Rows fetched at a time. They are kept as stored: large values stay outside (TOAST) until each row's turn.
const BATCH: i64 = 256;

/// A row of the result.
type Finding = (Option<Uuid>, Option<Uuid>, Option<String>, &'static str, String);

/// Hashes each envelope again: one row for each message that does not match, in no particular order.
///
/// That nothing could be checked, or perhaps not everything, no row can say: a notice or a warning does.
#[pg_extern(stable, parallel_restricted)]
#[expect(clippy::type_complexity, reason = "the columns of the result")]
fn af_message_verify(
    tenant: default!(Option<Uuid>, "NULL"),
    trace_id: default!(Option<&str>, "NULL"),
    relation: default!(Option<PgRelation>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(tenant_id, Option<Uuid>),
            name!(id, Option<Uuid>),
            name!(trace_id, Option<String>),
            name!(finding, &'static str),
            name!(detail, String),
        ),
    >,
    ErrorReport,
> {
    let target = Target::open::<MessageColumn>(tenant, relation)?;
    if target.view()? == af_core::chain::View::Filtered {
        ereport!(
            PgLogLevel::WARNING,
            PgSqlErrorCode::ERRCODE_WARNING,
            "row-level security may hide messages",
            "Messages that are hidden from the current user are not checked."
        );
    }
    Ok(TableIterator::new(Walk::begin(&target, trace_id)))
}

/// The walk over the messages, as far as findings are asked for: what is kept does not grow with their number.
struct Walk {
    /// The cursor's name, until it has been read to its end.
    cursor: Option<String>,
    columns: Columns<MessageColumn>,
    values: Values,
    hasher: EnvelopeHasher,
    checked: u64,
    findings: VecDeque<Finding>,
}

impl Walk {
    fn begin(target: &Target, trace_id: Option<&str>) -> Self {
        let condition = target.condition();
        let mut query = format!("SELECT {} FROM {} {condition}", MessageColumn::list(), target.quoted_name());
        let mut arguments = Vec::new();
        if let Some(trace_id) = trace_id {
            let joint = if condition.is_empty() { "WHERE" } else { "AND" };
            arguments.push(DatumWithOid::from(trace_id.to_owned()));
            query = format!("{query} {joint} trace_id OPERATOR(pg_catalog.=) $1");
        }
        let cursor = Spi::connect(|client| client.open_cursor(query.as_str(), &arguments).detach_into_name());
        Self {
            cursor: Some(cursor),
            columns: Columns::in_order(),
            values: Values::with_width(MessageColumn::ALL.len()),
            hasher: EnvelopeHasher::default(),
            checked: 0,
            findings: VecDeque::new(),
        }
    }

    /// Checks the next messages. The cursor is gone after the last.
    fn advance(&mut self, name: &str) -> Result<(), pgrx::spi::Error> {
        let mut row_memory = PgMemoryContexts::new("pg_af message");
        Spi::connect(|client| {
            let mut cursor = client.find_cursor(name)?;
            let batch = cursor.fetch(BATCH)?;
            for row in 0..batch.len() {
                check_for_interrupts!();
                // SAFETY: SPI_tuptable is the batch just fetched, alive until `batch` is dropped, and has that many
                // rows, of the columns that the query names. What is detoasted goes into the row's own memory, which
                // outlives what is done with it here: a finding owns what it tells.
                let finding = unsafe {
                    let table = pg_sys::SPI_tuptable;
                    self.values.deform(*(*table).vals.add(row), (*table).tupdesc);
                    row_memory.switch_to(|_| self.check())
                };
                self.findings.extend(finding);
                // SAFETY: nothing that was allocated there is referred to any more.
                unsafe { row_memory.reset() };
            }
            self.checked += batch.len() as u64;
            let is_last = batch.is_empty();
            self.cursor = if is_last { None } else { Some(cursor.detach_into_name()) };
            Ok(())
        })
    }

    /// Checks the message in `values`.
    ///
    /// # Safety
    /// They are those of a row that the query selected; it and the current memory context outlive the call.
    unsafe fn check(&mut self) -> Option<Finding> {
        // SAFETY: as the caller promises.
        let row = unsafe { self.values.row(&self.columns) };
        let envelope = row.envelope();
        let stored = row.bytes(MessageColumn::EnvelopeHash);
        let (kind, detail) = self.hasher.check(envelope.as_ref().map_err(|error| *error), stored).err()?;
        let uuid = |column| row.uuid(column).map(uuid_to_sql);
        let trace_id = row.bytes(MessageColumn::TraceId);
        let trace_id = trace_id.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        Some((uuid(MessageColumn::TenantId), uuid(MessageColumn::Id), trace_id, kind.as_str(), detail))
    }
}

impl Iterator for Walk {
    type Item = Finding;

    fn next(&mut self) -> Option<Finding> {
        while self.findings.is_empty() {
            let name = self.cursor.take()?;
            if let Err(error) = self.advance(&name) {
                crate::error::Error::Spi(error).raise();
            }
            if self.cursor.is_none() && self.checked == 0 {
                ereport!(
                    PgLogLevel::NOTICE,
                    PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
                    "there are no messages to verify"
                );
            }
        }
        self.findings.pop_front()
    }
}
