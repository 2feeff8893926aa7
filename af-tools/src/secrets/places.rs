//! How the user says where secrets are.

use std::path::PathBuf;
use std::str::FromStr;

use super::{Chain, DirectoryProvider, EnvironmentProvider, Error, FileProvider, Rules, SecretsProvider};
use crate::connection;

/// Where systemd puts what a service gets by `LoadCredential=`.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// A place where secrets may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `env` or `env:PREFIX`: environment variables whose names begin with the prefix.
    Variables {
        /// [`EnvironmentProvider::PREFIX`] where nothing else is said.
        prefix: String,
    },
    /// `file:PATH`: a JSON file.
    File(PathBuf),
    /// `dir:PATH`: a directory with one file a secret.
    Directory(PathBuf),
    /// `credentials`: the directory that systemd names in `CREDENTIALS_DIRECTORY`.
    Credentials,
}

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest))) {
            ("env", None) => Ok(Self::Variables { prefix: EnvironmentProvider::PREFIX.to_owned() }),
            ("env", Some(prefix)) if !prefix.is_empty() => Ok(Self::Variables { prefix: prefix.to_owned() }),
            ("file", Some(path)) if !path.is_empty() => Ok(Self::File(path.into())),
            ("dir", Some(path)) if !path.is_empty() => Ok(Self::Directory(path.into())),
            ("credentials", None) => Ok(Self::Credentials),
            _ => Err(Error::InvalidPlace(text.to_owned())),
        }
    }
}

impl Place {
    /// The places in a list with commas, in which they are asked.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidPlace`].
    pub fn list(text: &str) -> Result<Vec<Self>, Error> {
        text.split(',').map(str::trim).filter(|place| !place.is_empty()).map(str::parse).collect()
    }

    /// The places where nothing else is said: the environment, what systemd has passed on, and a file of the user's.
    pub fn usual(environment: &connection::Environment) -> Vec<Self> {
        let variables = Self::Variables { prefix: EnvironmentProvider::PREFIX.to_owned() };
        let credentials = environment.get(CREDENTIALS_DIRECTORY).map(|_| Self::Credentials);
        let configuration = if cfg!(windows) {
            environment.get("APPDATA").map(PathBuf::from)
        } else {
            let absolute =
                environment.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
            absolute.or_else(|| environment.home.as_ref().map(|home| home.join(".config")))
        };
        let file = configuration.map(|directory| Self::File(directory.join("af-tools").join("secrets.json")));
        [Some(variables), credentials, file].into_iter().flatten().collect()
    }

    /// A chain of these places, the first one asked first.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] for [`Place::Credentials`] where there are none.
    pub fn open(
        places: &[Self],
        rules: Rules,
        environment: &connection::Environment,
    ) -> Result<Chain, Error> {
        let open = |place: &Self| -> Result<Box<dyn SecretsProvider>, Error> {
            Ok(match place {
                Self::Variables { prefix } => Box::new(EnvironmentProvider::of_process(prefix, rules)),
                Self::File(path) => Box::new(FileProvider::new(path.clone(), rules)),
                Self::Directory(path) => Box::new(DirectoryProvider::new(path.clone(), rules)),
                Self::Credentials => {
                    let path = environment.get(CREDENTIALS_DIRECTORY).ok_or_else(|| Error::Unavailable {
                        place: "credentials".to_owned(),
                        reason: "CREDENTIALS_DIRECTORY is not set; systemd sets it for a service with LoadCredential="
                            .to_owned(),
                    })?;
                    // They are root's, and the service's user reads them by an access control list, of which the mode
                    // shows no more than that "the group" may read.
                    Box::new(DirectoryProvider::read_only(PathBuf::from(path), Rules { allow_group: true }))
                }
            })
        };
        Ok(Chain::new(places.iter().map(open).collect::<Result<_, _>>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_names() {
        let variables = |prefix: &str| Place::Variables { prefix: prefix.to_owned() };
        let places = Place::list("env, env:PG_,file:/a/b,dir:c:d,credentials,").unwrap();
        assert_eq!(
            places,
            [
                variables("AF_SECRET_"),
                variables("PG_"),
                Place::File("/a/b".into()),
                Place::Directory("c:d".into()),
                Place::Credentials
            ]
        );
        for bad in ["vault", "env:", "file", "file:", "dir", "credentials:x", "/a/b"] {
            assert!(matches!(Place::list(bad), Err(Error::InvalidPlace(_))), "{bad}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn usual_places() {
        let mut environment =
            connection::Environment { home: Some("/home/ann".into()), ..Default::default() };
        let file = |path: &str| Place::File(path.into());
        assert_eq!(Place::usual(&environment)[1..], [file("/home/ann/.config/af-tools/secrets.json")]);
        environment.variables.insert("XDG_CONFIG_HOME".to_owned(), "/x".to_owned());
        environment.variables.insert(CREDENTIALS_DIRECTORY.to_owned(), "/run/credentials/a".to_owned());
        assert_eq!(Place::usual(&environment)[1..], [Place::Credentials, file("/x/af-tools/secrets.json")]);
    }
}
