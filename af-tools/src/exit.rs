//! Exit codes: what scripts may rely on. A broken pipe does not change them.

use serde::Serialize;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Exit(u8);

impl Exit {
    /// Done; everything that was asked for was checked and is fine.
    pub const DONE: Self = Self(0);
    /// Could not run: connection, input and output, bad configuration. An import that refuses lines
    /// and therefore stores nothing belongs here too.
    pub const COULD_NOT_RUN: Self = Self(1);
    /// The command line makes no sense.
    pub const USAGE: Self = Self(2);
    /// It ran to the end and found something: tampering, or, with `--keep-going`, lines of an import
    /// that were refused.
    pub const FINDING: Self = Self(3);
    /// Nothing was found, but nothing, or not everything that was asked for, could be checked.
    pub const NOT_PROVABLE: Self = Self(4);
    /// Something is to be done yet: migrations to apply.
    pub const PENDING: Self = Self(5);
    /// Interrupted by the user.
    pub const INTERRUPTED: Self = Self(130);

    /// With `--format nagios` the numbers are those that plugins of Nagios end with: all is well.
    pub const NAGIOS_OK: Self = Self(0);
    /// To Nagios: it works, and something should be looked at.
    pub const NAGIOS_WARNING: Self = Self(1);
    /// To Nagios: it does not work.
    pub const NAGIOS_CRITICAL: Self = Self(2);
    /// To Nagios: nothing is known.
    pub const NAGIOS_UNKNOWN: Self = Self(3);

    /// The number.
    pub fn code(self) -> u8 {
        self.0
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}
