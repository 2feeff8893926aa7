//! Tests of a new value before it counts.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use super::super::{Context, Failure};
use crate::cli::secrets::RotateArgs;
use crate::connection::{Connection, Error as ConnectionError, Settings};
use crate::secrets::{Secret, generate};

/// What the arguments ask for, ready to be done: whatever else is needed for it is there.
pub(super) struct Check {
    command: Option<String>,
    settings: Option<Settings>,
}

impl Check {
    pub(super) fn new(args: &RotateArgs, context: &mut Context<'_>) -> Result<Self, Failure> {
        let settings = args.check_connection.then(|| context.settings()).transpose()?;
        Ok(Self { command: args.check.clone(), settings })
    }

    /// Whether there is any test.
    pub(super) fn is_some(&self) -> bool {
        self.command.is_some() || self.settings.is_some()
    }

    /// Tests a value; the error says why it does not pass.
    pub(super) fn run(&self, value: &Secret) -> Result<(), String> {
        self.command.as_deref().map_or(Ok(()), |command| by_command(command, value))?;
        self.settings.as_ref().map_or(Ok(()), |settings| by_connection(settings, value))
    }
}

/// What the command prints goes to standard error, if it prints it there, and else nowhere: our own result is on standard
/// output.
fn by_command(command: &str, value: &Secret) -> Result<(), String> {
    let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let failed = |error: io::Error| format!("the command cannot be run: {error}");
    let mut child = Command::new(shell)
        .args([option, command])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let written = match child.stdin.take() {
        Some(mut pipe) => pipe.write_all(value.reveal().as_bytes()).and_then(|()| pipe.write_all(b"\n")),
        None => Ok(()),
    };
    let status = child.wait().map_err(failed)?;
    match written {
        // It need not read all of it to judge.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(failed(error)),
        _ if status.success() => {}
        _ => return Err(format!("the command ended with {status}")),
    }
    Ok(())
}

/// The server must let this password in, and not another one: else it was not the password that it asked for.
fn by_connection(settings: &Settings, value: &Secret) -> Result<(), String> {
    let connect = |password: &Secret| {
        let mut settings = settings.clone();
        settings.set_password(password);
        Connection::open(&settings).map(drop)
    };
    let tell = |error: &ConnectionError| Failure::from_causes(error);
    connect(value).map_err(|error| tell(&error))?;
    let another = generate(32).map_err(|error| error.to_string())?;
    match connect(&another) {
        Err(ConnectionError::Connect { source, .. }) if source.code().is_some() => Ok(()),
        Err(error) => Err(format!("whether the server checks passwords cannot be told: {}", tell(&error))),
        Ok(()) => Err("the server lets any password in, so that nothing is proven".to_owned()),
    }
}
