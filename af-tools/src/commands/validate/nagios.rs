//! The result for Nagios: one line, performance data after a bar, and the exit codes of its plugins.

use crate::commands::Failure;
use crate::exit::Exit;
use crate::validate::{Health, ServiceHealth, Status};

/// What plugins call themselves at the beginning of the line.
const NAME: &str = "PG_AF";

/// The line for a round, and how the process ends.
pub(super) fn line(health: &Health) -> (Exit, String) {
    let (exit, word) = match health.status() {
        Some(Status::Pass) => (Exit::NAGIOS_OK, "OK"),
        Some(Status::Warn) => (Exit::NAGIOS_WARNING, "WARNING"),
        Some(Status::Fail) => (Exit::NAGIOS_CRITICAL, "CRITICAL"),
        None => (Exit::NAGIOS_UNKNOWN, "UNKNOWN"),
    };
    let mut told: Vec<String> = health.services.iter().map(summary).collect();
    let skipped: Vec<&str> = health.not_checked.iter().map(|one| one.service.name()).collect();
    if !skipped.is_empty() {
        told.push(format!("not checked: {}", skipped.join(", ")));
    }
    let performance: Vec<String> = health.services.iter().map(performance).collect();
    let line = format!("{NAME} {word} - {}", plain(&told.join("; ")));
    (exit, if performance.is_empty() { line } else { format!("{line} | {}", performance.join(" ")) })
}

/// The line where there is no result.
pub(super) fn unknown(failure: &Failure) -> (Exit, String) {
    (Exit::NAGIOS_UNKNOWN, format!("{NAME} UNKNOWN - {}", plain(&failure.report.message)))
}

/// A service and the worst of it.
fn summary(health: &ServiceHealth) -> String {
    let name = health.service;
    let status = health.status().name();
    match health.problems().next() {
        Some((_, Some(part), problem)) => format!("{name} {status} ({part}: {problem})"),
        Some((_, None, problem)) => format!("{name} {status} ({problem})"),
        None => format!("{name} {status}"),
    }
}

fn performance(health: &ServiceHealth) -> String {
    format!("{}_time={:.6}s;;;0", health.service, health.latency.as_secs_f64())
}

/// On one line, and without the bar that begins the performance data.
fn plain(text: &str) -> String {
    text.replace('|', "/").replace(char::is_control, " ")
}
