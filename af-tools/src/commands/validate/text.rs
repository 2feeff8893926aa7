//! The result for people: each service, each part of it, what is wrong and what to do.

use std::io::{self, Write};

use serde_json::Value;

use super::HealthReport;
use crate::output::{Report, Verbosity, counted};
use crate::validate::{Finding, ServiceHealth, Status};

/// How wide the column with the parts is at least.
const PART_WIDTH: usize = 12;

impl Report for HealthReport {
    fn write_text(&self, out: &mut dyn Write, verbosity: Verbosity) -> io::Result<()> {
        for service in &self.0.services {
            write_service(service, verbosity, out)?;
        }
        for one in self.0.not_checked() {
            let part = one.part.map_or_else(String::new, |part| format!(" {part}"));
            writeln!(out, "not checked: {}{part}: {}", one.service, one.reason)?;
        }
        match self.0.status() {
            Some(Status::Pass) => writeln!(out, "pass: what was checked is well"),
            Some(Status::Warn) => {
                writeln!(out, "warn: what is required works, and something should be looked at")
            }
            Some(Status::Fail) => {
                writeln!(out, "fail: {} not well", super::failed(&self.0).collect::<Vec<_>>().join(", "))
            }
            None => writeln!(out, "nothing was checked"),
        }
    }
}

fn write_service(service: &ServiceHealth, verbosity: Verbosity, out: &mut dyn Write) -> io::Result<()> {
    let weight = if service.is_required { "required" } else { "optional" };
    writeln!(
        out,
        "{}  {} ({weight}): {}, {:.0} ms, {}",
        service.status().name(),
        service.service,
        service.address,
        service.latency.as_secs_f64() * 1e3,
        counted(service.attempts.into(), "attempt", "attempts")
    )?;
    if let Some(trouble) = &service.trouble {
        writeln!(out, "      {}: {}", trouble.cause.name(), trouble.message)?;
        writeln!(out, "      → {}", trouble.guidance)?;
    }
    let widest = service.findings.iter().map(|finding| finding.part.len()).max();
    let width = widest.unwrap_or_default().max(PART_WIDTH);
    service.findings.iter().try_for_each(|finding| write_finding(finding, width, verbosity, out))
}

fn write_finding(
    finding: &Finding,
    width: usize,
    verbosity: Verbosity,
    out: &mut dyn Write,
) -> io::Result<()> {
    let status = finding.status.name();
    // What is wrong says itself what was seen.
    let seen = match &finding.output {
        Some(output) if verbosity < Verbosity::Verbose => output.clone(),
        Some(output) => format!("{output} [{}]", plain(&finding.observed)),
        None => plain(&finding.observed),
    };
    writeln!(out, "      {status}  {:width$}  {seen}", finding.part)?;
    match &finding.guidance {
        Some(guidance) => writeln!(out, "            → {guidance}"),
        None => Ok(()),
    }
}

/// What was seen, without the signs of JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
        Value::Object(fields) => {
            let field =
                |(name, value): (&String, &Value)| format!("{} {}", name.replace('_', " "), plain(value));
            fields.iter().map(field).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
