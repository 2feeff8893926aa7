//! Settings as libpq's own variables, for PostgreSQL's client programs.

use std::ffi::OsString;

use super::session::options_text;
use super::{Address, Host, RootCertificates, Settings};

impl Settings {
    /// The variables that lead libpq to `host` as these settings lead us.
    pub fn libpq_variables(&self, host: &Host) -> Vec<(&'static str, OsString)> {
        let mut variables: Vec<(&'static str, OsString)> = vec![
            ("PGPORT", host.port.to_string().into()),
            ("PGUSER", (&self.user).into()),
            ("PGDATABASE", (&self.dbname).into()),
            ("PGSSLMODE", self.sslmode.name().into()),
            ("PGAPPNAME", (&self.application_name).into()),
            // Which is not spoken here either.
            ("PGGSSENCMODE", "disable".into()),
        ];
        match &host.address {
            Address::Socket(directory) => variables.push(("PGHOST", directory.into())),
            Address::Tcp { name, hostaddr } => {
                variables.push(("PGHOST", name.into()));
                variables.extend(hostaddr.map(|address| ("PGHOSTADDR", address.to_string().into())));
            }
        }
        variables.extend(host.password.as_ref().map(|password| ("PGPASSWORD", password.reveal().into())));
        variables.extend(self.root_certificates.as_ref().map(|roots| match roots {
            RootCertificates::System => ("PGSSLROOTCERT", "system".into()),
            RootCertificates::File(path) => ("PGSSLROOTCERT", path.into()),
        }));
        if let Some((certificate, key)) = &self.client_certificate {
            variables.extend([("PGSSLCERT", certificate.into()), ("PGSSLKEY", key.into())]);
        }
        if let Some(is_bound) = self.channel_binding {
            variables.push(("PGCHANNELBINDING", if is_bound { "require" } else { "disable" }.into()));
        }
        if let Some(timeout) = self.connect_timeout {
            // To libpq, 0 is for ever.
            variables.push(("PGCONNECT_TIMEOUT", timeout.as_secs().max(1).to_string().into()));
        }
        if !self.options.is_empty() {
            variables.push(("PGOPTIONS", options_text(&self.options).into()));
        }
        variables
    }
}

#[cfg(test)]
mod tests {
    use crate::connection::{Environment, Settings, Source};

    #[test]
    fn what_is_set_goes_to_libpq_and_nothing_else() {
        let url = "host=h hostaddr=127.0.0.1 port=7 user=u dbname=d password=p sslmode=verify-full sslrootcert=/ca \
                   sslcert=/c sslkey=/k channel_binding=require connect_timeout=5 options='-c geqo=off -c x.y=a\\\\\\ b'";
        let environment = Environment { user: Some("me".to_owned()), ..Environment::default() };
        let settings =
            Settings::resolve(&Source { url: Some(url.to_owned()), schema: None }, &environment).unwrap();
        let variables = settings.libpq_variables(&settings.hosts[0]);
        let get = |wanted| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| value.to_str().unwrap())
        };
        for (name, value) in [
            ("PGHOST", "h"),
            ("PGHOSTADDR", "127.0.0.1"),
            ("PGPORT", "7"),
            ("PGUSER", "u"),
            ("PGDATABASE", "d"),
            ("PGPASSWORD", "p"),
            ("PGSSLMODE", "verify-full"),
            ("PGSSLROOTCERT", "/ca"),
            ("PGSSLCERT", "/c"),
            ("PGSSLKEY", "/k"),
            ("PGCHANNELBINDING", "require"),
            ("PGCONNECT_TIMEOUT", "5"),
            ("PGOPTIONS", "-c geqo=off -c x.y=a\\ b"),
        ] {
            assert_eq!(get(name), Some(value), "{name}");
        }
        let settings =
            Settings::resolve(&Source { url: Some("host=h".to_owned()), schema: None }, &environment)
                .unwrap();
        let variables = settings.libpq_variables(&settings.hosts[0]);
        for absent in ["PGPASSWORD", "PGHOSTADDR", "PGSSLROOTCERT", "PGOPTIONS", "PGCHANNELBINDING"] {
            assert!(variables.iter().all(|(name, _)| *name != absent), "{absent}");
        }
    }
}
