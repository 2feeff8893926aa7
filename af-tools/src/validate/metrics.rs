//! A round's result for Prometheus.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::{Health, Service, Status};
use crate::metrics::{Metrics, WriteError, label};

/// Writes the metrics into a file: whoever reads it sees the old ones or the new ones, never a part.
pub fn write(health: &Health, path: &Path) -> Result<(), WriteError> {
    metrics(health).write(path)
}

/// The metrics as text.
pub fn render(health: &Health) -> String {
    metrics(health).to_string()
}

fn metrics(health: &Health) -> Metrics {
    let mut metrics = Metrics::default();
    let mut family = |name: &str, help: &str, samples: Vec<(String, f64)>| metrics.gauge(name, help, samples);
    let each = |value: &dyn Fn(&super::ServiceHealth) -> f64| -> Vec<(String, f64)> {
        let labels = |service: Service| label(&[("service", service.name())]);
        health.services.iter().map(|one| (labels(one.service), value(one))).collect()
    };
    let time = health.time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let checked = Service::ALL.map(|service| {
        let is_checked = health.services.iter().any(|one| one.service == service);
        (label(&[("service", service.name())]), f64::from(u8::from(is_checked)))
    });
    // Of a part that has several findings, the worst counts.
    let mut parts = BTreeMap::new();
    for one in &health.services {
        for finding in &one.findings {
            let worst = parts.entry((one.service, finding.part)).or_insert(finding.status);
            *worst = finding.status.max(*worst);
        }
    }
    let parts = parts.into_iter().map(|((service, part), status)| {
        (label(&[("service", service.name()), ("part", part)]), number(status))
    });
    family(
        "af_validate_time_seconds",
        "When the services were checked, in seconds since 1970.",
        vec![(String::new(), time)],
    );
    family(
        "af_validate_checked",
        "Whether a service was checked: 1, or 0, and then nothing is known of it.",
        checked.into(),
    );
    family(
        "af_validate_service_status",
        "How well a service is: 0 pass, 1 warn, 2 fail.",
        each(&|one| number(one.status())),
    );
    family(
        "af_validate_service_required",
        "Whether a service is required: 1, or optional: 0.",
        each(&|one| f64::from(u8::from(one.is_required))),
    );
    family(
        "af_validate_service_attempts",
        "How many attempts it took.",
        each(&|one| f64::from(one.attempts)),
    );
    family(
        "af_validate_service_latency_seconds",
        "How long the last attempt took.",
        each(&|one| one.latency.as_secs_f64()),
    );
    family(
        "af_validate_part_status",
        "How well a part of a service is: 0 pass, 1 warn, 2 fail.",
        parts.collect(),
    );
    metrics
}

fn number(status: Status) -> f64 {
    match status {
        Status::Pass => 0.0,
        Status::Warn => 1.0,
        Status::Fail => 2.0,
    }
}
