//! Certificates for test servers, by the program `openssl`.

use std::fs;
use std::path::Path;
use std::process::Command;

const CONFIGURATION: &str = "\
[req]
distinguished_name = name
prompt = no
[name]
CN = throw-away
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[server]
basicConstraints = CA:FALSE
subjectAltName = ";

/// Makes `ca.crt`, which has signed `server.crt` (with `server.key`), and `other.crt`, which has not. The server's names it by
/// what openssl calls subjectAltName, such as `DNS:ledger.test`.
///
/// # Panics
///
/// When openssl cannot be run.
pub fn make(directory: &Path, subject_alt_name: &str) {
    let configuration = format!("{CONFIGURATION}{subject_alt_name}\n");
    fs::write(directory.join("openssl.cnf"), configuration).expect("the directory can be written to");
    let new_key = "-config openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for authority in ["ca", "other"] {
        let files = format!("-keyout {authority}.key -out {authority}.crt");
        openssl(
            directory,
            &format!("req -x509 -days 2 -extensions authority -subj /CN={authority} {new_key} {files}"),
        );
    }
    openssl(directory, &format!("req -new {new_key} -keyout server.key -out server.csr"));
    openssl(
        directory,
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \
         -extfile openssl.cnf -extensions server -out server.crt",
    );
}

/// Runs `openssl` in a directory.
///
/// # Panics
///
/// When it cannot be run, or fails.
pub fn openssl(directory: &Path, arguments: &str) {
    let output =
        Command::new("openssl").args(arguments.split_ascii_whitespace()).current_dir(directory).output();
    let output = output.expect("the program openssl, which makes certificates for tests, can be run");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}
