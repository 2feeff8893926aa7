//! What is left of a verification for others to see: a record in the database, metrics, and guards that were found open.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;

use af_tests::database::Database;
use af_tests::ledger::{add_entries, add_tenant, disable_triggers};
use af_tests::tools::{self, Run};
use af_tests::validate::{check, not_checked, result};
use postgres::Client;
use tempfile::TempDir;
use uuid::Uuid;

fn ledger() -> (Database, Client, Uuid) {
    let database = Database::migrated();
    let mut client = database.connect();
    // PostgreSQL 14 lets everybody create there, which is told.
    client.batch_execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC").unwrap();
    let tenant = add_tenant(&mut client, "one");
    add_entries(&mut client, tenant, 20);
    (database, client, tenant)
}

fn verify(url: &str, arguments: &[&str]) -> Run {
    tools::run(&[&["--url", url, "--json", "audit", "verify"], arguments].concat())
}

/// What Prometheus reads: names with labels, and numbers; every name with its help and type before it.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut known = Vec::new();
    let mut samples = BTreeMap::new();
    for line in text.lines() {
        match line.strip_prefix("# ") {
            Some(comment) => {
                let mut words = comment.splitn(3, ' ');
                let (kind, name, rest) =
                    (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
                match kind {
                    "HELP" => known.push(name.to_owned()),
                    "TYPE" => {
                        assert!(known.last().is_some_and(|known| known == name) && rest == "gauge", "{line}")
                    }
                    _ => panic!("{line}"),
                }
            }
            None => {
                let (name, value) = line.rsplit_once(' ').unwrap();
                let bare = name.split('{').next().unwrap();
                assert!(known.last().is_some_and(|known| known == bare), "{line}");
                assert!(samples.insert(name.to_owned(), value.parse().unwrap()).is_none(), "{line}");
            }
        }
    }
    assert!(text.ends_with('\n'));
    samples
}

#[test]
fn metrics_tell_what_a_verification_came_to() {
    let (database, mut client, tenant) = ledger();
    let url = database.url();
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("af.prom");
    let path = file.to_str().unwrap();
    let metrics = || samples(&fs::read_to_string(&file).unwrap());

    assert_eq!(verify(&url, &["--metrics-file", path]).code, Some(0));
    let fine = metrics();
    assert_eq!((fine["af_audit_verify_status"], fine["af_audit_verified_entries"]), (1.0, 20.0));
    let last = format!("af_audit_last_verified_seq{{tenant=\"{tenant}\"}}");
    assert_eq!(fine[&last], 20.0);
    assert!(fine["af_audit_verify_time_seconds"] > 1.7e9);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
    }

    // It could not run: nothing is known, and that is not what was known before.
    assert_eq!(verify("postgresql:///nowhere?host=/does/not/exist", &["--metrics-file", path]).code, Some(1));
    assert_eq!(metrics()["af_audit_verify_status"], -1.0);
    assert_eq!(metrics().get("af_audit_verified_entries"), None);

    disable_triggers(&mut client);
    client.batch_execute("UPDATE audits SET action = 'x' WHERE seq = 3").unwrap();
    assert_eq!(verify(&url, &["--metrics-file", path]).code, Some(3));
    let found = metrics();
    assert_eq!((found["af_audit_verify_status"], found.get(&last)), (0.0, None));

    client.batch_execute("DELETE FROM audits").unwrap();
    assert_eq!(verify(&url, &["--metrics-file", path, "--no-guards"]).code, Some(4));
    assert_eq!(metrics()["af_audit_verify_status"], -1.0);
    let nowhere = ["--metrics-file", "/does/not/exist/af.prom"];
    let found = verify(&url, &nowhere);
    assert_eq!(found.code, Some(3), "a guard is open, and that matters more: {found:?}");
    assert!(found.stderr.contains("write the metrics to"), "{found:?}");
    let nowhere = verify(&url, &[&nowhere[..], &["--no-guards"]].concat());
    assert_eq!(nowhere.code, Some(1));
    assert!(nowhere.stdout.contains("write the metrics to"), "{nowhere:?}");
    assert_eq!(nowhere.json()["result"]["status"], "empty", "what was seen is told all the same");
}

