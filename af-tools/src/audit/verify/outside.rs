//! Verification by this program, over rows that it pulls itself: by one session in one go, or by several in ranges.

pub(super) mod entry;
mod jobs;
mod plan;
mod range;
mod walk;

use std::collections::BTreeMap;

use af_core::chain::{self, ChainReport, Part, View};
use af_core::merkle::Tree;
use postgres::Transaction;
use uuid::Uuid;

use super::{After, Chain, Error, Finding, Found, Options, doing};
use crate::connection::Connection;
use crate::relation::Relation;
use crate::watch::Watch;
use range::{Range, Tenants};
use walk::{Task, Walked};

/// Verifies in the transaction's snapshot; `jobs` are the sessions that share the work, if it is not done in this one.
pub(super) fn verify(
    transaction: &mut Transaction<'_>,
    jobs: Vec<Connection>,
    relation: &Relation,
    options: &Options,
    view: View,
    watch: &mut dyn Watch,
) -> Result<Found, Error> {
    let wanted = &options.trees.wanted;
    let task = Task { relation, view, max_findings: options.max_findings, wanted };
    let is_divided = !jobs.is_empty() || !options.since.is_empty() || options.range_entries.is_some();
    let has_index = is_divided && plan::has_index(transaction, relation)?;
    let ranges = if has_index || !options.since.is_empty() {
        plan::plan(transaction, relation, options, jobs.len())?
    } else if options.tenants.is_empty() {
        vec![Range::of(Tenants::ALL)]
    } else {
        vec![Range::of(Tenants::Listed(options.tenants.clone()))]
    };
    let mut joined = Joined::new(task, options);
    let jobs_used = if has_index { jobs.len().max(1) } else { 1 };
    if has_index {
        transaction.batch_execute(plan::BY_INDEX).map_err(doing("set up the session"))?;
    }
    if has_index && !jobs.is_empty() {
        let mut each = |transaction: &mut Transaction<'_>, range: &Range, walked: Walked| {
            joined.add(transaction, range, walked)
        };
        jobs::run(transaction, jobs, task, &ranges, watch, &mut each)?;
    } else {
        for range in &ranges {
            let mut pace = |entries| {
                watch.advance(entries);
                if watch.is_interrupted() { Err(Error::Interrupted) } else { Ok(()) }
            };
            let walked = task.walk(transaction, range, &mut pace)?;
            joined.add(transaction, range, walked)?;
        }
    }
    Ok(Found { jobs: jobs_used, ..joined.finish() })
}

/// What was seen so far, in the order of the chains.
struct Joined<'a> {
    task: Task<'a>,
    whole: Part,
    findings: Vec<chain::Finding>,
    trees: BTreeMap<Uuid, Tree>,
}

impl<'a> Joined<'a> {
    fn new(task: Task<'a>, options: &Options) -> Self {
        let kept = options.trees.kept.iter().map(|(tenant, range)| (*tenant, Tree::after(range.clone())));
        Self { task, whole: Part::start(task.view), findings: Vec::new(), trees: kept.collect() }
    }

    /// Adds what was seen of the next range, once it is certain that it was judged by what really stands before it.
    fn add(
        &mut self,
        transaction: &mut Transaction<'_>,
        range: &Range,
        mut walked: Walked,
    ) -> Result<(), Error> {
        if !self.whole.leads_to(&walked.part) {
            walked = self.task.walk_from(transaction, range, self.whole.standing())?;
        }
        let findings = &mut self.findings;
        self.whole.append(walked.part, &mut |finding| findings.push(finding));
        findings.extend(walked.findings);
        findings.truncate(self.task.max_findings);
        for section in &walked.sections {
            self.trees.entry(section.tenant_id()).or_default().append(section);
        }
        Ok(())
    }

    fn finish(mut self) -> Found {
        let findings = &mut self.findings;
        let reports = self.whole.finish(&mut |finding| findings.push(finding));
        findings.truncate(self.task.max_findings);
        Found {
            chains: reports.into_iter().map(Chain::from).collect(),
            findings: self.findings.into_iter().map(Finding::from).collect(),
            jobs: 1,
            trees: self.trees,
            ..Found::default()
        }
    }
}

impl From<ChainReport> for Chain {
    fn from(report: ChainReport) -> Self {
        let status = report.status().into();
        let unchecked = report.first_unchecked.map(|first| {
            format!(
                "{} entries have a hash_version that this build does not know, the first is seq {} (version {})",
                report.unchecked, first.seq, first.hash_version
            )
        });
        Self {
            tenant_id: report.tenant_id,
            tenant: None,
            after: report.after.map(After::from),
            status,
            entries: report.entries,
            head_seq: report.head.map(|head| head.seq),
            head_hash: report.head.and_then(|head| head.hash).map(|hash| hash.to_string()),
            findings: report.findings,
            first_finding: report.first_finding.map(Finding::from),
            note: unchecked,
            checkpoints: Vec::new(),
            proven_seq: None,
        }
    }
}
