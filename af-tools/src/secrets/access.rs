//! Who has asked for which secret, and what came of it: never what the secret is.

use std::error::Error as StdError;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::{Error, Found, Key, Listing, Secret, SecretsProvider, Step, Version};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A value was asked for.
    Get,
    /// The keys were asked for.
    List,
    /// A value was set.
    Set,
    /// A secret was deleted.
    Delete,
    /// A new value was staged.
    Stage,
    /// The staged value was made current.
    Promote,
    /// The staged value was discarded.
    Discard,
    /// The previous value was made current again.
    RollBack,
    /// Whoever watches a secret was given its value, the first one or a changed one.
    Watch,
}

impl Operation {
    /// What it is called in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Set => "set",
            Self::Delete => "delete",
            Self::Stage => "stage",
            Self::Promote => "promote",
            Self::Discard => "discard",
            Self::RollBack => "roll_back",
            Self::Watch => "watch",
        }
    }
}

impl From<Step<'_>> for Operation {
    fn from(step: Step<'_>) -> Self {
        match step {
            Step::Stage(_) => Self::Stage,
            Step::Promote => Self::Promote,
            Step::Discard => Self::Discard,
            Step::RollBack => Self::RollBack,
        }
    }
}

/// One access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access<'a> {
    /// What was done.
    pub operation: Operation,
    /// With which secret; all of them where none is given.
    pub key: Option<&'a Key>,
    /// Who answered, or who was asked.
    pub provider: &'a str,
    /// On whose behalf.
    pub actor: &'a str,
    /// `ok`, or what kind of error it was.
    pub outcome: &'static str,
}

/// Keeps accesses.
pub trait Recorder: Send {
    /// Keeps one.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being kept: then the caller does not get what was asked for.
    fn record(&mut self, access: &Access<'_>) -> Result<(), Box<dyn StdError + Send + Sync>>;
}

/// A provider of which every access is logged, as an event of `tracing` at level INFO, and kept by a [`Recorder`] if there
/// is one.
pub struct Recorded<P> {
    provider: P,
    actor: String,
    recorder: Option<Mutex<Box<dyn Recorder>>>,
}

impl<P: SecretsProvider> Recorded<P> {
    /// Whoever uses it acts for `actor`.
    pub fn new(provider: P, actor: String, recorder: Option<Box<dyn Recorder>>) -> Self {
        Self { provider, actor, recorder: recorder.map(Mutex::new) }
    }

    /// Logs and keeps an access that was not made through this provider.
    ///
    /// # Errors
    ///
    /// [`Error::Unrecorded`].
    pub fn record(
        &self,
        operation: Operation,
        key: Option<&Key>,
        provider: &str,
        outcome: &'static str,
    ) -> Result<(), Error> {
        let access = Access { operation, key, provider, actor: &self.actor, outcome };
        tracing::info!(
            operation = operation.name(),
            key = key.map_or("*", Key::as_str),
            provider,
            actor = self.actor,
            outcome,
            "secret accessed"
        );
        let Some(recorder) = &self.recorder else { return Ok(()) };
        let mut recorder = recorder.lock().unwrap_or_else(PoisonError::into_inner);
        recorder.record(&access).map_err(|source| Error::Unrecorded { operation: operation.name(), source })
    }

    /// Records what an operation gave, and gives it on only if that succeeded.
    fn recorded<T>(
        &self,
        operation: Operation,
        key: Option<&Key>,
        result: Result<T, Error>,
        provider_of: impl FnOnce(&T) -> String,
    ) -> Result<T, Error> {
        match result {
            Ok(given) => {
                self.record(operation, key, &provider_of(&given), "ok")?;
                Ok(given)
            }
            Err(error) => {
                let recorded = self.record(operation, key, &self.provider.describe(), error.kind());
                if let Err(unrecorded @ Error::Unrecorded { source, .. }) = &recorded {
                    tracing::warn!("{unrecorded}: {source}");
                }
                Err(error)
            }
        }
    }
}

impl<P: SecretsProvider> SecretsProvider for Recorded<P> {
    fn describe(&self) -> String {
        self.provider.describe()
    }

    fn get(&self, key: &Key, version: Version) -> Result<Found, Error> {
        let found = self.provider.get(key, version);
        self.recorded(Operation::Get, Some(key), found, |found| found.provider.clone())
    }

    fn list(&self) -> Result<Listing, Error> {
        self.recorded(Operation::List, None, self.provider.list(), |_| self.provider.describe())
    }

    fn set(&self, key: &Key, value: &Secret) -> Result<String, Error> {
        self.recorded(Operation::Set, Some(key), self.provider.set(key, value), String::clone)
    }

    fn delete(&self, key: &Key) -> Result<String, Error> {
        self.recorded(Operation::Delete, Some(key), self.provider.delete(key), String::clone)
    }

    fn rotate(&self, key: &Key, step: Step<'_>) -> Result<String, Error> {
        self.recorded(step.into(), Some(key), self.provider.rotate(key, step), String::clone)
    }

    fn directories(&self) -> Vec<PathBuf> {
        self.provider.directories()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FileProvider, Rules};
    use super::*;

    /// Keeps accesses as long as it may.
    struct Full(usize);

    impl Recorder for Full {
        fn record(&mut self, _: &Access<'_>) -> Result<(), Box<dyn StdError + Send + Sync>> {
            self.0 = self.0.checked_sub(1).ok_or("full")?;
            Ok(())
        }
    }

    #[test]
    fn what_is_not_recorded_is_not_given() {
        let scratch = tempfile::tempdir().unwrap();
        let file = FileProvider::new(scratch.path().join("secrets.json"), Rules::default());
        let provider = Recorded::new(file, "ann".to_owned(), Some(Box::new(Full(2))));
        let key: Key = "db".parse().unwrap();
        provider.set(&key, &Secret::new("value".to_owned())).unwrap();
        assert!(provider.get(&key, Version::Current).is_ok());
        for error in [provider.get(&key, Version::Current).map(drop), provider.list().map(drop)] {
            assert!(matches!(error, Err(Error::Unrecorded { .. })), "{error:?}");
        }
        // An error stays what it is.
        assert!(matches!(provider.get(&key, Version::Pending), Err(Error::NotFound { .. })));
    }
}