#[test]
fn a_verification_is_recorded_and_its_age_is_seen() {
    let (database, mut client, tenant) = ledger();
    let url = database.url();
    let last = |code| check(&result(&["--url", &url], &[], code), "postgres:lastVerification").to_string();
    assert!(not_checked(&result(&["--url", &url], &[], 0)).contains(&"postgres lastVerification".to_owned()));
    assert_eq!(verify(&url, &["--record"]).code, Some(0));
    assert_eq!(verify(&url, &["--record", "--tenant", &tenant.to_string()]).code, Some(0));
    let sql = "SELECT method, version, relation, tenants, chains, entries, findings, status, guards, checkpoint, since, \
                      verified_by = session_user, finished_at >= started_at FROM audit_verifications ORDER BY finished_at";
    let rows = client.query(sql, &[]).unwrap();
    assert_eq!(rows.len(), 2);
    let row = &rows[0];
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(2)), ("outside", "public.audits"));
    assert_eq!(row.get::<_, Option<Vec<Uuid>>>(3), None);
    assert_eq!([4, 5, 6].map(|column| row.get::<_, i64>(column)), [1, 20, 0]);
    assert_eq!((row.get::<_, &str>(7), row.get::<_, &str>(8)), ("ok", "in_place"));
    assert!(row.get::<_, bool>(11) && row.get::<_, bool>(12));
    assert_eq!(rows[1].get::<_, Option<Vec<Uuid>>>(3), Some(vec![tenant]));
    let seen = last(0);
    assert!(seen.contains("\"pass\"") && seen.contains("in_place"), "{seen}");

    // Nobody takes it back, and who may not record is told so, with the result all the same.
    for sql in [
        "UPDATE audit_verifications SET findings = 1",
        "DELETE FROM audit_verifications",
        "TRUNCATE audit_verifications",
    ] {
        assert_eq!(af_tests::database::sqlstate(client.batch_execute(sql)), "55000", "{sql}");
    }
    client
        .batch_execute(
            "CREATE ROLE operations_auditor LOGIN IN ROLE af_auditor; CREATE ROLE operations_admin LOGIN IN ROLE af_auditor, af_admin",
        )
        .unwrap();
    let refused = verify(&database.url_as("operations_auditor"), &["--record"]);
    assert_eq!((refused.code, &refused.json()["result"]["status"]), (Some(1), &"ok".into()), "{refused:?}");
    assert!(refused.json()["error"]["hint"].as_str().unwrap().contains("af_admin"), "{refused:?}");
    assert_eq!(verify(&database.url_as("operations_admin"), &["--record"]).code, Some(0));
    // Who verified, and when that ended, is not for them to say.
    let mut admin = database.connect_as("operations_admin");
    for (column, value) in [("finished_at", "2030-01-01"), ("verified_by", "somebody else")] {
        let sql = format!(
            "INSERT INTO audit_verifications ({column}, started_at, method, version, relation, chains, entries, findings, status, guards) \
             VALUES ('{value}', now(), 'outside', '1', 'x', 1, 1, 0, 'ok', 'in_place')"
        );
        assert_eq!(af_tests::database::sqlstate(admin.batch_execute(&sql)), "42501", "{column}");
    }
    drop(admin);

    // What was found in a part, after everything was well, is not passed over; nor is a guard that was found open.
    let head: String =
        client.query_one("SELECT encode(hash, 'hex') FROM audits WHERE seq = 20", &[]).unwrap().get(0);
    disable_triggers(&mut client);
    client.batch_execute("UPDATE audits SET action = 'x' WHERE seq = 3").unwrap();
    assert_eq!(verify(&url, &["--record", "--since", &format!("{tenant}:20:{head}")]).code, Some(3));
    let seen = last(3);
    assert!(seen.contains("found guards open") && seen.contains("\"fail\""), "{seen}");
    assert_eq!(verify(&url, &["--record", "--tenant", &tenant.to_string()]).code, Some(3));
    let seen = last(3);
    assert!(seen.contains("came to 1 finding\"") && seen.contains("\"fail\""), "{seen}");
    client.batch_execute("DROP ROLE operations_auditor, operations_admin").unwrap();
}

