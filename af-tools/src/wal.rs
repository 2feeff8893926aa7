//! Durability of what is told outside of the database.

use postgres::Transaction;
use postgres::error::SqlState;

use crate::server::ServerError;

/// The call of pg_af's `af_wal_flush()`, where the extension is there and has it.
const CALL: &str = "
    SELECT pg_catalog.format('SELECT %I.af_wal_flush()', n.nspname)
    FROM pg_catalog.pg_extension AS e
    JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
        AND d.refobjid = e.oid AND d.deptype = 'e' AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    JOIN pg_catalog.pg_proc AS p ON p.oid = d.objid AND p.proname = 'af_wal_flush' AND p.pronargs = 0
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE e.extname = 'pg_af'";

/// Has the server make durable what the transaction's snapshot shows, so that nothing is told of entries that a crash
/// takes back. The snapshot is there already. Without pg_af, no entry is seen before it is durable on its account, and
/// there is nothing to do; the same goes for a copy of a database on a server that lacks the extension's library.
pub(crate) fn flush(transaction: &mut Transaction<'_>) -> Result<(), ServerError> {
    let Some(call) = transaction.query_opt(CALL, &[])? else { return Ok(()) };
    transaction.batch_execute("SAVEPOINT before_flush")?;
    match transaction.batch_execute(call.get(0)) {
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_FILE) => {
            transaction.batch_execute("ROLLBACK TO SAVEPOINT before_flush")?;
        }
        flushed => flushed?,
    }
    // Within a savepoint no snapshot could be exported.
    transaction.batch_execute("RELEASE SAVEPOINT before_flush")?;
    Ok(())
}
