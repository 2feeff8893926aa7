//! The password file (`~/.pgpass`).

use std::fs;
use std::path::{Path, PathBuf};

use crate::secrets::Secret;

/// The entries of a password file that may be used, or the warning why it may not.
pub(super) fn read(path: &Path) -> Result<Option<String>, String> {
    let Ok(metadata) = fs::metadata(path) else { return Ok(None) };
    if !metadata.is_file() {
        return Err(format!("password file {} is not a plain file; it is not used", path.display()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(format!(
                "password file {} has group or world access; it is not used (chmod 0600 allows it)",
                path.display()
            ));
        }
    }
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) => Err(format!("password file {} is not used: {error}", path.display())),
    }
}

/// The password of the first line that fits.
pub(super) fn lookup(text: &str, hosts: &[&str], port: u16, dbname: &str, user: &str) -> Option<Secret> {
    let port = port.to_string();
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let (host, rest) = take_field(line)?;
        let (line_port, rest) = take_field(rest)?;
        let (line_dbname, rest) = take_field(rest)?;
        let (line_user, rest) = take_field(rest)?;
        let fits = |field: &str, value: &str| field == "*" || unescape(field) == value;
        let is_match = (host == "*" || hosts.iter().any(|wanted| unescape(host) == *wanted))
            && fits(line_port, &port)
            && fits(line_dbname, dbname)
            && fits(line_user, user);
        let password = take_field(rest).map_or(rest, |(password, _)| password);
        (is_match && !password.is_empty()).then(|| Secret::new(unescape(password)))
    })
}

/// What stands before the next colon that is not escaped, and what follows it.
fn take_field(line: &str) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    for (at, next) in line.char_indices() {
        match next {
            ':' if !is_escaped => return Some((&line[..at], &line[at + 1..])),
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    None
}

fn unescape(field: &str) -> String {
    let mut chars = field.chars();
    let mut out = String::with_capacity(field.len());
    while let Some(next) = chars.next() {
        out.push(if next == '\\' { chars.next().unwrap_or('\\') } else { next });
    }
    out
}

/// Where the file is, unless the settings say otherwise.
pub(super) fn default_path(environment: &super::Environment) -> Option<PathBuf> {
    environment.user_file(".pgpass", "pgpass.conf")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# comment:*:*:*:no\n\
                        db.example:5432:ledger:auditor:first\n\
                        db.example:*:*:auditor:se\\:co\\\\nd\n\
                        \\:\\:1:5432:*:*:six\n\
                        localhost:5432:*:*:socket\n\
                        short:line\n\
                        *:6000:*:*:any\n";

    fn find(host: &str, port: u16, dbname: &str, user: &str) -> Option<String> {
        lookup(FILE, &[host], port, dbname, user).map(|secret| secret.reveal().to_owned())
    }

    #[test]
    fn first_fitting_line_wins() {
        assert_eq!(find("db.example", 5432, "ledger", "auditor").as_deref(), Some("first"));
        assert_eq!(find("db.example", 5433, "ledger", "auditor").as_deref(), Some(r"se:co\nd"));
        assert_eq!(find("::1", 5432, "x", "y").as_deref(), Some("six"));
        assert_eq!(find("other", 6000, "x", "y").as_deref(), Some("any"));
        assert_eq!(find("comment", 1, "x", "y"), None);
        assert_eq!(find("short", 1, "x", "y"), None);
        assert_eq!(lookup(FILE, &["/run/pg", "localhost"], 5432, "x", "y").unwrap().reveal(), "socket");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), FILE).unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(read(file.path()).unwrap_err().contains("group or world access"));
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(file.path()).unwrap().as_deref(), Some(FILE));
        assert_eq!(read(Path::new("/nonexistent/pgpass")), Ok(None));
    }
}
