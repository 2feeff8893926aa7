//! What was walked, held against checkpoints: what a chain by itself cannot show.

use std::collections::{BTreeMap, BTreeSet};

use af_core::chain::FindingKind;
use af_core::checkpoint::Subject;
use af_core::digest::Digest;
use serde::Serialize;
use uuid::Uuid;

use super::{Chain, Finding, Found, Options, Status};
use crate::checkpoint::{Held, Identity};

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The chain begins with exactly the entries that the checkpoint is of.
    Holds,
    /// It begins with others.
    Differs,
    /// It has fewer.
    Short,
    /// It could not be compared.
    NotCompared,
}

/// A chain, held against one checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// How many entries the checkpoint is of.
    pub size: u64,
    /// Where it was read.
    pub source: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it could not be compared.
    pub reason: Option<String>,
}

/// Holds what was found against the checkpoints, and adds what that shows.
pub(super) fn compare(found: &mut Found, options: &Options, identity: &Identity, may_hide_rows: bool) {
    let mut chains: BTreeMap<Uuid, Vec<&Held>> = BTreeMap::new();
    let mut foreign = BTreeSet::new();
    for held in &options.checkpoints {
        let Subject::Tenant(tenant_id) = held.origin.subject else { continue };
        if !identity.is_of(&held.origin) {
            foreign.insert((&held.origin.system, &held.origin.database, &held.origin.schema, &held.source));
        } else if options.tenants.is_empty() || options.tenants.contains(&tenant_id) {
            chains.entry(tenant_id).or_default().push(held);
        }
    }
    for (system, database, schema, source) in foreign {
        let detail = format!(
            "the checkpoint is of system {system}, database {database}, schema {schema}; this is system {}, database {}, schema {} ({source})",
            identity.system, identity.database, identity.schema
        );
        found.findings_apart += 1;
        let kind = FindingKind::Foreign;
        keep(
            found,
            options,
            Finding { tenant_id: None, seq: None, id: None, finding: kind.as_str().into(), detail },
        );
    }
    for (tenant_id, mut held) in chains {
        held.sort_by_key(|held| held.size);
        let at = match found.chains.iter().position(|chain| chain.tenant_id == Some(tenant_id)) {
            Some(at) => at,
            None => {
                let place =
                    found.chains.partition_point(|chain| chain.tenant_id.is_some_and(|id| id < tenant_id));
                found.chains.insert(place, Chain::empty(tenant_id));
                place
            }
        };
        let mut judge = Judge { chain: &found.chains[at], identity, may_hide_rows, holds: 0, finding: None };
        let tree = found.trees.get(&tenant_id);
        let comparisons: Vec<Comparison> = held
            .iter()
            .map(|held| judge.compare(held, tree.map(|tree| (tree.root_at(held.size), tree.fault()))))
            .collect();
        let (holds, finding) = (judge.holds, judge.finding.take());
        let why_older = held.last().and_then(|held| held.standpoint?.why_older(&identity.standpoint));
        let chain = &mut found.chains[at];
        chain.checkpoints = comparisons;
        chain.proven_seq = Some(holds).filter(|holds| *holds > 0);
        let uncompared =
            chain.checkpoints.iter().find(|comparison| comparison.outcome == Outcome::NotCompared);
        if let Some(uncompared) = uncompared.filter(|_| chain.status < Status::Partial) {
            chain.status = Status::Partial;
            chain.note = uncompared.reason.clone();
        }
        // The walk itself may have found the end missing: then that is the finding.
        let is_known = chain.first_finding.as_ref().is_some_and(is_lost);
        if let Some(finding) = finding.filter(|_| !is_known) {
            chain.status = Status::Tampered;
            chain.findings += 1;
            chain.first_finding.get_or_insert_with(|| finding.clone());
            keep(found, options, finding);
        }
        if let Some(why) = why_older {
            name_rollback(found, at, &why);
        }
    }
    found.findings.sort_by_key(|finding| (finding.tenant_id.is_none(), finding.tenant_id));
}

