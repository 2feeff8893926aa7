//! What the server says when it refuses, for people and for decisions.

use std::error::Error as _;
use std::fmt;
use std::io;

use postgres::error::{ErrorPosition, SqlState};

/// How the driver begins its message when no TLS came about, and ends the one about a missing password.
const TLS_FAILED: &str = "error performing TLS handshake";
const PASSWORD_MISSING: &str = "password missing";
/// What rustls says of a server's certificate that may sign others, which libpq takes.
const SELF_SIGNED: &str = "CaUsedAsEndEntity";

/// A server's refusal, or the loss of the connection.
#[derive(Debug, Clone, thiserror::Error)]
pub struct ServerError(Box<Refusal>);

/// In a box, so that results that may hold an error stay small.
#[derive(Debug, Clone, Default)]
struct Refusal {
    message: String,
    code: Option<SqlState>,
    detail: Option<String>,
    hint: Option<String>,
    position: Option<usize>,
    is_lost: bool,
    is_hung_up: bool,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(detail) = &self.0.detail {
            write!(f, " ({})", detail.trim_end_matches('.'))?;
        }
        match &self.0.code {
            Some(code) => write!(f, " [SQLSTATE {}]", code.code()),
            None => Ok(()),
        }
    }
}

impl ServerError {
    /// An error of the connection's own.
    #[cfg(test)]
    pub(crate) fn message(message: impl Into<String>) -> Self {
        Self::from(Refusal { message: message.into(), ..Refusal::default() })
    }

    /// The SQLSTATE, if the server gave one.
    pub fn code(&self) -> Option<&SqlState> {
        self.0.code.as_ref()
    }

    /// Where in the statement the fault is, in characters from 1, if the server can tell.
    pub(crate) fn position(&self) -> Option<usize> {
        self.0.position
    }

