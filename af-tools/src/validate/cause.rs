//! Why a service does not answer as it should, and what can be done about each cause.

use std::io;

use super::Service;

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Nobody listens there.
    Refused,
    /// The host's name is not known.
    Dns,
    /// No answer came in time.
    Timeout,
    /// No way there, as the system says at once.
    Unreachable,
    /// TLS could not be agreed on, or the certificate does not count.
    Tls,
    /// User or password, or API key, are wrong or missing.
    Authentication,
    /// PostgreSQL is there, and the database is not.
    NoDatabase,
    /// It starts, or loads its data.
    Starting,
    /// It answered, but in no way that is known: something else listens there.
    Protocol,
    /// The connection was lost.
    Closed,
    /// It refused, for a reason of its own.
    Refusal,
}

impl Cause {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Dns => "dns",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Authentication => "authentication",
            Self::NoDatabase => "no_database",
            Self::Starting => "starting",
            Self::Protocol => "protocol",
            Self::Closed => "closed",
            Self::Refusal => "refusal",
        }
    }

    /// Whether another attempt may have another result.
    pub(super) fn may_pass(self) -> bool {
        match self {
            Self::Refused | Self::Dns | Self::Timeout | Self::Unreachable | Self::Starting | Self::Closed => {
                true
            }
            Self::Tls | Self::Authentication | Self::NoDatabase | Self::Protocol | Self::Refusal => false,
        }
    }

    /// What an error of a socket means.
    pub(super) fn of_io(error: &io::Error) -> Self {
        use io::ErrorKind;
        match error.kind() {
            // What a missing socket file says, and what a read says whose time is over.
            ErrorKind::ConnectionRefused | ErrorKind::NotFound => Self::Refused,
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Self::Timeout,
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
                Self::Unreachable
            }
            ErrorKind::AddrNotAvailable => Self::Unreachable,
            ErrorKind::PermissionDenied => Self::Refusal,
            ErrorKind::InvalidData => Self::Tls,
            _ => Self::Closed,
        }
    }
}

/// Why a service could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What kind of trouble.
    pub cause: Cause,
    /// What was being done, and what came of it, as one line.
    pub message: String,
    /// What can be done about it.
    pub guidance: String,
}

impl Trouble {
    /// With the advice that its cause deserves.
    pub(super) fn new(service: Service, cause: Cause, message: impl Into<String>) -> Self {
        Self { cause, message: message.into(), guidance: guidance(service, cause) }
    }
}

fn guidance(service: Service, cause: Cause) -> String {
    let setting = service.setting();
    match cause {
        Cause::Refused => {
            format!("Nothing listens there: start it by `{}`, or correct {setting}.", service.compose("up -d"))
        }
        Cause::Dns => format!(
            "The name is not known on this machine (`getent hosts NAME` asks the same): correct the host in {setting}."
        ),
        Cause::Timeout => format!(
            "It may be overloaded or stopped, or a firewall drops what is sent: look at `{}`, at the network and at {setting}; --timeout gives it more time.",
            service.compose("ps")
        ),
        Cause::Unreachable => format!("There is no way to that address from here: correct the host in {setting}, or the network."),
        Cause::Tls => tls_guidance(service).to_owned(),
        Cause::Authentication => authentication_guidance(service).to_owned(),
        Cause::NoDatabase => {
            "Create it (`createdb --encoding=UTF8 NAME`, then `af-tools migrate up`), or correct the database in --url, DATABASE_URL or PGDATABASE.".to_owned()
        }
        Cause::Starting => "It is about to be ready: --wait 60s waits for it.".to_owned(),
        Cause::Protocol => format!(
            "What listens there does not speak as {service} does, or is behind TLS: correct scheme, host and port in {setting}."
        ),
        Cause::Closed => format!(
            "It hung up: its log says why (`{}`). If it should speak TLS, the URL has to say so.",
            service.compose("logs --tail=50")
        ),
        Cause::Refusal => format!("Its log says more: `{}`.", service.compose("logs --tail=50")),
    }
}

fn tls_guidance(service: Service) -> &'static str {
    match service {
        Service::Postgres => {
            "Check sslmode and sslrootcert, and what certificate the server has (`openssl s_client -starttls postgres -connect HOST:PORT`)."
        }
        Service::Redis => {
            "rediss:// needs a server with a TLS port, and a certificate that names the host and that an authority has signed which this system trusts, or which is in the file that SSL_CERT_FILE names (`openssl s_client -connect HOST:PORT`)."
        }
        Service::Qdrant => {
            "https:// needs a server with TLS, and a certificate that names the host and that an authority has signed which this system trusts, or which is in the file that SSL_CERT_FILE names (`openssl s_client -connect HOST:PORT`)."
        }
    }
}

fn authentication_guidance(service: Service) -> &'static str {
    match service {
        Service::Postgres => {
            "Check user and password: the password comes from the URL, else from PGPASSWORD, else from the password file (~/.pgpass). pg_hba.conf on the server says who may come in."
        }
        Service::Redis => {
            "Check user and password in REDIS_URL (redis://USER:PASSWORD@HOST, or redis://:PASSWORD@HOST for the default user); `ACL LIST` on the server has the users."
        }
        Service::Qdrant => {
            "Check QDRANT_API_KEY against the key in the server's configuration (service.api_key)."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_advice_of_its_own() {
        for service in Service::ALL {
            let causes = [
                Cause::Refused,
                Cause::Dns,
                Cause::Timeout,
                Cause::Unreachable,
                Cause::Tls,
                Cause::Authentication,
                Cause::NoDatabase,
                Cause::Starting,
                Cause::Protocol,
                Cause::Closed,
                Cause::Refusal,
            ];
            let mut advice: Vec<String> = causes.iter().map(|cause| guidance(service, *cause)).collect();
            advice.sort();
            advice.dedup();
            assert_eq!(advice.len(), causes.len(), "{service}");
        }
    }

    #[test]
    fn a_service_that_does_not_run_is_started_by_the_command_that_is_named() {
        let trouble = Trouble::new(Service::Redis, Cause::Refused, "connect");
        assert!(trouble.guidance.contains("`docker compose -f docker/docker-compose.yml up -d redis`"));
    }
}
