//! The values of one secret, and what the steps of a rotation make of them.

use std::mem;

use super::{Error, Key, Secret, Step, Version};

/// The values of one secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Versions {
    pub(super) current: Option<Secret>,
    pub(super) pending: Option<Secret>,
    pub(super) previous: Option<Secret>,
}

impl Versions {
    pub(super) fn get(&self, version: Version) -> Option<&Secret> {
        match version {
            Version::Current => self.current.as_ref(),
            Version::Pending => self.pending.as_ref(),
            Version::Previous => self.previous.as_ref(),
        }
    }

    /// Those that are there.
    pub(super) fn present(&self) -> Vec<Version> {
        Version::ALL.into_iter().filter(|version| self.get(*version).is_some()).collect()
    }

    /// Makes a value current. The same once more leaves the previous one.
    pub(super) fn set(&mut self, value: Secret) {
        if self.current.as_ref() != Some(&value)
            && let Some(replaced) = self.current.replace(value)
        {
            self.previous = Some(replaced);
        }
    }

    pub(super) fn step(&mut self, step: Step<'_>, key: &Key, provider: &str) -> Result<(), Error> {
        let missing = |version| Error::NotFound { key: key.clone(), version, provider: provider.to_owned() };
        match step {
            Step::Stage(value) => {
                if self.pending.as_ref().is_some_and(|pending| pending != value) {
                    return Err(Error::RotationUnderWay { key: key.clone(), provider: provider.to_owned() });
                }
                self.pending = Some(value.clone());
            }
            Step::Promote => {
                let pending = self.pending.take().ok_or_else(|| missing(Version::Pending))?;
                self.set(pending);
            }
            Step::Discard => {
                self.pending.take().ok_or_else(|| missing(Version::Pending))?;
            }
            Step::RollBack => {
                if self.previous.is_none() {
                    return Err(missing(Version::Previous));
                }
                mem::swap(&mut self.current, &mut self.previous);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn shown(versions: &Versions) -> [Option<&str>; 3] {
        Version::ALL.map(|version| versions.get(version).map(Secret::reveal))
    }

    #[test]
    fn a_rotation_goes_forward_and_back() {
        let key: Key = "k".parse().unwrap();
        let mut versions = Versions::default();
        versions.set(secret("one"));
        versions.set(secret("one"));
        assert_eq!(shown(&versions), [Some("one"), None, None]);
        let (two, three) = (secret("two"), secret("three"));
        for (step, expected) in [
            (Step::Stage(&two), [Some("one"), Some("two"), None]),
            (Step::Stage(&two), [Some("one"), Some("two"), None]),
            (Step::Promote, [Some("two"), None, Some("one")]),
            (Step::RollBack, [Some("one"), None, Some("two")]),
            (Step::RollBack, [Some("two"), None, Some("one")]),
            (Step::Stage(&three), [Some("two"), Some("three"), Some("one")]),
            (Step::Discard, [Some("two"), None, Some("one")]),
        ] {
            versions.step(step, &key, "here").unwrap();
            assert_eq!(shown(&versions), expected, "{step:?}");
        }
    }

    #[test]
    fn a_step_that_cannot_be_gone_changes_nothing() {
        let key: Key = "k".parse().unwrap();
        let (one, two) = (secret("one"), secret("two"));
        let mut versions = Versions { current: Some(one.clone()), ..Versions::default() };
        let before = versions.clone();
        for step in [Step::Promote, Step::Discard, Step::RollBack] {
            assert!(matches!(versions.step(step, &key, "here"), Err(Error::NotFound { .. })), "{step:?}");
        }
        assert_eq!(versions, before);
        versions.step(Step::Stage(&one), &key, "here").unwrap();
        let refused = versions.step(Step::Stage(&two), &key, "here");
        assert!(matches!(refused, Err(Error::RotationUnderWay { .. })));
        assert_eq!(versions.pending, Some(one));
    }
}
