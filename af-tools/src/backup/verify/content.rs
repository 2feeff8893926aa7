//! What is in a backup's files against what its manifest promises.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

use super::{Finding, finding};
use crate::backup::archive::Archive;
use crate::backup::copy_text::Step;
use crate::backup::facts::Facts;
use crate::backup::manifest::{DUMP, Manifest, SCHEMA};
use crate::backup::member::{Member, table_data};
use crate::backup::{Error, Table, files};
use crate::programs;
use crate::watch::Watch;

/// More than any schema has: what is compressed may be longer than memory.
const MAX_SCHEMA_BYTES: u64 = 1 << 30;

/// Whether the files, which are those of the manifest, hold what it promises. Says how many rows were decoded.
pub(super) fn check(
    path: &Path,
    manifest: &Manifest,
    members: &BTreeMap<String, Member>,
    watch: &mut dyn Watch,
    findings: &mut Vec<Finding>,
) -> Result<Option<u64>, Error> {
    let damaged = members.iter().filter_map(|(name, member)| Some((name, member.rows.as_ref().err()?)));
    findings.extend(damaged.map(|(name, damage)| finding("undecodable", name, damage)));
    if !findings.is_empty() {
        return Ok(None);
    }
    let noted = schema_text(path)?;
    if files::sha256(&noted) != manifest.schema_sha256 {
        findings.push(finding("schema", SCHEMA, "it is not the schema that the manifest tells of"));
    }
    let archive = archive(path, manifest)?;
    let decoded = archive.schema().and_then(|schema| Ok((schema, rows(&archive, members, watch)?)));
    let (schema, rows) = match decoded {
        Ok(decoded) => decoded,
        Err(error @ (Error::Program(programs::Error::Failed { .. }) | Error::Cut(_))) => {
            findings.push(finding("undecodable", DUMP, error.to_string()));
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    if schema != noted {
        findings.push(finding("schema", DUMP, "the dump leads to another schema than the manifest tells of"));
    }
    findings.extend(row_findings(&manifest.facts, &rows));
    Ok(Some(rows.values().sum()))
}

/// The archive of the backup in a directory.
pub(in crate::backup) fn archive(path: &Path, manifest: &Manifest) -> Result<Archive, Error> {
    Archive::new(path.join(DUMP), manifest.versions.archive_major())
}

/// The schema's text as it was noted.
pub(in crate::backup) fn schema_text(path: &Path) -> Result<String, Error> {
    let path = path.join(SCHEMA);
    let file = File::open(&path).map_err(files::failed("open", &path))?;
    let mut text = String::new();
    let read = GzDecoder::new(file).take(MAX_SCHEMA_BYTES).read_to_string(&mut text);
    read.map_err(files::failed("decompress", &path))?;
    Ok(text)
}

/// How many rows of each table an archive has whose files were read and not found damaged.
pub(in crate::backup) fn rows(
    archive: &Archive,
    members: &BTreeMap<String, Member>,
    watch: &mut dyn Watch,
) -> Result<BTreeMap<String, u64>, Error> {
    let data = members.iter().filter_map(|(name, member)| Some((table_data(name)?.0, member)));
    let data: Option<Vec<(&str, u64)>> =
        data.map(|(number, member)| Some((number, *member.rows.as_ref().ok()?.as_ref()?))).collect();
    let Some(data) = data else { return decoded_rows(archive, watch) };
    let tables = archive.tables()?;
    let mut rows = BTreeMap::new();
    for (number, count) in data {
        // What no table's data is in restores to nothing: it is as if its rows were not there.
        if let Some(table) = tables.get(number) {
            *rows.entry(table.clone()).or_insert(0) += count;
        }
    }
    Ok(rows)
}

/// The same where the files' compression is one that only pg_restore knows.
fn decoded_rows(archive: &Archive, watch: &mut dyn Watch) -> Result<BTreeMap<String, u64>, Error> {
    let mut counted = BTreeMap::new();
    let mut rows = 0;
    archive.data(watch, &mut |block, step| {
        match step {
            Step::Begin => rows = 0,
            Step::Row(_) => rows += 1,
            Step::End => *counted.entry(block.table.clone()).or_insert(0) += rows,
        }
        Ok(())
    })?;
    Ok(counted)
}

/// The rows of a dump against those that were counted in the database.
pub(in crate::backup) fn row_findings(facts: &Facts, counted: &BTreeMap<String, u64>) -> Vec<Finding> {
    let of_table = |table: &Table| match (table.rows, counted.get(&table.name)) {
        (Some(rows), Some(dumped)) if rows == *dumped => None,
        (Some(rows), Some(dumped)) => {
            let detail = format!("the dump has {dumped} rows, and the database had {rows}");
            Some(finding("rows", &table.name, detail))
        }
        (Some(rows), None) => {
            let detail = format!("the dump does not have the table's data, and the database had {rows} rows");
            Some(finding("rows", &table.name, detail))
        }
        (None, Some(dumped)) => {
            let detail = format!("the dump has {dumped} rows, and should have none of this table");
            Some(finding("rows", &table.name, detail))
        }
        (None, None) => None,
    };
    facts.tables.iter().filter_map(of_table).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, rows: Option<u64>) -> Table {
        let (owner, row_security) = ("o".to_owned(), "off".to_owned());
        Table {
            name: name.to_owned(),
            rows,
            owner,
            row_security,
            triggers: BTreeMap::new(),
            grants: Vec::new(),
        }
    }

    #[test]
    fn rows_are_compared_table_by_table() {
        let tables = vec![table("a", Some(2)), table("b", Some(0)), table("c", None)];
        let facts = Facts { tables, sequences: Vec::new(), not_valid: Vec::new(), heads: Vec::new() };
        let findings = |counted: &[(&str, u64)]| -> Vec<String> {
            let counted = counted.iter().map(|(name, rows)| ((*name).to_owned(), *rows)).collect();
            row_findings(&facts, &counted).into_iter().map(|finding| finding.subject).collect()
        };
        assert_eq!(findings(&[("a", 2), ("b", 0)]), [""; 0]);
        assert_eq!(findings(&[("a", 1), ("b", 0)]), ["a"]);
        assert_eq!(findings(&[("a", 2)]), ["b"]);
        assert_eq!(findings(&[("a", 2), ("b", 0), ("c", 0)]), ["c"]);
    }
}
