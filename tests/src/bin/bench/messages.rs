//! Messages: what the check of the envelope costs an insertion, and how fast they are verified.

use postgres::types::ToSql;

use crate::Error;
use crate::content::MESSAGES;
use crate::context::{Context, Ledger};
use crate::figure::{Baseline, Figure, Ratio};
use crate::number::count;
use crate::rounds::Candidate;
use crate::verification::run_af_tools;

const DATABASE: &str = "messages";

/// Same columns, keys, constraints and indexes as messages, without triggers; and the messages that go into either, with
/// their hashes ready.
const SETUP: &str = "
    CREATE TABLE plain_messages (LIKE messages INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);
    ALTER TABLE plain_messages ADD FOREIGN KEY (tenant_id) REFERENCES tenants (id);
    ALTER TABLE messages DISABLE TRIGGER af_audit_guard_truncate;
    CREATE TABLE sent (LIKE messages)";

pub(crate) fn measure(context: &mut Context) -> Result<Vec<Figure>, Error> {
    let rows = context.scale.rows;
    let items = u64::try_from(rows)?;
    let mut ledger = context.ledger(DATABASE, 1)?;
    ledger.client.batch_execute(SETUP)?;
    let tenant: uuid::Uuid = ledger.client.query_one("SELECT id FROM tenants", &[])?.get(0);
    let arguments: [&(dyn ToSql + Sync); 2] = [&rows, &tenant];
    ledger.client.execute(&format!("INSERT INTO sent {MESSAGES}"), &arguments)?;
    ledger.settle(&["sent"])?;

    let insert = |label: &str, table: &'static str| {
        Candidate::new(label, move |ledger: &mut Ledger| {
            ledger.client.batch_execute(&format!("TRUNCATE {table}"))?;
            ledger.settle(&[table])?;
            ledger.time(items, &format!("INSERT INTO {table} SELECT * FROM sent"))
        })
    };
    let candidates = vec![insert("plain table", "plain_messages"), insert("pg_af", "messages")];
    let points = context.rounds().interleave(&mut ledger, candidates)?;
    let title = format!("Insertion of {} messages in one statement", count(rows));
    let mut insertion = Figure::new("messages-insertion", title, "message", points);
    insertion.baseline = Some(Baseline { label: "plain table".to_owned(), by: Ratio::Time });

    ledger.settle(&["messages"])?;
    let inside = Candidate::new("af_message_verify()", move |ledger: &mut Ledger| {
        ledger.time_query(items, "SELECT count(*) = 0 FROM af_message_verify()")
    });
    let outside = Candidate::new("af-tools message verify", move |ledger: &mut Ledger| {
        run_af_tools(&ledger.url, &["message", "verify"], "messages", items)
    });
    let points = context.rounds().interleave(&mut ledger, vec![inside, outside])?;
    let title = format!("Verification of {} messages", count(rows));
    let verification = Figure::new("messages-verification", title, "message", points);
    context.drop_ledger(ledger, DATABASE)?;
    Ok(vec![insertion, verification])
}
