//! From the libraries' errors to exit codes and messages.

use std::error::Error;

use crate::audit::prove::ProveError;
use crate::audit::{anchor, checkpoint, import, record, verify};
use crate::checkpoint::{CosignError, HeldError, PolicyError, StoreError};
use crate::exit::Exit;
use crate::metrics::WriteError;
use crate::output::ErrorReport;
use crate::timestamp::{QueryError, TokenError, authority};
use crate::{backup, connection, message, migrate, plan, secrets, sign, validate};

/// Why a command has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// What the user is told.
    pub report: ErrorReport,
}

impl Failure {
    /// An error with all its causes: what failed, why, why that.
    pub fn new(exit: Exit, error: &dyn Error, hint: Option<String>) -> Self {
        Self { exit, report: ErrorReport { message: Self::from_causes(error), hint } }
    }

    /// An error with all its causes, as one line.
    pub(super) fn from_causes(error: &dyn Error) -> String {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // Some errors of other crates repeat their causes.
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            source = cause.source();
        }
        message
    }

    /// Something was to be proven.
    fn of_proof(error: &dyn Error, is_finding: bool, is_unproven: bool, hint: Option<String>) -> Self {
        let exit = match (is_finding, is_unproven) {
            (true, _) => Exit::FINDING,
            (false, true) => Exit::NOT_PROVABLE,
            (false, false) => Exit::COULD_NOT_RUN,
        };
        Self::new(exit, error, hint)
    }

    pub(super) fn interrupted() -> Self {
        Self {
            exit: Exit::INTERRUPTED,
            report: ErrorReport { message: "interrupted".to_owned(), hint: None },
        }
    }

    #[cfg(not(unix))]
    pub(super) fn unsupported(what: &str) -> Self {
        let message = format!("{what}: not supported on this system");
        Self { exit: Exit::COULD_NOT_RUN, report: ErrorReport { message, hint: None } }
    }
}

impl From<connection::Error> for Failure {
    fn from(error: connection::Error) -> Self {
        Self::new(Exit::COULD_NOT_RUN, &error, error.hint())
    }
}

impl From<anchor::Error> for Failure {
    fn from(error: anchor::Error) -> Self {
        let exit = match &error {
            anchor::Error::Checkpoint(error) => held_exit(error),
            anchor::Error::State { .. } => Exit::NOT_PROVABLE,
            error if error.is_usage() => Exit::USAGE,
            _ => Exit::COULD_NOT_RUN,
        };
        Self::new(exit, &error, error.hint())
    }
}

impl From<HeldError> for Failure {
    fn from(error: HeldError) -> Self {
        Self::new(held_exit(&error), &error, error.hint())
    }
}

/// A checkpoint that was edited is a finding; one that is not there leaves unproven what it was to prove.
fn held_exit(error: &HeldError) -> Exit {
    match error {
        error if error.is_finding() => Exit::FINDING,
        error if error.is_missing() => Exit::NOT_PROVABLE,
        _ => Exit::COULD_NOT_RUN,
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = if error.is_finding() { Exit::FINDING } else { Exit::COULD_NOT_RUN };
        Self::new(exit, &error, error.hint())
    }
}

impl From<record::Error> for Failure {
    fn from(error: record::Error) -> Self {
        Self::new(Exit::COULD_NOT_RUN, &error, error.hint())
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        let hint =
            "The directory must be there, and be writable: the file is put in the place of the old one.";
        Self::new(Exit::COULD_NOT_RUN, &error, Some(hint.to_owned()))
    }
}

impl From<checkpoint::Error> for Failure {
    fn from(error: checkpoint::Error) -> Self {
        match error {
            checkpoint::Error::Verify(error) => error.into(),
            checkpoint::Error::Store(error) => error.into(),
            error => Self::new(Exit::COULD_NOT_RUN, &error, error.hint()),
        }
    }
}

impl From<ProveError> for Failure {
    fn from(error: ProveError) -> Self {
        match error {
            ProveError::Read(error) => error.into(),
            error => Self::of_proof(&error, error.is_finding(), error.is_unproven(), error.hint()),
        }
    }
}

impl From<CosignError> for Failure {
    fn from(error: CosignError) -> Self {
        match error {
            CosignError::Store(error) => error.into(),
            CosignError::Name(_) | CosignError::LogKey => Self::new(Exit::USAGE, &error, error.hint()),
            error => Self::of_proof(&error, error.is_finding(), error.is_unproven(), error.hint()),
        }
    }
}

