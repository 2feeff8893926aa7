//! `af-tools secrets`, as its users run it: values come in and go out only where they should, connections take their
//! passwords from secrets, also from one that was rotated, and every access can be recorded in the ledger.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use af_tests::database::{Database, connect};
use af_tests::ledger::{add_tenant, small_ledger, whole_chains};
use af_tests::tools::{self, Run, finish};
use af_tools::throwaway::{Options, Server};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

/// No message has these characters.
const VALUE: &str = "Ψροтεкт \"一'丁";

/// Somebody's own secrets.
struct Secrets {
    directory: TempDir,
}

impl Secrets {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o700)).unwrap();
        Self { directory }
    }

    fn file(&self) -> String {
        self.directory.path().join("secrets.json").display().to_string()
    }

    fn place(&self) -> String {
        format!("file:{}", self.file())
    }

    /// `af-tools` with these secrets, and with all details on standard error.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = tools::command(&[&["-v", "--secrets", &self.place()], arguments].concat());
        command
            .env("HOME", self.directory.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("CREDENTIALS_DIRECTORY");
        command
    }

    fn run_with(&self, arguments: &[&str], input: &str) -> Run {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        // A pipe takes it whole, also when nobody reads it.
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        finish(child)
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, "")
    }

    fn set(&self, key: &str, value: &str) {
        expect(&self.run_with(&["secrets", "set", key], value), 0);
    }

    fn revealed(&self, arguments: &[&str]) -> String {
        let run = self.run(&[&["secrets", "get", "--reveal"], arguments].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        run.stdout
    }
}

/// The exit code is this, and nothing tells the value.
fn expect(run: &Run, code: i32) {
    assert_eq!(run.code, Some(code), "{run:?}");
    for output in [&run.stdout, &run.stderr] {
        assert!(!output.contains(|char| "Ψροтεкт一丁".contains(char)), "{run:?}");
    }
}

/// It fails, with each of the words on standard error.
fn fails(run: &Run, code: i32, words: &[&str]) {
    expect(run, code);
    assert!(run.stderr.contains("error: "), "{run:?}");
    for word in words {
        assert!(run.stderr.contains(word), "{word} is not in {run:?}");
    }
}

#[test]
fn a_value_goes_in_and_comes_out_only_when_it_is_asked_for() {
    let secrets = Secrets::new();
    let run = secrets.run(&["secrets", "list"]);
    expect(&run, 0);
    assert_eq!(run.stdout, "0 secrets\n");
    secrets.set("db", &format!("{VALUE}\n"));
    secrets.set("api-key", "one\r\n");
    secrets.set("api-key", "two");
    assert_eq!(secrets.revealed(&["db"]), format!("{VALUE}\n"));
    assert_eq!(secrets.revealed(&["api-key"]), "two\n");
    assert_eq!(secrets.revealed(&["api-key", "--previous"]), "one\n");
    let run = secrets.run(&["secrets", "get", "db"]);
    expect(&run, 0);
    assert_eq!(run.stdout, format!("db (current): ***, in file {}\n", secrets.file()));

    let run = secrets.run(&["--json", "secrets", "get", "db"]);
    expect(&run, 0);
    let document = run.json();
    assert_eq!((&document["schema_version"], &document["command"]), (&json!(1), &json!("secrets get")));
    assert_eq!((&document["result"]["value"], &document["result"]["key"]), (&json!("***"), &json!("db")));
    let run = secrets.run(&["--json", "secrets", "get", "db", "--reveal"]);
    assert_eq!(run.json()["result"]["value"], VALUE);

    let run = secrets.run(&["--json", "secrets", "list"]);
    expect(&run, 0);
    let listed = &run.json()["result"]["secrets"];
    assert_eq!(
        (&listed[0]["key"], &listed[0]["versions"]),
        (&json!("api-key"), &json!(["current", "previous"]))
    );
    assert_eq!(fs::metadata(secrets.file()).unwrap().permissions().mode() & 0o777, 0o600);

    expect(&secrets.run(&["secrets", "delete", "db"]), 0);
    fails(&secrets.run(&["secrets", "delete", "db"]), 1, &["db", "secrets list"]);
    fails(&secrets.run(&["secrets", "get", "db"]), 1, &["db"]);
    let run = secrets.run(&["--json", "secrets", "get", "db"]);
    expect(&run, 1);
    assert_eq!((&run.json()["exit_code"], &run.json()["command"]), (&json!(1), &json!("secrets get")));
}

