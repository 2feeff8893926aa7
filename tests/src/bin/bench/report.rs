//! The report: tables for people, JSON for programs, plots.

mod markdown;
mod svg;

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::figure::Figure;
use crate::machine::Machine;

const JSON: &str = "results.json";
const MARKDOWN: &str = "results.md";

/// All that was measured, and on what.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) figures: Vec<Figure>,
}

impl Report {
    /// The tables, for a terminal.
    pub(crate) fn text(&self) -> String {
        markdown::render(self, false)
    }

    /// What an earlier run left in a directory.
    pub(crate) fn read(directory: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(directory.join(JSON)).ok()?).ok()
    }

    /// With the figures of an earlier run that this one did not measure, if that was on the same machine with the same
    /// versions and settings.
    pub(crate) fn completed_from(&self, earlier: Option<&Self>) -> Self {
        let earlier = earlier.filter(|earlier| earlier.machine == self.machine);
        let mut figures = earlier.map_or_else(Vec::new, |earlier| earlier.figures.clone());
        for figure in &self.figures {
            match figures.iter_mut().find(|earlier| earlier.name == figure.name) {
                Some(earlier) => earlier.clone_from(figure),
                None => figures.push(figure.clone()),
            }
        }
        Self { machine: self.machine.clone(), figures }
    }

    /// Writes all files.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), Error> {
        fs::create_dir_all(directory)?;
        let write = |name: &str, content: String| {
            let path = directory.join(name);
            fs::write(&path, content).map_err(|error| format!("write {}: {error}", path.display()))
        };
        write(MARKDOWN, markdown::render(self, true))?;
        write(JSON, serde_json::to_string(self)? + "\n")?;
        for figure in &self.figures {
            write(&svg::file_name(figure), svg::render(figure))?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::figure::{Point, Sample};

    pub(crate) fn point(label: &str, seconds: [f64; 3]) -> Point {
        let samples = seconds.map(|seconds| Sample::new(1_000_000, seconds)).to_vec();
        Point { label: label.to_owned(), group: None, x: None, samples }
    }

    pub(crate) fn report(figures: Vec<Figure>) -> Report {
        let machine = Machine {
            processor: "A <fast> one".to_owned(),
            cores: 2,
            has_sha_instructions: true,
            memory_gb: 8,
            system: "Linux 6.1".to_owned(),
            file_system: "ext4".to_owned(),
            postgresql: "15.1".to_owned(),
            pg_af: "0.1.0".to_owned(),
            settings: vec![("fsync".to_owned(), "on".to_owned())],
        };
        Report { machine, figures }
    }

    #[test]
    fn a_directory_gathers_the_runs_of_one_machine() {
        let figure = |name: &str, seconds: f64| Figure::new(name, "t", "row", vec![point("a", [seconds; 3])]);
        let directory = tempfile::tempdir().unwrap();
        let out = directory.path().join("new");
        report(vec![figure("one", 1.0), figure("two", 1.0)]).write(&out).unwrap();
        assert!(fs::read_to_string(out.join("two.svg")).unwrap().starts_with("<svg"));
        assert!(fs::read_to_string(out.join(MARKDOWN)).unwrap().contains("(two.svg)"));

        let earlier = Report::read(&out);
        let later = report(vec![figure("two", 5.0), figure("three", 5.0)]).completed_from(earlier.as_ref());
        let seconds = |report: &Report| {
            let figures = report.figures.iter();
            figures
                .map(|figure| (figure.name.clone(), figure.points[0].samples[0].seconds))
                .collect::<Vec<_>>()
        };
        let expected =
            [("one", 1.0), ("two", 5.0), ("three", 5.0)].map(|(name, seconds)| (name.to_owned(), seconds));
        assert_eq!(seconds(&later), expected);

        let mut elsewhere = report(vec![figure("two", 5.0)]);
        elsewhere.machine.cores = 64;
        assert_eq!(elsewhere.completed_from(earlier.as_ref()).figures.len(), 1);
    }
}
