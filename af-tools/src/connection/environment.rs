//! What the process finds around itself, as a value, so that settings are resolved by pure code.

use std::collections::{BTreeSet, HashMap};
use std::env;
use std::fmt;
use std::path::PathBuf;

/// Environment variables, home directory and user name.
#[derive(Clone, Default)]
pub struct Environment {
    /// The environment variables that are valid UTF-8.
    pub variables: HashMap<String, String>,
    /// The user's home directory.
    pub home: Option<PathBuf>,
    /// The operating system's name for the user.
    pub user: Option<String>,
}

/// Without the values of the variables, some of which are passwords.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: BTreeSet<&String> = self.variables.keys().collect();
        f.debug_struct("Environment")
            .field("variables", &names)
            .field("home", &self.home)
            .field("user", &self.user)
            .finish()
    }
}

impl Environment {
    /// Of this process.
    pub fn of_process() -> Self {
        // Windows does not tell `pghost` from `PGHOST`, and gives a name back as it was first written.
        let usual = |name: String| if cfg!(windows) { name.to_ascii_uppercase() } else { name };
        let variables = env::vars_os()
            .filter_map(|(name, value)| Some((usual(name.into_string().ok()?), value.into_string().ok()?)))
            .collect();
        Self { variables, home: env::home_dir(), user: whoami::username().ok() }
    }

    /// The value of a variable, unless it is unset or empty: libpq takes both for the same.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A file of libpq's in the user's home: `unix_name` there, or `windows_name` in `%APPDATA%\postgresql`.
    pub(crate) fn user_file(&self, unix_name: &str, windows_name: &str) -> Option<PathBuf> {
        if cfg!(windows) {
            Some(PathBuf::from(self.get("APPDATA")?).join("postgresql").join(windows_name))
        } else {
            Some(self.home.as_ref()?.join(unix_name))
        }
    }
}
