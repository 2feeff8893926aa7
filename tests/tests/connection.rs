//! The connection rules are libpq's, whichever command connects: what `sslmode` demands is demanded, where a password
//! and a host may come from and which of them counts, and no password where somebody could read it.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;

use af_tests::certificates;
use af_tests::database::free_port;
use af_tests::ledger::small_ledger;
use af_tests::tools::{self, Run, finish};
use af_tools::throwaway::{Options, Server};
use tempfile::TempDir;

/// Both commands are done with the ledger of [`Secured`] when they got to it.
const COMMANDS: [[&str; 2]; 2] = [["audit", "verify"], ["migrate", "status"]];
const PASSWORD: &str = "correct horse/battery:staple";
/// In the certificate, and in no name service.
const HOST_NAME: &str = "ledger.test";

/// A server with TLS and passwords on a TCP port of the loopback interface.
struct Secured {
    server: Server,
    port: u16,
}

fn secured() -> &'static Secured {
    static SECURED: OnceLock<Secured> = OnceLock::new();
    SECURED.get_or_init(Secured::start)
}

impl Secured {
    fn start() -> Self {
        let port = free_port();
        let mut server =
            Server::start(&Options { port, ..Options::default() }).expect("a throw-away server starts");
        fill(&server);
        make_certificates(&server);
        let setting = |name: &str| server.socket_dir().join(name).display().to_string();
        append(
            &server.data_dir().join("postgresql.conf"),
            &format!(
                "listen_addresses = '127.0.0.1'\nssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\n",
                setting("server.crt"),
                setting("server.key")
            ),
        );
        let rules = "local all postgres trust\n\
                     hostssl all tls_only 127.0.0.1/32 scram-sha-256\n\
                     hostnossl all plain_only 127.0.0.1/32 scram-sha-256\n\
                     host all auditor 127.0.0.1/32 scram-sha-256\n\
                     hostssl all migrator 127.0.0.1/32 scram-sha-256\n";
        fs::write(server.data_dir().join("pg_hba.conf"), rules).unwrap();
        server.restart().expect("the server starts with TLS");
        Self { server, port }
    }

    /// A file that was made for the server.
    fn file(&self, name: &str) -> String {
        self.server.socket_dir().join(name).display().to_string()
    }

    /// A connection string without user and password.
    fn place(&self) -> String {
        format!("hostaddr=127.0.0.1 port={} dbname=ledger", self.port)
    }

    /// A connection string with everything, to which something can be added.
    fn string(&self, user: &str, more: &str) -> String {
        format!("{} user={user} password='{PASSWORD}' {more}", self.place())
    }

    /// The variables that stand for the same, but for the password.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let values = [
            ("PGHOST", "127.0.0.1"),
            ("PGPORT", &self.port.to_string()),
            ("PGUSER", "auditor"),
            ("PGDATABASE", "ledger"),
        ];
        values.map(|(name, value)| (name, value.to_owned())).to_vec()
    }
}

/// A ledger with entries, made by the migrations, and roles that may read it.
fn fill(server: &Server) {
    let mut client = small_ledger(server);
    client.batch_execute(&format!("CREATE ROLE migrator LOGIN SUPERUSER PASSWORD '{PASSWORD}'")).unwrap();
    for role in ["auditor", "tls_only", "plain_only"] {
        client
            .batch_execute(&format!(
                "CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'; GRANT pg_read_all_data, af_auditor TO {role}"
            ))
            .unwrap();
    }
}

/// The arguments of the processes that a process has started, while they run.
fn arguments_of_children(parent: u32) -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_child = |path: &Path| {
        let status = fs::read_to_string(path.join("status")).unwrap_or_default();
        status
            .lines()
            .any(|line| line.strip_prefix("PPid:").is_some_and(|pid| pid.trim() == parent.to_string()))
    };
    let children = processes.map(|process| process.path()).filter(|path| is_child(path));
    let arguments = children.filter_map(|path| fs::read(path.join("cmdline")).ok());
    arguments.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
}

