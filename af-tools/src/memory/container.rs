//! From configuration to the store that everybody is given.

use std::sync::Arc;

use super::{DisabledStore, InMemoryStore, Logged, MemoryStore, Options, Sources};
use crate::connection::Environment;

/// The variable that switches memory on where the command line does not.
const ENABLED_VARIABLE: &str = "AF_MEMORY_ENABLED";

/// What memory there is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// Whether there is any: not, unless somebody says so.
    pub is_enabled: bool,
    /// How it is bounded.
    pub options: Options,
}

/// A variable that is neither yes nor no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{ENABLED_VARIABLE} is \"{0}\": 1, true, yes, on, 0, false, no or off expected")]
pub struct ConfigError(String);

impl Config {
    /// Memory if `is_asked_for` (by `--experimental-memory`), else as `AF_MEMORY_ENABLED` says, else none.
    ///
    /// # Errors
    ///
    /// When the variable says something else than yes or no.
    pub fn resolve(
        is_asked_for: bool,
        environment: &Environment,
        options: Options,
    ) -> Result<Self, ConfigError> {
        let is_enabled = match environment.get(ENABLED_VARIABLE).map(|text| (text, text.to_ascii_lowercase()))
        {
            _ if is_asked_for => true,
            None => false,
            Some((text, lower)) => match lower.as_str() {
                "1" | "true" | "yes" | "on" => true,
                "0" | "false" | "no" | "off" => false,
                _ => return Err(ConfigError(text.to_owned())),
            },
        };
        Ok(Self { is_enabled, options })
    }
}

/// Holds what is made once and given to all: the one place that knows which store it is.
pub struct Container {
    memory: Arc<dyn MemoryStore>,
    sources: Sources,
}

impl Container {
    /// The store that the configuration asks for.
    pub fn new(config: &Config, sources: Sources) -> Self {
        if config.is_enabled {
            Self::with_store(InMemoryStore::new(config.options, sources.clone()), sources)
        } else {
            Self::with_store(DisabledStore, sources)
        }
    }

    /// A store of another kind. Its operations are logged like any other's.
    pub fn with_store(store: impl MemoryStore + 'static, sources: Sources) -> Self {
        Self { memory: Arc::new(Logged(store)), sources }
    }

    /// The store.
    pub fn memory(&self) -> Arc<dyn MemoryStore> {
        Arc::clone(&self.memory)
    }

    /// Where times and ids come from.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Error;

    #[test]
    fn memory_is_off_unless_somebody_says_so() {
        let resolve = |flag, value: Option<&str>| {
            let mut environment = Environment::default();
            if let Some(value) = value {
                environment.variables.insert(ENABLED_VARIABLE.to_owned(), value.to_owned());
            }
            Config::resolve(flag, &environment, Options::default()).map(|config| config.is_enabled)
        };
        for (flag, value, expected) in [
            (false, None, Ok(false)),
            (false, Some(""), Ok(false)),
            (true, None, Ok(true)),
            (true, Some("0"), Ok(true)),
            (true, Some("perhaps"), Ok(true)),
            (false, Some("1"), Ok(true)),
            (false, Some("On"), Ok(true)),
            (false, Some("no"), Ok(false)),
            (false, Some("perhaps"), Err(ConfigError("perhaps".to_owned()))),
        ] {
            assert_eq!(resolve(flag, value), expected, "{flag} {value:?}");
        }
    }

    #[test]
    fn without_memory_every_call_says_so() {
        let memory = Container::new(&Config::default(), Sources::default()).memory();
        assert!(matches!(memory.stats(None), Err(Error::Disabled)));
        let config = Config { is_enabled: true, ..Config::default() };
        assert!(Container::new(&config, Sources::default()).memory().stats(None).is_ok());
    }
}
