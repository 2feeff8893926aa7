//! `af-tools secrets list`.

use std::io::{self, Write};

use serde::Serialize;

use super::super::{Context, Failure};
use crate::exit::Exit;
use crate::output::{ErrorReport, Report, Table, Verbosity, counted};
use crate::secrets::{Listing, SecretsProvider, Version};

/// What is there.
#[derive(Debug, Serialize)]
pub struct ListReport {
    /// The secrets, and who could not be asked.
    #[serde(flatten)]
    pub listing: Listing,
}

impl Report for ListReport {
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        let secrets = &self.listing.secrets;
        if !secrets.is_empty() {
            let mut table = Table::new(&["key", "versions", "provider"]);
            for entry in secrets {
                let versions: Vec<&str> = entry.versions.iter().copied().map(Version::name).collect();
                table.row([entry.key.to_string(), versions.join(", "), entry.provider.clone()]);
            }
            table.write(out)?;
            writeln!(out)?;
        }
        writeln!(out, "{}", counted(secrets.len() as u64, "secret", "secrets"))
    }
}

pub(super) fn run(provider: &dyn SecretsProvider, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let listing = provider.list()?;
    let (exit, error) = match listing.passed_over.first() {
        None => (Exit::DONE, None),
        Some(reason) => {
            let message = format!("list secrets: not all of them: {reason}");
            (Exit::COULD_NOT_RUN, Some(ErrorReport { message, hint: None }))
        }
    };
    context.report(exit, &ListReport { listing }, error.as_ref())
}
