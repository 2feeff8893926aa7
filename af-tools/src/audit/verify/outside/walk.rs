//! The walk over one range.

use af_core::chain::{Entry, Finding, Part, Standing, Verifier, View};
use af_core::merkle::{Growth, Section, Wanted};
use postgres::Transaction;

use super::entry::entry;
use super::range::{From, Range};
use crate::audit::columns::AUDIT_COLUMNS;
use crate::audit::verify::{Error, doing};
use crate::copy::TupleReader;
use crate::relation::Relation;

/// How many entries pass between two looks at whether to go on.
const STRIDE: u64 = 1024;

/// What is the same for every range.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) relation: &'a Relation,
    pub(super) view: View,
    /// How many findings are kept.
    pub(super) max_findings: usize,
    /// Which trees are to grow meanwhile.
    pub(super) wanted: &'a Wanted,
}

/// What was seen of a range.
pub(super) struct Walked {
    pub(super) part: Part,
    /// The first findings, up to the limit.
    pub(super) findings: Vec<Finding>,
    /// What has grown of the trees that are wanted.
    pub(super) sections: Vec<Section>,
}

impl Task<'_> {
    /// Walks a range. `pace` hears of so many more entries, and may end it all.
    pub(super) fn walk(
        &self,
        transaction: &mut Transaction<'_>,
        range: &Range,
        pace: &mut dyn FnMut(u64) -> Result<(), Error>,
    ) -> Result<Walked, Error> {
        let verifier = match range.from {
            From::Anchor(anchor) => Verifier::since(self.view, anchor),
            _ => Verifier::new(self.view),
        };
        self.read(transaction, range, verifier, pace)
    }

    /// Walks a range again, from where the one before it really ended.
    pub(super) fn walk_from(
        &self,
        transaction: &mut Transaction<'_>,
        range: &Range,
        standing: Option<Standing>,
    ) -> Result<Walked, Error> {
        self.read(transaction, &range.alone(), Verifier::resume(self.view, standing), &mut |_| Ok(()))
    }

    fn read(
        &self,
        transaction: &mut Transaction<'_>,
        range: &Range,
        mut verifier: Verifier,
        pace: &mut dyn FnMut(u64) -> Result<(), Error>,
    ) -> Result<Walked, Error> {
        let mut findings = Vec::new();
        let mut found = |finding| {
            if findings.len() < self.max_findings {
                findings.push(finding);
            }
        };
        let mut reports = Vec::new();
        let mut growth = Growth::new(self.wanted);
        let mut count = 0;
        let mut first = match range.from {
            From::Position(position) => Some(position),
            _ => None,
        };
        for statement in range.statements(self.relation) {
            let copy = transaction.copy_out(&statement).map_err(doing("read entries"))?;
            let mut rows = TupleReader::new(copy, &AUDIT_COLUMNS);
            while let Some((one, other)) = rows.next_two()? {
                let (one, other) = (entry(&one)?, other.as_ref().map(entry).transpose()?);
                let mut due = [Some(&one), other.as_ref()];
                for entry in &mut due {
                    // Once the range has begun, nothing is taken for what stands before it.
                    match first.zip(*entry) {
                        Some((first, before)) if is_before(before, first) => {
                            verifier.read_before(before);
                            *entry = None;
                        }
                        Some(_) => first = None,
                        None => {}
                    }
                }
                if let [Some(one), Some(other)] = due {
                    reports.extend(verifier.push_two([one, other], &mut found).into_iter().flatten());
                } else if let Some(entry) = due.into_iter().flatten().next() {
                    reports.extend(verifier.push(entry, &mut found));
                }
                for entry in due.into_iter().flatten() {
                    growth.push(entry.tenant_id, entry.seq, entry.hash);
                    count += 1;
                    if count % STRIDE == 0 {
                        pace(STRIDE)?;
                    }
                }
            }
        }
        pace(count % STRIDE)?;
        Ok(Walked { part: verifier.suspend(reports), findings, sections: growth.finish() })
    }
}

/// Whether an entry has a position before this one.
fn is_before(entry: &Entry<'_>, position: i64) -> bool {
    entry.seq.is_some_and(|seq| seq < position)
}
