//! `bench [--rows N] [--rounds N] [--entries N]`: what chaining costs an insertion, and how fast each verifier is.
//!
//! Insertion: the same rows go into the ledger and into a table of the same columns and indexes without triggers, the
//! chain columns being ready values there. The two alternate, in changing order, so that what else the machine does
//! falls on both; medians are compared. Verification: both verifiers over the same chains, of two sizes, for which the
//! time of one entry should be the same. Messages: the same for their check and their verifiers.
//!
//! Times depend on the machine and on its mood; ratios of one run are what may be quoted.

#![forbid(unsafe_code)]

mod messages;

use std::error::Error;
use std::time::Instant;

use af_tests::database::{connect, migrate, options};
use af_tests::ledger::add_tenant;
use af_tests::random::Random;
use af_tests::tools;
use af_tools::throwaway::{Options, Server};
use clap::Parser;
use postgres::Client;
use uuid::Uuid;

#[derive(Parser)]
#[command(about = "Measure insertion and verification on a throw-away server")]
struct Arguments {
    /// Rows in a bulk insertion; there is one of ten times as many too, which should take ten times as long
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(i32).range(1_000..))]
    rows: i32,
    /// How often each measurement is repeated
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(3..))]
    rounds: u32,
    /// The larger ledger to verify has so many entries, the smaller a tenth of them
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(i32).range(10_000..))]
    entries: i32,
}

/// Same columns, keys and indexes as audits; nothing that chains or guards.
const PLAIN: &str = "
    CREATE TABLE plain (LIKE audits INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);
    ALTER TABLE plain ADD FOREIGN KEY (tenant_id) REFERENCES tenants (id);
    CREATE SEQUENCE plain_seq CACHE 1000";

/// The content of row `n`: some 300 bytes of nested JSON with text, numbers and nulls.
const CONTENT: &str = "
    SELECT t.id AS tenant_id, timestamptz '2026-01-01 00:00+00' + n * interval '1.000001 s' AS ts,
           'user' AS actor_type, 'user-' || n % 97 AS actor_id, 'update' AS action, 'document' AS resource_type,
           'document-' || n AS resource_id,
           jsonb_build_object('n', n, 'ratio', n / 7.0, 'ip', '10.0.' || n % 256 || '.' || n % 251,
               'agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:' || n % 100 || '.0) Gecko/20100101',
               'request', jsonb_build_object('id', md5(n::text), 'parameters', jsonb_build_array(n, NULL, true, 'ü' || n)),
               'response', jsonb_build_object('status', 200, 'bytes', n * 17, 'error', NULL)) AS details
    FROM generate_series(1, $1::int) AS n
    JOIN (SELECT id, row_number() OVER (ORDER BY name) - 1 AS number FROM tenants) AS t ON t.number = n % $2::int";

