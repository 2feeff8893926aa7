//! Why a run cannot be recorded.

use af_core::envelope::EnvelopeError;

use crate::relation::RelationError;
use crate::server::ServerError;
use crate::tenant;

/// Why a run cannot be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// There are no such tables.
    #[error(transparent)]
    Relation(#[from] RelationError),
    /// The tenant is not there, or this role cannot see it.
    #[error("there is no tenant \"{0}\"")]
    NoTenant(String),
    /// What is known by this name and version is something else.
    #[error("workflow \"{name}\" has a version {version} already, which is another than this file")]
    OtherDefinition {
        /// The plan's name.
        name: String,
        /// Its version.
        version: String,
    },
    /// A message has no canonical form.
    #[error("hash the message of step {number}")]
    Envelope {
        /// The step.
        number: usize,
        /// Why.
        source: EnvelopeError,
    },
    /// The server refused.
    #[error("{doing}")]
    Server {
        /// What was being done.
        doing: &'static str,
        /// What it said.
        source: ServerError,
    },
}

impl RecordError {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Relation(error) => error.hint(),
            Self::NoTenant(_) => Some(tenant::MISSING_HINT.to_owned()),
            Self::OtherDefinition { .. } => Some("Give the file another version.".to_owned()),
            Self::Envelope { .. } => None,
            Self::Server { source, .. } => source.hint(),
        }
    }
}

pub(super) fn doing<E: Into<ServerError>>(doing: &'static str) -> impl FnOnce(E) -> RecordError {
    move |error| RecordError::Server { doing, source: error.into() }
}