#[test]
fn a_value_on_the_command_line_is_refused_without_being_repeated() {
    let secrets = Secrets::new();
    for words in [&["set", "db", VALUE][..], &["rotate", "db", VALUE], &["set", "db", VALUE, VALUE]] {
        for json in [&[][..], &["--json"]] {
            let run = secrets.run(&[json, &["secrets"], words].concat());
            expect(&run, 2);
            let told = format!("{}{}", run.stdout, run.stderr);
            assert!(told.contains("command line") && told.contains("another"), "{run:?}");
        }
    }
    for words in
        [&["get", "a/b"][..], &["get", ""], &["set"], &["rotate", "db", "--stage", "--promote"], &["watch"]]
    {
        expect(&secrets.run(&[&["secrets"], words].concat()), 2);
    }
    fails(&secrets.run(&["--secrets", "vault:x", "secrets", "list"]), 2, &["vault:x"]);
    for input in ["", "\n", "a\0b", "a\n\n"] {
        fails(&secrets.run_with(&["secrets", "set", "db"], input), 1, &["the value"]);
    }
    expect(&secrets.run(&["secrets", "list"]), 0);
    assert!(!fs::exists(secrets.file()).unwrap());
}

/// On a terminal the value is asked for, twice, and does not show.
#[test]
fn a_value_is_typed_without_an_echo() {
    let secrets = Secrets::new();
    let typed = |first: &str, second: &str| {
        let arguments: Vec<String> = secrets
            .command(&["secrets", "set", "db"])
            .get_args()
            .map(|argument| format!("'{}'", argument.to_str().unwrap()))
            .collect();
        let program = secrets.command(&[]).get_program().to_str().unwrap().to_owned();
        // `script` gives it a terminal of its own.
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--echo", "never", "--command"])
            .arg(format!("{program} {}", arguments.join(" ")))
            .arg("/dev/null")
            .env("HOME", secrets.directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program script, which makes a terminal for this test, can be run");
        let mut input = child.stdin.take().unwrap();
        let mut output = child.stdout.take().unwrap();
        let mut seen = String::new();
        for (prompt, answer) in [("New value of db: ", first), ("Once more: ", second)] {
            while !seen.ends_with(prompt) {
                let mut byte = [0];
                std::io::Read::read_exact(&mut output, &mut byte)
                    .unwrap_or_else(|error| panic!("{error}: {seen}"));
                seen.push(char::from(byte[0]));
            }
            input.write_all(format!("{answer}\n").as_bytes()).unwrap();
        }
        std::io::Read::read_to_string(&mut output, &mut seen).unwrap();
        (child.wait().unwrap().code(), seen)
    };
    let (code, seen) = typed("hunter-2", "hunter-2");
    assert_eq!(code, Some(0), "{seen}");
    assert!(!seen.contains("hunter"), "{seen}");
    assert_eq!(secrets.revealed(&["db"]), "hunter-2\n");
    let (code, seen) = typed("hunter-3", "hunter-4");
    assert_eq!(code, Some(1), "{seen}");
    assert!(seen.contains("not the same") && !seen.contains("hunter"), "{seen}");
    assert_eq!(secrets.revealed(&["db"]), "hunter-2\n");
}

#[test]
fn what_others_could_read_or_replace_is_refused() {
    let secrets = Secrets::new();
    secrets.set("db", VALUE);
    let set_mode = |path: &str, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let directory = secrets.directory.path().to_str().unwrap().to_owned();
    for (file, parent, without, with_group) in [
        (0o600, 0o700, 0, 0),
        (0o640, 0o700, 1, 0),
        (0o440, 0o755, 1, 0),
        (0o644, 0o700, 1, 1),
        (0o660, 0o700, 1, 1),
        (0o600, 0o1777, 1, 0),
        (0o600, 0o770, 1, 1),
        (0o600, 0o707, 1, 1),
    ] {
        set_mode(&secrets.file(), file);
        set_mode(&directory, parent);
        for (option, code) in [(&[][..], without), (&["--allow-group"], with_group)] {
            for words in [&["get", "db"][..], &["list"]] {
                let run = secrets.run(&[option, &["secrets"], words].concat());
                if code == 0 {
                    expect(&run, 0);
                } else {
                    fails(
                        &run,
                        1,
                        &["access", "chmod", "--allow-group"]
                            .map(|word| if parent == 0o700 { word } else { "" }),
                    );
                }
            }
        }
        // What cannot be read is not written either.
        if without == 1 {
            let before = fs::read(secrets.file()).unwrap();
            expect(&secrets.run_with(&["secrets", "set", "other"], VALUE), 1);
            assert_eq!(fs::read(secrets.file()).unwrap(), before);
        }
    }
    set_mode(&directory, 0o700);
    set_mode(&secrets.file(), 0o600);
    // Nor is what is no file of secrets.
    for content in [VALUE, "{}", &format!("{{\"version\": 1, \"secrets\": {{\"db\": [\"{}\"]}}}}", "Ψ")] {
        fs::write(secrets.file(), content).unwrap();
        fails(&secrets.run(&["secrets", "get", "db"]), 1, &["line 1"]);
        fails(&secrets.run_with(&["secrets", "set", "db"], VALUE), 1, &["line 1"]);
        assert_eq!(fs::read_to_string(secrets.file()).unwrap(), content);
    }
}

#[test]
fn places_are_asked_in_turn() {
    let secrets = Secrets::new();
    secrets.set("db", "from the file");
    secrets.set("only", "in the file");
    let password = secrets.directory.path().join("password");
    fs::write(&password, "from what the variable names\n").unwrap();
    fs::set_permissions(&password, Permissions::from_mode(0o600)).unwrap();
    let get = |key: &str, variables: &[(&str, &str)]| {
        let mut command = tools::command(&["secrets", "get", key, "--reveal"]);
        command.env("AF_SECRETS", format!("env, {}", secrets.place()));
        command.env("HOME", secrets.directory.path());
        finish(command.envs(variables.iter().copied()).spawn().unwrap())
    };
    let path = password.to_str().unwrap();
    for (variables, expected) in [
        (&[][..], "from the file\n"),
        (&[("AF_SECRET_DB", "from the variable")], "from the variable\n"),
        (&[("AF_SECRET_DB_FILE", path)], "from what the variable names\n"),
        (&[("AF_SECRET_DB", "")], "from the file\n"),
    ] {
        assert_eq!(get("db", variables).stdout, expected, "{variables:?}");
        assert_eq!(get("only", variables).stdout, "in the file\n");
    }
    fails(
        &get("db", &[("AF_SECRET_DB", VALUE), ("AF_SECRET_DB_FILE", path)]),
        1,
        &["both", "AF_SECRET_DB_FILE"],
    );
    // One that is not there is passed over, and that is said.
    let run = get("db", &[("AF_SECRET_DB_FILE", VALUE)]);
    expect(&run, 0);
    assert!(run.stdout == "from the file\n" && run.stderr.contains("warning: "), "{run:?}");
    let missing = format!("dir:/nonexistent,{}", secrets.place());
    let run = tools::run(&["--secrets", &missing, "secrets", "get", "db"]);
    expect(&run, 0);
    assert!(run.stderr.contains("warning: ") && run.stderr.contains("/nonexistent"), "{run:?}");
    fails(&tools::run(&["--secrets", &missing, "secrets", "get", "none"]), 1, &["/nonexistent"]);
    fails(&tools::run(&["--secrets", &missing, "secrets", "list"]), 1, &["not all"]);
    // The log of accesses is there when details are wanted.
    let run = secrets.run(&["secrets", "get", "db"]);
    assert!(run.stderr.contains("operation=get key=db") && run.stderr.contains("outcome=ok"), "{run:?}");
    let run = secrets.run(&["secrets", "get", "none"]);
    assert!(run.stderr.contains("outcome=not_found"), "{run:?}");
}

#[test]
fn a_rotation_is_tested_before_it_counts() {
    let secrets = Secrets::new();
    secrets.set("db", "one");
    let rotate = |words: &[&str], input: &str| {
        secrets.run_with(&[&["secrets", "rotate", "db"], words].concat(), input)
    };
    expect(&rotate(&["--check", "read value; test \"$value\" = two"], "two"), 0);
    assert_eq!(
        (secrets.revealed(&["db"]), secrets.revealed(&["db", "--previous"])),
        ("two\n".into(), "one\n".into())
    );
    fails(&rotate(&["--check", "exit 7"], VALUE), 1, &["check", "7"]);
    assert_eq!(secrets.revealed(&["db"]), "two\n");
    fails(&secrets.run(&["secrets", "get", "db", "--pending"]), 1, &["pending"]);

    expect(&rotate(&["--stage"], "three"), 0);
    fails(&rotate(&["--stage"], "four"), 1, &["under way", "--promote", "--discard"]);
    assert_eq!(
        (secrets.revealed(&["db"]), secrets.revealed(&["db", "--pending"])),
        ("two\n".into(), "three\n".into())
    );
    // What failed its test stays pending, if it was staged by itself.
    fails(&rotate(&["--promote", "--check", "false"], ""), 1, &["check"]);
    expect(&rotate(&["--promote", "--check", "true"], ""), 0);
    assert_eq!(secrets.revealed(&["db"]), "three\n");
    expect(&rotate(&["--roll-back"], ""), 0);
    assert_eq!(secrets.revealed(&["db"]), "two\n");
    fails(&rotate(&["--promote"], ""), 1, &["pending"]);
    expect(&rotate(&["--generate=40"], ""), 0);
    assert_eq!(secrets.revealed(&["db"]).trim_end().len(), 40);
}

#[test]
fn watching_tells_of_changes_but_not_what_they_are() {
    let secrets = Secrets::new();
    secrets.set("db", "one");
    let mut child =
        secrets.command(&["secrets", "watch", "db", "--changes", "2", "--for", "60s"]).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("watching db: ***") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it does not begin");
    }
    secrets.set("db", VALUE);
    line.clear();
    stdout.read_line(&mut line).unwrap();
    assert!(line.contains("db  ***  changed") && !line.contains('Ψ'), "{line}");
    fs::remove_file(secrets.file()).unwrap();
    line.clear();
    stdout.read_line(&mut line).unwrap();
    assert!(line.contains("db  ***  gone"), "{line}");
    expect(&finish(child), 0);

    secrets.set("db", "one");
    let run = secrets.run(&["--json", "secrets", "watch", "db", "--for", "200ms"]);
    expect(&run, 0);
    assert_eq!(run.json()["result"]["changes"], json!([]));
    fails(&secrets.run(&["secrets", "watch", "none"]), 1, &["none"]);

    let mut child = secrets.command(&["--json", "secrets", "watch", "db"]).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("watching db") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it does not begin");
    }
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let run = finish(child);
    expect(&run, 130);
    assert_eq!(run.json()["exit_code"], 130);
}

