//! The check of whole chains, and of messages, as SQL functions.
//!
//! The checking is `af-core`'s; here rows are fetched (`tally`, `ordered`, `checkpoints`, `messages`) and findings handed
//! out (`report`). Rows are read by an ordinary query with the caller's own rights, so that privileges, row-level security,
//! partitions, parallel workers, cancellation and hot standbys are PostgreSQL's business, not ours.

mod checkpoints;
mod messages;
mod ordered;
mod report;
mod tally;
mod target;

use af_core::chain::{ChainReport, Finding, Status, View};

use crate::convert::uuid_to_sql;
use crate::error::Error;
use target::{Scope, Target};

/// Checks the chains of `target` as far as `view` shows them; `found` is called for each finding. Returns a report a
/// chain, in the order of tenants. `schema` is the extension's.
///
/// All chains of a large table are first added up in whatever order they are read fastest, and only those are walked in
/// order that do not come out as intact: both see the same rows, since they run in the snapshot of one statement.
fn check(
    target: &Target,
    view: View,
    schema: &str,
    found: &mut impl FnMut(Finding),
) -> Result<Vec<ChainReport>, Error> {
    if target.scope != Scope::All || !tally::is_worthwhile(target, schema)? {
        return ordered::walk(target, view, found);
    }
    let Some(chains) = tally::chains(target, schema)? else {
        return ordered::walk(target, view, found);
    };
    let mut reports = Vec::new();
    for chain in chains {
        if let Some(report) = chain.intact {
            reports.push(report);
            continue;
        }
        let walked = ordered::walk(&target.chain(chain.tenant_id.map(uuid_to_sql)), view, found)?;
        // Behind what a policy hides there may be a gap that is no finding. Else one of the two is wrong.
        if view == View::Whole && walked.iter().all(|report| report.status() == Status::Ok) {
            return Err(Error::ChecksDisagree);
        }
        reports.extend(walked);
    }
    Ok(reports)
}
