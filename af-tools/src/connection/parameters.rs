//! Connection strings in both of libpq's spellings, and the parameters they may hold.

use std::collections::BTreeMap;

use super::Error;

/// What becomes of a parameter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Support {
    /// It is honoured.
    Honoured,
    /// It has no meaning here, and nothing is lost by that.
    Ignored,
    /// It would make a connection safer: to pass over it in silence would be wrong.
    Refused,
}

use Support::{Honoured, Ignored, Refused};

/// libpq's parameters with their environment variables (`PQconninfoOptions` in fe-connect.c).
const PARAMETERS: [(&str, &str, Support); 46] = [
    ("application_name", "PGAPPNAME", Honoured),
    ("channel_binding", "PGCHANNELBINDING", Honoured),
    ("client_encoding", "PGCLIENTENCODING", Ignored),
    ("connect_timeout", "PGCONNECT_TIMEOUT", Honoured),
    ("dbname", "PGDATABASE", Honoured),
    ("fallback_application_name", "", Honoured),
    ("gssdelegation", "PGGSSDELEGATION", Ignored),
    ("gssencmode", "PGGSSENCMODE", Honoured),
    ("gsslib", "PGGSSLIB", Ignored),
    ("host", "PGHOST", Honoured),
    ("hostaddr", "PGHOSTADDR", Honoured),
    ("keepalives", "", Honoured),
    ("keepalives_count", "", Ignored),
    ("keepalives_idle", "", Honoured),
    ("keepalives_interval", "", Ignored),
    ("krbsrvname", "PGKRBSRVNAME", Ignored),
    ("load_balance_hosts", "PGLOADBALANCEHOSTS", Ignored),
    ("max_protocol_version", "PGMAXPROTOCOLVERSION", Ignored),
    ("min_protocol_version", "PGMINPROTOCOLVERSION", Ignored),
    ("options", "PGOPTIONS", Honoured),
    ("passfile", "PGPASSFILE", Honoured),
    ("password", "PGPASSWORD", Honoured),
    ("port", "PGPORT", Honoured),
    ("replication", "", Refused),
    ("require_auth", "PGREQUIREAUTH", Refused),
    ("requirepeer", "PGREQUIREPEER", Refused),
    ("service", "PGSERVICE", Honoured),
    ("servicefile", "PGSERVICEFILE", Honoured),
    ("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION", Refused),
    ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION", Honoured),
    ("sslcert", "PGSSLCERT", Honoured),
    ("sslcertmode", "PGSSLCERTMODE", Refused),
    ("sslcompression", "PGSSLCOMPRESSION", Ignored),
    ("sslcrl", "PGSSLCRL", Refused),
    ("sslcrldir", "PGSSLCRLDIR", Refused),
    ("sslkey", "PGSSLKEY", Honoured),
    ("sslkeylogfile", "", Refused),
    ("sslmode", "PGSSLMODE", Honoured),
    ("sslnegotiation", "PGSSLNEGOTIATION", Refused),
    ("sslpassword", "", Refused),
    ("sslrootcert", "PGSSLROOTCERT", Honoured),
    ("sslsni", "PGSSLSNI", Ignored),
    ("target_session_attrs", "PGTARGETSESSIONATTRS", Honoured),
    ("tcp_user_timeout", "", Ignored),
    ("tty", "", Ignored),
    ("user", "PGUSER", Honoured),
];

/// Values by parameter; what is empty counts as not given, as in libpq.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Parameters(BTreeMap<&'static str, String>);

