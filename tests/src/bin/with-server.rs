//! `with-server [--tcp] COMMAND [ARGUMENT]…`: starts a throw-away PostgreSQL, runs the command with PGHOST, PGPORT and
//! PGUSER leading to it, stops the server, and exits as the command did.
//!
//! With `--tcp`, for programs that know no Unix sockets, the server also listens on 127.0.0.1, on the same PGPORT.
//! There it asks for a password, which the command finds in PGPASSWORD: that address is open to every user.

#![forbid(unsafe_code)]

use std::env;
use std::error::Error;
use std::process::{Command, ExitCode};

use af_tests::database::{free_port, options};
use af_tools::throwaway::{Options, Server};
use postgres::{Client, NoTls};
use uuid::Uuid;

#[expect(clippy::print_stderr, reason = "a program's own error message")]
fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("with-server: {error}");
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1).peekable();
    let is_tcp = arguments.next_if(|argument| argument == "--tcp").is_some();
    let program = arguments.next().ok_or("usage: with-server [--tcp] COMMAND [ARGUMENT]...")?;
    let mut command = Command::new(program);
    command.args(arguments);

    let server = Server::start(&if is_tcp { tcp(options()) } else { options() })?;
    command.env("PGHOST", server.socket_dir());
    command.env("PGPORT", server.port().to_string());
    command.env("PGUSER", server.superuser());
    if is_tcp {
        command.env("PGPASSWORD", set_password(&server)?);
    }
    let status = command.status()?;
    // A signal has no exit code.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn tcp(mut options: Options) -> Options {
    options.port = free_port();
    options.settings.push(("listen_addresses".to_owned(), "127.0.0.1".to_owned()));
    options.initdb_args.push("--auth-host=scram-sha-256".to_owned());
    options
}

fn set_password(server: &Server) -> Result<String, postgres::Error> {
    let password = Uuid::new_v4().to_string();
    let mut client = Client::connect(&server.url("postgres"), NoTls)?;
    client.batch_execute(&format!("ALTER ROLE {} PASSWORD '{password}'", server.superuser()))?;
    Ok(password)
}
