//! `af-tools audit keygen`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::passphrase::new_passphrase;
use super::{Context, Failure};
use crate::cli::audit::KeygenArgs;
use crate::exit::Exit;
use crate::output::{Report, Verbosity};
use crate::sign::{Error, SigningKey};

/// A new key.
#[derive(Debug, Serialize)]
pub struct KeygenReport {
    /// Where the secret key is.
    pub secret_key: PathBuf,
    /// Where the public key is.
    pub public_key: PathBuf,
    /// SHA-256 of the public key's 32 bytes, in hexadecimal.
    pub id: String,
    /// Whether a passphrase protects the secret key.
    pub is_protected: bool,
}

impl Report for KeygenReport {
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        let protection =
            if self.is_protected { "protected by its passphrase" } else { "not protected by a passphrase" };
        writeln!(out, "secret key  {}, {protection}", self.secret_key.display())?;
        writeln!(out, "public key  {}", self.public_key.display())?;
        writeln!(out, "id          {}", self.id)
    }
}

pub(super) fn run(args: &KeygenArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let is_protected = args.protect || args.passphrase.passphrase_file.is_some();
    let passphrase = is_protected.then(|| new_passphrase(&args.passphrase)).transpose()?;
    let mut public_key = args.file.clone().into_os_string();
    public_key.push(".pub");
    let public_key = PathBuf::from(public_key);
    let key = SigningKey::generate()?;
    // The public one first: a secret key that nobody has the other half of would be in the way of the next attempt.
    key.verifying_key().save(&public_key)?;
    if let Err(error) = key.save(&args.file, passphrase.as_ref().map(|passphrase| passphrase.as_str())) {
        take_back(&public_key)?;
        return Err(error.into());
    }
    let id = key.verifying_key().id();
    let report = KeygenReport { secret_key: args.file.clone(), public_key, id, is_protected };
    context.report(Exit::DONE, &report, None)
}

fn take_back(path: &Path) -> Result<(), Error> {
    std::fs::remove_file(path).map_err(|source| Error::File {
        doing: "remove",
        path: path.to_owned(),
        source,
    })
}
