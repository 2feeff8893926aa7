//! Every query of sql/queries, in the typed form that is generated from it, does what it says on a migrated database, and
//! gives one tenant nothing of another's. One file for each of sql/queries, and `written` for what they have in common.

mod agents;
mod audit_checkpoints;
mod audit_verifications;
mod audits;
mod budgets;
mod demo;
mod messages;
mod plans;
mod rbac_bindings;
mod rbac_roles;
mod tenants;
mod tools;
mod users;
mod workflows;
mod written;

use af_queries::queries;
use af_tests::database::Database;
use af_tests::ledger::add_tenant;
use af_tools::connection::{Environment, Settings, Source};
use af_tools::migrate::{self, History, Migrations, UpOptions};
use postgres::Client;
use serde_json::json;
use uuid::Uuid;

/// Two tenants and a superuser's session.
struct World {
    database: Database,
    client: Client,
    tenant: Uuid,
    other: Uuid,
}

impl World {
    fn new() -> Self {
        let database = Database::migrated();
        let mut client = database.connect();
        let [tenant, other] = ["one", "other"].map(|name| add_tenant(&mut client, name));
        Self { database, client, tenant, other }
    }

    /// A session of a member of `role`, at work for a tenant.
    fn connect_as(&mut self, role: &str, tenant: Uuid) -> Client {
        let login = format!("{}_{}", self.database.name(), Uuid::new_v4().simple());
        self.client.batch_execute(&format!("CREATE ROLE {login} LOGIN; GRANT {role} TO {login}")).unwrap();
        let mut client = self.database.connect_as(&login);
        client.batch_execute(&format!("SET af.tenant_id = '{tenant}'")).unwrap();
        client
    }

    fn app(&mut self, tenant: Uuid) -> Client {
        self.connect_as("af_app", tenant)
    }
}

/// All rows, page by page. `next` gives up to so many rows after the last row of the page before.
fn pages<T>(max_rows: i64, mut next: impl FnMut(Option<&T>, i64) -> Vec<T>) -> Vec<T> {
    let mut rows: Vec<T> = Vec::new();
    loop {
        let page = next(rows.last(), max_rows);
        let is_last = page.len() < usize::try_from(max_rows).unwrap();
        assert!(page.len() <= usize::try_from(max_rows).unwrap(), "a page is too long");
        rows.extend(page);
        if is_last {
            return rows;
        }
    }
}

/// A page size that divides the number of rows, one that does not, and one that takes them all.
const PAGE_SIZES: [i64; 3] = [1, 4, 100];

#[test]
fn the_schema_is_the_search_paths() {
    let database = Database::empty();
    let source = Source { url: Some(database.url()), schema: Some("elsewhere".to_owned()) };
    let settings = Settings::resolve(&source, &Environment::default()).unwrap();
    let migrations = Migrations::read(&migrate::Source::Embedded).unwrap();
    let mut history = History::open_or_begin(&settings).unwrap();
    migrate::up(&mut history, &migrations, &UpOptions::default(), &mut ()).unwrap();
    let mut client = database.connect();
    client.batch_execute("SET search_path = elsewhere").unwrap();
    let tenant = queries::tenants::create().bind(&mut client, &"one", &"free", &json!({})).one().unwrap();
    let found = queries::tenants::list().bind(&mut client, &None, &10).all().unwrap();
    assert_eq!(found, [tenant]);
    let count = client.query_one("SELECT count(*) FROM elsewhere.tenants", &[]).unwrap();
    assert_eq!(count.get::<_, i64>(0), 1);
}
