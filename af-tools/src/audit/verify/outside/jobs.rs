//! Several sessions that see the same, and share the ranges among them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use postgres::Transaction;

use super::plan::BY_INDEX;
use super::range::Range;
use super::walk::{Task, Walked};
use crate::audit::verify::{Error, doing};
use crate::connection::{Canceller, Connection, begin_snapshot};
use crate::server::quote_literal;
use crate::watch::Watch;

/// How long the jobs are left alone between two looks at the watch.
const PATIENCE: Duration = Duration::from_millis(100);

/// A range that was walked, with its number; or why a job gave up.
type Outcome = Result<(usize, Walked), Error>;

/// What the jobs have in common.
struct Shared<'a> {
    task: Task<'a>,
    ranges: &'a [Range],
    /// The snapshot that all see.
    snapshot: String,
    next: AtomicUsize,
    entries: AtomicU64,
    is_stopped: AtomicBool,
}

/// Has `jobs` walk all ranges; `each` is given what was seen of them, in their order.
///
/// If one fails, the others are stopped, and its error is the result.
pub(super) fn run(
    transaction: &mut Transaction<'_>,
    jobs: Vec<Connection>,
    task: Task<'_>,
    ranges: &[Range],
    watch: &mut dyn Watch,
    each: &mut dyn FnMut(&mut Transaction<'_>, &Range, Walked) -> Result<(), Error>,
) -> Result<(), Error> {
    const EXPORT: &str = "SELECT pg_catalog.pg_export_snapshot()";
    let row = transaction.query_one(EXPORT, &[]).map_err(|error| Error::Snapshot(error.into()))?;
    let shared = Shared {
        task,
        ranges,
        snapshot: row.get(0),
        next: AtomicUsize::new(0),
        entries: AtomicU64::new(0),
        is_stopped: AtomicBool::new(false),
    };
    let cancellers: Vec<Canceller> = jobs.iter().map(Connection::canceller).collect();
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for job in jobs {
            let (shared, sender) = (&shared, sender.clone());
            scope.spawn(move || shared.work(job, &sender));
        }
        drop(sender);
        let done = shared.collect(&receiver, watch, &mut |range, walked| each(transaction, range, walked));
        if done.is_err() {
            shared.is_stopped.store(true, Ordering::Relaxed);
            // A request that comes between two statements has no effect: it is repeated until the last job has ended.
            while !matches!(receiver.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected)) {
                cancellers.iter().for_each(Canceller::cancel);
            }
        }
        done
    })
}

impl Shared<'_> {
    /// One job: takes the next range until there is none.
    fn work(&self, mut job: Connection, results: &Sender<Outcome>) {
        // When nobody listens any more, the work has been given up.
        if let Err(error) = self.try_work(&mut job, results) {
            let _ = results.send(Err(error));
        }
    }

    fn try_work(&self, job: &mut Connection, results: &Sender<Outcome>) -> Result<(), Error> {
        let mut transaction = begin_snapshot(&mut job.client).map_err(doing("begin a transaction"))?;
        let set = format!("SET TRANSACTION SNAPSHOT {}", quote_literal(&self.snapshot));
        transaction.batch_execute(&set).map_err(|error| Error::Snapshot(error.into()))?;
        transaction.batch_execute(BY_INDEX).map_err(doing("set up a job"))?;
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(range) = self.ranges.get(number) else { break };
            let walked = self.task.walk(&mut transaction, range, &mut |entries| {
                self.entries.fetch_add(entries, Ordering::Relaxed);
                if self.is_stopped.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
            })?;
            let _ = results.send(Ok((number, walked)));
        }
        transaction.commit().map_err(doing("end the transaction"))
    }

    /// Passes on what the jobs have seen, in the order of the ranges.
    fn collect(
        &self,
        results: &Receiver<Outcome>,
        watch: &mut dyn Watch,
        each: &mut dyn FnMut(&Range, Walked) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut early = BTreeMap::new();
        let mut awaited = 0;
        loop {
            let outcome = results.recv_timeout(PATIENCE);
            watch.advance(self.entries.swap(0, Ordering::Relaxed));
            if watch.is_interrupted() {
                return Err(Error::Interrupted);
            }
            match outcome {
                Ok(outcome) => {
                    let (number, walked) = outcome?;
                    early.insert(number, walked);
                }
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => break,
            }
            while let Some(walked) = early.remove(&awaited) {
                each(&self.ranges[awaited], walked)?;
                awaited += 1;
            }
        }
        // Every job has ended well, and so every range has been walked.
        assert_eq!(awaited, self.ranges.len(), "a range was left out");
        Ok(())
    }
}
