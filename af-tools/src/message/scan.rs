//! The walk over stored messages that verification and replay share: one snapshot, one message at a time.

use std::io;

use af_core::canonical::Json;
use af_core::chain::Unreadable;
use af_core::digest::Digest;
use af_core::envelope::{Envelope, EnvelopeError, EnvelopeHasher};
use af_core::timestamp::Timestamp;
use postgres::Transaction;
use serde::Serialize;
use uuid::Uuid;

use super::columns::MESSAGE_COLUMNS;
use crate::connection::{Connection, begin_snapshot};
use crate::copy::{CopyError, Tuple, TupleReader};
use crate::relation::{Relation, RelationError, tenants_condition};
use crate::server::ServerError;
use crate::watch::Watch;

/// How many messages pass between two looks at the watch.
const STRIDE: u64 = 1024;

/// Which messages.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Of these tenants; of all if there is none.
    pub tenants: Vec<Uuid>,
    /// Of this trace.
    pub trace: Option<String>,
    /// Not sent before this time.
    pub from: Option<Timestamp>,
    /// Sent before this time.
    pub to: Option<Timestamp>,
}

/// A message that is not what its producer vouched for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whose it is.
    pub tenant_id: Option<Uuid>,
    /// Which it is.
    pub id: Option<Uuid>,
    /// The trace it is in.
    pub trace_id: Option<String>,
    /// What is wrong: altered or unsealed.
    pub finding: String,
    /// The same for people.
    pub detail: String,
}

/// Why messages could not be read, or not be passed on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The table is not as it must be.
    #[error(transparent)]
    Relation(#[from] RelationError),
    /// The server refused.
    #[error("{doing}")]
    Server {
        /// What was being done.
        doing: &'static str,
        /// What the server said.
        source: ServerError,
    },
    /// What came over the connection is not what was asked for.
    #[error("read messages")]
    Copy(#[from] CopyError),
    /// An envelope cannot be written.
    #[error("write an envelope")]
    Envelope(#[from] EnvelopeError),
    /// What was read could not be written.
    #[error("write messages")]
    Output(#[source] io::Error),
    /// The user wants to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        const DAMAGED: &str =
            "The server cannot read a message that it has stored, which is damage to the data itself.";
        match self {
            Self::Relation(error) => error.hint(),
            Self::Server { source, .. } | Self::Copy(CopyError::Server(source)) => {
                if source.is_damaged_data() { Some(DAMAGED.to_owned()) } else { source.hint() }
            }
            Self::Copy(_) => {
                Some("Connect to the server directly: something in between changes the data.".to_owned())
            }
            Self::Envelope(_) | Self::Output(_) | Self::Interrupted => None,
        }
    }
}

/// For `map_err`: says what was being done when the server refused.
fn doing<E: Into<ServerError>>(doing: &'static str) -> impl FnOnce(E) -> Error {
    move |error| Error::Server { doing, source: error.into() }
}

/// A stored message, of which nothing is believed.
pub(super) struct Stored<'a> {
    tenant_id: Option<Uuid>,
    id: Option<Uuid>,
    trace_id: Option<&'a [u8]>,
    envelope: Result<Envelope<'a>, Unreadable>,
    hash: Option<&'a [u8]>,
}

impl<'a> Stored<'a> {
    /// Its envelope with the hash that vouches for it, or what is wrong with it.
    pub(super) fn check(&self, hasher: &mut EnvelopeHasher) -> Result<(&Envelope<'a>, Digest), Finding> {
        let envelope = self.envelope.as_ref().map_err(|error| *error);
        hasher.check(envelope, self.hash).map_err(|(kind, detail)| Finding {
            tenant_id: self.tenant_id,
            id: self.id,
            trace_id: self.trace_id.map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
            finding: kind.as_str().to_owned(),
            detail,
        })
    }
}

/// Whether there is any need for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Continue,
    Stop,
}

/// What was seen.
pub(super) struct Seen {
    /// The table.
    pub(super) relation: String,
    /// Whether row-level security may have hidden messages.
    pub(super) may_hide_rows: bool,
    /// How many messages were seen.
    pub(super) messages: u64,
}

