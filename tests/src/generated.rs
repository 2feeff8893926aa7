//! Files that are checked in although they are generated: what there should be, compared with what there is. The program
//! `generate` fills it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Files by their paths in the source tree.
#[derive(Debug, Default)]
pub struct Files {
    contents: BTreeMap<PathBuf, String>,
    /// Directories in which nothing else may be.
    directories: Vec<PathBuf>,
}

impl Files {
    /// A file that is generated as a whole.
    pub fn add(&mut self, path: impl Into<PathBuf>, content: String) {
        self.contents.insert(path.into(), content);
    }

    /// A directory that is generated as a whole, as it is at `source`.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn add_directory(&mut self, path: &str, source: &Path) -> io::Result<()> {
        for file in files_in(source)? {
            let below = file.strip_prefix(source).expect("a file of the directory");
            self.add(Path::new(path).join(below), fs::read_to_string(&file)?);
        }
        self.directories.push(path.into());
        Ok(())
    }

    /// The part of a document between the lines `<!-- begin NAME … -->` and `<!-- end NAME -->`.
    ///
    /// # Errors
    ///
    /// When there is no such document, or no such part of it.
    pub fn add_section(&mut self, path: &str, name: &str, section: &str) -> io::Result<()> {
        let document = match self.contents.get(Path::new(path)) {
            Some(content) => content.clone(),
            None => fs::read_to_string(path)?,
        };
        let replaced = replace_section(&document, name, section).ok_or_else(|| {
            io::Error::other(format!("{path}: no `<!-- begin {name} … -->` with its `<!-- end {name} -->`"))
        })?;
        self.add(path, replaced);
        Ok(())
    }

    /// The files that are not as they should be, or should not be.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn stale(&self) -> io::Result<BTreeSet<PathBuf>> {
        let mut stale = BTreeSet::new();
        for (path, content) in &self.contents {
            match fs::read(path) {
                Ok(found) if found == content.as_bytes() => {}
                Ok(_) => {
                    stale.insert(path.clone());
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    stale.insert(path.clone());
                }
                Err(error) => return Err(error),
            }
        }
        for directory in self.directories.iter().filter(|directory| directory.exists()) {
            stale.extend(files_in(directory)?.into_iter().filter(|path| !self.contents.contains_key(path)));
        }
        Ok(stale)
    }

    /// Writes those, and removes what should not be. A file that is right keeps its time, so that nothing is built again.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub fn write(&self) -> io::Result<()> {
        for path in self.stale()? {
            match self.contents.get(&path) {
                Some(content) => {
                    if let Some(parent) = path.parent() {
                        fs::create_dir_all(parent)?;
                    }
                    fs::write(&path, content)?;
                }
                None => fs::remove_file(&path)?,
            }
        }
        Ok(())
    }
}

fn replace_section(document: &str, name: &str, section: &str) -> Option<String> {
    let begin = document.find(&format!("<!-- begin {name} "))?;
    let from = begin + document[begin..].find("-->\n")? + "-->\n".len();
    let to = from + document[from..].find(&format!("<!-- end {name} -->\n"))?;
    Some(format!("{}{section}{}", &document[..from], &document[to..]))
}

fn files_in(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_in(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_and_nothing_else() {
        let document = "one\n<!-- begin list (by hand: no) -->\nold\n<!-- end list -->\ntwo\n";
        assert_eq!(
            replace_section(document, "list", "new\n").unwrap(),
            "one\n<!-- begin list (by hand: no) -->\nnew\n<!-- end list -->\ntwo\n"
        );
        assert_eq!(replace_section(document, "other", ""), None);
        assert_eq!(replace_section("<!-- begin list -->\nwithout an end\n", "list", ""), None);
    }

    #[test]
    fn what_differs_is_named_and_then_written() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for (name, content) in [("right", "right"), ("wrong", "old"), ("extra", "")] {
            fs::write(at(name), content).unwrap();
        }
        let mut files = Files::default();
        files.directories.push(directory.path().to_owned());
        files.add(at("right"), "right".to_owned());
        files.add(at("wrong"), "new".to_owned());
        files.add(at("below/missing"), "new".to_owned());
        let stale = files.stale().unwrap();
        assert_eq!(stale.into_iter().collect::<Vec<_>>(), [at("below/missing"), at("extra"), at("wrong")]);
        files.write().unwrap();
        assert_eq!(files.stale().unwrap(), BTreeSet::new());
        assert_eq!(fs::read_to_string(at("below/missing")).unwrap(), "new");
        assert!(!at("extra").exists());
    }
}
