//! What a verification needs: what was recorded and signed before, and connections.

use std::path::PathBuf;

use af_core::checkpoint::Subject;
use af_core::merkle::Wanted;

use crate::audit::anchor;
use crate::audit::verify::{Method, Options, Trees, Verification};
use crate::checkpoint::{self, Held, Opened, WitnessedFile};
use crate::cli::audit::ScopeArgs;
use crate::commands::audit_check_proof::load_policy;
use crate::commands::audit_prove::load_keys;
use crate::commands::{Context, Failure};
use crate::connection::Connection;
use crate::exit::Exit;
use crate::output::ErrorReport;
use crate::sign::VerifyingKey;

/// What a verification needs.
pub(in crate::commands) struct Prepared {
    pub(in crate::commands) connection: Connection,
    pub(in crate::commands) jobs: Vec<Connection>,
    pub(in crate::commands) options: Options,
    pub(in crate::commands) keys: Vec<VerifyingKey>,
    /// Who has cosigned the checkpoints, where witnesses are demanded.
    pub(in crate::commands) witnessed: Vec<WitnessedFile>,
    /// Whether there are checkpoints to compare with.
    pub(in crate::commands) is_compared: bool,
}

/// Reads what was recorded and signed before, and connects.
pub(in crate::commands) fn prepare(
    scope: &ScopeArgs,
    context: &mut Context<'_>,
) -> Result<Prepared, Failure> {
    let mut tenants = scope.tenants.clone();
    tenants.sort_unstable();
    tenants.dedup();
    let method = if scope.in_database { Method::InDatabase } else { Method::Outside };
    let keys = load_keys(&scope.public_keys)?;
    let since = anchor::read(&scope.since, &tenants, &keys)?;
    let paths: Vec<PathBuf> = since.checkpoints.iter().chain(&scope.checkpoints).cloned().collect();
    must_serve(scope, !paths.is_empty())?;
    let policy = load_policy(&scope.witnesses, &keys)?;
    let Opened { held: checkpoints, witnessed } = checkpoint::read(&paths, &keys, &policy)?;
    let trees = Trees { wanted: sizes(&checkpoints), kept: since.kept };
    let max_findings = scope.max_findings;
    let since = since.anchors;
    let options = Options { tenants, method, max_findings, since, trees, checkpoints, ..Options::new() };
    let connection = context.connect()?;
    // The one that is there keeps the snapshot; if there is no other, it also does the work.
    let jobs = if scope.jobs > 1 { scope.jobs } else { 0 };
    let jobs = (0..jobs).map(|_| connection.another()).collect::<Result<_, _>>()?;
    Ok(Prepared { connection, jobs, options, keys, witnessed, is_compared: !paths.is_empty() })
}

/// Refuses keys and witnesses where no checkpoint is given whose signatures they could hold against: who gives them believes
/// that something is held against them.
fn must_serve(scope: &ScopeArgs, is_any_signed: bool) -> Result<(), Failure> {
    let unused = [("--witness", &scope.witnesses.witnesses), ("--public-key", &scope.public_keys)];
    match unused.iter().find(|(_, files)| !is_any_signed && !files.is_empty()) {
        None => Ok(()),
        Some((option, _)) => Err(Failure {
            exit: Exit::USAGE,
            report: ErrorReport {
                message: format!("{option} is given, and no checkpoint to hold against it"),
                hint: Some("--checkpoint PATH gives one, or --since with a checkpoint.".to_owned()),
            },
        }),
    }
}

pub(in crate::commands) fn warn_of_few_jobs(
    verification: &Verification,
    scope: &ScopeArgs,
    context: &mut Context<'_>,
) {
    if verification.jobs < usize::from(scope.jobs) {
        context.printer.warning(format_args!(
            "one session did all the work: {} has no index on (tenant_id, seq) by which it could be divided",
            verification.relation
        ));
    }
}

/// The sizes at which roots are wanted, for comparison.
fn sizes(checkpoints: &[Held]) -> Wanted {
    let mut wanted = Wanted::default();
    for held in checkpoints {
        if let Subject::Tenant(tenant_id) = held.origin.subject {
            wanted.sizes.entry(tenant_id).or_default().push(held.size);
        }
    }
    wanted.sizes.values_mut().for_each(|sizes| sizes.sort_unstable());
    wanted
}