/// Gives the selected messages to `each`, one after the other and in the order of time and id if that is wanted.
pub(super) fn scan(
    connection: &mut Connection,
    selection: &Selection,
    is_ordered: bool,
    watch: &mut dyn Watch,
    each: &mut dyn FnMut(&Stored<'_>) -> Result<Next, Error>,
) -> Result<Seen, Error> {
    let canceller = connection.canceller();
    let mut transaction = begin_snapshot(&mut connection.client).map_err(doing("begin a transaction"))?;
    let relation = Relation::find_with_columns(&mut transaction, "messages", &MESSAGE_COLUMNS)?;
    let may_hide_rows =
        relation.may_hide_rows(&mut transaction).map_err(doing("ask for row-level security"))?;
    let estimate = if selection.tenants.is_empty() && selection.trace.is_none() {
        relation.estimate(&mut transaction).map_err(doing("estimate the number of messages"))?
    } else {
        None
    };
    watch.begin(estimate);
    let statement = copy_statement(&mut transaction, &relation, selection, is_ordered)?;
    let copy = transaction.copy_out(&statement).map_err(doing("read messages"))?;
    let mut rows = TupleReader::new(copy, &MESSAGE_COLUMNS);
    let mut messages = 0;
    while let Some(row) = rows.next()? {
        messages += 1;
        if messages % STRIDE == 0 {
            watch.advance(STRIDE);
        }
        if watch.is_interrupted() {
            return Err(Error::Interrupted);
        }
        if each(&stored(&row)?)? == Next::Stop {
            // The rest need not be sent, only to be thrown away here.
            canceller.cancel();
            return Ok(Seen { relation: relation.name, may_hide_rows, messages });
        }
    }
    watch.advance(messages % STRIDE);
    drop(rows);
    transaction.commit().map_err(doing("end the transaction"))?;
    Ok(Seen { relation: relation.name, may_hide_rows, messages })
}

/// COPY takes no parameters: names and texts are quoted by the server.
fn copy_statement(
    transaction: &mut Transaction<'_>,
    relation: &Relation,
    selection: &Selection,
    is_ordered: bool,
) -> Result<String, Error> {
    let Selection { tenants, trace, from, to } = selection;
    let mut conditions: Vec<String> = tenants_condition(tenants).into_iter().collect();
    if let Some(trace) = trace {
        let quoted = transaction.query_one("SELECT quote_literal($1)", &[trace]).map_err(doing("quote"))?;
        conditions.push(format!("trace_id = {}", quoted.get::<_, String>(0)));
    }
    conditions.extend(from.map(|from| format!("ts >= timestamptz '{from}'")));
    conditions.extend(to.map(|to| format!("ts < timestamptz '{to}'")));
    let columns = MESSAGE_COLUMNS.map(|(column, _)| column).join(", ");
    let condition =
        if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    let order = if is_ordered { " ORDER BY ts, id" } else { "" };
    let table = &relation.name;
    Ok(format!("COPY (SELECT {columns} FROM {table}{condition}{order}) TO STDOUT (FORMAT binary)"))
}

/// A row as it is checked. The columns are in the order of `MESSAGE_COLUMNS`.
fn stored<'a>(row: &Tuple<'a>) -> Result<Stored<'a>, CopyError> {
    let id = row.uuid(1)?;
    let (trace_id, span_id) = (row.bytes(2)?, row.bytes(3)?);
    let texts = [row.bytes(4)?, row.bytes(5)?, row.bytes(6)?];
    let contents = [row.jsonb(7)?, row.jsonb(8)?, row.jsonb(9)?];
    let ts = row.int8(10)?;
    let null = |index: usize| Unreadable::NullColumn(MESSAGE_COLUMNS[index].0);
    let envelope = || {
        Ok(Envelope {
            id: id.ok_or(null(1))?,
            trace_id,
            span_id,
            from_agent: texts[0].ok_or(null(4))?,
            to_agent: texts[1].ok_or(null(5))?,
            message_type: texts[2].ok_or(null(6))?,
            payload: Json::Text(contents[0].ok_or(null(7))?),
            metadata: Json::Text(contents[1].ok_or(null(8))?),
            cost: Json::Text(contents[2].ok_or(null(9))?),
            ts: Timestamp::from_postgres_micros(ts.ok_or(null(10))?)?,
        })
    };
    Ok(Stored { tenant_id: row.uuid(0)?, id, trace_id, envelope: envelope(), hash: row.bytes(11)? })
}