#[test]
fn checkpoints_are_copied_into_the_database_and_seen_there() {
    let (database, mut client, tenant) = ledger();
    let url = database.url();
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    assert_eq!(tools::run(&["audit", "keygen", &path("key")]).code, Some(0));
    let sign = || {
        let (key, out) = (path("key"), path("checkpoints"));
        tools::run(&[
            "--url",
            &url,
            "--json",
            "audit",
            "checkpoint",
            "--record",
            "--key",
            &key,
            "--out",
            &out,
        ])
    };
    let first = sign();
    assert_eq!((first.code, &first.json()["result"]["recorded"]), (Some(0), &1.into()), "{first:?}");
    assert_eq!(sign().json()["result"]["recorded"], 0);
    add_entries(&mut client, tenant, 5);
    assert_eq!(sign().json()["result"]["recorded"], 1);
    let row = client
        .query_one("SELECT c.size, c.hash = a.hash, c.note FROM audit_checkpoints AS c JOIN audits AS a ON a.seq = c.size ORDER BY c.size DESC LIMIT 1", &[])
        .unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, bool>(1)), (25, true));
    let note = fs::read_to_string(format!("{}/{tenant}.checkpoint", path("checkpoints"))).unwrap();
    assert_eq!(row.get::<_, &str>(2), note);

    // Who cuts the tail and forgets the table is seen in SQL.
    disable_triggers(&mut client);
    client.batch_execute("DELETE FROM audits WHERE seq > 22").unwrap();
    let chain =
        client.query_one("SELECT status, finding, first_bad_seq FROM af_audit_verify()", &[]).unwrap();
    assert_eq!((chain.get(0), chain.get(1), chain.get(2)), ("tampered", "truncated", 23_i64));
    let refused = sign();
    assert_eq!(refused.code, Some(3), "{refused:?}");
}

