//! Time stamps by an authority of the test's own, which is made and run by `openssl ts`: no network, except to this machine.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use af_tests::certificates::openssl;
use af_tests::ledger::{add_entries, with_one_tenant};
use af_tests::notary::Notary;
use af_tests::tools::{self, Run};
use tempfile::TempDir;

const CONFIGURATION: &str = "\
[req]
distinguished_name = name
prompt = no
[name]
CN = throw-away
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[stamps]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = settings
[settings]
serial = serial
signer_cert = tsa.crt
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1, millisecs:500
ordering = yes
tsa_name = yes
clock_precision_digits = 3
";

/// An authority, certified by one of two that certify.
struct Authority {
    directory: TempDir,
}

impl Authority {
    fn new() -> Self {
        let authority = Self { directory: TempDir::new().unwrap() };
        let directory = authority.directory.path();
        fs::write(directory.join("openssl.cnf"), CONFIGURATION).unwrap();
        fs::write(directory.join("serial"), "01\n").unwrap();
        let new_key = "-config openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        for name in ["ca", "other"] {
            let files = format!("-keyout {name}.key -out {name}.crt");
            openssl(
                directory,
                &format!("req -x509 -days 2 -extensions authority -subj /CN={name} {new_key} {files}"),
            );
        }
        openssl(directory, &format!("req -new {new_key} -keyout tsa.key -out tsa.csr"));
        openssl(
            directory,
            "x509 -req -in tsa.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \
             -extfile openssl.cnf -extensions stamps -out tsa.crt",
        );
        authority
    }

    fn file(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    /// Answers a query.
    fn stamp(&self, query: &str, reply: &str) {
        let files = format!("-queryfile {query} -out {reply}");
        openssl(self.directory.path(), &format!("ts -reply -config openssl.cnf {files}"));
    }

    /// Answers so many requests over HTTP, each with this status; says where.
    fn serve(&self, answers: Vec<(&'static str, Vec<u8>)>) -> (String, thread::JoinHandle<Vec<Vec<u8>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/tsa", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            answers
                .into_iter()
                .map(|(status, answer)| {
                    let mut stream = BufReader::new(listener.accept().unwrap().0);
                    let mut length = 0;
                    loop {
                        let mut line = String::new();
                        stream.read_line(&mut line).unwrap();
                        let line = line.trim().to_ascii_lowercase();
                        if let Some(value) = line.strip_prefix("content-length:") {
                            length = value.trim().parse().unwrap();
                        }
                        if line.is_empty() {
                            break;
                        }
                    }
                    let mut body = vec![0; length];
                    stream.read_exact(&mut body).unwrap();
                    let head = format!(
                        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                        answer.len()
                    );
                    stream.get_mut().write_all(&[head.as_bytes(), &answer].concat()).unwrap();
                    body
                })
                .collect()
        });
        (url, server)
    }
}

fn timestamp(checkpoint: &str, arguments: &[&str]) -> Run {
    tools::run(&[&["--json", "audit", "timestamp", checkpoint], arguments].concat())
}

/// A checkpoint in a file of its own.
fn checkpoint(notary: &Notary) -> String {
    let (database, mut client, tenant) = with_one_tenant();
    add_entries(&mut client, tenant, 5);
    notary.sign(&database.url());
    let kept = notary.text("kept.checkpoint");
    fs::copy(notary.path("checkpoints").join(format!("{tenant}.checkpoint")), &kept).unwrap();
    kept
}

