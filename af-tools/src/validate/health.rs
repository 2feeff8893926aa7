//! What a round of checks came to.
//!
//! As JSON it has the names of the Internet-Draft draft-inadarei-api-health-check (`application/health+json`): `status`,
//! `checks` by component and measurement, and in each of them `componentId`, `observedValue`, `status`, `time`, `output`.
//! What the draft does not have is in snake case: `guidance`, `attempts`, `cause`, `is_required`, `not_checked`.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Service, Trouble};

/// How well something is, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Pass,
    /// It works, and something should be looked at.
    Warn,
    /// It does not work, or not safely.
    Fail,
}

impl Status {
    /// Its name in every output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What was found of one part of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The part: `version`, `memory`, …
    pub part: &'static str,
    /// How well it is.
    pub status: Status,
    /// What was seen.
    pub observed: Value,
    /// What is wrong, if something is.
    pub output: Option<String>,
    /// What can be done about it.
    pub guidance: Option<String>,
}

impl Finding {
    /// As it should be.
    pub(super) fn pass(part: &'static str, observed: impl Into<Value>) -> Self {
        Self { part, status: Status::Pass, observed: observed.into(), output: None, guidance: None }
    }

    /// Not as it should be.
    pub(super) fn problem(
        status: Status,
        part: &'static str,
        observed: impl Into<Value>,
        output: impl Into<String>,
        guidance: impl Into<String>,
    ) -> Self {
        let (output, guidance) = (Some(output.into()), Some(guidance.into()));
        Self { part, status, observed: observed.into(), output, guidance }
    }
}

/// A service, or a part of one, of which nothing is known. It is never counted as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotChecked {
    /// The service.
    pub service: Service,
    /// Which part of it; all of it where none is given.
    pub part: Option<&'static str>,
    /// Why not.
    pub reason: String,
}

/// What one attempt on a service saw.
#[derive(Debug, Clone, Default)]
pub(super) struct Observation {
    pub(super) findings: Vec<Finding>,
    /// Parts that could not be looked at, and why.
    pub(super) not_checked: Vec<(&'static str, String)>,
    /// Whether it is on its way to be well, so that another attempt is worth while.
    pub(super) is_starting: bool,
}

/// How well a service is.
#[derive(Debug, Clone)]
pub struct ServiceHealth {
    /// The service.
    pub service: Service,
    /// Whether all is lost without it.
    pub is_required: bool,
    /// Where it is, without passwords.
    pub address: String,
    /// When the last attempt was over.
    pub time: SystemTime,
    /// How long the last attempt took.
    pub latency: Duration,
    /// How many attempts there were.
    pub attempts: u32,
    /// Why there is nothing else, if it could not be looked at.
    pub trouble: Option<Trouble>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What was not looked at.
    pub not_checked: Vec<NotChecked>,
}

impl ServiceHealth {
    /// That of its worst part.
    pub fn status(&self) -> Status {
        let worst = self.findings.iter().map(|finding| finding.status).max();
        if self.trouble.is_some() { Status::Fail } else { worst.unwrap_or(Status::Pass) }
    }

    /// What is wrong, worst first: the part, and what about it.
    pub fn problems(&self) -> impl Iterator<Item = (Status, Option<&'static str>, &str)> {
        let trouble = self.trouble.iter().map(|trouble| (Status::Fail, None, trouble.message.as_str()));
        let with = |status| self.findings.iter().filter(move |finding| finding.status == status);
        let findings = with(Status::Fail).chain(with(Status::Warn));
        trouble.chain(findings.map(|finding| {
            (finding.status, Some(finding.part), finding.output.as_deref().unwrap_or_default())
        }))
    }
}

/// How well everything is.
#[derive(Debug, Clone)]
pub struct Health {
    /// When the round began.
    pub time: SystemTime,
    /// What was checked.
    pub services: Vec<ServiceHealth>,
    /// Services that were not.
    pub not_checked: Vec<NotChecked>,
}

impl Health {
    /// The status of all together; nothing where nothing was checked. What is optional can be no worse than a warning.
    pub fn status(&self) -> Option<Status> {
        let weighed = |health: &ServiceHealth| {
            if health.is_required { health.status() } else { health.status().min(Status::Warn) }
        };
        self.services.iter().map(weighed).max()
    }

    /// Everything of which nothing is known: whole services and parts.
    pub fn not_checked(&self) -> impl Iterator<Item = &NotChecked> {
        self.not_checked.iter().chain(self.services.iter().flat_map(|health| &health.not_checked))
    }
}

/// To the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// A moment as RFC 3339 has it, in UTC, with milliseconds.
pub(super) fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    status: Option<Status>,
    /// Of af-tools.
    version: &'static str,
    description: &'static str,
    time: String,
    checks: BTreeMap<String, Vec<Check<'a>>>,
    #[serde(rename = "not_checked")]
    not_checked: Vec<Unknown<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Check<'a> {
    component_id: &'static str,
    component_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_value: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_unit: Option<&'static str>,
    status: Status,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guidance: Option<&'a str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    service: Option<Whole<'a>>,
}

/// What is said of a whole service alone.
#[derive(Serialize)]
struct Whole<'a> {
    address: &'a str,
    is_required: bool,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Unknown<'a> {
    component_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'static str>,
    reason: &'a str,
}

impl Serialize for Health {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut checks = BTreeMap::new();
        for health in &self.services {
            let name = health.service.name();
            checks.insert(name.to_owned(), vec![whole(health)]);
            for finding in &health.findings {
                let key = format!("{name}:{}", finding.part);
                checks.entry(key).or_insert_with(Vec::new).push(part(health, finding));
            }
        }
        let not_checked = self.not_checked().map(|one| Unknown {
            component_id: one.service.name(),
            part: one.part,
            reason: &one.reason,
        });
        Document {
            status: self.status(),
            version: env!("CARGO_PKG_VERSION"),
            description: "health of the services that pg_af works with",
            time: rfc3339(self.time),
            checks,
            not_checked: not_checked.collect(),
        }
        .serialize(serializer)
    }
}

fn whole(health: &ServiceHealth) -> Check<'_> {
    let trouble = health.trouble.as_ref();
    Check {
        component_id: health.service.name(),
        component_type: "datastore",
        observed_value: Some(milliseconds(health.latency).into()),
        observed_unit: Some("ms"),
        status: health.status(),
        time: rfc3339(health.time),
        output: trouble.map(|trouble| trouble.message.as_str()),
        guidance: trouble.map(|trouble| trouble.guidance.as_str()),
        service: Some(Whole {
            address: &health.address,
            is_required: health.is_required,
            attempts: health.attempts,
            cause: trouble.map(|trouble| trouble.cause.name()),
        }),
    }
}

fn part<'a>(health: &ServiceHealth, finding: &'a Finding) -> Check<'a> {
    Check {
        component_id: health.service.name(),
        component_type: "datastore",
        observed_value: Some(finding.observed.clone()).filter(|observed| !observed.is_null()),
        observed_unit: None,
        status: finding.status,
        time: rfc3339(health.time),
        output: finding.output.as_deref(),
        guidance: finding.guidance.as_deref(),
        service: None,
    }
}
