//! What is installed: PostgreSQL's programs, a user to run them as, a directory to run them in.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::unistd::User;

use super::error::{Error, io_error};
use crate::programs::bin_dir_of;

/// `sun_path` holds 104 bytes on the tightest system; `/.s.PGSQL.5432` and a random name come on top of this.
const LONGEST_PARENT: usize = 70;

/// The user the server runs as, where that is another than the one who started it.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// Where the programs of an installed PostgreSQL server are: what `PG_CONFIG` names if that is set, else the
/// `pg_config` on PATH, else the highest version under `/usr/lib/postgresql`.
///
/// # Errors
///
/// When there is none, or `PG_CONFIG` does not lead to one.
pub fn find_bin_dir() -> Result<PathBuf, Error> {
    if let Some(pg_config) = env::var_os("PG_CONFIG").filter(|value| !value.is_empty()) {
        return bin_dir_of(&pg_config).filter(|directory| has_server(directory)).ok_or_else(|| {
            let name = pg_config.to_string_lossy();
            Error::NotInstalled(format!("PG_CONFIG is {name}, which does not lead to one"))
        });
    }
    if let Some(directory) = bin_dir_of(OsStr::new("pg_config")).filter(|directory| has_server(directory)) {
        return Ok(directory);
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))
        })
        .filter(|(_, directory)| has_server(directory))
        .max_by_key(|(version, _)| *version)
        .map(|(_, directory)| directory)
        .ok_or_else(|| {
            Error::NotInstalled(
                "set PG_CONFIG, or have pg_config on PATH or a server in /usr/lib/postgresql".into(),
            )
        })
}

fn has_server(bin_dir: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres"].iter().all(|program| bin_dir.join(program).is_file())
}

pub(super) fn server_user() -> Result<Owner, Error> {
    for name in ["postgres", "nobody"] {
        let user =
            User::from_name(name).map_err(|errno| io_error(format!("look up user {name}"), errno.into()))?;
        if let Some(user) = user {
            return Ok(Owner { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() });
        }
    }
    Err(Error::NoUser)
}

/// The system's temporary directory, or `/tmp` where that would not do: too long a path for a socket, or (when the
/// server runs as another user) inside a directory which that user may not enter.
pub(super) fn parent_directory(for_other_user: bool) -> PathBuf {
    let parent = env::temp_dir();
    let enterable = |directory: &Path| {
        fs::metadata(directory).is_ok_and(|metadata| metadata.permissions().mode() & 0o001 != 0)
    };
    let usable = parent.is_absolute()
        && parent.as_os_str().len() <= LONGEST_PARENT
        && (!for_other_user || parent.ancestors().all(enterable));
    if usable { parent } else { PathBuf::from("/tmp") }
}
