//! Selective restore: some tables, or one tenant's rows, into a database to look at them in.
//!
//! The rows are taken from the decoded dump and copied in by a session of ours. Constraints and triggers come after them, as
//! ever; a foreign key is left out where rows that it leads to may be.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use postgres::Client;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::archive::Archive;
use super::copy_text::{Block, Step, field};
use super::database::NewDatabase;
use super::drill;
use super::manifest::Manifest;
use super::restore::{CHECK_STEP, Clock, Options, Receipt, pg_restore};
use super::{Error, doing, files, now, verify};
use crate::connection::{Connection, Settings};
use crate::programs;
use crate::watch::Watch;

/// How many bytes of rows go by one statement.
const BATCH_BYTES: usize = 4 << 20;

/// What is wanted of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// These tables, with or without schema; all if there is none.
    pub tables: Vec<String>,
    /// This tenant's rows; everybody's if there is none.
    pub tenant: Option<Uuid>,
}

/// What was restored of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What was wanted.
    pub selection: Selection,
    /// How many rows of each table were restored.
    pub rows: BTreeMap<String, u64>,
}

/// Restores a part of the backup in a directory into a new database, and verifies the chains and messages that are in it.
pub fn restore_part(
    path: &Path,
    settings: &Settings,
    options: &Options,
    selection: &Selection,
    watch: &mut dyn Watch,
) -> Result<Receipt, Error> {
    let (started_at, mut clock) = (now(), Clock::start());
    let opened = verify::manifest(path)?;
    let manifest = &opened.content;
    let wanted = wanted(manifest, &selection.tables)?;
    if manifest.database.encoding != "UTF8" {
        return Err(Error::Encoding(manifest.database.encoding.clone()));
    }
    verify::require_whole(path, manifest, options.jobs, watch)?;
    clock.step("hash the files");
    let mut new = NewDatabase::create(settings, manifest, options)?;
    clock.step("create the database");
    let archive = verify::archive(path, manifest)?;
    pg_restore(&archive, &new, options.jobs, &["--section=pre-data"], watch)?;
    clock.step("restore the schema");
    let settings = Settings { schema: Some(manifest.ledger_schema.clone()), ..new.settings.clone() };
    let mut connection = Connection::open(&settings)?;
    let mut copier = Copier {
        client: &mut connection.client,
        wanted: &wanted,
        tenant: selection.tenant.map(|tenant| tenant.to_string()),
        tenants_table: manifest.platform_table("tenants"),
        state: None,
        rows: BTreeMap::new(),
    };
    archive.data(watch, &mut |block, step| copier.take(block, step))?;
    let rows = copier.rows;
    clock.step("copy the rows");
    post_data(&archive, &new, options.jobs, !selection.tables.is_empty(), watch)?;
    clock.step("restore constraints and triggers");
    let part = Part { selection: selection.clone(), rows };
    let checks = drill::drill_part(&mut connection, manifest, &part, options.jobs, watch)?;
    clock.step(CHECK_STEP);
    new.is_kept = true;
    let mut receipt =
        Receipt::new(&opened, options.into.clone(), new.server.clone(), started_at, clock, checks);
    receipt.part = Some(part);
    Ok(receipt)
}

/// The full names of the tables that are meant.
fn wanted(manifest: &Manifest, names: &[String]) -> Result<Vec<String>, Error> {
    let tables = manifest.facts.tables.iter().filter(|table| table.rows.is_some());
    let tables: Vec<&str> = tables.map(|table| table.name.as_str()).collect();
    if names.is_empty() {
        return Ok(tables.into_iter().map(str::to_owned).collect());
    }
    let find = |name: &String| {
        let in_ledger = manifest.platform_table(name);
        let found = tables.iter().find(|table| **table == *name || **table == in_ledger);
        found.map(|table| (*table).to_owned()).ok_or_else(|| Error::NoSuchTable(name.clone()))
    };
    names.iter().map(find).collect()
}

