//! What is kept in the database of verifications and checkpoints, so that it is seen there too.

use af_core::digest::Digest;
use af_queries::client::Params;
use af_queries::queries::audit_checkpoints;
use af_queries::queries::audit_verifications::{self, RecordParams};
use postgres::Client;
use uuid::Uuid;

use super::checkpoint::{Checkpoints, Made};
use super::verify::{Method, Verification};
use crate::server::ServerError;

/// Why nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused.
    #[error("record {what} in the database")]
    Server {
        /// What was to be recorded.
        what: &'static str,
        /// What it said.
        source: ServerError,
    },
    /// What was signed is not what was recorded before, or cannot be recorded.
    #[error("record the checkpoint of tenant {0} in the database: it has a form that does not fit there")]
    Form(Uuid),
}

impl Error {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Server { source, .. } if source.is_about_privilege() => Some(
                "Connect as a member of af_admin, who may record, and of af_auditor, who may read what is verified.".to_owned(),
            ),
            Self::Server { source, .. } => source.hint(),
            Self::Form(_) => None,
        }
    }
}

/// How a verification was done, besides what it says itself.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The chains that were asked for; all of them if there is none.
    pub tenants: &'a [Uuid],
    /// Whether the guards are in place: a word of the table's.
    pub guards: &'a str,
    /// The checkpoints that it was held against.
    pub checkpoint: Option<&'a str>,
    /// What was recorded before.
    pub since: Option<&'a str>,
}

/// Keeps a record of a verification that has just ended.
pub fn verification(
    client: &mut Client,
    verification: &Verification,
    circumstances: Circumstances<'_>,
) -> Result<Uuid, Error> {
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let method = match verification.method {
        Method::Outside => "outside",
        Method::InDatabase => "in_database",
    };
    let Circumstances { tenants, guards, checkpoint, since } = circumstances;
    let parameters = RecordParams {
        seconds: verification.seconds,
        method,
        version: env!("CARGO_PKG_VERSION"),
        relation: verification.relation.as_str(),
        tenants: (!tenants.is_empty()).then_some(tenants),
        chains: count(verification.chains.len() as u64),
        entries: count(verification.entries),
        findings: count(verification.findings_total),
        status: verification.status.as_str(),
        guards,
        checkpoint,
        since,
    };
    let recorded = audit_verifications::record().params(client, &parameters).one();
    recorded.map_err(|error| Error::Server { what: "the verification", source: error.into() })
}

/// Keeps copies of the checkpoints of chains, with which `af_audit_verify()` compares them. Gives how many are new.
pub fn checkpoints(client: &mut Client, made: &Checkpoints) -> Result<u64, Error> {
    let mut new = 0;
    for chain in made.chains.iter().filter(|chain| matches!(chain.made, Made::Signed | Made::Unchanged)) {
        let parameters = || {
            let origin = chain.origin.as_deref()?;
            let digest = |text: &Option<String>| text.as_ref()?.parse::<Digest>().ok();
            let (root, hash) = (digest(&chain.root)?, digest(&chain.head_hash)?);
            Some((origin, i64::try_from(chain.size?).ok()?, root, hash, chain.note.as_deref()?))
        };
        let (origin, size, root, hash, note) = parameters().ok_or(Error::Form(chain.tenant_id))?;
        let incarnation = origin.rsplit('/').next().and_then(|number| number.parse().ok());
        let incarnation: i32 = incarnation.ok_or(Error::Form(chain.tenant_id))?;
        let parameters = audit_checkpoints::RecordParams {
            tenant_id: chain.tenant_id,
            incarnation,
            size,
            root: root.as_bytes().as_slice(),
            hash: hash.as_bytes().as_slice(),
            origin,
            note,
        };
        let recorded = audit_checkpoints::record().params(client, &parameters).one();
        let is_new =
            recorded.map_err(|error| Error::Server { what: "the checkpoints", source: error.into() })?;
        new += u64::from(is_new);
    }
    Ok(new)
}