    /// What the server, or experience, advises.
    pub fn hint(&self) -> Option<String> {
        const NO_FUNCTION: &str = "42883";
        let code = self.0.code.as_ref().map(SqlState::code);
        // To a function that is not there the server advises type casts.
        if self.0.hint.is_some() && code != Some(NO_FUNCTION) {
            return self.0.hint.clone();
        }
        let hint = match code {
            Some("42501") => "The role lacks a privilege; connect as another one or have it granted.",
            Some(NO_FUNCTION) => {
                "The functions of pg_af are not on the search_path: `af-tools migrate up` creates the extension."
            }
            Some("28P01") => {
                "Check user and password: the password comes from the URL, else from PGPASSWORD, else from the password file."
            }
            Some("53300") => "Try again later, or raise max_connections on the server.",
            None if self.0.message.ends_with(PASSWORD_MISSING) => {
                "The server wants a password: give it in PGPASSWORD or in the password file (~/.pgpass)."
            }
            None if self.0.message.contains(SELF_SIGNED) => {
                "The server shows an authority's certificate as its own, such as a self-signed one: let that sign another one, with CA:FALSE, for the server."
            }
            None if self.0.message.starts_with(TLS_FAILED) => {
                "Check sslmode and sslrootcert, and what certificate the server has (`openssl s_client -starttls postgres`)."
            }
            Some("0A000" | "58P01") if self.0.message.contains("extension") => {
                "Install pg_af on the server (`make install` there), then run this again."
            }
            Some("40P01" | "40001") => "Another session was in the way; run this again.",
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// Whether the connection is gone, so that what the server did last is not known.
    pub fn is_lost(&self) -> bool {
        self.0.is_lost
    }

    /// Whether the connection was closed, rather than anything else said on it than was expected.
    pub(crate) fn is_hung_up(&self) -> bool {
        self.0.is_hung_up
    }

    /// Whether no TLS came about.
    pub(crate) fn is_about_tls(&self) -> bool {
        self.0.code.is_none() && self.0.message.starts_with(TLS_FAILED)
    }

    /// Whether the server wants a password, and none was given.
    pub(crate) fn lacks_password(&self) -> bool {
        self.0.code.is_none() && self.0.message.ends_with(PASSWORD_MISSING)
    }

    /// Whether the role lacks a privilege.
    pub(crate) fn is_about_privilege(&self) -> bool {
        self.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE)
    }

    /// Whether one row of a statement can be to blame, rather than the statement or the server.
    pub(crate) fn blames_a_row(&self) -> bool {
        let Some(code) = self.0.code.as_ref().map(SqlState::code) else { return false };
        // Data exception, integrity, program limit (a value too long or too deep), check option,
        // a row-level security policy.
        matches!(&code[..2.min(code.len())], "22" | "23" | "44" | "54") || code == "42501"
    }

    /// Whether a limit of the server was in the way, such as that on the length of a value.
    pub(crate) fn is_too_long(&self) -> bool {
        self.0.code.as_ref().is_some_and(|code| code.code().starts_with("54"))
    }

    /// Whether the server could not read what it has stored.
    pub(crate) fn is_damaged_data(&self) -> bool {
        self.0
            .code
            .as_ref()
            .is_some_and(|code| code.code().starts_with("XX") || code.code().starts_with("22"))
    }
}

impl From<Refusal> for ServerError {
    fn from(refusal: Refusal) -> Self {
        Self(Box::new(refusal))
    }
}

impl From<postgres::Error> for ServerError {
    fn from(error: postgres::Error) -> Self {
        if let Some(db) = error.as_db_error() {
            return Self::from(Refusal {
                message: db.message().to_owned(),
                code: Some(db.code().clone()),
                detail: db.detail().map(str::to_owned),
                hint: db.hint().map(str::to_owned),
                position: match db.position() {
                    Some(ErrorPosition::Original(position)) => usize::try_from(*position).ok(),
                    Some(ErrorPosition::Internal { .. }) | None => None,
                },
                // 57P01–57P03: the server shuts down or has crashed.
                is_lost: matches!(db.code().code(), "57P01" | "57P02"),
                is_hung_up: false,
            });
        }
        let io_error = error.source().and_then(|source| source.downcast_ref::<io::Error>());
        let is_lost = error.is_closed() || io_error.is_some();
        let is_hung_up = error.is_closed() || io_error.is_some_and(|error| closes(error.kind()));
        let mut message =
            if error.is_closed() { "the server closed the connection".to_owned() } else { error.to_string() };
        let mut source = error.source();
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        Self::from(Refusal { message, is_lost, is_hung_up, ..Refusal::default() })
    }
}

/// Whether that is what the other side's closing of a connection looks like.
fn closes(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

/// A name as an identifier, always in quotes.
pub(crate) fn quote_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as a literal, for statements that take no parameters, whatever standard_conforming_strings says.
pub(crate) fn quote_literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str) -> ServerError {
        let (message, code) = ("refused".to_owned(), Some(SqlState::from_code(code)));
        Refusal { message, code, ..Refusal::default() }.into()
    }

    #[test]
    fn tells_rows_from_statements() {
        for (code, blames) in [
            ("22P02", true),
            ("23505", true),
            ("54001", true),
            ("42501", true),
            ("42P01", false),
            ("40P01", false),
        ] {
            assert_eq!(error(code).blames_a_row(), blames, "{code}");
        }
        assert!(!ServerError::message("gone").blames_a_row());
    }

    #[test]
    fn advice_fits_the_error() {
        let mut missing = error("42883");
        missing.0.hint = Some("You might need to add explicit type casts.".to_owned());
        assert!(missing.hint().unwrap().contains("migrate up"));
        let mut other = error("42501");
        other.0.hint = Some("Must be superuser.".to_owned());
        assert_eq!(other.hint().as_deref(), Some("Must be superuser."));
        for (message, word) in [
            ("invalid configuration: password missing", "PGPASSWORD"),
            ("error performing TLS handshake: invalid peer certificate: UnknownIssuer", "sslrootcert"),
            ("error performing TLS handshake: invalid peer certificate: CaUsedAsEndEntity", "CA:FALSE"),
        ] {
            assert!(ServerError::message(message).hint().unwrap().contains(word), "{message}");
        }
        assert_eq!(ServerError::message("gone").hint(), None);
    }

    #[test]
    fn literals_hold_whatever_is_in_them() {
        assert_eq!(quote_literal("00000003-1"), "'00000003-1'");
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal(r"a\'b"), r"E'a\\''b'");
    }

    #[test]
    fn shows_detail_and_sqlstate() {
        let mut error = error("23514");
        error.0.detail = Some("Why.".to_owned());
        assert_eq!(error.to_string(), "refused (Why) [SQLSTATE 23514]");
    }
}