/// Copies the wanted rows into the new database.
struct Copier<'a> {
    client: &'a mut Client,
    wanted: &'a [String],
    tenant: Option<String>,
    tenants_table: String,
    /// Of the block at hand, if its table is wanted: the column that says whose a row is, and the rows not yet copied.
    state: Option<(Option<usize>, Vec<u8>)>,
    rows: BTreeMap<String, u64>,
}

impl Copier<'_> {
    fn take(&mut self, block: &Block, step: Step<'_>) -> Result<(), Error> {
        match step {
            Step::Begin => {
                self.state = self.wanted.contains(&block.table).then(|| (self.column(block), Vec::new()));
                if self.state.is_some() {
                    self.rows.entry(block.table.clone()).or_insert(0);
                }
                Ok(())
            }
            Step::Row(line) => {
                let Some((column, batch)) = &mut self.state else { return Ok(()) };
                let is_wanted = match (&self.tenant, column) {
                    (Some(tenant), Some(column)) => field(line, *column) == Some(tenant.as_bytes()),
                    _ => true,
                };
                if is_wanted {
                    batch.extend_from_slice(line);
                    *self.rows.entry(block.table.clone()).or_insert(0) += 1;
                }
                if batch.len() >= BATCH_BYTES { self.flush(block) } else { Ok(()) }
            }
            Step::End => {
                self.flush(block)?;
                self.state = None;
                Ok(())
            }
        }
    }

    /// By which column a row is somebody's; a table without one is nobody's, and is taken whole.
    fn column(&self, block: &Block) -> Option<usize> {
        let name = if block.table == self.tenants_table { "id" } else { "tenant_id" };
        block.columns.iter().position(|column| column == name)
    }

    fn flush(&mut self, block: &Block) -> Result<(), Error> {
        let Some((_, batch)) = self.state.as_mut().filter(|(_, batch)| !batch.is_empty()) else {
            return Ok(());
        };
        let mut copy = self.client.copy_in(&block.statement).map_err(doing("copy rows"))?;
        copy.write_all(batch).map_err(Error::CopyRows)?;
        copy.finish().map_err(doing("copy rows"))?;
        batch.clear();
        Ok(())
    }
}

/// What comes after the rows; without foreign keys, where rows that they lead to may have been left out.
fn post_data(
    archive: &Archive,
    new: &NewDatabase,
    jobs: u16,
    is_without_foreign_keys: bool,
    watch: &mut dyn Watch,
) -> Result<(), Error> {
    const SECTION: &str = "--section=post-data";
    if !is_without_foreign_keys {
        return pg_restore(archive, new, jobs, &[SECTION], watch);
    }
    let mut command = programs::offline(&archive.pg_restore);
    command.arg("--list").arg(&archive.path);
    let contents = programs::output(command)?;
    let contents = String::from_utf8_lossy(&contents).into_owned();
    let kept: Vec<&str> = contents.lines().filter(|line| !is_foreign_key(line)).collect();
    let file =
        tempfile::NamedTempFile::new().map_err(files::failed("create", Path::new("a list of contents")))?;
    std::fs::write(file.path(), kept.join("\n")).map_err(files::failed("write", file.path()))?;
    let list = format!("--use-list={}", file.path().display());
    pg_restore(archive, new, jobs, &[SECTION, &list], watch)
}

/// Whether a line of an archive's contents is a foreign key: `3456; 2606 16600 FK CONSTRAINT public audits …`.
fn is_foreign_key(line: &str) -> bool {
    let mut words = line.split_whitespace().skip(3);
    words.next() == Some("FK") && words.next() == Some("CONSTRAINT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_keys_are_told_from_what_is_named_like_them() {
        for (line, expected) in [
            ("3456; 2606 16600 FK CONSTRAINT public audits audits_tenant_id_fkey postgres", true),
            ("3456; 2606 16600 CONSTRAINT public audits audits_pkey postgres", false),
            ("3456; 1259 16600 TABLE public FK CONSTRAINT postgres", false),
            ("; Archive created at", false),
        ] {
            assert_eq!(is_foreign_key(line), expected, "{line}");
        }
    }
}
