//! New values: from standard input, typed without an echo, or made up.

use std::io::{self, IsTerminal, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::super::{Context, Failure, audit_import};
use crate::exit::Exit;
use crate::output::ErrorReport;
use crate::secrets::{Key, LONGEST_BYTES, Secret};

/// The value could not be read.
#[derive(Debug, thiserror::Error)]
#[error("read the new value")]
struct InputError(#[source] io::Error);

/// The new value of a secret.
pub(super) fn read(key: &Key, context: &Context<'_>) -> Result<Secret, Failure> {
    if io::stdin().is_terminal() { typed(key) } else { piped(context) }
}

fn typed(key: &Key) -> Result<Secret, Failure> {
    let ask = |prompt: String| match rpassword::prompt_password(prompt) {
        Ok(text) => Ok(Zeroizing::new(text.into_bytes())),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(Failure::interrupted()),
        Err(error) => Err(Failure::new(Exit::COULD_NOT_RUN, &InputError(error), None)),
    };
    let value = ask(format!("New value of {key}: "))?;
    if *value != *ask("Once more: ".to_owned())? {
        let message =
            "read the new value: the two that were typed are not the same; nothing was changed".to_owned();
        return Err(Failure { exit: Exit::COULD_NOT_RUN, report: ErrorReport { message, hint: None } });
    }
    Ok(Secret::from_input(value)?)
}

fn piped(context: &Context<'_>) -> Result<Secret, Failure> {
    // With a line end, and room to see that there is more. It never grows: that would leave copies behind.
    const ROOM_BYTES: usize = LONGEST_BYTES + 3;
    let mut bytes = Zeroizing::new(Vec::with_capacity(ROOM_BYTES));
    let input = audit_import::open(Path::new("-"), &context.interrupt)?;
    input
        .take(ROOM_BYTES as u64)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(Exit::COULD_NOT_RUN, &InputError(error), None))?;
    Ok(Secret::from_input(bytes)?)
}
