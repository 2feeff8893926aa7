//! Checkpoints (C2SP tlog-checkpoint, <https://c2sp.org/tlog-checkpoint>): which chain, how many entries, and the root of
//! the tree over them.
//!
//! ```text
//! pg_af/7399180912841038105/ledger/public/6f2c1b1e-8f43-4d0e-9c8e-0b8f4c4f8f11/1
//! 725
//! qINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=
//! ```

mod origin;

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

pub use origin::{Origin, ParseOriginError, Subject};

use crate::digest::Digest;

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log; of ours, an [`Origin`].
    pub origin: String,
    /// How many leaves: of a chain, the last position.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Digest,
    /// What else it says, a line each. Ours say nothing else.
    pub extensions: Vec<String>,
}

/// Why a text is no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Lines are missing or empty, or the last one does not end.
    #[error("a checkpoint has a line with the origin, one with the size, and one with the root")]
    Lines,
    /// The second line.
    #[error("the size is no number of entries")]
    Size,
    /// The third line.
    #[error("the root is no SHA-256 value in Base64")]
    Root,
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    /// Reads the text of a note.
    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let text = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        let mut lines = text.split('\n');
        if text.split('\n').any(str::is_empty) {
            return Err(CheckpointError::Lines);
        }
        let mut line = || lines.next().ok_or(CheckpointError::Lines);
        let (origin, size, root) = (line()?, line()?, line()?);
        let is_plain =
            size.bytes().all(|byte| byte.is_ascii_digit()) && (size == "0" || !size.starts_with('0'));
        let size = size.parse().ok().filter(|_| is_plain).ok_or(CheckpointError::Size)?;
        let root = BASE64.decode(root).ok().and_then(|root| Digest::from_slice(&root));
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root: root.ok_or(CheckpointError::Root)?,
            extensions: lines.map(str::to_owned).collect(),
        })
    }
}

impl fmt::Display for Checkpoint {
    /// Writes the text of the note.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, BASE64.encode(self.root.as_bytes()))?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of C2SP tlog-checkpoint.
    const EXAMPLE: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    #[test]
    fn a_checkpoint_is_read_and_written() {
        let checkpoint: Checkpoint = EXAMPLE.parse().unwrap();
        assert_eq!(
            (checkpoint.origin.as_str(), checkpoint.size),
            ("example.com/behind-the-sofa", 20_852_163)
        );
        assert_eq!(checkpoint.to_string(), EXAMPLE);
        let extended = format!("{EXAMPLE}more\n");
        assert_eq!(extended.parse::<Checkpoint>().unwrap().extensions, ["more"]);
        assert_eq!(extended.parse::<Checkpoint>().unwrap().to_string(), extended);
        let empty = EXAMPLE.replace("20852163", "0");
        assert_eq!(empty.parse::<Checkpoint>().unwrap().size, 0);
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        for (text, error) in [
            ("", CheckpointError::Lines),
            (EXAMPLE.trim_end(), CheckpointError::Lines),
            ("a\n1\n", CheckpointError::Lines),
            (&EXAMPLE.replacen('\n', "\n\n", 1), CheckpointError::Lines),
            (&format!("{EXAMPLE}\n"), CheckpointError::Lines),
            (&EXAMPLE.replace("20852163", "020852163"), CheckpointError::Size),
            (&EXAMPLE.replace("20852163", "+20852163"), CheckpointError::Size),
            (&EXAMPLE.replace("20852163", "-1"), CheckpointError::Size),
            (&EXAMPLE.replace("20852163", "99999999999999999999"), CheckpointError::Size),
            (&EXAMPLE.replace("q2I=", "q2J="), CheckpointError::Root),
            (&EXAMPLE.replace("CsUY", ""), CheckpointError::Root),
        ] {
            assert_eq!(text.parse::<Checkpoint>(), Err(error), "{text:?}");
        }
    }
}
