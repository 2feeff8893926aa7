//! What each of the group roles can do, and above all what it cannot: tenants do not see, change or hold up each other,
//! and nobody but an auditor is told that a ledger is whole.

use af_tests::database::{Database, pg_dump, server, sqlstate};
use af_tests::ledger::{add_entries, disable_triggers, enable_triggers, verify, whole_chains};
use af_tests::platform::{KEPT, OVERALL, TABLES, add_tenant_with_rows, insertion};
use af_tests::tools::{self, Run};
use postgres::Client;
use uuid::Uuid;

/// The tables that only grow.
const APPEND_ONLY: [&str; 2] = ["audits", "messages"];
/// The tables that the application writes to as it likes.
const WORKED_ON: [&str; 4] = ["agents", "workflows", "plans", "tools"];

/// The tenants that a session finds where it finds none.
const NOBODY: [Uuid; 0] = [];

/// Two tenants with a row in each table, and a login for each role.
struct World {
    database: Database,
    superuser: Client,
    one: Uuid,
    other: Uuid,
}

impl World {
    fn new() -> Self {
        let database = Database::migrated();
        let mut superuser = database.connect();
        // As docs/schema.md says: in PostgreSQL 14 everybody may, and could then put functions beside those of pg_af.
        superuser.batch_execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC").unwrap();
        let [one, other] = ["one", "other"].map(|name| add_tenant_with_rows(&mut superuser, name));
        Self { database, superuser, one, other }
    }

    /// A login of this database's own, as a member of these roles.
    fn login(&mut self, name: &str, attributes: &str, roles: &str) -> String {
        let login = format!("{}_{name}", self.database.name());
        self.superuser
            .batch_execute(&format!("CREATE ROLE {login} LOGIN {attributes}; GRANT {roles} TO {login}"))
            .unwrap();
        login
    }

    fn connect(&mut self, role: &str) -> Client {
        let login = self.login(role, "", role);
        self.database.connect_as(&login)
    }

    /// The application at work for a tenant.
    fn app_for(&mut self, tenant: Uuid) -> Client {
        let mut app = self.connect("af_app");
        set_tenant(&mut app, &tenant.to_string());
        app
    }

    /// Hands every table to a login that is nothing special otherwise.
    fn give_to_owner(&mut self) -> String {
        let owner = format!("{}_owner", self.database.name());
        self.superuser
            .batch_execute(&format!(
                "CREATE ROLE {owner} LOGIN; ALTER DATABASE {} OWNER TO {owner}",
                self.database.name()
            ))
            .unwrap();
        for table in all_tables().chain(KEPT).chain(OVERALL).chain(["_sqlx_migrations"]) {
            self.superuser.batch_execute(&format!("ALTER TABLE {table} OWNER TO {owner}")).unwrap();
        }
        owner
    }
}

fn set_tenant(client: &mut Client, tenant: &str) {
    client.batch_execute(&format!("SET af.tenant_id = '{tenant}'")).unwrap();
}

fn count(client: &mut Client, table: &str) -> i64 {
    let row = client.query_one(&format!("SELECT count(*) FROM {table}"), &[]);
    row.unwrap_or_else(|error| panic!("{table}: {error:?}")).get(0)
}

/// The tenants whose rows a session finds in a table, in order.
fn tenants(client: &mut Client, table: &str) -> Vec<Uuid> {
    let column = if table == "tenants" { "id" } else { "tenant_id" };
    let rows = client.query(&format!("SELECT {column} FROM {table} ORDER BY 1"), &[]);
    rows.unwrap_or_else(|error| panic!("{table}: {error:?}")).iter().map(|row| row.get(0)).collect()
}

fn all_tables() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|(table, _)| *table).chain(["tenants"])
}

/// Every statement fails for want of a right.
fn expect_denied<S: AsRef<str>>(client: &mut Client, statements: impl IntoIterator<Item = S>) {
    for statement in statements {
        let statement = statement.as_ref();
        assert_eq!(sqlstate(client.batch_execute(statement)), "42501", "{statement}");
    }
}

