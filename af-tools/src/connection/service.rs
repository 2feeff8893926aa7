//! The service file (`~/.pg_service.conf`): named sets of parameters.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::parameters::Parameters;
use super::{Environment, Error};

/// The parameters of `service`: from the user's file, else from the system's.
pub(super) fn lookup(
    service: &str,
    file: Option<&str>,
    environment: &Environment,
) -> Result<Parameters, Error> {
    let user_file = match file {
        Some(path) => Some((PathBuf::from(path), true)),
        None => environment.user_file(".pg_service.conf", ".pg_service.conf").map(|path| (path, false)),
    };
    let system_file =
        environment.get("PGSYSCONFDIR").map(|dir| (Path::new(dir).join("pg_service.conf"), false));
    for (path, must_exist) in user_file.into_iter().chain(system_file) {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => continue,
            Err(source) => return Err(Error::File { path, source }),
        };
        if let Some(parameters) = parse(&text, service)? {
            return Ok(parameters);
        }
    }
    Err(Error::Service { service: service.to_owned(), reason: "no service file defines it".to_owned() })
}

/// The section `[service]` of a file, if it is there.
fn parse(text: &str, service: &str) -> Result<Option<Parameters>, Error> {
    let error = |number: usize, reason: &str| Error::Service {
        service: service.to_owned(),
        reason: format!("line {number} of the service file: {reason}"),
    };
    let mut found = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if name.strip_suffix(']') == Some(service) {
                found = Some(Parameters::default());
            }
            continue;
        }
        let Some(parameters) = &mut found else { continue };
        let (keyword, value) = line.split_once('=').ok_or_else(|| error(number, "\"=\" missing"))?;
        match keyword {
            "service" | "servicefile" => return Err(error(number, "services cannot be nested")),
            // As in libpq, the first of two lines for one parameter counts.
            _ if parameters.get(keyword).is_none() => parameters.set(keyword, value.to_owned())?,
            _ => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# services\n[other]\nhost=elsewhere\n\n[ledger]\nhost=db.example\nport=5433\nport=9\n[next]\nnonsense\n";

    #[test]
    fn reads_one_section() {
        let parameters = parse(FILE, "ledger").unwrap().unwrap();
        assert_eq!(parameters.get("host"), Some("db.example"));
        assert_eq!(parameters.get("port"), Some("5433"));
        assert_eq!(parse(FILE, "absent").unwrap().map(|_| ()), None);
        let error = parse(FILE, "next").err().unwrap();
        assert_eq!(error.to_string(), "read service \"next\": line 10 of the service file: \"=\" missing");
        assert!(parse("[a]\nservice=b", "a").is_err());
    }

    #[test]
    fn a_named_file_must_be_there_and_the_system_file_comes_last() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("pg_service.conf"), FILE).unwrap();
        let mut environment =
            Environment { home: Some(directory.path().join("home")), ..Environment::default() };
        assert!(matches!(lookup("ledger", None, &environment), Err(Error::Service { .. })));
        assert!(matches!(lookup("ledger", Some("/nonexistent"), &environment), Err(Error::File { .. })));
        environment.variables.insert("PGSYSCONFDIR".to_owned(), directory.path().display().to_string());
        assert_eq!(lookup("ledger", None, &environment).unwrap().get("host"), Some("db.example"));
    }
}
