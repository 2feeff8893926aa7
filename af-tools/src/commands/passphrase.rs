//! Secret keys, and the passphrases that protect them.

use std::io::{self, IsTerminal};
use std::path::Path;

use zeroize::Zeroizing;

use super::Failure;
use crate::cli::audit::PassphraseArgs;
use crate::exit::Exit;
use crate::output::ErrorReport;
use crate::sign::{self, SigningKey};

/// The passphrase could not be read.
#[derive(Debug, thiserror::Error)]
#[error("read the passphrase")]
struct PassphraseError(#[source] io::Error);

/// Reads a secret key; its passphrase comes from a file or from the terminal, if it has one.
pub(super) fn load_key(path: &Path, args: &PassphraseArgs) -> Result<SigningKey, Failure> {
    SigningKey::load(path, || match &args.passphrase_file {
        Some(file) => from_file(file).map(Some),
        None if io::stdin().is_terminal() => ask(&format!("Passphrase of {}: ", path.display())).map(Some),
        None => Ok(None),
    })
}

/// A passphrase for a new key.
pub(super) fn new_passphrase(args: &PassphraseArgs) -> Result<Zeroizing<String>, Failure> {
    let passphrase = match &args.passphrase_file {
        Some(file) => from_file(file)?,
        None if io::stdin().is_terminal() => {
            let passphrase = ask("Passphrase of the new key: ")?;
            if passphrase != ask("Once more: ")? {
                return Err(refused("the two that were typed are not the same; no key was made", None));
            }
            passphrase
        }
        None => {
            return Err(refused(
                "there is no terminal to type it at",
                Some("--passphrase-file FILE reads it."),
            ));
        }
    };
    if passphrase.is_empty() {
        return Err(refused("it is empty; no key was made", None));
    }
    Ok(passphrase)
}

fn refused(why: &str, hint: Option<&str>) -> Failure {
    let report =
        ErrorReport { message: format!("read the passphrase: {why}"), hint: hint.map(str::to_owned) };
    Failure { exit: Exit::COULD_NOT_RUN, report }
}

/// The file's content, without the line end that an editor leaves.
fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let mut text = sign::read_private(path)?;
    let length = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(length);
    Ok(text)
}

fn ask(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    match rpassword::prompt_password(prompt) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(Failure::interrupted()),
        Err(error) => Err(Failure::new(Exit::COULD_NOT_RUN, &PassphraseError(error), None)),
    }
}
