//! What `audit verify` says of the guards.

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::audit::ScopeArgs;
use crate::commands::Failure;
use crate::connection::Connection;
use crate::guards::{self, Applied, Inspection, Severity, Weakness};
use crate::numbers::counted;
use crate::server::ServerError;

/// What a look at the guards came to.
#[derive(Debug, Serialize)]
#[serde(tag = "looked", rename_all = "snake_case")]
pub enum Guards {
    /// They were compared with those that the migrations make.
    Compared(Inspection),
    /// They were not.
    NotCompared {
        /// Why.
        reason: String,
        /// Whether that is in order, for the migrations have not made this schema: a table `audits` may be anybody's own.
        is_foreign: bool,
    },
    /// Not asked for.
    Skipped,
}

impl Guards {
    /// Looks, unless that is not wanted. Where it cannot, that is what it came to: what the chains came to is known already,
    /// and is told all the same.
    pub(in crate::commands) fn look(connection: &mut Connection, scope: &ScopeArgs) -> Self {
        if scope.no_guards {
            return Self::Skipped;
        }
        Self::compare(connection).unwrap_or_else(|source| {
            let reason = Failure::from_causes(&GuardsError { source });
            Self::NotCompared { reason, is_foreign: false }
        })
    }

    fn compare(connection: &mut Connection) -> Result<Self, ServerError> {
        let inspection = guards::inspect(&mut connection.client)?;
        let applied = guards::applied(&mut connection.client)?;
        let is_platform =
            inspection.is_of_platform() || matches!(applied, Applied::UpTo { is_ours: true, .. });
        Ok(match applied {
            _ if !is_platform => Self::NotCompared {
                reason: "the schema is not one that af-tools' migrations made".to_owned(),
                is_foreign: true,
            },
            Applied::UpTo { version, .. } if version < crate::migrate::newest_version() => {
                let mut reason = format!(
                    "migrations after {version:04} are not applied, by their book, and bring what would be compared"
                );
                // It cannot be known whether that is why, or somebody has edited the book: so it is told.
                let open: Vec<&Weakness> = inspection.open().collect();
                if let [first, ..] = &open[..] {
                    let count = counted(open.len() as u64, "guard is", "guards are");
                    reason = format!("{reason}; {count} open by this build's, the first: {}", first.problem);
                }
                Self::NotCompared { reason, is_foreign: false }
            }
            _ => Self::Compared(inspection),
        })
    }

    /// Why they are not known to be in place, though they should be.
    pub(super) fn gap(&self) -> Option<&str> {
        match self {
            Self::NotCompared { reason, is_foreign: false } => Some(reason),
            Self::NotCompared { .. } | Self::Compared(_) | Self::Skipped => None,
        }
    }

    /// In one word, as the table audit_verifications has it.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Compared(inspection) if inspection.weaknesses.is_empty() => "in_place",
            Self::Compared(inspection) if inspection.open().next().is_none() => "differ",
            Self::Compared(_) => "open",
            Self::NotCompared { .. } => "not_compared",
            Self::Skipped => "not_looked_at",
        }
    }

    pub(super) fn open(&self) -> Vec<&Weakness> {
        match self {
            Self::Compared(inspection) => inspection.open().collect(),
            Self::NotCompared { .. } | Self::Skipped => Vec::new(),
        }
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Skipped => writeln!(out, "guards: not looked at (--no-guards)"),
            Self::NotCompared { reason, .. } => writeln!(out, "guards: not compared: {reason}"),
            Self::Compared(inspection) if inspection.weaknesses.is_empty() => {
                writeln!(
                    out,
                    "guards: all in place (triggers, functions, constraints, row-level security, grants, owners)"
                )
            }
            Self::Compared(inspection) => {
                for weakness in &inspection.weaknesses {
                    let severity = match weakness.severity {
                        Severity::Open => "open",
                        Severity::Differs => "differs",
                    };
                    writeln!(out, "guard {severity}: {}\n    {}", weakness.problem, weakness.remedy)?;
                }
                Ok(())
            }
        }
    }
}

/// The guards could not be looked at.
#[derive(Debug, thiserror::Error)]
#[error("look at the guards")]
struct GuardsError {
    source: ServerError,
}
