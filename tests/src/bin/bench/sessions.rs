//! Insertion one row a transaction, by many sessions at once: what chaining costs where every commit is flushed.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use tempfile::NamedTempFile;

use crate::Error;
use crate::content::PLAIN_TABLE;
use crate::context::{Context, Ledger};
use crate::figure::{Baseline, Figure, Ratio, Sample, Target};
use crate::rounds::{Candidate, Rounds};

const DATABASE: &str = "sessions";
const PLAIN: &str = "plain table";
const EARLY: &str = "pg_af, lock released early";
const HELD: &str = "pg_af, lock held to the end";

/// Who inserts, and on which disk.
#[derive(Clone, Copy)]
struct Load {
    tenants: u32,
    clients: u32,
    /// By how much each flush is delayed (`commit_delay`): 0 is the real disk.
    flush_delay_us: u32,
}

const LOADS: [Load; 8] = [
    Load::new(1, 1),
    Load::new(1, 8),
    Load::new(1, 32),
    Load::new(32, 8),
    Load::new(32, 32),
    Load::new(1, 8).on_slow_disk(),
    Load::new(1, 32).on_slow_disk(),
    Load::new(32, 32).on_slow_disk(),
];
const TENANTS: u32 = 32;

impl Load {
    const fn new(tenants: u32, clients: u32) -> Self {
        Self { tenants, clients, flush_delay_us: 0 }
    }

    /// What a disk without a cache of its own, or one in another building, takes to flush.
    const fn on_slow_disk(self) -> Self {
        Self { flush_delay_us: 5000, ..self }
    }

    fn group(self) -> String {
        let plural = |count, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        let mut name = format!("{}, {}", plural(self.tenants, "tenant"), plural(self.clients, "client"));
        if self.flush_delay_us > 0 {
            name += &format!(", flush + {} ms", self.flush_delay_us / 1000);
        }
        name
    }

    /// The settings of its sessions. A delay applies whoever else is there.
    fn settings(self, table: Table) -> String {
        format!(
            "-c pg_af.early_release={} -c commit_delay={} -c commit_siblings=0",
            table.early_release, self.flush_delay_us
        )
    }
}

/// A table to insert into, and the setting under which.
#[derive(Clone, Copy)]
struct Table {
    label: &'static str,
    name: &'static str,
    early_release: &'static str,
}

const TABLES: [Table; 3] = [
    Table { label: PLAIN, name: "plain", early_release: "auto" },
    Table { label: EARLY, name: "audits", early_release: "on" },
    Table { label: HELD, name: "audits", early_release: "off" },
];

pub(crate) fn measure(context: &mut Context) -> Result<Vec<Figure>, Error> {
    let seconds = context.scale.seconds;
    let mut ledger = context.ledger(DATABASE, 0)?;
    ledger.client.batch_execute(&format!(
        "INSERT INTO tenants (id, name) SELECT lpad(n::text, 32, '0')::uuid, 'tenant ' || n FROM generate_series(1, {TENANTS}) AS n; \
         ALTER TABLE audits DISABLE TRIGGER af_audit_guard_truncate; {PLAIN_TABLE}"
    ))?;
    let scripts = LOADS.map(|load| TABLES.map(|table| script(load.tenants, table)));
    let mut candidates = Vec::new();
    for (load, scripts) in LOADS.into_iter().zip(&scripts) {
        for (table, script) in TABLES.into_iter().zip(scripts) {
            let script = script.as_ref().map_err(ToString::to_string)?;
            let settings = load.settings(table);
            let url = ledger.url.clone();
            let server = &context.server;
            let run = move |ledger: &mut Ledger| {
                ledger.client.batch_execute(&format!("TRUNCATE {}", table.name))?;
                ledger.settle(&[table.name])?;
                let mut pgbench = server.command("pgbench");
                pgbench.args(["--no-vacuum", "--protocol=prepared", "--jobs=2"]);
                pgbench.arg(format!("--client={}", load.clients)).arg(format!("--time={seconds}"));
                pgbench.arg("--file").arg(script.path()).arg(&url).env("PGOPTIONS", &settings);
                let sample = tally(pgbench)?;
                require_whole(ledger, table.name, sample.items)?;
                Ok(sample)
            };
            candidates.push(Candidate::new(table.label, run).within(load.group()));
        }
    }
    let rounds = Rounds { count: context.scale.rounds, random: context.random.fork(), warms_up: true };
    let points = rounds.interleave(&mut ledger, candidates)?;
    context.drop_ledger(ledger, DATABASE)?;

    let mut figure = Figure::new(
        "sessions",
        format!("Insertion of one row a transaction, {seconds} s each"),
        "transaction",
        points,
    );
    let target = |load: Load, wanted| Target {
        group: Some(load.group()),
        of: EARLY.to_owned(),
        to: PLAIN.to_owned(),
        by: Ratio::Rate,
        wanted,
    };
    figure.targets =
        vec![target(Load::new(1, 8), 0.8), target(Load::new(1, 32), 0.5), target(Load::new(32, 32), 0.8)];
    figure.shows = Ratio::Rate;
    figure.baseline = Some(Baseline { label: PLAIN.to_owned(), by: Ratio::Rate });
    figure.notes = vec![
        "Tables begin empty, and a checkpoint precedes each measurement; fsync and synchronous_commit are on. pgbench runs on \
         the same machine, with prepared statements and two threads, and takes its share of the processors from the server."
            .to_owned(),
        "A flush is delayed by `commit_delay`, with `commit_siblings` at 0: whoever flushes sleeps first, and all who commit \
         meanwhile wait for that flush."
            .to_owned(),
        "All chains are verified after each measurement.".to_owned(),
    ];
    Ok(vec![figure])
}

