//! Verification: inside and outside of the database, beside a chain's in PL/pgSQL, and beside what bounds it.

use std::thread;

use af_tests::tools::{self, Run};
use uuid::Uuid;

use crate::Error;
use crate::context::{Context, Ledger};
use crate::figure::{Figure, Ratio, Sample, Target};
use crate::limits::{self, Records};
use crate::number::count;
use crate::pgcrypto;
use crate::rounds::Candidate;

const DATABASE: &str = "verification";
const TENANTS: i32 = 100;
const PARALLEL_CONNECTIONS: usize = 2;

pub(crate) const INSIDE: &str = "af_audit_verify()";
pub(crate) const OUTSIDE: &str = "af-tools audit verify";
const SHA256: &str = "SHA-256 of the same bytes, all cores";

const OURS: &str = "pg_af";
const THEIRS: &str = "PL/pgSQL and pgcrypto";
const LIMITS: &str = "limits of the machine";

/// What is measured: the chains of both kinds, and the bytes that a verifier hashes.
struct Subject {
    ledger: Ledger,
    records: Records,
}

pub(crate) fn measure(context: &mut Context) -> Result<Vec<Figure>, Error> {
    let entries = context.scale.entries;
    let items = u64::try_from(entries)?;
    let mut ledger = context.ledger(DATABASE, TENANTS)?;
    ledger.fill("audits", entries, TENANTS)?;
    pgcrypto::create(&mut ledger)?;
    ledger.fill(pgcrypto::TABLE, entries, TENANTS)?;
    let records = Records::read(&mut ledger.client)?;
    let tenant: Uuid = ledger.client.query_one("SELECT id FROM tenants ORDER BY name LIMIT 1", &[])?.get(0);
    let tenants: Vec<Uuid> =
        ledger.client.query("SELECT id FROM tenants", &[])?.iter().map(|row| row.get(0)).collect();
    let mut subject = Subject { ledger, records };

    let inside = |label, arguments: String, items| {
        Candidate::new(label, move |subject: &mut Subject| subject.ledger.verify(&arguments, items))
            .within(OURS)
    };
    let of_one = items / u64::try_from(TENANTS)?;
    let mut candidates = vec![
        inside(INSIDE, String::new(), items),
        inside("af_audit_verify(tenant)", format!("'{tenant}'"), of_one),
        Candidate::new(OUTSIDE, move |subject: &mut Subject| {
            run_af_tools(&subject.ledger.url, &["audit", "verify"], "entries", items)
        })
        .within(OURS),
    ];
    let of_all = |(label, sql): (&str, &str)| query(label, items, sql.replace("$1", &items.to_string()));
    candidates.extend(pgcrypto::VERIFIERS.map(|verifier| of_all(verifier).within(THEIRS)));
    candidates.extend(limits::QUERIES.map(|limit| of_all(limit).within(LIMITS)));
    let cores = thread::available_parallelism()?.get();
    let hash = Candidate::new(SHA256, move |subject: &mut Subject| subject.records.hash(cores));
    candidates.push(hash.within(LIMITS));
    let drain = |label: String, connections| {
        let tenants = tenants.clone();
        let run =
            move |subject: &mut Subject| limits::drain(&subject.ledger.url, &tenants, connections, items);
        Candidate::new(label, run).within(LIMITS)
    };
    candidates.push(drain("COPY to nowhere, 1 connection".to_owned(), 1));
    candidates
        .push(drain(format!("COPY to nowhere, {PARALLEL_CONNECTIONS} connections"), PARALLEL_CONNECTIONS));
    let points = context.rounds().interleave(&mut subject, candidates)?;
    context.drop_ledger(subject.ledger, DATABASE)?;

    let title = format!("Verification of {} entries of {TENANTS} tenants", count(entries));
    let mut figure = Figure::new("verification", title, "entry", points);
    let target = |to: &str, wanted| Target {
        group: None,
        of: INSIDE.to_owned(),
        to: to.to_owned(),
        by: Ratio::Rate,
        wanted,
    };
    figure.targets = pgcrypto::VERIFIERS.map(|(label, _)| target(label, 20.0)).to_vec();
    figure.targets.push(target(SHA256, 0.3));
    figure.notes.push(format!(
        "All queries run as PostgreSQL plans them, with up to max_parallel_workers_per_gather workers; SHA-256 alone runs on \
         {cores} threads. MB/s are of what is hashed, or of what COPY sends."
    ));
    figure.notes.push(
        "The chain in PL/pgSQL hashes the columns' text as PostgreSQL prints it: its hashes change with settings and versions."
            .to_owned(),
    );
    Ok(vec![figure])
}

/// A query whose one value says whether all was right.
fn query<'a>(label: &str, items: u64, sql: String) -> Candidate<'a, Subject> {
    Candidate::new(label, move |subject: &mut Subject| subject.ledger.time_query(items, &sql))
}

/// Runs `af-tools`; `count` is what it calls the items.
pub(crate) fn run_af_tools(url: &str, command: &[&str], count: &str, items: u64) -> Result<Sample, Error> {
    let run = tools::run(&[&["--url", url, "--json"], command].concat());
    Ok(Sample::new(items, af_tools_seconds(&run, count, items)?))
}

/// What `af-tools` says that its own work took, without its start, if it found all right.
pub(crate) fn af_tools_seconds(run: &Run, count: &str, items: u64) -> Result<f64, Error> {
    let result = &run.json()["result"];
    if run.code != Some(0) || result[count].as_u64() != Some(items) {
        return Err(format!("af-tools does not verify what was stored: {run:?}").into());
    }
    Ok(result["seconds"].as_f64().ok_or("af-tools does not say how long it took")?)
}