/// For the server, in the directory of its socket.
fn make_certificates(server: &Server) {
    let directory = server.socket_dir();
    certificates::make(directory, &format!("DNS:{HOST_NAME}"));
    // PostgreSQL takes only a key of its own that nobody else can read.
    let owner = fs::metadata(server.data_dir()).unwrap();
    for file in ["server.key", "server.crt"] {
        chown(directory.join(file), Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    fs::set_permissions(directory.join("server.key"), Permissions::from_mode(0o600)).unwrap();
}

fn append(path: &Path, text: &str) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// `af-tools` of somebody whose home directory is `home`, and who has set some variables.
fn command(
    home: &Path,
    url: Option<&str>,
    variables: &[(impl AsRef<OsStr>, impl AsRef<OsStr>)],
    arguments: &[&str],
) -> Command {
    let url: Vec<&str> = url.map(|url| vec!["--url", url]).unwrap_or_default();
    let mut command = tools::command(&[&url, arguments].concat());
    command.env("HOME", home).env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
    for (name, value) in variables {
        command.env(name, value);
    }
    command
}

/// Runs every command, each with all details on standard error; no output ever has the password.
fn runs(home: &Path, url: Option<&str>, variables: &[(impl AsRef<OsStr>, impl AsRef<OsStr>)]) -> Vec<Run> {
    let run = |words: [&str; 2]| {
        let run = finish(
            command(home, url, variables, &["-v", words[0], words[1]]).spawn().expect("af-tools starts"),
        );
        for output in [&run.stdout, &run.stderr] {
            assert!(!output.contains(PASSWORD) && !output.contains("battery"), "{run:?}");
        }
        run
    };
    COMMANDS.map(run).into()
}

fn empty_home() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn gets_in_with(home: &Path, url: Option<&str>, variables: &[(impl AsRef<OsStr>, impl AsRef<OsStr>)]) {
    for run in runs(home, url, variables) {
        assert_eq!(run.code, Some(0), "{url:?}: {run:?}");
    }
}

/// Fails with exit code 1, nothing on standard output, and each of the words on standard error.
fn stays_out_with(
    home: &Path,
    url: Option<&str>,
    variables: &[(impl AsRef<OsStr>, impl AsRef<OsStr>)],
    words: &[&str],
) {
    for run in runs(home, url, variables) {
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{url:?}: {run:?}");
        assert!(run.stderr.contains("error: "), "{run:?}");
        for word in words {
            assert!(run.stderr.contains(word), "{word} is not in {run:?}");
        }
    }
}

const NO_VARIABLES: [(&str, &str); 0] = [];

fn gets_in(url: &str) {
    gets_in_with(empty_home().path(), Some(url), &NO_VARIABLES);
}

fn stays_out(url: &str, words: &[&str]) {
    stays_out_with(empty_home().path(), Some(url), &NO_VARIABLES, words);
}

/// A file with the permissions that a password file must have.
fn private_file(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

/// As a line of a password file has it.
fn pgpass(password: &str) -> String {
    format!("*:*:ledger:auditor:{}\n", password.replace(':', "\\:"))
}

#[test]
fn the_mode_decides_whether_tls_is_used() {
    let secured = secured();
    let string = |user: &str, mode: &str| secured.string(user, &format!("host={HOST_NAME} sslmode={mode}"));
    for (mode, allows_plain, allows_tls) in
        [("disable", true, false), ("allow", true, true), ("prefer", true, true), ("require", false, true)]
    {
        gets_in(&string("auditor", mode));
        for (user, is_allowed) in [("plain_only", allows_plain), ("tls_only", allows_tls)] {
            if is_allowed {
                gets_in(&string(user, mode));
            } else {
                stays_out(&string(user, mode), &["no pg_hba.conf entry", user]);
            }
        }
    }
    stays_out(&string("auditor", "sometimes"), &["sslmode", "verify-full"]);
}

#[test]
fn the_certificate_is_held_against_authority_and_name() {
    let secured = secured();
    let (ca, other) = (secured.file("ca.crt"), secured.file("other.crt"));
    let string = |host: &str, mode: &str, roots: &str| {
        secured.string("tls_only", &format!("host={host} sslmode={mode} sslrootcert={roots}"))
    };
    for (mode, host) in [
        ("require", "127.0.0.1"),
        ("verify-ca", "127.0.0.1"),
        ("verify-ca", HOST_NAME),
        ("verify-full", HOST_NAME),
    ] {
        gets_in(&string(host, mode, &ca));
        // With root certificates at hand, libpq looks at them in the mode require too.
        stays_out(&string(host, mode, &other), &["certificate", "UnknownIssuer", "sslrootcert"]);
    }
    for wrong in ["127.0.0.1", "localhost", "ledger.test.example"] {
        stays_out(&string(wrong, "verify-full", &ca), &["certificate", "not valid for name"]);
    }
    for mode in ["verify-ca", "verify-full"] {
        stays_out(&secured.string("tls_only", &format!("host={HOST_NAME} sslmode={mode}")), &["sslrootcert"]);
        stays_out(&string(HOST_NAME, mode, "/nonexistent/ca.crt"), &["set up TLS", "/nonexistent/ca.crt"]);
        stays_out(&string(HOST_NAME, mode, &secured.file("openssl.cnf")), &["set up TLS", "no certificate"]);
    }
    // Where libpq looks for it: in the user's home.
    let home = empty_home();
    fs::create_dir(home.path().join(".postgresql")).unwrap();
    let string = secured.string("tls_only", &format!("host={HOST_NAME} sslmode=verify-full"));
    for (roots, is_right) in [(&ca, true), (&other, false)] {
        fs::copy(roots, home.path().join(".postgresql/root.crt")).unwrap();
        if is_right {
            gets_in_with(home.path(), Some(&string), &NO_VARIABLES);
        } else {
            stays_out_with(home.path(), Some(&string), &NO_VARIABLES, &["UnknownIssuer"]);
        }
    }
}

/// A file of root certificates is the whole of what is trusted; the system's are trusted only where they are named.
#[test]
fn the_systems_authorities_count_only_when_they_are_asked_for() {
    let secured = secured();
    let (ca, other) = (secured.file("ca.crt"), secured.file("other.crt"));
    let home = empty_home();
    // Where the system's certificates are looked for can be set from outside.
    let system = |roots: &str| [("SSL_CERT_FILE", roots.to_owned())];
    let string = |more: &str| secured.string("tls_only", &format!("host={HOST_NAME} {more}"));
    let asked = string("sslrootcert=system");
    gets_in_with(home.path(), Some(&asked), &system(&ca));
    stays_out_with(home.path(), Some(&asked), &system(&other), &["UnknownIssuer"]);
    for mode in ["verify-ca", "verify-full"] {
        let not_asked = string(&format!("sslmode={mode} sslrootcert={other}"));
        stays_out_with(home.path(), Some(&not_asked), &system(&ca), &["UnknownIssuer"]);
    }
}

#[test]
fn what_makes_a_connection_safer_is_honoured_by_every_command() {
    let secured = secured();
    let string = |more: &str| secured.string("auditor", &format!("host={HOST_NAME} {more}"));
    gets_in(&string("sslmode=require channel_binding=require"));
    stays_out(&string("sslmode=disable channel_binding=require"), &["channel binding"]);
    gets_in(&string("target_session_attrs=read-write"));
    stays_out(&string("target_session_attrs=read-only"), &["connect to"]);
    stays_out(&string("requirepeer=postgres"), &["requirepeer", "not supported"]);
    stays_out(&format!("hots=h {}", secured.place()), &["unknown parameter", "hots"]);
    // After a password this may be the rest of it.
    stays_out(&string("hots=h"), &["unknown parameter", "single quotes"]);
}

/// Somebody in between answers that there is no TLS here: then nothing more is said to them.
#[test]
fn who_refuses_tls_hears_neither_user_nor_password() {
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = thread::spawn(move || {
        COMMANDS.map(|_| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; SSL_REQUEST.len()];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(b"N").unwrap();
            let mut rest = Vec::new();
            // It may be ended roughly.
            let _ = stream.read_to_end(&mut rest);
            (request, rest)
        })
    });
    let url =
        format!("host=127.0.0.1 port={port} dbname=d user=auditor password='{PASSWORD}' sslmode=require");
    stays_out(&url, &["does not support TLS"]);
    for heard in heard.join().unwrap() {
        assert_eq!(heard, (SSL_REQUEST, Vec::new()));
    }
}

#[test]
fn a_password_comes_from_the_string_the_variable_or_the_file() {
    let secured = secured();
    let place = format!("{} user=auditor", secured.place());
    let home = empty_home();
    let encoded = PASSWORD.replace(' ', "%20").replace('/', "%2F").replace(':', "%3A");
    let url = |password: &str| format!("postgresql://auditor:{password}@127.0.0.1:{}/ledger", secured.port);
    gets_in(&url(&encoded));
    gets_in(&secured.string("auditor", ""));
    gets_in_with(home.path(), Some(&place), &[("PGPASSWORD", PASSWORD)]);

    let file = private_file(home.path(), "passwords", &pgpass(PASSWORD)).display().to_string();
    gets_in_with(home.path(), Some(&place), &[("PGPASSFILE", &file)]);
    gets_in(&format!("{place} passfile={file}"));
    let owner = empty_home();
    private_file(owner.path(), ".pgpass", &pgpass(PASSWORD));
    gets_in_with(owner.path(), Some(&place), &NO_VARIABLES);

    // The string goes before the variable, the variable before the file.
    gets_in_with(owner.path(), Some(&url(&encoded)), &[("PGPASSWORD", "wrong")]);
    let refused = ["password authentication failed", "28P01", "PGPASSWORD"];
    stays_out_with(owner.path(), Some(&place), &[("PGPASSWORD", "wrong")], &refused);
    stays_out_with(owner.path(), Some(&url("wrong")), &[("PGPASSWORD", PASSWORD)], &refused);
    stays_out_with(
        home.path(),
        Some(&place),
        &NO_VARIABLES,
        &["password missing", "PGPASSWORD", "~/.pgpass"],
    );
}

#[test]
fn a_password_file_that_others_can_read_is_not_used_and_that_is_said() {
    let place = format!("{} user=auditor", secured().place());
    let home = empty_home();
    let file = private_file(home.path(), ".pgpass", &pgpass(PASSWORD));
    for mode in [0o640, 0o604, 0o620] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let words =
            ["warning: password file", ".pgpass", "group or world access", "chmod 0600", "password missing"];
        stays_out_with(home.path(), Some(&place), &NO_VARIABLES, &words);
    }
    // It is no obstacle where the password comes from elsewhere.
    gets_in_with(home.path(), Some(&place), &[("PGPASSWORD", PASSWORD)]);
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    gets_in_with(home.path(), Some(&place), &NO_VARIABLES);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    stays_out_with(home.path(), Some(&place), &NO_VARIABLES, &["not a plain file"]);
}