/// Whether entries that were there are not there any more.
fn is_lost(finding: &Finding) -> bool {
    let kinds = [FindingKind::Truncated, FindingKind::RolledBack];
    kinds.iter().any(|kind| kind.as_str() == finding.finding)
}

fn keep(found: &mut Found, options: &Options, finding: Finding) {
    if found.findings.len() < options.max_findings {
        found.findings.push(finding);
    }
}

/// Where the server itself stands in an older state, what is short or different is so because of that.
fn name_rollback(found: &mut Found, at: usize, why: &str) {
    let chain = &mut found.chains[at];
    let tenant_id = chain.tenant_id;
    let findings = found.findings.iter_mut().filter(|finding| finding.tenant_id == tenant_id);
    for finding in findings.chain(chain.first_finding.as_mut()) {
        let kinds = [FindingKind::Truncated, FindingKind::Rewritten];
        if kinds.iter().any(|kind| kind.as_str() == finding.finding) {
            finding.finding = FindingKind::RolledBack.as_str().to_owned();
            finding.detail = format!("{}; {why}", finding.detail);
        }
    }
}

/// Compares one chain with one checkpoint after the other, the smallest first.
struct Judge<'a> {
    chain: &'a Chain,
    identity: &'a Identity,
    may_hide_rows: bool,
    /// Up to where a smaller checkpoint holds.
    holds: u64,
    /// The first thing that is wrong.
    finding: Option<Finding>,
}

impl Judge<'_> {
    /// `tree` has the root at the checkpoint's size, and the first position that cannot be a leaf.
    fn compare(&mut self, held: &Held, tree: Option<(Option<Digest>, Option<u64>)>) -> Comparison {
        let head = self.chain.head_seq.and_then(|seq| u64::try_from(seq).ok()).unwrap_or(0);
        let (outcome, reason) = if self.may_hide_rows {
            (Outcome::NotCompared, Some("row-level security may hide entries from this role".to_owned()))
        } else if head < held.size {
            self.judge_short(head, held)
        } else {
            self.judge_root(held, tree)
        };
        Comparison { size: held.size, source: held.source.clone(), outcome, reason }
    }

    fn judge_root(
        &mut self,
        held: &Held,
        tree: Option<(Option<Digest>, Option<u64>)>,
    ) -> (Outcome, Option<String>) {
        let Held { size, source, .. } = held;
        match tree {
            Some((Some(root), _)) if root == held.root => {
                self.holds = *size;
                (Outcome::Holds, None)
            }
            Some((Some(root), _)) => {
                let holds = match self.holds {
                    0 => String::new(),
                    holds => format!("; up to entry {holds} an older one holds"),
                };
                let roots = format!("have the root {root}, in the checkpoint it is {}", held.root);
                let detail = format!("the first {size} entries {roots} ({source}){holds}");
                self.add(FindingKind::Rewritten, *size, detail);
                (Outcome::Differs, None)
            }
            Some((None, Some(fault))) => {
                let why = format!("entry {fault} is not in its place, or has no hash");
                (Outcome::NotCompared, Some(format!("the checkpoint at seq {size} was not compared: {why}")))
            }
            Some((None, None)) | None => {
                let why = "older entries were not read";
                (Outcome::NotCompared, Some(format!("the checkpoint at seq {size} was not compared: {why}")))
            }
        }
    }

    fn judge_short(&mut self, head: u64, held: &Held) -> (Outcome, Option<String>) {
        let standpoint = &self.identity.standpoint;
        let is_behind = held.standpoint.is_some_and(|then| {
            (then.database_oid, then.timeline) == (standpoint.database_oid, standpoint.timeline)
                && then.lsn > standpoint.lsn
        });
        if self.identity.is_standby && is_behind {
            let reason =
                format!("the standby has not replayed yet what the checkpoint at seq {} is of", held.size);
            return (Outcome::NotCompared, Some(reason));
        }
        let ends = match head {
            0 => "there are no entries".to_owned(),
            _ => format!("the chain ends with entry {head}"),
        };
        let detail = format!("{ends}, the checkpoint is of {} entries ({})", held.size, held.source);
        self.add(FindingKind::Truncated, head + 1, detail);
        (Outcome::Short, None)
    }

    fn add(&mut self, kind: FindingKind, seq: u64, detail: String) {
        if self.finding.is_none() {
            let seq = i64::try_from(seq).ok();
            let finding = kind.as_str().to_owned();
            self.finding = Some(Finding { tenant_id: self.chain.tenant_id, seq, id: None, finding, detail });
        }
    }
}

