//! Several providers, asked in turn.

use std::path::PathBuf;

use super::{Entry, Error, Found, Key, Listing, Secret, SecretsProvider, Step, Version};

/// Providers in the order in which they are asked: the first one that has a secret answers. One that is unavailable is
/// passed over with a warning; one that refuses, because others could read its file or because it contradicts itself,
/// ends the search.
pub struct Chain {
    providers: Vec<Box<dyn SecretsProvider>>,
}

impl Chain {
    /// The first one is asked first.
    pub fn new(providers: Vec<Box<dyn SecretsProvider>>) -> Self {
        Self { providers }
    }

    /// The provider whose secret counts, if there is one; for a change, none may be passed over: who knows what it has?
    fn holder(&self, key: &Key) -> Result<Option<&dyn SecretsProvider>, Error> {
        for provider in &self.providers {
            for version in [Version::Current, Version::Pending] {
                match provider.get(key, version) {
                    Ok(_) => return Ok(Some(&**provider)),
                    Err(Error::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(None)
    }

    /// Has the holder do it, or where there is none, the first one that can.
    fn change(
        &self,
        key: &Key,
        mut change: impl FnMut(&dyn SecretsProvider) -> Result<String, Error>,
    ) -> Result<String, Error> {
        if let Some(holder) = self.holder(key)? {
            return change(holder);
        }
        for provider in &self.providers {
            match change(&**provider) {
                Err(Error::ReadOnly { .. }) => {}
                done => return done,
            }
        }
        Err(self.read_only())
    }

    fn not_found(&self, key: &Key, version: Version) -> Error {
        Error::NotFound { key: key.clone(), version, provider: self.describe() }
    }
}

impl SecretsProvider for Chain {
    fn describe(&self) -> String {
        let names: Vec<String> = self.providers.iter().map(|provider| provider.describe()).collect();
        names.join(", ")
    }

    fn get(&self, key: &Key, version: Version) -> Result<Found, Error> {
        let mut unavailable = Vec::new();
        for provider in &self.providers {
            match provider.get(key, version) {
                Ok(found) => {
                    let mut passed_over: Vec<String> = unavailable.iter().map(Error::to_string).collect();
                    for reason in &passed_over {
                        tracing::warn!(%key, "secrets are degraded: {reason}; {} answers instead", found.provider);
                    }
                    passed_over.extend(found.passed_over);
                    return Ok(Found { passed_over, ..found });
                }
                // The versions of one secret belong together.
                Err(error @ Error::NotFound { .. }) if version != Version::Current => {
                    if provider.get(key, Version::Current).is_ok() {
                        return Err(error);
                    }
                }
                Err(Error::NotFound { .. }) => {}
                Err(error @ Error::Unavailable { .. }) => unavailable.push(error),
                Err(error) => return Err(error),
            }
        }
        // It may be where nobody could look: that is not the same as not being there.
        Err(unavailable.into_iter().next().unwrap_or_else(|| self.not_found(key, version)))
    }

    fn list(&self) -> Result<Listing, Error> {
        let mut listing = Listing::default();
        for provider in &self.providers {
            let one = match provider.list() {
                Err(error @ Error::Unavailable { .. }) => {
                    listing.passed_over.push(error.to_string());
                    continue;
                }
                listed => listed?,
            };
            listing.passed_over.extend(one.passed_over);
            let is_known = |entry: &Entry| listing.secrets.iter().any(|known| known.key == entry.key);
            let new: Vec<Entry> = one.secrets.into_iter().filter(|entry| !is_known(entry)).collect();
            listing.secrets.extend(new);
        }
        listing.secrets.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(listing)
    }

    fn set(&self, key: &Key, value: &Secret) -> Result<String, Error> {
        self.change(key, |provider| provider.set(key, value))
    }

    fn delete(&self, key: &Key) -> Result<String, Error> {
        match self.holder(key)? {
            Some(holder) => {
                let deleted = holder.delete(key)?;
                if let Ok(Some(other)) = self.holder(key) {
                    tracing::warn!(%key, "the secret is deleted, but there is one also in {}", other.describe());
                }
                Ok(deleted)
            }
            None => Err(self.not_found(key, Version::Current)),
        }
    }

    fn rotate(&self, key: &Key, step: Step<'_>) -> Result<String, Error> {
        match step {
            Step::Stage(_) => self.change(key, |provider| provider.rotate(key, step)),
            Step::Promote | Step::Discard | Step::RollBack => match self.holder(key)? {
                Some(holder) => holder.rotate(key, step),
                None => Err(self.not_found(key, Version::Current)),
            },
        }
    }

    fn directories(&self) -> Vec<PathBuf> {
        self.providers.iter().flat_map(|provider| provider.directories()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::super::{DirectoryProvider, EnvironmentProvider, FileProvider, Rules};
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Box<dyn SecretsProvider> {
        let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Box::new(EnvironmentProvider::new("T_", Rules::default(), variables))
    }

    fn answer(chain: &Chain, key: &str) -> Result<(String, String, usize), Error> {
        let found = chain.get(&key.parse()?, Version::Current)?;
        Ok((found.secret.reveal().to_owned(), found.provider, found.passed_over.len()))
    }

    #[test]
    fn the_first_that_has_it_answers_and_says_so() {
        let scratch = tempfile::tempdir().unwrap();
        let (directory, file) = (scratch.path().join("mounted"), scratch.path().join("secrets.json"));
        let chain = Chain::new(vec![
            environment(&[("T_ONE", "from the environment")]),
            Box::new(DirectoryProvider::new(directory.clone(), Rules::default())),
            Box::new(FileProvider::new(file.clone(), Rules::default())),
        ]);
        let second = FileProvider::new(file, Rules::default());
        for (key, value) in [("one", "hidden"), ("two", "from the file")] {
            second.set(&key.parse().unwrap(), &Secret::new(value.to_owned())).unwrap();
        }
        let (value, provider, passed_over) = answer(&chain, "one").unwrap();
        assert_eq!(
            (value.as_str(), provider.as_str(), passed_over),
            ("from the environment", "environment T_*", 0)
        );
        // The directory is not there: whoever comes after it answers, and that is said.
        let (value, provider, passed_over) = answer(&chain, "two").unwrap();
        assert!(provider.starts_with("file "), "{provider}");
        assert_eq!((value.as_str(), passed_over), ("from the file", 1));
        // What nobody has may be where nobody could look.
        assert!(matches!(answer(&chain, "three"), Err(Error::Unavailable { .. })));
        assert_eq!(chain.list().unwrap().passed_over.len(), 1);
        // While one cannot be asked, nothing is changed.
        let (two, new) = ("two".parse().unwrap(), Secret::new("new".to_owned()));
        assert!(matches!(chain.set(&two, &new), Err(Error::Unavailable { .. })));

        DirectoryProvider::new(directory, Rules::default()).set(&"four".parse().unwrap(), &new).unwrap();
        assert!(matches!(answer(&chain, "three"), Err(Error::NotFound { .. })));
        assert_eq!(answer(&chain, "four").unwrap().2, 0);
        let listed: Vec<String> =
            chain.list().unwrap().secrets.iter().map(|entry| entry.key.to_string()).collect();
        assert_eq!(listed, ["four", "one", "two"]);
        // Where it is, it is changed.
        assert!(chain.set(&two, &new).unwrap().starts_with("file "));
        assert!(chain.set(&"five".parse().unwrap(), &new).unwrap().starts_with("directory "));
        // What the environment has would hide whatever is set elsewhere.
        assert!(matches!(chain.set(&"one".parse().unwrap(), &new), Err(Error::ReadOnly { .. })));
        assert!(matches!(chain.delete(&"one".parse().unwrap()), Err(Error::ReadOnly { .. })));
        assert!(chain.delete(&two).is_ok());
        assert!(matches!(chain.delete(&two), Err(Error::NotFound { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_refusal_is_not_passed_over() {
        use std::fs;
        use std::os::unix::fs::PermissionsExt;
        let scratch = tempfile::tempdir().unwrap();
        let (first, second) = (scratch.path().join("first"), scratch.path().join("second"));
        let key: Key = "k".parse().unwrap();
        for path in [&first, &second] {
            FileProvider::new(path.clone(), Rules::default())
                .set(&key, &Secret::new("value".to_owned()))
                .unwrap();
        }
        let file = |path: &PathBuf| Box::new(FileProvider::new(path.clone(), Rules::default()));
        let chain = Chain::new(vec![file(&first), file(&second)]);
        fs::set_permissions(&first, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(chain.get(&key, Version::Current), Err(Error::PermissionDenied { .. })));
        let chain = Chain::new(vec![environment(&[("T_K", "x"), ("T_K_FILE", "/x")]), file(&second)]);
        assert!(matches!(chain.get(&key, Version::Current), Err(Error::Ambiguous { .. })));
    }
}
