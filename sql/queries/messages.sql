-- Append-only: there is nothing here that changes or deletes.

--: Message(trace_id?, span_id?)

--! create (trace_id?, span_id?) : Message
--- Stores a message as its producer made it: id, ts and envelope_hash are the producer's. Refused (23514) if the hash is
--- not that of the envelope.
INSERT INTO messages (tenant_id, id, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts, envelope_hash)
VALUES (:tenant_id, :id, :trace_id, :span_id, :from_agent, :to_agent, :type, :payload, :metadata, :cost, :ts, :envelope_hash)
RETURNING tenant_id, id, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts, envelope_hash;

--! get : Message
SELECT tenant_id, id, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts, envelope_hash
FROM messages
WHERE tenant_id = :tenant_id AND id = :id;

--! list (after_ts?, after_id?) : Message
--- A page of the tenant's messages, the oldest first: `after_…` are those of the last message of the page before, null
--- for the first page.
SELECT tenant_id, id, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts, envelope_hash
FROM messages
WHERE tenant_id = :tenant_id
    AND (:after_ts::timestamptz IS NULL OR (ts, id) > (:after_ts, :after_id::uuid))
ORDER BY ts, id
LIMIT :max_rows;

--! list_latest (before_ts?, before_id?) : Message
--- The same from the other end, the newest first.
SELECT tenant_id, id, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts, envelope_hash
FROM messages
WHERE tenant_id = :tenant_id
    AND (:before_ts::timestamptz IS NULL OR (ts, id) < (:before_ts, :before_id::uuid))
ORDER BY ts DESC, id DESC
LIMIT :max_rows;

--! list_by_trace (after_ts?, after_id?) : Message
--- A page of a trace's messages in order.
SELECT tenant_id, id, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts, envelope_hash
FROM messages
WHERE tenant_id = :tenant_id AND trace_id = :trace_id
    AND (:after_ts::timestamptz IS NULL OR (ts, id) > (:after_ts, :after_id::uuid))
ORDER BY ts, id
LIMIT :max_rows;
