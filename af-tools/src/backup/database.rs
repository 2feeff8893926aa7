//! The databases of a restore: a new one is created, and may take the name of the old one. None is dropped but one that
//! was created here and came to nothing.

use postgres::Client;
use postgres::error::SqlState;

use super::manifest::{Database, Manifest};
use super::restore::Options;
use super::{Error, doing};
use crate::connection::{self, Connection, Host, Settings};
use crate::programs;
use crate::server::{quote_ident, quote_literal};

/// From where databases are created, unless somebody says otherwise: as createdb does it.
const MAINTENANCE: [&str; 2] = ["postgres", "template1"];
/// PostgreSQL cuts longer names off (NAMEDATALEN).
const LONGEST_NAME_BYTES: usize = 63;

/// A database that is dropped again unless it is kept.
pub(super) struct NewDatabase {
    pub(super) connection: Connection,
    /// What leads to it.
    pub(super) settings: Settings,
    pub(super) host: Host,
    pub(super) server: String,
    /// Whether it stays.
    pub(super) is_kept: bool,
}

impl NewDatabase {
    /// Creates it like the one that the backup was made of.
    pub(super) fn create(settings: &Settings, manifest: &Manifest, options: &Options) -> Result<Self, Error> {
        let (mut connection, settings) = maintenance_session(settings, options.maintenance.as_deref())?;
        let client = &mut connection.client;
        let major = server_major(client)?;
        if major < manifest.versions.server_major {
            return Err(Error::OlderServer { server: major, backup: manifest.versions.server_major });
        }
        // What cannot be restored from should be known before anything is created.
        programs::find("pg_restore", major.max(manifest.versions.archive_major()))?;
        provide_roles(client, &manifest.roles, options.create_roles)?;
        let server = client
            .query_one("SELECT current_setting('server_version')", &[])
            .map_err(doing("look up the server's version"))?
            .get(0);
        match client.batch_execute(&creation(&options.into, &manifest.database)) {
            Err(error) if error.code() == Some(&SqlState::DUPLICATE_DATABASE) => {
                return Err(Error::TargetExists(options.into.clone()));
            }
            created => created.map_err(doing("create the database"))?,
        }
        let (host, dbname) = (connection.host.clone(), options.into.clone());
        let settings = Settings { dbname, hosts: vec![host.clone()], ..settings };
        Ok(Self { connection, settings, host, server, is_kept: false })
    }
}

impl Drop for NewDatabase {
    fn drop(&mut self) {
        if !self.is_kept {
            // Something has failed already, and that is what is told.
            let _ = drop_database(&mut self.connection.client, &self.settings.dbname);
        }
    }
}

pub(super) fn drop_database(client: &mut Client, name: &str) -> Result<(), Error> {
    let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote_ident(name));
    client.batch_execute(&drop).map_err(doing("drop the database"))
}

/// A session from which databases can be created, and the settings that led there but for its database and schema.
pub(super) fn maintenance_session(
    settings: &Settings,
    wanted: Option<&str>,
) -> Result<(Connection, Settings), Error> {
    let bare = Settings { schema: None, ..settings.clone() };
    let open = |name: &str| Connection::open(&Settings { dbname: name.to_owned(), ..bare.clone() });
    let [first, second] = MAINTENANCE;
    let connection = match open(wanted.unwrap_or(first)) {
        Err(connection::Error::Connect { source, .. })
            if wanted.is_none() && source.code() == Some(&SqlState::INVALID_CATALOG_NAME) =>
        {
            open(second)?
        }
        opened => opened?,
    };
    Ok((connection, bare))
}

pub(super) fn server_major(client: &mut Client) -> Result<u32, Error> {
    let version = client.query_one("SELECT current_setting('server_version_num')::int / 10000", &[]);
    let major: i32 = version.map_err(doing("look up the server's version"))?.get(0);
    Ok(u32::try_from(major).unwrap_or_default())
}

/// Roles belong to the server, not to a database: what is restored refers to them by name.
fn provide_roles(client: &mut Client, roles: &[String], may_create: bool) -> Result<(), Error> {
    const MISSING: &str = "SELECT name FROM unnest($1::text[]) AS name WHERE to_regrole(quote_ident(name)) IS NULL ORDER BY name";
    let rows = client.query(MISSING, &[&roles]).map_err(doing("look up roles"))?;
    let missing: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    if !missing.is_empty() && !may_create {
        return Err(Error::MissingRoles(missing));
    }
    for role in &missing {
        let create = format!("CREATE ROLE {} NOLOGIN", quote_ident(role));
        client.batch_execute(&create).map_err(doing("create a role"))?;
    }
    Ok(())
}

/// The statement that creates a database like another one.
fn creation(name: &str, like: &Database) -> String {
    let mut statement = format!(
        "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}",
        quote_ident(name),
        quote_literal(&like.encoding),
        quote_literal(&like.collate),
        quote_literal(&like.ctype)
    );
    if let (Some(locale), provider @ ("icu" | "builtin")) = (&like.locale, like.provider.as_str()) {
        let option = if provider == "icu" { "ICU_LOCALE" } else { "BUILTIN_LOCALE" };
        statement.push_str(&format!(" LOCALE_PROVIDER {provider} {option} {}", quote_literal(locale)));
    }
    statement
}

/// Gives the new database the name of the old one, and the old one, if it is there, another. Returns that. Both happen, or
/// neither.
pub(super) fn swap(
    client: &mut Client,
    new: &str,
    live: &str,
    started_at: &str,
) -> Result<Option<String>, postgres::Error> {
    const EXISTS: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = $1)";
    let rename =
        |from: &str, to: &str| format!("ALTER DATABASE {} RENAME TO {}", quote_ident(from), quote_ident(to));
    let kept_as = name_before(live, started_at);
    let mut transaction = client.transaction()?;
    let is_there: bool = transaction.query_one(EXISTS, &[&live])?.get(0);
    if is_there {
        transaction.batch_execute(&rename(live, &kept_as))?;
    }
    transaction.batch_execute(&rename(new, live))?;
    transaction.commit()?;
    Ok(is_there.then_some(kept_as))
}

/// The name that a database goes by once another one has taken its own.
fn name_before(live: &str, started_at: &str) -> String {
    // Nothing that would have to stand in quotes.
    let time: String = started_at.chars().filter(char::is_ascii_digit).collect();
    let suffix = format!("_before_{time}");
    let mut name = live.to_owned();
    while name.len() + suffix.len() > LONGEST_NAME_BYTES {
        name.pop();
    }
    name + &suffix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_created_like_the_old_one() {
        let mut like = Database {
            name: "old".to_owned(),
            encoding: "UTF8".to_owned(),
            collate: "C".to_owned(),
            ctype: "it's".to_owned(),
            provider: "libc".to_owned(),
            locale: None,
        };
        assert_eq!(
            creation("a\"b", &like),
            "CREATE DATABASE \"a\"\"b\" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'it''s'"
        );
        like.provider = "icu".to_owned();
        like.locale = Some("de".to_owned());
        assert!(creation("x", &like).ends_with(" LOCALE_PROVIDER icu ICU_LOCALE 'de'"));
    }

    #[test]
    fn the_old_database_keeps_what_fits_of_its_name() {
        assert_eq!(name_before("ledger", "2026-11-25T10:00:00Z"), "ledger_before_20261125100000");
        let long = name_before(&"ü".repeat(31), "2026-11-25T10:00:00Z");
        assert!(long.len() <= LONGEST_NAME_BYTES && long.ends_with("_before_20261125100000"), "{long}");
    }
}
