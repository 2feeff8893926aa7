//! The canonical envelope and its hash as SQL functions, for producers to compare with and for whoever redoes one by hand.
//!
//! They are declared in SQL because an argument is named as its column is, `type`, which pgrx would write as `r#type`.

use af_core::envelope::{Envelope, EnvelopeHasher};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::convert::{timestamp_from_sql, uuid_from_sql};
use crate::error::{Error, Table};
use crate::functions::TextSink;
use crate::jsonb::Jsonb;

/// The canonical envelope of a message; null if a column is null that a message must have. A `trace_id` or `span_id` that
/// is null is written as the empty string.
#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"CREATE FUNCTION af_envelope(
        id uuid, trace_id text, span_id text, from_agent text, to_agent text, type text,
        payload jsonb, metadata jsonb, cost jsonb, ts timestamptz
    ) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';"#
)]
#[expect(clippy::too_many_arguments, reason = "one for each hashed column")]
fn af_envelope(
    id: Option<pgrx::Uuid>,
    trace_id: Option<&str>,
    span_id: Option<&str>,
    from_agent: Option<&str>,
    to_agent: Option<&str>,
    message_type: Option<&str>,
    payload: Option<Jsonb<'_>>,
    metadata: Option<Jsonb<'_>>,
    cost: Option<Jsonb<'_>>,
    ts: Option<TimestampWithTimeZone>,
) -> Result<Option<String>, ErrorReport> {
    let envelope =
        envelope(id, trace_id, span_id, from_agent, to_agent, message_type, payload, metadata, cost, ts)?;
    let Some(envelope) = envelope else { return Ok(None) };
    let mut sink = TextSink::default();
    EnvelopeHasher::default().write(&envelope, &mut sink).map_err(Error::Envelope)?;
    Ok(Some(sink.into_text()?))
}

/// The hash of a message's envelope, 64 lower-case hexadecimal digits; null if a column is null that a message must have.
#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"CREATE FUNCTION af_envelope_hash(
        id uuid, trace_id text, span_id text, from_agent text, to_agent text, type text,
        payload jsonb, metadata jsonb, cost jsonb, ts timestamptz
    ) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';"#
)]
#[expect(clippy::too_many_arguments, reason = "one for each hashed column")]
fn af_envelope_hash(
    id: Option<pgrx::Uuid>,
    trace_id: Option<&str>,
    span_id: Option<&str>,
    from_agent: Option<&str>,
    to_agent: Option<&str>,
    message_type: Option<&str>,
    payload: Option<Jsonb<'_>>,
    metadata: Option<Jsonb<'_>>,
    cost: Option<Jsonb<'_>>,
    ts: Option<TimestampWithTimeZone>,
) -> Result<Option<String>, ErrorReport> {
    let envelope =
        envelope(id, trace_id, span_id, from_agent, to_agent, message_type, payload, metadata, cost, ts)?;
    let Some(envelope) = envelope else { return Ok(None) };
    let hash = EnvelopeHasher::default().hash(&envelope).map_err(Error::Envelope)?;
    Ok(Some(hash.to_string()))
}

/// The envelope of these columns, unless one is null that must not be.
#[expect(clippy::too_many_arguments, reason = "one for each hashed column")]
fn envelope<'a>(
    id: Option<pgrx::Uuid>,
    trace_id: Option<&'a str>,
    span_id: Option<&'a str>,
    from_agent: Option<&'a str>,
    to_agent: Option<&'a str>,
    message_type: Option<&'a str>,
    payload: Option<Jsonb<'a>>,
    metadata: Option<Jsonb<'a>>,
    cost: Option<Jsonb<'a>>,
    ts: Option<TimestampWithTimeZone>,
) -> Result<Option<Envelope<'a>>, Error> {
    let Some(ts) = ts else { return Ok(None) };
    let ts = timestamp_from_sql(ts, Table::Messages)?;
    let envelope = || {
        Some(Envelope {
            id: uuid_from_sql(id?),
            trace_id: trace_id.map(str::as_bytes),
            span_id: span_id.map(str::as_bytes),
            from_agent: from_agent?.as_bytes(),
            to_agent: to_agent?.as_bytes(),
            message_type: message_type?.as_bytes(),
            payload: payload?.json(),
            metadata: metadata?.json(),
            cost: cost?.json(),
            ts,
        })
    };
    Ok(envelope())
}