impl Parameters {
    /// Reads a URL or a `key=value` string.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let rest = text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://"));
        match rest {
            Some(rest) => Self::parse_url(rest),
            None if text.contains("://") => Err(Error::Malformed("the scheme is not postgresql://")),
            None => Self::parse_pairs(text),
        }
    }

    /// What the environment variables give.
    pub(super) fn from_variables<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Self, Error> {
        let mut parameters = Self::default();
        for (keyword, variable, _) in PARAMETERS {
            if let Some(value) = get(variable).filter(|_| !variable.is_empty()) {
                parameters.set(keyword, value.to_owned())?;
            }
        }
        Ok(parameters)
    }

    pub(super) fn get(&self, keyword: &str) -> Option<&str> {
        self.0.get(keyword).map(String::as_str)
    }

    /// Sets a parameter that was not set before.
    pub(super) fn set(&mut self, keyword: &str, value: String) -> Result<(), Error> {
        let (keyword, _, support) = *PARAMETERS
            .iter()
            .find(|(known, ..)| *known == keyword)
            .ok_or_else(|| Error::UnknownParameter(keyword.to_owned()))?;
        if value.is_empty() {
            return Ok(());
        }
        match support {
            Refused => Err(Error::Unsupported(keyword.to_owned())),
            Ignored => Ok(()),
            Honoured => {
                self.0.insert(keyword, value);
                Ok(())
            }
        }
    }

    /// Takes from `other` what is not set here.
    pub(super) fn fill_from(&mut self, other: Self) {
        for (keyword, value) in other.0 {
            self.0.entry(keyword).or_insert(value);
        }
    }

    fn parse_pairs(text: &str) -> Result<Self, Error> {
        let mut parameters = Self::default();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (keyword, after) =
                rest.split_once('=').ok_or(Error::Malformed("\"=\" missing after a keyword"))?;
            let keyword = keyword.trim_end();
            if keyword.is_empty() || keyword.contains(char::is_whitespace) {
                return Err(Error::Malformed("\"=\" missing after a keyword"));
            }
            if parameters.get("password").is_some() && !is_known(keyword) {
                return Err(Error::Malformed(
                    "an unknown parameter after the password; a value with spaces stands in single quotes",
                ));
            }
            let (value, after) = take_value(after.trim_start())?;
            parameters.set(keyword, value)?;
            rest = after.trim_start();
        }
        Ok(parameters)
    }

    fn parse_url(rest: &str) -> Result<Self, Error> {
        let mut parameters = Self::default();
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        // A password with an unescaped "/" ends there; the rest of it must not be told as a host, nor below, after a
        // "?", as a parameter.
        if !authority.contains('@') && authority.contains(':') && database.contains('@') {
            return Err(Error::Malformed(
                "an \"@\" in the name of the database; in a password \"/\" is written %2F, elsewhere \"@\" %40",
            ));
        }
        let (credentials, hosts) = match authority.rsplit_once('@') {
            Some((credentials, hosts)) => (Some(credentials), hosts),
            None => (None, authority),
        };
        if let Some(credentials) = credentials {
            let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
            parameters.set("user", percent_decode(user)?)?;
            parameters.set("password", percent_decode(password)?)?;
        }
        parameters.set_hosts(hosts)?;
        parameters.set("dbname", percent_decode(database)?)?;
        for pair in query.into_iter().flat_map(|query| query.split('&')).filter(|pair| !pair.is_empty()) {
            let (keyword, value) =
                pair.split_once('=').ok_or(Error::Malformed("\"=\" missing in the query of the URL"))?;
            let (keyword, value) = (percent_decode(keyword)?, percent_decode(value)?);
            if value.contains('@') && !is_known(&keyword) {
                return Err(Error::Malformed(
                    "an unknown parameter with an \"@\" in its value; in a password \"?\" is written %3F",
                ));
            }
            // The spelling of JDBC, which libpq understands too.
            if (keyword.as_str(), value.as_str()) == ("ssl", "true") {
                parameters.set("sslmode", "require".to_owned())?;
            } else {
                parameters.set(&keyword, value)?;
            }
        }
        Ok(parameters)
    }

    /// `host:port,host:port`, where a host may be an IPv6 address in brackets.
    fn set_hosts(&mut self, text: &str) -> Result<(), Error> {
        let (mut hosts, mut ports) = (Vec::new(), Vec::new());
        for host in text.split(',') {
            let (host, port) = match host.strip_prefix('[') {
                Some(rest) => {
                    let (host, rest) = rest
                        .split_once(']')
                        .ok_or(Error::Malformed("\"]\" missing after an IPv6 address"))?;
                    match rest.strip_prefix(':') {
                        Some(port) => (host, port),
                        None if rest.is_empty() => (host, ""),
                        None => return Err(Error::Malformed("something follows an IPv6 address")),
                    }
                }
                None => host.split_once(':').unwrap_or((host, "")),
            };
            hosts.push(percent_decode(host)?);
            ports.push(percent_decode(port)?);
        }
        for (keyword, values) in [("host", hosts), ("port", ports)] {
            if values.iter().any(|value| !value.is_empty()) {
                self.set(keyword, values.join(","))?;
            }
        }
        Ok(())
    }
}