/// A server that asks every role but the superuser for its password.
fn server_with_passwords() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let mut server = Server::start(&Options::default()).expect("a throw-away server starts");
        let mut client = small_ledger(&server);
        client.batch_execute("CREATE ROLE trusted LOGIN").unwrap();
        let rules = "local all postgres trust\nlocal all trusted trust\nlocal all all scram-sha-256\n";
        fs::write(server.data_dir().join("pg_hba.conf"), rules).unwrap();
        server.restart().expect("the server starts with passwords");
        server
    })
}

/// A role that may verify, with a password.
fn create_role(role: &str, password: &str) {
    connect(&server_with_passwords().url("ledger"))
        .batch_execute(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD '{password}'; GRANT pg_read_all_data, af_auditor TO {role}"
        ))
        .unwrap();
}

#[test]
fn a_connection_takes_its_password_from_a_secret_in_its_place_among_the_others() {
    create_role("reader", "right");
    let secrets = Secrets::new();
    secrets.set("right", "right");
    secrets.set("wrong", "wrong");
    let url = server_with_passwords().url_as("reader", "ledger");
    let with_password = |password: &str| format!("{url}&password={password}");
    let run = |url: &str, options: &[&str], variables: &[(&str, &str)]| {
        let mut command = secrets.command(&[&["--url", url], options, &["audit", "verify"]].concat());
        finish(command.envs(variables.iter().copied()).spawn().unwrap())
    };
    let by_option = |key| ["--password-secret", key];
    let by_variable = |key| ("AF_PASSWORD_SECRET", key);
    expect(&run(&url, &by_option("right"), &[("PGPASSWORD", "no"), by_variable("wrong")]), 0);
    expect(&run(&url, &[], &[("PGPASSWORD", "no"), by_variable("right")]), 0);
    expect(&run(&with_password("right"), &[], &[by_variable("wrong")]), 0);
    for (url, options, variables) in [
        (&url, &by_option("wrong")[..], &[("PGPASSWORD", "right")][..]),
        (&url, &[], &[("PGPASSWORD", "right"), by_variable("wrong")]),
        (&with_password("wrong"), &[], &[by_variable("right")]),
    ] {
        fails(&run(url, options, variables), 1, &["28P01"]);
    }
    fails(
        &run(&with_password("right"), &by_option("right"), &[]),
        1,
        &["--password-secret", "connection string"],
    );
    // One that is not there is no reason to go on with another password.
    fails(&run(&url, &by_option("none"), &[("PGPASSWORD", "right")]), 1, &["none"]);
    fails(&run(&url, &[], &[("PGPASSWORD", "right"), by_variable("a/b")]), 1, &["key"]);
    for words in [["migrate", "status"], ["message", "verify"]] {
        let run = secrets.run(&[&["--url", &url, "--password-secret", "right"][..], &words].concat());
        assert!(matches!(run.code, Some(0 | 4 | 5)), "{run:?}");
    }
}

