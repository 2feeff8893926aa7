//! `af-tools plan run`, as its users run it: what agents do with their memory is recorded as a flow that the ledger and the
//! messages vouch for, also where a step fails or the database does; and the memory can be looked at meanwhile.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use af_tests::database::Database;
use af_tests::ledger::{add_tenant, whole_chains};
use af_tests::tools::{self, Run, finish};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use postgres::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

const TRIAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/plan-triage.yaml");
const CAPACITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/plan-capacity.yaml");
const WITHOUT_MEMORY: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/plan-without-memory.yaml");

/// Three saves, the second of which can be made to fail or to wait.
const THREE_SAVES: &str = "\
name: three
steps:
  - {name: one, save: {key: a, value: 1}}
  - {name: two, save: {key: b, value: 2}}
  - {name: three, save: {key: c, value: 3}}
";

/// A database with a tenant.
fn with_tenant() -> (Database, Client, Uuid) {
    let database = Database::migrated();
    let mut client = database.connect();
    let tenant = add_tenant(&mut client, "acme");
    (database, client, tenant)
}

fn file(text: &str) -> (TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("plan.yaml");
    fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    (directory, path)
}

fn plan_run(arguments: &[&str]) -> Run {
    tools::run(&[&["plan", "run", "--experimental-memory"], arguments].concat())
}

