//! A new value in two phases: it is staged and tested first, and only then does it count.

use super::{Error, Key, Secret, SecretsProvider, Step, Version};

/// What generated values are made of: safe in a URL, a shell and a configuration file.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Stages `value`, has `check` test what was staged, and makes it current. If the check fails, the value is discarded,
/// and the current one stays. Returns who has it.
///
/// # Errors
///
/// [`Error::Rejected`] with the reason that `check` gave, and whatever keeps the provider from a step.
pub fn rotate(
    provider: &dyn SecretsProvider,
    key: &Key,
    value: &Secret,
    check: &mut dyn FnMut(&Secret) -> Result<(), String>,
) -> Result<String, Error> {
    provider.rotate(key, Step::Stage(value))?;
    let promoted = promote(provider, key, check);
    if matches!(promoted, Err(Error::Rejected { .. })) {
        provider.rotate(key, Step::Discard)?;
    }
    promoted
}

/// Has `check` test the value that is pending, and makes it current. If the check fails, it stays pending. Returns who
/// has it.
///
/// # Errors
///
/// [`Error::Rejected`] with the reason that `check` gave, and whatever keeps the provider from doing it.
pub fn promote(
    provider: &dyn SecretsProvider,
    key: &Key,
    check: &mut dyn FnMut(&Secret) -> Result<(), String>,
) -> Result<String, Error> {
    let staged = provider.get(key, Version::Pending)?;
    check(&staged.secret).map_err(|reason| Error::Rejected { key: key.clone(), reason })?;
    provider.rotate(key, Step::Promote)
}

/// A new value of so many letters and digits, from the system's source of randomness: just under 6 bits each.
///
/// # Errors
///
/// [`Error::Unavailable`] if the system gives none.
pub fn generate(length: usize) -> Result<Secret, Error> {
    /// The largest multiple of the alphabet's size in a byte: what is beyond would make some letters likelier.
    const LIMIT: u8 = 248;
    let mut text = String::with_capacity(length);
    let mut random = zeroize::Zeroizing::new([0; 64]);
    while text.len() < length {
        getrandom::fill(&mut *random).map_err(|error| Error::Unavailable {
            place: "random numbers".to_owned(),
            reason: error.to_string(),
        })?;
        let letters = random.iter().filter(|byte| **byte < LIMIT);
        let letters = letters.map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
        text.extend(letters.take(length - text.len()));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::{FileProvider, Rules};
    use super::*;

    #[test]
    fn a_value_counts_once_it_has_passed() {
        let scratch = tempfile::tempdir().unwrap();
        let provider = FileProvider::new(scratch.path().join("secrets.json"), Rules::default());
        let key: Key = "db".parse().unwrap();
        let get = |version| provider.get(&key, version).map(|found| found.secret.reveal().to_owned()).ok();
        let secret = |text: &str| Secret::new(text.to_owned());
        rotate(&provider, &key, &secret("one"), &mut |_| Ok(())).unwrap();
        let refused = rotate(&provider, &key, &secret("two"), &mut |staged| {
            // While it is tested, everybody else still gets the old one.
            assert_eq!((staged.reveal(), get(Version::Current).as_deref()), ("two", Some("one")));
            assert!(matches!(
                provider.rotate(&key, Step::Stage(&secret("three"))),
                Err(Error::RotationUnderWay { .. })
            ));
            Err("not accepted".to_owned())
        });
        assert!(matches!(refused, Err(Error::Rejected { .. })), "{refused:?}");
        assert_eq!(Version::ALL.map(get), [Some("one".to_owned()), None, None]);
        rotate(&provider, &key, &secret("two"), &mut |_| Ok(())).unwrap();
        assert_eq!(Version::ALL.map(get), [Some("two".to_owned()), None, Some("one".to_owned())]);
        provider.rotate(&key, Step::RollBack).unwrap();
        assert_eq!(get(Version::Current).as_deref(), Some("one"));
    }

    #[test]
    fn generated_values_are_long_and_never_the_same() {
        let values: Vec<Secret> = (0..100).map(|_| generate(32).unwrap()).collect();
        let distinct: HashSet<&str> = values.iter().map(Secret::reveal).collect();
        assert_eq!(distinct.len(), values.len());
        assert!(
            distinct
                .iter()
                .all(|value| value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        );
        let used: HashSet<char> = distinct.iter().flat_map(|value| value.chars()).collect();
        assert_eq!(used.len(), ALPHABET.len());
    }
}