#[cfg(test)]
mod tests {
    use af_core::checkpoint::Origin;

    use super::*;
    use crate::checkpoint::Standpoint;

    const NOW: Standpoint = Standpoint { database_oid: 5, timeline: 1, lsn: 100 };
    const ROOT: [u8; 32] = [7; 32];

    fn held(size: u64, standpoint: Option<Standpoint>) -> Held {
        let origin: Origin = "pg_af/1/app/public/00000000-0000-0000-0000-000000000001/1".parse().unwrap();
        Held { origin, size, root: Digest::from(ROOT), source: "a file".to_owned(), standpoint }
    }

    fn judge(
        is_standby: bool,
        may_hide_rows: bool,
        held: &Held,
        tree: Option<(Option<Digest>, Option<u64>)>,
    ) -> (Outcome, Option<String>, Option<String>) {
        let chain = Chain { head_seq: Some(10), status: Status::Ok, ..Chain::empty(Uuid::from_u128(1)) };
        let (database, schema) = ("app".to_owned(), "public".to_owned());
        let identity = Identity { system: 1, database, schema, is_standby, standpoint: NOW };
        let mut judge = Judge { chain: &chain, identity: &identity, may_hide_rows, holds: 0, finding: None };
        let comparison = judge.compare(held, tree);
        (comparison.outcome, comparison.reason, judge.finding.map(|finding| finding.finding))
    }

    #[test]
    fn what_could_not_be_compared_is_no_finding_and_not_passed_over() {
        let later = Standpoint { lsn: 200, ..NOW };
        let root = |root| Some((Some(Digest::from(root)), None));
        for (is_standby, may_hide_rows, held, tree, reason) in [
            (true, false, held(11, Some(later)), None, "the standby has not replayed"),
            (false, true, held(5, None), root([8; 32]), "row-level security"),
            (false, false, held(5, None), None, "older entries were not read"),
            (false, false, held(5, None), Some((None, None)), "older entries were not read"),
            (false, false, held(5, None), Some((None, Some(3))), "entry 3 is not in its place"),
        ] {
            let (outcome, given, finding) = judge(is_standby, may_hide_rows, &held, tree);
            assert_eq!((outcome, finding), (Outcome::NotCompared, None));
            assert!(given.as_ref().is_some_and(|given| given.contains(reason)), "{given:?}");
        }
    }

    #[test]
    fn a_root_holds_or_differs_and_a_chain_is_long_enough_or_not() {
        let root = |root| Some((Some(Digest::from(root)), None));
        let on_primary = |held: &Held, tree| {
            let (outcome, reason, finding) = judge(false, false, held, tree);
            assert_eq!(reason, None);
            (outcome, finding)
        };
        assert_eq!(on_primary(&held(10, None), root(ROOT)), (Outcome::Holds, None));
        assert_eq!(
            on_primary(&held(10, None), root([8; 32])),
            (Outcome::Differs, Some("rewritten".to_owned()))
        );
        let later = Standpoint { lsn: 200, ..NOW };
        let short = (Outcome::Short, Some("truncated".to_owned()));
        for standpoint in [None, Some(NOW), Some(later)] {
            assert_eq!(on_primary(&held(11, standpoint), root(ROOT)), short);
        }
        // A standby that is far enough, or of which that is not known, has lost it.
        for standpoint in [None, Some(NOW)] {
            assert_eq!(judge(true, false, &held(11, standpoint), None).0, Outcome::Short);
        }
    }
}