#[test]
fn a_service_gives_what_the_string_leaves_open() {
    let secured = secured();
    let home = empty_home();
    let text = format!(
        "# of this test\n[elsewhere]\nhost=/nonexistent\n[ledger]\nhost=127.0.0.1\nport={}\nuser=auditor\ndbname=ledger\n\
         password={PASSWORD}\n",
        secured.port
    );
    let file = private_file(home.path(), ".pg_service.conf", &text).display().to_string();
    let elsewhere = empty_home();
    gets_in_with(home.path(), None, &[("PGSERVICE", "ledger")]);
    gets_in_with(elsewhere.path(), None, &[("PGSERVICE", "ledger"), ("PGSERVICEFILE", &file)]);
    gets_in_with(home.path(), Some("service=ledger"), &NO_VARIABLES);
    gets_in_with(home.path(), Some("postgresql:///?service=ledger"), &[("PGSERVICE", "elsewhere")]);
    gets_in_with(home.path(), None, &[("DATABASE_URL", "service=ledger")]);
    // It goes before the variables, and after the string.
    let variables =
        [("PGSERVICE", "ledger"), ("PGHOST", "/nonexistent"), ("PGUSER", "nobody"), ("PGPASSWORD", "wrong")];
    gets_in_with(home.path(), None, &variables);
    let nobody = ["nobody", "no pg_hba.conf entry"];
    stays_out_with(home.path(), Some("service=ledger user=nobody"), &NO_VARIABLES, &nobody);

    stays_out_with(home.path(), Some("service=unknown"), &NO_VARIABLES, &["unknown", "no service file"]);
    stays_out_with(elsewhere.path(), None, &[("PGSERVICE", "ledger")], &["ledger", "no service file"]);
    let missing = [("PGSERVICE", "ledger"), ("PGSERVICEFILE", "/nonexistent/services")];
    stays_out_with(home.path(), None, &missing, &["/nonexistent/services"]);
}

