//! What is checked, decided before anything is: which services, where they are, and whether all is lost without them.

use super::attempts::{Limits, Patience};
use super::health::{NotChecked, Observation};
use super::{Service, Trouble, postgres, qdrant, redis};
use crate::connection::{Environment, Secret, Settings};

/// Why nothing can be checked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A service that is both required and optional.
    #[error("{0} is both required and optional")]
    Contradiction(Service),
    /// A service that is required, and nobody says where it is.
    #[error("check {0}: it is required, and nothing says where it is")]
    NoPlace(Service),
    /// A URL that leads nowhere.
    #[error("read the URL of {service}: {reason}")]
    Url {
        /// Whose.
        service: Service,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Contradiction(_) => None,
            Self::NoPlace(service) => Some(format!("Give {}.", service.setting())),
            Self::Url { service: Service::Redis, .. } => Some(
                "Use redis://USER:PASSWORD@HOST:PORT/NUMBER, rediss://… for TLS, or redis+unix:///PATH."
                    .to_owned(),
            ),
            Self::Url { .. } => Some(
                "Use http://HOST:6334 or https://HOST:6334; the API key comes from QDRANT_API_KEY."
                    .to_owned(),
            ),
        }
    }

    /// Whether the command line makes no sense.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Contradiction(_))
    }
}

/// Which services the user names. Where none is named, these are PostgreSQL and those that are configured, all required.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Without these, all is lost.
    pub required: Vec<Service>,
    /// Without these, something is.
    pub optional: Vec<Service>,
}

/// Where the services are, as the command line says. What it does not say, the environment may.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// Instead of `REDIS_URL`.
    pub redis_url: Option<Secret>,
    /// Instead of `QDRANT_URL`.
    pub qdrant_url: Option<String>,
    /// Instead of `QDRANT_HTTP_URL`.
    pub qdrant_http_url: Option<String>,
}

/// What is checked, and with how much patience.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) tasks: Vec<Task>,
    pub(super) skipped: Vec<NotChecked>,
    pub(super) patience: Patience,
}

#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) target: Target,
    pub(super) is_required: bool,
}

/// A service and where it is.
#[derive(Debug, Clone)]
pub(super) enum Target {
    Postgres(Box<Settings>),
    Redis(redis::Target),
    Qdrant(qdrant::Target),
}

impl Target {
    pub(super) fn service(&self) -> Service {
        match self {
            Self::Postgres(_) => Service::Postgres,
            Self::Redis(_) => Service::Redis,
            Self::Qdrant(_) => Service::Qdrant,
        }
    }

    /// Without passwords.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Postgres(settings) => postgres::address(settings),
            Self::Redis(target) => target.address(),
            Self::Qdrant(target) => target.address(),
        }
    }

    pub(super) fn probe(&self, limits: &Limits) -> Result<Observation, Trouble> {
        match self {
            Self::Postgres(settings) => postgres::probe(settings, limits),
            Self::Redis(target) => target.probe(limits),
            Self::Qdrant(target) => target.probe(limits),
        }
    }
}

impl Plan {
    /// Decides. `settings` lead to PostgreSQL, and are asked for only if that is checked.
    pub fn new<E: From<Error>>(
        selection: &Selection,
        places: &Places,
        environment: &Environment,
        patience: Patience,
        settings: impl FnOnce() -> Result<Settings, E>,
    ) -> Result<Self, E> {
        let mut plan = Self { tasks: Vec::new(), skipped: Vec::new(), patience };
        let mut settings = Some(settings);
        for service in Service::ALL {
            let is_required = match selection.role(service)? {
                Role::Required => true,
                Role::Optional | Role::IfConfigured => false,
                Role::Unwanted => {
                    plan.skip(service, "other services were asked for");
                    continue;
                }
            };
            let role = selection.role(service)?;
            let target = match service {
                Service::Postgres => match settings.take() {
                    Some(settings) => Some(Target::Postgres(Box::new(settings()?))),
                    None => None,
                },
                Service::Redis => redis::Target::find(places, environment)?.map(Target::Redis),
                Service::Qdrant => qdrant::Target::find(places, environment)?.map(Target::Qdrant),
            };
            match target {
                Some(target) => {
                    let is_required = is_required || role == Role::IfConfigured;
                    plan.tasks.push(Task { target, is_required });
                }
                None if is_required => return Err(Error::NoPlace(service).into()),
                None => plan.skip(
                    service,
                    &format!("neither {} is given", service.setting().replace(" or ", " nor ")),
                ),
            }
        }
        Ok(plan)
    }

    fn skip(&mut self, service: Service, reason: &str) {
        self.skipped.push(NotChecked { service, part: None, reason: reason.to_owned() });
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Required,
    Optional,
    /// Required, but only where something says where it is.
    IfConfigured,
    Unwanted,
}

impl Selection {
    fn role(&self, service: Service) -> Result<Role, Error> {
        let is_silent = self.required.is_empty() && self.optional.is_empty();
        match (self.required.contains(&service), self.optional.contains(&service)) {
            (true, true) => Err(Error::Contradiction(service)),
            (true, false) => Ok(Role::Required),
            (false, true) => Ok(Role::Optional),
            (false, false) if !is_silent => Ok(Role::Unwanted),
            (false, false) if service == Service::Postgres => Ok(Role::Required),
            (false, false) => Ok(Role::IfConfigured),
        }
    }
}