#[test]
fn a_reply_is_attached_and_verified() {
    let (notary, authority) = (Notary::new(), Authority::new());
    let checkpoint = checkpoint(&notary);
    let (query, reply) = (format!("{checkpoint}.tsq"), authority.file("reply.tsr"));
    let none = timestamp(&checkpoint, &["--verify"]);
    assert_eq!(none.code, Some(4), "{none:?}");
    let asked = timestamp(&checkpoint, &[]);
    assert_eq!((asked.code, &asked.json()["result"]["query"]), (Some(0), &query.clone().into()), "{asked:?}");
    let sent = fs::read(&query).unwrap();
    timestamp(&checkpoint, &[]);
    assert_eq!(fs::read(&query).unwrap(), sent, "one that is on its way is not exchanged");

    authority.stamp(&query, &reply);
    let attached = timestamp(&checkpoint, &["--reply", &reply]);
    assert_eq!(attached.code, Some(0), "{attached:?}");
    assert!(attached.stderr.contains("nobody looks at who has signed"), "{attached:?}");
    let token = &attached.json()["result"]["token"];
    assert_eq!((&token["policy"], &token["answers_query"]), (&"1.2.3.4.1".into(), &true.into()));
    let time = token["time"].as_str().unwrap();
    assert!(time.starts_with("20") && time.ends_with('Z') && time.contains('.'), "{time}");
    assert_eq!(fs::read(format!("{checkpoint}.tsr")).unwrap(), fs::read(&reply).unwrap());

    let unverified = timestamp(&checkpoint, &["--verify"]);
    assert_eq!(unverified.code, Some(4), "{unverified:?}");
    // Without a token to look at, certificates would vouch for nothing.
    assert_eq!(timestamp(&checkpoint, &["--tsa-ca", &authority.file("ca.crt")]).code, Some(2));
    let verified = timestamp(&checkpoint, &["--verify", "--tsa-ca", &authority.file("ca.crt")]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let by = verified.json()["result"]["verified"]["by"].as_str().unwrap().to_owned();
    assert!(by.contains("SSL"), "{by}");
    let foreign = timestamp(&checkpoint, &["--verify", "--tsa-ca", &authority.file("other.crt")]);
    assert_eq!(foreign.code, Some(3), "{foreign:?}");
    assert!(foreign.stdout.contains("not_signed"), "{foreign:?}");
    assert_eq!(timestamp(&checkpoint, &["--verify", "--tsa-ca", &authority.file("no.crt")]).code, Some(1));

    // Whatever is edited in the token is found; what af-tools does not look at, by OpenSSL.
    let sound = fs::read(format!("{checkpoint}.tsr")).unwrap();
    for at in (0..sound.len()).step_by(37) {
        let mut edited = sound.clone();
        edited[at] ^= 1;
        fs::write(format!("{checkpoint}.tsr"), edited).unwrap();
        let run = timestamp(&checkpoint, &["--verify", "--tsa-ca", &authority.file("ca.crt")]);
        assert!(matches!(run.code, Some(1 | 3)), "byte {at}: {run:?}");
    }
    fs::write(format!("{checkpoint}.tsr"), &sound).unwrap();

    // The checkpoint is another one now.
    let text = fs::read_to_string(&checkpoint).unwrap();
    fs::write(&checkpoint, text.replacen("\n5\n", "\n4\n", 1)).unwrap();
    let other = timestamp(&checkpoint, &["--verify", "--tsa-ca", &authority.file("ca.crt")]);
    assert_eq!(other.code, Some(3), "{other:?}");
    assert!(other.stdout.contains("other_content"), "{other:?}");
}

#[test]
fn a_reply_to_something_else_is_not_attached() {
    let (notary, authority) = (Notary::new(), Authority::new());
    let checkpoint = checkpoint(&notary);
    let query = format!("{checkpoint}.tsq");
    timestamp(&checkpoint, &[]);
    let reply = authority.file("reply.tsr");
    let ask = |file: &str, options: &str| {
        let query = authority.file("other.tsq");
        openssl(Path::new("/"), &format!("ts -query -data {file} {options} -out {query}"));
        authority.stamp(&query, &reply);
    };
    for (file, options, code, message) in [
        (authority.file("ca.crt"), "-sha256", Some(3), "other_content"),
        (checkpoint.clone(), "-sha256", Some(3), "other_query"),
        (checkpoint.clone(), "-sha256 -no_nonce", Some(3), "other_query"),
        (checkpoint.clone(), "-sha512", Some(1), "not by SHA-256"),
        // The authority knows no such algorithm, and says so.
        (checkpoint.clone(), "-sha384", Some(1), "refused, with status 2"),
    ] {
        ask(&file, options);
        let run = timestamp(&checkpoint, &["--reply", &reply]);
        assert_eq!(run.code, code, "{options}: {run:?}");
        assert!(run.stdout.contains(message), "{options}: {run:?}");
        assert!(!Path::new(&format!("{checkpoint}.tsr")).exists());
    }
    fs::write(&reply, "hello").unwrap();
    assert_eq!(timestamp(&checkpoint, &["--reply", &reply]).code, Some(1));
    assert_eq!(timestamp(&checkpoint, &["--reply", &authority.file("none")]).code, Some(1));
    assert_eq!(timestamp(&reply, &[]).code, Some(1), "not a checkpoint");

    // Without the query beside it, any token of this content will do, and that is said.
    fs::remove_file(&query).unwrap();
    ask(&checkpoint, "-sha256 -cert");
    let run = timestamp(&checkpoint, &["--reply", &reply, "--tsa-ca", &authority.file("ca.crt")]);
    assert_eq!(
        (run.code, &run.json()["result"]["token"]["answers_query"]),
        (Some(0), &false.into()),
        "{run:?}"
    );
}

#[test]
fn an_authority_is_asked_only_where_a_url_says_so() {
    let (notary, authority) = (Notary::new(), Authority::new());
    let checkpoint = checkpoint(&notary);
    let query = format!("{checkpoint}.tsq");
    timestamp(&checkpoint, &[]);
    let reply = authority.file("reply.tsr");
    authority.stamp(&query, &reply);
    let answer = fs::read(&reply).unwrap();
    let (url, server) = authority.serve(vec![
        ("503 Service Unavailable", b"later".to_vec()),
        ("200 OK", b"hello".to_vec()),
        ("200 OK", answer),
    ]);
    for code in [Some(1), Some(1), Some(0)] {
        let run = timestamp(&checkpoint, &["--tsa-url", &url, "--tsa-ca", &authority.file("ca.crt")]);
        assert_eq!(run.code, code, "{run:?}");
        assert_eq!(Path::new(&format!("{checkpoint}.tsr")).exists(), code == Some(0));
    }
    let sent = server.join().unwrap();
    assert!(sent.iter().all(|body| *body == fs::read(&query).unwrap()), "what is sent is the query");
    let gone = timestamp(&checkpoint, &["--tsa-url", &url]);
    assert_eq!(gone.code, Some(1), "{gone:?}");
    assert!(gone.json()["error"]["hint"].as_str().unwrap().contains("--reply"), "{gone:?}");
    let verified = timestamp(&checkpoint, &["--verify", "--tsa-ca", &authority.file("ca.crt")]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}
