//! `with-server COMMAND [ARGUMENT]…`: starts a throw-away PostgreSQL, runs the command with PGHOST, PGPORT and PGUSER
//! leading to it, stops the server, and exits as the command did.

#![forbid(unsafe_code)]

use std::env;
use std::error::Error;
use std::process::{Command, ExitCode};

use af_tests::database::options;
use af_tools::throwaway::Server;

#[expect(clippy::print_stderr, reason = "a program's own error message")]
fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("with-server: {error}");
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let program = arguments.next().ok_or("usage: with-server COMMAND [ARGUMENT]...")?;
    let server = Server::start(&options())?;
    let status = Command::new(program)
        .args(arguments)
        .env("PGHOST", server.socket_dir())
        .env("PGPORT", server.port().to_string())
        .env("PGUSER", server.superuser())
        .status()?;
    // A signal has no exit code.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