/// A new row of a tenant's, under an id and a name of its own; what it refers to has the tenant's own id.
fn another(table: &str, tenant: Uuid) -> String {
    let name = match table {
        "users" => ("email", "gen_random_uuid()::text"),
        "plans" | "messages" | "audits" | "rbac_bindings" => ("tenant_id", "tenant"),
        _ => ("name", "gen_random_uuid()::text"),
    };
    insertion(table, tenant, tenant, &[("id", "gen_random_uuid()"), name])
}

#[test]
fn the_application_sees_the_tenant_that_is_set_and_no_other() {
    let mut world = World::new();
    let (one, other) = (world.one, world.other);
    let mut app = world.connect("af_app");
    for table in all_tables() {
        assert_eq!(tenants(&mut app, table), NOBODY, "{table}: nothing is set");
        app.batch_execute("SET af.tenant_id = ''").unwrap();
        assert_eq!(tenants(&mut app, table), NOBODY, "{table}: set to nothing");
        set_tenant(&mut app, &one.to_string());
        assert_eq!(tenants(&mut app, table), [one], "{table}");
        // By key, by whatever a query may try, and through a function that tells what it is given.
        let column = if table == "tenants" { "id" } else { "tenant_id" };
        for condition in [
            format!("{column} = '{other}'"),
            format!("{column} <> '{one}'"),
            format!("id = '{other}' OR false"),
        ] {
            assert_eq!(count(&mut app, &format!("{table} WHERE {condition}")), 0, "{table}: {condition}");
        }
        set_tenant(&mut app, &other.to_string().to_uppercase());
        assert_eq!(
            tenants(&mut app, table),
            [other],
            "{table}: af.tenant_id is the application's own to set"
        );
        set_tenant(&mut app, &Uuid::new_v4().to_string());
        assert_eq!(tenants(&mut app, table), NOBODY, "{table}: nobody's");
        for malformed in ["one", "%", "0", &one.to_string()[1..]] {
            set_tenant(&mut app, malformed);
            let result = app.query(&format!("SELECT * FROM {table}"), &[]);
            assert_eq!(sqlstate(result), "22P02", "{table}: {malformed}");
        }
        // Only for a transaction; what is left of it afterwards is the empty text.
        app.batch_execute("RESET af.tenant_id").unwrap();
        let mut transaction = app.transaction().unwrap();
        transaction.batch_execute(&format!("SET LOCAL af.tenant_id = '{one}'")).unwrap();
        assert_eq!(transaction.query(&format!("SELECT FROM {table}"), &[]).unwrap().len(), 1, "{table}");
        transaction.commit().unwrap();
        assert_eq!(tenants(&mut app, table), NOBODY, "{table}: the transaction is over");
    }
}

#[test]
fn no_query_leaks_rows_to_the_application() {
    let mut world = World::new();
    let (one, other) = (world.one, world.other);
    let mut app = world.app_for(one);
    // A function that fails on what it should not be shown, and costs so little that the planner would call it first.
    app.batch_execute(&format!(
        "CREATE FUNCTION pg_temp.tell(tenant uuid) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS \
         'BEGIN IF tenant = ''{other}'' THEN RAISE ''leaked''; END IF; RETURN true; END'"
    ))
    .unwrap();
    for (table, _) in TABLES {
        assert_eq!(count(&mut app, &format!("{table} WHERE pg_temp.tell(tenant_id)")), 1, "{table}");
        let cast = format!(
            "{table} WHERE pg_temp.tell(tenant_id) AND 1 / (CASE WHEN tenant_id = '{other}' THEN 0 ELSE 1 END) = 1"
        );
        assert_eq!(count(&mut app, &cast), 1, "{table}");
        let copied: Vec<u8> = {
            let mut reader =
                app.copy_out(&format!("COPY (SELECT tenant_id FROM {table}) TO STDOUT")).unwrap();
            let mut copied = Vec::new();
            std::io::Read::read_to_end(&mut reader, &mut copied).unwrap();
            copied
        };
        assert_eq!(String::from_utf8(copied).unwrap(), format!("{one}\n"), "{table}");
    }
    app.batch_execute("SET row_security = off").unwrap();
    expect_denied(&mut app, all_tables().map(|table| format!("SELECT * FROM {table}")));
    app.batch_execute("RESET row_security").unwrap();
    // What ANALYZE has learned of a table is not told either.
    world.superuser.batch_execute("ANALYZE").unwrap();
    assert_eq!(count(&mut app, "pg_stats WHERE schemaname = 'public' AND tablename = 'audits'"), 0);
    // The head of a chain is the chain's own.
    let head = |app: &mut Client, tenant: Uuid| {
        app.query("SELECT seq FROM af_audit_head($1)", &[&tenant]).unwrap().len()
    };
    assert_eq!((head(&mut app, one), head(&mut app, other)), (1, 0));
}

