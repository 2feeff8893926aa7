//! Under which name a secret is kept.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::Error;

/// As long as a file's name may be: a directory keeps one file a key.
const LONGEST_BYTES: usize = 255;

/// The name of a secret: 1 to 255 letters, digits, `_` and `-`, all ASCII. So it can be the name of a file or part of a
/// variable's, and leads nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        match text.len() {
            0 => Err(Error::InvalidKey("must not be empty")),
            length if length > LONGEST_BYTES => {
                Err(Error::InvalidKey("must not be longer than 255 characters"))
            }
            _ if !text.bytes().all(is_allowed) => {
                Err(Error::InvalidKey("must consist of the letters A to Z and a to z, digits, _ and -"))
            }
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_leads_nowhere_else() {
        for good in ["a", "db-password", "DB_2", &"k".repeat(255)] {
            assert_eq!(good.parse::<Key>().unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", "../a", "a/b", "a\\b", "a.b", "a b", "a\0", "é", "a\n", &"k".repeat(256)]
        {
            assert!(matches!(bad.parse::<Key>(), Err(Error::InvalidKey(_))), "{bad:?}");
        }
    }
}
