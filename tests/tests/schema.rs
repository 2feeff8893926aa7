//! The tables refuse what makes no sense and what belongs to another tenant, whoever asks.

use std::thread;

use af_tests::database::{Database, connect, migrate, options, sqlstate};
use af_tests::ledger::{add_tenant, whole_chains};
use af_tests::platform::{KEPT, OVERALL, TABLES, add_tenant_with_rows, insertion};
use af_tests::tools;
use af_tools::throwaway::Server;
use postgres::Client;
use uuid::Uuid;

fn tools(url: &str, arguments: &[&str]) {
    let run = tools::run(&[&["--url", url], arguments].concat());
    assert_eq!(run.code, Some(0), "{arguments:?}: {run:?}");
}

/// The first column of a query's rows, as text.
fn list(client: &mut Client, sql: &str) -> Vec<String> {
    let rows = client.query(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    rows.iter().map(|row| row.get(0)).collect()
}

#[test]
fn nothing_is_in_public_when_another_schema_is_asked_for() {
    let database = Database::empty();
    let url = database.url();
    tools(&url, &["--schema", "The Ledger", "migrate", "up"]);
    let mut client = database.connect();
    let in_public = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace \
                     UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace";
    assert_eq!(list(&mut client, in_public), [""; 0]);
    // Triggers, policies and keys find each other whatever the search_path.
    let role = format!("{}_app", database.name());
    client.batch_execute(&format!("CREATE ROLE {role} LOGIN IN ROLE af_app")).unwrap();
    let tenant: Uuid = client
        .query_one("INSERT INTO \"The Ledger\".tenants (name) VALUES ('one') RETURNING id", &[])
        .unwrap()
        .get(0);
    let mut app = database.connect_as(&role);
    app.batch_execute(&format!("SET af.tenant_id = '{tenant}'; SET search_path = pg_catalog")).unwrap();
    for table in ["audits", "workflows", "plans"] {
        let insert =
            insertion(table, tenant, tenant, &[]).replacen(table, &format!("\"The Ledger\".{table}"), 1);
        app.batch_execute(&insert).unwrap();
    }
    let update = "UPDATE \"The Ledger\".plans SET state = 'done' RETURNING updated_at > created_at";
    assert!(app.query_one(update, &[]).unwrap().get::<_, bool>(0));
    tools(&url, &["--schema", "The Ledger", "audit", "verify"]);
    drop(app);
    tools(&url, &["--schema", "The Ledger", "migrate", "down", "--to", "0", "--allow-data-loss"]);
    let left = "SELECT relname::text FROM pg_class WHERE relnamespace = '\"The Ledger\"'::regnamespace AND relkind = 'r'";
    assert_eq!(list(&mut client, left), ["_sqlx_migrations"]);
}

#[test]
fn every_table_follows_the_rules() {
    let database = Database::migrated();
    let mut client = database.connect();
    let tables = "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace \
                  AND relname NOT IN ('_sqlx_migrations', 'tenants') ORDER BY 1";
    let mut known: Vec<&str> = TABLES.iter().map(|(table, _)| *table).chain(KEPT).chain(OVERALL).collect();
    known.sort_unstable();
    assert_eq!(list(&mut client, tables), known);
    let broken =
        |client: &mut Client, rule: &str, sql: &str| assert_eq!(list(client, sql), [""; 0], "{rule}");
    let client = &mut client;
    broken(
        client,
        "row-level security is on and forced, for the owner too",
        "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace \
         AND relname <> '_sqlx_migrations' AND NOT (relrowsecurity AND relforcerowsecurity)",
    );
    broken(
        client,
        "unique keys begin with tenant_id; audits.id is the exception that the ledger's format makes, and what is of no tenant",
        "SELECT c.conname::text FROM pg_constraint AS c JOIN pg_attribute AS a ON a.attrelid = conrelid AND a.attnum = conkey[1] \
         WHERE contype IN ('p', 'u') AND connamespace = 'public'::regnamespace AND attname <> 'tenant_id' \
         AND conrelid NOT IN ('tenants'::regclass, '_sqlx_migrations'::regclass, 'audit_verifications'::regclass) AND conname <> 'audits_id_key'",
    );
    broken(
        client,
        "foreign keys carry tenant_id along",
        "SELECT conname::text FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace \
         AND confrelid <> 'tenants'::regclass AND NOT EXISTS ( \
             SELECT FROM unnest(conkey, confkey) AS k (here, there) \
             JOIN pg_attribute AS h ON h.attrelid = conrelid AND h.attnum = here AND h.attname = 'tenant_id' \
             JOIN pg_attribute AS t ON t.attrelid = confrelid AND t.attnum = there AND t.attname = 'tenant_id')",
    );
    broken(
        client,
        "an index begins with the columns of each foreign key",
        "SELECT conname::text FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND NOT EXISTS ( \
             SELECT FROM pg_index WHERE indrelid = conrelid AND indpred IS NULL \
             AND (string_to_array(indkey::text, ' ')::int2[])[:cardinality(conkey)] = conkey)",
    );
    broken(
        client,
        "updated_at is kept by the trigger",
        "SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid \
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attname = 'updated_at' AND NOT EXISTS ( \
             SELECT FROM pg_trigger WHERE tgrelid = attrelid AND tgfoid = 'af_set_updated_at'::regproc AND tgenabled = 'O')",
    );
    broken(
        client,
        "tables and functions are explained",
        "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
         AND relname <> '_sqlx_migrations' AND obj_description(oid, 'pg_class') IS NULL \
         UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL",
    );
    broken(
        client,
        "what is in jsonb columns is an object or the like, save where anything goes",
        "SELECT attrelid::regclass || '.' || attname FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid \
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND atttypid = 'jsonb'::regtype AND NOT EXISTS ( \
             SELECT FROM pg_constraint WHERE conrelid = attrelid AND conkey = ARRAY[attnum] AND contype = 'c') \
         AND attrelid::regclass || '.' || attname NOT IN ('tenants.settings', 'audits.details', 'messages.payload')",
    );
}

#[test]
fn constraints_refuse_what_makes_no_sense() {
    let database = Database::migrated();
    let mut client = database.connect();
    let tenant = add_tenant_with_rows(&mut client, "one");
    let json = |column| {
        [(column, "'7'"), (column, "'\"text\"'"), (column, "'true'")].map(|change| (change, "23514"))
    };
    let empty = |column| ((column, "''"), "23514");
    let null = |column| ((column, "NULL"), "23502");
    // The row that is there already, under an id of its own: what else it repeats is what must be unique, and is looked at
    // only once nothing else is wrong.
    let again = ("id", "gen_random_uuid()");
    let stranger = "gen_random_uuid()";
    let mut refuse = |table, changes: &[((&str, &str), &str)]| {
        for (change, code) in changes {
            let insert = insertion(table, tenant, tenant, &[again, *change]);
            assert_eq!(sqlstate(client.batch_execute(&insert)), *code, "{insert}");
        }
    };
    for (table, _) in TABLES {
        refuse(table, &[null("tenant_id")]);
    }
    refuse(
        "users",
        &[
            empty("email"),
            empty("role"),
            empty("hashed_secret"),
            null("email"),
            null("role"),
            (again, "23505"),
        ],
    );
    refuse("agents", &[empty("name"), empty("type"), empty("role"), null("config_json"), (again, "23505")]);
    refuse("agents", &json("config_json"));
    refuse("agents", &json("policies_json"));
    refuse("agents", &[(("config_json", "'[]'"), "23514")]);
    refuse(
        "workflows",
        &[empty("name"), empty("version"), empty("planner_type"), null("config_yaml"), (again, "23505")],
    );
    refuse(
        "plans",
        &[empty("state"), null("state"), null("workflow_id"), (("workflow_id", stranger), "23503")],
    );
    for column in ["steps", "assignments", "cost"] {
        refuse("plans", &json(column));
    }
    refuse(
        "messages",
        &[(("type", "'gossip'"), "23514"), empty("type"), null("type"), null("ts"), null("from_agent")],
    );
    refuse("messages", &[null("to_agent"), null("payload"), null("envelope_hash")]);
    refuse("messages", &[(("envelope_hash", "''"), "22023")]);
    for hash in ["repeat('0A', 32)", "repeat('0a', 31)", "repeat('0g', 32)", "repeat('0a', 31) || E'0\\n'"] {
        refuse("messages", &[(("envelope_hash", hash), "22023")]);
    }
    refuse("messages", &[(("envelope_hash", "repeat('0a', 33)"), "22001")]);
    refuse("messages", &json("metadata"));
    refuse("messages", &json("cost"));
    refuse("tools", &[empty("name"), null("permissions"), (again, "23505")]);
    for column in ["schema", "permissions", "cost_model"] {
        refuse("tools", &json(column));
    }
    refuse("budgets", &[empty("name"), empty("type"), empty("period"), (again, "23505")]);
    for column in ["limits", "current_usage"] {
        refuse("budgets", &json(column));
    }
    refuse("rbac_roles", &[empty("name"), (again, "23505")]);
    refuse("rbac_roles", &json("permissions"));
    refuse("rbac_bindings", &[(again, "23505"), null("user_id"), null("role_id")]);
    refuse("rbac_bindings", &[(("user_id", stranger), "23503"), (("role_id", stranger), "23503")]);
    // The whole row again, id and all.
    for (table, _) in TABLES {
        assert_eq!(
            sqlstate(client.batch_execute(&insertion(table, tenant, tenant, &[]))),
            "23505",
            "{table}"
        );
    }
    for (name, code) in [("one", "23505"), ("", "23514")] {
        let insert = format!("INSERT INTO tenants (name) VALUES ('{name}')");
        assert_eq!(sqlstate(client.batch_execute(&insert)), code, "{insert}");
    }
    // What is allowed, beside the plain rows: JSON null where producers write it, versions side by side, other kinds of JSON.
    for (table, changes) in [
        ("messages", &[("metadata", "'null'"), ("cost", "'null'"), ("payload", "'[1, \"two\", null]'")][..]),
        ("messages", &[("type", "'control'"), ("trace_id", "NULL"), ("payload", "'7'")]),
        ("workflows", &[("version", "'2.0.0-rc.1'")]),
        ("agents", &[("name", "'other'"), ("policies_json", "'[]'")]),
        ("users", &[("email", "'sso@example.org'"), ("hashed_secret", "NULL")]),
    ] {
        let insert = insertion(table, tenant, Uuid::new_v4(), changes);
        client.batch_execute(&insert).unwrap_or_else(|error| panic!("{insert}: {error:?}"));
    }
}

#[test]
fn a_row_cannot_refer_to_another_tenants() {
    let database = Database::migrated();
    // As superuser, whom no policy restricts.
    let mut client = database.connect();
    let one = add_tenant_with_rows(&mut client, "one");
    let other = add_tenant_with_rows(&mut client, "other");
    let theirs = format!("uuid '{other}'");
    for (table, column) in
        [("plans", "workflow_id"), ("rbac_bindings", "user_id"), ("rbac_bindings", "role_id")]
    {
        let insert = insertion(table, one, one, &[("id", "gen_random_uuid()"), (column, &theirs)]);
        assert_eq!(sqlstate(client.batch_execute(&insert)), "23503", "{insert}");
        for update in [
            format!("UPDATE {table} SET {column} = '{other}' WHERE tenant_id = '{one}'"),
            // Nor by moving over itself.
            format!(
                "UPDATE {table} SET tenant_id = '{other}', id = gen_random_uuid() WHERE tenant_id = '{one}'"
            ),
        ] {
            assert_eq!(sqlstate(client.batch_execute(&update)), "23503", "{update}");
        }
    }
    // Nor by taking away what it refers to; a user's bindings go along.
    for referred in ["workflows", "rbac_roles"] {
        let delete = format!("DELETE FROM {referred} WHERE tenant_id = '{one}'");
        assert_eq!(sqlstate(client.batch_execute(&delete)), "23503", "{delete}");
    }
    client.batch_execute(&format!("DELETE FROM users WHERE tenant_id = '{one}'")).unwrap();
    assert_eq!(list(&mut client, "SELECT tenant_id::text FROM rbac_bindings"), [other.to_string()]);
    // An id is a tenant's own: the same one in another tenant is no conflict, and tells nobody anything.
    for (table, unique) in
        [("users", "email"), ("agents", "name"), ("tools", "name"), ("messages", "to_agent")]
    {
        client.batch_execute(&insertion(table, one, other, &[(unique, "'same id'")])).unwrap();
    }
}

#[test]
fn updated_at_is_when_the_row_was_last_changed() {
    let database = Database::migrated();
    let mut client = database.connect();
    add_tenant_with_rows(&mut client, "one");
    let tables = "SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid \
                  WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attname = 'updated_at'";
    let tables = list(&mut client, tables);
    assert_eq!(tables.len(), 7, "{tables:?}");
    for table in tables {
        // In one transaction, twice, and against a client that would have it otherwise.
        let mut transaction = client.transaction().unwrap();
        for change in ["created_at = created_at", "updated_at = 'infinity'", "updated_at = '-infinity'"] {
            let sql = format!(
                "WITH before AS (SELECT updated_at FROM {table}) UPDATE {table} SET {change} FROM before \
                 RETURNING {table}.updated_at > before.updated_at AND {table}.updated_at <= clock_timestamp()"
            );
            assert!(transaction.query_one(&sql, &[]).unwrap().get::<_, bool>(0), "{table}: {change}");
        }
        transaction.commit().unwrap();
    }
}

#[test]
fn a_tenant_that_owns_something_is_not_deleted() {
    let database = Database::migrated();
    let mut client = database.connect();
    for (table, _) in TABLES {
        let tenant = add_tenant(&mut client, table);
        // What it takes for that table's row to be there: the rows that it refers to.
        let referred: &[&str] = match table {
            "plans" => &["workflows"],
            "rbac_bindings" => &["users", "rbac_roles"],
            _ => &[],
        };
        for table in referred.iter().chain([&table]) {
            client.batch_execute(&insertion(table, tenant, tenant, &[])).unwrap();
        }
        let delete = format!("DELETE FROM tenants WHERE id = '{tenant}'");
        assert_eq!(sqlstate(client.batch_execute(&delete)), "23503", "{table}");
        if ["audits", "messages"].contains(&table) {
            for change in [
                format!("DELETE FROM {table}"),
                format!("UPDATE {table} SET ts = now()"),
                format!("TRUNCATE {table}"),
            ] {
                assert_eq!(sqlstate(client.batch_execute(&change)), "55000", "{change}");
            }
            assert_eq!(sqlstate(client.batch_execute("TRUNCATE tenants CASCADE")), "55000");
            continue;
        }
        for table in [table].iter().chain(referred) {
            client.batch_execute(&format!("DELETE FROM {table}")).unwrap();
        }
        client.batch_execute(&delete).unwrap();
    }
    assert_eq!(whole_chains(&mut client).len(), 1);
}

#[test]
fn group_roles_are_made_once_for_all_databases_and_outlive_each() {
    const ROLES: &str = "SELECT rolname::text FROM pg_roles WHERE rolname IN ('af_app', 'af_auditor', 'af_admin') AND NOT rolcanlogin";
    let server = Server::start(&options()).unwrap();
    let mut superuser = connect(&server.url("postgres"));
    let databases = ["a", "b", "c", "d"];
    for database in databases {
        server.create_database(database).unwrap();
    }
    let target = |database: &str, target: &str| {
        tools(&server.url(database), &["migrate", "down", "--to", target, "--allow-data-loss"]);
    };
    // Who may not create roles is told what to do, and gets nothing half-done.
    superuser.batch_execute("CREATE ROLE owner LOGIN; ALTER DATABASE a OWNER TO owner").unwrap();
    connect(&server.url("a")).batch_execute("CREATE EXTENSION pg_af").unwrap();
    let run = tools::run(&["--url", &server.url_as("owner", "a"), "migrate", "up"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stderr.contains("cannot be created") && run.stderr.contains("CREATE ROLE af_app NOLOGIN"),
        "{run:?}"
    );
    assert!(list(&mut superuser, ROLES).is_empty());
    tools(&server.url_as("owner", "a"), &["migrate", "down", "--to", "0", "--allow-data-loss"]);
    // Roles that would make the policies void are not taken.
    superuser.batch_execute("CREATE ROLE af_app NOLOGIN BYPASSRLS").unwrap();
    let run = tools::run(&["--url", &server.url("a"), "migrate", "up"]);
    assert!(run.code == Some(1) && run.stderr.contains("bypasses row-level security"), "{run:?}");
    target("a", "0");
    superuser.batch_execute("DROP ROLE af_app").unwrap();
    // All at once.
    for _ in 0..5 {
        thread::scope(|scope| {
            for database in databases {
                let url = server.url(database);
                scope.spawn(move || migrate(&url));
            }
        });
        assert_eq!(list(&mut superuser, ROLES).len(), 3);
        for database in databases {
            // Needed by the databases that are left.
            assert_eq!(sqlstate(superuser.batch_execute("DROP ROLE af_app, af_auditor, af_admin")), "2BP01");
            target(database, "0");
            assert_eq!(list(&mut superuser, ROLES).len(), 3);
        }
        // Nothing holds them any more.
        superuser.batch_execute("DROP ROLE af_app, af_auditor, af_admin").unwrap();
    }
    // With the roles in place, the owner of a database needs no superuser but for the extension, both ways.
    superuser.batch_execute("CREATE ROLE af_app; CREATE ROLE af_auditor; CREATE ROLE af_admin").unwrap();
    tools(&server.url_as("owner", "a"), &["migrate", "down", "--to", "0", "--allow-data-loss"]);
    connect(&server.url("a")).batch_execute("DROP TABLE _sqlx_migrations").unwrap();
    tools(&server.url_as("owner", "a"), &["migrate", "up"]);
    let other = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND tableowner <> 'owner'";
    assert!(list(&mut connect(&server.url("a")), other).is_empty());
    tools(&server.url_as("owner", "a"), &["migrate", "down", "--to", "0", "--allow-data-loss"]);
}