#[test]
fn the_option_goes_before_database_url_and_that_before_the_variables() {
    let secured = secured();
    let home = empty_home();
    let good = secured.string("auditor", "");
    let bad = "host=/nonexistent";
    gets_in_with(home.path(), Some(&good), &[("DATABASE_URL", bad), ("PGHOST", "/nonexistent")]);
    stays_out_with(home.path(), Some(bad), &[("DATABASE_URL", &good)], &["/nonexistent"]);
    gets_in_with(
        home.path(),
        None,
        &[("DATABASE_URL", good.as_str()), ("PGHOST", "/nonexistent"), ("PGUSER", "nobody")],
    );
    let mut variables = secured.variables();
    variables.push(("PGPASSWORD", PASSWORD.to_owned()));
    gets_in_with(home.path(), None, &variables);
    // What the string leaves open, the variables give; what is empty is not given.
    gets_in_with(home.path(), Some("dbname=ledger"), &variables);
    variables.push(("DATABASE_URL", String::new()));
    variables.push(("PGSSLMODE", "require".to_owned()));
    gets_in_with(home.path(), None, &variables);
    variables.push(("DATABASE_URL", bad.to_owned()));
    stays_out_with(home.path(), None, &variables, &["/nonexistent"]);
}

/// A program that waits for a server that never answers can be looked at.
#[test]
fn a_password_is_not_among_the_arguments_that_everybody_can_read() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let home = empty_home();
    let place = format!("host=127.0.0.1 port={port} user=auditor dbname=ledger sslmode=disable");
    private_file(home.path(), ".pgpass", &pgpass(PASSWORD));
    let with_password = format!("{place} password='{PASSWORD}'");
    let cases = [
        (Some(place.as_str()), vec![("PGPASSWORD", PASSWORD)]),
        (Some(&place), vec![]),
        (None, vec![("DATABASE_URL", with_password.as_str())]),
    ];
    for (url, variables) in cases {
        for words in COMMANDS {
            let child = command(home.path(), url, &variables, &words).spawn().unwrap();
            // From here on it is certain that it has read its settings.
            let (stream, _) = listener.accept().unwrap();
            let arguments = fs::read(format!("/proc/{}/cmdline", child.id()));
            drop(stream);
            let run = finish(child);
            assert_eq!(run.code, Some(1), "{run:?}");
            let arguments = arguments.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            // Elsewhere than on Linux, ps shows what was given to the process, and nothing can have been added.
            assert!(!arguments.is_ok_and(|text| text.contains("battery")), "{words:?}");
            assert!(!format!("{run:?}").contains("battery"), "{run:?}");
        }
    }
}

