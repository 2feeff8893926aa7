//! Why there is no backup, or none that can be worked with.

use std::io;
use std::path::PathBuf;

use super::SealError;
use crate::relation::RelationError;
use crate::server::ServerError;
use crate::{audit, connection, message, programs, sign};

/// Why there is no backup, or none that can be worked with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no session to be had.
    #[error(transparent)]
    Connection(#[from] connection::Error),
    /// The ledger is not there.
    #[error(transparent)]
    Relation(#[from] RelationError),
    /// pg_dump or pg_restore is missing, or failed.
    #[error(transparent)]
    Program(#[from] programs::Error),
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] sign::Error),
    /// The server refused.
    #[error("{doing}")]
    Server {
        /// What was being done.
        doing: &'static str,
        /// What the server said.
        source: ServerError,
    },
    /// A file cannot be worked with.
    #[error("{doing} {}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A document of the backup is not believed.
    #[error("read {}", path.display())]
    Document {
        /// Its file.
        path: PathBuf,
        /// Why not.
        source: SealError,
    },
    /// A backup holds files and directories, and nothing else.
    #[error("{}: neither a file nor a directory, or not with a name in UTF-8", .0.display())]
    OddFile(PathBuf),
    /// There is no manifest.
    #[error("{}: no backup, for it has no manifest.json", .0.display())]
    NotABackup(PathBuf),
    /// There is none.
    #[error("there is no full backup in {}", .0.display())]
    NoBackup(PathBuf),
    /// The dump ends in the middle of a table.
    #[error("decode {}: it ends in the middle of a table's rows", .0.display())]
    Cut(PathBuf),
    /// The dump would not be whole.
    #[error("row-level security may hide rows of {} from this role, and a backup of some rows is none", .0.join(", "))]
    HidesRows(Vec<String>),
    /// The dump would leave them out.
    #[error("{} belong to an extension, and pg_dump leaves out their rows without a word", .0.join(", "))]
    ExtensionOwned(Vec<String>),
    /// The disk is too full.
    #[error("about {needed} bytes are needed in {}, and {free} are free", directory.display())]
    Space {
        /// Where.
        directory: PathBuf,
        /// How much may be needed.
        needed: u64,
        /// How much there is.
        free: u64,
    },
    /// The dump is not what was counted.
    #[error("the dump does not hold what the database held: {}", .0.join("; "))]
    Incomplete(Vec<String>),
    /// Files of the backup are not what its manifest says.
    #[error("the backup is corrupt: {}", .0.join("; "))]
    Corrupt(Vec<String>),
    /// No such table has rows in the backup.
    #[error("the backup has no rows of a table {0}")]
    NoSuchTable(String),
    /// Rows would have to be translated to be looked at.
    #[error("restore a part of a database in {0}: that is only possible in UTF8")]
    Encoding(String),
    /// Rows could not be sent.
    #[error("copy rows")]
    CopyRows(#[source] io::Error),
    /// The new database's name is taken.
    #[error("create database {0}: there is one of that name, and a restore never replaces one")]
    TargetExists(String),
    /// The names to be swapped are the same.
    #[error("restore into {0} and give it that name: the new database needs another name first")]
    SwapWithItself(String),
    /// The server is older than the one that the backup was made of.
    #[error("the server is PostgreSQL {server}, and the backup was made of PostgreSQL {backup}")]
    OlderServer {
        /// The server's major version.
        server: u32,
        /// That of the backup's server.
        backup: u32,
    },
    /// Roles that the backup refers to are not there.
    #[error("the server does not have these roles, which the backup refers to: {}", .0.join(", "))]
    MissingRoles(Vec<String>),
    /// The names could not be swapped.
    #[error(
        "swap the names of the databases, of which neither has changed; the restored and proven one is {into}"
    )]
    Swap {
        /// The new database.
        into: String,
        /// What the server said.
        source: ServerError,
    },
    /// A signature was asked for, and there is none.
    #[error("{}: it is not signed, and a signature was asked for", .0.display())]
    NotSigned(PathBuf),
    /// The ledger could not be verified.
    #[error(transparent)]
    Audit(#[from] audit::verify::Error),
    /// The messages could not be verified.
    #[error(transparent)]
    Messages(#[from] message::Error),
    /// The user wants to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Connection(error) => return error.hint(),
            Self::Relation(error) => return error.hint(),
            Self::Program(error) => return error.hint(),
            Self::Key(error) => return error.hint(),
            Self::Server { source, .. } => return source.hint(),
            Self::Audit(error) => return error.hint(),
            Self::Messages(error) => return error.hint(),
            Self::HidesRows(_) => {
                "Make backups as a superuser or a role with BYPASSRLS, or as one that the policies show every row."
            }
            Self::ExtensionOwned(_) => {
                "`ALTER EXTENSION … DROP TABLE …` makes a table one of the database again."
            }
            Self::Space { .. } => "Make room, choose another directory, or compress.",
            Self::TargetExists(_) | Self::SwapWithItself(_) => {
                "Choose another name for --into; --swap gives the new database its name when it has proven itself."
            }
            Self::NoSuchTable(_) => "The manifest names the tables; `pg_restore --list` lists them too.",
            Self::Encoding(_) => "Restore the whole backup instead.",
            Self::NotSigned(_) => "`backup create --sign-key FILE` signs the manifest.",
            Self::OlderServer { .. } => "Restore into a server of the same major version or a newer one.",
            Self::MissingRoles(_) => {
                "`pg_dumpall --roles-only` on the old server tells how they were made; --create-roles creates them without the right to log in."
            }
            Self::Swap { .. } => {
                "End all sessions with both databases, then rename them with ALTER DATABASE … RENAME TO …."
            }
            Self::Corrupt(_) | Self::Document { .. } | Self::Cut(_) | Self::Incomplete(_) => {
                "Don't rely on this backup: look for another one with `af-tools backup list`."
            }
            Self::NotABackup(_) | Self::NoBackup(_) => {
                "`af-tools backup list --dir DIR` lists the backups in a directory."
            }
            Self::File { .. } | Self::OddFile(_) | Self::CopyRows(_) | Self::Interrupted => return None,
        };
        Some(hint.to_owned())
    }

    /// Whether something was found, rather than nothing could be looked at.
    pub fn is_finding(&self) -> bool {
        matches!(
            self,
            Self::Document { .. }
                | Self::OddFile(_)
                | Self::Cut(_)
                | Self::Incomplete(_)
                | Self::Corrupt(_)
                | Self::Key(sign::Error::Wrong | sign::Error::OtherKey { .. })
        )
    }
}