impl From<PolicyError> for Failure {
    fn from(error: PolicyError) -> Self {
        let exit = if error.is_usage() { Exit::USAGE } else { Exit::COULD_NOT_RUN };
        Self::new(exit, &error, error.hint())
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Self::new(Exit::COULD_NOT_RUN, &error, None)
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Self::of_proof(&error, error.is_finding(), false, error.hint())
    }
}

impl From<authority::Error> for Failure {
    fn from(error: authority::Error) -> Self {
        Self::of_proof(&error, error.is_finding(), error.is_unproven(), error.hint())
    }
}

impl From<secrets::Error> for Failure {
    fn from(error: secrets::Error) -> Self {
        Self::new(Exit::COULD_NOT_RUN, &error, error.hint())
    }
}

impl From<secrets::LedgerError> for Failure {
    fn from(error: secrets::LedgerError) -> Self {
        Self::new(Exit::COULD_NOT_RUN, &error, error.hint())
    }
}

impl From<verify::Error> for Failure {
    fn from(error: verify::Error) -> Self {
        Self::new(Exit::COULD_NOT_RUN, &error, error.hint())
    }
}

impl From<import::Error> for Failure {
    fn from(error: import::Error) -> Self {
        let exit =
            if matches!(error, import::Error::Interrupted) { Exit::INTERRUPTED } else { Exit::COULD_NOT_RUN };
        let mut failure = Self::new(exit, &error, error.hint());
        if !matches!(error, import::Error::InDoubt(_)) {
            failure.report.message.push_str("; nothing was stored");
        }
        failure
    }
}

impl From<message::Error> for Failure {
    fn from(error: message::Error) -> Self {
        let exit = if matches!(error, message::Error::Interrupted) {
            Exit::INTERRUPTED
        } else {
            Exit::COULD_NOT_RUN
        };
        Self::new(exit, &error, error.hint())
    }
}

impl From<migrate::Error> for Failure {
    fn from(error: migrate::Error) -> Self {
        let exit = if matches!(error, migrate::Error::Interrupted) {
            Exit::INTERRUPTED
        } else {
            Exit::COULD_NOT_RUN
        };
        Self::new(exit, &error, error.hint())
    }
}

impl From<validate::Error> for Failure {
    fn from(error: validate::Error) -> Self {
        let exit = if error.is_usage() { Exit::USAGE } else { Exit::COULD_NOT_RUN };
        Self::new(exit, &error, error.hint())
    }
}

impl From<backup::Error> for Failure {
    fn from(error: backup::Error) -> Self {
        let exit = match &error {
            backup::Error::Interrupted => Exit::INTERRUPTED,
            backup::Error::NotSigned(_) | backup::Error::NoBackup(_) => Exit::NOT_PROVABLE,
            error if error.is_finding() => Exit::FINDING,
            _ => Exit::COULD_NOT_RUN,
        };
        Self::new(exit, &error, error.hint())
    }
}

impl From<plan::Error> for Failure {
    fn from(error: plan::Error) -> Self {
        Self::new(Exit::COULD_NOT_RUN, &error, error.hint())
    }
}

impl From<sign::Error> for Failure {
    fn from(error: sign::Error) -> Self {
        Self::new(Exit::COULD_NOT_RUN, &error, error.hint())
    }
}

#[cfg(unix)]
impl From<crate::demo::Error> for Failure {
    fn from(error: crate::demo::Error) -> Self {
        let hint = error.hint();
        let exit = error.exit();
        Self::new(exit, &error, hint)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("read x")]
    struct Outer(#[source] io::Error);

    #[test]
    fn causes_follow_once_each() {
        let failure = Failure::new(Exit::COULD_NOT_RUN, &Outer(io::Error::other("no such thing")), None);
        assert_eq!(failure.report.message, "read x: no such thing");
    }

    #[test]
    fn an_import_says_that_nothing_was_stored() {
        let failure = Failure::from(import::Error::NoPrivilege("public.audits".to_owned()));
        assert_eq!(failure.exit, Exit::COULD_NOT_RUN);
        assert!(failure.report.message.ends_with("; nothing was stored"));
        assert_eq!(Failure::from(import::Error::Interrupted).exit, Exit::INTERRUPTED);
    }
}