/// What pgbench does in each transaction. The server's user has to be able to read it.
fn script(tenants: u32, table: Table) -> Result<NamedTempFile, Error> {
    let mut file = NamedTempFile::new()?;
    writeln!(
        file,
        "\\set tenant random(1, {tenants})\n\
         INSERT INTO {} (tenant_id, ts, actor_type, actor_id, action, resource_type, resource_id, details) \
         VALUES (lpad(:tenant::text, 32, '0')::uuid, now(), 'user', 'user-17', 'invoice.update', 'invoice', 'invoice-4711', \
         '{{\"amount\": 1200.50, \"currency\": \"EUR\", \"customer\": {{\"name\": \"Zoë Müller\", \"address\": {{\"city\": \"Köln\", \"zip\": 50667}}}}, \
         \"items\": [{{\"id\": 17, \"price\": 2.4285714}}, true], \"note\": \"as agreed by telephone on the day before\"}}');",
        table.name
    )?;
    file.as_file().set_permissions(PermissionsExt::from_mode(0o644))?;
    Ok(file)
}

/// Runs pgbench and reads how many transactions it did, and how fast.
fn tally(mut pgbench: Command) -> Result<Sample, Error> {
    let output = pgbench.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // "number of transactions actually processed: 1234", "tps = 567.8 (without initial connection time)"
    let after = |what: &str| text.lines().find_map(|line| line.strip_prefix(what)?.split_whitespace().next());
    let transactions =
        after("number of transactions actually processed: ").and_then(|word| word.parse().ok());
    let rate = after("tps = ").and_then(|word| word.parse::<f64>().ok());
    match (output.status.success(), transactions, rate) {
        (true, Some(transactions), Some(rate)) => Ok(Sample::new(transactions, transactions as f64 / rate)),
        _ => {
            Err(format!("pgbench: {}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr))
                .into())
        }
    }
}

/// Speed does not count if an entry is missing or a chain is not whole.
fn require_whole(ledger: &mut Ledger, table: &str, transactions: u64) -> Result<(), Error> {
    let stored: i64 = ledger.client.query_one(&format!("SELECT count(*) FROM {table}"), &[])?.get(0);
    if u64::try_from(stored)? != transactions {
        return Err(format!("{stored} rows were stored of {transactions}").into());
    }
    if table == "audits" {
        let sql = "SELECT bool_and(status = 'ok') AND sum(entries)::bigint = $1 FROM af_audit_verify()";
        if !ledger.client.query_one(sql, &[&stored])?.get::<_, bool>(0) {
            return Err("a chain is not whole".into());
        }
    }
    Ok(())
}
