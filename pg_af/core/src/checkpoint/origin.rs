//! Which log a checkpoint is of.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

const SCHEME: &str = "pg_af";
const LEDGER: &str = "ledger";

/// What a checkpoint vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A tenant's chain: the leaves are its entries' hashes.
    Tenant(Uuid),
    /// All of them: the leaves are the texts of the checkpoints that were signed for tenants' chains, in their order.
    Ledger,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant(tenant_id) => tenant_id.fmt(f),
            Self::Ledger => f.write_str(LEDGER),
        }
    }
}

/// The name of a log of ours: `pg_af/SYSTEM/DATABASE/SCHEMA/TENANT/INCARNATION`, or with `ledger` for TENANT.
///
/// Names are percent-encoded but for what RFC 3986 calls unreserved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The cluster's system identifier, as `pg_control_system()` tells it.
    pub system: u64,
    /// The database.
    pub database: String,
    /// The schema of the table.
    pub schema: String,
    /// What it is about.
    pub subject: Subject,
    /// 1, and more wherever somebody has said that the chain begins again, such as after a restore.
    pub incarnation: u32,
}

impl Origin {
    /// The same for something else of the same ledger.
    pub fn about(&self, subject: Subject) -> Self {
        Self { subject, ..self.clone() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}/{}/", self.system)?;
        for name in [&self.database, &self.schema] {
            for byte in name.bytes() {
                match byte {
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                        write!(f, "{}", char::from(byte))?;
                    }
                    _ => write!(f, "%{byte:02X}")?,
                }
            }
            f.write_str("/")?;
        }
        write!(f, "{}/{}", self.subject, self.incarnation)
    }
}

/// A name that is none of our logs'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not of the form pg_af/SYSTEM/DATABASE/SCHEMA/TENANT/INCARNATION")]
pub struct ParseOriginError;

impl FromStr for Origin {
    type Err = ParseOriginError;

    fn from_str(text: &str) -> Result<Self, ParseOriginError> {
        let parse = || {
            let parts: Vec<&str> = text.split('/').collect();
            let [SCHEME, system, database, schema, subject, incarnation] = parts[..] else { return None };
            let subject = match subject {
                LEDGER => Subject::Ledger,
                tenant => Subject::Tenant(tenant.parse().ok()?),
            };
            Some(Self {
                system: system.parse().ok()?,
                database: decode(database)?,
                schema: decode(schema)?,
                subject,
                incarnation: incarnation.parse().ok().filter(|incarnation| *incarnation >= 1)?,
            })
        };
        // One log has one name: what is written otherwise is none.
        parse().filter(|origin| origin.to_string() == text).ok_or(ParseOriginError)
    }
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            decoded.push(u8::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_log_has_one_name() {
        let origin = |database: &str, subject| Origin {
            system: 7_399_180_912_841_038_105,
            database: database.to_owned(),
            schema: "public".to_owned(),
            subject,
            incarnation: 2,
        };
        for (origin, name) in [
            (origin("app", Subject::Ledger), "pg_af/7399180912841038105/app/public/ledger/2"),
            (
                origin("Müll/ 1+1", Subject::Tenant(Uuid::from_u128(1))),
                "pg_af/7399180912841038105/M%C3%BCll%2F%201%2B1/public/00000000-0000-0000-0000-000000000001/2",
            ),
        ] {
            assert_eq!(origin.to_string(), name);
            assert_eq!(name.parse(), Ok(origin));
            assert!(crate::note::is_key_name(name));
        }
    }

    #[test]
    fn other_names_are_refused() {
        for name in [
            "example.com/log",
            "pg_af/1/app/public/ledger",
            "pg_af/1/app/public/ledger/0",
            "pg_af/1/app/public/ledger/01",
            "pg_af/1/app/public/ledger/1/1",
            "pg_af/1/app/public/Ledger/1",
            "pg_af/1/a%2fb/public/ledger/1",
            "pg_af/1/a%4/public/ledger/1",
            "pg_af/1/%61pp/public/ledger/1",
            "pg_af/1/%FF/public/ledger/1",
            "pg_af/1/app/public/{00000000-0000-0000-0000-000000000001}/1",
            "pg_af/-1/app/public/ledger/1",
        ] {
            assert_eq!(name.parse::<Origin>(), Err(ParseOriginError), "{name}");
        }
    }
}
