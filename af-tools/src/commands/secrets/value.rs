//! `af-tools secrets get`.

use std::io::{self, Write};

use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use super::super::{Context, Failure, output_failed};
use crate::cli::secrets::GetArgs;
use crate::exit::Exit;
use crate::output::{Format, Report, Verbosity};
use crate::secrets::{Found, Key, MASK, Revealed, Secret, SecretsProvider, Version};

/// A secret that was found.
#[derive(Debug, Serialize)]
pub struct ValueReport {
    /// Its name.
    pub key: Key,
    /// Which of its versions.
    pub version: Version,
    /// Who has it.
    pub provider: String,
    /// Who should have been asked before, but could not be.
    pub passed_over: Vec<String>,
    /// The value, if it is to be revealed.
    #[serde(serialize_with = "masked")]
    pub value: Option<Secret>,
}

fn masked<S: Serializer>(value: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(secret) => Revealed(secret).serialize(serializer),
        None => serializer.serialize_str(MASK),
    }
}

impl Report for ValueReport {
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        writeln!(out, "{} ({}): {MASK}, in {}", self.key, self.version, self.provider)
    }
}

pub(super) fn run(
    args: &GetArgs,
    provider: &dyn SecretsProvider,
    context: &mut Context<'_>,
) -> Result<Exit, Failure> {
    let version = match (args.pending, args.previous) {
        (true, _) => Version::Pending,
        (_, true) => Version::Previous,
        _ => Version::Current,
    };
    let Found { secret, provider, passed_over } = provider.get(&args.key, version)?;
    if args.reveal && context.printer.format() == Format::Text {
        // Byte by byte, for whatever reads it.
        let line = Zeroizing::new(format!("{}\n", secret.reveal()));
        context.printer.raw(line.as_bytes()).map_err(output_failed)?;
        return Ok(Exit::DONE);
    }
    let value = args.reveal.then_some(secret);
    let report = ValueReport { key: args.key.clone(), version, provider, passed_over, value };
    context.report(Exit::DONE, &report, None)
}
