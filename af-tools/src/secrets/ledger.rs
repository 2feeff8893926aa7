//! Accesses as entries of the audit ledger, where nobody can take them back.

use std::error::Error as StdError;

use af_queries::client::Params;
use af_queries::queries::audits::{self, CreateParams};
use serde_json::json;
use uuid::Uuid;

use super::Key;
use super::access::{Access, Recorder};
use crate::connection::Connection;
use crate::relation::{Relation, RelationError};
use crate::server::ServerError;
use crate::tenant;

/// Why accesses cannot be kept in the ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// There is no ledger.
    #[error(transparent)]
    Relation(#[from] RelationError),
    /// The tenant is not there, or this role cannot see it.
    #[error("record accesses to secrets: there is no tenant \"{0}\"")]
    NoTenant(String),
    /// The server refused.
    #[error("{doing}")]
    Server {
        /// What was being done.
        doing: &'static str,
        /// What it said.
        source: ServerError,
    },
}

impl LedgerError {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Relation(error) => error.hint(),
            Self::NoTenant(_) => Some(tenant::MISSING_HINT.to_owned()),
            Self::Server { source, .. } => source.hint(),
        }
    }
}

fn doing<E: Into<ServerError>>(doing: &'static str) -> impl FnOnce(E) -> LedgerError {
    move |error| LedgerError::Server { doing, source: error.into() }
}

/// Keeps accesses in `audits`, one entry each: action `secret.get`, `secret.set` …, resource `secret` and its key.
pub struct Ledger {
    connection: Connection,
    tenant: Uuid,
}

impl Ledger {
    /// In the chain of a tenant, given by its name or UUID.
    ///
    /// # Errors
    ///
    /// When there is no such tenant or no ledger.
    pub fn open(mut connection: Connection, tenant: &str) -> Result<Self, LedgerError> {
        let client = &mut connection.client;
        Relation::find(client, "audits")?;
        Relation::find(client, "tenants")?;
        let found = tenant::work_for(client, tenant).map_err(doing("find the tenant"))?;
        let tenant = found.ok_or_else(|| LedgerError::NoTenant(tenant.to_owned()))?;
        Ok(Self { connection, tenant })
    }
}

impl Recorder for Ledger {
    fn record(&mut self, access: &Access<'_>) -> Result<(), Box<dyn StdError + Send + Sync>> {
        let entry = CreateParams {
            tenant_id: self.tenant,
            ts: None,
            actor_type: "user",
            actor_id: access.actor,
            action: format!("secret.{}", access.operation.name()),
            resource_type: "secret",
            resource_id: access.key.map(Key::as_str),
            details: json!({"provider": access.provider, "outcome": access.outcome}),
        };
        let created = audits::create().params(&mut self.connection.client, &entry).one();
        created
            .map(drop)
            .map_err(|error| doing::<postgres::Error>("insert an entry into audits")(error).into())
    }
}