#[test]
fn a_guard_that_is_off_is_a_finding_of_every_verification() {
    let (database, mut client, _) = ledger();
    let url = database.url();
    let intact = verify(&url, &[]);
    assert_eq!(
        (intact.code, &intact.json()["result"]["guards"]["weaknesses"]),
        (Some(0), &serde_json::json!([]))
    );
    for (sql, problem, undo) in [
        (
            "ALTER TABLE audits DISABLE TRIGGER zz_af_audit_chain",
            "trigger zz_af_audit_chain on audits is disabled",
            "ALTER TABLE audits ENABLE ALWAYS TRIGGER zz_af_audit_chain",
        ),
        (
            "ALTER TABLE audits ENABLE TRIGGER af_audit_guard",
            "not enabled ALWAYS",
            "ALTER TABLE audits ENABLE ALWAYS TRIGGER af_audit_guard",
        ),
        (
            "ALTER TABLE audits NO FORCE ROW LEVEL SECURITY",
            "row-level security is not forced on audits",
            "ALTER TABLE audits FORCE ROW LEVEL SECURITY",
        ),
        (
            "CREATE POLICY everything ON audits USING (true)",
            "policy everything on audits shows rows",
            "DROP POLICY everything ON audits",
        ),
        (
            "GRANT UPDATE ON audits TO af_app",
            "af_app has UPDATE on audits",
            "REVOKE UPDATE ON audits FROM af_app",
        ),
        (
            "CREATE ROLE operations_thief; ALTER TABLE audits OWNER TO operations_thief",
            "audits is owned by operations_thief",
            "ALTER TABLE audits OWNER TO current_user; DROP ROLE operations_thief",
        ),
        (
            "ALTER TABLE audits ALTER hash DROP NOT NULL",
            "column hash of audits can be null",
            "ALTER TABLE audits ALTER hash SET NOT NULL",
        ),
        (
            "ALTER TABLE audits DROP CONSTRAINT audits_prev_hash_check",
            "constraint audits_prev_hash_check on audits is missing",
            "ALTER TABLE audits ADD CONSTRAINT audits_prev_hash_check CHECK (CASE WHEN seq = 1 THEN prev_hash IS NULL \
                 ELSE prev_hash IS NOT NULL AND octet_length(prev_hash) = 32 END)",
        ),
        (
            "ALTER TABLE audits DROP CONSTRAINT audits_hash_check, ADD CONSTRAINT audits_hash_check CHECK (hash IS NOT NULL)",
            "constraint audits_hash_check on audits is another one",
            "ALTER TABLE audits DROP CONSTRAINT audits_hash_check, ADD CONSTRAINT audits_hash_check CHECK (octet_length(hash) = 32)",
        ),
        (
            "CREATE SCHEMA shadow; CREATE FUNCTION shadow.af_audit_verify(uuid, regclass) RETURNS text LANGUAGE sql AS 'SELECT ''ok'''",
            "function shadow.af_audit_verify is none of the extension's",
            "DROP SCHEMA shadow CASCADE",
        ),
        (
            "ALTER EXTENSION pg_af DROP FUNCTION af_canonical_json(jsonb)",
            "af_canonical_json is none of the extension's",
            "ALTER EXTENSION pg_af ADD FUNCTION af_canonical_json(jsonb)",
        ),
        (
            "ALTER FUNCTION af_audit_verify(uuid, regclass) STRICT",
            "function af_audit_verify is not as the extension pg_af declares it",
            "ALTER FUNCTION af_audit_verify(uuid, regclass) CALLED ON NULL INPUT",
        ),
        (
            "ALTER FUNCTION af_audit_hash VOLATILE",
            "function af_audit_hash is not as the extension pg_af declares it",
            "ALTER FUNCTION af_audit_hash IMMUTABLE",
        ),
        ("ALTER TABLE audits SET UNLOGGED", "table audits is unlogged", "ALTER TABLE audits SET LOGGED"),
        (
            "CREATE TABLE heir () INHERITS (audits)",
            "table public.heir inherits from audits",
            "DROP TABLE heir",
        ),
        (
            "ALTER TABLE tenants DISABLE TRIGGER ALL",
            "foreign key audits_tenant_id_fkey on audits is not enforced: its triggers on public.tenants are disabled",
            "ALTER TABLE tenants ENABLE TRIGGER ALL",
        ),
        (
            "CREATE FUNCTION nothing(bytea, bytea, uuid, bigint, uuid, timestamptz, text, text, text, text, text, jsonb, smallint, bytea, bytea) \
                 RETURNS bytea LANGUAGE sql AS 'SELECT $1'; \
             CREATE OR REPLACE AGGREGATE af_audit_tally(key bytea, tenant_id uuid, seq bigint, id uuid, ts timestamptz, actor_type text, \
                 actor_id text, action text, resource_type text, resource_id text, details jsonb, hash_version smallint, prev_hash bytea, \
                 hash bytea) (SFUNC = nothing, STYPE = bytea)",
            "aggregate af_audit_tally is not as the extension pg_af declares it",
            "SELECT",
        ),
        (
            "CREATE OR REPLACE FUNCTION af_version() RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT ''9'''",
            "function af_version is not as the extension pg_af declares it",
            "SELECT",
        ),
    ] {
        client.batch_execute(sql).unwrap();
        let run = verify(&url, &[]);
        assert_eq!(run.code, Some(3), "{sql}: {run:?}");
        let weaknesses = run.json()["result"]["guards"]["weaknesses"].to_string();
        assert!(weaknesses.contains(problem), "{sql}: {weaknesses}");
        assert!(run.json()["error"]["message"].as_str().unwrap().contains("open"), "{run:?}");
        let skipped = verify(&url, &["--no-guards"]);
        assert_eq!(
            (skipped.code, &skipped.json()["result"]["guards"]["looked"]),
            (Some(0), &"skipped".into())
        );
        let services = result(&["--url", &url], &[], 3).to_string();
        assert!(services.contains(problem), "{sql}: {services}");
        client.batch_execute(undo).unwrap();
    }
}

/// The statement that docs/operations.md gives to pg_cron.
#[test]
fn the_documented_job_records_what_the_server_finds() {
    let document = include_str!("../../docs/operations.md");
    let statement = document.split("$$").nth(1).unwrap();
    let (_database, mut client, _) = ledger();
    let mut run = || {
        assert_eq!(client.execute(statement, &[]).unwrap(), 1);
        let last = "SELECT method, status, chains, entries, findings FROM audit_verifications ORDER BY finished_at DESC LIMIT 1";
        let row = client.query_one(last, &[]).unwrap();
        assert_eq!(row.get::<_, &str>(0), "in_database");
        (row.get::<_, String>(1), [2, 3, 4].map(|column| row.get::<_, i64>(column)))
    };
    assert_eq!(run(), ("ok".to_owned(), [1, 20, 0]));
    disable_triggers(&mut client);
    client.batch_execute("UPDATE audits SET action = 'x' WHERE seq = 3").unwrap();
    let mut run = || client.execute(statement, &[]).unwrap();
    assert_eq!(run(), 1);
    let sql = "SELECT count(*) FROM audit_verifications WHERE status = 'tampered' AND findings = 1";
    assert_eq!(client.query_one(sql, &[]).unwrap().get::<_, i64>(0), 1);
}

