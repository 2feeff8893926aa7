// Prints the envelope hash of each message on standard input, one JSON object a line. Node 18 or later.
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import canonicalize from "canonicalize";

interface Message {
  id: string;
  trace_id: string | null;
  span_id: string | null;
  from_agent: string;
  to_agent: string;
  type: "request" | "response" | "event" | "control";
  payload: unknown;
  metadata: Record<string, unknown> | null;
  cost: Record<string, unknown> | null;
  ts: string;
}

/** In UTC, without trailing zeros. From a text, because a Date has no microseconds; its own toISOString() will do. */
function timestamp(ts: string): string {
  const seconds = new Date(ts).toISOString().slice(0, 19);
  const fraction = /\.(\d*?)0*[Z+-]/.exec(ts)?.[1];
  return fraction ? `${seconds}.${fraction}Z` : `${seconds}Z`;
}

export function envelopeHash(message: Message): string {
  const envelope = canonicalize({
    cost: message.cost,
    from: message.from_agent,
    id: message.id.toLowerCase(),
    metadata: message.metadata,
    payload: message.payload,
    span_id: message.span_id ?? "",
    to: message.to_agent,
    trace_id: message.trace_id ?? "",
    ts: timestamp(message.ts),
    type: message.type,
  });
  return createHash("sha256").update(envelope!).digest("hex");
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(envelopeHash(JSON.parse(line)));
}