/// The states of the plans that there are.
fn states(client: &mut Client) -> Vec<String> {
    let rows = client.query("SELECT state FROM plans ORDER BY created_at, id", &[]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// What the ledger says was done, in the order of the chain.
fn actions(client: &mut Client) -> Vec<String> {
    let rows = client.query("SELECT action FROM audits ORDER BY tenant_id, seq", &[]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn count(client: &mut Client, table: &str) -> i64 {
    client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).unwrap().get(0)
}

/// Everything that is stored vouches for itself, by every verifier. Some tests have a trigger of their own refuse rows, which is
/// an open guard.
fn assert_verified(database: &Database, client: &mut Client) {
    whole_chains(client);
    for verifier in [
        &["audit", "verify", "--no-guards"][..],
        &["audit", "verify", "--no-guards", "--in-database"],
        &["message", "verify"],
    ] {
        let run = tools::run(&[&["--url", &database.url(), "--json"], verifier].concat());
        assert_eq!((run.code, &run.json()["result"]["status"]), (Some(0), &json!("ok")), "{run:?}");
    }
}

#[test]
fn a_plan_is_recorded_as_a_flow_that_verifies() {
    let (database, mut client, tenant) = with_tenant();
    let run = plan_run(&["--url", &database.url(), "--json", "-v", "--tenant", "acme", TRIAGE]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let document = run.json();
    assert_eq!((&document["schema_version"], &document["command"]), (&json!(1), &json!("plan run")));
    let result = &document["result"];
    assert_eq!((&result["state"], &result["tenant"]), (&json!("done"), &json!(tenant)));
    assert_eq!(result["memory"]["contents"][1]["value"], json!("gold"));
    let recorded = &result["recorded"];
    assert_eq!(
        (&recorded["messages"], &recorded["audits"], &recorded["last_seq"]),
        (&json!(12), &json!(8), &json!(8))
    );

    let plan = client
        .query_one(
            "SELECT p.id, p.state, p.steps, p.assignments, w.name, w.version, w.config_yaml \
             FROM plans p JOIN workflows w ON (w.tenant_id, w.id) = (p.tenant_id, p.workflow_id)",
            &[],
        )
        .unwrap();
    let (id, state, steps): (Uuid, String, Value) = (plan.get(0), plan.get(1), plan.get(2));
    assert_eq!((json!(id), state.as_str()), (recorded["plan_id"].clone(), "done"));
    assert_eq!(&steps, &result["steps"]);
    assert_eq!(plan.get::<_, Value>(3)["sum up"], json!("editor"));
    assert_eq!((plan.get(4), plan.get(5)), ("triage", "1.0.0"));
    assert_eq!(plan.get::<_, String>(6), fs::read_to_string(TRIAGE).unwrap());

    let messages = client
        .query(
            "SELECT from_agent, to_agent, type, payload, trace_id FROM messages ORDER BY span_id::int, ts, type",
            &[],
        )
        .unwrap();
    let said: Vec<(String, String, String)> =
        messages.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    let to_clerk = ("planner".to_owned(), "clerk".to_owned(), "request".to_owned());
    let from_clerk = ("clerk".to_owned(), "planner".to_owned(), "response".to_owned());
    assert_eq!(said[6..8], [to_clerk, from_clerk]);
    assert_eq!(messages[7].get::<_, Value>(3)["keys"], json!(["customer/42/tier"]));
    assert!(messages.iter().all(|row| row.get::<_, String>(4) == id.to_string()));

    let expected =
        ["plan.start", "memory.save", "memory.save", "memory.save", "memory.query", "memory.query"];
    assert_eq!(actions(&mut client), [&expected[..], &["memory.summarize", "plan.done"]].concat());
    // What can never be erased has no values, and neither has the log.
    let audits: String =
        client.query_one("SELECT string_agg(a::text, '') FROM audits AS a", &[]).unwrap().get(0);
    assert!(audits.contains("customer/42/tier") && run.stderr.contains("customer/42/tier"));
    for secret in ["gold", "invoice"] {
        assert!(!audits.contains(secret) && !run.stderr.contains(secret), "{audits}\n{}", run.stderr);
    }
    assert_verified(&database, &mut client);
}

#[test]
fn a_step_that_fails_ends_the_plan_and_is_recorded_with_it() {
    let (database, mut client, _) = with_tenant();
    let (_directory, path) = file(
        "name: x\nsteps:\n- {name: a, save: {key: k, value: 1}}\n- {name: b, query: {key: k}, expect: {total: 2}}\n\
         - {name: c, clear: {}}\n",
    );
    let run = plan_run(&["--url", &database.url(), "--tenant", "acme", &path]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.contains("plan x: step 2, b: entries that match: 1, expected: 2"), "{run:?}");
    assert!(run.stdout.contains("1 step not begun"), "{run:?}");
    assert_eq!(states(&mut client), ["failed"]);
    assert_eq!(actions(&mut client), ["plan.start", "memory.save", "memory.query", "plan.failed"]);
    let steps: Value = client.query_one("SELECT steps FROM plans", &[]).unwrap().get(0);
    let outcomes: Vec<&Value> = steps.as_array().unwrap().iter().map(|step| &step["outcome"]).collect();
    assert_eq!(outcomes, [&json!("saved"), &json!("failed"), &Value::Null]);
    assert_eq!(count(&mut client, "messages"), 4);
    assert_verified(&database, &mut client);

    let (_directory, path) = file("name: y\nsteps:\n- {name: a, save: {key: '', value: 1}}\n");
    let run = plan_run(&["--url", &database.url(), "--tenant", "acme", "--json", &path]);
    assert_eq!(
        (run.code, &run.json()["result"]["steps"][0]["error"]),
        (Some(3), &json!("empty_key")),
        "{run:?}"
    );
    assert_verified(&database, &mut client);
}

/// Has the database do something whenever the second step is entered into the ledger.
fn at_the_second_step(client: &mut Client, statement: &str) {
    client
        .batch_execute(&format!(
            "CREATE FUNCTION disturb() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN \
                 IF NEW.details ->> 'number' = '2' THEN {statement}; END IF; RETURN NEW; END$$; \
             CREATE TRIGGER disturb BEFORE INSERT ON audits FOR EACH ROW EXECUTE FUNCTION disturb(); \
             ALTER TABLE audits ENABLE ALWAYS TRIGGER disturb"
        ))
        .unwrap();
}

#[test]
fn what_the_database_refuses_leaves_no_half_step() {
    let (database, mut client, _) = with_tenant();
    at_the_second_step(&mut client, "RAISE 'not today'");
    let (_directory, path) = file(THREE_SAVES);
    let run = plan_run(&["--url", &database.url(), "--tenant", "acme", &path]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let expected = "record the plan, whose state is now \"failed\": insert an entry into audits: not today";
    assert!(run.stderr.contains(expected), "{run:?}");
    assert_eq!(states(&mut client), ["failed"]);
    assert_eq!(actions(&mut client), ["plan.start", "memory.save", "plan.failed"]);
    assert_eq!(count(&mut client, "messages"), 2);
    assert_verified(&database, &mut client);
}

#[test]
fn a_lost_connection_is_told_with_what_the_database_believes() {
    let (database, mut client, _) = with_tenant();
    at_the_second_step(&mut client, "PERFORM pg_terminate_backend(pg_backend_pid())");
    let (_directory, path) = file(THREE_SAVES);
    let run = plan_run(&["--url", &database.url(), "--tenant", "acme", &path]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("whose state is now \"running\""), "{run:?}");
    assert_eq!(states(&mut client), ["running"]);
    assert_eq!(actions(&mut client), ["plan.start", "memory.save"]);
    assert_verified(&database, &mut client);
}

#[test]
fn ctrl_c_cancels_a_plan_and_that_is_recorded() {
    let (database, mut client, _) = with_tenant();
    at_the_second_step(
        &mut client,
        "PERFORM pg_sleep(30) WHERE NOT EXISTS (SELECT FROM tenants WHERE name = 'go on')",
    );
    let (_directory, path) = file(THREE_SAVES);
    let url = database.url();
    let arguments = ["plan", "run", "--experimental-memory", "--url", &url, "--tenant", "acme", &path];
    let child = tools::command(&arguments).spawn().unwrap();
    let asleep =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    af_tests::database::wait_for_count(&mut client, asleep, 1);
    // What was cancelled is recorded by another attempt, which finds the way free.
    add_tenant(&mut client, "go on");
    interrupt(&child);
    let run = finish(child);
    assert_eq!(run.code, Some(130), "{run:?}");
    assert_eq!(states(&mut client), ["cancelled"]);
    assert_eq!(actions(&mut client), ["plan.start", "memory.save", "memory.save", "plan.cancelled"]);
    assert_verified(&database, &mut client);
}

#[test]
fn a_version_of_a_workflow_stays_what_it_is() {
    let (database, mut client, _) = with_tenant();
    let (_directory, path) = file(THREE_SAVES);
    let run = || plan_run(&["--url", &database.url(), "--tenant", "acme", &path]);
    assert_eq!((run().code, run().code), (Some(0), Some(0)));
    assert_eq!((count(&mut client, "workflows"), count(&mut client, "plans")), (1, 2));
    fs::write(&path, THREE_SAVES.replace("value: 3", "value: 4")).unwrap();
    let refused = run();
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("begin the plan: workflow \"three\" has a version 1 already"),
        "{refused:?}"
    );
    fs::write(&path, format!("version: 2\n{THREE_SAVES}")).unwrap();
    assert_eq!(run().code, Some(0));
    assert_eq!((count(&mut client, "workflows"), states(&mut client).len()), (2, 3));
    assert_verified(&database, &mut client);
}

#[test]
fn the_application_records_its_own_tenant_alone() {
    let (database, mut client, tenant) = with_tenant();
    let other = add_tenant(&mut client, "other");
    let role = format!("app_{}", database.name());
    client.batch_execute(&format!("CREATE ROLE {role} LOGIN; GRANT af_app TO {role}")).unwrap();
    let url = database.url_as(&role);
    let run = plan_run(&["--url", &url, "--tenant", &tenant.to_string(), TRIAGE]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(whole_chains(&mut client).into_iter().collect::<Vec<_>>(), [(tenant, 8)]);
    let nobody = Uuid::new_v4().to_string();
    for unknown in ["acme", "nobody", &nobody] {
        let run = plan_run(&["--url", &url, "--tenant", unknown, TRIAGE]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.contains(&format!("there is no tenant \"{unknown}\"")), "{run:?}");
    }
    assert_eq!(count(&mut client, &format!("plans WHERE tenant_id = '{other}'")), 0);
}

#[test]
fn a_run_with_a_seed_prints_the_same_bytes() {
    let run = |seed: &str, file: &str, options: &[&str]| {
        let run = plan_run(&[&["--seed", seed, file], options].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        run.stdout
    };
    for (file, options) in
        [(TRIAGE, &["--json"][..]), (TRIAGE, &[]), (CAPACITY, &["--json", "--memory-capacity", "3"])]
    {
        let first = run("7", file, options);
        assert_eq!(first, run("7", file, options));
        assert_eq!(first == run("8", file, options), !options.contains(&"--json"), "only JSON shows ids");
    }
}

#[test]
fn without_memory_plans_go_on_and_say_so() {
    let run = |file: &str, variable: Option<&str>| {
        let mut command = tools::command(&["--json", "-v", "plan", "run", file]);
        if let Some(value) = variable {
            command.env("AF_MEMORY_ENABLED", value);
        }
        finish(command.spawn().unwrap())
    };
    for variable in [None, Some("0"), Some("")] {
        let off = run(WITHOUT_MEMORY, variable);
        let result = &off.json()["result"];
        assert_eq!((off.code, &result["state"], &result["memory"]), (Some(0), &json!("done"), &Value::Null));
        assert_eq!(
            (&result["steps_without_memory"], &result["recalled"]),
            (&json!(3), &json!("without_memory"))
        );
        assert_eq!(off.stderr.matches("the plan is made and run without it").count(), 1, "{off:?}");
    }
    let on = run(WITHOUT_MEMORY, Some("yes"));
    assert_eq!((on.code, &on.json()["result"]["steps_without_memory"]), (Some(0), &json!(0)));
    let unclear = run(WITHOUT_MEMORY, Some("perhaps"));
    assert_eq!(unclear.code, Some(1), "{unclear:?}");
    // What is expected and cannot be looked at is not called fine.
    let expecting = run(TRIAGE, None);
    assert_eq!((expecting.code, &expecting.json()["result"]["expectations_unchecked"]), (Some(4), &json!(2)));

    let (database, mut client, _) = with_tenant();
    let recorded = tools::run(&["plan", "run", "--url", &database.url(), "--tenant", "acme", WITHOUT_MEMORY]);
    assert_eq!(recorded.code, Some(0), "{recorded:?}");
    let outcomes = "audits WHERE details ->> 'outcome' = 'without_memory'";
    assert_eq!(count(&mut client, outcomes), 3);
    assert_verified(&database, &mut client);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_done() {
    let url = "postgres://nowhere.invalid/d";
    for (arguments, variable, code, expected) in [
        (&["--url", url, TRIAGE][..], None, 2, "Name the tenant with --tenant"),
        (&["--url", url, "--no-record", TRIAGE], None, 2, "cannot be used with"),
        (&["--url", url, "--tenant", "a", "--seed", "1", TRIAGE], None, 2, "cannot be used with"),
        (
            &["--tenant", "a", "--seed", "1", TRIAGE],
            Some(("PGHOST", "nowhere.invalid")),
            2,
            "Add --no-record",
        ),
        (&[TRIAGE], Some(("DATABASE_URL", url)), 2, "Name the tenant"),
        (&["--tenant", "", TRIAGE], None, 2, "a name that is not empty"),
        (&["--memory-capacity", "0", TRIAGE], None, 2, "zero"),
        (&["--inspect", "0.0.0.0:0", TRIAGE], None, 2, "--inspect-any-address"),
        (&["--inspect", "[::]:0", TRIAGE], None, 2, "--inspect-any-address"),
        (&["--inspect", "192.0.2.1:80", TRIAGE], None, 2, "--inspect-any-address"),
        (&["--inspect", "localhost", TRIAGE], None, 2, "invalid socket address"),
        (&["--hold", TRIAGE], None, 2, "--inspect"),
        (&["/nowhere.yaml"], None, 1, "No such file"),
        (&["/"], None, 1, "directory"),
        // And these make sense: what the environment says is not all it takes.
        (&["--no-record", TRIAGE], Some(("DATABASE_URL", url)), 0, ""),
        (&["--seed", "1", TRIAGE], Some(("PGUSER", "somebody")), 0, ""),
    ] {
        let mut command = tools::command(&[&["plan", "run", "--experimental-memory"], arguments].concat());
        command.envs(variable);
        let run = finish(command.spawn().unwrap());
        assert_eq!(run.code, Some(code), "{arguments:?} {run:?}");
        assert!(run.stderr.contains(expected), "{arguments:?} {run:?}");
    }
}

/// A run that holds its memory to be looked at.
struct Held {
    child: Child,
    address: SocketAddr,
}

impl Held {
    fn start(arguments: &[&str]) -> Self {
        let arguments = [&["plan", "run", "--inspect", "127.0.0.1:0"], arguments].concat();
        let mut child = tools::command(&arguments).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("showing the memory at http://").expect("an address");
        let address = address.strip_suffix("/memory").unwrap().parse().unwrap();
        let held = Self { child, address };
        // Until all steps are done.
        let deadline = Instant::now() + Duration::from_secs(20);
        while held.get("/memory/planner/triage").0 == 404 {
            assert!(Instant::now() < deadline, "the plan is not done");
            thread::sleep(Duration::from_millis(10));
        }
        held
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// What is answered to these bytes, to the end of the connection.
    fn send(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // A server that has heard enough may cut the connection after its answer.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    }

    fn get(&self, target: &str) -> (u16, Value) {
        let answer = self.send(&format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer}"));
        assert!(head.to_lowercase().contains("content-type: application/json"), "{head}");
        (status(&answer), serde_json::from_str(body).unwrap())
    }

    /// Ends it as a person does, and returns how.
    fn end(mut self) -> Option<i32> {
        interrupt(&self.child);
        self.child.wait().unwrap().code()
    }
}

fn status(answer: &str) -> u16 {
    answer
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or_else(|| panic!("no answer: {answer}"))
}

fn interrupt(child: &Child) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
}

#[test]
fn the_memory_is_shown_while_the_command_runs() {
    let held = Held::start(&["--experimental-memory", "--hold", TRIAGE]);
    let before = held.get("/memory");
    for _ in 0..5 {
        let (code, health) = held.get("/healthz");
        assert_eq!((code, &health["status"], &health["memory"]["entries"]), (200, &json!("ok"), &json!(3)));
    }
    assert_eq!(held.get("/memory"), before, "a probe leaves nothing behind");
    assert_eq!(before.1["total"], json!(3));
    assert_eq!(held.get("/memory/customer%2F42/tier").1["value"], json!("gold"));
    let (_, page) = held.get("/memory?prefix=customer&limit=1");
    let next = page["next"].as_str().unwrap();
    let (_, page) = held.get(&format!("/memory?prefix=customer&limit=1&cursor={next}"));
    assert_eq!((&page["entries"][0]["key"], &page["next"]), (&json!("customer/42/tier"), &Value::Null));

    for (request, expected) in [
        ("GET /else HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("GET /memory/absent HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("GET /memory?limit=x HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        ("DELETE /memory/a HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        ("GET /memory HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        ("GET /memory HTTP/1.1\r\n\r\n", 400),
        ("no HTTP at all\r\n\r\n", 400),
        (&format!("GET /memory HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(100_000)), 431),
    ] {
        assert_eq!(status(&held.send(request)), expected, "{:.60}", request);
    }
    let head = held.send("HEAD /memory HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(status(&head) == 200 && head.ends_with("\r\n\r\n"), "{head}");
    assert_eq!(held.end(), Some(0), "the plan was done; that somebody stops looking is no interruption");
}

#[test]
fn clients_that_say_nothing_hold_up_nobody_for_long() {
    let held = Held::start(&["--experimental-memory", "--hold", TRIAGE]);
    let silent: Vec<TcpStream> = (0..100).map(|_| held.connect()).collect();
    let mut drip: Vec<TcpStream> = (0..5).map(|_| held.connect()).collect();
    for stream in &mut drip {
        stream.write_all(b"GET /memory HTTP/1.1\r\nHost:").unwrap();
    }
    let began = Instant::now();
    let mut answered = held.connect();
    answered.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    answered.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    answered.read_to_string(&mut answer).unwrap();
    assert_eq!(status(&answer), 200);
    assert!(began.elapsed() < Duration::from_secs(50), "{:?}", began.elapsed());
    // And none of them keeps the command from ending.
    let more: Vec<TcpStream> = (0..40).map(|_| held.connect()).collect();
    let began = Instant::now();
    assert_eq!(held.end(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    drop((silent, drip, more));
}

#[test]
fn without_memory_there_is_nothing_to_look_at() {
    let arguments = ["plan", "run", "--inspect", "127.0.0.1:0", "--hold=5s", WITHOUT_MEMORY];
    let mut child = tools::command(&arguments).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("showing the memory at http://").unwrap();
    let held = Held { address: address.strip_suffix("/memory").unwrap().parse().unwrap(), child };
    assert_eq!(held.get("/memory").0, 503);
    assert_eq!(held.get("/healthz"), (200, json!({"status": "disabled"})));
    let mut child = held.child;
    assert_eq!(child.wait().unwrap().code(), Some(0), "--hold=5s ends by itself");
}