/// pg_dump connects as af-tools does, and is not told how in its arguments.
#[cfg(target_os = "linux")]
#[test]
fn what_leads_pg_dump_to_the_server_does_not_show() {
    let home = empty_home();
    let secured = secured();
    let authority = format!("sslmode=verify-full host={HOST_NAME} sslrootcert='{}'", secured.file("ca.crt"));
    let string = secured.string("migrator", &authority);
    let child =
        command(home.path(), Some(&string), &[] as &[(&str, &str)], &["migrate", "test"]).spawn().unwrap();
    let id = child.id();
    let watcher = std::thread::spawn(move || {
        let mut seen = Vec::new();
        while Path::new(&format!("/proc/{id}/exe")).read_link().is_ok() {
            seen.extend(
                arguments_of_children(id).into_iter().filter(|arguments| arguments.contains("--schema-only")),
            );
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        seen
    });
    let run = finish(child);
    assert_eq!(run.code, Some(0), "{run:?}");
    let seen = watcher.join().unwrap();
    assert!(!seen.is_empty(), "pg_dump was not seen at work");
    assert!(
        seen.iter().all(|arguments| !arguments.contains("battery") && !arguments.contains(HOST_NAME)),
        "{seen:?}"
    );
}

#[test]
fn a_connection_string_that_cannot_be_read_is_not_repeated() {
    let home = empty_home();
    for bad in [
        "postgres://u:pass?battery=word@h/d",
        "postgres://u:battery/word@h/d",
        "postgres://u:battery%zz@h/d",
        "mysql://u:battery@h/d",
        "host=h password='battery",
        "host=h password=pass battery=word",
        "battery",
    ] {
        stays_out_with(home.path(), Some(bad), &NO_VARIABLES, &["read connection"]);
        let misplaced = tools::run(&["audit", "verify", bad]);
        assert_eq!(misplaced.code, Some(2), "{misplaced:?}");
        assert!(!bad.contains("://") || !format!("{misplaced:?}").contains("battery"), "{misplaced:?}");
    }
}

#[test]
fn a_failure_to_connect_is_one_json_document_too() {
    let secured = secured();
    let home = empty_home();
    let wrong = format!("{} user=auditor password=wrong", secured.place());
    for words in COMMANDS {
        let child =
            command(home.path(), Some(&wrong), &NO_VARIABLES, &["--json", words[0], words[1]]).spawn();
        let run = finish(child.unwrap());
        let document = run.json();
        assert_eq!((run.code, document["exit_code"].as_i64()), (Some(1), Some(1)), "{run:?}");
        assert!(
            document["error"]["message"].as_str().is_some_and(|text| text.contains("28P01")),
            "{document}"
        );
        assert!(document["result"].is_null(), "{document}");
    }
}
