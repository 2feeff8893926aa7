//! Verification from outside with several sessions, beside the same rows read and dropped.

use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use af_tests::database::connect;
use af_tests::notary::Notary;
use uuid::Uuid;

use crate::Error;
use crate::context::{Context, Ledger};
use crate::figure::{Figure, Ratio, Sample, Target};
use crate::limits::drain_share;
use crate::number::count;
use crate::rounds::Candidate;
use crate::verification::run_af_tools;

const DATABASE: &str = "outside";
const TENANTS: i32 = 100;
const JOBS: [usize; 3] = [1, 2, 4];

const OURS: &str = "af-tools audit verify";
const WITH_CHECKPOINT: &str = "the same with a checkpoint";
const LIMIT: &str = "COPY to nowhere";

/// As af-tools divides chains of this length among several jobs: so many statements for each.
const SHARES_PER_JOB: usize = 16;
/// As af-tools has the server read for several jobs.
const BY_INDEX: &str = "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; \
     SET max_parallel_workers_per_gather = 0; SET jit = off";

pub(crate) fn measure(context: &mut Context) -> Result<Vec<Figure>, Error> {
    let entries = context.scale.entries;
    let items = u64::try_from(entries)?;
    let mut ledger = context.ledger(DATABASE, TENANTS)?;
    ledger.fill("audits", entries, TENANTS)?;
    let tenants: Vec<Uuid> = ledger
        .client
        .query("SELECT id FROM tenants ORDER BY id", &[])?
        .iter()
        .map(|row| row.get(0))
        .collect();
    let notary = Notary::new();
    notary.sign(&ledger.url);
    let (checkpoints, public_key) = (notary.out(), notary.text("key.pub"));
    let compare = ["--checkpoint", &checkpoints, "--public-key", &public_key];
    let mut candidates = Vec::new();
    for jobs in JOBS {
        let (group, number) = (group(jobs), jobs.to_string());
        candidates.push(
            Candidate::new(OURS, move |ledger: &mut Ledger| {
                run_af_tools(&ledger.url, &["audit", "verify", "--jobs", &number], "entries", items)
            })
            .within(group.clone()),
        );
        let number = jobs.to_string();
        let with_checkpoint = move |ledger: &mut Ledger| {
            let verify = ["audit", "verify", "--jobs", &number];
            run_af_tools(&ledger.url, &[&verify, &compare[..]].concat(), "entries", items)
        };
        candidates.push(Candidate::new(WITH_CHECKPOINT, with_checkpoint).within(group.clone()));
        let tenants = &tenants;
        let drain = move |ledger: &mut Ledger| drain(&ledger.url, tenants, jobs, items);
        candidates.push(Candidate::new(LIMIT, drain).within(group));
    }
    let points = context.rounds().interleave(&mut ledger, candidates)?;
    context.drop_ledger(ledger, DATABASE)?;

    let title = format!("Verification from outside of {} entries of {TENANTS} tenants", count(entries));
    let mut figure = Figure::new("outside", title, "entry", points);
    let target = |jobs| Target {
        group: Some(group(jobs)),
        of: OURS.to_owned(),
        to: LIMIT.to_owned(),
        by: Ratio::Rate,
        wanted: 0.8,
    };
    figure.targets = JOBS.map(target).to_vec();
    figure.notes.push(
        "With a checkpoint, the Merkle tree over each chain is built as well, and its root compared."
            .to_owned(),
    );
    figure.notes.push(
        "COPY to nowhere reads the same rows with as many sessions and statements, and drops what comes; \
         clients and server share the processors."
            .to_owned(),
    );
    Ok(vec![figure])
}

fn group(jobs: usize) -> String {
    if jobs == 1 { "1 job".to_owned() } else { format!("{jobs} jobs") }
}

/// Reads all rows as `af-tools` does and drops them. One session reads all at once, several take share after share.
fn drain(url: &str, tenants: &[Uuid], jobs: usize, items: u64) -> Result<Sample, Error> {
    let begun = Instant::now();
    let shares = match jobs {
        1 => vec![&[][..]],
        _ => tenants.chunks(tenants.len().div_ceil(jobs * SHARES_PER_JOB)).collect(),
    };
    let shares = Mutex::new(shares.into_iter());
    let work = || {
        let mut client = connect(url);
        if jobs > 1 {
            client.batch_execute(BY_INDEX)?;
        }
        let mut bytes = 0;
        loop {
            let share = shares.lock().expect("nobody panics").next();
            match share {
                Some(share) => bytes += drain_share(&mut client, share)?,
                None => return Ok(bytes),
            }
        }
    };
    let bytes = thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("it does not panic"))
            .sum::<Result<u64, postgres::Error>>()
    })?;
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Sample { bytes: Some(bytes), ..Sample::new(items, seconds) })
}
