//! `af-tools validate`.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use crate::secrets::Secret;
use crate::validate::{Patience, Places, Selection, Service};

/// `af-tools validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Check this service, and fail without it; may be given several times
    ///
    /// Where neither this nor --optional is given, PostgreSQL is checked, and Redis and Qdrant where a URL says where they
    /// are, all of them as required.
    #[arg(long = "require", value_name = "NAME")]
    pub required: Vec<Service>,
    /// Check this service, and only warn without it; may be given several times
    #[arg(long, value_name = "NAME")]
    pub optional: Vec<Service>,
    /// Where Redis is: redis://USER:PASSWORD@HOST:PORT, rediss://… for TLS [env: REDIS_URL]
    ///
    /// Everybody on this machine can read a process's arguments: a URL with a password goes better into REDIS_URL.
    #[arg(long, value_name = "URL", value_parser = secret)]
    pub redis_url: Option<Secret>,
    /// Where Qdrant's gRPC interface is: http://HOST:6334 [env: QDRANT_URL, with QDRANT_API_KEY]
    #[arg(long, value_name = "URL")]
    pub qdrant_url: Option<String>,
    /// Where Qdrant's REST interface is, if not on port 6333 of the same host [env: QDRANT_HTTP_URL]
    #[arg(long, value_name = "URL")]
    pub qdrant_http_url: Option<String>,
    /// Give each attempt at most so long, half of it to connect
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = timeout)]
    pub timeout: Duration,
    /// Try so often again where that may help: not after a wrong password
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub retries: u32,
    /// Keep trying for so long, whatever --retries says: for services that are being started
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = super::duration)]
    pub wait: Duration,
    /// Check again and again until interrupted
    ///
    /// Each result is printed, and a document of its own with --json. A password that comes from a secret
    /// (--password-secret) is the secret's current one, also after a rotation.
    #[arg(long)]
    pub watch: bool,
    /// With --watch, how long to wait between two checks
    #[arg(long, value_name = "DURATION", default_value = "30s", requires = "watch", value_parser = timeout)]
    pub interval: Duration,
    /// How to print the result
    ///
    /// nagios: one line with performance data, and the exit codes of monitoring plugins: 0 OK, 1 WARNING, 2 CRITICAL,
    /// 3 UNKNOWN.
    #[arg(long, value_name = "FORMAT", default_value = "text", conflicts_with_all = ["json", "watch"])]
    pub format: Format,
    /// Also write the result to this file, for Prometheus
    ///
    /// In its text format, replaced at once, for the textfile collector of node_exporter.
    #[arg(long, value_name = "PATH")]
    pub metrics_file: Option<PathBuf>,
}

/// For whom the result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For Nagios, and what calls plugins as it does.
    Nagios,
}

impl ValueEnum for Service {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl ValidateArgs {
    /// Which services are meant.
    pub fn selection(&self) -> Selection {
        Selection { required: self.required.clone(), optional: self.optional.clone() }
    }

    /// Where they are.
    pub fn places(&self) -> Places {
        Places {
            redis_url: self.redis_url.clone(),
            qdrant_url: self.qdrant_url.clone(),
            qdrant_http_url: self.qdrant_http_url.clone(),
        }
    }

    /// How much patience there is.
    pub fn patience(&self) -> Patience {
        Patience { timeout: self.timeout, retries: self.retries, wait: self.wait }
    }
}

fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text.to_owned()))
}

fn timeout(text: &str) -> Result<Duration, &'static str> {
    match super::duration(text)? {
        Duration::ZERO => Err("more than nothing expected"),
        duration => Ok(duration),
    }
}