#[test]
fn the_application_writes_for_the_tenant_that_is_set_and_no_other() {
    let mut world = World::new();
    let (one, other) = (world.one, world.other);
    let mut app = world.app_for(one);
    for table in WORKED_ON.into_iter().chain(APPEND_ONLY) {
        app.batch_execute(&another(table, one)).unwrap_or_else(|error| panic!("{table}: {error:?}"));
        expect_denied(&mut app, [another(table, other), another(table, Uuid::new_v4())]);
        // An id that another tenant has is not told from one that nobody has.
        let taken = insertion(table, other, other, &[]);
        let conflict = format!("{taken} ON CONFLICT DO NOTHING");
        expect_denied(&mut app, [taken, conflict]);
        for unset in ["''", "DEFAULT"] {
            app.batch_execute(&format!("SET af.tenant_id = {unset}")).unwrap();
            expect_denied(&mut app, [another(table, one)]);
        }
        set_tenant(&mut app, "nonsense");
        assert_eq!(sqlstate(app.batch_execute(&another(table, one))), "22P02", "{table}");
        set_tenant(&mut app, &one.to_string());
        let copy = format!("COPY {table} (tenant_id, id) FROM STDIN");
        assert_eq!(sqlstate(app.batch_execute(&copy)), "0A000", "{table}");
    }
    for table in WORKED_ON {
        let changed = |app: &mut Client, sql: &str| {
            app.execute(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {error:?}"))
        };
        let touch = format!("UPDATE {table} SET created_at = now()");
        assert_eq!(changed(&mut app, &touch), 2, "{table}");
        for (statement, rows) in [
            (format!("{touch} WHERE tenant_id = '{other}'"), 0),
            (format!("DELETE FROM {table} WHERE tenant_id = '{other}'"), 0),
        ] {
            assert_eq!(changed(&mut app, &statement), rows, "{statement}");
        }
        expect_denied(
            &mut app,
            [format!("UPDATE {table} SET tenant_id = '{other}', id = gen_random_uuid()")],
        );
        assert_eq!(
            count(
                &mut world.superuser,
                &format!("{table} WHERE tenant_id = '{other}' AND created_at = updated_at")
            ),
            1
        );
    }
    // Its own rows cannot refer to another tenant's.
    let insert = insertion("plans", one, other, &[]);
    assert_eq!(sqlstate(app.batch_execute(&insert)), "23503");
    let update = format!("UPDATE plans SET workflow_id = '{other}'");
    assert_eq!(sqlstate(app.batch_execute(&update)), "23503");
    app.batch_execute("DELETE FROM plans; DELETE FROM workflows; DELETE FROM agents; DELETE FROM tools")
        .unwrap();
    for table in WORKED_ON {
        assert_eq!(tenants(&mut world.superuser, table), [other], "{table}");
    }
    assert_eq!(whole_chains(&mut world.superuser), [(one, 2), (other, 1)].into());
}

#[test]
fn the_application_has_no_way_around() {
    let mut world = World::new();
    let (one, other) = (world.one, world.other);
    let mut app = world.app_for(one);
    let mut denied: Vec<String> = Vec::new();
    for table in all_tables() {
        denied.extend([
            format!("TRUNCATE {table}"),
            format!("TRUNCATE {table} CASCADE"),
            format!("ALTER TABLE {table} DISABLE TRIGGER ALL"),
            format!("ALTER TABLE {table} DISABLE TRIGGER USER"),
            format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"),
            format!("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"),
            format!("DROP POLICY af_own_tenant ON {table}"),
            format!("ALTER POLICY af_own_tenant ON {table} USING (true)"),
            format!("CREATE POLICY mine ON {table} USING (true)"),
            format!("DROP TABLE {table} CASCADE"),
            format!("CREATE RULE gone AS ON INSERT TO {table} DO INSTEAD NOTHING"),
        ]);
    }
    for table in APPEND_ONLY {
        denied.extend([
            format!("UPDATE {table} SET ts = now()"),
            format!("DELETE FROM {table}"),
            format!("SELECT * FROM {table} FOR UPDATE"),
            format!("DO $$ BEGIN LOCK TABLE {table} IN SHARE MODE; END $$"),
        ]);
    }
    denied.push(format!("{} ON CONFLICT (tenant_id, id) DO UPDATE SET ts = now()", another("messages", one)));
    // Chain columns are not the application's to name, right or wrong.
    for (column, value) in [
        ("seq", "2"),
        ("prev_hash", "sha256('x')"),
        ("hash", "sha256('x')"),
        ("hash_version", "1"),
        ("seq", "NULL"),
    ] {
        denied.push(insertion("audits", one, Uuid::new_v4(), &[(column, value)]));
    }
    for table in ["users", "budgets", "rbac_roles", "rbac_bindings"] {
        denied.extend([
            another(table, one),
            format!("DELETE FROM {table}"),
            format!("UPDATE {table} SET id = id"),
        ]);
    }
    denied.extend(
        [
            "INSERT INTO tenants (name) VALUES ('mine')",
            "UPDATE tenants SET tier = 'enterprise'",
            "UPDATE users SET role = 'admin'",
            "UPDATE budgets SET limits = '{}'",
            "DELETE FROM tenants",
            "SET ROLE af_admin",
            "SET ROLE af_auditor",
            "SET ROLE pg_read_all_data",
            &format!("SET ROLE {}", server().superuser()),
            &format!("SET SESSION AUTHORIZATION {}", server().superuser()),
            "SET session_replication_role = replica",
            "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE OR REPLACE FUNCTION public.af_tenant_id() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'",
            "ALTER FUNCTION af_tenant_id() RENAME TO mine",
            "CREATE TRIGGER mine BEFORE INSERT ON agents FOR EACH ROW EXECUTE FUNCTION af_set_updated_at()",
            "COPY audits TO '/dev/null'",
            "COPY (SELECT 1) TO PROGRAM 'true'",
            "ALTER ROLE CURRENT_USER BYPASSRLS",
            "GRANT af_auditor TO CURRENT_USER",
        ]
        .map(str::to_owned),
    );
    expect_denied(&mut app, denied);
    // To pass on rights without the right to do so is but a warning, and changes nothing.
    app.batch_execute("GRANT UPDATE ON agents TO PUBLIC").unwrap();
    assert!(
        !world
            .superuser
            .query_one("SELECT has_table_privilege('public', 'agents', 'UPDATE')", &[])
            .unwrap()
            .get::<_, bool>(0)
    );
    // As the group role itself, nothing more is to be had.
    app.batch_execute("SET ROLE af_app").unwrap();
    expect_denied(&mut app, ["UPDATE audits SET ts = now()", "SET ROLE af_admin", &another("audits", other)]);
    app.batch_execute("RESET ROLE").unwrap();
    // What is spent is the one thing of a budget that the application keeps.
    let spend =
        "UPDATE budgets SET current_usage = '{\"tokens\": 7}' RETURNING tenant_id, updated_at > created_at";
    let rows = app.query(spend, &[]).unwrap();
    assert_eq!(rows.iter().map(|row| (row.get(0), row.get(1))).collect::<Vec<(Uuid, bool)>>(), [(one, true)]);
    assert_eq!(whole_chains(&mut world.superuser), [(one, 1), (other, 1)].into());
}

#[test]
fn what_is_refused_leaves_the_other_tenants_chain_free() {
    let mut world = World::new();
    let (one, other) = (world.one, world.other);
    let (mut app, mut theirs) = (world.app_for(one), world.database.connect());
    theirs.batch_execute("SET lock_timeout = '5s'").unwrap();
    let mut transaction = app.transaction().unwrap();
    transaction.batch_execute(&another("audits", one)).unwrap();
    for _ in 0..3 {
        let mut savepoint = transaction.transaction().unwrap();
        assert_eq!(sqlstate(savepoint.batch_execute(&another("audits", other))), "42501");
        savepoint.rollback().unwrap();
        // The transaction goes on, and holds nothing of the other tenant's.
        theirs.batch_execute(&another("audits", other)).unwrap();
    }
    transaction.batch_execute(&another("audits", one)).unwrap();
    transaction.commit().unwrap();
    assert_eq!(whole_chains(&mut world.superuser), [(one, 3), (other, 4)].into());
}

/// `af-tools audit verify` as some role, in both ways.
fn verify_by_tools(world: &World, role: &str) -> [Option<i32>; 2] {
    let url = world.database.url_as(role);
    [&["audit", "verify"][..], &["audit", "verify", "--in-database"]]
        .map(|arguments| tools::run(&[&["--json", "--url", &url], arguments].concat()).code)
}

#[test]
fn only_who_sees_every_row_is_told_that_the_ledger_is_whole() {
    let mut world = World::new();
    let (one, other) = (world.one, world.other);
    let app = world.login("app", "", "af_app");
    let auditor = world.login("auditor", "", "af_auditor");
    let both = world.login("both", "", "af_app, af_auditor");
    let statuses = |client: &mut Client| {
        verify(client).into_iter().map(|chain| (chain.tenant, chain.status)).collect::<Vec<_>>()
    };
    let partial = |tenant| (tenant, "partial".to_owned());
    let mut client = world.database.connect_as(&app);
    assert_eq!(statuses(&mut client), [partial(None)]);
    // Not even of its own chain: rows that it does not see could claim to belong there.
    set_tenant(&mut client, &one.to_string());
    assert_eq!(statuses(&mut client), [partial(Some(one))]);
    assert_eq!(verify_by_tools(&world, &app), [Some(4); 2]);
    for role in [&auditor, &both] {
        let mut client = world.database.connect_as(role);
        for setting in ["", &one.to_string(), &Uuid::new_v4().to_string(), "nonsense"] {
            set_tenant(&mut client, setting);
            assert_eq!(whole_chains(&mut client), [(one, 1), (other, 1)].into(), "{role}: {setting}");
        }
        assert_eq!(verify_by_tools(&world, role), [Some(0); 2], "{role}");
    }
    // And is told what is wrong with it.
    disable_triggers(&mut world.superuser);
    world.superuser.execute("UPDATE audits SET action = 'write' WHERE tenant_id = $1", &[&other]).unwrap();
    enable_triggers(&mut world.superuser);
    for chain in verify(&mut world.database.connect_as(&auditor)) {
        let finding = (chain.tenant == Some(other)).then(|| "altered".to_owned());
        assert_eq!(chain.finding, finding, "{:?}", chain.tenant);
    }
    assert_eq!(verify_by_tools(&world, &auditor), [Some(3); 2]);
}

#[test]
fn an_auditor_reads_every_tenant_and_writes_nothing() {
    let mut world = World::new();
    let mut expected = [world.one, world.other];
    expected.sort();
    let mut auditor = world.connect("af_auditor");
    for table in all_tables() {
        assert_eq!(tenants(&mut auditor, table), expected, "{table}");
    }
    set_tenant(&mut auditor, &world.one.to_string());
    for (table, _) in TABLES {
        expect_denied(
            &mut auditor,
            [
                another(table, world.one),
                format!("UPDATE {table} SET id = id"),
                format!("DELETE FROM {table}"),
                format!("TRUNCATE {table}"),
                format!("SELECT id FROM {table} FOR UPDATE"),
                format!("ALTER TABLE {table} DISABLE TRIGGER USER"),
            ],
        );
    }
    expect_denied(
        &mut auditor,
        [
            "SELECT hashed_secret FROM users",
            "SELECT * FROM users",
            "INSERT INTO tenants (name) VALUES ('x')",
            "SET ROLE af_admin",
            "SET ROLE af_app",
        ],
    );
    // It is the auditor whom the indexes on jsonb serve.
    let explain = |client: &mut Client, query: &str| {
        client.batch_execute("SET enable_seqscan = off").unwrap();
        let rows = client.query(&format!("EXPLAIN (COSTS OFF) SELECT id FROM {query}"), &[]).unwrap();
        rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
    };
    let mut app = world.app_for(world.one);
    for (table, column, index) in [
        ("messages", "metadata", "messages_metadata_idx"),
        ("tools", "permissions", "tools_permissions_idx"),
        ("rbac_roles", "permissions", "rbac_roles_permissions_idx"),
    ] {
        let query = format!("{table} WHERE {column} @> '[\"x\"]'");
        let plan = explain(&mut auditor, &query);
        assert!(plan.contains(index), "{plan}");
        let plan = explain(&mut app, &query);
        assert!(!plan.contains(index) && plan.contains("Index Cond: (tenant_id ="), "{plan}");
    }
    add_entries(&mut world.superuser, world.one, 1_000);
    for (table, column) in [("messages", "trace_id"), ("plans", "state"), ("users", "email")] {
        let insert =
            insertion(table, world.one, world.one, &[("id", "md5(n::text)::uuid"), (column, "n::text")]);
        world.superuser.batch_execute(&format!("{insert}, generate_series(1, 1000) AS n")).unwrap();
    }
    world.superuser.batch_execute("ANALYZE").unwrap();
    // The application's own queries find an index, whatever the policy adds to them.
    for (query, index) in [
        ("messages WHERE trace_id = 'trace' ORDER BY ts", "messages_tenant_id_trace_id_idx"),
        ("plans WHERE state = 'running' ORDER BY updated_at", "plans_tenant_id_state_idx"),
        ("users WHERE email = 'someone@example.org'", "users_tenant_id_email_key"),
        ("audits WHERE ts > now() - interval '1 day'", "audits_tenant_id_ts_idx"),
    ] {
        let plan = explain(&mut app, query);
        assert!(plan.contains(index) && !plan.contains("Filter"), "{query}: {plan}");
    }
}

#[test]
fn an_admin_manages_every_tenant_and_has_no_part_in_the_ledger() {
    let mut world = World::new();
    let (one, other) = (world.one, world.other);
    let mut admin = world.connect("af_admin");
    let new: Uuid =
        admin.query_one("INSERT INTO tenants (name) VALUES ('new') RETURNING id", &[]).unwrap().get(0);
    for (table, _) in TABLES {
        if APPEND_ONLY.contains(&table) {
            expect_denied(
                &mut admin,
                [
                    format!("SELECT * FROM {table}"),
                    another(table, one),
                    format!("UPDATE {table} SET ts = now()"),
                    format!("DELETE FROM {table}"),
                    format!("TRUNCATE {table}"),
                    format!("ALTER TABLE {table} DISABLE TRIGGER USER"),
                ],
            );
            continue;
        }
        admin.batch_execute(&insertion(table, new, new, &[])).unwrap();
        assert_eq!(tenants(&mut admin, table).len(), 3, "{table}");
        let changed = admin.execute(&format!("UPDATE {table} SET created_at = now()"), &[]).unwrap();
        assert_eq!(changed, 3, "{table}");
        expect_denied(
            &mut admin,
            [format!("TRUNCATE {table} CASCADE"), format!("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")],
        );
    }
    expect_denied(
        &mut admin,
        [
            "SELECT * FROM af_audit_verify()",
            "TRUNCATE tenants CASCADE",
            "SET ROLE af_app",
            "SET ROLE af_auditor",
            "GRANT af_auditor TO CURRENT_USER",
            "SET session_replication_role = replica",
        ],
    );
    // Row-level security does not hide from PostgreSQL's own checks that a tenant has entries and messages.
    for tenant in [one, other] {
        for (table, _) in TABLES.iter().rev().filter(|(table, _)| !APPEND_ONLY.contains(table)) {
            admin.batch_execute(&format!("DELETE FROM {table} WHERE tenant_id = '{tenant}'")).unwrap();
        }
        assert_eq!(
            sqlstate(admin.batch_execute(&format!("DELETE FROM tenants WHERE id = '{tenant}'"))),
            "23503"
        );
    }
    for (table, _) in TABLES.iter().rev().filter(|(table, _)| !APPEND_ONLY.contains(table)) {
        admin.batch_execute(&format!("DELETE FROM {table} WHERE tenant_id = '{new}'")).unwrap();
    }
    admin.batch_execute(&format!("DELETE FROM tenants WHERE id = '{new}'")).unwrap();
    assert_eq!(whole_chains(&mut world.superuser), [(one, 1), (other, 1)].into());
}

#[test]
fn checkpoints_are_an_admins_to_add_and_nobodys_to_change() {
    let mut world = World::new();
    let (one, other) = (world.one, world.other);
    let insert = |tenant: Uuid| {
        format!(
            "INSERT INTO audit_checkpoints (tenant_id, incarnation, size, root, hash, origin, note) \
             VALUES ('{tenant}', 1, 1, sha256('root'), sha256('hash'), 'example.org/log', 'a note')"
        )
    };
    for role in ["af_admin", "af_auditor", "af_app"] {
        let mut client = world.connect(role);
        set_tenant(&mut client, &one.to_string());
        for tenant in [one, other] {
            match role {
                "af_admin" => client.batch_execute(&insert(tenant)).unwrap(),
                _ => expect_denied(&mut client, [insert(tenant)]),
            }
        }
        expect_denied(
            &mut client,
            [
                "UPDATE audit_checkpoints SET size = 2",
                "DELETE FROM audit_checkpoints",
                "TRUNCATE audit_checkpoints",
                "SELECT * FROM audit_checkpoints FOR UPDATE",
                "ALTER TABLE audit_checkpoints DISABLE TRIGGER USER",
                "DROP POLICY af_own_tenant ON audit_checkpoints",
            ],
        );
        let count = if role == "af_app" { 1 } else { 2 };
        assert_eq!(tenants(&mut client, "audit_checkpoints").len(), count, "{role}");
    }
}

#[test]
fn a_stranger_gets_nothing() {
    let mut world = World::new();
    let login = world.login("stranger", "", "pg_monitor");
    let mut stranger = world.database.connect_as(&login);
    set_tenant(&mut stranger, &world.one.to_string());
    for table in all_tables().chain(KEPT) {
        expect_denied(&mut stranger, [format!("SELECT * FROM {table}"), format!("DELETE FROM {table}")]);
    }
    expect_denied(&mut stranger, [another("audits", world.one), another("agents", world.one)]);
}

fn import(url: &str, tenants: &[&str]) -> Run {
    let line = |tenant: &&str| {
        format!(
            "{{\"tenant\": \"{tenant}\", \"actor_type\": \"user\", \"actor_id\": \"u\", \"action\": \"read\", \"resource_type\": \"document\"}}\n"
        )
    };
    tools::run_with_input(
        &["--json", "--url", url, "audit", "import", "-"],
        tenants.iter().map(line).collect::<String>().as_bytes(),
    )
}

#[test]
fn the_owner_is_restricted_until_somebody_lifts_it() {
    let mut world = World::new();
    let (one, other) = (world.one, world.other);
    let name = world.give_to_owner();
    let url = world.database.url_as(&name);
    let mut owner = world.database.connect_as(&name);
    // By default, nothing; which is not to be taken for an empty ledger.
    for table in all_tables() {
        assert_eq!(tenants(&mut owner, table), NOBODY, "{table}");
    }
    assert_eq!(verify(&mut owner).iter().map(|chain| chain.status.as_str()).collect::<Vec<_>>(), ["partial"]);
    assert_eq!(verify_by_tools(&world, &name), [Some(4); 2]);
    let dump = pg_dump(&url, &[]);
    assert!(
        !dump.status.success() && String::from_utf8_lossy(&dump.stderr).contains("row-level security"),
        "{dump:?}"
    );
    // For one tenant, with keys checked as ever: by PostgreSQL, whom policies do not keep from other rows.
    set_tenant(&mut owner, &one.to_string());
    owner.batch_execute(&another("plans", one)).unwrap();
    assert_eq!(sqlstate(owner.batch_execute(&insertion("plans", one, other, &[]))), "23503");
    assert_eq!(sqlstate(owner.batch_execute(&another("audits", other))), "42501");
    assert_eq!(
        sqlstate(owner.batch_execute(&insertion(
            "audits",
            one,
            other,
            &[("seq", "1"), ("hash", "sha256('x')"), ("hash_version", "1"), ("ts", "now()")]
        ))),
        "23514"
    );
    let for_one = format!("{url}&options=-c%20af.tenant_id%3D{one}");
    let run = import(&for_one, &["one", &one.to_string()]);
    assert_eq!(run.code, Some(0), "{run:?}");
    for tenant in ["other", &other.to_string(), "a new one"] {
        let run = import(&for_one, &["one", tenant]);
        assert_eq!(run.code, Some(1), "{tenant}: {run:?}");
        assert!(
            run.json()["error"]["message"].as_str().unwrap().contains("nothing was stored"),
            "{tenant}: {run:?}"
        );
    }
    assert_eq!(whole_chains(&mut world.superuser), [(one, 3), (other, 1)].into());
    // As an auditor too, everything, to read.
    world.superuser.batch_execute(&format!("GRANT af_auditor TO {name}")).unwrap();
    assert_eq!(verify_by_tools(&world, &name), [Some(0); 2]);
    let dump = pg_dump(&url, &["--enable-row-security"]);
    assert!(dump.status.success(), "{dump:?}");
    let copy = Database::empty();
    let mut copied = copy.connect();
    // A script for psql, which knows what to do with COPY's data.
    let mut psql = server().command("psql");
    psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", &copy.url()])
        .stdin(std::process::Stdio::piped());
    let mut child = psql.stdout(std::process::Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &dump.stdout).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(whole_chains(&mut copied), [(one, 3), (other, 1)].into());
    for table in all_tables() {
        assert_eq!(count(&mut copied, table), count(&mut world.superuser, table), "{table}");
    }
    // Who is exempt imports for all tenants, new ones too.
    let importer = world.login("importer", "BYPASSRLS", "af_app, af_admin");
    let run = import(&world.database.url_as(&importer), &["one", &other.to_string(), "a new one"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(whole_chains(&mut world.superuser).into_values().sum::<i64>(), 7);
}

#[test]
fn an_application_login_imports_for_the_tenant_that_is_set() {
    let mut world = World::new();
    let login = world.login("app", "", "af_app");
    let url = world.database.url_as(&login);
    let run = import(&url, &["one"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let run = import(&format!("{url}&options=-c%20af.tenant_id%3D{}", world.one), &["one", "one"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(whole_chains(&mut world.superuser), [(world.one, 3), (world.other, 1)].into());
}
