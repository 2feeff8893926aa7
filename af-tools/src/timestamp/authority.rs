//! Authorities: how they are asked over the network, and how their signatures are verified.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Serialize;
use ureq::Agent;
use url::Url;

use crate::http;

/// A token has some kilobytes.
const MAX_REPLY_BYTES: u64 = 1 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(60);

/// Why an authority was not asked, or not verified.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be asked over HTTP.
    #[error("ask for a time stamp: the address of the authority does not begin with http:// or https://")]
    Address,
    /// It does not answer.
    #[error("ask {url} for a time stamp")]
    Ask {
        /// Whom.
        url: String,
        /// Why not.
        source: Box<ureq::Error>,
    },
    /// It answers otherwise.
    #[error("ask {url} for a time stamp: it answers with {status}")]
    Status {
        /// Whom.
        url: String,
        /// The status of HTTP.
        status: u16,
    },
    /// OpenSSL cannot be run.
    #[error("run openssl")]
    Start(#[source] io::Error),
    /// What it needs cannot be written.
    #[error("write what openssl reads")]
    Input(#[source] io::Error),
    /// The certificates cannot be read.
    #[error("read certificates {}", path.display())]
    Certificates {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The token is not signed by an authority whose certificate is trusted.
    #[error("not_signed: openssl does not take the token for one by an authority of {}: {said}", certificates.display())]
    NotSigned {
        /// The certificates.
        certificates: PathBuf,
        /// What OpenSSL said.
        said: String,
    },
}

impl Error {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Ask { .. } | Self::Status { .. } => {
                "The query is beside the file: it can be sent in another way, and the answer be given with --reply."
            }
            Self::Start(_) => {
                "Install OpenSSL, or verify where it is: `openssl ts -verify -in FILE.tsr -data FILE -CAfile CA`."
            }
            Self::NotSigned { .. } => "--tsa-ca is the certificate of whoever certified the authority (PEM).",
            Self::Address | Self::Input(_) | Self::Certificates { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// Whether the token is not what it seems.
    pub fn is_finding(&self) -> bool {
        matches!(self, Self::NotSigned { .. })
    }

    /// Whether there is nobody who could tell.
    pub fn is_unproven(&self) -> bool {
        matches!(self, Self::Start(_))
    }
}

/// Who has verified the authority's signature, and with which certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The program.
    pub by: String,
    /// The certificates that were trusted.
    pub certificates: PathBuf,
}

/// Sends a query, and returns the reply.
pub fn ask(url: &str, query: &[u8]) -> Result<Vec<u8>, Error> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or(Error::Address)?;
    let failed = |source| Error::Ask { url: without_password(&url), source: Box::new(source) };
    let config = http::config()
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build();
    let request =
        Agent::new_with_config(config).post(url.as_str()).content_type("application/timestamp-query");
    let mut response = request.send(query).map_err(failed)?;
    match response.status().as_u16() {
        200 => response.body_mut().with_config().limit(MAX_REPLY_BYTES).read_to_vec().map_err(failed),
        status => Err(Error::Status { url: without_password(&url), status }),
    }
}

/// The address as it may be shown.
fn without_password(url: &Url) -> String {
    let (host, path) = (url.host_str().unwrap_or_default(), url.path());
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{path}", url.scheme())
}

/// Has OpenSSL verify that a reply holds a token for `content`, signed by an authority that one of `certificates` (PEM) has
/// certified for that.
pub fn verify(reply: &[u8], content: &[u8], certificates: &Path) -> Result<Verified, Error> {
    fs::File::open(certificates)
        .map_err(|source| Error::Certificates { path: certificates.to_owned(), source })?;
    // The bytes that were looked at, not what may be in their files by now.
    let (reply, content) = (file_of(reply)?, file_of(content)?);
    let mut command = openssl();
    command.args(["ts", "-verify", "-in"]).arg(reply.path()).arg("-data").arg(content.path());
    let output = command.arg("-CAfile").arg(certificates).output().map_err(Error::Start)?;
    let said = [output.stdout, output.stderr].concat();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&said).trim().replace('\n', "; ");
        return Err(Error::NotSigned { certificates: certificates.to_owned(), said });
    }
    let version = openssl().arg("version").output().map_err(Error::Start)?;
    let by = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    Ok(Verified { by, certificates: certificates.to_owned() })
}

fn openssl() -> Command {
    let mut command = Command::new("openssl");
    command.stdin(Stdio::null());
    command
}

fn file_of(bytes: &[u8]) -> Result<tempfile::NamedTempFile, Error> {
    let write = || {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(bytes)?;
        Ok(file)
    };
    write().map_err(Error::Input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_does_not_show() {
        let url = "http://me:topsecret@127.0.0.1:1/tsa?key=topsecret";
        assert_eq!(without_password(&Url::parse(url).unwrap()), "http://127.0.0.1:1/tsa");
        for url in [url, "topsecret", "mailto:topsecret", "ftp://me:topsecret@127.0.0.1/"] {
            let error = ask(url, b"").unwrap_err();
            assert!(!format!("{error:?} {error}").contains("topsecret"), "{error:?}");
        }
    }

    #[test]
    fn what_openssl_does_not_take_is_not_verified() {
        let certificates = tempfile::NamedTempFile::new().unwrap();
        let error = verify(b"x", b"y", certificates.path()).unwrap_err();
        assert!(error.is_finding() || error.is_unproven(), "{error}");
        let missing = verify(b"x", b"y", Path::new("/nowhere/ca")).unwrap_err();
        assert!(matches!(missing, Error::Certificates { .. }), "{missing}");
    }
}
