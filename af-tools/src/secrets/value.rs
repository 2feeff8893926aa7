//! The secret itself: in memory that is wiped, and in no message.

use std::fmt;
use std::mem;

use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use super::Error;

/// What is shown in the place of every secret, whatever it is.
pub const MASK: &str = "***";

/// As much as Kubernetes and systemd keep in one secret.
pub(crate) const LONGEST_BYTES: usize = 1 << 20;

/// A password or another secret text. Its memory is wiped when it goes; its `Debug` form hides it, and it has neither
/// `Display` nor `Serialize`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Hides `value`.
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// Takes what a file or a pipe held: UTF-8, without the line end that editors and `echo` leave behind.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidValue`] for what [`Secret::check`] refuses.
    pub fn from_input(mut bytes: Zeroizing<Vec<u8>>) -> Result<Self, Error> {
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        if std::str::from_utf8(&bytes).is_err() {
            return Err(Error::InvalidValue("is not UTF-8"));
        }
        let text = String::from_utf8(mem::take(&mut *bytes)).unwrap_or_default();
        let secret = Self::new(text);
        secret.check()?;
        Ok(secret)
    }

    /// The secret itself, to be handed to whom it is for and to nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether every provider can keep it as it is.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidValue`] if it is empty, longer than 1 MiB, holds a zero character or ends with a line end.
    pub fn check(&self) -> Result<(), Error> {
        let reason = match self.reveal() {
            "" => "is empty",
            text if text.len() > LONGEST_BYTES => "is longer than 1 MiB",
            text if text.contains('\0') => "holds a zero character",
            text if text.ends_with(['\n', '\r']) => "ends with more than one line end",
            _ => return Ok(()),
        };
        Err(Error::InvalidValue(reason))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// A secret on its way into the one document that is meant to hold it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Revealed<'a>(pub(crate) &'a Secret);

impl Serialize for Revealed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.reveal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_input(bytes: &[u8]) -> Result<String, String> {
        let secret = Secret::from_input(Zeroizing::new(bytes.to_vec()));
        secret.map(|secret| secret.reveal().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn one_line_end_is_not_part_of_it() {
        for input in ["pass word", "pass word\n", "pass word\r\n"] {
            assert_eq!(from_input(input.as_bytes()).as_deref(), Ok("pass word"));
        }
        assert_eq!(from_input(b"-----BEGIN\nx\n-----END\n").as_deref(), Ok("-----BEGIN\nx\n-----END"));
        for bad in [&b""[..], b"\n", b"\r\n", b"a\n\n", b"a\0b", b"\xff", &vec![b'a'; LONGEST_BYTES + 1]] {
            assert!(from_input(bad).is_err());
        }
    }

    #[test]
    fn it_does_not_show() {
        assert_eq!(
            format!("{:?} {:#?}", Secret::new("topsecret".to_owned()), Some(Secret::new("x".to_owned()))),
            "*** Some(\n    ***,\n)"
        );
    }
}