#[test]
fn postgresql_takes_the_rotated_password() {
    create_role("rotated", "old-password");
    let server = server_with_passwords();
    let mut administrator = connect(&server.url("ledger"));
    let mut change_password = |password: &str| {
        administrator.batch_execute(&format!("ALTER ROLE rotated PASSWORD '{password}'")).unwrap();
    };
    let secrets = Secrets::new();
    let url = server.url_as("rotated", "ledger");
    let verify = || secrets.run(&["--url", &url, "--password-secret", "db", "audit", "verify"]);
    let rotate = |words: &[&str]| secrets.run(&[&["--url", &url, "secrets", "rotate", "db"], words].concat());
    secrets.set("db", "old-password");
    expect(&verify(), 0);
    // The server does not know the new one yet.
    fails(&rotate(&["--generate", "--check-connection"]), 1, &["28P01", "the current one stays"]);
    expect(&verify(), 0);
    expect(&rotate(&["--generate", "--stage"]), 2);
    expect(&secrets.run(&["secrets", "rotate", "db", "--generate", "--stage"]), 0);
    let new = secrets.revealed(&["db", "--pending"]);
    fails(&rotate(&["--promote", "--check-connection"]), 1, &["28P01"]);
    change_password(new.trim_end());
    expect(&rotate(&["--promote", "--check-connection"]), 0);
    expect(&verify(), 0);
    change_password("old-password");
    fails(&verify(), 1, &["28P01"]);
    expect(&secrets.run(&["secrets", "rotate", "db", "--roll-back"]), 0);
    expect(&verify(), 0);
    // A server that asks for no password proves nothing.
    let trusting = server.url_as("trusted", "ledger");
    let run =
        secrets.run(&["--url", &trusting, "secrets", "rotate", "db", "--generate", "--check-connection"]);
    fails(&run, 1, &["any password"]);
    assert_eq!(secrets.revealed(&["db"]), "old-password\n");
}

