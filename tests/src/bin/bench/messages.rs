//! Messages: what the check of the envelope costs an insertion, and how fast they are verified.

use std::error::Error;
use std::time::Instant;

use af_tests::ledger::add_tenant;
use af_tests::tools;

use crate::{Bench, insertion_line, median, verification_line};

/// Same columns, keys, constraints and indexes as messages, without triggers; and the messages that go into either, with
/// their hashes ready.
const SETUP: &str = "
    CREATE TABLE plain_messages (LIKE messages INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);
    ALTER TABLE plain_messages ADD FOREIGN KEY (tenant_id) REFERENCES tenants (id);
    CREATE TABLE sent (LIKE messages)";

/// Some 300 bytes of nested JSON a message, as the entries have.
const CONTENT: &str = "
    INSERT INTO sent
    SELECT m.*, af_envelope_hash(id, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts)
    FROM (SELECT $2::uuid AS tenant_id, md5(n::text)::uuid AS id, 'trace-' || n / 20 AS trace_id, 'span-' || n % 20 AS span_id,
                 'agent-' || n % 7 AS from_agent, 'agent-' || n % 11 AS to_agent, 'event' AS type,
                 jsonb_build_object('n', n, 'ratio', n / 7.0, 'text', 'Übergröße ' || md5(n::text),
                     'request', jsonb_build_object('id', md5((-n)::text), 'parameters', jsonb_build_array(n, NULL, true, 'ü' || n))) AS payload,
                 jsonb_build_object('attempt', 1 + n % 3, 'model', 'large') AS metadata,
                 jsonb_build_object('tokens', n % 5000, 'usd', n / 1e6) AS cost,
                 timestamptz '2026-01-01 00:00+00' + n * interval '1.000001 s' AS ts
          FROM generate_series(1, $1::int) AS n) AS m";

/// The lines about messages.
pub(crate) fn measure(bench: &mut Bench, url: &str) -> Result<String, Box<dyn Error>> {
    let rows = bench.arguments.rows;
    bench.client.batch_execute(SETUP)?;
    let tenant = add_tenant(&mut bench.client, "messages");
    let mut table =
        String::from("\nmessages                             plain µs/row   checked µs/row    ratio\n");
    for rows in [rows, 10 * rows] {
        let [plain, checked] = bench.alternate(
            rows,
            |bench| {
                bench.client.batch_execute(
                    "ALTER TABLE messages DISABLE TRIGGER USER; TRUNCATE messages, plain_messages, sent; \
                     ALTER TABLE messages ENABLE ALWAYS TRIGGER zz_af_envelope_check",
                )?;
                bench.client.execute(CONTENT, &[&rows, &tenant])?;
                bench.settle(&["sent", "messages", "plain_messages"])
            },
            "INSERT INTO plain_messages SELECT * FROM sent",
            "INSERT INTO messages SELECT * FROM sent",
        )?;
        table += &insertion_line(&format!("bulk of {rows} rows"), plain, checked);
    }
    table += "\nverification                           messages    µs/message  messages/s\n";
    bench.settle(&["messages"])?;
    let rows = 10 * rows;
    table += &verification_line("af_message_verify()", rows, verify_inside(bench)?);
    table += &verification_line("af-tools message verify", rows, verify_outside(bench, url, rows)?);
    Ok(table)
}

/// Seconds that `af_message_verify()` takes.
fn verify_inside(bench: &mut Bench) -> Result<f64, Box<dyn Error>> {
    let mut seconds = Vec::new();
    for _ in 0..=bench.arguments.rounds {
        let begun = Instant::now();
        let findings: i64 = bench.client.query_one("SELECT count(*) FROM af_message_verify()", &[])?.get(0);
        seconds.push(begun.elapsed().as_secs_f64());
        if findings != 0 {
            return Err("the messages do not verify".into());
        }
    }
    Ok(median(seconds.split_off(1)))
}

/// Seconds that af-tools takes for the verification itself, as it says, without its start.
fn verify_outside(bench: &Bench, url: &str, rows: i32) -> Result<f64, Box<dyn Error>> {
    let mut seconds = Vec::new();
    for _ in 0..=bench.arguments.rounds {
        let run = tools::run(&["--url", url, "--json", "message", "verify"]);
        let result = &run.json()["result"];
        if run.code != Some(0) || result["messages"].as_i64() != Some(i64::from(rows)) {
            return Err(format!("af-tools does not verify the messages: {run:?}").into());
        }
        seconds.push(result["seconds"].as_f64().ok_or("af-tools does not say how long it took")?);
    }
    Ok(median(seconds.split_off(1)))
}
