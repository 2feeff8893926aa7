//! Environment variables: `PREFIX_NAME` has the value, or `PREFIX_NAME_FILE` the path of a file that has it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::guard::{self, Rules};
use super::value::LONGEST_BYTES;
use super::{Entry, Error, Found, Key, Listing, Secret, SecretsProvider, Version};

/// What follows the name of a secret where the variable holds a path.
const FILE_SUFFIX: &str = "_FILE";

/// The secrets that the process was started with. The secret `db-password` is in the variable `AF_SECRET_DB_PASSWORD`, if
/// `AF_SECRET_` is the prefix: in upper case, with `_` for `-`.
pub struct EnvironmentProvider {
    prefix: String,
    rules: Rules,
    variables: BTreeMap<String, Variable>,
}

/// A variable whose name begins with the prefix.
enum Variable {
    Text(Secret),
    NotUtf8,
}

/// Without the values, some of which are secrets.
impl fmt::Debug for EnvironmentProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvironmentProvider")
            .field("prefix", &self.prefix)
            .field("names", &self.variables.keys())
            .finish_non_exhaustive()
    }
}

impl EnvironmentProvider {
    /// The prefix where nothing else is said.
    pub const PREFIX: &str = "AF_SECRET_";

    /// Of `variables`, those whose names begin with `prefix`; an empty one counts as not set.
    pub fn new(
        prefix: &str,
        rules: Rules,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        let variables = variables.into_iter().filter_map(|(name, value)| {
            // Windows gives a name back as it was first written, and takes it in any case.
            let name = name
                .to_str()
                .map(|name| if cfg!(windows) { name.to_ascii_uppercase() } else { name.to_owned() })?;
            let is_meant = name.len() > prefix.len() && name.starts_with(prefix) && !value.is_empty();
            is_meant.then(|| {
                let variable = match value.into_string() {
                    Ok(text) => Variable::Text(Secret::new(text)),
                    Err(_) => Variable::NotUtf8,
                };
                (name, variable)
            })
        });
        Self { prefix: prefix.to_owned(), rules, variables: variables.collect() }
    }

    /// Of this process.
    pub fn of_process(prefix: &str, rules: Rules) -> Self {
        Self::new(prefix, rules, std::env::vars_os())
    }

    fn name_of(&self, key: &Key) -> String {
        format!("{}{}", self.prefix, key.as_str().to_ascii_uppercase().replace('-', "_"))
    }

    fn text(&self, name: &str) -> Result<Option<&Secret>, Error> {
        match self.variables.get(name) {
            None => Ok(None),
            Some(Variable::Text(text)) => Ok(Some(text)),
            Some(Variable::NotUtf8) => Err(self.unavailable(name, "is not UTF-8")),
        }
    }

    fn unavailable(&self, name: &str, reason: impl fmt::Display) -> Error {
        Error::Unavailable { place: self.describe(), reason: format!("{name}: {reason}") }
    }

    /// What the file holds that a variable names. The path is not told unless something is there: somebody may have put
    /// the secret itself in its place.
    fn read_file(&self, name: &str, path: &Path) -> Result<Secret, Error> {
        match guard::read(path, self.rules, LONGEST_BYTES + 2) {
            Ok(Some(bytes)) => Secret::from_input(bytes).map_err(|error| Error::unavailable(path, error)),
            Ok(None) => Err(self.unavailable(name, "there is no file at the path that it holds")),
            Err(Error::Unavailable { reason, .. }) => Err(self.unavailable(name, reason)),
            Err(error) => Err(error),
        }
    }

    /// The paths in the variables that hold one.
    fn files(&self) -> impl Iterator<Item = PathBuf> {
        self.variables.iter().filter_map(|(name, variable)| match variable {
            Variable::Text(path) if name.ends_with(FILE_SUFFIX) => Some(PathBuf::from(path.reveal())),
            _ => None,
        })
    }
}

impl SecretsProvider for EnvironmentProvider {
    fn describe(&self) -> String {
        format!("environment {}*", self.prefix)
    }

    fn get(&self, key: &Key, version: Version) -> Result<Found, Error> {
        let missing = || Error::NotFound { key: key.clone(), version, provider: self.describe() };
        let name = self.name_of(key);
        // What ends like this is a path, and never the secret itself.
        if version != Version::Current || name.ends_with(FILE_SUFFIX) {
            return Err(missing());
        }
        let file_name = format!("{name}{FILE_SUFFIX}");
        let secret = match (self.text(&name)?, self.text(&file_name)?) {
            (None, None) => return Err(missing()),
            (Some(_), Some(_)) => {
                let reason = format!("both {name} and {file_name} are set, and only one may be");
                return Err(Error::Ambiguous { key: key.clone(), reason });
            }
            (Some(secret), None) => {
                let bytes = Zeroizing::new(secret.reveal().as_bytes().to_vec());
                Secret::from_input(bytes).map_err(|error| self.unavailable(&name, error))?
            }
            (None, Some(path)) => self.read_file(&file_name, Path::new(path.reveal()))?,
        };
        Ok(Found { secret, provider: self.describe(), passed_over: Vec::new() })
    }

    /// In lower case: what was `-` or a capital in a key cannot be told.
    fn list(&self) -> Result<Listing, Error> {
        let names = self.variables.keys().map(|name| name.strip_suffix(FILE_SUFFIX).unwrap_or(name));
        let mut keys: Vec<Key> =
            names.filter_map(|name| name[self.prefix.len()..].to_ascii_lowercase().parse().ok()).collect();
        keys.sort();
        keys.dedup();
        let entry = |key| Entry { key, provider: self.describe(), versions: vec![Version::Current] };
        Ok(Listing { secrets: keys.into_iter().map(entry).collect(), passed_over: Vec::new() })
    }

    fn directories(&self) -> Vec<PathBuf> {
        let files = self.files().filter(|file| file.exists());
        files.flat_map(|file| guard::directories_of(&file)).collect()
    }
}
