//! The crate af-queries: a typed function for each query in sql/queries, prepared by a real server.

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::thread;

use af_tests::generated::Files;
use cornucopia::config::{Config, TypeMapping};
use tokio::runtime;
use tokio_postgres::NoTls;

const QUERIES: &str = "sql/queries";
/// Without the crate's Cargo.toml, which takes its dependencies from the workspace and is written by hand.
const SOURCES: &str = "af-tools/queries/src";

pub(crate) fn generate(url: &str, files: &mut Files) -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let krate = directory.path().join("af-queries");
    let config = Config::builder()
        .queries(QUERIES)
        .destination(&krate)
        .sync(true)
        .r#async(false)
        .add_type_mapping("pg_catalog.timestamptz", TypeMapping::Simple("time::OffsetDateTime".to_owned()))
        .add_type_mapping("pg_catalog.jsonb", json())
        .build();

    // The generator takes a client of tokio's, and leaves its connection to somebody else.
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let (client, connection) = runtime.block_on(tokio_postgres::connect(url, NoTls))?;
    let driver = thread::spawn(move || runtime.block_on(connection));
    // The report names the file and shows the place.
    cornucopia::gen_live(&client, config).map_err(cornucopia::Error::report)?;
    drop(client);
    driver.join().map_err(|_| "the connection's thread panicked")??;

    let sources = krate.join("src");
    format(&sources.join("lib.rs"))?;
    Ok(files.add_directory(SOURCES, &sources)?)
}

/// `serde_json::Value`, taken from the row as it is. Otherwise the row would hold JSON text, and turning that into a value
/// would panic where it holds a number that is too large or is nested too deeply, which is for whoever writes to decide.
/// Nothing else is done with what is said to be `Copy`, unless all columns of a row are: that would not compile.
fn json() -> TypeMapping {
    TypeMapping::Detailed {
        rust_type: "serde_json::Value".to_owned(),
        borrowed_type: Some("serde_json::Value".to_owned()),
        is_copy: true,
        attributes: Vec::new(),
        attributes_borrowed: Vec::new(),
        attributes_nullable: Vec::new(),
        attributes_borrowed_nullable: Vec::new(),
    }
}

/// As `cargo fmt` does it here.
fn format(root: &Path) -> Result<(), Box<dyn Error>> {
    let arguments = ["--edition", "2024", "--config-path", "rustfmt.toml"];
    let status = Command::new("rustfmt").args(arguments).arg(root).status()?;
    if status.success() { Ok(()) } else { Err(format!("rustfmt: {status}").into()) }
}