#[test]
fn a_schema_of_ones_own_is_not_compared_and_that_is_said() {
    let database = Database::new();
    let mut client = database.connect();
    let tenant = add_tenant(&mut client, "one");
    add_entries(&mut client, tenant, 3);
    let run = verify(&database.url(), &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.json()["result"]["guards"]["looked"], "not_compared");
    let text = tools::run(&["--url", &database.url(), "audit", "verify"]);
    assert!(text.stdout.contains("guards: not compared: the schema is not one"), "{text:?}");
}

/// Since PostgreSQL 18, NOT NULL may hold for new rows alone.
#[test]
fn not_null_for_new_rows_only_is_an_open_guard() {
    let (database, mut client, _) = ledger();
    let version = "SELECT current_setting('server_version_num')::integer";
    if client.query_one(version, &[]).unwrap().get::<_, i32>(0) < 180_000 {
        let _ = writeln!(
            std::io::stderr(),
            "NOT RUN: not_null_for_new_rows_only_is_an_open_guard: PostgreSQL has had that since 18"
        );
        return;
    }
    client
        .batch_execute(
            "ALTER TABLE audits ALTER hash DROP NOT NULL; ALTER TABLE audits ADD CONSTRAINT late NOT NULL hash NOT VALID",
        )
        .unwrap();
    let run = verify(&database.url(), &[]);
    assert_eq!(run.code, Some(3), "{run:?}");
    let weakness = run.json()["result"]["guards"]["weaknesses"][0].take();
    assert_eq!(weakness["problem"], "column hash of audits is NOT NULL for new rows only (NOT VALID)");
    // The advice sets it right.
    client.batch_execute(weakness["remedy"].as_str().unwrap()).unwrap();
    assert_eq!(verify(&database.url(), &[]).code, Some(0));
}

/// The book of migrations says how far the guards go. Whoever edits it has not made them be in place.
#[test]
fn a_schema_behind_this_build_is_not_known_to_be_guarded() {
    let (database, mut client, _) = ledger();
    let url = database.url();
    client.batch_execute("DELETE FROM _sqlx_migrations WHERE version > 3").unwrap();
    let run = verify(&url, &[]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert_eq!(run.json()["result"]["status"], "ok", "what the chains came to is told all the same");
    assert!(
        run.json()["error"]["message"].as_str().unwrap().contains("migrations after 0003 are not applied"),
        "{run:?}"
    );
    assert_eq!(verify(&url, &["--no-guards"]).code, Some(0));
    client.batch_execute("DELETE FROM _sqlx_migrations").unwrap();
    assert_eq!(verify(&url, &[]).code, Some(4));
    // Nor does that hide a guard that is off.
    client.batch_execute("ALTER TABLE audits DISABLE TRIGGER af_audit_guard").unwrap();
    let run = verify(&url, &[]);
    let message = run.json()["error"]["message"].as_str().unwrap().to_owned();
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(
        message.ends_with(
            "1 guard is open by this build's, the first: trigger af_audit_guard on audits is disabled"
        ),
        "{message}"
    );
}

/// A catalog at which nobody can look leaves the chains' result as it is.
#[test]
fn a_look_at_the_guards_that_fails_is_told_beside_the_chains() {
    let (database, mut client, tenant) = ledger();
    client.batch_execute("ALTER TABLE _sqlx_migrations DROP COLUMN success").unwrap();
    let run = verify(&database.url(), &[]);
    assert_eq!(run.code, Some(4), "{run:?}");
    let result = &run.json()["result"];
    assert_eq!((&result["status"], &result["entries"]), (&"ok".into(), &20.into()), "{run:?}");
    let reason = result["guards"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("look at the guards: ") && reason.contains("success"), "{reason}");
    disable_triggers(&mut client);
    client.batch_execute(&format!("DELETE FROM audits WHERE tenant_id = '{tenant}' AND seq = 3")).unwrap();
    assert_eq!(verify(&database.url(), &[]).code, Some(3));
}
