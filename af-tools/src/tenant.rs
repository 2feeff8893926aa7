//! Which tenant is meant.

use af_queries::queries::tenants;
use postgres::Client;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// Finds a tenant by its name or UUID, and says to the server that this session works for it. None if it is not there, or if
/// this role cannot see it.
pub(crate) fn work_for(client: &mut Client, tenant: &str) -> Result<Option<Uuid>, postgres::Error> {
    const WORK_FOR: &str = "SELECT set_config('af.tenant_id', $1, false)";
    let id = match tenant.parse() {
        // As in an import: what else could be read as a UUID is a name.
        Ok(id) if tenant.len() == Hyphenated::LENGTH => id,
        _ => match tenants::get_id_by_name().bind(client, &tenant).opt()? {
            Some(id) => id,
            None => return Ok(None),
        },
    };
    // For roles that see only the rows of the tenant they say they work for.
    client.execute(WORK_FOR, &[&id.to_string()])?;
    Ok(tenants::exists().bind(client, &id).one()?.then_some(id))
}

/// What helps where a tenant was not found.
pub(crate) const MISSING_HINT: &str =
    "A role that sees only its own tenant's rows must give that tenant's UUID.";
