//! What a user writes today: a chain in PL/pgSQL and pgcrypto, as well as can be.

use crate::Error;
use crate::context::Ledger;

pub(crate) const TABLE: &str = "pgcrypto_audits";

/// What verifies it, and a query for each that is true when `$1` entries are right.
pub(crate) const VERIFIERS: [(&str, &str); 3] = [
    ("pgcrypto: loop", "SELECT pgcrypto_verify_loop() = $1"),
    ("pgcrypto: window functions", "SELECT entries = $1 AND wrong = 0 FROM pgcrypto_verify_window"),
    (
        "pgcrypto: parallel contents, then links",
        "SELECT c.entries = $1 AND c.wrong = 0 AND l.entries = $1 AND l.wrong = 0 \
         FROM (SELECT * FROM pgcrypto_verify_contents OFFSET 0) AS c, (SELECT * FROM pgcrypto_verify_links OFFSET 0) AS l",
    ),
];

/// Creates the table, its trigger and its verifiers.
pub(crate) fn create(ledger: &mut Ledger) -> Result<(), Error> {
    let created = ledger.client.batch_execute(include_str!("pgcrypto.sql"));
    created
        .map_err(|error| format!("create a chain with pgcrypto, which belongs to PostgreSQL: {error}").into())
}
