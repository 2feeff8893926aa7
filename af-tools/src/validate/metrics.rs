//! A round's result for Prometheus, in its text format, as a file for the textfile collector of node_exporter.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::{Health, Service, Status};

/// The file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("write the metrics to {}", path.display())]
pub struct Error {
    path: PathBuf,
    source: io::Error,
}

/// Writes the metrics into a file: whoever reads it sees the old ones or the new ones, never a part.
pub fn write(health: &Health, path: &Path) -> Result<(), Error> {
    let replace = || {
        let directory = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        // In the same directory, for only within a file system a name can be given anew at once.
        let mut file = tempfile::Builder::new().prefix(".af-tools-").tempfile_in(directory)?;
        file.write_all(render(health).as_bytes())?;
        make_readable(file.as_file())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    replace().map_err(|source| Error { path: path.to_owned(), source })
}

/// Who collects is another user, and a temporary file is its owner's alone.
#[cfg(unix)]
fn make_readable(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &fs::File) -> io::Result<()> {
    Ok(())
}

/// The metrics as text.
pub fn render(health: &Health) -> String {
    let mut out = String::new();
    let mut family = |name: &str, help: &str, samples: Vec<(String, f64)>| {
        // A String takes whatever it is given.
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in samples {
            let _ = writeln!(out, "{name}{labels} {value}");
        }
    };
    let each = |value: &dyn Fn(&super::ServiceHealth) -> f64| -> Vec<(String, f64)> {
        let labels = |service: Service| format!("{{service=\"{service}\"}}");
        health.services.iter().map(|one| (labels(one.service), value(one))).collect()
    };
    let time = health.time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let checked = Service::ALL.map(|service| {
        let is_checked = health.services.iter().any(|one| one.service == service);
        (format!("{{service=\"{service}\"}}"), f64::from(u8::from(is_checked)))
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
        (format!("{{service=\"{service}\",part=\"{part}\"}}"), number(status))
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
    out
}

fn number(status: Status) -> f64 {
    match status {
        Status::Pass => 0.0,
        Status::Warn => 1.0,
        Status::Fail => 2.0,
    }
}