struct Bench {
    client: Client,
    arguments: Arguments,
    random: Random,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this program's result and its failure")]
fn main() -> std::process::ExitCode {
    match run(Arguments::parse()) {
        Ok(table) => {
            print!("{table}");
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<String, Box<dyn Error>> {
    let mut settings = options();
    for (name, value) in [("shared_buffers", "1GB"), ("max_wal_size", "8GB"), ("autovacuum", "off")] {
        settings.settings.push((name.to_owned(), value.to_owned()));
    }
    let server = Server::start(&Options { durable: true, ..settings })?;
    server.create_database("bench")?;
    let url = server.url("bench");
    migrate(&url);
    let mut client = connect(&url);
    for n in 0..100 {
        add_tenant(&mut client, &format!("tenant {n:03}"));
    }
    client.batch_execute(PLAIN)?;
    // The content is made once; what is measured is its insertion.
    client.batch_execute(
        "CREATE TABLE content (tenant_id uuid, ts timestamptz, actor_type text, actor_id text, action text, \
                          resource_type text, resource_id text, details jsonb)",
    )?;
    let mut bench = Bench { client, arguments, random: Random::from_environment() };
    let mut table = String::new();
    let version: String = bench.client.query_one("SHOW server_version", &[])?.get(0);
    table += &format!("PostgreSQL {version}, durable; {} rounds, medians\n\n", bench.arguments.rounds);

    table += "insertion                            plain µs/row   chained µs/row    ratio\n";
    let rows = bench.arguments.rows;
    for (rows, tenants) in [(rows, 1), (10 * rows, 1), (10 * rows, 100)] {
        let [plain, chained] = bench.bulk(rows, tenants)?;
        let name = format!("bulk of {rows} rows, {tenants} tenant(s)");
        table += &insertion_line(&name, plain, chained);
    }
    let [plain, chained] = bench.single_rows()?;
    table += &insertion_line("one row a transaction, 1 session", plain, chained);

    table += "\nverification                            entries      µs/entry   entries/s\n";
    for entries in [bench.arguments.entries / 10, bench.arguments.entries] {
        bench.fill(entries, 10)?;
        let inside = bench.verify_inside(entries)?;
        let outside = bench.verify_outside(&url, entries)?;
        table += &verification_line("af_audit_verify()", entries, inside);
        table += &verification_line("af-tools audit verify", entries, outside);
    }
    table += &messages::measure(&mut bench, &url)?;
    Ok(table)
}

fn insertion_line(name: &str, plain: f64, chained: f64) -> String {
    format!("{name:<36} {plain:>12.2} {chained:>16.2} {:>8.2}\n", chained / plain)
}

fn verification_line(name: &str, entries: i32, seconds: f64) -> String {
    let entries_per_second = f64::from(entries) / seconds;
    format!("{name:<36} {entries:>10} {:>13.2} {entries_per_second:>11.0}\n", 1e6 / entries_per_second)
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

impl Bench {
    /// Empties both tables, and makes the content of a measurement.
    fn prepare(&mut self, rows: i32, tenants: i32) -> Result<(), Box<dyn Error>> {
        self.client.batch_execute(
            "ALTER TABLE audits DISABLE TRIGGER USER; TRUNCATE audits, plain, content; \
             ALTER TABLE audits ENABLE ALWAYS TRIGGER zz_af_audit_chain; ALTER SEQUENCE plain_seq RESTART",
        )?;
        self.client.execute(&format!("INSERT INTO content {CONTENT}"), &[&rows, &tenants])?;
        self.settle(&["content", "audits", "plain"])
    }

    /// Leaves nothing to do later that would fall on what is measured.
    fn settle(&mut self, tables: &[&str]) -> Result<(), Box<dyn Error>> {
        // One by one: VACUUM does not run beside other statements.
        for table in tables {
            self.client.batch_execute(&format!("VACUUM ANALYZE {table}"))?;
        }
        Ok(self.client.batch_execute("CHECKPOINT")?)
    }

    /// Which of two things to do first: by chance, so that neither always finds the machine as the other left it.
    fn order(&mut self) -> [bool; 2] {
        if self.random.percent(50) { [true, false] } else { [false, true] }
    }

    /// Microseconds a row of one INSERT … SELECT, plain and chained.
    fn bulk(&mut self, rows: i32, tenants: i32) -> Result<[f64; 2], Box<dyn Error>> {
        let columns = "tenant_id, ts, actor_type, actor_id, action, resource_type, resource_id, details";
        let plain = format!(
            "INSERT INTO plain ({columns}, seq, hash_version, prev_hash, hash) \
             SELECT {columns}, nextval('plain_seq') + 1, 1, decode(repeat('ab', 32), 'hex'), \
                    decode(repeat('cd', 32), 'hex') FROM content"
        );
        let chained = format!("INSERT INTO audits ({columns}) SELECT {columns} FROM content");
        self.alternate(rows, |bench| bench.prepare(rows, tenants), &plain, &chained)
    }

    /// Microseconds a row of two statements that insert so many, each round prepared anew.
    fn alternate(
        &mut self,
        rows: i32,
        prepare: impl Fn(&mut Self) -> Result<(), Box<dyn Error>>,
        plain: &str,
        with_trigger: &str,
    ) -> Result<[f64; 2], Box<dyn Error>> {
        let mut seconds = [Vec::new(), Vec::new()];
        // The first round warms up, and does not count.
        for round in 0..=self.arguments.rounds {
            prepare(self)?;
            for has_trigger in self.order() {
                let begun = Instant::now();
                self.client.batch_execute(if has_trigger { with_trigger } else { plain })?;
                if round > 0 {
                    seconds[usize::from(has_trigger)].push(begun.elapsed().as_secs_f64());
                }
            }
        }
        Ok(seconds.map(|seconds| median(seconds) * 1e6 / f64::from(rows)))
    }

    /// Microseconds of a transaction with one row, from one session; every one is flushed.
    fn single_rows(&mut self) -> Result<[f64; 2], Box<dyn Error>> {
        const ROWS: u32 = 400;
        self.prepare(1, 1)?;
        let tenant: Uuid = self.client.query_one("SELECT id FROM tenants ORDER BY name LIMIT 1", &[])?.get(0);
        let columns = "tenant_id, actor_type, actor_id, action, resource_type, details, ts";
        let values = "$1, 'user', 'someone', 'read', 'document', '{\"pages\": [1, 2, 3], \"title\": \"x\"}', clock_timestamp()";
        let plain = self.client.prepare(&format!(
            "INSERT INTO plain ({columns}, seq, hash_version, prev_hash, hash) VALUES ({values}, \
             nextval('plain_seq') + 1, 1, decode(repeat('ab', 32), 'hex'), decode(repeat('cd', 32), 'hex'))"
        ))?;
        let chained = self.client.prepare(&format!("INSERT INTO audits ({columns}) VALUES ({values})"))?;
        let mut seconds = [Vec::new(), Vec::new()];
        for round in 0..=self.arguments.rounds {
            for is_chained in self.order() {
                let begun = Instant::now();
                for _ in 0..ROWS {
                    self.client.execute(if is_chained { &chained } else { &plain }, &[&tenant])?;
                }
                if round > 0 {
                    seconds[usize::from(is_chained)].push(begun.elapsed().as_secs_f64());
                }
            }
        }
        Ok(seconds.map(|seconds| median(seconds) * 1e6 / f64::from(ROWS)))
    }

    /// A ledger of so many entries to verify.
    fn fill(&mut self, entries: i32, tenants: i32) -> Result<(), Box<dyn Error>> {
        self.prepare(entries, tenants)?;
        let columns = "tenant_id, ts, actor_type, actor_id, action, resource_type, resource_id, details";
        self.client
            .batch_execute(&format!("INSERT INTO audits ({columns}) SELECT {columns} FROM content"))?;
        self.client.batch_execute("VACUUM ANALYZE audits")?;
        Ok(())
    }

    /// Seconds that `af_audit_verify()` takes.
    fn verify_inside(&mut self, entries: i32) -> Result<f64, Box<dyn Error>> {
        let mut seconds = Vec::new();
        for _ in 0..=self.arguments.rounds {
            let begun = Instant::now();
            let row = self.client.query_one(
                "SELECT sum(entries)::bigint, bool_and(status = 'ok') FROM af_audit_verify()",
                &[],
            )?;
            seconds.push(begun.elapsed().as_secs_f64());
            if (row.get::<_, i64>(0), row.get::<_, bool>(1)) != (i64::from(entries), true) {
                return Err("the ledger does not verify".into());
            }
        }
        Ok(median(seconds.split_off(1)))
    }

    /// Seconds that af-tools takes for the verification itself, as it says, without its start.
    fn verify_outside(&mut self, url: &str, entries: i32) -> Result<f64, Box<dyn Error>> {
        let mut seconds = Vec::new();
        for _ in 0..=self.arguments.rounds {
            let run = tools::run(&["--url", url, "--json", "audit", "verify"]);
            let result = &run.json()["result"];
            if run.code != Some(0) || result["entries"].as_i64() != Some(i64::from(entries)) {
                return Err(format!("af-tools does not verify the ledger: {run:?}").into());
            }
            seconds.push(result["seconds"].as_f64().ok_or("af-tools does not say how long it took")?);
        }
        Ok(median(seconds.split_off(1)))
    }
}
