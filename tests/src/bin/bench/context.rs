//! The server that is measured, and what the measurements share.

use std::time::Instant;

use af_tests::database::{connect, migrate, options};
use af_tests::random::Random;
use af_tools::throwaway::{Options, Server};
use postgres::Client;

use crate::Error;
use crate::arguments::Scale;
use crate::content::{CHAIN_COLUMNS, CHAINED, COLUMNS, CONTENT_TABLE, ENTRIES, PLAIN_TABLE};
use crate::figure::Sample;
use crate::rounds::Rounds;

/// What the server is set to beyond its defaults. It is durable, as users' servers are; autovacuum would fall on
/// some measurement by chance, so tables are vacuumed and analysed by hand instead.
pub(crate) const SETTINGS: [(&str, &str); 4] =
    [("shared_buffers", "1GB"), ("max_wal_size", "8GB"), ("checkpoint_timeout", "1h"), ("autovacuum", "off")];

/// What a measurement works with.
pub(crate) struct Context {
    pub(crate) server: Server,
    pub(crate) scale: Scale,
    pub(crate) random: Random,
}

/// A database with all migrations and tenants called `tenant 000`, `tenant 001` and so on.
pub(crate) struct Ledger {
    pub(crate) url: String,
    pub(crate) client: Client,
}

impl Context {
    pub(crate) fn new(scale: Scale) -> Result<Self, Error> {
        let mut settings = options();
        settings.settings.extend(SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let server = Server::start(&Options { durable: true, ..settings })?;
        Ok(Self { server, scale, random: Random::from_environment() })
    }

    pub(crate) fn rounds(&mut self) -> Rounds {
        Rounds { count: self.scale.rounds, random: self.random.fork(), warms_up: true }
    }

    /// A new database, for one measurement to fill and drop.
    pub(crate) fn ledger(&self, name: &str, tenants: i32) -> Result<Ledger, Error> {
        self.server.create_database(name)?;
        let url = self.server.url(name);
        migrate(&url);
        let mut client = connect(&url);
        client.execute(
            "INSERT INTO tenants (name) SELECT 'tenant ' || to_char(n, 'FM000') FROM generate_series(0, $1 - 1) AS n",
            &[&tenants],
        )?;
        Ok(Ledger { url, client })
    }

    /// Gives the disk back.
    pub(crate) fn drop_ledger(&self, ledger: Ledger, name: &str) -> Result<(), Error> {
        drop(ledger);
        Ok(connect(&self.server.url("postgres"))
            .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))?)
    }
}

impl Ledger {
    /// In a new session.
    pub(crate) fn reconnect(&mut self) {
        self.client = connect(&self.url);
    }

    /// Leaves nothing to do later that would fall on what is measured.
    pub(crate) fn settle(&mut self, tables: &[&str]) -> Result<(), Error> {
        // One by one: VACUUM does not run beside other statements.
        for table in tables {
            self.client.batch_execute(&format!("VACUUM ANALYZE {table}"))?;
        }
        Ok(self.client.batch_execute("CHECKPOINT")?)
    }

    /// Inserts so many entries of all tenants into `audits`, or into a table that chains them otherwise.
    pub(crate) fn fill(&mut self, table: &str, entries: i32, tenants: i32) -> Result<(), Error> {
        let insert =
            format!("INSERT INTO {table} ({COLUMNS}) SELECT {COLUMNS} FROM ({ENTRIES} ORDER BY n) AS e");
        self.client.execute(&insert, &[&1, &entries, &tenants])?;
        self.settle(&[table])
    }

    /// Creates a plain table beside audits, and `content`, of so many entries, to insert into either; both may be emptied.
    pub(crate) fn create_content(&mut self, entries: i32, tenants: i32) -> Result<(), Error> {
        self.client.batch_execute(PLAIN_TABLE)?;
        self.client.batch_execute(CONTENT_TABLE)?;
        self.client.batch_execute("ALTER TABLE audits DISABLE TRIGGER af_audit_guard_truncate")?;
        let insert = format!(
            "INSERT INTO content ({COLUMNS}, {CHAIN_COLUMNS}) SELECT * FROM ({CHAINED} FROM ({ENTRIES}) AS e) AS c ORDER BY ts"
        );
        self.client.execute(&insert, &[&1, &entries, &tenants])?;
        self.settle(&["content"])
    }

    /// Times `af_audit_verify()`, which has to find so many entries, all of them right.
    pub(crate) fn verify(&mut self, arguments: &str, entries: u64) -> Result<Sample, Error> {
        let query = format!(
            "SELECT sum(entries) = {entries} AND bool_and(status = 'ok') FROM af_audit_verify({arguments})"
        );
        self.time_query(entries, &query)
    }

    /// Times a query that asks so many items, and whose one value is true if all was right.
    pub(crate) fn time_query(&mut self, items: u64, query: &str) -> Result<Sample, Error> {
        let begun = Instant::now();
        let row = self.client.query_one(query, &[])?;
        let seconds = begun.elapsed().as_secs_f64();
        if row.get::<_, Option<bool>>(0) != Some(true) {
            return Err(format!("is not right: {query}").into());
        }
        Ok(Sample::new(items, seconds))
    }

    /// Times a statement that does so many items.
    pub(crate) fn time(&mut self, items: u64, statement: &str) -> Result<Sample, Error> {
        let begun = Instant::now();
        self.client.batch_execute(statement)?;
        Ok(Sample::new(items, begun.elapsed().as_secs_f64()))
    }
}
