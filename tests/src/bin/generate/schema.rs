//! sql/schema.sql: what the migrations lead to, as pg_dump tells it, once they have gone all their ways.

use std::error::Error;

use af_tests::database::settings;
use af_tests::generated::Files;
use af_tools::migrate::{self, Migrations, Source};

const FILE: &str = "sql/schema.sql";

pub(crate) fn generate(url: &str, files: &mut Files) -> Result<(), Box<dyn Error>> {
    let migrations = Migrations::read(&Source::Embedded)?;
    let trip = migrate::round_trip(&settings(url), &migrations, None, &mut ())?;
    if !trip.findings.is_empty() {
        return Err("`af-tools migrate test` finds something: it says what".into());
    }
    files.add(FILE, trip.file());
    Ok(())
}
