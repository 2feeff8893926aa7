//! What is checked, decided before anything is: which services, where they are, and whether all is lost without them.

use super::attempts::{Limits, Patience};
use super::health::{NotChecked, Observation};
use super::{Service, Trouble, postgres, qdrant, redis};
use crate::connection::{Environment, Settings};
use crate::secrets::Secret;

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
    /// Decides. `settings` lead to PostgreSQL; without them it is somewhere unknown.
    pub fn new(
        selection: &Selection,
        places: &Places,
        environment: &Environment,
        settings: Option<Settings>,
        patience: Patience,
    ) -> Result<Self, Error> {
        let mut plan = Self { tasks: Vec::new(), skipped: Vec::new(), patience };
        for service in Service::ALL {
            let role = selection.role(service)?;
            if role == Role::Unwanted {
                plan.skip(service, "other services were asked for");
                continue;
            }
            let target = match service {
                Service::Postgres => settings.clone().map(Box::new).map(Target::Postgres),
                Service::Redis => redis::Target::find(places, environment)?.map(Target::Redis),
                Service::Qdrant => qdrant::Target::find(places, environment)?.map(Target::Qdrant),
            };
            match target {
                Some(target) => plan.tasks.push(Task { target, is_required: role != Role::Optional }),
                None if role == Role::Required => return Err(Error::NoPlace(service)),
                None => {
                    plan.skip(service, &format!("nothing says where it is: {} would", service.setting()));
                }
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
    /// Whether a service is to be checked, if its place is known.
    pub fn includes(&self, service: Service) -> Result<bool, Error> {
        Ok(self.role(service)? != Role::Unwanted)
    }

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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PATIENCE: Patience = Patience { timeout: Duration::from_secs(1), retries: 0, wait: Duration::ZERO };

    /// What is checked, with a `!` where it is required, and what is not.
    fn plan(
        required: &[Service],
        optional: &[Service],
        variables: &[(&str, &str)],
    ) -> Result<String, String> {
        let selection = Selection { required: required.to_vec(), optional: optional.to_vec() };
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let environment = Environment {
            variables: variables.iter().map(pair).collect(),
            user: Some("me".to_owned()),
            ..Environment::default()
        };
        let settings = Settings::resolve(&crate::connection::Source::default(), &environment).unwrap();
        let plan = Plan::new(&selection, &Places::default(), &environment, Some(settings), PATIENCE)
            .map_err(|error| error.to_string())?;
        let checked = plan
            .tasks
            .iter()
            .map(|task| format!("{}{}", task.target.service(), if task.is_required { "!" } else { "" }));
        let skipped = plan.skipped.iter().map(|one| format!("-{}", one.service));
        Ok(checked.chain(skipped).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn what_is_named_or_configured_is_checked_and_the_rest_is_told() {
        use Service::{Postgres, Qdrant, Redis};
        let redis = ("REDIS_URL", "redis://h");
        let qdrant = ("QDRANT_URL", "http://h");
        for (required, optional, variables, expected) in [
            (&[][..], &[][..], &[][..], "postgres! -redis -qdrant"),
            (&[], &[], &[redis], "postgres! redis! -qdrant"),
            (&[], &[], &[redis, qdrant], "postgres! redis! qdrant!"),
            (&[Redis], &[], &[redis, qdrant], "redis! -postgres -qdrant"),
            (&[Postgres], &[Redis, Qdrant], &[redis], "postgres! redis -qdrant"),
            (&[], &[Postgres], &[redis], "postgres -redis -qdrant"),
            (&[], &[Qdrant], &[], "-postgres -redis -qdrant"),
        ] {
            assert_eq!(plan(required, optional, variables).unwrap(), expected, "{required:?} {optional:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        use Service::{Qdrant, Redis};
        for (required, optional, variables, words) in [
            (&[Redis][..], &[Redis][..], &[][..], "both required and optional"),
            (&[Redis], &[], &[], "nothing says where it is"),
            (&[Qdrant], &[], &[("QDRANT_URL", "")], "nothing says where it is"),
            (&[], &[Redis], &[("REDIS_URL", "http://topsecret@h")], "URL of redis"),
            (&[], &[Redis], &[("REDIS_URL", "rediss://:topsecret@h#insecure")], "not supported"),
            (&[], &[Redis], &[("REDIS_URL", "redis://:topsecret@h/many")], "URL of redis"),
        ] {
            let error = plan(required, optional, variables).unwrap_err();
            assert!(error.contains(words) && !error.contains("topsecret"), "{error}");
        }
    }
}
