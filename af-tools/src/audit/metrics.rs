//! A verification's result for Prometheus.

use std::time::{SystemTime, UNIX_EPOCH};

use super::verify::{Status, Verification};
use crate::metrics::{Metrics, label};

/// What came of a verification: whether all that was asked for is fine, or something was found, or that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was checked, and is fine.
    Fine,
    /// Something was found.
    Found,
    /// Nothing was found, but not everything was checked; or it could not run.
    Unknown,
}

/// The metrics; of a verification that could not run, only that nothing is known.
pub(crate) fn metrics(verdict: Verdict, verification: Option<&Verification>, now: SystemTime) -> Metrics {
    let mut metrics = Metrics::default();
    let status = match verdict {
        Verdict::Fine => 1.0,
        Verdict::Found => 0.0,
        Verdict::Unknown => -1.0,
    };
    let one = |value: f64| vec![(String::new(), value)];
    metrics.gauge(
        "af_audit_verify_status",
        "What the last verification came to: 1 everything was checked and is fine, 0 something was found, -1 that is not known.",
        one(status),
    );
    let time = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    metrics.gauge(
        "af_audit_verify_time_seconds",
        "When the last verification ended, in seconds since 1970.",
        one(time),
    );
    let Some(verification) = verification else { return metrics };
    metrics.gauge("af_audit_verify_duration_seconds", "How long it took.", one(verification.seconds));
    metrics.gauge(
        "af_audit_verified_entries",
        "How many entries were checked.",
        one(verification.entries as f64),
    );
    metrics.gauge(
        "af_audit_verify_findings",
        "How many findings there are.",
        one(verification.findings_total as f64),
    );
    let of_chains = |value: &dyn Fn(&super::verify::Chain) -> Option<f64>| -> Vec<(String, f64)> {
        let chains = verification.chains.iter().filter(|chain| chain.status != Status::Empty);
        chains
            .filter_map(|chain| Some((label(&[("tenant", &chain.tenant_id?.to_string())]), value(chain)?)))
            .collect()
    };
    metrics.gauge(
        "af_audit_last_verified_seq",
        "The last entry of each chain in which nothing was found.",
        of_chains(&|chain| (chain.status == Status::Ok).then_some(chain.head_seq? as f64)),
    );
    metrics.gauge(
        "af_audit_proven_seq",
        "Up to which entry a checkpoint proves each chain.",
        of_chains(&|chain| Some(chain.proven_seq? as f64)),
    );
    metrics
}