#[test]
fn a_check_that_runs_on_takes_the_rotated_password() {
    create_role("watching", "old-password");
    let server = server_with_passwords();
    let mut administrator = connect(&server.url("ledger"));
    let secrets = Secrets::new();
    secrets.set("db", "old-password");
    let url = server.url_as("watching", "ledger");
    let mut child = secrets
        .command(&["--url", &url, "--password-secret", "db", "--json", "validate", "--require", "postgres"])
        .args(["--watch", "--interval", "200ms"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let mut documents = serde_json::Deserializer::from_reader(stdout).into_iter::<Value>();
    let mut refuses = move || {
        let document = documents.next().expect("it runs on").unwrap();
        assert!(document["result"]["checks"].is_object(), "{document:#}");
        document.to_string().contains("\"authentication\"")
    };
    assert!(!refuses());
    administrator.batch_execute("ALTER ROLE watching PASSWORD 'new-password'").unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !refuses() {
        assert!(Instant::now() < deadline, "the old password goes on working");
    }
    expect(&secrets.run_with(&["secrets", "rotate", "db"], "new-password"), 0);
    while refuses() {
        assert!(Instant::now() < deadline, "the new password is not used");
    }
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    drop(refuses);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn every_access_is_an_entry_of_the_ledger() {
    let database = Database::migrated();
    let mut client = database.connect();
    let tenant = add_tenant(&mut client, "operations");
    client.batch_execute("CREATE ROLE secrets_app LOGIN; GRANT af_app TO secrets_app").unwrap();
    let secrets = Secrets::new();
    let id = tenant.to_string();
    let run = |url: &str, tenant: &str, words: &[&str], input: &str| {
        secrets.run_with(&[&["--url", url, "secrets", "--audit-tenant", tenant], words].concat(), input)
    };
    let url = database.url();
    expect(&run(&url, "operations", &["set", "db"], VALUE), 0);
    expect(&run(&url, &id, &["get", "db"], ""), 0);
    expect(&run(&url, &id, &["list"], ""), 0);
    fails(&run(&url, &id, &["get", "none"], ""), 1, &["none"]);
    expect(&run(&url, &id, &["rotate", "db", "--generate"], ""), 0);
    fails(&run(&url, &id, &["rotate", "db", "--generate", "--check", "false"], ""), 1, &["check"]);
    // As an application, which sees no tenant but its own.
    let application = database.url_as("secrets_app");
    expect(&run(&application, &id, &["rotate", "db", "--roll-back"], ""), 0);
    fails(&run(&application, "operations", &["list"], ""), 1, &["operations", "UUID"]);
    expect(&run(&url, &id, &["delete", "db"], ""), 0);
    let rows = client
        .query(
            "SELECT action, resource_id, details ->> 'outcome', actor_type, resource_type, details::text FROM audits ORDER BY seq",
            &[],
        )
        .unwrap();
    let entries: Vec<(String, Option<String>, String)> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    let entry = |action: &str, key: Option<&str>, outcome: &str| {
        (format!("secret.{action}"), key.map(str::to_owned), outcome.to_owned())
    };
    let db = Some("db");
    let rotation = |end| [entry("stage", db, "ok"), entry("get", db, "ok"), entry(end, db, "ok")];
    let expected = [
        vec![
            entry("set", db, "ok"),
            entry("get", db, "ok"),
            entry("list", None, "ok"),
            entry("get", Some("none"), "not_found"),
        ],
        rotation("promote").to_vec(),
        rotation("discard").to_vec(),
        vec![entry("roll_back", db, "ok"), entry("delete", db, "ok")],
    ]
    .concat();
    assert_eq!(entries, expected);
    for row in &rows {
        assert_eq!((row.get(3), row.get(4)), ("user", "secret"));
        assert!(!row.get::<_, String>(5).contains('Ψ'));
    }
    assert_eq!(whole_chains(&mut client)[&tenant], i64::try_from(expected.len()).unwrap());

    // Where nothing can be recorded, nothing is done or shown.
    secrets.set("db", VALUE);
    fails(&run(&url, "nobody", &["get", "db", "--reveal"], ""), 1, &["nobody"]);
    fails(&run("host=/nonexistent user=u", &id, &["get", "db", "--reveal"], ""), 1, &["connect"]);
    fails(&run(&Database::empty().url(), &id, &["get", "db", "--reveal"], ""), 1, &["audits"]);
    client.batch_execute("REVOKE INSERT ON audits FROM af_app").unwrap();
    fails(&run(&application, &id, &["get", "db", "--reveal"], ""), 1, &["record", "audits"]);
    // Nor does a database without a tenant pass for a record.
    fails(&secrets.run(&["--url", &url, "secrets", "get", "db"]), 2, &["--audit-tenant"]);
}