fn is_known(keyword: &str) -> bool {
    keyword == "ssl" || PARAMETERS.iter().any(|(known, ..)| *known == keyword)
}

/// A value of a `key=value` string, bare or in single quotes, and what follows it.
fn take_value(text: &str) -> Result<(String, &str), Error> {
    let quoted = text.strip_prefix('\'');
    let mut value = String::new();
    let mut chars = quoted.unwrap_or(text).char_indices();
    while let Some((at, next)) = chars.next() {
        match next {
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            '\'' if quoted.is_some() => {
                let rest = &text[at + 2..];
                return if rest.is_empty() || rest.starts_with(char::is_whitespace) {
                    Ok((value, rest))
                } else {
                    Err(Error::Malformed("something follows a quoted value"))
                };
            }
            next if quoted.is_none() && next.is_whitespace() => return Ok((value, &text[at..])),
            next => value.push(next),
        }
    }
    if quoted.is_some() {
        return Err(Error::Malformed("a quoted value does not end"));
    }
    Ok((value, ""))
}

fn percent_decode(text: &str) -> Result<String, Error> {
    const MALFORMED: Error =
        Error::Malformed("a percent sign in the URL is not followed by two hexadecimal digits");
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digits =
            [bytes.next(), bytes.next()].map(|digit| digit.and_then(|digit| char::from(digit).to_digit(16)));
        let [Some(high), Some(low)] = digits else { return Err(MALFORMED) };
        match (high * 16 + low) as u8 {
            0 => return Err(Error::Malformed("the URL holds a zero byte")),
            byte => decoded.push(byte),
        }
    }
    String::from_utf8(decoded).map_err(|_| Error::Malformed("the URL is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Vec<(&'static str, String)> {
        Parameters::parse(text).unwrap().0.into_iter().collect()
    }

    fn pairs(pairs: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        pairs.iter().map(|(keyword, value)| (*keyword, (*value).to_owned())).collect()
    }

    #[test]
    fn table_is_sorted_and_free_of_doubles() {
        assert!(PARAMETERS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn reads_urls() {
        assert_eq!(parse("postgresql://"), []);
        assert_eq!(parse("postgres:///db"), pairs(&[("dbname", "db")]));
        assert_eq!(
            parse("postgres://me:p%40ss%3A@db.example:5433/a%20b?sslmode=verify-full&application_name=x"),
            pairs(&[
                ("application_name", "x"),
                ("dbname", "a b"),
                ("host", "db.example"),
                ("password", "p@ss:"),
                ("port", "5433"),
                ("sslmode", "verify-full"),
                ("user", "me")
            ])
        );
        assert_eq!(
            parse("postgresql://[::1]:1,b,%2Frun%2Fpg:3/"),
            pairs(&[("host", "::1,b,/run/pg"), ("port", "1,,3")])
        );
        assert_eq!(
            parse("postgresql:///?host=/run/pg&ssl=true"),
            pairs(&[("host", "/run/pg"), ("sslmode", "require")])
        );
    }

    #[test]
    fn reads_pairs() {
        assert_eq!(
            parse(r"host = h  user='Zo\'e \\ x' password=a\ b dbname=''"),
            pairs(&[("host", "h"), ("password", "a b"), ("user", r"Zo'e \ x")])
        );
    }

    #[test]
    fn refuses_the_malformed_without_repeating_it() {
        for bad in [
            "secret",
            "user",
            "user='secret",
            "user='secret'x",
            "=secret",
            "postgres://secret%zz@h",
            "postgres://secret%00@h",
            "postgres://[::1",
            "postgres://h?secret",
            "http://secret@h/",
            "postgres://u:pass?secret=word@h/d",
            "postgres://u:pass?a&secret@h/d",
            "postgres://u:secret/word@h/d",
            "postgres://u:12345/secret@h/d",
            "user=u password=pass secret=word",
            "mysql://secret",
        ] {
            let error = Parameters::parse(bad).err().map(|error| error.to_string());
            assert!(error.as_ref().is_some_and(|text| !text.contains("secret")), "{bad}: {error:?}");
        }
        for bad in ["hots=h", "requirepeer=root", "postgres://h?sslcrl=x"] {
            assert!(Parameters::parse(bad).is_err(), "{bad}");
        }
    }
}
