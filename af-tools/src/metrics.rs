//! Metrics in Prometheus' text format, as a file for the textfile collector of node_exporter.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("write the metrics to {}", path.display())]
pub struct WriteError {
    path: PathBuf,
    source: io::Error,
}

/// Metrics as text.
#[derive(Debug, Default)]
pub(crate) struct Metrics(String);

impl Metrics {
    /// Adds a metric that goes up and down: its samples, each with its labels.
    pub(crate) fn gauge(&mut self, name: &str, help: &str, samples: Vec<(String, f64)>) {
        // A String takes whatever it is given.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in samples {
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }

    /// Writes them into a file: whoever reads it sees the old ones or the new ones, never a part.
    pub(crate) fn write(&self, path: &Path) -> Result<(), WriteError> {
        let replace = || {
            let directory = match path.parent() {
                Some(parent) if parent != Path::new("") => parent,
                _ => Path::new("."),
            };
            // In the same directory, for only within a file system a name can be given anew at once.
            let mut file = tempfile::Builder::new().prefix(".af-tools-").tempfile_in(directory)?;
            file.write_all(self.0.as_bytes())?;
            make_readable(file.as_file())?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        };
        replace().map_err(|source| WriteError { path: path.to_owned(), source })
    }
}

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Labels of a sample.
pub(crate) fn label(labels: &[(&str, &str)]) -> String {
    let quoted = labels.iter().map(|(name, value)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{name}=\"{value}\"")
    });
    format!("{{{}}}", quoted.collect::<Vec<_>>().join(","))
}

/// Who collects is another user, and a temporary file is its owner's alone.
#[cfg(unix)]
fn make_readable(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &std::fs::File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_quoted() {
        assert_eq!(label(&[("a", "b"), ("c", "d")]), r#"{a="b",c="d"}"#);
        assert_eq!(label(&[("a", "\\ \" \n")]), r#"{a="\\ \" \n"}"#);
    }
}
