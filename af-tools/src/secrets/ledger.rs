//! Accesses as entries of the audit ledger, where nobody can take them back.

use std::error::Error as StdError;

use af_queries::client::Params;
use af_queries::queries::audits::{self, CreateParams};
use af_queries::queries::tenants;
use postgres::Client;
use serde_json::json;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::Key;
use super::access::{Access, Recorder};
use crate::connection::Connection;
use crate::relation::{Relation, RelationError};
use crate::server::ServerError;

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
            Self::NoTenant(_) => {
                Some("A role that sees only its own tenant's rows must give that tenant's UUID.".to_owned())
            }
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
        let tenant = find_tenant(client, tenant)?;
        Ok(Self { connection, tenant })
    }
}

fn find_tenant(client: &mut Client, tenant: &str) -> Result<Uuid, LedgerError> {
    const WORK_FOR: &str = "SELECT set_config('af.tenant_id', $1, false)";
    let failed = "find the tenant";
    let missing = || LedgerError::NoTenant(tenant.to_owned());
    let id = match tenant.parse() {
        // As in an import: what else could be read as a UUID is a name.
        Ok(id) if tenant.len() == Hyphenated::LENGTH => id,
        _ => tenants::get_id_by_name()
            .bind(client, &tenant)
            .opt()
            .map_err(doing(failed))?
            .ok_or_else(missing)?,
    };
    // For roles that see only the rows of the tenant they say they work for.
    client.execute(WORK_FOR, &[&id.to_string()]).map_err(doing(failed))?;
    if tenants::exists().bind(client, &id).one().map_err(doing(failed))? { Ok(id) } else { Err(missing()) }
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
